"""Training loop: lazy batches, spatial validation, early stopping, guards, and exact resume.

All randomness comes from ``SeedSequence([seed, epoch])``; the state after an epoch is a plain dictionary of arrays and
numbers, from which a run continues to the same bits (CPU) as if it had never stopped.
"""

import logging
import math
from dataclasses import dataclass, field

import keras
import numpy as np

from ptychostudy.networks import losses
from ptychostudy.networks.backend import exhausted, out_of_memory
from ptychostudy.networks.batches import micro_batches
from ptychostudy.networks.schedule import PerStep, cosine
from ptychostudy.networks.weights import as_array, get_weights, set_weights, variables

_log = logging.getLogger("ptychostudy")

COLLAPSED = 1e-4
"""Standard deviation below which an output counts as constant; a healthy one has 0.05 or more."""


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
    micro_batch : int
        Groups in one network call: the batch size, or a divisor of it where memory was short.
    """

    status: str
    reason: str
    statistics: dict
    history: list = field(default_factory=list)
    best_epoch: int = 0
    micro_batch: int = 0


def train(
    model,
    data,
    training,
    validation,
    *,
    epochs=2,
    batch_size=8,
    learning_rate=3e-3,
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

    Raises
    ------
    MemoryError
        If not even one group at a time fits. Before that, an epoch that ran out of memory is done again with its
        batches in smaller parts, whose gradients add up to the same step but for rounding.
    """
    run = _Run(
        model, data, np.asarray(training), np.asarray(validation), batch_size=batch_size, seed=seed
    )
    run.compile(_loss(model, loss, mask, support), mask, learning_rate, epochs)
    if initial_state is not None:
        run.restore(initial_state)
        _log.info("continues after epoch %d of %d", run.epoch, epochs)
    result = run.result()
    while run.epoch < epochs and run.wait < patience and result.status == "ok":
        before = run.state()
        try:
            result = run.one_epoch()
        except Exception as error:
            run.divide(error)
            run.restore(before)
            continue
        if on_epoch is not None:
            on_epoch(run.history[-1])
        if save_state is not None:
            save_state(run.state())
    set_weights(model, run.best)
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

    def __init__(self, model, data, training, validation, *, batch_size, seed):
        self.model, self.data, self.seed = model, data, seed
        self.training, self.validation = training, validation
        self.batch_size = min(batch_size, len(training))
        self.steps = math.ceil(len(training) / self.batch_size)
        self.parts, self.epoch, self.wait, self.best_epoch = 1, 0, 0, 0
        self.best_loss, self.best, self.history = math.inf, get_weights(model), []
        self.outcome = ("ok", "all epochs done", {})

    def compile(self, loss, mask, learning_rate, epochs):
        """Attach loss and optimizer."""
        self.schedule = cosine(learning_rate, self.steps, epochs)
        self.loss, self.mask = loss, mask
        self._attach()

    def _attach(self):
        """Give the network an optimizer that takes one step for `parts` calls."""
        schedule, several = (
            (self.schedule, None)
            if self.parts == 1
            else (PerStep(self.schedule, self.parts), self.parts)
        )
        optimizer = keras.optimizers.Adam(
            schedule, global_clipnorm=1.0, gradient_accumulation_steps=several
        )
        optimizer.build(variables(self.model))
        self.optimizer = optimizer
        self.model.trainer.compile(
            optimizer, loss={"target": self.loss, "object": None}, jit_compile=False
        )

    @property
    def micro_batch(self):
        """Groups in one network call."""
        return self.batch_size // self.parts

    def divide(self, error):
        """Take the batches in twice as many equal parts or more; raise what is no lack of memory or has no cure."""
        if not out_of_memory(error):
            raise error
        if self.micro_batch == 1:
            raise exhausted(error) from error
        more = range(2 * self.parts, self.batch_size + 1)
        self.parts = next(n for n in (*more, self.batch_size) if self.batch_size % n == 0)
        _log.warning(
            "out of memory: epoch %d again with %d groups at a time (batch_size of this network under train)",
            self.epoch + 1,
            self.micro_batch,
        )
        self._attach()

    def one_epoch(self):
        """Train and validate once, judge the output, keep the best weights."""
        rate = float(keras.ops.convert_to_numpy(self.schedule(self.epoch * self.steps)))
        loss, floor = self._train_epoch()
        val_loss, val_floor, statistics = self._validate()
        self.epoch += 1
        row = {
            "epoch": self.epoch,
            "loss": loss,
            "val_loss": val_loss,
            "floor": floor,
            "val_floor": val_floor,
        }
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
        for chosen in order.reshape(-1, self.micro_batch):
            inputs = self.data.inputs(chosen)
            target = self.data.target(chosen, inputs)
            trainer.reset_metrics()
            values.append(float(np.ravel(trainer.train_on_batch(inputs, {"target": target}))[0]))
            floors.append(self._floor(target).mean())
            if not math.isfinite(values[-1]):
                break
        return float(np.mean(values)), float(np.mean(floors))

    def _validate(self):
        """Return mean loss and floor of the validation groups, and the statistics of the network's output."""
        total, floor, seen = [], [], []
        for start, chosen in micro_batches(self.validation, self.micro_batch):
            kept = min(self.micro_batch, len(self.validation) - start)
            inputs = self.data.inputs(chosen)
            target = self.data.target(chosen, inputs)
            output = self.model.trainer.predict_on_batch(inputs)
            value = self.loss(
                keras.ops.convert_to_tensor(target), keras.ops.convert_to_tensor(output["target"])
            )
            total.extend(keras.ops.convert_to_numpy(value)[:kept])
            floor.extend(self._floor(target)[:kept])
            if start == 0:
                seen = _statistics(output["object"], self.model.n // 3)
        return float(np.mean(total, dtype=np.float64)), float(np.mean(floor)), seen

    def _floor(self, target):
        """Entropy floor of each sample; zero for supervised training."""
        return (
            np.zeros(len(target))
            if self.model.kind == "supervised"
            else losses.entropy_floor(target, self.mask)
        )

    def result(self):
        """Describe where the run stands."""
        status, reason, statistics = self.outcome
        if status == "ok" and self.history and self.wait:
            reason = f"best epoch {self.best_epoch} of {self.epoch}"
        return TrainResult(
            status, reason, statistics, list(self.history), self.best_epoch, self.micro_batch
        )

    def state(self):
        """Return everything a later run needs: flat dictionary of arrays and plain numbers."""
        arrays = {f"weights/{k}": v for k, v in get_weights(self.model).items()}
        arrays |= {f"best/{k}": v for k, v in self.best.items()}
        for k, variable in enumerate(self._moments()):
            value = as_array(variable)
            # The counter, its only integer, counts calls; the state counts steps.
            arrays[f"optimizer/{k:03d}"] = np.asarray(
                value // self.parts if value.dtype.kind == "i" else value
            )
        plain = {
            "epoch": self.epoch,
            "wait": self.wait,
            "best_epoch": self.best_epoch,
            "best_loss": self.best_loss,
        }
        plain |= {"parts": self.parts}
        return arrays | plain | {"history": list(self.history), "outcome": list(self.outcome)}

    def _moments(self):
        """Variables of the optimizer that outlive a step; sums over its parts are empty again by then."""
        return [
            variable
            for variable in self.optimizer.variables
            if "gradient_accumulator" not in variable.path
        ]

    def restore(self, state):
        """Continue from `state`; a state of another network or optimizer is refused."""
        parts = {
            key: {k[len(key) :]: v for k, v in state.items() if k.startswith(key)}
            for key in ("weights/", "best/")
        }
        set_weights(self.model, parts["weights/"])
        self.best = parts["best/"]
        if state["parts"] > self.parts:
            self.parts = int(state["parts"])
            self._attach()
        moments = self._moments()
        expected, found = len(moments), sum(key.startswith("optimizer/") for key in state)
        if expected != found:
            raise ValueError(
                f"the saved state holds {found} optimizer variables, this network's optimizer {expected}"
            )
        for k, variable in enumerate(moments):
            value = state[f"optimizer/{k:03d}"]
            variable.assign(value * self.parts if value.dtype.kind == "i" else value)
        self.epoch, self.wait = int(state["epoch"]), int(state["wait"])
        self.best_epoch, self.best_loss = int(state["best_epoch"]), float(state["best_loss"])
        self.history, self.outcome = list(state["history"]), tuple(state["outcome"])


def _statistics(canvas, side):
    """Mean and standard deviation of amplitude and phase in the central square of canvases (B, P, P, 2)."""
    canvas = keras.ops.convert_to_numpy(canvas)
    low = (canvas.shape[1] - side) // 2
    centre = canvas[:, low : low + side, low : low + side]
    amplitude, phase = (
        np.hypot(centre[..., 0], centre[..., 1]),
        np.arctan2(centre[..., 1], centre[..., 0]),
    )
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
        return (
            "failed",
            f"collapsed: {' and '.join(flat) or 'amplitude'} constant in epoch {statistics['epoch']}",
        )
    return "ok", "all epochs done"
