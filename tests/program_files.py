"""Files of other programs, of the layout that each documents and was found to write; and a scan of known truth.

The programs themselves are not wanted here; `tests/interop` asks those that install.
"""

import functools

import h5py
import numpy as np

from formats_cases.known_scan import object_of, probe_of
from ptychostudy.physics.propagate import intensities

N, SHAPE = 32, (62, 80)
PIXEL_M = 8e-9
# A distance so short that the Fresnel phase is 1.3 rad at the window's edge.
ENERGY_EV, DISTANCE_M = 6200.0, 2e-4
WAVELENGTH_M = 1.23984198433e-6 / ENERGY_EV
DETECTOR_M = WAVELENGTH_M * DISTANCE_M / (N * PIXEL_M)
# So bright that whole photons are the frames to some 1e-4 of their amplitude.
PHOTONS = 3e9


@functools.cache
def truth():
    """Return object, probe, centres (k, 2) and whole photons; no axis is like the other."""
    rng = np.random.default_rng(11)
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(6), indexing="ij"), axis=-1).reshape(-1, 2)
    centres = grid * (7.1, 7.4) + N / 2 + 3 + rng.uniform(-1.2, 1.2, grid.shape)
    field = object_of(SHAPE).astype(np.complex64)
    y, x = np.mgrid[:N, :N] - N / 2
    # Neither even nor round: a probe turned or mirrored is another.
    probe = probe_of() * (1 + 0.4 * np.tanh(x / 5) + 0.2j * np.tanh(y / 4))
    light = intensities(field, probe, centres)
    scale = np.sqrt(PHOTONS / light.sum(axis=(1, 2)).mean())
    counts = np.rint(scale**2 * light).astype(np.uint32)
    return field, (scale * probe).astype(np.complex64), centres, counts


def bad_pixels():
    """Return a mask, true where bad, that no turn or mirror leaves as it is."""
    bad = np.zeros((N, N), dtype=bool)
    bad[4, 20:27] = bad[9, 2] = True
    return bad


def put(path, values):
    """Write an HDF5 file by paths, unless none is wanted; return what is in it."""
    if path is not None:
        with h5py.File(path, "w") as file:
            for name, value in values.items():
                file[name] = value
    return values


def fresnel():
    """Return the phase that ptypy's far field has and its probe has not."""
    y, x = np.mgrid[:N, :N] - N // 2
    return np.exp(1j * np.pi * (y**2 + x**2) * PIXEL_M**2 / (WAVELENGTH_M * DISTANCE_M))


def ptypy_data(path=None, *, chunks=11, weights=None, order=slice(None)):
    """Write a .ptyd: chunks by number, positions from an origin of their own."""
    _, _, centres, counts = truth()
    metres = (centres[:, order] - (41.5, 50.25)) * PIXEL_M
    values = {"meta/center": np.array([N / 2, N / 2]), "meta/distance": DISTANCE_M, "meta/energy": ENERGY_EV / 1e3}
    values |= {"meta/psize": np.full(2, DETECTOR_M), "meta/shape": np.array([N, N]), "info/label": 3.0}
    for number, part in enumerate(np.array_split(np.arange(len(counts)), chunks)):
        chunk = f"chunks/{number}"
        values |= {f"{chunk}/data": counts[part], f"{chunk}/positions": metres[part], f"{chunk}/indices": part}
        if weights is not None:
            values[f"{chunk}/weights"] = np.broadcast_to(weights, (len(part), N, N)).astype(float)
    return put(path, values)


def ptypy_result(path=None, *, modes=1, layers=1, distance=False, psize=None):
    """Write a .ptyr: the position (0, 0) lies in pixel 41.5 - 7, 50.25 - 2 of the object, less that of the probe."""
    field, probe, _, _ = truth()
    obj, prb = "content/obj/Sscan00G00", "content/probe/Sscan00G00"
    # Windows begin at position / psize + centre - probe centre, and have their own centre N / 2 further.
    centre, of_probe = np.array([41.5, 50.25]) + (16.0, 16.0) - N / 2, np.array([16.0, 16.0])
    waves = (probe / fresnel())[None] * np.array([1.0, 0.1, 0.05])[:modes, None, None]
    sides = np.full(2, PIXEL_M) if psize is None else psize
    values = {
        f"{obj}/data": np.repeat(field[None], layers, axis=0),
        f"{obj}/_psize": sides,
        f"{obj}/_center": centre,
        f"{obj}/_origin": -centre * PIXEL_M,
        f"{prb}/data": waves.astype(np.complex64),
        f"{prb}/_psize": sides,
        f"{prb}/_center": of_probe,
        f"{prb}/_energy": ENERGY_EV / 1e3,
        "content/runtime/iter": 3,
        "header/kind": "minimal",
    }
    if distance:
        values["content/pars/scans/scan00/data/distance"] = DISTANCE_M
    return put(path, values)


def ptyrad_model(path=None, *, modes=1, layers=1, sign=1.0):
    """Write a model: whole corners, the rest of a position as a shift of the probe, lengths in angstrom."""
    field, probe, centres, _ = truth()
    corners = np.floor(centres - N / 2 + 0.5)
    shifts = sign * (centres - N / 2 - corners)
    waves = probe[None] * np.array([1.0, 0.1, 0.05])[:modes, None, None]
    layer = np.repeat(field[None, None], layers, axis=1)
    values = {
        "optimizable_tensors/probe": waves.astype(np.complex64),
        "optimizable_tensors/obja": np.abs(layer),
        "optimizable_tensors/objp": np.angle(layer),
        "optimizable_tensors/probe_pos_shifts": shifts.astype(np.float32),
        "model_attributes/crop_pos": corners.astype(np.int32),
        "model_attributes/dx": PIXEL_M / 1e-10,
        "model_attributes/scan_affine": "__NONE__",
        "loss_iters": np.zeros((3, 2)),
    }
    return put(path, values)


def cdtools_result(path=None, *, basis=((0.0, -1.0), (-1.0, 0.0), (0.0, 0.0)), background=0.0):
    """Write what `save_to_h5` writes: translations of the optics, projected on the basis of the object."""
    field, probe, centres, _ = truth()
    steps = np.array(basis) * PIXEL_M
    least = np.array([-31.25, 12.5])
    metres = (centres - N / 2 + least) @ steps.T
    values = {
        "translations": metres,
        "obj_basis": steps,
        "probe": probe[None],
        "obj": field,
        "background": np.full((N, N), background),
        "state_dict/min_translation": least,
        "state_dict/wavelength": WAVELENGTH_M,
        "state_dict/background": np.sqrt(np.full((N, N), background)),
        "loss_history": np.zeros(3),
    }
    return put(path, values)


def emd_datacube(path, *, step_m=7e-8, unit="A", rotation=None):
    """Write a datacube of 4 x 6 frames; return the frames. Their positions are the grid, so they are of no truth."""
    _, _, _, counts = truth()
    calibration = {"R_pixel_size": step_m / 1e-10, "R_pixel_units": unit, "Q_pixel_units": "A^-1"}
    calibration["Q_pixel_size"] = 1 / (N * PIXEL_M / 1e-10)
    calibration |= {} if rotation is None else {"QR_rotation_degrees": rotation}
    with h5py.File(path, "w") as file:
        file.attrs.update({"emd_group_type": "file", "version_major": 1, "authoring_program": "py4DSTEM"})
        root = file.create_group("datacube_root")
        root.attrs.update({"emd_group_type": "root", "python_class": "Root"})
        cube = root.create_group("datacube")
        cube.attrs.update({"emd_group_type": "array", "python_class": "DataCube"})
        cube["data"] = counts.reshape(4, 6, N, N)
        for axis in range(4):
            cube[f"dim{axis}"] = np.arange(2.0)
        for key, value in calibration.items():
            root[f"metadatabundle/calibration/{key}"] = value.encode() if isinstance(value, str) else value
    return counts


def tike_arrays(path=None, *, frames=True, centred=False):
    """Write data, scan, probe and psi: zero frequency in the corner, first pixels of the windows."""
    field, probe, centres, counts = truth()
    data = counts if centred else np.fft.ifftshift(counts, axes=(1, 2))
    values = {"scan": (centres - N / 2).astype(np.float32), "probe": probe[None, None, None], "psi": field[None]}
    values |= {"data": data} if frames else {}
    if path is None or path.suffix != ".npz":
        return put(path, values)
    np.savez(path, **values)
    return values


def ptylab_input(path=None, *, turned=False, orientation=None):
    """Write a measurement: encoder in metres from the middle of the object, (k, 2) or MATLAB's (2, k)."""
    _, _, centres, counts = truth()
    # From the middle in whole pixels, of which windows lie half their side, also whole, to the left.
    encoder = (centres - N / 2 - np.array(SHAPE) // 2 + N // 2) * PIXEL_M
    values = {"ptychogram": counts, "encoder": encoder.T if turned else encoder, "dxd": np.array([[DETECTOR_M]])}
    values |= {"wavelength": np.array([[WAVELENGTH_M]]), "zo": np.array([[DISTANCE_M]]), "spectralDensity": 0.0}
    if orientation is not None:
        # What it is before it is transposed (4), then its rows (2) and columns (1) mirrored.
        before = counts[..., ::-1] if orientation & 1 else counts
        before = before[:, ::-1] if orientation & 2 else before
        values["orientation"] = orientation
        values["ptychogram"] = before.transpose(0, 2, 1) if orientation & 4 else before
    return put(path, values)


def ptylab_result(path=None, *, modes=1, slices=1):
    """Write a reconstruction: object and probe with six axes, square objects."""
    field, probe, _, _ = truth()
    side = max(SHAPE)
    square = np.ones((side, side), np.complex64)
    low = (side // 2 - SHAPE[0] // 2, side // 2 - SHAPE[1] // 2)
    square[low[0] : low[0] + SHAPE[0], low[1] : low[1] + SHAPE[1]] = field
    waves = probe[None] * np.array([1.0, 0.1, 0.05])[:modes, None, None]
    values = {
        "object": np.broadcast_to(square, (1, 1, 1, slices, side, side)),
        "probe": waves[None, None, :, None],
        "dxp": PIXEL_M,
        "wavelength": WAVELENGTH_M,
        "zo": DISTANCE_M,
        "error": np.zeros(4),
    }
    return put(path, values)
