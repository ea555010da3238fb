"""The sha256 beside a file: damage, exchange and staleness are named; what was never recorded passes."""

import subprocess

import pytest

from ptychostudy.__main__ import main
from ptychostudy.io.atomic import DataError, atomic, check_sums
from ptychostudy.io.records import write_json
from ptychostudy.io.text import write_text


def test_sum_is_that_of_the_file_in_the_format_of_sha256sum(tmp_path):
    write_text(tmp_path / "a.txt", "abc")
    # The published vector of FIPS 180-2 for "abc".
    vector = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (tmp_path / ".a.txt.sha256").read_text() == f"{vector}  a.txt\n"
    subprocess.run(["sha256sum", "-c", ".a.txt.sha256"], cwd=tmp_path, check=True, capture_output=True)
    check_sums([tmp_path / "a.txt", str(tmp_path / "a.txt")])


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "emptied": lambda path: path.write_bytes(b""),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "one bit": flip,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damage_is_named(tmp_path, damage):
    path = tmp_path / "a.json"
    write_json(path, {"key": list(range(100))})
    damage(path)
    with pytest.raises(DataError, match=r"a\.json: damaged or replaced .* recorded"):
        check_sums([path])


def test_two_exchanged_files_are_named(tmp_path):
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    write_text(one, "1")
    write_text(other, "2")
    one.rename(tmp_path / "aside")
    other.rename(one)
    (tmp_path / "aside").rename(other)
    for path in (one, other):
        with pytest.raises(DataError, match=path.name):
            check_sums([path])


def test_an_older_version_is_named_and_a_new_one_is_not(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "new")
    check_sums([path])
    path.write_text("old")
    with pytest.raises(DataError, match="damaged or replaced"):
        check_sums([path])


def test_what_was_not_recorded_passes(tmp_path):
    (tmp_path / "users.npz").write_bytes(b"1")
    write_text(tmp_path / "a.txt", "1")
    (tmp_path / ".a.txt.sha256").write_text("ba78")  # its writer was killed
    (tmp_path / "a.txt").write_text("2")
    check_sums([tmp_path / "users.npz", tmp_path / "a.txt", tmp_path / "missing"])


def test_a_write_that_fails_keeps_the_sum_of_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), atomic(path) as temporary:
        temporary.write_text("new")
        raise RuntimeError
    check_sums([path])
    path.write_text("edited")
    with pytest.raises(DataError, match=r"a\.txt"):
        check_sums([path])


def test_every_stage_refuses_a_damaged_input_before_it_does_anything(tmp_path, capsys):
    report, summary, verdict = (tmp_path / name for name in ("report.json", "summary.json", "verdict.txt"))
    write_json(report, {"all_valid": True, "n_checks": 0, "validations": []})
    write_json(summary, {"jobs": [], "arms": []})
    summary.write_text(summary.read_text().replace("jobs", "jabs"))
    command = ["gate", "--settings", "{}", "--report", str(report), "--summary", str(summary), "--output", str(verdict)]
    assert main(command) == 2
    said = capsys.readouterr()
    assert "summary.json: damaged or replaced" in " ".join(said.err.split())
    assert said.out == "" and not verdict.exists()
