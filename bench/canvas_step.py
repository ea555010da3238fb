"""A network of canvases that learns in NumPy, beside the same on TensorFlow: a step, an answer, the start.

Processor time on one thread, medians of several turns; what counts is the ratio.
"""

import os

os.environ.update(
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    TF_NUM_INTRAOP_THREADS="1",
    TF_NUM_INTEROP_THREADS="1",
    TF_DETERMINISTIC_OPS="1",
    TF_CPP_MIN_LOG_LEVEL="3",
    KERAS_BACKEND="tensorflow",
)

import statistics
import time
from functools import partial

import numpy as np

from ptychostudy.networks.canvas_learner import PlainCanvasLearner
from ptychostudy.study.sections.train import PinnSettings

SHAPE, WIDTH, TURNS = (190, 271), 12, 15
SETTINGS = PinnSettings(epochs=7)


def timed(function):
    """Return the milliseconds of processor time of one call."""
    start = time.process_time()
    function()
    return 1e3 * (time.process_time() - start)


def main():
    start = time.process_time()
    from ptychostudy.networks.canvas_model import KerasCanvasLearner  # what is imported is what is measured

    print(f"import of Keras and TensorFlow: {time.process_time() - start:.1f} s")
    learners = [make(SHAPE, WIDTH, 16, SETTINGS) for make in (PlainCanvasLearner, KerasCanvasLearner)]
    rng = np.random.default_rng(0)
    rows, cols = learners[0].network.shape
    shown = rng.normal(size=(1, rows, cols, 8)).astype(np.float32)
    slope = rng.normal(size=(1, rows, cols, 2)).astype(np.float32)
    works = {
        "a step": lambda learner: learner.step(shown, lambda answer: slope),
        "an answer": lambda learner: learner.network.say(shown),
    }
    for name, work in works.items():
        first = [timed(partial(work, each)) for each in learners]
        turns = [[timed(partial(work, each)) for each in learners] for _ in range(TURNS)]
        plain, keras = (statistics.median(each) for each in zip(*turns, strict=True))
        ratio = statistics.median(one / other for one, other in turns)
        print(
            f"{name} of {rows} x {cols}: NumPy {plain:.0f} ms, TensorFlow {keras:.0f} ms (the first, with its graph, "
            f"{1e-3 * first[1]:.1f} s), {ratio:.2f} of it"
        )


if __name__ == "__main__":
    main()
