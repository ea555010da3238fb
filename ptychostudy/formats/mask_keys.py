"""Names under which files keep the mask of a detector, and what programs mark with each."""

BAD_KEYS = (
    "bad_pixels",
    "bad_pixel_mask",
    "badpixels",
    "pixel_mask",
    "hot_pixels",
    "dead_pixels",
    "detector_mask",
)
"""Marked pixels are bad."""

GOOD_KEYS = ("valid_pixel_mask", "valid_pixels", "good_pixels", "weights", "weight", "weights2d")
"""Marked pixels are good."""

EITHER_KEYS = ("mask", "masks", "Mask")
"""Programs do not agree on these."""

MASK_KEYS = (*BAD_KEYS, *GOOD_KEYS, *EITHER_KEYS)
