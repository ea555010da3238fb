"""Settings: every section refuses what is wrong and says the key's path, the value found and what is allowed."""

import json
from pathlib import Path

import pytest
import yaml

from ptychostudy.iterative.algorithms import choose_step
from ptychostudy.networks.computing import backend_of
from ptychostudy.study import layout
from ptychostudy.study.sections.train import BaselineSettings, FeedForwardSettings, FeedForwardTraining, PinnSettings
from ptychostudy.study.settings import Study, json_schema, parse_study, read_study
from ptychostudy.study.stage_settings import READ, decode, encode, stage_settings
from ptychostudy.study.yaml_file import ConfigError

ROOT = Path(__file__).resolve().parents[2]

VIEW = {"overlap": {"views": {"dense": {"s_img": 1.0}}}}


def nested(path, value):
    """Return a configuration that holds one key, given by its dotted path."""
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


def refusal(config):
    with pytest.raises(ConfigError) as caught:
        parse_study(config)
    message = str(caught.value)
    assert "\n" not in message and "pydantic" not in message
    return message


def test_empty_configuration_is_the_default_study():
    assert parse_study({}) == Study()


ONE_KEY = [
    ("study", "Quick Study", "match pattern"),
    ("doses", [1000, -1], "greater than 0 (allowed: > 0 and <= 1e+09)"),
    ("doses", [], "have at least 1 item"),
    ("doses", [1000, 1000], "numbers that all differ"),
    ("views", [], "have at least 1 item"),
    ("base.kind", "measured", "'synthetic', 'npz' or 'siemens_star'"),
    ("base.frames", "both", "'simulate' or 'measured'"),
    ("base.frame_px", 65, "32, 64, 128, 256 or 'auto'"),
    ("base.pixel_size_m", 0, "(allowed: > 0)"),
    ("base.pixel_size_m", float("inf"), "a finite number"),
    ("base.seed", -1, "(allowed: >= 0 and < 2.14748e+09)"),
    ("train.pinn.seed", 2**31, "(allowed: >= 0 and < 2.14748e+09)"),
    ("base.object.kind", "tree", "'circuit', 'lines', 'siemens', 'grf' or 'image'"),
    ("base.object.shape_px", 400, "a valid tuple"),
    ("base.object.shape_px", [9000, 300], "(allowed: >= 1 and <= 8192)"),
    ("base.object.phase_rad", 7.0, "(allowed: >= 0 and <= 6.28)"),
    ("base.probe.kind", "gauss", "'disc', 'zoneplate' or 'speckle'"),
    ("base.probe.diameter_px", -3, "(allowed: > 0)"),
    ("base.scan.kind", "spiral", "'raster', 'fermat', 'fly' or 'random'"),
    ("base.scan.step_px", 0.0, "(allowed: > 0)"),
    ("base.scan.jitter_px", -0.1, "(allowed: >= 0)"),
    ("base.npz.measurement", "photons", "'auto', 'counts', 'intensity' or 'amplitude'"),
    ("base.npz.axes", "WHN", "'auto', 'NHW' or 'HWN'"),
    ("reference.algorithm", "lsqml", "'LSQML', 'ePIE'"),
    ("split.axis", "z", "'y' or 'x'"),
    ("split.fraction", 1.0, "(allowed: > 0 and < 1)"),
    ("split.guard_px", -1, "(allowed: >= 0)"),
    ("simulate.doses", 1000, "a valid list"),
    ("simulate.doses", [], "have at least 1 item"),
    ("simulate.doses", [True], "not true or false"),
    ("simulate.seed", 1.5, "a valid integer"),
    ("overlap.views", {}, "have at least 1 item"),
    ("overlap.gridsize", 4, "1, 2 or 3"),
    ("overlap.neighbor_count", 0, "(allowed: >= 1)"),
    ("overlap.metric_neighbor_count", "six", "a valid integer"),
    ("overlap.enable_oversampling", "maybe", "a valid boolean"),
    ("train.pinn.loss", "mse", "'poisson' or 'mae'"),
    ("train.pinn.epochs", True, "not true or false"),
    ("train.pinn.learning_rate", "fast", "a valid number"),
    ("train.pinn.validation_fraction", 0.5, "(allowed: > 0 and < 0.5)"),
    ("train.baseline.kind", "none", "'supervised' or 'pinn'"),
    ("train.baseline.batch_size", 0, "(allowed: >= 1)"),
    ("reconstruct.epochs", 0, "(allowed: >= 1)"),
    ("reconstruct.noise_model", "gamma", "'gaussian' or 'poisson'"),
    ("infer.shards", 0, "(allowed: >= 1)"),
    ("infer.window_px", 1, "(allowed: >= 2)"),
    ("infer.window", "tukey", "'light', 'uniform', 'hann' or 'auto'"),
    ("infer.synchronise", "perhaps", "a valid boolean"),
    ("infer.debug_limit", 0, "(allowed: >= 1)"),
    ("compare.phase_align", "tilt", "'plane', 'mean' or 'none'"),
    ("compare.ms_ssim_sigma", -1, "(allowed: >= 0)"),
    ("summarize.ms_ssim_threshold", 1.1, "(allowed: > 0 and <= 1)"),
    ("verify.max_shift_px", 0, "(allowed: > 0)"),
    ("verify.min_coverage", 1.5, "(allowed: > 0 and <= 1)"),
]


@pytest.mark.parametrize(("path", "value", "allowed"), ONE_KEY, ids=[f"{path}={value}" for path, value, _ in ONE_KEY])
def test_wrong_value_names_path_value_and_range(path, value, allowed):
    message = refusal(nested(path, value))
    shown = {"[1000, -1]": -1, "[9000, 300]": 9000}.get(str(value), value)
    assert path in message and f"found {shown!r}" in message and allowed in message


@pytest.mark.parametrize("value", [0, -0.5, 1.5, "half"])
def test_overlap_fraction_outside_zero_to_one(value):
    message = refusal(nested("overlap.views.dense.s_img", value))
    assert f"'overlap.views.dense.s_img': found {value!r}" in message and "> 0 and <= 1" in message


SECTIONS = [
    "base",
    "reference",
    "split",
    "simulate",
    "overlap",
    "train",
    "reconstruct",
    "infer",
    "compare",
    "summarize",
    "page",
]
DEEPER = ["verify", "base.object", "base.probe", "base.scan", "base.npz", "train.pinn", "train.baseline"]


@pytest.mark.parametrize("section", [*SECTIONS, *DEEPER])
def test_unknown_key_and_wrong_type_of_every_section(section):
    message = refusal(nested(f"{section}.colour", "red"))
    assert f"'{section}.colour' is unknown (value 'red')" in message and "needed: one of" in message
    assert f"'{section}': found 3; needed: a valid dictionary" in refusal(nested(section, 3))


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("overlap.neighbour_count", "neighbor_count"),
        ("simulate.dose", "doses"),
        ("overlap.views.dense.s_imgg", "s_img"),
        ("trian", "train"),
        ("train.pinn.epoch", "epochs"),
    ],
)
def test_misspelt_key_is_told_what_was_meant(path, meant):
    message = refusal(nested(path, 4))
    assert f"{path!r} is unknown (value 4)" in message and f"did you mean {meant!r}?" in message


TOGETHER = [
    ({"overlap": {"neighbor_count": 3}}, ["neighbor_count is 3", "gridsize^2 = 4", "OVERSAMPLING-001"]),
    ({"overlap": {"neighbor_pool_size": 3}}, ["neighbor_pool_size is 3", "gridsize^2 = 4", "OVERSAMPLING-001"]),
    ({"infer": {"window_px": 65}}, ["infer.window_px is 65", "base.frame_px is 64", "M <= N"]),
    ({"views": ["dense", "thin"]}, ["['thin']", "['dense', 'sparse']"]),
    ({"base": {"kind": "npz"}}, ["kind is npz", "npz.path is None", "a path"]),
    ({"base": {"npz": {"path": "a.npz"}}}, ["kind is synthetic", "npz.path is 'a.npz'"]),
    ({"base": {"frames": "measured"}}, ["frames is measured, kind is synthetic"]),
    ({"base": {"kind": "siemens_star"}}, ["kind is siemens_star, frames is simulate"]),
    ({"base": {"frame_px": 32}}, ["probe.diameter_px is 36", "frame_px is 32", "24"]),
    ({"base": {"frame_px": 256}}, ["object.shape_px is (352, 272)", "512"]),
    ({"base": {"object": {"kind": "image"}}}, ["kind is image, amplitude_image None", "both pictures"]),
    ({"base": {"object": {"amplitude": [1.0, 0.5]}}}, ["amplitude is (1.0, 0.5)", "two rising numbers"]),
    ({"overlap": {"views": {"dense": {}}}}, ["s_img is None, target_overlap is None", "exactly one"]),
    ({"overlap": {"views": {"a": {"s_img": 1, "target_overlap": 0.5}}}}, ["s_img is 1.0, target_overlap is 0.5"]),
    ({"overlap": {"views": {"a": {"s_img": 1, "n_subsample": 9}}}}, ["n_subsample is 9", "exactly one of the three"]),
    (
        {"overlap": {"views": {"a": {"target_overlap": 0.5, "sequential": True}}}},
        ["sequential is true, target_overlap is 0.5", "s_img or n_subsample"],
    ),
    (
        {"overlap": {"neighbor_pool_size": 9}},
        ["neighbor_pool_size is 9, enable_oversampling is false", "neighbor_count"],
    ),
    ({"overlap": {"views": {"Dense": {"s_img": 1}}}}, ["overlap.views.Dense", "match pattern"]),
]


@pytest.mark.parametrize(("config", "parts"), TOGETHER, ids=[json.dumps(config) for config, _ in TOGETHER])
def test_keys_that_do_not_fit_together(config, parts):
    message = refusal(config)
    assert all(part in message for part in [*parts, "needed"]), message


def test_exponents_of_yaml_are_numbers():
    # YAML 1.1 reads 1e3, without a point and a sign, as text.
    assert parse_study(yaml.safe_load("doses: [1e3, 1e+5]")).dose_list == [1000, 100000]


def test_shorthands_of_the_command_line():
    study = parse_study({"doses": [500], "views": ["sparse"]})
    assert (study.dose_list, study.view_list) == ([500], ["sparse"])
    assert (parse_study({}).dose_list, parse_study({}).view_list) == ([1000, 100000], ["dense", "sparse"])


STAGES = ["base", "fetch", "reference", "simulate", "train_pinn", "train_baseline", "reconstruct", "infer", "stitch"]
STAGES += ["compare"]


@pytest.mark.parametrize("stage", [*STAGES, "summarize", "verify"])
def test_settings_of_a_stage_are_plain_data(stage):
    settings = stage_settings(parse_study({}), stage)
    decoded = decode(stage, encode(settings))
    assert decoded == settings and type(decoded) is READ[stage]


def test_overlap_gets_its_view_and_no_other():
    study = parse_study({})
    settings = stage_settings(study, "overlap", "sparse")
    assert settings.s_img == 0.35 and "views" not in settings.plain() and settings.split.axis == "y"
    with pytest.raises(ConfigError, match=r"view 'thin' is not in the configuration; needed: one of \['dense', 'spar"):
        stage_settings(study, "overlap", "thin")
    with pytest.raises(ConfigError, match="stage 'grid' has no settings; needed: one of adopt, base, compare"):
        stage_settings(study, "grid")


@pytest.mark.parametrize(
    ("key", "value", "readers"),
    [
        ("train.pinn.epochs", 7, {"train_pinn"}),
        ("infer.window_px", 10, {"infer"}),
        ("infer.synchronise", False, {"stitch"}),
        ("infer.shards", 3, set()),
        ("infer.batch_size", 3, set()),
        ("reconstruct.batch_size", 3, set()),  # L-BFGS, the default, takes all frames at once
        ("reconstruct.epochs", 3, {"reconstruct"}),
        ("reference.batch_size", 3, {"reference"}),
        ("base.npz.axes", "NHW", set()),  # the default base is synthetic
        ("base.probe.edge_px", 3.0, {"base"}),
        ("base.seed", 3, {"base"}),
        ("split.fraction", 0.4, {"simulate", "overlap"}),
        ("doses", [7], {"verify"}),
        ("study", "other", set()),
    ],
)
def test_a_key_reaches_only_the_stages_that_read_it(key, value, readers):
    before, after = parse_study({}), parse_study(nested(key, value))
    stages = [(stage, None) for stage in (*STAGES, "summarize", "verify")] + [("overlap", "dense")]
    changed = {
        name
        for name, view in stages
        if encode(stage_settings(before, name, view)) != encode(stage_settings(after, name, view))
    }
    assert changed == readers


@pytest.mark.parametrize(("optimizer", "read"), [(None, False), ("lbfgs", False), ("adam", True)])
def test_a_batch_of_the_solver_counts_where_it_is_read(optimizer, read):
    found = [
        encode(
            stage_settings(parse_study({"reconstruct": {"optimizer": optimizer, "batch_size": size}}), "reconstruct")
        )
        for size in (50, 5)
    ]
    assert (found[0] != found[1]) == read
    assert choose_step(parse_study({}).reconstruct).optimizer == "lbfgs", "what null means"


@pytest.mark.parametrize("base", [{"kind": "npz", "npz": {"path": "a.npz"}}, {"kind": "siemens_star"}])
def test_a_file_is_read_without_the_sections_of_a_simulation(base):
    base |= {"frames": "measured"}
    before = encode(stage_settings(parse_study({"base": base}), "base"))
    for section in ({"object": {"phase_rad": 1}}, {"probe": {"edge_px": 3}}, {"scan": {"step_px": 5}}, {"seed": 8}):
        assert encode(stage_settings(parse_study({"base": base | section}), "base")) == before
    other = base | {"npz": base.get("npz", {}) | {"measurement": "counts"}}
    assert encode(stage_settings(parse_study({"base": other}), "base")) != before


def test_file_of_a_study(tmp_path):
    (tmp_path / "a.yaml").write_text("simulate: {seed: 3}\n")
    assert read_study(tmp_path / "a.yaml").simulate.seed == 3


def test_file_lies_over_the_quick_study_as_in_snakemake(tmp_path):
    (tmp_path / "a.yaml").write_text("overlap: {views: {thin: {s_img: 0.2}}}\nsimulate: {doses: [10]}\n")
    study = read_study(tmp_path / "a.yaml")
    assert study.view_list == ["dense", "sparse", "thin"]
    assert study.dose_list == [10]
    assert study.overlap.views["dense"] == parse_study({}).overlap.views["dense"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("simulate: {seed: x}", r"a\.yaml: config key 'simulate.seed': found 'x'"),
        ("- 1", r"a\.yaml: holds list, needed keys and values"),
        ("", r"a\.yaml: holds NoneType, needed keys and values"),
        ("simulate:\n  seed: 1\n  seed: 2", r"a\.yaml: key 'seed' is given twice, in lines 2 and 3"),
        ("simulate: {seed: 1, seed: 2}", r"a\.yaml: key 'seed' is given twice, in lines 1 and 1"),
        ("seeds: !!set {1, 2}", r"config key 'seeds': found \{1, 2\}.* a list, not a set"),
        ("a: !!int ", r"a\.yaml: cannot be read as YAML"),
        ("a: !!bool x", r"a\.yaml: cannot be read as YAML"),
        ("a: !!timestamp x", r"a\.yaml: cannot be read as YAML"),
        ("a: [1", r"a\.yaml: cannot be read as YAML"),
        ("a: !!python/object/apply:os.mkdir [x]", r"a\.yaml: cannot be read as YAML"),
    ],
)
def test_bad_file_is_named(tmp_path, text, message):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_study(tmp_path / "a.yaml")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot be read"):
        read_study(tmp_path / "no.yaml")


def test_schema_holds_every_key_of_the_defaults():
    schema = json.loads(json_schema())
    assert sorted(schema["properties"]) == sorted(Study().model_dump(by_alias=True))
    assert schema["additionalProperties"] is False


FLUENCE = {"simulate": {"design": "fixed_fluence"}}


def test_fixed_frame_studies_each_dose_with_each_view():
    study = parse_study({})
    assert study.pairs == [(1000, "dense"), (1000, "sparse"), (100000, "dense"), (100000, "sparse")]


def test_fixed_fluence_puts_the_same_photons_on_the_object_in_every_view():
    study = parse_study(FLUENCE)
    kept = {name: view.s_img for name, view in study.overlap.views.items()}
    assert study.pairs == [(1000, "dense"), (2857, "sparse"), (100000, "dense"), (285714, "sparse")]
    assert study.dose_list == [1000, 2857, 100000, 285714]
    for (dose, view), nominal in zip(study.pairs, (1000, 1000, 100000, 100000), strict=True):
        assert dose * kept[view] == pytest.approx(nominal, rel=5e-4)  # whole photons


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        ({"overlap": {"views": {"thin": {"target_overlap": 0.4}}}}, ["['thin'] have no s_img", "s_img for each view"]),
        ({"overlap": {"views": {"few": {"n_subsample": 40}}}}, ["['few'] have no s_img"]),
        ({"overlap": {"views": {"a": {"s_img": 0.5, "sequential": True}}}}, ["['a'] are sequential", "false"]),
        ({"doses": [500000000]}, ["1428571429 photons per frame", "at most 1e9"]),
        ({"base": {"kind": "siemens_star", "frames": "measured"}}, ["base.frames is measured", "simulated frames"]),
    ],
)
def test_what_fixed_fluence_cannot_mean(config, parts):
    message = refusal(FLUENCE | config)
    assert all(part in message for part in parts), message


def test_noise_free_frames_need_photons_to_round():
    message = refusal({"simulate": {"noise": "none"}})
    assert "doses are [1000, 100000]" in message and "at least 4096000 photons" in message
    assert parse_study({"simulate": {"noise": "none", "doses": [4096000]}}).simulate.noise == "none"


def test_a_seed_is_added_to_photons_and_networks_and_to_nothing_else():
    first, third = parse_study({"seeds": [0]}), parse_study({"seeds": [0, 3]}).repetition(3)
    for stage in ("simulate", "train_pinn", "train_baseline"):
        before, after = (stage_settings(study, stage).plain() for study in (first, third))
        assert after["seed"] == before["seed"] + 3
        assert {key for key in before if before[key] != after[key]} == {"seed"}
    for stage in ("base", "reconstruct", "infer", "compare"):
        assert stage_settings(first, stage) == stage_settings(third, stage)
    assert stage_settings(first, "overlap", "dense") == stage_settings(third, "overlap", "dense")


def test_another_seed_changes_only_the_reports():
    one, two = parse_study({"seeds": [0]}), parse_study({"seeds": [0, 1]})
    assert {s for s in (*STAGES, "summarize", "verify") if stage_settings(one, s) != stage_settings(two, s)} == {
        "summarize",
        "verify",
    }


def test_files_of_every_seed_are_listed_once():
    one, two = (layout.listed(parse_study({"seeds": seeds})) for seeds in ([0], [0, 5]))
    more = sorted(set(two) - set(one))
    assert len(set(two)) == len(two) and set(one) < set(two)
    assert all(path.startswith("seeds/seed_5/") for path in more)
    assert {path.removeprefix("seeds/seed_5/") for path in more} == {
        path
        for path in one
        if path.startswith(("data/phase_c/dose", "data/phase_e", "data/phase_f", "data/inf", "analysis/dose_1"))
    }


def test_one_network_for_all_doses_is_listed_once():
    study = parse_study({"train": {"doses": "all"}})
    found = [path for path in layout.listed(study) if path.endswith("wts.h5.zip")]
    assert found == [f"data/phase_e/dose_all/{n}/wts.h5.zip" for n in ("dense/gs2", "baseline/gs1", "sparse/gs2")]


@pytest.mark.parametrize("design", ["fixed_frame", "fixed_fluence"])
def test_labels_come_from_the_view_with_most_frames(design):
    study = parse_study({"simulate": {"design": design}, "overlap": {"views": {"dense": {"s_img": 0.5}}}})
    assert layout.labels(study, study.pairs[0][0]).endswith(
        "dose_1000/dense/train/ptychi_reconstruction.npz"
        if design == "fixed_frame"
        else "dose_2000/dense/train/ptychi_reconstruction.npz"
    )


@pytest.mark.parametrize("algorithm", ["ePIE", "rPIE", "DM", "RAAR", "BH"])
def test_poisson_likelihood_has_two_algorithms(algorithm):
    with pytest.raises(ConfigError, match=f"noise_model is poisson, algorithm is {algorithm}"):
        parse_study({"reconstruct": {"algorithm": algorithm}})
    assert parse_study({"reconstruct": {"algorithm": algorithm, "noise_model": "gaussian"}})
    for good in ("LSQML", "autodiff"):
        assert parse_study({"reconstruct": {"algorithm": good}})


def test_the_benchmark_of_groups_is_of_networks_of_groups():
    """Of a network of the canvas C = 1 and C = 4 are the same."""
    study = read_study(ROOT / "config" / "lines.yaml")
    assert {study.train.pinn.architecture, study.train.baseline.architecture} == {"backprojection"}


@pytest.mark.parametrize("section", ["simulate", "train.pinn", "train.baseline", "maximise"])
def test_a_seed_that_repetitions_lead_too_far_is_refused(section):
    *above, own = section.split(".")
    for seeds, seed in (([0, 5], 2**31 - 6), ([1], 2**31 - 2)):
        part = {own: {"seed": seed}}
        config = {"seeds": seeds} | ({above[0]: part} if above else part)
        encode(stage_settings(parse_study(config), "simulate"))
        part[own]["seed"] += 1
        with pytest.raises(
            ConfigError, match=rf"{section}.seed is {seed + 1}, seeds reach {max(seeds)}; needed: a sum"
        ):
            parse_study(config)


def test_what_a_text_lacks_has_the_default_of_its_section_or_is_named():
    assert decode("reference", "{}") == stage_settings(parse_study({}), "reference")
    assert decode("reconstruct", "{}") == stage_settings(parse_study({}), "reconstruct")
    with pytest.raises(ConfigError, match=r"--settings: config key 'split' is missing; found \['noise'\]; needed"):
        decode("simulate", '{"noise": "none"}')
    with pytest.raises(ConfigError, match="config key 'base.object.shape_px.1' is missing"):
        parse_study({"base": {"object": {"shape_px": [200]}}})


def test_labels_come_from_the_view_with_the_largest_number_of_frames():
    views = {name: {"s_img": None, "n_subsample": count} for name, count in {"dense": 40, "sparse": 90}.items()}
    study = parse_study({"overlap": {"views": views}})
    assert layout.labels(study, study.pairs[0][0]).endswith("/sparse/train/ptychi_reconstruction.npz")


@pytest.mark.parametrize(
    ("settings", "computed_with"),
    [
        (PinnSettings(), "numpy"),
        (BaselineSettings(backend="numpy"), "numpy"),
        (BaselineSettings(backend="torch"), "torch"),
        (PinnSettings(architecture="backprojection"), "tensorflow"),
        (PinnSettings(architecture="ptychopinn", backend="jax"), "jax"),
        (FeedForwardTraining(), "tensorflow"),
        (FeedForwardSettings(), "tensorflow"),
    ],
)
def test_networks_of_canvases_learn_in_numpy_and_those_of_groups_with_tensorflow(settings, computed_with):
    assert backend_of(settings) == computed_with


def test_numpy_learns_no_groups():
    with pytest.raises(ValueError, match="backend is numpy, which computes networks of canvases alone"):
        PinnSettings(backend="numpy", architecture="backprojection")
    with pytest.raises(ValueError, match="Input should be 'tensorflow', 'torch' or 'jax'"):
        FeedForwardSettings(backend="numpy")
