"""From a raw measured scan to the conventions of this package: fewer pixels, centres, centred DC.

The raw convention is that of the published Siemens star: DC in the corner, positions are the
top-left pixels of the windows with an arbitrary offset. Keeping the central n x n of an N x N
detector limits the band of the exit wave: the real-space pixel grows by N / n, a window covers the
same area with n pixels, and positions shrink by n / N.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ptychostudy.formats.download import download_source, extract_bz2_member
from ptychostudy.formats.positions import position_arrays
from ptychostudy.io.arrays import read_npz

# Pixels between the outermost windows and the object's edge.
MARGIN_PX = 2


def convert(
    counts: ArrayLike, scan: ArrayLike, probe: ArrayLike, n: int
) -> tuple[NDArray[np.uint32], NDArray[np.float64], NDArray[np.complex64]]:
    """Convert a raw scan to n x n frames.

    Parameters
    ----------
    counts : (k, N, N) array
        Detected photons, whole numbers of any type, DC in the corner; N even.
    scan : (k, 2) float
        Top-left pixel (row, col) of each window in raw object pixels, any offset.
    probe : (N, N) complex
        Probe guess, any scale.
    n : int
        Side of the frames wanted; even, at most N.

    Returns
    -------
    counts : (k, n, n) uint32
        The central part of each frame, photons unchanged, DC at ``[n / 2, n / 2]``.
    positions : (k, 2) float64
        Window centres (row, col) in the new pixels; the outermost windows keep 2 px from the
        corner's edges.
    probe : (n, n) complex64
        The probe with its spectrum cut to the new band, scaled to photons: ``sum |P|^2`` is the
        mean of a frame.

    Raises
    ------
    ValueError
        For shapes that do not fit, counts that are not whole numbers from 0 up, values that are not
        finite, or an n that is odd or too large.
    """
    frames = np.asarray(counts)
    corners = np.asarray(scan, dtype=np.float64)
    wave = np.asarray(probe)
    _check_shapes(frames, corners, wave, n)
    _check_values(frames, corners, wave)
    central = _crop(np.fft.fftshift(frames, axes=(-2, -1)), n).astype(np.uint32)
    centres = _centres(corners, n, frames.shape[-1])
    return central, centres, _limit_band(wave, n, _mean_photons(central))


def object_shape(positions: NDArray[np.float64], n: int) -> tuple[int, int]:
    """Return the shape of the smallest object that holds all windows with their margin."""
    rows, cols = np.ceil(positions.max(axis=0)).astype(int) + n // 2 + MARGIN_PX
    return int(rows), int(cols)


def _mean_photons(frames: NDArray[np.uint32]) -> float:
    return float(frames.sum(dtype=np.float64)) / len(frames)


def _centres(corners: NDArray[np.float64], n: int, side: int) -> NDArray[np.float64]:
    """Return window centres in new pixels, of which n take the place of ``side`` raw ones."""
    # The offset is arbitrary, so the outermost corner becomes the origin, but for the margin.
    offset = corners - corners.min(axis=0)
    centres: NDArray[np.float64] = offset * n / side + n / 2 + MARGIN_PX
    return centres


def _crop(images: NDArray[Any], n: int) -> NDArray[Any]:
    """Keep the central n x n of images whose centre is pixel ``N / 2``."""
    low = images.shape[-1] // 2 - n // 2
    return images[..., low : low + n, low : low + n]


def _limit_band(probe: NDArray[Any], n: int, photons: float) -> NDArray[np.complex64]:
    """Cut the spectrum: pixel ``j`` is the band-limited probe at raw pixel ``j N / n``."""
    spectrum = np.fft.fftshift(np.fft.fft2(probe.astype(np.complex128)))
    cut = np.fft.ifft2(np.fft.ifftshift(_crop(spectrum, n)))
    # Light outside of the cut is gone from the frames, too: their mean is what the probe carries.
    scale = np.sqrt(photons / np.sum(np.abs(cut) ** 2))
    return np.asarray(cut * scale, dtype=np.complex64)


def _check_shapes(
    frames: NDArray[Any], corners: NDArray[np.float64], probe: NDArray[Any], n: int
) -> None:
    side = _frame_side(frames)
    if corners.shape != (len(frames), 2):
        raise ValueError(
            f"scan must have shape ({len(frames)}, 2), one corner for each frame; "
            f"found {corners.shape}"
        )
    if probe.shape != (side, side):
        raise ValueError(
            f"probe must have shape ({side}, {side}) like the frames, found {probe.shape}"
        )
    # The centre of an odd window is not n / 2 from its corner.
    if n % 2 or not 2 <= n <= side:
        raise ValueError(f"n must be even and from 2 to {side}, found {n}")


def _frame_side(frames: NDArray[Any]) -> int:
    side = frames.shape[-1] if frames.ndim == 3 else 0
    if side == 0 or frames.shape[1] != side or side % 2 or len(frames) == 0:
        raise ValueError(f"counts must have shape (frames, N, N) with N even, found {frames.shape}")
    return side


def _check_values(frames: NDArray[Any], corners: NDArray[np.float64], probe: NDArray[Any]) -> None:
    _check_finite("counts", frames)
    _check_finite("scan", corners)
    _check_finite("probe", probe)
    if np.any(frames < 0) or np.any(frames != np.rint(frames)):
        raise ValueError(
            "counts must be whole numbers from 0 up; found negative or fractional values"
        )


def _check_finite(name: str, array: NDArray[Any]) -> None:
    bad = int(np.sum(~np.isfinite(array)))
    if bad:
        raise ValueError(f"{name} must be finite, found {bad} values that are not")


@dataclass(frozen=True)
class Source:
    """A source distribution that carries a measured scan.

    Attributes
    ----------
    name, version : str
        Exact release.
    sha256 : str
        Digest of the archive.
    path : str
        The scan inside the release, an NPZ file packed with bzip2.
    limit_bytes : int
        Largest size of the scan, packed and unpacked.
    licence : str
        Its terms.
    """

    name: str
    version: str
    sha256: str
    path: str
    limit_bytes: int
    licence: str

    @property
    def release(self) -> str:
        """Name and version as the archive has them."""
        return f"{self.name}-{self.version}"

    @property
    def metadata(self) -> dict[str, str]:
        """What a converted file says of its origin."""
        return {"source": self.release, "sha256": self.sha256, "licence": self.licence}


# The scan unpacks to 34 MB.
SOURCE = Source(
    name="tike",
    version="0.26.0",
    sha256="e6a89bfb8e62ff77e01ca2cef4384898b1208f541652a5449dc0c61781006a19",
    path="tests/data/siemens-star-small.npz.bz2",
    limit_bytes=64 << 20,
    licence="BSD-3-style, UChicago Argonne",
)
FRAME_PX = 64


def fetch_siemens_star(cache_dir: str | Path) -> dict[str, NDArray[Any]]:
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
    archive = download_source(SOURCE.name, SOURCE.version, SOURCE.sha256, cache_dir)
    raw = _unpacked(archive, Path(cache_dir))
    # The raw arrays have leading axes of length one, for angles and for modes of the probe.
    frames = raw["data"][0]
    corners = raw["scan"][0]
    probe = raw["probe"].reshape(frames.shape[1:])
    counts, positions, wave = convert(frames, corners, probe, FRAME_PX)
    return {
        "counts": counts,
        **position_arrays(positions),
        "probeGuess": wave,
        "objectGuess": np.ones(object_shape(positions, FRAME_PX), np.complex64),
    }


def _unpacked(archive: Path, folder: Path) -> dict[str, NDArray[Any]]:
    """Read the raw scan from its archive; unpacked it is on disk only while it is read."""
    member = f"{SOURCE.release}/{SOURCE.path}"
    raw_file = folder / Path(SOURCE.path).stem
    try:
        extract_bz2_member(archive, member, raw_file, limit_bytes=SOURCE.limit_bytes)
        return read_npz(raw_file, ["data", "scan", "probe"])
    finally:
        raw_file.unlink(missing_ok=True)
