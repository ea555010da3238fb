"""Passes of a training: numbers that are given stay; those that are not follow how many groups there are."""

import pytest

from ptychostudy.networks.rates import epochs_of
from ptychostudy.recipes.passes import passes, settled
from ptychostudy.study.names import BASELINE, PINN
from ptychostudy.study.sections.train import BaselineSettings, PinnSettings


def test_a_given_number_stays():
    assert passes(PINN, 10, PinnSettings(epochs=7)) == 7


@pytest.mark.parametrize("arm", [PINN, BASELINE])
def test_fewer_groups_are_seen_more_often(arm):
    settings = {PINN: PinnSettings, BASELINE: BaselineSettings}[arm](architecture="backprojection")
    counts = [passes(arm, groups, settings) for groups in (20, 60, 100, 200, 700, 10_000)]
    assert counts == sorted(counts, reverse=True) and len(set(counts)) > 3
    assert counts[0] <= 100 and counts[-1] == {PINN: 3, BASELINE: 10}[arm], "of the quick study"


@pytest.mark.parametrize(("groups", "batch", "steps"), [(80, 8, 9), (80, 4, 18), (200, 8, 23), (10, 8, 2)])
def test_steps_come_to_the_same(groups, batch, steps):
    """Nine tenths of the groups train, in steps of a batch: passes times steps reach 300, or passes are a hundred."""
    number = passes(PINN, groups, PinnSettings(batch_size=batch, architecture="ptychopinn"))
    assert number == min(100, -(-300 // steps))


@pytest.mark.parametrize(("arm", "steps"), [(PINN, 100), (BASELINE, 200)])
@pytest.mark.parametrize("lessons", [1, 3, 5, 8, 64])
def test_canvases_are_seen_in_four_directions(arm, steps, lessons):
    """Passes times lessons times directions reach the steps, and one pass less would not."""
    number = passes(arm, lessons, PinnSettings() if arm == PINN else BaselineSettings())
    assert 4 * lessons * number >= steps > 4 * lessons * (number - 1)


def test_networks_want_them_settled():
    with pytest.raises(ValueError, match="epochs is auto"):
        epochs_of(PinnSettings())
    assert epochs_of(settled(PinnSettings(), 9)) == 9
