"""Files that other programs write, read by us: our forward model makes the frames that theirs made.

Each program is installed at its pinned release into a folder of its own, without what it depends on (our environment
has it, but for small pure packages named here), and runs in a process of its own. Where it cannot be had, as without a
network, its test says so and is skipped; files of the layout it documents are in `tests/formats_cases` in any case.
Not here: ptypy is in no registry, and tike cannot be imported without CuPy.
"""

import numpy as np
import pytest

import program_files
from ptychostudy.formats.readers import load_user_file
from ptychostudy.intake.masks import bad_by
from ptychostudy.intake.user import take_scan
from ptychostudy.physics.propagate import intensities
from ptychostudy.study.sections.base import BaseSettings
from ptychostudy.writing.writers import WRITERS

N = program_files.N
CDTOOLS = ("cdtools-py==0.3.2",)
PTYRAD = ("ptyrad==1.0.0",)
PTYLAB = ("ptylab==0.3.7",)
PY4DSTEM = ("py4DSTEM==0.14.18", "emdfile==0.0.16", "colorspacious==1.1.2", "ncempy==1.16", "gdown==6.5.1")
PY4DSTEM += ("beautifulsoup4==4.15.0", "pylops==2.8.0", "scikit-optimize==0.10.2")

HEAD = r"""
import sys, warnings
warnings.simplefilter("ignore")
from pathlib import Path
import numpy as np
folder = Path(sys.argv[1])
scene = np.load(folder / "scene.npz")
"""
TORCH = r"""
import torch
try:
    import torchvision
except RuntimeError:  # linked to a CUDA torch; beside one for CPUs it lacks two operators that nobody calls
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""
SCRIPTS = {
    CDTOOLS: HEAD
    + TORCH
    + r"""
import cdtools
dataset = cdtools.datasets.Ptycho2DDataset.from_cxi(str(folder / "ours.cxi"))
np.savez(folder / "seen.npz", patterns=dataset.patterns.numpy(), good=dataset.mask.numpy())
dataset.to_cxi(str(folder / "theirs.cxi"))
model = cdtools.models.FancyPtycho.from_dataset(dataset, n_modes=1, obj_padding=6)
with torch.no_grad():
    model.probe.data = torch.as_tensor(scene["probe"])[None] / model.probe_norm
    field = np.ones(tuple(model.obj.shape[-2:]), np.complex64)
    rows, cols = np.minimum(field.shape, scene["object"].shape)
    field[:rows, :cols] = scene["object"][:rows, :cols]
    model.obj.data = torch.as_tensor(field).reshape(model.obj.shape)
    frames = model.forward(torch.arange(len(dataset)), dataset.translations)
np.save(folder / "model.npy", frames.numpy())
model.save_to_h5(str(folder / "result.h5"), dataset)
""",
    PTYRAD: HEAD
    + TORCH
    + r"""
from ptyrad.core.models.ptycho import PtychoModel
from ptyrad.io.save import make_save_dict, save_dict_to_hdf5
n, k = len(scene["probe"]), len(scene["centres"])
corners = np.round(scene["centres"] - n / 2)
tensors = ("obja", "objp", "obj_tilts", "slice_thickness", "probe", "probe_pos_shifts")
rates = {key: {"start_iter": 1, "end_iter": None, "lr": 1e-4 if key == "obja" else 0.0} for key in tensors}
start = {
    "measurements": np.ones((k, n, n), np.float32), "obj": scene["object"][None, None], "probe": scene["probe"][None],
    "obj_tilts": np.zeros((1, 2)), "slice_thickness": 1.0, "omode_occu": np.ones(1), "H": np.ones((n, n)),
    "crop_pos": corners, "probe_pos_shifts": scene["centres"] - n / 2 - corners, "N_scan_slow": k, "N_scan_fast": 1,
    "dx": 80.0, "dk": 1 / (n * 80.0), "lambd": 2.0, "length_unit": "Ang", "scan_affine": None, "random_seed": 0,
    "meas_Npix": n, "simu_Npix": n, "simu_match_mode": None, "recon_provenance": {},
}
settings = {"detector_blur_std": None, "update_params": rates, "optimizer_params": {}}
model = PtychoModel(start, settings, device="cpu")
with torch.no_grad():
    np.save(folder / "model.npy", model(np.arange(k)).numpy())
model.iter_times.append(1.0)
params = {"recon_params": {"save_result": ["model"]}}
saved = make_save_dict(str(folder), model, params, None, None, 1, np.arange(k), {"loss": [1.0]})
save_dict_to_hdf5(saved, str(folder / "model.hdf5"))
""",
    PTYLAB: HEAD
    + r"""
from PtyLab import Engines
from PtyLab.ExperimentalData.ExperimentalData import ExperimentalData
from PtyLab.Monitor.Monitor import DummyMonitor
from PtyLab.Params.Params import Params
from PtyLab.Reconstruction.Reconstruction import Reconstruction
turned = [ExperimentalData(folder / f"turned{code}.hdf5").ptychogram for code in range(8)]
data = ExperimentalData(folder / "input.hdf5", operationMode="CPM")
params = Params()
params.gpuSwitch = params.fftshiftSwitch = False
params.propagatorType = "Fraunhofer"
reconstruction = Reconstruction(data, params)
reconstruction.No = side = 96
reconstruction.initialProbe, reconstruction.initialObject = "circ", "ones"
reconstruction.initializeObjectProbe()
field = np.ones((side, side), np.complex64)
(h, w), n = scene["object"].shape, len(scene["probe"])
row, col = side // 2 - h // 2, side // 2 - w // 2
field[row : row + h, col : col + w] = scene["object"]
reconstruction.object = field.reshape(reconstruction.object.shape)
reconstruction.probe = scene["probe"].reshape(reconstruction.probe.shape)
engine = Engines.ePIE(reconstruction, data, params, DummyMonitor())
frames = []
for row, col in reconstruction.positions:
    reconstruction.esw = reconstruction.probe * reconstruction.object[..., row : row + n, col : col + n]
    engine.object2detector()
    frames.append(np.abs(np.squeeze(reconstruction.ESW)) ** 2)
np.save(folder / "model.npy", np.array(frames))
np.savez(folder / "seen.npz", turned=np.array(turned), corners=reconstruction.positions)
for name in ("error", "purityProbe", "purityObject"):  # what an iteration would have set
    if not hasattr(reconstruction, name):
        setattr(reconstruction, name, np.zeros(1))
reconstruction.saveResults(folder / "result.hdf5")
""",
    PY4DSTEM: HEAD
    + r"""
import py4DSTEM
counts = scene["counts"]
for name, degrees in (("plain", None), ("turned", -17.5)):
    cube = py4DSTEM.DataCube(counts.reshape(4, 6, *counts.shape[1:]))
    cube.calibration.set_R_pixel_size(70.0)
    cube.calibration.set_R_pixel_units("nm")
    cube.calibration.set_Q_pixel_size(1 / (counts.shape[1] * 80.0))
    cube.calibration.set_Q_pixel_units("A^-1")
    if degrees is not None:
        cube.calibration.set_QR_rotation_degrees(degrees)
    py4DSTEM.save(str(folder / f"{name}.h5"), cube, mode="o")
""",
}


@pytest.fixture
def run(tmp_path, run_program):
    """Return a function that runs a program's script on the scene; it returns the folder of its files."""
    field, probe, centres, counts = program_files.truth()
    np.savez(tmp_path / "scene.npz", object=field, probe=probe, centres=centres, counts=counts)

    def script(pins):
        (name, version), beside = pins[0].split("=="), pins[1:]
        run_program(name, version, SCRIPTS[pins] + "\nprint(0)\n", tmp_path, tmp_path, beside=beside)
        return tmp_path

    return script


def misfit(arrays, centres, frames):
    """Return R, the rms of the amplitude difference over the rms amplitude, and the factor between the two."""
    found, right = np.sqrt(intensities(arrays["objectGuess"], arrays["probeGuess"], centres)), np.sqrt(frames)
    factor = np.vdot(found, right) / np.vdot(found, found)
    return float(np.sqrt(np.mean((factor * found - right) ** 2) / np.mean(right**2))), float(factor)


def centres_of(file):
    return np.stack([file.arrays["ycoords"], file.arrays["xcoords"]], axis=1)


def taken(paths, **settings):
    npz = {"path": [str(path) for path in paths], **settings}
    section = {"kind": "npz", "frames": "measured", "frame_px": N, "pixel_size_m": program_files.PIXEL_M, "npz": npz}
    return take_scan(npz["path"], BaseSettings(**section))


def worst(arrays, centres, frames):
    """Return the least R of the usual mistakes."""
    inside = np.array(arrays["objectGuess"].shape) - N / 2
    middle = centres.min(axis=0) + centres.max(axis=0)
    wrong = [centres + (0.5, 0), centres - (0, 0.5), middle - centres, 2 * np.floor(centres + 0.5) - centres]
    of_places = [misfit(arrays, np.clip(each, N / 2, inside), frames)[0] for each in wrong]
    conjugated = arrays | {key: arrays[key].conj() for key in ("objectGuess",)}
    return min(*of_places, misfit(conjugated, centres, frames)[0])


def test_cdtools(run, tmp_path):
    """It opens our CXI, and we open its CXI and its result."""
    field, probe, centres, counts = program_files.truth()
    scan = {"ycoords": centres[:, 0], "xcoords": centres[:, 1], "probeGuess": probe, "objectGuess": field}
    scan |= {"counts": counts, "valid_pixels": ~program_files.bad_pixels()}
    declared = {"pixel_size_m": program_files.PIXEL_M, "photon_energy_ev": 6200.0, "distance_m": 1.5}
    WRITERS["cxi"].write(tmp_path / "ours.cxi", scan, declared)
    folder = run(CDTOOLS)
    seen = np.load(folder / "seen.npz")
    np.testing.assert_array_equal(seen["good"], ~program_files.bad_pixels())
    np.testing.assert_allclose(seen["patterns"], counts, rtol=1e-6)  # float32
    theirs = load_user_file(folder / "theirs.cxi")
    ((key, mask),) = [(key, theirs.arrays[key]) for key in ("bad_pixels",)]
    np.testing.assert_array_equal(bad_by(key, mask), program_files.bad_pixels())
    metres = centres_of(theirs) - centres_of(theirs)[0]
    np.testing.assert_allclose(metres / program_files.PIXEL_M, centres - centres[0], rtol=0, atol=1e-4)  # float32
    result, frames = load_user_file(folder / "result.h5"), np.load(folder / "model.npy")
    r, factor = misfit(result.arrays, centres_of(result), frames)
    assert r < 1e-4 and factor == pytest.approx(1, abs=1e-4)
    assert worst(result.arrays, centres_of(result), frames) > 5e-3
    assert result.declared["pixel_size_m"] == pytest.approx(program_files.PIXEL_M, rel=1e-6)
    assert result.declared["photon_energy_ev"] == pytest.approx(6200, rel=1e-6)


def test_ptyrad(run):
    folder = run(PTYRAD)
    file, frames = load_user_file(folder / "model.hdf5"), np.load(folder / "model.npy")
    r, factor = misfit(file.arrays, centres_of(file), frames)
    assert file.format == "PtyRAD model" and r < 1e-5 and factor == pytest.approx(1, abs=1e-5)
    assert worst(file.arrays, centres_of(file), frames) > 5e-3
    assert file.declared["pixel_size_m"] == pytest.approx(8e-9, rel=1e-6)
    np.testing.assert_allclose(centres_of(file), program_files.truth()[2], rtol=0, atol=1e-5)  # float32


def test_ptylab(run, tmp_path):
    """It opens our measurement, in every orientation, and we open its result."""
    program_files.ptylab_input(tmp_path / "input.hdf5")
    for code in range(8):
        program_files.ptylab_input(tmp_path / f"turned{code}.hdf5", orientation=code)
    folder = run(PTYLAB)
    seen = np.load(folder / "seen.npz")
    for frames in seen["turned"]:
        np.testing.assert_array_equal(frames, program_files.truth()[3])
    scan, done = taken([folder / "input.hdf5", folder / "result.hdf5"])
    assert done["format"] == "PtyLab measurement and PtyLab reconstruction"
    # It puts windows on whole pixels, halves to even; float32 in its pixel costs a millionth of a position.
    np.testing.assert_allclose(np.round(scan["positions"] - N / 2), seen["corners"], rtol=0, atol=1e-9)
    arrays = {"objectGuess": scan["object"], "probeGuess": scan["probe"]}
    frames = np.load(folder / "model.npy")
    whole = seen["corners"] + N / 2
    r, factor = misfit(arrays, whole, frames)
    assert r < 1e-5 and factor == pytest.approx(1, abs=1e-5)
    # On whole pixels a negated fraction is none.
    assert misfit(arrays, whole + (0.5, 0), frames)[0] > 5e-3 < misfit(arrays, whole - (0, 1), frames)[0]


def test_py4dstem(run):
    folder = run(PY4DSTEM)
    file = load_user_file(folder / "plain.h5")
    np.testing.assert_array_equal(file.arrays["counts"], program_files.truth()[3])
    rows, cols = np.indices((4, 6)).reshape(2, -1) * 7e-8
    np.testing.assert_allclose(centres_of(file), np.stack([rows, cols], axis=1), rtol=1e-12)
    assert file.format == "EMD datacube" and file.doubts == {} and file.declared["position_unit"] == "m"
    assert file.declared["pixel_size_m"] == pytest.approx(8e-9, rel=1e-12)
    assert "turned by -17.5 degrees" in load_user_file(folder / "turned.h5").doubts["axes"]
