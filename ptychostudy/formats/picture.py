"""Pictures as grey values: three formats, one decoder, and a bound on what it may unpack."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.io.atomic import DataError, plain_size
from ptychostudy.io.zips import READ_ERRORS, first_line

_FORMATS = ("PNG", "TIFF", "JPEG")
# 5792 pixels square, 256 MiB as float64; a white picture of that size is a PNG of 100 kB.
_PIXELS = 1 << 25
# Deflate makes at most 1032 bytes of one; a file of 150 bytes that claims a million rows holds none
# of them.
_PIXELS_PER_BYTE = 2000
_SMALL = 1 << 20
_GREY_MODES = ("1", "L", "I", "F")
_TRANSPARENT_MODES = ("LA", "PA", "RGBA")
# Luminance of linear RGB, ITU-R BT.709, as scikit-image has it.
_LUMINANCE = (0.2125, 0.7154, 0.0721)


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture as grey values (rows, cols) float64 in [0, 1]; transparent becomes white.

    Raises
    ------
    DataError
        If it is no picture of a known format, damaged, larger than 33.5 million pixels or than its
        file can hold, without contrast, or not finite.
    """
    grey = _decoded(path)
    low = float(grey.min()) if grey.size else 0.0
    span = float(np.ptp(grey)) if grey.size else 0.0
    if grey.ndim != 2 or not np.isfinite(span) or span == 0:
        raise DataError(
            f"{path}: a picture of shape {grey.shape} with span {span}; "
            "needed: two axes and contrast"
        )
    # In place, for the largest pictures; stretched, for their units mean nothing here.
    grey -= low
    grey /= span
    return grey


def _decoded(path: str | Path) -> np.ndarray:
    """Return a picture's grey values in units of its own, or say what the decoder says of it."""
    from PIL import Image  # a tenth of a second that only this reader pays

    size = plain_size(path)
    broken = (*READ_ERRORS, ArithmeticError, AttributeError, Image.DecompressionBombError)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path, formats=_FORMATS) as picture,
        ):
            # Opening reads the header only; pixels are unpacked below.
            _check_size(path, picture.size, size)
            return _grey(picture)
    except DataError:
        raise
    except broken as error:
        raise DataError(
            f"{path}: cannot be read as a picture ({first_line(error)}); needed: PNG, TIFF or JPEG"
        ) from error


def _check_size(path: str | Path, sides: tuple[int, int], held: int) -> None:
    cols, rows = sides
    most = min(_PIXELS, _SMALL + _PIXELS_PER_BYTE * held)
    if rows * cols > most:
        raise DataError(
            f"{path}: a picture of {rows} x {cols} pixels; needed: at most {most} in {held} bytes"
        )


def _grey(picture: Any) -> np.ndarray:
    # Converting would cut 16 and 32 bits a pixel to 8.
    if picture.mode in _GREY_MODES or picture.mode.startswith("I;16"):
        return np.array(picture, dtype=np.float64)
    if picture.mode in _TRANSPARENT_MODES or "transparency" in picture.info:
        colours = np.asarray(picture.convert("RGBA"))
        return _on_white(_luminance(colours), colours[..., 3])
    return _luminance(np.asarray(picture.convert("RGB")))


def _luminance(colours: np.ndarray) -> np.ndarray:
    grey = np.zeros(colours.shape[:2])
    for channel, weight in enumerate(_LUMINANCE):
        grey += weight * colours[..., channel]
    return grey


def _on_white(grey: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    """Return a picture of 0 to 255 laid on white paper."""
    shown: np.ndarray = 255 + (grey - 255) * (opacity / 255.0)
    return shown
