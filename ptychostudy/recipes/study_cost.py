"""Cost: about how long a study takes and how much memory, by the size of its scan.

Measured with the quick study, 714 frames of 64 x 64 pixels a split, and with full-dose references,
one thread a job on a CPU of 2026; within a factor of two elsewhere.
"""

from dataclasses import dataclass

from ptychostudy.recipes.passes import passes
from ptychostudy.study.arm_names import FEED_FORWARD
from ptychostudy.study.names import BASELINE, PINN
from ptychostudy.study.sections.train import FeedForwardTraining, NetworkSection
from ptychostudy.study.settings import Study

# Seconds of a job before it begins with its frames: libraries, compilation; of most, of pty-chi,
# and of networks that Keras computes.
_START_S, _TORCH_S, _KERAS_S = 2.0, 5.0, 10.0
# Seconds for each million detector pixels, once through.
_REFERENCE_S, _SOLVER_S, _INFERENCE_S = 0.2, 0.25, 0.7
# The same of a pass of a training on groups; the ancestor's in float32, in bfloat16 a third.
_NETWORK_S = {"backprojection": 0.25, "ptychopinn": 1.7}
# The same, of all that is done: likelihood and prior of a cell; the training of a canvas, whose
# steps are by default as many whatever the scan.
_LIKELIHOOD_S, _CANVAS_S = 3.0, 9.0
# Jobs of a cell that hardly do more than to start: the control, the comparison, its pictures.
_LAST_JOBS = 4
# Megabytes of a job, and for each million detector pixels; frames in parts beyond eight of these.
_START_MB, _PIXELS_MB, _AT_ONCE = 750.0, 230.0, 8.4
_SPLITS = 2


@dataclass(frozen=True)
class Cost:
    """What a study takes.

    Attributes
    ----------
    minutes : float
        Of CPU time; on two cores half of it passes.
    memory_mb : float
        Of its largest job.
    """

    minutes: float
    memory_mb: float


def study_cost(study: Study, side: int, frames: int, kept: int) -> Cost:
    """Return about what a study of a user's scan takes.

    Parameters
    ----------
    study : Study
    side : int
        N of its frames.
    frames : int
        Of the scan.
    kept : int
        Of both its parts.
    """
    pixels = side**2 * 1e-6
    whole = frames * pixels
    part = kept * pixels / _SPLITS
    cells = len(study.pairs) * len(study.seeds)
    seconds = cells * (_cell_s(study, part) + _networks_s(study, kept // _SPLITS, part))
    if study.base.frames == "measured":
        seconds += _TORCH_S + _REFERENCE_S * study.reference.epochs * whole
    memory = _START_MB + _PIXELS_MB * min(max(part, whole / 2), _AT_ONCE)
    return Cost(seconds / 60, memory)


def _cell_s(study: Study, part: float) -> float:
    solver = _TORCH_S + _SOLVER_S * study.reconstruct.epochs * part
    # Shards, and the canvas that is put together of them.
    inference = sum(
        _start_s(study, arm) + _INFERENCE_S * part + _START_S for arm in study.train.networks
    )
    return _SPLITS * (solver + _LIKELIHOOD_S * part + inference + _LAST_JOBS * _START_S)


def _start_s(study: Study, arm: str) -> float:
    """Return the seconds before a job begins with its network."""
    return _START_S if study.train.of_canvas(arm) else _KERAS_S


def _networks_s(study: Study, frames: int, part: float) -> float:
    in_groups = study.overlap.gridsize**2
    trained: dict[str, tuple[NetworkSection, int]] = {
        PINN: (study.train.pinn, in_groups),
        BASELINE: (study.train.baseline, 1),
        FEED_FORWARD: (_feed_forward(study), in_groups),
    }
    seconds = 0.0
    for arm, (settings, shown) in trained.items():
        if arm in study.train.networks:
            seconds += _start_s(study, arm) + _training_s(arm, settings, shown, frames) * part
    return seconds


def _feed_forward(study: Study) -> FeedForwardTraining:
    return FeedForwardTraining(**dict(study.train.feed_forward))


def _training_s(arm: str, settings: NetworkSection, shown: int, frames: int) -> float:
    if settings.architecture == "canvas":
        return _CANVAS_S
    return _NETWORK_S[settings.architecture] * shown * passes(arm, frames, settings)
