"""The start of a run: what a person gets wrong, and what was damaged meanwhile, is said before it.

Snakemake passes over a name that is misspelt and compares files by their times, so neither would be
noticed before much was computed.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ptychostudy.io.sums import check_touched
from ptychostudy.runs import blocked, liveness, preflight, slurm_preflight
from ptychostudy.study import layout

SEEN = liveness.STATE / "ptychostudy.seen"
INVENTORY = Path(layout.INVENTORY)
_ANALYSES = (
    layout.ANALYSIS_FOLDER,
    f"{layout.SEEDS_FOLDER}/*/{layout.ANALYSIS_FOLDER}",
)


def check_settings(workflow: Any, scatters: Collection[str]) -> None:
    """Refuse what a profile or a command line says that means nothing, or could not be submitted.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        With all its rules; of another start than by a command line nothing is known, or refused.
    scatters : collection of str
        Names of its scatter-gather processes.

    Raises
    ------
    PreflightError
    """
    line = preflight.command_line()
    if line is None:
        return
    resources = submitted_resources(workflow)
    rules = preflight.rule_names(Path(workflow.basedir))
    preflight.check_names(line, rules, scatters, known_resources(workflow, resources))
    slurm_preflight.check_slurm(line, resources)


def submitted_resources(workflow: Any) -> dict[str, Mapping[str, Any]]:
    """Return the resources of each rule whose jobs an executor for clusters would submit."""
    local = workflow._localrules
    return {rule.name: rule.resources for rule in workflow.rules if rule.name not in local}


def known_resources(workflow: Any, resources: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Return the resources that mean something: Snakemake's, the workflow's, the rules'."""
    names = {*preflight.STANDARD, *workflow.global_resources}
    for of_rule in resources.values():
        names.update(of_rule)
    return names


def check_files(planned: Iterable[str]) -> None:
    """Refuse a study with a file that was damaged or replaced under its old time.

    Parameters
    ----------
    planned : iterable of str
        Files that the rules write, relative to the working directory, there or not.

    Raises
    ------
    DataError
    """
    check_touched(written_files(planned), SEEN, inventory=INVENTORY)


def written_files(planned: Iterable[str]) -> list[str]:
    """Return the files that jobs write; those of an analysis that is planned no more among them."""
    files = set(planned)
    for folder in _ANALYSES:
        files.update(str(path) for path in Path().glob(f"{folder}/*"))
    # People may write into the ledger.
    files.discard(str(blocked.LEDGER))
    return sorted(files)
