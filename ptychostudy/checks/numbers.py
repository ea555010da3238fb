"""Number checks: doses recounted, overlap and metrics recomputed, arms compared with the controls."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from ptychostudy.checks.artifacts import differences
from ptychostudy.checks.check import Check, CouldNotCheck
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.formats.positions import COORDINATES, read_positions
from ptychostudy.formats.scan import open_scan
from ptychostudy.io.arrays import read_metadata, read_npz
from ptychostudy.io.atomic import sha256_of
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.measure.metrics import evaluate, rms_phase
from ptychostudy.measure.outcome import judge
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.counts import dose_tolerance, mean_counts
from ptychostudy.physics.probes import probe_diameter_px
from ptychostudy.sampling.overlap import overlap_report
from ptychostudy.sampling.split import shared_pixels
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import ARMS, CONTROLS, METRIC_COLUMNS, SPLITS


def doses(hub: Hub) -> list[str]:
    """Recount the photons of every frame file; compare with what was requested and what was recorded."""
    problems = []
    for dose in hub.doses:
        for split in SPLITS:
            path = hub.scan(dose, split)
            scan = open_scan(path)
            recounted = mean_counts(scan.counts)
            name = path.relative_to(hub.root)
            if not math.isclose(recounted, scan.photons_measured, rel_tol=1e-9):
                problems.append(
                    f"{name}: {recounted:.6g} photons per frame recounted, {scan.photons_measured:.6g} recorded"
                )
            if scan.photons_requested != dose or abs(recounted - dose) > dose_tolerance(
                dose, len(scan.counts)
            ):
                problems.append(
                    f"{name}: {recounted:.6g} photons per frame, requested {scan.photons_requested:.6g}, "
                    f"path says {dose}; "
                    f"counting statistics allow {dose_tolerance(dose, len(scan.counts)):.3g}"
                )
    return problems


def dose_ratios(hub: Hub) -> list[str]:
    """Compare the ratio of the counts of all doses with the ratio of the doses."""
    wanted = sorted(hub.doses)
    if len(wanted) < 2:
        raise CouldNotCheck("the study has one dose only")
    problems = []
    for split in SPLITS:
        scans = [open_scan(hub.scan(dose, split)) for dose in wanted]
        means = [mean_counts(scan.counts) for scan in scans]
        for dose, mean in zip(wanted[1:], means[1:], strict=True):
            spread = 5 * math.sqrt(
                1 / (wanted[0] * len(scans[0].counts)) + 1 / (dose * len(scans[0].counts))
            )
            if abs(mean / means[0] / (dose / wanted[0]) - 1) > spread:
                problems.append(
                    f"{split}: counts of doses {dose} and {wanted[0]} differ by {mean / means[0]:.5g}-fold"
                )
    return problems


def overlap(hub: Hub) -> list[str]:
    """Recompute the overlap metrics from coordinates and groups; compare coordinates with the frames' own."""
    problems = []
    probe = read_npz(hub.root / "data" / "base" / "reference.npz", ["probeGuess"])["probeGuess"]
    for view in hub.views:
        for split in SPLITS:
            path = hub.root / "data" / "phase_d" / view / f"{view}_{split}.npz"
            found = read_npz(path, ["frames", "groups", *COORDINATES])
            recorded = read_json(
                path.with_name(f"{split}_metrics.json"), ["metric_2_image_based_avg"]
            )
            positions = read_positions(found)
            scan = open_scan(hub.scan(hub.doses[0], split))
            if found["frames"].max() >= len(scan.positions) or np.any(
                scan.positions[found["frames"]] != positions
            ):
                problems.append(
                    f"{path.relative_to(hub.root)}: coordinates are not those of the frames"
                )
                continue
            options = {
                key: recorded[key]
                for key in (
                    "gridsize",
                    "s_img",
                    "n_groups",
                    "n_images_total",
                    "neighbor_count",
                    "rng_seed_subsample",
                )
            }
            wanted = overlap_report(
                positions, found["groups"], recorded["probe_diameter_px"], probe=probe, **options
            )
            shown = {key: value for key, value in recorded.items() if key in wanted}
            problems += differences(shown, wanted, f"{view}/{split}_metrics.json")
    return problems


def disjoint(hub: Hub) -> list[str]:
    """Count the object pixels that the illuminated discs of training and test share.

    A study that asks for a narrower guard band than the probe wants them shared; that is said, not judged.
    """
    dose = hub.doses[0]
    scans = [open_scan(hub.scan(dose, split)) for split in SPLITS]
    diameter = probe_diameter_px(scans[0].probe)
    shared = shared_pixels(scans[0].positions, scans[1].positions, diameter)
    if not shared:
        return []
    problem = f"training and test share {shared} illuminated object pixels"
    guard = (
        scans[0].metadata["data_transformations"][-1]["parameters"].get("split", {}).get("guard_px")
    )
    if guard is not None and guard < diameter:
        raise CouldNotCheck(
            f"split.guard_px is {guard:g}, the probe {diameter:.1f} px wide, so {problem}"
        )
    return [problem]


def metrics(hub: Hub) -> list[str]:
    """Recompute every metric from the stored aligned fields; compare with tables and rms of the records to 1e-6."""
    problems = []
    for dose, view, split in hub.cells():
        folder = hub.analysis(dose, view, split)
        arrays = read_npz(folder / "reconstructions_aligned.npz")
        sigma = read_metadata(folder / "reconstructions_aligned.npz")["settings"]["ms_ssim_sigma"]
        table = {
            (row["model"], row["metric"]): row
            for row in read_csv(folder / "comparison_metrics.csv", METRIC_COLUMNS)
        }
        absent = {m for m, _ in table} ^ {*ARMS, *CONTROLS}
        if absent:
            problems.append(
                f"{folder.relative_to(hub.root)}: the table lists too much or too little: {sorted(absent)}"
            )
        evaluated = {
            name: evaluate(arrays[name], arrays["truth"], arrays["mask"], ms_ssim_sigma=sigma).rows
            for name in (*ARMS, *CONTROLS)
            if name in arrays
        }
        problems += _wrong_rms(hub, folder, arrays)
        for model in (*ARMS, *CONTROLS):
            # Of an arm that failed there is no field, and no number in the table.
            rows = evaluated.get(model, dict.fromkeys(evaluated["Flat"], (None, None, None)))
            for name, values in rows.items():
                problems += _compare_row(
                    table.get((model, name)),
                    values,
                    f"{folder.relative_to(hub.root)}: {model} {name}",
                )
    return problems


def _wrong_rms(hub: Hub, folder: Path, arrays: dict[str, np.ndarray]) -> list[str]:
    """Compare the phase errors of the records, on which the verdict of use rests, with those of the fields."""
    recorded, problems = read_json(folder / "status.json", ["arms"])["arms"], []
    for model in (*ARMS, *CONTROLS):
        value = recorded.get(model, {}).get("rms_phase_rad")
        wanted = (
            rms_phase(arrays[model], arrays["truth"], arrays["mask"]) if model in arrays else None
        )
        if value is None or wanted is None:
            same = value is wanted  # of an arm that failed there is neither
        else:
            same = math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-9)
        if not same:
            where = f"{folder.relative_to(hub.root)}: {model} rms_phase_rad"
            problems.append(f"{where} is {value} in status.json, recomputed {wanted}")
    return problems


def _compare_row(
    row: dict[str, str] | None, values: tuple[float | None, ...], where: str
) -> list[str]:
    if row is None:
        return [f"{where} is missing from the table"]
    problems = []
    for column, value in zip(METRIC_COLUMNS[2:], values, strict=True):
        cell = row[column]
        same = (
            cell == "n/a"
            if value is None
            else cell != "n/a" and math.isclose(float(cell), value, rel_tol=1e-6, abs_tol=1e-6)
        )
        if not same:
            problems.append(f"{where} {column} is {cell}, recomputed {value}")
    return problems


def arms(hub: Hub) -> list[str]:
    """Check that every arm's field is finite and not constant; whether it is useful is a result, and no check."""
    problems = []
    for dose, view, split in hub.cells():
        folder = hub.analysis(dose, view, split)
        arrays = read_npz(folder / "reconstructions_aligned.npz")
        for arm in [arm for arm in ARMS if arm not in _counted(hub, folder)]:
            where = f"dose_{dose}/{view}/{split}: {arm}"
            if arm not in arrays:
                problems.append(f"{where} has no field")
                continue
            outcome = judge(Canvas(arrays[arm], arrays["mask"].astype(np.float32), (0, 0)))
            if outcome["status"] != "ok":
                problems.append(f"{where}: {outcome['reason']}")
    return problems


def _counted(hub: Hub, folder: Path) -> list[str]:
    """Return the arms that failed in a repetition: there a failure is a result, which the report counts."""
    if not hub.repetition:
        return []
    found = read_json(folder / "status.json", ["arms"])["arms"]
    return [arm for arm in ARMS if found.get(arm, {}).get("status") == "failed"]


def coverage(hub: Hub) -> list[str]:
    """Check that arms cover the scanned hull and that nothing uncovered is scored."""
    problems = []
    for cell in hub.cells():
        found = read_json(hub.analysis(*cell) / "status.json", ["coverage", "mask_px"])
        raw = read_npz(hub.analysis(*cell) / "reconstructions.npz")
        where = "dose_{}/{}/{}".format(*cell)
        if found["coverage"] < hub.settings.verify.min_coverage:
            problems.append(
                f"{where}: arms cover {found['coverage']:.3f} of the hull, "
                f"needed {hub.settings.verify.min_coverage}"
            )
        if int(raw["mask"].sum()) != found["mask_px"]:
            problems.append(
                f"{where}: the stored mask has {int(raw['mask'].sum())} pixels, recorded {found['mask_px']}"
            )
        problems += [
            f"{where}: {arm} is zero on scored pixels"
            for arm in ARMS
            if arm in raw and np.any(raw[arm][raw["mask"]] == 0)
        ]
    return problems


def shifts(hub: Hub) -> list[str]:
    """Check that the measured shift of every arm is small: canvases are placed by coordinates."""
    bound, problems = hub.settings.verify.max_shift_px, []
    for cell in hub.cells():
        status = read_json(hub.analysis(*cell) / "status.json", ["arms"])
        for arm in ARMS:
            found: Any = status["arms"].get(arm, {}).get("shift_px")
            if found and max(abs(v) for v in found) > bound:
                problems.append(
                    "dose_{}/{}/{}: ".format(*cell) + f"{arm} is {found} px off, allowed {bound}"
                )
    return problems


def bundles(hub: Hub) -> list[str]:
    """Open every bundle and compare its sha256 and size with the training record."""
    problems = []
    for path in hub.bundles():
        read_bundle(path)
        found = read_json(path.with_name("training.json"), ["bundle_sha256", "bundle_size_bytes"])
        if (
            sha256_of(path) != found["bundle_sha256"]
            or path.stat().st_size != found["bundle_size_bytes"]
        ):
            problems.append(
                f"{path.relative_to(hub.root)}: is not the bundle that training recorded"
            )
    return problems


def products(hub: Hub) -> list[str]:
    """Compare every iterative reconstruction with the sha256 in its manifest."""
    problems = []
    for dose, view, split in hub.cells():
        folder = hub.root / "data" / "phase_f" / f"dose_{dose}" / view / split
        found = read_json(folder / "manifest.json", ["sha256", "output"])
        if sha256_of(folder / found["output"]) != found["sha256"]:
            problems.append(
                f"{folder.relative_to(hub.root)}: the reconstruction is not the one its manifest names"
            )
    return problems


REPEATED = (
    Check("data/phase_c", "doses recounted from the counts", doses),
    Check("data/phase_c", "counts differ between doses as the doses do", dose_ratios),
    Check("analysis", "metrics recomputed from the aligned fields", metrics),
    Check("analysis", "every arm finite and not constant", arms),
    Check("analysis", "coverage of the scanned hull", coverage),
    Check("analysis", "registration shifts are small", shifts),
    Check("data/phase_e", "bundles are those that training recorded", bundles),
    Check("data/phase_f", "iterative reconstructions are those in their manifests", products),
)
"""What is checked again for each seed after the first, in its own folder."""

CHECKS = (
    Check("data/phase_c", "doses recounted from the counts", doses),
    Check("data/phase_c", "counts differ between doses as the doses do", dose_ratios),
    Check("data/phase_d", "overlap recomputed from coordinates", overlap),
    Check("data/phase_c", "training and test share no illuminated pixel", disjoint),
    Check("analysis", "metrics recomputed from the aligned fields", metrics),
    Check("analysis", "every arm finite and not constant", arms),
    Check("analysis", "coverage of the scanned hull", coverage),
    Check("analysis", "registration shifts are small", shifts),
    Check("data/phase_e", "bundles are those that training recorded", bundles),
    Check("data/phase_f", "iterative reconstructions are those in their manifests", products),
)
