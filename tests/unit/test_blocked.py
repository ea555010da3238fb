"""What a failed run says of itself, from real logs of Snakemake 9.27.1 in snakemake_logs/.

`failed.log` and `quiet.log` are one workflow with and without ``--quiet rules host``: four jobs of a rule with two
wildcards, of which one is killed, two end with status 1 and one is done, and a rule that does not make its output.
`retried.log`: two jobs with one retry; a is done the second time, b fails twice, first with status 3, then with 4.
"""

import fcntl
from pathlib import Path

import pytest

from ptychostudy.runs import blocked
from ptychostudy.runs.blockers import open_entries
from ptychostudy.runs.failures import Failure, files_of, identify, parse_failures

LOGS = Path(__file__).parent / "snakemake_logs"
RULES = """rule early:
    output:
        x="data/{name}.npz",
    log:
        "logs/data/{name}.npz.log",


rule make:
    output:
        x="data/dose_{dose}/{view}/x.npz",
    log:
        "logs/data/dose_{dose}/{view}/x.npz.log",


rule overlap:
    output:
        x="data/{view}/{view}_{split}.npz",
    log:
        "logs/data/{view}/{view}_{split}.npz.log",
"""
KILLED = {"dose": "1000", "view": "sparse"}
FAILED = {"dose": "10", "view": "dense"}


def parsed(name):
    return parse_failures((LOGS / name).read_text())


def test_every_failed_job_is_found_once_and_no_other():
    found = parsed("failed.log")
    assert [failure.job for failure in found] == [
        "make dose=1000 view=sparse",
        "make dose=10 view=dense",
        "late",
        "make dose=10 view=sparse",
    ]
    assert [failure.exit_code for failure in found] == ["killed by SIGKILL", "1", "0, but outputs are missing", "1"]


def test_a_failed_job_is_described_whole():
    found = parsed("failed.log")[1]
    assert found.rule == "make"
    assert found.wildcards == FAILED
    assert found.logs == ("logs/data/dose_10/dense/x.npz.log",)
    assert found.outputs == ("data/dose_10/dense/x.npz",)
    assert found.source == "/tmp/toy/rules/make.smk"
    assert found.command.splitlines() == [
        """python -c 'import sys; print("made " + sys.argv[1]); sys.exit(sys.argv[1] == "10")' 10 """
        "--output data/dose_10/dense/x.npz 2>&1 | tee logs/data/dose_10/dense/x.npz.log",
        "test dense = dense || kill -9 $$",
        "touch data/dose_10/dense/x.npz",
    ]


def test_an_output_that_was_never_made():
    found = parsed("failed.log")[2]
    assert (found.rule, found.logs, found.outputs) == ("late", ("logs/data/late.txt.log",), ("data/late.txt",))


def test_a_quiet_log_still_has_command_exit_code_and_log():
    found = {failure.logs: failure for failure in parsed("quiet.log")}
    assert len(found) == 4
    killed = found["logs/data/dose_1000/sparse/x.npz.log",]
    assert (killed.rule, killed.exit_code, killed.wildcards) == ("", "killed by SIGKILL", {})
    assert files_of(killed) == ["data/dose_1000/sparse/x.npz"]
    assert found[()].rule == "late"


def test_the_log_s_path_gives_rule_and_wildcards():
    found = [identify(failure, RULES) for failure in parsed("quiet.log")]
    assert {failure.job for failure in found} == {failure.job for failure in parsed("failed.log")}
    twice = Failure(logs=("logs/data/dense/dense_test.npz.log",))
    assert identify(twice, RULES).wildcards == {"view": "dense", "split": "test"}
    other = Failure(logs=("logs/data/dense/sparse_test.npz.log",))
    assert identify(other, RULES) == other
    assert identify(Failure(), RULES) == Failure()
    assert identify(Failure(logs=("x",)), "") == Failure(logs=("x",))


def test_a_retried_job_counts_by_its_last_end():
    (found,) = parsed("retried.log")
    assert (found.job, found.exit_code) == ("flaky name=b", "4")
    text = (LOGS / "retried.log").read_text()
    saved = text.replace("non-zero exit status 4", "non-zero exit status 3") + "Finished jobid: 0 (Rule: flaky)\n"
    assert parse_failures(saved) == []


@pytest.mark.parametrize("text", ["", "Building DAG of jobs...\n", "\x00\ufffd Error in rule", "Error in rule x:\n"])
def test_a_log_without_a_failed_job_gives_none(text):
    assert parse_failures(text) == []


def test_a_log_cut_anywhere_does_no_harm():
    """Snakemake may be killed while it writes; cut inside a block, one job may be seen twice, never more."""
    text = (LOGS / "failed.log").read_text()
    found = [len(parse_failures(text[:cut])) for cut in range(0, len(text), 97)]
    assert found[0] == 0
    assert max(found) <= 5


@pytest.mark.parametrize("path", ["data/phase_c/a.npz", "seeds/seed_4/data/phase_c/a.npz", "products/a.h5"])
def test_files_of_a_command_are_the_study_s(path):
    assert files_of(Failure(command=f"python -m ptychostudy base --output {path} --log logs/a.log")) == [path]


def test_files_of_a_command_that_is_no_shell():
    assert files_of(Failure(command="echo 'open data/a.npz")) == []


@pytest.fixture
def hub(tmp_path):
    """A hub after the failed run; of the outputs only that of the job that was done is there."""
    for name, text in {
        "logs/data/dose_10/dense/x.npz.log": "".join(f"line {n}\n" for n in range(100)) + "```\n",
        "data/dose_1000/dense/x.npz": "done",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def fail(hub, name="failed.log"):
    blocked.run(log=[LOGS / name], command="cd /here && snakemake --cores 2", hub=hub)


def test_the_report_says_what_failed_why_and_how_to_continue(hub, capsys):
    fail(hub)
    (report,) = (hub / "red").glob("*.md")
    text = report.read_text()
    assert str(report) in capsys.readouterr().out
    assert "````sh\ncd /here && snakemake --cores 2\n````" in text
    assert text.count("\n## make\n") == 3
    assert "- wildcards: dose=10, view=dense\n- exit code: 1\n- log: logs/data/dose_10/dense/x.npz.log\n" in text
    assert "````sh\npython -c 'import sys;" in text
    # 40 lines of the log, the last of them a fence of its own, which must not end ours.
    assert "````text\nline 61\n" in text
    assert "line 99\n```\n````" in text
    assert "line 60\n" not in text


def test_the_ledger_lists_what_is_missing(hub):
    fail(hub)
    lines = [line.split("\t") for line in (hub / "analysis" / "blocker.log").read_text().splitlines()]
    (report,) = (path.relative_to(hub).as_posix() for path in (hub / "red").glob("*.md"))
    assert [line[1] for line in lines] == ["blocked"] * 4
    assert lines[1][2:] == ["make dose=10 view=dense", report, "data/dose_10/dense/x.npz"]
    assert lines[2][2:] == ["late", report, "data/late.txt"]


def test_a_later_success_resolves_what_is_there_now(hub, capsys):
    fail(hub)
    ledger = hub / "analysis" / "blocker.log"
    (hub / "data" / "dose_10" / "dense").mkdir(parents=True)
    (hub / "data" / "dose_10" / "dense" / "x.npz").write_text("now")
    capsys.readouterr()
    blocked.resolve(hub=hub)
    shown = capsys.readouterr().out
    assert "make dose=10 view=dense" in shown
    assert "late" not in shown
    assert [entry.job for entry in open_entries(ledger.read_text())] == [
        "make dose=1000 view=sparse",
        "late",
        "make dose=10 view=sparse",
    ]
    assert ledger.read_text().count("\tresolved by a later run\t") == 1
    kept = ledger.read_text()
    blocked.resolve(hub=hub)
    assert (ledger.read_text(), capsys.readouterr().out) == (kept, "")


def test_a_log_that_names_no_job_is_reported_all_the_same(hub):
    (hub / "empty.log").write_text("")
    blocked.run(log=[hub / "empty.log"], hub=hub)
    (report,) = (hub / "red").glob("*.md")
    assert "Snakemake named no failed job" in report.read_text()
    assert "````sh\nsnakemake\n````" in report.read_text()
    blocked.resolve(hub=hub)
    assert open_entries((hub / "analysis" / "blocker.log").read_text()) == []


def test_a_report_that_was_never_finished_is_removed_by_the_next_run(tmp_path):
    """Its name holds the second, so that no later report takes its place: found in the campaign."""
    reports = tmp_path / "red"
    reports.mkdir()
    begun = reports / ".blocked_20261130T013504Z.md.9f_r5cay.part"
    begun.write_text("# Bloc")
    others = [
        reports / name
        for name in (".blocked_notes.part", ".blocked_a.md.short.part", "blocked_20261130T013504Z.md", ".mine.part")
    ]
    for path in others:
        path.write_text("kept")
    with begun.open() as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        blocked.clear(tmp_path)
        assert begun.exists()
    blocked.clear(tmp_path)
    assert sorted(reports.iterdir()) == sorted(others)
    blocked.clear(tmp_path / "nowhere")


def test_success_without_a_ledger_does_nothing(tmp_path, capsys):
    blocked.resolve(hub=tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr().out == ""


def test_a_damaged_ledger_does_no_harm(tmp_path):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "blocker.log").write_bytes(b"\xff\x00 no table\nt\tblocked\tjob\n")
    blocked.resolve(hub=tmp_path)


@pytest.mark.parametrize("log", [[], [None], ["/no/such/file"]])
def test_whatever_comes_it_never_fails(tmp_path, log):
    (tmp_path / "red").write_text("a file where a folder is due")
    blocked.run(log=log, hub=tmp_path)
    (tmp_path / "analysis").write_text("here as well")
    blocked.resolve(hub=tmp_path)


def test_what_could_not_be_written_is_said(tmp_path, capsys):
    (tmp_path / "red").write_text("a file where a folder is due")
    fail(tmp_path)
    assert "the failure could not be described" in capsys.readouterr().out


def test_of_two_patterns_the_one_with_more_literal_text_is_meant():
    rules = RULES.replace(
        "rule overlap", 'rule same:\n    log:\n        "logs/data/dose_{dose}/dense/x.npz.log",\n\n\nrule overlap'
    )
    found = identify(Failure(logs=("logs/data/dose_7/dense/x.npz.log",)), rules)
    assert (found.rule, found.wildcards) == ("same", {"dose": "7"})
    assert identify(Failure(logs=("logs/data/dose_7/sparse/x.npz.log",)), rules).rule == "make"


GROUP = """
rule base:
    output: data/base/base.npz
    jobid: 3
    wildcards: dose=10

[Thu Nov 26 00:00:00 2026]
    message: Error in group start
    log: .snakemake/slurm_logs/group_start/7.log (check log file(s) for error details)
    jobs:
        rule reference:
            jobid: 4
            output: data/base/reference.npz
            log: logs/data/base/reference.npz.log (check log file(s) for error details)
        rule base:
            jobid: 3
            output: data/base/base.npz
            log: logs/data/base/base.npz.log (check log file(s) for error details)
"""
SHOWN = """Logfile .snakemake/slurm_logs/group_start/7.log:
================================================================================
slurmstepd-cpu1: error: *** JOB 7 ON cpu1 CANCELLED AT 2026-11-26T00:00:00{why} ***
================================================================================
Logfile logs/data/base/base.npz.log not found.
"""
MEMBERS = """    [Thu Nov 26 00:00:00 2026]
    Error in rule base:
        message: None
        jobid: 3
        output: data/base/base.npz
        log: logs/data/base/base.npz.log (check log file(s) for error details)
        shell:
            python -m ptychostudy base 2>&1 | tee logs/data/base/base.npz.log
            (command exited with non-zero exit code)
    Logfile logs/data/base/base.npz.log not found.
"""


@pytest.mark.parametrize(
    ("why", "state"),
    [
        ("", "CANCELLED"),
        (" DUE TO TIME LIMIT", "TIMEOUT"),
        (" DUE TO PREEMPTION", "PREEMPTED"),
        (" DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS", "NODE_FAIL"),
    ],
)
def test_every_job_of_a_failed_group_is_named_with_what_slurm_says(why, state):
    text = GROUP + SHOWN.format(why=why) + MEMBERS
    reference, base = sorted(parse_failures(text), key=lambda failure: failure.rule == "base")
    assert (base.job, base.outputs) == ("base dose=10", ("data/base/base.npz",))
    assert base.logs == ("logs/data/base/base.npz.log", ".snakemake/slurm_logs/group_start/7.log")
    assert base.command.startswith("python -m ptychostudy base")
    assert reference.rule == "reference"
    assert base.exit_code == reference.exit_code == f"Slurm says {state}"
    assert parse_failures(text + "Finished jobid: 3 (Rule: base)\nFinished jobid: 4 (Rule: reference)\n") == []
    (left,) = parse_failures(text + "Finished jobid: 3 (Rule: base)\n")
    assert left.rule == "reference"


def test_what_slurm_said_of_an_earlier_attempt_is_not_said_of_the_last():
    text = "Error in rule train:\n    message: SLURM-job '9' failed, SLURM status is: 'CANCELLED'.\n    jobid: 2\n"
    (failure,) = parse_failures(text + "Error in rule train:\n    message: None\n    jobid: 2\n")
    assert failure.exit_code == "not reported"


INNER = """Logfile .snakemake/slurm_logs/group_start/7.log:
================================================================================
localrule base:
    jobid: 4
Finished jobid: 4 (Rule: base)
Error in rule reference:
    jobid: 3
RuleException:
CalledProcessError in file "/x/rules/base.smk", line 12:
Command 'set -euo pipefail; trap '' TERM;  python -m ptychostudy reference 2>&1 | tee logs/data/base/reference.npz.log' returned non-zero exit status 2.
Logfile logs/data/base/reference.npz.log:
================================================================================
Finished jobid: 3 (Rule: nothing)
================================================================================
================================================================================
"""  # noqa: E501


def test_a_cluster_job_s_own_log_gives_command_and_exit_code_and_nothing_else():
    base, reference = sorted(parse_failures(GROUP + INNER), key=lambda failure: failure.rule)
    assert (base.exit_code, base.command) == ("not reported", "")
    assert (reference.rule, reference.exit_code) == ("reference", "2")
    assert reference.command.startswith("python -m ptychostudy reference")


def test_slurm_s_word_stands_for_the_exit_code(hub):
    text = "Error in rule train:\n    message: SLURM-job '9' failed, SLURM status is: 'CANCELLED'.\n    jobid: 2\n"
    (hub / "slurm.log").write_text(text)
    blocked.run(log=[hub / "slurm.log"], hub=hub)
    (report,) = (hub / "red").glob("*.md")
    assert "- exit code: Slurm says CANCELLED (scancel: continue with the command above)" in report.read_text()


@pytest.mark.parametrize("after", [0, 39, 40, 500])
def test_what_slurm_said_is_shown_whatever_the_job_said_after_it(hub, after):
    word = "slurmstepd-cpu1: error: *** JOB 7 ON cpu1 CANCELLED AT 2026-11-26T00:00:00 ***"
    (hub / "job.log").write_text("\n".join(["before"] * 50 + [word] + [f"after {i}" for i in range(after)]) + "\n")
    (hub / "slurm.log").write_text("Error in rule train:\n    message: None\n    jobid: 2\n    log: job.log\n")
    blocked.run(log=[hub / "slurm.log"], hub=hub)
    (report,) = (hub / "red").glob("*.md")
    shown = report.read_text().split("Last lines of its log:")[1].split("````")[1].splitlines()[1:]
    assert shown.count(word) == 1
    assert len(shown) == (40 if after < 40 else 41)


def test_the_command_is_the_one_after_the_prefix_of_the_workflow():
    log = (LOGS / "failed.log").read_text().replace("set -euo pipefail;", "set -euo pipefail; trap '' TERM;")
    assert "trap '' TERM" in log
    assert [failure.command for failure in parse_failures(log)] == [f.command for f in parsed("failed.log")]


@pytest.mark.parametrize(
    ("arguments", "folder", "start"),
    [
        (["snakemake"], "hub", "hub"),
        (["snakemake", "--directory", "hub", "-s", "../Snakefile"], "", ""),
        (["snakemake", "-d", "../hub"], "elsewhere", "elsewhere"),
        (["snakemake", "--directory=hub"], "nonsense/of/cron", ""),
        (["snakemake", "--directory", "{hub}"], "elsewhere", "elsewhere"),
    ],
)
def test_the_command_continues_from_where_it_was_started(tmp_path, arguments, folder, start):
    (tmp_path / "hub").mkdir()
    (tmp_path / "elsewhere").mkdir()
    words = [word.format(hub=tmp_path / "hub") for word in arguments]
    found = blocked.continuation(words, hub=tmp_path / "hub", shell_folder=str(tmp_path / folder))
    assert found == f"cd {tmp_path / start} && {' '.join(words)}"


def test_a_log_of_an_earlier_run_is_not_shown_as_that_of_a_job_that_wrote_none(tmp_path):
    late, make = "logs/data/late.txt.log", "logs/data/dose_10/dense/x.npz.log"
    seeds = "seeds/seed_1/logs/a.log"
    for path in (late, make, seeds):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("done, all is well\n")
    before = blocked.logs(tmp_path)
    assert set(before) == {late, make, seeds}
    (tmp_path / make).write_text("it went wrong here\n")
    log = tmp_path / "snakemake.log"
    log.write_text((LOGS / "failed.log").read_text())
    blocked.report([log], "", before, hub=tmp_path)
    (report,) = (tmp_path / "red").glob("*.md")
    text = report.read_text()
    assert "it went wrong here" in text and "all is well" not in text
    assert f"this run wrote nothing to {late}" in text


def test_the_same_words_written_again_are_this_runs(tmp_path):
    path = tmp_path / "logs" / "a.log"
    path.parent.mkdir()
    path.write_text("the same\n")
    before = blocked.logs(tmp_path)
    path.write_text("the same\n")
    assert before != blocked.logs(tmp_path)


@pytest.mark.parametrize(("name", "log"), [("group", "df52569b-74b1-551e-9704-3e7ab6fe328c"), ("rule", "0")])
def test_a_job_that_slurm_did_not_take_says_why(name, log):
    """`not_submitted_*.log`: sbatch refused the job of a group, and the same one without a group."""
    (found,) = parsed(f"not_submitted_{name}.log")
    assert found.rule == "base"
    reason = "sbatch: error: Batch job submission failed: Invalid feature specification"
    assert found.exit_code == f"none, Slurm did not take the job: {reason}"
    assert found.logs == ("logs/data/base/base.npz.log", f"/hub/.snakemake/slurm_logs/not_submitted_{log}.log")
