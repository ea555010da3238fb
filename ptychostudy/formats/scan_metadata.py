"""Metadata of scans: what was done to a scan, step by step, in the form that a summary judges."""

from collections.abc import Mapping, Sequence
from typing import Any

SCHEMA_VERSION = "1.1"
STEPS = "data_transformations"


def make_step(stage: str, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what one stage did to a scan.

    Parameters
    ----------
    stage : str
        Its name.
    operation : str
        What it does.
    parameters : mapping
        All that decides how.
    """
    return {
        "tool": f"ptychostudy.{stage}",
        "operation": operation,
        "parameters": dict(parameters),
    }


def scan_metadata(physics: Mapping[str, Any], steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the metadata of a scan.

    Parameters
    ----------
    physics : mapping
        ``N`` and what else is known of it: ``pixel_size_m``, ``nphotons``.
    steps : sequence of mapping
        From the first to the last.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "physics_parameters": dict(physics),
        STEPS: list(steps),
    }
