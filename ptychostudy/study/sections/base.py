"""The section ``base``: object, probe and scan, simulated or the user's own."""

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from ptychostudy.study.pixel import UNSTATED_PIXEL_M
from ptychostudy.study.section import Dose, Positive, Section, Seed, Side
from ptychostudy.study.sections.npz import NpzSettings
from ptychostudy.study.sections.split import SplitSettings

# Of the side of a frame, what the diameter of a probe may be at most.
_LARGEST_PROBE = 0.75
# Sections that only studies of files read, and only those of simulations.
_OF_A_FILE = ("npz",)
_OF_A_SIMULATION = ("object", "probe", "scan", "seed")
# What a study asks of a scan that it is given.
_ASKED = ("split", "doses")
_SIDE = 64
"""Side N of a frame, where neither the study nor a file of the user's says it."""


class ObjectSettings(Section):
    """The simulated object."""

    kind: Literal["circuit", "lines", "siemens", "grf", "image"] = Field(
        "circuit",
        description=(
            "circuit: rectilinear traces; lines; siemens star; grf: Gaussian random field; "
            "image: two pictures"
        ),
    )
    shape_px: tuple[Side, Side] = Field((352, 272), description="rows and columns")
    amplitude: tuple[float, float] = Field((0.4, 1.0), description="smallest and largest amplitude")
    phase_rad: float = Field(1.6, ge=0, le=6.28, description="span of the phase")
    amplitude_image: str | None = Field(None, description="picture file, for kind image")
    phase_image: str | None = Field(None, description="picture file, for kind image")

    @model_validator(mode="after")
    def _images_come_in_pairs(self) -> "ObjectSettings":
        both = bool(self.amplitude_image and self.phase_image)
        if (self.kind == "image") != both:
            raise ValueError(
                f"kind is {self.kind}, amplitude_image {self.amplitude_image!r}, "
                f"phase_image {self.phase_image!r}; "
                "needed: both pictures for kind image, neither for other kinds"
            )
        return self

    @model_validator(mode="after")
    def _amplitude_rises(self) -> "ObjectSettings":
        smallest, largest = self.amplitude
        if not 0 <= smallest < largest:
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


FrameSide = Literal[32, 64, 128, 256]
"""What networks and files of ours are made for; ``auto`` is that of the user's file."""


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
    frame_px: Literal[32, 64, 128, 256, "auto"] = Field(
        "auto", description="frame side N; auto: that of the user's file, 64 without one"
    )
    pixel_size_m: Positive = Field(UNSTATED_PIXEL_M, description="object pixel")
    seed: Seed = Field(7, description="of object, probe and scan")
    object: ObjectSettings = Field(ObjectSettings(), description="the simulated object")
    probe: ProbeSettings = Field(ProbeSettings(), description="the simulated probe")
    scan: ScanSettings = Field(ScanSettings(), description="the simulated scan")
    npz: NpzSettings = Field(NpzSettings(), description="the user's own file")

    @model_validator(mode="after")
    def _mask_where_a_file_is_read(self) -> "BaseSettings":
        if self.kind == "synthetic" and self.npz.mask:
            raise ValueError(
                f"kind is {self.kind}, npz.mask is {self.npz.mask!r}; "
                "needed: no mask for a synthetic study, or kind npz or siemens_star"
            )
        return self

    # In this order: the first that does not hold is reported, and later ones often follow from it.
    @model_validator(mode="after")
    def _path_where_a_file_is_read(self) -> "BaseSettings":
        if (self.kind == "npz") != bool(self.npz.path):
            raise ValueError(
                f"kind is {self.kind}, npz.path is {self.npz.path!r}; "
                "needed: a path for kind npz, none for other kinds"
            )
        return self

    @model_validator(mode="after")
    def _frames_that_there_are(self) -> "BaseSettings":
        if self.frames == "measured" and self.kind == "synthetic":
            raise ValueError(
                "frames is measured, kind is synthetic; "
                "needed: kind npz or siemens_star for measured frames"
            )
        if self.frames == "simulate" and self.kind == "siemens_star":
            raise ValueError(
                "kind is siemens_star, frames is simulate; "
                "needed: frames measured, which is what it holds"
            )
        return self

    @model_validator(mode="after")
    def _simulation_fits_the_frame(self) -> "BaseSettings":
        if self.kind == "synthetic":
            self._check_diameter()
            self._check_curvature()
            self._check_object()
        return self

    def _check_diameter(self) -> None:
        side = side_px(self) or _SIDE
        largest = _LARGEST_PROBE * side
        if self.probe.diameter_px > largest:
            raise ValueError(
                f"probe.diameter_px is {self.probe.diameter_px:g}, frame_px is {side}; "
                f"needed: a diameter of at most 3/4 of the frame, {largest:g}"
            )

    def _check_curvature(self) -> None:
        """Refuse a spherical wave whose phase turns too fast at the edge of the probe."""
        probe = self.probe
        curvature = 2 * math.pi if probe.curvature_rad is None else abs(probe.curvature_rad)
        # The phase c (r / R)^2 turns by 2 c / R a pixel at r = R, half the diameter d. With
        # c = pi d / 4 that is pi, the most that pixels tell apart from a turn the other way.
        limit = math.pi / 4 * probe.diameter_px
        # A zone plate is seen out of its focus: without curvature there is no such plane.
        if curvature > limit or (curvature == 0 and probe.kind == "zoneplate"):
            raise ValueError(
                f"probe.curvature_rad is {curvature:g}, diameter_px is {probe.diameter_px:g}, "
                f"kind is {probe.kind}; needed: at most {limit:.4g} rad, "
                "which the pixels can sample, and not 0 for a zoneplate"
            )

    def _check_object(self) -> None:
        """Refuse an object with less room for the scan than a frame is wide."""
        side = side_px(self) or _SIDE
        least = 2 * side
        if min(self.object.shape_px) < least:
            raise ValueError(
                f"object.shape_px is {self.object.shape_px}, frame_px is {side}; "
                f"needed: at least twice the frame, {least}, on both axes"
            )

    def plain(self) -> dict[str, Any]:
        """Return what a study of this kind reads; other kinds' sections stand at their defaults."""
        unread = _OF_A_FILE if self.kind == "synthetic" else _OF_A_SIMULATION
        fields = type(self).model_fields
        defaults = {name: fields[name].get_default(call_default_factory=True) for name in unread}
        read = self.model_copy(update=defaults | {"frame_px": side_px(self) or "auto"})
        return {**read.model_dump(mode="json"), "npz": read.npz.plain()}


class SourceSettings(BaseSettings):
    """What the stage ``base`` reads: with what is asked of the scan, where a file brings it."""

    split: SplitSettings | None = Field(None, description="how the scan will be cut")
    doses: list[Dose] | None = Field(None, description="what its frames will be thinned to")

    def plain(self) -> dict[str, Any]:
        """Return what is read; what is asked of a scan only where there is a file."""
        said = super().plain()
        return {key: value for key, value in said.items() if key not in _ASKED or value is not None}


def side_px(base: BaseSettings) -> int | None:
    """Return the side N of a frame, or None where only the user's file says it."""
    if base.frame_px != "auto":
        return base.frame_px
    return None if base.kind == "npz" else _SIDE
