"""Links of patches, a block at a time: what a whole matrix says."""

import numpy as np
import pytest

from ptychostudy.physics import links as module
from ptychostudy.physics.links import Links, Pairs, in_memory, merged

PATCHES = 40


def drawn(share=0.3, seed=0, patches=PATCHES):
    """Return some links, and the Hermitian matrix that they are."""
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(size=(patches, patches, 2)) @ (1, 1j), 1)
    upper[rng.uniform(size=upper.shape) > share] = 0
    # Patches without later partners, in the middle and at both ends.
    upper[[0, 7, 8, -1]] = 0
    pairs = np.argwhere(upper)
    return Links(Pairs.of(patches, [pairs]), upper[tuple(pairs.T)]), upper + upper.conj().T


@pytest.fixture(params=[1, 5, 63, 64, 65, 10_000])
def size(request, monkeypatch):
    monkeypatch.setattr(module, "_LINKS", request.param)
    return request.param


def test_pairs_come_back(size):
    links, matrix = drawn()
    pairs = np.argwhere(np.triu(matrix))
    blocks = list(links.pairs.blocks())
    assert np.concatenate(blocks).tolist() == pairs.tolist()
    assert len(links.pairs) == len(pairs) and links.pairs.patches == PATCHES
    # Those of one patch stay together.
    assert max(map(len, blocks)) <= max(size, np.bincount(pairs[:, 0]).max())


def test_blocks_of_pairs_are_put_one_after_the_other():
    pairs = np.argwhere(np.triu(drawn()[1]))
    parted = Pairs.of(PATCHES, [pairs[:1], pairs[1:1], pairs[1:50], pairs[50:]])
    assert np.concatenate(list(parted.blocks())).tolist() == pairs.tolist()


@pytest.mark.parametrize("patches", [0, 1, 3])
def test_no_pairs(size, patches):
    links = Links(Pairs.of(patches, []), np.zeros(0, complex))
    assert len(links.pairs) == 0
    assert links.times(np.ones(patches, complex)).tolist() == [0] * patches
    assert links.strengths().tolist() == [0] * patches


def test_products_and_sums_are_those_of_the_matrix(size):
    links, matrix = drawn()
    vector = np.random.default_rng(1).normal(size=(PATCHES, 2)) @ (1, 1j)
    np.testing.assert_allclose(links.times(vector), matrix @ vector, rtol=1e-12)
    np.testing.assert_allclose(links.strengths(), np.abs(matrix).sum(axis=1), rtol=1e-12)


def test_real_links_stay_real(size):
    links, matrix = drawn()
    real = Links(links.pairs, links.values.real)
    vector = np.random.default_rng(1).normal(size=PATCHES)
    found = real.times(vector)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, np.real(np.triu(matrix) + np.triu(matrix).T) @ vector, atol=1e-12)


def test_links_of_two_kinds_are_joined(size):
    some, matrix = drawn()
    others, more = drawn(share=0.1, seed=2)
    both = some.joined(others)
    vector = np.random.default_rng(1).normal(size=(PATCHES, 2)) @ (1, 1j)
    np.testing.assert_allclose(both.times(vector), (matrix + more) @ vector, rtol=1e-11)
    assert len(both.pairs) == np.count_nonzero(np.triu(matrix + more))


def test_links_among_some_patches(size):
    """Of two parts that lie among each other; a link of zero leads from one to the other."""
    links, matrix = drawn()
    apart = np.arange(PATCHES) % 3 > 0
    matrix[apart[:, None] != apart] = 0
    first, other = np.concatenate(list(links.pairs.blocks())).T
    cut = Links(links.pairs, np.where(apart[first] == apart[other], links.values, 0))
    for members in (np.flatnonzero(apart), np.flatnonzero(~apart)):
        put = []
        found = cut.among(members, lambda *asked, put=put: put.append(asked) or in_memory(*asked))
        vector = np.random.default_rng(1).normal(size=(len(members), 2)) @ (1, 1j)
        np.testing.assert_allclose(found.times(vector), matrix[np.ix_(members, members)] @ vector, atol=1e-12)
        # Few of them go to no file.
        assert len(put) == (2 if len(found.pairs) > size else 0)
    assert cut.among(np.arange(PATCHES)) is cut


def test_parts_that_are_joined_become_one():
    part = np.array([0, 1, 1, 2, 3, 0])
    found = merged(part, np.array([5, 4]), np.array([3, 4]))
    # Numbered by their first members; a join with itself changes nothing.
    assert found.tolist() == [0, 1, 1, 0, 2, 0]
    assert merged(part, np.zeros(0, int), np.zeros(0, int)).tolist() == part.tolist()
    assert merged(np.zeros(0, int), np.zeros(0, int), np.zeros(0, int)).tolist() == []
