"""The model bundle ``wts.h5.zip``: weights, probe, normalisation, provenance; no pickle."""

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
# JSON is parsed whole: this bounds what a hostile member can take.
_JSON_BYTES = 16 << 20
# In the order in which they are written.
MEMBERS = ("config.json", "weights.h5", "probe.npy", "normalization.json", "provenance.json")
# What a network is built from: the keys of config.json, and which of them are numbers > 0.
_CONFIG_KEYS = (("n", int), ("frames", int), ("seed", int), ("kind", str), ("options", dict))
_POSITIVE_KEYS = ("n", "frames")


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
    contents = {"weights.h5": _weights_bytes(weights), "probe.npy": _npy_bytes(probe)}
    for name, record in records.items():
        contents[f"{name}.json"] = _json_bytes(record)
    with atomic(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as zipped:
        for name in MEMBERS:
            # Of no date, or two writings of one network would differ.
            zipped.writestr(zipfile.ZipInfo(name), contents[name])


def _json_bytes(record: Any) -> bytes:
    return json.dumps(record, sort_keys=True, indent=2).encode()


def _npy_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


def _weights_bytes(weights: Mapping[str, np.ndarray]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name in sorted(weights):
            value = np.asarray(weights[name])
            # HDF5 can keep the time of writing, and no two files would be equal.
            file.create_dataset(name, data=value, track_times=False, **_checksum(value))
    return buffer.getvalue()


def _checksum(value: np.ndarray) -> dict[str, Any]:
    """Return the options for a checksum, which HDF5 has for chunks only; one chunk for all."""
    return {"chunks": value.shape, "fletcher32": True} if value.ndim and value.size else {}


def read_bundle(path: str | Path) -> dict[str, Any]:
    """Read a bundle: ``weights``, ``probe``, ``config``, ``normalization``, ``provenance``.

    Raises
    ------
    DataError
        If the archive is hostile, damaged or incomplete, or if one of its parts is not what a
        network is built from. Whether the weights fit the network is for the network to say.
    """
    names = check_zip(path)
    if sorted(names) != sorted(MEMBERS):
        raise DataError(f"{path}: a bundle holds exactly {sorted(MEMBERS)}, found {sorted(names)}")
    try:
        parts = _parts(path, _contents(path))
        _check(path, parts)
    except DataError:
        raise
    except READ_ERRORS as error:
        raise DataError(
            f"{path}: damaged bundle ({first_line(error)}); needed: a complete one, train it again"
        ) from error
    return parts


def _contents(path: str | Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as zipped:
        for name in _JSON:
            if zipped.getinfo(name).file_size > _JSON_BYTES:
                raise DataError(
                    f"{path}: member {name!r} is larger than {_JSON_BYTES} bytes; refused"
                )
        return {name: member_bytes(zipped, name) for name in MEMBERS}


def _parts(path: str | Path, contents: dict[str, bytes]) -> dict[str, Any]:
    parts: dict[str, Any] = {}
    for name in _JSON:
        # Whether a number must be finite is judged below, where it is known what it is.
        parts[name.removesuffix(".json")] = parse_json(contents[name], finite=False)
    probe = contents["probe.npy"]
    parts["probe"] = read_npy(io.BytesIO(probe), len(probe))
    parts["weights"] = _read_weights(path, contents["weights.h5"])
    return parts


def _read_weights(path: str | Path, data: bytes) -> dict[str, np.ndarray]:
    with h5py.File(io.BytesIO(data), "r") as file:
        return read_datasets(path, all_datasets(path, file), len(data))


def _check(path: str | Path, parts: dict[str, Any]) -> None:
    problem = next(_problems(parts), None)
    if problem:
        raise DataError(f"{path}: {problem}; train the network again")


def _problems(parts: dict[str, Any]) -> Iterator[str]:
    """Say what is wrong with the parts of a bundle; nothing, if all is well."""
    config = parts["config"]
    outcome = _at(parts["provenance"], "outcome")
    yield from _config_problems(config)
    yield from _normalization_problems(parts["normalization"])
    yield from _outcome_problems(outcome)
    yield from _probe_problems(parts["probe"], _at(config, "n"))
    yield from _weight_problems(parts["weights"], _at(outcome, "status"))


def _config_problems(config: Any) -> Iterator[str]:
    for key, kind in _CONFIG_KEYS:
        value = _at(config, key)
        # To Python True is an integer.
        right = isinstance(value, kind) and not isinstance(value, bool)
        if key in _POSITIVE_KEYS:
            right = right and _positive(value)
        if not right:
            yield f"config.json: {key!r} is {value!r:.80}, needed {kind.__name__}"


def _normalization_problems(normalization: Any) -> Iterator[str]:
    if not isinstance(normalization, dict) or not _positive(normalization):
        yield f"normalization.json is {normalization!r:.80}, needed finite numbers > 0"


def _outcome_problems(outcome: Any) -> Iterator[str]:
    said = (_at(outcome, key) for key in ("status", "reason"))
    if not all(isinstance(text, str) for text in said):
        yield f"provenance.json: 'outcome' is {outcome!r:.80}, needed the texts status and reason"


def _probe_problems(probe: np.ndarray, n: Any) -> Iterator[str]:
    if not _is_probe(probe, n):
        yield (
            f"probe.npy is {probe.dtype} of shape {probe.shape}, "
            f"needed finite complex ({n}, {n}), not all zero"
        )


def _is_probe(probe: np.ndarray, n: Any) -> bool:
    if probe.shape != (n, n) or probe.dtype.kind != "c":
        return False
    # A probe without light has no gauge: the object behind it could be anything.
    return bool(np.all(np.isfinite(probe)) and np.any(probe))


def _weight_problems(weights: dict[str, np.ndarray], status: Any) -> Iterator[str]:
    for name, value in weights.items():
        if value.dtype.kind != "f":
            yield f"weight {name!r} is {value.dtype}, needed real numbers"
        # A training that failed keeps its weights as they were, and is never asked for a result.
        elif status == "ok" and not np.all(np.isfinite(value)):
            yield f"weight {name!r} holds NaN or infinity, though its training is recorded as ok"


def _at(record: Any, key: str) -> Any:
    return record.get(key) if isinstance(record, dict) else None


def _positive(value: Any) -> bool:
    """Whether a value is a finite number > 0, or a non-empty record of such numbers."""
    if isinstance(value, dict):
        return bool(value) and all(map(_positive, value.values()))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and value > 0
