"""An object beside measured frames: it says where positions count from, and hides no layout that fits."""

import numpy as np
import pytest
from known_scan import N, base_of, known_scan, object_of, speckled_scan

from ptychostudy.intake.conventions import of_both
from ptychostudy.io.arrays import read_npz
from ptychostudy.physics.orientation import ORIENTATIONS, Orientation
from ptychostudy.study.settings import read_study

SHAPE = (88, 76)


def with_object(scan, orientation, shape=SHAPE, about=0.0):
    """Return a scan with an object, and its positions laid out otherwise about some point."""
    positions = np.stack([scan["ycoords"], scan["xcoords"]], axis=1) - about
    rows, cols = (orientation.of_positions(positions) + about).T
    field = object_of(shape).astype(np.complex64)
    return {**scan, "ycoords": rows, "xcoords": cols, "objectGuess": field}


def steps(arrays):
    return np.diff(np.stack([arrays["ycoords"], arrays["xcoords"]], axis=1), axis=0)


def set_right(yaml="mine.yaml"):
    """Return what the study lays out anew."""
    npz = read_study(yaml).base.npz
    return Orientation.of(npz.orient_frames), Orientation.of(npz.orient_positions)


@pytest.mark.parametrize("orientation", ORIENTATIONS[1:4] + ORIENTATIONS[5:], ids=str)
def test_positions_mirrored_about_the_corner_are_turned_back(inspected, few, orientation):
    """All leave the object; the one layout in which none does is tried, and the frames say whether it fits."""
    right = speckled_scan()
    code, text = inspected(with_object(right, orientation), "--write", "mine.yaml")
    assert code == 0 and "layout set in the yaml" in text and "windows leave 'objectGuess'" in text
    assert "geometry ok" in text and "as given: R = " in text
    frames, positions = set_right()
    assert frames.is_given and orientation.then(positions).is_given
    assert base_of() == 0
    found = read_npz("base.npz")
    np.testing.assert_array_equal(found["counts"], right["counts"])
    np.testing.assert_array_equal(found["ycoords"], right["ycoords"])
    np.testing.assert_array_equal(found["xcoords"], right["xcoords"])


def test_positions_mirrored_about_the_middle_stay_on_the_object(inspected):
    """No window leaves it, so that only the frames tell."""
    right = speckled_scan()
    middle = np.array(SHAPE) / 2
    code, text = inspected(with_object(right, ORIENTATIONS[2], about=middle), "--write", "mine.yaml")
    assert code == 0 and "geometry set in the yaml" in text
    assert base_of() == 0
    np.testing.assert_allclose(steps(read_npz("base.npz")), steps(right), atol=1e-9)


@pytest.mark.parametrize("away", [(-60, 0), (1e5, 1e5), (0, 37)], ids=str)
def test_an_origin_elsewhere_is_looked_at(inspected, few, refused, taken, away):
    """No layout puts the windows on the object: the frames are looked at as they are, and the user says."""
    right = speckled_scan()
    scan = with_object(
        {**right, "ycoords": right["ycoords"] + away[0], "xcoords": right["xcoords"] + away[1]}, ORIENTATIONS[0]
    )
    code, text = inspected(scan)
    assert code == 0 and "layout look at it" in text and "base.npz.accept: [object]" in text
    assert "geometry ok" in text
    message = refused(scan)
    assert "windows leave 'objectGuess' of shape (88, 76)" in message and "base.npz.accept: [object]" in message
    arrays, changes, said = taken(scan, accept=["object"])
    np.testing.assert_allclose(steps(arrays), steps(right), atol=1e-9)
    assert "accepted (object)" in said and changes["accepted"]


@pytest.mark.parametrize(
    ("field", "part"),
    [
        (np.full(SHAPE, np.nan + 0j), "NaN or infinite"),
        (np.ones(SHAPE), "needed complex (H, W)"),
        (np.ones((2, *SHAPE), complex), "needed complex (H, W)"),
        (np.zeros((3, 3), complex), "windows leave 'objectGuess' of shape (3, 3)"),
    ],
    ids=["not finite", "real", "layers", "small"],
)
def test_an_object_that_is_none_hides_no_layout(inspected, few, refused, taken, field, part):
    """Measured frames do not need it."""
    scan = {**known_scan(), "objectGuess": field}
    scan["counts"] = ORIENTATIONS[1].of_frames(scan["counts"])
    code, text = inspected(scan, "--write", "mine.yaml")
    assert code == 0 and part in text and "geometry set in the yaml" in text
    assert part in refused(known_scan() | {"objectGuess": field})
    assert part in refused(known_scan() | {"objectGuess": field}, frames="simulate")
    arrays, _, said = taken(known_scan() | {"objectGuess": field}, accept=["object"])
    np.testing.assert_array_equal(arrays["counts"], known_scan()["counts"])
    assert "accepted (object)" in said


def test_a_transposed_object_is_not_believed_against_the_frames(inspected, monkeypatch):
    """Exchanged positions lie on it, but frames fit them as they are: that stands, and the object is looked at."""
    # Half of them suffice, and are half as long.
    monkeypatch.setattr(
        "ptychostudy.intake.inspect.of_both", lambda: [each for each in of_both() if each.frames.is_given]
    )
    right = speckled_scan()
    scan = {**right, "ycoords": right["ycoords"] + 30, "objectGuess": object_of((76, 118)).astype(np.complex64)}
    code, text = inspected(scan, "--write", "mine.yaml")
    assert code == 0 and "layout look at it" in text and "accept: [object]" in text
    assert "Set: base.npz.orient_positions: [exchanged]" not in text
    assert set_right()[1].is_given
    assert base_of() == 2


def test_a_round_probe_leaves_it_to_the_object_which_side_is_mirrored(inspected):
    """Frames or positions mirrored fit as well; the object says that it is the positions."""
    scan = known_scan(rows=6, cols=5)
    scan["ycoords"] = -scan["ycoords"]
    scan["objectGuess"] = object_of((68, 63)).astype(np.complex64)
    code, text = inspected(scan, "--write", "mine.yaml")
    assert code == 0 and "geometry ok" in text and "as good: frames with their rows reversed and the sign" in text
    assert [each.words for each in set_right()] == [[], ["rows_reversed"]]


def test_a_refusal_says_which_layout_lies_on_the_object(refused):
    scan = with_object(known_scan(), ORIENTATIONS[2])
    message = refused(scan)
    assert "base.npz.orient_positions: [rows_reversed]" in message and f"at least {N // 2} px inside" in message
    assert "orient" not in refused(scan, frames="simulate")
