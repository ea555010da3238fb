"""The score of one field, beside one FFT of it."""

import numpy as np
import scipy.fft

from measuring import CEILING, compared
from ptychostudy.measure.scoring import score


def rows(_):
    for side, turns in ((364, 7), (1024, 3)):
        yield scored(side, turns)


def scored(side, turns):
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.7, 1, (side, side)) * np.exp(0.3j * rng.normal(size=(side, side)))
    field = truth * 1.1j + 0.02 * rng.normal(size=truth.shape)
    mask = np.zeros(truth.shape, dtype=bool)
    mask[20:-23, 17:-19] = True
    one = (CEILING, "one FFT")
    name = f"score, {side} x {side}"
    return compared(name, lambda: score(field, truth, mask), lambda: scipy.fft.fft2(field), one, turns=turns)
