"""The iterative algorithms: their names in pty-chi, settings measured not to diverge, and what a run comes to."""

from dataclasses import dataclass

import numpy as np

_NOISE_MODELS = ("gaussian", "poisson")
_WINDOW = 10
# Half a floor that is still missing adds in squares: the error is then 12 % above that of the converged run.
_SETTLED = 0.5


@dataclass(frozen=True)
class Recipe:
    """pty-chi's name for an algorithm, and settings with which it was measured not to diverge.

    `steps` holds the object's default step size for each optimizer, the default optimizer first; empty where the
    algorithm takes none.
    """

    options: str
    steps: dict
    batch_size: int = 50
    poisson: bool = False


# pty-chi's own plain step of one makes ePIE and rPIE diverge to NaN with batches. Adam scales each pixel's step by the
# pixel's own history, which is what the smooth parts of the phase need: at equal time its error is half that of sgd.
# L-BFGS works on the likelihood of all frames at once, which no batch disturbs: it reaches the counting floor in a
# third of the time that Adam takes. docs/floor.md has the figures.
RECIPES = {
    "LSQML": Recipe("LSQMLOptions", {"adam": 0.2, "sgd": 1.0}, poisson=True),
    "ePIE": Recipe("EPIEOptions", {"adam": 0.2, "sgd": 0.1}),
    "rPIE": Recipe("RPIEOptions", {"sgd": 0.1}),
    "DM": Recipe("DMOptions", {}, batch_size=100),
    "RAAR": Recipe("RAAROptions", {}, batch_size=100),
    "BH": Recipe("BHOptions", {"sgd": 1.0}),
    "autodiff": Recipe(
        "AutodiffPtychographyOptions", {"lbfgs": 1.0, "adam": 0.2, "sgd": 0.01}, poisson=True
    ),
}
ALGORITHMS = tuple(RECIPES)


@dataclass(frozen=True)
class IterativeResult:
    """What an iterative solver returns.

    Attributes
    ----------
    object : (H, W) complex64
        Object on the pixels asked for, in the gauge of the probe that was given.
    probe : (N, N) complex64
        Probe in photons, orthonormal convention; the given one unless it was refined.
    loss : (epochs,) float64
        pty-chi's loss for each epoch.
    converged : bool
        Finite, and `moved` is below one half.
    change_last_ten : float
        Relative change of the loss over the last ten epochs (over all, where there were fewer). It tells nothing of
        convergence: the smooth parts of the phase hardly touch the loss, and falling steps freeze it anywhere.
    moved : float
        How far twenty steps of L-BFGS on the likelihood of all frames move the phase, rms over the better lit half of
        the object, in units of the counting floor; infinite after a divergence.
    finite : bool
        Whether object, probe and loss are free of NaN and infinities.
    """

    object: np.ndarray
    probe: np.ndarray
    loss: np.ndarray
    converged: bool
    change_last_ten: float
    moved: float
    finite: bool


def find_recipe(algorithm, noise_model, device):
    """Return the recipe of an algorithm.

    Raises
    ------
    ValueError
        If the algorithm, the noise model (for this algorithm) or the device is unknown; the message lists what is not.
    """
    if algorithm not in RECIPES:
        raise ValueError(f"algorithm must be one of {', '.join(RECIPES)}; found {algorithm!r}")
    if noise_model not in _NOISE_MODELS:
        raise ValueError(
            f"noise_model must be one of {', '.join(_NOISE_MODELS)}; found {noise_model!r}"
        )
    recipe = RECIPES[algorithm]
    if noise_model == "poisson" and not recipe.poisson:
        able = ", ".join(name for name, each in RECIPES.items() if each.poisson)
        raise ValueError(
            f"noise_model 'poisson' is available for {able}; {algorithm} knows only 'gaussian'"
        )
    if device not in ("auto", "cpu", "gpu"):
        raise ValueError(f"device must be 'auto', 'cpu' or 'gpu'; found {device!r}")
    return recipe


def choose_step(recipe, algorithm, optimizer, step_size):
    """Return (optimizer, step size), defaults filled in, or None for an algorithm that has no step.

    Raises
    ------
    ValueError
        If the algorithm does not take the optimizer, or the step size is not positive and finite.
    """
    if not recipe.steps:
        if optimizer is not None or step_size is not None:
            raise ValueError(
                f"{algorithm} has no step: leave optimizer and step_size out, found {optimizer}, {step_size}"
            )
        return None
    optimizer = next(iter(recipe.steps)) if optimizer is None else optimizer
    if optimizer not in recipe.steps:
        raise ValueError(
            f"optimizer for {algorithm} must be one of {', '.join(recipe.steps)}; found {optimizer!r}"
        )
    step_size = recipe.steps[optimizer] if step_size is None else float(step_size)
    if not 0 < step_size < np.inf:
        raise ValueError(f"step_size must be positive and finite, found {step_size}")
    return optimizer, step_size


def at_least_one(name, value):
    """Return `value` as an int, or raise ValueError with the argument's name if it is no whole number from 1 up."""
    if isinstance(value, bool) or int(value) != value or value < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, found {value!r}")
    return int(value)


def summarize(object_, probe, loss, moved):
    """Judge object (H, W), probe (N, N), loss (epochs,) and last movement of a run; return an `IterativeResult`."""
    finite = all(np.all(np.isfinite(array)) for array in (object_, probe, loss))
    earlier = float(loss[max(len(loss) - 1 - _WINDOW, 0)])
    change = abs(float(loss[-1]) - earlier) / max(abs(earlier), np.finfo(np.float64).tiny)
    moved = float(moved) if finite and np.isfinite(moved) else np.inf
    return IterativeResult(
        object_, probe, loss, bool(finite and moved < _SETTLED), change, moved, bool(finite)
    )
