"""Products of other programs on the pixels that our arms are scored on."""

import numpy as np

from ptychostudy.formats.arm_product import ArmProduct
from ptychostudy.recipes.cell_rectangle import Rectangle

REGISTERED = "registered"
"""In the metadata of a product: whether it is moved by fractions of a pixel."""

LEAST_COVERED = 0.95
"""Share of the scored pixels that a product must cover; what it lacks of them is scored as 0."""


def covering(product: ArmProduct, rectangle: Rectangle, mask: np.ndarray) -> ArmProduct:
    """Return a product as it is scored: failed, if it leaves out too much of what is scored.

    Parameters
    ----------
    product : ArmProduct
        From `ptychostudy.recipes.adopt`.
    rectangle : Rectangle
        Of the comparison, within that of the product.
    mask : (H, W) bool
        Pixels that are scored.
    """
    if not product.good:
        return product
    there = rectangle.cut(product.coverage, product.origin) > 0
    n_scored, n_covered = int(mask.sum()), int(np.sum(mask & there))
    share = n_covered / max(n_scored, 1)
    record = {**product.record, "covered": share}
    if share < LEAST_COVERED:
        reason = (
            f"covers {n_covered} of the {n_scored} scored pixels ({share:.3f}); "
            f"needed: {LEAST_COVERED} of them"
        )
        record |= {"status": "failed", "reason": reason}
    return ArmProduct(product.field, product.coverage, product.origin, record)
