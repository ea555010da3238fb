"""Frames that were measured: what they are scored by, and which of them belong to which part."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, cast

import numpy as np

from ptychostudy.calls.files import scan_file
from ptychostudy.calls.process import OnProgress, run_stage
from ptychostudy.formats.probe_modes import read_modes
from ptychostudy.formats.scan import Scan
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.recipes.scene import Scene
from ptychostudy.recipes.simulate import split_frames
from ptychostudy.study.settings import Study
from ptychostudy.study.stage_settings import stage_settings

if TYPE_CHECKING:
    from ptychostudy.study.sections.simulate import FramesSettings


def reference(
    scan: Scan, study: Study, *, threads: int = 1, on_progress: OnProgress | None = None
) -> Scan:
    """Reconstruct a measured scan at its full dose, in a process of its own.

    Parameters
    ----------
    scan : Scan
        All frames, as `load_scan` returns them.
    study : Study
        Its section ``reference``.
    threads : int
    on_progress : callable, optional
        Told epoch, epochs and loss.

    Returns
    -------
    Scan
        The same frames; ``truth`` is the object that was found, from pixel 0 of the coordinates
        on, and the probe is the one found with it.
    """
    with TemporaryDirectory() as folder:
        base, output = scan_file(Path(folder, "measured.npz"), scan), Path(folder, "found.npz")
        options = {"base": base, "output": output}
        read = stage_settings(study, "reference")
        run_stage("reference", read, options, threads=threads, on_progress=on_progress)
        found = read_npz(output, ["objectGuess", "probeGuess"])
        return replace(
            scan,
            truth=found["objectGuess"],
            probe=found["probeGuess"],
            modes=read_modes(output, len(found["probeGuess"])),
            metadata={**scan.metadata, **read_metadata(output)},
        )


def split(scan: Scan, study: Study) -> dict[str, np.ndarray]:
    """Return the frames of each part of a scan; both see other parts of the object.

    Parameters
    ----------
    scan : Scan
        All frames; of measured ones, with the probe of their `reference`.
    study : Study
        Its section ``split``.

    Returns
    -------
    dict
        Indices (k_i,) of the frames of ``train`` and ``test``.
    """
    settings = cast("FramesSettings", stage_settings(study, "simulate"))
    return split_frames(Scene(scan.truth, scan.whole_probe, scan.positions), settings)
