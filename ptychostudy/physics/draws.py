"""Random draws: one generator a role, so that no draw depends on another."""

import numpy as np

# A role is drawn by its place here: a new one goes to the end, or all studies change.
_ROLES = (
    "object",
    "probe",
    "scan",
    "simulation",
    "thinning",
    "grouping",
    "subsampling",
    "training",
    "control",
    "held out",
)
# NumPy inverts the distribution, by one number, up to a mean of 30 (its legacy `random_binomial`).
_SMALL = 29


def generator(seed: int, role: str, *keys: int | str) -> np.random.Generator:
    """Return the random generator of one role, independent of all others and of the order of calls.

    Parameters
    ----------
    seed : int
        The study's seed for this kind of draw.
    role : str
        What is drawn; one of ``object probe scan simulation thinning grouping subsampling
        training control``, or ``held out``.
    *keys : int or str
        What tells this draw from others of its role, such as dose and split.

    Returns
    -------
    numpy.random.Generator
        PCG64 seeded by ``SeedSequence(seed, spawn_key=(role, *keys))``.
    """
    numbers = [_ROLES.index(role)]
    for key in keys:
        numbers.append(_number(key))
    sequence = np.random.SeedSequence(seed, spawn_key=tuple(numbers))
    # Named, because what `numpy.random.default_rng` gives may change with NumPy's version.
    return np.random.Generator(np.random.PCG64(sequence))


def thinned(frame: np.ndarray, keep: float, rng: np.random.Generator) -> np.ndarray:
    """Keep each photon of a frame with probability ``keep``; no pixel moves the draw of another.

    NumPy takes one number for a small binomial variable, none for 0 of 0, and any for a large one.
    In one stream a pixel that a mask empties would give another noise to all behind it. Here each
    pixel has its place in the stream, whatever it holds; the large ones have a stream of their own.

    Parameters
    ----------
    frame : (...) unsigned
        Photons.
    keep : float
        In (0, 1].
    rng : numpy.random.Generator

    Returns
    -------
    (...) int64
        Binomial draws.
    """
    large = frame * min(keep, 1 - keep) > _SMALL
    own = rng.bit_generator.random_raw()
    asked = np.maximum(np.where(large, 1, frame), 1)
    kept = np.minimum(rng.binomial(asked, keep), frame)
    if large.any():
        kept[large] = np.random.Generator(np.random.PCG64(own)).binomial(frame[large], keep)
    return np.asarray(kept)


def _number(key: int | str) -> int:
    """Return a key as a number; a text by its bytes, as Python's own hash differs between runs."""
    if isinstance(key, str):
        return int.from_bytes(key.encode(), "big") % 2**64
    return int(key)
