"""Frames per second: known times, what a canvas starts from counted, what did not run left out."""

import json

import pytest

from ptychostudy.report.speed import Speed, make_cell, overall, rate_text, speed_text
from ptychostudy.stages import inventory, speed

STATUS = {"dose": 1000, "view": "dense", "split": "test"}
LIKELIHOOD = {"frames": 120, "seconds": {"PhysicsOnly": 4.0, "TV": 6.0}}


def record(seconds, of_canvas=False):
    return {"frames": 120, "seconds": seconds, "of_canvas": of_canvas}


def cell(pinn):
    networks = {"PtychoPINN": pinn, "Baseline": record(2.0, of_canvas=True)}
    return make_cell(STATUS, networks, LIKELIHOOD, {"wall_time_s": 30.0})


def test_known_rates():
    rates = {arm: speeds["frames_per_second"] for arm, speeds in cell(record(2.0))["arms"].items()}
    # A canvas network needs the smooth canvas first: 2 + 6 seconds.
    assert rates == {"PtychoPINN": 60.0, "Baseline": 15.0, "PtyChi": 4.0, "TV": 20.0, "PhysicsOnly": 30.0}


@pytest.mark.parametrize("of_canvas", [False, True])
def test_what_did_not_run_has_no_rate(of_canvas):
    found = cell(record(None, of_canvas))
    assert found["arms"]["PtychoPINN"] == {"seconds": None, "frames_per_second": None}
    assert "N/A" in speed_text([found])


@pytest.mark.parametrize(("rate", "text"), [(0.1234, "0.12"), (12.34, "12"), (4567.0, "4600"), (234567.0, "2.3e+05")])
def test_two_digits(rate, text):
    assert rate_text({"frames_per_second": rate}) == text


def test_over_cells_frames_and_seconds_add_up():
    """No mean of rates; an arm that ran in one cell only counts that one, and one that never ran is left out."""
    first, other = cell(record(2.0)), {**cell(record(None)), "frames": 30}
    found = overall([first, other], {"PtychoPINN": 50.0})
    assert [one.arm for one in found] == ["PtychoPINN", "TV", "Baseline", "PtyChi"]
    assert found[0] == Speed("PtychoPINN", 2.0, 60.0, 50.0)
    assert found[1] == Speed("TV", 6.0, 150 / 12, None)
    assert [one.arm for one in overall([other], {})] == ["TV", "Baseline", "PtyChi"]


def test_the_stage_names_each_cell_by_its_status(tmp_path):
    names = ("status", "pinn", "baseline", "likelihood", "iterative")
    inputs = {name: [] for name in names}
    for number, split in enumerate(("train", "test"), start=1):
        contents = (
            {**STATUS, "split": split},
            record(1.0 * number),
            record(2.0 * number),
            LIKELIHOOD,
            {"wall_time_s": 3.0 * number},
        )
        for name, content in zip(names, contents, strict=True):
            path = tmp_path / f"{name}{number}.json"
            path.write_text(json.dumps(content))
            inputs[name].append(path)
    speed.run(**inputs, record=tmp_path / "speed.json", text=tmp_path / "speed.md")
    train, test = json.loads((tmp_path / "speed.json").read_text())["jobs"]
    assert (train["split"], train["arms"]["PtychoPINN"]["frames_per_second"]) == ("train", 120.0)
    assert (test["split"], test["arms"]["PtyChi"]["frames_per_second"]) == ("test", 20.0)


def test_times_are_listed_without_sums_in_every_seed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = ("dose_1000/dense/test", "dose_1000/sparse/train")
    timed = [f"data/inference/{cells[0]}/Baseline_speed.json", f"seeds/seed_3/data/phase_f/{cells[1]}/manifest.json"]
    fixed = [f"data/inference/{cells[0]}/Baseline.npz", "data/phase_c/manifest.json"]
    for name in timed + fixed:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    inventory.run(files=files, text=tmp_path / "list.txt", record=tmp_path / "list.json")
    entries = json.loads((tmp_path / "list.json").read_text())["files"]
    assert {name for name, entry in entries.items() if "sha256" not in entry} == set(timed)


def with_hybrid(start, pinn=2.0):
    networks = {"PtychoPINN": record(pinn), "Baseline": record(2.0, of_canvas=True)}
    hybrid = {"start": {"arm": start}, "wall_time_s": 28.0}
    return make_cell(STATUS, networks, LIKELIHOOD, {"wall_time_s": 30.0}, hybrid)


@pytest.mark.parametrize(("start", "seconds"), [("PtychoPINN", 30.0), ("Baseline", 36.0)])
def test_hybrid_takes_its_network_with_the_physics_and_the_solver(start, seconds):
    found = with_hybrid(start)
    assert found["arms"].pop("Hybrid") == {"seconds": seconds, "frames_per_second": 120 / seconds}
    assert found == cell(record(2.0))


def test_hybrid_stands_behind_our_arms_and_is_defined_where_it_is():
    found, without = with_hybrid("PtychoPINN"), cell(record(2.0))
    assert "| PtyChi | TV | Hybrid | PhysicsOnly |" in speed_text([found])
    assert "Hybrid: the network that it starts from" in speed_text([found])
    assert "Hybrid" not in speed_text([without])
    assert Speed("Hybrid", 30.0, 4.0, None) in overall([found], {})


def test_a_third_network_stands_behind_our_arms():
    networks = {"PtychoPINN": record(2.0), "Baseline": record(2.0, of_canvas=True), "FeedForward": record(0.5)}
    found = make_cell(STATUS, networks, LIKELIHOOD, {"wall_time_s": 30.0})
    assert "| PtyChi | TV | FeedForward | PhysicsOnly |" in speed_text([found])
    assert Speed("FeedForward", 0.5, 240.0, 7.0) in overall([found], {"FeedForward": 7.0})


def test_of_a_network_that_did_not_run_hybrid_has_no_rate():
    assert with_hybrid("PtychoPINN", None)["arms"]["Hybrid"] == {"seconds": None, "frames_per_second": None}
