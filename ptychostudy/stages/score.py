"""Stage score: reconstructions that came from elsewhere against a reference."""

from pathlib import Path
from typing import Literal

from ptychostudy.formats.any_object import AnyObject, read_named
from ptychostudy.io.tables import write_csv
from ptychostudy.recipes.cell_record import rows_of
from ptychostudy.recipes.score_arrays import Scored, score_arrays
from ptychostudy.study.names import METRIC_COLUMNS

_SHOWN = (("ssim", 1), ("ms_ssim", 1), ("mae", 1), ("pearson", 1), ("frc50", 2))
"""What the terminal shows: metrics, and of amplitude, phase and value which."""
_HEADS = ("SSIM", "MS-SSIM", "MAE rad", "Pearson", "FRC50", "rms rad")


def run(
    files: list[str],
    *,
    reference: str,
    output: Path | None = None,
    unregistered: list[str] = [],  # noqa: B006 - read, never changed; the command line needs the type
    phase_align: Literal["plane", "mean", "none"] = "plane",
    ms_ssim_sigma: float = 1.0,
    edge_px: int = 0,
) -> None:
    """Place reconstructions on a reference, remove their gauge, score them, print a table.

    Parameters
    ----------
    files : list of str
        ``NAME=FILE``: a canvas of this package, NPZ, Ptychodus product, ptypy's .ptyr, a model of
        PtyRAD, or any other format with an object in it. Of a comparison of this package
        (``reconstructions.npz``) the field of that name is taken. ``NAME=FILE:KEY`` takes any
        complex array of an NPZ or HDF5 file.
    reference : str
        What they are scored against, in any of these formats. Of a comparison its truth, on its
        mask and rectangle.
    output : Path, optional
        All metrics as a table (CSV).
    unregistered : list of str
        Names that are not moved by fractions of a pixel; the shift of all is measured.
    phase_align : {'plane', 'mean', 'none'}
        Gauge that is removed: factor and phase ramp, factor alone, nothing.
    ms_ssim_sigma : float
        Gaussian blur before MS-SSIM, in pixels.
    edge_px : int
        Pixels cut off the scored rectangle on every side.

    Raises
    ------
    DataError
        If an array is turned or conjugated, has other pixels, or lies nowhere on the reference.
    """
    objects = _read(files)
    unknown = sorted(set(unregistered) - set(objects))
    if unknown or edge_px < 0:
        found = f"names {', '.join(unknown)}" if unknown else f"and --edge-px {edge_px}"
        raise ValueError(f"--unregistered {found}; needed: some of {', '.join(objects)}, and >= 0")
    scored = score_arrays(
        objects,
        read_named(reference),
        phase_align=phase_align,
        ms_ssim_sigma=ms_ssim_sigma,
        unregistered=unregistered,
        edge_px=edge_px,
    )
    print("\n".join(_lines(scored)))
    if output is not None:
        write_csv(output, METRIC_COLUMNS, rows_of(scored.scores))


def _read(files: list[str]) -> dict[str, AnyObject]:
    objects: dict[str, AnyObject] = {}
    for word in files:
        name, _, path = word.partition("=")
        if not name or not path or name in objects:
            raise ValueError(f"{word!r} is no name of its own and its file; needed: NAME=FILE")
        objects[name] = read_named(path, name)
    return objects


def _lines(scored: Scored) -> list[str]:
    """Return the table of the terminal: phase scores, and where each array was found."""
    rows, cols = scored.truth.shape
    width = max(map(len, [*scored.scores, "name"]))
    lines = [
        f"{scored.mask.sum()} pixels on {rows} x {cols}; of the phase, FRC of the complex value",
        f"{'name':<{width}}" + "".join(f"{head:>10}" for head in _HEADS) + "  placed at, moved by",
    ]
    for name, score in scored.scores.items():
        values = [score.evaluation.rows[metric][part] for metric, part in _SHOWN]
        values.append(score.record["rms_phase_rad"])
        cells = "".join(f"{'n/a' if value is None else f'{value:.4f}':>10}" for value in values)
        row, col = scored.offsets[name]
        down, right = score.record["shift_px"] if score.record["registered"] else (0, 0)
        lines.append(f"{name:<{width}}{cells}  ({row}, {col}), ({down:.2f}, {right:.2f}) px")
    return lines
