"""Dry runs of `full` and of the finished quick study beside Snakemake's own start and beside bare jobs.

Bare jobs are the same jobs and files and nothing of ours (`bare_study.py`): what configuration, package and rules add.
"""

import os
import subprocess
import tempfile
from pathlib import Path

from measuring import CEILING, TURNS, processor_s, python, row_of

ROOT = Path(__file__).resolve().parent.parent
START = ["snakemake", "--version"]


def rows(hub):
    """Yield the rows of a study that nothing is made of yet, and of one that is finished."""
    with tempfile.TemporaryDirectory() as folder:
        for study in ("config", "full"):
            empty = Path(folder) / study
            empty.mkdir()
            yield from of_jobs("quick" if study == "config" else study, empty, ROOT / f"config/{study}.yaml")
    finished = [(processor_s(plan(hub)), processor_s(START)) for _ in range(TURNS)]
    yield row_of("snakemake -n of finished quick", finished, (CEILING, "snakemake --version"))


def plan(hub, *words):
    return ["snakemake", "-n", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(hub), *map(str, words)]


def of_jobs(name, folder, config):
    """Yield both rows of a study; the first dry run also fills the cache of digests."""
    ours = plan(folder, "--configfile", config)
    listed = subprocess.run(ours, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    paths = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(python(ROOT / "bench/bare_study.py", folder), check=True, input=listed, env=paths)
    bare = ["snakemake", "-n", "--snakefile", str(folder / "Snakefile"), "--directory", str(folder)]
    turns = [[processor_s(words) for words in (ours, bare, START)] for _ in range(TURNS)]
    title = f"snakemake -n of {name}, {listed.count(b'    jobid: ')} jobs"
    yield row_of(title, [(own, start) for own, _, start in turns], (CEILING, "snakemake --version"))
    yield row_of(title, [(own, other) for own, other, _ in turns], (CEILING, "the same jobs, nothing of ours"))
