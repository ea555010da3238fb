"""The default network from frames to a canvas, and a step of its training, beside PtychoPINN's topology, in turn.

The dense test view of the quick study at 1e3 photons is laid side by side until there are as many frames, N = 64. Of
the default network all is counted that follows the frames: the weight of the prior, the object with it, what the
network is shown, its answer, tiles put together; and apart what `infer` and `stitch` do of it, which are given the
object with the prior (`tv.npz`, an arm of its own). Of the peer, a group of C = 4 for each frame, only the network of
2.26 million parameters in float32 by `keras.Model.predict`, in batches of 16: neither its grouping nor its
reassembly, which would cost it more. A step of the default is one on all frames of the training split, with its loss;
of the peer one on 16 groups, the square of its maps for a loss, which costs less than its physics. Each is a process
of its own; wall time, the median of several turns. From 5000 frames on the start is counted, too: loading what is
compiled, of the peer the making of model and graph, but not the import of Keras.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from measuring import PEER, WALL_S, python, row_of, with_rates
from quick_study import DOSE, FRAMES, GROUPS, VIEW

BATCH, STEPS = 16, 3
COUNTED = 5000
"""From so many frames on the start is counted: what is compiled and loaded, the peer's model and its graph."""
TURNS = {1000: 5, 5216: 3}
"""By the number of frames."""
PREDICT = (PEER, "PtychoPINN's topology, a group of 4 a frame")


def rows(hub):
    for frames, turns in TURNS.items():
        for threads in (1, 2):
            yield from answers(hub, frames, threads, turns)
    for threads in (1, 2):
        yield step(hub, threads)


def words_of(threads):
    return "one thread" if threads == 1 else f"{threads} threads"


def answers(hub, frames, threads, turns):
    """Yield the rows of the whole and of `infer` and `stitch` alone."""
    taken = [(*child("ours", hub, frames, threads), child("peer", hub, frames, threads)) for _ in range(turns)]
    for name, own in (("frames to a canvas", 0), ("infer and stitch alone", 1)):
        row = row_of(
            f"{name}, {frames} frames of 64 x 64, {words_of(threads)}",
            [(turn[own], turn[2]) for turn in taken],
            PREDICT,
            unit=WALL_S,
        )
        yield with_rates(row, frames, "frames")


def step(hub, threads):
    """Return the row of a step of training."""
    pairs = [[child(name, hub, 0, threads) for name in ("our_step", "peer_step")] for _ in range(STEPS)]
    beside = (PEER, f"PtychoPINN's topology, {BATCH} groups of 4")
    name = f"a step of training, a canvas of 714 frames with its loss, {words_of(threads)}"
    return row_of(name, pairs, beside, unit=WALL_S)


def child(name, hub, frames, threads):
    """Return the seconds of a work in a process with so many threads."""
    variables = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = os.environ | dict.fromkeys(variables, str(threads))
    run = subprocess.run(
        python(__file__, name, hub, frames), check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return json.loads(run.stdout.splitlines()[-1])


def scan_of(hub, frames):
    """Return a scan of as many frames as asked for: a view side by side with itself, in rows of about equal sides."""
    from ptychostudy.formats.scan import open_scan
    from ptychostudy.io.arrays import read_npz

    source = open_scan(hub / FRAMES.format("test"))
    index = read_npz(hub / GROUPS.format("test"), ["frames"])["frames"]
    places = source.positions[index]
    # A step further than the view is long.
    period = np.ptp(places, axis=0) + 3
    copies = frames / len(index)
    rows = max(1, round(np.sqrt(copies * period[1] / period[0])))
    cols = int(np.ceil(copies / rows))
    shifts = np.stack(np.indices((rows, cols)), axis=-1).reshape(-1, 2) * period
    positions = np.concatenate([places + shift for shift in shifts])[:frames]
    counts = np.asarray(source.counts)[np.tile(index, len(shifts))[:frames]]
    return replace(source, counts=counts, positions=positions)


def ours(hub, frames):
    """Return the seconds of the default network, and those of its answer and the canvas alone."""
    from ptychostudy.formats.arm_product import ArmProduct
    from ptychostudy.formats.bundle import read_bundle
    from ptychostudy.physics.maximum import smooth
    from ptychostudy.recipes.canvas_infer import infer_canvas
    from ptychostudy.recipes.canvas_tiles import joined
    from ptychostudy.recipes.maximise import ViewOfScan, weight_of
    from ptychostudy.recipes.shard import Shard
    from ptychostudy.study.sections.maximise import MaximiseSettings

    scan, settings = scan_of(hub, frames), MaximiseSettings()
    bundle = read_bundle(next(hub.glob(f"data/phase_e/dose_{DOSE}/{VIEW}/gs*/wts.h5.zip")))
    view = ViewOfScan.of(scan, np.arange(frames))
    if frames < COUNTED:
        # As many frames as it pays to compile steps for: of fewer they are NumPy's.
        view.only(np.arange(512)).likelihood().value_and_gradient(np.ones(view.shape, np.complex64))
    start = time.perf_counter()
    field = smooth(view.likelihood(), weight_of(view, settings), settings.smooth_iterations)
    smoothed = time.perf_counter()
    estimate = ArmProduct(field, np.ones(field.shape, np.float32), view.origin, {"status": "ok"})
    made = joined([infer_canvas(bundle, view, estimate, Shard(1, 1))], view)
    end = time.perf_counter()
    assert made.record["status"] == "ok", made.record
    return end - start, end - smoothed


def our_step(hub, _):
    """Return the seconds of a step on a canvas and its frames: the median of many."""
    from ptychostudy.formats.arm_product import read_arm_product
    from ptychostudy.formats.scan import open_scan
    from ptychostudy.io.arrays import read_npz
    from ptychostudy.io.threads import allowed_threads
    from ptychostudy.networks.canvas_learner import PlainCanvasLearner
    from ptychostudy.networks.canvas_training import CanvasCourse
    from ptychostudy.networks.filters import filters_of
    from ptychostudy.recipes.canvas_lessons import lessons_of
    from ptychostudy.recipes.maximise import ViewOfScan
    from ptychostudy.study.sections.train import PinnTraining

    source = open_scan(hub / FRAMES.format("train"))
    index = read_npz(hub / GROUPS.format("train"), ["frames"])["frames"]
    estimate = read_arm_product(hub / f"data/phase_f/dose_{DOSE}/{VIEW}/train/tv.npz")
    settings = PinnTraining(draws=1, epochs=10)
    lessons = lessons_of([ViewOfScan.of(source, index)], [], settings, [estimate])
    make = partial(PlainCanvasLearner, threads=allowed_threads())
    course = CanvasCourse(lessons, filters_of(settings), settings, make)
    course.learn(0)
    taken = []
    for epoch in range(1, 6):
        start = time.perf_counter()
        course.learn(epoch)
        taken.append((time.perf_counter() - start) / course.steps)
    return statistics.median(taken)


def topology():
    """Return the peer's network, N = 64, C = 4."""
    import keras
    from keras import layers

    def conv(filters, activation="relu"):
        return layers.Conv2D(filters, 3, padding="same", activation=activation)

    network = seen = keras.Input((64, 64, 4))
    for filters in (64, 128, 256):
        network = layers.MaxPool2D()(conv(filters)(conv(filters)(network)))
    maps = []
    for activation in ("sigmoid", "tanh"):
        decoded = network
        for filters in (128, 64):
            decoded = layers.UpSampling2D()(conv(filters)(conv(filters)(decoded)))
        maps.append(conv(4, activation)(decoded))
    return keras.Model(seen, maps)


def peer(_, frames):
    """Return the seconds of the peer's network, by its pace over a thousand groups."""
    import keras

    groups = min(frames, 1024)
    shown = np.random.default_rng(0).random((groups, 64, 64, 4), dtype=np.float32)
    # Keras itself is loaded: its backend, by its first array.
    keras.ops.zeros(1)
    start = time.perf_counter()
    model = topology()
    model.predict(shown[:BATCH], verbose=0, batch_size=BATCH)
    built = time.perf_counter()
    model.predict(shown, verbose=0, batch_size=BATCH)
    seconds = (time.perf_counter() - built) / groups * frames
    return seconds + (built - start if frames >= COUNTED else 0)


def peer_step(*_):
    """Return the seconds of a step on one batch: the median of many, after the first, with its graph."""
    model = topology()
    model.compile("adam", ["mse", "mse"])
    rng = np.random.default_rng(0)
    shown = rng.random((BATCH, 64, 64, 4), dtype=np.float32)
    wanted = [rng.random((BATCH, 32, 32, 4), dtype=np.float32) for _ in range(2)]
    model.train_on_batch(shown, wanted)
    taken = []
    for _ in range(12):
        start = time.perf_counter()
        model.train_on_batch(shown, wanted)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


WORKS = {"ours": ours, "peer": peer, "our_step": our_step, "peer_step": peer_step}


if __name__ == "__main__":
    work, folder, number = sys.argv[1:]
    print(json.dumps(WORKS[work](Path(folder), int(number))))
