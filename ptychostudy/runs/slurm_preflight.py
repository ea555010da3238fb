"""Before the first Slurm job: what the plug-in would refuse, or wait for, said in one line.

The Slurm plug-in (2.8) finds out what is missing while it submits, and then waits for ever. Nothing
is asked for a local run.
"""

import getpass
import re
import shutil
import subprocess
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from ptychostudy.runs.preflight import PreflightError

TIMEOUT_S = 5
"""Seconds one of Slurm's commands has to answer; later its word is not held against the run."""
PROGRAMS = {
    "sbatch": "submits",
    "squeue": "asks how jobs are",
    "scancel": "cancels",
    "sinfo": "finds the default partition",
    "scontrol": "tells how long squeue remembers a job",
}
"""What the plug-in calls in every run, and what for; ``srun`` is called on the node, unseen."""
_GUESSING = {"sacct": "guesses your account where slurm_account names none"}
_LOOKING_UP = {
    "sacctmgr": "looks slurm_account up",
    "sshare": "looks slurm_account up, too",
}
_ELSEWHERE = ("cluster", "clusters", "slurm_cluster")
"""Resources that send a job to a cluster of its own choice."""
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
"""The plug-in's name of what a word asks for, and the resource for it; the rest it sets itself."""
# Calls of Snakemake that run no job.
_NO_JOBS = (
    "dryrun touch lint list_target_rules list_rules print_compilation containerize "
    "generate_unit_tests dag rulegraph filegraph d3dag unlock cleanup_metadata conda_cleanup_envs "
    "conda_create_envs_only list_conda_envs cleanup_shadow container_cleanup_images list_changes "
    "list_input_changes list_params_changes list_untracked summary detailed_summary archive "
    "delete_all_output delete_temp_output"
).split()


def check_slurm(line: Namespace, rules: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what the Slurm plug-in could not submit.

    Parameters
    ----------
    line : Namespace
        Of `preflight.command_line`.
    rules : mapping of str to mapping of str to Resource
        The resources of each rule that goes to Slurm.

    Raises
    ------
    PreflightError
    """
    if line.executor != "slurm":
        return
    check_words(_said(line, rules, "slurm_extra"))
    if _runs_jobs(line):
        _check_site(line, rules)


def _runs_jobs(line: Namespace) -> bool:
    only_report = line.report and not line.report_after_run
    return not only_report and not any(getattr(line, name, None) for name in _NO_JOBS)


def _check_site(line: Namespace, rules: Mapping[str, Mapping[str, Any]]) -> None:
    accounts = _said(line, rules, "slurm_account")
    # A Resources object answers every key; only its list says which were given.
    unnamed = any("slurm_account" not in list(resources) for resources in rules.values())
    check_programs(guesses_account=unnamed, named=bool(accounts))
    # Partitions of another cluster are not those that sinfo lists here.
    if not any(_said(line, rules, key) for key in _ELSEWHERE):
        check_partitions(_said(line, rules, "slurm_partition"))
    if accounts:
        check_accounts(accounts)


def _said(line: Namespace, rules: Mapping[str, Mapping[str, Any]], key: str) -> dict[str, str]:
    """Return each value of a resource and who says it first.

    A value that depends on the job is not known yet, and is left out.
    """
    default = _text((line.default_resources or {}).get(key))
    said: dict[str, str] = {}
    for rule, resources in rules.items():
        value = _text(resources.get(key))
        if value:
            said.setdefault(value, _sayer(line, rule, key, is_default=value == default))
    return said


def _sayer(line: Namespace, rule: str, key: str, *, is_default: bool) -> str:
    # As a mapping it has every key.
    if key in list((line.set_resources or {}).get(rule, ())):
        return f"set-resources of {rule}"
    return "default-resources" if is_default else f"rule {rule}"


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
    """Refuse a ``slurm_extra`` with a word that the plug-in forbids: it has a resource for each.

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
    # Only here: who runs no job on Slurm need not have its plug-in.
    from snakemake_executor_plugin_slurm.validation import get_forbidden_slurm_options

    for text, sayer in said.items():
        for pattern, meaning in get_forbidden_slurm_options().items():
            match = re.search(pattern, text)
            if match:
                raise PreflightError(_forbidden(match[0].strip(" ="), meaning, text, sayer))


def _forbidden(word: str, meaning: str, text: str, sayer: str) -> str:
    resource = INSTEAD.get(meaning)
    advice = f"say it by the resource {resource}" if resource else "leave it out"
    return (
        f"slurm_extra in {sayer} ({text!r}) has {word}, which the Slurm plug-in sets itself "
        f"and refuses there: {advice}"
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
        needed.update(_GUESSING)
    if named:
        needed.update(_LOOKING_UP)
    missing = [f"{name} ({purpose})" for name, purpose in needed.items() if not shutil.which(name)]
    if missing:
        raise PreflightError(
            f"no {', '.join(missing)} on PATH: start a Slurm run where Slurm's commands are, as on "
            "a login node (`module load slurm` at some sites), or leave out --profile slurm to run "
            "on this machine"
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
        Also where Slurm answers with an error; where it does not answer in time, nothing is known
        and nothing raised.
    """
    answer = _ask("sinfo", "--all", "--noheader", "--format=%R")
    if answer is None:
        return
    if answer.returncode:
        raise PreflightError(f"Slurm does not answer: {_one_line(answer.stderr)}")
    known = set(answer.stdout.split())
    # A job may name several, of which Slurm takes one.
    for value, sayer in said.items():
        for name in value.split(","):
            if name not in known:
                raise PreflightError(
                    f"slurm_partition in {sayer} is {name!r}; this Slurm has "
                    f"{', '.join(sorted(known))} (SITE in the profile)"
                )


def check_accounts(said: Mapping[str, str]) -> None:
    """Refuse an account that the accounting knows not to be the user's.

    Parameters
    ----------
    said : mapping of str to str
        Each ``slurm_account``, and who says it.

    Raises
    ------
    PreflightError
    """
    user = getpass.getuser()
    known = _accounts_of(user)
    # Where the accounting says nothing, as without a database, every account may be right.
    if not known:
        return
    for value, sayer in said.items():
        for name in filter(None, re.split(r"[,\s]+", value)):
            if name.lower() not in known:
                raise PreflightError(
                    f"slurm_account in {sayer} is {name!r}; {user} has "
                    f"{', '.join(sorted(known))} (SITE in the profile)"
                )


def _accounts_of(user: str) -> set[str]:
    """Return the user's accounts in lower case; they are asked for as the plug-in asks."""
    listed = ("sacctmgr", "-n", "-s", "list", "user", user, "format=account%256")
    shared = ("sshare", "-U", "--format", "Account%256", "--noheader")
    for command in (listed, shared):
        answer = _ask(*command)
        if answer is None or answer.returncode:
            continue
        accounts = set(answer.stdout.lower().split())
        if accounts:
            return accounts
    return set()


def _ask(*command: str) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return None


def _one_line(text: str) -> str:
    return "; ".join(line.strip() for line in text.splitlines() if line.strip()) or "no word of why"
