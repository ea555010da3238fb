"""How near the iterative arm comes to the counting floor: rms phase over 1 / sqrt(2 n), by dose, solver and overlap.

    python bench/questions/floor.py [main] [speckle] [half] [free] [study]

prints Markdown tables; without a name all of them, which takes some ten minutes of one core. Photons are drawn with
`core`, the start is flat, the probe known. Scored is the wrapped phase on the well-lit mask after one complex factor
and one phase ramp. Beside pty-chi stands a plain Poisson likelihood in NumPy under SciPy's L-BFGS-B.
"""

import sys
import time
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ptychostudy.measure.gauge import remove_gauge
from ptychostudy.physics.counts import mean_intensity, poisson_counts
from ptychostudy.physics.draws import generator
from ptychostudy.physics.illumination import frames_per_pixel, hull_mask, multiplicity_map, photons_per_pixel
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.probes import make_probe
from ptychostudy.physics.propagate import intensities, translate
from ptychostudy.physics.scans import make_scan
from ptychostudy.physics.windows import extract, place, split_positions

N, LIT = 64, 0.5
DARK = 1e-3  # photons added to measured and expected ones, so that the logarithm stays finite
HEAD = (
    "| solver | likelihood | epochs | photons/frame | rms, rad | x floor, n on the mask | x floor, n = dose x density "
    "| tenfold dose | moved, floors | CPU s |"
)
DOSES = (1e4, 1e5, 1e6)
OWN = ("NumPy, L-BFGS-B", "poisson", 100, {})
LIKELIHOOD = [("autodiff, L-BFGS", noise, 20, {"algorithm": "autodiff"}) for noise in ("poisson", "gaussian")]
BATCHES = [
    (f"LSQML, {optimizer}", noise, epochs, {"algorithm": "LSQML", "optimizer": optimizer})
    for optimizer, noise, epochs in (
        ("adam", "poisson", 50),
        ("adam", "poisson", 200),
        ("adam", "gaussian", 50),
        ("sgd", "poisson", 50),
    )
]


@dataclass
class Scene:
    """Object, probe of unit power, window centres and the well-lit mask."""

    object: np.ndarray
    probe: np.ndarray
    positions: np.ndarray

    def __post_init__(self):
        corner, shape = (0, 0), self.object.shape
        seen = multiplicity_map(self.probe, self.positions, origin=corner, shape=shape)
        inside = hull_mask(self.positions, origin=corner, shape=shape)
        self.mask = seen >= LIT * np.median(seen[inside])
        power = np.abs(self.probe) ** 2
        self.light = seen * (power**2).sum() / power.sum()

    def expected(self, dose):
        """Return expected counts and the probe in photons."""
        scale = dose / mean_intensity(self.object, self.probe, self.positions)
        probe = self.probe * np.sqrt(scale)
        return intensities(self.object, probe, self.positions), probe

    def score(self, found, probe, dose):
        """Return rms phase, and its ratio to the floor for n on the mask and for n = dose x density."""
        straight, _ = remove_gauge(found, self.object, self.mask)
        rms = np.sqrt(np.mean(np.angle(straight * np.conj(self.object))[self.mask] ** 2))
        through = self.light * np.sum(np.abs(probe) ** 2) * np.abs(self.object) ** 2
        n = through[self.mask].mean(), photons_per_pixel(dose, frames_per_pixel(self.positions))
        return rms, *(rms * np.sqrt(2 * value) for value in n)


def small(kind="disc", step_px=8.0):
    """Return the circuit object, 152 px wide, under a probe of 32 px: step 8 is a linear overlap of 75 %."""
    object_ = make_object("circuit", (152, 152), generator(3, "object"))
    probe = make_probe(kind, N, diameter_px=32, rng=generator(3, "probe"))
    return Scene(object_, probe, make_scan("raster", (36, 36), (116, 116), step_px, generator(3, "scan")))


def study(share):
    """Return what a half of the quick study looks like: circuit, disc of 36 px, step 6 px, a share of the frames."""
    object_ = make_object("circuit", (200, 272), generator(7, "object"))
    probe = make_probe("disc", N, diameter_px=36)
    positions = make_scan("raster", (34, 34), (165, 237), 6, generator(7, "scan"), jitter_px=1.5)
    kept = generator(1, "subsampling").permutation(len(positions))[: int(share * len(positions))]
    return Scene(object_, probe, positions[np.sort(kept)])


def maximum_likelihood(counts, positions, probe, shape, steps):
    """Maximise the Poisson likelihood from a flat object; the unknowns are scaled by the light that falls on them."""
    corners, parts = split_positions(positions, N)
    probes, measured = translate(probe, parts), np.fft.ifftshift(np.asarray(counts, float), axes=(-2, -1)) + DARK
    light = place(np.abs(probes) ** 2, corners, shape)
    scale = 1 / np.sqrt(light + 0.05 * light.max())

    def likelihood(unknown):
        object_ = scale * unknown.view(complex).reshape(shape)
        waves = np.fft.fft2(probes * extract(object_, corners, N), norm="ortho")
        mean = np.abs(waves) ** 2 + DARK
        back = np.fft.ifft2((1 - measured / mean) * waves, norm="ortho")
        slope = 2 * scale * place(np.conj(probes) * back, corners, shape)
        return np.sum(mean - measured * np.log(mean)), slope.view(float).ravel()

    start = (np.ones(shape, complex) / scale).view(float).ravel()
    options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 20, "ftol": 0.0, "gtol": 0.0}
    found = minimize(likelihood, start, jac=True, method="L-BFGS-B", options=options)
    return scale * found.x.view(complex).reshape(shape)


def solve(scene, counts, probe, solver):
    """Run one solver; return the object, how far it still moves (nothing for ours) and the CPU seconds."""
    from ptychostudy.iterative.solver import reconstruct
    from ptychostudy.study.sections.reconstruct import ReconstructSettings

    name, noise, epochs, options = solver
    start, shape = time.process_time(), scene.object.shape
    if solver is OWN or name.startswith("NumPy"):
        found, moved = maximum_likelihood(counts, scene.positions, probe, shape, epochs), ""
    else:
        settings = ReconstructSettings(epochs=epochs, noise_model=noise, **options)
        result = reconstruct(counts, scene.positions, probe, shape, settings)
        found, moved = result.object, f"{result.moved:.2f}{'' if result.converged else ' (not converged)'}"
    return found, moved, time.process_time() - start


def table(title, scene, doses, solvers, *, noise=True):
    """Print one table, a row for each solver and dose."""
    n = [photons_per_pixel(dose, frames_per_pixel(scene.positions)) for dose in doses]
    print(f"\n### {title}: {len(scene.positions)} frames, {int(scene.mask.sum())} px scored, ", end="")
    print(f"n = {', '.join(f'{value:.0f}' for value in n)} by density\n\n{HEAD}\n|" + "---|" * 10)
    for solver in solvers:
        before = None
        for dose in doses:
            expected, probe = scene.expected(dose)
            counts = poisson_counts(expected, generator(0, "simulation", int(dose))) if noise else expected
            found, moved, seconds = solve(scene, counts, probe, solver)
            rms, on_mask, by_density = scene.score(found, probe, dose)
            gain = "" if before is None else f"{before / rms:.2f}"
            before = rms
            cells = (*solver[:3], f"{dose:.0e}", f"{rms:.2g}" if rms < 1e-3 else f"{rms:.4f}")
            cells += (f"{on_mask:.2f}", f"{by_density:.2f}", gain, moved, f"{seconds:.1f}")
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def main(names):
    from ptychostudy.iterative.solver import simulate_intensities

    blank = small()
    simulate_intensities(blank.object, blank.probe, blank.positions[:1])  # pays for the import of torch
    if "main" in names:
        table("75 % linear overlap, curved disc", small(), DOSES, [OWN, *LIKELIHOOD, *BATCHES])
    if "speckle" in names:
        table("75 % linear overlap, speckled probe", small("speckle"), DOSES, [OWN, *LIKELIHOOD])
    if "half" in names:
        table("50 % linear overlap, curved disc", small(step_px=16.0), DOSES, [OWN, *LIKELIHOOD, BATCHES[1]])
    if "free" in names:
        runs = [(OWN[0], "poisson", 400, {}), *(("autodiff, L-BFGS", "poisson", e, LIKELIHOOD[0][3]) for e in (20, 60))]
        table("No noise, 75 %", small(), (1e5,), runs, noise=False)
    if "study" in names:
        lsqml = ("LSQML, adam", "gaussian", 50, {"algorithm": "LSQML"})
        runs = [("autodiff, L-BFGS", "poisson", 15, LIKELIHOOD[0][3]), lsqml]
        for label, share in (("dense", 1.0), ("sparse", 0.35)):
            table(f"A half of the quick study, {label}", study(share), (1e3, 1e5), runs)


if __name__ == "__main__":
    main(sys.argv[1:] or ["main", "speckle", "half", "free", "study"])
