"""The finished quick study that is measured on, its jobs' commands, and a network of the ancestor's form beside it."""

import json
import re
import shlex
import subprocess
from pathlib import Path

from measuring import python

ROOT = Path(__file__).resolve().parent.parent
HUB = ROOT / "build/bench"
VERDICT = "analysis/verification_report.json"
DOSE, VIEW = 1000, "dense"
FRAMES, GROUPS = f"data/phase_c/dose_{DOSE}/patched_{{}}.npz", f"data/phase_d/{VIEW}/{VIEW}_{{}}.npz"
ANCESTOR = "wts.h5.zip"
# A job's block in what Snakemake prints, its outputs and its command, without the log.
JOB = re.compile(r"^ +output: (?P<made>.*)\n(?:.*\n)*?Shell command: *\n +python (?P<words>.*?) 2>&1", re.MULTILINE)


def made(hub):
    """Make the study, or what of it is missing or was made by other code: a finished one is what is measured on."""
    hub.mkdir(parents=True, exist_ok=True)
    words = ["snakemake", "--logger", "ptychostudy", "--cores", "all", "--snakefile", ROOT / "Snakefile"]
    subprocess.run([*words, "--directory", hub], check=True)


def commands(hub):
    """Return the words that Python is given for each job of the study, by its first output."""
    words = ["snakemake", "-n", "-p", "--forceall", "--snakefile", ROOT / "Snakefile", "--directory", hub]
    said = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    jobs = JOB.finditer(said)
    return {job["made"].split(", ")[0]: shlex.split(job["words"]) for job in jobs}


def ancestor(hub):
    """Return a bundle of the ancestor's form, trained for one pass where there is none yet: speed asks for no more."""
    folder = hub.with_name(f"{hub.name}_ancestor")
    bundle = folder / ANCESTOR
    if not bundle.exists():
        folder.mkdir(parents=True, exist_ok=True)
        paths = {"scan": hub / FRAMES.format("train"), "view": hub / GROUPS.format("train"), "bundle": bundle}
        paths |= {"history": folder / "history.csv", "record": folder / "training.json"}
        words = [word for name, path in paths.items() for word in (f"--{name}", path)]
        settings = json.dumps(ancestor_settings())
        command = ["-m", "ptychostudy", "train", "--arm", "FeedForward", "--settings", settings]
        subprocess.run(python(*command, *words), check=True)
        said_good(bundle)
    return bundle


def said_good(path):
    """Let a network whose training may have failed be asked all the same."""
    from ptychostudy.formats.bundle import read_bundle, write_bundle

    bundle = read_bundle(path)
    bundle["provenance"]["outcome"]["status"] = "ok"
    write_bundle(path, **bundle)


def ancestor_settings():
    from ptychostudy.study.settings import read_study
    from ptychostudy.study.stage_settings import encode, stage_settings

    study = read_study(ROOT / "config/config.yaml")
    return json.loads(encode(stage_settings(study, "train_feed_forward"))) | {"epochs": 1}
