"""What this machine multiplies: products of two matrices in single precision, by NumPy and by TensorFlow."""

import numpy as np
import tensorflow as tf

from measuring import CEILING, compared, rounded

SIDE, TURNS = 2048, 7


def rows(_):
    rng = np.random.default_rng(0)
    first, second = rng.random((2, SIDE, SIDE), dtype=np.float32)
    shown = [tf.constant(each) for each in (first, second)]
    short = [tf.cast(each, tf.bfloat16) for each in shown]

    def by_tensorflow(pair):
        return lambda: tf.matmul(*pair).numpy()

    for each in (shown, short):
        by_tensorflow(each)()
    plain, low = by_tensorflow(shown), by_tensorflow(short)
    beside = (CEILING, "TensorFlow, float32")
    for way, ours in {"NumPy, float32": lambda: first @ second, "TensorFlow, bfloat16": low}.items():
        row = compared(f"product of two {SIDE} x {SIDE}, {way}", ours, plain, beside, turns=TURNS)
        yield row | {"rate": f"{rounded(2e-9 * SIDE**3 / row['value']):.0f} GFLOP/s"}
