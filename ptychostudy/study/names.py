"""Names that parts of a study must spell alike: arms, splits, and the columns of its tables."""

from typing import Final

# Final, so that mypy takes them for the values that sections write out as choices.
PINN: Final = "PtychoPINN"
BASELINE: Final = "Baseline"
PTYCHI: Final = "PtyChi"
TV: Final = "TV"
"""Maximum likelihood with a total-variation prior, whose weight held-out photons choose."""

ARMS = (PINN, BASELINE, PTYCHI, TV)
"""What is compared, in the order shown."""

OTHERS = (BASELINE, PTYCHI)
"""With these differences of PtychoPINN are taken: of two metrics four lines, wherever told."""

FLAT: Final = "Flat"
UNTRAINED: Final = "Untrained"
PHYSICS: Final = "PhysicsOnly"
"""The likelihood alone, on the canvas of the view: what a network adds is seen beside it."""

CONTROLS = (FLAT, PHYSICS, UNTRAINED)
"""What arms are read beside.

An object of ones and a network of random weights, which no metric must reward; physics alone.
"""

NETWORKS = (PINN, BASELINE)
"""What is trained."""

INFERRED = (*NETWORKS, UNTRAINED)
"""What goes through a network: these have shards and a canvas."""

TRAINING_SPLIT = "train"
TEST_SPLIT = "test"

SPLITS = (TRAINING_SPLIT, TEST_SPLIT)
CELL = ("dose", "view", "split")
"""What tells cells apart: the keys of their records, and the wildcards of their paths."""

PARTS = ("amplitude", "phase")
SCORED = (*PARTS, "value")
"""What a metric is taken of: amplitude, phase, or the complex value."""

DELTA_METRICS = ("ms_ssim", "mae")

METRIC_COLUMNS = ("model", "metric", *SCORED)
"""Columns of ``comparison_metrics.csv``."""

CURVE_COLUMNS = ("model", "ring", "frequency", "count", "half_bit", *PARTS, "complex")
"""Columns of ``frc_curves.csv``."""

HISTORY_COLUMNS = ("epoch", "loss", "val_loss", "floor", "val_floor", "learning_rate")
"""Columns of ``history.csv``."""

NUMPY: Final = "numpy"
"""What computes answers of networks of canvases without Keras."""

AUTO: Final = "auto"
TENSORFLOW: Final = "tensorflow"

BACKENDS = {TENSORFLOW: "keras", "torch": "torch", "jax": "jax"}
"""What Keras can compute with, and the extra of this package that installs it."""
