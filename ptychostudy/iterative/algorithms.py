"""The iterative algorithms: their names in pty-chi, and steps with which they do not diverge."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ptychostudy.study.sections.reconstruct import ReconstructSettings

LBFGS = "lbfgs"
AUTODIFF = "autodiff"


@dataclass(frozen=True)
class Recipe:
    """pty-chi's name for an algorithm, and steps with which it was measured not to diverge.

    `steps` holds the object's default step size for each optimizer, the default optimizer first;
    empty where the algorithm takes none.
    """

    options: str
    steps: dict[str, float]


class Step(NamedTuple):
    """What scales the updates of the object, and the size of the first step."""

    optimizer: str
    size: float


# pty-chi's own plain step of one makes ePIE and rPIE diverge to NaN with batches. Adam scales each
# pixel's step by the pixel's own history, which is what the smooth parts of the phase need: at
# equal time its error is half that of sgd. L-BFGS works on the likelihood of all frames at once,
# which no batch disturbs: it reaches the counting floor in a third of the time that Adam takes.
# docs/floor.md has the figures.
RECIPES = {
    "LSQML": Recipe("LSQMLOptions", {"adam": 0.2, "sgd": 1.0}),
    "ePIE": Recipe("EPIEOptions", {"adam": 0.2, "sgd": 0.1}),
    "rPIE": Recipe("RPIEOptions", {"sgd": 0.1}),
    "DM": Recipe("DMOptions", {}),
    "RAAR": Recipe("RAAROptions", {}),
    "BH": Recipe("BHOptions", {"sgd": 1.0}),
    AUTODIFF: Recipe("AutodiffPtychographyOptions", {LBFGS: 1.0, "adam": 0.2, "sgd": 0.01}),
}
ALGORITHMS = tuple(RECIPES)


def choose_step(settings: "ReconstructSettings") -> Step | None:
    """Return the step of an algorithm, defaults filled in, or None where it has no step.

    Raises
    ------
    ValueError
        If the algorithm does not take the optimizer, or takes no step at all.
    """
    steps = RECIPES[settings.algorithm].steps
    if not steps:
        _refuse_step(settings)
        return None
    default, *_ = steps
    optimizer = settings.optimizer or default
    if optimizer not in steps:
        raise ValueError(
            f"optimizer for {settings.algorithm} must be one of {', '.join(steps)}; "
            f"found {optimizer!r}"
        )
    size = steps[optimizer] if settings.step_size is None else settings.step_size
    return Step(optimizer, size)


def _refuse_step(settings: "ReconstructSettings") -> None:
    """Refuse an optimizer or a step size that would be set and do nothing."""
    if settings.optimizer is not None or settings.step_size is not None:
        raise ValueError(
            f"{settings.algorithm} has no step: leave optimizer and step_size out, "
            f"found {settings.optimizer}, {settings.step_size}"
        )
