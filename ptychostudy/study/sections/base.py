"""The section ``base``: object, probe and scan, simulated or the user's own."""

import math
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from ptychostudy.study.section import Positive, Section, Seed, Side, distinct


class ObjectSettings(Section):
    """The simulated object."""

    kind: Literal["circuit", "lines", "siemens", "grf", "image"] = Field(
        "circuit",
        description="circuit: rectilinear traces; lines; siemens star; grf: Gaussian random field; image: two pictures",
    )
    shape_px: tuple[Side, Side] = Field((352, 272), description="rows and columns")
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

    kind: Literal["disc", "zoneplate", "speckle"] = Field(
        "disc", description="soft disc, defocused zone plate, or speckled"
    )
    diameter_px: Positive = Field(36.0, description="diameter in object pixels")
    curvature_rad: float | None = Field(
        None, description="phase of the spherical wave at the edge; default 2 pi"
    )
    edge_px: Positive = Field(2.0, description="width of the soft edge in object pixels")


class ScanSettings(Section):
    """The simulated scan."""

    kind: Literal["raster", "fermat", "fly", "random"] = Field(
        "raster", description="jittered raster, Fermat spiral, fly-scan lines, or uniformly random"
    )
    step_px: Positive = Field(6.0, description="mean distance of neighbouring positions")
    jitter_px: float = Field(1.5, ge=0, description="random displacement of each position")


Indices = Annotated[list[Annotated[int, Field(ge=0)]], AfterValidator(distinct)]
Doubt = Literal[
    "units", "isolated", "line", "small", "gain", "background", "pixels", "frames", "centre"
]


class NpzSettings(Section):
    """A user's own file."""

    path: str | None = Field(None, description="NPZ or HDF5 file, relative to the hub")
    measurement: Literal["auto", "counts", "intensity", "amplitude"] = Field(
        "auto", description="what the frames hold"
    )
    axes: Literal["auto", "NHW", "HWN"] = Field("auto", description="axis order of the frames")
    position_unit: Literal["auto", "px", "m", "um", "nm"] = Field(
        "auto", description="unit of the positions; auto: object pixels where they can be"
    )
    gain: Positive = Field(1.0, description="units of the detector for one photon")
    background: float = Field(0.0, ge=0, description="constant that is taken from every number")
    saturation: Positive | None = Field(
        None, description="number from which on a pixel is full; default that of the frames' type"
    )
    drop_frames: Literal["auto"] | Indices = Field(
        [], description="frames left out with their positions; auto: those that are none"
    )
    accept: list[Doubt] = Field([], description="doubts about the file that were looked at")

    def plain(self) -> dict[str, Any]:
        """Return what is read; what is at its default is left out, but for what always stood here."""
        return self.model_dump(mode="json", exclude=self._unsaid)

    @property
    def _unsaid(self) -> set[str]:
        # Keys that came later must not make the files of older studies stale.
        fields = type(self).model_fields
        later = set(fields) - {"path", "measurement", "axes"}
        defaults = {name: fields[name].get_default(call_default_factory=True) for name in later}
        return {name for name, value in defaults.items() if getattr(self, name) == value}


FrameSide = Literal[32, 64, 128, 256]


class FetchSettings(Section):
    """What the stage ``fetch`` reads."""

    frame_px: FrameSide


class BaseSettings(Section):
    """Where object, probe and scan come from."""

    kind: Literal["synthetic", "npz", "siemens_star"] = Field(
        "synthetic", description="synthetic, the user's own file, or a published measured scan"
    )
    frames: Literal["simulate", "measured"] = Field(
        "simulate", description="simulate frames, or thin measured ones"
    )
    frame_px: FrameSide = Field(64, description="frame side N")
    pixel_size_m: Positive = Field(1e-8, description="object pixel")
    seed: Seed = Field(7, description="of object, probe and scan")
    object: ObjectSettings = Field(ObjectSettings(), description="the simulated object")
    probe: ProbeSettings = Field(ProbeSettings(), description="the simulated probe")
    scan: ScanSettings = Field(ScanSettings(), description="the simulated scan")
    npz: NpzSettings = Field(NpzSettings(), description="the user's own file")

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
        if self.kind == "synthetic":
            self._sampled()
        if self.kind == "synthetic" and min(self.object.shape_px) < 2 * self.frame_px:
            raise ValueError(
                f"object.shape_px is {self.object.shape_px}, frame_px is {self.frame_px}; "
                f"needed: at least twice the frame, {2 * self.frame_px}, on both axes"
            )
        return self

    def plain(self) -> dict[str, Any]:
        """Return what a study of this kind reads; sections of other kinds stand at their defaults."""
        unread = ("npz",) if self.kind == "synthetic" else ("object", "probe", "scan", "seed")
        fields = type(self).model_fields
        defaults = {name: fields[name].get_default(call_default_factory=True) for name in unread}
        read = self.model_copy(update=defaults)
        return {**read.model_dump(mode="json"), "npz": read.npz.plain()}

    def _sampled(self) -> None:
        probe, limit = self.probe, math.pi / 4 * self.probe.diameter_px
        bent = 2 * math.pi if probe.curvature_rad is None else abs(probe.curvature_rad)
        if bent > limit or (bent == 0 and probe.kind == "zoneplate"):
            raise ValueError(
                f"probe.curvature_rad is {bent:g}, diameter_px is {probe.diameter_px:g}, kind is {probe.kind}; "
                f"needed: at most {limit:.4g} rad, which the pixels can sample, and not 0 for a zoneplate"
            )
