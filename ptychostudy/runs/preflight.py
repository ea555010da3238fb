"""Before the first job: a name of a profile or a command line that means nothing here.

Snakemake passes over a rule's name that is misspelt in ``set-resources``, and runs the rule as if
nothing had been said.
"""

import difflib
import re
import sys
from argparse import Namespace
from collections.abc import Collection, Iterable
from pathlib import Path

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
_OPTIONS = {
    "set-resources": "rule",
    "set-threads": "rule",
    "groups": "rule",
    "set-scatter": "scatter",
    "set-resource-scopes": "resource",
    "group-components": "group",
}
"""Options whose values begin with a name, and what it is the name of."""
_DEFINED = re.compile(r"^[ ]*(?:rule|checkpoint)\s+(\w+)\s*:", re.MULTILINE)
# A rule under a new name; `as *` and `as prefix_*` name none.
_USED = re.compile(r"^[ ]*use\s+rule\s+\w+\s+(?:from\s+\w+\s+)?as\s+(\w+)\b(?!\*)", re.MULTILINE)


class PreflightError(Exception):
    """What is wrong, and what is needed, in one line."""


def command_line() -> Namespace | None:
    """Return what Snakemake made of command line and profiles; None where none started it.

    While it reads a workflow, Snakemake 9 keeps executor and groups to itself: the workflow gets
    them afterwards. So they are looked up in the call that holds them. What is changed in them
    there is what Snakemake goes on with.
    """
    frame = sys._getframe()
    while frame.f_back is not None:
        frame = frame.f_back
        if frame.f_code.co_name == "args_to_api":
            arguments = frame.f_locals.get("args")
            if isinstance(arguments, Namespace):
                return arguments
    return None


def rule_names(folder: Path) -> set[str]:
    """Return the names of all rules that a workflow's files can define.

    Those of other studies are among them, so a profile that serves several is not refused.
    """
    files = [folder / "Snakefile", *sorted((folder / "rules").glob("*.smk"))]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    return {*_DEFINED.findall(text), *_USED.findall(text)}


def check_names(
    line: Namespace, rules: Collection[str], scatters: Collection[str], resources: Collection[str]
) -> None:
    """Refuse the settings of a rule, a scatter, a resource or a group that there is not.

    Parameters
    ----------
    line : Namespace
        Of `command_line`.
    rules, scatters, resources : collection of str
        Names that mean something here. Each rule is one of a further seed, too:
        ``seed_{k}_{rule}``.

    Raises
    ------
    PreflightError
        Snakemake would pass over the setting, and run the rule as if nothing had been said.
    """
    groups = set((line.groups or {}).values())
    known = {"rule": rules, "scatter": scatters, "resource": resources, "group": groups}
    for option, kind in _OPTIONS.items():
        given = getattr(line, option.replace("-", "_"))
        _check_each(option, kind, given or (), known[kind])
    _check_each("slurm-array-jobs", "rule", _array_rules(line), {*rules, "all"})


def _array_rules(line: Namespace) -> list[str]:
    # Without the Slurm plug-in it is not there, and where it is not said it is no string.
    value = getattr(line, "slurm_array_jobs", None)
    if not isinstance(value, str):
        return []
    return [name for name in re.split(r"[,;\s]+", value) if name]


def _check_each(option: str, kind: str, given: Iterable[str], known: Collection[str]) -> None:
    for name in given:
        plain = re.sub(r"^seed_\d+_", "", name) if kind == "rule" else name
        if plain not in known:
            meant = _meant(plain, known, prefix=name.removesuffix(plain))
            raise PreflightError(
                f"{option} names the {kind} {name!r}, which this workflow does not have; {meant}"
            )


def _meant(name: str, known: Collection[str], *, prefix: str) -> str:
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"did you mean {prefix}{close[0]}?"
    return f"known: {', '.join(sorted(known)) or 'none'}"
