"""What computes a network: NumPy, or a backend of Keras, which is imported for it alone."""

import importlib.metadata
import logging
from typing import TYPE_CHECKING

from ptychostudy.study.names import AUTO, NUMPY, TENSORFLOW

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import CourseSettings

_log = logging.getLogger("ptychostudy")


def backend_of(settings: "CourseSettings") -> str:
    """Return what computes a training: of ``auto`` NumPy for networks of canvases, else TensorFlow.

    Parameters
    ----------
    settings : PinnSettings, BaselineSettings or FeedForwardSettings
    """
    if settings.backend != AUTO:
        return settings.backend
    # FeedForward is a network of groups, which its section need not say.
    canvas = getattr(settings, "architecture", None) == "canvas"
    return NUMPY if canvas else TENSORFLOW


def prepare(backend: str) -> None:
    """Start what computes a network, where its greetings can be held back."""
    if backend == NUMPY:
        _log.info("networks run on the CPU (%s %s)", NUMPY, importlib.metadata.version(NUMPY))
        return
    from ptychostudy.networks.backend import start

    start()


def made_by(backend: str) -> dict[str, str]:
    """Return name and version of what computes a network, as records of what it made keep them."""
    if backend != NUMPY:
        from ptychostudy.networks.backend import made_by as made_by_keras

        return made_by_keras()
    return {"name": NUMPY, "version": importlib.metadata.version(NUMPY)}
