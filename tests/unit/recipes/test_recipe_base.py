"""Recipe base: no window of a drawn scan leaves the drawn object, and one key moves one of the three."""

import math

import numpy as np
import pytest

from ptychostudy.physics.windows import corners, inside
from ptychostudy.recipes.base import make_scene
from ptychostudy.study.sections.base import BaseSettings


def settings(**changes):
    small = {"frame_px": 32, "object": {"shape_px": (96, 136)}, "probe": {"diameter_px": 16.0}}
    return BaseSettings(**{**small, **changes})


@pytest.mark.parametrize("kind", ["raster", "fermat", "fly", "random"])
def test_every_window_lies_in_the_object_and_the_scan_reaches_its_edges(kind):
    scene = make_scene(settings(scan={"kind": kind, "step_px": 4.0}))
    assert scene.object.shape == (96, 136)
    first = corners(scene.positions, 32)
    assert inside(first, 32, scene.object.shape).all()
    # No side is left out: windows come within two steps of each edge.
    assert first.min() <= 8
    assert np.all(np.array(scene.object.shape) - 32 - first.max(axis=0) <= 8)


def test_one_key_moves_one_of_the_three():
    first = make_scene(settings())
    other = make_scene(settings(scan={"step_px": 5.0}))
    np.testing.assert_array_equal(first.object, other.object)
    np.testing.assert_array_equal(first.probe, other.probe)
    assert len(other.positions) > len(first.positions)
    other = make_scene(settings(object={"shape_px": (96, 136), "phase_rad": 0.5}))
    np.testing.assert_array_equal(first.positions, other.positions)
    np.testing.assert_array_equal(first.probe, other.probe)


def test_the_probe_is_curved_by_one_wave_where_nothing_is_said():
    said = settings(probe={"diameter_px": 16.0, "curvature_rad": 2 * math.pi})
    np.testing.assert_array_equal(make_scene(settings()).probe, make_scene(said).probe)


def test_pictures_become_amplitude_and_phase():
    rows, cols = np.indices((96, 136))
    wanted = {"kind": "image", "shape_px": (96, 136), "amplitude_image": "a", "phase_image": "p"}
    pictures = (rows / rows.max(), cols / cols.max())
    scene = make_scene(settings(object={**wanted, "amplitude": (0.4, 1.0), "phase_rad": 1.0}), pictures)
    # Brightness grows with the rows, phase with the columns, and neither with the other.
    assert np.all(np.diff(np.abs(scene.object).mean(axis=1)) > 0)
    assert np.all(np.diff(np.angle(scene.object).mean(axis=0)) > 0)
    assert np.ptp(np.angle(scene.object), axis=0).max() < 1e-12
