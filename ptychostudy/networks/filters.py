"""How many filters a network has."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

_WIDTHS = {"canvas": 12, "backprojection": 16, "ptychopinn": 16}


def filters_of(settings: "NetworkSection") -> int:
    """Return the filters of the first level: as the settings say, or as suits the architecture."""
    return _WIDTHS[settings.architecture] if settings.width == "auto" else settings.width
