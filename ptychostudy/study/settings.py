"""A whole study: its defaults, how its sections fit together, and how it is read."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from ptychostudy.study.refusals import check_size, validated
from ptychostudy.study.section import Doses, Name, Section, Seeds
from ptychostudy.study.sections.base import BaseSettings
from ptychostudy.study.sections.compare import CompareSettings
from ptychostudy.study.sections.infer import InferSettings
from ptychostudy.study.sections.overlap import OverlapSettings
from ptychostudy.study.sections.reconstruct import ReconstructSettings
from ptychostudy.study.sections.simulate import SimulateSettings
from ptychostudy.study.sections.split import SplitSettings
from ptychostudy.study.sections.summarize import SummarizeSettings
from ptychostudy.study.sections.train import TrainSettings
from ptychostudy.study.sections.verify import VerifySettings
from ptychostudy.study.yaml_file import ConfigError, read_yaml


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
    reference: ReconstructSettings = Field(
        ReconstructSettings(
            algorithm="LSQML", noise_model="gaussian", epochs=80, refine_probe=True
        ),
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
    train: TrainSettings = Field(TrainSettings(), description="both networks")
    reconstruct: ReconstructSettings = Field(ReconstructSettings(), description="the iterative arm")
    infer: InferSettings = Field(InferSettings(), description="chunked inference and stitching")
    compare: CompareSettings = Field(
        CompareSettings(), description="gauge, registration and metrics"
    )
    summarize: SummarizeSettings = Field(SummarizeSettings(), description="reports")
    verify: VerifySettings = Field(VerifySettings(), description="bounds of the verification")

    @model_validator(mode="after")
    def _fits_together(self) -> "Study":
        if self.infer.window_px > self.base.frame_px:
            raise ValueError(
                f"infer.window_px is {self.infer.window_px}, base.frame_px is {self.base.frame_px}; "
                "needed: window_px <= frame_px (M <= N)"
            )
        unknown = set(self.select_views or ()) - set(self.overlap.views)
        if unknown:
            raise ValueError(
                f"views names {sorted(unknown)}; needed: some of {sorted(self.overlap.views)}"
            )
        _check_design(self)
        return self

    @property
    def view_list(self) -> list[str]:
        """Names of the views of the study."""
        return [
            name
            for name in self.overlap.views
            if self.select_views is None or name in self.select_views
        ]

    @property
    def pairs(self) -> list[tuple[int, str]]:
        """Every (dose, view) that is studied, dose per frame.

        ``fixed_frame``: each dose with each view. ``fixed_fluence``: a view that keeps the fraction s of the frames
        gets ``dose / s`` photons per frame, so that all views of a dose put the same photons on an object pixel.
        """
        nominal = self.doses or self.simulate.doses
        if self.simulate.design == "fixed_frame":
            return [(dose, view) for dose in nominal for view in self.view_list]
        return [
            (round(dose / (self.overlap.views[v].s_img or 1.0)), v)
            for dose in nominal
            for v in self.view_list
        ]

    @property
    def dose_list(self) -> list[int]:
        """Doses per frame of the study, in the order in which its pairs name them."""
        return list(dict.fromkeys(dose for dose, _ in self.pairs))

    def repetition(self, seed: int) -> "Study":
        """Return the study of one entry of ``seeds``: photons and networks are drawn anew, nothing else."""
        found = self.model_dump(by_alias=True)
        found["seeds"] = [seed]
        return Study.model_validate(found)


def _check_design(study: Study) -> None:
    """Refuse what fixed fluence cannot mean (doses are needed before any overlap is solved for), and coarse counts."""
    few = 1000 * study.base.frame_px**2
    if study.simulate.noise == "none" and (
        min(study.dose_list) < few or study.base.frames == "measured"
    ):
        raise ValueError(
            f"simulate.noise is none, doses are {study.dose_list}, base.frames is {study.base.frames}; needed: "
            f"simulated frames of at least {few} photons (1000 a pixel), as expected counts are rounded to whole ones"
        )
    if study.simulate.design == "fixed_frame":
        return
    if study.base.frames == "measured":
        raise ValueError(
            "simulate.design is fixed_fluence, base.frames is measured; needed: simulated frames"
        )
    solved = [name for name in study.view_list if study.overlap.views[name].s_img is None]
    if solved:
        raise ValueError(
            f"simulate.design is fixed_fluence, overlap.views {solved} have no s_img; needed: s_img for each view"
        )
    if max(study.dose_list) > 10**9:
        raise ValueError(
            f"simulate.design is fixed_fluence and asks for {max(study.dose_list)} photons per frame (dose / s_img); "
            "needed: at most 1e9"
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
    """Read a YAML configuration file as Snakemake does: laid over the quick study, key by key; then validate it."""
    config = read_yaml(path)
    try:
        return parse_study(_overlaid(Study().model_dump(by_alias=True), config))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _overlaid(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Lay one configuration over another; sections merge, everything else is replaced."""
    both = dict(below)
    for key, value in above.items():
        section = isinstance(value, dict) and isinstance(both.get(key), dict)
        both[key] = _overlaid(both[key], value) if section else value
    return both


def json_schema() -> str:
    """Return the JSON schema of a study as text; `config/schema/config.schema.json` holds exactly this."""
    return json.dumps(Study.model_json_schema(), indent=2, sort_keys=True) + "\n"
