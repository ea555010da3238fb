"""torch and pty-chi as guests: imported late, quiet, with a thread count and a seed, and nothing of it left after."""

import contextlib
import logging
import warnings

from ptychostudy import gpu


@contextlib.contextmanager
def torch_session(threads):
    """Yield torch with a thread count and a seeded generator; put both back after.

    LSQML's Poisson step draws from torch's global generator: a fixed seed makes a second run equal to the first.
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
        torch.set_default_device("cpu")


@contextlib.contextmanager
def silence():
    """Hold pty-chi's log, progress bar and warnings: it writes through the root logger, and so to standard error."""
    logger, disabled = logging.getLogger("ptychi"), logging.root.manager.disable
    level = logger.level
    logger.setLevel(logging.ERROR)
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        logger.setLevel(level)


def choose_device(torch, device):
    """Translate a device into pty-chi's word; a GPU that was given or asked for and is not used is one warning."""
    with warnings.catch_warnings(record=True) as said:  # such as a driver that is too old
        warnings.simplefilter("always")
        present = torch.cuda.is_available()
    if not present and device != "cpu" and gpu.given():
        gpu.warn_unused(
            "torch", _causes(torch) or [str(each.message).split(". ")[0] for each in said]
        )
    elif not present and device == "gpu":
        warnings.warn(
            "no GPU that torch can use: reconstructing on the CPU", RuntimeWarning, stacklevel=3
        )
    return "gpu" if present and device != "cpu" else "cpu"


def _causes(torch):
    """Return what torch lacks of what it needs for a GPU, with the remedy."""
    if torch.version.cuda or torch.version.hip:
        return []
    return [
        f"torch {torch.__version__} is a build for CPUs (install the CUDA build: `make clean`, then `make environment "
        "GPU=1` without torch's CPU index in pip's settings)"
    ]


def _import_torch():
    """Import torch so that ptychi can be imported after it.

    torchvision's wheel is linked to a CUDA torch; beside a CPU build it fails for two missing operators that ptychi
    never calls. Only when that happens are the two declared, and the import is tried again.
    """
    import torch

    try:
        import ptychi.api
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        torch._ptychostudy_operators = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            torch._ptychostudy_operators.define(
                f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
        import ptychi.api  # noqa: F401
    return torch
