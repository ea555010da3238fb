"""One lock: the conda files carry the pins of constraints.txt, and hold what the stages that use them import."""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from ptychostudy.provenance import import_closure

ROOT = Path(__file__).resolve().parents[2]
ENVS = sorted((ROOT / "envs").glob("*.yaml"))
PACKAGE_OF = {"skimage": "scikit-image", "yaml": "pyyaml", "PIL": "pillow"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name="constraints.txt"):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonical(name): version for name, version in pairs}


def pins_of(path):
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
    listed = next(part["pip"] for part in parts if isinstance(part, dict))
    return {canonical(name): version for name, version in (line.split(";")[0].split("==") for line in listed)}


def stages_of(env):
    """Return the stages that rules run in an environment; that of Keras depends on the backend."""
    named = "environment(backend_of(STUDY" if env.startswith("keras") else f"envs/{env}.yaml"
    rules = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "rules").glob("*.smk")))
    blocks = re.split(r"^rule ", rules, flags=re.MULTILINE)[1:]
    return {re.search(r"ptychostudy (\w+)", block).group(1) for block in blocks if named in block}


def third_party(stage):
    names = set()
    for path in import_closure(f"ptychostudy.stages.{stage}"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add(node.module.split(".")[0])
    return {canonical(PACKAGE_OF.get(name, name)) for name in names - sys.stdlib_module_names - {"ptychostudy"}}


def test_the_lock_is_exact():
    pins = locked()
    assert len(pins) > 100
    assert [name for name, version in pins.items() if not re.fullmatch(r"[0-9][0-9a-z.]*", version)] == []


def test_every_requirement_of_the_package_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(line for group in project["optional-dependencies"].values() for line in group),
    ]
    names = {canonical(re.match(r"[\w.-]+", line).group()) for line in wanted}
    assert names - set(locked()) == set()


def test_the_two_locks_agree():
    """The lock of the extra `gpu` adds CUDA libraries and says nothing else about a package than the other."""
    other, gpu = locked(), locked("constraints-gpu.txt")
    assert {name: version for name, version in gpu.items() if other.get(name, version) != version} == {}
    assert {name for name in gpu if not name.startswith("nvidia-")} == set()


def test_gpu_lock_is_what_the_locked_tensorflow_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"]["gpu"] == ["tensorflow[and-cuda]>=2.21"]
    wanted = [Requirement(line) for line in importlib.metadata.requires("tensorflow")]
    cuda = {each.name: each.specifier for each in wanted if each.marker and not each.marker.evaluate({"extra": ""})}
    gpu = locked("constraints-gpu.txt")
    assert set(gpu) == {name for name in cuda if name.startswith("nvidia-")} != set()
    assert {name: version for name, version in gpu.items() if version not in cuda[name]} == {}


def test_make_brings_the_gpu_lock_on_demand_only_and_what_shares_paths_with_torch_last():
    def said(*words):
        command = ["make", "--dry-run", "--always-make", "environment", *words]
        text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        return [line for line in text.replace("\\\n", "").splitlines() if "pip install" in line]

    assert not [line for line in said() if "gpu" in line]
    assert "--constraint constraints-gpu.txt --editable '.[gpu]'" in said("GPU=1")[-2]
    assert said("GPU=1")[-1].split()[-3:] == ["--force-reinstall", "nvidia-cudnn-cu12", "nvidia-nccl-cu12"]


def test_gpu_environment_of_conda_holds_the_whole_lock():
    gpu = locked("constraints-gpu.txt").items()
    assert gpu <= pins_of(ROOT / "envs" / "keras.yaml").items()
    assert not {name for name, _ in gpu} & set(pins_of(ROOT / "envs" / "ptychi.yaml")), (
        "cuDNN of two CUDAs in one place"
    )


def test_this_environment_is_the_locked_one():
    """Tests of another set of packages would say little about the locked one."""
    wrong = {}
    for name, version in locked().items():
        try:
            found = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            if name in ("atheris", "jax", "jaxlib"):  # for the long fuzz and one backend, which say so where it lacks
                continue
            found = "not installed"
        if found != version:
            wrong[name] = found
    wrong.pop("wheel", None)  # needed to build packages, not to run them; venv does not keep it up to date
    wrong.pop("setuptools", None)
    assert wrong == {}


@pytest.mark.parametrize("path", ENVS, ids=lambda path: path.stem)
def test_conda_files_carry_the_same_pins(path):
    pins = pins_of(path)
    assert pins
    known = locked("constraints-gpu.txt") | locked()
    assert pins == {name: known.get(name) for name in pins}


@pytest.mark.parametrize("env", [path.stem for path in ENVS if path.stem != "dev"])
def test_conda_files_hold_what_their_stages_import(env):
    pins = pins_of(ROOT / "envs" / f"{env}.yaml")
    stages = stages_of(env)
    assert stages
    # Imported where it computes alone.
    unused = {"tensorflow"} if env.startswith("keras_") else set()
    missing = {stage: third_party(stage) - set(pins) - unused for stage in stages}
    assert {stage: names for stage, names in missing.items() if names} == {}


def test_no_environment_mixes_the_frameworks():
    """But for the one stage that compares them, each in a process of its own and on the CPU."""
    mixed = [path for path in ENVS if {"tensorflow", "torch"} <= set(pins_of(path))]
    assert [path.stem for path in mixed] == ["backends"]
    assert not [name for name in pins_of(mixed[0]) if name.startswith("nvidia-")]
