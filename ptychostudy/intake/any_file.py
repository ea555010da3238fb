"""Files of which nothing is known yet: whatever is wrong with them, it ends in a `DataError`."""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from ptychostudy.formats.readers import load_user_file
from ptychostudy.formats.user_file import UserFile
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.masks import MaskFile
from ptychostudy.intake.named_by_shape import named_by_shape
from ptychostudy.intake.user import take_scan, whole_file
from ptychostudy.io.atomic import DataError
from ptychostudy.study.sections.base import BaseSettings

_KIND = {"kind": "npz", "frames": "measured"}


def look_into(paths: list[str]) -> tuple[UserFile, dict[str, str]]:
    """Read the files of a scan and put them together, without a judgement.

    Returns
    -------
    file : UserFile
        All of them.
    named : dict of str to str
        Arrays in it that have names of their own and were taken for what their shapes allow, as
        ``base.npz.keys`` says where they are.

    Raises
    ------
    DataError
        Whatever the files are.
    """
    with refused(paths):
        named = named_by_shape({path: load_user_file(path) for path in paths})
        base = settings_of({"npz": {"path": paths[0], "keys": named}})
        return whole_file(paths, base, Doubts(paths[0], listed=[])), named


def take_in(
    paths: list[str], base: dict[str, Any], doubts: Doubts, mask: MaskFile | None = None
) -> dict[str, np.ndarray]:
    """Take in the scan of some files.

    Parameters
    ----------
    paths : list of str
    base : dict
        What the section ``base`` of the study would say.
    doubts : Doubts
        To be filled.
    mask : MaskFile, optional
        The file that ``base.npz.mask`` names.

    Raises
    ------
    DataError
        Whatever the files are.
    """
    with refused(paths):
        scan, _ = take_scan(paths, settings_of(base), mask, doubts)
        return scan


def settings_of(base: dict[str, Any]) -> BaseSettings:
    """Return the section ``base`` of a study of measured frames, with what is said of it."""
    return BaseSettings(**{**_KIND, **base})


@contextlib.contextmanager
def refused(paths: list[str]) -> Iterator[None]:
    """Turn whatever is raised into the refusal of some files."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        name = ", ".join(paths)
        what = f"{type(error).__name__}: {error}"
        raise DataError(
            f"{name}: cannot be understood ({what}); needed: a file as docs/formats.md says; if it "
            "is one, this is a fault of this program: report it with this line"
        ) from error
