"""Angular synchronisation: random phases on patches of a known object are found again, part by part."""

import numpy as np
import pytest

from ptychostudy.physics import links as of_links
from ptychostudy.physics.links import Links, Pairs
from ptychostudy.physics.synchronise import inner_products, parts_of, synchronise
from ptychostudy.sampling.patch_pairs import overlapping_pairs

SIDE = 12


def object_of(shape, seed=0):
    """Return an object that differs along rows and columns, in amplitude and phase."""
    rows, cols = np.indices(shape)
    phase = 1.5 * np.sin(rows / 7) + 0.8 * np.cos(cols / 5 + rows / 11)
    speckle = np.random.default_rng(seed).normal(size=shape)
    return (0.7 + 0.2 * np.cos(rows / 4 - cols / 9)) * np.exp(1j * (phase + 0.3 * speckle))


def scan(rows, cols, step=5, seed=0):
    """Return corners (k, 2) of a jittered grid of squares, of more columns than rows or the other way round."""
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(cols), indexing="ij"), axis=-1).reshape(-1, 2) * step
    return grid + np.random.default_rng(seed).integers(0, 3, grid.shape)


def light(seed):
    """Return weights (SIDE, SIDE) of a spot that lies off the middle, dark at the edge."""
    rng = np.random.default_rng(seed)
    rows, cols = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2 - rng.uniform(-1, 1, 2)[:, None, None]
    return np.clip(1 - (rows**2 + 1.5 * cols**2) / 36, 0, 1)


def patches_of(corners, phases, noise=0.0, seed=0):
    """Return weighted patches complex64 of the object, each turned by its phase."""
    field = object_of(corners.max(axis=0) + SIDE)
    rng = np.random.default_rng(seed)
    patches = []
    for k, (row, col) in enumerate(corners):
        patch = field[row : row + SIDE, col : col + SIDE] * np.exp(1j * phases[k])
        spoiled = patch + noise * (rng.normal(size=(SIDE, SIDE, 2)) @ (1, 1j))
        patches.append((light(k) * spoiled).astype(np.complex64))
    return patches


def all_pairs(corners):
    """Return the pairs (m, 2) of squares that overlap."""
    return np.concatenate([np.zeros((0, 2), int), *overlapping_pairs(corners, SIDE).blocks()])


def linked(count, pairs, products):
    return Links(Pairs.of(count, [pairs]), products)


def solved(corners, phases, **noise):
    patches = patches_of(corners, phases, **noise)
    pairs = all_pairs(corners)
    return synchronise(linked(len(corners), pairs, inner_products(patches, corners, pairs)))


def apart(factors, phases):
    """Return by how much (k,) factors miss the phases that they should undo, beside a common one."""
    left = factors * np.exp(1j * phases)
    return np.angle(left * np.conj(left.sum()))


@pytest.mark.parametrize(("rows", "cols"), [(12, 4), (4, 12), (1, 9), (1, 2), (3, 1)])
def test_random_phases_on_exact_patches_are_found_again(rows, cols):
    corners = scan(rows, cols)
    phases = np.random.default_rng(3).uniform(-np.pi, np.pi, len(corners))
    found = solved(corners, phases)
    assert found.parts == 1
    np.testing.assert_allclose(np.abs(found.factors), 1, atol=1e-12)
    # Patches are complex64, which leaves 1e-7.
    assert np.abs(apart(found.factors, phases)).max() < 1e-6


def test_a_long_scan_of_many_patches_is_one():
    """Five hundred patches in a strip: the slowest of modes, and more partners than are asked."""
    corners = scan(5, 100, step=3)
    phases = np.random.default_rng(4).uniform(-np.pi, np.pi, len(corners))
    found = solved(corners, phases)
    assert np.abs(apart(found.factors, phases)).max() < 1e-6


def test_patches_that_agree_stay_as_they_are():
    corners = scan(4, 5)
    found = solved(corners, np.full(20, 0.7))
    np.testing.assert_allclose(found.factors, 1, atol=1e-6)


def test_noise_is_averaged():
    """Each phase is that of many overlaps: its error is below that of one patch against the truth."""
    corners = scan(12, 14, step=3)
    phases = np.random.default_rng(5).uniform(-np.pi, np.pi, len(corners))
    error = apart(solved(corners, phases, noise=0.5).factors, phases)
    alone = []
    for patch, exact in zip(patches_of(corners, phases, noise=0.5), patches_of(corners, phases), strict=True):
        alone.append(np.angle(np.vdot(exact, patch)))
    # Not much below, for what turns a patch turns it whoever looks.
    assert np.sqrt(np.mean(error**2)) < 1.3 * np.sqrt(np.mean(np.square(alone))) < 0.2


def test_what_is_found_is_a_maximum():
    corners = scan(6, 7)
    phases = np.random.default_rng(6).uniform(-np.pi, np.pi, 42)
    patches = patches_of(corners, phases, noise=1.0)
    pairs = all_pairs(corners)
    products = inner_products(patches, corners, pairs)
    factors = synchronise(linked(42, pairs, products)).factors

    def agreement(turned):
        return np.real(turned[pairs[:, 0]].conj() * products * turned[pairs[:, 1]]).sum()

    best = agreement(factors)
    for seed in range(50):
        step = np.random.default_rng(seed).normal(size=42)
        for size in (1e-3, 0.1):
            assert agreement(factors * np.exp(1j * size * step)) < best


@pytest.mark.parametrize("axis", [0, 1])
def test_two_halves_that_do_not_overlap_are_two_parts(axis):
    """Each is found as if it were alone."""
    half = scan(5, 6)
    away = np.zeros(2, int)
    away[axis] = 60
    corners = np.concatenate([half, half + away])
    order = np.random.default_rng(1).permutation(60)
    phases = np.random.default_rng(7).uniform(-np.pi, np.pi, 60)
    found = solved(corners[order], phases[order])
    assert found.parts == 2
    for first in (True, False):
        here = (order < 30) == first
        assert len(set(found.part[here])) == 1
        assert np.abs(apart(found.factors[here], phases[order][here])).max() < 1e-6


def test_a_patch_alone_stays_as_it_is():
    found = solved(np.array([[3, 8]]), np.array([1.2]))
    assert found.factors.tolist() == [1] and found.parts == 1


@pytest.mark.parametrize("count", [0, 1, 3])
def test_patches_without_pairs_stay_as_they_are(count):
    found = synchronise(linked(count, np.zeros((0, 2), int), np.zeros(0, complex)))
    assert found.factors.tolist() == [1] * count and found.part.tolist() == list(range(count))


def several_parts():
    """Return products of pairs of noisy patches in a crowd, a row, three, two and one, in any order."""
    places = ((scan(6, 7), 0), (scan(1, 9), 60), (scan(1, 3), 120), (scan(2, 1), 180), (scan(1, 1), 240))
    corners = np.concatenate([corners + (0, away) for corners, away in places])
    corners = np.random.default_rng(2).permutation(corners)
    phases = np.random.default_rng(9).uniform(-np.pi, np.pi, len(corners))
    pairs = all_pairs(corners)
    return len(corners), pairs, inner_products(patches_of(corners, phases, noise=0.5), corners, pairs)


@pytest.mark.parametrize("size", [1, 16, 63, 64, 65])
def test_no_factor_depends_on_how_many_links_are_looked_at_together(monkeypatch, size):
    """Of several parts, and where a patch has more links than that."""
    links = linked(*several_parts())
    whole = synchronise(links)
    assert whole.parts == 5
    monkeypatch.setattr(of_links, "_LINKS", size)
    assert len(list(links.blocks())) > 3
    found = synchronise(links)
    np.testing.assert_array_equal(found.part, whole.part)
    # Sums in another order.
    np.testing.assert_allclose(found.factors, whole.factors, atol=1e-12)


def test_no_more_links_than_asked_for_are_looked_at_together(monkeypatch):
    """Whatever is done with them, of many parts or one: but those of one patch are not divided."""

    class Counted:
        """Numbers that say how many were asked for together."""

        def __init__(self, blocks, dtype):
            self.numbers = of_links.in_memory(blocks, dtype)

        def __getitem__(self, part):
            asked.append(part.stop - part.start)
            return self.numbers[part]

    count, pairs, products = several_parts()
    asked = []
    monkeypatch.setattr(of_links, "_LINKS", 40)
    links = Links(Pairs.of(count, [pairs], Counted), Counted([products], complex))
    synchronise(links, Counted)
    assert 30 < max(asked) <= 40
    assert len(asked) > 1000


def test_parts_are_numbered_by_their_first_patches():
    corners = np.array([[0, 90], [0, 0], [0, 93], [0, 45], [0, 3], [3, 45]])
    assert solved(corners, np.zeros(6)).part.tolist() == [0, 1, 0, 2, 1, 2]


def test_squares_that_overlap_in_the_dark_have_nothing_in_common():
    corners = np.array([[0, 0], [SIDE - 1, SIDE - 1]])
    pairs = all_pairs(corners)
    assert pairs.tolist() == [[0, 1]]
    products = inner_products(patches_of(corners, np.zeros(2)), corners, pairs)
    assert products.tolist() == [0]
    assert parts_of(linked(2, pairs, products)).tolist() == [0, 1]


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-3, 2), (5, 11), (-11, -1)])
def test_inner_products_are_of_the_same_pixels_of_the_object(shift):
    rng = np.random.default_rng(8)
    one, other = rng.normal(size=(2, SIDE, SIDE, 2)) @ (1, 1j)
    corners = np.array([[20, 30], [20 + shift[0], 30 + shift[1]]])
    wholes = np.zeros((2, 60, 60), complex)
    for whole, patch, (row, col) in zip(wholes, (one, other), corners, strict=True):
        whole[row : row + SIDE, col : col + SIDE] = patch
    (found,) = inner_products([one, other], corners, np.array([[0, 1]]))
    assert found == pytest.approx(np.vdot(*wholes), rel=1e-12)


def test_no_pairs_have_no_products():
    assert inner_products([], np.zeros((0, 2), int), np.zeros((0, 2))).shape == (0,)


def test_few_patches_are_read_at_a_time():
    """A pair needs two; a stack in memory would be read whole."""

    class Counted:
        """Patches that are made when they are asked for, and say how many are held."""

        def __init__(self, patches):
            self.patches, self.asked = patches, 0

        def __getitem__(self, k):
            assert np.ndim(k) == 0
            self.asked += 1
            return self.patches[k]

    corners = scan(8, 9)
    patches = Counted(patches_of(corners, np.zeros(72)))
    pairs = all_pairs(corners)
    inner_products(patches, corners, pairs)
    # The first of a pair stays while it has further partners.
    assert patches.asked == len(pairs) + len(np.unique(pairs[:, 0]))
