"""Train: one network of canvases, on the frames of a view or of several, at one dose or several."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.io.threads import allowed_threads
from ptychostudy.networks.canvas_learner import PlainCanvasLearner
from ptychostudy.networks.canvas_network import CANVAS_FORMAT
from ptychostudy.networks.canvas_training import CanvasCourse, MakeLearner
from ptychostudy.networks.computing import backend_of
from ptychostudy.networks.course import follow
from ptychostudy.networks.filters import filters_of
from ptychostudy.networks.objective import objective_of, objects_of
from ptychostudy.recipes.canvas_lessons import lessons_of
from ptychostudy.recipes.detector import mask_identity
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.normalization import dose_key, normalization_of
from ptychostudy.recipes.trained import Trained
from ptychostudy.study.names import NUMPY

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import BaselineSettings, CanvasTraining, PinnSettings


def count_lessons(views: int, settings: "PinnSettings | BaselineSettings") -> int:
    """Return the lessons of a network that learns from so many views."""
    if objective_of(settings).kind == "supervised":
        return views + len(objects_of(settings))
    return views * settings.draws


def train_canvas_network(
    arm: str,
    sources: Sequence[Scan],
    views: Sequence[np.ndarray],
    settings: "CanvasTraining",
    *,
    known: Sequence[ArmProduct] = (),
    estimates: Sequence[ArmProduct] = (),
    on_epoch: Callable[[dict[str, Any]], object] | None = None,
    initial_state: dict[str, Any] | None = None,
    save_state: Callable[[dict[str, Any]], object] | None = None,
) -> Trained:
    """Train one network of canvases.

    Parameters
    ----------
    arm : str
        Name that the bundle carries.
    sources : sequence of Scan
        The same scan at one dose or at several.
    views : sequence of (m,) int
        Frames of each view that it learns from.
    settings : CanvasTraining
    known : sequence of ArmProduct
        A reconstruction of each source, where a supervised network does not learn from the truth.
    estimates : sequence of ArmProduct
        What the likelihood says of each view of each source, with its prior: ``tv.npz``. Without
        them it is asked anew.
    on_epoch, initial_state, save_state
        See `ptychostudy.networks.training.train`.
    """
    seen = [ViewOfScan.of(source, frames) for source in sources for frames in views]
    # Of each source all views learn from the same reconstruction.
    labels = [product for product in known for _ in views]
    lessons = lessons_of(seen, labels, settings, estimates)
    course = CanvasCourse(lessons, filters_of(settings), settings, _learner(settings))
    result = follow(
        course,
        settings,
        on_epoch=on_epoch,
        initial_state=initial_state,
        save_state=save_state,
    )
    probe = sources[0].probe
    config = canvas_config(settings, arm, len(probe)) | mask_identity(sources[0])
    by_dose = {dose_key(source): normalization_of(source) for source in sources}
    return Trained(course.weights, config, probe, by_dose, result)


def _learner(settings: "CanvasTraining") -> MakeLearner:
    """Return what makes the network that learns."""
    if backend_of(settings) == NUMPY:
        return partial(PlainCanvasLearner, threads=allowed_threads())
    # Seconds, which only those pay who ask for it.
    from ptychostudy.networks.canvas_model import KerasCanvasLearner

    return KerasCanvasLearner


def canvas_config(settings: "CanvasTraining", arm: str, n: int) -> dict[str, Any]:
    """Return what a bundle says of a network of canvases.

    Parameters
    ----------
    settings : CanvasTraining
    arm : str
    n : int
        Frame side N.
    """
    return {
        "format": CANVAS_FORMAT,
        "arm": arm,
        "kind": objective_of(settings).kind,
        "n": n,
        # It sees all frames of a view at once, none of them in a group.
        "frames": 1,
        "seed": settings.seed,
        "options": {"architecture": settings.architecture, "width": filters_of(settings)},
        "objects": objects_of(settings),
    }
