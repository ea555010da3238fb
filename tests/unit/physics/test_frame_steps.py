"""The steps between transforms, by NumPy and compiled: against sums written out in double precision."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from ptychostudy.physics import compiled as module
from ptychostudy.physics import fused
from ptychostudy.physics.compiled import compiled, side_by_side
from ptychostudy.physics.frame_steps import FusedSteps, NumpySteps, frame_steps
from ptychostudy.physics.fused import Taken

ROOT = Path(__file__).resolve().parents[3]
WAYS = [NumpySteps, FusedSteps]
# Modes, frames, side: odd and even, one frame and many, a side that no vector divides.
SHAPES = [(1, 1, 8), (1, 16, 12), (2, 5, 7), (3, 65, 9), (1, 63, 16), (4, 64, 5)]
CANVAS = (31, 44)


def complex_(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def windows(rng, frames, side):
    """Return corners, at both ends of either axis, too."""
    corners = rng.integers(0, np.array(CANVAS) - side + 1, size=(frames, 2))
    corners[0] = 0
    corners[-1] = np.array(CANVAS) - side
    return corners


@pytest.fixture(params=SHAPES)
def shape(request):
    return request.param


@pytest.mark.parametrize("way", WAYS)
def test_windows_pass_their_probes(way, shape):
    modes, frames, side = shape
    rng = np.random.default_rng(1)
    field, probes, corners = complex_(rng, *CANVAS), complex_(rng, *shape, side), windows(rng, frames, side)
    waves = np.full((*shape, side), np.nan, np.complex64)
    way().expose(field, probes, corners, waves)
    for k, (row, col) in enumerate(corners):
        expected = field[row : row + side, col : col + side].astype(complex) * probes[:, k]
        np.testing.assert_allclose(waves[:, k], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("kind", "most"), [("u1", 255), ("u2", 65535), ("f4", 2.0**24)])
def test_far_fields_are_compared_with_counts(way, shape, masked, kind, most):
    modes, frames, side = shape
    rng = np.random.default_rng(2)
    waves = complex_(rng, *shape, side)
    counts = rng.poisson(2.0, (frames, side, side)).astype(kind)
    counts[0, 2, 3] = most
    mask = np.ones((side, side), np.float32)
    if masked:
        mask[1, 2:] = mask[3, 0] = 0
    background = np.float32(0.04)
    expected = np.sum(np.abs(waves.astype(complex)) ** 2, axis=0) + 0.04
    wanted = waves * (mask * (1 - counts / expected))
    steps = way()
    total, ratio = steps.compare(waves, counts, mask, background)
    assert total == pytest.approx(np.sum(expected * mask), rel=1e-6)
    np.testing.assert_allclose(ratio, counts / expected, rtol=2e-6)
    np.testing.assert_allclose(waves, wanted, rtol=0, atol=1e-5 * np.abs(wanted).max())
    # The next block may be shorter, and then longer again.
    for part in (1, frames):
        again = complex_(rng, modes, part, side, side)
        expected = np.sum(np.abs(again.astype(complex)) ** 2, axis=0) + 0.04
        total, ratio = steps.compare(again, counts[:part], mask, background)
        assert total == pytest.approx(np.sum(expected * mask), rel=1e-6)
        np.testing.assert_allclose(ratio, counts[:part] / expected, rtol=2e-6)


@pytest.mark.parametrize("way", WAYS)
def test_no_bit_depends_on_the_kind_of_the_counts(way):
    rng = np.random.default_rng(9)
    waves, counts = complex_(rng, 2, 5, 12, 12), rng.poisson(3.0, (5, 12, 12))
    made = []
    for kind in ("u1", "u2", "f4"):
        own = waves.copy()
        total, ratio = way().compare(own, counts.astype(kind), np.ones((12, 12), np.float32), np.float32(0.1))
        made.append((total, ratio.tobytes(), own.tobytes()))
    assert made[0] == made[1] == made[2]


@pytest.mark.parametrize("way", WAYS)
def test_power_is_that_of_all_modes_and_weights_are_theirs(way, shape):
    modes, frames, side = shape
    rng = np.random.default_rng(7)
    waves, found = complex_(rng, *shape, side), np.full((frames, side, side), np.nan, np.float32)
    way().power(waves, found)
    np.testing.assert_allclose(found, np.sum(np.abs(waves.astype(complex)) ** 2, axis=0), rtol=1e-6)
    factor = rng.normal(size=found.shape).astype(np.float32)
    wanted = waves * factor
    way().weigh(waves, factor)
    assert np.array_equal(waves, wanted)


@pytest.mark.parametrize("way", WAYS)
def test_conjugate_waves_are_laid_under_their_windows(way, shape):
    modes, frames, side = shape
    rng = np.random.default_rng(3)
    waves, probes, corners = complex_(rng, *shape, side), complex_(rng, *shape, side), windows(rng, frames, side)
    before = complex_(rng, *CANVAS)
    expected = before.astype(complex)
    for k, (row, col) in enumerate(corners):
        expected[row : row + side, col : col + side] += np.sum(
            waves[:, k].astype(complex).conj() * probes[:, k], axis=0
        )
    canvas = before.copy()
    way().place(waves, probes, corners, canvas)
    np.testing.assert_allclose(canvas, expected, rtol=0, atol=3e-6 * np.abs(expected).max())


@pytest.mark.parametrize("way", WAYS)
def test_laying_back_is_the_adjoint_of_passing(way, shape):
    """<waves, P O> = <conj(P) waves on the canvas, O>, which a wrong corner or sign breaks."""
    modes, frames, side = shape
    rng = np.random.default_rng(4)
    field, probes, corners = complex_(rng, *CANVAS), complex_(rng, *shape, side), windows(rng, frames, side)
    waves = complex_(rng, *shape, side)
    made, canvas = np.empty_like(waves), np.zeros(CANVAS, np.complex64)
    way().expose(field, probes, corners, made)
    seen = np.vdot(waves.astype(complex), made)
    way().place(waves, probes, corners, canvas)
    # The canvas holds the conjugate.
    assert np.sum(canvas.astype(complex) * field) == pytest.approx(seen, rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("way", WAYS)
def test_spectra_are_turned_along_rows_and_columns(way, shape):
    modes, frames, side = shape
    rng = np.random.default_rng(5)
    spectra, turned = complex_(rng, modes, side, side), np.empty((*shape, side), np.complex64)
    rows, cols = complex_(rng, frames, side), complex_(rng, frames, side)
    way().turn(spectra, rows, cols, turned)
    expected = np.einsum("jyx,ky,kx->jkyx", spectra.astype(complex), rows, cols)
    np.testing.assert_allclose(turned, expected, rtol=0, atol=1e-6 * np.abs(expected).max() + 1e-6)


def test_compiled_code_is_what_is_written():
    """Interpreted the loops give the same bits, but for sums that NumPy rounds in another order."""
    rng = np.random.default_rng(6)
    field, probes = complex_(rng, *CANVAS).view(np.float32), complex_(rng, 2, 3, 6, 6).view(np.float32)
    corners = windows(rng, 3, 6)
    made = [np.empty(probes.shape, np.float32) for _ in range(2)]
    for function, waves in zip((fused.expose, compiled(fused.expose, fused.EXPOSE)), made, strict=True):
        function(field, probes, corners, waves)
    assert np.array_equal(*made)
    canvases = [np.zeros((CANVAS[0], 2 * CANVAS[1]), np.float32) for _ in range(2)]
    for function, canvas in zip((fused.place, compiled(fused.place, fused.PLACE)), canvases, strict=True):
        function(made[0], probes, corners, canvas)
    assert np.array_equal(*canvases)


def test_what_cannot_be_kept_is_compiled_all_the_same():
    """A function without a file stands for a package in a folder that nobody may write to."""
    space = {}
    exec("def doubled(x):\n    return 2 * x", space)
    doubled = compiled(space["doubled"], (Taken("f8"),))
    assert doubled(4.0) == 8 and doubled.signatures


def test_a_signal_never_meets_the_compiler(monkeypatch):
    """Its handler runs in the main thread; what it raises is lost where LLVM calls Python back."""
    threads = []
    monkeypatch.setattr(
        module, "_compile", lambda function, taken: threads.append(threading.current_thread()) or function
    )
    module.compiled(lambda x: x, (Taken("f8"),))
    assert threads and threads[0] is not threading.main_thread()


DAMAGE = """
import os, sys
from pathlib import Path
import numpy as np
from ptychostudy.physics import fused
from ptychostudy.physics.compiled import compiled, side_by_side
waves, factor = np.ones((1, 1, 2, 4), np.float32), np.full((1, 2, 2), 3, np.float32)
compiled(fused.weigh, fused.WEIGH)(waves, factor)
assert (waves == 3).all()
print(*sorted(path.name for path in Path(os.environ["NUMBA_CACHE_DIR"]).rglob("fused.weigh*")))
"""


@pytest.mark.parametrize("kind", ["nbi", "nbc"])
@pytest.mark.parametrize("left", [0, 20])
def test_a_damaged_cache_costs_time_and_nothing_else(tmp_path, kind, left):
    """As a full disk, or a machine that went down, leaves a file."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}

    def run():
        done = subprocess.run([sys.executable, "-c", DAMAGE], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert f".{kind}" in run()
    (file,) = tmp_path.rglob(f"fused.weigh*.{kind}")
    file.write_bytes(file.read_bytes()[:left])
    run()


@pytest.mark.parametrize("broken", [{"kind": np.float64}, {"order": "F"}, {"part": np.s_[:, :, ::2]}])
def test_what_was_not_compiled_for_is_refused(broken):
    """Of other numbers, or not side by side, other memory would be read."""
    waves = np.ones((1, 4, 6, 6), np.complex64)
    factor = np.ones((4, 6, 12), broken.get("kind", np.float32), order=broken.get("order", "C"))
    with pytest.raises(TypeError, match="No matching definition"):
        FusedSteps().weigh(waves, factor[broken.get("part", np.s_[:, :, :6])])


def test_real_numbers_are_not_taken_for_complex_ones():
    with pytest.raises(TypeError, match="an array of float64; needed: complex numbers"):
        side_by_side(np.ones((3, 4)))


def test_frames_of_another_side_have_room_of_their_own():
    steps, rng = FusedSteps(), np.random.default_rng(8)
    for frames, side in ((8, 4), (2, 64), (8, 4)):
        waves = complex_(rng, 1, frames, side, side)
        counts = rng.poisson(2.0, (frames, side, side)).astype(np.float32)
        expected = np.abs(waves[0].astype(complex)) ** 2 + 0.5
        _, ratio = steps.compare(waves, counts, np.ones((side, side), np.float32), np.float32(0.5))
        np.testing.assert_allclose(ratio, counts / expected, rtol=2e-6)


@pytest.mark.parametrize("name", ["numba", "pyfftw"])
def test_a_package_that_does_not_go_with_the_others_is_as_good_as_missing(name, tmp_path):
    (tmp_path / f"{name}.py").write_text("raise ImportError('needs an older NumPy')")
    script = (
        "from ptychostudy.physics.frame_steps import frame_steps\n"
        "from ptychostudy.physics.block_transform import block_transform\n"
        "made = frame_steps(1e9), block_transform((1, 2, 4, 4))\n"
        "print(*(type(x).__name__ for x in made))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
    slow = {"numba": "NumpySteps FftwTransform", "pyfftw": "FusedSteps ScipyTransform"}
    assert done.stdout.strip() == slow[name], done.stderr


def test_numba_is_used_where_it_is_installed_and_numpy_elsewhere(monkeypatch):
    assert isinstance(frame_steps(2e8), FusedSteps)
    # Half a second of start for less than that.
    assert isinstance(frame_steps(1e8), NumpySteps)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert isinstance(frame_steps(2e8), NumpySteps)
