"""Numbers and tables as text: one format everywhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# An error of the phase meets floors down to 1e-4 rad; MAE and MSE keep the ancestor's six.
_DIGITS = {"mae": 6, "mse": 6, "rms_phase_rad": 4}


def number(value: float | None, metric: str = "ms_ssim", *, signed: bool = False) -> str:
    """Return a score as text: MAE and MSE with 6 decimals, rms with 4, everything else 3, ``N/A`` where there is none.

    A difference that rounds to zero is ``+0.000``, never ``-0.000``.
    """
    if value is None:
        return "N/A"
    return f"{value:{'+' if signed else ''}z.{_DIGITS.get(metric, 3)}f}"


def interval(found: Mapping[str, Any], metric: str = "ms_ssim", *, signed: bool = False) -> str:
    """Return ``mean [low, high]``, or the mean alone where there is no interval.

    Parameters
    ----------
    found : dict
        ``mean low high``, numbers or None.
    metric, signed
        As in `number`.
    """
    mean = number(found["mean"], metric, signed=signed)
    if found["low"] is None:
        return mean
    return f"{mean} [{', '.join(number(found[end], metric, signed=signed) for end in ('low', 'high'))}]"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; a bar inside a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]


def document(*blocks: Iterable[str]) -> str:
    """Return blocks of lines as one text, an empty line between them."""
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def photon_text(value: float) -> str:
    """Return a number of photons: whole from 100 on, three digits below."""
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"
