"""Windows of a canvas: cutting them out, adding them in, the weighted mean of a group's patches.

Frame stacks are ``(groups, frames, rows, cols)``; a canvas belongs to one group.
"""

from typing import Any

import numpy as np
from keras import ops

from ptychostudy.networks.layer import Layer
from ptychostudy.networks.tensors import Pair, Tensor


def shift_matrices(offsets: Tensor, n: int, side: int) -> Pair:
    """Matrices that cut a window of side n out of a canvas, one for each axis.

    ``S[i, j] = max(0, 1 - |i + d - j|)``: a one-hot row for a whole offset d, bilinear weights in
    between. Their transposes place a window, so placing is exactly the adjoint of extracting.

    Parameters
    ----------
    offsets : (B, C, 2)
        Window corner minus canvas corner (row, col) in pixels, ``0 <= offset <= side - n``.
    n, side : int
        Window and canvas side in pixels.

    Returns
    -------
    rows, cols : (B, C, n, side)
    """
    lag = np.arange(n)[:, None] - np.arange(side)[None, :]
    lag = ops.convert_to_tensor(lag.astype("float32"))
    offsets = ops.cast(offsets, "float32")[..., None, None]
    return _bilinear(lag, offsets[:, :, 0]), _bilinear(lag, offsets[:, :, 1])


def _bilinear(lag: Tensor, offset: Tensor) -> Tensor:
    """Return the matrices (B, C, n, side) of one axis from offsets (B, C, 1, 1) along it."""
    return ops.relu(1.0 - ops.abs(lag + offset))


def extract(canvas: Tensor, matrices: Pair) -> Tensor:
    """Cut the windows of each group: ``(B, P, P) -> (B, C, N, N)``, two matrix products."""
    rows, cols = matrices
    # Products with matrices, not slices: every group has offsets of its own, which are data.
    frames = ops.matmul(rows, canvas[:, None])
    return ops.matmul(frames, ops.swapaxes(cols, -1, -2))


def extract_pair(canvas: Pair, matrices: Pair) -> Pair:
    """Cut the windows of each group out of a complex canvas, see `extract`."""
    return extract(canvas[0], matrices), extract(canvas[1], matrices)


def place(windows: Tensor, matrices: Pair) -> Tensor:
    """Add the windows of each group into its canvas; the adjoint of `extract`.

    ``(B, C, N, N) -> (B, P, P)``. The sum over the frames of a group is part of the second matrix
    product, so groups cannot mix.
    """
    rows, cols = matrices
    frames, n, side = rows.shape[-3:]
    tall = ops.matmul(ops.swapaxes(rows, -1, -2), windows)
    # Frames and window columns become one axis, over which the last product adds up.
    tall = ops.reshape(ops.transpose(tall, (0, 2, 1, 3)), (-1, side, frames * n))
    return ops.matmul(tall, ops.reshape(cols, (-1, frames * n, side)))


class Reassemble(Layer):
    """Weighted mean of a group's patches on its canvas, ``sum place(w x) / (sum place(w) + eps)``.

    The same weights stand above and below the fraction line, and the leading dimension of the
    result is always the number of groups.

    Parameters
    ----------
    weight : (N, N) array
        Weight of each patch pixel.
    side : int
        Canvas side in pixels.
    epsilon : float
        Keeps uncovered pixels at zero instead of 0/0; small against any weight in use.
    """

    def __init__(
        self, weight: np.ndarray, side: int, *, epsilon: float = 1e-6, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.side = side
        self.epsilon = epsilon
        self.weight = self.constant(weight, "weight")

    def call(self, patches: Tensor, offsets: Tensor) -> Tensor:
        """Return canvases (B, side, side) of patches (B, C, N, N) at whole offsets (B, C, 2)."""
        matrices = shift_matrices(offsets, self.weight.shape[0], self.side)
        total = place(patches * self.weight, matrices)
        covered = place(ops.ones_like(patches) * self.weight, matrices)
        return total / (covered + self.epsilon)

    def compute_output_shape(
        self, patches_shape: tuple[int, ...], offsets_shape: tuple[int, ...]
    ) -> tuple[int, ...]:
        """Return (B, side, side)."""
        return (patches_shape[0], self.side, self.side)
