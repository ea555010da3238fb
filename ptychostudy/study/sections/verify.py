"""The section ``verify``, and what the stage of that name reads."""

from typing import Any, Literal

from pydantic import Field

from ptychostudy.study.arm_names import FLAT_START
from ptychostudy.study.names import NETWORKS
from ptychostudy.study.section import Positive, Section
from ptychostudy.study.sections.arms import ArmsSettings
from ptychostudy.study.sections.summarize import ReportSettings


class VerifySettings(Section):
    """Bounds of the verification."""

    max_shift_px: Positive = Field(1.0, description="largest credible registration shift of an arm")
    min_coverage: float = Field(
        0.5, gt=0, le=1, description="smallest covered part of the scanned hull"
    )


class VerificationSettings(ReportSettings):
    """What the stage ``verify`` reads: its bounds, and where the files of the study lie."""

    verify: VerifySettings
    arms: ArmsSettings = ArmsSettings()
    start: Literal["flat", "PtychoPINN", "Baseline"] = "flat"
    networks: list[str] = list(NETWORKS)
    gridsize: Literal[1, 2, 3]
    pairs: list[tuple[int, str]]

    def plain(self) -> dict[str, Any]:
        """Return what is read; a key that came later makes no report of older studies stale."""
        unread = {"start"} if self.start == FLAT_START else set()
        if self.networks == list(NETWORKS):
            unread.add("networks")
        return self.model_dump(mode="json", exclude=unread)
