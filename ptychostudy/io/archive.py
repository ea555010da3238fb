"""The model bundle ``wts.h5.zip``: weights, probe, normalisation and provenance; no pickle, no code."""

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.arrays import READ_ERRORS, check_zip
from ptychostudy.io.atomic import DataError, atomic
from ptychostudy.io.hdf5 import read_dataset

_JSON = ("config.json", "normalization.json", "provenance.json")
MEMBERS = ("config.json", "weights.h5", "probe.npy", "normalization.json", "provenance.json")


def write_bundle(path: str | Path, *, weights: Mapping[str, np.ndarray], probe: np.ndarray, **records: Any) -> None:
    """Write a bundle; the same content gives the same bytes.

    Parameters
    ----------
    path : str or Path
    weights : mapping of str to ndarray
        Model variables by name.
    probe : (N, N) complex64
        Probe in photons.
    **records : JSON values
        ``config``, ``normalization`` and ``provenance``.
    """
    contents = {f"{name}.json": json.dumps(records[name], sort_keys=True, indent=2).encode() for name in records}
    contents["weights.h5"] = _weights_bytes(weights)
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(probe), allow_pickle=False)
    contents["probe.npy"] = buffer.getvalue()
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            archive.writestr(zipfile.ZipInfo(name), contents[name])


def _weights_bytes(weights: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name in sorted(weights):
            value = np.asarray(weights[name])
            options = {"chunks": value.shape, "fletcher32": True} if value.ndim and value.size else {}
            file.create_dataset(name, data=value, track_times=False, **options)
    return buffer.getvalue()


def read_bundle(path: str | Path) -> dict[str, Any]:
    """Read a bundle into plain data: ``weights``, ``probe``, ``config``, ``normalization``, ``provenance``.

    Raises
    ------
    DataError
        If the archive is hostile, damaged or incomplete.
    """
    names = check_zip(path)
    if sorted(names) != sorted(MEMBERS):
        raise DataError(f"{path}: a bundle holds exactly {sorted(MEMBERS)}, found {sorted(names)}")
    try:
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in MEMBERS}
        bundle: dict[str, Any] = {name.removesuffix(".json"): json.loads(contents[name]) for name in _JSON}
        bundle["probe"] = np.lib.format.read_array(io.BytesIO(contents["probe.npy"]), allow_pickle=False)
        bundle["weights"] = _read_weights(path, contents["weights.h5"])
    except DataError:
        raise
    except READ_ERRORS as error:
        raise DataError(f"{path}: damaged bundle ({error}); needed: a complete one, train it again") from error
    return bundle


def _read_weights(path: str | Path, data: bytes) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = read_dataset(path, name, item, len(data))

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(visit)
    return found
