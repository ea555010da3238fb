"""A metric of your own, over doses: the study aligns the fields, you measure them; a few seconds.

To an editor that knows ``# %%`` the parts are the cells of a notebook.
"""

# %%
import numpy as np

import ptychostudy

study = ptychostudy.settings(
    {
        "base": {
            "frame_px": 32,
            "object": {"shape_px": [144, 112]},
            "probe": {"diameter_px": 18},
            "scan": {"step_px": 4.5, "jitter_px": 1},
        },
        "maximise": {"iterations": 30, "smooth_iterations": 15, "weight": 1.5},
    }
)


# %% [markdown]
# How much of the truth's edges is there: the correlation of the moduli of both phase gradients.


# %%
def edges(field):
    """Return the modulus of the phase gradient, in rad per pixel."""
    down = np.angle(field[1:, :-1] * field[:-1, :-1].conj())
    right = np.angle(field[:-1, 1:] * field[:-1, :-1].conj())
    return np.hypot(down, right)


def edge_correlation(field, truth, mask):
    """Return the correlation of the edges of a field with those of the truth."""
    # A difference reaches a pixel further, which has to be scored as well.
    inner = mask[:-1, :-1] & mask[1:, :-1] & mask[:-1, 1:]
    return np.corrcoef(edges(field)[inner], edges(truth)[inner])[0, 1]


# %% [markdown]
# One scan of many photons, thinned: each photon is kept with the same probability.

# %%
scene = ptychostudy.make_scene(study)
view = ptychostudy.measure_overlap(scene.positions, scene.probe, study, "dense")
bright = ptychostudy.simulate(scene, 100_000, study)

for dose in (100, 1000, 10_000):
    results = ptychostudy.maximise(ptychostudy.thin(bright, dose), view, study)
    comparison = ptychostudy.compare(results, scene.object, view, study)
    for name in ("PhysicsOnly", "TV"):
        mine = edge_correlation(comparison.scores[name].field, comparison.truth, comparison.mask)
        ssim = comparison.scores[name].evaluation.rows["ssim"][1]
        print(f"{dose:6} photons  {name:12} edges {mine:.3f}  phase SSIM {ssim:.3f}")
