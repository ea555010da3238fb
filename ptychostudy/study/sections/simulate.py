"""The section ``simulate``, and what the stage of that name reads."""

from typing import Literal

from pydantic import Field

from ptychostudy.study.section import Doses, Section, Seed
from ptychostudy.study.sections.split import CutSettings


class WrongProbeSettings(Section):
    """By how much the probe that the arms are given differs from the one that made the frames."""

    defocus_rad: float = Field(0.0, description="quadratic phase added in Fourier space")
    shift_px: tuple[float, float] = Field((0.0, 0.0), description="rows and columns")
    blur_px: float = Field(0.0, ge=0, description="sigma of a Gaussian blur")


class DoseSettings(Section):
    """How many photons."""

    doses: Doses = Field(default=[1000, 100000], description="mean detected photons per frame")
    design: Literal["fixed_frame", "fixed_fluence"] = Field(
        "fixed_frame",
        description="a dose is per frame, or per frame of the full scan at equal fluence",
    )


class DetectSettings(Section):
    """How frames are detected; the doses are not here, because each job makes one."""

    noise: Literal["poisson", "none"] = Field(
        "poisson", description="none: expected counts, the noise-free limit"
    )
    seed: Seed = Field(42, description="of the draw of photons")
    wrong_probe: WrongProbeSettings = Field(
        WrongProbeSettings(),
        description="what the arms are given instead of the probe that made the frames",
    )


# The order of the bases is that of the keys in config.yaml, from the last one up.
class SimulateSettings(DetectSettings, DoseSettings):
    """Doses and the draw of photons."""


class FramesSettings(CutSettings, DetectSettings):
    """What the stage ``simulate`` reads."""
