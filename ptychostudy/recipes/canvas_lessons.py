"""Lessons of a canvas network: held-out photons of its own frames, or objects that are known."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.io.atomic import DataError
from ptychostudy.networks.batches import spatial_split
from ptychostudy.networks.canvas_features import Features
from ptychostudy.networks.canvas_training import Lesson
from ptychostudy.networks.objective import objective_of, objects_of
from ptychostudy.physics.maximum import smooth
from ptychostudy.physics.rectangle import common, cut
from ptychostudy.physics.scan_likelihood import ScanLikelihood
from ptychostudy.recipes.canvas_shown import shown
from ptychostudy.recipes.maximise import ViewOfScan, weight_of
from ptychostudy.recipes.scan_canvas import COVERED
from ptychostudy.recipes.simulated_objects import simulated_objects
from ptychostudy.study.names import TV

if TYPE_CHECKING:
    from ptychostudy.study.sections.maximise import MaximiseSettings
    from ptychostudy.study.sections.train import CanvasTraining


@dataclass(frozen=True)
class Seen:
    """What the likelihood says of a canvas, and what a network is shown of it.

    Attributes
    ----------
    likelihood : ScanLikelihood
    smooth : (H, W) complex
        Its best object with a smoothness prior.
    """

    likelihood: ScanLikelihood
    smooth: np.ndarray

    @classmethod
    def of(cls, likelihood: ScanLikelihood, weight: float, settings: "MaximiseSettings") -> "Seen":
        """Solve for the object of a likelihood; ``weight`` is that of the smoothness prior."""
        return cls(likelihood, smooth(likelihood, weight, settings.smooth_iterations))

    @cached_property
    def features(self) -> Features:
        """What a network is shown."""
        return shown(self.likelihood, self.smooth)

    @property
    def lit(self) -> np.ndarray:
        """Where (H, W) there is enough light to see something."""
        light = self.likelihood.light
        return np.asarray(light > COVERED * light.max())


@dataclass(frozen=True)
class HeldOut:
    """A judge by photons of which a canvas was not made: half their deviance per pixel.

    Attributes
    ----------
    likelihood : ScanLikelihood
    """

    likelihood: ScanLikelihood

    def __call__(self, canvas: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss of a canvas and its gradient."""
        value, gradient = self.likelihood.value_and_gradient(canvas)
        pixels = self.likelihood.pixels
        return value / pixels, gradient / np.float32(pixels)

    def loss(self, canvas: np.ndarray) -> float:
        """Return the loss of a canvas."""
        return self(canvas)[0]


@dataclass(frozen=True)
class Known:
    """A judge by the object itself: the weighted mean square of what a canvas misses.

    Attributes
    ----------
    object : (H, W) complex
    weight : (H, W) float
        Not negative, and somewhere positive.
    """

    object: np.ndarray
    weight: np.ndarray

    def __call__(self, canvas: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss of a canvas and its gradient; its global phase is free."""
        weight = self.weight / self.weight.sum()
        common = np.vdot(weight * canvas, self.object)
        turn = common / max(abs(common), np.finfo(np.float32).tiny)
        missed = canvas * turn - self.object
        value = float(np.sum(weight * np.abs(missed) ** 2))
        return value, weight * missed * turn.conj()

    def loss(self, canvas: np.ndarray) -> float:
        """Return the loss of a canvas."""
        return self(canvas)[0]


def lessons_of(
    views: Sequence[ViewOfScan],
    known: Sequence[ArmProduct],
    settings: "CanvasTraining",
    estimates: Sequence[ArmProduct] = (),
) -> list[Lesson]:
    """Return the lessons of a network.

    Parameters
    ----------
    views : sequence of ViewOfScan
        Frames that it learns from, of each view and dose.
    known : sequence of ArmProduct
        A reconstruction of each view, where a supervised network does not learn from the truth.
    settings : CanvasTraining
    estimates : sequence of ArmProduct
        What `maximise_view` made of each view; without them it is made anew, and the lessons are
        the same.
    """
    priors = [
        _Prior.of(view, estimate, settings.maximise)
        for view, estimate in zip_longest(views, estimates)
    ]
    if objective_of(settings).kind != "supervised":
        return [
            lesson
            for view, prior in zip(views, priors, strict=True)
            for lesson in _held_out(view, prior, settings)
        ]
    return _supervised(views, priors, known, settings)


class _Prior(NamedTuple):
    """What is known of a view's object beside its frames.

    Attributes
    ----------
    weight : float
        Of the smoothness prior.
    smooth : (H, W) complex, optional
        The object of all its frames with that prior.
    """

    weight: float
    smooth: np.ndarray | None

    @classmethod
    def of(
        cls, view: ViewOfScan, estimate: ArmProduct | None, settings: "MaximiseSettings"
    ) -> "_Prior":
        if estimate is None or not estimate.good:
            return cls(weight_of(view, settings), None)
        if "weight" not in estimate.record:
            raise DataError(
                f"an estimate of the arm {estimate.record.get('arm')} has no weight of a prior; "
                f"needed: that of {TV}, tv.npz of the cell"
            )
        return cls(estimate.record["weight"], view.own(estimate))


def _held_out(view: ViewOfScan, prior: _Prior, settings: "CanvasTraining") -> list[Lesson]:
    """Return lessons of which each was made of some photons, and is judged by the others."""
    ways = settings.maximise
    training, validation = _parts(view, settings.validation_fraction)
    lessons = []
    for draw in range(settings.draws):
        # A draw is that of each frame: some of them see the same photons as all do.
        photons = (ways.held_out, settings.seed, draw)
        seen = Seen.of(view.split(*photons)[0], prior.weight, ways)
        judge = HeldOut(view.only(training).split(*photons)[1])
        other = HeldOut(view.only(validation).split(*photons)[1])
        lessons.append(Lesson(seen.features, judge, other.loss, seen.lit))
    return lessons


def _supervised(
    views: Sequence[ViewOfScan],
    priors: Sequence[_Prior],
    known: Sequence[ArmProduct],
    settings: "CanvasTraining",
) -> list[Lesson]:
    """Return lessons of the object of each view, and of simulated ones behind the same frames."""
    ways = settings.maximise
    lessons = []
    for number, (view, (weight, smoothed)) in enumerate(zip(views, priors, strict=True)):
        likelihood = view.likelihood()
        if smoothed is None:
            smoothed = smooth(likelihood, weight, ways.smooth_iterations)
        seen = Seen(likelihood, smoothed)
        lessons.append(_known(seen, _label(view, known, number), view, settings))
        # Each view has its share of the objects, which cost as much as its own.
        kinds = dict(list(enumerate(objects_of(settings)))[number :: len(views)])
        for simulated, object_ in simulated_objects(view, smoothed, kinds, settings.seed):
            seen_of_it = Seen.of(simulated, weight, ways)
            lessons.append(_known(seen_of_it, object_, view, settings))
    return lessons


def _label(view: ViewOfScan, known: Sequence[ArmProduct], number: int) -> np.ndarray:
    """Return the object (H, W) on the canvas of a view; zero where it is not known."""
    if not known:
        return _placed(view.source.truth, (0, 0), view)
    product = known[number]
    return _placed(product.field * (product.coverage > 0), product.origin, view)


def _placed(field: np.ndarray, origin: tuple[int, int], view: ViewOfScan) -> np.ndarray:
    """Return a field on the canvas (H, W) of a view, whose margin may lie beyond it."""
    shared, sides = common([(origin, field.shape), (view.origin, view.shape)])
    canvas = np.zeros(view.shape, dtype=field.dtype)
    cut(canvas, view.origin, shared, sides)[...] = cut(field, origin, shared, sides)
    return canvas


def _known(seen: Seen, label: np.ndarray, view: ViewOfScan, settings: "CanvasTraining") -> Lesson:
    light = seen.likelihood.light
    weight = light / (light + COVERED * light.max()) * seen.lit * (label != 0)
    far = _far(view, settings.validation_fraction)
    if not (np.any(weight[far]) and np.any(weight[~far])):
        raise DataError(
            f"the object to learn from is known on {np.count_nonzero(label)} of {label.size} "
            "pixels of the canvas, at one end of the scan on none that is lit; "
            "needed: that of these frames"
        )
    judge = Known(label, weight * ~far)
    other = Known(label, weight * far)
    return Lesson(seen.features, judge, other.loss, seen.lit)


def _parts(view: ViewOfScan, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which frames of a view train and which validate, at the far end of the scan."""
    each = np.arange(len(view.index))[:, None]
    return spatial_split(each, view.positions, fraction)


def _far(view: ViewOfScan, fraction: float) -> np.ndarray:
    """Return the pixels (H, W) at the far end of the scan, by which a network is validated."""
    _, validation = _parts(view, fraction)
    axis = int(np.argmax(np.ptp(view.positions, axis=0)))
    first = view.positions[validation, axis].min()
    return np.asarray(np.indices(view.shape)[axis] >= first)
