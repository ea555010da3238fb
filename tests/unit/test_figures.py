"""Figures: what they show can be read back from the axes; the same input gives the same bytes."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex

from ptychostudy import figures
from ptychostudy.core.summary import make_delta, make_job, summarize
from ptychostudy.figures.style import STYLES

MODELS = {"PtychoPINN": 0.8, "Baseline": 0.6, "PtyChi": 0.7, "Flat": 0.0, "Untrained": 0.05}


def made_job(dose, view, split, failed=()):
    n, overlap = dose / {"dense": 20.0, "sparse": 60.0}[view], {"dense": 0.7, "sparse": 0.5}[view]
    rows = [
        {"model": model, "metric": metric, "amplitude": str(v), "phase": str(v), "value": str(v)}
        for model, v in MODELS.items()
        if model not in failed
        for metric in ("ssim", "ms_ssim", "mae", "pearson", "frc50")
    ]
    arms = {
        m: {"status": "failed"} if m in failed else {"status": "ok", "rms_phase_rad": 1 - v} for m, v in MODELS.items()
    }
    status = {
        "dose": dose,
        "view": view,
        "split": split,
        "status": "success",
        "truth": "simulated object",
        "arms": arms,
    }
    return make_job(status | {"photons_per_pixel": n, "overlap": {"metric_2_image_based_avg": overlap}}, rows)


@pytest.fixture
def summary():
    cells = [(d, v, s) for d in (1000, 100000) for v in ("dense", "sparse") for s in ("train", "test")]
    return summarize([made_job(*c, failed=["Baseline"] if c == (1000, "sparse", "test") else ()) for c in cells], {})


def fields():
    rng = np.random.default_rng(3)
    truth = rng.uniform(0.5, 1, (40, 60)) * np.exp(1j * rng.uniform(-0.6, 0.6, (40, 60)))
    mask = np.zeros(truth.shape, bool)
    mask[4:36, 6:50] = True
    mask[4:10, 6:10] = False
    return truth, mask


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=50, metadata={"Software": None})
    return buffer.getvalue()


def words(figure):
    return [text.get_text() for text in figure.findobj(match=lambda artist: hasattr(artist, "get_text"))]


def test_comparison_shows_the_field_on_the_scale_of_the_truth():
    truth, mask = fields()
    scores = {"PtyChi": {"ssim": (0.8125, 0.25, 0.5), "pearson": (0.9, None, 0.5)}}
    figure = figures.comparison_plot(
        {"PtychoPINN": truth * 1j, "PtyChi": 2 * truth}, truth, mask, "cell", scores=scores
    )
    panels = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title().split("\n")[0] for ax in panels[:3]] == ["Truth", "PtychoPINN", "PtyChi"]
    shown = [ax.images[0] for ax in panels]
    inside = mask[4:36, 6:50]
    assert shown[0].get_array().shape == inside.shape
    assert np.array_equal(~np.ma.getmaskarray(shown[0].get_array()), inside)
    np.testing.assert_allclose(shown[2].get_array()[inside], 2 * np.abs(truth)[mask], rtol=1e-12)
    # A factor i is a phase of pi/2 above the truth, rounding of an angle apart.
    np.testing.assert_allclose((shown[4].get_array() - shown[3].get_array())[inside], np.pi / 2, atol=1e-12)
    for row in (shown[:3], shown[3:]):
        assert len({image.get_clim() for image in row}) == 1
    assert "PtyChi\nSSIM 0.812  r 0.900" in words(figure) and "SSIM 0.250" in words(figure)
    assert any(text.endswith(" px") for text in words(figure)) and "phase (rad)" in words(figure)


def test_grid_shows_differences_and_failures(summary):
    figure = figures.ssim_grid(make_delta(summary), summary)
    gains = figure.axes[0].images[0].get_array()
    assert gains.shape == (2, 8)
    # Differences of two decimals: exact but for rounding.
    np.testing.assert_allclose(np.ma.filled(gains, np.nan)[1], 0.1, atol=1e-12)
    assert np.isnan(np.ma.filled(gains, np.nan)[0, 3]) and "Baseline\nfailed" in words(figure)
    assert "+0.200\n0.800 | 0.600" in words(figure)


@pytest.mark.parametrize("draw", [figures.correlation_heatmap, figures.ms_ssim_heatmap])
def test_heatmaps_have_a_row_per_model_and_a_column_per_cell(summary, draw):
    figure = draw(summary)
    values = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    assert values.shape == (5, 8) and np.isnan(values[1, 3])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(MODELS)
    assert "failed" in words(figure) and "0.800" in words(figure)


def test_dose_curves_draw_every_arm_and_the_floor(summary):
    figure = figures.dose_curves(summary)
    assert len(figure.axes) == 4
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[0].lines}
    assert set(lines) == {*MODELS, "floor 1/√(2n)"}
    np.testing.assert_allclose(lines["PtychoPINN"], [[50, 0.2], [5000, 0.2]])
    n, floor = lines["floor 1/√(2n)"].T
    np.testing.assert_allclose(floor, (2 * n) ** -0.5)
    assert n[0] < 50 and n[-1] > 5000
    assert figure.axes[0].get_xscale() == "log"
    sparse = {line.get_label(): line.get_ydata() for line in figure.axes[1].lines}
    assert np.isnan(sparse["Baseline"][0]) and np.isfinite(sparse["Baseline"][1])


def test_overlap_curves_run_over_the_measured_overlap(summary):
    figure = figures.overlap_curves(summary)
    assert len(figure.axes) == 6
    lines = {line.get_label(): line.get_xydata() for line in figure.axes[1].lines}
    np.testing.assert_allclose(lines["PtyChi"], [[0.5, 0.7], [0.7, 0.7]])


def test_frc_plot_draws_curves_and_thresholds():
    frequency = np.linspace(0, 1, 20)
    figure = figures.frc_plot(frequency, {"PtychoPINN": 1 - frequency}, np.full(20, 0.1716), "cell")
    assert [line.get_label() for line in figure.axes[0].lines] == ["PtychoPINN", "half-bit", "0.5"]


def test_one_cell_and_one_arm_alone_are_drawn():
    alone = summarize([made_job(1000, "dense", "train", failed=["Baseline", "PtychoPINN", "Untrained"])], {})
    figures_made = [
        figures.dose_curves(alone),
        figures.overlap_curves(alone),
        figures.ssim_grid(make_delta(alone), alone),
    ]
    for figure in [*figures_made, figures.correlation_heatmap(alone)]:
        assert rendered(figure)


def test_the_same_input_gives_the_same_bytes(summary):
    assert rendered(figures.dose_curves(summary)) == rendered(figures.dose_curves(summary))


def test_colours_and_markers_differ():
    assert len({to_hex(style["color"]) for style in STYLES.values()}) == len(STYLES)
    assert len({style["marker"] for style in STYLES.values()}) == len(STYLES)
