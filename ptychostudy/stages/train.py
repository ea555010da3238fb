"""Stage train: one network, resumed from its last epoch where an earlier run was cut off."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ptychostudy import provenance
from ptychostudy.formats.arm_product import ArmProduct, read_arm_product
from ptychostudy.formats.bundle import write_bundle
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.io.tables import write_csv
from ptychostudy.io.threads import allowed_threads
from ptychostudy.networks import computing
from ptychostudy.networks.checkpoint import State
from ptychostudy.networks.computing import made_by, prepare
from ptychostudy.networks.objective import objective_of
from ptychostudy.recipes.labels import check_usable
from ptychostudy.recipes.passes import passes, settled
from ptychostudy.recipes.train_canvas import count_lessons, train_canvas_network
from ptychostudy.recipes.trained import Trained
from ptychostudy.recipes.training_set import check_same_scan
from ptychostudy.runs import kept_digests
from ptychostudy.runs.work import Work
from ptychostudy.study.layout import TRAINING_STATE
from ptychostudy.study.names import HISTORY_COLUMNS

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection

__all__ = ["backend_of", "prepare", "run"]
_log = logging.getLogger("ptychostudy")


def run(
    settings: "NetworkSection",
    *,
    arm: Literal["PtychoPINN", "Baseline", "FeedForward"],
    scan: list[Path],
    bundle: Path,
    history: Path,
    record: Path,
    view: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
    labels: list[Path] = [],  # noqa: B006 - as above
    estimate: list[Path] = [],  # noqa: B006 - as above
    label: str = "",
) -> None:
    """Train one network; a collapsed or non-finite training is recorded as failed, not raised.

    Parameters
    ----------
    settings : PinnSettings, BaselineSettings or FeedForwardTraining
        Section ``train.pinn``, ``train.baseline`` or ``train.feed_forward``.
    arm : str
        ``PtychoPINN``, ``Baseline`` or ``FeedForward``.
    scan : list of Path
        ``patched_train.npz`` of one dose, or of several that one network learns together; the
        frames of each dose are normalised by their own mean.
    bundle, history, record : Path
        Outputs ``wts.h5.zip``, ``history.csv``, ``training.json``.
    view : list of Path
        Views whose frames or groups are learned from. A network of groups takes one, and without
        it every frame for a group of its own; a network of canvases takes one or several.
    labels : list of Path
        ``ptychi_reconstruction.npz`` of each scan, where the setting ``labels`` is
        ``reconstruction``.
    estimate : list of Path
        ``tv.npz`` of each view at the first dose, then at the next: of these frames a network of
        canvases need not make them anew, which would come to the same.
    label : str
        Shown in progress lines.
    """
    sources = _sources(scan)
    known = _known(settings, labels, len(sources))
    lesson = _lesson(settings, sources, view, estimate)
    epochs = passes(arm, lesson.size, settings)
    if settings.epochs == "auto":
        _log.info("%s learns in at most %d passes over %s", arm, epochs, lesson.words)
    settings = settled(settings, epochs)
    files = [*scan, *labels, *view, *estimate]
    state = State(bundle.with_name(TRAINING_STATE), _inputs(settings, arm, files))
    with Work(f"train {arm} {label}".rstrip()) as progress:
        trained = lesson.train(
            arm,
            sources,
            lesson.frames,
            settings,
            known=known,
            on_epoch=lambda row: progress.step(row["epoch"], epochs, row["loss"]),
            initial_state=state.read(),
            save_state=state.write,
        )
    write_csv(history, HISTORY_COLUMNS, trained.history)
    write_bundle(bundle, **trained.parts, provenance=_made_by(settings, trained.outcome))
    about = {
        "bundle_path": bundle.name,
        "bundle_sha256": sha256_of(bundle),
        "bundle_size_bytes": bundle.stat().st_size,
    }
    write_json(record, {**trained.record, **about})
    # Only now: a run that is cut off before finds its epochs again.
    state.path.unlink(missing_ok=True)


def backend_of(options: Mapping[str, Any]) -> str:
    """Return what computes a training, given the options of `run`."""
    return computing.backend_of(options["settings"])


def _inputs(settings: "NetworkSection", arm: str, files: list[Path]) -> dict[str, Any]:
    """Return what a training depends on: a state of other inputs is none to go on from."""
    return {
        "settings": settings.plain(),
        "scan": [sha256_of(file) for file in files],
        "arm": arm,
        "code": kept_digests.code_digest(__name__),
    }


def _sources(scan_files: list[Path]) -> list[Scan]:
    """Open the frames of every dose; they must be those of one scan."""
    if not scan_files:
        raise ValueError("--scan names no file; needed: patched_train.npz of at least one dose")
    sources = [open_scan(scan_file) for scan_file in scan_files]
    check_same_scan(sources, [str(scan_file) for scan_file in scan_files])
    return sources


class _Lesson(NamedTuple):
    """What a network learns from, and how: frames in groups, or whole canvases."""

    train: Callable[..., Trained]
    frames: Any
    size: int
    words: str


def _lesson(
    settings: "NetworkSection",
    sources: list[Scan],
    view_files: list[Path],
    estimate_files: list[Path],
) -> _Lesson:
    views = [read_npz(view_file, ["frames", "groups"]) for view_file in view_files]
    if settings.architecture == "canvas":
        if not views:
            raise ValueError("--view names no file; needed: those of a view, or of several")
        frames = [view["frames"] for view in views]
        size = count_lessons(len(sources) * len(frames), settings)
        estimates = _estimates(estimate_files, len(sources) * len(frames))
        train = partial(train_canvas_network, estimates=estimates)
        return _Lesson(train, frames, size, f"{size} canvases in 4 directions")
    if len(views) > 1:
        raise ValueError(f"--view names {len(views)} files; needed: one, for a network of groups")
    # Groups index the frames of the view; a network reads those of the split.
    groups = views[0]["frames"][views[0]["groups"]] if views else None
    of_each = len(sources[0].counts) if groups is None else len(groups)
    size = of_each * len(sources)
    # Keras, which networks of canvases do without.
    from ptychostudy.recipes.train import train_network

    return _Lesson(train_network, groups, size, f"{size} groups")


def _estimates(estimate_files: list[Path], views: int) -> list[ArmProduct]:
    """Read what the likelihood says of each view, where that is known already."""
    if len(estimate_files) not in (0, views):
        raise ValueError(
            f"--estimate names {len(estimate_files)} files; needed: none, or {views}: tv.npz of "
            "each view at each dose"
        )
    return [read_arm_product(estimate_file) for estimate_file in estimate_files]


def _known(settings: "NetworkSection", label_files: list[Path], scans: int) -> list[ArmProduct]:
    """Read the reconstructions that a network learns from, one for each scan, if it does."""
    if not objective_of(settings).from_reconstructions:
        return []
    if len(label_files) != scans:
        raise ValueError(
            f"--labels names {len(label_files)} files; "
            f"needed: one reconstruction for each of {scans} scans"
        )
    known = [read_arm_product(label_file) for label_file in label_files]
    check_usable(known, [str(label_file) for label_file in label_files])
    return known


def _made_by(settings: "NetworkSection", outcome: dict[str, Any]) -> dict[str, Any]:
    return {
        "backend": made_by(computing.backend_of(settings)),
        "versions": provenance.versions(),
        "threads": allowed_threads(),
        "outcome": outcome,
    }
