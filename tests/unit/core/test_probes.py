"""Probes: unit power, confinement, known diameters, the sense of the curvature."""

import numpy as np
import pytest

from ptychostudy.core.probes import make_probe, probe_diameter_px

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
        ({"curvature_rad": 80.0}, "Nyquist"),
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
