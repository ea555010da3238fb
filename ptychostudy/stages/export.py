"""Stage export: one arm as a Ptychodus product."""

from pathlib import Path

import numpy as np

from ptychostudy import io
from ptychostudy.io.product import Product, write_product_h5

_COMMENTS = (
    "Written by ptychostudy. Photon energy and detector distance are nominal: the study knows pixels only. "
    "Pixels that the arm never reconstructed are 0."
)


def run(
    *,
    arm_file: Path,
    scan: Path,
    view: Path,
    base: Path,
    output: Path,
    photon_energy_ev: float = 8000.0,
    detector_distance_m: float = 1.0,
) -> None:
    """Write object, probe, positions and losses of one arm; all windows of the view lie inside the exported object.

    Parameters
    ----------
    arm_file : Path
        Product of the arm: ``reconstructed_object origin`` and, where it has them, ``reconstructed_probe loss``.
    scan, view : Path
        Probe and positions; frame indices.
    base : Path
        Pixel size.
    output : Path
        ``{arm}.h5``.
    photon_energy_ev, detector_distance_m : float
        Nominal: frames of N pixels follow from the object's pixels alone; these only give the detector's pitch.

    Raises
    ------
    DataError
        If the arm failed.
    """
    record, arm, cell = io.read_metadata(arm_file), io.read_npz(arm_file), io.read_metadata(view)
    if record["status"] != "ok":
        raise io.DataError(f"{arm_file}: the arm failed ({record['reason']}); needed: a reconstruction")
    source = io.read_npz(scan, ["ycoords", "xcoords", "probeGuess", "photons_requested"])
    frames = io.read_npz(view, ["frames"])["frames"]
    positions = np.stack([source["ycoords"], source["xcoords"]], axis=1)[frames]
    probe = arm.get("reconstructed_probe", source["probeGuess"])
    field, origin = _enlarged(arm["reconstructed_object"], arm["origin"], positions, len(probe))
    product = Product(
        field,
        probe,
        positions - origin,
        io.read_metadata(base)["physics_parameters"]["pixel_size_m"],
        photon_energy_ev,
        detector_distance_m,
        arm.get("loss", np.zeros(0)),
        f"{record['arm']}, {float(source['photons_requested']):g} photons per frame, {cell['view']}, {cell['split']}",
        _COMMENTS,
    )
    write_product_h5(output, product)


def _enlarged(field: np.ndarray, origin: np.ndarray, positions: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pad a canvas with zeros until every window lies inside; return it and its new origin."""
    before = np.maximum(origin - np.floor(positions.min(axis=0) - n / 2).astype(int), 0)
    end = np.ceil(positions.max(axis=0) + n / 2).astype(int)
    after = np.maximum(end - (origin + np.array(field.shape)), 0)
    return np.pad(field, np.stack([before, after], axis=1)), origin - before
