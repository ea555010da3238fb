"""Stage convert: a user's files as one file in another format."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptychostudy.formats.positions import position_arrays
from ptychostudy.formats.probe_modes import mode_arrays
from ptychostudy.formats.user_file import UserFile
from ptychostudy.formats.valid_pixels import valid_arrays
from ptychostudy.intake.any_file import look_into, refused, settings_of, take_in
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.first_settings import FirstSettings, first_settings
from ptychostudy.intake.geometry import check_geometry
from ptychostudy.intake.mask_file import read_mask_file, without_mask
from ptychostudy.intake.masks import MaskFile
from ptychostudy.io.atomic import DataError
from ptychostudy.study.sections.base import side_px
from ptychostudy.study.settings import read_study
from ptychostudy.study.yaml_file import ConfigError
from ptychostudy.writing.writers import WRITERS

BAD = 1
"""Exit code after files that are refused."""

_SETTINGS = (
    "Keys of base are told by --study FILE (inspect --write FILE makes it), words of "
    "base.npz.accept also by --accept."
)


def run(
    files: list[Path],
    *,
    output: Path,
    format: Literal["npz", "cxi", "ptychodus", "ptychi", "ptychopinn"] = "npz",
    study: Path | None = None,
    accept: list[str] = [],  # noqa: B006 - read, never changed; the command line needs the type
) -> int:
    """Write the scan of some files as one, as a study would take it in.

    What the files do not say is assumed as by ``inspect``, or is as a study says; what is doubtful
    is refused.

    Parameters
    ----------
    files : list of Path
        One, or all that belong to one scan; a lone array (NPY) or a picture among them is the
        mask of its detector.
    output : Path
    format : str
        ``npz`` with our own keys, ``cxi``, a product of Ptychodus, arrays and options of pty-chi,
        or the NPZ of PtychoPINN.
    study : Path, optional
        The study's YAML, as ``inspect --write`` makes it: its section ``base`` says unit, gain,
        mask and all else that the files do not.
    accept : list of str
        Doubts that were looked at, as ``base.npz.accept`` of a study.

    Returns
    -------
    int
        0, or 1 where the files are refused.
    """
    paths = [str(path) for path in files]
    try:
        told = None if study is None else _told(study)
        with refused(paths):
            _convert(paths, output, format, told, accept)
    except (ConfigError, DataError) as error:
        print(error)
        if "base." in str(error):
            print(_SETTINGS)
        return BAD
    return 0


@dataclass(frozen=True)
class _Told:
    """What a study says of its files, and the mask that it names."""

    base: dict[str, Any]
    mask: MaskFile | None


def _told(study: Path) -> _Told:
    base = read_study(study).base
    if base.kind != "npz":
        raise ConfigError(
            f"{study}: base.kind is {base.kind}; needed: npz, the study of a user's file"
        )
    name = base.npz.mask
    # As the workflow sees it from the hub, in which the study's file is.
    mask = None if name is None else read_mask_file(study.parent / name, side_px(base))
    return _Told(base.model_dump(mode="json"), mask)


def _convert(
    paths: list[str], output: Path, format: str, told: _Told | None, accept: list[str]
) -> None:
    paths, mask_path = without_mask(paths)
    name = ", ".join(paths)
    file, named = look_into(paths)
    settings = first_settings(file, paths, named) if told is None else FirstSettings(told.base)
    npz = settings.base["npz"]
    npz = {**npz, "accept": list(dict.fromkeys([*npz.get("accept", []), *accept]))}
    doubts = Doubts(name, tuple(npz["accept"]))
    declared = _declared(file, settings)
    # Its frames are read anew, by what the settings say, and would be there twice.
    del file
    # Of a study somebody has looked at it.
    if settings.pixel_matters:
        doubts.refuse(settings.pixel_matters)
    scan = take_in(paths, settings.base, doubts, _mask(mask_path, settings, told))
    if "counts" in scan:
        check_geometry(scan, settings_of({**settings.base, "npz": npz}), name)
    said = WRITERS[format].write(output, _arrays(scan), declared)
    for text in settings.assumed:
        print(f"assumed: {text}")
    for text in said:
        print(text)
    print(f"written: {output}")


def _mask(path: str | None, settings: FirstSettings, told: _Told | None) -> MaskFile | None:
    """Return the mask that stands among the files, or that the study names."""
    named = None if told is None else told.mask
    if path is None:
        return named
    if named is not None:
        raise DataError(
            f"{path}: a second mask, beside {named.path} of base.npz.mask; needed: one of them"
        )
    return read_mask_file(path, side_px(settings_of(settings.base)))


def _arrays(scan: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return a scan as the writers take it."""
    probe = mode_arrays(scan.get("modes", scan["probe"]))
    arrays = {**position_arrays(scan["positions"]), **probe}
    for key, member in (("counts", "counts"), ("object", "objectGuess")):
        if key in scan:
            arrays[member] = scan[key]
    return arrays | valid_arrays(scan["valid"])


def _declared(file: UserFile, settings: FirstSettings) -> dict[str, Any]:
    """Return what is known of the measurement; a detector cut to other sides has other pixels."""
    lengths = ("photon_energy_ev", "distance_m")
    stated = {key: file.declared[key] for key in lengths if key in file.declared}
    return {**stated, "pixel_size_m": settings.base["pixel_size_m"]}
