"""Stage fetch without a network: a made-up archive in the cache, and pip that fails or brings the wrong file."""

import bz2
import dataclasses
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from ptychostudy.formats import download, siemens_star
from ptychostudy.io.atomic import DataError, sha256_of

MEMBER = "made-1.0/data/frames.npz.bz2"


def shown(folder):
    """Return the names in a folder, without the records of sums."""
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


def _archive(path, content, kind=tarfile.REGTYPE):
    with tarfile.open(path, "w:gz") as tar:
        info = tarfile.TarInfo(MEMBER)
        info.type, info.size, info.linkname = kind, len(content), "/etc/hostname"
        tar.addfile(info, io.BytesIO(content))
        trap = b"raise SystemExit('this must never run')"
        build = b"[build-system]\nrequires = ['setuptools']\nbuild-backend = 'setuptools.build_meta'\n"
        for name, text in (("setup.py", trap), ("pyproject.toml", build)):
            info = tarfile.TarInfo(f"made-1.0/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text))
    return path


def _measured():
    rng = np.random.default_rng(0)
    buffer = io.BytesIO()
    np.savez(
        buffer,
        data=rng.poisson(2.0, (1, 5, 128, 128)).astype(np.float32),
        scan=rng.uniform(-30, 30, (1, 5, 2)).astype(np.float32),
        probe=np.ones((1, 1, 1, 1, 128, 128), np.complex64),
    )
    return bz2.compress(buffer.getvalue())


@pytest.fixture
def release(tmp_path, monkeypatch):
    """A small archive of the same build in the cache, under the pinned name."""
    path = _archive(tmp_path / "made-1.0.tar.gz", _measured())
    name, version = "made", "1.0"
    made = {"name": name, "version": version, "sha256": sha256_of(path), "path": MEMBER.partition("/")[2]}
    monkeypatch.setattr(siemens_star, "SOURCE", dataclasses.replace(siemens_star.SOURCE, **made))
    return tmp_path


def test_a_scan_comes_out_and_only_the_archive_stays(release):
    found = siemens_star.fetch_siemens_star(release)
    assert found["counts"].shape == (5, 64, 64)
    assert found["counts"].dtype == np.uint32
    assert found["probeGuess"].shape == (64, 64)
    assert found["ycoords"].shape == found["xcoords"].shape == (5,)
    assert np.all(found["objectGuess"] == 1)
    assert shown(release) == ["made-1.0.tar.gz"]


def test_a_wrong_archive_is_named_and_removed(release):
    path = release / "made-1.0.tar.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"made-1\.0\.tar\.gz: sha256 is .* has been removed"):
        siemens_star.fetch_siemens_star(release)
    assert not path.exists()


def _pip(monkeypatch, returncode, files=()):
    calls = []

    def run(command, **options):
        calls.append((command, options))
        folder = Path(command[command.index("--dest") + 1])
        folder.mkdir()
        for name, content in files:
            (folder / name).write_bytes(content)
        return subprocess.CompletedProcess(command, returncode, "", "WARNING: no\nERROR: no such release\n")

    monkeypatch.setattr(download.subprocess, "run", run)
    return calls


def test_a_failed_download_is_named_and_leaves_nothing(tmp_path, monkeypatch):
    _pip(monkeypatch, 1, [("made-1.0.tar.gz.part", b"half")])
    with pytest.raises(DataError, match=r"made==1\.0: pip could not download .*no such release"):
        download.download_source("made", "1.0", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["made-1.0.tar.gz", "other-2.0.whl"])
def test_a_wrong_download_is_refused_and_leaves_nothing(tmp_path, monkeypatch, name):
    _pip(monkeypatch, 0, [(name, b"something else")])
    with pytest.raises(DataError, match=r"made-1\.0\.tar\.gz|sha256"):
        download.download_source("made", "1.0", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_download_that_hangs_is_named(tmp_path, monkeypatch):
    def run(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(download.subprocess, "run", run)
    with pytest.raises(DataError, match="pip was not done"):
        download.download_source("made", "1.0", "0" * 64, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_pip_runs_none_of_the_archive_s_code(tmp_path):
    """The real pip, without an index, on an archive whose setup.py would fail: only our backend answers."""
    shelf, cache = tmp_path / "shelf", tmp_path / "cache"
    shelf.mkdir()
    path = _archive(shelf / "made-1.0.tar.gz", b"x")
    finder = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf), "PIP_CONFIG_FILE": "/dev/null"}
    with pytest.MonkeyPatch.context() as patch:
        for key, value in finder.items():
            patch.setenv(key, value)
        found = download.download_source("made", "1.0", sha256_of(path), cache)
        assert found.read_bytes() == path.read_bytes()
        found.unlink()
        with pytest.raises(DataError, match="could not download"):
            download.download_source("made", "1.0", "0" * 64, cache)
    assert shown(cache) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_member_that_is_no_file_is_refused(tmp_path, kind):
    path = _archive(tmp_path / "a.tar.gz", b"", kind)
    with pytest.raises(DataError, match="no plain file"):
        download.extract_bz2_member(path, MEMBER, tmp_path / "out", limit_bytes=1000)
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path):
    path = _archive(tmp_path / "a.tar.gz", bz2.compress(bytes(10_000_000)))
    with pytest.raises(DataError, match="grows beyond 1000 bytes"):
        download.extract_bz2_member(path, MEMBER, tmp_path / "out", limit_bytes=1000)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tar.gz"]


@pytest.mark.parametrize(("size", "refused"), [(1000, False), (1001, True)])
def test_a_member_that_is_too_large_as_it_lies_is_not_unpacked_at_all(tmp_path, size, refused):
    path = _archive(tmp_path / "a.tar.gz", bytes(size))
    said = "no plain file of at most 1000 bytes; refused" if refused else "cannot be read"
    with pytest.raises(DataError, match=said):
        download.extract_bz2_member(path, MEMBER, tmp_path / "out", limit_bytes=1000)


def test_a_missing_or_damaged_member_is_named(tmp_path):
    path = _archive(tmp_path / "a.tar.gz", b"this is not bzip2")
    with pytest.raises(DataError, match="cannot be read"):
        download.extract_bz2_member(path, MEMBER, tmp_path / "out", limit_bytes=1000)
    with pytest.raises(DataError, match="'absent' is missing"):
        download.extract_bz2_member(path, "absent", tmp_path / "out", limit_bytes=1000)
    assert [file.name for file in tmp_path.iterdir()] == ["a.tar.gz"]


def test_the_stage_loads_no_solver():
    code = "import sys, ptychostudy.stages.fetch; print(sorted({'torch', 'tensorflow', 'keras'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
