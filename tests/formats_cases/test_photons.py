"""Numbers that are no photons: a gain, a background, fractions, negative ones; set right by a key or refused."""

import numpy as np
import pytest
from known_scan import N, known_scan, object_of, probe_of

from ptychostudy.intake.photons import common_step, offset
from ptychostudy.intake.pixel_sums import frame_totals, pixel_sums

# --- known answers ----------------------------------------------------------------------------------------------------


def poisson(mean, k=40, seed=0):
    return np.random.default_rng(seed).poisson(mean, (k, 16, 16)).astype(np.uint32)


def test_sums_of_pixels_are_those_of_numpy():
    counts = np.random.default_rng(0).integers(0, 2**32, (700, 4, 4), dtype=np.uint32)
    sums = pixel_sums(counts)
    exact = counts.astype(np.float64)
    np.testing.assert_allclose(sums.mean, exact.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(sums.variance, exact.var(axis=0), rtol=1e-9)
    np.testing.assert_array_equal(sums.least, counts.min(axis=0))
    np.testing.assert_array_equal(sums.most, counts.max(axis=0))
    np.testing.assert_allclose(frame_totals(counts), exact.sum(axis=(1, 2)), rtol=1e-12)


@pytest.mark.parametrize("factor", [1, 2, 3, 50, 1000])
@pytest.mark.parametrize("constant", [0, 7, 1000])
def test_common_step(factor, constant):
    assert common_step(poisson(3) * np.uint32(factor) + np.uint32(constant)) == factor


@pytest.mark.parametrize("mean", [0.01, 0.5, 5, 300, 1e6])
def test_photons_have_no_offset(mean):
    counts = poisson(mean)
    assert offset(counts, pixel_sums(counts)) == 0


@pytest.mark.parametrize("constant", [1, 10, 1000])
def test_an_offset_under_few_photons_is_found_exactly(constant):
    counts = poisson(0.5) + np.uint32(constant)
    assert offset(counts, pixel_sums(counts)) == constant


@pytest.mark.parametrize(("mean", "constant"), [(20, 200), (50, 1000), (5, 100)])
def test_an_offset_under_more_photons_is_found_nearly(mean, constant):
    counts = poisson(mean) + np.uint32(constant)
    assert offset(counts, pixel_sums(counts)) == pytest.approx(constant, rel=0.15)


# --- through the stage ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [2, 3, 50, 617])
def test_a_gain_is_refused_and_set_right(refused, taken, same, gain):
    scan = known_scan()
    scan["counts"] = scan["counts"] * np.uint32(gain)
    message = refused(scan)
    assert f"all counts of key 'counts' are multiples of {gain}" in message
    assert f"needed: base.npz.gain: {gain};" in message
    arrays, changes, said = taken(scan, gain=gain)
    same(arrays)
    assert changes["photons"] == {"gain": gain, "background": 0} and f"(number - 0) / {gain}" in said


@pytest.mark.parametrize("gain", [2.5, 0.125, 12.75])
@pytest.mark.parametrize("measurement", ["intensity", "amplitude"])
def test_a_gain_of_fractions(refused, taken, same, gain, measurement):
    scan = known_scan()
    numbers = scan.pop("counts") * gain
    scan["diffraction"] = (np.sqrt(numbers) if measurement == "amplitude" else numbers).astype(np.float64)
    message = refused(scan, measurement=measurement)
    assert "fractional photons" in message and f"multiples of {gain:g}" in message and "base.npz.gain" in message
    arrays, _, _ = taken(scan, measurement=measurement, gain=gain)
    same(arrays)


def test_normalised_frames_are_refused(refused):
    scan = known_scan()
    counts = scan.pop("counts")
    scan["diffraction"] = (counts / counts.sum(axis=(1, 2), keepdims=True)).astype(np.float32)
    assert "fractional photons" in refused(scan, measurement="intensity")


@pytest.mark.parametrize("background", [1, 100, 1000])
@pytest.mark.parametrize("gain", [1, 50])
def test_a_background_is_refused_and_set_right(refused, taken, same, background, gain):
    scan = known_scan()
    scan["counts"] = scan["counts"] * np.uint32(gain) + np.uint32(background)
    message = refused(scan)
    assert f"base.npz.background: {background}" in message
    assert ("base.npz.gain: 50" in message) is (gain == 50)
    arrays, _, _ = taken(scan, background=background, gain=gain)
    same(arrays)


def test_a_noisy_pedestal_is_refused(refused):
    scan = known_scan()
    noise = np.random.default_rng(0).normal(500, 5, scan["counts"].shape)
    scan["counts"] = np.rint(scan["counts"] + noise).astype(np.uint32)
    assert "a constant of about" in refused(scan)


@pytest.mark.parametrize("settings", [{"background": 10}, {"background": 10, "gain": 2}])
def test_a_background_above_the_counts_is_refused(refused, settings):
    message = refused(known_scan(), **settings)
    assert "values below base.npz.background 10" in message and "needed photons >= 0" in message


def test_a_gain_that_is_no_gain_is_refused(refused):
    assert "fractional photons" in refused(known_scan(), gain=7)


def test_even_numbers_that_are_photons_can_be_accepted(taken, same):
    scan = known_scan()
    scan["counts"] = scan["counts"] * np.uint32(2)
    arrays, changes, _ = taken(scan, accept=["gain"])
    np.testing.assert_array_equal(arrays["counts"], scan["counts"])
    assert "multiples of 2" in changes["accepted"][0]


@pytest.mark.parametrize("kind", ["i4", "i8", "u2", "f4", "f8"])
def test_negative_numbers_here_and_there_are_refused(refused, kind):
    scan = known_scan()
    scan["counts"] = scan["counts"].astype("f8" if kind == "u2" else kind)
    scan["counts"][3, 5, 6] = -4
    message = refused(scan, measurement="counts")
    assert "holds negative values (smallest -4), 1 of them in 1 pixels" in message
    assert "most in pixel (5, 6), in 1 of 80 frames" in message and "base.npz.mask" in message


@pytest.mark.parametrize("value", [-1, -2, -32768])
def test_a_mark_for_no_count_in_some_frames_is_refused_with_its_place(refused, masked, value):
    """In most frames it is masked by itself; in a third of them nobody knows, until a mask says so."""
    scan = known_scan(photons=2e4)
    right = scan["counts"]
    scan["counts"] = right.astype("i2")
    scan["counts"][::3, 10, 12] = value
    message = refused(scan)
    assert f"smallest {value}" in message and "pixel (10, 12), in 27 of 80 frames" in message
    bad = np.zeros(right.shape[1:], dtype=bool)
    bad[10, 12] = True
    masked({**scan, "bad_pixels": bad}, bad, right)
    scan["counts"][:, 10, 12] = value
    masked(scan, bad, right)


@pytest.mark.parametrize("kind", ["counts", "amplitude"])
@pytest.mark.parametrize("type_", [">u4", "<u4", ">f4", ">f8", "e", ">e"])
def test_any_order_of_bytes_and_axes_in_memory_is_the_same(taken, same, kind, type_):
    """Half precision holds a photon number below 2048, and the root of one well enough."""
    scan = known_scan(photons=1e4)
    assert scan["counts"].max() < 2048
    numbers = scan.pop("counts") if kind == "counts" else np.sqrt(scan.pop("counts"))
    if kind == "amplitude" and "u" in type_:
        type_ = "f4"
    scan["diffraction"] = np.asfortranarray(numbers.astype(type_))
    scan |= {"ycoords": scan["ycoords"].astype(">i2"), "xcoords": scan["xcoords"].astype(">f8")}
    arrays, changes, _ = taken(scan, measurement=kind)
    right = known_scan(photons=1e4)["counts"]
    # Roots in half precision give back numbers of up to 250 exactly, and others within their rounding.
    off = np.abs(arrays["counts"].astype(float) - right)
    assert np.all(off <= (1e-3 * right if type_[-1] == "e" and kind == "amplitude" else 0) + 0.5) and not changes
    assert kind == "amplitude" or off.max() == 0


# --- what is right passes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("photons", [10, 100, 1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("curved", [True, False])
def test_photons_of_any_number_pass(taken, photons, curved):
    scan = known_scan(photons=photons)
    if not curved:  # a probe in focus has a far field with sharp features
        from known_scan import frames_of

        scan["probeGuess"] = np.abs(probe_of()).astype(np.complex64)
        positions = np.stack([scan["ycoords"], scan["xcoords"]], axis=1)
        scan["counts"] = frames_of(object_of((10 * 5 + N + 6, 8 * 5 + N + 6)), scan["probeGuess"], positions, photons)
    arrays, changes, said = taken(scan)
    np.testing.assert_array_equal(arrays["counts"], scan["counts"])
    assert changes == {} and said == ""
