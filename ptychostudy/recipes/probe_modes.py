"""Modes of the probe that an iterative solver starts from."""

import logging
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.physics.modes import as_modes, first_mode, power_shares, so_many_modes

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings

_log = logging.getLogger("ptychostudy")


def starting_probe(probe: np.ndarray, settings: "ReconstructSettings", section: str) -> np.ndarray:
    """Return the modes that a solver begins with, of the power of all that are known.

    Parameters
    ----------
    probe : (N, N) or (k, N, N) complex
        All that is known.
    settings : ReconstructSettings
        ``probe_modes``, ``refine_probe``.
    section : str
        Of the study, for messages.

    Returns
    -------
    (N, N) complex
        For one mode, or (probe_modes, N, N).

    Raises
    ------
    ValueError
        If more modes are asked for than are known, and the probe stays as it is.
    """
    known = as_modes(probe)
    wanted = settings.probe_modes
    if wanted > len(known) and not settings.refine_probe:
        raise ValueError(
            f"{section}.probe_modes is {wanted}, but the probe has {len(known)} and "
            f"{section}.refine_probe is false; needed: at most as many modes as are known, or "
            "refine_probe: true"
        )
    if wanted < len(known):
        share = power_shares(known)[:wanted].sum()
        _log.info(
            "%s.probe_modes is %d: of the %d modes of the probe the first are used, with %.1f %% "
            "of its power",
            section,
            wanted,
            len(known),
            100 * share,
        )
    return first_mode(probe) if wanted == 1 else so_many_modes(probe, wanted)
