"""Statistics and differences of what backends say of one network: known answers, and each kind of difference found."""

import copy

import numpy as np
import pytest

from ptychostudy.recipes.parity import compared, problems, statistics

RNG = np.random.default_rng(2)
WEIGHTS = {"a/kernel": RNG.normal(size=(3, 3)), "a/bias": np.zeros(3)}
ANSWERS = {
    "patches": RNG.normal(size=(5, 4, 6)) + 1j * RNG.normal(size=(5, 4, 6)),
    "offsets": np.arange(10).reshape(5, 2),
    "layer/features": RNG.normal(size=40),
    "layer/a": RNG.normal(size=40),
    "layer/b": RNG.normal(size=40),
    **{f"stepped/{name}": value + 1e-3 * RNG.normal(size=value.shape) for name, value in WEIGHTS.items()},
}


def found(**changes):
    """Return what is said of two backends, the second with other arrays."""
    other = copy.deepcopy(ANSWERS) | changes
    each = {"tensorflow": statistics(ANSWERS), "torch": statistics(other)}
    return problems(each, {"torch": compared(ANSWERS, other, WEIGHTS)})


def test_statistics_of_known_patches():
    patches = np.array([[[1, 1j], [1, -1]], [[2, 4], [2j, 4]]])
    said = statistics({"patches": patches})
    assert said == {"patch_mean_min": 1.0, "patch_mean_max": 3.0, "var_zero_mean": 0.5, "global_mean": 2.0}


def test_the_same_answers_agree():
    assert found() == []
    pair = compared(ANSWERS, ANSWERS, WEIGHTS)
    assert (
        pair["patches"] == pair["step"] == 0
        and pair["first_layer"] is None
        and list(pair["layers"]) == ["features", "a", "b"]
    )


def test_the_first_layer_that_differs_is_named():
    text = found(**{"layer/b": ANSWERS["layer/b"] * 1.1, "layer/a": ANSWERS["layer/a"] * (1 + 1e-4)})
    assert len(text) == 1 and "torch: layer a is the first that differs, by 0.0001 relative" in text[0]


@pytest.mark.parametrize(("factor", "wrong"), [(1 + 9e-6, 0), (1 + 1.1e-5, 1)])
def test_patches_may_differ_by_a_hundred_thousandth(factor, wrong):
    assert len(found(patches=ANSWERS["patches"] * factor)) == wrong


@pytest.mark.parametrize(("share", "wrong"), [(0.9e-4, 0), (1.1e-4, 1)])
def test_a_step_may_differ_by_a_ten_thousandth_of_itself(share, wrong):
    step = ANSWERS["stepped/a/kernel"] - WEIGHTS["a/kernel"]
    assert len(found(**{"stepped/a/kernel": ANSWERS["stepped/a/kernel"] + share * step})) == wrong


def test_a_layer_that_is_not_finite_or_of_another_shape_differs():
    assert "layer a" in found(**{"layer/a": np.full(40, np.nan)})[0]
    assert "layer a" in found(**{"layer/a": np.zeros(39)})[0]


@pytest.mark.parametrize(
    ("patches", "word"),
    [(np.full((5, 4, 6), 0.7 + 0j), "constant"), (np.full((5, 4, 6), 1e-12 + 0j), "empty")],
)
def test_what_has_collapsed_on_all_backends_is_said_too(patches, word):
    both = {"tensorflow": statistics({"patches": patches}), "torch": statistics({"patches": patches})}
    text = problems(both, {})
    assert any(word in line for line in text) and {line.split(":")[0] for line in text} == set(both)


def test_patches_at_other_pixels_are_none_of_the_same():
    assert found(offsets=ANSWERS["offsets"] + 1) == ["torch: patches lie at other pixels"]
