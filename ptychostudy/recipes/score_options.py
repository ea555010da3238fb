"""Options of the stage score: numbers that make sense, and what is registered."""

import math
from collections.abc import Mapping
from pathlib import Path

from ptychostudy.study.names import PTYCHI


def check_numbers(numbers: Mapping[str, float]) -> None:
    """Refuse the numbers of options that are negative or not finite."""
    for option, number in numbers.items():
        if not 0 <= number < math.inf:
            raise ValueError(f"--{option} is {number}; needed: a number >= 0")


def check_picture(path: Path | None) -> None:
    """Refuse a picture that is not called what it is."""
    if path is not None and path.suffix.lower() != ".png":
        raise ValueError(f"--picture is {path}; needed: a name that ends in .png")


def left_alone(
    names: list[str], unregistered: list[str], ptychi_only: bool, skip: bool
) -> list[str]:
    """Return which arrays are not moved by fractions of a pixel.

    Parameters
    ----------
    names : list of str
        Of all arrays.
    unregistered : list of str
        Those that are named for it.
    ptychi_only, skip : bool
        All but the iterative arm; all.

    Raises
    ------
    ValueError
        If that is said in two ways, or of arrays that are not there.
    """
    ways = {
        "--unregistered": bool(unregistered),
        "--register-ptychi-only": ptychi_only,
        "--skip-registration": skip,
    }
    said = [option for option, given in ways.items() if given]
    if len(said) > 1:
        raise ValueError(f"{' and '.join(said)} are given; needed: at most one of them")
    unknown = sorted(set(unregistered) - set(names))
    if unknown:
        raise ValueError(
            f"--unregistered names {', '.join(unknown)}; needed: some of {', '.join(names)}"
        )
    if skip:
        return names
    if not ptychi_only:
        return unregistered
    if PTYCHI not in names:
        raise ValueError(
            f"--register-ptychi-only with {', '.join(names)}; needed: {PTYCHI} among them"
        )
    return [name for name in names if name != PTYCHI]
