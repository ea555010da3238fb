"""The workflow as a module of another: its folder, its package, and the shell of both."""

import subprocess
from pathlib import Path

import pytest

from ptychostudy import provenance
from ptychostudy.runs import embedded
from ptychostudy.runs.preflight import PreflightError


def test_the_hub_is_where_all_folders_of_the_study_lie():
    assert embedded.hub(lambda path: path) == "."
    assert embedded.hub(lambda path: f"studies/one/{path}") == "studies/one/"
    with pytest.raises(PreflightError, match="needed: all in one folder"):
        embedded.hub(lambda path: path.replace("analysis/", "elsewhere/analysis/"))
    with pytest.raises(PreflightError, match="elsewhere/"):
        embedded.hub(lambda path: path.replace("analysis/", "elsewhere/"))


def test_the_package_is_that_beside_the_snakefile_or_a_link_to_an_installed_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert embedded.package_folder(str(provenance.ROOT)) == provenance.ROOT
    for _ in range(2):
        folder = embedded.package_folder("https://raw.githubusercontent.com/someone/ptychostudy/main")
        assert folder.is_absolute() and [path.name for path in folder.iterdir()] == ["ptychostudy"]
        assert (folder / "ptychostudy").samefile(provenance.ROOT / "ptychostudy")
    # Another installation since: the link follows.
    link = folder / "ptychostudy"
    link.unlink()
    link.symlink_to(tmp_path / "gone")
    embedded.package_folder("https://elsewhere")
    assert link.samefile(provenance.ROOT / "ptychostudy")
    (tmp_path / "copy" / "ptychostudy").mkdir(parents=True)
    with pytest.raises(PreflightError, match="from one copy of ptychostudy"):
        embedded.package_folder(str(tmp_path / "copy"))


def test_the_other_s_shell_keeps_its_prefix_and_its_path(tmp_path):
    folder = Path(f"{tmp_path}/with space")
    # Snakemake formats it once, when it is set.
    shown = embedded.shell_prefix("export A='{x}'; ", folder).format()
    # Set again for another module, it stays what it is.
    assert embedded.shell_prefix(shown, folder).format() == shown
    for path in ("", "/own"):
        command = f'{shown}printf "%s %s" "$A" "$PYTHONPATH"; trap -p TERM'
        environment = {"PYTHONPATH": path} if path else {}
        done = subprocess.run(["bash", "-euc", command], env=environment, capture_output=True, text=True, check=True)
        assert done.stdout == f"{{x}} {path + ':' if path else ''}{folder}"
