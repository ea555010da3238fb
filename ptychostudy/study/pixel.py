"""The object pixel of a study that names none.

A module of its own: what is only drawn with it must not make trained networks stale.
"""

UNSTATED_PIXEL_M = 1e-8
"""Its side: what is simulated has it; of a user's file it says nothing."""
