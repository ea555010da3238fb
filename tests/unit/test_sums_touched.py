"""Files that were touched are compared with their sums; those that were not are not read again."""

import os

import pytest

from ptychostudy.io.atomic import DataError, sha256_of
from ptychostudy.io.records import write_json
from ptychostudy.io.sums import check_touched
from ptychostudy.io.text import write_text


@pytest.fixture
def study(tmp_path):
    paths = [tmp_path / name for name in ("one.txt", "two.txt")]
    for path in paths:
        write_text(path, f"{path.name}\n")
    return [*paths, tmp_path / "missing.txt"], tmp_path / "seen"


def damage(path):
    """Change a byte; neither size nor time of change says so."""
    time = path.stat().st_mtime_ns
    path.write_bytes(path.read_bytes().replace(b".", b"!"))
    os.utime(path, ns=(time, time))


def test_whole_and_missing_files_pass(study):
    paths, seen = study
    for _ in range(2):
        check_touched(paths, seen)


@pytest.mark.parametrize("before", [True, False], ids=["seen before", "never seen"])
def test_a_damaged_file_is_named_each_time(study, before):
    paths, seen = study
    if before:
        check_touched(paths, seen)
    damage(paths[1])
    for _ in range(2):
        with pytest.raises(DataError, match="two.txt: damaged or replaced"):
            check_touched(paths, seen)


def test_an_older_file_in_its_place_is_named(study):
    paths, seen = study
    check_touched(paths, seen)
    other = paths[0].with_name("other")
    other.write_text("old\n")
    os.utime(other, (1, 1))
    os.replace(other, paths[0])
    with pytest.raises(DataError, match="one.txt: damaged or replaced"):
        check_touched(paths, seen)


def test_what_was_not_touched_is_not_read_again(study, monkeypatch):
    paths, seen = study
    check_touched(paths, seen)
    read = []
    monkeypatch.setattr("ptychostudy.io.sums.check_sums", read.extend)
    check_touched(paths, seen)
    assert read == []
    paths[1].touch()
    check_touched(paths, seen)
    assert read == [str(paths[1])]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"one.txt": 3}', "\x00"])
def test_a_damaged_memory_only_costs_reading(study, text):
    paths, seen = study
    check_touched(paths, seen)
    seen.write_text(text)
    check_touched(paths, seen)
    damage(paths[0])
    seen.write_text(text)
    with pytest.raises(DataError, match="one.txt"):
        check_touched(paths, seen)


def test_where_nothing_can_be_kept_all_is_compared(study):
    paths, seen = study
    check_touched(paths, seen / "no" / "folder")
    damage(paths[0])
    with pytest.raises(DataError, match="one.txt"):
        check_touched(paths, seen / "no" / "folder")


def test_a_whole_file_of_another_study_is_named_unless_it_was_made_later(study):
    paths, seen = study
    inventory = seen.with_name("artifact_inventory.json")
    listed = {str(path): {"sha256": sha256_of(path)} for path in paths[:2]}
    write_json(inventory, {"files": listed})
    check_touched(paths, seen, inventory=inventory)
    write_text(paths[1], "of another study, with its sum\n")
    check_touched(paths, seen, inventory=inventory)  # made anew after the inventory: what follows is made anew, too
    os.utime(paths[1], (1, 1))
    for _ in range(2):
        with pytest.raises(DataError, match="two.txt: older than the inventory"):
            check_touched(paths, seen, inventory=inventory)
    paths[1].touch()
    check_touched(paths, seen, inventory=inventory)


@pytest.mark.parametrize(
    "text", ['{"files": [1, 2]}', '{"files": {"a": 3}}', '{"files": {"a": {"sha256": 5}}}', "[" * 10**5, "3", ""]
)
def test_a_foreign_inventory_lists_nothing(study, text):
    paths, seen = study
    inventory = paths[0].with_name("artifact_inventory.json")
    inventory.write_text(text, encoding="utf-8")
    check_touched(paths, seen, inventory=inventory)
