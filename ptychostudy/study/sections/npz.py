"""The section ``base.npz``: the files of a user's scan, and how they are read."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ptychostudy.study.section import Positive, Section, distinct

Indices = Annotated[list[Annotated[int, Field(ge=0)]], AfterValidator(distinct)]
Doubt = Literal[
    "units",
    "isolated",
    "line",
    "small",
    "gain",
    "background",
    "pixels",
    "mask",
    "weights",
    "frames",
    "centre",
    "crop",
    "pad",
    "files",
    "object",
    "axes",
    "probe",
    "guard",
    "geometry",
]
Turns = Annotated[
    list[Literal["exchanged", "rows_reversed", "cols_reversed"]], AfterValidator(distinct)
]
FileKey = Literal[
    "counts",
    "diffraction",
    "diff3d",
    "xcoords",
    "ycoords",
    "probeGuess",
    "objectGuess",
    "bad_pixels",
    "valid_pixels",
]


def _files(value: Any) -> Any:
    """Refuse what names no files: a union of types would be refused once for each of them."""
    if value is None or isinstance(value, str):
        return value
    names = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
    if not names or not value or len(set(value)) < len(value):
        raise ValueError("a file, or a list of files that all differ")
    return value


class NpzSettings(Section):
    """A user's own file."""

    path: Annotated[str | list[str] | None, BeforeValidator(_files)] = Field(
        None, description="file, or list of the files of one scan, relative to the hub"
    )
    measurement: Literal["auto", "counts", "intensity", "amplitude"] = Field(
        "auto", description="what the frames hold"
    )
    axes: Literal["auto", "NHW", "HWN"] = Field("auto", description="axis order of the frames")
    position_unit: Literal["auto", "px", "m", "mm", "um", "nm"] = Field(
        "auto", description="unit of the positions; auto: object pixels where they can be"
    )
    gain: Positive = Field(1.0, description="units of the detector for one photon")
    background: float = Field(0.0, ge=0, description="constant that is taken from every number")
    saturation: Positive | None = Field(
        None, description="number from which on a pixel is full; default that of the frames' type"
    )
    centre: tuple[float, float] | None = Field(
        None,
        description="pixel (row, col) of the zero frequency in the file's frames; default found",
    )
    orient_frames: Turns = Field(
        [], description="rows and columns of the frames exchanged, then either reversed"
    )
    orient_positions: Turns = Field(
        [], description="rows and columns of the positions exchanged, then either sign changed"
    )
    drop_frames: Literal["auto"] | Indices = Field(
        [], description="frames left out with their positions; auto: those that are none"
    )
    mask: str | None = Field(
        None, description="file with the detector's mask, relative to the hub; beside those of path"
    )
    mask_marks: Literal["auto", "bad", "good"] = Field(
        "auto",
        description="which pixels a mask marks whose name does not say; auto: the fewer, bad",
    )
    accept: list[Doubt] = Field([], description="doubts about the file that were looked at")
    keys: dict[FileKey, Annotated[str, Field(min_length=1)]] = Field(
        {}, description="where in the file arrays are, by their paths, if not under names of ours"
    )

    def plain(self) -> dict[str, Any]:
        """Return what is read; keys that came later only where they are not at their default."""
        return self.model_dump(mode="json", exclude=self._unsaid)

    @property
    def _unsaid(self) -> set[str]:
        # Keys that came later must not make the files of older studies stale.
        fields = type(self).model_fields
        later = set(fields) - {"path", "measurement", "axes"}
        defaults = {name: fields[name].get_default(call_default_factory=True) for name in later}
        return {name for name, value in defaults.items() if getattr(self, name) == value}
