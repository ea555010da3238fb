"""The section ``train``: both networks."""

from typing import Any, Literal

from pydantic import Field, model_validator

from ptychostudy.study.arm_names import FEED_FORWARD
from ptychostudy.study.names import BASELINE, NETWORKS, NUMPY, PINN
from ptychostudy.study.section import Backend, Count, Positive, Precision, Section, Seed
from ptychostudy.study.sections.maximise import MaximiseSettings

ANCESTOR_SIDES = (64, 128, 256)
"""Window sides N that the ancestor's network has levels for, where it learns from frames."""

ObjectKind = Literal["circuit", "lines", "siemens", "grf"]


class CourseSettings(Section):
    """How one network is trained."""

    backend: Backend | Literal["numpy", "auto"] = Field(
        "auto",
        description="what computes the training; auto: numpy for networks of canvases, tensorflow "
        "for those of groups",
    )
    precision: Precision = Field(
        "auto",
        description="of convolutions (ptychopinn); auto: bfloat16 where the machine computes in it",
    )
    epochs: Count | Literal["auto"] = Field(
        "auto", description="passes over the groups, at most; auto: by how many groups there are"
    )
    batch_size: Count = Field(8, description="groups per step")
    learning_rate: Positive = Field(3e-3, description="of Adam, at the start")
    patience: Count = Field(
        5, description="epochs without a better validation loss before stopping"
    )
    validation_fraction: float = Field(
        0.1, gt=0, lt=0.5, description="part of the training area that is held out"
    )
    seed: Seed = Field(11, description="of initial weights and of the order of the groups")

    @model_validator(mode="after")
    def _numpy_is_of_canvases(self) -> "CourseSettings":
        if self.backend == NUMPY and getattr(self, "architecture", None) != "canvas":
            raise ValueError(
                "backend is numpy, which computes networks of canvases alone; needed: auto or "
                "tensorflow, torch, jax, or architecture canvas"
            )
        return self


class FormSettings(Section):
    """What one network is."""

    architecture: Literal["canvas", "backprojection", "ptychopinn"] = Field(
        "canvas",
        description=(
            "canvas: a network that changes what the likelihood says of the whole view; "
            "backprojection: one of groups of frames; ptychopinn: the ancestor's topology"
        ),
    )
    width: Count | Literal["auto"] = Field(
        "auto", description="filters of the first level; auto: 12 (canvas) or 16 (backprojection)"
    )
    draws: Count = Field(
        4, description="splits of the photons into seen and held out (canvas, from frames)"
    )
    steps: int = Field(
        12, ge=0, description="data-consistency steps before the network (backprojection)"
    )
    amplitude_head: Literal["softplus", "sigmoid"] = Field(
        "softplus", description="last function of the amplitude; sigmoid ends at 1"
    )


# The order of the bases is that of the keys in config.yaml, from the last one up.
class NetworkSettings(CourseSettings, FormSettings):
    """Form and training of one network."""

    def plain(self) -> dict[str, Any]:
        """Return what the network reads; what another architecture reads changes nothing."""
        return self.model_dump(mode="json", exclude=self._unread())

    def _unread(self) -> set[str]:
        if self.architecture == "canvas":
            return {"steps", "amplitude_head", "batch_size", "precision"}
        canvas = {"draws", "maximise", "objects"}
        return canvas if self.architecture == "ptychopinn" else canvas | {"precision"}


class PinnSettings(NetworkSettings):
    """The physics-informed network, PtychoPINN."""

    loss: Literal["poisson", "mae"] = Field("poisson", description="data term")

    @model_validator(mode="after")
    def _canvas_is_poisson(self) -> "PinnSettings":
        if self.architecture == "canvas" and self.loss != "poisson":
            raise ValueError(
                f"loss is {self.loss}, architecture is canvas; needed: loss poisson (what held-out "
                "photons say is a likelihood), or architecture backprojection or ptychopinn"
            )
        return self


class BaselineSettings(NetworkSettings):
    """The Baseline arm, one frame at a time."""

    kind: Literal["supervised", "pinn"] = Field(
        "supervised", description="learns from objects, or from frames as the PINN does"
    )
    labels: Literal["truth", "reconstruction"] = Field(
        "truth", description="what a supervised network learns from"
    )
    objects: list[ObjectKind] = Field(
        default=["lines", "siemens", "grf"],
        description="kinds of simulated objects that it learns from, too (canvas)",
    )
    steps: int = Field(
        4, ge=0, description="as of the PINN; one frame alone gains nothing from more"
    )
    epochs: Count | Literal["auto"] = Field(
        "auto", description="passes over the frames, at most; auto: by how many frames there are"
    )
    batch_size: Count = Field(16, description="frames per step")


class ArmSettings(Section):
    """An arm of studies that ask for it."""

    enabled: bool = Field(False, description="whether the study has this arm")


class FeedForwardSettings(CourseSettings, ArmSettings):
    """PtychoPINN in its published form, as an arm of its own beside the others."""

    backend: Backend | Literal["auto"] = Field(
        "auto", description="what Keras computes the training with; auto: tensorflow"
    )
    epochs: Count = Field(60, description="passes over the groups, at most; as published")
    batch_size: Count = Field(16, description="groups per step")
    learning_rate: Positive = Field(1e-3, description="of Adam, at the start")
    patience: Count = Field(
        20, description="epochs without a better validation loss before stopping"
    )


class PinnTraining(PinnSettings):
    """What the training of PtychoPINN reads."""

    maximise: MaximiseSettings = Field(
        MaximiseSettings(), description="how a canvas is solved for what a network changes"
    )


class BaselineTraining(BaselineSettings):
    """What the training of the Baseline reads."""

    maximise: MaximiseSettings = Field(
        MaximiseSettings(), description="how a canvas is solved for what a network changes"
    )


class FeedForwardTraining(FeedForwardSettings):
    """What the training of FeedForward reads: its form is no choice of the study."""

    architecture: Literal["ptychopinn"] = Field("ptychopinn", description="as of the others")
    width: Literal["auto"] = Field("auto", description="as of the others")
    steps: Literal[0] = Field(0, description="as of the others")
    amplitude_head: Literal["sigmoid"] = Field("sigmoid", description="as of the others")

    def plain(self) -> dict[str, Any]:
        """Return what the training reads, which knows that there is one."""
        return self.model_dump(mode="json", exclude={"enabled"})


NetworkSection = PinnSettings | BaselineSettings | FeedForwardTraining
CanvasTraining = PinnTraining | BaselineTraining


class TrainSettings(Section):
    """The networks."""

    doses: Literal["each", "all"] = Field(
        "each", description="one network per dose, or one for all doses"
    )
    pinn: PinnSettings = Field(PinnSettings(), description="the physics-informed network")
    baseline: BaselineSettings = Field(BaselineSettings(), description="the Baseline")
    feed_forward: FeedForwardSettings = Field(
        FeedForwardSettings(),
        description="FeedForward, one more network: PtychoPINN in its published form",
    )

    @property
    def networks(self) -> list[str]:
        """Return what is trained, in the order shown."""
        return [*NETWORKS, *self.more]

    @property
    def more(self) -> list[str]:
        """Return the networks that not every study has."""
        return [FEED_FORWARD] if self.feed_forward.enabled else []

    def ancestors(self) -> list[str]:
        """Return the keys of those networks that have the ancestor's form and learn from frames."""
        learning: dict[str, NetworkSettings] = {"pinn": self.pinn}
        if self.baseline.kind == "pinn":
            learning["baseline"] = self.baseline
        chosen = [key for key, one in learning.items() if one.architecture == "ptychopinn"]
        if self.feed_forward.enabled:
            chosen.append("feed_forward")
        return [f"train.{key}" for key in chosen]

    def of_canvas(self, network: str) -> bool:
        """Say whether a network changes the canvas of a view, and does not see groups."""
        sections = {PINN: self.pinn, BASELINE: self.baseline}
        return network in sections and sections[network].architecture == "canvas"
