"""A scan of few frames: networks learn by steps, so with few groups each must be seen often.

Its last layer starts at random. After a handful of steps that start still stands in the amplitude, which then has the
wrong scale, and may correlate with the truth the wrong way round.
"""

import numpy as np

from ptychostudy.physics.illumination import hull_mask
from ptychostudy.recipes.passes import passes, settled
from ptychostudy.recipes.stitch import stitch
from ptychostudy.recipes.train import train_network
from ptychostudy.sampling.groups import form_groups
from ptychostudy.study.names import PINN
from ptychostudy.study.sections.infer import PatchSettings
from ptychostudy.study.sections.train import PinnSettings
from scenes import made_scan
from shards import infer, squares_of

SCAN = made_scan(3e4)
# A sparse view of a small part: 24 of its frames.
FRAMES = np.sort(np.random.default_rng(4).permutation(len(SCAN.positions))[:24])
GROUPS = form_groups(SCAN.positions[FRAMES], 4, np.random.default_rng(5))
SETTINGS = PinnSettings(architecture="backprojection", width=8, steps=3)


def amplitudes(epochs):
    """Train on the few groups; return what is stitched of the same frames, and the truth there."""
    settings = settled(SETTINGS, epochs)
    trained = train_network(PINN, [SCAN], FRAMES[GROUPS], settings)
    bundle = {**trained.parts, "provenance": {"outcome": trained.outcome}}
    view, patches = (FRAMES, GROUPS), PatchSettings()
    part = infer(bundle, SCAN, view, patches)
    whole = stitch([part], squares_of(bundle, SCAN, view, patches), in_phase=True).canvas
    (top, left), (rows, cols) = whole.origin, whole.field.shape
    hull = hull_mask(SCAN.positions[FRAMES], origin=whole.origin, shape=whole.field.shape)
    seen = hull & (whole.coverage > 0)
    truth = SCAN.truth[top : top + rows, left : left + cols]
    return np.abs(whole.field[seen]), np.abs(truth[seen])


def test_as_many_passes_as_its_groups_ask_for_bring_the_amplitude():
    """After three passes, the default of the quick study, likeness is 0.1 and the amplitude a sixth too small."""
    # Not all that it asks for: these are enough to see it.
    found, truth = amplitudes(min(passes(PINN, len(GROUPS), SETTINGS), 40))
    assert np.corrcoef(found, truth)[0, 1] > 0.2
    assert abs(found.mean() / truth.mean() - 1) < 0.1
