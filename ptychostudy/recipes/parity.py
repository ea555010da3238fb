"""Parity: whether one network says and learns the same on every backend."""

from collections.abc import Mapping
from typing import Any

import numpy as np

ANSWER = 1e-5
"""Largest difference of an answer, relative to the largest value of it."""
STEP = 1e-4
"""Largest difference of a step of a training, relative to the step."""
LEAST_VARIANCE = 1e-6
"""Of the patches about their means: at or below it a network draws constants."""
LEAST_MEAN = 1e-9

Arrays = Mapping[str, np.ndarray]


def statistics(arrays: Arrays) -> dict[str, float]:
    """Return what tells a collapse: of patches (k, S, S) the means, and the variance about them.

    Returns
    -------
    dict
        ``patch_mean_min``, ``patch_mean_max``, ``var_zero_mean`` and ``global_mean`` of the
        amplitude.
    """
    amplitude = np.abs(arrays["patches"]).astype(np.float64)
    means = amplitude.mean(axis=(1, 2))
    about = amplitude - means[:, None, None]
    return {
        "patch_mean_min": float(means.min()),
        "patch_mean_max": float(means.max()),
        "var_zero_mean": float(np.mean(about**2)),
        "global_mean": float(amplitude.mean()),
    }


def compared(first: Arrays, other: Arrays, weights: Arrays) -> dict[str, Any]:
    """Compare the answers of two backends.

    Parameters
    ----------
    first, other : mapping
        As `Answers.arrays` names them.
    weights : mapping
        Of the network before the step.

    Returns
    -------
    dict
        ``patches`` and ``layers``, relative differences; ``first_layer``, the first that differs by
        more than `ANSWER`, or None; ``step``; ``offsets_equal``.
    """
    layers = {
        name.removeprefix("layer/"): _relative(first[name], other[name])
        for name in first
        if name.startswith("layer/")
    }
    differing = [name for name, value in layers.items() if not value <= ANSWER]
    return {
        "patches": _relative(first["patches"], other["patches"]),
        "layers": layers,
        "first_layer": differing[0] if differing else None,
        "step": max(_step(first, other, weights, name) for name in weights),
        "offsets_equal": bool(np.array_equal(first["offsets"], other["offsets"])),
    }


def _relative(first: np.ndarray, other: np.ndarray) -> float:
    if first.shape != other.shape:
        return float("inf")
    largest = float(np.abs(first).max())
    off = float(np.abs(other - first).max())
    # Of an output of zeros nothing is relative.
    return off / largest if largest else off


def _step(first: Arrays, other: Arrays, weights: Arrays, name: str) -> float:
    """Return the difference of two steps of a weight, relative to the first."""
    after = first[f"stepped/{name}"]
    length = float(np.linalg.norm(after - weights[name]))
    off = float(np.linalg.norm(other[f"stepped/{name}"] - after))
    return off / length if length else off


def problems(
    of_each: Mapping[str, Mapping[str, float]], pairs: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return what is wrong, a line each; nothing where all backends agree.

    Parameters
    ----------
    of_each : mapping
        `statistics` of each backend.
    pairs : mapping
        `compared` with the first, by the other backend.
    """
    told = []
    for backend, numbers in of_each.items():
        if not numbers["var_zero_mean"] > LEAST_VARIANCE:
            told.append(f"{backend}: patches are constant, variance {numbers['var_zero_mean']:.3g}")
        if not abs(numbers["global_mean"]) > LEAST_MEAN:
            told.append(f"{backend}: patches are empty, mean {numbers['global_mean']:.3g}")
    for backend, pair in pairs.items():
        if pair["first_layer"] is not None:
            off = pair["layers"][pair["first_layer"]]
            told.append(
                f"{backend}: layer {pair['first_layer']} is the first that differs, by {off:.3g} "
                f"relative; at most {ANSWER:g}"
            )
        if not pair["patches"] <= ANSWER:
            told.append(f"{backend}: patches differ by {pair['patches']:.3g}; at most {ANSWER:g}")
        if not pair["step"] <= STEP:
            told.append(
                f"{backend}: a step of the training differs by {pair['step']:.3g}; at most {STEP:g}"
            )
        if not pair["offsets_equal"]:
            told.append(f"{backend}: patches lie at other pixels")
    return told
