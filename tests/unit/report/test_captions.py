"""What stands around the picture of a cell, and the scores in it."""

import pytest

from ptychostudy.report import captions
from studies import made_record

RECORD, ROWS = made_record(1000, "dense", "test", failed=("Baseline",), converged=False)


@pytest.mark.parametrize(("seed", "name"), [(None, "the first"), (12, "12")])
def test_caption_says_photons_overlap_convergence_failures_and_seed(seed, name):
    assert captions.caption(RECORD, seed) == (
        "Measured dose 1000.1 photons per frame, n = 50 photons per object pixel, overlap 0.700 (linear 0.750), "
        f"floor 0.1000 rad. PtyChi not converged; Baseline failed. Seed: {name}. Truth: simulated object."
    )


def test_a_failed_iterative_arm_is_named_once():
    record, _ = made_record(1000, "dense", "test", failed=("PtyChi",))
    assert ". PtyChi failed. Seed" in captions.caption(record, None)


def test_title_is_dose_view_and_split():
    assert captions.title(RECORD) == "1 000 photons per frame, dense, test"


def test_scores_are_numbers_or_nothing():
    scores = captions.panel_scores(ROWS)
    assert scores["PtyChi"]["ssim"] == (0.7, 0.7, 0.7)
    assert scores["Baseline"]["ssim"] == (None, None, None)
