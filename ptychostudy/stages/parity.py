"""Stage parity: whether a network says and learns the same on every backend that is installed."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptychostudy.figures.patch_grid import patch_grid
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.io.pictures import write_figure
from ptychostudy.io.records import write_json
from ptychostudy.recipes.parity import ANSWER, STEP, compared, problems, statistics
from ptychostudy.study.names import BACKENDS

PASS, FAIL = "pass", "fail"
_CAPTION = "Each row the same network on another backend of Keras; one grey scale for all."


def run(
    *,
    bundle: list[Path],
    scan: Path,
    view: Path,
    stats: Path,
    offsets: Path,
    amplitude: Path,
    phase: Path,
    estimate: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
    frames: int = 64,
    verdict: Literal["fail", "record"] = "fail",
) -> int:
    """Compare a network between backends, each in a process of its own, with the first of them.

    Parameters
    ----------
    bundle : list of Path
        The trained network; several, one for each installed backend in turn, to compare what
        different files of it hold.
    scan, view : Path
        Frames; frame indices and groups.
    stats, offsets, amplitude, phase : Path
        Outputs ``stats.json``, ``offsets.json`` and two pictures.
    estimate : list of Path
        ``tv.npz``, for a network of canvases.
    frames : int
        How many frames' patches.
    verdict : {'fail', 'record'}
        What a difference is: exit code 1, or a line of ``stats.json`` alone.

    Returns
    -------
    int
        0, or 1 where backends differ.
    """
    backends = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
    if len(backends) < 2:
        raise DataError(
            f"only {', '.join(backends) or 'no backend'} is installed; needed: two, of "
            f"{', '.join(BACKENDS)} (pip install '.[torch]')"
        )
    if len(bundle) not in (1, len(backends)):
        raise DataError(
            f"--bundle names {len(bundle)} files; needed: one, or one for each of "
            f"{', '.join(backends)}"
        )
    bundles = bundle if len(bundle) == len(backends) else bundle * len(backends)
    told = {
        name: _asked(name, path, [scan, view, *estimate], frames)
        for name, path in zip(backends, bundles, strict=True)
    }
    record = _record(told, read_bundle(bundles[0])["weights"])
    write_json(stats, record)
    write_json(offsets, {name: each["offsets"].tolist() for name, each in _arrays(told).items()})
    _draw(told, amplitude, phase)
    for line in _lines(record):
        print(line)
    return 1 if record["verdict"] == FAIL and verdict == "fail" else 0


def _asked(backend: str, bundle: Path, inputs: list[Path], frames: int) -> dict[str, Any]:
    """Return what a backend answers; two of them never share a process."""
    scan, view, *estimate = map(str, inputs)
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "answers.npz"
        words = ["--backend", backend, "--bundle", str(bundle), "--scan", scan, "--view", view]
        words += ["--estimate", *estimate, "--frames", str(frames), "--output", str(output)]
        command = [sys.executable, "-m", "ptychostudy", "answers", *words]
        done = subprocess.run(command, text=True, capture_output=True, check=False)
        if done.returncode:
            raise DataError(f"backend {backend}: {(done.stderr or done.stdout).strip()[-2000:]}")
        return {
            "arrays": read_npz(output),
            "backend": read_metadata(output, ["backend"])["backend"],
        }


def _arrays(told: dict[str, dict[str, Any]]) -> dict[str, dict[str, np.ndarray]]:
    return {name: each["arrays"] for name, each in told.items()}


def _record(told: dict[str, dict[str, Any]], weights: dict[str, np.ndarray]) -> dict[str, Any]:
    """Return statistics, differences, and the verdict on them."""
    (first, reference), *others = _arrays(told).items()
    of_each = {name: statistics(arrays) for name, arrays in _arrays(told).items()}
    pairs = {name: compared(reference, arrays, weights) for name, arrays in others}
    found = problems(of_each, pairs)
    return {
        "verdict": FAIL if found else PASS,
        "problems": found,
        "reference": first,
        "versions": {name: each["backend"]["version"] for name, each in told.items()},
        "frames": len(reference["patches"]),
        "statistics": of_each,
        "differences": pairs,
        "limits": {"answer": ANSWER, "step": STEP},
    }


def _draw(told: dict[str, dict[str, Any]], amplitude: Path, phase: Path) -> None:
    patches = {name: arrays["patches"] for name, arrays in _arrays(told).items()}
    moduli = {name: np.abs(values) for name, values in patches.items()}
    phases = {name: np.angle(values) for name, values in patches.items()}
    write_figure(amplitude, patch_grid(moduli, "Amplitude of the same patches", _CAPTION))
    write_figure(phase, patch_grid(phases, "Phase of the same patches, rad", _CAPTION))


def _lines(record: dict[str, Any]) -> list[str]:
    """Return the table and the verdict."""
    lines = [
        f"{'backend':<12}{'version':<12}{'mean':>9}{'variance':>11}{'patches':>11}{'step':>11}"
    ]
    for name, numbers in record["statistics"].items():
        text = f"{name:<12}{record['versions'][name]:<12}"
        text += f"{numbers['global_mean']:>9.4f}{numbers['var_zero_mean']:>11.3g}"
        pair = record["differences"].get(name)
        text += (
            "  (reference)" if pair is None else f"{pair['patches']:>11.1e}{pair['step']:>11.1e}"
        )
        lines.append(text)
    lines += record["problems"]
    return [*lines, f"parity: {record['verdict']}"]
