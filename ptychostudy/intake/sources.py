"""Which module takes in what a study starts from.

It alone is loaded, and it alone counts as the code of the stage: the formats of users' files (see
``formats/readers.py``) count for studies of such a file only.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings

# Named, not imported: neither is loaded before a study needs it.
USER = "ptychostudy.intake.user"
ASKED = "ptychostudy.intake.asked"
PICTURE = "ptychostudy.formats.picture"
MASK = "ptychostudy.intake.mask_file"
# Takes nothing in, but looks at what was.
GEOMETRY = "ptychostudy.intake.geometry"


def needed(base: "BaseSettings") -> list[str]:
    """Return the modules that take in the source of a study.

    Parameters
    ----------
    base : BaseSettings
        Section ``base`` of the study.
    """
    if base.kind != "synthetic":
        modules = [USER, ASKED, GEOMETRY] if base.frames == "measured" else [USER, ASKED]
        return [*modules, MASK] if base.npz.mask else modules
    return [PICTURE] if base.object.kind == "image" else []


def load(module: str) -> ModuleType:
    """Import one of them."""
    return importlib.import_module(module)


def named_pictures(base: "BaseSettings") -> list[str]:
    """Return the pictures, amplitude and phase, that an object is made of; none of any other."""
    drawn = base.object
    if base.kind != "synthetic" or drawn.kind != "image":
        return []
    return [str(path) for path in (drawn.amplitude_image, drawn.phase_image)]


def named_files(base: "BaseSettings") -> list[str]:
    """Return the files that a study of a user's scan names, however many they are."""
    path = base.npz.path
    if path is None:
        return []
    return [path] if isinstance(path, str) else list(path)
