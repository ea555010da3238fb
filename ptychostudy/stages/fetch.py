"""Stage fetch: a published measured scan, from the package index to our conventions."""

from pathlib import Path
from typing import TYPE_CHECKING

from ptychostudy.formats.siemens_star import FRAME_PX, SOURCE, fetch_siemens_star
from ptychostudy.io.arrays import write_npz
from ptychostudy.runs.work import Work

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import FetchSettings


def run(settings: "FetchSettings", *, output: Path) -> None:
    """Download, check and convert the measured Siemens star.

    Parameters
    ----------
    settings : FetchSettings
        Key ``frame_px``.
    output : Path
        ``siemens_star.npz``: counts, coordinates and probe; the downloaded archive stays beside it.
    """
    frame_px = settings.frame_px
    # The stage base would refuse other frames, but only after the download.
    if frame_px != FRAME_PX:
        raise ValueError(
            f"base.frame_px is {frame_px}; the Siemens star comes with {FRAME_PX} px frames"
        )
    with Work("fetch the measured Siemens star"):
        arrays = fetch_siemens_star(output.parent / "download")
    write_npz(output, arrays, SOURCE.metadata)
