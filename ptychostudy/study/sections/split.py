"""The section ``split``."""

from typing import Any, Literal

from pydantic import Field

from ptychostudy.study.section import Section


class SplitSettings(Section):
    """How the scan is cut into a training and a test part."""

    axis: Literal["y", "x"] = Field(
        "y", description="the axis that is cut: rows (y) or columns (x)"
    )
    fraction: float = Field(0.5, gt=0, lt=1, description="part of the range that trains")
    guard_px: float | None = Field(
        None,
        ge=0,
        description="width of the discarded band; default the probe's, of a user's its bright part",
    )


class CutSettings(Section):
    """What stages read that cut a scan."""

    split: SplitSettings
    probe_width: Literal["power", "bright"] = Field(
        "power", description="how wide the probe is: 99 % of its power, or its bright part"
    )

    def plain(self) -> dict[str, Any]:
        """Return what is read; how wide the probe is only where it is not the usual way."""
        said = super().plain()
        if self.probe_width == "power":
            del said["probe_width"]
        return said
