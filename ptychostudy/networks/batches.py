"""Groups of frames, read batch by batch, and their split into training and validation."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GroupData:
    """Frames in groups, read batch by batch; memory does not grow with the number of frames.

    Attributes
    ----------
    counts : (n, N, N) integer array
        Photon counts, may be memory-mapped.
    members : (g, C) int
        Frames of each group.
    offsets : (g, C, 2) int
        Window corner minus canvas corner, pixels.
    fractions : (g, C, 2) float
        Sub-pixel part of the positions.
    factor : float
        Normalisation of the amplitudes, `losses.amplitude_factor` of the training frames.
    truth : (H, W) complex, optional
        Object for supervised training; only with C = 1.
    corners : (n, 2) int, optional
        Window corner of each frame in ``truth``.
    """

    counts: np.ndarray
    members: np.ndarray
    offsets: np.ndarray
    fractions: np.ndarray
    factor: float
    truth: np.ndarray | None = None
    corners: np.ndarray | None = None

    def __len__(self):
        """Return the number of groups."""
        return len(self.members)

    def __post_init__(self):
        """Refuse arrays that do not belong together."""
        shapes = (self.offsets.shape, self.fractions.shape)
        if self.members.ndim != 2 or any(shape != (*self.members.shape, 2) for shape in shapes):
            raise ValueError(f"members {self.members.shape} need offsets and fractions (g, C, 2), found {shapes}")
        if (self.truth is None) != (self.corners is None):
            raise ValueError("truth and corners come together: one of the two is missing")

    def inputs(self, indices):
        """Return the network's inputs for some groups, float32."""
        frames = self.members[indices]
        counts = self.counts[frames.ravel()].reshape(*frames.shape, *self.counts.shape[1:])
        return {
            "amplitude": np.sqrt(counts, dtype=np.float32) * np.float32(self.factor),
            "offsets": np.asarray(self.offsets[indices], dtype=np.float32),
            "fractions": np.asarray(self.fractions[indices], dtype=np.float32),
        }

    def target(self, indices, inputs):
        """Return what the loss compares with: amplitudes (B, C, N, N), or amplitude and phase patches (B, N, N, 2)."""
        if self.truth is None:
            return inputs["amplitude"]
        n = self.counts.shape[-1]
        cuts = [self.truth[r : r + n, c : c + n] for r, c in self.corners[self.members[indices, 0]]]
        return np.stack([np.abs(cuts), np.angle(cuts)], axis=-1).astype(np.float32)


def spatial_split(members, positions, fraction=0.1):
    """Split groups by place into training and validation without a shared frame.

    The validation groups lie entirely at the far end of the scan's longer side; training keeps every group that holds
    no frame of theirs.

    Parameters
    ----------
    members : (g, C) int
        Frames of each group.
    positions : (n, 2) float
        Frame positions in pixels.
    fraction : float
        Wanted share of validation groups, in (0, 1).

    Returns
    -------
    training, validation : int arrays
        Indices of groups.

    Raises
    ------
    ValueError
        If either side would be empty.
    """
    members, positions = np.asarray(members), np.asarray(positions)
    used = positions[np.unique(members)]
    along = positions[members][..., int(np.argmax(np.ptp(used, axis=0)))]
    cut = np.quantile(along.min(axis=1), 1.0 - fraction)
    validation = np.flatnonzero(along.min(axis=1) >= cut)
    training = np.flatnonzero(~np.isin(members, members[validation]).any(axis=1))
    if not len(training) or not len(validation):
        raise ValueError(
            f"{len(members)} groups split into {len(training)} for training and {len(validation)} for validation "
            f"(fraction {fraction}); both need at least one"
        )
    return training, validation


def micro_batches(indices, size):
    """Yield (start, exactly ``size`` indices); the last batch repeats its last index."""
    for start in range(0, len(indices), size):
        chosen = indices[start : start + size]
        yield start, np.concatenate([chosen, np.repeat(chosen[-1:], size - len(chosen))])
