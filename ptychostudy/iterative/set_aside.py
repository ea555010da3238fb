"""Libraries that pty-chi imports for functions which are not called here: seconds of each process.

torchvision is for blurred probes, scikit-learn for probes that vary, Matplotlib for pictures of
timings, SciPy's distances for batches of frames that lie together. While pty-chi is imported,
something stands in for them; what is asked of it then is looked up in the library itself once it is
called.
"""

import contextlib
import functools
import importlib
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

_ASIDE = (
    "torchvision",
    "torchvision.transforms",
    "sklearn",
    "sklearn.cluster",
    "matplotlib",
    "matplotlib.pyplot",
    "matplotlib.animation",
    "scipy.spatial",
)


class _StandIn(ModuleType):
    """A module whose functions are looked up in the one of its name when they are called."""

    def __getattr__(self, name: str) -> Any:
        # What Python itself asks of a module is not there.
        if name.startswith("__"):
            raise AttributeError(name)
        # ``import a.b as c`` takes b out of a.
        inner = f"{self.__name__}.{name}"
        return sys.modules.get(inner) or functools.partial(_call, self.__name__, name)


def _call(module: str, name: str, *arguments: Any, **options: Any) -> Any:
    return getattr(importlib.import_module(module), name)(*arguments, **options)


@contextlib.contextmanager
def set_aside() -> Iterator[None]:
    """Let what is imported meanwhile do without some libraries; those that are here stay."""
    added = [name for name in _ASIDE if name not in sys.modules]
    for name in added:
        stand_in = _StandIn(name)
        # Without it, it would be no package.
        stand_in.__path__ = []
        sys.modules[name] = stand_in
    try:
        yield
    finally:
        for name in added:
            del sys.modules[name]


def without_compiler(optimizer: type) -> None:
    """Let an optimizer of torch not load torch's compiler only to be left out of what it compiles.

    Parameters
    ----------
    optimizer : type
        ``torch.optim.Optimizer``; nothing is compiled here.
    """
    for name in ("zero_grad", "add_param_group"):
        plain = getattr(getattr(optimizer, name), "__wrapped__", None)
        if plain is not None:
            # Where torch keeps the form of it that is left out.
            setattr(plain, "__dynamo_disable", plain)
