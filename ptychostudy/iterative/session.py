"""torch and pty-chi as guests: imported late, quiet, with a thread count and a seed.

Nothing of it is left after. Modules and devices of torch are `Any` here: torch may be absent, or of
another build, where types are checked.
"""

import contextlib
import logging
import warnings
from collections.abc import Iterator
from typing import Any

from ptychostudy.io import gpu
from ptychostudy.iterative.set_aside import set_aside, without_compiler


@contextlib.contextmanager
def torch_session(threads: int) -> Iterator[Any]:
    """Yield torch with a thread count and a seeded generator; put both back after.

    LSQML's Poisson step draws from torch's global generator: a fixed seed makes a second run equal
    to the first.
    """
    torch = _import_torch()
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield torch
    finally:
        torch.set_num_threads(before)
        # pty-chi makes its device torch's default, and leaves it so.
        torch.set_default_device("cpu")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Hold pty-chi's log, progress bar and warnings.

    It writes through the root logger, and so to standard error.
    """
    logger = logging.getLogger("ptychi")
    level = logger.level
    disabled = logging.root.manager.disable
    logger.setLevel(logging.ERROR)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        logger.setLevel(level)


def choose_device(torch: Any, device: str) -> str:
    """Translate a device into pty-chi's word.

    A GPU that was given or asked for and is not used is one warning.
    """
    present, complaints = _look_for_gpu(torch)
    if not present and device != "cpu" and gpu.given():
        gpu.warn_unused("torch", _causes(torch) or complaints)
    elif not present and device == "gpu":
        warnings.warn(
            "no GPU that torch can use: reconstructing on the CPU", RuntimeWarning, stacklevel=3
        )
    return "gpu" if present and device != "cpu" else "cpu"


def _look_for_gpu(torch: Any) -> tuple[bool, list[str]]:
    """Return whether torch can use a GPU, and the first sentence of each warning it gave."""
    with warnings.catch_warnings(record=True) as said:  # such as a driver that is too old
        warnings.simplefilter("always")
        present = bool(torch.cuda.is_available())
    return present, [_first_sentence(warning) for warning in said]


def _first_sentence(warning: warnings.WarningMessage) -> str:
    return str(warning.message).split(". ")[0]


def _causes(torch: Any) -> list[str]:
    """Return what torch lacks of what it needs for a GPU, with the remedy."""
    if torch.version.cuda or torch.version.hip:
        return []
    return [
        f"torch {torch.__version__} is a build for CPUs (install the CUDA build: `make clean`, "
        "then `make environment GPU=1` without torch's CPU index in pip's settings)"
    ]


def _import_torch() -> Any:
    """Import torch, and pty-chi without what is not used of it.

    So torchvision is left alone, too, whose wheel is linked to a CUDA torch and fails beside a CPU
    build.
    """
    import torch

    without_compiler(torch.optim.Optimizer)
    with set_aside():
        import ptychi.api
        import ptychi.api.task  # noqa: F401
    return torch
