"""A whole study: its defaults, how its sections fit together, and how it is read."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from ptychostudy.study.names import SPLITS
from ptychostudy.study.refusals import check_size, validated
from ptychostudy.study.section import SEEDS_END, Doses, Name, Section, Seeds
from ptychostudy.study.sections.arms import ArmsSettings, check_arms
from ptychostudy.study.sections.base import BaseSettings, side_px
from ptychostudy.study.sections.compare import CompareSettings
from ptychostudy.study.sections.infer import InferSettings
from ptychostudy.study.sections.maximise import MaximiseSettings
from ptychostudy.study.sections.overlap import OverlapSettings
from ptychostudy.study.sections.page import PageSettings
from ptychostudy.study.sections.reconstruct import ReferenceSettings, StartedSettings
from ptychostudy.study.sections.simulate import SimulateSettings
from ptychostudy.study.sections.split import SplitSettings
from ptychostudy.study.sections.summarize import SummarizeSettings
from ptychostudy.study.sections.train import ANCESTOR_SIDES, TrainSettings
from ptychostudy.study.sections.verify import VerifySettings
from ptychostudy.study.yaml_file import ConfigError, read_yaml

# Expected counts are rounded to whole photons; with so many a pixel that is no noise to speak of.
_NOISE_FREE_PHOTONS_PER_PIXEL = 1000
# As the range of a dose in the configuration; a view that keeps few frames asks for more.
_LARGEST_DOSE = 10**9


class Study(Section):
    """A whole study; one section per stage."""

    study: Name = Field("quick", description="name of the study")
    doses: Doses | None = Field(
        None, description="shorthand for simulate.doses on the command line"
    )
    select_views: list[Name] | None = Field(
        None, alias="views", min_length=1, description="only these of overlap.views"
    )
    seeds: Seeds = Field(
        default=[0], description="repetitions; each is added to the seeds of photons and networks"
    )
    base: BaseSettings = Field(
        BaseSettings(), description="object, probe and scan, simulated or the user's own"
    )
    reference: ReferenceSettings = Field(
        ReferenceSettings(),
        description="how measured frames are reconstructed at full dose, to score against",
    )
    split: SplitSettings = Field(
        SplitSettings(), description="how the scan is cut into a training and a test part"
    )
    simulate: SimulateSettings = Field(
        SimulateSettings(), description="doses and the draw of photons"
    )
    overlap: OverlapSettings = Field(
        OverlapSettings(), description="views, groups and the overlap metrics"
    )
    train: TrainSettings = Field(TrainSettings(), description="the networks")
    reconstruct: StartedSettings = Field(
        StartedSettings(), description="the iterative arm, and what another one starts from"
    )
    maximise: MaximiseSettings = Field(
        MaximiseSettings(), description="the likelihood on one canvas, plain and with a prior"
    )
    infer: InferSettings = Field(InferSettings(), description="chunked inference and stitching")
    arms: ArmsSettings = Field(
        ArmsSettings(), description="reconstructions of other programs, as arms of their own"
    )
    compare: CompareSettings = Field(
        CompareSettings(), description="gauge, registration and metrics"
    )
    summarize: SummarizeSettings = Field(SummarizeSettings(), description="reports")
    verify: VerifySettings = Field(VerifySettings(), description="bounds of the verification")
    page: PageSettings = Field(PageSettings(), description="when the page calls a dose usable")

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        _check_window(self)
        _check_seeds(self)
        _check_ancestors(self)
        # The doses of a study are those of its views, which have to be there.
        _check_views(self)
        _check_counts(self)
        check_arms(self.arms, _varying(self))
        if self.simulate.design == "fixed_fluence":
            _check_fluence(self)
        return self

    @property
    def view_list(self) -> list[str]:
        """Names of the views of the study."""
        views = list(self.overlap.views)
        if self.select_views is None:
            return views
        return [name for name in views if name in self.select_views]

    @property
    def pairs(self) -> list[tuple[int, str]]:
        """Every (dose, view) that is studied, dose per frame.

        ``fixed_frame``: each dose with each view. ``fixed_fluence``: a view that keeps the fraction
        s of the frames gets ``dose / s`` photons per frame, so that all views of a dose put the
        same photons on an object pixel.
        """
        nominal = self.doses or self.simulate.doses
        return [(self._per_frame(dose, view), view) for dose in nominal for view in self.view_list]

    def _per_frame(self, dose: int, view: str) -> int:
        if self.simulate.design == "fixed_frame":
            return dose
        # Of views without a fraction this design is refused, but doses are asked for before.
        kept = self.overlap.views[view].s_img or 1.0
        return round(dose / kept)

    @property
    def dose_list(self) -> list[int]:
        """Doses per frame of the study, in the order in which its pairs name them."""
        return list(dict.fromkeys(dose for dose, _ in self.pairs))

    def repetition(self, seed: int) -> "Study":
        """Return the study of one entry of ``seeds``.

        Photons and networks are drawn anew, nothing else.
        """
        values = self.model_dump(by_alias=True)
        # A study of one seed, with its files at the primary paths: the rules add the prefix.
        values["seeds"] = [seed]
        return Study.model_validate(values)


def _varying(study: Study) -> dict[str, Sequence[int | str]]:
    """Return what tells the cells of a study apart, with the values it takes."""
    return {
        "dose": study.dose_list,
        "view": study.view_list,
        "split": SPLITS,
        "seed": study.seeds,
    }


def _check_seeds(study: Study) -> None:
    """Refuse seeds that a repetition would lead beyond what generators take."""
    drawn = {
        "simulate.seed": study.simulate.seed,
        "train.pinn.seed": study.train.pinn.seed,
        "train.baseline.seed": study.train.baseline.seed,
        "train.feed_forward.seed": study.train.feed_forward.seed,
        "maximise.seed": study.maximise.seed,
    }
    last = max(study.seeds)
    for key, seed in drawn.items():
        if seed + last >= SEEDS_END:
            raise ValueError(
                f"{key} is {seed}, seeds reach {last}; needed: a sum below 2^31 = {SEEDS_END}"
            )


def _check_window(study: Study) -> None:
    window = study.infer.window_px
    frame = side_px(study.base)
    # What the scan will say is as it should be.
    if window != "auto" and frame is not None and window > frame:
        raise ValueError(
            f"infer.window_px is {window}, base.frame_px is {frame}; "
            "needed: window_px <= frame_px (M <= N)"
        )


def _check_ancestors(study: Study) -> None:
    """Refuse windows that the ancestor's network has no levels for."""
    frame = side_px(study.base)
    # Of a file's own side nothing is known yet; the stage that trains refuses it.
    if frame is None or frame in ANCESTOR_SIDES:
        return
    for key in study.train.ancestors():
        raise ValueError(
            f"{key}.architecture is ptychopinn, base.frame_px is {frame}; "
            f"needed: frame_px {', '.join(map(str, ANCESTOR_SIDES))}, or another architecture"
        )


def _check_views(study: Study) -> None:
    known = sorted(study.overlap.views)
    unknown = sorted(set(study.select_views or ()).difference(known))
    if unknown:
        raise ValueError(f"views names {unknown}; needed: some of {known}")


def _check_counts(study: Study) -> None:
    """Refuse frames without noise that are measured, or whose rounding would be their noise."""
    if study.simulate.noise != "none":
        return
    side = side_px(study.base)
    # Of a file's own side nothing is known yet; the stage that counts its frames refuses too few.
    few = 0 if side is None else _NOISE_FREE_PHOTONS_PER_PIXEL * side**2
    if study.base.frames == "measured" or min(study.dose_list) < few:
        raise ValueError(
            f"simulate.noise is none, doses are {study.dose_list}, "
            f"base.frames is {study.base.frames}; "
            f"needed: simulated frames of at least {few} photons "
            f"({_NOISE_FREE_PHOTONS_PER_PIXEL} a pixel), "
            "as expected counts are rounded to whole ones"
        )


def _check_fluence(study: Study) -> None:
    """Refuse what fixed fluence cannot mean."""
    if study.base.frames == "measured":
        raise ValueError(
            "simulate.design is fixed_fluence, base.frames is measured; needed: simulated frames"
        )
    # A view with a wanted overlap finds its fraction once frames are placed, and doses come before.
    solved = [name for name in study.view_list if study.overlap.views[name].s_img is None]
    if solved:
        raise ValueError(
            f"simulate.design is fixed_fluence, overlap.views {solved} have no s_img; "
            "needed: s_img for each view"
        )
    # A part of the scan with all its frames has as many photons on a pixel as the whole.
    parts = [name for name in study.view_list if study.overlap.views[name].sequential]
    if parts:
        raise ValueError(
            f"simulate.design is fixed_fluence, overlap.views {parts} are sequential; "
            "needed: sequential: false"
        )
    highest = max(study.dose_list)
    if highest > _LARGEST_DOSE:
        raise ValueError(
            f"simulate.design is fixed_fluence and asks for {highest} photons per frame "
            "(dose / s_img); needed: at most 1e9"
        )


def parse_study(config: dict[str, Any]) -> Study:
    """Validate a configuration.

    Raises
    ------
    ConfigError
        For the first wrong key: its path, the value found and what is needed.
    """
    check_size(config)
    return validated(Study, config)


def read_study(path: str | Path) -> Study:
    """Read a YAML configuration file and validate it.

    As Snakemake does, lay it over the quick study, key by key.
    """
    config = read_yaml(path)
    try:
        return parse_study(_overlaid(Study().model_dump(by_alias=True), config))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one configuration over another; sections merge, everything else is replaced."""
    both = dict(below)
    for key, value in above.items():
        under = below.get(key)
        if isinstance(value, dict) and isinstance(under, dict):
            both[key] = _overlaid(under, value)
        else:
            both[key] = value
    return both


def json_schema() -> str:
    """Return the JSON schema of a study as text.

    `config/schema/config.schema.json` holds exactly this.
    """
    return json.dumps(Study.model_json_schema(), indent=2, sort_keys=True) + "\n"
