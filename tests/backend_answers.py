"""``python backend_answers.py BACKEND FOLDER``: what the networks say and learn on one backend of Keras, as NPZ files.

A process of its own for each: backends share none.
"""

import os
import sys
from pathlib import Path

import numpy as np

os.environ["KERAS_BACKEND"] = sys.argv[1]

from ptychostudy.networks.backend import compiled
from ptychostudy.networks.canvas_model import canvas_model
from ptychostudy.networks.models import build_model, gauge_probe
from ptychostudy.networks.rates import CLIP_NORM
from ptychostudy.networks.weights import get_weights
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities

N, FRAMES, SIDE = 64, 2, 72


def canvas():
    """Build the network of a canvas, and what it is shown."""
    model = canvas_model((37, 45), width=4, seed=3).trainer
    rng = np.random.default_rng(5)
    draw_last(model, ["change_map"], rng)
    return model, rng.normal(size=(1, *model.input_shape[1:])).astype(np.float32)


def draw_last(model, names, rng):
    """Draw the last maps, zero at first: behind them no other weight would move."""
    for name in names:
        last = model.get_layer(name).kernel
        last.assign(rng.normal(size=last.shape).astype(np.float32))


def groups(architecture):
    """Build a network of groups, and what it is shown: amplitudes of an object behind a probe."""
    probe = make_probe("disc", N, diameter_px=28.0).astype(complex)
    model = build_model("pinn", N, FRAMES, SIDE, probe, architecture=architecture, width=4, steps=3, scale=1, seed=3)
    rng = np.random.default_rng(6)
    if architecture == "backprojection":
        draw_last(model.trainer, ["amplitude_map", "phase_map"], rng)
    offsets = rng.integers(0, SIDE - N + 1, (2, FRAMES, 2))
    rows, cols = np.mgrid[:SIDE, :SIDE]
    objects = [(0.8 + 0.1 * np.sin(rows / 5 + k)) * np.exp(0.3j * np.cos(cols / 4 - k)) for k in range(2)]
    power = [
        intensities(field, gauge_probe(probe), corner + N / 2) for field, corner in zip(objects, offsets, strict=True)
    ]
    return model, {
        "amplitude": np.sqrt(power).astype(np.float32),
        "offsets": offsets.astype(np.float32),
        "fractions": np.zeros((2, FRAMES, 2), np.float32),
    }


def stepped(trainer, shown, answer):
    """Take one step of a training against an answer; return the weights after it."""
    import keras

    class Holder:
        """What `get_weights` reads."""

    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=CLIP_NORM)
    trainer.compile(optimizer, loss="mean_squared_error", jit_compile=compiled())
    trainer.train_on_batch(shown, answer)
    Holder.trainer = trainer
    return get_weights(Holder)


def main(folder):
    model, shown = canvas()
    holder = type("Holder", (), {"trainer": model})
    answers = {"canvas/answer": model.predict_on_batch(shown)}
    answers |= {f"canvas/first/{name}": value for name, value in get_weights(holder).items()}
    target = np.random.default_rng(7).normal(size=answers["canvas/answer"].shape).astype(np.float32)
    answers |= {f"canvas/stepped/{name}": value for name, value in stepped(model, shown, target).items()}
    for architecture in ("backprojection", "ptychopinn"):
        network, shown = groups(architecture)
        said = network.trainer.predict_on_batch(shown)
        answers |= {f"{architecture}/answer": said["target"], f"{architecture}/object": said["object"]}
        answers |= {f"{architecture}/first/{name}": value for name, value in get_weights(network).items()}
        target = {key: np.asarray(value) + 0.1 for key, value in said.items()}
        after = stepped(network.trainer, shown, target)
        answers |= {f"{architecture}/stepped/{name}": value for name, value in after.items()}
    np.savez(folder / f"{sys.argv[1]}.npz", **{name: np.asarray(value) for name, value in answers.items()})
    others = {"tensorflow", "torch", "jax"} - {sys.argv[1]}
    print("imported beside it:", sorted(others & set(sys.modules)))


if __name__ == "__main__":
    main(Path(sys.argv[2]))
