"""Precision of the ancestor's convolutions: bfloat16 where a machine computes with it natively.

A bfloat16 has float32's range and 8 bits of mantissa (Kalamkar et al. 2019, arXiv:1905.12322).
Weights, their optimizer, the maps that come out and all physics stay float32.
"""

import platform
from pathlib import Path

FLOAT32, BFLOAT16 = "float32", "bfloat16"
POLICIES = {FLOAT32: "float32", BFLOAT16: "mixed_bfloat16"}
"""What Keras calls a layer that computes with each."""

_FEATURES = Path("/proc/cpuinfo")
# Tiles and dot products of bfloat16, of Intel and of AMD.
_OF_CPU = frozenset({"amx_bf16", "avx512_bf16"})
# NVIDIA's Ampere was the first.
_OF_GPU = (8, 0)


def settled(asked: str) -> str:
    """Return the precision that ``auto`` means here; any other as it is.

    Parameters
    ----------
    asked : {"auto", "float32", "bfloat16"}
    """
    if asked != "auto":
        return asked
    return BFLOAT16 if _native() else FLOAT32


def _native() -> bool:
    """Say whether the device multiplies in bfloat16, as far as TensorFlow tells."""
    import keras  # what only names a precision does without

    # The convolutions of the other backends were not measured to gain from it on a CPU.
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow  # type: ignore[import-untyped]  # it declares no types

    gpus = tensorflow.config.list_physical_devices("GPU")
    if not gpus:
        return bool(_OF_CPU & cpu_features())
    details = tensorflow.config.experimental.get_device_details(gpus[0])
    return bool(details.get("compute_capability", (0, 0)) >= _OF_GPU)


def cpu_features(listing: Path = _FEATURES) -> frozenset[str]:
    """Return the features that Linux lists of the CPU; none where nobody lists them."""
    if platform.system() != "Linux" or not listing.exists():
        return frozenset()
    return _flags(listing.read_text(encoding="utf-8"))


def _flags(listing: str) -> frozenset[str]:
    # All processors of a machine have the same.
    lines = (line for line in listing.splitlines() if line.startswith("flags"))
    _, _, flags = next(lines, "").partition(":")
    return frozenset(flags.split())
