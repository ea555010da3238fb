"""Layers of a network in NumPy, there and back: 3 x 3 filters, halving, doubling, packing.

Images are (rows, channels, columns). Where each pixel has its two neighbours of the same row beside
it, three rows one after the other are all that filters ask for of a row: they are one product, of
what lies in memory as it is. Strip by strip, as the neighbours are three times the image.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

_SIDE = 3
"""Of all filters."""
_STRIP_BYTES = 2**20
"""Of a strip's pixels and their neighbours."""


def filtered(image: np.ndarray, kernel: np.ndarray, bias: np.ndarray | None = None) -> np.ndarray:
    """Return what filters make of an image, which is zero beyond its edges.

    Parameters
    ----------
    image : (h, k, w) float32
    kernel : (3, 3, k, f) float32
        As Keras lays it out; like there, not turned.
    bias : (f,) float32, optional

    Returns
    -------
    (h, f, w) float32
    """
    h, _, w = image.shape
    filters = kernel.shape[-1]
    product = np.ascontiguousarray(kernel.reshape(-1, filters).T)
    made = np.empty((h, filters, w), dtype=np.float32)
    for strip, around in _strips(image):
        np.matmul(product, around, out=made[strip])
    if bias is not None:
        made += bias[:, None]
    return made


def slope_of_kernel(image: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the slope (3, 3, k, f) of filters, given that (h, f, w) of what they make."""
    k, filters = image.shape[1], slope.shape[1]
    total = np.zeros((_SIDE * _SIDE * k, filters), dtype=np.float32)
    # Of many channels and filters what a row makes is more than the row.
    most = max(1, _STRIP_BYTES // total.nbytes)
    for strip, around in _strips(image):
        along = slope[strip].transpose(0, 2, 1)
        for start in range(0, len(along), most):
            of_rows = around[start : start + most] @ along[start : start + most]
            total += of_rows.sum(axis=0)
    return total.reshape(_SIDE, _SIDE, k, filters)


def slope_of_image(kernel: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Return the slope (h, k, w) of an image, given that (h, f, w) of what filters make of it."""
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
    return filtered(slope, turned)


def _strips(image: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield rows, and the neighbours (rows, 9 k, w) of their pixels in the order of a kernel.

    Those of a strip are gone with the next one.
    """
    h, k, w = image.shape
    step = min(h, max(1, _STRIP_BYTES // (4 * _SIDE * k * w)))
    # A row more above and below; in each what is left of a pixel, itself, what is right of it.
    room = np.empty((step + 2, _SIDE, k, w), dtype=np.float32)
    room[:, 0, :, 0] = 0
    room[:, 2, :, -1] = 0
    for start in range(0, h, step):
        end = min(start + step, h)
        first, last = max(start - 1, 0), min(end + 1, h)
        if start == 0:
            room[0] = 0
        if end == h:
            room[end - start + 1] = 0
        rows, to = image[first:last], room[first - start + 1 : last - start + 1]
        to[:, 0, :, 1:] = rows[..., :-1]
        to[:, 1] = rows
        to[:, 2, :, :-1] = rows[..., 1:]
        # Rows overlap: the third of one is the second of the next.
        strides = (room.strides[0], room.strides[2], room.strides[3])
        shape = (end - start, _SIDE * _SIDE * k, w)
        yield slice(start, end), as_strided(room, shape, strides, writeable=False)


def halved(image: np.ndarray) -> np.ndarray:
    """Return the means (h/2, k, w/2) of 2 x 2 pixels."""
    sums = doubled_back(image)
    sums *= np.float32(0.25)
    return sums


def halved_back(slope: np.ndarray) -> np.ndarray:
    """Return the slope (2 h, k, 2 w) of an image, given that of its `halved` one."""
    return doubled(slope * np.float32(0.25))


def doubled(image: np.ndarray) -> np.ndarray:
    """Repeat each pixel twice along rows and columns: (2 h, k, 2 w)."""
    h, k, w = image.shape
    large = np.empty((h, 2, k, w, 2), dtype=np.float32)
    # One side after the other: a loop over two is short.
    large[:, 0, ..., 0] = image
    large[:, 0, ..., 1] = image
    large[:, 1] = large[:, 0]
    return large.reshape(2 * h, k, 2 * w)


def doubled_back(slope: np.ndarray) -> np.ndarray:
    """Return the slope (h, k, w) of an image, given that of its `doubled` one."""
    rows = slope[::2] + slope[1::2]
    return np.asarray(rows[..., ::2] + rows[..., 1::2])


def packed(image: np.ndarray) -> np.ndarray:
    """Pack 2 x 2 pixels into channels: (h, w, k) -> (h/2, 4 k, w/2)."""
    h, w, k = image.shape
    squares = image.reshape(h // 2, 2, w // 2, 2, k).transpose(0, 1, 3, 4, 2)
    return np.ascontiguousarray(squares).reshape(h // 2, 4 * k, w // 2)


def unpacked(image: np.ndarray) -> np.ndarray:
    """Undo `packed`: (h, 4 k, w) -> (2 h, 2 w, k)."""
    h, k, w = image.shape
    squares = image.reshape(h, 2, 2, k // 4, w).transpose(0, 1, 4, 2, 3)
    return np.ascontiguousarray(squares).reshape(2 * h, 2 * w, k // 4)
