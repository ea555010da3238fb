"""Answers: what a trained network says of some frames by layers, and one step of its training.

For `parity`, which compares them between backends.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.formats.scan import Scan
from ptychostudy.networks.answering import layers_of, one_step
from ptychostudy.networks.canvas_model import with_weights
from ptychostudy.physics.windows import corners, extract
from ptychostudy.recipes.canvas_infer import of_canvas, view_features
from ptychostudy.recipes.infer import patches_of
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.window import choose_window
from ptychostudy.study.sections.infer import PatchSettings


@dataclass(frozen=True)
class Answers:
    """What one backend makes of a network.

    Attributes
    ----------
    patches : (k, S, S) complex
        Of the object.
    offsets : (k, 2) int
        First pixel (row, col) of each in the object.
    layers : dict of str to ndarray
        Numbers of each layer's output, in their order.
    stepped : dict of str to ndarray
        Weights after one step of the optimiser.
    """

    patches: np.ndarray
    offsets: np.ndarray
    layers: dict[str, np.ndarray]
    stepped: dict[str, np.ndarray]

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything under names of one file."""
        named = {"patches": self.patches, "offsets": self.offsets}
        named |= {f"layer/{name}": value for name, value in self.layers.items()}
        return named | {f"stepped/{name}": value for name, value in self.stepped.items()}


def answers(
    bundle: Mapping[str, Any],
    source: Scan,
    view: Mapping[str, np.ndarray],
    estimate: ArmProduct | None,
    count: int,
) -> Answers:
    """Let a network answer.

    Parameters
    ----------
    bundle : mapping
        As `read_bundle` gives it.
    source : Scan
    view : mapping
        ``frames`` (m,) and ``groups`` (g, C) of a view.
    estimate : ArmProduct or None
        For a network of canvases.
    count : int
        Frames.
    """
    if of_canvas(bundle["config"]):
        if estimate is None:
            raise ValueError("a network of canvases answers an estimate; found none")
        return _of_canvas(bundle, source, view["frames"], estimate, count)
    return _of_groups(bundle, source, view, count)


def _of_canvas(
    bundle: Mapping[str, Any],
    source: Scan,
    frames: np.ndarray,
    estimate: ArmProduct,
    count: int,
) -> Answers:
    """Return the windows of some frames, cut out of the whole canvas."""
    view = ViewOfScan.of(source, frames)
    features = view_features(view, estimate)
    width = bundle["config"]["options"]["width"]
    model = with_weights(view.shape, bundle["weights"], width=width)
    changed = features.changed(model.answer(features.channels)[0])
    n = source.probe.shape[-1]
    shown_frames = frames[_spread(len(frames), count)]
    places = corners(source.positions[shown_frames], n) - np.array(view.origin)
    inside = np.clip(places, 0, np.array(view.shape) - n)
    shown = model.padded(features.channels)
    return Answers(
        extract(changed, inside, n),
        inside + np.array(view.origin),
        layers_of(model.trainer, shown),
        one_step(model, shown),
    )


def _of_groups(
    bundle: Mapping[str, Any], source: Scan, view: Mapping[str, np.ndarray], count: int
) -> Answers:
    """Return the squares of some groups, of as many frames or a few more."""
    frames_of_group = bundle["config"]["frames"]
    members = members_of(frames_of_group, view["frames"], view["groups"])
    members = members[_spread(len(members), -(-count // frames_of_group))]
    window = choose_window(PatchSettings(), source, view["frames"], view["groups"])
    squares = Squares.of(source, members, window)
    patches = patches_of(bundle, source, squares, len(members))
    groups = np.arange(len(members))
    shown = patches.data.inputs(groups)
    return Answers(
        patches.of(groups).astype(np.complex64),
        squares.corners[groups],
        layers_of(patches.network.model.trainer, shown),
        one_step(patches.network.model, shown),
    )


def _spread(there: int, wanted: int) -> np.ndarray:
    """Return indices (k,) of so many, spread over all: the first of a scan lie at its edge."""
    return np.linspace(0, there - 1, min(there, wanted), dtype=int)
