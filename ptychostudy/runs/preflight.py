"""Before the first job: what a profile, a command line or a machine lacks, said in one line.

Snakemake passes over a rule's name that is misspelt in ``set-resources``; its Slurm plug-in (2.8) finds out what is
missing while it submits, and then waits for ever. Nothing here needs NumPy, and nothing is asked for a local run.
"""

import difflib
import getpass
import re
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

TIMEOUT_S = 5
"""Seconds one of Slurm's commands has to answer; what it does not say by then is not held against the run."""
PROGRAMS = {
    "sbatch": "submits",
    "squeue": "asks how jobs are",
    "scancel": "cancels",
    "sinfo": "finds the default partition",
    "scontrol": "tells how long squeue remembers a job",
}
"""What the plug-in calls in every run, and what for; ``srun`` it calls on the node, where we cannot look."""
INSTEAD = {
    "account": "slurm_account",
    "partition": "slurm_partition",
    "memory": "mem_mb",
    "memory per CPU": "mem_mb_per_cpu",
    "number of tasks": "tasks",
    "tasks per GPU": "tasks_per_gpu",
    "CPUs per task": "cpus_per_task",
    "CPUs per GPU": "cpus_per_gpu",
    "runtime/time limit": "runtime, in minutes",
    "node constraints": "constraint",
    "quality of service": "qos",
    "number of nodes": "nodes",
    "cluster specification": "clusters",
    "generic resources (GRES)": "gres",
    "GPU allocation": "gpu, or gpu_model beside it",
}
"""The plug-in's name of what a word asks for, and the resource that asks for it; the rest it sets by itself."""
STANDARD = (
    "_cores",
    "_nodes",
    "mem",
    "mem_mb",
    "mem_mib",
    "disk",
    "disk_mb",
    "disk_mib",
    "runtime",
    "tmpdir",
)
"""Resources that mean something whether or not a rule names them."""
# Calls of Snakemake that run no job.
_NO_JOBS = (
    "dryrun touch lint list_target_rules list_rules print_compilation containerize generate_unit_tests dag rulegraph "
    "filegraph d3dag unlock cleanup_metadata conda_cleanup_envs conda_create_envs_only list_conda_envs cleanup_shadow "
    "container_cleanup_images list_changes list_input_changes list_params_changes list_untracked summary "
    "detailed_summary archive delete_all_output delete_temp_output"
).split()


class PreflightError(Exception):
    """What is wrong, and what is needed, in one line."""


def command_line() -> Namespace | None:
    """Return what Snakemake made of command line and profiles; None where no command line started it.

    While it reads a workflow, Snakemake 9 keeps executor and groups to itself: the workflow gets them afterwards. So
    they are looked up in the call that holds them. What is changed in them there is what Snakemake goes on with.
    """
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        found = frame.f_locals.get("args") if frame.f_code.co_name == "args_to_api" else None
        if isinstance(found, Namespace):
            return found
    return None


def rule_names(folder: Path) -> set[str]:
    """Return the names of all rules that a workflow's files can define, those of other studies among them."""
    files = [folder / "Snakefile", *sorted((folder / "rules").glob("*.smk"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    defined = re.findall(r"^[ ]*(?:rule|checkpoint)\s+(\w+)\s*:", text, re.MULTILINE)
    return {
        *defined,
        *re.findall(
            r"^[ ]*use\s+rule\s+\w+\s+(?:from\s+\w+\s+)?as\s+(\w+)\b(?!\*)", text, re.MULTILINE
        ),
    }


def check_names(
    line: Namespace, rules: Collection[str], scatters: Collection[str], resources: Collection[str]
) -> None:
    """Refuse the settings of a rule, a scatter, a resource or a group that there is not.

    Parameters
    ----------
    line : Namespace
        Of `command_line`.
    rules, scatters, resources : collection of str
        Names that mean something here. Each rule is one of a further seed, too: ``seed_{k}_{rule}``.

    Raises
    ------
    PreflightError
        Snakemake would pass over the setting, and run the rule as if nothing had been said.
    """
    arrays = getattr(
        line, "slurm_array_jobs", None
    )  # not said, it is no string, and without the plug-in not there
    for option, kind, given, known in (
        ("set-resources", "rule", line.set_resources, rules),
        ("set-threads", "rule", line.set_threads, rules),
        ("groups", "rule", line.groups, rules),
        (
            "slurm-array-jobs",
            "rule",
            re.split(r"[,;\s]+", arrays) if isinstance(arrays, str) else (),
            {*rules, "", "all"},
        ),
        ("set-scatter", "scatter", line.set_scatter, scatters),
        ("set-resource-scopes", "resource", line.set_resource_scopes, resources),
        ("group-components", "group", line.group_components, set((line.groups or {}).values())),
    ):
        _known(option, kind, given or (), known)


def _known(option: str, kind: str, given: Iterable[str], known: Collection[str]) -> None:
    for name in given:
        plain = re.sub(r"^seed_\d+_", "", name) if kind == "rule" else name
        if plain in known:
            continue
        close = difflib.get_close_matches(plain, known, 1)
        meant = (
            f"did you mean {name.removesuffix(plain)}{close[0]}?"
            if close
            else _list("known", known)
        )
        raise PreflightError(
            f"{option} names the {kind} {name!r}, which this workflow does not have; {meant}"
        )


def _list(title: str, names: Collection[str]) -> str:
    return f"{title}: {', '.join(sorted(names)) or 'none'}"


def check_slurm(line: Namespace, rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what the Slurm plug-in could not submit.

    Parameters
    ----------
    line : Namespace
        Of `command_line`.
    rules : mapping of str to mapping of str to Resource
        The resources of each rule that goes to Slurm.

    Raises
    ------
    PreflightError
    """
    if line.executor != "slurm":
        return
    check_words(_said(line, rules, "slurm_extra"))
    if any(getattr(line, name, None) for name in _NO_JOBS) or (
        line.report and not line.report_after_run
    ):
        return
    accounts = _said(line, rules, "slurm_account")
    unnamed = any("slurm_account" not in list(of) for of in rules.values())
    check_programs(guesses_account=unnamed, named=bool(accounts))
    elsewhere = any(_said(line, rules, key) for key in ("cluster", "clusters", "slurm_cluster"))
    if not elsewhere:
        check_partitions(_said(line, rules, "slurm_partition"))
    check_accounts(accounts)


def _said(line: Namespace, rules: Mapping[str, Mapping[str, Any]], key: str) -> dict[str, str]:
    """Return each value of a resource and who says it; a value that depends on the job is not known yet."""
    found: dict[str, str] = {}
    default = _text((line.default_resources or {}).get(key))
    for rule, resources in rules.items():
        if not (value := _text(resources.get(key))):
            continue
        if key in list((line.set_resources or {}).get(rule, ())):  # as a mapping it has every key
            found.setdefault(value, f"set-resources of {rule}")
        else:
            found.setdefault(value, "default-resources" if value == default else f"rule {rule}")
    return found


def _text(resource: Any) -> str:
    """Return the value of one of Snakemake's resources; those of a profile are expressions."""
    if resource is None:
        return ""
    try:
        known = resource.evaluate({}, input=(), attempt=1, threads=1, rulename="", async_run=None)
        return str(known.value or "")
    except Exception:  # whatever such an expression asks of its job
        return ""


def check_words(said: Mapping[str, str]) -> None:
    """Refuse a ``slurm_extra`` with a word that the plug-in forbids there: it has a resource for each.

    Parameters
    ----------
    said : mapping of str to str
        Each text, and who says it.

    Raises
    ------
    PreflightError
    """
    if not said:
        return
    from snakemake_executor_plugin_slurm.validation import get_forbidden_slurm_options

    for text, who in said.items():
        for pattern, meaning in get_forbidden_slurm_options().items():
            if match := re.search(pattern, text):
                word = match[0].strip(" =")
                do = (
                    f"say it by the resource {INSTEAD[meaning]}"
                    if meaning in INSTEAD
                    else "leave it out"
                )
                why = "which the Slurm plug-in sets itself"
                raise PreflightError(
                    f"slurm_extra in {who} ({text!r}) has {word}, {why} and refuses there: {do}"
                )


def check_programs(*, guesses_account: bool, named: bool) -> None:
    """Refuse a machine without the commands that the plug-in calls.

    Parameters
    ----------
    guesses_account, named : bool
        A job has no ``slurm_account``; a job has one.

    Raises
    ------
    PreflightError
    """
    needed = dict(PROGRAMS)
    if guesses_account:
        needed["sacct"] = "guesses your account where slurm_account names none"
    if named:
        needed |= {"sacctmgr": "looks slurm_account up", "sshare": "looks slurm_account up, too"}
    missing = [f"{name} ({purpose})" for name, purpose in needed.items() if not shutil.which(name)]
    if missing:
        raise PreflightError(
            f"no {', '.join(missing)} on PATH: start a Slurm run where Slurm's commands are, as on a login node "
            f"(`module load slurm` at some sites), or leave out --profile slurm to run on this machine"
        )


def check_partitions(said: Mapping[str, str]) -> None:
    """Refuse a partition that Slurm does not have.

    Parameters
    ----------
    said : mapping of str to str
        Each ``slurm_partition``, and who says it.

    Raises
    ------
    PreflightError
        Also where Slurm answers with an error; where it does not answer in time, nothing is known and nothing raised.
    """
    answer = _ask("sinfo", "--all", "--noheader", "--format=%R")
    if answer is None:
        return
    if answer.returncode:
        raise PreflightError(f"Slurm does not answer: {_one_line(answer.stderr)}")
    known = set(answer.stdout.split())
    for value, who in said.items():
        for name in value.split(","):
            if name not in known:
                has = ", ".join(sorted(known))
                raise PreflightError(
                    f"slurm_partition in {who} is {name!r}; this Slurm has {has} (SITE in the profile)"
                )


def check_accounts(said: Mapping[str, str]) -> None:
    """Refuse an account that the accounting knows not to be the user's; it is asked as the plug-in asks it.

    Parameters
    ----------
    said : mapping of str to str
        Each ``slurm_account``, and who says it.

    Raises
    ------
    PreflightError
    """
    if not said:
        return
    user = getpass.getuser()
    first = ("sacctmgr", "-n", "-s", "list", "user", user, "format=account%256")
    for command in (first, ("sshare", "-U", "--format", "Account%256", "--noheader")):
        answer = _ask(*command)
        if (
            answer is not None
            and answer.returncode == 0
            and (known := set(answer.stdout.lower().split()))
        ):
            break
    else:
        return
    for value, who in said.items():
        for name in filter(None, re.split(r"[,\s]+", value)):
            if name.lower() not in known:
                has = ", ".join(sorted(known))
                raise PreflightError(
                    f"slurm_account in {who} is {name!r}; {user} has {has} (SITE in the profile)"
                )


def _ask(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip()) or "no word of why"
