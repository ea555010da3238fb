"""What a run says last: usable doses of known scores, and no more lines than a person reads."""

import pytest
from test_usable import LIMITS, TABLE, scores

from ptychostudy.io.records import write_json
from ptychostudy.report.closing_answer import speed_span, usable_lines
from ptychostudy.report.speed import make_cell
from ptychostudy.stages import gate
from ptychostudy.study.sections.page import PageSettings
from studies import made_study


def test_the_lowest_usable_dose_of_each_arm_and_view_is_said():
    first, dense, sparse, *criterion = usable_lines(scores(TABLE), LIMITS, 1000)
    assert first == "Lowest usable dose, photons per frame:"
    poor = ", ".join(f"{arm} none up to 10 000" for arm in ("Baseline", "PtyChi", "TV"))
    assert dense == f"  dense: PtychoPINN 1 000, {poor}"
    # A low dose that is good beneath one that is not is luck.
    assert sparse == f"  sparse: PtychoPINN 10 000, {poor}"
    (said,) = criterion
    assert "rms phase error ≤ 0.21 rad (page.max_phase_rms_rad)" in said and "FRC50 ≥ 0.5 of Nyquist" in said


def test_below_the_lowest_that_was_studied_nothing_is_known():
    lines = usable_lines(scores(dict.fromkeys(TABLE, 0.9)), LIMITS, 1000)
    assert lines[1].startswith("  dense: PtychoPINN ≤ 100, Baseline none")


def test_an_interval_across_a_limit_is_said():
    def change(seed, *place):
        return {"scores": {"PtychoPINN": 0.8 + 0.02 * (seed - 1)}}

    study = made_study(doses=(1000,), seeds=(0, 1, 2), change=change)
    line = usable_lines(study, LIMITS, 1000)[1]
    assert "PtychoPINN ≤ 1 000 (its interval reaches across a limit), Baseline none" in line


def timed(dose, seconds, split="test"):
    record = {"frames": 120, "seconds": seconds, "of_canvas": False}
    networks = {"PtychoPINN": record, "Baseline": {**record, "seconds": None}}
    likelihood = {"frames": 120, "seconds": {"PhysicsOnly": 4.0, "TV": 6.0}}
    place = {"dose": dose, "view": "dense", "split": split}
    return make_cell(place, networks, likelihood, {"wall_time_s": 30.0})


def test_speeds_are_spans_and_what_never_ran_has_none():
    cells = [timed(1000, 2.0), timed(100000, 3.0), timed(1000, 1.0, split="train")]
    assert speed_span(cells, 1000) == [
        "Frames per second: PtychoPINN 40 to 60, PtyChi 4, TV 20, PhysicsOnly 30.",
    ]
    assert speed_span([], 1000) == []


def answer(tmp_path, study, validations):
    write_json(tmp_path / "metrics_summary.json", study)
    write_json(tmp_path / "speed.json", {"jobs": [timed(1000, 2.0), timed(100000, 3.0)]})
    valid = all(check["valid"] for check in validations)
    write_json(tmp_path / "r.json", {"all_valid": valid, "n_checks": len(validations), "validations": validations})
    paths = {"report": tmp_path / "r.json", "summary": tmp_path / "metrics_summary.json"}
    gate.run(PageSettings(), **paths, speed=tmp_path / "speed.json")


def test_the_answer_of_a_quick_study_scrolls_half_a_screen_at_most(tmp_path, capsys, monkeypatch):
    """Verdict last, page above it; 45 lines for two doses and two views on a terminal of 100 columns."""
    monkeypatch.setenv("COLUMNS", "100")
    answer(tmp_path, made_study(), [{"path": "p", "description": "d", "valid": True}])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 45 and max(len(line) for line in lines if "/" not in line) <= 100
    text = "\n".join(lines)
    assert lines[-1] == "The run is sound: all 1 checks valid" and "summary.html: all of it on one page" in text
    # Four arms in four cells, each control once.
    counts = {name: sum(line.startswith(f"{name} ") for line in lines) for name in ("PtychoPINN", "TV", "Flat")}
    assert counts == {"PtychoPINN": 4, "TV": 4, "Flat": 1}
    assert "Better than a flat object: every arm in every cell." in text


def test_what_went_wrong_is_not_shortened(tmp_path, capsys):
    def change(seed, dose, view, split):
        return {"failed": ["Baseline"]} if (dose, view) == (1000, "dense") else {"scores": {"PtyChi": -0.2}}

    failed = {"path": "p", "description": "d", "valid": False, "error": "e", "advice": "look at p"}
    with pytest.raises(ValueError, match=r"not sound: 1 of 1 checks failed: d \(p\): e"):
        answer(tmp_path, made_study(change=change), [failed])
    text = " ".join(capsys.readouterr().out.split())
    assert "Baseline in 3 of 4 cases (1 failed)" in text and "What to do: d: look at p" in text
    assert "PtyChi, 1 000 photons, sparse, test: no better than a flat object" in text
