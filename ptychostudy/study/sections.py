"""The sections of a configuration but ``base``: every key with its type, its range and its default."""

from typing import Any, Literal

from pydantic import Field, model_validator

from ptychostudy.study.section import Count, Doses, Name, Positive, Section, Seed


class SplitSettings(Section):
    """How the scan is cut into a training and a test part."""

    axis: Literal["y", "x"] = Field(
        "y", description="the axis that is cut: rows (y) or columns (x)"
    )
    fraction: float = Field(0.5, gt=0, lt=1, description="part of the range that trains")
    guard_px: float | None = Field(
        None, ge=0, description="width of the discarded band; default one probe diameter"
    )


class ReconstructSettings(Section):
    """The iterative arm (pty-chi)."""

    algorithm: Literal["LSQML", "ePIE", "rPIE", "DM", "RAAR", "BH", "autodiff"] = Field(
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

    @model_validator(mode="after")
    def _poisson_has_algorithms(self) -> "ReconstructSettings":
        if self.noise_model == "poisson" and self.algorithm not in ("LSQML", "autodiff"):
            raise ValueError(
                f"noise_model is poisson, algorithm is {self.algorithm}; "
                "needed: LSQML or autodiff, or noise_model gaussian"
            )
        return self

    def read(self) -> dict[str, Any]:
        """Return what the solver reads: L-BFGS takes all frames at once, whatever the batch."""
        at_once = self.algorithm == "autodiff" and self.optimizer in (None, "lbfgs")
        return self.model_dump(exclude={"batch_size"} if at_once else set())


class WrongProbeSettings(Section):
    """By how much the probe that the arms are given differs from the one that made the frames."""

    defocus_rad: float = Field(0.0, description="quadratic phase added in Fourier space")
    shift_px: tuple[float, float] = Field((0.0, 0.0), description="rows and columns")
    blur_px: float = Field(0.0, ge=0, description="sigma of a Gaussian blur")


class SimulateSettings(Section):
    """Doses and the draw of photons."""

    doses: Doses = Field(default=[1000, 100000], description="mean detected photons per frame")
    design: Literal["fixed_frame", "fixed_fluence"] = Field(
        "fixed_frame",
        description="a dose is per frame, or per frame of the full scan at equal fluence",
    )
    noise: Literal["poisson", "none"] = Field(
        "poisson", description="none: expected counts, the noise-free limit"
    )
    seed: Seed = Field(42, description="of the draw of photons")
    wrong_probe: WrongProbeSettings = Field(
        WrongProbeSettings(),
        description="what the arms are given instead of the probe that made the frames",
    )


class ViewSettings(Section):
    """One way to sample the scan."""

    s_img: float | None = Field(None, gt=0, le=1, description="fraction of the frames kept")
    target_overlap: float | None = Field(
        None, gt=0, lt=1, description="wanted mean disc overlap (metric 2)"
    )
    n_groups: Count | None = Field(None, description="groups; default one per frame")

    @model_validator(mode="after")
    def _one_way(self) -> "ViewSettings":
        if (self.s_img is None) == (self.target_overlap is None):
            raise ValueError(
                f"s_img is {self.s_img}, target_overlap is {self.target_overlap}; needed: exactly one of the two"
            )
        return self


class OverlapSettings(Section):
    """Views, groups and the overlap metrics."""

    views: dict[Name, ViewSettings] = Field(
        default={"dense": ViewSettings(s_img=1.0), "sparse": ViewSettings(s_img=0.35)},
        min_length=1,
        description="ways to sample the scan, by name",
    )
    gridsize: Literal[1, 2, 3] = Field(2, description="a group holds gridsize^2 frames")
    neighbor_count: Count = Field(7, description="K nearest neighbours a group is drawn from")
    metric_neighbor_count: Count = Field(6, description="K of metrics 1 and 2")
    enable_oversampling: bool = Field(False, description="allow more groups than frames")
    neighbor_pool_size: Count | None = Field(
        None, description="neighbours to draw from when oversampling; default K"
    )
    seed_grouping: Seed = Field(123, description="of the draw of groups")
    seed_subsampling: Seed = Field(456, description="of the choice of frames")

    @model_validator(mode="after")
    def _enough_neighbours(self) -> "OverlapSettings":
        if self.neighbor_count < self.gridsize**2:
            raise ValueError(
                f"neighbor_count is {self.neighbor_count}, gridsize is {self.gridsize}; needed: neighbor_count >= "
                f"gridsize^2 = {self.gridsize**2} (K >= C, OVERSAMPLING-001)"
            )
        if self.neighbor_pool_size is not None and self.neighbor_pool_size < self.gridsize**2:
            raise ValueError(
                f"neighbor_pool_size is {self.neighbor_pool_size}, gridsize is {self.gridsize}; needed: "
                f"neighbor_pool_size >= gridsize^2 = {self.gridsize**2} (OVERSAMPLING-001)"
            )
        return self


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
    epochs: Count = Field(3, description="passes over the groups, at most")
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
    epochs: Count = Field(10, description="passes over the frames, at most")
    batch_size: Count = Field(16, description="frames per step")


class TrainSettings(Section):
    """Both networks."""

    doses: Literal["each", "all"] = Field(
        "each", description="one network per dose, or one for all doses"
    )
    pinn: PinnSettings = Field(PinnSettings(), description="the physics-informed network")
    baseline: BaselineSettings = Field(BaselineSettings(), description="the Baseline")


class InferSettings(Section):
    """Chunked inference and stitching."""

    shards: Count = Field(2, description="file targets per arm")
    batch_size: Count = Field(16, description="groups per micro-batch; changes no result")
    window_px: int = Field(20, ge=2, description="side M of the stitched centre of a patch")
    window: Literal["uniform", "hann"] = Field(
        "uniform", description="weight within the stitched square: equal, or falling to its edge"
    )
    debug_limit: Count | None = Field(None, description="first n groups only")


class CompareSettings(Section):
    """Gauge, registration and metrics."""

    phase_align: Literal["plane", "mean", "none"] = Field(
        "plane",
        description="what is removed before scoring: factor and phase ramp, factor alone, or nothing",
    )
    register_arms: list[Literal["PtychoPINN", "Baseline", "PtyChi"]] = Field(
        default=["PtyChi"], description="arms that are registered; the shift of all is reported"
    )
    ms_ssim_sigma: float = Field(1.0, ge=0, description="Gaussian blur before MS-SSIM, pixels")


class SummarizeSettings(Section):
    """Reports."""

    ms_ssim_threshold: float = Field(
        0.8, gt=0, le=1, description="below it the sanity check of the report says LOW"
    )


class VerifySettings(Section):
    """Bounds of the verification."""

    max_shift_px: Positive = Field(1.0, description="largest credible registration shift of an arm")
    min_coverage: float = Field(
        0.5, gt=0, le=1, description="smallest covered part of the scanned hull"
    )
