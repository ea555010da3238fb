"""The package as pip installs it: what the wheel holds, and the examples run from it, far from the repository.

That of a metric of one's own is in tests/unit/test_api.py.
"""

import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from conftest import PLUGIN, ROOT

PACKAGES = ("ptychostudy", PLUGIN)
ARMS = {"PtychoPINN", "PtyChi", "TV", "Flat", "PhysicsOnly", "Untrained"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the wheel of a copy of the sources: building leaves folders behind, and takes in what lies in them."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*PACKAGES, "pyproject.toml", "README.md", "LICENSE"):
        path = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__")
        if path.is_dir():
            shutil.copytree(path, folder / "source" / name, ignore=ignored)
        else:
            (folder / "source").mkdir(exist_ok=True)
            shutil.copy2(path, folder / "source" / name)
    words = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", folder, "./source"]
    subprocess.run([sys.executable, "-m", "pip", *words], cwd=folder, check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """Return a folder into which the wheel is installed."""
    folder = tmp_path_factory.mktemp("site")
    words = ["install", "--no-deps", "--no-index", "--quiet", "--target", folder, wheel]
    subprocess.run([sys.executable, "-m", "pip", *words], check=True)
    return folder


def run(site, folder, *words):
    """Run Python as a user would, in a folder of theirs; the installed package is the only one in sight."""
    environment = {"PYTHONPATH": str(site), "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def scores(site, folder, name, *words, shorter=()):
    """Run an example, some of its numbers replaced; return the phase SSIM of each arm it prints."""
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")
    for long, short in shorter:
        assert text.count(long) == 1
        text = text.replace(long, short)
    script = folder / name
    script.write_text(text)
    empty = folder / "empty"
    empty.mkdir()
    done = run(site, empty, script, *words)
    assert done.returncode == 0, done.stderr[-3000:]
    assert list(empty.iterdir()) == []
    rows = re.findall(r"^(\w[\w, ]*?) +(-?\d\.\d+) +\d\.\d+$", done.stdout, re.MULTILINE)
    return {arm: float(value) for arm, value in rows}


def test_the_wheel_holds_every_module_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not re.match(r"ptychostudy-[\d.]+\.dist-info/", name)}
        (entry,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
        assert "ptychostudy = ptychostudy.__main__:main" in archive.read(entry).decode()
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*")]
    files = [path for path in paths if path.is_file() and "__pycache__" not in path.parts]
    assert names == {path.relative_to(ROOT).as_posix() for path in files}


def test_the_installed_package_is_complete(site, tmp_path):
    """Settings, their schema and the command line need no file of the repository."""
    code = (
        "import ptychostudy; from ptychostudy.study.settings import json_schema; print(ptychostudy.__file__);"
        "ptychostudy.settings({'doses': [10]}); print(len(json_schema()))"
    )
    done = run(site, tmp_path, "-c", code)
    assert done.returncode == 0, done.stderr
    place, size = done.stdout.split()
    assert place == str(site / "ptychostudy" / "__init__.py") and int(size) > 10_000
    assert run(site, tmp_path, "-m", "ptychostudy", "train", "--help").returncode == 0
    # What asks for the rules says where they are.
    done = run(site, tmp_path, "-m", "ptychostudy", "plan")
    assert done.returncode == 2 and "Snakefile" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_example_of_all_arms(site, tmp_path):
    ssim = scores(site, tmp_path, "arms.py")
    assert set(ssim) == ARMS
    assert min(ssim[arm] for arm in ("PtychoPINN", "PtyChi", "TV")) > 0.5 > ssim["Flat"]


@pytest.mark.slow
def test_the_example_of_a_network_of_one_s_own(site, tmp_path):
    ssim = scores(site, tmp_path, "own_network.py")
    assert set(ssim) == ARMS | {"Mine"}
    assert ssim["Mine"] > ssim["PhysicsOnly"] > 0.2 > ssim["Flat"]


@pytest.mark.slow
def test_the_example_of_the_measured_star(site, tmp_path):
    """On the published scan, as a study fetches it from the package index."""
    star = tmp_path / "star.npz"
    words = ["-m", "ptychostudy", "fetch", "--settings", '{"frame_px": 64}', "--output", star]
    fetched = run(site, tmp_path, *words)
    if fetched.returncode:
        pytest.skip(f"the measured star cannot be had here: {fetched.stderr[-500:]}")
    # As it stands it takes some two CPU minutes.
    shorter = [('"reference": {"epochs": 15}', '"reference": {"epochs": 5}'), ('{"epochs": 8, ', '{"epochs": 3, ')]
    ssim = scores(site, tmp_path, "star.py", star, shorter=shorter)
    networks = [ssim[f"PtychoPINN, {backend}"] for backend in ("tensorflow", "torch")]
    assert set(ssim) > {"PtyChi", "TV", "PhysicsOnly", "Flat"}
    assert min(*networks, ssim["TV"], ssim["PtyChi"]) > 0.5 > ssim["Flat"]
    # The same weights to begin with, the same frames.
    assert abs(networks[0] - networks[1]) < 0.02
