"""A finished study on disk: what the checks walk through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ptychostudy.study import layout
from ptychostudy.study.arm_names import arms_of_study
from ptychostudy.study.names import SPLITS

if TYPE_CHECKING:
    from ptychostudy.study.sections.verify import VerificationSettings


@dataclass(frozen=True)
class Hub:
    """A finished study.

    Attributes
    ----------
    root : Path
        Working directory of the study, or the folder of a further seed in it.
    settings : VerificationSettings
        What the stage verify reads.
    repetition : bool
        Whether `root` holds only what a further seed drew and what followed.
    study_root : Path or None
        Working directory of the study where `root` is the folder of a further seed.
    """

    root: Path
    settings: "VerificationSettings"
    repetition: bool = False
    study_root: Path | None = None

    @property
    def study(self) -> Path:
        """Working directory of the study, of a further seed, too: what settings name is there."""
        return self.study_root or self.root

    @property
    def arms(self) -> list[str]:
        """Arms of the study, in the order of its tables."""
        settings = self.settings
        return arms_of_study(settings.networks, settings.start, settings.arms.extra)

    @property
    def doses(self) -> list[int]:
        """Doses per frame of the study."""
        # Not sorted: in the order of the configuration, as the study itself lists them.
        return list(dict.fromkeys(dose for dose, _ in self.settings.pairs))

    @property
    def views(self) -> list[str]:
        """Names of the views of the study."""
        return list(dict.fromkeys(view for _, view in self.settings.pairs))

    def cells(self) -> Iterator[tuple[int, str, str]]:
        """Yield (dose, view, split) of every cell."""
        for dose, view in self.settings.pairs:
            for split in SPLITS:
                yield dose, view, split

    def repetitions(self) -> "Iterator[Hub]":
        """Yield the hub of every seed after the first; it holds what that seed drew."""
        # The first seed's files are those of the study itself.
        for seed in self.settings.seeds[1:]:
            own = self.settings.model_copy(update={"seeds": [seed]})
            root = self.root / layout.SEED.format(seed=seed)
            yield Hub(root, own, repetition=True, study_root=self.root)

    def path(self, template: str, **of: int | str) -> Path:
        """Return a file of the study, by its path in `layout`."""
        return self.root / template.format(**of)

    def analysis(self, dose: int, view: str, split: str) -> Path:
        """Return the folder of a cell's comparison."""
        return self.path(layout.COMPARISON, dose=dose, view=view, split=split, name="")

    def scan(self, dose: int, split: str) -> Path:
        """Return the frames of a dose and split."""
        return self.path(layout.FRAMES, dose=dose, split=split)

    def bundles(self, networks: Sequence[str]) -> Iterator[Path]:
        """Yield every trained bundle of some networks."""
        # Cells share networks: each is named once.
        of_all: dict[str, None] = {}
        for dose, view in self.settings.pairs:
            of_all |= dict.fromkeys(self._bundles_of(networks, dose, view))
        for path in of_all:
            yield self.root / path

    def _bundles_of(self, networks: Sequence[str], dose: int, view: str) -> list[str]:
        study = self.settings
        bundles = layout.network_bundles(networks, study.trained_on, study.gridsize, dose, view)
        # The Baseline before PtychoPINN, as the report of the verification lists them.
        return list(reversed(bundles.values()))
