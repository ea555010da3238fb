"""A simulated scan, a network and pty-chi on it, and all of them beside each other; half a minute.

To an editor that knows ``# %%`` the parts are the cells of a notebook.
"""

# %%
import ptychostudy

study = ptychostudy.settings(
    {
        "base": {
            "frame_px": 32,
            "object": {"shape_px": [176, 144]},
            "probe": {"diameter_px": 18},
            "scan": {"step_px": 4.5, "jitter_px": 1},
        },
        "train": {"pinn": {"epochs": 20}},
        "maximise": {"weight": 1.5},
    }
)
DOSE = 2000  # photons per frame
VIEW = "dense"


def show(done, total, loss):
    """Print every fifth epoch."""
    if done % 5 == 0:
        print(f"  {done} of {total}", "" if loss is None else f"loss {loss:.4g}")


# %% [markdown]
# The scan is cut into a part to learn from and one to test on; a view says which frames are used.

# %%
scene = ptychostudy.make_scene(study)
scans, views = {}, {}
for split in ("train", "test"):
    scans[split] = ptychostudy.simulate(scene, DOSE, study, split=split)
    views[split] = ptychostudy.measure_overlap(
        scene.positions, scene.probe, study, VIEW, split=split
    )
test = scans["test"], views["test"]

# %% [markdown]
# Each arm runs in a process of its own. The network refines what the likelihood says of a view.

# %%
print("likelihood")
results = ptychostudy.maximise(*test, study)
print("PtychoPINN")
network = ptychostudy.train(
    "PtychoPINN", [scans["train"]], [views["train"]], study, on_progress=show
)
results |= ptychostudy.infer(network, *test, study, estimates=results)
print("pty-chi")
results["PtyChi"] = ptychostudy.reconstruct(*test, study, on_progress=show)

# %% [markdown]
# One mask, one gauge rule, one truth for all; `Flat` is what a metric gives to an object without
# structure.

# %%
comparison = ptychostudy.compare(results, scene.object, views["test"], study)
print(f"{'':12} phase SSIM  FRC50")
for name, score in comparison.scores.items():
    rows = score.evaluation.rows
    print(f"{name:12} {rows['ssim'][1]:10.3f} {rows['frc50'][2]:6.3f}")
