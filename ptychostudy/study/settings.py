"""A whole study: its defaults, how it is read, what each stage takes of it, and the texts of its errors."""

import difflib
import json
import re
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, model_validator

from ptychostudy.study.sample import BaseSettings
from ptychostudy.study.section import Doses, Name, Section, Seeds
from ptychostudy.study.sections import (
    CompareSettings,
    InferSettings,
    OverlapSettings,
    ReconstructSettings,
    SimulateSettings,
    SplitSettings,
    SummarizeSettings,
    TrainSettings,
    VerifySettings,
)
from ptychostudy.study.yaml_file import ConfigError, read_yaml

# The largest study that is shipped has a hundred values on five levels.
_LEVELS, _VALUES, _NESTED = 12, 10_000, (dict, list, tuple)
_BITS = 2000


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
    _check_size(config)
    try:
        return Study.model_validate(config)
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ConfigError("; ".join(_sentence(item) for item in found[:3])) from None


def _check_size(config: Any) -> None:
    """Refuse what no study is: values without end, which a few aliases of YAML are enough for."""
    level = [config]
    for _ in range(_LEVELS):
        parts = (
            value.values() if isinstance(value, dict) else value
            for value in level
            if isinstance(value, _NESTED)
        )
        level = [part for each in parts for part in each]
        if any(isinstance(part, int) and part.bit_length() > _BITS for part in level):
            raise ConfigError(
                f"config: a number has more than {_BITS} binary digits; needed: one that can be printed"
            )
        if not level:
            return
        if len(level) > _VALUES:
            break
    raise ConfigError(
        f"config: too large or too deep; needed: at most {_VALUES} values on each of {_LEVELS} levels"
    )


def _sentence(item: Any) -> str:
    path = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = sorted(_described(item["loc"][:-1]).get("properties", {}))
        close = difflib.get_close_matches(str(item["loc"][-1]), known, 1)
        meant = f"did you mean {close[0]!r}? known are" if close else "needed: one of"
        return f"config key {path!r} is unknown (value {_short(item['input'])}); {meant} {', '.join(known)}"
    message = re.sub(
        r"^(Value error, |(Input|String|List|Dictionary) should (be )?)", "", item["msg"]
    )
    if isinstance(item["input"], dict | BaseModel):
        found = (
            message if "needed" in message else f"found {_short(item['input'])}; needed: {message}"
        )
        return f"config section {path!r}: {found}" if path else f"config: {found}"
    limits = _limits(_described(item["loc"]))
    return f"config key {path!r}: found {_short(item['input'])}; needed: {message}{limits}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _described(loc: tuple[str | int, ...]) -> dict[str, Any]:
    """Return the part of the JSON schema that describes one key."""
    schema = Study.model_json_schema()
    node = schema
    for part in loc:
        items = node.get("prefixItems", [{}])[0] or node.get("items", {})
        named = next(iter(node.get("patternProperties", {}).values()), items)
        node = node.get("properties", {}).get(part) or named
        node = next((each for each in node.get("anyOf", []) if each.get("type") != "null"), node)
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]] if "$ref" in node else node
    return node


def _limits(node: dict[str, Any]) -> str:
    """Return the whole allowed range, of which an error names only the end that was left."""
    signs = {"exclusiveMinimum": ">", "minimum": ">=", "exclusiveMaximum": "<", "maximum": "<="}
    found = [f"{sign} {node[key]:g}" for key, sign in signs.items() if key in node]
    return f" (allowed: {' and '.join(found)})" if found else ""


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


def stage_settings(study: Study, stage: str, view: str | None = None) -> dict[str, Any]:
    """Return what one stage reads, and nothing else, as plain data.

    Parameters
    ----------
    study : Study
    stage : str
        Stage name; ``train_pinn`` and ``train_baseline`` are separate.
    view : str, optional
        For ``overlap``: the view.
    """
    offset = study.seeds[0]
    repeated = {
        "seeds": study.seeds,
        "design": study.simulate.design,
        "trained_on": study.train.doses,
    }
    sections: dict[str, Any] = {
        "base": study.base.read(),
        "fetch": {"frame_px": study.base.frame_px},
        "reference": study.reference.read(),
        "simulate": study.simulate.model_dump(include={"noise", "wrong_probe"})
        | {"seed": study.simulate.seed + offset, "split": study.split},
        "train_pinn": study.train.pinn.model_dump() | {"seed": study.train.pinn.seed + offset},
        "train_baseline": study.train.baseline.model_dump()
        | {"seed": study.train.baseline.seed + offset},
        "reconstruct": study.reconstruct.read(),
        "infer": study.infer.model_dump(exclude={"shards", "batch_size"}),
        "compare": study.compare,
        "summarize": study.summarize.model_dump() | repeated,
        "verify": {
            "verify": study.verify,
            "ms_ssim_threshold": study.summarize.ms_ssim_threshold,
            "gridsize": study.overlap.gridsize,
            "pairs": study.pairs,
            **repeated,
        },
    }
    if stage == "overlap":
        if view not in study.overlap.views:
            raise ConfigError(
                f"view {view!r} is not in the configuration; needed: one of {list(study.overlap.views)}"
            )
        common = study.overlap.model_dump(exclude={"views"})
        return {
            **common,
            **study.overlap.views[view].model_dump(),
            "split": study.split.model_dump(),
        }
    if stage not in sections:
        raise ConfigError(
            f"stage {stage!r} has no settings; needed: one of overlap, {', '.join(sections)}"
        )
    found: dict[str, Any] = json.loads(
        json.dumps(sections[stage], default=lambda model: model.model_dump(mode="json"))
    )
    return found


def json_schema() -> str:
    """Return the JSON schema of a study as text; `config/schema/config.schema.json` holds exactly this."""
    return json.dumps(Study.model_json_schema(), indent=2, sort_keys=True) + "\n"
