"""Which models of a record are arms: ours, and those of other programs by names of a user's own."""

from collections.abc import Iterable
from typing import Final

from ptychostudy.study.names import ARMS, CONTROLS, NETWORKS

# Not in `names`, which every stage reads: no network is trained anew for an arm that few ask for.
FEED_FORWARD: Final = "FeedForward"
"""PtychoPINN as its authors published it: one pass over groups, physics in the loss alone."""

HYBRID: Final = "Hybrid"
"""The iterative solver from a network's canvas."""

ON_DEMAND = (FEED_FORWARD, HYBRID)
"""Arms of studies that ask for them, in the order shown."""

OWN = (*ARMS, *ON_DEMAND)
TRAINED = (*NETWORKS, FEED_FORWARD)
"""What is trained in any study."""

FLAT_START: Final = "flat"
STARTS = (FLAT_START, *NETWORKS)
"""What the iterative solver may start from (``reconstruct.start``)."""


def arms_of(models: Iterable[str]) -> list[str]:
    """Return the arms among some models: ours, in any case, then those that not every study has."""
    return [*ARMS, *further(models)]


def further(models: Iterable[str]) -> list[str]:
    """Return the arms that not every study has: ours, then those of other programs."""
    known = list(models)
    return [*(name for name in ON_DEMAND if name in known), *foreign(known)]


def foreign(models: Iterable[str]) -> list[str]:
    """Return which of some models are neither our arms nor controls, in alphabetical order."""
    return sorted(set(models) - {*OWN, *CONTROLS})


def arms_of_study(networks: Iterable[str], start: str, extra: Iterable[str]) -> list[str]:
    """Return the arms of a study, by its networks, ``reconstruct.start`` and ``arms.extra``."""
    return arms_of([*networks, *hybrid_of(start), *extra])


def hybrid_of(start: str) -> list[str]:
    """Return Hybrid alone if a study has it, by its ``reconstruct.start``."""
    return [] if start == FLAT_START else [HYBRID]
