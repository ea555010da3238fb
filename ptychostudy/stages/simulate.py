"""Stage simulate: frames at one dose, simulated or thinned from measured ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.positions import COORDINATES, position_arrays, read_positions
from ptychostudy.formats.probe_modes import read_probe
from ptychostudy.formats.scan_metadata import STEPS, make_step, scan_metadata
from ptychostudy.formats.valid_pixels import mask_record, read_valid, valid_arrays
from ptychostudy.io.arrays import member_names, open_frames, read_metadata, read_npz, write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.scene import Scene
from ptychostudy.recipes.simulate import detect, given_probe, split_frames, streamed

if TYPE_CHECKING:
    from ptychostudy.study.sections.simulate import FramesSettings


def run(
    settings: "FramesSettings",
    *,
    base: Path,
    reference: Path,
    dose: int,
    train: Path,
    test: Path,
) -> None:
    """Write ``patched_train.npz`` and ``patched_test.npz`` of one dose; frames are streamed.

    Parameters
    ----------
    settings : FramesSettings
        ``seed`` and ``split``; ``noise`` (``none``: expected counts, rounded) and ``wrong_probe``
        (what `distort_probe` does to the probe that the arms are given; frames are those of the
        true one, kept as ``probeTrue``).
    base, reference : Path
        Positions (and measured counts); object and probe.
    dose : int
        Mean detected photons per frame.
    train, test : Path
        Outputs.
    """
    if dose < 1:
        raise ValueError(f"--dose is {dose}; needed: at least 1 photon per frame")
    scene = _scene(base, reference)
    # Measured frames lie in the base; a base without them is simulated from.
    measured = open_frames(base) if "counts" in member_names(base) else None
    valid = read_valid(base, scene.probe.shape[-1])
    metadata = {
        **_metadata(settings, base, dose, valid),
        "truth": read_metadata(reference, ["truth"])["truth"],
    }
    parts = split_frames(scene, settings)
    for (split, index), output in zip(parts.items(), (train, test), strict=True):
        try:
            detected = detect(scene, split, index, dose, settings, measured=measured, valid=valid)
        except DataError as error:
            raise DataError(f"{base}: {error}") from None
        arrays = {
            **position_arrays(scene.positions[index]),
            "scan_index": index,
            **given_probe(detected.probe, settings.wrong_probe),
            "objectGuess": scene.object,
            **valid_arrays(valid),
            **streamed(detected, len(index), dose),
        }
        write_npz(output, arrays, {**metadata, "split": split})


def _scene(base_file: Path, reference_file: Path) -> Scene:
    positions = read_positions(read_npz(base_file, COORDINATES))
    known = read_npz(reference_file, ["objectGuess"])
    return Scene(known["objectGuess"], read_probe(reference_file), positions)


def _metadata(
    settings: "FramesSettings", base_file: Path, dose: int, valid: np.ndarray
) -> dict[str, Any]:
    earlier = read_metadata(base_file, [STEPS])[STEPS]
    step = make_step("simulate", "detect", {"dose": dose, **settings.plain()})
    physics = {"nphotons": dose, "N": len(valid), **mask_record(valid)}
    return scan_metadata(physics, [*earlier, step])
