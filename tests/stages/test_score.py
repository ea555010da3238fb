"""Reconstructions of other programs against a reference: known errors give known scores, or are refused by name."""

import inspect

import h5py
import numpy as np
import pytest
from matplotlib import image as plt_image

import program_files
from ptychostudy.__main__ import main
from ptychostudy.formats.any_object import read_any_object
from ptychostudy.formats.arm_product import FIELD, ArmProduct, canvas_arrays
from ptychostudy.formats.ptychodus import Product, write_product_h5
from ptychostudy.io.arrays import write_npz
from ptychostudy.io.tables import read_csv
from ptychostudy.measure import scoring
from ptychostudy.measure.align import apply_shift
from ptychostudy.measure.cutoff import cutoff
from ptychostudy.measure.frc import smoothed
from ptychostudy.measure.placing import places
from ptychostudy.physics.canvas import Canvas
from ptychostudy.physics.objects import make_object
from ptychostudy.physics.orientation import ORIENTATIONS
from ptychostudy.recipes.cell_record import metric_rows
from ptychostudy.recipes.compare import compare
from ptychostudy.recipes.score_arrays import score_arrays
from ptychostudy.stages import score
from ptychostudy.study.names import METRIC_COLUMNS
from ptychostudy.study.sections.compare import CompareSettings

SHAPE = (84, 108)
TRUTH = make_object("circuit", SHAPE, np.random.default_rng(4)).astype(np.complex64)
ROWS, COLS = np.ogrid[: SHAPE[0], : SHAPE[1]]
RAMP = np.exp(1j * (0.02 * ROWS - 0.013 * COLS))


def noisy(seed=1, size=0.05):
    rng = np.random.default_rng(seed)
    return (TRUTH + size * (rng.normal(size=SHAPE) + 1j * rng.normal(size=SHAPE))).astype(np.complex64)


def npz(folder, name, field, **more):
    path = folder / f"{name}.npz"
    write_npz(path, {"objectGuess": np.asarray(field, np.complex64), **more})
    return path


def run(folder, files, reference, *options):
    words = [f"{name}={path}" for name, path in files.items()]
    code = main(["score", *words, "--reference", str(reference), "--output", str(folder / "scores.csv"), *options])
    return code, read_csv(folder / "scores.csv", METRIC_COLUMNS) if code == 0 else []


def values(rows, name):
    found = [row for row in rows if row["model"] == name]
    return {row["metric"]: [row[part] for part in ("amplitude", "phase", "value")] for row in found}


# --- the numbers of the study ----------------------------------------------------------------------------------------


@pytest.fixture
def cell(tmp_path):
    """Return a comparison as the stage `compare` writes one, and the canvases that went into it."""
    positions = np.random.default_rng(0).uniform((26, 26), (SHAPE[0] - 27, SHAPE[1] - 27), (90, 2))
    names = ("PtychoPINN", "Baseline", "PtyChi", "TV")
    origins = ((0, 0), (3, 2), (1, 5), (4, 4))
    products = {}
    for seed, (name, origin) in enumerate(zip(names, origins, strict=True)):
        field = noisy(seed, 0.03 * (seed + 1))[origin[0] : -2, origin[1] : -1] * np.exp(0.4j * seed)
        canvas = Canvas(field.astype(np.complex64), np.ones(field.shape, np.float32), origin)
        write_npz(tmp_path / f"{name}.npz", canvas_arrays(canvas), {"status": "ok", "reason": ""})
        products[name] = ArmProduct(canvas.field, canvas.coverage, origin, {"status": "ok"})
    found = compare(products, TRUTH, positions, CompareSettings(), scanned=positions)
    write_npz(tmp_path / "reconstructions.npz", found.raw)
    return tmp_path, names, found


@pytest.mark.parametrize("source", ["canvases", "comparison"])
def test_arrays_of_the_workflow_score_as_the_workflow_scores_them(cell, source):
    folder, names, found = cell
    reference = folder / "reconstructions.npz"
    files = {name: folder / f"{name}.npz" if source == "canvases" else reference for name in names}
    others = [name for name in names if name not in CompareSettings().register_arms]
    code, rows = run(folder, files, reference, "--unregistered", *others)
    assert code == 0 and len(rows) > 40
    wanted = [row for row in metric_rows(found) if row["model"] in names]
    for row, expected in zip(rows, wanted, strict=True):
        said = [f"{each:.9g}" if isinstance(each, float) else each for each in expected.values()]
        assert list(row.values()) == said


def test_what_is_left_unsaid_is_as_in_a_study():
    defaults = {key: parameter.default for key, parameter in inspect.signature(score.run).parameters.items()}
    settings = CompareSettings()
    assert (defaults["phase_align_method"], defaults["ms_ssim_sigma"]) == (settings.phase_align, settings.ms_ssim_sigma)
    assert defaults["frc_sigma"] == inspect.signature(scoring.score).parameters["frc_sigma"].default == 0
    assert not (defaults["skip_registration"] or defaults["register_ptychi_only"] or defaults["unregistered"])


OTHER_NAMES = {"PtychoPINN": "pinn", "Baseline": "baseline", "PtyChi": "pty-chi", "TV": "tv"}


def test_arrays_of_a_study_laid_out_by_others_score_as_the_workflow_scores_them(cell):
    """Their names, their padding, their NPZ, no origin, and the registration that the ancestor's flag asks for."""
    folder, names, found = cell
    assert CompareSettings().register_arms == ["PtyChi"]
    files = {}
    for pad, name in enumerate(names):
        with np.load(folder / f"{name}.npz") as canvas:
            files[OTHER_NAMES[name]] = npz(folder, f"their_{name}", np.pad(canvas[FIELD], ((pad, 7), (3, 2 * pad))))
    code, rows = run(folder, files, folder / "reconstructions.npz", "--register-ptychi-only")
    assert code == 0
    wanted = [row for row in metric_rows(found) if row["model"] in names]
    for row, expected in zip(rows, wanted, strict=True):
        said = [f"{each:.9g}" if isinstance(each, float) else each for each in expected.values()]
        assert list(row.values()) == said


def test_fields_of_a_comparison_are_found_by_other_names(cell, caplog):
    folder, _, _ = cell
    reference = folder / "reconstructions.npz"
    code, rows = run(folder, {"pty_chi": reference}, reference)
    assert code == 0 and {row["model"] for row in rows} == {"PtyChi"}
    assert "pty_chi is taken for PtyChi" in caplog.messages
    caplog.clear()
    _, own = run(folder, {"PtyChi": reference}, reference)
    assert own == rows and caplog.messages == []


# --- options of the ancestor -----------------------------------------------------------------------------------------


def test_names_of_nobody_are_kept_with_a_warning(tmp_path, caplog):
    code, rows = run(tmp_path, {"tike": npz(tmp_path, "a", noisy())}, npz(tmp_path, "r", TRUTH))
    assert code == 0 and {row["model"] for row in rows} == {"tike"}
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "tike is none of our arms (PtychoPINN, Baseline, PtyChi, TV): its name stays" in warning.getMessage()


def registered(tmp_path, capsys, *options):
    """Return by how much each of three arrays, 0.4 and -0.3 px off, is moved."""
    moved = npz(tmp_path, "moved", apply_shift(TRUTH, (0.4, -0.3))[4:-4, 4:-4])
    files = dict.fromkeys(("pinn", "ptychi", "other"), moved)
    code, _ = run(tmp_path, files, npz(tmp_path, "r", TRUTH), *options)
    said = capsys.readouterr()
    lines = {line.split()[0]: line for line in said.out.splitlines() if line.endswith(" px")}
    return code, {name: "(-0.40, 0.30) px" in line for name, line in lines.items()}, " ".join(said.err.split())


@pytest.mark.parametrize(
    ("options", "moved"),
    [
        ([], {"PtychoPINN": True, "PtyChi": True, "other": True}),
        (["--register-ptychi-only"], {"PtychoPINN": False, "PtyChi": True, "other": False}),
        (["--skip-registration"], {"PtychoPINN": False, "PtyChi": False, "other": False}),
        (["--unregistered", "ptycho-pinn", "other"], {"PtychoPINN": False, "PtyChi": True, "other": False}),
    ],
)
def test_who_is_registered(tmp_path, capsys, options, moved):
    code, found, _ = registered(tmp_path, capsys, *options)
    assert code == 0 and found == moved


def test_one_way_to_say_who_is_registered(tmp_path, capsys):
    code, _, said = registered(tmp_path, capsys, "--skip-registration", "--register-ptychi-only")
    assert code == 2 and "--register-ptychi-only and --skip-registration are given; needed: at most one" in said
    code, _ = run(tmp_path, {"pinn": tmp_path / "moved.npz"}, tmp_path / "r.npz", "--register-ptychi-only")
    assert code == 2 and "needed: PtyChi among them" in " ".join(capsys.readouterr().err.split())


def test_a_blurred_ring_correlation_is_judged(tmp_path):
    """The number behind --frc-sigma: where the blurred curve falls below the threshold, and nothing else."""
    it, reference = npz(tmp_path, "it", noisy(size=0.3)), npz(tmp_path, "r", TRUTH)
    _, plain = run(tmp_path, {"it": it}, reference)
    _, rows = run(tmp_path, {"it": it}, reference, "--frc-sigma", "2")
    names = {"frc_auc", "frc50_px", "frc50_ring", "frc50_saturated"}
    names |= {metric + end for metric in ("frc50", "frc1over7", "frc_half_bit") for end in ("", "_low", "_high")}
    changed = {row["metric"] for row, other in zip(rows, plain, strict=True) if row != other}
    assert {"frc50", "frc50_ring"} <= changed <= names
    objects = {"it": read_any_object(it)}
    options = {"phase_align": "plane", "ms_ssim_sigma": 1.0}
    score_ = score_arrays(objects, read_any_object(reference), **options).scores["it"]
    blurred = cutoff(smoothed(score_.evaluation.curves["value"], 2.0), 0.5)
    assert float(values(rows, "it")["frc50"][2]) == pytest.approx(blurred.frequency, rel=1e-8)


def test_a_picture_of_the_comparison(tmp_path):
    """A picture of three fields is wider than one of two by a column, and as high."""
    files = {name: npz(tmp_path, f"f{k}", noisy(k)) for k, name in enumerate(("tike", "pinn"))}
    reference, picture = npz(tmp_path, "r", TRUTH), tmp_path / "all.png"
    sizes = []
    for names in (["tike"], ["tike", "pinn"]):
        some = {name: files[name] for name in names}
        assert run(tmp_path, some, reference, "--picture", str(picture))[0] == 0
        shown = plt_image.imread(picture)
        assert np.ptp(shown) > 0.5
        sizes.append(shown.shape)
    assert sizes[0][0] == sizes[1][0] and sizes[0][1] + 200 < sizes[1][1]


def test_a_picture_is_asked_for_by_its_name(tmp_path, capsys):
    code, _ = run(tmp_path, {"a": npz(tmp_path, "a", TRUTH)}, tmp_path / "a.npz", "--picture", str(tmp_path / "a.jpg"))
    assert code == 2 and "a name that ends in .png" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "a.jpg").exists()


@pytest.mark.parametrize("option", ["--ms-ssim-sigma", "--frc-sigma", "--edge-px"])
def test_negative_numbers_are_refused(tmp_path, capsys, option):
    code, _ = run(tmp_path, {"a": npz(tmp_path, "a", TRUTH)}, tmp_path / "a.npz", option, "-1")
    assert code == 2 and f"{option} is -1" in " ".join(capsys.readouterr().err.split())


# --- known errors ----------------------------------------------------------------------------------------------------


def test_gauge_padding_and_whole_shifts_change_no_score(tmp_path):
    field = noisy()
    padded = np.pad(field * 3.7 * np.exp(1.1j) * RAMP, ((9, 4), (0, 17)))
    cut = field[5:, 8:-3]
    files = {name: npz(tmp_path, name, each) for name, each in {"as_is": field, "padded": padded, "cut": cut}.items()}
    code, rows = run(tmp_path, files, npz(tmp_path, "reference", TRUTH))
    assert code == 0
    of = {name: {key: np.array([float(v) if v != "n/a" else 0 for v in row]) for key, row in values(rows, name).items()}
          for name in files}  # fmt: skip
    for name in ("padded", "cut"):
        for metric in ("ssim", "ms_ssim", "mae", "pearson", "rms_phase_rad"):
            if metric in of[name]:
                assert np.allclose(of[name][metric], of["as_is"][metric], atol=2e-4), (name, metric)
    # All of them on the pixels that the smallest one holds.
    assert 0.5 < of["as_is"]["ssim"][1] < 0.999


def test_places_and_fractions_are_found(tmp_path, capsys):
    moved = apply_shift(TRUTH, (0.4, -0.3))[6:-2, 3:-5] * np.exp(0.5j)
    code, rows = run(tmp_path, {"moved": npz(tmp_path, "m", moved)}, npz(tmp_path, "r", TRUTH), "--edge-px", "4")
    assert code == 0
    assert float(values(rows, "moved")["ssim"][1]) > 0.99
    # What was moved by +0.4 is moved back.
    assert "(6, 3), (-0.40, 0.30) px" in capsys.readouterr().out
    _, rows = run(
        tmp_path, {"moved": tmp_path / "m.npz"}, tmp_path / "r.npz", "--edge-px", "4", "--unregistered", "moved"
    )
    assert float(values(rows, "moved")["ssim"][1]) < 0.98


TURNED = {
    "rows reversed": lambda field: field[::-1],
    "cols reversed": lambda field: field[:, ::-1],
    "rows and columns exchanged": lambda field: field.T,
    "conjugated": np.conj,
    "rows reversed, cols reversed, conjugated": lambda field: field[::-1, ::-1].conj(),
}


@pytest.mark.parametrize("words", TURNED)
@pytest.mark.parametrize("gauge", [1.0, 2.5 * np.exp(0.8j) * RAMP])
def test_what_is_turned_or_conjugated_is_refused_with_the_way_back(tmp_path, capsys, words, gauge):
    path = npz(tmp_path, "other", TURNED[words](noisy() * gauge))
    code, _ = run(tmp_path, {"other": path}, npz(tmp_path, "reference", TRUTH))
    said = " ".join(capsys.readouterr().err.split())
    assert code == 2 and not (tmp_path / "scores.csv").exists()
    assert f"{path}: key 'objectGuess' fits" in said and f"once it is changed: {words} (correlation 0.9" in said
    assert "needed: an object laid out as the reference" in said


def test_what_lies_nowhere_is_refused(tmp_path, capsys):
    other = make_object("grf", SHAPE, np.random.default_rng(9))
    noise = np.exp(1j * np.random.default_rng(3).uniform(-3, 3, SHAPE))
    for each in (noise, np.ones(SHAPE)):
        code, _ = run(tmp_path, {"it": npz(tmp_path, "it", each)}, npz(tmp_path, "reference", other))
        said = " ".join(capsys.readouterr().err.split())
        assert code == 2 and "is nowhere like" in said and "needed: 0.2" in said


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"objectGuess": np.ones((4, 30, 30), np.complex64)}, "key 'objectGuess'"),
        ({"objectGuess": np.ones((30, 30))}, "needed complex (H, W)"),
        ({"objectGuess": np.zeros((30, 30), np.complex64)}, "is all zero"),
        ({"objectGuess": np.full((30, 30), np.nan, np.complex64)}, "objectGuess"),
        ({"field": np.ones((30, 30), np.complex64)}, "needed: a complex object"),
    ],
)
def test_files_without_an_object_are_refused_by_file_and_key(tmp_path, capsys, arrays, said):
    path = tmp_path / "odd.npz"
    write_npz(path, arrays)
    code, _ = run(tmp_path, {"odd": path}, npz(tmp_path, "reference", TRUTH))
    err = " ".join(capsys.readouterr().err.split())
    assert code == 2 and str(path) in err and said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.npz"], "needed: NAME=FILE"),
        (["a=r.npz", "a=r.npz"], "needed: NAME=FILE"),
        (["a=r.npz", "--unregistered", "b"], "names b"),
        (["pinn=r.npz", "PtychoPINN=r.npz"], "(PtychoPINN twice)"),
        (["a=r.npz", "--edge-px", "-1"], ">= 0"),
        (["a=r.npz", "--frc-sigma", "inf"], "--frc-sigma is inf; needed: a number >= 0"),
        (["a=r.npz", "--edge-px", "40"], "needed: at least 16 x 16"),
        (["a=none.npz"], "none.npz"),
    ],
)
def test_words_that_make_no_sense_are_refused(tmp_path, capsys, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    npz(tmp_path, "r", TRUTH)
    assert main(["score", *words, "--reference", "r.npz"]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_comparison_is_scored_on_its_mask_or_not_at_all(cell, capsys):
    folder, _, _ = cell
    reference = folder / "reconstructions.npz"
    code, _ = run(folder, {"small": npz(folder, "small", TRUTH[:50])}, reference)
    assert code == 2 and "has nothing at" in " ".join(capsys.readouterr().err.split())
    code, _ = run(folder, {"Nobody": reference}, reference)
    assert code == 2 and "key 'Nobody' is missing" in " ".join(capsys.readouterr().err.split())
    write_npz(
        folder / "failed.npz",
        canvas_arrays(Canvas(TRUTH, np.ones(SHAPE), (0, 0))),
        {"status": "failed", "reason": "collapsed"},
    )
    code, _ = run(folder, {"failed": folder / "failed.npz"}, reference)
    assert code == 2 and "the arm failed (collapsed)" in " ".join(capsys.readouterr().err.split())


# --- formats ---------------------------------------------------------------------------------------------------------


def written(folder):
    """Write one object in every format; return paths and the object."""
    field, probe, centres, _ = program_files.truth()
    product = Product(field, probe, centres, program_files.PIXEL_M, 8000.0, 1.0, np.zeros(0), "it", "")
    write_product_h5(folder / "product.h5", product)
    program_files.ptypy_result(folder / "a.ptyr")
    program_files.ptyrad_model(folder / "model.hdf5")
    npz(folder, "plain", field)
    canvas = Canvas(field[2:, 3:], np.ones((60, 77), np.float32), (2, 3))
    write_npz(folder / "canvas.npz", canvas_arrays(canvas), {"status": "ok", "reason": ""})
    return {path.stem: path for path in sorted(folder.glob("[a-z]*"))}, field


def test_one_object_in_every_format_scores_alike(tmp_path):
    files, _ = written(tmp_path)
    assert set(files) == {"a", "canvas", "model", "plain", "product"}
    code, rows = run(tmp_path, files, files["product"])
    assert code == 0
    for name in files:
        got = values(rows, name)
        assert float(got["ssim"][1]) == pytest.approx(1, abs=1e-4), name
        assert float(got["mae"][2]) < 1e-4, name


def test_positions_bound_what_is_scored(tmp_path):
    """The hull of the frames' centres is scored, wherever a file knows them; else all that is not 0."""
    files, _ = written(tmp_path)
    options = {"phase_align": "plane", "ms_ssim_sigma": 1.0}
    plain, product = (read_any_object(files[name]) for name in ("plain", "product"))
    centres = program_files.truth()[2]
    assert np.allclose(product.positions, centres, atol=1e-6)
    assert np.allclose(read_any_object(files["model"]).positions, centres, atol=1e-5)
    assert score_arrays({"it": plain}, plain, **options).mask.sum() == plain.field.size
    inner = score_arrays({"it": plain}, product, **options).mask
    assert inner.shape[0] <= np.ptp(centres[:, 0]) + 2 and 0 < inner.sum() < plain.field.size / 2
    assert np.array_equal(score_arrays({"it": product}, plain, **options).mask, inner)


def test_other_pixels_are_refused(tmp_path, capsys):
    files, _ = written(tmp_path)
    program_files.ptypy_result(tmp_path / "coarse.ptyr", psize=np.full(2, 9e-9))
    code, _ = run(tmp_path, {"coarse": tmp_path / "coarse.ptyr"}, files["product"])
    said = " ".join(capsys.readouterr().err.split())
    assert code == 2 and "has pixels of 9e-09 m; needed: 8e-09 m" in said


def test_any_array_is_taken_by_its_key(tmp_path, capsys):
    write_npz(tmp_path / "own.npz", {"mine": noisy()[None], "other": np.arange(3)})
    with h5py.File(tmp_path / "own.h5", "w") as file:
        file["deep/mine"] = noisy()
    files = {"a": f"{tmp_path / 'own.npz'}:mine", "b": f"{tmp_path / 'own.h5'}:deep/mine"}
    files["c"] = npz(tmp_path, "plain", noisy())
    code, rows = run(tmp_path, files, f"{npz(tmp_path, 'reference', TRUTH)}:objectGuess")
    assert code == 0 and values(rows, "a") == values(rows, "b") == values(rows, "c") != {}
    for word, said in ((":none", "key 'none' is missing"), (":other", "key 'other'"), ("", "or its key: FILE:KEY")):
        code, _ = run(tmp_path, {"a": f"{tmp_path / 'own.npz'}{word}"}, tmp_path / "reference.npz")
        assert code == 2 and said in " ".join(capsys.readouterr().err.split())


# --- places ----------------------------------------------------------------------------------------------------------


def test_every_orientation_is_found_as_itself():
    seen = np.ones(SHAPE, dtype=bool)
    for orientation in ORIENTATIONS:
        turned = TRUTH[:: -1 if orientation.rows_reversed else 1, :: -1 if orientation.cols_reversed else 1]
        turned = turned.T if orientation.exchanged else turned
        best = max(places(turned, np.ones(turned.shape, bool), TRUTH, seen), key=lambda place: place.correlation)
        assert best.orientation.exchanged == orientation.exchanged and not best.conjugated
        assert best.correlation == pytest.approx(1, abs=1e-5) and best.offset == (0, 0)
        assert best.as_given == orientation.is_given


def test_little_overlap_is_no_place():
    """A corner that is alike by chance is none: a quarter of the smaller field has to overlap."""
    part = TRUTH[:40, :50]
    beyond = np.pad(part[-8:, -9:], ((0, 60), (0, 70)), constant_values=1)
    seen = np.ones(beyond.shape, dtype=bool)
    given = next(places(beyond, seen, part, np.ones(part.shape, bool)))
    top, left = given.offset
    overlap = (min(40, top + 68) - max(0, top)) * (min(50, left + 79) - max(0, left))
    assert overlap >= part.size / 4


def test_unseen_pixels_do_not_count():
    seen = np.ones(SHAPE, dtype=bool)
    seen[:20] = False
    spoilt = TRUTH * np.where(seen, 1, 50)
    given = next(places(spoilt, seen, TRUTH, np.ones(SHAPE, bool)))
    # Less than 1, as means and ramps of a part are not those of the whole.
    assert given.offset == (0, 0) and given.correlation > 0.95


@pytest.mark.parametrize("ramp", [1.0, np.exp(1j * (0.3 * ROWS - 0.2 * COLS))])
@pytest.mark.parametrize("turn", [np.asarray, lambda field: field[::-1].conj()])
def test_an_edge_without_light_moves_nothing(ramp, turn):
    """Of a whole canvas more than half may hold what the iterations left there, with a slope of its own."""
    rng = np.random.default_rng(7)
    scanned = (slice(20, 64), slice(24, 84))
    slope = np.exp(1j * (0.05 * ROWS + 0.04 * COLS) + 0.3j * rng.normal(size=SHAPE))
    field = (np.abs(slope) + rng.normal(size=SHAPE) / 5) * slope * np.abs(TRUTH).mean()
    field[scanned] = TRUTH[scanned] + 0.05 * rng.normal(size=(44, 60))
    canvas = turn(np.pad(2 * field * ramp, ((3, 9), (5, 2))))
    mask = np.zeros(SHAPE, dtype=bool)
    mask[scanned] = True
    best = max(places(canvas, canvas != 0, TRUTH, mask), key=lambda place: place.correlation)
    # Where it is once it is turned back.
    assert best.offset == (-3, -5)
    assert best.conjugated == best.orientation.rows_reversed == (turn is not np.asarray)
    assert not best.orientation.exchanged and not best.orientation.cols_reversed
