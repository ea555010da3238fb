"""Expected frames in blocks: those of the forward model, whatever is kept of them and however many come at a time."""

import numpy as np
import pytest

from ptychostudy.physics import expected
from ptychostudy.physics.block_transform import FftwTransform, ScipyTransform
from ptychostudy.physics.expected import Expected
from ptychostudy.physics.propagate import intensities

N, FRAMES = 16, 11
rng = np.random.default_rng(4)
OBJECT = rng.uniform(0.4, 1, (40, 48)) * np.exp(1j * rng.uniform(-1, 1, (40, 48)))
MODES = rng.normal(size=(3, N, N)) + 1j * rng.normal(size=(3, N, N))
POSITIONS = rng.uniform(9, [31, 39], (FRAMES, 2))
VALID = rng.random((N, N)) < 0.8
CASES = [(MODES[0], None), (MODES, None), (MODES[0], VALID), (MODES, VALID)]


def copied(blocks):
    """Return blocks as one array; each block is overwritten by the next."""
    return np.concatenate([block.copy() for block in blocks])


LIBRARIES = [FftwTransform, ScipyTransform]


@pytest.fixture(autouse=True, params=LIBRARIES)
def library(request, monkeypatch):
    """Each test with the transforms of either."""
    monkeypatch.setattr(expected, "block_transform", request.param)


@pytest.mark.parametrize(("probe", "valid"), CASES)
@pytest.mark.parametrize("block", [1, 4, 64])
def test_frames_are_those_of_the_forward_model(probe, valid, block):
    given = intensities(OBJECT, probe, POSITIONS) * (1 if valid is None else valid)
    found = copied(Expected(OBJECT, probe, POSITIONS, valid=valid, block=block).frames())
    np.testing.assert_allclose(found, given, rtol=0, atol=1e-14 * given.max())
    if expected.block_transform is ScipyTransform:
        np.testing.assert_array_equal(found, given)


@pytest.mark.parametrize(("n", "block"), [(16, 4), (16, 64), (15, 4)])
def test_counts_are_the_same_by_either_library(n, block, monkeypatch):
    """Their frames differ in the last bit, which no draw sees."""
    drawn = []
    for transforms in LIBRARIES:
        monkeypatch.setattr(expected, "block_transform", transforms)
        model = Expected(OBJECT, 30 * MODES[:, :n, :n], POSITIONS, block=block)
        draws = np.random.default_rng(5)
        drawn.append(np.concatenate([draws.poisson(frames) for frames in model.frames(1 / model.mean() ** 0.5)]))
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("frames", [1, 3, 4, 5, 11])
def test_a_frame_does_not_depend_on_those_beside_it(frames):
    """Not in a bit, also in a last block that is not full, and however many blocks came before."""
    whole = copied(Expected(OBJECT, MODES, POSITIONS, block=4).frames())
    model = Expected(OBJECT, MODES, np.concatenate([POSITIONS[:4], POSITIONS[:frames]]), block=4)
    for _ in range(2):
        np.testing.assert_array_equal(copied(model.frames())[4:], whole[:frames])


@pytest.mark.parametrize(("probe", "valid"), CASES)
@pytest.mark.parametrize("kept", [0, 1, 5, 8, FRAMES, 100])
def test_what_is_kept_changes_no_bit(probe, valid, kept):
    plain = Expected(OBJECT, probe, POSITIONS, valid=valid, block=4)
    mean, frames = plain.mean(), copied(plain.frames(1.7))
    model = Expected(OBJECT, probe, POSITIONS, valid=valid, block=4)
    assert model.mean(kept=kept) == mean
    # Twice: the first time must not use them up, or scale what is kept.
    for _ in range(2):
        np.testing.assert_array_equal(copied(model.frames(1.7)), frames)


@pytest.mark.parametrize("valid", [None, VALID])
def test_the_mean_is_that_of_the_frames(valid):
    model = Expected(OBJECT, MODES, POSITIONS, valid=valid, block=3)
    sums = copied(model.frames(2.0)).sum(axis=(1, 2))
    # Sums of some hundred terms in another order.
    assert model.mean() == pytest.approx(sums.mean() / 4, rel=1e-13)
    # Frames of other light each: the mean is of all of them.
    assert np.ptp(sums) > 0.05 * sums.mean()


def test_no_more_is_kept_than_may_be():
    model = Expected(OBJECT, MODES[0], POSITIONS, block=4)
    made = []
    probes = model._probes
    model._probes = lambda part: made.append(part.start) or probes(part)
    model.mean(kept=9)
    assert made == [0, 4, 8]
    made.clear()
    copied(model.frames())
    # Two blocks of four fit into nine frames; the last three frames are made again.
    assert made == [8]


@pytest.mark.parametrize(("n", "odd"), [(64, False), (128, False), (64, True), (65, False)])
def test_rows_that_lie_apart_change_nothing(n, odd):
    """From 64 pixels on, FFTW's rows do; windows of the last columns reach beyond the object then."""
    draw = np.random.default_rng(n)
    shape = (n + 9, n + 7)
    object_ = draw.uniform(0.4, 1, shape) * np.exp(1j * draw.uniform(-1, 1, shape))
    probe = draw.normal(size=(2, n, n)) + 1j * draw.normal(size=(2, n, n))
    # At each corner of the object, and between.
    positions = np.array([[0, 0], [8.6, 0], [0, 6.7], [8.9, 6.9], [3.5, 2.25]]) + n // 2
    valid = draw.random((n, n)) < 0.8 if odd else None
    given = intensities(object_, probe, positions) * (1 if valid is None else valid)
    model = Expected(object_, probe, positions, valid=valid, block=2)
    assert model.mean(kept=3) == pytest.approx(given.sum(axis=(1, 2)).mean(), rel=1e-13)
    np.testing.assert_allclose(copied(model.frames()), given, rtol=0, atol=1e-14 * given.max())


def test_a_window_that_leaves_the_object_is_refused():
    with pytest.raises(ValueError, match="window 10 at corner"):
        Expected(OBJECT, MODES[0], np.concatenate([POSITIONS[:10], [[3.0, 20.0]]]))


def test_an_object_of_real_numbers_is_one_without_phase():
    plain = Expected(np.abs(OBJECT), MODES, POSITIONS)
    given = intensities(np.abs(OBJECT).astype(complex), MODES, POSITIONS)
    np.testing.assert_allclose(copied(plain.frames()), given, rtol=0, atol=1e-14 * given.max())


def test_a_place_that_is_no_number_is_outside():
    positions = POSITIONS.copy()
    positions[3, 1] = np.nan
    with pytest.raises(ValueError, match="window 3 at corner"):
        Expected(OBJECT, MODES, positions)
