"""The real Ptychodus opens our product and computes our frames from it.

Ptychodus runs in a process of its own; it reads the files, and its own forward model answers.
"""

from dataclasses import replace

import numpy as np
import pytest
from exported_cell import FRAMES, N, asked, exported

from ptychostudy.formats.ptychodus import read_product_h5
from ptychostudy.physics.windows import split_positions


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return exported(tmp_path_factory.mktemp("product"))


@pytest.fixture(scope="module")
def answers(study):
    """What Ptychodus says of the exported product and of wrong variants of it."""
    right = read_product_h5(study["folder"] / "exported.h5")
    controls = {
        "swapped": replace(right, positions=right.positions[:, ::-1]),
        "transposed": replace(right, object=right.object.T),
        "conjugated": replace(right, object=right.object.conj()),
        "one_row_off": replace(right, positions=right.positions + (1, 0)),
        "one_row_back": replace(right, positions=right.positions - (1, 0)),
        "one_column_off": replace(right, positions=right.positions + (0, 1)),
        "one_column_back": replace(right, positions=right.positions - (0, 1)),
    }
    return asked(study["folder"], controls)


def test_the_product_loads_whole(study, answers):
    found, field = answers["exported"], study["field"]
    assert found["indexes"] == list(range(FRAMES))
    assert found["object_shape"] == [1, *field.shape]
    # The sum of 20 000 complex64 values, added in the same order or not: relative 1e-5 covers float32 rounding.
    assert np.allclose(complex(*found["object_sum"]), field.sum(), rtol=1e-5)
    assert complex(*found["object_pixel"]) == complex(field[5, 9])
    assert found["energy_ev"] == 8000.0
    photons = np.sum(np.abs(study["probe"].astype(complex)) ** 2)
    assert found["photons"] == pytest.approx(photons, rel=1e-6)  # float32 probe
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
