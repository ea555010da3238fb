"""Stage export: one arm as a Ptychodus product."""

from pathlib import Path

import numpy as np

from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.ptychodus import Product, write_product_h5
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.atomic import DataError
from ptychostudy.physics.windows import enlarged

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
    record, arm, cell = read_metadata(arm_file), read_npz(arm_file), read_metadata(view)
    if record["status"] != "ok":
        raise DataError(
            f"{arm_file}: the arm failed ({record['reason']}); needed: a reconstruction"
        )
    source = read_npz(scan, [*COORDINATES, "probeGuess", "photons_requested"])
    frames = read_npz(view, ["frames"])["frames"]
    positions = read_positions(source)[frames]
    probe = arm.get("reconstructed_probe", source["probeGuess"])
    field, origin = enlarged(arm["reconstructed_object"], arm["origin"], positions, len(probe))
    product = Product(
        field,
        probe,
        positions - origin,
        read_metadata(base)["physics_parameters"]["pixel_size_m"],
        photon_energy_ev,
        detector_distance_m,
        arm.get("loss", np.zeros(0)),
        f"{record['arm']}, {float(source['photons_requested']):g} photons per frame, {cell['view']}, {cell['split']}",
        _COMMENTS,
    )
    write_product_h5(output, product)
