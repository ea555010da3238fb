"""Base: the object, the probe and the scan of a synthetic study."""

import math
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.physics.draws import generator
from ptychostudy.physics.objects import image_object, make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.scans import make_scan
from ptychostudy.recipes.scene import Scene

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings, ObjectSettings

CURVATURE_RAD = 2 * math.pi
"""Phase of the spherical wave at the probe's edge, where the study says nothing of it."""


def make_scene(settings: "BaseSettings", pictures: tuple[np.ndarray, ...] = ()) -> Scene:
    """Draw object, probe and scan.

    Parameters
    ----------
    settings : BaseSettings
    pictures : tuple of (h, w) float
        Amplitude and phase of the object, for the kind ``image``.
    """
    # Each draws from a generator of its own, so that one key of the study moves one of them.
    return Scene(_object(settings, pictures), _probe(settings), _positions(settings))


def _positions(settings: "BaseSettings") -> np.ndarray:
    """Return window centres (k, 2) from which no window leaves the object."""
    rows, cols = settings.object.shape_px
    n = _side(settings)
    # A window begins N // 2 before its centre: the first and the last pixel at which it fits.
    low = (n / 2, n / 2)
    high = (rows - n / 2 - 1, cols - n / 2 - 1)
    scan = settings.scan
    rng = generator(settings.seed, "scan")
    return make_scan(scan.kind, low, high, scan.step_px, rng, jitter_px=scan.jitter_px)


def _object(settings: "BaseSettings", pictures: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return the object (H, W): drawn, or from two pictures."""
    wanted = settings.object
    if wanted.kind == "image":
        return _pictured(wanted, *pictures)
    return make_object(
        wanted.kind,
        wanted.shape_px,
        generator(settings.seed, "object"),
        amplitude=wanted.amplitude,
        phase_rad=wanted.phase_rad,
    )


def _pictured(wanted: "ObjectSettings", amplitude: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """Return the object (H, W) of two pictures."""
    return image_object(
        amplitude,
        phase,
        wanted.shape_px,
        amplitude=wanted.amplitude,
        phase_rad=wanted.phase_rad,
    )


def _probe(settings: "BaseSettings") -> np.ndarray:
    """Return the probe (N, N), not yet in photons: a dose scales it."""
    wanted = settings.probe
    curvature = CURVATURE_RAD if wanted.curvature_rad is None else wanted.curvature_rad
    return make_probe(
        wanted.kind,
        _side(settings),
        diameter_px=wanted.diameter_px,
        curvature_rad=curvature,
        edge_px=wanted.edge_px,
        rng=generator(settings.seed, "probe"),
    )


def _side(settings: "BaseSettings") -> int:
    """Return the side N of the frames to be made, which the study says where no file does."""
    if settings.frame_px == "auto":
        raise ValueError("base.frame_px is auto; needed: the side of frames that are to be made")
    return settings.frame_px
