"""Stage simulate: frames at one dose, simulated or thinned from measured ones."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.io.arrays import (
    Stream,
    member_names,
    open_frames,
    read_metadata,
    read_npz,
    write_npz,
)
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.counts import (
    check_noise_free,
    mean_counts,
    mean_intensity,
    photon_scale,
    simulated_blocks,
    thinned_blocks,
)
from ptychostudy.physics.draws import generator
from ptychostudy.physics.probes import distort_probe, probe_diameter_px
from ptychostudy.sampling.split import split_scan

if TYPE_CHECKING:
    from ptychostudy.study.sections.simulate import FramesSettings


def run(
    settings: "FramesSettings", *, base: Path, reference: Path, dose: int, train: Path, test: Path
) -> None:
    """Write ``patched_train.npz`` and ``patched_test.npz`` of one dose; frames are streamed in blocks.

    Parameters
    ----------
    settings : FramesSettings
        Keys ``seed`` and ``split``; ``noise`` (``none``: expected counts, rounded) and ``wrong_probe`` (what
        `distort_probe` does to the probe that the arms are given; frames are those of the true one, kept as
        ``probeTrue``).
    base, reference : Path
        Positions (and measured counts); object and probe.
    dose : int
        Mean detected photons per frame.
    train, test : Path
        Outputs.
    """
    if dose < 1:
        raise ValueError(f"--dose is {dose}; needed: at least 1 photon per frame")
    arrays = read_npz(base, ["ycoords", "xcoords"])
    known = read_npz(reference, ["objectGuess", "probeGuess"])
    noise, wrong = settings.noise, dict(settings.wrong_probe)
    positions = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1)
    parts = split_scan(positions, probe_diameter_px(known["probeGuess"]), **dict(settings.split))
    for (split, index), path in zip(parts.items(), (train, test), strict=True):
        if "counts" in member_names(base):
            if noise == "none":
                raise DataError(
                    f"{base}: holds measured counts, but simulate.noise is none; needed: poisson"
                )
            scale, blocks = _thinned(
                base, index, dose, generator(settings.seed, "thinning", dose, split)
            )
        else:
            rng = (
                generator(settings.seed, "simulation", dose, split) if noise == "poisson" else None
            )
            scale, blocks = _simulated(known, positions[index], dose, rng)
        history = read_metadata(base)["data_transformations"]
        history.append(
            {
                "tool": "ptychostudy.simulate",
                "operation": "detect",
                "parameters": {"dose": dose, **settings.plain()},
            }
        )
        metadata = {
            "schema_version": "1.1",
            "physics_parameters": {"nphotons": dose, "N": len(known["probeGuess"])},
            "truth": read_metadata(reference)["truth"],
            "split": split,
            "data_transformations": history,
        }
        found = {
            "ycoords": positions[index, 0],
            "xcoords": positions[index, 1],
            "scan_index": index,
            **_probes(scale * known["probeGuess"], wrong),
            "objectGuess": known["objectGuess"],
        }
        _write(path, blocks, found, metadata)


def _probes(true: np.ndarray, wrong: dict[str, Any]) -> dict[str, np.ndarray]:
    """Return the probe for the arms and, where it is a wrong one, the true one beside it."""
    if not any(np.any(value) for value in wrong.values()):
        return {"probeGuess": true.astype(np.complex64)}
    return {
        "probeGuess": distort_probe(true, **wrong).astype(np.complex64),
        "probeTrue": true.astype(np.complex64),
    }


def _simulated(
    known: dict[str, np.ndarray], positions: np.ndarray, dose: int, rng: np.random.Generator | None
) -> Any:
    object_, probe = (
        known["objectGuess"].astype(np.complex128),
        known["probeGuess"].astype(np.complex128),
    )
    if rng is None:
        check_noise_free(dose, len(probe))
    scale = photon_scale(mean_intensity(object_, probe, positions), dose)
    return scale, simulated_blocks(object_, scale * probe, positions, rng)


def _thinned(base: Path, index: np.ndarray, dose: int, rng: np.random.Generator) -> Any:
    counts = open_frames(base)
    measured = mean_counts(counts, index)
    if dose > measured:
        raise DataError(
            f"{base}: holds {measured:.6g} photons per frame, but simulate.doses asks for {dose}; needed: at most that"
        )
    keep = dose / measured
    return np.sqrt(keep), thinned_blocks(counts, index, keep, rng)


def _write(path: Path, blocks: Any, found: dict[str, np.ndarray], metadata: dict[str, Any]) -> None:
    """Write a split; ``found`` holds what the contract stores beside the counts."""
    k, n, total = len(found["scan_index"]), len(found["probeGuess"]), 0

    def counted() -> Any:
        nonlocal total
        for block in blocks:
            total += int(block.sum(dtype=np.int64))
            yield block

    arrays = {
        **found,
        "counts": Stream((k, n, n), "uint32", counted()),
        "photons_requested": np.float64(metadata["physics_parameters"]["nphotons"]),
        "photons_measured": lambda: np.float64(total / k),
    }
    write_npz(path, arrays, metadata)
