"""The section ``page``, which the stage of that name reads: when a reconstruction is usable."""

from pydantic import Field

from ptychostudy.study.section import Positive, Section


class PageSettings(Section):
    """When the page calls a dose usable."""

    max_phase_rms_rad: Positive = Field(
        0.1, description="largest phase error of a dose that the page calls usable"
    )
    min_frc50: float = Field(
        0.33,
        gt=0,
        le=1,
        description="smallest resolution (FRC50 over Nyquist) of a dose that the page calls usable",
    )
