"""The section ``arms``: a name nobody has, a path with what tells the cells apart; all else is refused by its key."""

import pytest

from ptychostudy.study import layout
from ptychostudy.study.foreign_files import check_places
from ptychostudy.study.settings import Study, parse_study
from ptychostudy.study.stage_settings import READ, encode, stage_settings
from ptychostudy.study.yaml_file import ConfigError

WHOLE = "theirs/{dose}_{view}_{split}.npz"


def refusal(extra, **more):
    with pytest.raises(ConfigError) as caught:
        parse_study({"arms": {"extra": extra}, **more})
    return str(caught.value)


def test_a_cell_has_a_file_and_a_key():
    arms = parse_study({"arms": {"extra": {"Mine": "a/{dose}/{view}-{split}.h5:x/object", "Else": WHOLE}}}).arms
    cell = {"dose": 1000, "view": "dense", "split": "test", "seed": 0}
    assert arms.files(**cell) == {"Mine": "a/1000/dense-test.h5", "Else": "theirs/1000_dense_test.npz"}
    assert arms.array_keys(**cell) == {"Mine": "x/object", "Else": ""}


@pytest.mark.parametrize(
    ("pattern", "found", "needed"),
    [
        ("x_{view}_{split}.npz", "dose is one of 1000, 100000", "{dose} in the path"),
        ("x_{dose}_{split}.npz", "view is one of dense, sparse", "{view} in the path"),
        ("x_{dose}_{view}.npz", "split is one of train, test", "{split} in the path"),
    ],
)
def test_two_cells_never_have_one_file(pattern, found, needed):
    message = refusal({"Mine": pattern})
    assert f"arms.extra.Mine is {pattern!r}" in message and found in message and f"needed: {needed}" in message


def test_what_does_not_vary_need_not_be_named():
    only = {"simulate": {"doses": [1000]}, "views": ["dense"]}
    assert parse_study({"arms": {"extra": {"Mine": "x_{split}.npz"}}, **only}).arms.extra


def test_seeds_have_files_of_their_own():
    seeds = {"seeds": [0, 3]}
    assert "seed is one of 0, 3; needed: {seed} in the path" in refusal({"Mine": WHOLE}, **seeds)
    study = parse_study({"arms": {"extra": {"Mine": f"{{seed}}/{WHOLE}"}}, **seeds})
    again = study.repetition(3)
    cell = {"dose": 1000, "view": "dense", "split": "test"}
    assert again.arms.files(**cell, seed=again.seeds[0]) == {"Mine": "3/theirs/1000_dense_test.npz"}


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("TV", "a name that is none of PtychoPINN"),
        ("ptychi", "a name that is none of PtychoPINN"),
        ("Flat", "a name that is none of PtychoPINN"),
        ("hybrid", "a name that is none of PtychoPINN"),
        ("truth", "a name that is none of PtychoPINN"),
        ("pinn", "another name, as pinn is one for PtychoPINN"),
        ("pty_chi", "another name, as pty_chi is one for PtyChi"),
        ("two words", "match pattern"),
        ("../up", "match pattern"),
        ("1st", "match pattern"),
        ("SeventeenLetters_", "at most 16 characters"),
    ],
)
def test_names_of_something_else_are_refused(name, needed):
    assert needed in refusal({name: WHOLE})


@pytest.mark.parametrize(
    ("pattern", "needed"),
    [
        ("{dose}_{view}_{split}_{run}.npz", "only {dose}, {view}, {split}, {seed} in braces, not {run}"),
        ("{dose:06d}_{view}_{split}.npz", "in braces, not {dose:06d}"),
        ("{dose!r}_{view}_{split}.npz", "in braces, not {dose!r}"),
        ("{dose.real}_{view}_{split}.npz", "in braces, not {dose.real}"),
        ("{}_{view}_{split}.npz", "in braces, not {}"),
        ("{dose_{view}_{split}.npz", "names in pairs of braces"),
    ],
)
def test_other_words_in_braces_are_refused(pattern, needed):
    assert needed in refusal({"Mine": pattern})


def test_files_do_not_lie_among_what_was_adopted():
    check_places(parse_study({"arms": {"extra": {"Mine": WHOLE}}}))
    with pytest.raises(
        ConfigError, match=r"'arms.extra.Mine': found 'data/foreign/.*needed: .*not lie in data/foreign"
    ):
        check_places(parse_study({"arms": {"extra": {"Mine": f"data/foreign/{WHOLE}"}}}))


def test_names_that_differ_by_capitals_alone_are_refused():
    assert "names that all differ" in refusal({"Mine": WHOLE, "mine": WHOLE})


def test_who_stays_unregistered_must_be_there():
    with pytest.raises(ConfigError, match=r"arms.unregistered names \['Mine'\]; needed: some of arms.extra: \[\]"):
        parse_study({"arms": {"unregistered": ["Mine"]}})


def test_without_them_no_file_and_no_parameter_is_another():
    study, other = Study(), parse_study({"arms": {"extra": {"Mine": WHOLE}}})
    listed = layout.listed(study)
    assert not [path for path in listed if path.startswith(layout.FOREIGN_FOLDER)]
    added = [path for path in layout.listed(other) if path not in listed]
    assert len(added) == 8 and all(path.endswith("/Mine.npz") for path in added)
    # Nothing that computes anything of ours hears of them.
    for stage in ("simulate", "train_pinn", "reconstruct", "maximise", "infer", "stitch", "compare", "summarize"):
        assert encode(stage_settings(study, stage)) == encode(stage_settings(other, stage))


def test_another_start_adds_files_and_is_read_by_the_verification_alone():
    study = Study()
    for network in ("PtychoPINN", "Baseline"):
        other = parse_study({"reconstruct": {"start": network}})
        listed = layout.listed(study)
        added = [path for path in layout.listed(other) if path not in listed]
        assert len(added) == 16 and {path.rpartition("/")[2] for path in added} == {"hybrid.npz", "hybrid.json"}
        changed = {
            stage
            for stage in READ
            if encode(stage_settings(study, stage, "dense")) != encode(stage_settings(other, stage, "dense"))
        }
        assert changed == {"verify"}
    assert "start" not in encode(stage_settings(study, "verify"))
    assert '"start": "Baseline"' in encode(stage_settings(other, "verify"))


def test_one_more_network_adds_its_files_and_is_read_by_the_verification_alone():
    study, other = Study(), parse_study({"train": {"feed_forward": {"enabled": True}}})
    listed = layout.listed(study)
    added = [path for path in layout.listed(other) if path not in listed]
    assert [path for path in listed if path not in layout.listed(other)] == []
    # A canvas and its time in each of eight cells, three files of each of four trainings.
    assert sorted(path.rpartition("/")[2] for path in added) == sorted(
        ["FeedForward.npz", "FeedForward_speed.json"] * 8 + list(layout.TRAINED) * 4
    )
    changed = {
        stage
        for stage in READ
        if encode(stage_settings(study, stage, "dense")) != encode(stage_settings(other, stage, "dense"))
    }
    assert changed == {"verify"}
    assert "networks" not in encode(stage_settings(study, "verify"))
    assert stage_settings(other, "train_feed_forward").plain() == {
        "architecture": "ptychopinn",
        "amplitude_head": "sigmoid",
        "backend": "auto",
        "batch_size": 16,
        "epochs": 60,
        "learning_rate": 1e-3,
        "patience": 20,
        "precision": "auto",
        "seed": 11,
        "steps": 0,
        "validation_fraction": 0.1,
        "width": "auto",
    }


def test_a_repetition_draws_the_network_that_there_is_anew():
    study = parse_study({"train": {"feed_forward": {"seed": 5}}, "seeds": [3]})
    assert stage_settings(study, "train_feed_forward").seed == 8
    with pytest.raises(ConfigError, match=r"train.feed_forward.seed is 2147483647, seeds reach 3"):
        parse_study({"train": {"feed_forward": {"seed": 2**31 - 1}}, "seeds": [3]})


def test_the_published_form_has_no_other():
    with pytest.raises(ConfigError, match=r"config key 'train.feed_forward.architecture' is unknown"):
        parse_study({"train": {"feed_forward": {"architecture": "canvas"}}})


@pytest.mark.parametrize(
    ("train", "key"),
    [
        ({"feed_forward": {"enabled": True}}, "train.feed_forward"),
        ({"pinn": {"architecture": "ptychopinn"}}, "train.pinn"),
        ({"baseline": {"architecture": "ptychopinn", "kind": "pinn"}}, "train.baseline"),
    ],
)
def test_windows_that_the_ancestor_does_not_take_are_refused_before_anything_runs(train, key):
    with pytest.raises(ConfigError, match=rf"{key}.architecture is ptychopinn, base.frame_px is 32; needed: .*64, 128"):
        parse_study({"base": {"frame_px": 32, "probe": {"diameter_px": 18}}, "train": train})
    parse_study(
        {"base": {"frame_px": 32, "probe": {"diameter_px": 18}}, "train": {"baseline": {"architecture": "ptychopinn"}}}
    )


def test_another_start_is_refused_with_what_is_needed():
    with pytest.raises(ConfigError) as caught:
        parse_study({"reconstruct": {"start": "TV"}})
    assert str(caught.value) == (
        "config key 'reconstruct.start': found 'TV'; needed: 'flat', 'PtychoPINN' or 'Baseline'"
    )
    with pytest.raises(ConfigError, match=r"config key 'reference.start' is unknown"):
        parse_study({"reference": {"start": "Baseline"}})
