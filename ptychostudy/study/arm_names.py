"""Which models of a record are arms: ours, and those of other programs by names of a user's own."""

from collections.abc import Iterable

from ptychostudy.study.names import ARMS, CONTROLS


def arms_of(models: Iterable[str]) -> list[str]:
    """Return the arms among some models: ours, in any case, then those of other programs."""
    return [*ARMS, *foreign(models)]


def foreign(models: Iterable[str]) -> list[str]:
    """Return which of some models are neither our arms nor controls, in alphabetical order."""
    return sorted(set(models) - {*ARMS, *CONTROLS})
