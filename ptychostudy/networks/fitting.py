"""Whether weights are those of a network."""

from collections.abc import Mapping

import numpy as np


def check_weights(needed: Mapping[str, tuple[int, ...]], weights: Mapping[str, np.ndarray]) -> None:
    """Refuse weights whose names and shapes are not exactly those of a network.

    Parameters
    ----------
    needed : mapping of str to tuple of int
        Shapes by name.
    weights : mapping of str to ndarray

    Raises
    ------
    ValueError
        If a name is missing or unknown, or a shape differs.
    """
    missing = sorted(needed.keys() - weights.keys())
    unknown = sorted(weights.keys() - needed.keys())
    if missing or unknown:
        raise ValueError(
            f"weights do not fit the network: missing {missing[:5]}, unknown {unknown[:5]}"
        )
    for name, shape in needed.items():
        given = tuple(weights[name].shape)
        if given != shape:
            raise ValueError(f"weight {name} needs shape {shape}, found {given}")
