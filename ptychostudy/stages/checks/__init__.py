"""The checks of the verification: each takes the hub and says what is wrong, or nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ptychostudy import io

SPLITS = ("train", "test")
ARMS = ("PtychoPINN", "Baseline", "PtyChi")
CONTROLS = ("Flat", "Untrained")


class CouldNotCheck(Exception):
    """A check that has no meaning for this study; the message says why."""


@dataclass(frozen=True)
class Hub:
    """A finished study.

    Attributes
    ----------
    root : Path
        Working directory of the study.
    settings : dict
        Settings of the stage verify, with ``pairs``, ``seeds``, ``trained_on`` and ``gridsize``.
    """

    root: Path
    settings: dict[str, Any]

    @property
    def doses(self) -> list[int]:
        """Doses per frame of the study."""
        return list(dict.fromkeys(dose for dose, _ in self.settings["pairs"]))

    @property
    def views(self) -> list[str]:
        """Names of the views of the study."""
        return list(dict.fromkeys(view for _, view in self.settings["pairs"]))

    def cells(self) -> Iterator[tuple[int, str, str]]:
        """Yield (dose, view, split) of every cell."""
        for dose, view in self.settings["pairs"]:
            for split in SPLITS:
                yield dose, view, split

    def repetitions(self) -> "Iterator[Hub]":
        """Yield the hub of every seed after the first; it holds what that seed drew and what followed."""
        for seed in self.settings["seeds"][1:]:
            yield Hub(self.root / "seeds" / f"seed_{seed}", self.settings | {"seeds": [seed], "repetition": True})

    def analysis(self, dose: int, view: str, split: str) -> Path:
        """Return the folder of a cell's comparison."""
        return self.root / "analysis" / f"dose_{dose}" / view / split

    def scan(self, dose: int, split: str) -> Path:
        """Return the frames of a dose and split."""
        return self.root / "data" / "phase_c" / f"dose_{dose}" / f"patched_{split}.npz"

    def bundles(self) -> Iterator[Path]:
        """Yield every trained bundle."""
        networks: dict[Path, None] = {}
        for dose, view in self.settings["pairs"]:
            trained = "all" if self.settings["trained_on"] == "all" else dose
            folder = self.root / "data" / "phase_e" / f"dose_{trained}"
            networks[folder / "baseline" / "gs1" / "wts.h5.zip"] = None
            networks[folder / view / f"gs{self.settings['gridsize']}" / "wts.h5.zip"] = None
        yield from networks


@dataclass(frozen=True)
class Check:
    """One check: what it looks at, what it says, and how it is done.

    Attributes
    ----------
    path : str
        What the check looks at, relative to the hub.
    description : str
        One line.
    run : callable
        Takes the hub, returns a list of problems; an empty list means valid.
    """

    path: str
    description: str
    run: Callable[[Hub], list[str]]


def perform(check: Check, hub: Hub) -> dict[str, Any]:
    """Run one check; bad or missing files make it invalid, never stop the others."""
    found: dict[str, Any] = {"path": check.path, "description": check.description}
    try:
        problems = check.run(hub)
    except CouldNotCheck as reason:
        return {**found, "valid": None, "error": f"could not check: {reason}"}
    except (io.DataError, OSError, ValueError, KeyError, TypeError, IndexError) as error:
        problems = [f"{type(error).__name__}: {error}" if not isinstance(error, io.DataError) else str(error)]
    if not problems:
        return {**found, "valid": True}
    shown = "; ".join(problems[:5]) + (f"; and {len(problems) - 5} more" if len(problems) > 5 else "")
    return {**found, "valid": False, "error": shown, "n_problems": len(problems)}
