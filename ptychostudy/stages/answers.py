"""Stage answers: what one network says of some frames on one backend; `parity` compares them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_npz, write_npz
from ptychostudy.networks.computing import made_by, prepare
from ptychostudy.recipes.canvas_infer import the_estimate

__all__ = ["backend_of", "prepare", "run"]


def run(
    *,
    backend: Literal["tensorflow", "torch", "jax"],
    bundle: Path,
    scan: Path,
    view: Path,
    output: Path,
    estimate: list[Path] = [],  # noqa: B006 - read, never changed; the command line needs the type
    frames: int = 64,
) -> None:
    """Write patches, numbers of each layer, and the weights after one step of a training.

    Parameters
    ----------
    backend : str
        What Keras computes with.
    bundle : Path
        The trained network.
    scan, view : Path
        Frames; frame indices and groups.
    output : Path
        ``patches``, ``offsets``, ``layer/...``, ``stepped/...``; the backend in the metadata.
    estimate : list of Path
        ``tv.npz``, for a network of canvases.
    frames : int
        How many frames' patches.
    """
    # Keras, once its backend is chosen.
    from ptychostudy.recipes.answers import answers

    known = read_npz(view, ["frames", "groups"])
    product = the_estimate(estimate) if estimate else None
    said = answers(read_bundle(bundle), open_scan(scan), known, product, frames)
    write_npz(output, said.arrays(), {"backend": made_by(backend), "bundle": bundle.name})


def backend_of(options: Mapping[str, Any]) -> str:
    """Return what computes the answers, given the options of `run`."""
    return str(options["backend"])
