"""Files of other programs, laid out as they write them: what is read explains their frames, and no mistake does."""

import h5py
import hdf5plugin
import numpy as np
import pytest

from foreign_scans import (
    DETECTOR_PIXEL_M,
    DISTANCE_M,
    ENERGY_EV,
    JOULES,
    PIXEL_M,
    SHAPE,
    WAVELENGTH_M,
    N,
    mistakes,
    on_truth,
    residual,
    taken,
    truth,
)
from ptychostudy.formats.readers import load_user_file

# What rounding to whole photons leaves, of which the darkest pixels have few: measured 2e-5, the least mistake 2e-2.
EXACT = 5e-5


def check(scan, *, free=False):
    """Expect that a scan explains its frames, and that none of the usual mistakes would."""
    placed = on_truth(scan, free=free)
    right = residual(placed)
    assert right < EXACT
    wrong = {name: residual(each) for name, each in mistakes(placed).items()}
    assert min(wrong.values()) > 400 * EXACT, wrong


def put(file, entries):
    for name, value in entries.items():
        file[name] = value


def write_probe(path):
    """Write what CXI and NeXus have no place for, as a file of our own names."""
    np.savez(path, probeGuess=truth().probe)


def positions_file(path, **extra):
    """Write probe and positions under our own names, from the corner of the object."""
    rows, cols = truth().positions.T
    np.savez(path, probeGuess=truth().probe, ycoords=rows, xcoords=cols, **extra)


# --- CXI --------------------------------------------------------------------------------------------------------------

# Steps of one row and one column along x, y, z.
DEFAULT_BASIS = np.array([[0, -1], [-1, 0], [0, 0]]) * DETECTOR_PIXEL_M
BASES = {
    "default": DEFAULT_BASIS,
    "along the axes": np.array([[0, 1], [1, 0], [0, 0]]) * DETECTOR_PIXEL_M,
    "a quarter turn": np.array([[1, 0], [0, -1], [0, 0]]) * DETECTOR_PIXEL_M,
    "a turn by 30 degrees": np.array([[0.5, -(0.75**0.5)], [-(0.75**0.5), -0.5], [0, 0]]) * DETECTOR_PIXEL_M,
    "facing up": np.array([[0, 0], [-1, 0], [0, 1]]) * DETECTOR_PIXEL_M,
}


def write_cxi(path, basis=None, said=True, **changes):
    """Write frames as cdtools does: translations of the sample, along the basis or that of a detector without one."""
    axes = (DEFAULT_BASIS if basis is None else basis) / DETECTOR_PIXEL_M
    translation = -(truth().metres + 3e-4) @ axes.T
    entries = {
        "cxi_version": 160,
        "entry_1/sample_1/geometry_1/translation": translation,
        "entry_1/instrument_1/source_1/wavelength": WAVELENGTH_M,
        "entry_1/instrument_1/source_1/energy": JOULES,
        "entry_1/instrument_1/detector_1/data": truth().counts,
        "entry_1/instrument_1/detector_1/distance": DISTANCE_M,
        "entry_1/instrument_1/detector_1/x_pixel_size": DETECTOR_PIXEL_M,
        "entry_1/instrument_1/detector_1/y_pixel_size": DETECTOR_PIXEL_M,
    }
    if basis is not None and said:
        entries["entry_1/instrument_1/detector_1/basis_vectors"] = basis
    entries |= changes
    with h5py.File(path, "w") as file:
        put(file, {name: value for name, value in entries.items() if value is not None})
        if "entry_1/instrument_1/detector_1/data" in file:
            file["entry_1/data_1/data"] = h5py.SoftLink("/entry_1/instrument_1/detector_1/data")
            file["entry_1/data_1/translation"] = h5py.SoftLink("/entry_1/sample_1/geometry_1/translation")


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("turned", [False, True])
def test_cxi_has_translations_of_the_sample_along_its_basis(folder, basis, turned):
    vectors = BASES[basis]
    changes = {"entry_1/instrument_1/detector_1/basis_vectors": vectors.T} if turned else {}
    write_cxi("a.cxi", vectors, **changes)
    write_probe("probe.npz")
    scan, done = taken(["a.cxi", "probe.npz"])
    check(scan, free=True)
    assert done["stated"] == {"measurement": "counts", "axes": "NHW", "position_unit": "m"}


def test_cxi_without_basis_is_seen_against_the_beam(folder):
    write_cxi("a.cxi")
    write_probe("probe.npz")
    check(taken(["a.cxi", "probe.npz"])[0], free=True)


def cxi(**changes):
    """Return what is read of a CXI file with some entries replaced."""
    write_cxi("a.cxi", **changes)
    return load_user_file("a.cxi")


DETECTOR, SOURCE = "entry_1/instrument_1/detector_1", "entry_1/instrument_1/source_1"


def test_cxi_masks_any_bit_but_the_signal(folder):
    mask = np.zeros((N, N), np.uint32)
    mask[3, 5], mask[4, 6], mask[7, 9], mask[20, 2] = 1, 0x1000, 0x1001, 1 << 31
    bad = cxi(**{f"{DETECTOR}/mask": mask}).arrays["bad_pixels"]
    assert np.argwhere(bad).tolist() == [[3, 5], [7, 9], [20, 2]]


@pytest.mark.parametrize(
    ("energy", "wavelength"), [(JOULES, None), (None, WAVELENGTH_M), (JOULES / 2, WAVELENGTH_M), (ENERGY_EV, None)]
)
def test_cxi_has_joules_and_the_wavelength_wins(folder, energy, wavelength):
    found = cxi(**{f"{SOURCE}/energy": energy, f"{SOURCE}/wavelength": wavelength})
    # Eight digits: the constants of the test have as many.
    assert found.declared["photon_energy_ev"] == pytest.approx(ENERGY_EV, rel=1e-8)
    assert any("eV" in note for note in found.notes) == (energy == ENERGY_EV)


def test_cxi_has_its_distance_by_its_corner_and_its_pixel_by_its_basis(folder):
    sizes = dict.fromkeys([f"{DETECTOR}/distance", f"{DETECTOR}/x_pixel_size", f"{DETECTOR}/y_pixel_size"])
    corner = np.array([16, 16, DISTANCE_M / DETECTOR_PIXEL_M]) * DETECTOR_PIXEL_M
    found = cxi(basis=DEFAULT_BASIS, **sizes, **{f"{DETECTOR}/corner_position": corner})
    assert found.declared["distance_m"] == pytest.approx(DISTANCE_M, rel=1e-12)
    assert found.declared["detector_pixel_m"] == pytest.approx(DETECTOR_PIXEL_M, rel=1e-12)


def test_cxi_takes_a_constant_dark_and_doubts_another(folder):
    dark = np.full((3, N, N), 4, np.uint16)
    assert cxi(**{f"{DETECTOR}/data_dark": dark}).declared["background"] == 4
    dark[1, 3, 3] = 9
    found = cxi(**{f"{DETECTOR}/data_dark": dark})
    assert "background" not in found.declared and "data_dark" in found.doubts["background"]


def test_a_constant_dark_is_taken_from_the_frames(folder):
    write_cxi("a.cxi", **{f"{DETECTOR}/data": truth().counts + 7, f"{DETECTOR}/data_dark": np.full((N, N), 7.0)})
    write_probe("probe.npz")
    scan, done = taken(["a.cxi", "probe.npz"])
    assert done["photons"] == {"gain": 1.0, "background": 7.0}
    np.testing.assert_array_equal(scan["counts"], truth().counts)


WRONG_CXI = {
    "translation of five": ({"entry_1/sample_1/geometry_1/translation": np.zeros((63, 5))}, "of shape (k, 3)"),
    "translation as text": ({"entry_1/sample_1/geometry_1/translation": b"none"}, "needed: numbers"),
    "oblique basis": ({f"{DETECTOR}/basis_vectors": np.array([[0, 1.0], [1, 1], [0, 0]])}, "not perpendicular"),
    "no basis": ({f"{DETECTOR}/basis_vectors": np.zeros((3, 2))}, "lengths [0.0, 0.0] m"),
    "basis of four": ({f"{DETECTOR}/basis_vectors": np.ones((4, 2))}, "of shape (3, 2)"),
    "oblong pixels": ({f"{DETECTOR}/x_pixel_size": 50e-6}, "needed: square pixels"),
    "mask of fractions": ({f"{DETECTOR}/mask": np.full((N, N), 0.5)}, "needed: bits"),
    "distance twice": ({f"{DETECTOR}/distance": np.ones(2)}, "needed: one finite number"),
    "frames as text": ({f"{DETECTOR}/data": b"none"}, "needed: numbers"),
}


@pytest.mark.parametrize("name", WRONG_CXI)
def test_what_is_wrong_in_a_cxi_file_is_named(refused, name):
    changes, part = WRONG_CXI[name]
    write_cxi("a.cxi", **changes)
    assert part in refused("a.cxi", axes="auto")


@pytest.mark.parametrize("missing", ["probeGuess", "xcoords", "counts"])
def test_what_a_cxi_file_lacks_is_named(refused, missing):
    changes = {"xcoords": "entry_1/sample_1/geometry_1/translation", "counts": f"{DETECTOR}/data"}
    write_cxi("a.cxi", **({changes[missing]: None} if missing in changes else {}))
    assert "key 'probeGuess' is missing" in refused("a.cxi") or missing == "xcoords"


# --- Ptychodus --------------------------------------------------------------------------------------------------------

CENTRE_M = np.array([2.5e-6, -1.25e-6])


def product_entries(**changes):
    """Return a product: positions in metres, to the right and down, about the object's centre."""
    rows, cols = (truth().metres + CENTRE_M).T
    entries = {
        "object": truth().object[None],
        "probe": truth().probe[None, None],
        "probe_position_y_m": rows,
        "probe_position_x_m": cols,
        "probe_position_indexes": np.arange(len(rows)),
        "object_layer_spacing_m": np.zeros(0),
        "loss_values": np.ones(3),
        "loss_epochs": np.arange(3),
    }
    return entries | changes


OBJECT_ATTRIBUTES = {
    "pixel_width_m": PIXEL_M,
    "pixel_height_m": PIXEL_M,
    "center_y_m": CENTRE_M[0],
    "center_x_m": CENTRE_M[1],
}
ROOT_ATTRIBUTES = {
    "name": "a",
    "detector_object_distance_m": DISTANCE_M,
    "photon_energy_eV": ENERGY_EV,
    "far_field": True,
}


def write_product(path, attributes=None, root=None, **changes):
    """Write a product as HDF5 or NPZ; an entry or attribute that is None is left out."""
    entries = {name: value for name, value in product_entries(**changes).items() if value is not None}
    of_object = OBJECT_ATTRIBUTES | (attributes or {})
    of_root = ROOT_ATTRIBUTES | (root or {})
    of_object, of_root = ({k: v for k, v in each.items() if v is not None} for each in (of_object, of_root))
    if str(path).endswith(".npz"):
        np.savez(path, **entries, **of_root, **{f"object_{key}": value for key, value in of_object.items()})
        return
    with h5py.File(path, "w") as file:
        put(file, entries)
        file.attrs.update(of_root)
        if "object" in file:
            file["object"].attrs.update(of_object)


def write_product_cxi(path, **changes):
    rows, cols = (truth().metres + CENTRE_M).T
    entries = {
        "cxi_version": 160,
        "entry_1/sample_1/geometry_1/translation": np.stack([cols, rows, 0 * rows], axis=1),
        "entry_1/instrument_1/source_1/energy": JOULES,
        "entry_1/instrument_1/detector_1/distance": DISTANCE_M,
        "entry_1/image_1/data": truth().probe[None, None],
        "entry_1/image_2/data": truth().object[None],
        "entry_1/ptychodus/probe_position_indexes": np.arange(len(rows)),
    }
    entries |= {f"entry_1/ptychodus/object_{key}": value for key, value in OBJECT_ATTRIBUTES.items()}
    with h5py.File(path, "w") as file:
        put(file, entries | changes)
        file["entry_1/data_1/translation"] = h5py.SoftLink("/entry_1/sample_1/geometry_1/translation")


def write_patterns(path, numbers=None, bad=None, counts=None):
    """Write diffraction data as Ptychodus does, packed by LZF."""
    counts = truth().counts if counts is None else counts
    entries = {"patterns": counts, "indexes": np.arange(len(counts)) if numbers is None else numbers}
    entries["bad_pixels"] = np.zeros((N, N), bool) if bad is None else bad
    if str(path).endswith(".npz"):
        np.savez_compressed(path, **entries)
        return
    with h5py.File(path, "w") as file:
        for name, value in entries.items():
            file.create_dataset(name, data=value, compression="lzf")
        sides = {"detector_pixel_height_m": DETECTOR_PIXEL_M, "detector_pixel_width_m": DETECTOR_PIXEL_M}
        file["patterns"].attrs.update(sides)


PRODUCTS = {"a.h5": write_product, "a.npz": write_product, "a.cxi": write_product_cxi}


@pytest.mark.parametrize("frames", ["b.npz", "b.h5"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_ptychodus_product_with_its_frames(folder, name, frames):
    PRODUCTS[name](name)
    write_patterns(frames)
    scan, done = taken([name, frames])
    check(scan)
    # Metres and back: 1e-9 of a pixel.
    np.testing.assert_allclose(scan["positions"], truth().positions, atol=1e-9)
    assert done["format"].startswith("Ptychodus product") and done["format"].endswith(" and Ptychodus diffraction")


@pytest.mark.parametrize("name", PRODUCTS)
def test_ptychodus_product_alone_is_simulated_from(folder, name):
    PRODUCTS[name](name)
    scan, _ = taken(name, "simulate")
    assert residual(scan, counts=truth().counts) < EXACT


@pytest.mark.parametrize(("near", "told"), [(1, False), (400, True)])
def test_the_phase_of_ptychodus_own_simulator_is_told_where_it_counts(folder, near, told):
    """At the window's edge pi (N p / 2)^2 / (lambda z): 1.7e-3 rad here, 0.67 rad 400 times nearer."""
    write_product("a.h5", root={"detector_object_distance_m": DISTANCE_M / near})
    notes = load_user_file("a.h5").notes
    edge = np.pi * (N * PIXEL_M / 2) ** 2 * near / (WAVELENGTH_M * DISTANCE_M)
    assert [f"{edge:.3g} rad" in note for note in notes] == [True] * told


def test_what_is_not_used_is_named_in_the_words_of_the_file(folder, caplog):
    caplog.set_level("INFO", "ptychostudy")
    write_product("a.h5")
    write_patterns("b.h5")
    taken(["a.h5", "b.h5"], "simulate")
    (line,) = [text for text in caplog.messages if "not used of this file" in text]
    assert "patterns of b.h5" in line and "loss_values (3,) float64 of a.h5" in line and "counts" not in line


def test_ptychodus_pairs_frames_and_positions_by_number(folder):
    """Frames 3 and 60 are not there, positions 5 and 6 neither, and both stand in an order of their own."""
    rng = np.random.default_rng(2)
    numbers = rng.permutation(np.setdiff1d(np.arange(63), [3, 60]))
    placed = rng.permutation(np.setdiff1d(np.arange(63), [5, 6]))
    rows, cols = (truth().metres + CENTRE_M)[placed].T
    write_product("a.h5", probe_position_y_m=rows, probe_position_x_m=cols, probe_position_indexes=placed + 100)
    write_patterns("b.npz", numbers + 100, counts=truth().counts[numbers])
    scan, done = taken(["a.h5", "b.npz"])
    assert done["paired"] == {"frames": 61, "positions": 61, "pairs": 59}
    check(scan)


@pytest.mark.parametrize(
    ("numbers", "part"),
    [
        (np.zeros(63, int), "62 of 63 frames repeat the number of another"),
        (np.arange(63) + 1000, "frames are numbered 1000 to 1062, positions 0 to 62"),
        (np.arange(62), "63 frames have numbers of shape (62,)"),
        (np.arange(63) + 0.5, "needed: one whole number each"),
    ],
)
def test_numbers_that_pair_nothing_are_refused(refused_files, numbers, part):
    write_product("a.h5")
    write_patterns("b.npz", numbers)
    assert part in refused_files(["a.h5", "b.npz"])


WRONG_PRODUCTS = {
    "no centre": ({"attributes": {"center_x_m": None}}, "has no center_y_m and center_x_m"),
    "oblong pixels": ({"attributes": {"pixel_width_m": 9e-9}}, "needed: square pixels"),
    "pixel as text": ({"attributes": {"pixel_width_m": "small"}}, "needed: one finite number"),
    "near field": ({"root": {"far_field": False}}, "needed: a detector in the far field"),
    "energy as text": ({"root": {"photon_energy_eV": "many"}}, "needed: one finite number"),
    "real probe": ({"probe": np.ones((1, 1, N, N))}, "needed complex (N, N)"),
    "another pixel": (
        {"attributes": {"pixel_width_m": 1e-8, "pixel_height_m": 1e-8}},
        "its object pixel is 1.0e-08 m (as it states), but base.pixel_size_m is 8.0e-09; "
        "needed: base.pixel_size_m: 1.0e-08",
    ),
    "positions that are NaN": ({"probe_position_x_m": np.full(63, np.nan)}, "'probe_position_x_m'"),
    "several layers": ({"object": np.ones((2, *SHAPE), complex)}, "object of shape (2, 96, 120) (several layers"),
}


@pytest.mark.parametrize("suffix", ["h5", "npz"])
@pytest.mark.parametrize("name", WRONG_PRODUCTS)
def test_what_is_wrong_in_a_product_is_named(refused_files, name, suffix):
    changes, part = WRONG_PRODUCTS[name]
    write_product(f"a.{suffix}", **changes)
    assert part in refused_files(f"a.{suffix}", frames="simulate")


def test_ptychodus_bad_pixels_are_true(folder):
    bad = np.zeros((N, N), bool)
    bad[4, 7] = True
    for name in ("b.npz", "b.h5"):
        write_patterns(name, bad=bad)
        np.testing.assert_array_equal(load_user_file(name).arrays["bad_pixels"], bad)


def test_ptychodus_training_data_count_from_the_middle_of_a_pixel(folder):
    rows, cols = (truth().positions - 0.5).T
    entries = {
        "patterns": truth().counts,
        "bad_pixels": np.zeros((N, N), bool),
        "probe": truth().probe[None],
        "object": truth().object,
        "probe_position_y_px": rows,
        "probe_position_x_px": cols,
        "object_pixel_height_m": PIXEL_M,
        "object_pixel_width_m": PIXEL_M,
        "photon_energy_eV": ENERGY_EV,
        "detector_object_distance_m": DISTANCE_M,
    }
    with h5py.File("a.h5", "w") as file:
        put(file, entries)
    check(taken("a.h5")[0])


# --- pty-chi, PtychoPINN ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(96, 120), (97, 119), (98, 121), (99, 118)])
def test_ptychi_counts_from_the_rounded_middle_of_the_object(folder, shape):
    """Its windows begin at position + round(S / 2) - N / 2, where Python rounds halves to the even number."""
    field = np.ones(shape, complex)
    field[: min(96, shape[0]), : min(120, shape[1])] = truth().object[: shape[0], : shape[1]]
    middle = [{96: 48, 97: 48, 98: 49, 99: 50}[shape[0]], {120: 60, 119: 60, 121: 60, 118: 59}[shape[1]]]
    rows, cols = (truth().positions - middle).T
    entries = {
        "diffraction_data": truth().counts.astype(np.float32).astype(np.uint32),
        "probe_position_y_px": rows,
        "probe_position_x_px": cols,
        "probe_data": truth().probe[None, None],
        "object_data": field[None],
    }
    np.savez("a.npz", **entries)
    scan, _ = taken("a.npz")
    np.testing.assert_allclose(scan["positions"], truth().positions, atol=1e-9)


def test_ptychi_arrays_explain_their_frames(folder):
    rows, cols = (truth().positions - np.array(SHAPE) / 2).T
    entries = {"dp": truth().counts, "probe_position_y_px": rows, "probe_position_x_px": cols}
    entries |= {"probe": truth().probe[None, None], "object": truth().object[None]}
    entries["valid_pixel_mask"] = np.ones((N, N), bool)
    with h5py.File("a.h5", "w") as file:
        put(file, entries)
    check(taken("a.h5")[0])


def test_ptychopinn_holds_amplitudes(folder):
    rows, cols = truth().positions.T
    entries = {"xcoords": cols, "ycoords": rows, "xcoords_start": cols, "scan_index": np.zeros(63)}
    entries |= {"probeGuess": truth().probe, "objectGuess": truth().object}
    np.savez("a.npz", diff3d=np.sqrt(truth().counts.astype(float)), **entries)
    scan, done = taken("a.npz")
    assert done["stated"]["measurement"] == "amplitude" and done["format"] == "NPZ of PtychoPINN"
    np.testing.assert_array_equal(scan["counts"], truth().counts)
    check(on_truth(scan, free=False))


def test_ptychodus_export_for_ptychopinn_is_another_thing_under_the_same_names(folder):
    """Counts instead of amplitudes, and pixels from the middle of the first."""
    rows, cols = (truth().positions - 0.5).T
    entries = {"xcoords": cols, "ycoords": rows, "xcoords_start": cols, "ycoords_start": rows}
    entries |= {"bad_pixels": np.zeros((N, N), bool), "scan_index": np.zeros(63, int)}
    entries |= {"probeGuess": truth().probe[None], "objectGuess": truth().object}
    np.savez("a.npz", diff3d=truth().counts, **entries)
    check(taken("a.npz")[0])


@pytest.mark.parametrize("kind", [np.uint16, np.float32])
def test_whole_numbers_are_no_amplitudes(refused_files, kind):
    rows, cols = truth().positions.T
    diff3d = (truth().counts >> 20).astype(kind)
    np.savez("a.npz", diff3d=diff3d, xcoords=cols, ycoords=rows, probeGuess=truth().probe)
    assert "needed: base.npz.measurement set to" in refused_files("a.npz")


# --- NeXus and Eiger --------------------------------------------------------------------------------------------------


def write_master(path, *, virtual=False, unit=None, mask=None, pieces=(20, 40), packed=True):
    """Write the master file of an Eiger and its data files, or one whose virtual dataset lies over them."""
    parts = np.split(truth().counts, pieces)
    with h5py.File(path, "w") as file:
        for number, part in enumerate(parts, 1):
            name = f"{path.removesuffix('_master.h5')}_data_{number:06}.h5"
            filters = hdf5plugin.Bitshuffle() if packed else {}
            with h5py.File(name, "w") as other:
                other.create_dataset("entry/data/data", data=part, chunks=(1, N, N), **filters)
            if not virtual:
                file[f"entry/data/data_{number:06}"] = h5py.ExternalLink(name, "/entry/data/data")
        if virtual:
            layout = h5py.VirtualLayout(truth().counts.shape, np.uint32)
            for number, (start, part) in enumerate(zip((0, *pieces), parts, strict=True), 1):
                name = f"{path.removesuffix('_master.h5')}_data_{number:06}.h5"
                layout[start : start + len(part)] = h5py.VirtualSource(name, "entry/data/data", part.shape)
            file.create_virtual_dataset("entry/instrument/detector/data", layout)
            file["entry/data/data"] = h5py.SoftLink("/entry/instrument/detector/data")
        detector = "entry/instrument/detector"
        file[f"{detector}/detectorSpecific/photon_energy"] = ENERGY_EV
        file[f"{detector}/detectorSpecific/pixel_mask"] = np.zeros((N, N), np.uint32) if mask is None else mask
        file[f"{detector}/detector_distance"] = DISTANCE_M * (1e3 if unit == "mm" else 1)
        file[f"{detector}/x_pixel_size"] = DETECTOR_PIXEL_M
        file[f"{detector}/y_pixel_size"] = DETECTOR_PIXEL_M
        if unit:
            file[f"{detector}/detector_distance"].attrs["units"] = unit


@pytest.mark.parametrize("virtual", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_an_eiger_master_with_positions_beside_it(folder, virtual, packed):
    write_master("s_master.h5", virtual=virtual, packed=packed)
    positions_file("positions.npz")
    scan, done = taken(["s_master.h5", "positions.npz"])
    np.testing.assert_array_equal(scan["counts"], truth().counts)
    check(scan, free=True)
    assert done["format"] == "NeXus and NPZ or HDF5"


@pytest.mark.parametrize(
    ("name", "kind", "known"),
    [("entry", None, True), ("entry1", None, True), ("scan_7", "NXentry", True), ("scan_7", None, False)],
)
def test_an_entry_is_one_by_its_name_or_its_class(folder, name, kind, known):
    with h5py.File("a.nxs", "w") as file:
        file[f"{name}/data/data"] = truth().counts
        if kind:
            file[name].attrs["NX_class"] = kind
    assert ("counts" in load_user_file("a.nxs").arrays) == known


def test_ten_data_files_stand_in_the_order_of_their_numbers(folder):
    write_master("s_master.h5", pieces=tuple(range(5, 60, 5)))
    np.testing.assert_array_equal(load_user_file("s_master.h5").arrays["counts"], truth().counts)


def test_an_eiger_mask_is_zero_where_good(folder):
    mask = np.zeros((N, N), np.uint32)
    mask[2, 9], mask[5, 1] = 1, 8
    write_master("s_master.h5", mask=mask)
    np.testing.assert_array_equal(load_user_file("s_master.h5").arrays["pixel_mask"], mask)


@pytest.mark.parametrize("unit", [None, "m", "mm", b"mm "[:2]])
def test_geometry_has_the_unit_it_says(folder, unit):
    write_master("s_master.h5", unit=unit.decode() if isinstance(unit, bytes) else unit)
    declared = load_user_file("s_master.h5").declared
    assert declared["distance_m"] == pytest.approx(DISTANCE_M, rel=1e-12)
    assert declared["photon_energy_ev"] == ENERGY_EV and declared["detector_pixel_m"] == DETECTOR_PIXEL_M


def test_a_unit_that_nobody_knows_is_named(refused_files):
    write_master("s_master.h5", unit="furlong")
    assert "has the unit 'furlong'" in refused_files("s_master.h5")


def test_a_data_file_that_is_missing_is_named(refused_files, folder):
    write_master("s_master.h5")
    (folder / "s_data_000002.h5").unlink()
    assert "which is not there; needed: s_data_000002.h5 in the folder of" in refused_files("s_master.h5")


def test_many_names_for_the_same_bytes_are_refused(refused_files, folder):
    """Each dataset may be packed as well as it likes as long as it is small; all of them together are not."""
    with h5py.File("s_data.h5", "w") as file:
        file.create_dataset("a", data=np.zeros((17, 1024, 1024), np.uint8), compression="gzip", chunks=(17, 256, 256))
    with h5py.File("s_master.h5", "w") as file:
        for number in range(200):
            file[f"entry/data/data_{number:06}"] = h5py.ExternalLink("s_data.h5", "/a")
    assert "all keys together would grow from" in refused_files("s_master.h5")


def test_data_of_another_kind_are_named(refused_files, folder):
    write_master("s_master.h5", packed=False)
    with h5py.File("s_data_000002.h5", "w") as file:
        file["entry/data/data"] = truth().counts[:20].astype(np.uint16)
    assert "needed: frames of one kind and size" in refused_files("s_master.h5")


# --- masks ------------------------------------------------------------------------------------------------------------


def with_mask(kind, bad):
    """Write a scan whose mask marks some pixels, in each format's own polarity; return its files."""
    rows, cols = (truth().positions - np.array(SHAPE) / 2).T
    if kind == "cxi":
        # Of the good ones some bear the bit of a signal.
        write_cxi("a.h5", **{f"{DETECTOR}/mask": np.where(bad, 4, 0x1000).astype(np.uint32)})
        write_probe("b.npz")
        return ["a.h5", "b.npz"]
    if kind == "ptychodus":
        write_product("a.h5")
        write_patterns("b.h5", bad=bad)
        return ["a.h5", "b.h5"]
    if kind == "nexus":
        write_master("s_master.h5", mask=bad.astype(np.uint32) << 3)
        positions_file("b.npz")
        return ["s_master.h5", "b.npz"]
    entries = {"diffraction_data": truth().counts, "probe_position_y_px": rows, "probe_position_x_px": cols}
    np.savez("a.npz", probe=truth().probe, object=truth().object, valid_pixel_mask=~bad, **entries)
    return ["a.npz"]


@pytest.mark.parametrize("kind", ["cxi", "ptychodus", "nexus", "pty-chi"])
def test_masks_have_the_polarity_of_their_format(folder, kind):
    bad = np.zeros((N, N), bool)
    bad[3, 5:9] = bad[28, 2] = True
    scan, done = taken(with_mask(kind, bad))
    np.testing.assert_array_equal(scan["valid"], ~bad)
    np.testing.assert_array_equal(scan["counts"], truth().counts * ~bad)
    assert done["masked_pixels"] == 5
