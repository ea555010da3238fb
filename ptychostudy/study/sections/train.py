"""The section ``train``: both networks."""

from typing import Literal

from pydantic import Field

from ptychostudy.study.section import Count, Positive, Section, Seed


class NetworkSettings(Section):
    """Form and training of one network."""

    architecture: Literal["backprojection", "ptychopinn"] = Field(
        "backprojection", description="the default network, or the ancestor's topology"
    )
    width: Count = Field(16, description="filters of the first level (backprojection)")
    steps: int = Field(
        12, ge=0, description="data-consistency steps before the network (backprojection)"
    )
    amplitude_head: Literal["softplus", "sigmoid"] = Field(
        "softplus", description="last function of the amplitude; sigmoid ends at 1"
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


class PinnSettings(NetworkSettings):
    """The physics-informed network, PtychoPINN."""

    loss: Literal["poisson", "mae"] = Field("poisson", description="data term")


class BaselineSettings(NetworkSettings):
    """The Baseline arm, one frame at a time."""

    kind: Literal["supervised", "pinn"] = Field(
        "supervised", description="learns from objects, or from frames as the PINN does"
    )
    labels: Literal["truth", "reconstruction"] = Field(
        "truth", description="what a supervised network learns from"
    )
    steps: int = Field(
        4, ge=0, description="as of the PINN; one frame alone gains nothing from more"
    )
    epochs: Count | Literal["auto"] = Field(
        "auto", description="passes over the frames, at most; auto: by how many frames there are"
    )
    batch_size: Count = Field(16, description="frames per step")


NetworkSection = PinnSettings | BaselineSettings


class TrainSettings(Section):
    """Both networks."""

    doses: Literal["each", "all"] = Field(
        "each", description="one network per dose, or one for all doses"
    )
    pinn: PinnSettings = Field(PinnSettings(), description="the physics-informed network")
    baseline: BaselineSettings = Field(BaselineSettings(), description="the Baseline")
