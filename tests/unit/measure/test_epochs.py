"""Epochs to come as far as another iteration: counted from one, none where it never does."""

import numpy as np
import pytest

from ptychostudy.measure.epochs import first_at_or_below

LOSS = np.array([4.0, 2.0, 2.5, 1.0])


@pytest.mark.parametrize(
    ("target", "reached"), [(9.0, 1), (4.0, 1), (3.9, 2), (2.0, 2), (1.5, 4), (1.0, 4), (0.9, None), (None, None)]
)
def test_the_first_epoch_that_is_no_higher(target, reached):
    assert first_at_or_below(LOSS, target) == reached


def test_no_epoch_reaches_anything():
    assert first_at_or_below(np.empty(0), 1.0) is None
    assert first_at_or_below(np.array([np.nan, 1.0]), 2.0) == 2
