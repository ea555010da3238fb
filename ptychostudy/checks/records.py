"""Checks of the records: every step ended well, and what it made is the file that is there."""

from pathlib import Path

from ptychostudy.checks.cells import Cell, cell_path, read_status
from ptychostudy.formats.bundle import read_bundle
from ptychostudy.io.atomic import sha256_of
from ptychostudy.io.records import read_json
from ptychostudy.io.tables import read_csv
from ptychostudy.study import layout
from ptychostudy.study.hub import Hub
from ptychostudy.study.names import ARMS, HISTORY_COLUMNS, NETWORKS


def outcomes(hub: Hub) -> list[str]:
    """Check the run's own records: trainings, reconstructions, comparisons."""
    problems = []
    # That an arm of studies that ask for it fails is a result.
    for bundle_file in hub.bundles(NETWORKS):
        problems += _failed_training(hub, bundle_file)
    for cell in hub.cells():
        problems += _failed_reconstruction(hub, cell)
        problems += _failed_arms(hub, cell)
    return problems


def bundles(hub: Hub) -> list[str]:
    """Open every bundle and compare its sha256 and size with the training record."""
    problems = []
    for bundle_file in hub.bundles(hub.settings.networks):
        # A file with the right sum may still be no network, if training recorded a bad one.
        read_bundle(bundle_file)
        record = _training_record(bundle_file, ["bundle_sha256", "bundle_size_bytes"])
        same = sha256_of(bundle_file) == record["bundle_sha256"]
        if not same or bundle_file.stat().st_size != record["bundle_size_bytes"]:
            name = bundle_file.relative_to(hub.root)
            problems.append(f"{name}: is not the bundle that training recorded")
    return problems


def products(hub: Hub) -> list[str]:
    """Compare every iterative reconstruction with the sha256 in its manifest."""
    problems = []
    for cell in hub.cells():
        record_file = _reconstruction_record(hub, cell)
        record = read_json(record_file, ["sha256", "output"])
        folder = record_file.parent
        if sha256_of(folder / record["output"]) != record["sha256"]:
            name = folder.relative_to(hub.root)
            problems.append(f"{name}: the reconstruction is not the one its manifest names")
    return problems


def _training_record(bundle_file: Path, keys: list[str]) -> dict[str, object]:
    record: dict[str, object] = read_json(bundle_file.with_name(layout.TRAINING_RECORD), keys)
    return record


def _reconstruction_record(hub: Hub, cell: Cell) -> Path:
    dose, view, split = cell
    return hub.path(layout.PRODUCT_RECORD, dose=dose, view=view, split=split)


def _failed_training(hub: Hub, bundle_file: Path) -> list[str]:
    record = _training_record(bundle_file, ["status", "reason", "epochs_completed"])
    rows = read_csv(bundle_file.with_name(layout.HISTORY), HISTORY_COLUMNS)
    name = bundle_file.parent.relative_to(hub.root)
    problems = []
    if record["status"] != "ok":
        problems.append(f"{name}: training failed: {record['reason']}")
    # A history of another length is that of another training.
    if len(rows) != record["epochs_completed"]:
        problems.append(
            f"{name}: {len(rows)} epochs in history.csv, {record['epochs_completed']} recorded"
        )
    return problems


def _failed_reconstruction(hub: Hub, cell: Cell) -> list[str]:
    record_file = _reconstruction_record(hub, cell)
    record = read_json(record_file, ["status", "reason", "loss", "converged"])
    if record["status"] == "ok":
        return []
    return [f"{record_file.relative_to(hub.root)}: {record['reason']}"]


def _failed_arms(hub: Hub, cell: Cell) -> list[str]:
    recorded = read_status(hub, cell, ["status", "arms"])["arms"]
    problems = []
    for arm in ARMS:
        record = recorded.get(arm, {})
        if record.get("status") != "ok":
            reason = record.get("reason", "is missing")
            problems.append(f"{cell_path(cell)}: {arm} {reason}")
    return problems
