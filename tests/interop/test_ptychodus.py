"""The real Ptychodus opens our product and computes our frames from it.

Ptychodus runs in a process of its own; it reads the files, and its own forward model answers.
"""

import importlib.metadata
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from ptychostudy.formats.ptychodus import read_product_h5, write_product_h5
from ptychostudy.io.arrays import write_npz
from ptychostudy.physics.counts import photon_scale, poisson_counts
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities
from ptychostudy.physics.windows import split_positions
from ptychostudy.stages import export

VERSION = "1.7.0"
N, SIDE, FRAMES, DOSE, PIXEL_M = 48, 160, 60, 1e5, 2.5e-8

READER = r"""
import json, sys
from pathlib import Path
import numpy as np
from ptychodus.api.simulate.diffraction import generate_diffraction_data
from ptychodus.plugins.h5_product_file import H5ProductFileIO

measured = np.sqrt(np.load(sys.argv[1]).astype(float))
answers = {}
for name in sys.argv[2:]:
    product = H5ProductFileIO().read(Path(name))
    amplitude = np.sqrt(generate_diffraction_data(product).get_patterns())
    # One factor for the data set: Ptychodus's propagator carries dx^2 / (lambda z).
    factor = np.vdot(amplitude, measured) / np.vdot(amplitude, amplitude)
    geometry, probe = product.object_.get_geometry(), product.probes.get_geometry()
    places = [geometry.map_coordinates_probe_to_object(p) for p in product.probe_positions]
    bounds = [probe.resolve_patch_bounds(p.x_px, p.y_px) for p in places]
    field = product.object_.get_array()
    answers[Path(name).stem] = {
        "r": float(np.abs(measured - factor * amplitude).sum() / measured.sum()),
        "indexes": [int(p.index) for p in places],
        "centres": [[p.y_px, p.x_px] for p in places],
        "corners": [[b.y_slice.start, b.x_slice.start] for b in bounds],
        "fractions": [[b.dy, b.dx] for b in bounds],
        "object_shape": list(field.shape),
        "object_sum": [float(field.sum().real), float(field.sum().imag)],
        "object_pixel": [float(field[0, 5, 9].real), float(field[0, 5, 9].imag)],
        "energy_ev": product.metadata.photon_energy_eV,
        "photons": product.metadata.probe_photon_count,
        "name": product.metadata.name,
        "losses": [[int(loss.epoch), float(loss.value)] for loss in product.losses],
    }
print(json.dumps(answers))
"""


def installed():
    try:
        return importlib.metadata.version("ptychodus")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A simulated cell on disk, as the stages write it, whose arm is the truth on a canvas of its own."""
    found = installed()
    if found != VERSION:
        pytest.fail(f"ptychodus is {found}; needed: pip install --no-deps ptychodus=={VERSION}")
    folder, rng = tmp_path_factory.mktemp("product"), np.random.default_rng(5)
    truth = make_object("circuit", (SIDE, SIDE), rng, amplitude=(0.4, 1.0), phase_rad=1.6)
    probe = make_probe("disc", N, diameter_px=20, rng=rng)
    # Rows and columns in different ranges, so that swapping them cannot go unseen.
    scan = rng.uniform((N / 2 + 22, N / 2 + 12), (N / 2 + 88, N / 2 + 70), (FRAMES + 20, 2))
    frames = np.sort(rng.permutation(len(scan))[:FRAMES])
    light = intensities(truth, probe, scan)
    scale = photon_scale(float(light.sum(axis=(1, 2)).mean()), DOSE)
    counts = poisson_counts(scale**2 * light, rng)
    origin = np.array([8, 7])
    arm = {
        "reconstructed_object": truth[8:152, 7:151].astype(np.complex64),
        "coverage": np.ones((144, 144), np.float32),
        "origin": origin,
        "loss": np.array([3.0, 2.0, 1.5]),
    }
    write_npz(folder / "arm.npz", arm, {"arm": "Truth", "status": "ok", "reason": ""})
    arrays = {"ycoords": scan[:, 0], "xcoords": scan[:, 1], "probeGuess": (scale * probe).astype(np.complex64)}
    write_npz(folder / "scan.npz", arrays | {"photons_requested": np.float64(DOSE)}, {})
    write_npz(folder / "view.npz", {"frames": frames}, {"view": "dense", "split": "test"})
    write_npz(folder / "base.npz", {"ycoords": scan[:, 0]}, {"physics_parameters": {"pixel_size_m": PIXEL_M}})
    paths = {key: folder / f"{key}.npz" for key in ("scan", "view", "base")}
    export.run(arm_file=folder / "arm.npz", **paths, output=folder / "exported.h5")
    np.save(folder / "counts.npy", counts[frames])
    ideal = scale * np.sqrt(light[frames])
    measured = np.sqrt(counts[frames].astype(float))
    floor = np.abs(measured - ideal).sum() / measured.sum()
    return {"folder": folder, "origin": origin, "positions": scan[frames], "field": arm["reconstructed_object"]} | {
        "floor": floor,
        "photons": float(np.sum(np.abs(arrays["probeGuess"]) ** 2)),
    }


@pytest.fixture(scope="module")
def answers(study):
    """What Ptychodus says of the exported product and of wrong variants of it."""
    folder = study["folder"]
    right = read_product_h5(folder / "exported.h5")
    controls = {
        "swapped": replace(right, positions=right.positions[:, ::-1]),
        "transposed": replace(right, object=right.object.T),
        "conjugated": replace(right, object=right.object.conj()),
        "one_row_off": replace(right, positions=right.positions + (1, 0)),
        "one_row_back": replace(right, positions=right.positions - (1, 0)),
        "one_column_off": replace(right, positions=right.positions + (0, 1)),
        "one_column_back": replace(right, positions=right.positions - (0, 1)),
    }
    files = [folder / "exported.h5", *(folder / f"{name}.h5" for name in controls)]
    for name, product in controls.items():
        write_product_h5(folder / f"{name}.h5", product)
    command = [sys.executable, "-c", READER, str(folder / "counts.npy"), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_the_product_loads_whole(study, answers):
    found, field = answers["exported"], study["field"]
    assert found["indexes"] == list(range(FRAMES))
    assert found["object_shape"] == [1, *field.shape]
    # The sum of 20 000 complex64 values, added in the same order or not: relative 1e-5 covers float32 rounding.
    assert np.allclose(complex(*found["object_sum"]), field.sum(), rtol=1e-5)
    assert complex(*found["object_pixel"]) == complex(field[5, 9])
    assert found["energy_ev"] == 8000.0
    assert found["photons"] == pytest.approx(study["photons"], rel=1e-6)  # float32 probe
    assert found["name"] == "Truth, 100000 photons per frame, dense, test"
    assert found["losses"] == [[1, 3.0], [2, 2.0], [3, 1.5]]


def test_windows_land_exactly(study, answers):
    """Ptychodus counts pixel centres from (N - 1) / 2, we count corners: -0.5 for every frame, without spread."""
    found = answers["exported"]
    expected = study["positions"] - study["origin"]
    offset = np.array(found["centres"]) - expected
    # Metres and back: 1e-10 px is a thousand times the rounding and nothing beside half a pixel.
    assert np.abs(offset + 0.5).max() < 1e-10
    corner = np.floor(expected - N / 2)
    assert np.array_equal(found["corners"], corner)
    assert np.abs(np.array(found["fractions"]) - (expected - N / 2 - corner)).max() < 1e-10
    # Our own window is the nearest one, theirs the one below: the rest of the position shifts the probe in both.
    ours, rest = split_positions(expected, N)
    assert np.allclose(ours + rest, np.array(found["corners"]) + found["fractions"], atol=1e-10)


def test_the_forward_model_of_ptychodus_gives_our_counts(study, answers):
    """Within 2 % of what photon noise alone leaves between the counts and their own expectation."""
    assert answers["exported"]["r"] < 1.02 * study["floor"]


@pytest.mark.parametrize(
    "control",
    ["swapped", "transposed", "conjugated", "one_row_off", "one_row_back", "one_column_off", "one_column_back"],
)
def test_a_wrong_product_is_clearly_worse(study, answers, control):
    assert answers[control]["r"] > 1.15 * study["floor"], {k: v["r"] for k, v in answers.items()} | study
