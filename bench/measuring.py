"""Two ways in turn, and one row of both: their medians, and the median of their ratios."""

import os
import statistics
import subprocess
import sys
import time

NAIVE, PEER, CEILING = "naive", "peer", "ceiling"
"""What stands beside ours: the plain way, another program, what the machine can do."""
CPU_S, WALL_S, MB = "CPU s", "s", "MB"
TURNS = 5

# A child begins with its parent's peak; that of a measuring process may be large, and that of a bare Python is not.
WATCH = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def timed(function):
    """Return the seconds of processor time of one call."""
    start = time.process_time()
    function()
    return time.process_time() - start


def itself(function):
    """Return what a function says it took."""
    return function()


def compared(name, ours, other, beside, *, turns=TURNS, measure=timed, unit=CPU_S):
    """Return a row of two functions, each measured in turn; ``beside`` says the kind of the other and what it is."""
    return row_of(name, [(measure(ours), measure(other)) for _ in range(turns)], beside, unit=unit)


def row_of(name, pairs, beside, *, unit=CPU_S, **more):
    """Return a row of numbers that were measured side by side, ours first."""
    mine, other = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(first / second for first, second in pairs)
    kind, what = beside
    numbers = {"value": rounded(mine), "unit": unit, "beside_value": rounded(other), "ratio": rounded(ratio)}
    return {"row": name, "kind": kind, "beside": what, "turns": len(pairs), **numbers, **more}


def missing(name, reason):
    """Return a row that says why it holds nothing."""
    return {"row": name, "missing": reason}


def with_rates(row, amount, what):
    """Return a row with how many a second there are of both."""
    rates = (f"{amount / row[key]:.0f} {what}/s" for key in ("value", "beside_value"))
    return row | dict(zip(("rate", "beside_rate"), rates, strict=True))


def rounded(value):
    """Return a number with four digits: more are noise, and make every line of a later file differ."""
    return float(f"{value:.4g}")


def python(*words):
    """Return a command line of this Python."""
    return [sys.executable, *map(str, words)]


def processor_s(words, **options):
    """Return the seconds of processor time of a process and of those that it waited for."""
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options) as process:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}\nended with {process.returncode}:\n{said}")
    return usage.ru_utime + usage.ru_stime


def peak_mb(words, **options):
    """Return the largest resident size of a process."""
    watched = subprocess.run(python("-c", WATCH, *words), check=True, stdout=subprocess.PIPE, text=True, **options)
    return int(watched.stdout) / 1024
