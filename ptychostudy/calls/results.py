"""What becomes of results: scores against a truth, and a product that Ptychodus opens."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

import ptychostudy.recipes.compare
from ptychostudy.formats.arm_product import ArmProduct, canvas_arrays
from ptychostudy.formats.ptychodus import write_product_h5
from ptychostudy.formats.scan import Scan
from ptychostudy.physics.canvas import Canvas
from ptychostudy.recipes.compare import Comparison
from ptychostudy.recipes.export import Optics, make_product
from ptychostudy.recipes.sample import View
from ptychostudy.study.settings import Study
from ptychostudy.study.stage_settings import stage_settings

if TYPE_CHECKING:
    from ptychostudy.study.sections.compare import CompareSettings


def compare(
    results: Mapping[str, ArmProduct | np.ndarray],
    truth: np.ndarray,
    view: View,
    study: Study,
    *,
    scanned: np.ndarray | None = None,
) -> Comparison:
    """Score results against a truth: the same rectangle, mask and gauge rules for all.

    Parameters
    ----------
    results : mapping
        By name. A bare array (H, W) complex begins at the first pixel of the truth, and covers
        where it is not 0.
    truth : (R, C) complex
        The whole object, from its first pixel.
    view : View
        Scored is the hull of its positions.
    study : Study
        Its section ``compare``.
    scanned : (m, 2) float, optional
        Window centres of all frames, of which the rectangle is; default those of the view.

    Returns
    -------
    Comparison
        ``scores[name].evaluation.rows`` holds each metric of amplitude, phase and value, and
        ``scores[name].field`` the field that they are of. ``Flat``, the control, is always there.
    """
    products = {name: _product(result) for name, result in results.items()}
    settings = cast("CompareSettings", stage_settings(study, "compare"))
    everywhere = view.positions if scanned is None else scanned
    return ptychostudy.recipes.compare.compare(
        products, truth, view.positions, settings, scanned=everywhere
    )


def _product(result: ArmProduct | np.ndarray) -> ArmProduct:
    if isinstance(result, ArmProduct):
        return result
    field = np.asarray(result)
    return ArmProduct(field, (field != 0).astype(np.float32), (0, 0), {"status": "ok"})


def export(
    result: ArmProduct,
    scan: Scan,
    view: View,
    path: str | Path,
    *,
    pixel_size_m: float,
    photon_energy_ev: float = 8000.0,
    detector_distance_m: float = 1.0,
    name: str = "ptychostudy",
) -> None:
    """Write a result as a product that Ptychodus opens.

    Parameters
    ----------
    result : ArmProduct
    scan, view : Scan, View
        Its probe, where the result brings none; which frames were seen.
    path : path
        HDF5 file.
    pixel_size_m : float
        Pixel of the object.
    photon_energy_ev, detector_distance_m : float
        Nominal; they give the detector's pitch.
    name : str
        Shown by Ptychodus.

    Raises
    ------
    ValueError
        If the arm failed.
    """
    if not result.good:
        raise ValueError(f"the arm failed ({result.record.get('reason')}); needed: a result")
    canvas = Canvas(result.field, result.coverage, result.origin)
    arrays = getattr(result, "arrays", canvas_arrays(canvas))
    product = make_product(
        arrays,
        scan.probe,
        scan.positions[view.frames],
        Optics(pixel_size_m, photon_energy_ev, detector_distance_m),
        name,
        masked=int(np.sum(~scan.valid)),
    )
    write_product_h5(path, product)
