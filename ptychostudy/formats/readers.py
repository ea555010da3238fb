"""Which module reads what a study starts from.

It alone is loaded, and it alone counts as the code of the stage.

A new format is a module beside this one, and a line here.
"""

import importlib
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings

# Named, not imported: neither is loaded before a study needs it.
USER = "ptychostudy.formats.user"
PICTURE = "ptychostudy.formats.picture"
# Not a reader, but needed for the same studies as little or as much.
GEOMETRY = "ptychostudy.recipes.geometry"


def needed(base: "BaseSettings") -> list[str]:
    """Return the modules that read the source of a study.

    Parameters
    ----------
    base : BaseSettings
        Section ``base`` of the study.
    """
    if base.kind != "synthetic":
        return [USER, GEOMETRY] if base.frames == "measured" else [USER]
    return [PICTURE] if base.object.kind == "image" else []


def load(module: str) -> ModuleType:
    """Import a reader."""
    return importlib.import_module(module)
