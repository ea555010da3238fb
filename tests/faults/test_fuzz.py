"""Fuzz of configurations, scans and readers: a study or a `ConfigError`, a valid scan or a `DataError`, nothing else.

Short and the same each time in `make test`; ``PTYCHOSTUDY_FUZZ_MINUTES=10`` makes it as long, and different each time.
"""

import json
import math
import os
import subprocess
import sys
import time
import warnings
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml
from hostile_files import GOOD
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ptychostudy.intake.user import read_user_scan
from ptychostudy.io.atomic import DataError
from ptychostudy.study.settings import Study, parse_study, read_study
from ptychostudy.study.stage_settings import decode, encode, stage_settings
from ptychostudy.study.yaml_file import ConfigError

HERE = Path(__file__).resolve().parent
MINUTES = float(os.environ.get("PTYCHOSTUDY_FUZZ_MINUTES", 0))
LONG = MINUTES > 0
LONGEST_S = 2


def examples(short):
    """Return the settings of a test: about as many examples a minute of the long form as in the whole short one."""
    return settings(
        max_examples=int(short * max(1, MINUTES)),
        deadline=None,  # of wall-clock time, which says nothing on a busy machine; CPU time is looked at instead
        derandomize=not LONG,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
    )


# --- configurations ---------------------------------------------------------------------------------------------------

DEFAULTS = Study().model_dump(by_alias=True)
STAGES = (
    "base",
    "reference",
    "simulate",
    "train_pinn",
    "train_baseline",
    "train_feed_forward",
    "reconstruct",
    "maximise",
    "infer",
    "stitch",
    "compare",
    "verify",
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=4),
    st.dates(),
    st.sampled_from(["1e3", "9e9", "auto", "npz", "image", "dense", "mine.npz", "", "\0", "${x}", "!!x", "NaN"]),
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4),
    max_leaves=8,
)


def paths_of(config, path=()):
    """Return the paths of all keys of a nested dict."""
    found = []
    for key, value in config.items():
        found += [(*path, key), *(paths_of(value, (*path, key)) if isinstance(value, dict) else [])]
    return found


PATHS = paths_of(DEFAULTS)


def nested(path, value):
    for key in reversed(path):
        value = {key: value}
    return value


@st.composite
def nearly_right(draw):
    """Return a configuration in which a few keys hold something else, are misspelt, or are put elsewhere."""
    config = {}
    for _ in range(draw(st.integers(1, 3))):
        path = list(draw(st.sampled_from(PATHS)))
        if draw(st.booleans()) and draw(st.booleans()):
            path[draw(st.integers(0, len(path) - 1))] = draw(
                st.text(max_size=6) | st.sampled_from(["Seed", "dose", "s"])
            )
        here, (*above, last) = config, path
        for key in above:
            here = here.setdefault(key, {})
            if not isinstance(here, dict):
                break
        else:
            here[last] = draw(anything)
    return config


def outcome(parse, config):
    """Return a study or a `ConfigError`, whose message is one paragraph of reasonable length."""
    start = time.process_time()
    try:
        found = parse(config)
    except ConfigError as error:
        assert "config" in str(error) or "study.yaml" in str(error)
        assert 10 < len(str(error)) < 3000
        found = error
    assert time.process_time() - start < LONGEST_S
    return found


def assert_sound(study):
    """Check what every accepted study promises, from its plain data alone."""
    data = json.loads(json.dumps(study.model_dump(by_alias=True), allow_nan=False))
    base, overlap, doses = data["base"], data["overlap"], data["doses"] or data["simulate"]["doses"]
    assert all(isinstance(dose, int) and 0 < dose <= 10**9 for dose in doses) and len(set(doses)) == len(doses) > 0
    window, side = data["infer"]["window_px"], base["frame_px"]
    assert side in (32, 64, 128, 256, "auto") and (window == "auto" or window >= 2)
    assert "auto" in (window, side) or window <= side
    assert overlap["neighbor_count"] >= overlap["gridsize"] ** 2
    assert set(data["views"] or []) <= set(overlap["views"]) != set()
    for view in overlap["views"].values():
        given_ways = [view[key] for key in ("s_img", "target_overlap", "n_subsample") if view[key] is not None]
        assert len(given_ways) == 1 and 0 < given_ways[0] and (given_ways[0] <= 1 or view["n_subsample"])
    assert (base["kind"] == "npz") == bool(base["npz"]["path"])
    assert parse_study(data).model_dump() == study.model_dump()
    for stage in STAGES:
        settings = stage_settings(study, stage)
        assert decode(stage, encode(settings)).plain() == settings.plain()


@examples(250)
@given(nearly_right())
def test_nearly_right_configuration(config):
    found = outcome(parse_study, config)
    if isinstance(found, Study):
        assert_sound(found)


@examples(100)
@given(st.dictionaries(st.text(max_size=5) | st.integers() | st.none() | st.sampled_from(sorted(DEFAULTS)), anything))
def test_any_configuration(config):
    found = outcome(parse_study, config)
    if isinstance(found, Study):
        assert_sound(found)


@examples(100)
@given(path=st.sampled_from(PATHS), value=anything)
def test_any_value_for_any_key(path, value):
    """One key at a time, so that no other mistake hides what it does."""
    found = outcome(parse_study, nested(path, value))
    if isinstance(found, Study):
        assert_sound(found)


pieces = st.sampled_from(
    ["base:", "doses:", " ", "\n", "  ", "- ", "[", "]", "{", "}", ": ", ", ", "&a ", "*a", "!!int "]
)
yaml_texts = st.lists(pieces | st.text(max_size=5) | st.sampled_from(sorted(DEFAULTS)), max_size=14).map("".join)
written = nearly_right().map(lambda config: yaml.dump(config, allow_unicode=True))


@examples(150)
@given(text=yaml_texts | written, encoding=st.sampled_from(["utf-8", "utf-8", "utf-16", "latin-1"]))
def test_any_file_of_configuration(tmp_path_factory, text, encoding):
    path = tmp_path_factory.getbasetemp() / "study.yaml"
    path.write_bytes(text.encode(encoding, errors="replace"))
    found = outcome(read_study, path)
    if isinstance(found, Study):
        assert_sound(found)


# --- scans ------------------------------------------------------------------------------------------------------------

MOST = 2**32 - 1


@st.composite
def scan_files(draw):
    """Return arrays as a user might write them: a dialect of a valid scan, mostly with one or two things wrong."""
    k, n = draw(st.integers(1, 5)), draw(st.sampled_from([1, 2, 3, 4, 5]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, cols = n + 12, n + 9
    low = np.array([n // 2, n // 2])
    steps = rng.permutation(12 * 9)[:k]
    positions = low + np.stack(np.divmod(steps, 9), axis=1) + draw(st.sampled_from([0.0, 0.25, -0.25]))
    counts = rng.integers(0, draw(st.sampled_from([2, 50, 5000])), (k, n, n))
    arrays = {
        "ycoords": positions[:, 0].astype(draw(st.sampled_from(["f8", "f4", ">f8", "f2"]))),
        "xcoords": positions[:, 1].astype(draw(st.sampled_from(["f8", "f4"]))),
        "probeGuess": (rng.normal(size=(n, n)) + 1j).astype(draw(st.sampled_from(["c8", "c16", ">c8"]))),
        "objectGuess": np.ones((rows, cols), draw(st.sampled_from(["c8", "c16"]))),
    }
    measurement = draw(st.sampled_from(["counts", "intensity", "amplitude", "auto"]))
    types = {"auto": ["u4", "i8", "u2"], "amplitude": ["f4", "f8", "f4"]}.get(measurement, ["f4", "f8", "i8", "u4"])
    stack = np.sqrt(counts) if measurement == "amplitude" else counts
    stack = np.asarray(stack).astype(draw(st.sampled_from(types)))
    order = draw(st.sampled_from(["NHW", "HWN"]))
    stack = np.moveaxis(stack, 0, -1) if order == "HWN" else stack
    arrays["counts" if measurement == "auto" else draw(st.sampled_from(["counts", "diffraction", "diff3d"]))] = stack
    axes = draw(st.sampled_from([order, order, "auto", "NHW", "HWN"]))
    if draw(st.booleans()):
        del arrays["objectGuess"]
    if draw(st.booleans()):
        arrays["probeGuess"] = arrays["probeGuess"][
            draw(st.sampled_from([None, np.s_[None], np.s_[..., None]]))
        ].reshape(draw(st.sampled_from([(n, n), (1, n, n), (n, n, 1), (1, n, n, 1), (1, 1, n, n)])))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 1, 2]))):
        with warnings.catch_warnings(action="ignore"):  # what a careless cast says
            damage(draw, arrays)
    return arrays, measurement, axes


def damage(draw, arrays):
    """Change one array in one way, which may or may not make the file invalid."""
    if not arrays:
        return
    key = draw(st.sampled_from(sorted(arrays)))
    value, kind = arrays[key], draw(st.integers(0, 11))
    if kind == 0:
        del arrays[key]
    elif kind == 1:
        arrays[draw(st.sampled_from(["counts", "diffraction", "diff3d", "xcoords", "other"]))] = value
    elif kind == 2 and value.dtype.kind != "U":  # a text of a number need not be one of an integer
        arrays[key] = value.astype(draw(st.sampled_from(["i2", "u1", "f4", "f8", "c8", "?", "U3"])), copy=True)
    elif kind == 3:
        arrays[key] = value[..., :-1]
    elif kind == 4:
        arrays[key] = value[:0]
    elif kind == 5:
        arrays[key] = draw(st.sampled_from([value[None], value[..., None], value.T, value.ravel()]))
    elif kind == 6:
        arrays[key] = np.zeros_like(value)
    elif kind == 7:
        arrays[key] = value * draw(st.sampled_from([1e-9, 1e9, -1, 2.5, 1000])) if value.dtype.kind in "fciu" else value
    elif value.size and value.dtype.kind in "fciu":
        changed = value.astype(np.result_type(value, draw(st.sampled_from(["f8", "i8"]))))
        values = [np.nan, np.inf, -np.inf, -1, 0.3, 1e300, 2**32, 2**40, -(2**40), 7, 0]
        new = draw(st.sampled_from(values))
        if changed.dtype.kind in "iu" and not (float(new).is_integer() and abs(new) < 2**62):
            changed = changed.astype("f8")
        changed.flat[draw(st.integers(0, value.size - 1))] = new
        arrays[key] = changed


def without_ones(shape, rank):
    """Return a shape less its axes of length one in front and behind, or nothing if others are too many."""
    shape = list(shape)
    while len(shape) > rank:
        if shape[0] == 1:
            shape.pop(0)
        elif shape[-1] == 1:
            shape.pop()
        else:
            return None
    return tuple(shape) if len(shape) == rank else None


def expected(arrays, measurement, axes):
    """Judge a scan by the written contract alone, number by number; return its photons, or nothing if it is invalid."""
    if not {"xcoords", "ycoords", "probeGuess"} <= set(arrays):
        return None
    stacks = [key for key in ("counts", "diffraction", "diff3d") if key in arrays]
    side = without_ones(arrays["probeGuess"].shape, 2)
    if len(stacks) != 1 or side is None or side[0] != side[1] or not field_is_good(arrays["probeGuess"], dark=False):
        return None
    centres = centres_of(arrays, side[0])
    if centres is None or not inside(arrays, centres, side[0]):
        return None
    stack = arrays[stacks[0]]
    if stack.dtype.kind not in "fiu" or (measurement == "auto" and (stacks[0] != "counts" or stack.dtype.kind == "f")):
        return None
    shape = without_ones(stack.shape, 3)
    if shape is None:
        return None
    stack, fits = stack.reshape(shape), {"NHW": shape[0] == len(centres), "HWN": shape[2] == len(centres)}
    chosen = [name for name, fit in fits.items() if fit and axes in ("auto", name)]
    if len(chosen) != 1:
        return None
    stack = stack if chosen == ["NHW"] else stack.transpose(2, 0, 1)
    return photons(stack, measurement == "amplitude") if stack.shape[1:] == side else None


def field_is_good(field, dark):
    """Whether a complex field is finite in single precision, and bright somewhere unless it may be dark."""
    if field.dtype.kind != "c":
        return False
    parts = [part for value in field.ravel().tolist() for part in (value.real, value.imag)]
    largest = float(np.finfo(np.float32).max)
    bright = any(abs(part) > 1e-44 for part in parts)
    return all(math.isfinite(part) and abs(part) <= largest for part in parts) and (bright or dark)


def centres_of(arrays, n):
    """Return window centres (row, col) as floats; nothing where they are none, not distinct, or not in pixels."""
    axes = [arrays["ycoords"], arrays["xcoords"]]
    if any(axis.ndim != 1 or axis.dtype.kind not in "fiu" for axis in axes) or len(axes[0]) != len(axes[1]):
        return None
    centres = [(float(y), float(x)) for y, x in zip(*axes, strict=True)]
    # Farther off, neighbouring numbers are more than a pixel apart.
    if not centres or not all(abs(value) <= 2**52 for centre in centres for value in centre):
        return None
    spans = [max(values) - min(values) for values in zip(*centres, strict=True)]
    if len(set(centres)) != len(centres) or (len(centres) > 1 and max(spans) < 1):
        return None
    return centres if (spans[0] + n) * (spans[1] + n) <= 2**28 else None


def inside(arrays, centres, n):
    if "objectGuess" not in arrays:
        return True
    field = arrays["objectGuess"]
    if field.ndim != 2 or not field_is_good(field, dark=True):
        return False
    corners = [[math.floor(Fraction(value) + Fraction(1, 2)) - n // 2 for value in centre] for centre in centres]
    return all(0 <= place <= size - n for corner in corners for place, size in zip(corner, field.shape, strict=True))


def photons(stack, squared):
    """Return whole photons; nothing where one is not whole, negative, too large, or where there is none at all."""
    counts = np.zeros(stack.shape, np.uint32)
    for place, value in np.ndenumerate(stack):
        value = value.item()
        if not math.isfinite(value) or value < 0:
            return None
        exact = Fraction(value) ** (2 if squared else 1)
        off = abs(exact - round(exact))
        # What is off by a hundredth is a fraction, unless single precision cannot tell; nothing generated is between.
        grain = Fraction(2 * float(np.finfo(stack.dtype).eps)) * exact if squared and stack.dtype.kind == "f" else 0
        if off > Fraction(1, 100) + grain or round(exact) > MOST:
            return None
        assume(off < Fraction(1, 10_000) + grain)
        counts[place] = round(exact)
    return counts if counts.any() else None


def save(path, arrays):
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return
    with h5py.File(path, "w") as file:
        for key, value in arrays.items():
            file[key] = value.astype("S") if value.dtype.kind == "U" else value


@examples(900)
@given(case=scan_files(), suffix=st.sampled_from([".npz", ".h5"]))
def test_scan_is_valid_or_refused(tmp_path_factory, case, suffix):
    arrays, measurement, axes = case
    path = tmp_path_factory.getbasetemp() / f"scan{suffix}"
    with np.errstate(over="ignore", invalid="ignore"):
        wanted = expected(arrays, measurement, axes)
    save(path, arrays)
    start = time.process_time()
    try:
        found = read_user_scan(path, measurement=measurement, axes=axes)
    except DataError as error:
        assert str(path) in str(error)
        assert wanted is None, f"a valid scan was refused: {error}"
        return
    assert wanted is not None, "an invalid scan was let pass"
    np.testing.assert_array_equal(found["counts"], wanted)
    assert found["counts"].dtype == np.uint32 and found["probe"].dtype == np.complex64
    np.testing.assert_array_equal(found["positions"][:, 0], arrays["ycoords"].astype(float))
    np.testing.assert_array_equal(found["positions"][:, 1], arrays["xcoords"].astype(float))
    np.testing.assert_array_equal(found["probe"].ravel(), arrays["probeGuess"].ravel().astype(np.complex64))
    assert time.process_time() - start < LONGEST_S


def test_the_cases_are_of_both_kinds():
    """The generator would prove nothing if nearly all it makes were invalid, or valid."""
    verdicts = []

    @settings(max_examples=300, derandomize=True, database=None, deadline=None)
    @given(scan_files())
    def collect(case):
        with np.errstate(over="ignore", invalid="ignore"):
            verdicts.append(expected(*case) is not None)

    collect()
    assert 0.15 < np.mean(verdicts) < 0.85


# --- bytes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", GOOD)
def test_readers_of_any_bytes(tmp_path, reader):
    minutes = MINUTES / len(GOOD) if LONG else 0.025
    command = [sys.executable, str(HERE / "fuzz" / "fuzz_readers.py"), "--minutes", str(minutes), "--readers", reader]
    command += ["--folder", str(tmp_path), *([] if LONG else ["--engine", "own"])]
    command += ["--seed", str(int(time.time()) if LONG else 1), "--report", str(tmp_path / "report.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (row,) = json.loads((tmp_path / "report.json").read_text())["readers"]
    assert row["executions"] > 20 and row["accepted"] > 0 and row["refused"] > 0 and row["covered"] > 10
    print(row)
