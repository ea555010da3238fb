"""One pass over the groups of a scan: over those that train, and over those that validate."""

import math

import numpy as np

from ptychostudy.networks.batches import GroupData, micro_batches
from ptychostudy.networks.collapse import output_statistics
from ptychostudy.networks.course import Means, Validation
from ptychostudy.networks.descent import Descent


def epoch_order(groups: np.ndarray, seed: int, epoch: int, length: int) -> np.ndarray:
    """Return an order (length,) of the groups, drawn from (seed, epoch); it wraps around.

    Parameters
    ----------
    groups : (k,) int
        Groups that train.
    seed, epoch : int
        What the draw depends on, and nothing else: a resumed training goes on with the same order.
    length : int
        Full batches only: a multiple of the batch size, which may be more than k.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, epoch]))
    return np.resize(rng.permutation(groups), length)


def train_pass(descent: Descent, data: GroupData, order: np.ndarray) -> Means:
    """Train on all groups in an order; each counts with its loss before its step."""
    losses = []
    floors = []
    for chosen in order.reshape(-1, descent.micro_batch):
        inputs, target = data.batch(chosen)
        losses.append(descent.call(inputs, target))
        floors.append(descent.criterion.floor(target).mean())
        # No later step can mend weights that are not numbers.
        if not math.isfinite(losses[-1]):
            break
    return Means(float(np.mean(losses)), float(np.mean(floors)))


def validate(descent: Descent, data: GroupData, groups: np.ndarray) -> Validation:
    """Compute loss and floor of the validation groups (k,), and statistics of the output."""
    losses: list[np.float32] = []
    floors: list[np.float64] = []
    statistics: dict[str, float] = {}
    for where, chosen in micro_batches(groups, descent.micro_batch):
        inputs, target = data.batch(chosen)
        values, canvas = descent.evaluate(inputs, target)
        # The last batch is filled up by repetition, which must not count twice.
        kept = slice(where.stop - where.start)
        losses.extend(values[kept])
        floors.extend(descent.criterion.floor(target)[kept])
        statistics = statistics or output_statistics(canvas, descent.model.n // 3)
    # In double precision: early stopping compares means that may differ by little.
    loss = float(np.mean(losses, dtype=np.float64))
    return Validation(Means(loss, float(np.mean(floors))), statistics)
