"""Which files belong together: those of one folder are a cell, those under seeds/seed_k a seed."""

from pathlib import Path

import pytest

from ptychostudy.report.cell_files import file_pairs, file_pairs_by_seed, repeated_seed


def folder(seed, view):
    return Path(f"seeds/seed_{seed}/analysis/dose_1000/{view}/test")


STATUS = [folder(seed, view) / "s.json" for seed in (4, 12) for view in ("dense", "sparse")]
TABLES = [path.with_name("m.csv") for path in STATUS[::-1]]


@pytest.mark.parametrize(("path", "seed"), [("analysis/dose_1/status.json", None), ("seeds/seed_12/a/s.json", 12)])
def test_the_path_names_the_seed(path, seed):
    assert repeated_seed(Path(path)) == seed


def test_pairs_lie_in_one_folder_in_the_order_of_the_status_files():
    pairs = file_pairs(STATUS, TABLES)
    assert [status for status, _ in pairs] == STATUS
    assert all(status.parent == table.parent for status, table in pairs)


def test_each_seed_has_its_own_pairs():
    pairs = file_pairs_by_seed([12, 4], STATUS, TABLES)
    assert list(pairs) == [12, 4]
    assert pairs[4] == [(path, path.with_name("m.csv")) for path in STATUS[:2]]


def test_a_missing_table_is_refused():
    with pytest.raises(ValueError, match="in different folders .4 and 3.; needed: pairs"):
        file_pairs(STATUS, TABLES[1:])


def test_seeds_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"files of the seeds \[4, 12\] are given .* settings name \[4\]"):
        file_pairs_by_seed([4], STATUS, TABLES)
    with pytest.raises(ValueError, match="names no seed"):
        file_pairs_by_seed([4], [Path("analysis/s.json")], [])
