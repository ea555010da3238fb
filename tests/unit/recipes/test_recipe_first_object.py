"""First objects of the solver: a canvas of another rectangle laid where it belongs, with the phase of ones."""

import numpy as np
import pytest

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.io.atomic import DataError
from ptychostudy.iterative.result import IterativeResult
from ptychostudy.recipes import reconstruct
from ptychostudy.recipes.first_object import Start, first_object
from ptychostudy.recipes.scan_canvas import scan_canvas
from ptychostudy.study.sections.reconstruct import ReconstructSettings
from scenes import SHAPE, N, made_scan

# Unlike on both axes, and neither begins at 0.
ORIGIN, SIZE = (5, 9), (30, 44)
LIGHT = np.ones(SIZE, np.float32)


def whole():
    """Return an object whose pixels all differ, of amplitudes that are no one and phases that are no mirror images."""
    rows, cols = np.indices(SHAPE)
    return ((0.4 + 0.005 * rows + 0.001 * cols) * np.exp(1j * (0.01 * rows - 0.02 * cols))).astype(np.complex64)


def start(origin, shape, hole=None, factor=1.0, **record):
    (row, col), (rows, cols) = origin, shape
    coverage = np.ones(shape, np.float32)
    if hole is not None:
        coverage[hole] = 0
    field = (factor * whole()[row : row + rows, col : col + cols]).astype(np.complex64)
    return Start("there.npz", ArmProduct(field, coverage, origin, {"status": "ok", "arm": "PtychoPINN", **record}))


@pytest.mark.parametrize(
    ("origin", "shape"),
    [((0, 0), SHAPE), (ORIGIN, SIZE), ((11, 12), (8, 20)), ((0, 20), (80, 5)), ((20, 0), (60, 15))],
    ids=["around it", "the same", "within", "a strip of rows", "across a corner"],
)
@pytest.mark.parametrize("factor", [1, np.exp(2.1j)])
def test_pixels_stay_where_they_are_and_the_rest_is_one(origin, shape, factor):
    first = first_object(start(origin, shape, factor=factor), ORIGIN, LIGHT)
    assert first.dtype == np.complex64 and first.shape == SIZE
    known = np.zeros(SHAPE, bool)
    known[origin[0] : origin[0] + shape[0], origin[1] : origin[1] + shape[1]] = True
    box = np.s_[ORIGIN[0] : ORIGIN[0] + SIZE[0], ORIGIN[1] : ORIGIN[1] + SIZE[1]]
    known = known[box]
    assert known.any() and np.all(first[~known] == 1)
    # But for one phase of all, amplitudes included.
    turn = first[known] / whole()[box][known]
    np.testing.assert_allclose(turn, turn[0], rtol=1e-5)
    assert abs(turn[0]) == pytest.approx(1, rel=1e-6)
    assert np.angle(first[known].astype(complex).sum()) == pytest.approx(0, abs=1e-6)


def test_what_is_not_covered_is_one_whatever_it_holds():
    there = start(ORIGIN, SIZE, hole=np.s_[:3, 7:])
    there.product.field[:3, 7:] = np.nan
    first = first_object(there, ORIGIN, LIGHT)
    assert np.all(first[:3, 7:] == 1) and np.all(np.isfinite(first)) and np.all(first[3:] != 1)


def test_the_phase_is_that_of_the_bright_pixels():
    light = np.zeros(SIZE, np.float32)
    light[:, :10] = 1
    first = first_object(start(ORIGIN, SIZE, factor=1j), ORIGIN, light)
    assert np.angle(first[:, :10].astype(complex).sum()) == pytest.approx(0, abs=1e-6)
    assert abs(np.angle(first[:, 30:].astype(complex).sum())) > 0.1


def test_ones_stay_ones_to_the_last_bit():
    flat = ArmProduct(np.ones((40, 60), np.complex64), np.ones((40, 60)), (3, 4), {"status": "ok", "arm": "Baseline"})
    first = first_object(Start("flat.npz", flat), ORIGIN, LIGHT)
    assert first.tobytes() == np.ones(SIZE, np.complex64).tobytes()


@pytest.mark.parametrize(
    "there", [start((36, 0), (20, 20)), start(ORIGIN, SIZE, hole=np.s_[:])], ids=["beside", "empty"]
)
def test_a_canvas_beside_the_scan_is_refused(there):
    with pytest.raises(DataError, match=r"there.npz: key 'origin' is .*; needed: one that covers pixels .*\(5, 9\)"):
        first_object(there, ORIGIN, LIGHT)


SOURCE = made_scan()
SETTINGS = ReconstructSettings(epochs=2)


@pytest.fixture
def starts(monkeypatch):
    """Return what the solver is given to start from."""
    given = []

    def solve(counts, positions, probe, shape, settings, *, valid, on_epoch, start):
        given.append(start)
        field = np.full(shape, 0.5 + 0.1j, np.complex64)
        field[::2] *= 1j
        return IterativeResult(field, probe, np.array([2.0, 1.0]), True, 0.5, 0.1, True)

    monkeypatch.setattr(reconstruct, "reconstruct", solve)
    return given


def made(start_of, frames=(2, 7, 30)):
    return reconstruct.reconstruct_view(SOURCE, np.array(frames), SETTINGS, lambda *_: None, start=start_of)


def test_the_solver_is_given_the_canvas_on_the_pixels_of_the_scan(starts):
    origin, shape = scan_canvas(SOURCE.positions, N)
    found = made(start((0, 0), SHAPE))
    assert found.canvas.origin == origin and starts[0].shape == shape
    seen = whole()[origin[0] : origin[0] + shape[0], origin[1] : origin[1] + shape[1]]
    np.testing.assert_allclose(np.abs(starts[0]), np.abs(seen), rtol=1e-6)
    assert made(None).record("autodiff") == found.record("autodiff") and starts[1] is None


def test_from_a_canvas_that_failed_nothing_is_begun(starts):
    lost = start((0, 0), SHAPE, status="failed", reason="collapsed: phase constant in epoch 1")
    found = made(lost)
    assert starts == []
    record = found.record("autodiff")
    assert record["status"] == "failed" and record["converged"] is False
    assert record["reason"] == "PtychoPINN, which it starts from, failed: collapsed: phase constant in epoch 1"
    assert record["misfit"] is None and found.arrays["loss"].shape == (0,)
    assert np.all(np.isfinite(found.canvas.field)) and found.canvas.field.shape == found.canvas.coverage.shape
