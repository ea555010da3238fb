"""pty-chi's options: what is set for an algorithm, its batches and its steps.

pty-chi's option objects are of its own types, one for each algorithm; here they are `Any`.
"""

from typing import Any

from ptychostudy.iterative.algorithms import LBFGS, Recipe, Step

# Steps fall linearly over this share of the epochs to this fraction, and stay there: large steps
# carry the slow, smooth parts of the phase, small ones average the noise of the batches.
_DECAY_SHARE = 0.7
_DECAY_END = 0.02
# Five steps to an epoch: pty-chi looks at all frames twice per epoch beside them. Nearly every
# search ends at once. With tolerances of zero, small steps are no reason to stop.
_LBFGS_PARAMETERS = {
    "max_iter": 5,
    "max_eval": 10,
    "history_size": 20,
    "line_search_fn": "strong_wolfe",
    "tolerance_grad": 0.0,
    "tolerance_change": 0.0,
}


def build_options(recipe: Recipe, *, batch_size: int, noise_model: str, refine_probe: bool) -> Any:
    """Fill in pty-chi's options for a recipe; what is not named here keeps pty-chi's default."""
    import ptychi.api as api

    options = getattr(api, recipe.options)()
    # The same bits from run to run go before speed.
    options.reconstructor_options.allow_nondeterministic_algorithms = False
    _set_probe(options.probe_options, recipe, refine_probe)
    _set_object(options.object_options, refine_probe)
    _set_batch(options.reconstructor_options, batch_size)
    if recipe.options == "LSQMLOptions":
        _set_lsqml(options.reconstructor_options, noise_model, refine_probe)
    if recipe.options == "EPIEOptions":
        # Updates at full weight; pty-chi's default for all of the PIE family is 0.1.
        options.object_options.alpha = 1.0
        options.probe_options.alpha = 1.0
    if recipe.options == "AutodiffPtychographyOptions":
        options.reconstructor_options.loss_function = "mse_sqrt"
    return options


def _set_probe(probe: Any, recipe: Recipe, refine_probe: bool) -> None:
    # The probe keeps the plain step: Adam's would have the size of the object's, whatever the
    # photons.
    probe.step_size = recipe.steps.get("sgd", 1.0)
    probe.optimizable = refine_probe


def _set_object(object_: Any, refine_probe: bool) -> None:
    # With a fixed probe there is no ambiguity, and its removal would rescale the probe all the
    # same.
    object_.remove_object_probe_ambiguity.enabled = refine_probe
    # The default origin depends on whether the object has an odd or an even side.
    object_.determine_position_origin_coords_by = "specified"


def _set_batch(solver: Any, batch_size: int) -> None:
    """Set how many frames are taken at once: in DM and RAAR a chunk, which changes only memory."""
    if hasattr(solver, "chunk_length"):
        solver.chunk_length = batch_size
    else:
        solver.batch_size = batch_size


def _set_lsqml(solver: Any, noise_model: str, refine_probe: bool) -> None:
    # Only LSQML takes a noise model as an option; of autodiff it is the loss (see likelihood.py).
    solver.noise_model = noise_model
    # The probe is in photons already, and a known one stays as it is.
    solver.rescale_probe_intensity_in_first_epoch = False
    solver.single_slice_solve_obj_prb_step_size_jointly = refine_probe


def set_modes(options: Any, refine_probe: bool) -> None:
    """Keep the modes of a probe orthogonal and in order, where they are refined by steps.

    A search along one function cannot have its probe mixed anew in between; what makes the same
    frames can be put in order after it.
    """
    mixing = options.probe_options.orthogonalize_incoherent_modes
    mixing.enabled = refine_probe and options.object_options.optimizer != LBFGS
    mixing.sort_by_occupancy = True


def set_step(options: Any, step: Step | None, epochs: int, frames: int) -> None:
    """Set the number of epochs, and the object's optimizer, step size and its decay.

    `step` None leaves all but the number of epochs.
    """
    options.reconstructor_options.num_epochs = epochs
    if step is None:
        return
    options.object_options.optimizer = step.optimizer
    options.object_options.step_size = step.size
    if step.optimizer == LBFGS:
        _set_search(options, frames)
    else:
        _set_decay(options.object_options.optimization_plan, epochs)


def _set_search(options: Any, frames: int) -> None:
    """Let L-BFGS search along one function of object and probe.

    It compares gradients of one function, so it needs every frame each time, and a probe that moves
    likewise and is not rescaled in between.
    """
    options.reconstructor_options.batch_size = frames
    options.object_options.optimizer_params = dict(_LBFGS_PARAMETERS)
    options.object_options.remove_object_probe_ambiguity.enabled = False
    options.probe_options.optimizer = LBFGS
    options.probe_options.step_size = 1.0
    options.probe_options.optimizer_params = dict(_LBFGS_PARAMETERS)


def _set_decay(plan: Any, epochs: int) -> None:
    plan.step_size_scheduler_class = "LinearLR"
    plan.step_size_scheduler_options = {
        "start_factor": 1.0,
        "end_factor": _DECAY_END,
        "total_iters": max(1, round(_DECAY_SHARE * epochs)),
    }
