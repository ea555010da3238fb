"""Random draws: one generator a role, so that no draw depends on another."""

import numpy as np

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
)


def generator(seed: int, role: str, *keys: int | str) -> np.random.Generator:
    """Return the random generator of one role, independent of all others and of the order of calls.

    Parameters
    ----------
    seed : int
        The study's seed for this kind of draw.
    role : str
        What is drawn; one of ``object probe scan simulation thinning grouping subsampling training control``.
    *keys : int or str
        What tells this draw from others of its role, such as dose and split.

    Returns
    -------
    numpy.random.Generator
        PCG64 seeded by ``SeedSequence(seed, spawn_key=(role, *keys))``.
    """
    numbers = [_ROLES.index(role)]
    for key in keys:
        numbers.append(
            int.from_bytes(key.encode(), "big") % 2**64 if isinstance(key, str) else int(key)
        )
    return np.random.Generator(
        np.random.PCG64(np.random.SeedSequence(seed, spawn_key=tuple(numbers)))
    )
