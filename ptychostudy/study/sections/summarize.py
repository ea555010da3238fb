"""The section ``summarize``, and what the stage of that name reads."""

from typing import Literal

from pydantic import Field

from ptychostudy.study.section import Section, Seeds


class SummarizeSettings(Section):
    """Reports."""

    ms_ssim_threshold: float = Field(
        0.8, gt=0, le=1, description="below it the sanity check of the report says LOW"
    )


class ReportSettings(SummarizeSettings):
    """What the stage ``summarize`` reads: with what the whole study is made of."""

    seeds: Seeds
    design: Literal["fixed_frame", "fixed_fluence"]
    trained_on: Literal["each", "all"]
