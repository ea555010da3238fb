"""Times alone make nothing stale: a study that was copied, restored or touched has nothing to do."""

import os
import shutil
import subprocess

import h5py
import numpy as np
import pytest

from conftest import USER, Workflow, copy_workflow

REPORT = "analysis/verification_report.json"
BY_TIMES_ALONE = ("--max-checksum-file-size", "1")


@pytest.fixture
def hub(tmp_path):
    return tmp_path / "elsewhere" / "hub"


def copy_with_cp(finished, hub):
    """As a person does it: in the order of names, each file with the time of its copy."""
    hub.parent.mkdir()
    subprocess.run(["cp", "-r", str(finished.hub), str(hub)], check=True)
    later(sorted(hub.rglob("*")))


def later(paths):
    """Space times out, so that a fast copy cannot hide in the grain of the clock."""
    for k, path in enumerate(paths):
        if path.is_file():
            os.utime(path, (1_700_000_000 + 10 * k,) * 2)


def restored(finished, hub):
    """As a backup that was written in any order, long ago."""
    shutil.copytree(finished.hub, hub, symlinks=True)
    later(sorted(hub.rglob("*"), key=lambda path: path.name[::-1]))


def touched(finished, hub):
    """Every input but the last files of the study is new."""
    shutil.copytree(finished.hub, hub, symlinks=True)
    for path in (hub / "data").rglob("*.*"):
        path.touch()


@pytest.mark.parametrize("way", [copy_with_cp, restored, touched])
def test_only_times_differ(finished, hub, way):
    way(finished, hub)
    copy = Workflow(finished.source, hub, finished.config)
    assert copy.jobs(REPORT) == {}
    # What is compared is the content: by times alone much would be done again.
    assert copy.jobs(*BY_TIMES_ALONE, "--", REPORT) != {}
    done = copy.snakemake(REPORT)
    assert done.returncode == 0 and "Nothing to be done" in done.stdout, done.stdout[-2000:]


def test_a_byte_that_changed_on_the_way_is_named(finished, hub):
    copy_with_cp(finished, hub)
    path = hub / "data/phase_c/dose_100000/patched_train.npz"
    data = bytearray(path.read_bytes())
    data[2000] ^= 4
    path.write_bytes(data)
    done = Workflow(finished.source, hub, finished.config).snakemake("-n", REPORT)
    assert done.returncode == 1, done.stdout
    assert "patched_train.npz: damaged or replaced since it was written" in done.stdout


def test_the_user_s_file_counts_by_its_content(tmp_path):
    """It is larger than the megabyte above which Snakemake, left alone, looks at times."""
    workflow = copy_workflow(tmp_path, USER)
    rng, path = np.random.default_rng(0), workflow.hub / "scan.npz"
    rows, cols = rng.uniform(20, 480, (2, 900))  # dense enough for each frame to meet another
    arrays = {"objectGuess": np.ones((512, 500), complex), "probeGuess": np.ones((32, 32), complex)}
    np.savez(path, xcoords=cols, ycoords=rows, **arrays)
    assert path.stat().st_size > 2_000_000
    target = "data/base/reference.npz"
    done = workflow.snakemake("--", target)
    assert done.returncode == 0, done.stdout
    path.touch()
    assert workflow.jobs("--", target) == {}
    arrays["objectGuess"][7, 9] = 0.5
    np.savez(path, xcoords=cols, ycoords=rows, **arrays)
    found = workflow.jobs("--", target)
    assert found.pop("base") == 1 and sum(found.values()) == 1


def test_the_file_behind_a_link_counts_as_the_user_s_own(tmp_path):
    workflow = copy_workflow(tmp_path, USER)
    rng, target = np.random.default_rng(0), "data/base/base.npz"
    rows, cols = rng.uniform(20, 80, (2, 90))
    arrays = {"ycoords": rows, "xcoords": cols, "probeGuess": np.ones((32, 32), complex)}
    # Whatever it is called: what is in it says that it is HDF5.
    with h5py.File(workflow.hub / "scan.npz", "w") as file:
        for key, value in arrays.items():
            file[key] = value
        file["objectGuess"] = h5py.ExternalLink("object.h5", "/entry/data")
        file["scan_index"] = h5py.ExternalLink("missing.h5", "/entry/data")
    for value, jobs in ((1, {"base": 1}), (0.5, {"base": 1})):
        with h5py.File(workflow.hub / "object.h5", "w") as file:
            file["entry/data"] = np.full((112, 100), value, complex)
        assert workflow.jobs("--", target) == jobs
        done = workflow.snakemake("--", target)
        assert done.returncode == 0, done.stdout
        assert workflow.jobs("--", target) == {}
