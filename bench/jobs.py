"""Jobs of the quick study done again one by one in a copy of it, beside a process that imports the same and ends."""

import shutil
import tempfile
from functools import partial
from pathlib import Path

import quick_study
from measuring import CEILING, compared, itself, processor_s, python

CELL = f"dose_{quick_study.DOSE}/{quick_study.VIEW}"
JOBS = {
    "simulate, both splits": f"data/phase_c/dose_{quick_study.DOSE}/patched_train.npz",
    "overlap": f"data/phase_d/{quick_study.VIEW}/{quick_study.VIEW}_test.npz",
    "maximise": f"data/phase_f/{CELL}/test/physics_only.npz",
    "reconstruct": f"data/phase_f/{CELL}/test/ptychi_reconstruction.npz",
    "train, PtychoPINN": f"data/phase_e/{CELL}/gs2/wts.h5.zip",
    "train, Baseline": f"data/phase_e/dose_{quick_study.DOSE}/baseline/gs1/wts.h5.zip",
    "infer, PtychoPINN and control": f"data/inference/{CELL}/test/PtychoPINN/shard_1-of-1.npz",
    "infer, Baseline": f"data/inference/{CELL}/test/Baseline/shard_1-of-1.npz",
    "stitch": f"data/inference/{CELL}/test/PtychoPINN.npz",
    "compare": f"analysis/{CELL}/test/reconstructions.npz",
    "picture": f"analysis/{CELL}/test/comparison_plot.png",
    "summarize": "analysis/comparison_manifest.json",
    "inventory": "analysis/artifact_inventory.txt",
    "verify": quick_study.VERDICT,
}
LONG = ("reconstruct", "train, PtychoPINN", "train, Baseline", "infer, FeedForward")
"""Three turns, all others five."""

# What a job has imported in the end, in the order of its doing so.
RECORD = """
import json, runpy, sys
listed = sys.argv.pop(1)
try:
    runpy.run_module("ptychostudy", run_name="__main__", alter_sys=True)
finally:
    specs = {name: getattr(module, "__spec__", None) for name, module in sys.modules.items()}
    own = [name for name, spec in specs.items() if getattr(spec, "name", "") == name]
    json.dump(own, open(listed, "w"))
"""
# With the same libraries left out as the stages leave out; what cannot be imported by its name is no module of a file.
START = """
import contextlib, importlib, json, os, sys
from ptychostudy.iterative.set_aside import set_aside
from ptychostudy.runs.process import importing
os.environ["KERAS_BACKEND"] = "tensorflow"
with importing(keras=True), set_aside():
    for name in json.load(open(sys.argv[1])):
        with contextlib.suppress(Exception):
            importlib.import_module(name)
"""


def rows(hub):
    """Yield a row for each job, by processor time of its process."""
    commands = quick_study.commands(hub)
    chosen = {name: commands[output] for name, output in JOBS.items()} | {"infer, FeedForward": of_ancestor(hub)}
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "hub"
        shutil.copytree(hub, copy, ignore=shutil.ignore_patterns(".snakemake", "products"))
        for name, words in chosen.items():
            yield done_again(name, words, copy, Path(folder) / "imported.json")


def of_ancestor(hub):
    """Return the words of an `infer` job of the ancestor's form, which this study does without."""
    scan, view = (hub / path.format("test") for path in (quick_study.FRAMES, quick_study.GROUPS))
    words = ["-m", "ptychostudy", "infer", "--settings", "{}", "--arm", "FeedForward", "--shard", "1-of-1"]
    words += ["--bundle", quick_study.ancestor(hub), "--scan", scan, "--view", view, "--output", "ancestor.npz"]
    return [str(word) for word in words]


def done_again(name, words, hub, listed):
    # The words of a job begin with -m ptychostudy, which is run by what writes down its imports, too.
    processor_s(python("-c", RECORD, listed, *words[2:]), cwd=hub)
    job = partial(processor_s, python(*words), cwd=hub)
    start = partial(processor_s, python("-c", START, listed), cwd=hub)
    turns = 3 if name in LONG else 5
    return compared(f"job {name}", job, start, (CEILING, "its imports alone"), turns=turns, measure=itself)
