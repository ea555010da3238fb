"""Modes of a probe: their frames add; mixtures make the same frames; powers are those that were put in."""

import numpy as np
import pytest

from ptychostudy.physics import windows
from ptychostudy.physics.counts import mean_intensity, scale_probe, simulated_blocks
from ptychostudy.physics.modes import (
    are_canonical,
    as_modes,
    first_mode,
    orthogonal_modes,
    power_shares,
    powers,
    so_many_modes,
)
from ptychostudy.physics.propagate import intensities

N = 16
rng = np.random.default_rng(5)
OBJECT = np.exp(1j * rng.uniform(0, 1, (40, 50)))
POSITIONS = np.array([[12.25, 20.5], [25.0, 11.0], [30.4, 38.9]])


def gauss_hermite(order):
    """Return modes of a beam that are orthogonal by symmetry: a Gaussian times 1, rows, columns, both."""
    y, x = (np.mgrid[:N, :N] - N // 2) / 2.5
    envelope = np.exp(-(x**2) / 2 - y**2 / 2 + 0.3j * x**2)
    # The first row and column have no counterpart in an even window.
    envelope[0], envelope[:, 0] = 0, 0
    wave = envelope * [1, y, x, x * y][order]
    return wave / np.linalg.norm(wave)


def beam(*shares):
    return np.stack([np.sqrt(share) * gauss_hermite(order) for order, share in enumerate(shares)])


def mixed(modes):
    """Return a unitary mixture of modes."""
    unitary, _ = np.linalg.qr(rng.normal(size=(len(modes),) * 2) + 1j * rng.normal(size=(len(modes),) * 2))
    return np.tensordot(unitary, modes, axes=1)


def test_intensities_of_modes_add():
    modes = beam(0.6, 0.3, 0.1)
    total = intensities(OBJECT, modes, POSITIONS)
    np.testing.assert_allclose(total, sum(intensities(OBJECT, mode, POSITIONS) for mode in modes), rtol=1e-12)
    # They do not interfere: a coherent sum is another frame.
    assert np.abs(total - intensities(OBJECT, modes.sum(axis=0), POSITIONS)).max() > 0.1 * total.max()
    np.testing.assert_array_equal(intensities(OBJECT, modes[:1], POSITIONS), intensities(OBJECT, modes[0], POSITIONS))


def test_photons_of_modes():
    modes = scale_probe(beam(0.7, 0.3), 1e6).astype(complex)
    mean = mean_intensity(np.ones((40, 50)), modes, POSITIONS)
    assert mean == pytest.approx(1e6, rel=1e-6)
    (counts,) = simulated_blocks(np.ones((40, 50)), modes, POSITIONS, np.random.default_rng(0))
    assert counts.sum(axis=(1, 2)).mean() == pytest.approx(1e6, rel=5e-3)


def test_light_of_modes_adds():
    modes = beam(0.7, 0.3)
    light = windows.light(modes, POSITIONS, OBJECT.shape)
    np.testing.assert_allclose(light, sum(windows.light(mode, POSITIONS, OBJECT.shape) for mode in modes), atol=1e-15)


@pytest.mark.parametrize("shares", [(0.6, 0.3, 0.1), (0.9, 0.1), (0.5, 0.3, 0.15, 0.05), (1.0,)], ids=str)
def test_a_mixture_is_taken_apart_again(shares):
    modes = beam(*shares)
    mixture = mixed(modes)
    assert are_canonical(modes) and (len(shares) == 1 or not are_canonical(mixture))
    found = orthogonal_modes(mixture)
    assert are_canonical(found)
    np.testing.assert_allclose(power_shares(found), shares, atol=1e-12)
    np.testing.assert_allclose(intensities(OBJECT, found, POSITIONS), intensities(OBJECT, modes, POSITIONS), rtol=1e-9)
    for mode, right in zip(found, modes, strict=True):
        assert abs(np.vdot(mode, right)) == pytest.approx(np.vdot(right, right).real)


def test_orthogonal_modes_are_only_put_in_order():
    modes = beam(0.2, 0.7, 0.1)
    assert not are_canonical(modes)
    np.testing.assert_allclose(orthogonal_modes(modes), modes[[1, 0, 2]], atol=1e-15)


def test_equal_modes_are_one():
    wave = gauss_hermite(0)
    found = orthogonal_modes(np.stack([wave, 1j * wave]))
    np.testing.assert_allclose(power_shares(found), [1, 0], atol=1e-15)


def test_the_first_mode_has_all_the_power():
    modes = beam(0.6, 0.3, 0.1).astype(np.complex64)
    alone = first_mode(modes)
    assert alone.dtype == np.complex64 and np.sum(np.abs(alone) ** 2) == pytest.approx(1, rel=1e-6)
    np.testing.assert_allclose(alone, modes[0] / np.sqrt(0.6), rtol=1e-6)
    np.testing.assert_array_equal(first_mode(modes[:1]), modes[0])


@pytest.mark.parametrize("wanted", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("given", [1, 2, 3])
def test_so_many_modes(wanted, given):
    modes = 3 * beam(0.6, 0.3, 0.1)[:given]
    made = so_many_modes(modes, wanted)
    assert made.shape == (wanted, N, N) and powers(made).sum() == pytest.approx(powers(modes).sum())
    # Those that are known stay as they are but for their power; the others are orthogonal to all.
    known = min(wanted, given)
    ratio = powers(made[:known]) / powers(modes[:known])
    np.testing.assert_allclose(ratio, ratio[0])
    gram = np.abs(np.einsum("aij,bij->ab", made.conj(), made))
    assert np.all(gram - np.diag(np.diag(gram)) < 1e-9 * gram.max())
    if wanted > given:
        np.testing.assert_allclose(powers(made[given:]) / powers(made).sum(), 0.05 / (1 + 0.05 * (wanted - given)))


def test_further_modes_begin_as_slopes_of_rows_and_columns():
    first = gauss_hermite(0)
    made = so_many_modes(first, 3)
    assert abs(np.vdot(made[1], gauss_hermite(1))) / np.linalg.norm(made[1]) == pytest.approx(1)
    assert abs(np.vdot(made[2], gauss_hermite(2))) / np.linalg.norm(made[2]) == pytest.approx(1)
    assert as_modes(first).shape == (1, N, N)
