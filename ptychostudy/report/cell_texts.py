"""One cell in words: its photons, its overlap, its floor."""

from ptychostudy.report.cells import Cell
from ptychostudy.report.markdown import number, photon_text


def area_text(cell: Cell) -> str:
    """Return the overlap as shared area of two discs of the probe's diameter (metric 2)."""
    return number(cell["overlap"].get("metric_2_image_based_avg"))


def linear_text(cell: Cell) -> str:
    """Return the overlap along a line: 1 - step / diameter."""
    return number(cell["overlap"].get("linear_overlap"))


def overlap_text(cell: Cell) -> str:
    """Return the overlap in both definitions."""
    return f"{area_text(cell)} (linear {linear_text(cell)})"


def floor_text(cell: Cell) -> str:
    """Return the counting floor of the phase error, 1/sqrt(2n), without its unit."""
    return number(cell["phase_floor_rad"], "rms_phase_rad")


def measured_text(cell: Cell) -> str:
    """Return the recounted photons per frame."""
    return f"{cell['photons_measured']:.6g}"


def describe(cell: Cell) -> str:
    """Return the facts of one cell in a sentence: photons, overlap, floor."""
    n = photon_text(cell["photons_per_pixel"])
    facts = (
        f"n = {n} photons per object pixel, overlap {overlap_text(cell)}, "
        f"floor {floor_text(cell)} rad"
    )
    return "; ".join([facts, *cell.get("conditions", [])])
