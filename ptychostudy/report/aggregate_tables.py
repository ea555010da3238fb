"""Means over the cells as Markdown: per model, as differences, and against a threshold."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ptychostudy.report.cells import DESIGNS, Summary, arms_in, convergence, model_order
from ptychostudy.report.deltas import DELTAS, METRIC_LABELS, Delta
from ptychostudy.report.markdown import number, photon_text, table
from ptychostudy.study.names import PARTS

_KINDS = {"ms_ssim": ("mean", "best"), "mae": ("mean",)}
"""What is shown of each metric; as in the ancestor, an error has no best."""

_STATISTICS = ("Statistic", "Amplitude", "Phase")
_OVERVIEW = (
    "Model",
    "Mean amplitude",
    "Best amplitude",
    "Mean phase",
    "Best phase",
    "MAE amplitude",
    "MAE phase",
)


def conditions(summary: Summary) -> str:
    """Return under which conditions means over cells were taken.

    Definitions, photons, overlap, seed, convergence.
    """
    cells = summary["jobs"]
    parts = [
        *_definitions(summary["definitions"]),
        ", ".join([f"{len(cells)} cells", *_spans(cells)]),
        DESIGNS[summary["design"]],
        f"seed {summary['seeds']['list'][0]}",
        convergence(cells),
        *dict.fromkeys(text for cell in cells for text in cell.get("conditions", [])),
    ]
    # Convergence is left out where no iterative arm ran to an end.
    sentences = [part[0].upper() + part[1:] for part in parts if part]
    return ". ".join(sentences) + "."


def _definitions(definitions: Mapping[str, str]) -> list[str]:
    return [
        f"{label}: {definitions[metric]}"
        for metric, label in METRIC_LABELS.items()
        if metric in definitions
    ]


def _spans(cells: Iterable[Mapping[str, Any]]) -> list[str]:
    light = [cell["photons_per_pixel"] for cell in cells]
    areas = [cell["overlap"].get("metric_2_image_based_avg") for cell in cells]
    linear = [cell["overlap"].get("linear_overlap") for cell in cells]
    return [
        *_span("photons per object pixel", light, photon_text),
        *_span("area overlap", areas, number),
        *_span("linear overlap", linear, number),
    ]


def _span(name: str, values: Iterable[float | None], show: Callable[[float], str]) -> list[str]:
    known = [value for value in values if value is not None]
    return [f"{name} {show(min(known))} to {show(max(known))}"] if known else []


def mean_blocks(summary: Summary) -> list[list[str]]:
    """Return mean and best scores, one heading a model, and the cells in which it failed."""
    blocks = []
    for model in model_order(summary["jobs"]):
        means = summary["aggregate_metrics"][model]
        outcomes = summary["arms"][model]
        blocks += [
            [f"### {model}"],
            [f"Scored in {outcomes['n_ok']} cells, failed in {outcomes['n_failed']}."],
            *_metric_blocks(means),
            *_failure_blocks(outcomes["failures"]),
        ]
    return blocks


def _metric_blocks(means: Mapping[str, Mapping[str, float | None]]) -> list[list[str]]:
    blocks = []
    for metric, kinds in _KINDS.items():
        rows = [_statistic_row(means[metric], metric, kind) for kind in kinds]
        blocks += [[f"**{METRIC_LABELS[metric]}:**"], table(_STATISTICS, rows)]
    return blocks


def _statistic_row(means: Mapping[str, float | None], metric: str, kind: str) -> list[str]:
    texts = [number(means[f"{kind}_{column}"], metric) for column in PARTS]
    return [kind.capitalize(), *texts]


def _failure_blocks(failures: Mapping[str, str]) -> list[list[str]]:
    lines = [f"- failed in {cell}: {reason}" for cell, reason in failures.items()]
    return [lines] if lines else []


def overview_table(summary: Summary) -> list[str]:
    """Return mean and best scores of all models in one table."""
    aggregates = summary["aggregate_metrics"]
    models = model_order(summary["jobs"])
    return table(_OVERVIEW, [_overview_row(model, aggregates[model]) for model in models])


def _overview_row(model: str, means: Mapping[str, Mapping[str, float | None]]) -> list[str]:
    similarity = means["ms_ssim"]
    error = means["mae"]
    scores = [similarity[f"{kind}_{column}"] for column in PARTS for kind in ("mean", "best")]
    errors = [error[f"mean_{column}"] for column in PARTS]
    return [model, *map(number, scores), *(number(value, "mae") for value in errors)]


def delta_blocks(delta: Mapping[str, Any]) -> list[list[str]]:
    """Return the differences of the means as a table under its heading."""
    rows = [_delta_row(one, one.of(delta["deltas"])) for one in DELTAS]
    return [["## Key Deltas"], table(["Difference", "Amplitude", "Phase", "Cells"], rows)]


def _delta_row(delta: Delta, entry: Mapping[str, Any]) -> list[str]:
    texts = [delta.text(entry[column]) for column in PARTS]
    return [delta.label, *texts, str(entry["n_cells"])]


def sanity_blocks(summary: Summary, threshold: float) -> list[list[str]]:
    """Return whether the mean MS-SSIM of each arm reaches a threshold."""
    means = summary["aggregate_metrics"]
    arms = arms_in(summary["jobs"])
    rows = [_sanity_row(arm, means[arm]["ms_ssim"], threshold) for arm in arms]
    return [
        ["## MS-SSIM Sanity Check"],
        [f"_Threshold: mean amplitude/phase ≥ {threshold:.2f}_"],
        table(["Model", "Amplitude", "Phase", "Status"], rows),
    ]


def low_text(summary: Summary, threshold: float) -> str:
    """Return which arms stay below the threshold of the sanity check, as a sentence."""
    heads = [
        f"{arm} ({' and '.join(low)})"
        for arm in arms_in(summary["jobs"])
        if (low := _low(summary["aggregate_metrics"][arm]["ms_ssim"], threshold))
    ]
    return f"Below a mean MS-SSIM of {threshold:.2f}: {', '.join(heads) or 'no arm'}."


def _low(means: Mapping[str, float | None], threshold: float) -> list[str]:
    values = {column: means[f"mean_{column}"] for column in PARTS}
    return [column for column, value in values.items() if value is not None and value < threshold]


def _sanity_row(arm: str, means: Mapping[str, float | None], threshold: float) -> list[str]:
    # The ancestor's abbreviations, which stand in the status.
    shown = {"amp": means["mean_amplitude"], "phase": means["mean_phase"]}
    known = {name: value for name, value in shown.items() if value is not None}
    low = [name for name, value in known.items() if value < threshold]
    return [arm, *map(number, shown.values()), _status(known, low)]


def _status(known: Mapping[str, float], low: Sequence[str]) -> str:
    # Without any mean the arm failed in every cell; that is no low score.
    if not known:
        return "MISSING"
    return f"LOW ({','.join(low)})" if low else "OK"
