"""The section ``maximise``: the likelihood of a view's frames on one canvas."""

from typing import Literal

from pydantic import Field

from ptychostudy.study.section import Count, Positive, Section, Seed


class MaximiseSettings(Section):
    """Maximum likelihood with a known probe, plain and with a smoothness prior."""

    iterations: Count = Field(40, description="of L-BFGS from a flat start, without a prior")
    smooth_iterations: Count = Field(30, description="of the same with the smoothness prior")
    weight: Positive | Literal["auto"] = Field(
        "auto",
        description=(
            "of the total variation, in units of the root of the photons on a lit pixel; "
            "auto: held-out photons choose it"
        ),
    )
    held_out: float = Field(
        0.2, gt=0, lt=1, description="share of the photons by which the weight is chosen"
    )
    seed: Seed = Field(17, description="of the draw of those photons")
