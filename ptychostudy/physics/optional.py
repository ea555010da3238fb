"""Packages that make a study faster, and that it can do without."""

import importlib


def importable(name: str) -> bool:
    """Return whether a package can be imported.

    One that is there and does not go with the others, as Numba with a newer NumPy, is as good as
    missing.
    """
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True
