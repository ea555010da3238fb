"""What each stage reads of a study, and the one way there: the JSON of a command line.

`encode` is called by the rules, `decode` by the command line; in between nothing reads the text. A
stage gets the section whole and asks it by name, so no key has a second default.
"""

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ptychostudy.study.arm_names import FEED_FORWARD
from ptychostudy.study.automatic import asked_of_scan, follows_scan, settled
from ptychostudy.study.names import BASELINE, PINN
from ptychostudy.study.refusals import validated
from ptychostudy.study.section import Section
from ptychostudy.study.sections.arms import AdoptSettings
from ptychostudy.study.sections.base import FetchSettings, SourceSettings
from ptychostudy.study.sections.compare import CompareSettings
from ptychostudy.study.sections.infer import PatchSettings, StitchSettings
from ptychostudy.study.sections.maximise import MaximiseSettings
from ptychostudy.study.sections.overlap import SamplingSettings
from ptychostudy.study.sections.page import PageSettings
from ptychostudy.study.sections.reconstruct import ReconstructSettings, ReferenceSettings
from ptychostudy.study.sections.simulate import FramesSettings
from ptychostudy.study.sections.summarize import ReportSettings
from ptychostudy.study.sections.train import (
    BaselineTraining,
    FeedForwardTraining,
    PinnTraining,
)
from ptychostudy.study.sections.verify import VerificationSettings
from ptychostudy.study.yaml_file import ConfigError

if TYPE_CHECKING:
    from ptychostudy.study.settings import Study

READ: dict[str, type[Section]] = {
    "fetch": FetchSettings,
    "base": SourceSettings,
    "reference": ReferenceSettings,
    "simulate": FramesSettings,
    "overlap": SamplingSettings,
    "train_pinn": PinnTraining,
    "train_baseline": BaselineTraining,
    "train_feed_forward": FeedForwardTraining,
    "reconstruct": ReconstructSettings,
    "maximise": MaximiseSettings,
    "infer": PatchSettings,
    "stitch": StitchSettings,
    "adopt": AdoptSettings,
    "compare": CompareSettings,
    "summarize": ReportSettings,
    "verify": VerificationSettings,
    "page": PageSettings,
    "gate": PageSettings,
}
"""The section that each stage reads; the networks have one each."""

TRAIN = {
    PINN: "train_pinn",
    BASELINE: "train_baseline",
    FEED_FORWARD: "train_feed_forward",
}
"""Whose section the stage ``train`` reads, by arm."""

_SECTIONS = {
    "fetch": "base",
    "train_pinn": "train.pinn",
    "train_baseline": "train.baseline",
    "train_feed_forward": "train.feed_forward",
    "stitch": "infer",
    "adopt": "arms",
    "verify": "summarize",
    "gate": "page",
}
"""Where a stage's section lies in the configuration, if it is not called as the stage."""

_DRAWS = ("simulate", *TRAIN.values(), "maximise")
"""Stages that draw anew in each repetition of a study."""


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
        known = ", ".join(sorted(READ))
        raise ConfigError(f"stage {stage!r} has no settings; needed: one of {known}")
    values = _of_the_whole(study)
    values |= settled(study, stage, _of_the_stage(study, stage))
    if stage == "overlap":
        values |= _of_the_view(study, view)
    if stage == "base":
        values |= asked_of_scan(study)
    # A section holds more than its stage reads; the rest must not make its files stale.
    read = READ[stage].model_fields
    return READ[stage](**{key: value for key, value in values.items() if key in read})


def _of_the_whole(study: "Study") -> dict[str, Any]:
    """Return what some stages read beside their own section."""
    # What is not here, as the study's name, changes no file.
    return {
        "seeds": study.seeds,
        "design": study.simulate.design,
        "trained_on": study.train.doses,
        "gridsize": study.overlap.gridsize,
        "pairs": study.pairs,
        "split": study.split,
        "probe_width": "bright" if follows_scan(study) else "power",
        "verify": study.verify,
        "maximise": study.maximise,
        "arms": study.arms,
        "start": study.reconstruct.start,
        "networks": study.train.networks,
    }


def _of_the_stage(study: "Study", stage: str) -> dict[str, Any]:
    """Return a stage's own section, with the seed of this repetition of the study if it draws."""
    section = attrgetter(_SECTIONS.get(stage, stage))(study)
    values = dict(section)
    if stage in _DRAWS:
        # The first of `seeds`, for a repetition is a study of one seed.
        values["seed"] += study.seeds[0]
    return values


def _of_the_view(study: "Study", view: str | None) -> dict[str, Any]:
    views = study.overlap.views
    if view not in views:
        raise ConfigError(
            f"view {view!r} is not in the configuration; needed: one of {list(views)}"
        )
    return dict(views[view])


def encode(settings: Section) -> str:
    """Return what a stage reads as the text that the command line takes."""
    # The text is a parameter of a rule: in one order only a changed value makes files stale.
    return json.dumps(settings.plain(), sort_keys=True)


def decode(stage: str, text: str) -> Section:
    """Return what a stage reads from the text of the command line.

    Raises
    ------
    ConfigError
        If the text is no JSON object, or a key is unknown or wrong.
    """
    values = _object(text)
    try:
        return validated(READ[stage], values)
    except ConfigError as error:
        raise ConfigError(f"--settings: {error}") from None


def _object(text: str) -> dict[str, Any]:
    """Parse the JSON of a command line, which holds keys and values."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"--settings is not JSON ({error}); needed: an object with the stage's keys"
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(f"--settings holds {type(values).__name__}, needed a JSON object")
    return values
