"""Stage compare: three arms and two controls against the truth of one cell."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import Scan, open_scan
from ptychostudy.io.arrays import read_metadata, read_npz, write_npz
from ptychostudy.io.records import write_json
from ptychostudy.io.tables import write_csv
from ptychostudy.measure import scoring
from ptychostudy.study.names import ARMS, CONTROLS, CURVE_COLUMNS, METRIC_COLUMNS, SCORED


def run(
    settings: dict[str, Any],
    *,
    pinn: Path,
    baseline: Path,
    untrained: Path,
    ptychi: Path,
    scan: Path,
    overlap: Path,
    dose: int,
    view: str,
    split: Literal["train", "test"],
    raw: Path,
    aligned: Path,
    metrics: Path,
    curves: Path,
    status: Path,
) -> None:
    """Score all arms on the same rectangle, mask and truth.

    Parameters
    ----------
    settings : dict
        Section ``compare``.
    pinn, baseline, untrained, ptychi : Path
        Products of the arms.
    scan, overlap : Path
        Truth and dose; ``{view}_{split}.npz``.
    dose, view, split
        The cell.
    raw, aligned, metrics, curves, status : Path
        Outputs.
    """
    source = open_scan(scan)
    positions = read_positions(read_npz(overlap, COORDINATES))
    paths = {"PtychoPINN": pinn, "Baseline": baseline, "PtyChi": ptychi, "Untrained": untrained}
    records = {arm: read_metadata(path) for arm, path in paths.items()}
    products = {
        arm: read_npz(path, ["reconstructed_object", "coverage", "origin"])
        for arm, path in paths.items()
    }
    origin, shape = products["PtychoPINN"]["origin"], products["PtychoPINN"]["coverage"].shape
    cut = {
        arm: [
            scoring.cut(found[key], found["origin"], origin, shape)
            for key in ("reconstructed_object", "coverage")
        ]
        for arm, found in products.items()
    }
    good = [arm for arm in paths if records[arm]["status"] == "ok"]
    # Where every arm failed, the hull is scored: the controls keep their numbers, and the study goes on.
    covered = [cut[arm][1] for arm in good] or [np.ones(shape)]
    mask, coverage = scoring.common_mask(covered, positions, origin)
    coverage = coverage if good else 0.0
    truth = scoring.cut(source.truth, (0, 0), origin, shape)
    fields = {arm: cut[arm][0] for arm in ARMS if arm in good}
    fields |= {"Flat": np.ones(shape, np.complex64)} | (
        {"Untrained": cut["Untrained"][0]} if "Untrained" in good else {}
    )
    scores = {arm: _score(field, truth, mask, settings, arm) for arm, field in fields.items()}
    write_npz(
        raw,
        {
            **{arm: found[0] for arm, found in cut.items()},
            "truth": truth,
            "mask": mask,
            "origin": origin,
        },
    )
    kept = {arm: found.field for arm, found in scores.items()}
    write_npz(
        aligned, {"truth": truth, "mask": mask, "origin": origin, **kept}, {"settings": settings}
    )
    write_csv(metrics, METRIC_COLUMNS, _rows(scores, [arm for arm in paths if arm not in good]))
    write_csv(curves, CURVE_COLUMNS, _curves(scores))
    record = _status(source, read_metadata(overlap), records, scores) | {
        "mask_px": int(mask.sum()),
        "coverage": coverage,
    }
    write_json(status, {"dose": dose, "view": view, "split": split, **record})


def _score(
    field: np.ndarray, truth: np.ndarray, mask: np.ndarray, settings: Any, arm: str
) -> scoring.Score:
    # A ramp fitted to the flat object would give it structure; it gets one complex factor and nothing else.
    gauge = (
        "mean" if arm == "Flat" and settings["phase_align"] == "plane" else settings["phase_align"]
    )
    options = {
        "registration": arm in settings["register_arms"],
        "ms_ssim_sigma": settings["ms_ssim_sigma"],
    }
    return scoring.score(field, truth, mask, phase_align=gauge, **options)


def _rows(scores: dict[str, scoring.Score], failed: list[str]) -> list[dict[str, Any]]:
    """Return the lines of the table; an arm that failed keeps its own, without a number."""
    rows = {arm: found.evaluation.rows for arm, found in scores.items()}
    rows |= {arm: dict.fromkeys(rows["Flat"], (None, None, None)) for arm in failed}
    return [
        dict(
            zip(
                METRIC_COLUMNS,
                (arm, name, *("n/a" if v is None else float(v) for v in values)),
                strict=True,
            )
        )
        for arm in (*ARMS, *CONTROLS)
        for name, values in rows[arm].items()
    ]


def _curves(scores: dict[str, scoring.Score]) -> list[dict[str, Any]]:
    rows = []
    for arm, found in scores.items():
        curves = found.evaluation.curves
        whole = curves["value"]
        for ring in range(len(whole.correlation)):
            numbers = [
                float(whole.frequency[ring]),
                int(whole.count[ring]),
                float(whole.half_bit[ring]),
            ]
            parts = [float(curves[k].correlation[ring]) if k in curves else "n/a" for k in SCORED]
            rows.append(dict(zip(CURVE_COLUMNS, (arm, ring, *numbers, *parts), strict=True)))
    return rows


def _status(
    source: Scan, overlap: dict[str, Any], records: dict[str, Any], scores: dict[str, scoring.Score]
) -> dict[str, Any]:
    n = source.photons_measured * overlap["frames_per_pixel"]
    keys = ("status", "reason", "statistics", "converged")
    arms = {
        arm: {key: record.get(key) for key in keys} | {"status": record["status"]}
        for arm, record in records.items()
    }
    arms["Flat"] = {"status": "ok", "reason": "", "statistics": {}, "converged": None}
    for arm, found in scores.items():
        arms[arm] |= found.record
    failed = [arm for arm in records if arm not in CONTROLS and records[arm]["status"] != "ok"]
    return {
        "status": "failed" if failed else "success",
        "truth": source.metadata["truth"],
        "conditions": _conditions(source),
        "photons_requested": source.photons_requested,
        "photons_measured": source.photons_measured,
        "photons_per_pixel": n,
        "phase_floor_rad": 1 / np.sqrt(2 * n),
        "overlap": {key: value for key, value in overlap.items() if isinstance(value, float)},
        "ranges": {key: float(value) for key, value in scores["Flat"].evaluation.ranges.items()},
        "definitions": scoring.DEFINITIONS,
        "arms": arms,
    }


def _conditions(source: Scan) -> list[str]:
    """Return what a reader must know of a study that is no plain one: no noise, or a wrong probe."""
    made = source.metadata["data_transformations"][-1]["parameters"]
    wrong = {key: value for key, value in made.get("wrong_probe", {}).items() if np.any(value)}
    found = (
        ["noise-free: expected counts, for which the floor does not hold"]
        if made.get("noise") == "none"
        else []
    )
    if wrong:
        found.append(
            "arms were given a wrong probe: "
            + ", ".join(f"{key} {value}" for key, value in wrong.items())
        )
    return found
