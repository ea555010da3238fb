"""Hostile and damaged files, made by code: each with the reader it is meant for and a part of the refusal it must meet.

``HOSTILE`` maps a name to ``(reader, suffix, build, part)``; ``build(path, mark)`` writes the file, and nothing may
ever make the folder ``mark``, which is what the code hidden in some of them would do. ``GOOD`` maps a reader to a
builder of a file that it accepts. The same files are the seeds of the fuzzer.
"""

import functools
import io
import json
import os
import pickle
import struct
import zipfile
import zlib

import h5py
import numpy as np

N, FRAMES = 16, 4
MIB = 1 << 20


class Trap:
    """Unpickles to a call that leaves a mark."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


# --- good files -------------------------------------------------------------------------------------------------------


def scan_arrays():
    rng = np.random.default_rng(5)
    probe = rng.normal(size=(N, N)) + 1j * rng.normal(size=(N, N))
    return {
        "xcoords": np.array([9.0, 12.5, 20.0, 30.25]),
        "ycoords": np.array([10.0, 25.0, 17.5, 9.0]),
        "probeGuess": probe.astype(np.complex64),
        "objectGuess": np.ones((40, 48), np.complex64),
        "counts": rng.poisson(2.0, (FRAMES, N, N)).astype(np.uint32),
    }


def npy(array):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), allow_pickle=True)
    return buffer.getvalue()


def npy_claiming(shape, descr="<f8", data=b""):
    buffer = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + data


def good_npz(path, mark=None):
    np.savez(path, **scan_arrays())


def good_canonical(path, mark=None):
    from ptychostudy.io.arrays import write_npz

    photons = {"photons_requested": np.float64(100.0), "photons_measured": np.float64(99.5)}
    write_npz(path, scan_arrays() | photons, {"schema_version": "1.1"})


def good_hdf5(path, mark=None):
    with h5py.File(path, "w") as file:
        for key, value in scan_arrays().items():
            packed = {"chunks": True, "compression": "gzip", "shuffle": True, "fletcher32": True} if value.ndim else {}
            file.create_dataset(key, data=value, track_times=False, **packed)


def good_cxi(path, mark=None):
    detector = "entry_1/instrument_1/detector_1"
    arrays = scan_arrays()
    metres = 1e-8 * np.stack([arrays["xcoords"], arrays["ycoords"], np.zeros(FRAMES)], axis=1)
    entries = {
        f"{detector}/data": arrays["counts"],
        f"{detector}/mask": np.zeros((N, N), np.uint32),
        f"{detector}/basis_vectors": np.array([[0, -1], [-1, 0], [0, 0]]) * 75e-6,
        f"{detector}/distance": 0.5,
        "entry_1/instrument_1/source_1/energy": 1.3e-15,
        "entry_1/sample_1/geometry_1/translation": metres,
    }
    with h5py.File(path, "w") as file:
        for name, value in entries.items():
            packed = {"chunks": True, "compression": "lzf"} if np.ndim(value) > 1 else {}
            file.create_dataset(name, data=value, track_times=False, **packed)


def good_nexus(path, mark=None):
    detector = "entry/instrument/detector"
    with h5py.File(path, "w") as file:
        file["entry/data/data_000001"], file["entry/data/data_000002"] = np.split(scan_arrays()["counts"], 2)
        file[f"{detector}/detectorSpecific/pixel_mask"] = np.zeros((N, N), np.uint32)
        file[f"{detector}/detector_distance"] = 500.0
        file[f"{detector}/detector_distance"].attrs["units"] = "mm"
        for side in ("x_pixel_size", "y_pixel_size"):
            file[f"{detector}/{side}"] = 75e-6


def good_patterns(path, mark=None):
    np.savez(path, patterns=scan_arrays()["counts"], indexes=np.arange(FRAMES), bad_pixels=np.zeros((N, N), bool))


def bundle_parts():
    """Return the members of a good bundle as plain data and bytes."""
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file["layer/kernel"] = np.ones((3, 2), np.float32)
        file["layer/step"] = np.float32(0.5)
    return {
        "config.json": {"n": N, "frames": 4, "seed": 1, "kind": "pinn", "options": {"width": 2}},
        "weights.h5": weights.getvalue(),
        "probe.npy": npy(np.ones((N, N), np.complex64)),
        "normalization.json": {"input_scale": 0.5, "probe_gauge": 2.0},
        "provenance.json": {"versions": {}, "outcome": {"status": "ok", "reason": "done", "statistics": {}}},
    }


def write_bundle(path, method=zipfile.ZIP_STORED, **changes):
    """Write a bundle in which some members are others: bytes, plain data, or None for none at all."""
    names = {name.replace(".", "_"): name for name in bundle_parts()}
    parts = bundle_parts() | {names.get(key, key): value for key, value in changes.items()}
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, value in parts.items():
            if value is not None:
                archive.writestr(name, value if isinstance(value, bytes) else json.dumps(value))


def good_bundle(path, mark=None):
    write_bundle(path)


def good_product(path, mark=None):
    from ptychostudy.formats.ptychodus import Product, write_product_h5

    arrays = scan_arrays()
    positions = np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1)
    write_product_h5(path, Product(arrays["objectGuess"], arrays["probeGuess"], positions, 1e-8, 8e3, 2.0, np.ones(3)))


def good_json(path, mark=None):
    path.write_text('{"jobs": [1, 2.5, "three", null, {"deep": [true, -1e-3]}], "arms": {}}')


def good_csv(path, mark=None):
    path.write_text('model,value\nPINN,0.5\n"a, b",2\n')


def good_image(path, mark=None):
    from PIL import Image

    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8)).save(path, format="PNG")


def good_mask(path, mark=None):
    np.savez(path, **{"detector": (np.arange(N * N) % 7 == 0).reshape(N, N), "dark": np.zeros(3)})


GOOD = {
    "scan": (".npz", good_npz),
    "canonical": (".npz", good_canonical),
    "hdf5": (".h5", good_hdf5),
    "bundle": (".zip", good_bundle),
    "product": (".h5", good_product),
    "cxi": (".cxi", good_cxi),
    "nexus": (".h5", good_nexus),
    "patterns": (".npz", good_patterns),
    "json": (".json", good_json),
    "csv": (".csv", good_csv),
    "image": (".png", good_image),
    "mask": (".npz", good_mask),
}


def readers():
    """Return every reader by name; each takes a path."""
    from ptychostudy.formats.bundle import read_bundle
    from ptychostudy.formats.picture import read_image
    from ptychostudy.formats.ptychodus import read_product_h5
    from ptychostudy.formats.readers import load_user_file
    from ptychostudy.formats.scan import open_scan
    from ptychostudy.intake.mask_file import read_mask_file
    from ptychostudy.intake.user import read_user_scan
    from ptychostudy.io.arrays import read_metadata, read_npz
    from ptychostudy.io.records import read_json
    from ptychostudy.io.tables import read_csv

    def canonical(path):
        return open_scan(path), read_npz(path), read_metadata(path)

    return {
        "scan": read_user_scan,
        "canonical": canonical,
        "hdf5": read_user_scan,
        "bundle": read_bundle,
        "product": read_product_h5,
        "cxi": load_user_file,
        "nexus": load_user_file,
        "patterns": load_user_file,
        "json": lambda path: read_json(path, ["jobs"]),
        "csv": lambda path: read_csv(path, ["model", "value"]),
        "image": read_image,
        "mask": lambda path: read_mask_file(path, N),
    }


# --- zip archives -----------------------------------------------------------------------------------------------------


def raw_zip(path, entries, *, cut=0):
    """Write a zip file whose records say what they are told to, true or not.

    An entry is a dict of ``name``, ``data`` (as stored), and of claims: ``size``, ``packed``, ``method``, ``flags``,
    ``mode``, ``crc``, ``same_place`` (as the entry of that number).
    """
    local, central, places, length = [], [], [], 0
    for entry in entries:
        name, data = entry["name"].encode(), entry["data"]
        packed, size = entry.get("packed", len(data)), entry.get("size", len(data))
        method, flags, crc = entry.get("method", 0), entry.get("flags", 0), entry.get("crc", zlib.crc32(data))
        big = max(packed, size) >= 1 << 32
        fields = (0xFFFFFFFF, 0xFFFFFFFF) if big else (packed, size)
        extra = struct.pack("<HHQQ", 1, 16, size, packed) if big else b""
        common = struct.pack("<HHHHHIIIHH", 45, flags, method, 0, 33, crc, *fields, len(name), len(extra))
        places.append(places[entry["same_place"]] if "same_place" in entry else length)
        if "same_place" not in entry:
            local.append(b"PK\3\4" + common + name + extra + data)
            length += len(local[-1])
        rest = struct.pack("<HHHII", 0, 0, 0, entry.get("mode", 0) << 16, places[-1])
        central.append(b"PK\1\2" + struct.pack("<H", 45 + (3 << 8)) + common + rest + name + extra)
    directory = b"".join(central)
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(directory), length, 0)
    whole = b"".join(local) + directory + end
    path.write_bytes(whole[: len(whole) - cut])


def scan_zip(**options):
    """Return a builder of a scan whose ``xcoords`` is stored with the given claims, or is given bytes of its own."""
    data = options.pop("data", npy(scan_arrays()["xcoords"]))
    extra, cut = options.pop("extra", []), options.pop("cut", 0)

    def build(path, mark):
        others = [{"name": f"{k}.npy", "data": npy(v)} for k, v in scan_arrays().items() if k != "xcoords"]
        mine = {"name": "xcoords.npy", "data": data(mark) if callable(data) else data} | options
        raw_zip(path, [mine, *others, *extra], cut=cut)

    return build


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@functools.cache
def bomb(mebibytes):
    """Return a deflate stream of zeros and the checksum of its first kilobyte."""
    packer, block = zlib.compressobj(9, zlib.DEFLATED, -15), bytes(MIB)
    return b"".join(packer.compress(block) for _ in range(mebibytes)) + packer.flush(), zlib.crc32(bytes(1000))


def npz_bomb(path, mark):
    data, _ = bomb(200)
    scan_zip(data=data, method=8, size=200 * MIB)(path, mark)


def npz_lying_bomb(path, mark):
    """A stream of 200 MiB that is announced as a kilobyte, with the checksum of that kilobyte."""
    data, crc = bomb(200)
    scan_zip(data=data, method=8, size=1000, crc=crc)(path, mark)


def npz_many_bombs(path, mark):
    data, _ = bomb(60)
    raw_zip(path, [{"name": f"{k}.npy", "data": data, "method": 8, "size": 60 * MIB} for k in range(20)])


def npz_aliases(path, mark):
    """Eight thousand names for the same bytes."""
    data = deflated(npy(np.zeros(MIB)))
    first = {"name": "xcoords.npy", "data": data, "method": 8, "size": 60 * MIB}
    raw_zip(path, [first, *({**first, "name": f"{k}.npy", "same_place": 0} for k in range(8000))])


def canonical_with(**changes):
    """Return a builder of a canonical scan with some arrays replaced, and its metadata's text if wanted."""
    metadata = changes.pop("metadata", "{}")

    def build(path, mark):
        photons = {"photons_requested": np.float64(100.0), "photons_measured": np.float64(99.5)}
        np.savez(path, **(scan_arrays() | photons | changes), _metadata=np.array(metadata))

    return build


# --- HDF5 -------------------------------------------------------------------------------------------------------------


def hdf5_with(change):
    """Return a builder of an HDF5 scan without ``counts``, and with what `change(file, path, mark)` puts there."""

    def build(path, mark):
        with h5py.File(path, "w") as file:
            for key, value in scan_arrays().items():
                if key != "counts":
                    file[key] = value
            change(file, path, mark)

    return build


def link_to_pipe(file, path, mark):
    """A link to a pipe: whoever opens it waits for ever."""
    os.mkfifo(path.with_suffix(".pipe"))
    file["counts"] = h5py.ExternalLink(str(path.with_suffix(".pipe")), "counts")


def link_to_secret(file, path, mark):
    with h5py.File(path.with_suffix(".secret"), "w") as other:
        other["counts"] = scan_arrays()["counts"]
    file["counts"] = h5py.ExternalLink(str(path.with_suffix(".secret")), "counts")


def soft_link_to_secret(file, path, mark):
    link_to_secret(file, path, mark)
    file["elsewhere"] = file.get("counts", getlink=True)
    del file["counts"]
    file["counts"] = h5py.SoftLink("/elsewhere")


def virtual(file, path, mark):
    link_to_secret(file, path, mark)
    del file["counts"]
    layout = h5py.VirtualLayout((FRAMES, N, N), np.uint32)
    layout[:] = h5py.VirtualSource(str(path.with_suffix(".secret")), "counts", (FRAMES, N, N))
    file.create_virtual_dataset("counts", layout)


def packed_twice(file, path, mark):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((60 * MIB,))
    plan.set_deflate(9)
    plan.set_deflate(9)
    space = h5py.h5s.create_simple((60 * MIB,))
    item = h5py.h5d.create(file.id, b"counts", h5py.h5t.NATIVE_UINT8, space, plan)
    item.write(h5py.h5s.ALL, h5py.h5s.ALL, np.zeros(60 * MIB, np.uint8))


def lying_chunk(file, path, mark):
    """A chunk of a kilobyte whose stream goes on for 200 MiB."""
    item = file.create_dataset("counts", (FRAMES, N, N), "u1", chunks=(FRAMES, N, N), compression="gzip")
    packer, block = zlib.compressobj(9), bytes(MIB)
    item.id.write_direct_chunk((0, 0, 0), b"".join(packer.compress(block) for _ in range(200)) + packer.flush())


LZF = 32000


def lzf_chunk(data):
    """Return a change that stores a chunk of LZF as it is."""

    def change(file, path, mark):
        item = file.create_dataset("counts", (FRAMES, N, N), "u4", chunks=(1, N, N), compression="lzf")
        for frame in range(FRAMES):
            item.id.write_direct_chunk((frame, 0, 0), data)

    return change


def lzf_for_larger(path, mark):
    """A file that tells LZF to make room for 2 GiB: h5py writes the right size whatever it is told."""
    hdf5_with(lzf_chunk(b"\x00a"))(path, mark)
    told = struct.pack("<II", 261, 4 * N * N)
    assert told in path.read_bytes()
    path.write_bytes(path.read_bytes().replace(told, struct.pack("<II", 261, 1 << 31)))


def lzf_and_gzip(file, path, mark):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((1, N, N))
    plan.set_filter(LZF, h5py.h5z.FLAG_OPTIONAL, ())
    plan.set_deflate(9)
    space = h5py.h5s.create_simple((FRAMES, N, N))
    item = h5py.h5d.create(file.id, b"counts", h5py.h5t.NATIVE_UINT32, space, plan)
    item.write_direct_chunk((0, 0, 0), b"\x00a")


def unknown_filter(file, path, mark):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((FRAMES, N, N))
    plan.set_filter(h5py.h5z.FILTER_SCALEOFFSET, 0, (2, 0))
    space = h5py.h5s.create_simple((FRAMES, N, N))
    h5py.h5d.create(file.id, b"counts", h5py.h5t.NATIVE_UINT32, space, plan)


def chunk_of(size):
    """Return a builder of a chunk of so many bytes; where its checksum alone takes four, libhdf5 reads before it."""

    def build(path, mark):
        packed = {"compression": "gzip", "shuffle": True, "fletcher32": True}
        hdf5_with(put(scan_arrays()["counts"], chunks=(FRAMES, N, N), **packed))(path, mark)
        with h5py.File(path) as file:
            chunk = file["counts"].id.get_chunk_info(0)
        data = path.read_bytes()
        # A node of the index: size, mask, place in the array, place in the file.
        node = struct.pack("<II4QQ", chunk.size, 0, 0, 0, 0, 0, chunk.byte_offset)
        assert data.count(node) == 1
        path.write_bytes(data.replace(node, struct.pack("<I", size) + node[4:]))

    return build


def put(value, **options):
    return lambda file, path, mark: file.create_dataset("counts", data=value, **options)


def declared(shape, **options):
    return lambda file, path, mark: file.create_dataset("counts", shape, "f8", **options)


def weights(change):
    """Return a builder of a bundle whose weights are what `change(file)` puts into an HDF5 file."""

    def build(path, mark):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            change(file)
        write_bundle(path, weights_h5=buffer.getvalue())

    return build


def many_claims(file):
    for k in range(200):
        file.create_dataset(f"w{k}", (15 * MIB,), "f4", chunks=(MIB,))


def doubling_groups(file):
    """Thirty groups, each twice in the one above: a billion paths."""
    below = file.create_group("g0")
    for k in range(1, 30):
        group = file.create_group(f"g{k}")
        group["a"], group["b"] = below, below
        below = group


def cycle(file):
    file["a/b"] = np.ones(3)
    file["a/c"] = file["a"]


# --- bundles, texts, pictures, things that are no files ---------------------------------------------------------------


def bundle_with(**changes):
    return lambda path, mark: write_bundle(path, **changes)


def config_with(**changes):
    return bundle_with(config_json=bundle_parts()["config.json"] | changes)


def pickled_probe(path, mark):
    write_bundle(path, probe_npy=npy(np.array([Trap(mark)], dtype=object)))


def pickled_weights(path, mark):
    write_bundle(path, weights_h5=pickle.dumps({"w": Trap(mark)}))


def keras_archive(path, mark):
    """What Keras saves: a configuration that names code, and weights."""
    code = f"import os; os.mkdir({str(mark)!r})"
    layer = {"class_name": "Lambda", "config": {"function": {"class_name": "__lambda__", "config": {"code": code}}}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.8.0"}))
        archive.writestr("config.json", json.dumps({"module": "keras", "class_name": "Sequential", "layers": [layer]}))
        archive.writestr("model.weights.h5", bundle_parts()["weights.h5"])


def keras_inside(path, mark):
    keras_archive(path, mark)
    inner = path.read_bytes()
    write_bundle(path, **{"model.keras": inner})


def large_json_member(path, mark):
    write_bundle(path, zipfile.ZIP_DEFLATED, config_json=b"{" + b" " * (17 * MIB) + b"}")


def text(value):
    return lambda path, mark: path.write_bytes(value if isinstance(value, bytes) else value.encode())


def sparse(size):
    def build(path, mark):
        with open(path, "wb") as file:
            file.truncate(size)

    return build


def pipe(path, mark):
    os.mkfifo(path)


def folder(path, mark):
    path.mkdir()


def device(path, mark):
    path.symlink_to("/dev/zero")


def link_to_itself(path, mark):
    path.symlink_to(path)


def png(width, height, *, bits=1, data=None, before=b""):
    """Return a PNG of zeros that claims a size."""

    def chunk(kind, value):
        return struct.pack(">I", len(value)) + kind + value + struct.pack(">I", zlib.crc32(kind + value))

    row = bytes(1 + (width * bits + 7) // 8)
    packed = zlib.compress(row * height, 9) if data is None else data
    header = struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def png_text_bomb():
    value = b"Comment\0\0" + zlib.compress(bytes(100 * MIB), 9)
    before = struct.pack(">I", len(value)) + b"zTXt" + value + struct.pack(">I", zlib.crc32(b"zTXt" + value))
    return png(8, 8, before=before)


def tiff(width, height):
    """Return a grey TIFF that claims a size and holds one strip of no use."""
    tags = [(256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (278, 4, height)]
    tags += [(279, 4, 16)]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<I", 24) + bytes(16) + struct.pack("<H", len(tags)) + entries + bytes(4)


def nan_tiff(path, mark):
    from PIL import Image

    Image.fromarray(np.array([[0, 1], [np.nan, 2]], np.float32)).save(path, format="TIFF")


NESTED = "[" * 100_000 + "]" * 100_000
POSTSCRIPT = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch ran) (r) file\n"

HOSTILE = {
    # zip and NPY
    "pickled coordinates": ("scan", ".npz", scan_zip(data=lambda mark: npy(np.array([Trap(mark)], object))), "pickled"),
    "pickle in the place of an array": ("scan", ".npz", scan_zip(data=lambda m: pickle.dumps(Trap(m))), "cannot be re"),
    "pickled metadata": ("canonical", ".npz", canonical_with(metadata=[{}]), "pickled"),
    "1e12 elements announced": ("scan", ".npz", scan_zip(data=npy_claiming((10**12,), data=bytes(64))), "announces"),
    "negative shape": ("scan", ".npz", scan_zip(data=npy_claiming((-1, -8), data=bytes(64))), "announces"),
    "no bytes an element": ("scan", ".npz", scan_zip(data=npy_claiming((10**12,), "|S0")), "neither number nor text"),
    "structured type": ("scan", ".npz", scan_zip(data=npy_claiming((1,), [("a", "<f8")], bytes(8))), "neither number"),
    "200 MB in 200 kB": ("scan", ".npz", npz_bomb, "would grow from"),
    "200 MB announced as 1 kB": ("scan", ".npz", npz_lying_bomb, "cannot be read"),
    "twenty times 60 MB": ("scan", ".npz", npz_many_bombs, "the whole file would grow"),
    "eight thousand names for the same bytes": ("scan", ".npz", npz_aliases, "overlaps another"),
    "parent folder": ("scan", ".npz", scan_zip(extra=[{"name": "../x.npy", "data": b""}]), "outside the archive"),
    "absolute name": ("scan", ".npz", scan_zip(extra=[{"name": "/tmp/x.npy", "data": b""}]), "outside the archive"),
    "drive letter": ("scan", ".npz", scan_zip(extra=[{"name": "C:\\x.npy", "data": b""}]), "outside the archive"),
    "symbolic link": ("scan", ".npz", scan_zip(data=b"/etc/passwd", mode=0o120777), "symbolic link"),
    "name twice": ("scan", ".npz", scan_zip(extra=[{"name": "xcoords.npy", "data": b""}]), "member names repeat"),
    "encrypted": ("scan", ".npz", scan_zip(flags=1), "is encrypted"),
    "packed by bzip2": ("scan", ".npz", scan_zip(method=12), "stored or deflated"),
    "directory cut": ("scan", ".npz", scan_zip(cut=40), "not a zip archive or cut short"),
    "end cut": ("scan", ".npz", scan_zip(cut=1), "not a zip archive or cut short"),
    "stored terabyte": ("scan", ".npz", scan_zip(size=1 << 40, packed=1 << 40), "reach beyond|overlaps another"),
    "stored, and larger than stored": ("scan", ".npz", scan_zip(size=4000), "is stored in"),
    "wrong checksum": ("scan", ".npz", scan_zip(crc=1), "cannot be read"),
    "20000 members": (
        "scan",
        ".npz",
        lambda path, mark: raw_zip(path, [{"name": f"{k}.npy", "data": b""} for k in range(20_000)]),
        "20000 members",
    ),
    "header of brackets": ("scan", ".npz", scan_zip(data=b"\x93NUMPY\1\0\x10\x27" + b"(" * 10_000), "cannot be read"),
    "header of signs": ("scan", ".npz", scan_zip(data=b"\x93NUMPY\1\0\x10\x27" + b"-" * 9_999 + b"1"), "cannot be r"),
    "header of 4 GB": ("scan", ".npz", scan_zip(data=b"\x93NUMPY\2\0\xff\xff\xff\xff" + bytes(64)), "cannot be read"),
    "metadata nested 1e5 deep": ("canonical", ".npz", canonical_with(metadata=NESTED), "not one JSON string"),
    "metadata of 20 MB": ("canonical", ".npz", canonical_with(metadata="[" + " " * 5 * MIB + "]"), "needed at most"),
    "photons as a vector": ("canonical", ".npz", canonical_with(photons_requested=np.ones(3)), "needed one finite"),
    "photons as text": ("canonical", ".npz", canonical_with(photons_measured=np.array("many")), "needed one finite"),
    "counts as floats": ("canonical", ".npz", canonical_with(counts=np.ones((FRAMES, N, N))), "needed uint32 photons"),
    "positions a gigapixel apart": (
        "scan",
        ".npz",
        lambda path, mark: np.savez(
            path, **{k: v for k, v in scan_arrays().items() if k != "objectGuess"} | {"xcoords": np.arange(4) * 1e9}
        ),
        "needed: object pixels",
    ),
    # HDF5
    "link to a pipe": ("hdf5", ".h5", hdf5_with(link_to_pipe), "'counts' is a link"),
    "link to another file": ("hdf5", ".h5", hdf5_with(link_to_secret), "'counts' is a link"),
    "link to a link": ("hdf5", ".h5", hdf5_with(soft_link_to_secret), "'counts' is a link"),
    "link to itself": (
        "hdf5",
        ".h5",
        hdf5_with(lambda file, path, mark: file.update({"counts": h5py.SoftLink("/counts")})),
        "'counts' is a link",
    ),
    "virtual dataset": ("hdf5", ".h5", hdf5_with(virtual), "in another file"),
    "raw data of another file": (
        "hdf5",
        ".h5",
        hdf5_with(declared((8,), external=[("/etc/hostname", 0, 64)])),
        "in another file",
    ),
    "8 TB declared": ("hdf5", ".h5", hdf5_with(declared((10**6, 10**6), chunks=(64, 64))), "would grow from"),
    "200 MB of gzip": ("hdf5", ".h5", hdf5_with(put(np.zeros(200 * MIB, np.uint8), compression="gzip")), "would grow"),
    "gzip of gzip": ("hdf5", ".h5", hdf5_with(packed_twice), "is packed by"),
    "chunk that goes on": ("hdf5", ".h5", hdf5_with(lying_chunk), "holds more than"),
    "filter of others": ("hdf5", ".h5", hdf5_with(unknown_filter), "is packed by"),
    "chunk of no bytes": ("hdf5", ".h5", chunk_of(0), "holds 0 bytes"),
    "chunk of three bytes": ("hdf5", ".h5", chunk_of(3), "holds 0 bytes"),
    "chunk that ends early": ("hdf5", ".h5", chunk_of(40), r"holds \d+ bytes, needed 4096"),
    "lzf that goes on": ("hdf5", ".h5", hdf5_with(lzf_chunk(b"\xe0\xff\0" * 400)), "holds more than"),
    "lzf that ends early": ("hdf5", ".h5", hdf5_with(lzf_chunk(b"\x00a")), "holds 1 bytes"),
    "lzf that ends in a piece": ("hdf5", ".h5", hdf5_with(lzf_chunk(b"\x1fa")), "holds 0 bytes"),
    "lzf for larger chunks": ("hdf5", ".h5", lzf_for_larger, "is packed by lzf for chunks of 2147483648 bytes"),
    "lzf of gzip": ("hdf5", ".h5", hdf5_with(lzf_and_gzip), "is packed by"),
    "texts of any length": ("hdf5", ".h5", hdf5_with(put(["a", "b"])), "needed: numbers"),
    "object references": (
        "hdf5",
        ".h5",
        hdf5_with(lambda f, p, m: f.create_dataset("counts", data=f["xcoords"].ref, dtype=h5py.ref_dtype)),
        "needed: numbers",
    ),
    "compound": ("hdf5", ".h5", hdf5_with(put(np.zeros(4, [("a", "f8"), ("b", "i4")]))), "needed: numbers"),
    "nothing at all": ("hdf5", ".h5", hdf5_with(put(h5py.Empty("f8"))), "needed: numbers"),
    "group": ("hdf5", ".h5", hdf5_with(lambda f, p, m: f.create_group("counts")), "'counts' is a group"),
    "type": (
        "hdf5",
        ".h5",
        hdf5_with(lambda file, path, mark: file.update({"counts": np.dtype("f8")})),
        "'counts' is a type",
    ),
    "no more than a signature": ("hdf5", ".h5", text(b"\x89HDF\r\n\x1a\n" + bytes(200)), "not a readable HDF5 file"),
    # bundles
    "Keras archive with code": ("bundle", ".zip", keras_archive, "holds exactly"),
    "Keras archive in a bundle": ("bundle", ".zip", keras_inside, "holds exactly"),
    "script in a bundle": ("bundle", ".zip", bundle_with(**{"setup.py": b"import os"}), "holds exactly"),
    "no probe": ("bundle", ".zip", bundle_with(probe_npy=None), "holds exactly"),
    "pickled probe": ("bundle", ".zip", pickled_probe, "pickled"),
    "pickled weights": ("bundle", ".zip", pickled_weights, "damaged bundle"),
    "probe of 1e12": ("bundle", ".zip", bundle_with(probe_npy=npy_claiming((10**6, 10**6), "<c8")), "announces"),
    "real probe": ("bundle", ".zip", bundle_with(probe_npy=npy(np.ones((N, N)))), "needed finite complex"),
    "probe of another side": ("bundle", ".zip", bundle_with(probe_npy=npy(np.ones((9, 9), complex))), "finite complex"),
    "dark probe": ("bundle", ".zip", bundle_with(probe_npy=npy(np.zeros((N, N), complex))), "not all zero"),
    "configuration as a list": ("bundle", ".zip", bundle_with(config_json=[1]), "config.json"),
    "side as a text": ("bundle", ".zip", config_with(n="16"), "config.json: 'n'"),
    "side as truth": ("bundle", ".zip", config_with(n=True), "config.json: 'n'"),
    "no frames in a group": ("bundle", ".zip", config_with(frames=0), "config.json: 'frames'"),
    "half a frame": ("bundle", ".zip", config_with(frames=4.5), "config.json: 'frames'"),
    "kind as a number": ("bundle", ".zip", config_with(kind=3), "config.json: 'kind'"),
    "options as a text": ("bundle", ".zip", config_with(options="eval"), "config.json: 'options'"),
    "scale as a text": ("bundle", ".zip", bundle_with(normalization_json={"input_scale": "1"}), "normalization.json"),
    "infinite scale": ("bundle", ".zip", bundle_with(normalization_json={"input_scale": np.inf}), "normalization.json"),
    "no scale": ("bundle", ".zip", bundle_with(normalization_json={}), "normalization.json"),
    "no outcome": ("bundle", ".zip", bundle_with(provenance_json={}), "'outcome'"),
    "configuration nested 1e5 deep": ("bundle", ".zip", bundle_with(config_json=NESTED.encode()), "nested too deeply"),
    "configuration of 17 MB": ("bundle", ".zip", large_json_member, "is larger than"),
    "key twice": ("bundle", ".zip", bundle_with(config_json=b'{"n": 16, "n": 3}'), "a key repeats"),
    "whole weights": ("bundle", ".zip", weights(lambda f: f.update({"w": np.arange(3)})), "needed real numbers"),
    "complex weights": ("bundle", ".zip", weights(lambda f: f.update({"w": np.ones(3) * 1j})), "needed real numbers"),
    "weights that are NaN": ("bundle", ".zip", weights(lambda f: f.update({"w": np.full(3, np.nan)})), "holds NaN"),
    "weights as texts": ("bundle", ".zip", weights(lambda f: f.update({"w": ["a"]})), "needed: numbers"),
    "weights of 12 GB": ("bundle", ".zip", weights(many_claims), "all keys together would grow"),
    "weights in another file": (
        "bundle",
        ".zip",
        weights(lambda file: file.update({"w": h5py.ExternalLink("/etc/hostname", "w")})),
        "'w' is a link",
    ),
    "a billion groups": ("bundle", ".zip", weights(doubling_groups), "holds over"),
    "group in itself": ("bundle", ".zip", weights(cycle), "a group in itself"),
    # texts
    "JSON nested 1e5 deep": ("json", ".json", text(NESTED), "nested too deeply"),
    "JSON nested 900 deep": ("json", ".json", text('{"jobs": ' + "[" * 900 + "]" * 900 + "}"), "nested too deeply"),
    "JSON of 100 MB": ("json", ".json", sparse(100 * MIB), "needed a text of at most"),
    "JSON with NaN": ("json", ".json", text('{"jobs": NaN}'), "NaN is not a number"),
    "JSON beyond floats": ("json", ".json", text('{"jobs": 1e999}'), "beyond all floating-point numbers"),
    "JSON number of 5000 digits": ("json", ".json", text('{"jobs": ' + "9" * 5000 + "}"), "not valid JSON"),
    "JSON key twice": ("json", ".json", text('{"jobs": 1, "jobs": 2}'), "a key repeats"),
    "JSON that is no text": ("json", ".json", text(b"\xff\xfe{}"), "cannot be read as text"),
    "table with an open quote": ("csv", ".csv", text('model,value\n"a,1\n'), "not a table"),
    "table with a huge cell": ("csv", ".csv", text("model,value\n" + "a" * 200_000 + ",1\n"), "not a table"),
    "table with a lone return": ("csv", ".csv", text("model,value\na\rb,1\n"), "line 2"),
    "table of 100 MB": ("csv", ".csv", sparse(100 * MIB), "needed a text of at most"),
    "table with a short line": ("csv", ".csv", text("model,value\na\n"), "line 2"),
    # pictures
    "picture of 400 million pixels": ("image", ".png", text(png(20_000, 20_000)), "exceeds limit|needed: at most"),
    "picture of 64 million pixels": ("image", ".png", text(png(8_000, 8_000)), "needed: at most"),
    "picture of 4e18 pixels": ("image", ".tif", text(tiff(2**31, 2**31)), "picture"),
    "picture of 17 million pixels in 150 bytes": ("image", ".tif", text(tiff(2, 2**23 + 2)), "needed: at most 1"),
    "picture that ends early": ("image", ".png", text(png(600, 600, bits=8, data=b"x\x9c")), "cannot be read"),
    "picture with 100 MB of text": ("image", ".png", text(png_text_bomb()), "cannot be read"),
    "picture that is a program": ("image", ".eps", text(POSTSCRIPT), "needed: PNG, TIFF or JPEG"),
    "picture with NaN": ("image", ".tif", nan_tiff, "with span nan"),
    "picture without contrast": ("image", ".png", text(png(8, 8)), "with span 0.0"),
}
for _reader in ("scan", "hdf5", "product", "bundle", "json", "csv", "image", "mask"):
    for _name, _build in {"pipe": pipe, "folder": folder, "endless device": device}.items():
        HOSTILE[f"{_name} for {_reader}"] = (_reader, GOOD[_reader][0], _build, "is no plain file")
    HOSTILE[f"link in a circle for {_reader}"] = (_reader, GOOD[_reader][0], link_to_itself, "cannot be opened")
    HOSTILE[f"nothing for {_reader}"] = (_reader, GOOD[_reader][0], lambda path, mark: None, "no such file")
    HOSTILE[f"zeros for {_reader}"] = (_reader, GOOD[_reader][0], sparse(5000), r"\.(npz|h5|zip|json|csv|png): ")
    HOSTILE[f"empty for {_reader}"] = (_reader, GOOD[_reader][0], sparse(0), r"\.(npz|h5|zip|json|csv|png): ")
