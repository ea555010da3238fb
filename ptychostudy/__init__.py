"""How ptychographic reconstruction quality depends on photon dose and scan overlap."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ptychostudy.calls.arms import infer, maximise, reconstruct, train
    from ptychostudy.calls.loading import inspect, load_scan
    from ptychostudy.calls.measured import reference, split
    from ptychostudy.calls.results import compare, export
    from ptychostudy.calls.scans import make_scene, measure_overlap, settings, simulate, thin

__version__ = "0.1.0"
__all__ = [
    "compare",
    "export",
    "infer",
    "inspect",
    "load_scan",
    "make_scene",
    "maximise",
    "measure_overlap",
    "reconstruct",
    "reference",
    "settings",
    "simulate",
    "split",
    "thin",
    "train",
]

_HOMES = {
    **dict.fromkeys(("infer", "maximise", "reconstruct", "train"), "arms"),
    **dict.fromkeys(("compare", "export"), "results"),
    **dict.fromkeys(("inspect", "load_scan"), "loading"),
    **dict.fromkeys(("reference", "split"), "measured"),
}


def __getattr__(name: str) -> Any:
    # As PEP 562 has it: every stage imports this package, and NumPy is to be asked for by name.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.calls.{_HOMES.get(name, 'scans')}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
