"""Groups of frames, read batch by batch, and their split into training and validation."""

from dataclasses import dataclass

import numpy as np


class Pool:
    """Frames of several scans as if they were one stack; they stay where they are until a batch asks for them.

    Parameters
    ----------
    stacks : list of (k_i, N, N) integer arrays
        Counts, may be memory-mapped.
    """

    def __init__(self, stacks):
        self.stacks = stacks
        self.ends = np.cumsum([len(stack) for stack in stacks])
        self.shape = (int(self.ends[-1]), *stacks[0].shape[1:])

    def __len__(self):
        """Return the number of frames."""
        return self.shape[0]

    def __getitem__(self, frames):
        """Return the frames (m, N, N) of some indices (m,)."""
        owner = np.searchsorted(self.ends, frames, side="right")
        found = np.empty((len(frames), *self.shape[1:]), self.stacks[0].dtype)
        for k in np.unique(owner):
            mine = owner == k
            found[mine] = self.stacks[k][frames[mine] - (self.ends[k] - len(self.stacks[k]))]
        return found


@dataclass(frozen=True)
class Labels:
    """Objects that a supervised network learns from, and where the window of each frame lies in them.

    Attributes
    ----------
    fields : list of (H, W) complex
        One object for each scan, in the network's gauge.
    corners : (n, 2) int
        Window corner of each frame in its object.
    owner : (n,) int
        Object of each frame.
    covered : list of (H, W) bool, optional
        Where each object is known; elsewhere nothing is learned.
    """

    fields: list
    corners: np.ndarray
    owner: np.ndarray
    covered: list | None = None

    def patches(self, frames, n):
        """Return amplitude, phase and, where coverage is given, 1 or 0 for known or not: (B, N, N, 2 or 3) float32."""
        places = [
            (k, slice(r, r + n), slice(c, c + n))
            for k, (r, c) in zip(self.owner[frames], self.corners[frames], strict=True)
        ]
        cuts = [self.fields[k][rows, cols] for k, rows, cols in places]
        parts = [np.abs(cuts), np.angle(cuts)]
        if self.covered is not None:
            parts.append([self.covered[k][rows, cols] for k, rows, cols in places])
        return np.stack(parts, axis=-1).astype(np.float32)


@dataclass(frozen=True)
class GroupData:
    """Frames in groups, read batch by batch; memory does not grow with the number of frames.

    Attributes
    ----------
    counts : (n, N, N) integer array or `Pool`
        Photon counts, may be memory-mapped.
    members : (g, C) int
        Frames of each group.
    offsets : (g, C, 2) int
        Window corner minus canvas corner, pixels.
    fractions : (g, C, 2) float
        Sub-pixel part of the positions.
    factor : float or (n,) float
        Normalisation of the amplitudes, `core.counts.input_scale` of the training frames of one dose; of each frame,
        where there are several doses.
    labels : Labels, optional
        For supervised training; only with C = 1.
    """

    counts: np.ndarray
    members: np.ndarray
    offsets: np.ndarray
    fractions: np.ndarray
    factor: float | np.ndarray
    labels: Labels | None = None

    def __len__(self):
        """Return the number of groups."""
        return len(self.members)

    def __post_init__(self):
        """Refuse arrays that do not belong together."""
        shapes = (self.offsets.shape, self.fractions.shape)
        if self.members.ndim != 2 or any(shape != (*self.members.shape, 2) for shape in shapes):
            raise ValueError(
                f"members {self.members.shape} need offsets and fractions (g, C, 2), found {shapes}"
            )
        if self.labels is not None and self.members.shape[1] != 1:
            raise ValueError(
                f"labels are for single frames, found groups of {self.members.shape[1]}"
            )

    def inputs(self, indices):
        """Return the network's inputs for some groups, float32."""
        frames = self.members[indices]
        counts = self.counts[frames.ravel()].reshape(*frames.shape, *self.counts.shape[1:])
        factor = (
            np.float32(self.factor)
            if np.ndim(self.factor) == 0
            else self.factor[frames][..., None, None]
        )
        return {
            "amplitude": np.sqrt(counts, dtype=np.float32) * np.asarray(factor, dtype=np.float32),
            "offsets": np.asarray(self.offsets[indices], dtype=np.float32),
            "fractions": np.asarray(self.fractions[indices], dtype=np.float32),
        }

    def target(self, indices, inputs):
        """Return what the loss compares with: amplitudes (B, C, N, N), or label patches (B, N, N, 2 or 3)."""
        if self.labels is None:
            return inputs["amplitude"]
        return self.labels.patches(self.members[indices, 0], self.counts.shape[-1])


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
