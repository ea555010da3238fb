"""Kept digests: the same as fresh ones, of the sources as they are now, whatever lies in the cache."""

import pytest

from ptychostudy import provenance
from ptychostudy.runs import kept_digests

STAGES = ("ptychostudy.stages.one", "ptychostudy.stages.two")
FILES = {"__init__": "", "stages/__init__": "", "wave": "X = 1\n"} | {
    f"stages/{name}": f"from ptychostudy import wave\n\n{name} = 1\n" for name in ("one", "two")
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes files of a little package and begins a new process, as far as it remembers."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(provenance, "ROOT", tmp_path)

    def write(files):
        for name, text in files.items():
            path = tmp_path / "ptychostudy" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for cached in (kept_digests._state, kept_digests._kept, provenance._read):
            cached.cache_clear()

    write(FILES)
    return write


def fresh():
    return [provenance.code_digest(stage) for stage in STAGES]


def kept():
    return [kept_digests.code_digest(stage) for stage in STAGES]


def cache_files(tmp_path):
    return list((tmp_path / "cache" / "ptychostudy").iterdir())


def test_kept_digests_are_fresh_ones_and_spare_the_parsing(package, monkeypatch):
    expected = fresh()
    assert kept() == expected
    package({})
    monkeypatch.setattr(provenance, "code_digest", lambda *_: pytest.fail("parsed again"))
    assert kept() == expected


@pytest.mark.parametrize(
    "files",
    [
        {"wave": "X = 2\n"},
        # Unchanged importers: what `wave` is, another file says now.
        {"wave/__init__": "X = 1\n"},
        {"stages/one": "one = 2\n"},
    ],
    ids=["imported", "added", "own"],
)
def test_changed_sources_have_their_own_digests(package, files):
    before = kept()
    package(files)
    assert kept() == fresh() != before


def test_layout_changes_no_digest_and_is_looked_at_once(package, tmp_path):
    before = kept()
    package({"wave": "X = 1  # one\n"})
    assert kept() == before
    assert len(cache_files(tmp_path)) == 2


@pytest.mark.parametrize("text", ["", "[]", '{"ptychostudy.stages.one": 3}', "\0"])
def test_a_damaged_cache_is_none(package, tmp_path, text):
    expected = kept()
    (file,) = cache_files(tmp_path)
    file.write_text(text)
    package({})
    assert kept() == expected


def test_a_cache_that_cannot_be_written_is_none(package, tmp_path):
    (tmp_path / "cache").write_text("no folder")
    assert kept() == fresh()


def test_old_versions_go(package, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_digests, "_VERSIONS", 3)
    for level in range(6):
        package({"wave": f"X = {level}\n"})
        kept()
    assert len(cache_files(tmp_path)) == 3


def test_no_source_is_refused(package):
    with pytest.raises(ValueError, match="no source file for"):
        kept_digests.code_digest("elsewhere.stage")
