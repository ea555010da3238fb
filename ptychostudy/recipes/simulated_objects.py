"""Further objects for a supervised network, behind the probe, scan and dose of a view."""

from collections.abc import Iterator, Mapping

import numpy as np

from ptychostudy.physics.counts import simulated_blocks
from ptychostudy.physics.draws import generator
from ptychostudy.physics.held_out import Frames
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probe_width import bright_diameter_px
from ptychostudy.physics.scan_likelihood import ScanLikelihood
from ptychostudy.recipes.maximise import ViewOfScan
from ptychostudy.recipes.scan_canvas import relative_light

# Features of an object by the diameter of the probe, as of the quick study.
_FEATURE = 1 / 6
_LEAST_FEATURE_PX = 2.0
# Of the amplitudes and phases of an estimate: what lies beyond is noise.
_SPAN = (1.0, 99.0)
_WIDEST_RAD = 6.0


def simulated_objects(
    view: ViewOfScan, estimate: np.ndarray, kinds: Mapping[int, str], seed: int
) -> Iterator[tuple[ScanLikelihood, np.ndarray]]:
    """Yield objects, and the likelihood given frames that were drawn of each.

    They span the amplitudes and phases of the view's own estimate.

    Parameters
    ----------
    view : ViewOfScan
    estimate : (H, W) complex
        Object of the view.
    kinds : mapping of int to str
        Kinds of `make_object` by the number of the object: each is another one.
    seed : int
    """
    source = view.source
    probe = source.whole_probe
    amplitude, phase_rad = _spans(view, estimate)
    feature_px = max(_LEAST_FEATURE_PX, _FEATURE * bright_diameter_px(source.probe))
    for number, kind in kinds.items():
        rng = generator(seed, "training", number, kind)
        object_ = make_object(
            kind, view.shape, rng, amplitude=amplitude, phase_rad=phase_rad, feature_px=feature_px
        )
        blocks = simulated_blocks(object_, probe, view.positions, rng, valid=source.valid)
        frames = Frames(np.concatenate(list(blocks)), np.arange(len(view.index)))
        yield view.likelihood(frames), object_.astype(np.complex64)


def _spans(view: ViewOfScan, estimate: np.ndarray) -> tuple[tuple[float, float], float]:
    """Return the span of the amplitude, and that of the phase in rad, where there is light."""
    lit = relative_light(view.source.whole_probe, view.positions, view.shape) > 0
    values = estimate[lit]
    low, high = np.percentile(np.abs(values), _SPAN)
    phases = np.angle(values * np.conj(values.mean()))
    first, last = np.percentile(phases, _SPAN)
    return (float(low), float(high)), min(float(last - first), _WIDEST_RAD)
