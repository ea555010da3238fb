"""Detector: the mask that a network is told of, and which one a bundle was trained with.

A mask belongs to the frames, not to the weights: each scan brings its own, and a network trained
behind one detector serves frames of another.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ptychostudy.formats.scan import Scan

MASK = "mask"
"""Key of a bundle's ``config.json``; absent where every pixel counted."""


def mask_of(source: Scan) -> np.ndarray | None:
    """Return the mask (N, N) of a scan, true where photons count; None where all pixels do.

    Without a mask no graph holds one: such a network is what it was before there were masks.
    """
    return None if source.valid.all() else source.valid


def mask_identity(source: Scan) -> dict[str, Any]:
    """Return what a bundle's configuration says of the mask of its training: nothing, if none.

    Returns
    -------
    dict
        Of the key `MASK`: how many pixels took no part, and a digest by which the mask is known.
    """
    mask = mask_of(source)
    if mask is None:
        return {}
    packed = np.packbits(mask)
    digest = hashlib.sha256(packed.tobytes()).hexdigest()
    return {MASK: {"masked_pixels": int(np.sum(~mask)), "sha256": digest}}


def trained_behind(config: Mapping[str, Any], source: Scan) -> bool:
    """Whether a network was trained on frames with the mask of these.

    Parameters
    ----------
    config : mapping
        Of its bundle.
    source : Scan
    """
    return config.get(MASK) == mask_identity(source).get(MASK)
