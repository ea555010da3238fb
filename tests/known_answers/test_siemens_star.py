"""Conversion of a raw scan: photons, DC, positions and band against a star that is known on both grids."""

import numpy as np
import pytest

from ptychostudy.formats.siemens_star import MARGIN_PX, convert, object_shape
from ptychostudy.physics.propagate import intensities

N, HALF = 64, 32


def _low_pass(field, share):
    """Keep the lowest `share` of the band on each axis."""
    spectrum = np.fft.fft2(field)
    keep = [np.abs(np.fft.fftfreq(size)) < 0.5 * share for size in field.shape]
    return np.fft.ifft2(spectrum * np.outer(*keep))


@pytest.fixture
def raw():
    """A star seen through the raw convention, with object and probe so smooth that half of the detector holds all.

    Each is limited to a quarter of the band, so that their product fits into the half that is kept.
    """
    rng = np.random.default_rng(2)
    rows, cols = np.indices((128, 140))
    spokes = np.sin(7 * np.arctan2(rows - 60, cols - 75)) > 0
    object_ = _low_pass(np.exp(1j * np.where(spokes, 0.8, 0.0)) * np.where(rows > cols, 0.8, 1.0), 0.25)
    y, x = np.indices((N, N)) - N / 2
    radius2 = ((y + 3) ** 2 + 1.4 * (x - 2) ** 2) / 9.0**2
    probe = _low_pass(np.exp(-radius2 + 0.7j * radius2), 0.25)
    corners = rng.integers(0, [64, 76], (20, 2))
    windows = np.stack([object_[row : row + N, col : col + N] for row, col in corners])
    exact = np.abs(np.fft.fft2(probe * windows, norm="ortho")) ** 2
    return {"object": object_, "probe": probe, "corners": corners, "exact": exact * 1e7}


def _convert(raw, offset=(0.0, 0.0)):
    return convert(np.rint(raw["exact"]), raw["corners"] + np.array(offset), raw["probe"], HALF)


def test_the_crop_keeps_whole_photons():
    frames = np.random.default_rng(0).poisson(3.0, (4, N, N)).astype(np.float32)
    counts, _, _ = convert(frames, np.zeros((4, 2)), np.ones((N, N)), HALF)
    centred = np.fft.fftshift(frames, axes=(1, 2))[:, 16:48, 16:48]
    assert counts.dtype == np.uint32
    np.testing.assert_array_equal(counts, centred)


def test_nothing_is_lost_where_the_light_fits(raw):
    counts, _, probe = _convert(raw)
    # Cyclic products of band-limited fields stay inside; the windows' edges, where the probe is 1e-6, leak a little.
    assert counts.sum() == pytest.approx(np.rint(raw["exact"]).sum(), rel=1e-5)
    assert np.sum(np.abs(probe) ** 2) == pytest.approx(counts.sum() / len(counts), rel=1e-6)


@pytest.mark.parametrize(("corner", "centred"), [((0, 0), (16, 16)), ((3, 0), (19, 16)), ((0, -5), (16, 11))])
def test_dc_goes_from_the_corner_to_the_centre(corner, centred):
    frames = np.zeros((1, N, N))
    frames[(0, *corner)] = 9
    counts, _, _ = convert(frames, np.zeros((1, 2)), np.ones((N, N)), HALF)
    assert np.argwhere(counts[0]).tolist() == [list(centred)]


@pytest.mark.parametrize("offset", [(0.0, 0.0), (-164.3, 12.7)])
def test_positions_forward_model_to_the_converted_frames(raw, offset):
    counts, positions, probe = _convert(raw, offset)
    # Raw pixel 2 j is new pixel j. Raw corners of odd value are half a new pixel off and shift the probe.
    first = raw["corners"].min(axis=0)
    assert set((raw["corners"] - first).ravel() % 2) == {0, 1}
    object_ = raw["object"][first[0] % 2 :: 2, first[1] % 2 :: 2]
    places = positions - MARGIN_PX + first // 2
    power = np.sum(np.abs(raw["probe"]) ** 2) * 1e7 / np.sum(np.abs(probe) ** 2)

    def distance(where):
        expected = intensities(object_, probe, where) * power
        return np.linalg.norm(expected - counts) / np.linalg.norm(counts.astype(float))

    # The rounding to whole photons and to complex64 leaves 1e-5 at this dose; wrong conventions are far off.
    assert distance(places) < 1e-4
    assert distance(places + [0.5, 0.0]) > 0.01
    assert distance(places + [0.0, -0.5]) > 0.01
    assert distance(np.clip(places[:, ::-1], 16, 46)) > 0.1


def test_positions_start_at_the_margin_and_fit_the_object(raw):
    _, positions, _ = _convert(raw, (5.25, -3.5))
    np.testing.assert_allclose(positions.min(axis=0), HALF / 2 + MARGIN_PX)
    rows, cols = object_shape(positions, HALF)
    assert rows >= positions[:, 0].max() + HALF / 2
    assert cols >= positions[:, 1].max() + HALF / 2


def test_the_probe_is_the_band_limited_one(raw):
    rough = raw["probe"] + 0.1 * np.random.default_rng(1).standard_normal((N, N))
    _, _, probe = convert(np.ones((1, N, N)), np.zeros((1, 2)), rough, HALF)
    spectrum = np.fft.fftshift(np.fft.fft2(rough))[16:48, 16:48]
    found = np.fft.fftshift(np.fft.fft2(probe))
    np.testing.assert_allclose(found / np.linalg.norm(found), spectrum / np.linalg.norm(spectrum), atol=1e-6)


def test_a_smooth_probe_is_sampled_at_every_second_pixel(raw):
    _, _, probe = _convert(raw)
    sampled = raw["probe"][::2, ::2]
    # complex64 rounding only: the band limit changes nothing in a probe that is below it.
    np.testing.assert_allclose(probe / np.linalg.norm(probe), sampled / np.linalg.norm(sampled), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"counts": np.ones((2, 8, 6))}, "counts must have shape"),
        ({"counts": np.full((2, 8, 8), 0.5)}, "whole numbers"),
        ({"counts": np.full((2, 8, 8), -1.0)}, "whole numbers"),
        ({"counts": np.full((2, 8, 8), np.nan)}, "finite"),
        ({"scan": np.zeros((3, 2))}, "scan must have shape"),
        ({"scan": np.full((2, 2), np.inf)}, "scan must be finite"),
        ({"probe": np.ones((4, 4))}, "probe must have shape"),
        ({"n": 5}, "n must be even"),
        ({"n": 10}, "n must be even and from 2 to 8"),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    given = {"counts": np.ones((2, 8, 8)), "scan": np.zeros((2, 2)), "probe": np.ones((8, 8)), "n": 4} | changes
    with pytest.raises(ValueError, match=message):
        convert(given["counts"], given["scan"], given["probe"], given["n"])
