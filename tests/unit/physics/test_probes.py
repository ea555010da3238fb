"""Probes: unit power, confinement, known diameters, the sense of the curvature; wrong probes by closed forms."""

import numpy as np
import pytest

from ptychostudy.physics.probes import distort_probe, make_probe, probe_diameter_px

KINDS = ["disc", "zoneplate", "speckle"]


def made(kind, n=64, **options):
    return make_probe(kind, n, **{"diameter_px": 0.6 * n, "rng": np.random.default_rng(3), **options})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [32, 64, 128])
def test_unit_power_centred_and_confined(kind, n):
    probe = made(kind, n)
    assert probe.shape == (n, n) and probe.dtype == np.complex128
    power = np.abs(probe) ** 2
    assert power.sum() == pytest.approx(1.0, abs=1e-12)
    border = np.concatenate([power[0], power[-1], power[:, 0], power[:, -1]])
    assert border.max() < 1e-6 * power.max()
    rows, cols = np.indices(power.shape)
    centre = (power * rows).sum(), (power * cols).sum()
    # Smooth probes are even about pixel n // 2; speckle wanders by a small part of its diameter.
    np.testing.assert_allclose(centre, n // 2, atol=0.06 * n if kind == "speckle" else 1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.4, 0.6])
def test_kinds_agree_on_the_diameter(kind, share):
    diameter = share * 64
    # Edge pixels come in whole steps. Speckle's centroid wanders by up to a grain, which adds twice that.
    allowed = 4.0 if kind == "speckle" else 1.6
    assert probe_diameter_px(made(kind, diameter_px=diameter)) == pytest.approx(diameter, abs=allowed)


def test_speckle_depends_on_its_generator_only():
    np.testing.assert_array_equal(made("speckle"), made("speckle"))
    assert abs(np.vdot(made("speckle"), made("speckle", rng=np.random.default_rng(4)))) < 0.5
    with pytest.raises(ValueError, match="needs rng"):
        made("speckle", rng=None)


def test_disc_phase_is_quadratic():
    probe = made("disc", diameter_px=40.0, curvature_rad=3.0)
    phase = np.angle(probe * np.conj(probe[32, 32]))
    # 3 rad at the radius of 20 px: a quarter of it at half the radius, on either axis and side.
    for row, col in ((42, 32), (22, 32), (32, 42), (32, 22)):
        assert phase[row, col] == pytest.approx(0.75, abs=1e-12)


@pytest.mark.parametrize("kind", ["disc", "zoneplate"])
@pytest.mark.parametrize("sign", [1, -1])
def test_curvature_sign_is_that_of_the_wavefront(kind, sign):
    probe = made(kind, 128, curvature_rad=sign * 12.0)
    ring = probe[64, 64 + 14 : 64 + 22]
    steps = np.angle(ring[1:] * np.conj(ring[:-1]))
    assert np.all(np.sign(steps) == sign)


def test_zone_plate_far_field_is_an_annulus():
    far = np.abs(np.fft.fftshift(np.fft.fft2(made("zoneplate", 128, curvature_rad=20.0), norm="ortho"))) ** 2
    # Back at the detector the stop's shadow is dark: below 1 % of the bright ring.
    assert far[64, 64] < 0.01 * far.max()


def test_a_zone_plate_without_a_stop_is_bright_in_the_middle():
    far = np.abs(np.fft.fftshift(np.fft.fft2(made("zoneplate", 128, curvature_rad=20.0, stop=0.0), norm="ortho"))) ** 2
    # A full pupil of constant transmission: Fresnel ripples only, about their mean of the inner half.
    rows, cols = np.indices(far.shape) - 64
    assert far[64, 64] > 0.5 * far[np.hypot(rows, cols) < 8].mean() > 0


def test_speckle_has_full_contrast():
    power = np.abs(made("speckle", 256, diameter_px=180.0)) ** 2
    rows, cols = np.indices(power.shape) - 128
    inside = power[np.hypot(rows, cols) < 80]
    # Fully developed speckle has contrast 1; some 10^3 grains leave a few per cent of scatter.
    assert inside.std() / inside.mean() == pytest.approx(1.0, abs=0.12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "beam"}, "found 'beam'"),
        ({"diameter_px": -1.0}, "diameter_px must be positive"),
        ({"diameter_px": 62.0}, "does not fit the 64 px window"),
        ({"curvature_rad": 80.0}, r"Nyquist frequency of the pixels; at most 30\.1593 rad fit"),
        ({"kind": "zoneplate", "stop": 1.0}, "stop must be"),
        ({"kind": "zoneplate", "curvature_rad": 0.0}, "must not be 0"),
    ],
)
def test_bad_values_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        made(**{"kind": "disc", **options})


def test_diameter_of_a_gaussian():
    rows, cols = np.indices((128, 128))
    amplitude = np.exp(-((rows - 60.3) ** 2 + (cols - 70.8) ** 2) / (4 * 9.0**2))
    # |P|^2 has standard deviation 9: 1 - exp(-r^2 / (2 * 81)) is the share inside r. A pixel's rim is worth ~0.1 px.
    for energy in (0.5, 0.9, 0.99):
        expected = 2 * 9.0 * np.sqrt(-2 * np.log(1 - energy))
        assert probe_diameter_px(amplitude, energy) == pytest.approx(expected, abs=0.3)


def test_diameter_of_a_disc_anywhere_and_of_modes():
    rows, cols = np.indices((128, 128))
    disc = (np.hypot(rows - 50.5, cols - 77.25) <= 20.0).astype(complex)
    assert probe_diameter_px(disc, 1.0) == pytest.approx(40.0, abs=0.3)
    assert probe_diameter_px(disc, 0.25) == pytest.approx(20.0, abs=0.3)
    assert probe_diameter_px(np.stack([disc, 2j * disc]), 0.25) == probe_diameter_px(disc, 0.25)


@pytest.mark.parametrize(
    ("probe", "energy"), [(np.zeros((8, 8)), 0.99), (np.full((8, 8), np.nan), 0.99), (np.ones((8, 8)), 0.0)]
)
def test_diameter_refuses_nonsense(probe, energy):
    with pytest.raises(ValueError, match="found"):
        probe_diameter_px(probe, energy)


# --- a probe known badly ----------------------------------------------------------------------------------------------


def gaussian(n, width, row=0.0, col=0.0):
    """Amplitude exp(-r^2 / 2 width^2): its intensity has the variance width^2 / 2 on each axis."""
    rows, cols = np.indices((n, n)) - n // 2
    return np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * width**2)).astype(complex)


def moments(probe):
    """Return centroid and variance (rows, cols) of the power about the window's centre."""
    power = np.abs(probe) ** 2 / np.sum(np.abs(probe) ** 2)
    places = np.indices(power.shape) - len(power) // 2
    mean = np.sum(power * places, axis=(1, 2))
    return mean, np.sum(power * places**2, axis=(1, 2)) - mean**2


def test_nothing_wrong_changes_nothing():
    probe = made("zoneplate")
    np.testing.assert_array_equal(distort_probe(probe), probe)
    np.testing.assert_array_equal(distort_probe(probe, shift_px=(-0.0, 0.0)), probe)


@pytest.mark.parametrize("shift", [(3.0, 0.0), (-3.0, 0.0), (0.0, 2.5), (0.0, -2.5), (1.3, -0.7)])
@pytest.mark.parametrize("kind", ["gaussian", *KINDS])
def test_shift_moves_the_centroid_by_the_shift(kind, shift):
    probe = gaussian(64, 5.0, 1.0, -2.0) if kind == "gaussian" else made(kind, diameter_px=30.0)
    before, after = moments(probe)[0], moments(distort_probe(probe, shift_px=shift))[0]
    # Exact for a probe that never reaches the border; 1e-6 of the maximum may stand there, half a window away.
    np.testing.assert_allclose(after - before, shift, atol=1e-9 if kind == "gaussian" else 1e-3)


def test_whole_pixels_roll():
    probe = made("disc", diameter_px=30.0)
    found = distort_probe(probe, shift_px=(4.0, -3.0))
    np.testing.assert_allclose(found, np.roll(probe, (4, -3), axis=(0, 1)), atol=1e-14)


@pytest.mark.parametrize(
    "wrong",
    [{"defocus_rad": 1.5}, {"defocus_rad": -1.5}, {"shift_px": (2.2, -1.0)}, {"blur_px": 1.5}],
    ids=lambda wrong: next(iter(wrong)),
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_wrong_probe_keeps_the_power_and_is_no_copy(kind, wrong):
    probe = 300.0 * made(kind, diameter_px=30.0)
    found = distort_probe(probe, **wrong)
    assert np.sum(np.abs(found) ** 2) == pytest.approx(9e4, rel=1e-12)
    # Not only its phase differs: the normalised correlation is visibly below one.
    assert abs(np.vdot(found, probe)) < 0.99 * 9e4


@pytest.mark.parametrize("kind", KINDS)
def test_the_opposite_defocus_refocuses(kind):
    probe = made(kind, diameter_px=28.0)
    # The far field's power does not change, so both steps have the same Q: the phases cancel.
    twice = distort_probe(distort_probe(probe, defocus_rad=1.7), defocus_rad=-1.7)
    np.testing.assert_allclose(twice, probe, atol=1e-13)
    np.testing.assert_allclose(
        np.abs(np.fft.fft2(distort_probe(probe, defocus_rad=1.7))), np.abs(np.fft.fft2(probe)), atol=1e-12
    )


@pytest.mark.parametrize("defocus", [1.0, -3.0])
def test_defocus_spreads_a_gaussian_as_fresnel_says(defocus):
    width = 6.0
    # 99 % of the far field exp(-4 pi^2 w^2 q^2) lie within Q = sqrt(ln 100) / (2 pi w); d = pi wavelength z Q^2.
    wavelength_distance = defocus / (np.pi * np.log(100) / (2 * np.pi * width) ** 2)
    spread = width**2 + (wavelength_distance / (2 * np.pi * width)) ** 2
    found = moments(distort_probe(gaussian(256, width), defocus_rad=defocus))[1]
    # Q is measured to half a pixel of 14.6 at most: 3 % of Q, 13 % of the added variance.
    np.testing.assert_allclose(found - width**2 / 2, (spread - width**2) / 2, rtol=0.13)


@pytest.mark.parametrize("sign", [1, -1])
def test_positive_defocus_is_downstream(sign):
    # A beam that converges (negative curvature) is narrower further on and wider before.
    probe = made("disc", 128, diameter_px=50.0, curvature_rad=-6.0 * sign)
    further, before = (moments(distort_probe(probe, defocus_rad=sign * d))[1].sum() for d in (2.0, -2.0))
    assert further < moments(probe)[1].sum() < before


def test_a_ray_from_the_edge_moves_as_documented():
    probe = made("zoneplate", 128, diameter_px=60.0, curvature_rad=30.0)
    far = probe_diameter_px(np.fft.fftshift(np.fft.fft2(probe))) / 2 / 128
    # Diverging rays: the beam grows by twice d / (pi Q); its 99 % disc follows the edge rays up to diffraction, 15 %.
    grown = probe_diameter_px(distort_probe(probe, defocus_rad=6.0)) - probe_diameter_px(probe)
    assert grown == pytest.approx(2 * 6.0 / (np.pi * far), rel=0.15)


@pytest.mark.parametrize("blur", [0.5, 1.0, 3.0])
def test_blur_adds_its_variance_to_a_gaussian(blur):
    width = 5.0
    found = moments(distort_probe(gaussian(64, width), blur_px=blur))[1]
    # Amplitude variances add, width^2 + blur^2; the intensity has half of that on each axis.
    np.testing.assert_allclose(found, (width**2 + blur**2) / 2, rtol=1e-6)


def test_order_does_not_matter():
    probe, wrong = made("disc", diameter_px=30.0), {"defocus_rad": 1.0, "shift_px": (1.0, -2.5)}
    first = distort_probe(distort_probe(probe, shift_px=(1.0, -2.5)), defocus_rad=1.0)
    np.testing.assert_allclose(first, distort_probe(probe, **wrong), atol=1e-14)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shift_px": (20.0, 0.0)}, "does not fit the 64 px window"),
        ({"defocus_rad": -40.0}, "does not fit the 64 px window"),
        ({"blur_px": -1.0}, "blur_px >= 0"),
        ({"defocus_rad": float("nan")}, "defocus_rad nan"),
        ({"shift_px": (0.0, float("inf"))}, "needed: finite"),
    ],
)
def test_impossible_wrong_probes_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        distort_probe(made("disc", diameter_px=36.0), **wrong)


def test_a_measured_probe_with_tails_may_be_distorted():
    # Tails at 3e-3 of the maximum on the border are the measurement's own; a small shift does not make them worse.
    probe = made("disc") + 0.055 * np.abs(made("disc")).max()
    found = distort_probe(probe, shift_px=(1.0, 0.0))
    np.testing.assert_allclose(found, np.roll(probe, 1, axis=0), atol=1e-14)
