"""Layers of a network in NumPy, there and back: 3 x 3 filters, halving, doubling, packing.

Images are (channels, rows, columns), so that a shift of one moves whole rows. The neighbours of the
pixels are laid side by side for one product, strip by strip: those of a whole image would be nine
times the image, and most of the time would go into moving them through memory.
"""

from collections.abc import Iterator

import numpy as np

_SIDE = 3
"""Of all filters."""
_STRIP_BYTES = 2**20
"""Of the neighbours of a strip's pixels."""


def surrounded(image: np.ndarray) -> np.ndarray:
    """Return an image (k, h, w) with a pixel of zero on every side."""
    k, h, w = image.shape
    wide = np.zeros((k, h + 2, w + 2), dtype=np.float32)
    wide[:, 1:-1, 1:-1] = image
    return wide


def filtered(wide: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Return what filters make of an image.

    Parameters
    ----------
    wide : (k, h + 2, w + 2) float32
        The image, `surrounded`.
    kernel : (3, 3, k, f) float32
        As Keras lays it out; like there, not turned.
    bias : (f,) float32, optional

    Returns
    -------
    (f, h, w) float32
    """
    k, rows, cols = wide.shape
    filters = kernel.shape[-1]
    product = np.ascontiguousarray(kernel.reshape(-1, filters).T)
    made = np.empty((filters, rows - 2, cols - 2), dtype=np.float32)
    for strip, around in _strips(wide):
        made[:, strip] = (product @ around).reshape(filters, -1, cols - 2)
    if bias is not None:
        made += bias[:, None, None]
    return made


def slope_of_kernel(wide: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the slope (3, 3, k, f) of filters, given that (f, h, w) of what they make."""
    k, filters = len(wide), len(slope)
    total = np.zeros((_SIDE * _SIDE * k, filters), dtype=np.float32)
    for strip, around in _strips(wide):
        total += around @ slope[:, strip].reshape(filters, -1).T
    return total.reshape(_SIDE, _SIDE, k, filters)


def slope_of_image(kernel: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the slope (k, h, w) of an image, given that (f, h, w) of what filters make of it."""
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    return filtered(surrounded(slope), turned)


def _strips(wide: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows, and the neighbours (9 k, pixels) of their pixels in the order of a kernel."""
    k, rows, cols = wide.shape
    height, width = rows - 2, cols - 2
    step = max(1, _STRIP_BYTES // (4 * _SIDE * _SIDE * k * width))
    room = np.empty((_SIDE, _SIDE, k, min(step, height), width), dtype=np.float32)
    for start in range(0, height, step):
        end = min(start + step, height)
        # The last one is shorter, and its room one piece of memory, too.
        around = (
            room if end - start == room.shape[3] else np.empty_like(room[..., : end - start, :])
        )
        for down, right in np.ndindex(_SIDE, _SIDE):
            around[down, right] = wide[:, start + down : end + down, right : right + width]
        yield slice(start, end), around.reshape(_SIDE * _SIDE * k, -1)


def halved(image: np.ndarray) -> np.ndarray:
    """Return the means (k, h/2, w/2) of 2 x 2 pixels."""
    rows = image[:, ::2] + image[:, 1::2]
    sums = rows[..., ::2] + rows[..., 1::2]
    sums *= np.float32(0.25)
    return np.asarray(sums)


def halved_back(slope: np.ndarray) -> np.ndarray:
    """Return the slope (k, 2 h, 2 w) of an image, given that of its `halved` one."""
    return doubled(slope * np.float32(0.25))


def doubled(image: np.ndarray) -> np.ndarray:
    """Repeat each pixel twice along rows and columns: (k, 2 h, 2 w)."""
    k, h, w = image.shape
    large = np.empty((k, h, 2, w, 2), dtype=np.float32)
    large[...] = image[:, :, None, :, None]
    return large.reshape(k, 2 * h, 2 * w)


def doubled_back(slope: np.ndarray) -> np.ndarray:
    """Return the slope (k, h, w) of an image, given that of its `doubled` one."""
    rows = slope[:, ::2] + slope[:, 1::2]
    return np.asarray(rows[..., ::2] + rows[..., 1::2])


def packed(image: np.ndarray) -> np.ndarray:
    """Pack 2 x 2 pixels into channels: (h, w, k) -> (4 k, h/2, w/2)."""
    h, w, k = image.shape
    squares = image.reshape(h // 2, 2, w // 2, 2, k).transpose(1, 3, 4, 0, 2)
    return np.ascontiguousarray(squares).reshape(4 * k, h // 2, w // 2)


def unpacked(image: np.ndarray) -> np.ndarray:
    """Undo `packed`: (4 k, h, w) -> (2 h, 2 w, k)."""
    k, h, w = image.shape
    squares = image.reshape(2, 2, k // 4, h, w).transpose(3, 0, 4, 1, 2)
    return np.ascontiguousarray(squares).reshape(2 * h, 2 * w, k // 4)
