"""Stage picture through the command line: a picture of the arms that were scored."""

import numpy as np

from ptychostudy.__main__ import main
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.records import write_json
from ptychostudy.io.tables import write_csv
from ptychostudy.study.names import METRIC_COLUMNS
from studies import made_record


def test_a_cell_without_its_failed_arm_is_drawn(tmp_path):
    status, rows = made_record(1000, "dense", "test", failed=("Baseline",))
    truth = np.exp(0.3j * np.random.default_rng(1).normal(size=(24, 24))).astype(np.complex64)
    fields = {model: truth for model in status["arms"] if model != "Baseline"}
    inputs = {name: tmp_path / name for name in ("aligned.npz", "metrics.csv", "status.json")}
    write_npz(inputs["aligned.npz"], {"truth": truth, "mask": np.ones(truth.shape, bool), **fields})
    write_csv(inputs["metrics.csv"], METRIC_COLUMNS, rows)
    write_json(inputs["status.json"], status)
    options = [word for name, path in inputs.items() for word in (f"--{name.split('.')[0]}", str(path))]
    assert main(["picture", *options, "--plot", str(tmp_path / "plot.png")]) == 0
    assert (tmp_path / "plot.png").read_bytes()[:4] == b"\x89PNG"
