"""The same configuration gives the same bytes, in another folder and on another number of cores."""

from conftest import copy_workflow
from ptychostudy.io.atomic import sha256_of

NUMERIC = {".npz", ".csv", ".zip", ".png", ".md", ".txt"}


def digests(hub):
    """Return the sha256 of every artifact, and of JSON files without a wall time."""
    files = [path for folder in ("data", "analysis") for path in sorted((hub / folder).rglob("*")) if path.is_file()]
    wanted = [
        path for path in files if path.suffix in NUMERIC or (path.suffix == ".json" and path.name != "manifest.json")
    ]
    return {path.relative_to(hub).as_posix(): sha256_of(path) for path in wanted}


def test_second_run_on_one_core_gives_the_same_bytes(finished, tmp_path_factory):
    again = copy_workflow(tmp_path_factory.mktemp("again"))
    done = again.snakemake(cores=1)
    assert done.returncode == 0, done.stdout[-6000:]
    first, second = digests(finished.hub), digests(again.hub)
    assert len(first) > 100
    assert {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)} == set()
