"""What a network learns, whatever section its settings come from."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ptychostudy.study.sections.train import NetworkSection


@dataclass(frozen=True)
class Objective:
    """What a network learns.

    Attributes
    ----------
    kind : {"pinn", "supervised"}
        From frames, or from objects.
    loss : {"poisson", "mae"}
        Data term of a network that learns from frames.
    labels : {"truth", "reconstruction"}
        Objects that a supervised network learns from.
    """

    kind: str
    loss: str
    labels: str

    @property
    def from_reconstructions(self) -> bool:
        """Whether it learns from what another arm made of its frames."""
        return self.kind == "supervised" and self.labels == "reconstruction"


def objective_of(settings: "NetworkSection") -> Objective:
    """Return what a network learns.

    Parameters
    ----------
    settings : PinnSettings or BaselineSettings
        Section ``train.pinn`` or ``train.baseline``.
    """
    # Each section has only the keys that it leaves open. The PINN learns from frames by definition;
    # the Baseline, where it does so as well, takes the likelihood of their counts. Said here, and
    # not in the sections: these decide a training, so they must count in its digest.
    return Objective(
        kind=getattr(settings, "kind", "pinn"),
        loss=getattr(settings, "loss", "poisson"),
        labels=getattr(settings, "labels", "truth"),
    )


def objects_of(settings: "NetworkSection") -> list[str]:
    """Return the kinds of further objects that a supervised network learns from.

    Parameters
    ----------
    settings : PinnSettings or BaselineSettings
        Section ``train.pinn`` or ``train.baseline``.
    """
    supervised = objective_of(settings).kind == "supervised"
    return list(getattr(settings, "objects", ())) if supervised else []
