"""One NPY array is exactly as long as its header says, whatever the size of the blocks in which it is read."""

import io

import numpy as np
import pytest

from ptychostudy.io import npy
from ptychostudy.io.npy import read_npy


@pytest.fixture(params=[7, 48, 1 << 20], ids=lambda size: f"blocks of {size}")
def packed(request, monkeypatch):
    monkeypatch.setattr(npy, "_BLOCK_BYTES", request.param)
    buffer = io.BytesIO()
    np.save(buffer, np.arange(6.0).reshape(2, 3))
    return buffer.getvalue()


def test_a_whole_array_comes_back(packed):
    np.testing.assert_array_equal(read_npy(io.BytesIO(packed), len(packed)), np.arange(6.0).reshape(2, 3))


def test_one_byte_more_is_refused(packed):
    with pytest.raises(ValueError, match="it goes on after the 48 bytes"):
        read_npy(io.BytesIO(packed + b"\0"), len(packed))
    with pytest.raises(ValueError, match="48 bytes; it holds 49"):
        read_npy(io.BytesIO(packed + b"\0"), len(packed) + 1)


@pytest.mark.parametrize("lost", [1, 20, 48])
def test_what_is_missing_is_counted(packed, lost):
    with pytest.raises((ValueError, EOFError), match=f"ends after {48 - lost} of 48 bytes"):
        read_npy(io.BytesIO(packed[:-lost]), len(packed))
