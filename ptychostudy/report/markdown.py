"""Numbers and tables as text: one format everywhere."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MISSING = "N/A"
"""What stands where there is no number."""

# An error of the phase meets floors down to 1e-4 rad; MAE and MSE keep the ancestor's six.
_DIGITS = {"mae": 6, "mse": 6, "rms_phase_rad": 4}
_USUAL_DIGITS = 3


def number(value: float | None, metric: str = "ms_ssim", *, signed: bool = False) -> str:
    """Return a score as text: MAE and MSE with 6 decimals, rms with 4, everything else 3.

    Where there is none it is ``N/A``. A difference that rounds to zero is ``+0.000``, never
    ``-0.000``.
    """
    if value is None:
        return MISSING
    digits = _DIGITS.get(metric, _USUAL_DIGITS)
    sign = "+" if signed else ""
    # The z (PEP 682) drops the minus of a value that rounds to zero.
    return f"{value:{sign}z.{digits}f}"


def interval(statistic: Mapping[str, Any], metric: str = "ms_ssim", *, signed: bool = False) -> str:
    """Return ``mean [low, high]``, or the mean alone where there is no interval.

    Parameters
    ----------
    statistic : dict
        ``mean low high``, numbers or None.
    metric, signed
        As in `number`.
    """
    mean = number(statistic["mean"], metric, signed=signed)
    if statistic["low"] is None:
        return mean
    low = number(statistic["low"], metric, signed=signed)
    high = number(statistic["high"], metric, signed=signed)
    return f"{mean} [{low}, {high}]"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a Markdown table; a bar inside a cell is escaped."""
    rule = ["---"] * len(header)
    return [_table_line(texts) for texts in (header, rule, *rows)]


def _table_line(texts: Sequence[str]) -> str:
    escaped = [text.replace("|", "\\|") for text in texts]
    return "| " + " | ".join(escaped) + " |"


def document(*blocks: Iterable[str]) -> str:
    """Return blocks of lines as one text, an empty line between them."""
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def photon_text(value: float) -> str:
    """Return a number of photons: whole from 100 on, three digits below."""
    if value < 100:
        return f"{value:.3g}"
    # Python groups digits only by a comma or an underscore; a space stands in their place.
    return f"{value:,.0f}".replace(",", " ")


def joined(words: Sequence[str]) -> str:
    """Return words as a sentence lists them: `a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
