"""Stage fetch: a published measured scan, from the package index to the conventions of this package."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.download import download_source, extract_bz2_member
from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.siemens_star import convert, object_shape
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.runs.work import Work

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import FetchSettings

_RELEASE = ("tike", "0.26.0")
_SHA256 = "e6a89bfb8e62ff77e01ca2cef4384898b1208f541652a5449dc0c61781006a19"
_MEMBER = "tike-0.26.0/tests/data/siemens-star-small.npz.bz2"
# The member decompresses to 34 MB.
_LIMIT_BYTES = 64 << 20
FRAME_PX = 64


def run(settings: "FetchSettings", *, output: Path) -> None:
    """Download, check and convert the measured Siemens star.

    Parameters
    ----------
    settings : FetchSettings
        Key ``frame_px``.
    output : Path
        ``siemens_star.npz``: counts, coordinates and probe; the downloaded archive stays beside it.
    """
    if settings.frame_px != FRAME_PX:
        raise ValueError(
            f"base.frame_px is {settings.frame_px}; the Siemens star comes with {FRAME_PX} px frames"
        )
    with Work("fetch the measured Siemens star"):
        found = fetch_siemens_star(output.parent / "download")
    write_npz(
        output,
        found,
        {
            "source": "-".join(_RELEASE),
            "sha256": _SHA256,
            "licence": "BSD-3-style, UChicago Argonne",
        },
    )


def fetch_siemens_star(cache_dir: str | Path) -> dict[str, np.ndarray]:
    """Get 516 measured X-ray frames of a Siemens star.

    Parameters
    ----------
    cache_dir : str or Path
        Keeps the archive (26 MB), so that a second call needs no network.

    Returns
    -------
    dict of str to ndarray
        ``counts`` (516, 64, 64) uint32, the two coordinates of the window centres (516,) float64,
        ``probeGuess`` (64, 64) complex64 in photons, ``objectGuess`` (H, W) complex64 of ones
        (there is no ground truth).

    Raises
    ------
    DataError
        If the archive cannot be had, is not the expected one, or its member is damaged.
    """
    archive = download_source(*_RELEASE, _SHA256, cache_dir)
    raw_path = Path(cache_dir) / Path(_MEMBER).stem
    try:
        extract_bz2_member(archive, _MEMBER, raw_path, limit_bytes=_LIMIT_BYTES)
        raw = read_npz(raw_path, ["data", "scan", "probe"])
    finally:
        raw_path.unlink(missing_ok=True)
    side = raw["data"].shape[-1]
    counts, positions, probe = convert(
        raw["data"][0], raw["scan"][0], raw["probe"].reshape(side, side), FRAME_PX
    )
    return {
        "counts": counts,
        **position_arrays(positions),
        "probeGuess": probe,
        "objectGuess": np.ones(object_shape(positions, FRAME_PX), np.complex64),
    }
