"""Stage simulate: frames at one dose, simulated or thinned from measured ones."""

from collections.abc import Iterator
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
from ptychostudy.physics.draws import generator
from ptychostudy.physics.probes import probe_diameter_px
from ptychostudy.recipes.simulate import (
    Detected,
    Sample,
    given_probe,
    simulated_frames,
    thinned_frames,
)
from ptychostudy.sampling.split import split_scan

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
    positions = read_positions(read_npz(base, COORDINATES))
    known = read_npz(reference, ["objectGuess", "probeGuess"])
    whole = Sample(known["objectGuess"], known["probeGuess"], positions)
    parts = split_scan(positions, probe_diameter_px(whole.probe), **dict(settings.split))
    for (split, index), path in zip(parts.items(), (train, test), strict=True):
        detected = _detected(settings, base, whole, index, dose, split)
        arrays = {
            **position_arrays(positions[index]),
            "scan_index": index,
            **given_probe(detected.probe, settings.wrong_probe),
            "objectGuess": whole.object,
        }
        truth = read_metadata(reference)["truth"]
        metadata = _metadata(settings, read_metadata(base), dose, len(whole.probe))
        metadata |= {"truth": truth, "split": split}
        _write(path, detected.blocks, arrays, metadata)


def _detected(
    settings: "FramesSettings", base: Path, whole: Sample, index: np.ndarray, dose: int, split: str
) -> Detected:
    """Return the frames of one split: thinned where the base holds measured ones."""
    if "counts" not in member_names(base):
        part = Sample(whole.object, whole.probe, whole.positions[index])
        return simulated_frames(part, dose, split, settings)
    if settings.noise == "none":
        raise DataError(
            f"{base}: holds measured counts, but simulate.noise is none; needed: poisson"
        )
    rng = generator(settings.seed, "thinning", dose, split)
    try:
        return thinned_frames(open_frames(base), index, whole.probe, dose, rng)
    except DataError as error:
        raise DataError(f"{base}: {error}") from None


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


def _write(
    path: Path,
    blocks: Iterator[np.ndarray],
    arrays: dict[str, np.ndarray],
    metadata: dict[str, Any],
) -> None:
    """Write a split; the measured dose is known once the last block has passed."""
    frames, n = len(arrays["scan_index"]), len(arrays["probeGuess"])
    total = 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal total
        for block in blocks:
            total += int(block.sum(dtype=np.int64))
            yield block

    dose = metadata["physics_parameters"]["nphotons"]
    counts = Stream((frames, n, n), "uint32", counted())
    measured = {
        "counts": counts,
        "photons_requested": np.float64(dose),
        "photons_measured": lambda: np.float64(total / frames),
    }
    write_npz(path, {**arrays, **measured}, metadata)
