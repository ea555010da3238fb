"""Scans as arrays: settings, a scene, frames at a dose, and how much they overlap."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ptychostudy.formats.scan import Scan
from ptychostudy.formats.scan_metadata import STEPS, make_step, scan_metadata
from ptychostudy.physics.draws import generator
from ptychostudy.physics.modes import first_mode
from ptychostudy.recipes import base
from ptychostudy.recipes.sample import View, sample_view
from ptychostudy.recipes.scene import Scene
from ptychostudy.recipes.simulate import (
    Detected,
    detect,
    given_probe,
    split_frames,
    thinned_frames,
)
from ptychostudy.study.names import SPLITS, TEST_SPLIT
from ptychostudy.study.settings import Study, parse_study, read_study
from ptychostudy.study.stage_settings import stage_settings

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import SourceSettings
    from ptychostudy.study.sections.overlap import SamplingSettings
    from ptychostudy.study.sections.simulate import FramesSettings


def settings(config: Mapping[str, Any] | str | Path | None = None) -> Study:
    """Return the settings of a study.

    Parameters
    ----------
    config : mapping, or path of a YAML file, optional
        Keys as in ``config/config.yaml``; what it does not name is as in the quick study.

    Raises
    ------
    ConfigError
        Naming the wrong key, what was found and what is needed.
    """
    if isinstance(config, (str, Path)):
        return read_study(config)
    return parse_study(dict(config or {}))


def make_scene(study: Study) -> Scene:
    """Draw the object, the probe and the positions of a synthetic study.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Scene
        Object and probe in single precision, as a study's files hold them.

    Raises
    ------
    ValueError
        If the study is of a file.
    """
    if study.base.kind != "synthetic" or study.base.object.kind == "image":
        raise ValueError(
            f"base.kind is {study.base.kind}, base.object.kind {study.base.object.kind}; "
            "needed: a synthetic study, its object not of pictures"
        )
    scene = base.make_scene(cast("SourceSettings", stage_settings(study, "base")))
    # Whoever computes on with more digits than files hold would not find a study's numbers.
    object_, probe = (field.astype(np.complex64) for field in (scene.object, scene.probe))
    return Scene(object_, probe, scene.positions)


def simulate(scene: Scene, dose: int, study: Study, *, split: str = TEST_SPLIT) -> Scan:
    """Simulate the frames of one part of a scene at a dose.

    Parameters
    ----------
    scene : Scene
        With the positions of the whole scan.
    dose : int
        Mean detected photons per frame.
    study : Study
        Its section ``simulate``, and how the scan is cut.
    split : str
        Which part.

    Raises
    ------
    ValueError
        If the dose is below 1, there is no such part, or noise-free counts are asked for at a dose
        that is too low.
    """
    if dose < 1:
        raise ValueError(f"dose is {dose}; needed: at least 1 photon per frame")
    _check_split(split)
    frames = cast("FramesSettings", stage_settings(study, "simulate"))
    index = split_frames(scene, frames)[split]
    valid = np.ones(scene.probe.shape[-2:], dtype=bool)
    made = detect(scene, split, index, dose, frames, valid=valid)
    given = given_probe(made.probe, frames.wrong_probe)
    counts = _drawn(made)
    step = make_step("simulate", "detect", {"dose": dose, **frames.plain()})
    metadata = scan_metadata({"nphotons": dose, "N": len(valid)}, [step])
    return Scan(
        counts=counts,
        positions=scene.positions[index],
        probe=given["probeGuess"],
        truth=scene.object.astype(np.complex64),
        photons_requested=float(dose),
        photons_measured=_mean(counts),
        valid=valid,
        metadata={**metadata, "truth": "simulated object", "split": split},
        modes=given.get("probeModes"),
    )


def thin(
    scan: Scan,
    dose: int,
    *,
    seed: int = 42,
    split: str = TEST_SPLIT,
    frames: np.ndarray | None = None,
) -> Scan:
    """Thin counted frames to a lower dose: each photon is kept with the same probability.

    Parameters
    ----------
    scan : Scan
    dose : int
        Mean photons per frame that are kept.
    seed : int
        ``simulate.seed`` of a study.
    split : str
        Names the generator, as in a study.
    frames : (k,) int, optional
        Those that are thinned and returned; default all.

    Raises
    ------
    ValueError
        If the dose is below 1.
    DataError
        If the frames hold fewer photons than that.
    """
    if dose < 1:
        raise ValueError(f"dose is {dose}; needed: at least 1 photon per frame")
    index = np.arange(len(scan.counts)) if frames is None else np.asarray(frames)
    rng = generator(seed, "thinning", dose, split)
    made = thinned_frames(scan.counts, index, scan.whole_probe, dose, rng)
    counts = _drawn(made)
    probe = made.probe.astype(np.complex64)
    step = make_step("api", "thin", {"dose": dose, "seed": seed, "split": split})
    return replace(
        scan,
        counts=counts,
        positions=scan.positions[index],
        probe=first_mode(probe),
        modes=probe if probe.ndim > 2 else None,
        photons_requested=float(dose),
        photons_measured=_mean(counts),
        metadata={**scan.metadata, STEPS: [*scan.metadata.get(STEPS, []), step]},
    )


def _drawn(made: Detected) -> np.ndarray:
    return np.concatenate(list(made.blocks)).astype(np.uint32, copy=False)


def _mean(counts: np.ndarray) -> float:
    return float(int(counts.sum(dtype=np.int64)) / len(counts))


def measure_overlap(
    positions: np.ndarray,
    probe: np.ndarray,
    study: Study,
    view: str,
    *,
    split: str = TEST_SPLIT,
) -> View:
    """Choose the frames and groups of a view, and measure how much they overlap.

    Parameters
    ----------
    positions : (k, 2) float
        Window centres (row, col) of the whole scan, in object pixels.
    probe : (N, N) complex, or (m, N, N) of several modes
    study : Study
    view : str
        One of ``overlap.views``.
    split : str
        Which part of the scan.

    Raises
    ------
    ConfigError
        If the study has no such view.
    """
    _check_split(split)
    sampling = cast("SamplingSettings", stage_settings(study, "overlap", view))
    return sample_view(positions, first_mode(probe), view, split, sampling)


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; needed: one of {', '.join(SPLITS)}")
