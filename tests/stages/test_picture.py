"""Stage picture: what stands under a comparison plot."""

from pathlib import Path

import pytest

from ptychostudy.stages.picture import picture_caption
from studies import made_record

RECORD, _ = made_record(1000, "dense", "test", failed=("Baseline",), converged=False)


@pytest.mark.parametrize(
    ("path", "seed"),
    [("analysis/dose_1000/dense/test/status.json", "the first"), ("seeds/seed_12/analysis/dose_1/status.json", "12")],
)
def test_caption_says_photons_overlap_convergence_failures_and_seed(path, seed):
    assert picture_caption(RECORD, Path(path)) == (
        "Measured dose 1000.1 photons per frame, n = 50 photons per object pixel, overlap 0.700 (linear 0.750), "
        f"floor 0.1000 rad. PtyChi not converged; Baseline failed. Seed: {seed}. Truth: simulated object."
    )
