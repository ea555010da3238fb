"""The unit of positions that their datasets state in an attribute, as NeXus and many others do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.formats.positions import BOTH, COORDINATES
from ptychostudy.io.atomic import DataError

_ATTRIBUTES = ("units", "unit")
_SPELT = {
    "px": ("px", "pixel", "pixels"),
    "m": ("m", "meter", "meters", "metre", "metres"),
    "mm": ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    "um": ("um", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"),
    "nm": ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
}
_UNITS = {text: unit for unit, texts in _SPELT.items() for text in texts}
# Letters of a text of the file that a message repeats.
_SHOWN = 40
# The two letters for micro that there are.
_MICRO = str.maketrans({"\u00b5": "u", "\u03bc": "u"})


def stated_unit(path: str | Path, items: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return what the datasets of the coordinates state of their unit, and what is to be said.

    Parameters
    ----------
    path : str or Path
        For messages.
    items : mapping of str to h5py.Dataset
        By our keys; what is a link to another file, or nothing, states nothing.

    Returns
    -------
    declared : dict
        ``position_unit``, where both state the same one.
    notes : list of str
        A unit that is not known.

    Raises
    ------
    DataError
        If rows and columns state different units.
    """
    own = {key: item for key, item in items.items() if isinstance(item, h5py.Dataset)}
    texts = {key: _text(own[key]) for key in COORDINATES if key in own}
    said = {key: text for key, text in texts.items() if text}
    if not said:
        return {}, []
    known = {_UNITS.get(text.lower().translate(_MICRO).strip()) for text in said.values()}
    if len(said) < len(texts) or len(known) > 1:
        each = ", ".join(f"{key!r} {text[:_SHOWN]!r}" for key, text in said.items())
        raise DataError(
            f"{path}: {each} are the units that {BOTH} state; needed: the same one in both"
        )
    (unit,) = known
    if unit is None:
        text = next(iter(said.values()))[:_SHOWN]
        return {}, [
            f"{BOTH} state the unit {text!r}, which is none of {', '.join(_SPELT)}: it is not used"
        ]
    return {"position_unit": unit}, []


def _text(item: Any) -> str:
    """Return what an attribute says, or nothing."""
    for name in _ATTRIBUTES:
        said = np.asarray(item.attrs.get(name, ""))
        if said.size != 1:
            continue
        value = said.ravel()[0]
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        # Of other types it is no word.
        if isinstance(text, str) and text.strip():
            return text.strip()
    return ""
