"""Stage archive: a study moves aside whole; what the user put beside it stays."""

import re
from pathlib import Path

import pytest

from ptychostudy.io.atomic import DataError
from ptychostudy.runs import archive
from ptychostudy.study.layout import FOLDERS

RULES = Path(__file__).resolve().parents[2] / "rules"

WRITTEN = (
    "data/base/base.npz",
    "data/phase_c/dose_1000/patched_test.npz",
    "data/phase_d/dense/dense_test.npz",
    "data/phase_e/dose_1000/dense/gs2/wts.h5.zip",
    "data/phase_f/dose_1000/dense/test/manifest.json",
    "data/inference/dose_1000/dense/test/PtyChi.npz",
    "data/foreign/dose_1000/dense/test/Theirs.npz",
    "analysis/verification_report.json",
    "logs/analysis/x.log",
    "benchmarks/analysis/x.tsv",
    "red/blocked_20260101T000000Z.md",
    "products/dose_1000/dense/test/PtyChi.h5",
    "seeds/seed_1/analysis/dose_1000/dense/test/status.json",
)


def fill(hub, names):
    for name in names:
        (hub / name).parent.mkdir(parents=True, exist_ok=True)
        (hub / name).write_text(name)


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def written_by_rules():
    """Return every path that stands under `output`, `log` or `benchmark` of a rule."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.smk")))
    sections = re.findall(r"^    (?:output|log|benchmark):\n((?: {8}.*\n)+)", text, re.MULTILINE)
    return [path for section in sections for path in re.findall(r'"([^"\n]*/[^"\n]*)"', section) if path[0] != "."]


def test_every_folder_that_a_rule_writes_moves():
    paths = written_by_rules()
    assert len(paths) > 80
    assert [path for path in paths if not path.startswith(tuple(f"{folder}/" for folder in FOLDERS))] == []


def test_what_is_written_here_has_every_folder():
    assert [folder for folder in FOLDERS if not any(name.startswith(f"{folder}/") for name in WRITTEN)] == []


def test_everything_a_study_writes_moves(tmp_path, capsys):
    fill(tmp_path, WRITTEN)
    archive.run(hub=tmp_path)
    (target,) = (tmp_path / "archive").iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z", target.name)
    assert files(target) == sorted(WRITTEN)
    assert all((target / name).read_text() == name for name in WRITTEN)
    assert files(tmp_path) == sorted(f"archive/{target.name}/{name}" for name in WRITTEN)
    assert str(target) in capsys.readouterr().out


def test_the_users_own_files_stay(tmp_path, capsys):
    own = ("data/my_scan.npz", "data/beamtime/scan_7.h5", "data/phase_study/notes.txt", "config.yaml", "notes/a.md")
    fill(tmp_path, WRITTEN + own)
    archive.run(hub=tmp_path)
    assert all((tmp_path / name).read_text() == name for name in own)
    (target,) = (tmp_path / "archive").iterdir()
    assert files(target) == sorted(WRITTEN)
    assert f"kept {tmp_path}/data/beamtime" in capsys.readouterr().out


def test_only_own_files_is_nothing_to_archive(tmp_path):
    fill(tmp_path, ["data/my_scan.npz"])
    with pytest.raises(DataError, match="nothing to archive"):
        archive.run(hub=tmp_path)
    assert files(tmp_path) == ["data/my_scan.npz"]


def test_twice_in_a_row_says_that_nothing_is_left(tmp_path):
    fill(tmp_path, WRITTEN)
    archive.run(hub=tmp_path)
    with pytest.raises(DataError, match="nothing to archive"):
        archive.run(hub=tmp_path)
    assert len(files(tmp_path)) == len(WRITTEN)
