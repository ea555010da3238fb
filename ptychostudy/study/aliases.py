"""What people and other programs call our arms."""

import re

from ptychostudy.study.names import ARMS, BASELINE, CONTROLS, PINN, PTYCHI, TV

_ALSO = {
    "pinn": PINN,
    "supervised": BASELINE,
    # As a table of the ancestor had it, which nothing downstream found.
    "ptychiptychi": PTYCHI,
    "totalvariation": TV,
}
"""Beside the names themselves: in small letters, without what joins words."""


def canonical(name: str) -> str:
    """Return how we write the name of an arm or control; of any other the name as it is.

    Case, and what joins words, do not count: ``pinn``, ``pty-chi`` and ``pty_chi`` are ours. Names
    of algorithms are not, as several programs have the same ones.
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    ours = {each.lower(): each for each in (*ARMS, *CONTROLS)}
    return (ours | _ALSO).get(plain, name)


def is_ours(name: str) -> bool:
    """Say whether a canonical name is that of an arm or control of ours."""
    return name in (*ARMS, *CONTROLS)
