"""Whether the packages are those of the lock, and those that pyproject asks for."""

import importlib
import importlib.metadata
import platform
import re
import sys
import tomllib
from pathlib import Path

from ptychostudy import provenance
from ptychostudy.telling.finding import OK, PROBLEM, WARNING, Finding

LOCK = "constraints.txt"
NEEDED = (*provenance.PACKAGES, "snakemake", "pydantic", "pillow", "rich", "pandas")
"""What decides the numbers, and what every run imports."""
_PYTHONS = ((3, 11), (3, 13))
_EXTRAS = "[keras,ptychi,fast,slurm]"
_REMEDY = f"make environment, or pip install --constraint {LOCK} --editable '.{_EXTRAS}'"
_SPARED = {
    "numba": "likelihoods take half as long again, by NumPy",
    "pyfftw": "likelihoods take half as long again, by SciPy",
    "keras": "networks of groups, and those of canvases that Keras is to compute, need it",
    "tensorflow": "networks of groups need it, where train names no other backend",
}
"""What a study may do without, and what it has of each."""
_COMPILED = ("numba", "pyfftw")
"""Of these what may not go with another package, as Numba with a newer NumPy."""


def findings(repository: Path = provenance.ROOT) -> list[Finding]:
    """Return what is wrong with Python and the packages; one line where nothing is."""
    return [_python(), *_packages(repository)]


def _python() -> Finding:
    lowest, highest = _PYTHONS
    text = f"{platform.python_version()} ({sys.executable})"
    if lowest <= sys.version_info[:2] <= highest:
        return Finding("python", OK, text)
    remedy = "make environment PYTHON=/path/to/python3.11: TensorFlow has 3.11 to 3.13 alone"
    return Finding("python", PROBLEM, text, remedy)


def _packages(repository: Path) -> list[Finding]:
    locked = _locked(repository / LOCK)
    floors = _floors(repository / "pyproject.toml")
    found = [_package(name, locked.get(name, ""), floors.get(name, "")) for name in NEEDED]
    wrong = [finding for finding in found if finding.state != OK]
    if wrong:
        return wrong
    if not locked:
        text = f"{len(NEEDED)} are there; {LOCK} is not, so their versions are not compared"
        return [Finding("packages", WARNING, text, "run from a copy of the repository")]
    return [Finding("packages", OK, f"all {len(NEEDED)} that count are those of {LOCK}")]


def _package(name: str, locked: str, floor: str) -> Finding:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        if name in _SPARED:
            text = f"is not installed: {_SPARED[name]}"
            return Finding(f"package {name}", WARNING, text, _REMEDY)
        return Finding(f"package {name}", PROBLEM, "is not installed", _REMEDY)
    if name in _COMPILED and (error := _import_error(name)):
        text = f"is installed and cannot be imported ({error}): {_SPARED[name]}"
        return Finding(f"package {name}", WARNING, text, _REMEDY)
    if floor and _numbers(version) < _numbers(floor):
        text = f"{version} is older than {floor}, which pyproject.toml asks for"
        return Finding(f"package {name}", PROBLEM, text, _REMEDY)
    # A local label, as of torch's CPU build, is no other version.
    if locked and version.partition("+")[0] != locked:
        text = f"{version}; {LOCK} has {locked}: numbers need not be those of the release"
        return Finding(f"package {name}", WARNING, text, _REMEDY)
    return Finding(f"package {name}", OK, version)


def _import_error(name: str) -> str:
    """Return why a package cannot be imported; nothing where it can."""
    try:
        importlib.import_module(name)
    except ImportError as error:
        return str(error)
    return ""


def _numbers(version: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", version.partition("+")[0])]


def _locked(path: Path) -> dict[str, str]:
    """Return the pinned version of each package; empty where the lock is not beside the package."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pins = [line.partition("==") for line in lines if "==" in line and not line.startswith("#")]
    return {name.strip().lower(): version.strip() for name, _, version in pins}


def _floors(path: Path) -> dict[str, str]:
    """Return the lowest version that pyproject asks for, where it names one."""
    if not path.is_file():
        return {}
    project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]
    found = [re.match(r"([\w.-]+)>=([\d.]+)", requirement) for requirement in wanted]
    return {match[1]: match[2] for match in found if match}
