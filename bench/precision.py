"""A network of the ancestor's form in bfloat16 beside float32: a pass with stitching, and a step of training.

Passes are over the dense test view, by processor time of one thread: of all groups with the building of model and
graph, and as long as they would take without. A step is one of a second epoch on some groups, with physics and its part
of the validation, by the clock; of the peer one on as many groups, without physics.
"""

import time

import numpy as np

import quick_study
from canvas_speed import peer_step
from measuring import NAIVE, PEER, WALL_S, missing, row_of, with_rates
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz
from ptychostudy.networks.config import network_config, network_from_config
from ptychostudy.networks.descent import Descent
from ptychostudy.networks.losses import likelihood_criterion
from ptychostudy.networks.objective import objective_of
from ptychostudy.networks.precision import cpu_features
from ptychostudy.networks.training import GroupCourse
from ptychostudy.recipes.infer import ShardRun
from ptychostudy.recipes.squares import Squares, members_of
from ptychostudy.recipes.stitch import ShardPatches, stitch
from ptychostudy.recipes.training_set import make_training_set
from ptychostudy.recipes.window import choose_window
from ptychostudy.study.sections.infer import PatchSettings
from ptychostudy.study.sections.train import FeedForwardTraining

BATCH, TURNS = 16, 3
PRECISIONS = ("bfloat16", "float32")
TRAINED = 256
"""Groups of a training; a tenth of them is for validation."""
NATIVE = {"amx_bf16", "avx512_bf16"}
NAME = "the ancestor's form in bfloat16"


def rows(hub):
    if not NATIVE & cpu_features():
        yield missing(NAME, f"this processor has none of {', '.join(sorted(NATIVE))}")
        return
    yield from passes(hub)
    yield from steps(hub)


def passes(hub):
    """Yield the rows of a pass with stitching."""
    bundle = read_bundle(quick_study.ancestor(hub))
    source = open_scan(hub / quick_study.FRAMES.format("test"))
    cell = read_npz(hub / quick_study.GROUPS.format("test"))
    window = choose_window(PatchSettings(), source, cell["frames"], cell["groups"])
    squares = Squares.of(source, members_of(bundle["config"]["frames"], cell["frames"], cell["groups"]), window)
    turns = [[passed(bundle, source, squares, name) for name in PRECISIONS] for _ in range(TURNS)]
    groups = len(squares)
    for place, what in enumerate(("with model and graph", "once they are made")):
        pairs = [(short[place], full[place]) for short, full in turns]
        row = row_of(f"{NAME}, {groups} groups of 4, {what}", pairs, (NAIVE, "in float32"))
        yield with_rates(row, groups, "groups")


def steps(hub):
    """Yield the rows of a step of training."""
    source = open_scan(hub / quick_study.FRAMES.format("train"))
    cell = read_npz(hub / quick_study.GROUPS.format("train"), ["frames", "groups"])
    groups = cell["frames"][cell["groups"]][:TRAINED]
    turns = [(*(step(source, groups, name) for name in PRECISIONS), peer_step()) for _ in range(TURNS)]
    name = f"a step of training in bfloat16, {BATCH} groups of 4, with physics"
    for place, beside in ((1, (NAIVE, "in float32")), (2, (PEER, "PtychoPINN's topology, float32"))):
        yield row_of(name, [(turn[0], turn[place]) for turn in turns], beside, unit=WALL_S)


def step(source, groups, precision):
    """Return the seconds of a step of the second epoch, with its part of the validation."""
    settings = FeedForwardTraining(epochs=2, batch_size=BATCH, precision=precision)
    lesson = make_training_set([source], groups, settings, ())
    config = network_config(settings, arm="FeedForward", n=len(source.probe), frames=groups.shape[1])
    model = network_from_config(config, source.probe, lesson.side, precision=precision)
    descent = Descent(model, likelihood_criterion(objective_of(settings).loss, None), len(lesson.training), settings)
    course = GroupCourse(descent, lesson.data, lesson.training, lesson.validation, settings.seed)
    # Both graphs are made.
    course.learn(0)
    course.validate()
    start = time.perf_counter()
    course.learn(1)
    course.validate()
    return (time.perf_counter() - start) / descent.steps_per_epoch


def passed(bundle, source, squares, precision):
    """Return the seconds of one pass in a precision, and those that it would take warm."""
    start = time.process_time()
    passing = ShardRun(bundle, source, squares, np.arange(len(squares)), BATCH, precision=precision)
    blocks = passing.blocks()
    first = next(blocks)
    built = time.process_time()
    patches = np.concatenate([first, *blocks])
    passed = time.process_time()
    stitch([ShardPatches(passing.groups, patches, passing.record)], squares, in_phase=True)
    end = time.process_time()
    warm = (passed - built) * len(patches) / (len(patches) - len(first))
    return end - start, warm + (end - passed)
