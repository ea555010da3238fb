"""Stage base: object, probe and scan positions in their canonical form."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ptychostudy.formats.readers import PICTURE, USER, load
from ptychostudy.formats.scan import check_scan
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.draws import generator
from ptychostudy.physics.objects import image_object, make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.scans import make_scan

if TYPE_CHECKING:
    from ptychostudy.study.sections.base import BaseSettings, ProbeSettings


def run(settings: "BaseSettings", *, output: Path, source: list[Path]) -> None:
    """Make or convert object, probe and scan; write them once.

    Parameters
    ----------
    settings : BaseSettings
        Section ``base``.
    output : Path
        ``base.npz`` with ``xcoords ycoords probeGuess`` and ``objectGuess`` or ``counts``.
    source : list of Path
        The user's or the fetched file, or nothing for a synthetic study.
    """
    measured = settings.frames == "measured"
    found = _converted(settings, source[0], measured) if source else _synthetic(settings)
    positions = found["positions"]
    arrays = {
        "ycoords": positions[:, 0],
        "xcoords": positions[:, 1],
        "probeGuess": found["probe"].astype(np.complex64),
    }
    if measured:
        arrays["counts"] = found["counts"]
    else:
        arrays["objectGuess"] = found["object"].astype(np.complex64)
        check_scan(source[0] if source else output, arrays, None)
    history = {
        "tool": "ptychostudy.base",
        "operation": "canonicalize",
        "parameters": settings.plain(),
    }
    metadata = {
        "schema_version": "1.1",
        "physics_parameters": {"N": len(found["probe"]), "pixel_size_m": settings.pixel_size_m},
        "data_transformations": [history],
    }
    write_npz(output, arrays, metadata)


def _converted(settings: "BaseSettings", source: Path, measured: bool) -> dict[str, np.ndarray]:
    npz = settings.npz
    found = load(USER).read_user_scan(
        source, measurement=npz.measurement, axes=npz.axes, frames=measured
    )
    if len(found["probe"]) != settings.frame_px:
        raise DataError(
            f"{source}: key 'probeGuess' has side {len(found['probe'])}, but base.frame_px is {settings.frame_px}; "
            "needed: the same N"
        )
    if not measured and "object" not in found:
        raise DataError(
            f"{source}: key 'objectGuess' is missing; needed to simulate frames (or set base.frames: measured)"
        )
    return found


def _synthetic(settings: "BaseSettings") -> dict[str, np.ndarray]:
    n, wanted, seed = settings.frame_px, settings.object, settings.seed
    shape = tuple(wanted.shape_px)
    options = {"amplitude": tuple(wanted.amplitude), "phase_rad": wanted.phase_rad}
    if wanted.kind == "image":
        pictures = [
            load(PICTURE).read_image(path) for path in (wanted.amplitude_image, wanted.phase_image)
        ]
        object_ = image_object(*pictures, shape, **options)
    else:
        object_ = make_object(wanted.kind, shape, generator(seed, "object"), **options)
    probe = make_probe(n=n, rng=generator(seed, "probe"), **_defaulted(settings.probe))
    scan = settings.scan
    low, high = (n / 2, n / 2), (shape[0] - n / 2 - 1, shape[1] - n / 2 - 1)
    rng = generator(seed, "scan")
    positions = make_scan(scan.kind, low, high, scan.step_px, rng, jitter_px=scan.jitter_px)
    return {"object": object_, "probe": probe, "positions": positions}


def _defaulted(probe: "ProbeSettings") -> dict[str, Any]:
    bent = probe.curvature_rad
    return dict(probe) | {"curvature_rad": 2 * np.pi if bent is None else bent}
