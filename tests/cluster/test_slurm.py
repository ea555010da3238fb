"""The literal cluster command through a real Slurm with a pretended GPU, and what remains after a kill."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from private_slurm import MISSING, QUICK, copy_root, snakemake, start_cluster, stop_cluster

from conftest import TINY
from ptychostudy.io import gpu

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"NOT RUN: no {', '.join(MISSING)} here (make cluster)")

REPORT = "analysis/verification_report.json"
GPU_RULES = {"train_pinn": 1, "train_baseline": 1, "reconstruct": 2, "infer": 4}  # jobs of one dose and one view


@pytest.fixture(scope="module")
def cluster():
    started = start_cluster()
    yield started
    stop_cluster(started.folder)


@pytest.fixture(scope="module")
def root(tmp_path_factory, cluster):
    """Return a copy of the repository with one dose and one view of the tiny study as its own configuration."""
    study = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    study |= {"doses": [100000], "overlap": {"views": {"dense": {"s_img": 1.0}}}}
    study["infer"]["shards"] = 1  # more of them are in test_disturbed.py
    return copy_root(tmp_path_factory.mktemp("cluster"), cluster, study)


@pytest.mark.timeout(120)
def test_cancelled_job_is_reported_and_leaves_a_note(cluster, root):
    run = snakemake(cluster, root, "--retries", "0", "data/base/reference.npz")
    job = cluster.await_running(run)
    cluster.ask("scancel", job)
    output = run.communicate()[0]
    assert run.returncode == 1, output
    assert f"JOB {job} ON cpu1 CANCELLED" in output
    (report,) = root.glob("red/blocked_*.md")
    text = report.read_text()
    assert "snakemake --profile slurm" in text
    assert text.count("- exit code: Slurm says CANCELLED (scancel: continue with the command above)") == 2
    assert f"*** JOB {job} ON cpu1 CANCELLED" in text, "the job's own log is shown"
    cluster.await_empty()


@pytest.mark.timeout(180)
def test_orphans_of_a_killed_snakemake_are_cancelled_by_one_command(cluster, root):
    run = snakemake(cluster, root, "data/base/reference.npz")
    job = cluster.await_running(run)
    clean = [root / "profiles" / "slurm" / "cancel_orphans.sh", root]
    refused = subprocess.run(clean, env=cluster.environment, text=True, capture_output=True, check=False)
    assert refused.returncode == 1
    assert f"process {run.pid}" in refused.stderr

    run.send_signal(signal.SIGKILL)
    run.communicate()
    other = cluster.ask("sbatch", "--parsable", "--chdir=/tmp", "--output=/dev/null", "--wrap=sleep 300")
    assert job in cluster.running()
    subprocess.run(clean, env=cluster.environment, check=True)
    assert not list((root / ".snakemake").glob("locks/*"))
    assert cluster.ask("squeue", "--noheader", "--format=%A") == other, "only this hub's jobs are cancelled"
    cluster.ask("scancel", other)


@pytest.fixture(scope="module")
def study(cluster, root):
    """Run the literal command, but for quick polls; cancel its first job. Return its output and its jobs' records."""
    before = len(cluster.ended())
    run = snakemake(cluster, root, *QUICK, "--", REPORT)
    cluster.ask("scancel", cluster.await_running(run))
    output = run.communicate()[0]
    assert run.returncode == 0, output[-6000:]
    return output, cluster.ended()[before:]


@pytest.mark.timeout(900)
def test_report_is_valid(study, root):
    report = json.loads((root / REPORT).read_text(encoding="utf-8"))
    assert report["all_valid"] is True
    assert report["n_invalid"] == 0
    assert report["n_valid"] + report["n_unchecked"] == report["n_checks"] > 0
    assert report["n_unchecked"] == 1, "one dose has no trend"


def test_every_job_went_through_slurm_and_only_the_cancelled_one_was_repeated(study, root):
    output, jobs = study
    name = re.search(r"SLURM run ID: (\S+)", output)[1]
    assert {job["Name"] for job in jobs} == {name}
    assert {job["WorkDir"] for job in jobs} == {str(root)}
    assert sorted(job["JobState"] for job in jobs) == ["CANCELLED"] + ["COMPLETED"] * (len(jobs) - 1)
    assert set(re.findall(r"localrule (\w+)", output)) <= {"all", "gate"}, "the verdict is read where it was asked for"
    # start (twice), views, simulate, two likelihoods, two cells and the report, beside the jobs with a GPU
    assert len(jobs) == 9 + sum(GPU_RULES.values())


def test_gpu_rules_have_one_gpu_each_and_never_run_two_at_a_time(study):
    times = sorted((job["StartTime"], job["EndTime"]) for job in study[1] if job["Partition"] == "gpu")
    assert len(times) == sum(GPU_RULES.values())
    assert all(end <= start for (_, end), (start, _) in zip(times, times[1:], strict=False))


@pytest.mark.skipif(gpu.loadable("libcuda.so.1"), reason="NOT RUN: there is NVIDIA's driver here")
def test_jobs_that_do_not_use_the_pretended_gpu_say_so_once(study, root):
    made = ("phase_e/**/*.zip.log", "phase_f/**/*.npz.log", "inference/**/shard_*.npz.log")
    logs = [path for pattern in made for path in root.glob(f"logs/data/{pattern}")]
    assert len(logs) == sum(GPU_RULES.values())
    assert {path.read_text().count("WARNING: this job was given a GPU (CUDA_VISIBLE_DEVICES=0)") for path in logs} == {
        1
    }


def test_gpus_of_this_machine_do_not_limit_what_is_submitted(study):
    jobs = sorted(
        (job["StartTime"], job["EndTime"], job["SubmitTime"]) for job in study[1] if job["Partition"] == "gpu"
    )
    assert any(submitted < end for (_, end, _), (_, _, submitted) in zip(jobs, jobs[1:], strict=False))


def test_second_run_has_nothing_to_do(study, cluster, root):
    run = snakemake(cluster, root, "-n", REPORT)
    assert "Nothing to be done" in run.communicate()[0]


def test_a_touched_study_has_nothing_to_do(study, cluster, root):
    for path in (root / "data").rglob("*.npz"):
        path.touch()
    run = snakemake(cluster, root, "-n", REPORT)
    assert "Nothing to be done" in run.communicate()[0]


@pytest.mark.timeout(300)
def test_what_was_deleted_is_missed_and_nothing_else_is_made(study, cluster, root):
    cell = "dose_100000/dense/test"
    (root / "data/inference" / cell / "Untrained.npz").unlink()
    (root / "analysis" / cell / "comparison_metrics.csv").unlink()
    before, ended = (root / REPORT).read_bytes(), len(cluster.ended())
    run = snakemake(cluster, root, *QUICK, "--", REPORT)
    output = run.communicate()[0]
    assert run.returncode == 0, output[-6000:]
    assert len(cluster.ended()) == ended + 2, "the cell and the report"
    assert (root / REPORT).read_bytes() == before


@pytest.mark.timeout(300)
def test_an_unsound_study_ends_with_an_error_and_keeps_its_report(study, cluster, root):
    """Last of these tests: the study stays unsound."""
    path = root / "config" / "config.yaml"
    path.write_text(path.read_text() + "verify: {min_coverage: 1.0, max_shift_px: 0.001}\n")
    run = snakemake(cluster, root, *QUICK, "--", REPORT)
    output = run.communicate()[0]
    assert run.returncode == 1, output[-6000:]
    report = json.loads((root / REPORT).read_text(encoding="utf-8"))
    assert report["all_valid"] is False and report["n_invalid"] == 1, "the dense view covers its hull"
    assert f"1 of {report['n_checks']} checks failed" in output
    assert output.count("localrule gate:") == 1, "it is not asked again"
    notes = [path.read_text() for path in root.glob("red/blocked_*.md")]
    assert any("\n## gate\n" in note for note in notes)


@pytest.mark.timeout(120)
def test_nothing_is_left_behind():
    def etc():
        return sorted(map(str, Path("/etc/slurm").rglob("*")))

    before, cluster = etc(), start_cluster()
    job = cluster.ask("sbatch", "--parsable", f"--chdir={cluster.folder}", "--output=/dev/null", "--wrap=sleep 300")
    while job not in cluster.running():
        time.sleep(0.1)
    assert len(cluster.processes()) >= 4, "two slurmd, slurmctld, munged"
    stop_cluster(cluster.folder)
    assert cluster.processes() == []
    assert not cluster.folder.exists()
    assert etc() == before
