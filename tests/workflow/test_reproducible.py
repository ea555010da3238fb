"""The same configuration gives the same bytes, in another folder and on another number of cores."""

import shutil

from conftest import copy_workflow
from ptychostudy.io.atomic import sha256_of

NUMERIC = {".npz", ".csv", ".zip", ".png", ".md", ".txt"}


def timed(path):
    """Return whether a file holds wall times, which differ from run to run."""
    return path.name in ("manifest.json", "hybrid.json") or path.stem.endswith("speed")


def digests(hub):
    """Return the sha256 of every artifact, and of JSON files without a wall time."""
    files = [path for folder in ("data", "analysis") for path in sorted((hub / folder).rglob("*")) if path.is_file()]
    wanted = [path for path in files if path.suffix in NUMERIC | {".json"} and not timed(path)]
    return {path.relative_to(hub).as_posix(): sha256_of(path) for path in wanted}


def test_second_run_on_one_core_gives_the_same_bytes(finished, tmp_path_factory):
    """One cell of the study, for all of them come about in one way; what is told of all is told again below."""
    again = copy_workflow(tmp_path_factory.mktemp("again"))
    done = again.snakemake("--config", "doses=[1000]", "views=[dense]", cores=1)
    assert done.returncode == 0, done.stdout[-6000:]
    first, second = digests(finished.hub), digests(again.hub)
    # Two lists name all doses or views.
    same = [name for name in second if "dose_1000/" in name or name.startswith(("data/base", "data/phase_d/dense"))]
    assert len(same) > 30 and {name.split("/")[1] for name in same if name.startswith("data/")} == {
        "base",
        "inference",
        "phase_c",
        "phase_d",
        "phase_e",
        "phase_f",
    }
    assert {name for name in same if first.get(name) != second.get(name)} == set()


def test_what_is_told_of_the_study_is_told_in_the_same_bytes(finished, tmp_path_factory):
    again = copy_workflow(tmp_path_factory.mktemp("told"))
    shutil.rmtree(again.hub)
    shutil.copytree(finished.hub, again.hub, symlinks=True)
    shutil.rmtree(again.hub / "analysis")
    done = again.snakemake(cores=1)
    assert done.returncode == 0, done.stdout[-6000:]
    assert digests(finished.hub) == digests(again.hub)
