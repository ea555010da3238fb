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
# Deflate makes one byte of at most 1032; a file of 150 bytes that claims a million rows holds none of them.
_SMALL, _PIXELS_PER_BYTE = 1 << 20, 2000
_GREY_MODES = ("1", "L", "I", "F")
# Luminance of linear RGB, ITU-R BT.709, as scikit-image has it.
_LUMINANCE = (0.2125, 0.7154, 0.0721)


def read_image(path: str | Path) -> np.ndarray:
    """Read a picture as grey values (rows, cols) float64 in [0, 1]; what is transparent becomes white.

    Raises
    ------
    DataError
        If it is no picture of a known format, damaged, larger than 33.5 million pixels or than its file can hold,
        without contrast, or not finite.
    """
    from PIL import Image  # a tenth of a second that only this reader pays

    size = plain_size(path)
    broken = (*READ_ERRORS, ArithmeticError, AttributeError, Image.DecompressionBombError)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            Image.open(path, formats=_FORMATS) as picture,
        ):
            cols, rows = picture.size
            most = min(_PIXELS, _SMALL + _PIXELS_PER_BYTE * size)
            if rows * cols > most:
                raise DataError(
                    f"{path}: a picture of {rows} x {cols} pixels; needed: at most {most} in {size} bytes"
                )
            grey = _grey(picture)
    except DataError:
        raise
    except broken as error:
        raise DataError(
            f"{path}: cannot be read as a picture ({first_line(error)}); needed: PNG, TIFF or JPEG"
        ) from error
    low, span = (float(grey.min()), float(np.ptp(grey))) if grey.size else (0.0, 0.0)
    if grey.ndim != 2 or not np.isfinite(span) or span == 0:
        raise DataError(
            f"{path}: a picture of shape {grey.shape} with span {span}; needed: two axes and contrast"
        )
    grey -= low
    grey /= span
    return grey


def _grey(picture: Any) -> np.ndarray:
    if picture.mode in _GREY_MODES or picture.mode.startswith("I;16"):
        return np.array(picture, dtype=np.float64)
    transparent = picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info
    colours = np.asarray(picture.convert("RGBA" if transparent else "RGB"))
    grey = np.zeros(colours.shape[:2])
    for weight, channel in zip(_LUMINANCE, np.moveaxis(colours, -1, 0), strict=False):
        grey += weight * channel
    return grey if not transparent else 255 + (grey - 255) * (colours[..., 3] / 255.0)
