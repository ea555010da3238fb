"""What Snakemake itself would do: its dry run in a process of its own, taken apart."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ptychostudy import provenance
from ptychostudy.runs import snakemake_log

SNAKEFILE = provenance.ROOT / "Snakefile"
_BEGIN = "Building DAG of jobs"
_MEMORY = re.compile(r"\bmem_mb=(\d+)")


@dataclass(frozen=True)
class Job:
    """A job that would run.

    Attributes
    ----------
    rule : str
    inputs, outputs : tuple of str
        Paths relative to the hub.
    reason : str
        Snakemake's words.
    benchmark : str
        Where its time is noted, or nothing.
    threads : int
    memory_mb : int
        What it asks for; 0 where it does not say.
    gpus : int
        The same.
    """

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    reason: str
    benchmark: str
    threads: int
    memory_mb: int
    gpus: int = 0


def dry_run(hub: Path, targets: Sequence[str], configfile: Path | None) -> list[Job]:
    """Return the jobs that Snakemake would run; rules that only collect files are left out.

    Parameters
    ----------
    hub : Path
        Working directory of the study.
    targets : sequence of str
        Files or rules; none is the whole study.
    configfile : Path or None
        As of ``snakemake --configfile``.

    Raises
    ------
    ValueError
        With what Snakemake says, where it refuses.
    """
    command = [sys.executable, "-m", "snakemake", "-n", "--nocolor", "--snakefile", str(SNAKEFILE)]
    if configfile is not None:
        command += ["--configfile", str(configfile.resolve())]
    done = subprocess.run(
        [*command, "--", *targets],
        cwd=hub,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"snakemake -n refuses: {_refusal(done.stdout)}")
    jobs = [_job(rule, values) for rule, values in snakemake_log.planned(done.stdout)]
    return [job for job in jobs if job.outputs]


def makers_of(jobs: Sequence[Job]) -> dict[str, Job]:
    """Return the job that would make each file."""
    return {path: job for job in jobs for path in job.outputs}


def _refusal(text: str) -> str:
    """Return what Snakemake said, without its heading."""
    own = [line for line in text.splitlines() if line.startswith("ptychostudy: ")]
    said = own or text.partition(_BEGIN)[2].splitlines()[1:] or text.splitlines()[-5:]
    return " ".join(line.strip() for line in said if line.strip())


def _job(rule: str, values: dict[str, str]) -> Job:
    memory = _MEMORY.search(values.get("resources", ""))
    return Job(
        rule,
        inputs=tuple(values["input"].split(", ")) if "input" in values else (),
        outputs=snakemake_log.outputs_of(values),
        reason=values.get("reason", ""),
        benchmark=values.get("benchmark", ""),
        threads=int(values.get("threads", 1)),
        memory_mb=int(memory[1]) if memory else 0,
    )
