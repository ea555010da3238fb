"""Recipe adopt: an object of another program lies where it lay, however it is laid out, or is refused."""

import numpy as np
import pytest

from ptychostudy.formats.any_object import AnyObject
from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.io.atomic import DataError
from ptychostudy.measure.placing import turned
from ptychostudy.physics.orientation import ORIENTATIONS
from ptychostudy.recipes.adopt import Ground, adopt_object
from ptychostudy.recipes.compare import compare
from ptychostudy.study.names import ARMS, FLAT
from ptychostudy.study.sections.compare import CompareSettings
from scenes import made_scan

SOURCE = made_scan(truth="simulated object")
GROUND = Ground.of_cell(SOURCE.truth, SOURCE.positions, SOURCE.positions, "the truth")
OURS = (slice(4, 80), slice(6, 104))


def noisy(size=0.02):
    rng = np.random.default_rng(3)
    noise = rng.normal(size=SOURCE.truth.shape) + 1j * rng.normal(size=SOURCE.truth.shape)
    return (SOURCE.truth + size * noise).astype(np.complex64)


def given(field, seen=None, **more):
    return AnyObject("theirs.npz: key 'object'", field, field != 0 if seen is None else seen, **more)


def on_the_rectangle(field):
    return GROUND.rectangle.cut(field, (0, 0))


def compared(beside=None, register=()):
    """Compare four copies of one arm, whose coverage makes the mask, with products of other programs."""
    field, (rows, cols) = noisy(0.05)[OURS], OURS
    own = ArmProduct(field, np.ones(field.shape, np.float32), (rows.start, cols.start), {"status": "ok"})
    settings = CompareSettings(register_arms=list(register))
    return compare(
        dict.fromkeys(ARMS, own), SOURCE.truth, SOURCE.positions, settings, scanned=SOURCE.positions, beside=beside
    )


@pytest.mark.parametrize("conjugated", [False, True])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_it_is_laid_out_as_the_truth(orientation, conjugated):
    field = noisy()
    wave = field.conj() if conjugated else field
    # The way there: undone, each of the eight is one of the eight.
    handed = next(
        turned(wave, each) for each in ORIENTATIONS if np.array_equal(turned(turned(field, each), orientation), field)
    )
    product = adopt_object(given(handed), GROUND)
    np.testing.assert_array_equal(product.field, on_the_rectangle(field))
    assert product.good and product.origin == GROUND.rectangle.origin
    words = product.record["placed"]["changed"]
    assert (words == "") == (orientation.is_given and not conjugated)
    assert ("conjugated" in words) == conjugated


def test_padding_gauge_and_a_part_change_no_pixel_of_it():
    factor = 2.5 * np.exp(0.8j)
    padded = np.pad(noisy() * factor, ((9, 4), (0, 17)))
    product = adopt_object(given(padded), GROUND)
    np.testing.assert_array_equal(product.field, on_the_rectangle((noisy() * factor).astype(np.complex64)))
    assert product.record["placed"]["origin"] == [-9, 0]
    part = adopt_object(given(noisy()[30:, :60]), GROUND)
    top = GROUND.rectangle.origin[0]
    assert part.record["placed"]["origin"] == [30, 0]
    assert not part.coverage[: 30 - top].any() and part.coverage[30 - top :, :20].all()


def test_what_knows_its_origin_is_believed():
    # A field so noisy that no place would be found.
    rng = np.random.default_rng(5)
    noise = np.exp(1j * rng.normal(size=SOURCE.truth.shape)).astype(np.complex64)
    product = adopt_object(given(noise[7:, 3:], origin=(7, 3)), GROUND)
    assert product.record["placed"]["origin"] == [7, 3]
    with pytest.raises(DataError, match=r"theirs.npz: key 'object' is nowhere like the truth: .* needed: 0.2"):
        adopt_object(given(noise[7:, 3:]), GROUND)


def test_ours_are_scored_as_without_them_to_the_last_bit():
    alone = compared()
    # One that reaches nowhere near the edges, and one that failed.
    some = adopt_object(given(noisy()[20:50, 20:60]), GROUND)
    both = compared({"part": some, "nothing": GROUND.nothing("unreadable")})
    assert both.origin == alone.origin and both.coverage == alone.coverage
    np.testing.assert_array_equal(both.mask, alone.mask)
    for arm in (*ARMS, FLAT):
        np.testing.assert_array_equal(both.scores[arm].field, alone.scores[arm].field)
        assert both.scores[arm].evaluation.rows == alone.scores[arm].evaluation.rows
    assert set(both.scores) == set(alone.scores)
    reason = both.beside["part"].record["reason"]
    n_scored = int(alone.mask.sum())
    assert f"of the {n_scored} scored pixels (" in reason and "needed: 0.95 of them" in reason
    assert both.beside["nothing"].record["reason"] == "unreadable"


def test_a_small_hole_is_scored_as_it_stands():
    field = noisy()
    field[40:44, 50:54] = 0
    comparison = compared({"theirs": adopt_object(given(field), GROUND)})
    record = comparison.beside["theirs"].record
    hidden = 16 / comparison.mask.sum()
    assert record["covered"] == pytest.approx(1 - hidden, abs=1e-12) and record["covered"] < 1
    assert np.sum(comparison.fields["theirs"][comparison.mask] == 0) == 16
    assert "theirs" in comparison.scores


def test_it_is_registered_unless_it_is_named():
    product = adopt_object(given(noisy(0.05)), GROUND)
    assert compared({"theirs": product}).scores["theirs"].record["registered"] is True
    kept = ArmProduct(product.field, product.coverage, product.origin, {**product.record, "registered": False})
    comparison = compared({"theirs": kept})
    assert comparison.scores["theirs"].record["registered"] is False
    # The same field as ours, on the same pixels: the same score.
    assert comparison.scores["theirs"].evaluation.rows == comparison.scores[ARMS[0]].evaluation.rows
