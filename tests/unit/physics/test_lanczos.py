"""Leading eigenvectors by products alone, beside those of the whole matrix."""

import numpy as np
import pytest

from ptychostudy.physics.lanczos import leading_eigenvector


def hermitian(values, seed=0):
    """Return a matrix of given eigenvalues, and its eigenvectors in columns."""
    size = len(values)
    drawn = np.random.default_rng(seed).normal(size=(size, size, 2)) @ (1, 1j)
    vectors, _ = np.linalg.qr(drawn)
    return (vectors * values) @ vectors.conj().T, vectors


def alike(one, other):
    return abs(np.vdot(one, other)) / np.linalg.norm(one) / np.linalg.norm(other)


@pytest.mark.parametrize("scale", [1, 1e-15, 1e15])
@pytest.mark.parametrize("gap", [1, 1e-2, 1e-4])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 60])
def test_the_leading_vector_is_found(size, gap, scale):
    """The largest eigenvalue, though others are larger in modulus."""
    values = np.linspace(-2, 1, size)
    values[-1] = 1 + gap
    matrix, vectors = hermitian(scale * values)
    found = leading_eigenvector(matrix.__matmul__, np.ones(size, complex))
    assert 1 - alike(found, vectors[:, -1]) < 1e-12


def test_what_the_start_reaches_is_all():
    """Of two blocks that start in one of them."""
    first, vectors = hermitian(np.array([-1, 0.3, 0.5]))
    matrix = np.zeros((6, 6), complex)
    matrix[:3, :3], matrix[3:, 3:] = first, np.eye(3)
    found = leading_eigenvector(matrix.__matmul__, np.array([1, 1, 1, 0, 0, 0], complex))
    assert 1 - alike(found[:3], vectors[:, -1]) < 1e-12 and not found[3:].any()


def test_the_same_bits_every_time():
    matrix, _ = hermitian(np.linspace(0, 1, 50))
    one, other = (leading_eigenvector(matrix.__matmul__, np.ones(50, complex)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_a_long_way_ends(monkeypatch):
    """With what was found until then: no vector of it is far from the leading one's neighbours."""
    from ptychostudy.physics import lanczos

    monkeypatch.setattr(lanczos, "_STEPS", 20)
    asked = []
    values = np.linspace(0, 1, 400)

    def times(vector):
        asked.append(1)
        return values * vector

    found = leading_eigenvector(times, np.ones(400, complex))
    assert len(asked) == 40
    assert np.vdot(found, values * found).real > 0.97 * np.vdot(found, found).real
