"""Every study that ships is whole: its configuration is valid and its jobs follow from it."""

import pytest

from conftest import ROOT, copy_workflow
from ptychostudy.physics.draws import generator
from ptychostudy.physics.scans import make_scan
from ptychostudy.sampling.split import split_scan
from ptychostudy.study.settings import read_study

STUDIES = {
    "scaled": (["scaled.yaml"], {"train_pinn": 6, "train_baseline": 3, "reconstruct": 12}),
    "full": (["full.yaml"], {"train_pinn": 6, "seed_4_train_pinn": 6, "reconstruct": 12, "seed_1_compare": 12}),
    "lines": (["lines.yaml"], {"train_pinn": 1, "train_baseline": 1, "reconstruct": 2}),
    "lines, ideal": (["lines.yaml", "lines_ideal.yaml", "lines_cpu.yaml"], {"train_pinn": 1}),
}


@pytest.mark.parametrize("name", STUDIES)
def test_jobs_of_a_study(tmp_path, name):
    files, wanted = STUDIES[name]
    workflow = copy_workflow(tmp_path / "copy", ROOT / "config" / files[0])
    more = [str(workflow.source / "config" / file) for file in files[1:]]
    jobs = workflow.jobs(*(["--configfile", str(workflow.config), *more] if more else []))
    assert {rule: jobs.get(rule) for rule in wanted} == wanted
    assert jobs["gate"] == 1


def test_full_has_the_frames_of_its_ancestor():
    study = read_study(ROOT / "config" / "full.yaml")
    scan, (rows, columns), n = study.base.scan, study.base.object.shape_px, study.base.frame_px
    high = (rows - n / 2 - 1, columns - n / 2 - 1)
    rng = generator(study.base.seed, "scan")
    positions = make_scan(scan.kind, (n / 2, n / 2), high, scan.step_px, rng, jitter_px=scan.jitter_px)
    parts = split_scan(positions, study.base.probe.diameter_px, **study.split.model_dump())
    assert (rows, columns, n, len(positions)) == (464, 464, 128, 10304)
    assert {name: len(frames) for name, frames in parts.items()} == {"train": 5088, "test": 5216}
    assert (study.dose_list, study.seeds) == ([1000, 10000, 100000], [0, 1, 2, 3, 4])
