"""The steps that are set in pty-chi's options; the options themselves need torch and are stood in for."""

from types import SimpleNamespace

import pytest

from ptychostudy.iterative.algorithms import Step
from ptychostudy.iterative.options import set_step


def blank():
    """Return options with the places that are filled in."""
    plan = SimpleNamespace(step_size_scheduler_class=None, step_size_scheduler_options=None)
    removal = SimpleNamespace(enabled=True)
    return SimpleNamespace(
        reconstructor_options=SimpleNamespace(num_epochs=None, batch_size=50),
        object_options=SimpleNamespace(
            optimizer=None, step_size=None, optimization_plan=plan, remove_object_probe_ambiguity=removal
        ),
        probe_options=SimpleNamespace(optimizer=None, step_size=0.1),
    )


@pytest.mark.parametrize(("epochs", "falling"), [(20, 14), (7, 5), (1, 1)])
def test_steps_fall_to_a_fiftieth_over_seven_tenths_of_the_epochs(epochs, falling):
    options = blank()
    set_step(options, Step("adam", 0.2), epochs, 100)
    plan = options.object_options.optimization_plan
    assert (options.object_options.optimizer, options.object_options.step_size) == ("adam", 0.2)
    assert plan.step_size_scheduler_class == "LinearLR"
    assert plan.step_size_scheduler_options == {"start_factor": 1.0, "end_factor": 0.02, "total_iters": falling}
    assert (options.reconstructor_options.num_epochs, options.reconstructor_options.batch_size) == (epochs, 50)


def test_lbfgs_takes_all_frames_and_moves_the_probe_likewise():
    options = blank()
    set_step(options, Step("lbfgs", 1.0), 20, 100)
    assert options.reconstructor_options.batch_size == 100
    assert options.object_options.optimization_plan.step_size_scheduler_class is None
    assert not options.object_options.remove_object_probe_ambiguity.enabled
    assert (options.probe_options.optimizer, options.probe_options.step_size) == ("lbfgs", 1.0)
    assert options.probe_options.optimizer_params == options.object_options.optimizer_params
    assert options.probe_options.optimizer_params is not options.object_options.optimizer_params


def test_an_algorithm_without_a_step_gets_its_epochs_and_nothing_else():
    options, before = blank(), blank()
    before.reconstructor_options.num_epochs = 20
    set_step(options, None, 20, 100)
    assert options == before
