"""The sections of a configuration: every key with its type, its range and its default."""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Dose = Annotated[int, Field(gt=0, le=10**9, description="mean detected photons per frame")]


def _whole(value: Any) -> Any:
    """Take 1e3, which YAML reads as text, as the number it is."""
    if not isinstance(value, list):
        return value
    return [int(float(v)) if isinstance(v, str) and re.fullmatch(r"[0-9]+e\+?[0-9]", v) else v for v in value]


def _distinct(numbers: list[int]) -> list[int]:
    if len(set(numbers)) != len(numbers):
        raise ValueError("numbers that all differ")
    return numbers


Doses = Annotated[list[Dose], Field(min_length=1), BeforeValidator(_whole), AfterValidator(_distinct)]
Seeds = Annotated[list[Annotated[int, Field(ge=0, le=9999)]], Field(min_length=1), AfterValidator(_distinct)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]


class Section(BaseModel):
    """A closed set of keys: an unknown or misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        kind = cls.model_fields[info.field_name or ""].annotation
        if kind is not bool and any(isinstance(v, bool) for v in (value if isinstance(value, list) else [value])):
            raise ValueError("a number or a text, not true or false")
        return value


class ObjectSettings(Section):
    """The simulated object."""

    kind: Literal["circuit", "lines", "siemens", "grf", "image"] = "circuit"
    shape_px: tuple[Count, Count] = Field((352, 272), description="rows and columns")
    amplitude: tuple[float, float] = Field((0.4, 1.0), description="smallest and largest amplitude")
    phase_rad: float = Field(1.6, ge=0, le=6.28, description="span of the phase")
    amplitude_image: str | None = Field(None, description="picture file, for kind image")
    phase_image: str | None = Field(None, description="picture file, for kind image")

    @model_validator(mode="after")
    def _images_come_in_pairs(self) -> "ObjectSettings":
        if (self.kind == "image") != bool(self.amplitude_image and self.phase_image):
            raise ValueError(
                f"kind is {self.kind}, amplitude_image {self.amplitude_image!r}, phase_image {self.phase_image!r}; "
                "needed: both pictures for kind image, neither for other kinds"
            )
        if not 0 <= self.amplitude[0] < self.amplitude[1]:
            raise ValueError(f"amplitude is {self.amplitude}; needed: two rising numbers >= 0")
        return self


class ProbeSettings(Section):
    """The simulated probe."""

    kind: Literal["disc", "zoneplate", "speckle"] = "disc"
    diameter_px: Positive = Field(36.0, description="diameter in object pixels")


class ScanSettings(Section):
    """The simulated scan."""

    kind: Literal["raster", "fermat", "fly", "random"] = "raster"
    step_px: Positive = Field(6.0, description="mean distance of neighbouring positions")
    jitter_px: float = Field(1.5, ge=0, description="random displacement of each position")


class NpzSettings(Section):
    """A user's own file."""

    path: str | None = Field(None, description="NPZ or HDF5 file, relative to the hub")
    measurement: Literal["auto", "counts", "intensity", "amplitude"] = Field("auto", description="what the frames hold")
    axes: Literal["auto", "NHW", "HWN"] = Field("auto", description="axis order of the frames")


class BaseSettings(Section):
    """Where object, probe and scan come from."""

    kind: Literal["synthetic", "npz", "siemens_star"] = "synthetic"
    frames: Literal["simulate", "measured"] = Field("simulate", description="simulate frames, or thin measured ones")
    frame_px: Literal[32, 64, 128, 256] = Field(64, description="frame side N")
    pixel_size_m: Positive = Field(1e-8, description="object pixel")
    seed: int = Field(7, ge=0)
    object: ObjectSettings = ObjectSettings()
    probe: ProbeSettings = ProbeSettings()
    scan: ScanSettings = ScanSettings()
    npz: NpzSettings = NpzSettings()

    @model_validator(mode="after")
    def _consistent(self) -> "BaseSettings":
        if (self.kind == "npz") != bool(self.npz.path):
            raise ValueError(
                f"kind is {self.kind}, npz.path is {self.npz.path!r}; needed: a path for kind npz, none for other kinds"
            )
        if (self.frames == "measured") and self.kind == "synthetic":
            raise ValueError(
                "frames is measured, kind is synthetic; needed: kind npz or siemens_star for measured frames"
            )
        if self.kind == "siemens_star" and self.frames != "measured":
            raise ValueError(
                "kind is siemens_star, frames is simulate; needed: frames measured, which is what it holds"
            )
        if self.kind == "synthetic" and self.probe.diameter_px > 0.75 * self.frame_px:
            raise ValueError(
                f"probe.diameter_px is {self.probe.diameter_px:g}, frame_px is {self.frame_px}; "
                f"needed: a diameter of at most 3/4 of the frame, {0.75 * self.frame_px:g}"
            )
        if self.kind == "synthetic" and min(self.object.shape_px) < 2 * self.frame_px:
            raise ValueError(
                f"object.shape_px is {self.object.shape_px}, frame_px is {self.frame_px}; "
                f"needed: at least twice the frame, {2 * self.frame_px}, on both axes"
            )
        return self


class SplitSettings(Section):
    """How the scan is cut into a training and a test part."""

    axis: Literal["y", "x"] = "y"
    fraction: float = Field(0.5, gt=0, lt=1, description="part of the range that trains")
    guard_px: float | None = Field(None, ge=0, description="width of the discarded band; default one probe diameter")


class ReconstructSettings(Section):
    """The iterative arm (pty-chi)."""

    algorithm: Literal["LSQML", "ePIE", "rPIE", "DM", "RAAR", "BH", "autodiff"] = "LSQML"
    epochs: Count = Field(50, description="passes over the frames")
    batch_size: Count = Field(50, description="frames per update")
    noise_model: Literal["gaussian", "poisson"] = "gaussian"
    optimizer: Literal["adam", "sgd"] | None = Field(None, description="default: adam where the algorithm can")
    step_size: Positive | None = Field(None, description="first step of the object; default by algorithm")
    refine_probe: bool = False


class WrongProbeSettings(Section):
    """By how much the probe that the arms are given differs from the one that made the frames."""

    defocus_rad: float = Field(0.0, description="quadratic phase added in Fourier space")
    shift_px: tuple[float, float] = Field((0.0, 0.0), description="rows and columns")
    blur_px: float = Field(0.0, ge=0, description="sigma of a Gaussian blur")


class SimulateSettings(Section):
    """Doses and the draw of photons."""

    doses: Doses = Field(default=[1000, 100000])
    design: Literal["fixed_frame", "fixed_fluence"] = Field(
        "fixed_frame", description="a dose is per frame, or per frame of the full scan at equal fluence"
    )
    noise: Literal["poisson", "none"] = Field("poisson", description="none: expected counts, the noise-free limit")
    seed: int = Field(42, ge=0)
    wrong_probe: WrongProbeSettings = WrongProbeSettings()


class ViewSettings(Section):
    """One way to sample the scan."""

    s_img: float | None = Field(None, gt=0, le=1, description="fraction of the frames kept")
    target_overlap: float | None = Field(None, gt=0, lt=1, description="wanted mean disc overlap (metric 2)")
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
        default={"dense": ViewSettings(s_img=1.0), "sparse": ViewSettings(s_img=0.35)}, min_length=1
    )
    gridsize: Literal[1, 2, 3] = Field(2, description="a group holds gridsize^2 frames")
    neighbor_count: Count = Field(7, description="K nearest neighbours a group is drawn from")
    metric_neighbor_count: Count = Field(6, description="K of metrics 1 and 2")
    enable_oversampling: bool = False
    neighbor_pool_size: Count | None = None
    seed_grouping: int = Field(123, ge=0)
    seed_subsampling: int = Field(456, ge=0)

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

    architecture: Literal["backprojection", "ptychopinn"] = "backprojection"
    width: Count = Field(16, description="filters of the first level (backprojection)")
    steps: int = Field(12, ge=0, description="data-consistency steps before the network (backprojection)")
    amplitude_head: Literal["softplus", "sigmoid"] = "softplus"
    epochs: Count = 3
    batch_size: Count = Field(8, description="groups per step")
    learning_rate: Positive = 3e-3
    patience: Count = Field(5, description="epochs without a better validation loss before stopping")
    validation_fraction: float = Field(0.1, gt=0, lt=0.5)
    seed: int = Field(11, ge=0)


class PinnSettings(NetworkSettings):
    """The physics-informed network, PtychoPINN."""

    loss: Literal["poisson", "mae"] = Field("poisson", description="data term")


class BaselineSettings(NetworkSettings):
    """The Baseline arm, one frame at a time."""

    kind: Literal["supervised", "pinn"] = "supervised"
    labels: Literal["truth", "reconstruction"] = Field("truth", description="what a supervised network learns from")
    steps: int = Field(4, ge=0, description="as of the PINN; one frame alone gains nothing from more")
    epochs: Count = 10
    batch_size: Count = Field(16, description="frames per step")


class TrainSettings(Section):
    """Both networks."""

    doses: Literal["each", "all"] = Field("each", description="one network per dose, or one for all doses")
    pinn: PinnSettings = PinnSettings()
    baseline: BaselineSettings = BaselineSettings()


class InferSettings(Section):
    """Chunked inference and stitching."""

    shards: Count = Field(2, description="file targets per arm")
    batch_size: Count = Field(16, description="groups per micro-batch; changes no result")
    window_px: int = Field(20, ge=2, description="side M of the stitched centre of a patch")
    window: Literal["uniform", "hann"] = "uniform"
    debug_limit: Count | None = Field(None, description="first n groups only")


class CompareSettings(Section):
    """Gauge, registration and metrics."""

    phase_align: Literal["plane", "mean", "none"] = "plane"
    register_arms: list[Literal["PtychoPINN", "Baseline", "PtyChi"]] = Field(
        default=["PtyChi"], description="arms that are registered; the shift of all is reported"
    )
    ms_ssim_sigma: float = Field(1.0, ge=0, description="Gaussian blur before MS-SSIM, pixels")


class SummarizeSettings(Section):
    """Reports."""

    ms_ssim_threshold: float = Field(0.8, gt=0, le=1)


class VerifySettings(Section):
    """Bounds of the verification."""

    max_shift_px: Positive = Field(1.0, description="largest credible registration shift of an arm")
    min_coverage: float = Field(0.5, gt=0, le=1, description="smallest covered part of the scanned hull")
