"""The sections ``reconstruct`` and ``reference``: the iterative solver."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ptychostudy.study.section import Count, Positive, Section

Modes = Annotated[int, Field(ge=1, le=20)]
Algorithm = Literal["LSQML", "ePIE", "rPIE", "DM", "RAAR", "BH", "autodiff"]


class ReconstructSettings(Section):
    """The iterative arm (pty-chi)."""

    algorithm: Algorithm = Field(
        "autodiff", description="of pty-chi; autodiff with L-BFGS is maximum likelihood"
    )
    epochs: Count = Field(
        20, description="passes over the frames; lbfgs: of five steps, some seven passes"
    )
    batch_size: Count = Field(50, description="frames per update; lbfgs takes all at once")
    noise_model: Literal["gaussian", "poisson"] = Field(
        "poisson", description="likelihood of the counts"
    )
    optimizer: Literal["lbfgs", "adam", "sgd"] | None = Field(
        None, description="default: the algorithm's best"
    )
    step_size: Positive | None = Field(
        None, description="first step of the object; default by algorithm"
    )
    refine_probe: bool = Field(False, description="whether the probe is reconstructed, too")
    probe_modes: Modes = Field(1, description="modes of the probe, whose intensities add")

    @model_validator(mode="after")
    def _poisson_has_algorithms(self) -> "ReconstructSettings":
        if self.noise_model == "poisson" and self.algorithm not in ("LSQML", "autodiff"):
            raise ValueError(
                f"noise_model is poisson, algorithm is {self.algorithm}; "
                "needed: LSQML or autodiff, or noise_model gaussian"
            )
        return self

    @model_validator(mode="after")
    def _modes_have_algorithms(self) -> "ReconstructSettings":
        if self.probe_modes > 1 and self.algorithm not in ("LSQML", "autodiff"):
            raise ValueError(
                f"probe_modes is {self.probe_modes}, algorithm is {self.algorithm}; "
                "needed: LSQML or autodiff, or probe_modes 1"
            )
        return self

    def plain(self) -> dict[str, Any]:
        """Return what the solver reads: L-BFGS takes all frames at once, whatever the batch."""
        unread = set()
        if self.algorithm == "autodiff" and self.optimizer in (None, "lbfgs"):
            unread.add("batch_size")
        # A key that came later must not make the files of older studies stale.
        if self.probe_modes == 1:
            unread.add("probe_modes")
        return self.model_dump(mode="json", exclude=unread)


class StartedSettings(ReconstructSettings):
    """The iterative arms: PtyChi, which starts flat, and Hybrid, where a study has it."""

    start: Literal["flat", "PtychoPINN", "Baseline"] = Field(
        "flat",
        description=(
            "what one more arm, Hybrid, starts from: a network's canvas; flat: there is none"
        ),
    )


class ReferenceSettings(ReconstructSettings):
    """How measured frames are reconstructed at full dose, to score against."""

    # With many photons the fastest of pty-chi's algorithms, and time for the probe, too.
    algorithm: Algorithm = Field("LSQML", description="of pty-chi")
    epochs: Count = Field(80, description="passes over the frames")
    noise_model: Literal["gaussian", "poisson"] = Field(
        "gaussian", description="likelihood of the counts"
    )
    refine_probe: bool = Field(True, description="whether the probe is reconstructed, too")
