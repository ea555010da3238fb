"""Typed settings of a study: the single source of the JSON schema, the defaults and the error texts."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
Dose = Annotated[int, Field(gt=0, le=10**9, description="mean detected photons per frame")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*$")]


class Section(BaseModel):
    """A closed set of keys: an unknown or misspelt key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ObjectSettings(Section):
    """The simulated object."""

    kind: Literal["circuit", "lines", "siemens", "grf", "image"] = "circuit"
    shape_px: tuple[Count, Count] = Field((400, 320), description="rows and columns")
    amplitude: tuple[float, float] = Field((0.4, 1.0), description="smallest and largest amplitude")
    phase_rad: float = Field(1.6, ge=0, le=6.28, description="span of the phase")
    amplitude_image: str | None = Field(None, description="picture file, for kind image")
    phase_image: str | None = Field(None, description="picture file, for kind image")

    @model_validator(mode="after")
    def _images_come_in_pairs(self) -> "ObjectSettings":
        if (self.kind == "image") != bool(self.amplitude_image and self.phase_image):
            raise ValueError("kind image needs amplitude_image and phase_image, other kinds take neither")
        if not 0 <= self.amplitude[0] < self.amplitude[1]:
            raise ValueError("amplitude must be two rising numbers >= 0")
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
                f"kind npz needs npz.path and no other kind takes it, found kind {self.kind}, npz.path {self.npz.path}"
            )
        if (self.frames == "measured") and self.kind == "synthetic":
            raise ValueError("frames measured needs kind npz or siemens_star, found kind synthetic")
        if self.kind == "siemens_star" and self.frames != "measured":
            raise ValueError("kind siemens_star brings measured frames; needed frames: measured")
        if self.kind == "synthetic" and self.probe.diameter_px > 0.75 * self.frame_px:
            raise ValueError(f"probe.diameter_px {self.probe.diameter_px:g} exceeds 3/4 of frame_px {self.frame_px}")
        if self.kind == "synthetic" and min(self.object.shape_px) < 2 * self.frame_px:
            raise ValueError(
                f"object.shape_px {self.object.shape_px} must be at least twice frame_px {self.frame_px} on both axes"
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
    epochs: Count = 100
    batch_size: Count = Field(96, description="frames per update")
    noise_model: Literal["gaussian", "poisson"] = "gaussian"
    refine_probe: bool = False


class SimulateSettings(Section):
    """Doses and the draw of photons."""

    doses: list[Dose] = Field(default=[1000, 100000], min_length=1)
    seed: int = Field(42, ge=0)

    @field_validator("doses", mode="before")
    @classmethod
    def _exponents(cls, value: Any) -> Any:
        """YAML reads 1e3 as text; take it as the number it is."""
        if isinstance(value, list):
            return [
                int(float(v)) if isinstance(v, str) and v.replace("e", "", 1).replace("+", "").isdigit() else v
                for v in value
            ]
        return value

    @model_validator(mode="after")
    def _distinct(self) -> "SimulateSettings":
        if len(set(self.doses)) != len(self.doses):
            raise ValueError(f"doses repeat: {self.doses}")
        return self


class ViewSettings(Section):
    """One way to sample the scan."""

    s_img: float | None = Field(None, gt=0, le=1, description="fraction of the frames kept")
    target_overlap: float | None = Field(None, gt=0, lt=1, description="wanted mean disc overlap (metric 2)")
    n_groups: Count | None = Field(None, description="groups; default one per frame")

    @model_validator(mode="after")
    def _one_way(self) -> "ViewSettings":
        if (self.s_img is None) == (self.target_overlap is None):
            raise ValueError("give exactly one of s_img and target_overlap")
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
                f"neighbor_count={self.neighbor_count} < C={self.gridsize**2} (gridsize {self.gridsize}); needed K >= C (OVERSAMPLING-001)"
            )
        return self


class NetworkSettings(Section):
    """Form and training of one network."""

    architecture: Literal["backprojection", "ptychopinn"] = "backprojection"
    width: Count = Field(16, description="filters of the first level (backprojection)")
    steps: int = Field(0, ge=0, description="data-consistency steps before the network (backprojection)")
    amplitude_head: Literal["softplus", "sigmoid"] = "softplus"
    epochs: Count = 8
    batch_size: Count = Field(16, description="groups per step")
    learning_rate: Positive = 1e-3
    patience: Count = Field(5, description="epochs without a better validation loss before stopping")
    validation_fraction: float = Field(0.1, gt=0, lt=0.5)
    seed: int = Field(11, ge=0)


class PinnSettings(NetworkSettings):
    """The physics-informed network, PtychoPINN."""

    loss: Literal["poisson", "mae"] = Field("poisson", description="data term")


class BaselineSettings(NetworkSettings):
    """The Baseline arm, one frame at a time."""

    kind: Literal["supervised", "pinn"] = "supervised"


class TrainSettings(Section):
    """Both networks."""

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


class Study(Section):
    """A whole study; one section per stage."""

    study: Name = "quick"
    doses: list[Dose] | None = Field(None, description="shorthand for simulate.doses on the command line")
    select_views: list[Name] | None = Field(None, alias="views", description="only these of overlap.views")
    base: BaseSettings = BaseSettings()
    reference: ReconstructSettings = ReconstructSettings(refine_probe=True)
    split: SplitSettings = SplitSettings()
    simulate: SimulateSettings = SimulateSettings()
    overlap: OverlapSettings = OverlapSettings()
    train: TrainSettings = TrainSettings()
    reconstruct: ReconstructSettings = ReconstructSettings()
    infer: InferSettings = InferSettings()
    compare: CompareSettings = CompareSettings()
    summarize: SummarizeSettings = SummarizeSettings()
    verify: VerifySettings = VerifySettings()

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        if self.infer.window_px > self.base.frame_px:
            raise ValueError(
                f"infer.window_px {self.infer.window_px} exceeds base.frame_px {self.base.frame_px} (needed M <= N)"
            )
        unknown = set(self.select_views or ()) - set(self.overlap.views)
        if unknown:
            raise ValueError(f"views names {sorted(unknown)}; known are {sorted(self.overlap.views)}")
        return self

    @property
    def dose_list(self) -> list[int]:
        """Doses of the study, in the order given."""
        return self.doses or self.simulate.doses

    @property
    def view_list(self) -> list[str]:
        """Names of the views of the study."""
        return [name for name in self.overlap.views if self.select_views is None or name in self.select_views]


class ConfigError(ValueError):
    """A wrong configuration; the message is one paragraph naming key, value and what is allowed."""


def parse_study(config: dict[str, Any]) -> Study:
    """Validate a configuration.

    Raises
    ------
    ConfigError
        For the first wrong key: its path, the value found and what is needed.
    """
    try:
        return Study.model_validate(config)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ConfigError("; ".join(_sentence(item) for item in found[:3])) from None


def _sentence(item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"]) or "config"
    if item["type"] == "extra_forbidden":
        return f"config key {path!r} is unknown (value {item['input']!r}); needed: one of the keys listed in config/README.md"
    message = item["msg"].removeprefix("Value error, ")
    found = item["input"]
    shown = "" if isinstance(found, dict | BaseModel) else f" found {found!r};"
    return f"config key {path!r}:{shown} needed: {message}"


def read_study(path: str | Path) -> Study:
    """Read and validate a YAML configuration file."""
    try:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: cannot be read as YAML ({str(error).splitlines()[0]})") from error
    if not isinstance(config, dict):
        raise ConfigError(f"{path}: holds {type(config).__name__}, needed keys and values")
    return parse_study(config)


def stage_settings(study: Study, stage: str, view: str | None = None) -> dict[str, Any]:
    """Return what one stage reads, and nothing else, as plain data.

    Parameters
    ----------
    study : Study
    stage : str
        Stage name; ``train_pinn`` and ``train_baseline`` are separate.
    view : str, optional
        For ``overlap``: the view.
    """
    sections: dict[str, Any] = {
        "base": study.base,
        "fetch": {"frame_px": study.base.frame_px},
        "reference": study.reference if study.base.frames == "measured" else {},
        "simulate": {"seed": study.simulate.seed, "split": study.split},
        "train_pinn": study.train.pinn,
        "train_baseline": study.train.baseline,
        "reconstruct": study.reconstruct,
        "infer": study.infer,
        "compare": study.compare,
        "summarize": study.summarize,
        "verify": {
            "verify": study.verify,
            "ms_ssim_threshold": study.summarize.ms_ssim_threshold,
            "gridsize": study.overlap.gridsize,
            "doses": study.dose_list,
            "views": study.view_list,
        },
    }
    if stage == "overlap":
        common = study.overlap.model_dump(exclude={"views"})
        return {**common, **study.overlap.views[view or ""].model_dump(), "split": study.split.model_dump()}
    found: dict[str, Any] = json.loads(json.dumps(sections[stage], default=lambda model: model.model_dump(mode="json")))
    return found


def json_schema() -> str:
    """Return the JSON schema of a study as text; `config/schema/config.schema.json` holds exactly this."""
    return json.dumps(Study.model_json_schema(), indent=2, sort_keys=True) + "\n"
