import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import same_color
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from natfit import Censored, NaturalMLE
from natfit.display import DensityDisplay
from natfit.distributions import Truncated

draw = DensityDisplay.from_estimator
COUNTS = np.random.default_rng(1).poisson(3.0, (300, 1))


@pytest.fixture
def model(y):
    return NaturalMLE("normal").fit(y)


@pytest.fixture
def frozen(y):
    return stats.norm(y.mean(), y.std())


def test_histogram_and_density_have_one_scale(model, frozen, y):
    display = draw(model, y)
    x, density = display.line_.get_data()
    assert_allclose(density, frozen.pdf(x), rtol=1e-4)
    assert x[0] < y.min() and x[-1] > y.max()
    area = sum(bar.get_width() * bar.get_height() for bar in display.points_)
    assert_allclose(area, 1.0)
    assert display.ax_.get_ylabel() == "density"
    assert display.figure_ is display.ax_.figure
    assert display.band_ is None


def test_rug_marks_each_row(model, y):
    display = draw(model, y, kind="rug")
    assert_array_equal(display.points_.get_xdata(), np.sort(y[:, 0]))


def test_qq_and_pp_are_scipys(model, frozen, y):
    share = np.arange(1, 201) / 201
    display = draw(model, y, kind="qq")
    x, ordered = display.points_.get_data()
    assert_allclose(x, frozen.ppf(share), atol=1e-4)
    assert_array_equal(ordered, np.sort(y[:, 0]))
    display = draw(model, y, kind="pp")
    x, at = display.points_.get_data()
    assert_allclose(x, frozen.cdf(np.sort(y[:, 0])), atol=1e-5)
    assert_allclose(at, share)
    assert_array_equal(display.line_.get_data(), [[0, 1], [0, 1]])


def test_return_levels_and_their_band_are_the_closed_form(model, y):
    display = draw(model, y, kind="return_level", confidence=0.9)
    period, level = display.line_.get_data()
    z = stats.norm.isf(1 / period)
    loc, scale = y.mean(), y.std()
    assert_allclose(level, loc + scale * z, rtol=1e-5)
    # The estimates of loc and scale are independent: s^2 / n and s^2 / 2n.
    half = 1.6448536 * scale * np.sqrt((1 + z**2 / 2) / 200)
    assert_allclose(display.band[1] - level, half, rtol=1e-4)
    assert_allclose(level - display.band[0], half, rtol=1e-4)
    assert display.ax_.get_xscale() == "log"
    assert_allclose(display.points_.get_xdata()[-1], 201.0)
    assert display.band_ is not None


def test_a_parameter_without_standard_error_leaves_no_band():
    y = np.random.default_rng(0).uniform(-1, 1, (100, 1))
    with pytest.warns(match="boundary"):
        model = NaturalMLE("student_t").fit(y)
    assert np.isinf(model.standard_errors_["df"][0])
    assert draw(model, y, kind="return_level").band_ is None


def test_a_fixed_parameter_widens_no_band(y):
    model = NaturalMLE("normal", fixed={"scale": 4.0}).fit(y)
    display = draw(model, y, kind="return_level")
    assert_allclose(display.band[1] - display.band[0], 2 * 1.959964 * 4 / np.sqrt(200), rtol=1e-5)


@pytest.mark.parametrize("name", ["poisson", "negative_binomial", "geometric"])
def test_counts_have_bins_around_whole_numbers(name):
    model = NaturalMLE(name, fixed={"n": 40.0} if name == "negative_binomial" else None)
    model.fit(COUNTS)
    display = draw(model, COUNTS)
    edges = [bar.get_x() for bar in display.points_]
    assert_allclose(edges, np.arange(len(edges)) - 0.5 + COUNTS.min())
    heights = [bar.get_height() for bar in display.points_]
    assert_allclose(heights, np.bincount(COUNTS[:, 0])[COUNTS.min() :] / 300)
    k, pmf = display.line_.get_data()
    assert_allclose(pmf, np.exp(model.score_samples(k[:, None])))
    assert_array_equal(k, np.round(k))
    assert display.ax_.get_ylabel() == "probability"


def test_quantiles_of_counts_are_scipys():
    model = NaturalMLE("poisson").fit(COUNTS)
    display = draw(model, COUNTS, kind="qq")
    want = stats.poisson(COUNTS.mean()).ppf(np.arange(1, 301) / 301)
    assert_array_equal(display.points_.get_xdata(), want)
    display = draw(model, COUNTS, kind="return_level")
    assert display.band_ is None


CASES = {
    "gev": stats.genextreme(0.1, 3.87, 0.2),
    "gamma": stats.gamma(2.0, scale=1e-6),
    "cauchy": stats.cauchy(1e6, 3.0),
    "beta": stats.beta(0.5, 0.7),
    "weibull": stats.weibull_min(1.5, scale=1e8),
    "laplace": stats.laplace(1e-3, 1e-5),
}


@pytest.mark.parametrize("name", CASES)
def test_quantiles_are_scipys_in_any_unit(name):
    y = CASES[name].rvs((60, 1), random_state=3)
    model = NaturalMLE(name).fit(y)
    want = model.distribution_.counterpart(model._eta[0])
    display = draw(model, y, kind="return_level")
    period, level = display.line_.get_data()
    assert_allclose(level, want.isf(1 / period), rtol=1e-9)
    x = draw(model, y, kind="qq").points_.get_xdata()
    assert_allclose(x, want.ppf(np.arange(1, 61) / 61), rtol=1e-9)


def test_quantiles_of_a_truncated_family_stay_in_the_window(y):
    inside = y[(y > 10) & (y < 20)][:, None]
    model = NaturalMLE(Truncated("normal", 10.0, 20.0)).fit(inside)
    x = draw(model, inside, kind="qq").points_.get_xdata()
    loc, scale = (float(model.params_[n][0]) for n in ("loc", "scale"))
    want = stats.truncnorm((10 - loc) / scale, (20 - loc) / scale, loc, scale)
    assert_allclose(x, want.ppf(np.arange(1, len(x) + 1) / (len(x) + 1)), rtol=1e-8)


def test_weights_are_repetitions(y):
    weight = np.random.default_rng(0).integers(0, 4, 200)
    one = NaturalMLE("normal").fit(y, sample_weight=weight)
    other = np.repeat(y, weight, axis=0)
    a, b = draw(one, y, sample_weight=weight, kind="pp"), draw(one, other, kind="pp")
    # A row stands for the middle of its repetitions.
    ranks = {v: b.share[b.sample == v].mean() for v in a.sample}
    assert_allclose(a.share, [ranks[v] for v in a.sample])
    options = {"sample_kw": {"bins": np.linspace(0, 25, 11)}}
    a = draw(one, y, sample_weight=weight, **options)
    b = draw(one, other, **options)
    assert_allclose([p.get_height() for p in a.points_], [p.get_height() for p in b.points_])


@pytest.mark.parametrize("weighted", [False, True])
def test_zeros_with_a_probability_are_left_out_of_a_density(y, weighted):
    """The curve and the bars have the area of the other rows' share; scipy has the density."""
    rain = np.append(np.ravel(y), np.zeros(60))
    weight = np.arange(1.0, len(rain) + 1.0) if weighted else np.ones(len(rain))
    model = NaturalMLE("zero_adjusted").fit(rain[:, None], sample_weight=weight)
    display = draw(model, rain, sample_weight=weight)
    share = weight[rain > 0].sum() / weight.sum()
    x, curve = display.line_.get_data()
    gamma = {k: v[0] for k, v in model.params_.items() if k != "zero_prob"}
    expected = share * stats.gamma(gamma["shape"], scale=gamma["scale"]).pdf(x)
    assert x.min() > 0.0
    assert_allclose(curve, expected, rtol=1e-8)
    area = sum(bar.get_width() * bar.get_height() for bar in display.points_)
    assert_allclose(area, share, rtol=1e-12)


def test_a_column_is_chosen(y):
    both = np.hstack([y, y**2])
    model = NaturalMLE("normal").fit(both)
    display = draw(model, both, kind="rug", column=1)
    assert_array_equal(display.points_.get_xdata(), np.sort(y[:, 0] ** 2))
    with pytest.raises(ValueError, match="column must be"):
        draw(model, both, column=2)


def test_options_reach_matplotlib(model, y):
    _, ax = plt.subplots()
    display = draw(model, y, ax=ax, name="normal", color="red", sample_kw={"bins": 7})
    assert display.ax_ is ax
    assert display.line_.get_color() == "red"
    assert len(display.points_) == 7
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["normal"]


def test_constructor_stores_and_plot_draws():
    ends = np.array([0.0, 1.0])
    display = DensityDisplay(kind="rug", sample=ends, curve=(ends, ends))
    assert not hasattr(display, "ax_")
    assert display.plot() is display
    assert display.ax_.get_legend() is None


def test_a_pipeline_transforms_the_rows(y):
    pipeline = make_pipeline(StandardScaler(), NaturalMLE("normal")).fit(y)
    display = draw(pipeline, y, kind="rug")
    assert_allclose(display.points_.get_xdata().mean(), 0.0, atol=1e-12)


# ------------------------------------------------------------- censored and classed rows

TIMES = np.random.default_rng(5).weibull(1.5, 80).round(2) + 0.01
SEEN = np.random.default_rng(6).random(80) < 0.6


def right():
    rows = Censored.right(TIMES, SEEN)
    return rows, NaturalMLE("weibull").fit(rows)


def test_survival_steps_are_statsmodels_kaplan_meier():
    rows, model = right()
    other = pytest.importorskip("statsmodels.duration.survfunc").SurvfuncRight(TIMES, SEEN)
    display = draw(model, rows, kind="survival")
    assert_allclose(display.sample, other.surv_times)
    assert_allclose(display.share, other.surv_prob, atol=1e-12)
    x, y = display.points_.get_data()
    assert_allclose([x[0], y[0]], [0.0, 1.0])
    assert x[-1] == TIMES.max()
    assert display.points_.get_drawstyle() == "steps-post"
    at, level = display.marks_.get_data()
    assert_array_equal(at, np.sort(TIMES[~SEEN]))
    # A row that is censored at the time of an event is still at risk there, and seen after it.
    expected = [np.append(1.0, other.surv_prob)[(other.surv_times <= t).sum()] for t in at]
    assert_allclose(level, expected)
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()][0] == "Kaplan-Meier"


def test_delayed_entry_and_weights_are_statsmodels():
    entry = TIMES * np.random.default_rng(7).random(80) * 0.5
    weight = np.random.default_rng(8).integers(1, 4, 80)
    rows = Censored.right(TIMES, SEEN, entry=entry)
    model = NaturalMLE("weibull").fit(rows, sample_weight=weight)
    display = draw(model, rows, kind="survival", sample_weight=weight)
    survfunc = pytest.importorskip("statsmodels.duration.survfunc").SurvfuncRight
    other = survfunc(*(np.repeat(v, weight) for v in (TIMES, SEEN)), entry=np.repeat(entry, weight))
    assert_allclose(display.sample, other.surv_times)
    assert_allclose(display.share, other.surv_prob, atol=1e-12)


def test_the_fitted_survival_and_its_band_are_the_closed_form():
    rows = Censored.right(TIMES, SEEN)
    model = NaturalMLE("exponential").fit(rows)
    display = draw(model, rows, kind="survival", confidence=0.9)
    x, s = display.line_.get_data()
    rate = SEEN.sum() / TIMES.sum()
    assert_allclose(s, np.exp(-rate * x), rtol=1e-6)
    # log(-log S) = log rate + log x, whose standard error is one over the root of the events.
    factor = np.exp(1.6448536 / np.sqrt(SEEN.sum()))
    assert_allclose(display.band[0], s**factor, rtol=1e-5)
    assert_allclose(display.band[1], s ** (1 / factor), rtol=1e-5)
    assert x[0] == 0.0


def test_rows_that_were_all_still_alive_have_a_survival_function(y):
    rows = Censored([1.0, 2.0], [np.inf, np.inf])
    display = draw(NaturalMLE("exponential").fit(y), rows, kind="survival")
    assert_allclose(display.points_.get_data(), [[0, 2], [1, 1]])
    assert_array_equal(display.marks_.get_xdata(), [1, 2])


CLASSES = np.array([0.0, 1.0, 2.0, 4.0, np.inf])
COUNT = np.array([20, 30, 40, 10])


def classed(family="gamma"):
    rows = Censored.interval(CLASSES[:-1], CLASSES[1:])
    return rows, NaturalMLE(family).fit(rows, sample_weight=COUNT)


def test_classes_have_bars_of_their_width_and_the_open_one_is_said():
    rows, model = classed()
    display = draw(model, rows, sample_weight=COUNT)
    bars = display.points_
    assert_allclose([b.get_x() for b in bars], CLASSES[:3])
    assert_allclose([b.get_width() for b in bars], [1, 1, 2])
    assert_allclose([b.get_height() for b in bars], [0.2, 0.3, 0.2], rtol=1e-6)
    (said,) = [t.get_text() for t in display.ax_.get_legend().get_texts()]
    assert said == "rows (10 % above 4 not drawn)"


def test_a_limit_of_detection_is_a_class_that_ends_where_the_family_begins():
    rows = Censored.left([0.5, 0.5, 0.7, 1.0, 2.0], [0, 0, 1, 1, 1])
    display = draw(NaturalMLE("gamma").fit(rows), rows, sample_kw={"bins": [0.5, 1.5, 2.5]})
    bars = display.points_
    assert_allclose([b.get_x() for b in bars], [0.0, 0.5, 1.5])
    assert_allclose([b.get_height() for b in bars], [0.8, 0.4, 0.2], rtol=1e-6)
    assert display.ax_.get_legend() is None
    below = draw(NaturalMLE("normal").fit(rows), rows)
    assert below.data_label == "rows (40 % at or below 0.5 not drawn)"


def test_classes_of_counts_cover_their_whole_numbers():
    rows = Censored.interval([0, 1, 4], [0, 3, 5])
    model = NaturalMLE("poisson").fit(rows, sample_weight=[1, 6, 3])
    bars = draw(model, rows, sample_weight=[1, 6, 3]).points_
    assert_allclose([b.get_x() for b in bars], [-0.5, 0.5, 3.5])
    assert_allclose([b.get_width() for b in bars], [1, 3, 2])
    assert_allclose([b.get_height() for b in bars], [0.1, 0.2, 0.15], rtol=1e-6)


def test_the_survival_function_of_counts_is_kaplan_meiers_in_steps():
    rows = Censored.interval([0, 1, 1, 2, 1], [0, 1, 1, np.inf, np.inf])
    model = NaturalMLE("poisson").fit(rows)
    display = draw(model, rows, kind="survival")
    # The row of which y >= 1 is known shares its fifth among 1 and what lies above, as 2 to 1.
    assert_allclose(display.sample, [0, 1])
    assert_allclose(display.share, [0.8, 0.8 / 3])
    x, s = display.line_.get_data()
    assert_array_equal(x, np.round(x))
    assert_allclose(s, stats.poisson(model.params_["rate"][0]).sf(x), rtol=1e-6)
    assert display.line_.get_drawstyle() == "steps-post"


def test_the_survival_function_of_classes_has_boxes_and_turnbulls_steps():
    rows, model = classed()
    display = draw(model, rows, sample_weight=COUNT, kind="survival")
    assert display.data_label == "Turnbull"
    assert_allclose(display.sample, CLASSES[1:4])
    assert_allclose(display.share, [0.8, 0.5, 0.1], rtol=1e-6)
    boxes = display.ax_.containers[0]
    assert_allclose([b.get_y() for b in boxes], display.share)
    assert_allclose([b.get_y() + b.get_height() for b in boxes], [1.0, 0.8, 0.5], rtol=1e-6)


def test_the_area_of_the_bars_is_the_share_that_has_two_ends():
    rng = np.random.default_rng(9)
    y = rng.gamma(2.0, 3.0, 120)
    lower, upper = np.floor(y), np.minimum(np.ceil(y + rng.random(120)), 11.0)
    lower, upper = np.where(y > 11, 11.0, lower), np.where(y > 11, np.inf, upper)
    exact = (np.arange(120) % 3 == 0) & (y < 11)
    rows = Censored.interval(np.where(exact, y, lower), np.where(exact, y, upper))
    weight = rng.integers(1, 4, 120)
    model = NaturalMLE("gamma").fit(rows, sample_weight=weight)
    display = draw(model, rows, sample_weight=weight)
    area = sum(b.get_width() * b.get_height() for b in display.points_)
    assert_allclose(area, display.drawn, rtol=1e-9)
    assert_allclose(display.weight.sum(), display.drawn * weight.sum(), rtol=1e-9)
    # Where the last row with two ends ends, the survival function has what is not drawn.
    survival = draw(model, rows, sample_weight=weight, kind="survival")
    assert_allclose(survival.share[-1], 1.0 - display.drawn, atol=1e-9)
    assert f"{100 * (1 - display.drawn):.3g} % above" in display.data_label


def test_no_message_advises_to_drop_censored_rows():
    rows = Censored([1.0, 2.0], [np.inf, np.inf])
    model = NaturalMLE("normal").fit(np.arange(5.0)[:, None])
    with pytest.raises(ValueError, match="use kind='survival'") as said:
        draw(model, rows)
    assert "drop" not in str(said.value) and "remove" not in str(said.value)


# ---------------------------------------------------------------- several fits on one axes


@pytest.mark.parametrize("kind", ["hist", "rug", "survival", "return_level"])
def test_fits_have_colours_and_the_data_are_drawn_once(kind):
    rows, one = right()
    other = NaturalMLE("lognormal").fit(rows)
    first = draw(one, rows, kind=kind, name="weibull")
    size = len(first.ax_.get_children())
    second = draw(other, rows, kind=kind, name="lognormal", ax=first.ax_)
    assert same_color([d.line_.get_color() for d in (first, second)], ["C0", "C1"])
    assert second.points_ is first.points_ and second.marks_ is first.marks_
    bands = second.band_ is not None
    assert len(first.ax_.get_children()) == size + 1 + bands
    names = [t.get_text() for t in first.ax_.get_legend().get_texts()]
    assert {"weibull", "lognormal"} <= set(names) and len(set(names)) == len(names)
    # Other rows are other data.
    third = draw(one, rows[:40], kind=kind, ax=first.ax_)
    assert third.points_ is not first.points_


@pytest.mark.parametrize("kind", ["qq", "pp"])
def test_points_that_a_fit_places_have_its_colour(kind, y):
    first = draw(NaturalMLE("normal").fit(y), y, kind=kind, name="normal")
    second = draw(NaturalMLE("laplace").fit(y), y, kind=kind, name="laplace", ax=first.ax_)
    assert same_color([d.points_.get_color() for d in (first, second)], ["C0", "C1"])
    assert [d.line_.get_color() for d in (first, second)] == ["0.5", "0.5"]
    assert [t.get_text() for t in first.ax_.get_legend().get_texts()] == ["normal", "laplace"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "violin"}, "kind must be one of"),
        ({"confidence": 1.0}, "confidence must be"),
        ({"column": 1}, "column must be"),
        ({"X": [[1.0, 2.0]]}, "X must have 1 columns"),
        ({"X": Censored([1.0, 2.0], [np.inf, np.inf])}, "none among 2 censored rows"),
    ],
)
def test_bad_options_are_named(model, y, options, message):
    with pytest.raises(ValueError, match=message):
        draw(model, **{"X": y, **options})


def test_a_family_must_be_univariate_and_the_estimator_fitted(y):
    with pytest.raises(NotFittedError):
        draw(NaturalMLE(), y)
    both = np.hstack([y, y**2])
    with pytest.raises(ValueError, match="univariate family, got MultivariateNormal"):
        draw(NaturalMLE("multivariate_normal").fit(both), both)


def test_a_density_of_the_users_has_quantiles_and_a_survival_function(y):
    import autograd.numpy as anp

    from natfit.distributions import Real, from_log_prob

    family = from_log_prob(
        lambda y, m: -0.5 * (y - m) ** 2 - 0.5 * anp.log(2 * anp.pi), {"m": Real()}, support="real"
    )
    model = NaturalMLE(family).fit(y)
    assert len(draw(model, y).line_.get_xdata()) == 400
    x = draw(model, y, kind="qq").points_.get_xdata()
    assert_allclose(x, stats.norm(y.mean()).ppf(np.arange(1, 201) / 201), atol=1e-4)
    display = draw(model, y, kind="survival")
    x, s = display.line_.get_data()
    assert_allclose(s, stats.norm(y.mean()).sf(x), atol=1e-6)
    assert np.all((display.band[0] <= s) & (s <= display.band[1]))


def test_without_matplotlib_the_message_says_what_to_install(model, y, without_matplotlib):
    with pytest.raises(ImportError, match=r"DensityDisplay.plot .*natfit\[plot\]"):
        draw(model, y)


@pytest.mark.slow
def test_importing_the_display_does_not_import_matplotlib():
    code = "import sys, natfit.display.density; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
