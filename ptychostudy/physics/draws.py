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


def _number(key: int | str) -> int:
    """Return a key as a number; a text by its bytes, as Python's own hash differs between runs."""
    if isinstance(key, str):
        return int.from_bytes(key.encode(), "big") % 2**64
    return int(key)
