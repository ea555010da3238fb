"""How long finished jobs took, from the benchmarks that Snakemake writes beside a study."""

from pathlib import Path

from ptychostudy.io.atomic import DataError, read_utf8

BENCHMARK = "benchmarks/{path}.tsv"
"""Where the benchmark of a job lies, by its first output."""


def seconds_of_all(hub: Path, pattern: str) -> float | None:
    """Return the summed wall time of all jobs whose file fits a pattern; None without any."""
    times = [_read(file) for file in sorted(hub.glob(BENCHMARK.format(path=pattern)))]
    known = [time for time in times if time is not None]
    return sum(known) if known else None


def _read(file: Path) -> float | None:
    try:
        header, *rows = [line.split("\t") for line in read_utf8(file).splitlines()]
        times = [float(row[header.index("s")]) for row in rows]
    except (DataError, ValueError, IndexError):
        # A benchmark is Snakemake's, made anew with its job: without it nothing is wrong.
        return None
    return sum(times) / len(times) if times else None
