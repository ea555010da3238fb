"""What reconstructs: networks, pty-chi and the likelihood, each in a process of its own."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ptychostudy.calls.files import scan_file, view_file
from ptychostudy.calls.process import OnProgress, run_stage
from ptychostudy.formats.arm_product import ArmProduct, canvas_arrays, read_arm_product
from ptychostudy.formats.scan import Scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.physics.canvas import Canvas
from ptychostudy.recipes.sample import View
from ptychostudy.study import layout
from ptychostudy.study.names import HISTORY_COLUMNS, PHYSICS, PINN, TV, UNTRAINED
from ptychostudy.study.settings import Study
from ptychostudy.study.stage_settings import TRAIN, stage_settings


@dataclass(frozen=True)
class Result(ArmProduct):
    """What an arm made of a view.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        All that it made: beside the field, where there are any, ``reconstructed_probe`` (N, N),
        ``loss`` (epochs,) and ``disagreement`` (H, W).
    """

    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Network:
    """A trained network.

    Attributes
    ----------
    arm : str
    bundle : bytes
        ``wts.h5.zip``.
    history : list of dict
        Losses of each epoch.
    record : dict
        How the training ended.
    """

    arm: str
    bundle: bytes
    history: list[dict[str, float]]
    record: dict[str, Any]


def train(
    arm: str,
    scans: Sequence[Scan],
    views: Sequence[View],
    study: Study,
    *,
    labels: Sequence[ArmProduct] = (),
    threads: int = 1,
    on_progress: OnProgress | None = None,
) -> Network:
    """Train a network in a process of its own.

    Parameters
    ----------
    arm : {'PtychoPINN', 'Baseline', 'FeedForward'}
    scans : sequence of Scan
        Frames of the training part, of one dose or of several that are learned together.
    views : sequence of View
        Those learned from; none for a network that sees frames one by one.
    study : Study
        Its section ``train``.
    labels : sequence of ArmProduct
        What a Baseline with ``labels: reconstruction`` learns from, one for each scan.
    threads : int
    on_progress : callable, optional
        Told epoch, epochs and loss.

    Raises
    ------
    ValueError
        If the arm is no network.
    DataError
        What the training refuses.
    """
    if arm not in TRAIN:
        raise ValueError(f"arm is {arm!r}; needed: one of {', '.join(TRAIN)}")
    with TemporaryDirectory() as folder:
        place = Path(folder)
        options: dict[str, Any] = {
            "arm": arm,
            "scan": [scan_file(place / f"scan_{i}.npz", scan) for i, scan in enumerate(scans)],
            "view": [view_file(place / f"view_{i}.npz", view) for i, view in enumerate(views)],
            "labels": [_result_file(place / f"l_{i}.npz", each) for i, each in enumerate(labels)],
            "bundle": place / layout.BUNDLE,
            "history": place / layout.HISTORY,
            "record": place / layout.TRAINING_RECORD,
        }
        read = stage_settings(study, TRAIN[arm])
        run_stage("train", read, options, threads=threads, on_progress=on_progress)
        rows = read_csv(options["history"], HISTORY_COLUMNS)
        history = [{key: float(value) for key, value in row.items()} for row in rows]
        return Network(arm, options["bundle"].read_bytes(), history, read_json(options["record"]))


def maximise(
    scan: Scan,
    view: View,
    study: Study,
    *,
    threads: int = 1,
    on_progress: OnProgress | None = None,
) -> dict[str, Result]:
    """Maximise the likelihood of the frames of a view, in a process of its own.

    Parameters
    ----------
    scan, view : Scan, View
        Frames; which of them.
    study : Study
        Its section ``maximise``.
    threads : int
    on_progress : callable, optional
        Told step and steps.

    Returns
    -------
    dict
        ``PhysicsOnly``, without a prior, and ``TV``, with total variation.
    """
    with _inputs(scan, view) as (place, options):
        outputs = {"physics": place / "physics.npz", "smooth": place / "smooth.npz"}
        read = stage_settings(study, "maximise")
        run_stage("maximise", read, options | outputs, threads=threads, on_progress=on_progress)
        return {PHYSICS: _result(outputs["physics"]), TV: _result(outputs["smooth"])}


def infer(
    network: Network,
    scan: Scan,
    view: View,
    study: Study,
    *,
    estimates: Mapping[str, ArmProduct] | None = None,
    threads: int = 1,
) -> dict[str, Result]:
    """Reconstruct a view with a trained network, in a process of its own.

    Parameters
    ----------
    network : Network
    scan, view : Scan, View
        Frames; which of them, and their groups.
    study : Study
        Its section ``infer``.
    estimates : mapping, optional
        What `maximise` made of the view, for a network of canvases.
    threads : int

    Returns
    -------
    dict
        The network's result; of PtychoPINN also ``Untrained``, its control.
    """
    with _inputs(scan, view) as (place, options):
        shard, bundle = place / "shard.npz", place / layout.BUNDLE
        bundle.write_bytes(network.bundle)
        known = [] if estimates is None else [_result_file(place / "estimate.npz", estimates[TV])]
        more = {
            "arm": network.arm,
            "bundle": bundle,
            "shard": "1-of-1",
            "output": shard,
            "estimate": known,
            "batch-size": study.infer.batch_size,
        }
        run_stage("infer", stage_settings(study, "infer"), options | more, threads=threads)
        arms = [PINN, UNTRAINED] if network.arm == PINN else [network.arm]
        read = stage_settings(study, "stitch")
        made = {}
        for arm in arms:
            output = place / f"{arm}.npz"
            asked = {**options, "arm": arm, "shards": [shard], "output": output}
            run_stage("stitch", read, asked, threads=threads)
            made[arm] = _result(output)
        return made


def reconstruct(
    scan: Scan,
    view: View,
    study: Study,
    *,
    start: ArmProduct | None = None,
    threads: int = 1,
    on_progress: OnProgress | None = None,
) -> Result:
    """Reconstruct a view with pty-chi, in a process of its own.

    Parameters
    ----------
    scan, view : Scan, View
        Frames; which of them.
    study : Study
        Its section ``reconstruct``.
    start : ArmProduct, optional
        Result of a network to start from, which makes this Hybrid. Default a flat object.
    threads : int
    on_progress : callable, optional
        Told epoch, epochs and loss.
    """
    with _inputs(scan, view) as (place, options):
        outputs = {"output": place / "product.npz", "manifest": place / "record.json"}
        read = stage_settings(study, "reconstruct")
        if start is not None:
            options["start"] = _result_file(place / "start.npz", start)
        run_stage("reconstruct", read, options | outputs, threads=threads, on_progress=on_progress)
        return _result(outputs["output"])


@contextmanager
def _inputs(scan: Scan, view: View) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Write what every arm reads into a folder that is gone afterwards."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        files = {
            "scan": scan_file(place / "scan.npz", scan),
            "view": view_file(place / "view.npz", view),
        }
        yield place, files


def _result_file(path: Path, result: ArmProduct) -> Path:
    canvas = Canvas(result.field, result.coverage, result.origin)
    arrays = result.arrays if isinstance(result, Result) else canvas_arrays(canvas)
    write_npz(path, arrays, dict(result.record))
    return path


def _result(path: Path) -> Result:
    product = read_arm_product(path)
    return Result(**vars(product), arrays=read_npz(path))
