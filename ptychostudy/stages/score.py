"""Stage score: reconstructions that came from elsewhere against a reference."""

import logging
from pathlib import Path
from typing import Literal

from ptychostudy.formats.any_object import AnyObject, read_named
from ptychostudy.io.tables import write_csv
from ptychostudy.recipes.cell_record import rows_of
from ptychostudy.recipes.score_arrays import Scored, score_arrays
from ptychostudy.recipes.score_options import check_numbers, check_picture, left_alone
from ptychostudy.study.aliases import canonical, is_ours
from ptychostudy.study.names import ARMS, METRIC_COLUMNS

_log = logging.getLogger("ptychostudy")
_SHOWN = (("ssim", 1), ("ms_ssim", 1), ("mae", 1), ("pearson", 1), ("frc50", 2))
"""What the terminal shows: metrics, and of amplitude, phase and value which."""
_GAUGES = {"plane": "factor and phase ramp", "mean": "factor", "none": "nothing"}
_HEADS = ("SSIM", "MS-SSIM", "MAE rad", "Pearson", "FRC50", "rms rad")


def run(
    files: list[str],
    *,
    reference: str,
    output: Path | None = None,
    picture: Path | None = None,
    unregistered: list[str] = [],  # noqa: B006 - read, never changed; the command line needs the type
    register_ptychi_only: bool = False,
    skip_registration: bool = False,
    phase_align_method: Literal["plane", "mean", "none"] = "plane",
    ms_ssim_sigma: float = 1.0,
    frc_sigma: float = 0.0,
    edge_px: int = 0,
) -> None:
    """Place reconstructions on a reference, remove their gauge, score them, print a table.

    Parameters
    ----------
    files : list of str
        ``NAME=FILE``: a canvas of this package, NPZ, Ptychodus product, ptypy's .ptyr, a model of
        PtyRAD, or any other format with an object in it. Of a comparison of this package
        (``reconstructions.npz``) the field of that name is taken. ``NAME=FILE:KEY`` takes any
        complex array of an NPZ or HDF5 file. Other names of our arms (pinn, pty-chi, ...) count
        as these, any other name stays as it is.
    reference : str
        What they are scored against, in any of these formats. Of a comparison its truth, on its
        mask and rectangle.
    output : Path, optional
        All metrics as a table (CSV).
    picture : Path, optional
        Amplitude, phase and phase error of each beside the reference (PNG).
    unregistered : list of str
        Names that are not moved by fractions of a pixel; the shift of all is measured.
    register_ptychi_only : bool
        All but PtyChi are not moved.
    skip_registration : bool
        None is moved.
    phase_align_method : {'plane', 'mean', 'none'}
        Gauge that is removed: factor and phase ramp, factor alone, nothing.
    ms_ssim_sigma : float
        Gaussian blur before MS-SSIM, in pixels.
    frc_sigma : float
        Gaussian blur of the Fourier ring correlation, in rings.
    edge_px : int
        Pixels cut off the scored rectangle on every side.

    Raises
    ------
    DataError
        If an array is turned or conjugated, has other pixels, or lies nowhere on the reference.
    """
    # Before anything is read that takes long.
    numbers = {"edge-px": edge_px, "ms-ssim-sigma": ms_ssim_sigma, "frc-sigma": frc_sigma}
    check_numbers(numbers)
    check_picture(picture)
    objects = _read(files)
    fixed = [canonical(name) for name in unregistered]
    scored = score_arrays(
        objects,
        read_named(reference),
        phase_align=phase_align_method,
        ms_ssim_sigma=ms_ssim_sigma,
        frc_sigma=frc_sigma,
        unregistered=left_alone(list(objects), fixed, register_ptychi_only, skip_registration),
        edge_px=edge_px,
    )
    print("\n".join(_lines(scored)))
    if output is not None:
        write_csv(output, METRIC_COLUMNS, rows_of(scored.scores))
    if picture is not None:
        _draw(scored, picture, Path(reference).name, phase_align_method)


def _read(files: list[str]) -> dict[str, AnyObject]:
    objects: dict[str, AnyObject] = {}
    for word in files:
        given, _, path = word.partition("=")
        name = canonical(given)
        if not given or not path or name in objects:
            twice = f" ({name} twice)" if name in objects else ""
            raise ValueError(
                f"{word!r} is no name of its own and its file{twice}; needed: NAME=FILE"
            )
        _say_name(given, name)
        objects[name] = read_named(path, name)
    return objects


def _say_name(given: str, name: str) -> None:
    if not is_ours(name):
        _log.warning("%s is none of our arms (%s): its name stays as it is", name, ", ".join(ARMS))
    elif name != given:
        _log.info("%s is taken for %s", given, name)


def _draw(scored: Scored, picture: Path, reference: str, gauge: str) -> None:
    """Write the picture of the fields beside their reference."""
    # Who wants no picture does not pay for Matplotlib.
    from ptychostudy.figures.fields import comparison_plot
    from ptychostudy.io.pictures import write_figure

    moved = [name for name, score in scored.scores.items() if score.record["registered"]]
    figure = comparison_plot(
        {name: score.field for name, score in scored.scores.items()},
        scored.truth,
        scored.mask,
        f"Reconstructions against {reference}",
        scores={name: score.evaluation.rows for name, score in scored.scores.items()},
        caption=f"Gauge removed: {_GAUGES[gauge]}. Registered: {', '.join(moved) or 'none'}.",
        known="Reference",
    )
    write_figure(picture, figure)


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
