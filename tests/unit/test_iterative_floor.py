"""Poisson maximum likelihood by pty-chi attains the counting floor at 75 % linear overlap, and has none without noise.

The floor of an unbiased estimate is ``1 / sqrt(2 n)`` for n photons detected through an object pixel (Dwyer & Paganin
2024, doi:10.1103/PhysRevB.110.024110). It runs in a child process, so that this one never loads torch.
"""

import json
import subprocess
import sys

import pytest

SCRIPT = """
import json
import numpy as np
from ptychostudy.iterative.solver import reconstruct
from ptychostudy.measure.gauge import remove_gauge
from ptychostudy.physics.counts import mean_intensity, poisson_counts
from ptychostudy.physics.draws import generator
from ptychostudy.physics.illumination import frames_per_pixel, hull_mask, multiplicity_map, photons_per_pixel
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities
from ptychostudy.physics.scans import make_scan
from ptychostudy.study.sections.reconstruct import ReconstructSettings

shape = (152, 152)
object_ = make_object("circuit", shape, generator(3, "object"))
wave = make_probe("disc", 64, diameter_px=32)
positions = make_scan("raster", (36, 36), (116, 116), 8.0, generator(3, "scan"))
seen = multiplicity_map(wave, positions, origin=(0, 0), shape=shape)
mask = seen >= 0.5 * np.median(seen[hull_mask(positions, origin=(0, 0), shape=shape)])
result = {"frames": len(positions), "pixels": int(mask.sum())}

def run(label, dose, epochs, noise):
    probe = wave * np.sqrt(dose / mean_intensity(object_, wave, positions))
    mean = intensities(object_, probe, positions)
    counts = poisson_counts(mean, generator(0, "simulation", int(dose))) if noise else mean
    settings = ReconstructSettings(algorithm="autodiff", noise_model="poisson", epochs=epochs)
    end = reconstruct(counts, positions, probe, shape, settings)
    straight, _ = remove_gauge(end.object, object_, mask)
    rms = float(np.sqrt(np.mean(np.angle(straight * object_.conj())[mask] ** 2)))
    light = seen * (np.abs(probe) ** 4).sum() / (np.abs(probe) ** 2).sum()
    n = [float((light * np.abs(object_) ** 2)[mask].mean()), photons_per_pixel(dose, frames_per_pixel(positions))]
    result[label] = {"rms": rms, "n": n, "converged": end.converged, "moved": end.moved}

run("1e5", 1e5, 20, True)
run("1e6", 1e6, 20, True)
run("no noise", 1e5, 20, False)
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def result():
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=1800, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr == "", "pty-chi's warnings reached standard error"
    return json.loads(run.stdout)


@pytest.mark.parametrize("dose", ["1e5", "1e6"])
def test_the_phase_is_within_one_and_a_half_floors(result, dose):
    # Both ways to count n: on the mask, and dose times density of frames. Far below one floor n would be wrong.
    assert result[dose]["converged"], result
    for n in result[dose]["n"]:
        assert 0.8 < result[dose]["rms"] * (2 * n) ** 0.5 < 1.5


def test_ten_times_the_dose_lowers_the_error_as_counting_does(result):
    assert result["1e5"]["rms"] / result["1e6"]["rms"] == pytest.approx(10**0.5, rel=0.15)


def test_without_noise_hardly_an_error_is_left(result):
    # One hundred steps leave 0.001 rad, which is convergence; the bound is a tenth of the floor at this dose.
    assert result["no noise"]["rms"] < 0.1 / (2 * result["no noise"]["n"][0]) ** 0.5


def test_the_scene_is_the_one_meant(result):
    # Ten by ten frames in 80 px: a step of 8 px under a disc of 32 px. The mask is about the scanned square.
    assert result["frames"] == 100
    assert 80**2 < result["pixels"] < 88**2
