"""Stage export: one arm as a Ptychodus product."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.ptychodus import write_product_h5
from ptychostudy.formats.valid_pixels import read_valid
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.recipes.export import Optics, make_product


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
    """Write object, probe, positions and losses of one arm.

    All windows of the view lie inside the exported object.

    Parameters
    ----------
    arm_file : Path
        Product of the arm: ``reconstructed_object origin`` and, where it has them,
        ``reconstructed_probe loss``.
    scan, view : Path
        Probe and positions; frame indices.
    base : Path
        Pixel size.
    output : Path
        ``{arm}.h5``.
    photon_energy_ev, detector_distance_m : float
        Nominal: frames of N pixels follow from the object's pixels alone; these only give the
        detector's pitch.

    Raises
    ------
    DataError
        If the arm failed.
    """
    record = read_metadata(arm_file, ["arm", "status", "reason"])
    if record["status"] != "ok":
        raise DataError(
            f"{arm_file}: the arm failed ({record['reason']}); needed: a reconstruction"
        )
    # All members: a network brings neither probe nor loss.
    arrays = read_npz(arm_file)
    source = read_npz(scan, [*COORDINATES, "probeGuess", "photons_requested"])
    frames = read_npz(view, ["frames"])["frames"]
    cell = read_metadata(view, ["view", "split"])
    photons = float(source["photons_requested"])
    name = f"{record['arm']}, {photons:g} photons per frame, {cell['view']}, {cell['split']}"
    physics = read_metadata(base, ["physics_parameters"])["physics_parameters"]
    pixel_size_m = physics["pixel_size_m"]
    optics = Optics(pixel_size_m, photon_energy_ev, detector_distance_m)
    # Frames that the view leaves out were not seen by the arm.
    positions = read_positions(source)[frames]
    probe = source["probeGuess"]
    masked = int(np.sum(~read_valid(scan, len(probe))))
    product = make_product(arrays, probe, positions, optics, name, masked=masked)
    write_product_h5(output, product)
