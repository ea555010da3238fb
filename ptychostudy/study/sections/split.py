"""The section ``split``."""

from typing import Literal

from pydantic import Field

from ptychostudy.study.section import Section


class SplitSettings(Section):
    """How the scan is cut into a training and a test part."""

    axis: Literal["y", "x"] = Field(
        "y", description="the axis that is cut: rows (y) or columns (x)"
    )
    fraction: float = Field(0.5, gt=0, lt=1, description="part of the range that trains")
    guard_px: float | None = Field(
        None, ge=0, description="width of the discarded band; default one probe diameter"
    )
