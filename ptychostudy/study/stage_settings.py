"""What each stage reads of a study, and the one way there: the JSON of a command line.

`encode` is called by the rules, `decode` by the command line; in between nothing reads the text. A
stage gets the section whole and asks it by name, so no key has a second default.
"""

import json
from typing import TYPE_CHECKING, Any

from ptychostudy.study.refusals import validated
from ptychostudy.study.section import Section
from ptychostudy.study.sections.base import BaseSettings, FetchSettings
from ptychostudy.study.sections.compare import CompareSettings
from ptychostudy.study.sections.infer import PatchSettings
from ptychostudy.study.sections.overlap import SamplingSettings
from ptychostudy.study.sections.reconstruct import ReconstructSettings
from ptychostudy.study.sections.simulate import FramesSettings
from ptychostudy.study.sections.summarize import ReportSettings
from ptychostudy.study.sections.train import BaselineSettings, PinnSettings
from ptychostudy.study.sections.verify import VerificationSettings
from ptychostudy.study.yaml_file import ConfigError

if TYPE_CHECKING:
    from ptychostudy.study.settings import Study

READ: dict[str, type[Section]] = {
    "fetch": FetchSettings,
    "base": BaseSettings,
    "reference": ReconstructSettings,
    "simulate": FramesSettings,
    "overlap": SamplingSettings,
    "train_pinn": PinnSettings,
    "train_baseline": BaselineSettings,
    "reconstruct": ReconstructSettings,
    "infer": PatchSettings,
    "compare": CompareSettings,
    "summarize": ReportSettings,
    "verify": VerificationSettings,
}
"""The section that each stage reads; the networks have one each."""

TRAIN = {"PtychoPINN": "train_pinn", "Baseline": "train_baseline"}
"""Whose section the stage ``train`` reads, by arm."""


def stage_settings(study: "Study", stage: str, view: str | None = None) -> Section:
    """Return what one stage reads, and nothing else.

    Parameters
    ----------
    study : Study
    stage : str
        A key of `READ`.
    view : str, optional
        For ``overlap``: the view.

    Raises
    ------
    ConfigError
        If there is no such stage or view.
    """
    if stage not in READ:
        raise ConfigError(
            f"stage {stage!r} has no settings; needed: one of {', '.join(sorted(READ))}"
        )
    if stage == "overlap":
        return _sampling(study, view)
    values = _values(study)[stage]
    # A section holds more than its stage reads; the rest must not make the files of that stage stale.
    read = READ[stage].model_fields
    return READ[stage](**{key: value for key, value in values.items() if key in read})


def _values(study: "Study") -> dict[str, dict[str, Any]]:
    whole = {
        "seeds": study.seeds,
        "design": study.simulate.design,
        "trained_on": study.train.doses,
        "gridsize": study.overlap.gridsize,
        "pairs": study.pairs,
        "split": study.split,
        "verify": study.verify,
    }
    return {
        "fetch": dict(study.base),
        "base": dict(study.base),
        "reference": dict(study.reference),
        "simulate": whole | _repeated(study, study.simulate),
        "train_pinn": _repeated(study, study.train.pinn),
        "train_baseline": _repeated(study, study.train.baseline),
        "reconstruct": dict(study.reconstruct),
        "infer": dict(study.infer),
        "compare": dict(study.compare),
        "summarize": whole | dict(study.summarize),
        "verify": whole | dict(study.summarize),
    }


def _repeated(study: "Study", section: Section) -> dict[str, Any]:
    """Return a section that draws, with the seed of this repetition of the study."""
    values = dict(section)
    values["seed"] += study.seeds[0]
    return values


def _sampling(study: "Study", view: str | None) -> SamplingSettings:
    views = study.overlap.views
    if view not in views:
        raise ConfigError(
            f"view {view!r} is not in the configuration; needed: one of {list(views)}"
        )
    common = dict(study.overlap)
    del common["views"]
    return SamplingSettings(**common, **dict(views[view]), split=study.split)


def encode(settings: Section) -> str:
    """Return what a stage reads as the text that the command line takes."""
    return json.dumps(settings.plain(), sort_keys=True)


def decode(stage: str, text: str) -> Section:
    """Return what a stage reads from the text of the command line.

    Raises
    ------
    ConfigError
        If the text is no JSON object, or a key is unknown or wrong.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"--settings is not JSON ({error}); needed: an object with the stage's keys"
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(f"--settings holds {type(values).__name__}, needed a JSON object")
    try:
        return validated(READ[stage], values)
    except ConfigError as error:
        raise ConfigError(f"--settings: {error}") from None
