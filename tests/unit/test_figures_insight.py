"""Trainings, scan, disagreement and vectors: what is drawn is what was given, and the same twice."""

import io
import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

from ptychostudy.figures.curves import dose_curves
from ptychostudy.figures.disagreements import CellMaps, Maps, disagreement_maps
from ptychostudy.figures.histories import Training, training_histories
from ptychostudy.figures.scan import DoseFrames, ViewScan, scan_overview
from ptychostudy.figures.style import STYLES
from ptychostudy.figures.vector import svg_text
from ptychostudy.io.pictures import write_figure
from studies import made_study

EPOCHS = np.arange(1.0, 5)


def words(figure):
    return [text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text"))]


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50, metadata={"Software": None})
    return buffer.getvalue()


def training(network="PtychoPINN", dose="1000", view="dense", *, floor=0.0, failed="", loss=(4.0, 3.0, 2.5, 2.4)):
    loss = np.array(loss)
    history = {"epoch": EPOCHS, "loss": loss, "val_loss": loss + 0.1, "floor": np.full(4, floor)}
    return Training(network, dose, view, history | {"val_floor": np.full(4, floor)}, 3, failed)


def drawn(ax):
    """Return the lines of a panel by their style: (x, y)."""
    return {line.get_linestyle(): np.array(line.get_xydata()) for line in ax.lines}


def test_a_training_has_both_losses_its_best_epoch_and_its_floor():
    figure = training_histories([training(floor=2.0)])
    left, right = figure.axes
    color = STYLES["PtychoPINN"]["color"]
    np.testing.assert_allclose(left.lines[0].get_xydata(), np.column_stack([EPOCHS, [4, 3, 2.5, 2.4]]))
    np.testing.assert_allclose(right.lines[0].get_ydata(), [4.1, 3.1, 2.6, 2.5])
    assert left.lines[0].get_color() == color and left.yaxis.label.get_color() == color
    # 2.0 is a quarter of the span below the lowest loss: it is drawn, on both axes.
    for ax in (left, right):
        np.testing.assert_allclose(drawn(ax)[":"][:, 1], 2)
    assert set(left.lines[-1].get_xdata()) == {3} and "best epoch 3" in left.get_title()


def test_a_floor_far_below_is_named_and_does_not_flatten_the_curve():
    figure = training_histories([training(floor=-10.0)])
    assert ":" not in drawn(figure.axes[0]) and "↓ floor -10" in words(figure)
    assert figure.axes[0].get_ylim()[0] > 2


def test_every_network_has_a_row_and_every_dose_a_column():
    trainings = [training(dose=dose, view=view) for dose in ("1000", "100000") for view in ("dense", "sparse")]
    trainings += [training("Baseline", "100000", "all views", failed="collapsed")]
    figure = training_histories(trainings)
    panels = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title().split("\n")[0] for ax in panels] == [
        *["PtychoPINN, dense"] * 2,
        *["PtychoPINN, sparse"] * 2,
        "Baseline, all views",
    ]
    assert panels[0].get_title().endswith("1 000 photons per frame, best epoch 3")
    assert panels[-1].get_title().endswith("100 000 photons per frame, failed: collapsed")
    # There is no Baseline of 1000 photons: its place is blank.
    assert sum(not ax.axison for ax in figure.axes) == 1
    assert rendered(figure) == rendered(training_histories(trainings))


def test_a_training_that_ended_without_a_number_is_drawn():
    one = training(loss=(4.0, np.nan, np.inf, 3.0), failed="loss is nan", dose="all")
    left = training_histories([one]).axes[0]
    assert np.isfinite(left.lines[0].get_ydata()).tolist() == [True, False, False, True]
    assert left.get_title().endswith("all doses, failed: loss is nan")
    assert rendered(training_histories([training(loss=[np.nan] * 4)]))


def overview(valid=None, doses=(1000, 100000), **known):
    n = 16
    rows, cols = np.indices((n, n)) - n // 2
    probe = 3 * np.exp(-(rows**2 + cols**2) / 20 + 0.3j * cols)
    mean = np.exp(-(rows**2 + cols**2) / 8.0)
    one = np.where(mean > 0.5, 4.0, 0.0)
    map_ = np.arange(30 * 40.0).reshape(30, 40)
    places = {"train": np.array([[15.0, 25.0], [16.0, 30.0]]), "test": np.array([[30.0, 28.0]])}
    views = {"dense": ViewScan(map_, (10, 20), places), "sparse": ViewScan(map_ / 2, (10, 20), places)}
    doses = {dose: DoseFrames(mean, one, 7, dose * 1.01) for dose in doses}
    valid = np.ones((n, n), bool) if valid is None else valid
    return scan_overview(probe, views, doses, valid, **known), probe, map_, mean, one


def test_probe_scan_and_frames_are_drawn_as_they_are():
    figure, probe, map_, mean, one = overview()
    images = [ax.images[0] for ax in figure.axes if ax.images]
    amplitude, phase, dense, sparse, *frames = [image.get_array() for image in images]
    np.testing.assert_allclose(amplitude, np.abs(probe) / 3)
    np.testing.assert_allclose(phase, np.angle(probe))
    np.testing.assert_allclose(dense, map_)
    np.testing.assert_allclose(sparse, map_ / 2)
    # One scale for the views; a cyclic one of a whole turn for the phase.
    assert images[2].get_clim() == images[3].get_clim() and images[1].get_clim() == (-np.pi, np.pi)
    # Zeros have no logarithm: they get the lowest that is shown.
    np.testing.assert_allclose(frames[0], np.maximum(mean, mean.max() / 1e5))
    np.testing.assert_allclose(frames[2][one > 0], 4)
    # A single photon is brighter than none.
    assert frames[2].min() == images[6].get_clim()[0] == 2
    assert len(frames) == 4 and f"frame 7: {one.sum():g} photons" in words(figure)
    assert "1 000 photons per frame\nmeasured 1010" in words(figure) and "All detector pixels count." in said(figure)
    assert rendered(figure) == rendered(overview()[0])


@pytest.mark.parametrize("number", range(1, 7))
def test_letters_of_the_scan_are_read_at_the_width_of_a_page_with_any_number_of_doses(number):
    figure = overview(doses=[10**power for power in range(2, 2 + number)])[0]
    # Numbers beside colour bars are texts once they are drawn.
    assert rendered(figure)
    letters = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert min(text.get_fontsize() for text in letters) * (170 / 25.4) / figure.get_figwidth() >= 7
    shown = [ax for ax in figure.axes if ax.images]
    assert len(shown) == 2 + 2 + 2 * number
    titles = [ax.title.get_window_extent() for ax in shown]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(titles, 2))
    # A dose's frame stands below its mean.
    means, ones = [[ax for ax in shown if word in ax.get_title()] for word in ("measured", "frame 7")]
    for mean, one in zip(means, ones, strict=True):
        assert mean.get_position().y0 > one.get_position().y0
        assert mean.get_position().x0 == pytest.approx(one.get_position().x0, abs=0.02)


def said(figure):
    return " ".join(figure.get_supxlabel().split())


def test_positions_lie_on_their_pixels_of_the_map():
    figure = overview()[0]
    dots = next(ax for ax in figure.axes if ax.get_title() == "dense: 2 + 1 frames").collections
    # (row, col) of the object less the map's first pixel, drawn as (x, y).
    np.testing.assert_allclose(dots[0].get_offsets(), [[5, 5], [10, 6]])
    np.testing.assert_allclose(dots[1].get_offsets(), [[8, 20]])


def test_pixels_that_count_nothing_are_grey_and_said():
    valid = np.ones((16, 16), bool)
    valid[3, 4] = False
    figure = overview(valid, modes=3)[0]
    frames = [ax.images[0].get_array() for ax in figure.axes if ax.images][4:]
    for frame in frames:
        assert np.array_equal(np.ma.getmaskarray(frame), ~valid)
    assert "count nothing" in said(figure) and any(word.endswith(" px") for word in words(figure))
    assert "Probe, first of 3 modes" in words(figure) and "Probe" in words(overview(pixel_m=1e-8)[0])


def cell_maps(title="1 000 photons", **networks):
    mask = np.zeros((12, 20), bool)
    mask[2:10, 3:18] = True
    return CellMaps(title, mask, networks)


def maps(spread, error):
    return Maps(np.full((12, 20), spread), np.full((12, 20), error))


def test_disagreement_stands_beside_the_error_in_one_scale():
    first = cell_maps("a", PtychoPINN=maps(0.01, 0.1), Baseline=maps(0.02, 0.2))
    figure = disagreement_maps([first, cell_maps("b", PtychoPINN=maps(0.001, 0.05))], pixel_m=1e-8)
    images = [ax.images[0] for ax in figure.axes if ax.images]
    shown = [float(image.get_array().mean()) for image in images]
    assert shown[:4] == pytest.approx([0.01, 0.1, 0.02, 0.2]) and shown[5] == pytest.approx(0.05)
    assert len({image.get_clim() for image in images}) == 1
    assert images[0].get_array().shape == (8, 15)
    assert "Baseline failed" in words(figure) and "PtychoPINN\nerror\nrms 0.1" in words(figure)
    assert "|model - truth|" in said(figure) and "rms 0.001" in words(figure)
    assert "truth" not in said(disagreement_maps([first], known="reference"))


def test_cells_without_any_network_are_drawn():
    assert "failed" not in words(disagreement_maps([cell_maps()]))
    assert rendered(disagreement_maps([cell_maps()]))
    # Patches that agree altogether have no logarithm, and are dark.
    assert rendered(disagreement_maps([cell_maps(PtychoPINN=maps(0.0, 0.1))]))


def test_vectors_have_the_same_bytes_and_tell_no_time():
    first, second = (svg_text(dose_curves(made_study())) for _ in range(2))
    assert first == second and "<dc:date>" not in first and "Matplotlib v" not in first
    root = ElementTree.fromstring(first)
    assert root.tag.endswith("svg") and len(root.findall(".//{http://www.w3.org/2000/svg}path")) > 20


def test_a_picture_has_the_same_bytes_and_hardly_other_colours(tmp_path):
    from PIL import Image

    # Made anew each time: a second drawing of a figure starts from the layout of the first.
    for name in ("a", "b"):
        write_figure(tmp_path / name, dose_curves(made_study()), dpi=60)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    whole = io.BytesIO()
    dose_curves(made_study()).savefig(whole, format="png", dpi=60)
    few, whole = (np.asarray(Image.open(file).convert("RGB"), int) for file in (tmp_path / "a", whole))
    # In the mean less than a step of 256; what is one colour, as a line's inside, keeps it.
    apart = np.abs(few - whole).max(axis=-1)
    assert apart.mean() < 1 and apart.max() < 32
    for style in STYLES.values():
        line = np.all(whole == np.round(255 * np.array(to_rgb(style["color"]))), axis=-1)
        assert apart[line].max(initial=0) <= 3
