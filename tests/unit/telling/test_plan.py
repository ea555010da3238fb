"""Plan and explain: Snakemake's words made plain, and times worked out, on jobs whose answer is known."""

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from ptychostudy import provenance
from ptychostudy.runs import code_record, snakemake_log
from ptychostudy.telling import course, dry_run, explain, plan, reasons, records
from ptychostudy.telling.dry_run import Job, makers_of
from ptychostudy.telling.reasons import Reason

ROOT = Path(__file__).resolve().parents[3]


def job(rule, outputs, inputs=(), reason="", *, threads=1, memory_mb=1000):
    return Job(rule, tuple(inputs), tuple(outputs), reason, f"benchmarks/{outputs[0]}.tsv", threads, memory_mb)


PARAMS = "Params have changed since last execution: Union of exclusive params before and now across all output: "


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Missing output files: b.npz, a.npz", [Reason(reasons.MISSING, ("a.npz", "b.npz"))]),
        ("Updated input files: a.npz", [Reason(reasons.NEWER, ("a.npz",))]),
        ("Incomplete output files: a.npz", [Reason(reasons.HALF, ("a.npz",))]),
        ("Input files updated by another job: a.npz", [Reason(reasons.FOLLOWS, ("a.npz",))]),
        ("Set of input files has changed since last execution", [Reason(reasons.INPUTS)]),
        ("Code has changed since last execution", [Reason(reasons.RULE)]),
        ("Forced execution", [Reason(reasons.FORCED)]),
        (
            PARAMS
            + """before: '{"a": 1.0, "b": {"c": [1, 2], "d": null}}' now: '{"a": 1.5, "b": {"c": [1], "d": null}}' """,
            [Reason(reasons.KEY, ("a 1.0 -> 1.5", "b.c [1, 2] -> [1]"))],
        ),
        (
            PARAMS
            + """before: '{"a": "x; y"}' now: '{"a": "x; y", "e": true}' ; Software environment definition has """
            "changed since last execution",
            [Reason(reasons.KEY, ("e absent -> true",)), Reason(reasons.ENVIRONMENT)],
        ),
        (PARAMS + "before: 'one' now: <nothing exclusive> ", [Reason(reasons.KEY, ("one -> absent",))]),
        (
            "Missing output files: a; "
            + PARAMS
            + """before: '0123456789abcdef','{"k": 1}' now: '{"k": 2}','f123456789abcdef' """,
            [Reason(reasons.KEY, ("k 1 -> 2",)), Reason(reasons.CODE), Reason(reasons.MISSING, ("a",))],
        ),
    ],
)
def test_a_reason_is_told_in_plain_words(tmp_path, text, expected):
    assert reasons.reasons_of(job("compare", ["a"], reason=text), tmp_path) == expected


def test_the_module_is_named_where_a_run_noted_what_it_was(tmp_path):
    (tmp_path / ".snakemake").mkdir()
    code_record.note({"0123456789abcdef": ["ptychostudy.stages.compare"]}, tmp_path)
    path = tmp_path / code_record.RECORD
    known = json.loads(path.read_text())
    known["0123456789abcdef"]["ptychostudy/measure/ssim.py"] = "another"
    known["0123456789abcdef"].pop("ptychostudy/measure/frc.py")
    path.write_text(json.dumps(known))
    text = PARAMS + "before: '0123456789abcdef' now: 'f123456789abcdef' "
    (reason,) = reasons.reasons_of(job("seed_1_compare", ["a"], reason=text), tmp_path)
    assert reason == Reason(reasons.CODE, ("ptychostudy.measure.frc", "ptychostudy.measure.ssim"))
    assert code_record.changed("unknown", "f123456789abcdef", "compare", tmp_path) is None


def test_the_note_does_not_grow_for_ever(tmp_path, monkeypatch):
    (tmp_path / ".snakemake").mkdir()
    monkeypatch.setattr(code_record, "_KEPT", 2)
    for digest in ("a", "b", "c"):
        code_record.note({digest: ["ptychostudy.study.names"]}, tmp_path)
    assert list(code_record.read(tmp_path)) == ["b", "c"]
    # A hub that cannot be written has no note, and no run fails for it.
    code_record.note({"d": ["ptychostudy.study.names"]}, tmp_path / "nowhere")


def test_files_digests_are_those_of_the_modules_that_count():
    digests = provenance.file_digests("ptychostudy.stages.truth")
    closure = provenance.import_closure("ptychostudy.stages.truth")
    assert set(digests) == {path.relative_to(provenance.ROOT).as_posix() for path in closure}
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in digests.values())


CHAIN = [
    job("base", ["b"], reason="Updated input files: scan.h5"),
    job("simulate", ["s"], ["b"], "Missing output files: s; Input files updated by another job: b"),
    job("compare", ["c"], ["s"], "Input files updated by another job: s"),
    job("alone", ["x"], reason="Forced execution"),
]


def test_the_last_reason_lies_before_those_that_follow(tmp_path):
    found = reasons.roots(CHAIN[2], makers_of(CHAIN), tmp_path)
    assert [(cause.rule, reason) for cause, reason in found] == [("base", Reason(reasons.NEWER, ("scan.h5",)))]
    alone = [job("simulate", ["s"], ["b"], "Missing output files: s"), CHAIN[2]]
    found = reasons.roots(CHAIN[2], makers_of(alone), tmp_path)
    assert [(cause.rule, reason.kind) for cause, reason in found] == [("simulate", reasons.MISSING)]


@pytest.mark.parametrize(("cores", "expected"), [(1, 10.0), (2, 7.0), (8, 7.0)])
def test_jobs_wait_for_inputs_and_cores(cores, expected):
    """A chain of 1 + 2 + 4 beside one of 3."""
    assert course.elapsed(CHAIN, [1.0, 2.0, 4.0, 3.0], cores) == expected


def test_jobs_of_many_threads_leave_no_core_to_others():
    wide = [job("a", ["a"], threads=2), job("b", ["b"], threads=8), job("c", ["c"])]
    assert course.elapsed(wide, [1.0, 1.0, 1.0], 2) == 3.0


def test_jobs_with_a_gpu_wait_for_one():
    trained = [replace(job("train", [f"{k}"]), gpus=1) for k in range(3)]
    assert course.elapsed([*trained, job("a", ["a"])], [5.0, 5.0, 5.0, 7.0], cores=8, gpus=1) == 15.0
    assert course.elapsed(trained, [5.0, 5.0, 5.0], cores=8) == 5.0


def note(hub, name, rule, seconds):
    folder = hub / ".snakemake" / "metadata"
    folder.mkdir(parents=True, exist_ok=True)
    record = {"rule": rule, "starttime": 100.0, "endtime": 100.0 + seconds, "input": ["i"], "log": ["l"]}
    record |= {"params": ["'0123456789abcdef'"], "shellcmd": "x --settings '{\"k\": 1}' 2>&1 | tee l"}
    (folder / base64.urlsafe_b64encode(name.encode()).decode()).write_text(json.dumps(record))


def test_times_are_of_the_same_job_or_of_its_rule_or_not_known(tmp_path):
    note(tmp_path, "c", "compare", 4.0)
    note(tmp_path, "seeds/seed_1/c", "seed_1_compare", 6.0)
    timed = tmp_path / "seeds" / "seed_2" / "benchmarks"
    timed.mkdir(parents=True)
    (timed / "t.tsv").write_text("s\tmax_rss\n9.5\t100\n")
    jobs = [job("compare", ["c"]), job("seed_3_compare", ["d"]), job("train_pinn", ["t"]), job("stitch", ["q"])]
    jobs[2] = Job("train_pinn", (), ("t",), "", "seeds/seed_2/benchmarks/t.tsv", 1, 1)
    assert course.seconds(jobs, records.records(tmp_path), tmp_path) == [4.0, 5.0, 9.5, None]


def test_a_long_name_is_read_from_its_folders(tmp_path):
    name = "data/" + "x" * 300
    encoded = base64.urlsafe_b64encode(name.encode()).decode()
    folder = tmp_path / ".snakemake" / "metadata" / f"@{encoded[:254]}"
    folder.mkdir(parents=True)
    (folder / encoded[254:]).write_text(json.dumps({"rule": "compare"}))
    assert records.record_of(tmp_path, name) == {"rule": "compare"}


DRY = """Building DAG of jobs...
[Sun Nov 29 05:49:50 2026]
rule compare:
    input: a.npz, b.npz
    output: c.npz, d.csv
    log: logs/c.log
    jobid: 23
    benchmark: benchmarks/c.tsv
    reason: Updated input files: a.npz
    threads: 2
    resources: tmpdir=/tmp, runtime=22, mem_mb=2272, mem=2.27 GB, mem_mib=2167
[Sun Nov 29 05:49:50 2026]
rule all:
    input: c.npz
    jobid: 0
    reason: Input files updated by another job: c.npz
    resources: tmpdir=/tmp
"""


def test_a_job_of_a_dry_run_is_taken_apart():
    jobs = [dry_run._job(rule, values) for rule, values in snakemake_log.planned(DRY)]
    assert jobs[0] == Job(
        "compare", ("a.npz", "b.npz"), ("c.npz", "d.csv"), "Updated input files: a.npz", "benchmarks/c.tsv", 2, 2272
    )
    assert jobs[1].outputs == ()


def test_a_plan_says_what_why_and_how_long(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(plan, "dry_run", lambda *_: CHAIN)
    monkeypatch.setenv("COLUMNS", "80")
    for one in CHAIN:
        note(tmp_path, one.outputs[0], one.rule, 60.0)
        (tmp_path / one.outputs[0]).write_bytes(b"0" * 500_000)
    plan.run(hub=tmp_path, cores=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "4 jobs of 4 rules would run, about 4 min on 1 cores"
    assert "1.0 GB a job" in lines[1] and "2 MB to write" in lines[1]
    assert [line for line in lines if line.startswith("base ")][0].endswith("input newer: scan.h5")
    assert [line for line in lines if line.startswith("compare ")][0].endswith("follows: simulate")
    assert max(map(len, lines)) <= 80 and len(lines) <= 30
    plan.run(hub=tmp_path, cores=1, json=True)
    record = json.loads(capsys.readouterr().out)
    assert record["seconds"] == 240.0 and record["rules"][0]["why"] == {"input newer": ["scan.h5"]}


def test_an_empty_hub_has_no_made_up_times(monkeypatch, tmp_path, capsys):
    """Of a file that is not there, and of a part of a study, nobody knows what is in it."""
    monkeypatch.setattr(plan, "dry_run", lambda *_: [job("base", ["b"], reason="Missing output files: b")])
    plan.run(["b"], hub=tmp_path)
    text = capsys.readouterr().out
    assert "how long is not known" in text and "not made yet" in text
    (tmp_path / "study.yaml").write_text("base: {kind: npz, frames: measured, npz: {path: scan.npz}}\n")
    plan.run(hub=tmp_path)
    assert "how long is not known" in capsys.readouterr().out
    monkeypatch.setattr(plan, "dry_run", lambda *_: [])
    plan.run(hub=tmp_path)
    assert capsys.readouterr().out.startswith("Nothing would run")


def test_a_simulated_study_that_has_not_run_is_told_by_its_size(monkeypatch, tmp_path, capsys):
    """The quick study took 393 s on two cores of 2026, measured; three seeds of it take three times as long."""
    quick, seconds = ROOT / "config" / "config.yaml", 393
    monkeypatch.setattr(plan, "dry_run", lambda *_: [job("base", ["b"], reason="Missing output files: b")])
    plan.run(hub=tmp_path, configfile=quick, cores=2, json=True)
    record = json.loads(capsys.readouterr().out)
    assert record["by"] == "the size of the scan" and seconds / 2 < record["seconds"] < 2 * seconds
    plan.run(hub=tmp_path, configfile=quick, cores=2)
    assert "on 2 cores, by the size of the scan: none has run here" in capsys.readouterr().out
    (tmp_path / "study.yaml").write_text("seeds: [0, 1, 2]\n")
    plan.run(hub=tmp_path, cores=2, json=True)
    assert json.loads(capsys.readouterr().out)["seconds"] == pytest.approx(3 * record["seconds"])
    # The published scan has its size before it is fetched.
    plan.run(hub=tmp_path, configfile=ROOT / "config" / "experiment.yaml", cores=2)
    assert "on 2 cores, by the size of the scan: none has run here" in capsys.readouterr().out


def test_a_file_is_explained_by_its_record_and_the_dry_run(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(explain, "dry_run", lambda *_: CHAIN)
    note(tmp_path, "c", "compare", 4.0)
    (tmp_path / "c").write_text("")
    explain.run(["c"], hub=tmp_path, json=True)
    (told,) = json.loads(capsys.readouterr().out)["files"]
    assert told["state"] == "out of date"
    assert told["why"] == [{"rule": "base", "file": "b", "kind": "input newer", "what": ["scan.h5"]}]
    made = told["made"]
    assert (made["rule"], made["inputs"], made["settings"], made["code"], made["seconds"]) == (
        "compare",
        ["i"],
        '{"k": 1}',
        "0123456789abcdef",
        4.0,
    )
    explain.run(["c"], hub=tmp_path)
    assert "because   input newer: scan.h5 (rule base, b)" in capsys.readouterr().out


def test_a_file_of_no_rule_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(explain, "dry_run", lambda *_: [])
    explain.run(["scan.h5"], hub=tmp_path)
    assert "made by no rule" in capsys.readouterr().out
