"""The section ``compare``."""

from typing import Literal

from pydantic import Field

from ptychostudy.study.names import PTYCHI
from ptychostudy.study.section import Section


class CompareSettings(Section):
    """Gauge, registration and metrics."""

    phase_align: Literal["plane", "mean", "none"] = Field(
        "plane",
        description=(
            "what is removed before scoring: factor and phase ramp, factor alone, or nothing"
        ),
    )
    register_arms: list[Literal["PtychoPINN", "Baseline", "PtyChi", "TV"]] = Field(
        default=[PTYCHI], description="arms that are registered; the shift of all is reported"
    )
    ms_ssim_sigma: float = Field(1.0, ge=0, description="Gaussian blur before MS-SSIM, pixels")
