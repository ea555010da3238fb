"""Training loop: lazy batches, spatial validation, early stopping, guards, and exact resume.

All randomness comes from ``SeedSequence([seed, epoch])``; the state after an epoch is a plain dictionary of arrays and
numbers, from which a run continues to the same bits (CPU) as if it had never stopped.
"""

import math
from dataclasses import dataclass, field

import keras
import numpy as np

from . import losses

COLLAPSED = 1e-4
"""Standard deviation below which an output counts as constant; a healthy one has 0.05 or more."""


@dataclass(frozen=True)
class GroupData:
    """Frames in groups, read batch by batch; memory does not grow with the number of frames.

    Attributes
    ----------
    counts : (n, N, N) integer array
        Photon counts, may be memory-mapped.
    members : (g, C) int
        Frames of each group.
    offsets : (g, C, 2) int
        Window corner minus canvas corner, pixels.
    fractions : (g, C, 2) float
        Sub-pixel part of the positions.
    factor : float
        Normalisation of the amplitudes, `losses.amplitude_factor` of the training frames.
    truth : (H, W) complex, optional
        Object for supervised training; only with C = 1.
    corners : (n, 2) int, optional
        Window corner of each frame in ``truth``.
    """

    counts: np.ndarray
    members: np.ndarray
    offsets: np.ndarray
    fractions: np.ndarray
    factor: float
    truth: np.ndarray | None = None
    corners: np.ndarray | None = None
    share: float = 1.0

    def draw(self, indices, rng):
        """Inputs and target."""
        if self.truth is not None or self.share >= 1.0:
            inputs = self.inputs(indices)
            return inputs, self.target(indices, inputs)
        frames = self.members[indices]
        counts = self.counts[frames.ravel()].reshape(*frames.shape, *self.counts.shape[1:])
        seen = rng.binomial(counts, self.share)
        inputs = {
            "amplitude": np.sqrt(seen, dtype=np.float32) * np.float32(self.factor / self.share**0.5),
            "offsets": np.asarray(self.offsets[indices], dtype=np.float32),
            "fractions": np.asarray(self.fractions[indices], dtype=np.float32),
        }
        return inputs, np.sqrt(counts - seen, dtype=np.float32) * np.float32(self.factor / (1 - self.share) ** 0.5)

    def __len__(self):
        """Return the number of groups."""
        return len(self.members)

    def __post_init__(self):
        """Refuse arrays that do not belong together."""
        shapes = (self.offsets.shape, self.fractions.shape)
        if self.members.ndim != 2 or any(shape != (*self.members.shape, 2) for shape in shapes):
            raise ValueError(f"members {self.members.shape} need offsets and fractions (g, C, 2), found {shapes}")
        if (self.truth is None) != (self.corners is None):
            raise ValueError("truth and corners come together: one of the two is missing")

    def inputs(self, indices):
        """Return the network's inputs for some groups, float32."""
        frames = self.members[indices]
        counts = self.counts[frames.ravel()].reshape(*frames.shape, *self.counts.shape[1:])
        return {
            "amplitude": np.sqrt(counts, dtype=np.float32) * np.float32(self.factor),
            "offsets": np.asarray(self.offsets[indices], dtype=np.float32),
            "fractions": np.asarray(self.fractions[indices], dtype=np.float32),
        }

    def target(self, indices, inputs):
        """Return what the loss compares with: amplitudes (B, C, N, N), or amplitude and phase patches (B, N, N, 2)."""
        if self.truth is None:
            return inputs["amplitude"]
        n = self.counts.shape[-1]
        cuts = [self.truth[r : r + n, c : c + n] for r, c in self.corners[self.members[indices, 0]]]
        return np.stack([np.abs(cuts), np.angle(cuts)], axis=-1).astype(np.float32)


@dataclass
class TrainResult:
    """How a training ended.

    Attributes
    ----------
    status : {"ok", "failed"}
        Failed means: never average this arm.
    reason : str
        Why it stopped.
    statistics : dict
        Means and standard deviations of the fixed probe batch's output, and the last losses.
    history : list of dict
        One row per epoch: epoch, loss, val_loss, floor, val_floor, learning_rate.
    best_epoch : int
        Epoch whose weights the model holds now.
    """

    status: str
    reason: str
    statistics: dict
    history: list = field(default_factory=list)
    best_epoch: int = 0


def spatial_split(members, positions, fraction=0.1):
    """Split groups by place into training and validation without a shared frame.

    The validation groups lie entirely at the far end of the scan's longer side; training keeps every group that holds
    no frame of theirs.

    Parameters
    ----------
    members : (g, C) int
        Frames of each group.
    positions : (n, 2) float
        Frame positions in pixels.
    fraction : float
        Wanted share of validation groups, in (0, 1).

    Returns
    -------
    training, validation : int arrays
        Indices of groups.

    Raises
    ------
    ValueError
        If either side would be empty.
    """
    members, positions = np.asarray(members), np.asarray(positions)
    used = positions[np.unique(members)]
    along = positions[members][..., int(np.argmax(np.ptp(used, axis=0)))]
    cut = np.quantile(along.min(axis=1), 1.0 - fraction)
    validation = np.flatnonzero(along.min(axis=1) >= cut)
    training = np.flatnonzero(~np.isin(members, members[validation]).any(axis=1))
    if not len(training) or not len(validation):
        raise ValueError(
            f"{len(members)} groups split into {len(training)} for training and {len(validation)} for validation "
            f"(fraction {fraction}); both need at least one"
        )
    return training, validation


def get_weights(model):
    """Return the trainable weights, ``{layer/variable: float32 array}``; the probe and the mask are not among them."""
    return {variable.path: np.array(keras.ops.convert_to_numpy(variable.value)) for variable in _variables(model)}


def set_weights(model, weights):
    """Give a model the weights that `get_weights` returned.

    Raises
    ------
    ValueError
        If a name is missing or unknown, or a shape differs.
    """
    variables = {variable.path: variable for variable in _variables(model)}
    missing, unknown = sorted(variables.keys() - weights.keys()), sorted(weights.keys() - variables.keys())
    if missing or unknown:
        raise ValueError(f"weights do not fit the network: missing {missing[:5]}, unknown {unknown[:5]}")
    for name, variable in variables.items():
        if tuple(weights[name].shape) != tuple(variable.shape):
            raise ValueError(f"weight {name} needs shape {tuple(variable.shape)}, found {tuple(weights[name].shape)}")
    for name, variable in variables.items():
        variable.assign(weights[name])


def _variables(model):
    """Trainable variables of a `NetworkModel`."""
    return model.trainer.trainable_variables


def predict(model, data, indices, *, batch_size=16):
    """Compute object canvases of groups.

    Every network call sees exactly ``batch_size`` groups (the last call is filled up by repetition), so the result
    for a group does not depend on how the groups were cut into chunks.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups.
    indices : (k,) int
        Groups to compute.
    batch_size : int
        Groups in one network call.

    Returns
    -------
    (k, P, P) complex64
    """
    out = np.empty((len(indices), model.side, model.side), dtype=np.complex64)
    for start, chosen in _micro_batches(np.asarray(indices), batch_size):
        canvas = np.asarray(model.predictor.predict_on_batch(data.inputs(chosen)))
        kept = min(batch_size, len(indices) - start)
        out[start : start + kept] = canvas[:kept, ..., 0] + 1j * canvas[:kept, ..., 1]
    return out


def _micro_batches(indices, size):
    """Yield (start, exactly ``size`` indices); the last batch repeats its last index."""
    for start in range(0, len(indices), size):
        chosen = indices[start : start + size]
        yield start, np.concatenate([chosen, np.repeat(chosen[-1:], size - len(chosen))])


def train(
    model,
    data,
    training,
    validation,
    *,
    epochs=10,
    batch_size=8,
    learning_rate=1e-3,
    seed=0,
    patience=5,
    loss="poisson",
    mask=None,
    support=None,
    on_epoch=None,
    initial_state=None,
    save_state=None,
):
    """Train a network in place; the model ends with the weights of the best validation epoch.

    Parameters
    ----------
    model : NetworkModel
        Network.
    data : GroupData
        Frames and groups (with truth for a supervised network).
    training, validation : int arrays
        Groups, see `spatial_split`.
    epochs, batch_size, learning_rate, seed, patience
        Length, groups per step, peak of the cosine schedule, seed of the data order, epochs without improvement.
    loss : {"poisson", "mae"}
        Data term of a PINN.
    mask, support : (N, N) array, optional
        Detector weights of a PINN; weights of the patch pixels of a supervised network.
    on_epoch : callable, optional
        Gets each history row.
    initial_state, save_state : dict, callable, optional
        State of an earlier run to continue; receiver of the state after each epoch.

    Returns
    -------
    TrainResult
        Status "failed" with reason and statistics where the output collapsed or a number was not finite.
    """
    run = _Run(model, data, np.asarray(training), np.asarray(validation), batch_size, seed)
    run.compile(_loss(model, loss, mask, support), mask, learning_rate, epochs)
    if initial_state is not None:
        run.restore(initial_state)
    result = run.result()
    while run.epoch < epochs and run.wait < patience and result.status == "ok":
        result = run.one_epoch()
        if on_epoch is not None:
            on_epoch(run.history[-1])
        if save_state is not None:
            save_state(run.state())
    run.finish(result)
    return result


def _loss(model, name, mask, support):
    """Choose the loss of a network."""
    if model.kind == "supervised":
        return losses.patch_error(np.ones((model.n, model.n)) if support is None else support)
    builders = {"poisson": losses.poisson, "mae": losses.amplitude_error}
    if name not in builders:
        raise ValueError(f"loss must be one of {sorted(builders)}, found {name!r}")
    return builders[name](mask)


class _Run:
    """State of one training: everything that `state` saves and `restore` brings back."""

    def __init__(self, model, data, training, validation, batch_size, seed):
        self.model, self.data, self.seed = model, data, seed
        self.training, self.validation = training, validation
        self.batch_size = min(batch_size, len(training))
        self.steps = math.ceil(len(training) / self.batch_size)
        self.epoch, self.wait, self.best_epoch = 0, 0, 0
        self.best_loss, self.best, self.history = math.inf, get_weights(model), []
        self.outcome = ("ok", "all epochs done", {})

    def compile(self, loss, mask, learning_rate, epochs):
        """Attach loss and optimizer; Adam with one epoch of warm-up at most, then a cosine to zero."""
        total = self.steps * epochs
        warm = min(self.steps, total // 10)
        schedule = keras.optimizers.schedules.CosineDecay(
            learning_rate / 10, total - warm, alpha=0.02, warmup_target=learning_rate, warmup_steps=warm
        )
        optimizer = keras.optimizers.Adam(schedule, global_clipnorm=1.0)
        optimizer.build(_variables(self.model))
        self.loss, self.mask, self.optimizer, self.schedule = loss, mask, optimizer, schedule
        self.model.trainer.compile(optimizer, loss={"target": loss, "object": None}, jit_compile=False)

    def one_epoch(self):
        """Train and validate once, judge the output, keep the best weights."""
        rate = float(keras.ops.convert_to_numpy(self.schedule(self.epoch * self.steps)))
        loss, floor = self._train_epoch()
        val_loss, val_floor, statistics = self._validate()
        self.epoch += 1
        row = {"epoch": self.epoch, "loss": loss, "val_loss": val_loss, "floor": floor, "val_floor": val_floor}
        self.history.append(row | {"learning_rate": rate})
        if val_loss < self.best_loss:
            self.best_loss, self.best_epoch, self.wait = val_loss, self.epoch, 0
            self.best = get_weights(self.model)
        else:
            self.wait += 1
        statistics |= {"epoch": self.epoch, "loss": loss, "val_loss": val_loss}
        self.outcome = (*_judge(statistics), statistics)
        return self.result()

    def _train_epoch(self):
        """Run one pass in an order drawn from (seed, epoch); full batches only, the last one wraps around."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, self.epoch]))
        order = np.resize(rng.permutation(self.training), self.steps * self.batch_size)
        trainer, floors, values = self.model.trainer, [], []
        for chosen in order.reshape(self.steps, self.batch_size):
            inputs, target = self.data.draw(chosen, rng)
            trainer.reset_metrics()
            values.append(float(np.ravel(trainer.train_on_batch(inputs, {"target": target}))[0]))
            floors.append(self._floor(target).mean())
            if not math.isfinite(values[-1]):
                break
        return float(np.mean(values)), float(np.mean(floors))

    def _validate(self):
        """Return mean loss and floor of the validation groups, and the statistics of the network's output."""
        total, floor, seen = [], [], []
        rng = np.random.default_rng(self.seed)
        for start, chosen in _micro_batches(self.validation, self.batch_size):
            kept = min(self.batch_size, len(self.validation) - start)
            inputs, target = self.data.draw(chosen, rng)
            output = self.model.trainer.predict_on_batch(inputs)
            total.extend(keras.ops.convert_to_numpy(self.loss(target, output["target"]))[:kept])
            floor.extend(self._floor(target)[:kept])
            if start == 0:
                seen = _statistics(output["object"], self.model.n // 3)
        return float(np.mean(total, dtype=np.float64)), float(np.mean(floor)), seen

    def _floor(self, target):
        """Entropy floor of each sample; zero for supervised training."""
        return np.zeros(len(target)) if self.model.kind == "supervised" else losses.entropy_floor(target, self.mask)

    def result(self):
        """Describe where the run stands."""
        status, reason, statistics = self.outcome
        if status == "ok" and self.history and self.wait:
            reason = f"best epoch {self.best_epoch} of {self.epoch}"
        return TrainResult(status, reason, statistics, list(self.history), self.best_epoch)

    def finish(self, result):
        """Leave the best weights in the model."""
        set_weights(self.model, self.best)

    def state(self):
        """Return everything a later run needs: flat dictionary of arrays and plain numbers."""
        arrays = {f"weights/{k}": v for k, v in get_weights(self.model).items()}
        arrays |= {f"best/{k}": v for k, v in self.best.items()}
        for k, variable in enumerate(self.optimizer.variables):
            arrays[f"optimizer/{k:03d}"] = np.array(keras.ops.convert_to_numpy(variable.value))
        plain = {"epoch": self.epoch, "wait": self.wait, "best_epoch": self.best_epoch, "best_loss": self.best_loss}
        return arrays | plain | {"history": list(self.history), "outcome": list(self.outcome)}

    def restore(self, state):
        """Continue from `state`; a state of another network or optimizer is refused."""
        parts = {
            key: {k[len(key) :]: v for k, v in state.items() if k.startswith(key)} for key in ("weights/", "best/")
        }
        set_weights(self.model, parts["weights/"])
        self.best = parts["best/"]
        for k, variable in enumerate(self.optimizer.variables):
            variable.assign(state[f"optimizer/{k:03d}"])
        self.epoch, self.wait = int(state["epoch"]), int(state["wait"])
        self.best_epoch, self.best_loss = int(state["best_epoch"]), float(state["best_loss"])
        self.history, self.outcome = list(state["history"]), tuple(state["outcome"])


def _statistics(canvas, side):
    """Mean and standard deviation of amplitude and phase in the central square of canvases (B, P, P, 2)."""
    canvas = keras.ops.convert_to_numpy(canvas)
    low = (canvas.shape[1] - side) // 2
    centre = canvas[:, low : low + side, low : low + side]
    amplitude, phase = np.hypot(centre[..., 0], centre[..., 1]), np.arctan2(centre[..., 1], centre[..., 0])
    names = ("amplitude_mean", "amplitude_std", "phase_mean", "phase_std")
    values = (amplitude.mean(), amplitude.std(), phase.mean(), phase.std())
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _judge(statistics):
    """Find non-finite and constant outputs; return status and reason."""
    bad = [name for name, value in statistics.items() if not math.isfinite(value)]
    if bad:
        return "failed", f"not finite: {', '.join(bad)} in epoch {statistics['epoch']}"
    flat = [name for name in ("amplitude", "phase") if statistics[f"{name}_std"] < COLLAPSED]
    if flat or statistics["amplitude_mean"] < COLLAPSED:
        return "failed", f"collapsed: {' and '.join(flat) or 'amplitude'} constant in epoch {statistics['epoch']}"
    return "ok", "all epochs done"
