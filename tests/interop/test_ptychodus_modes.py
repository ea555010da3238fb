"""Products of studies with several probe modes, with a masked detector, and with both, in the real Ptychodus."""

from dataclasses import replace

import numpy as np
import pytest
from exported_cell import LOSS, N, asked, exported

from ptychostudy.formats.ptychodus import read_product_h5
from ptychostudy.physics.modes import first_mode


def masked():
    """Return a detector with a gap through the light, a dead column and single bad pixels."""
    valid = np.ones((N, N), dtype=bool)
    valid[N // 2 - 2 : N // 2 + 1] = False
    valid[:, 31] = False
    valid[5, 9] = valid[20, 17] = False
    return valid


STUDIES = {
    "modes": (3, None),
    "mask": (1, masked()),
    "modes and mask": (2, masked()),
}


@pytest.fixture(scope="module", params=STUDIES)
def study(request, tmp_path_factory):
    modes, valid = STUDIES[request.param]
    return exported(tmp_path_factory.mktemp("product"), modes, valid) | {"modes": modes, "valid": valid}


@pytest.fixture(scope="module")
def answers(study):
    """What Ptychodus says of the exported product, and of one that is known to be wrong."""
    right = read_product_h5(study["folder"] / "exported.h5")
    controls = {"one_row_off": replace(right, positions=right.positions + (1, 0))}
    if study["modes"] > 1:
        controls["first_mode"] = replace(right, probe=first_mode(right.probe))
        controls["turned_modes"] = replace(right, probe=np.swapaxes(right.probe[:, ::-1], 1, 2))
    return asked(study["folder"], controls)


def test_the_forward_model_of_ptychodus_gives_our_counts(study, answers):
    """Within 2 % of what photon noise alone leaves, on the pixels that count."""
    assert answers["exported"]["r"] < 1.02 * study["floor"]
    wrong = {name: answer["r"] for name, answer in answers.items() if name != "exported"}
    assert min(wrong.values()) > 1.15 * study["floor"], wrong


def test_windows_land_exactly(study, answers):
    """Ptychodus counts pixel centres from (N - 1) / 2, we count corners."""
    offset = np.array(answers["exported"]["centres"]) - (study["positions"] - study["origin"])
    assert np.abs(offset + 0.5).max() < 1e-10


def test_modes_and_mask_are_told(study, answers):
    found, valid = answers["exported"], study["valid"]
    # One set of modes for all frames.
    assert found["probe_shape"] == [1, study["modes"], N, N]
    bad = 0 if valid is None else int(np.sum(~valid))
    assert (f"{bad} pixels of the detector counted no photons" in found["comments"]) == (bad > 0)


def test_what_ptychodus_writes_of_it_comes_back(study, answers):
    """Read and written by the program: object, all modes, positions, losses."""
    again = read_product_h5(study["folder"] / "exported.again")
    np.testing.assert_array_equal(again.object, study["field"])
    np.testing.assert_array_equal(again.probe, study["probe"])
    np.testing.assert_allclose(again.positions, study["positions"] - study["origin"], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(again.loss, LOSS)
    assert answers["exported"]["losses"] == [[1, 3.0], [2, 2.0], [3, 1.5]]
