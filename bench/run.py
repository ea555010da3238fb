"""Measure every group of rows, each in a process of its own; bench/results.json and the table of docs/speed.md.

    python bench/run.py                          all, in about half an hour of two quiet cores
    python bench/run.py --only simulate stitch   these; what is known of the others stays

The quick study that is measured on is made in build/bench, or what of it is out of date. Wait for a quiet machine:
ways are measured in turn, so that ratios suffer less than times, but they suffer.
"""

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import quick_study
import table
from groups import GROUPS
from machine import machine, today
from measuring import python

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
PROCESSES = {
    **dict.fromkeys(ONE_THREAD, "1"),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    named = {"choices": GROUPS, "metavar": "GROUP", "help": ", ".join(GROUPS)}
    parser.add_argument("--only", nargs="+", default=list(GROUPS), **named)
    parser.add_argument("--hub", type=Path, default=quick_study.HUB, help="a finished quick study, default build/bench")
    parser.add_argument("--child", choices=GROUPS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    hub = options.hub.resolve()
    if options.child:
        tell_rows(options.child, hub)
        return
    results = known(machine())
    quick_study.made(hub)
    for group in options.only:
        start = time.monotonic()
        print(f"== {group}", flush=True)
        rows = list(measured(group, hub))
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
        keep(results, group, rows)


def known(here):
    """Return what was measured before on such a machine; numbers of another would be no neighbours."""
    if table.RESULTS.exists():
        results = json.loads(table.RESULTS.read_text())
        if results["machine"] == here:
            return results
        print("results.json is of another machine or of other versions: begun anew", flush=True)
    return {"machine": here, "dates": {}, "rows": []}


def tell_rows(group, hub):
    """Print the rows of a group as lines of JSON; what libraries print goes to stderr."""
    rows_out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for row in importlib.import_module(group).rows(hub):
        print(json.dumps({"group": group} | row), file=rows_out, flush=True)


def measured(group, hub):
    """Yield the rows of a group, measured by another process, and print each."""
    words = python(__file__, "--child", group, "--hub", hub)
    # TensorFlow says there how it was built, again and again.
    said = quick_study.HUB.parent / f"bench_{group}.log"
    said.parent.mkdir(parents=True, exist_ok=True)
    with (
        open(said, "w") as errors,
        subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=errors, text=True, env=os.environ | PROCESSES
        ) as process,
    ):
        for text in process.stdout:
            row = json.loads(text)
            print(table.line(row), flush=True)
            yield row
    if process.returncode:
        sys.exit(f"bench: the group {group} ended with {process.returncode}\n{said.read_text()[-4000:]}")


def keep(results, group, rows):
    """Put the rows of a group in their place, and write results and table."""
    results["rows"] = [row for row in results["rows"] if row["group"] != group] + rows
    results["rows"].sort(key=lambda row: list(GROUPS).index(row["group"]))
    results["dates"][group] = today()
    table.RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    table.main()


if __name__ == "__main__":
    main()
