"""A network of canvases that learns in NumPy: a step and an answer beside TensorFlow and beside products alone.

Processor time on one thread. The products are those of all filters, a step three times those of an answer: there, and
back to the image and to the weights.
"""

import os
import time
from functools import partial

import numpy as np

from measuring import CEILING, CPU_S, NAIVE, compared, rounded, row_of, timed
from ptychostudy.networks.canvas_learner import PlainCanvasLearner
from ptychostudy.study.sections.train import PinnSettings

SHAPE, WIDTH, TURNS = (190, 271), 12, 15
SETTINGS = PinnSettings(epochs=7)
SIDE = 512
"""Of the matrices that are multiplied to know how long a product takes."""


def rows(_):
    os.environ["TF_DETERMINISTIC_OPS"] = "1"
    start = time.process_time()
    from ptychostudy.networks.canvas_model import KerasCanvasLearner  # what is imported is what is measured

    imported = time.process_time() - start
    plain, keras = (make(SHAPE, WIDTH, 16, SETTINGS) for make in (PlainCanvasLearner, KerasCanvasLearner))
    rng = np.random.default_rng(0)
    height, width = plain.network.shape
    shown = rng.normal(size=(1, height, width, 8)).astype(np.float32)
    slope = rng.normal(size=(1, height, width, 2)).astype(np.float32)
    works = {
        "an answer": (lambda learner: learner.network.say(shown), 1),
        "a step": (lambda learner: learner.step(shown, lambda answer: slope), 3),
    }
    products = products_of(plain.weights, height * width)
    begun = imported
    for name, (work, passes) in works.items():
        ours, other = partial(work, plain), partial(work, keras)
        begun += timed(other)
        ours()
        named = f"{name} of the network of canvases, {height} x {width}"
        yield compared(named, ours, other, (NAIVE, "the same on TensorFlow"), turns=TURNS)
        beside = (CEILING, "as many products of large matrices, NumPy")
        pairs = [(timed(ours), passes * products * a_product()) for _ in range(TURNS)]
        row = row_of(named, pairs, beside)
        yield row | {"rate": f"{rounded(2e-9 * passes * products / row['value']):.0f} GFLOP/s"}
    yield {"row": "start of TensorFlow, with both graphs", "value": rounded(begun), "unit": CPU_S, "turns": 1}


def products_of(weights, pixels):
    """Return how many products all filters take; a layer works on packed pixels, deeper ones on fewer."""
    total = 0
    for name, value in weights.items():
        if name.endswith("kernel"):
            layer = name.partition("_")[0]
            level = 2 if layer == "bottom" else int(layer[-1]) if layer[-1].isdigit() else 0
            total += value.size * pixels / 4 / 4**level
    return total


def a_product(repeat=4):
    """Return the seconds of one product of two numbers within products of matrices."""
    pair = np.ones((2, SIDE, SIDE), np.float32)
    return timed(lambda: [pair[0] @ pair[1] for _ in range(repeat)]) / repeat / SIDE**3
