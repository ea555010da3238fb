"""The model bundle ``wts.h5.zip``: weights, probe, normalisation and provenance; no pickle, no code."""

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ptychostudy.io.atomic import DataError, atomic
from ptychostudy.io.hdf5 import all_datasets, read_datasets
from ptychostudy.io.npy import read_npy
from ptychostudy.io.strict_json import parse_json
from ptychostudy.io.zips import READ_ERRORS, check_zip, first_line, member_bytes

_JSON = ("config.json", "normalization.json", "provenance.json")
_JSON_BYTES = 16 << 20
MEMBERS = ("config.json", "weights.h5", "probe.npy", "normalization.json", "provenance.json")


def write_bundle(
    path: str | Path, *, weights: Mapping[str, np.ndarray], probe: np.ndarray, **records: Any
) -> None:
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
    contents = {
        f"{name}.json": json.dumps(records[name], sort_keys=True, indent=2).encode()
        for name in records
    }
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
            options = (
                {"chunks": value.shape, "fletcher32": True} if value.ndim and value.size else {}
            )
            file.create_dataset(name, data=value, track_times=False, **options)
    return buffer.getvalue()


def read_bundle(path: str | Path) -> dict[str, Any]:
    """Read a bundle into plain data: ``weights``, ``probe``, ``config``, ``normalization``, ``provenance``.

    Raises
    ------
    DataError
        If the archive is hostile, damaged or incomplete, or if one of its parts is not what a network is built from.
        Whether the weights fit the network is for the network to say.
    """
    names = check_zip(path)
    if sorted(names) != sorted(MEMBERS):
        raise DataError(f"{path}: a bundle holds exactly {sorted(MEMBERS)}, found {sorted(names)}")
    try:
        with zipfile.ZipFile(path) as archive:
            for name in _JSON:
                if archive.getinfo(name).file_size > _JSON_BYTES:
                    raise DataError(
                        f"{path}: member {name!r} is larger than {_JSON_BYTES} bytes; refused"
                    )
            contents = {name: member_bytes(archive, name) for name in MEMBERS}
        bundle: dict[str, Any] = {
            name.removesuffix(".json"): parse_json(contents[name], finite=False) for name in _JSON
        }
        bundle["probe"] = read_npy(io.BytesIO(contents["probe.npy"]), len(contents["probe.npy"]))
        bundle["weights"] = _read_weights(path, contents["weights.h5"])
        problem = next(_problems(bundle), None)
    except DataError:
        raise
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: damaged bundle ({first_line(error)}); needed: a complete one, train it again"
        ) from error
    if problem:
        raise DataError(f"{path}: {problem}; train the network again")
    return bundle


def _read_weights(path: str | Path, data: bytes) -> dict[str, np.ndarray]:
    with h5py.File(io.BytesIO(data), "r") as file:
        return read_datasets(path, all_datasets(path, file), len(data))


def _problems(bundle: dict[str, Any]) -> Iterator[str]:
    """Say what is wrong with the parts of a bundle; nothing, if all is well."""
    config, normalization, outcome = (
        bundle["config"],
        bundle["normalization"],
        _at(bundle["provenance"], "outcome"),
    )
    for key, kind in (("n", int), ("frames", int), ("seed", int), ("kind", str), ("options", dict)):
        value = _at(config, key)
        if (
            not isinstance(value, kind)
            or isinstance(value, bool)
            or (key in ("n", "frames") and not _positive(value))
        ):
            yield f"config.json: {key!r} is {value!r:.80}, needed {kind.__name__}"
    if not isinstance(normalization, dict) or not _positive(normalization):
        yield f"normalization.json is {normalization!r:.80}, needed finite numbers > 0"
    if not isinstance(_at(outcome, "status"), str) or not isinstance(_at(outcome, "reason"), str):
        yield f"provenance.json: 'outcome' is {outcome!r:.80}, needed the texts status and reason"
    probe, n = bundle["probe"], _at(config, "n")
    if (
        probe.shape != (n, n)
        or probe.dtype.kind != "c"
        or not np.all(np.isfinite(probe))
        or not np.any(probe)
    ):
        yield f"probe.npy is {probe.dtype} of shape {probe.shape}, needed finite complex ({n}, {n}), not all zero"
    for name, value in bundle["weights"].items():
        if value.dtype.kind != "f":
            yield f"weight {name!r} is {value.dtype}, needed real numbers"
        elif _at(outcome, "status") == "ok" and not np.all(np.isfinite(value)):
            yield f"weight {name!r} holds NaN or infinity, though its training is recorded as ok"


def _at(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def _positive(value: Any) -> bool:
    """Whether a value is a finite number > 0, or a non-empty record of such numbers."""
    if isinstance(value, dict):
        return bool(value) and all(_positive(part) for part in value.values())
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0
