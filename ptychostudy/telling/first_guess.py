"""How long a study takes in a folder in which nothing has run: by the size of its scan."""

from pathlib import Path

from ptychostudy.recipes.study_cost import study_cost
from ptychostudy.study.sections.base import side_px
from ptychostudy.study.settings import Study, read_study
from ptychostudy.telling.scan_size import scan_size

_OWN = "study.yaml"
"""What a hub says of its study."""
_BESIDE = 2
"""Jobs of a cell that can work beside each other, as a rule."""


def first_guess(hub: Path, configfile: Path | None, cores: int) -> float | None:
    """Return `guess` of the study of a hub.

    Parameters
    ----------
    hub : Path
        Working directory of the study.
    configfile : Path or None
        As of ``snakemake --configfile``.
    cores : int
    """
    return guess(_study(hub, configfile), hub, cores)


def guess(study: Study, hub: Path, cores: int) -> float | None:
    """Return the seconds of a whole study, within a factor of two as a rule.

    None where the size of its scan is not known: that of a user's file of a kind whose headers do
    not tell it.

    Parameters
    ----------
    study : Study
    hub : Path
        Its working directory.
    cores : int
    """
    side = side_px(study.base)
    if study.base.kind == "synthetic" and side is not None:
        frames, kept = _frames(study, side)
    else:
        size = scan_size(study.base, hub)
        if size is None:
            return None
        # The frames between the parts are counted, too: positions would have to be read.
        side, frames, kept = size.side, size.frames, size.frames
    cells = len(study.pairs) * len(study.seeds)
    seconds = 60 * study_cost(study, side, frames, kept).minutes
    return seconds / min(cores, _BESIDE * cells)


def _study(hub: Path, configfile: Path | None) -> Study:
    if configfile is not None:
        return read_study(configfile)
    own = hub / _OWN
    return read_study(own) if own.is_file() else Study()


def _frames(study: Study, side: int) -> tuple[int, int]:
    """Return the frames of a simulated scan, and those of both its parts."""
    base = study.base
    rows, columns = (length - side for length in base.object.shape_px)
    frames = rows * columns / base.scan.step_px**2
    guard = study.split.guard_px
    width = base.probe.diameter_px if guard is None else guard
    along = rows if study.split.axis == "y" else columns
    return round(frames), round(frames * max(1 - width / along, 0.0))
