"""Other programs, each at one version: as installed beside this package, or in a folder of its own for the session."""

import importlib.metadata
import json
import os
import subprocess
import sys

import pytest


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """Return a function that gives the environment in which a program of some version can be imported.

    What is not installed is fetched from the package index, without what it needs: that is here already, but for what
    is named `beside` it.
    """
    known = {}

    def environment(name, version, beside=()):
        if (name, version) not in known:
            known[name, version] = _found(name, version, beside, tmp_path_factory)
        return os.environ | {"OMP_NUM_THREADS": "1"} | known[name, version]

    return environment


def _found(name, version, beside, tmp_path_factory):
    try:
        if importlib.metadata.version(name) == version:
            return {}
    except importlib.metadata.PackageNotFoundError:
        pass
    folder = tmp_path_factory.mktemp(name)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder)]
    done = subprocess.run([*command, f"{name}=={version}", *beside], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{name} {version} cannot be installed here: {done.stderr.strip()[-300:]}")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))}


@pytest.fixture(scope="session")
def run_program(program):
    """Return a function that runs a script with a program, in a folder, and returns the JSON it prints last."""

    def run(name, version, script, folder, *arguments, beside=()):
        command = [sys.executable, "-c", script, *map(str, arguments)]
        environment = program(name, version, beside) | {"MPLBACKEND": "Agg"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=environment)
        assert done.returncode == 0, done.stderr[-3000:]
        lines = done.stdout.strip().splitlines()
        return json.loads(lines[-1]) if lines else None

    return run
