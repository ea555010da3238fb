"""Groups of frames, read batch by batch, and their split into training and validation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


class Pool:
    """Frames of several scans as if they were one stack; they stay where they are until asked for.

    Parameters
    ----------
    stacks : list of (k_i, N, N) integer arrays
        Counts, may be memory-mapped.
    """

    def __init__(self, stacks: Sequence[np.ndarray]) -> None:
        self.stacks = stacks
        self.ends = np.cumsum([len(stack) for stack in stacks])
        self.shape: tuple[int, ...] = (int(self.ends[-1]), *stacks[0].shape[1:])

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.shape[0]

    def __getitem__(self, frames: np.ndarray) -> np.ndarray:
        """Return the frames (m, N, N) of some indices (m,)."""
        owner = np.searchsorted(self.ends, frames, side="right")
        counts = np.empty((len(frames), *self.shape[1:]), self.stacks[0].dtype)
        for k in np.unique(owner):
            mine = owner == k
            first = self.ends[k] - len(self.stacks[k])
            counts[mine] = self.stacks[k][frames[mine] - first]
        return counts


@dataclass(frozen=True)
class Labels:
    """Objects that a supervised network learns from, and where each frame's window lies in them.

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

    fields: list[np.ndarray]
    corners: np.ndarray
    owner: np.ndarray
    covered: list[np.ndarray] | None = None

    def patches(self, frames: np.ndarray, n: int) -> np.ndarray:
        """Cut the labels of some frames out of their objects.

        Parameters
        ----------
        frames : (B,) int
            Indices of frames.
        n : int
            Window side N.

        Returns
        -------
        (B, N, N, 2 or 3) float32
            Amplitude, phase in rad and, where coverage is given, 1 or 0 for known or not.
        """
        cuts = self._cut(self.fields, frames, n)
        parts = [np.abs(cuts), np.angle(cuts)]
        if self.covered is not None:
            parts.append(self._cut(self.covered, frames, n))
        return np.stack(parts, axis=-1).astype(np.float32)

    def _cut(self, images: list[np.ndarray], frames: np.ndarray, n: int) -> np.ndarray:
        """Return the windows (B, N, N) of some frames in images of the objects."""
        windows = []
        for frame in frames:
            row, col = self.corners[frame]
            image = images[self.owner[frame]]
            windows.append(image[row : row + n, col : col + n])
        return np.array(windows)


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
        Normalisation of the amplitudes, `physics.counts.input_scale` of the training frames of one
        dose; of each frame, where there are several doses.
    labels : Labels, optional
        For supervised training; only with C = 1.
    valid : (N, N) bool, optional
        Pixels that count photons; whatever the others hold, a network is given 0.
    """

    counts: np.ndarray | Pool
    members: np.ndarray
    offsets: np.ndarray
    fractions: np.ndarray
    factor: float | np.ndarray
    labels: Labels | None = None
    valid: np.ndarray | None = None

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.members)

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        shapes = (self.offsets.shape, self.fractions.shape)
        needed = (*self.members.shape, 2)
        if self.members.ndim != 2 or any(shape != needed for shape in shapes):
            raise ValueError(
                f"members {self.members.shape} need offsets and fractions (g, C, 2), found {shapes}"
            )
        if self.labels is not None and self.members.shape[1] != 1:
            raise ValueError(
                f"labels are for single frames, found groups of {self.members.shape[1]}"
            )

    def inputs(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """Return the network's inputs for some groups (B,).

        Returns
        -------
        dict of float32 arrays
            ``amplitude`` (B, C, N, N), normalised; ``offsets`` and ``fractions`` (B, C, 2).
        """
        frames = self.members[indices]
        counts = self.counts[frames.ravel()].reshape(*frames.shape, *self.counts.shape[1:])
        if self.valid is not None:
            counts = counts * self.valid
        # Amplitudes, not counts: the root of a Poisson count spreads by 1/2 whatever its mean.
        amplitude = np.sqrt(counts, dtype=np.float32)
        return {
            "amplitude": amplitude * self._factor(frames),
            "offsets": np.asarray(self.offsets[indices], dtype=np.float32),
            "fractions": np.asarray(self.fractions[indices], dtype=np.float32),
        }

    def _factor(self, frames: np.ndarray) -> np.ndarray:
        """Return the normalisation of frames (B, C): one number, or (B, C, 1, 1), float32."""
        if isinstance(self.factor, np.ndarray) and self.factor.ndim:
            return np.asarray(self.factor[frames][..., None, None], dtype=np.float32)
        return np.asarray(self.factor, dtype=np.float32)

    def batch(self, indices: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return `inputs` and `target` of some groups (B,)."""
        inputs = self.inputs(indices)
        return inputs, self.target(indices, inputs)

    def target(self, indices: np.ndarray, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Return what the loss compares the network's output with.

        Parameters
        ----------
        indices : (B,) int
            Groups.
        inputs : dict
            Their `inputs`.

        Returns
        -------
        (B, C, N, N) or (B, N, N, 2 or 3)
            Amplitudes, or the patches of the labels.
        """
        if self.labels is None:
            return inputs["amplitude"]
        return self.labels.patches(self.members[indices, 0], self.counts.shape[-1])


def spatial_split(
    members: np.ndarray, positions: np.ndarray, fraction: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """Split groups by place into training and validation without a shared frame.

    The validation groups lie entirely at the far end of the scan's longer side; training keeps
    every group that holds no frame of theirs.

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
    members = np.asarray(members)
    positions = np.asarray(positions)
    # By place, not at random: neighbouring frames see the same object, so groups drawn at random
    # would be validated on what the network has trained on.
    nearest = _along_longer_side(members, positions).min(axis=1)
    cut = np.quantile(nearest, 1.0 - fraction)
    validation = np.flatnonzero(nearest >= cut)
    shared = np.isin(members, members[validation]).any(axis=1)
    training = np.flatnonzero(~shared)
    if not len(training) or not len(validation):
        raise ValueError(
            f"{len(members)} groups split into {len(training)} for training and {len(validation)} "
            f"for validation (fraction {fraction}); both need at least one"
        )
    return training, validation


def _along_longer_side(members: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Return the coordinates (g, C) of all groups' frames along the scan's longer side."""
    # Frames that belong to no group do not count: what is split are the groups.
    used = positions[np.unique(members)]
    axis = int(np.argmax(np.ptp(used, axis=0)))
    along: np.ndarray = positions[members][..., axis]
    return along


def micro_batches(
    indices: np.ndarray, size: int, spare: int = 0
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield exactly ``size`` indices at a time; the last batch repeats its last index.

    Parameters
    ----------
    indices : (k,) int
        Groups.
    size : int
        Groups in one network call.
    spare : int
        So many of them, at the end of every batch, are repetitions.

    Yields
    ------
    where : slice
        Of the k groups, those of this batch; the repetitions at its end are not among them.
    chosen : (size,) int
        Groups.
    """
    # One shape for all calls: a graph is traced once, and a group's sums run in the same order
    # whichever batch it is in.
    own = size - spare
    for start in range(0, len(indices), own):
        chosen = indices[start : start + own]
        filling = np.repeat(chosen[-1:], size - len(chosen))
        yield slice(start, start + len(chosen)), np.concatenate([chosen, filling])
