"""A machine that lacks what a Slurm run needs, and settings that name nothing: one line, before anything is done."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, TINY

TOOLS = Path(sys.executable).parent


@pytest.fixture
def bare(tmp_path):
    """A PATH with Python, Snakemake and what `make environment` puts beside them, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    (folder / "snakemake").symlink_to(TOOLS / "snakemake")
    (folder / "which").symlink_to(ROOT / "envs" / "which")
    return folder


def snakemake(tmp_path, path, *arguments):
    """Run Snakemake at the root of the repository in a hub of its own."""
    return subprocess.run(
        [TOOLS / "snakemake", "--directory", tmp_path / "hub", "--configfile", TINY, *arguments],
        cwd=ROOT,
        env={"PATH": str(path), "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )


def test_without_slurm_the_literal_command_says_so_in_one_line(tmp_path, bare):
    done = snakemake(tmp_path, bare, "--profile", "slurm", "analysis/verification_report.json")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("ptychostudy: ")]
    assert done.stdout.rstrip().endswith(line), "nothing follows"
    for name in ("sbatch", "squeue", "scancel", "sinfo", "scontrol", "sacct"):
        assert f"{name} (" in line
    assert "Traceback" not in done.stdout and not list((tmp_path / "hub").glob("red/*"))


def test_what_runs_nothing_needs_neither_slurm_nor_which(tmp_path, bare):
    done = snakemake(tmp_path, bare, "--profile", "slurm", "-n", "data/base/base.npz")
    assert done.returncode == 0 and "rule base:" in done.stdout, done.stdout
    assert snakemake(tmp_path, bare, "-n", "data/base/base.npz").returncode == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("set-resources:\n  recontruct:\n    mem_mb: 9000\n", "'recontruct', .* did you mean reconstruct"),
        ("groups:\n  stich: cell\n", "'stich', .* did you mean stitch"),
        ("set-scatter:\n  shard: 2\n", "'shard', .* did you mean shards"),
    ],
)
def test_a_profile_that_names_nothing_is_refused(tmp_path, bare, setting, said):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text(setting)
    done = snakemake(tmp_path, bare, "--profile", tmp_path / "mine", "-n", "data/base/base.npz")
    assert done.returncode == 1, done.stdout
    assert re.search(f"^ptychostudy: {setting.split(':')[0]} names the .*{said}[?]$", done.stdout, re.MULTILINE), (
        done.stdout
    )


def test_a_rule_that_this_study_has_not_is_no_mistake(tmp_path, bare):
    """`fetch` is of another kind of base, the further seeds of another list of seeds."""
    settings = ("--set-resources", "fetch:mem_mb=3000", "seed_9_infer:mem_mb=9000", "--set-threads", "seed_2_compare=1")
    done = snakemake(tmp_path, bare, "-n", *settings, "--", "data/base/base.npz")
    assert done.returncode == 0, done.stdout
