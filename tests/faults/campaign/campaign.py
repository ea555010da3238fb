"""The fault campaign: ``python tests/faults/campaign/campaign.py --kills 200 --hub /tmp/x --seed 1``.

A study (small.yaml: one dose, one view, N = 32, where no other is named) is made undisturbed, then again under kills at
random times, then its files are damaged, then it is put on disks that are full or cannot be written. What counts is
compared with the undisturbed run by sha256. A table in Markdown is printed at the end, and kept in `table.md` of the
folder as it grows; the exit status is 1 where a pass mark is missed.
"""

import argparse
import functools
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from campaign import artifacts, damage, kills, places, runs, stages

PARTS = ("kill", "damage", "place", "undisturbed")
CELL = tuple(f"data/inference/dose_100000/dense/test/{network}.npz" for network in ("PtychoPINN", "Baseline"))
LIGHT = ("data/phase_c/dose_100000/patched_test.npz", "data/phase_d/dense/dense_test.npz")
DISKS_KB = (500, 900, 1300)
"""Sizes of disks that are too small for `LIGHT` (1.6 MB) and Snakemake's own records, in kB."""


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    fault: str
    tries: int
    survived: int
    note: str = ""

    def text(self):
        return f"| {self.fault} | {self.tries} | {self.survived} | {self.note} |"


class Campaign:
    """Everything that the parts of a campaign share."""

    def __init__(self, options):
        self.options, self.rng, self.rows, self.problems = options, random.Random(options.seed), [], []
        self.folder = options.hub
        self.folder.mkdir(parents=True, exist_ok=True)
        if any(self.folder.iterdir()):
            sys.exit(f"{self.folder}: is not empty; needed: a new or empty folder")
        self.source = runs.copy_source(self.folder / "source")

    def study(self, name):
        """Return a study of this campaign in a hub of its own."""
        return runs.Study(self.folder / name / "hub", self.source, self.options.config or stages.SMALL)

    def row(self, fault, tries, survived, note=""):
        """Add a row, and say at once what it holds."""
        self.rows.append(Row(fault, tries, survived, note))
        print(f"{time.strftime('%H:%M:%S')} {fault}: {survived} of {tries} {note}", file=sys.stderr, flush=True)
        (self.folder / "table.md").write_text(self.table() + "\n", encoding="utf-8")

    def problem(self, text):
        """Note what should not have been."""
        self.problems.append(text)
        print(f"PROBLEM {text}", file=sys.stderr, flush=True)

    def reference_run(self):
        """Make the study undisturbed: what everything is compared with."""
        self.first = self.study("undisturbed")
        code, said, self.seconds = kills.measure(self.first, self.options.cores)
        if code != 0:
            sys.exit(f"the undisturbed study failed:\n{said[-6000:]}")
        self.reference = artifacts.digests(self.first.hub)

    def undisturbed(self):
        """Make the study undisturbed more often, and change the times of its files: no alarm may come of it."""
        good = 1
        for number in range(1, self.options.undisturbed):
            study = self.study(f"undisturbed_{number}")
            code, said = study.run(cores=self.options.cores)
            if wrong := artifacts.differences(study.hub, self.reference) or code != 0:
                self.problem(f"undisturbed run {number}: exit status {code}, different {wrong}: {said[-2000:]}")
            good += not wrong
            shutil.rmtree(study.hub)
        self.row("none: undisturbed runs", self.options.undisturbed, good, "no alarm, every file the same")
        for what, age in (("new", 0), ("old", damage.DAY_S)):
            said = damage.touch(self.first, self.reference, folder=self.folder, age_s=age)
            self.row(f"none: every file with a {what} time", 1, int(not said), "no alarm")
            if said:
                self.problem(f"touched: {said}")

    def kill(self):
        """Make the study again and again under kills."""
        if not self.options.kills:
            return
        target = CELL if self.options.short else ()
        tries, survived, work = Counter(), Counter(), Counter()
        while (left := self.options.kills - tries[kills.KINDS[0]] - tries[kills.KINDS[1]]) > 0:
            study = self.study(f"killed_{work['studies']}")
            jobs = runs.count_jobs(study, target)
            tally = kills.disturb(
                study,
                self.rng,
                min(left, self.options.per_study),
                self.seconds,
                jobs=jobs,
                cores=self.options.cores,
                target=target,
            )
            wrong = self._wrong(study, whole=not target) + stages_left(study)
            tries += tally.kills
            work += {"studies": 1, "rounds": tally.rounds, "jobs": jobs, "wrong": len(wrong)}
            work += {"repeated": tally.repeated, "restarted": tally.restarted, "continued": tally.continued}
            if tally.failure or wrong:
                self.problem(f"{study.hub}: different {wrong} {tally.failure}")
            else:
                survived += tally.kills
                shutil.rmtree(study.hub)
            print(f"{time.strftime('%H:%M:%S')} {tally}", file=sys.stderr, flush=True)
            if tally.failure and not tally.kills:
                break
        for kind in kills.KINDS:
            self.row(kind, tries[kind], survived[kind])
        self.row(
            "all of these",
            sum(tries.values()),
            sum(survived.values()),
            f"{work['studies']} studies of {work['jobs'] // max(1, work['studies'])} jobs in {work['rounds']} runs: "
            f"{work['wrong']} files different, {work['repeated']} finished jobs done again, {work['restarted']} "
            f"unfinished ones, {work['continued']} trainings continued after an epoch, nothing done by hand",
        )

    def _wrong(self, study, *, whole):
        if whole:
            return artifacts.differences(study.hub, self.reference)
        return [name for name, digest in artifacts.digests(study.hub).items() if self.reference.get(name) != digest]

    def damage(self):
        """Damage files of every kind in every way, in copies of the undisturbed study."""
        names = artifacts.one_of_each_kind(artifacts.files(self.first.hub))
        for number, fault in enumerate(damage.FAULTS):
            chosen = names[number :: len(damage.FAULTS)] if self.options.short else names
            chosen = chosen[: self.options.damaged] if self.options.damaged else chosen
            with ThreadPoolExecutor(self.options.cores) as pool:
                found = list(pool.map(functools.partial(self._inject, fault), chosen))
            outcomes = Counter(case.outcome for case in found if case)
            note = ", ".join(f"{count} {text}" for outcome, text in MEANING.items() if (count := outcomes[outcome]))
            self.row(fault, sum(outcomes.values()), sum(outcomes.values()) - outcomes["missed"], note)

    def _inject(self, fault, name):
        rng = random.Random(f"{self.options.seed} {fault} {name}")
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            case = damage.inject(self.first, self.reference, fault, name, rng=rng, folder=Path(folder))
        if case and case.outcome == "missed":
            self.problem(f"{fault}: {name}: {case.said[-1500:]}")
        return case

    def place(self):
        """Try disks and machines that cannot do what is asked."""
        mount = self.folder / "disk"
        disks = DISKS_KB[:1] if self.options.short else DISKS_KB
        tests = {
            f"full disk ({size} kB)": lambda size=size: places.full_disk(
                self.first, self.reference, size, folder=mount, target=LIGHT
            )
            for size in disks
        }
        tests["folder that cannot be written"] = lambda: places.read_only(mount)
        if not self.options.short:
            tests["no GPU"] = lambda: places.no_gpu(self.study("no_gpu").hub)
        for fault, test in tests.items():
            try:
                said = test()
            except places.NotHere as error:
                self.row(fault, 0, 0, f"NOT RUN: {error}")
                continue
            self.row(fault, 1, int(not said), "named; nothing half written; the same command goes on afterwards")
            if said:
                self.problem(f"{fault}: {said}")

    def table(self):
        """Return the table in Markdown."""
        head = ["| fault | tries | survived | what was redone, or how it was noticed |", "|---|---|---|---|"]
        return "\n".join([*head, *(row.text() for row in self.rows)])


MEANING = {
    "named": "named before use",
    "verify": "named by the verification",
    "healed": "made anew",
    "missed": "MISSED",
}


def stages_left(study):
    """Return the temporary files in a hub."""
    return [f"{path.relative_to(study.hub)} was left behind" for path in study.hub.rglob(".*.part")]


def main():
    """Run the campaign and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hub", type=Path, required=True, help="empty folder for everything the campaign makes")
    parser.add_argument("--kills", type=int, default=200, help="kill -9 of jobs and of Snakemake; SIGTERM comes on top")
    parser.add_argument("--per-study", type=int, default=25, help="of them, in one making of the study")
    parser.add_argument("--config", type=Path, help="configuration of another study than the small one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--undisturbed", type=int, default=20, help="undisturbed runs")
    parser.add_argument("--damaged", type=int, default=0, help="kinds of files to damage in each way (default: all)")
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument(
        "--short", action="store_true", help="kill only up to the networks' canvases, each kind damaged once"
    )
    parser.add_argument("--only", choices=PARTS, nargs="+", help="some parts, after the first undisturbed run")
    campaign, start = Campaign(parser.parse_args()), time.monotonic()
    campaign.reference_run()
    for part in PARTS:
        if part in (campaign.options.only or PARTS):
            getattr(campaign, part)()
    print(campaign.table())
    print(f"\n{time.monotonic() - start:.0f} s, seed {campaign.options.seed}, {len(campaign.problems)} problems")
    return 1 if campaign.problems else 0


if __name__ == "__main__":
    sys.exit(main())
