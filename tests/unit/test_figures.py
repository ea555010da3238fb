"""Figures: what they show can be read back from the axes; the same input gives the same bytes."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from ptychostudy.figures.curves import dose_curves, overlap_curves
from ptychostudy.figures.fields import comparison_plot
from ptychostudy.figures.grids import correlation_heatmap, ms_ssim_heatmap, ssim_grid
from ptychostudy.figures.period_axis import half_periods
from ptychostudy.figures.rings import Rings, frc_curves
from ptychostudy.figures.scale_bar import bar_length
from ptychostudy.figures.style import STYLES
from ptychostudy.study.names import ARMS, CONTROLS
from studies import MODELS, VIEWS, made_study


@pytest.fixture
def summary():
    return made_study(change=lambda _, *c: {"failed": ("Baseline",) if c == (1000, "sparse", "test") else ()})


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
    figure = comparison_plot(
        {"PtychoPINN": truth * 1j, "PtyChi": 2 * truth}, truth, mask, "cell", scores=scores, caption="n = 20."
    )
    assert caption(figure).endswith("n = 20.")
    panels = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title().split("\n")[0] for ax in panels[:3]] == ["Truth", "PtychoPINN", "PtyChi"]
    shown = [ax.images[0] for ax in panels]
    inside = mask[4:36, 6:50]
    assert shown[0].get_array().shape == inside.shape
    assert np.array_equal(~np.ma.getmaskarray(shown[0].get_array()), inside)
    np.testing.assert_allclose(shown[2].get_array()[inside], 2 * np.abs(truth)[mask], rtol=1e-12)
    # A factor i is a phase of pi/2 above the truth, rounding of an angle apart.
    np.testing.assert_allclose((shown[4].get_array() - shown[3].get_array())[inside], np.pi / 2, atol=1e-12)
    # The error is drawn of the arms alone: i is off by pi/2 everywhere, the other by rounding.
    np.testing.assert_allclose(shown[6].get_array()[inside], np.pi / 2, atol=1e-12)
    np.testing.assert_allclose(shown[7].get_array()[inside], 0, atol=1e-12)
    assert shown[6].get_clim() == pytest.approx((-np.pi / 2, np.pi / 2)) and len(shown) == 8
    for row in (shown[:3], shown[3:6], shown[6:]):
        assert len({image.get_clim() for image in row}) == 1
    assert "PtyChi\nSSIM 0.812  r 0.900" in words(figure) and "SSIM 0.250" in words(figure)
    assert any(text.endswith(" px") for text in words(figure)) and "phase (rad)" in words(figure)


def test_grid_shows_differences_and_failures(summary):
    figure = ssim_grid(summary)
    gains = figure.axes[0].images[0].get_array()
    assert gains.shape == (2, 8)
    # Differences of two decimals: exact but for rounding.
    np.testing.assert_allclose(np.ma.filled(gains, np.nan)[1], 0.1, atol=1e-12)
    assert np.isnan(np.ma.filled(gains, np.nan)[0, 3]) and "Baseline\nfailed" in words(figure)
    assert "+0.200\n0.800 | 0.600" in words(figure)


@pytest.mark.parametrize("draw", [correlation_heatmap, ms_ssim_heatmap])
def test_heatmaps_have_a_row_per_model_and_a_column_per_cell(summary, draw):
    figure = draw(summary)
    values = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    assert values.shape == (7, 8) and np.isnan(values[1, 3])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(MODELS)
    assert "failed" in words(figure) and "0.800" in words(figure)


def named(ax):
    """Return the labelled lines of a panel as points."""
    return {line.get_label(): line.get_xydata() for line in ax.lines if not line.get_label().startswith("_")}


def bars(ax):
    """Return the vertical bars of a panel as rows of (x, low, high), sorted."""
    found = [path.vertices for lines in ax.collections if hasattr(lines, "get_segments") for path in lines.get_paths()]
    return sorted((x, low, high) for (x, low), (_, high) in (ends for ends in found if len(ends) == 2))


def caption(figure):
    return " ".join(figure.get_supxlabel().split())


def test_dose_curves_draw_every_arm_and_the_floor(summary):
    figure = dose_curves(summary)
    assert len(figure.axes) == 4
    lines = named(figure.axes[0])
    assert set(lines) == {*MODELS, "floor 1/√(2n)"}
    np.testing.assert_allclose(lines["PtychoPINN"], [[50, 0.2], [5000, 0.2]])
    n, floor = lines["floor 1/√(2n)"].T
    np.testing.assert_allclose(floor, (2 * n) ** -0.5)
    assert n[0] < 20 and n[-1] > 5000
    assert figure.axes[0].get_xscale() == "log"
    sparse = named(figure.axes[1])
    assert np.isnan(sparse["Baseline"][0, 1]) and np.isfinite(sparse["Baseline"][1, 1])
    # One seed: nothing looks like a spread.
    assert bars(figure.axes[0]) == [] and "95 % interval" not in words(figure)


def test_overlap_curves_run_over_the_measured_overlap(summary):
    figure = overlap_curves(summary)
    assert len(figure.axes) == 6
    np.testing.assert_allclose(named(figure.axes[1])["PtyChi"], [[0.5, 0.7], [0.7, 0.7]])
    assert figure.axes[0].get_title() == "1 000 photons per frame\nn = 20, 50"


def test_at_fixed_fluence_a_panel_compares_cells_of_equal_photons_per_pixel():
    figure = overlap_curves(made_study(design="fixed_fluence"))
    titles = [ax.get_title() for ax in figure.axes[:2]]
    assert titles == [
        f"{dose} photons per frame\nof the full scan\nn = {n}" for dose, n in (("1 000", "50"), ("100 000", "5 000"))
    ]
    assert named(figure.axes[0])["PtyChi"].shape == (2, 2)
    assert "fixed fluence" in caption(figure).lower()


def scattered(seed, dose, view, split):
    return {"scores": {"PtychoPINN": 0.9 + 0.02 * seed}, "converged": (dose, seed) != (100000, 1)}


@pytest.fixture
def repeated():
    return made_study(seeds=(0, 1, 2), change=scattered)


def test_seeds_are_a_mean_an_interval_and_faint_points(repeated):
    figure = dose_curves(repeated)
    ax = figure.axes[2]
    np.testing.assert_allclose(named(ax)["PtychoPINN"][:, 1], 0.92)
    # Three seeds: the interval is their range. The other models are the same in all seeds, their bars have no length.
    long = [bar for bar in bars(ax) if bar[2] - bar[1] > 1e-9]
    np.testing.assert_allclose(long, [[50, 0.9, 0.94], [5000, 0.9, 0.94]])
    faint = [line for line in ax.lines if line.get_alpha() and line.get_color() == STYLES["PtychoPINN"]["color"]]
    np.testing.assert_allclose([line.get_ydata() for line in faint], [[0.9, 0.92, 0.94]] * 2)
    assert {"one seed", "95 % interval"} <= set(words(figure))


def test_two_seeds_have_points_and_no_interval():
    figure = dose_curves(made_study(seeds=(0, 1), change=scattered))
    assert bars(figure.axes[2]) == []
    assert [line for line in figure.axes[2].lines if line.get_alpha()]
    assert "95 % interval" not in words(figure) and "too few for an interval" in caption(figure)


def marked(ax, name, value):
    """Return where markers without a line have a face or rim of one colour."""
    found = [line for line in ax.lines if line.get_linestyle() == "None" and getattr(line, f"get_{name}")() == value]
    return [tuple(point) for line in found for point in line.get_xydata() if np.isfinite(point).all()]


def test_what_lies_below_the_floor_is_hollow_and_said(repeated):
    figure = dose_curves(repeated)
    # rms 0.08 is below 1/sqrt(2 * 50) = 0.1 and 1/sqrt(2 * 20) = 0.158, above 1/sqrt(2 * 5000) = 0.01.
    for ax, n in ((figure.axes[0], 50), (figure.axes[1], 20)):
        np.testing.assert_allclose(marked(ax, "markerfacecolor", "white"), [(n, 0.08)])
    assert marked(figure.axes[2], "markerfacecolor", "white") == []
    assert "below the floor" in words(figure) and "uses its prior" in caption(figure)


def test_what_did_not_converge_has_a_black_rim(repeated):
    figure = dose_curves(repeated)
    np.testing.assert_allclose(marked(figure.axes[0], "markeredgecolor", "black"), [(5000, 0.3)])
    assert "not converged" in words(figure)
    assert "PtyChi converged in 10 of 12 runs." in caption(figure)
    assert "not converged" not in words(dose_curves(made_study()))


def test_grids_of_seeds_show_intervals_and_how_many_succeeded():
    def change(seed, dose, view, split):
        return scattered(seed, dose, view, split) | {"failed": ("Baseline",) if seed and view == "sparse" else ()}

    study = made_study(doses=(1000,), splits=("test",), seeds=(0, 1, 2), change=change)
    heat, grid = words(ms_ssim_heatmap(study)), words(ssim_grid(study))
    assert "0.920\n[0.900, 0.940]" in heat and "0.600\n(1 of 3)" in heat
    assert "+0.320\n[+0.300, +0.340]\n0.920 | 0.600" in grid and "+0.300\n0.920 | 0.600" in grid


@pytest.mark.parametrize(
    "draw",
    [
        dose_curves,
        overlap_curves,
        correlation_heatmap,
        ms_ssim_heatmap,
        ssim_grid,
    ],
)
def test_every_figure_says_metric_photons_overlap_seeds_convergence_and_truth(summary, draw):
    figure = draw(summary)
    text, everything = caption(figure), " ".join(" ".join(words(figure)).split())
    assert "Wang 200" in text or "1 is a perfect match, 0 a flat object" in text
    assert "detected photons per object pixel" in everything and "linear" in everything
    for _, area, linear, _ in VIEWS.values():
        assert f"{area:.2f} (" in everything and f"{linear:.2f})" in everything
    assert "Fixed photons per frame" in text and "One seed (0): no interval." in text
    assert "PtyChi converged in" in text and "Baseline failed in 1 of" in text
    assert text.endswith("Truth: simulated object.")


def test_views_stand_by_their_overlap_the_densest_first():
    figure = dose_curves(made_study(views=("sparse", "dense")))
    assert [ax.get_title().split("\n")[0] for ax in figure.axes[:2]] == ["dense", "sparse"]


def test_notes_are_read_on_their_colour(summary):
    # Of cividis the low end is dark blue, the high end yellow; behind what is missing it is light grey.
    colours = {text.get_text(): text.get_color() for text in ms_ssim_heatmap(summary).axes[0].texts}
    assert (colours["0.000"], colours["0.800"], colours["failed"]) == ("white", "black", "black")


@pytest.mark.parametrize(("shape", "size"), [((30, 60), (5.3352, 4.33)), ((60, 30), (5.3352, 8.05))])
def test_panels_have_the_shape_of_the_field(shape, size):
    # A panel is 1.32 in wide, which its scores need, and at most 1.9 in high.
    truth, mask = np.ones(shape, complex), np.ones(shape, bool)
    figure = comparison_plot({"PtychoPINN": truth, "PtyChi": truth}, truth, mask, "cell")
    np.testing.assert_allclose(figure.get_size_inches(), size)


def test_controls_stand_below_the_arms_on_the_same_scale():
    truth, mask = fields()
    drawn = {model: truth * (2 + k) * np.exp(0.1j * k) for k, model in enumerate((*ARMS, *CONTROLS))}
    figure = comparison_plot(drawn, truth, mask, "cell")
    panels = [ax for ax in figure.axes if ax.images]
    # Between them the errors: four of the arms, below three of the controls.
    amplitudes, phases = [*panels[:5], *panels[14:17]], [*panels[5:10], *panels[17:20]]
    assert [ax.get_title() for ax in amplitudes] == ["Truth", *ARMS, *CONTROLS]
    for row in (amplitudes, phases):
        assert len({ax.images[0].get_clim() for ax in row}) == 1
    inside, start = mask[4:36, 6:50], phases[0].images[0].get_array()
    for k, (amplitude, phase) in enumerate(zip(amplitudes[1:], phases[1:], strict=True)):
        found, turned = (ax.images[0].get_array()[inside] for ax in (amplitude, phase))
        np.testing.assert_allclose(found, (2 + k) * np.abs(truth)[mask], rtol=1e-12)
        np.testing.assert_allclose(turned - start[inside], 0.1 * k, atol=1e-12)
    assert sum(not ax.axison for ax in figure.axes) == 6, "two blanks in each row of the lower band"


def ringed(study, models=MODELS):
    x = np.linspace(0, 1, 20)
    return {
        (cell["dose"], cell["view"], cell["split"]): {
            model: Rings(x, 1 - x * (k + 1) / 10, np.full(20, 0.1716)) for k, model in enumerate(models)
        }
        for cell in study["jobs"]
    }


def test_ring_curves_have_a_panel_a_cell_both_thresholds_and_grey_controls(summary):
    figure = frc_curves(summary, ringed(summary))
    heads = [ax.get_title().split(" photons")[0] for ax in figure.axes]
    assert heads[:2] == heads[2:] and heads[0] != heads[1]
    assert [ax.get_title().split("\n")[1].split(",")[0] for ax in figure.axes[::2]] == ["dense", "sparse"]
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert set(lines) == {*MODELS, "half-bit", "0.5"}
    assert set(lines["0.5"].get_ydata()) == {0.5} and set(lines["half-bit"].get_ydata()) == {0.1716}
    np.testing.assert_allclose(lines[list(MODELS)[1]].get_ydata()[-1], 0.8)
    for model in MODELS:
        assert lines[model].get_marker() == STYLES[model]["marker"]
        assert (lines[model].get_color() == STYLES[model]["color"]) == (model in ARMS)
    text = " ".join([caption(figure), *(ax.get_title() for ax in figure.axes)])
    assert "van Heel and Schatz 2005" in text and "n = " in text and text.count("linear") > 4
    assert caption(figure).endswith("Truth: simulated object.") and "PtyChi converged in" in text
    assert rendered(figure) == rendered(frc_curves(summary, ringed(summary)))


def test_an_arm_without_rings_keeps_its_place_in_the_legend(summary):
    figure = frc_curves(summary, ringed(summary, list(MODELS)[1:]))
    assert len(figure.axes[0].lines[0].get_xdata()) == 0
    assert next(iter(MODELS)) in [text.get_text() for text in figure.legends[0].get_texts()]


def test_one_cell_and_one_arm_alone_are_drawn():
    failed = {"failed": ("Baseline", "PtychoPINN", "Untrained")}
    alone = made_study(doses=(1000,), views=("dense",), splits=("train",), change=lambda *_: failed)
    figures_made = [
        dose_curves(alone),
        overlap_curves(alone),
        ssim_grid(alone),
    ]
    for figure in [*figures_made, correlation_heatmap(alone)]:
        assert rendered(figure)


def test_the_same_input_gives_the_same_bytes(summary):
    assert rendered(dose_curves(summary)) == rendered(dose_curves(summary))


def test_colours_and_markers_differ():
    assert len({to_hex(style["color"]) for style in STYLES.values()}) == len(STYLES)
    assert len({style["marker"] for style in STYLES.values()}) == len(STYLES)


def test_colour_scales_are_the_truth_s_whatever_the_arms_are():
    truth, mask = fields()
    bright = {"PtychoPINN": 7 * truth * np.exp(2j), "Baseline": np.zeros_like(truth), "PtyChi": truth}
    figure = comparison_plot(bright, truth, mask, "cell")
    panels = [ax.images[0] for ax in figure.axes if ax.images]
    amplitude = np.percentile(np.abs(truth)[mask], [0.5, 99.5])
    phases = np.angle(truth)[mask]
    for image in panels[:4]:
        np.testing.assert_allclose(image.get_clim(), amplitude, rtol=1e-9)
    # The truth's phase is shown about its mean; its span is what the scale must have.
    for image in panels[4:8]:
        low, high = image.get_clim()
        assert high - low == pytest.approx(np.ptp(np.percentile(phases, [0.5, 99.5])), rel=1e-6)


def test_a_truth_without_contrast_has_a_scale_that_shows_no_rounding():
    """A pure phase or amplitude object: 10 % of its amplitude, 0.1 rad, to each side, whatever its unit."""
    rng = np.random.default_rng(2)
    truth, mask = np.full((20, 30), 50.0 + 0j), np.ones((20, 30), bool)
    rounded = truth * np.exp(1e-7 * (rng.normal(size=truth.shape) + 1j * rng.normal(size=truth.shape)))
    figure = comparison_plot({"PtyChi": rounded}, truth, mask, "cell")
    panels = [ax.images[0] for ax in figure.axes if ax.images]
    limits = [image.get_clim() for image in panels[:4]]
    np.testing.assert_allclose(limits, [(45, 55), (45, 55), (-0.1, 0.1), (-0.1, 0.1)], atol=1e-6)


def test_measured_data_have_a_reference():
    truth, mask = fields()
    figure = comparison_plot({"PtyChi": truth}, truth, mask, "cell", known="Reference")
    assert "Reference" in words(figure) and "Truth" not in words(figure)
    assert "model - reference" in caption(figure) and "truth" not in caption(figure)


@pytest.mark.parametrize(
    ("cols", "pixel_m", "length", "text"),
    [
        (227, 1e-8, 50, "500 nm"),
        (300, 1e-8, 100, "1 µm"),
        (100, 8.47e-9, 200 / 8.47, "200 nm"),
        (1000, 5e-8, 400, "20 µm"),
        (100, 2e-11, 25, "0.5 nm"),
        (125, None, 50, "50 px"),
        (124, None, 20, "20 px"),
        (2, None, 1, "1 px"),
    ],
)
def test_a_scale_bar_has_the_longest_round_length_in_two_fifths_of_the_width(cols, pixel_m, length, text):
    found, said = bar_length(cols, pixel_m)
    assert (found, said) == (pytest.approx(length), text)


def test_the_bar_of_a_comparison_is_as_long_as_it_says():
    truth, mask = fields()
    # 44 columns are scored: of 10 nm a bar of 100 nm has ten of them, of no known length one of 10 px as well.
    for pixel_m, text in ((1e-8, "100 nm"), (None, "10 px")):
        figure = comparison_plot({"PtyChi": truth}, truth, mask, "cell", pixel_m=pixel_m)
        (bar,) = figure.axes[0].lines
        assert np.ptp(bar.get_xdata()) == pytest.approx(10) and text in words(figure)


def test_frequencies_are_told_as_half_periods_where_the_pixel_is_known(summary):
    figure = frc_curves(summary, ringed(summary))
    # A pixel of 10 nm: Nyquist is a half period of 10 nm, half of it one of 20 nm.
    for ax, below in ((figure.axes[0], 0), (figure.axes[-1], 1)):
        assert len(ax.child_axes) == below
    (axis,) = figure.axes[-1].child_axes
    told = dict(zip([text.get_text() for text in axis.get_xticklabels()], axis.get_xticks(), strict=True))
    assert told["10"] == pytest.approx(1) and told["20"] == pytest.approx(0.5)
    assert axis.get_xlabel() == "half period (nm)"
    unknown = {**summary, "jobs": [{**cell, "pixel_size_m": None} for cell in summary["jobs"]]}
    assert not any(ax.child_axes for ax in frc_curves(unknown, ringed(unknown)).axes)


@pytest.mark.parametrize("pixel_nm", [10.0, 8.47, 0.04, 123.0, 1.0])
def test_half_periods_are_round_and_do_not_touch(pixel_nm):
    lengths = half_periods(pixel_nm)
    frequencies = pixel_nm / np.array(lengths)
    assert len(lengths) >= 4 and frequencies[0] <= 1 + 1e-9 and frequencies[0] > 0.6
    assert np.all(-np.diff(frequencies) >= 0.13)


def test_a_measured_study_speaks_of_its_reference_and_of_no_truth():
    study = made_study()
    cells = [{**cell, "truth": "full-dose iterative reference"} for cell in study["jobs"]]
    study = {**study, "jobs": cells}
    drawn = [draw(study) for draw in (dose_curves, overlap_curves, correlation_heatmap, ms_ssim_heatmap, ssim_grid)]
    for figure in [*drawn, frc_curves(study, ringed(study))]:
        said = " ".join(words(figure)) + caption(figure)
        assert "reference" in said and "truth" not in said.lower()


def test_errors_of_others_arrays_set_the_scale_and_those_of_controls_do_not():
    truth, mask = fields()
    drawn = {"theirs": truth * np.exp(0.2j), "Flat": truth * np.exp(0.7j)}
    figure = comparison_plot(drawn, truth, mask, "cell")
    last = [ax.images[0] for ax in figure.axes if ax.images][-1]
    assert last.get_clim() == pytest.approx((-0.2, 0.2))


def test_letters_of_a_comparison_are_read_at_the_width_of_a_page():
    truth, mask = fields()
    figure = comparison_plot(dict.fromkeys((*ARMS, *CONTROLS), truth), truth, mask, "cell")
    sizes = [text.get_fontsize() for text in figure.findobj(Text) if text.get_text()]
    assert min(sizes) * (170 / 25.4) / figure.get_figwidth() >= 6
