"""TensorFlow as referee of PSNR, SSIM and MS-SSIM. It runs in a process of its own; this one never imports it."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from ptychostudy.measure.metrics import psnr
from ptychostudy.measure.ssim import ms_ssim, ssim

# 161 is the smallest side with five scales; odd and even sides take different paths through the halving.
SHAPES = {"smallest": (161, 161), "odd": (187, 203), "even": (176, 256)}
REFEREE = """
import sys
import numpy as np
import tensorflow as tf
data = np.load(sys.argv[1])
scores = {}
for name in sys.argv[3:]:
    pair = [tf.constant(data[f"{part}_{name}"].astype("float32")[..., None]) for part in ("pred", "truth")]
    span = float(data[f"span_{name}"])
    metrics = (tf.image.ssim, tf.image.ssim_multiscale, tf.image.psnr)
    scores[name] = [float(metric(*pair, span)) for metric in metrics] + [float(tf.image.psnr(*pair, 255.0))]
np.savez(sys.argv[2], **scores)
"""


def pair(seed, shape):
    rng = np.random.default_rng(seed)
    truth = 0.1 + 0.2 * gaussian_filter(rng.normal(size=shape), 2.0) + rng.normal(size=shape) * 0.01
    return truth + 0.02 * rng.normal(size=shape) + 0.01, truth


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    if find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    folder = tmp_path_factory.mktemp("referee")
    arrays = {}
    for seed, (name, shape) in enumerate(SHAPES.items()):
        arrays[f"pred_{name}"], arrays[f"truth_{name}"] = pair(seed, shape)
        arrays[f"span_{name}"] = np.ptp(arrays[f"truth_{name}"])
    np.savez(folder / "in.npz", **arrays)
    command = [sys.executable, "-c", REFEREE, str(folder / "in.npz"), str(folder / "out.npz"), *SHAPES]
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(command, check=True, env=environment, capture_output=True, timeout=300)
    with np.load(folder / "out.npz") as scores:
        return {name: scores[name] for name in SHAPES}


@pytest.mark.parametrize("name", SHAPES)
def test_scores_equal_tensorflow(judged, name):
    pred, truth = pair(list(SHAPES).index(name), SHAPES[name])
    mask, span = np.ones(SHAPES[name], dtype=bool), float(np.ptp(truth))
    single = ssim(pred, truth, mask, data_range=span, boundary="valid")
    multi, scales = ms_ssim(pred, truth, mask, data_range=span, sigma=0.0, boundary="valid")
    assert scales == 5
    # TensorFlow convolves in float32: differences of second moments lose about four digits.
    np.testing.assert_allclose((single, multi), judged[name][:2], atol=1e-4)
    # A comparison near 0 or 1 would say nothing.
    assert 0.1 < single < 0.95 and 0.1 < multi < 0.99


@pytest.mark.parametrize("name", SHAPES)
def test_peak_signal_to_noise_equals_tensorflow(judged, name):
    pred, truth = pair(list(SHAPES).index(name), SHAPES[name])
    mse = float(np.mean((pred - truth) ** 2))
    # Differences of float32 images of order one, squared: relative error 1e-5, 10 log10 of it below 1e-4 dB.
    expected = (psnr(mse, float(np.ptp(truth))), psnr(mse, 255.0))
    np.testing.assert_allclose(expected, judged[name][2:], atol=1e-3)
    # The published convention sits 20 log10(255 / span) dB above the honest one.
    assert judged[name][3] - judged[name][2] == pytest.approx(20 * np.log10(255 / np.ptp(truth)), abs=1e-3)
