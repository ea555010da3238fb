"""Files of other programs with something else in one or two of their places: a scan that is one, or one plain refusal.

Every entry of every format is replaced in turn by each of many things, whatever they are called for there; then two at
a time, drawn at random.
"""

import itertools
import os
import re

import h5py
import numpy as np
import pytest

import program_files
from foreign_scans import DETECTOR_PIXEL_M, DISTANCE_M, ENERGY_EV, JOULES, PIXEL_M, N, taken, truth
from ptychostudy.io.atomic import DataError

K = 20
# In the short form one thing in five, another for each entry; all of them take half a minute.
LONG = float(os.environ.get("PTYCHOSTUDY_FUZZ_MINUTES", "0")) > 0
SHARE, PAIRS, CUTS = (1, 200, 40) if LONG else (5, 12, 5)


def part():
    """Return some frames of the scan, enough to be one."""
    right = truth()
    return right.probe, right.object, right.metres[:K], right.counts[:K]


def cxi():
    _, _, metres, counts = part()
    detector = "entry_1/instrument_1/detector_1"
    return {
        f"{detector}/data": counts,
        f"{detector}/mask": np.zeros((N, N), np.uint32),
        f"{detector}/data_dark": np.zeros((2, N, N)),
        f"{detector}/basis_vectors": np.array([[0, -1], [-1, 0], [0, 0]]) * DETECTOR_PIXEL_M,
        f"{detector}/corner_position": np.array([0, 0, DISTANCE_M]),
        f"{detector}/distance": DISTANCE_M,
        f"{detector}/x_pixel_size": DETECTOR_PIXEL_M,
        f"{detector}/y_pixel_size": DETECTOR_PIXEL_M,
        "entry_1/instrument_1/source_1/energy": JOULES,
        "entry_1/sample_1/geometry_1/translation": np.stack([metres[:, 1], metres[:, 0], 0 * metres[:, 0]], axis=1),
    }


def product():
    probe, field, metres, counts = part()
    return {
        "object": field[None],
        "probe": probe[None, None],
        "probe_position_y_m": metres[:, 0],
        "probe_position_x_m": metres[:, 1],
        "probe_position_indexes": np.arange(K),
        "object_pixel_width_m": PIXEL_M,
        "object_pixel_height_m": PIXEL_M,
        "object_center_x_m": 0.0,
        "object_center_y_m": 0.0,
        "photon_energy_eV": ENERGY_EV,
        "detector_object_distance_m": DISTANCE_M,
        "far_field": True,
    }


def product_cxi():
    probe, field, metres, _ = part()
    own = "entry_1/ptychodus"
    return {
        "entry_1/image_1/data": probe[None, None],
        "entry_1/image_2/data": field[None],
        "entry_1/sample_1/geometry_1/translation": np.stack([metres[:, 1], metres[:, 0], 0 * metres[:, 0]], axis=1),
        f"{own}/probe_position_indexes": np.arange(K),
        **{f"{own}/object_pixel_{side}_m": PIXEL_M for side in ("width", "height")},
        **{f"{own}/object_center_{side}_m": 0.0 for side in ("x", "y")},
        "entry_1/instrument_1/source_1/energy": JOULES,
        "entry_1/instrument_1/detector_1/distance": DISTANCE_M,
    }


def patterns():
    return {"patterns": part()[3], "indexes": np.arange(K), "bad_pixels": np.zeros((N, N), bool)}


def training():
    probe, field, metres, counts = part()
    pixels = truth().positions[:K] - 0.5
    return patterns() | {
        "probe": probe[None],
        "object": field,
        "probe_position_y_px": pixels[:, 0],
        "probe_position_x_px": pixels[:, 1],
        "object_pixel_width_m": PIXEL_M,
        "object_pixel_height_m": PIXEL_M,
        "photon_energy_eV": ENERGY_EV,
    }


def ptychi():
    probe, field, _, counts = part()
    pixels = truth().positions[:K] - np.array(field.shape) / 2
    return {
        "diffraction_data": counts,
        "probe_data": probe[None, None],
        "object_data": field[None],
        "probe_position_y_px": pixels[:, 0],
        "probe_position_x_px": pixels[:, 1],
        "valid_pixel_mask": np.ones((N, N), bool),
    }


def ptychopinn():
    probe, field, _, counts = part()
    rows, cols = truth().positions[:K].T
    names = {"diff3d": np.sqrt(counts.astype(float)), "xcoords": cols, "ycoords": rows, "probeGuess": probe}
    return names | {"objectGuess": field}


def nexus():
    detector = "entry/instrument/detector"
    counts = part()[3]
    return {
        "entry/data/data_000001": counts[:12],
        "entry/data/data_000002": counts[12:],
        f"{detector}/detectorSpecific/pixel_mask": np.zeros((N, N), np.uint32),
        f"{detector}/detectorSpecific/photon_energy": ENERGY_EV,
        f"{detector}/detector_distance": DISTANCE_M,
        f"{detector}/x_pixel_size": DETECTOR_PIXEL_M,
        f"{detector}/y_pixel_size": DETECTOR_PIXEL_M,
        "entry/instrument/beam/incident_wavelength": 1.55,
    }


def rest(*keys):
    """Return what a format does not hold, under our own names."""
    rows, cols = truth().positions[:K].T
    names = {"xcoords": cols, "ycoords": rows, "probeGuess": truth().probe, "counts": truth().counts[:K]}
    return {key: names[key] for key in keys}


def others(*keys, origin=(41.5, 50.25)):
    """Return what those of `program_files` do not hold; positions from where the object has its origin."""
    _, probe, centres, counts = program_files.truth()
    rows, cols = (centres - origin).T
    names = {"xcoords": cols, "ycoords": rows, "probeGuess": probe, "counts": counts}
    return {key: names[key] for key in keys}


UNUSED = re.compile(
    "iter|origin|kind|probe/.*psize|center$|shape|label|indices|affine|loss|state.*background|spectral|error"
)


def used(entries):
    """Return the entries of a file that a reader looks at."""
    return {name: value for name, value in entries.items() if name.endswith("/_center") or not UNUSED.search(name)}


# Of each format its entries, the suffixes it comes with, and what a second file must hold.
FORMATS = {
    "cxi": (cxi, ["h5"], rest("probeGuess")),
    "product npz": (product, ["npz"], rest("counts")),
    "product cxi": (product_cxi, ["h5"], rest("counts")),
    "patterns": (patterns, ["npz", "h5"], rest("xcoords", "ycoords", "probeGuess")),
    "training": (training, ["h5"], {}),
    "pty-chi": (ptychi, ["npz", "h5"], {}),
    "PtychoPINN": (ptychopinn, ["npz"], {}),
    "nexus": (nexus, ["h5"], rest("xcoords", "ycoords", "probeGuess")),
    "ptypy data": (
        lambda: used(program_files.ptypy_data(chunks=2, weights=np.ones((N, N)))),
        ["h5"],
        others("probeGuess"),
    ),
    "ptypy result": (
        lambda: used(program_files.ptypy_result(distance=True)),
        ["h5"],
        others("xcoords", "ycoords", "counts"),
    ),
    "PtyRAD": (lambda: used(program_files.ptyrad_model()), ["h5"], others("counts")),
    "cdtools": (lambda: used(program_files.cdtools_result()), ["h5"], others("counts")),
    "tike": (program_files.tike_arrays, ["npz", "h5"], {}),
    "PtyLab": (lambda: used(program_files.ptylab_input()), ["h5"], others("probeGuess")),
    "PtyLab result": (
        lambda: used(program_files.ptylab_result()),
        ["h5"],
        others("xcoords", "ycoords", "counts", origin=(31, 40)),
    ),
}

NOTHING = object()


class Link:
    """A link to be made in place of a dataset."""

    def __init__(self, target):
        self.target = target


def of_an_array(value):
    """Return other things of about the same shape."""
    array = np.asarray(value)
    huge = np.full(array.shape, 1e308)
    return {
        "transposed": array.T.copy(),
        "one axis more": array[None],
        "one axis less": array[0] if array.ndim else array,
        "shorter": array[:-1] if array.ndim else array,
        "empty": array[:0] if array.ndim else array,
        "NaN": np.full(array.shape, np.nan),
        "infinite": np.full(array.shape, np.inf),
        "huge": huge,
        "minus huge": -huge,
        "tiny": np.full(array.shape, 5e-324),
        "negative": -np.abs(array.astype(complex).real) - 1,
        "zeros": np.zeros_like(array),
        "complex": array.astype(complex) * 1j,
        "truth": np.ones(array.shape, bool),
        "half precision": np.clip(array.astype(complex).real, -6e4, 6e4).astype(np.float16),
        "big endian": array.astype(complex).real.astype(">f8"),
        "small integers": np.ones(array.shape, np.int8),
        "large integers": np.full(array.shape, (1 << 64) - 1, np.uint64),
        "text": np.full(array.shape, b"abc"),
    }


ELSEWHERE = {
    "nothing": NOTHING,
    "group": {"x": np.zeros(3)},
    "number": np.float64(3.0),
    "no space": h5py.Empty("f8"),
    "compound": np.zeros(4, [("a", "f8"), ("b", "i4")]),
    "link to itself": Link("itself"),
    "link out": Link("out"),
    "link to nothing": Link("missing"),
    "soft link to nothing": Link("soft"),
}


def things(value, suffix):
    """Return all that is put in the place of an entry."""
    others = ELSEWHERE if suffix == "h5" else {"nothing": NOTHING, "number": np.float64(3.0), "pickle": None}
    return of_an_array(value) | others


def write(path, entries):
    """Write a file; nothing is left out, and links are made."""
    entries = {name: value for name, value in entries.items() if value is not NOTHING}
    if path.endswith(".npz"):
        np.savez(path, **{k: np.array([{}], object) if v is None else v for k, v in entries.items()})
        return
    with h5py.File(path, "w") as file:
        for name, value in entries.items():
            if isinstance(value, Link):
                targets = {"itself": h5py.SoftLink(f"/{name}"), "soft": h5py.SoftLink("/nowhere")}
                targets |= {"out": h5py.ExternalLink("../out.h5", "/counts")}
                targets |= {"missing": h5py.ExternalLink("missing.h5", "/counts")}
                value = targets[value.target]
            if isinstance(value, dict):
                for key, each in value.items():
                    file[f"{name}/{key}"] = each
            else:
                file[name] = value


def verdict(paths):
    """Read the files as a study does: ``refused`` or ``taken``; anything else fails here."""
    try:
        scan, _ = taken(paths)
    except DataError as error:
        text = str(error)
        assert "np." not in text and "\n" not in text and any(path in text for path in paths), text
        return "refused"
    k, n = len(scan["positions"]), len(scan["probe"])
    assert scan["positions"].shape == (k, 2) and np.isfinite(scan["positions"]).all()
    assert scan["probe"].shape == (n, n) and scan["probe"].dtype == np.complex64 and np.isfinite(scan["probe"]).all()
    assert scan["counts"].shape == (k, n, n) and scan["counts"].dtype == np.uint32 and scan["counts"].any()
    return "taken"


CASES = [(name, suffix) for name, (_, suffixes, _) in FORMATS.items() for suffix in suffixes]


@pytest.fixture
def hub(folder):
    """A folder with a file outside of it that a link must not reach."""
    (folder / "hub").mkdir()
    with h5py.File("out.h5", "w") as file:
        file["counts"] = truth().counts[:K]
    os.chdir("hub")
    return folder / "hub"


@pytest.mark.parametrize(("name", "suffix"), CASES)
def test_one_thing_replaced(hub, name, suffix):
    make, _, others = FORMATS[name]
    entries = make()
    paths = [f"a.{suffix}"]
    if others:
        np.savez("b.npz", **others)
        paths.append("b.npz")
    write(paths[0], entries)
    assert verdict(paths) == "taken"
    verdicts = {}
    for number, (key, value) in enumerate(entries.items()):
        every = list(things(value, suffix).items())
        for what, thing in every[number % SHARE :: SHARE]:
            write(paths[0], entries | {key: thing})
            verdicts[key, what] = verdict(paths)
    for (_, what), said in verdicts.items():
        if what in ("link out", "pickle", "link to nothing", "soft link to nothing", "link to itself"):
            assert said == "refused"
    # Of what may be missing nothing depends; of the rest most replacements are noticed.
    assert 0.3 < sum(said == "refused" for said in verdicts.values()) / len(verdicts) < 0.98


@pytest.mark.parametrize(("name", "suffix"), CASES)
def test_two_things_replaced(hub, name, suffix):
    make, _, others = FORMATS[name]
    entries = make()
    rng = np.random.default_rng(3)
    pairs = list(itertools.combinations(entries, 2))
    paths = [f"a.{suffix}", *(["b.npz"] if others else [])]
    np.savez("b.npz", **others)
    for _ in range(PAIRS):
        changed = dict(entries)
        for key in pairs[rng.integers(len(pairs))]:
            choices = things(entries[key], suffix)
            changed[key] = choices[list(choices)[rng.integers(len(choices))]]
        write(paths[0], changed)
        verdict(paths)


@pytest.mark.parametrize(("name", "suffix"), CASES)
def test_cut_anywhere(hub, name, suffix):
    make, _, others = FORMATS[name]
    write(f"whole.{suffix}", make())
    data = (hub / f"whole.{suffix}").read_bytes()
    paths = [f"a.{suffix}", *(["b.npz"] if others else [])]
    np.savez("b.npz", **others)
    for end in np.linspace(1, len(data) - 1, CUTS).astype(int):
        (hub / paths[0]).write_bytes(data[:end])
        assert verdict(paths) == "refused"
