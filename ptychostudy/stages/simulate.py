"""Stage simulate: frames at one dose, simulated or thinned from measured ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.positions import COORDINATES, position_arrays, read_positions
from ptychostudy.io.arrays import (
    Stream,
    member_names,
    open_frames,
    read_metadata,
    read_npz,
    write_npz,
)
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.scene import Scene
from ptychostudy.recipes.simulate import (
    Detected,
    PhotonTally,
    detect,
    given_probe,
    split_frames,
)

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
    measured = open_frames(base) if "counts" in member_names(base) else None
    metadata = _metadata(settings, read_metadata(base), dose, len(scene.probe))
    metadata["truth"] = read_metadata(reference)["truth"]
    parts = split_frames(scene, settings)
    for (split, index), output in zip(parts.items(), (train, test), strict=True):
        try:
            detected = detect(scene, split, index, dose, settings, measured=measured)
        except DataError as error:
            raise DataError(f"{base}: {error}") from None
        arrays = {
            **_known(scene, index),
            **given_probe(detected.probe, settings.wrong_probe),
            "objectGuess": scene.object,
            **_streamed(detected, len(index), dose),
        }
        write_npz(output, arrays, {**metadata, "split": split})


def _scene(base: Path, reference: Path) -> Scene:
    positions = read_positions(read_npz(base, COORDINATES))
    known = read_npz(reference, ["objectGuess", "probeGuess"])
    return Scene(known["objectGuess"], known["probeGuess"], positions)


def _known(scene: Scene, index: np.ndarray) -> dict[str, np.ndarray]:
    """Return where the frames of a split lie, in the object and in the whole scan."""
    return {**position_arrays(scene.positions[index]), "scan_index": index}


def _metadata(
    settings: "FramesSettings", base: dict[str, Any], dose: int, n: int
) -> dict[str, Any]:
    step = {
        "tool": "ptychostudy.simulate",
        "operation": "detect",
        "parameters": {"dose": dose, **settings.plain()},
    }
    return {
        "schema_version": "1.1",
        "physics_parameters": {"nphotons": dose, "N": n},
        "data_transformations": [*base["data_transformations"], step],
    }


def _streamed(detected: Detected, frames: int, dose: int) -> dict[str, Any]:
    """Return the members that are written while frames are drawn."""
    n = len(detected.probe)
    tally = PhotonTally(frames)
    return {
        "counts": Stream((frames, n, n), "uint32", tally.counted(detected.blocks)),
        "photons_requested": np.float64(dose),
        # Asked for after the frames: the measured dose is known once the last block has passed.
        "photons_measured": tally.mean,
    }
