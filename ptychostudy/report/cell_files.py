"""Which files belong together: the two of a cell, and those of a seed; what a file is called."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ptychostudy.study import layout

FilePair = tuple[Path, Path]
"""The status file and the table of metrics of one cell."""

# Where the workflow puts all that belongs to a seed after the first.
_REPETITION = re.compile(layout.SEED.format(seed="([0-9]+)"))


def repeated_seed(path: Path) -> int | None:
    """Return the seed that a path names; None of the first seed, whose files have no such path."""
    match = _REPETITION.search(path.as_posix())
    return int(match.group(1)) if match else None


def frames_name(path: Path) -> str:
    """Return what a file of frames is called in its hub, wherever that lies."""
    return Path(*path.parts[-len(Path(layout.FRAMES).parts) :]).as_posix()


def file_pairs(status_files: Sequence[Path], table_files: Sequence[Path]) -> list[FilePair]:
    """Return the status file and the table of each cell, in the order of the status files.

    Raises
    ------
    ValueError
        If they do not lie in the same folders.
    """
    tables = {path.parent: path for path in table_files}
    folders = sorted(path.parent for path in status_files)
    if folders != sorted(path.parent for path in table_files):
        raise ValueError(
            f"status and tables are in different folders ({len(status_files)} and "
            f"{len(table_files)}); needed: pairs"
        )
    return [(path, tables[path.parent]) for path in status_files]


def file_pairs_by_seed(
    seeds: Sequence[int], status_files: Sequence[Path], table_files: Sequence[Path]
) -> dict[int, list[FilePair]]:
    """Return the pairs of each further seed, which the files' paths name.

    Raises
    ------
    ValueError
        If a path names no seed, the seeds are not those of the settings, or a pair is not whole.
    """
    named = {path: _named_seed(path) for path in (*status_files, *table_files)}
    given = set(named.values())
    if given != set(seeds):
        raise ValueError(
            f"files of the seeds {sorted(given)} are given beside the first seed's, "
            f"settings name {sorted(seeds)}; needed: the same"
        )
    return {
        seed: file_pairs(_of_seed(seed, status_files), _of_seed(seed, table_files))
        for seed in seeds
    }


def _named_seed(path: Path) -> int:
    seed = repeated_seed(path)
    if seed is None:
        raise ValueError(f"{path}: names no seed; needed: a path with seeds/seed_K/")
    return seed


def _of_seed(seed: int, paths: Iterable[Path]) -> list[Path]:
    return [path for path in paths if repeated_seed(path) == seed]
