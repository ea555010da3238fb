"""Stage adopt: what another program reconstructed of a cell, as a product like our own."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ptychostudy.formats.any_object import read_any_object, read_named
from ptychostudy.formats.arm_product import COVERAGE, FIELD, ORIGIN, ArmProduct
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.io.atomic import DataError, sha256_of
from ptychostudy.recipes.adopt import Ground, adopt_object
from ptychostudy.recipes.covering import REGISTERED

if TYPE_CHECKING:
    from ptychostudy.study.sections.arms import AdoptSettings


def run(
    settings: "AdoptSettings",
    *,
    name: str,
    source: Path,
    key: list[str] = [],  # noqa: B006 - read, never changed; the command line needs the type
    scan: Path,
    view: Path,
    output: Path,
) -> None:
    """Place an object of another program on a cell; one that fits nowhere is recorded as failed.

    It is turned and conjugated as fits the truth best, which `compare` scores it against.

    Parameters
    ----------
    settings : AdoptSettings
        Section ``arms``.
    name : str
        What the arm is called.
    source : Path
        A file of any format with an object in it; of a comparison of this package the field of
        that name.
    key : list of str
        That of the array, where the format does not say which it is; else nothing.
    scan, view : Path
        Truth and positions of all frames; ``{view}_{split}.npz``.
    output : Path
        Canvas with coverage and origin; ``status``, ``reason``, ``placed`` and ``source``.
    """
    # A file that is not there is no failed arm but a mistake.
    digest = sha256_of(source)
    frames = open_scan(scan)
    positions = read_positions(read_npz(view, COORDINATES))
    ground = Ground.of_cell(frames.truth, positions, frames.positions, f"the truth of {scan}")
    product = _adopted(source, key, name, ground)
    arrays = {
        FIELD: product.field,
        COVERAGE: product.coverage,
        ORIGIN: np.array(product.origin, dtype=np.int64),
    }
    record = {
        **product.record,
        "arm": name,
        "source": {"file": str(source), "key": key, "sha256": digest},
        REGISTERED: name not in settings.unregistered,
    }
    write_npz(output, arrays, record)


def _adopted(source: Path, key: list[str], name: str, ground: Ground) -> ArmProduct:
    try:
        word = ":".join([str(source), *key])
        each = read_named(word, name) if key else read_any_object(source, name)
        return adopt_object(each, ground)
    except DataError as error:
        return ground.nothing(str(error))
