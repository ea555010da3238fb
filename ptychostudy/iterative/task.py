"""One task of pty-chi: its options, its arrays in its own conventions, its epochs, and the result in ours.

pty-chi differs from this package in three ways, and each is translated here and nowhere else: its FFT is unnormalised
(so its probe is ours divided by N), its positions count from the middle of the object, and its detector has the zero
frequency in the corner.
"""

import numpy as np

from ptychostudy.iterative.session import silence

LBFGS = "lbfgs"
# Steps fall linearly over this share of the epochs to this fraction, and stay there: large steps carry the slow, smooth
# parts of the phase, small ones average the noise of the batches.
_DECAY_SHARE, _DECAY_END = 0.7, 0.02
# Five steps to an epoch: pty-chi looks at all frames twice per epoch beside them. Nearly every search ends at once.
_LBFGS = {
    "max_iter": 5,
    "max_eval": 10,
    "history_size": 20,
    "line_search_fn": "strong_wolfe",
    "tolerance_grad": 0.0,
    "tolerance_change": 0.0,
}
# Gradients of this many detector pixels at once take about 1.3 GB.
_AT_ONCE = 2**23
# Photons added to measured and expected ones: the logarithm stays finite where no light is expected.
_DARK = 1e-3


def build_options(recipe, *, batch_size, noise_model, refine_probe):
    """Fill in pty-chi's options for a recipe; what is not named here keeps pty-chi's default."""
    import ptychi.api as api

    options = getattr(api, recipe.options)()
    solver, object_, probe = (
        options.reconstructor_options,
        options.object_options,
        options.probe_options,
    )
    solver.allow_nondeterministic_algorithms = False
    # The probe keeps the plain step: Adam's would have the size of the object's, whatever the photons.
    probe.step_size = recipe.steps.get("sgd", 1.0)
    probe.optimizable = refine_probe
    # With a fixed probe there is no ambiguity, and its removal would rescale the probe all the same.
    object_.remove_object_probe_ambiguity.enabled = refine_probe
    object_.determine_position_origin_coords_by = "specified"
    if hasattr(solver, "chunk_length"):
        solver.chunk_length = batch_size
    else:
        solver.batch_size = batch_size
    if recipe.options == "LSQMLOptions":
        solver.noise_model = noise_model
        solver.rescale_probe_intensity_in_first_epoch = False
        solver.single_slice_solve_obj_prb_step_size_jointly = refine_probe
    if recipe.options == "EPIEOptions":
        object_.alpha = probe.alpha = 1.0
    if recipe.options == "AutodiffPtychographyOptions":
        solver.loss_function = "mse_sqrt"
    return options


def set_step(options, step, epochs, frames):
    """Set the number of epochs, and the object's optimizer, step size and its decay; `step` None leaves the rest."""
    solver, object_, probe = (
        options.reconstructor_options,
        options.object_options,
        options.probe_options,
    )
    solver.num_epochs = epochs
    if step is None:
        return
    object_.optimizer, object_.step_size = step
    if step[0] == LBFGS:
        # It compares gradients of one function, so it needs every frame each time, and a probe that moves likewise
        # and is not rescaled in between.
        solver.batch_size = frames
        object_.optimizer_params, object_.remove_object_probe_ambiguity.enabled = (
            dict(_LBFGS),
            False,
        )
        probe.optimizer, probe.step_size, probe.optimizer_params = LBFGS, 1.0, dict(_LBFGS)
        return
    object_.optimization_plan.step_size_scheduler_class = "LinearLR"
    decay = {
        "start_factor": 1.0,
        "end_factor": _DECAY_END,
        "total_iters": max(1, round(_DECAY_SHARE * epochs)),
    }
    object_.optimization_plan.step_size_scheduler_options = decay


def build_task(options, counts, positions, probe, object_):
    """Hand arrays to pty-chi in its own conventions.

    pty-chi reads the window that begins at ``position + origin - (N - 1) / 2``, positions rounded half to even. The
    origin is stated, not left to its default, which differs for odd objects; and a fraction of exactly half a pixel
    is moved by 1e-4 so that it falls on the side to which `core.propagate.split_positions` puts it.
    """
    from ptychi.api.task import PtychographyTask

    middle = np.array(object_.shape) // 2
    options.object_options.position_origin_coords = [float(value) - 0.5 for value in middle]
    whole = np.floor(positions + 0.5)
    rows, cols = (whole + np.maximum(positions - whole, -0.4999) - middle).astype(np.float32).T
    with silence():
        return PtychographyTask(
            options,
            diffraction_data=counts,
            object_data=object_.astype(np.complex64)[None],
            probe_data=(probe / probe.shape[-1]).astype(np.complex64)[None, None],
            probe_position_x_px=cols,
            probe_position_y_px=rows,
        )


def set_likelihood(task, noise_model, frames, n):
    """Give an autodiff task its likelihood, in the scale L-BFGS needs, and a bound on its memory.

    pty-chi 2.2 has a Poisson loss, but builds torch's `PoissonNLLLoss` with its default ``log_input=True``: it takes
    exponentials of intensities, and is infinite from the first epoch.

    torch's L-BFGS forgets curvatures below 1e-10. Those of a mean over all pixels lie there, and the object would stay
    where it is; those of the sum never do. The losses told remain means.

    A large batch is propagated in parts, each again on the way back, instead of all being remembered.
    """
    from torch import cat
    from torch.utils.checkpoint import checkpoint

    reconstructor, pixels = task.reconstructor, frames * n * n
    mean = _half_deviance if noise_model == "poisson" else reconstructor.loss_function
    reconstructor.loss_function = mean
    if reconstructor.parameter_group.object.options.optimizer == LBFGS:
        reconstructor.loss_function = lambda predicted, measured: pixels * mean(predicted, measured)
        reconstructor.loss_tracker.metric_function = mean
        reconstructor.loss_tracker.always_compute_loss = True
    model = reconstructor.forward_model
    whole, parts = model.forward, -(-pixels // _AT_ONCE)
    if parts > 1:
        model.forward = lambda indices: cat(
            [checkpoint(whole, i, use_reentrant=False) for i in indices.chunk(parts)]
        )


def run_epochs(task, epochs, on_epoch=None):
    """Run epoch by epoch, which pty-chi does too, and return the losses.

    `on_epoch` is called as ``on_epoch(epoch, loss)``, counted from one.
    """
    for epoch in range(1, epochs + 1):
        with silence():
            task.run(1)
        if on_epoch is not None:
            on_epoch(epoch, float(task.reconstructor.loss_tracker.table["loss"].iloc[-1]))
    return task.reconstructor.loss_tracker.table["loss"].to_numpy(np.float64)


def read_result(task, probe):
    """Return object and probe in our convention; the factor that the pair traded is given back to the object.

    The refined probe keeps the given one's power and, against it, no phase: power is what the data fix.
    """
    object_ = task.get_data_to_cpu("object", as_numpy=True)[0].astype(np.complex128)
    refined = (
        task.get_data_to_cpu("probe", as_numpy=True)[0, 0].astype(np.complex128) * probe.shape[-1]
    )
    factor = (
        np.linalg.norm(refined)
        / np.linalg.norm(probe)
        * np.exp(1j * np.angle(np.vdot(probe, refined)))
    )
    if np.isfinite(factor) and factor != 0:
        object_, refined = object_ * factor, refined / factor
    return object_.astype(np.complex64), refined.astype(np.complex64)


def _half_deviance(predicted, measured):
    """Return half the Poisson deviance per pixel: the negative log-likelihood above that of a perfect fit.

    The likelihood itself is thousands of times larger, and what is left of it to gain would drown in float32.
    """
    ratio = (measured + _DARK) / (predicted + _DARK)
    return (predicted - measured + (measured + _DARK) * ratio.log()).mean()
