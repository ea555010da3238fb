"""Verdicts on a canvas, and the statistics that stand in the log: hand-made fields of which the answer is known."""

import numpy as np
import pytest

from ptychostudy.measure.outcome import Statistics, judge
from ptychostudy.physics.canvas import Canvas


def canvas(field, covered=None):
    field = np.asarray(field, np.complex64)
    coverage = np.ones(field.shape, np.float32) if covered is None else np.asarray(covered, np.float32)
    return Canvas(field, coverage, (0, 0))


def structure():
    rng = np.random.default_rng(3)
    return 1 + 0.1 * (rng.standard_normal((6, 9)) + 1j * rng.standard_normal((6, 9)))


def test_a_field_with_structure_is_ok():
    field = structure()
    found = judge(canvas(field))
    assert (found["status"], found["reason"]) == ("ok", "")
    assert found["statistics"]["covered_px"] == found["statistics"]["nonzero_px"] == 54
    assert found["statistics"]["mean"] == pytest.approx(np.abs(field).mean(), rel=1e-6)
    assert found["statistics"]["max"] == pytest.approx(np.abs(field).max(), rel=1e-6)


@pytest.mark.parametrize("shape", [(6, 9), (0, 0)], ids=["zeros", "no pixel"])
def test_all_zero(shape):
    found = judge(canvas(np.zeros(shape)))
    assert (found["status"], found["reason"]) == ("failed", "the output is all zero")
    assert found["statistics"]["nonzero_px"] == 0


def test_zero_where_it_is_covered_is_all_zero():
    field, covered = structure(), np.zeros((6, 9))
    covered[:2] = 1
    field[:2] = 0
    assert judge(canvas(field, covered))["reason"] == "the output is all zero"
    assert judge(canvas(structure(), np.zeros((6, 9))))["reason"] == "the output is all zero"


@pytest.mark.parametrize("value", [1.0, 0.3 - 0.4j, 1e-6, 1e5j])
def test_constant(value):
    found = judge(canvas(np.full((6, 9), value)))
    assert (found["status"], found["reason"]) == ("failed", "the output is constant")


def test_a_constant_is_one_to_a_part_in_ten_thousand():
    """A field whose values scatter by 1e-5 of their mean holds nothing; by 1e-3 it may hold a weak object."""
    wave = np.sign(np.sin(np.arange(54.0).reshape(6, 9) + 0.5))
    assert judge(canvas(1 + 1e-5 * wave))["reason"] == "the output is constant"
    assert judge(canvas(1 + 1e-3 * wave))["status"] == "ok"
    assert judge(canvas(np.exp(1e-3j * wave)))["status"] == "ok", "phase is structure, too"


@pytest.mark.parametrize("value", [np.nan, np.inf, complex(0, np.nan)])
def test_not_finite(value):
    field = structure()
    field[2, 3] = value
    assert judge(canvas(field))["reason"] == "the output is not finite"
    covered = np.ones((6, 9))
    covered[2, 3] = 0
    assert judge(canvas(field, covered))["status"] == "ok", "what is not covered is not judged"


def test_statistics_of_parts_are_those_of_the_whole():
    parts = np.arange(24.0).reshape(4, 3, 2) * np.exp(0.7j)
    seen = Statistics()
    for part in (parts[:1], parts[1:]):
        seen.add(part)
    assert (seen.bad, seen.size, seen.nonzero) == (0, 24, 23)
    assert seen.total / seen.size == pytest.approx(11.5, rel=1e-12)
    assert seen.largest == pytest.approx(23.0, rel=1e-12)
    assert "mean=11.5" in seen.text() and "max=23.0" in seen.text() and "nonzero_count=23/24" in seen.text()


def test_statistics_count_what_is_not_finite_and_leave_it_out():
    seen = Statistics()
    seen.add(np.array([1.0, np.nan, -np.inf, 3.0]))
    assert (seen.bad, seen.nonzero, seen.largest) == (2, 2, 3.0)


def test_statistics_of_nothing():
    assert "mean=0.0" in Statistics().text() and "nonzero_count=0/0" in Statistics().text()


@pytest.mark.parametrize(
    ("values", "bad", "largest"),
    [
        (np.array(np.nan), 1, 0.0),
        (np.array([2.0 + np.inf * 1j, 3 - 4j]), 1, 5.0),
        (np.array([3e38 + 3e38j, 1], np.complex64), 0, np.inf),
        (np.array([[0, 7]], np.uint16), 0, 7.0),
        (np.zeros((0, 4), np.complex64), 0, 0.0),
    ],
)
def test_what_is_not_finite_is_counted_and_hides_nothing_else(values, bad, largest):
    seen = Statistics()
    with np.errstate(over="ignore"):
        seen.add(values)
    assert (seen.bad, seen.largest, seen.size) == (bad, largest, values.size)
