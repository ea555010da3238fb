"""A small scan in pty-chi's conventions, made with NumPy alone, and a task that holds it."""

import logging
import warnings

import numpy as np

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")

N, SIDE = 32, 64
_random = np.random.default_rng(1)


def _smooth(shape):
    """Return a complex field with details of some three pixels and a modulus up to one."""
    noise = _random.normal(size=shape) + 1j * _random.normal(size=shape)
    rows, cols = (np.fft.fftfreq(n)[:, None] for n in shape)
    low = np.exp(-180 * (rows**2 + cols.T**2))
    field = np.fft.ifft2(low * np.fft.fft2(noise))
    return field / np.abs(field).max()


def make_probe(n=N):
    """Return two modes (2, n, n) of some 10^6 photons; both end well before the edge."""
    y, x = np.mgrid[:n, :n] - n / 2 + 0.5
    first = np.exp(-(x**2 + y**2) / 50 + 0.02j * (x**2 + y**2))
    second = 0.5 * np.exp(-(x**2 + y**2) / 50) * x / 5
    return np.stack([first, second]) * 100 / n


def make_frames(object_, modes, positions):
    """Return frames (k, n, n), and those in which only the first mode moves by fractions.

    The zero frequency is in the corner.
    Positions (k, 2) are the window centres from the middle of the object.
    """
    n, middle = modes.shape[-1], object_.shape[0] // 2
    k = np.fft.fftfreq(n)
    both, first = [], []
    for position in positions:
        whole = np.round(position)
        dy, dx = position - whole
        row, col = (whole + middle - n // 2).astype(int)
        patch = object_[row : row + n, col : col + n]
        ramp = np.exp(-2j * np.pi * (k[:, None] * dy + k * dx))
        moved = np.fft.ifft2(np.fft.fft2(modes) * ramp)
        intensities = np.abs(np.fft.fft2(patch * moved)) ** 2
        resting = np.abs(np.fft.fft2(patch * modes)) ** 2
        both.append(intensities.sum(axis=0))
        first.append(intensities[0] + resting[1:].sum(axis=0))
    return np.array(both), np.array(first)


def centred(frames):
    """Return frames with the zero frequency at N // 2, as a detector sees them."""
    return np.fft.fftshift(frames, axes=(-2, -1))


def difference(found, expected):
    """Return the rms difference of two sets of amplitudes over the rms amplitude."""
    squares = (np.sqrt(found) - np.sqrt(expected)) ** 2
    return float(np.sqrt(squares.sum() / expected.sum()))


def make_task(options, frames, positions, modes, object_, **more):
    """Return a task of pty-chi on the CPU whose result does not depend on the order of threads."""
    from ptychi.api.task import PtychographyTask

    options.reconstructor_options.default_device = "cpu"
    options.reconstructor_options.allow_nondeterministic_algorithms = False
    options.object_options.remove_object_probe_ambiguity.enabled = False
    return PtychographyTask(
        options,
        diffraction_data=frames.astype(np.float32),
        object_data=object_[None].astype(np.complex64),
        probe_data=modes[None].astype(np.complex64),
        probe_position_x_px=positions[:, 1].astype(np.float32),
        probe_position_y_px=positions[:, 0].astype(np.float32),
        **more,
    )


def run(task, epochs):
    """Run a task without its progress bar and return its object (H, W)."""
    task.reconstructor.pbar.disable = True
    task.run(epochs)
    return task.get_data_to_cpu("object", as_numpy=True)[0]


def predict(task):
    """Return the frames that pty-chi's own model expects, zero frequency in the corner."""
    import torch

    with torch.no_grad():
        return task.reconstructor.forward_model(torch.arange(len(task.dataset))).numpy()


OBJECT = (1 - 0.3 * np.abs(_smooth((SIDE, SIDE)))) * np.exp(3j * _smooth((SIDE, SIDE)).real)
_steps = np.arange(-12, 13, 4.0)
POSITIONS = np.stack(np.meshgrid(_steps, _steps, indexing="ij"), axis=-1).reshape(-1, 2)
POSITIONS = POSITIONS + _random.uniform(-0.4, 0.4, POSITIONS.shape)
# What a masked pixel holds is no measurement: some detectors write 0 there, others 2^32 - 1.
MASK = np.ones((N, N), bool)
MASK[10:13, 20:23] = False
MASK[16, 16] = False
