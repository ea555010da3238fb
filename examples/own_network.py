"""A network of your own as a fourth arm, beside PtychoPINN, pty-chi and the likelihood; a minute.

It is written in torch here, and could be anything: arrays go in and come out. To an editor that
knows ``# %%`` the parts are the cells of a notebook.
"""

# %%
from dataclasses import replace

import numpy as np
import torch

import ptychostudy

study = ptychostudy.settings(
    {
        "base": {
            "frame_px": 32,
            "object": {"shape_px": [176, 144]},
            "probe": {"diameter_px": 18},
            "scan": {"step_px": 4.5, "jitter_px": 1},
        },
        "train": {"pinn": {"epochs": 10, "width": 8}},
        "reconstruct": {"epochs": 10},
        "maximise": {"weight": 1.5},
    }
)
DOSE = 500  # photons per frame
VIEW = "dense"

# %% [markdown]
# What every arm has: the frames of both parts, and what the likelihood makes of them.

# %%
scene = ptychostudy.make_scene(study)
scans, views, known = {}, {}, {}
for split in ("train", "test"):
    scans[split] = ptychostudy.simulate(scene, DOSE, study, split=split)
    views[split] = ptychostudy.measure_overlap(
        scene.positions, scene.probe, study, VIEW, split=split
    )
    known[split] = ptychostudy.maximise(scans[split], views[split], study)


# %% [markdown]
# The network changes the likelihood's object, seen as real and imaginary part in units of its mean.
# It learns on the training part, where it may see the truth; the test part is another part of the
# object.


# %%
def planes(field):
    """Return a complex field (H, W) as planes (1, 2, H, W)."""
    return torch.tensor(np.stack([field.real, field.imag])[None], dtype=torch.float32)


def gauge(result):
    """Return the factor that a reconstruction leaves open: its mean where it is covered."""
    return result.field[result.coverage > 0].mean()


class Denoiser(torch.nn.Module):
    """A few convolutions that say what to add to what they are given."""

    def __init__(self, width=16):
        super().__init__()
        sizes = [2, width, width, width]
        layers = []
        for before, after in zip(sizes, sizes[1:], strict=False):
            layers += [torch.nn.Conv2d(before, after, 5, padding=2), torch.nn.ReLU()]
        self.layers = torch.nn.Sequential(*layers, torch.nn.Conv2d(width, 2, 5, padding=2))

    def forward(self, field):
        """Return planes (1, 2, H, W) of the same shape."""
        return field + self.layers(field)


def trained(result, truth, *, steps=150):
    """Return the network, trained on one reconstruction and its truth."""
    torch.manual_seed(0)
    network = Denoiser()
    seen = result.field / gauge(result)
    row, col = result.origin
    wanted = truth[row : row + len(seen), col : col + seen.shape[1]]
    light = torch.tensor((result.coverage > 0.1 * result.coverage.max()).astype(np.float32))
    weight = light.numpy()
    # Into the gauge of what the network is given, which no truth is needed for later.
    factor = np.vdot(weight * wanted, seen) / np.vdot(weight * wanted, wanted)
    target, given = planes(factor * wanted), planes(seen)
    optimiser = torch.optim.Adam(network.parameters(), lr=2e-3)
    for step in range(steps):
        optimiser.zero_grad()
        loss = (light * (network(given) - target) ** 2).sum() / light.sum()
        loss.backward()
        optimiser.step()
        if step % 50 == 49:
            print(f"  step {step + 1} of {steps}, loss {loss.item():.4f}")
    return network


def denoised(network, result):
    """Return a result with another field: coverage, origin and record stay."""
    with torch.no_grad():
        made = network(planes(result.field / gauge(result)))[0].numpy()
    return replace(result, field=(made[0] + 1j * made[1]) * gauge(result))


# %%
print("Mine")
mine = trained(known["train"]["PhysicsOnly"], scene.object)
results = dict(known["test"])
results["Mine"] = denoised(mine, results["PhysicsOnly"])

# %% [markdown]
# The other arms, each in a process of its own: torch here and TensorFlow there never meet.

# %%
test = scans["test"], views["test"]
network = ptychostudy.train("PtychoPINN", [scans["train"]], [views["train"]], study)
results |= ptychostudy.infer(network, *test, study, estimates=known["test"])
results["PtyChi"] = ptychostudy.reconstruct(*test, study)

comparison = ptychostudy.compare(results, scene.object, views["test"], study)
print(f"{'':12} phase SSIM  FRC50")
for name, score in comparison.scores.items():
    rows = score.evaluation.rows
    print(f"{name:12} {rows['ssim'][1]:10.3f} {rows['frc50'][2]:6.3f}")
