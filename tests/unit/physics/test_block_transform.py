"""Transforms of blocks, by FFTW and by SciPy: against sums written out, both ways, in place."""

import sys

import numpy as np
import pyfftw
import pytest

from ptychostudy.physics.block_transform import FftwTransform, ScipyTransform, block_transform

WAYS = [FftwTransform, ScipyTransform]


def waves(shape, seed=3):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [1, 2, 7, 16, 31])
def test_forward_is_the_sum_written_out(way, n):
    """Of waves that no mirror nor transpose leaves as they are; the sign is that of the far field."""
    given = waves((2, 3, n, n))
    transform = way(given.shape)
    transform.waves[...] = given
    transform.forward()
    at = np.arange(n)
    kernel = np.exp(-2j * np.pi * np.outer(at, at) / n)
    expected = np.einsum("ur,mbrc,vc->mbuv", kernel, given.astype(complex), kernel)
    np.testing.assert_allclose(transform.waves, expected, rtol=0, atol=2e-6 * np.abs(expected).max())
    np.testing.assert_allclose(transform.waves[..., 0, 0], given.sum(axis=(-2, -1)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", [(1, 16, 64, 64), (1, 1, 64, 64), (3, 5, 48, 48), (1, 4, 63, 63), (2, 65, 9, 9)])
def test_there_and_back_is_the_number_of_pixels(way, shape):
    transform = way(shape)
    # One block after the other, as a likelihood has them.
    for seed in (1, 2):
        given = waves(shape, seed)
        transform.waves[...] = given
        transform.forward()
        transform.backward()
        assert transform.waves.dtype == np.complex64
        pixels = shape[-1] ** 2
        np.testing.assert_allclose(transform.waves / pixels, given, rtol=0, atol=3e-6)


@pytest.mark.parametrize("way", WAYS)
def test_power_is_kept_but_for_the_pixels(way):
    given = waves((1, 4, 32, 32))
    transform = way(given.shape)
    transform.waves[...] = given
    transform.forward()
    power = np.sum(np.abs(transform.waves.astype(complex)) ** 2, axis=(-2, -1))
    np.testing.assert_allclose(power, 1024 * np.sum(np.abs(given) ** 2, axis=(-2, -1)), rtol=1e-6)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("n", [32, 63, 64, 65, 128, 256])
def test_rows_apart_are_transformed_as_others(way, n):
    given = waves((2, n, n)).astype(complex)
    transform = way(given.shape, np.complex128, apart=True)
    assert transform.whole.flags.c_contiguous
    transform.waves[...] = given
    transform.forward()
    np.testing.assert_allclose(transform.waves, np.fft.fft2(given), rtol=0, atol=1e-12 * n)
    transform.backward()
    np.testing.assert_allclose(transform.waves / n**2, given, rtol=0, atol=1e-14 * n)
    assert np.shares_memory(transform.waves, transform.whole)
    # What lies between is not touched.
    assert not transform.whole[..., n:].any()
    between = transform.whole.shape[-1] - n
    assert between == (4 if way is FftwTransform and n >= 64 else 0)


def test_fftw_is_quick_of_256_where_rows_may_lie_apart():
    assert isinstance(block_transform((1, 256, 256), apart=True), FftwTransform)
    assert isinstance(block_transform((1, 96, 96), apart=True), ScipyTransform)


def test_a_plan_is_the_same_in_each_run():
    """Bits of a result must not depend on what the machine did as a plan was made."""
    given = waves((1, 16, 64, 64))
    made = []
    for _ in range(3):
        # What was planned in this process would be taken again, as in no other run.
        pyfftw.forget_wisdom()
        transform = FftwTransform(given.shape)
        assert all("FFTW_ESTIMATE" in plan.flags for plan in (transform._forward, transform._backward))
        transform.waves[...] = given
        transform.forward()
        made.append(transform.waves.tobytes())
    assert len(set(made)) == 1


@pytest.mark.parametrize(
    ("sides", "kind"),
    [
        ((1, 1), FftwTransform),
        ((32, 32), FftwTransform),
        ((128, 128), FftwTransform),
        ((64, 96), ScipyTransform),
        ((63, 64), ScipyTransform),
        ((65, 65), ScipyTransform),
        ((256, 256), ScipyTransform),
    ],
)
def test_fftw_is_used_of_sides_that_it_estimates_well(sides, kind):
    """Powers of two up to 128; how many frames there are tells nothing."""
    assert isinstance(block_transform((3, 5, *sides)), kind)


def test_fftw_is_used_where_it_is_installed_and_scipy_elsewhere(monkeypatch):
    assert isinstance(block_transform((1, 2, 8, 8)), FftwTransform)
    monkeypatch.setitem(sys.modules, "pyfftw", None)
    assert isinstance(block_transform((1, 2, 8, 8)), ScipyTransform)
