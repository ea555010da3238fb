"""Memory of stages that make a scan: what streams takes no more for twenty times the frames.

`overlap` holds positions and groups of a view, and no frame: 84 and 93 MB at 32 x 32 pixels. `base` of a user's file is
in `test_memory_of_intake.py`.
"""

import shutil

import pytest

from peaks import DOSE, LARGEST_RATIO, SPLIT_FRAMES, peak_kb, ratio, simulation, study

STAGES = ("base", "truth", "simulate")


@pytest.fixture(scope="module", params=[32, 64])
def peaks(request, tmp_path_factory):
    """Return the peak of each stage in kB, by the number of frames and the stage; and of one that does not stream."""
    found = {}
    for frames in SPLIT_FRAMES:
        hub = tmp_path_factory.mktemp(str(frames))
        stages = simulation(hub, study(frames, request.param))
        found[frames] = {stage: peak_kb(["-m", "ptychostudy", *words]) for stage, words in stages.items()}
        train = str(hub / f"data/phase_c/dose_{DOSE}/patched_train.npz")
        whole = f"import ptychostudy.stages.simulate, numpy; file = numpy.load({train!r}); print([*file.values()])"
        found[frames]["whole"] = peak_kb(["-c", whole])
        # Some 700 MB.
        shutil.rmtree(hub)
    return found


@pytest.mark.parametrize("stage", STAGES)
def test_memory_does_not_grow_with_the_frames(peaks, stage):
    assert ratio(peaks, stage) <= LARGEST_RATIO, peaks


def test_what_holds_all_frames_is_seen(peaks):
    assert ratio(peaks, "whole") > LARGEST_RATIO, peaks
