"""Targets: who asks Snakemake for the verdict on a study asks for the whole study.

Of a file target Snakemake plans what leads to it, and misses neither an intermediate file that was
deleted nor a check that failed after the file was written. Of a rule without output it misses every
input. Snakemake sets the targets after it has read the workflow, and plans after that: in between
they are widened.
"""

import os
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any


def widened(targets: Iterable[str], verdicts: Collection[str], whole: str) -> frozenset[str]:
    """Return the targets, and the rule ``whole`` with them where one of them is a verdict.

    Parameters
    ----------
    targets : iterable of str
        Files, relative to the working directory however they are spelt, and rules.
    verdicts : collection of str
        Files, as their rules spell them.
    whole : str
        Rule without output whose inputs are the whole study.
    """
    asked = frozenset(targets)
    if any(os.path.normpath(target) in verdicts for target in asked):
        return asked | {whole}
    return asked


def widen(workflow: Any, verdicts: Collection[str], whole: str) -> None:
    """Widen the targets of a workflow that is being read; parameters as of `widened`.

    Parameters
    ----------
    workflow : snakemake.workflow.Workflow
        Its public attribute ``dag_settings`` (version 9.27) is set once, when the workflow has been
        read.
    verdicts, whole
    """

    # mypy takes no computed base class; Snakemake's own is known only where it reads a workflow.
    class Widened(type(workflow)):  # type: ignore[misc]
        """Snakemake's workflow with other targets than it is given."""

        @property
        def dag_settings(self) -> Any:
            """How Snakemake plans; nothing before the workflow has been read."""
            return self.__dict__.get("dag_settings")

        @dag_settings.setter
        def dag_settings(self, value: Any) -> None:
            if value is not None:
                targets = widened(value.targets, verdicts, whole)
                value = replace(value, targets=targets)
            self.__dict__["dag_settings"] = value

    workflow.__class__ = Widened
