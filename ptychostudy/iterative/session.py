"""torch and pty-chi as guests: imported late, quiet, with a thread count and a seed, and nothing of it left after."""

import contextlib
import logging
import warnings


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
    """Translate a device into pty-chi's word; without a GPU the CPU is taken, with one warning if a GPU was asked."""
    present = torch.cuda.is_available()
    if device == "gpu" and not present:
        warnings.warn("no GPU that torch can use: reconstructing on the CPU", RuntimeWarning, stacklevel=3)
    return "gpu" if present and device != "cpu" else "cpu"


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
            torch._ptychostudy_operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import ptychi.api  # noqa: F401
    return torch
