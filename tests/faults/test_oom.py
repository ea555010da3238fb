"""Too little memory: batches are halved until they fit, with the same result; then the message names the knob.

A process of its own runs a small training and an inference whose network refuses more than so many groups at a time,
with TensorFlow's own error. What a real allocator says is tried where there is one to run out of: on a GPU.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[1] / "unit"
PROGRAM = """
import json, sys
sys.path.insert(0, sys.argv[1])
import test_networks_training as scenes
import numpy as np, tensorflow as tf
from ptychostudy.networks import inference, training
from ptychostudy.networks.weights import get_weights

data, probe, *_ = scenes.scene()


def limit(model, name, groups, network="trainer"):
    inner, call = getattr(model, network), getattr(getattr(model, network), name)

    def refuse(inputs, *rest):
        if len(inputs["amplitude"]) > groups:
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[8,64,64]")
        return call(inputs, *rest)

    setattr(inner, name, refuse)


def trained(groups, initial=None, epochs=3, after=0):
    model, states, calls = scenes.network(probe), [], [0]
    if groups is not None:
        limit(model, "train_on_batch", groups)
        limit(model, "predict_on_batch", groups)
    try:
        result = scenes.run(model, data, epochs, initial_state=initial, save_state=states.append)
    except MemoryError as error:
        return {"error": str(error)}, None, states
    weights = get_weights(model)
    row = {"micro_batch": result.micro_batch, "losses": [h["val_loss"] for h in result.history]}
    return row | {"rates": [h["learning_rate"] for h in result.history]}, weights, states


def distance(one, other):
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


whole, weights, states = trained(None)
found = {"whole": whole}
for groups in (2, 1, 0):
    row, got, kept = trained(groups)
    found[f"limit {groups}"] = row | ({} if got is None else {"distance": distance(weights, got)})
    if groups == 2:
        halves, final = kept, got
row, got, _ = trained(2, initial=halves[0])
found["resumed"] = row | {"distance": distance(final, got)}
row, got, _ = trained(2, initial=states[0])
found["short of memory after a restart"] = row | {"distance": distance(weights, got)}

model = scenes.network(probe)
plain = inference.predict(model, data, np.arange(scenes.GROUPS), batch_size=8)
limit(model, "predict_on_batch", 3, "predictor")
network = inference.Predictor(model, data, 8)
halved = network(np.arange(scenes.GROUPS))
found["inference"] = {"batch_size": network.batch_size, "distance": float(np.abs(plain - halved).max())}
limit(model, "predict_on_batch", 0, "predictor")
try:
    network(np.arange(2))
except MemoryError as error:
    found["inference"]["error"] = str(error)
print("FOUND", json.dumps(found))
"""


@pytest.fixture(scope="module")
def found():
    single = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    environment = os.environ | dict.fromkeys(single, "1") | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(UNIT)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.split("FOUND", 1)[1])


@pytest.mark.parametrize(("groups", "fits"), [(2, 2), (1, 1)])
def test_training_takes_smaller_parts_and_makes_the_same_steps(found, groups, fits):
    row = found[f"limit {groups}"]
    assert found["whole"]["micro_batch"] == 4
    assert row["micro_batch"] == fits
    assert row["rates"] == found["whole"]["rates"]
    # Sums of float32 in another order, over 12 steps of at most 3e-3; a step from half a batch would differ by 1e-3.
    assert row["distance"] < 2e-6
    assert row["losses"] == pytest.approx(found["whole"]["losses"], abs=1e-5)


def test_a_training_in_parts_resumes_to_the_same_bits(found):
    assert found["resumed"]["distance"] == 0
    assert found["resumed"]["losses"] == found["limit 2"]["losses"]


def test_a_training_resumes_on_a_machine_with_less_memory(found):
    row = found["short of memory after a restart"]
    assert row["micro_batch"] == 2
    assert row["distance"] < 2e-6


def test_training_of_a_network_too_large_for_one_group_names_what_to_change(found):
    assert "train.pinn.width" in found["limit 0"]["error"]
    assert "OOM when allocating tensor with shape[8,64,64]" in found["limit 0"]["error"]


def test_inference_halves_its_batch_and_changes_nothing_but_rounding(found):
    assert found["inference"]["batch_size"] == 2, "8, then 4, then 2, where 3 fit"
    assert found["inference"]["distance"] < 1e-5
    assert "a single group does not fit" in found["inference"]["error"]
