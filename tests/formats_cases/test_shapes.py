"""Scans on grids, detectors of any shape, probes of other sides: put on the pixels of the study, and it is said.

The scene is known at every place, not on pixels: frames of any detector, and those of the study, are computed from it.
"""

import numpy as np
import pytest
from known_scan import known_scan, save

from ptychostudy.intake.detector_grid import Fitted, Measured, as_it_is, fitted
from ptychostudy.intake.doubts import Doubts
from ptychostudy.intake.orienting import turned_frames
from ptychostudy.intake.user import take_scan
from ptychostudy.intake.zero_frequency import found_centre, mean_light
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.band import centred_square, detector_side, resampled
from ptychostudy.physics.orientation import ORIENTATIONS
from ptychostudy.physics.propagate import far_field
from ptychostudy.study.sections.base import BaseSettings
from ptychostudy.study.sections.npz import NpzSettings

# Of a window that is 1 long: pixels of 32, 64, 96 and 128 to a window all meet its 32nds.
GRID = 32
PHOTONS = 1e8


# --- a scene without pixels -------------------------------------------------------------------------------------------


def probe_at(y, x):
    """Return a probe, longer than it is high, that no symmetry leaves as it is."""
    return np.exp(-((y / 0.14) ** 2) - (x / 0.10) ** 2 + 30j * (y**2 + 0.7 * x**2 + 0.5 * x * y)) * (1 + x + 2 * y)


def object_at(y, x):
    phase = 0.5 * np.cos(9 * y) + 0.4 * np.sin(14 * x + 5 * y) + 0.3 * np.cos(11 * (x - y) + 1)
    return (0.9 + 0.08 * np.sin(13 * y - 7 * x)) * np.exp(1j * phase)


def places(rows=5, cols=6):
    """Return window centres in lengths of a window, whole pixels on any of the grids."""
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"), axis=-1).reshape(-1, 2)
    return (grid * 3 + np.random.default_rng(3).integers(-1, 2, grid.shape) + GRID // 2 + 2) / GRID


def axes_of(h, w):
    return (np.arange(h) - h // 2)[:, None] / h, (np.arange(w) - w // 2)[None, :] / w


def expected(h, w, centres):
    """Return noise-free frames of h x w pixels, zero frequency in the middle."""
    y, x = axes_of(h, w)
    waves = np.stack([probe_at(y, x) * object_at(row + y, col + x) for row, col in centres])
    return np.abs(np.fft.fftshift(np.fft.fft2(waves, norm="ortho"), axes=(1, 2))) ** 2


def scan_of(h, w, p=None, q=None):
    """Return a scan of h x w detector pixels, with a probe and positions in the pixels of p x q."""
    p, q = p or h, q or w
    frames = expected(h, w, places())
    counts = np.rint(frames * PHOTONS / frames.sum(axis=(1, 2)).mean()).astype(np.uint32)
    rows, cols = (places() * (p, q)).T
    return {
        "ycoords": rows,
        "xcoords": cols,
        "probeGuess": (probe_at(*axes_of(p, q)) / np.sqrt(p * q)).astype(np.complex64),
        "counts": counts,
    }


def settings(n, frames="measured", pixel_size_m=1e-8, **npz):
    npz = {"path": "a", "axes": "NHW", **npz}
    return BaseSettings(kind="npz", frames=frames, frame_px=n, pixel_size_m=pixel_size_m, npz=npz)


@pytest.fixture
def take(tmp_path, caplog):
    """Return a function that takes a scan; it returns arrays, changes and what was said."""

    def run(scan, n, **npz):
        caplog.clear()
        caplog.set_level("INFO", logger="ptychostudy")
        save(tmp_path / "a.npz", scan)
        return *take_scan(tmp_path / "a.npz", settings(n, **npz)), " ".join(caplog.messages)

    return run


@pytest.fixture
def refuse(take):
    """Return a function that expects the refusal of a scan; it returns the message."""

    def run(scan, n, **npz):
        with pytest.raises(DataError) as error:
            take(scan, n, **npz)
        return str(error.value)

    return run


def misfit(scan, n, positions=None, probe=None, counts=None):
    """Return by how much the amplitudes of our model differ from the frames', of their sum.

    The object is the scene's, on the pixels of the study.
    """
    positions = scan["positions"] if positions is None else positions
    probe = scan["probe"] if probe is None else probe
    y, x = axes_of(n, n)
    waves = np.stack([probe * object_at(row / n + y, col / n + x) for row, col in positions])
    model = np.abs(far_field(waves)) * scan["valid"]
    found = np.sqrt((scan["counts"] if counts is None else counts).astype(float))
    model *= np.vdot(model, found) / np.vdot(model, model)
    return float(np.abs(model - found).sum() / found.sum())


def check_model(scan, n):
    """Check that our forward model gives the frames, and that no mistake would."""
    assert misfit(scan, n) < 2e-3
    positions, probe = scan["positions"], scan["probe"]
    for wrong in (
        {"positions": positions + (0.5, 0)},
        {"positions": positions - (0, 0.5)},
        {"positions": positions[:, ::-1]},
        {"positions": positions * 0.9},
        {"probe": probe.conj()},
        {"probe": probe.T},
        {"probe": np.roll(probe, 1, axis=0)},
        {"counts": np.roll(scan["counts"], 1, axis=2)},
        {"counts": scan["counts"].swapaxes(1, 2)},
    ):
        assert misfit(scan, n, **wrong) > 1e-2, wrong


# --- known answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [5, 6])
@pytest.mark.parametrize("n", [2, 3, 4, 7, 10])
def test_a_square_about_a_pixel(side, n):
    image = np.arange(side * 8).reshape(side, 8)
    for centre in [(0, 0), (side - 1, 7), (side // 2, 4)]:
        square = centred_square(image, centre, n, -1)
        assert square.shape == (n, n) and square[n // 2, n // 2] == image[centre]
        inside = square[square >= 0]
        rows = [r for r in range(side) if 0 <= r - centre[0] + n // 2 < n]
        cols = [c for c in range(8) if 0 <= c - centre[1] + n // 2 < n]
        np.testing.assert_array_equal(inside, image[np.ix_(rows, cols)].ravel())


@pytest.mark.parametrize("shape", [(96, 128), (97, 65), (64, 63), (48, 80)], ids=str)
def test_a_probe_on_other_pixels_is_the_same_wave(shape):
    wave = probe_at(*axes_of(*shape)) / np.sqrt(shape[0] * shape[1])
    made = resampled(wave, 64)
    right = probe_at(*axes_of(64, 64)) / 64
    np.testing.assert_allclose(made, right, atol=2e-4 * np.abs(right).max())
    assert np.sum(np.abs(made) ** 2) == pytest.approx(np.sum(np.abs(wave) ** 2), rel=1e-6)


def test_side_of_a_pixel():
    """Numbers of a beamline: 8.8 keV, 1.93 m, 172 um; 256 pixels are 6.18 nm."""
    wavelength = 12.39841984e-10 / 8.8
    pixel = wavelength * 1.93 / (256 * 172e-6)
    assert detector_side(8800, 1.93, 172e-6, pixel) == pytest.approx(256)


@pytest.mark.parametrize("middle", [(48, 64), (40, 70), (30, 90), (61, 33)], ids=str)
def test_the_zero_frequency_is_found_anywhere(middle):
    mean = expected(96, 128, places()).mean(axis=0)
    y, x = axes_of(96, 128)
    reference = np.abs(far_field(probe_at(y, x))) ** 2
    moved = np.roll(mean, (middle[0] - 48, middle[1] - 64), (0, 1))
    found = found_centre(moved, reference, 64)
    assert found.rolled == (0, 0) and np.abs(np.subtract(found.centre, middle)).max() <= 2


def test_the_mean_of_counts_leaves_out_what_are_none():
    rng = np.random.default_rng(0)
    stack = rng.poisson(50, (30, 12, 16)).astype(np.uint16)
    right = stack.mean(axis=0)
    spoilt = stack.copy()
    spoilt[:, 4] = 65535
    spoilt[3, 7, 7] = 65535
    spoilt[:, 9, 9] = 60000
    mean = mean_light(spoilt, False, np.inf, 0.0)
    assert not mean[4].any() and mean[9, 9] < 600
    good = np.ones((12, 16), bool)
    good[4], good[9, 9], good[7, 7] = False, False, False
    np.testing.assert_allclose(mean[good], right[good])
    assert mean[7, 7] == pytest.approx(np.delete(stack[:, 7, 7], 3).mean())
    squares = mean_light(np.sqrt(stack.astype(float)), True, np.inf, 10.0)
    np.testing.assert_allclose(squares, right - 10, rtol=1e-6)


# --- detectors --------------------------------------------------------------------------------------------------------

DETECTORS = [(96, 128), (128, 96), (97, 129), (65, 64), (128, 128), (80, 67)]


@pytest.mark.parametrize("shape", DETECTORS, ids=str)
@pytest.mark.parametrize("n", [32, 64])
def test_a_larger_detector_is_cut_and_all_is_put_on_its_pixels(take, shape, n):
    scan, changes, said = take(scan_of(*shape), n)
    check_model(scan, n)
    assert f"frames of key 'counts' have {shape[0]} x {shape[1]} pixels; taken are {n} x {n}" in said
    assert f"zero frequency at pixel (row, col) ({shape[0] // 2}, {shape[1] // 2})" in said
    assert "of the photons are outside" in said
    assert f"positions in pixels are multiplied by {n / shape[0]:.6g} and {n / shape[1]:.6g}" in said
    assert changes["object_pixels"] == [shape[0] / n, shape[1] / n] and scan["valid"].all()
    whole = scan_of(*shape)["counts"].sum(dtype=float)
    assert changes["framed"]["lost_share"] == pytest.approx(1 - scan["counts"].sum(dtype=float) / whole, abs=2e-4)


@pytest.mark.parametrize("shape", [(48, 64), (63, 64), (61, 96), (100, 47)], ids=str)
def test_a_smaller_side_is_filled_up_with_pixels_that_count_nothing(take, shape):
    scan, _, said = take(scan_of(*shape), 64)
    check_model(scan, 64)
    filled = 64 * 64 - min(64, shape[0]) * min(64, shape[1])
    assert np.count_nonzero(~scan["valid"]) == filled and f"{filled} pixels beyond the detector count nothing" in said
    assert not scan["counts"][:, ~scan["valid"]].any()


@pytest.mark.parametrize("side", [64, 96, 128], ids=["of the study", "of its rows", "of its columns"])
def test_a_square_probe_says_the_pixel_by_its_side(take, side):
    scan, changes, _ = take(scan_of(96, 128, side, side), 64)
    check_model(scan, 64)
    assert changes.get("object_pixels", [1, 1]) == [side / 64, side / 64]


@pytest.mark.parametrize("unit", ["m", "um", "nm"])
def test_lengths_are_divided_by_the_pixel_of_the_study(take, unit):
    given = scan_of(96, 128)
    length_m = 64 * 1e-8
    for key, column in zip(("ycoords", "xcoords"), places().T, strict=True):
        given[key] = column * length_m / {"m": 1, "um": 1e-6, "nm": 1e-9}[unit]
    scan, _, _ = take(given, 64, position_unit=unit)
    check_model(scan, 64)


@pytest.mark.parametrize("turn", [(48, 64), (48, 0), (0, 64)], ids=["corner", "rows", "columns"])
@pytest.mark.parametrize("way", ["found", "given"])
def test_frames_in_the_order_of_an_fft(take, turn, way):
    given = scan_of(96, 128)
    given["counts"] = np.roll(given["counts"], turn, (1, 2))
    centre = [0 if turn[0] else 48, 0 if turn[1] else 64]
    scan, changes, _ = take(given, 64, centre=centre if way == "given" else None)
    check_model(scan, 64)
    assert changes["framed"]["centre"] == centre


def test_odd_frames_in_the_order_of_an_fft(take):
    given = scan_of(97, 65)
    given["counts"] = np.fft.ifftshift(given["counts"], axes=(1, 2))
    check_model(take(given, 32)[0], 32)


@pytest.mark.parametrize("way", ["found", "given", "fraction"])
@pytest.mark.parametrize("middle", [(40, 52), (58, 80)], ids=str)
def test_a_beam_beside_the_middle(take, middle, way):
    given = scan_of(96, 128)
    given["counts"] = np.roll(given["counts"], (middle[0] - 48, middle[1] - 64), (1, 2))
    centre = {"found": None, "given": middle, "fraction": (middle[0] + 0.3, middle[1] - 0.5)}[way]
    scan, changes, said = take(given, 32, centre=centre)
    off = np.subtract(changes["framed"]["centre"], middle)
    if way != "found":
        assert not off.any() and ("rounded to" in said) is (way == "fraction")
    # A pixel beside it is a ramp of the object: by that many pixels the frames are off, and no more.
    assert np.abs(off).max() <= 2
    assert misfit(scan, 32, counts=np.roll(scan["counts"], tuple(off), (1, 2))) < 2e-2


def test_a_centre_beside_the_frames_is_refused(refuse):
    for centre in [(96, 64), (-1, 3), (3, 128)]:
        message = refuse(scan_of(96, 128), 64, centre=centre)
        assert "base.npz.centre is (" in message and "the frames have 96 x 128 pixels" in message


def test_a_centre_of_square_frames_moves_them(take):
    given = scan_of(64, 64)
    given["counts"] = np.roll(given["counts"], (5, -3), (1, 2))
    scan, changes, _ = take(given, 64, centre=(37, 29))
    assert misfit(scan, 64) < 2e-3 and np.count_nonzero(~scan["valid"]) == 64 * 64 - 59 * 61
    assert changes["framed"]["centre"] == [37, 29]


@pytest.mark.parametrize("centre", [(34, 64), (48, 80)], ids=str)
def test_too_much_light_cut_off_is_refused(refuse, take, centre):
    message = refuse(scan_of(96, 128), 32, centre=centre)
    assert "of the photons are outside" in message and "needed: at most 5% outside" in message
    assert "base.npz.accept: [crop]" in message
    # What is then left of it is far off the centre, too.
    _, changes, said = take(scan_of(96, 128), 32, centre=centre, accept=["crop", "centre", "pixels", "frames"])
    assert "accepted (crop)" in said and changes["framed"]["lost_share"] > 0.05


def test_a_hot_pixel_far_out_is_no_light_that_is_lost(take):
    given = scan_of(96, 128)
    given["counts"][:, 3, 120] = 2**31
    scan, changes, _ = take(given, 64)
    check_model(scan, 64)
    assert changes["framed"]["lost_share"] < 1e-3


def test_pixels_are_named_as_they_lie_in_the_cut(take):
    given = scan_of(96, 128)
    given["counts"][:, 48 - 32 + 3, 64 - 32 + 28] = 2**32 - 1
    scan, _, said = take(given, 64)
    assert "key 'counts from pixel (16, 32) on' holds no photons" in said and "(row, col) (3, 28)" in said
    assert np.argwhere(~scan["valid"]).tolist() == [[3, 28]]


@pytest.mark.parametrize("shape", [(96, 128), (61, 96), (48, 48)], ids=str)
@pytest.mark.parametrize("turn", [False, True], ids=["middle", "corner"])
def test_a_mask_of_the_detector_is_cut_and_filled_up_with_its_frames(take, shape, turn):
    """What it marks is bright, and lies in the cut, outside of it, and where the light is."""
    given = scan_of(*shape)
    h, w = shape
    bad = np.zeros(shape, np.uint8)
    places = [(h // 2 + 4, w // 2 - 7), (1, 2), (h - 2, w // 2), (h // 2 - 9, w // 2 + 11)]
    bad[tuple(zip(*places, strict=True))] = 1
    given["counts"][:, bad == 1] = 3 * given["counts"].max()
    if turn:
        bad = np.fft.ifftshift(bad)
        given["counts"] = np.fft.ifftshift(given["counts"], axes=(1, 2))
    scan, changes, _ = take(given | {"bad_pixels": bad}, 64)
    check_model(scan, 64)
    valid = np.zeros((64, 64), bool)
    rows = slice(max(0, 32 - h // 2), min(64, 32 + h - h // 2))
    cols = slice(max(0, 32 - w // 2), min(64, 32 + w - w // 2))
    valid[rows, cols] = True
    for row, col in places:
        row, col = row - h // 2 + 32, col - w // 2 + 32
        if 0 <= row < 64 and 0 <= col < 64:
            valid[row, col] = False
    np.testing.assert_array_equal(scan["valid"], valid)
    assert changes["framed"]["lost_share"] < 0.01 and not scan["counts"][:, ~valid].any()


def test_much_more_filled_up_than_there_is_is_refused(refuse, take):
    message = refuse(scan_of(64, 64), 128)
    assert "12288 pixels beyond the detector count nothing" in message and "base.npz.accept: [pad]" in message
    scan, _, _ = take(scan_of(64, 64), 128, accept=["pad"])
    check_model(scan, 128)


# --- probes whose pixel is not known ----------------------------------------------------------------------------------


@pytest.mark.parametrize("side", [(48, 48), (80, 96), (64, 96), (128, 96)], ids=str)
def test_a_probe_of_no_known_pixel_is_refused(refuse, side):
    message = refuse(scan_of(96, 128, *side), 64)
    assert f"key 'probeGuess' has {side[0]} x {side[1]} pixels, the frames have 96 x 128" in message
    assert "cannot be known; needed: a probe of the frames' shape, or of 64 x 64 pixels" in message


@pytest.mark.parametrize("shape", [(128, 128), (128, 96)], ids=str)
def test_a_probe_cut_in_space_is_refused(refuse, shape):
    """It has the small pixels of the whole detector, in a window of half its length."""
    given = scan_of(*shape)
    rows, cols = (slice(side // 2 - 32, side // 2 + 32) for side in shape)
    given["probeGuess"] = given["probeGuess"][rows, cols]
    message = refuse(given, 64)
    assert (
        "base.npz.accept: [probe]" in message
        and "its far field is as wide as all of the detector" in message
        and "cannot be known" in message
    )


@pytest.mark.parametrize(("pixel", "fits"), [(1.0, True), (1.01, True), (0.5, False), (2.0, False), (4 / 3, False)])
def test_a_pixel_that_the_file_states_must_be_the_probe_s(pixel, fits):
    given = scan_of(64, 64)
    stated = {"photon_energy_ev": 8000.0, "distance_m": 2.0, "detector_pixel_m": 75e-6}
    right = detector_side(**stated, pixel_size_m=1.0) / 64
    stated["pixel_size_m"] = right * pixel
    doubts = Doubts("a.npz")

    def run():
        modes = given["probeGuess"][None]
        measured = Measured("counts", given["counts"], np.zeros((64, 64), bool), stated)
        return fitted(measured, modes, 64, NpzSettings(), doubts)

    if fits:
        assert run().framing.nothing
        return
    with pytest.raises(DataError, match=rf"makes object pixels of {64 / pixel:.4g} detector pixels a side"):
        run()


def test_what_a_file_states_of_its_pixels_goes_with_them():
    framing = as_it_is(np.ones((1, 64, 64), complex), 64).framing
    stated = {"pixel_size_m": 3e-8, "origin_px": (30.0, 60.0), "distance_m": 2.0}
    square = Fitted(np.ones((1, 64, 64)), (0.5, 0.5), framing).restated(stated)
    assert (square["pixel_size_m"], square["origin_px"].tolist(), square["distance_m"]) == (6e-8, [15, 30], 2.0)
    oblong = Fitted(np.ones((1, 64, 64)), (2 / 3, 0.5), framing).restated(stated)
    assert "pixel_size_m" not in oblong and oblong["origin_px"] == pytest.approx([20, 30])
    assert as_it_is(np.ones((1, 64, 64)), 64).restated(stated)["pixel_size_m"] == 3e-8
    assert Fitted(np.ones((1, 64, 64)), (0.5, 0.5), framing).restated({}) == {}


def test_simulation_needs_a_probe_of_the_study(refuse):
    given = scan_of(64, 64)
    given["objectGuess"] = np.ones((200, 200), np.complex64)
    assert "key 'probeGuess' has 64 x 64 pixels, but base.frame_px is 32" in refuse(given, 32, frames="simulate")


def test_an_object_of_other_pixels_says_nothing_of_the_origin(take):
    given = scan_of(96, 128) | {"objectGuess": np.ones((20, 20), np.complex64)}
    assert "object" not in take(given, 64)[0]


# --- grids ------------------------------------------------------------------------------------------------------------

COORDS = ("ycoords", "xcoords")
ROWS, COLS = 10, 8


def on_grid(scan, shape=(ROWS, COLS)):
    return {key: scan[key].reshape(shape) for key in COORDS}


def taken_as(take, same_as, changes, n=32, **npz):
    scan, _, said = take(known_scan() | changes, n, **npz)
    np.testing.assert_array_equal(scan["positions"], np.stack([same_as[key].ravel() for key in COORDS], axis=1))
    np.testing.assert_array_equal(scan["counts"], same_as["counts"])
    return said


@pytest.mark.parametrize("coords", ["flat", "grid", "column", "row"])
@pytest.mark.parametrize("axes", ["auto", "NHW", "HWN"])
def test_a_stack_of_four_axes_is_taken_row_by_row(take, coords, axes):
    scan = known_scan()
    shape = {"flat": (80,), "grid": (ROWS, COLS), "column": (80, 1), "row": (1, 80)}[coords]
    stack = scan["counts"].reshape(ROWS, COLS, 32, 32)
    if axes == "HWN":
        stack = stack.transpose(2, 3, 0, 1)
    said = taken_as(take, scan, {"counts": stack, **on_grid(scan, shape)}, axes=axes)
    assert f"is a grid of {ROWS} x {COLS} frames, taken row by row" in said
    assert ("coordinates taken row by row" in said) is (coords != "flat")


@pytest.mark.parametrize("shape", [(80, 1), (1, 80), (ROWS, COLS)], ids=str)
@pytest.mark.parametrize("which", [COORDS, COORDS[:1], COORDS[1:]], ids=str)
def test_coordinates_of_two_axes(take, shape, which):
    scan = known_scan()
    said = taken_as(take, scan, {key: scan[key].reshape(shape) for key in which})
    assert "coordinates taken row by row" in said and str(shape) in said


@pytest.mark.parametrize("stack", [(1, 80, 32, 32), (80, 1, 32, 32), (80, 32, 32, 1), (1, ROWS, COLS, 32, 32)], ids=str)
def test_axes_of_length_one(take, stack):
    scan = known_scan()
    taken_as(take, scan, {"counts": scan["counts"].reshape(stack)})


@pytest.mark.parametrize("square", [False, True])
def test_rows_and_columns_of_a_grid_as_vectors(take, square):
    ny, nx = (8, 8) if square else (10, 8)
    rows, cols = 18 + 5.0 * np.arange(ny), 21 + 4.0 * np.arange(nx)
    full = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1).reshape(-1, 2)
    stack = known_scan()["counts"][: ny * nx]
    given = {"ycoords": rows, "xcoords": cols, "counts": stack.reshape(ny, nx, 32, 32)}
    scan, _, said = take(known_scan() | given, 32)
    np.testing.assert_array_equal(scan["positions"], full)
    np.testing.assert_array_equal(scan["counts"], stack)
    assert f"are the rows and the columns of a grid of {ny} x {nx} frames" in said


@pytest.mark.parametrize(
    ("coords", "stack", "part"),
    [
        ((COLS, ROWS), (ROWS, COLS, 32, 32), "the frames lie on 10 x 8"),
        ((80,), (ROWS, 9, 32, 32), "neither fits"),
        ((80,), (2, 4, 10, 32, 32), "has shape (2, 4, 10, 32, 32)"),
        ((20, 4), (80, 32, 31), "needed"),
        ((2, 4, 10), (80, 32, 32), "needed real numbers of shape (k,)"),
    ],
    ids=str,
)
def test_grids_that_do_not_fit(refuse, coords, stack, part):
    scan = known_scan()
    counts = np.ones(stack, np.uint32) if np.prod(stack) != scan["counts"].size else scan["counts"].reshape(stack)
    given = {"counts": counts, **on_grid(scan, coords)}
    if coords == (20, 4):
        given["xcoords"] = scan["xcoords"].reshape(4, 20)
    assert part in refuse(scan | given, 32)


def test_a_grid_of_as_many_frames_as_pixels_is_in_doubt(refuse, take):
    """With 4 x 16 frames of 4 x 16 pixels nothing tells the orders apart."""
    scan = known_scan()
    given = {key: scan[key][:64] for key in COORDS} | {"counts": np.ones((8, 8, 8, 8), np.uint32)}
    assert "both fit (base.npz.axes: auto); needed" in refuse(scan | given, 32, axes="auto")


# --- laid out otherwise -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orientation", ORIENTATIONS[1:], ids=str)
def test_frames_and_their_mask_are_laid_out_together(take, orientation):
    """What was done to the file is its own inverse, or that of the two exchanged ones of one reversal."""
    scan = scan_of(32, 32)
    back = next(each for each in ORIENTATIONS if orientation.then(each).is_given)
    mask = np.zeros((32, 32), dtype=bool)
    mask[3, 20:23] = mask[27, 6] = True
    right, _, _ = take({**scan, "bad_pixels": mask}, 32)
    wrong = {**scan, "counts": orientation.of_frames(scan["counts"]), "bad_pixels": orientation.of_frames(mask)}
    found, changes, said = take(wrong, 32, orient_frames=back.words)
    np.testing.assert_array_equal(found["valid"], ~mask)
    for key in ("counts", "positions", "probe"):
        np.testing.assert_array_equal(found[key], right[key], err_msg=key)
    assert (
        changes["oriented_frames"] == back.words and f"base.npz.orient_frames says: [{', '.join(back.words)}]" in said
    )


def test_a_wide_detector_is_cut_before_it_is_turned(take):
    """64 x 48 pixels with the zero frequency off the middle: pixels of the file are those of `centre`."""
    scan = scan_of(64, 64)
    cut = scan["counts"][:, 4:60, 9:55]
    turned = {**scan, "counts": np.swapaxes(cut, 1, 2)}
    right, _, _ = take({**scan, "counts": cut}, 64, centre=(28, 23))
    found, _, _ = take(turned, 64, centre=(23, 28), orient_frames=["exchanged"])
    for key in ("counts", "valid", "positions"):
        np.testing.assert_array_equal(found[key], right[key], err_msg=key)


@pytest.mark.parametrize("orientation", ORIENTATIONS[1:], ids=str)
def test_positions_are_laid_out_about_any_origin(take, orientation):
    """Only whole pixels to the corner are between them and the right ones; the object of the file is not theirs."""
    scan = scan_of(32, 32)
    back = next(each for each in ORIENTATIONS if orientation.then(each).is_given)
    right, _, _ = take(scan, 32)
    rows, cols = orientation.of_positions(np.stack([scan["ycoords"], scan["xcoords"]], axis=1)).T
    wrong = {**scan, "ycoords": rows, "xcoords": cols, "objectGuess": np.ones((90, 90), dtype=np.complex64)}
    found, changes, _ = take(wrong, 32, orient_positions=back.words)
    np.testing.assert_array_equal(np.diff(found["positions"], axis=0), np.diff(right["positions"], axis=0))
    np.testing.assert_array_equal(found["counts"], right["counts"])
    assert changes["oriented_positions"] == back.words


def test_frames_that_are_simulated_cannot_be_turned():
    base = settings(32, frames="simulate", orient_frames=["exchanged"])
    with pytest.raises(DataError, match=r"orient_frames is \[exchanged\], but base.frames is simulate"):
        turned_frames(base, Doubts("a.npz"))
