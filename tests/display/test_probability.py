import numpy as np
import pytest
from matplotlib.colors import same_color
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.exceptions import NotFittedError

from natfit import Censored, NaturalMLE
from natfit.display import ProbabilityPlotDisplay
from natfit.display._paper import PAPERS, TICKS

draw = ProbabilityPlotDisplay.from_estimator
P = (np.arange(1, 41) - 0.5) / 40

#: A family on its paper: its quantiles, slope and where the line crosses zero.
LINES = {
    "weibull": (stats.weibull_min(2.5, scale=30.0), 2.5, np.log(30.0)),
    "lognormal": (stats.lognorm(0.5, scale=np.exp(1.0)), 2.0, 1.0),
    "normal": (stats.norm(12.0, 4.0), 0.25, 12.0),
    "gumbel": (stats.gumbel_r(3.0, 2.0), 0.5, 3.0),
}


def on_axis(paper, x):
    return np.log(x) if PAPERS[paper].log else np.asarray(x)


@pytest.mark.parametrize("paper", LINES)
def test_quantiles_of_a_family_lie_on_a_line_on_its_paper(paper):
    family, slope, start = LINES[paper]
    y = family.ppf(P)
    model = NaturalMLE(paper).fit(y[:, None])
    display = draw(model, y, paper=paper)
    x, height = display.points_.get_data()
    assert_array_equal(x, y)
    assert_allclose(height, slope * (on_axis(paper, x) - start), atol=1e-12)
    # The fit is a line with the slope of its own parameters.
    x, height = display.line_.get_data()
    fitted = np.polyfit(on_axis(paper, x), height, 1)
    values = {k: float(v[0]) for k, v in model.params_.items()}
    expected = {
        "weibull": lambda shape, scale: (shape, np.log(scale)),
        "lognormal": lambda shape, scale: (1 / shape, np.log(scale)),
        "normal": lambda loc, scale: (1 / scale, loc),
        "gumbel": lambda loc, scale: (1 / scale, loc),
    }[paper](**values)
    assert_allclose(fitted[0], expected[0], rtol=1e-8)
    assert_allclose(-fitted[1] / fitted[0], expected[1], rtol=1e-8)
    assert_allclose(np.polyval(fitted, on_axis(paper, x)), height, atol=1e-8)
    assert display.ax_.get_xscale() == ("log" if PAPERS[paper].log else "linear")
    ticks = dict(zip(display.ax_.get_yticks(), display.ax_.get_yticklabels(), strict=True))
    assert {text.get_text() for text in ticks.values()} <= {f"{p:g}" for p in TICKS}
    assert {"0.1", "0.5", "0.9"} <= {text.get_text() for text in ticks.values()}
    assert np.diff(sorted(ticks)).min() > 0.04 * np.ptp(display.ax_.get_ylim())
    own = [h for h, text in ticks.items() if text.get_text() == "0.5"]
    assert_allclose(own, slope * (on_axis(paper, family.median()) - start), atol=1e-12)


def test_a_logarithmic_axis_has_plain_numbers():
    y = LINES["weibull"][0].ppf(P)
    display = draw(NaturalMLE("weibull").fit(y[:, None]), y, paper="weibull")
    display.figure_.canvas.draw()
    labels = [t.get_text() for t in display.ax_.get_xticklabels()]
    assert {"5", "10", "20", "50"} <= set(labels)
    assert {t.get_text() for t in display.ax_.get_xticklabels(minor=True)} <= {""}


def test_another_family_is_a_curve_on_a_paper():
    y = LINES["weibull"][0].ppf(P)
    x, height = draw(NaturalMLE("lognormal").fit(y[:, None]), y, paper="weibull").line_.get_data()
    line = np.polyfit(np.log(x), height, 1)
    assert np.abs(np.polyval(line, np.log(x)) - height).max() > 0.1


def test_heights_are_known_in_both_tails():
    far = np.array([-30.0, 30.0])
    for name, family in (("normal", stats.norm()), ("gumbel", stats.gumbel_r())):
        height = PAPERS[name].height(family.logcdf(far), family.logsf(far))
        assert_allclose(height, far, rtol=1e-9)


TIMES = np.array([3.0, 5.0, 5.0, 8.0, 11.0, 13.0, 20.0, 21.0])
SEEN = np.array([1, 1, 1, 0, 1, 0, 1, 0], dtype=bool)


def test_positions_of_censored_rows_are_the_middles_of_kaplan_meier_steps():
    other = pytest.importorskip("statsmodels.duration.survfunc").SurvfuncRight(TIMES, SEEN)
    rows = Censored.right(TIMES, SEEN)
    display = draw(NaturalMLE("weibull").fit(rows), rows, paper="weibull")
    assert_array_equal(display.sample, other.surv_times)
    below = 1.0 - other.surv_prob
    expected = 0.5 * (below + np.append(0.0, below[:-1]))
    assert_allclose(display.share, expected, atol=1e-12)
    assert_allclose(display.points_.get_ydata(), np.log(-np.log1p(-expected)), rtol=1e-12)
    assert_array_equal(display.marks_.get_xdata(), TIMES[~SEEN])


def test_weights_are_repetitions():
    weight = np.array([1, 2, 1, 3, 1, 1, 2, 1])
    one, other = (
        Censored.right(TIMES, SEEN),
        Censored.right(*(np.repeat(v, weight) for v in (TIMES, SEEN))),
    )
    a = draw(
        NaturalMLE("weibull").fit(one, sample_weight=weight),
        one,
        sample_weight=weight,
        paper="weibull",
    )
    b = draw(NaturalMLE("weibull").fit(other), other, paper="weibull")
    assert_allclose(a.share, b.share, atol=1e-12)
    assert_allclose(a.band, b.band, rtol=1e-6)
    c = draw(
        NaturalMLE("weibull").fit(one, sample_weight=weight),
        one,
        sample_weight=weight,
        random_state=0,
        n_resamples=40,
    )
    assert len(c.band[0]) and np.isfinite(c.band).all()


def test_the_band_on_paper_is_the_delta_methods_closed_form(y):
    model = NaturalMLE("normal").fit(y)
    display = draw(model, y, paper="normal", level=0.9)
    x, low, high = display.band
    loc, scale = y.mean(), y.std()
    z = (x - loc) / scale
    half = 1.6448536 * np.sqrt((1 + z**2 / 2) / 200)
    assert_allclose(high - low, 2 * half, rtol=1e-4)
    assert_allclose(high + low, 2 * z, atol=1e-5)
    boot = draw(model, y, paper="normal", level=0.9, band="bootstrap", random_state=0)
    assert_allclose(boot.band[2] - boot.band[1], high - low, rtol=0.35)
    assert draw(model, y, paper="normal", band=None).band_ is None


def test_without_refits_order_statistics_are_beta(y):
    """The i-th of n uniform draws is Beta(i, n + 1 - i): 2000 samples know its quantiles to 1 %."""
    y = y[:20]
    model = NaturalMLE("normal").fit(y)
    options = {"refit": False, "n_resamples": 2000, "random_state": 1, "level": 0.8}
    i = np.arange(1, 21)
    expected = stats.beta(i, 21 - i).ppf([[0.1], [0.9]])
    p, low, high = draw(model, y, kind="pp", **options).band
    assert_allclose(p, (i - 0.5) / 20)
    assert_allclose([low, high], expected, atol=0.015)
    x, low, high = draw(model, y, kind="qq", **options).band
    fitted = stats.norm(y.mean(), y.std())
    assert_allclose(x, fitted.ppf(p), rtol=1e-4)
    assert_allclose(fitted.cdf([low, high]), expected, atol=0.015)


def test_refits_narrow_the_band_and_hold_a_true_sample(y):
    y = y[:40]
    model = NaturalMLE("normal").fit(y)
    known = draw(model, y, kind="pp", refit=False, random_state=0)
    display = draw(model, y, kind="pp", random_state=0)
    width = display.band[2] - display.band[1]
    # Where a quarter and more lies on each side, the estimates take up most of what varies.
    middle = slice(10, 30)
    assert np.all(width[middle] < 0.8 * (known.band[2] - known.band[1])[middle])
    inside = (display.position >= display.band[1]) & (display.position <= display.band[2])
    assert inside.mean() > 0.8
    again = draw(model, y, kind="pp", random_state=0)
    assert_array_equal(again.band, display.band)


def test_a_wrong_family_leaves_the_band():
    y = np.random.default_rng(3).exponential(1.0, 100)
    display = draw(NaturalMLE("normal").fit(y[:, None]), y, random_state=0)
    x, low, high = display.band
    assert_array_equal(x, display.position)
    assert np.mean((y := np.sort(y)) < low) + np.mean(y > high) > 0.3


def test_censored_samples_have_bands_and_classes_have_none():
    rng = np.random.default_rng(0)
    time, end = rng.weibull(2.0, 60), rng.uniform(0.3, 2.0, 60)
    rows = Censored.right(np.minimum(time, end), time <= end)
    model = NaturalMLE("weibull").fit(rows)
    display = draw(model, rows, kind="pp", random_state=0, n_resamples=60)
    p, low, high = display.band
    assert np.all((low < p + 0.02) & (p - 0.02 < high)) and p[0] > 0
    classes = Censored.interval([0, 1, 2], [1, 2, np.inf])
    grouped = NaturalMLE("exponential").fit(classes, sample_weight=[3, 2, 1])
    assert draw(grouped, classes).band_ is None
    assert draw(grouped, classes, paper="weibull").band_ is not None
    with pytest.raises(ValueError, match="rows that are exact or right-censored.*band='delta'"):
        draw(grouped, classes, band="bootstrap")


def test_quantiles_of_counts_have_whole_bands():
    y = np.random.default_rng(1).poisson(3.0, (30, 1))
    display = draw(NaturalMLE("poisson").fit(y), y, refit=False, random_state=0)
    _, low, high = display.band
    assert_array_equal([low, high], np.round([low, high]))
    assert np.all(low <= high) and np.all(np.diff(low) >= 0)


def test_many_rows_have_a_band_of_few_points():
    y = np.random.default_rng(1).normal(size=(1000, 1))
    display = draw(NaturalMLE("normal").fit(y), y, refit=False, n_resamples=20, random_state=0)
    p = display.band[0]
    assert 100 <= len(p) <= 200
    assert_allclose(p[[0, -1]], display.position[[0, -1]])


def test_a_column_is_chosen_and_named():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"rain": rng.gamma(2.0, size=50), "wind": rng.gamma(3.0, size=50)})
    model = NaturalMLE("gamma").fit(frame)
    display = draw(model, frame, column="wind", random_state=0, n_resamples=10)
    assert_array_equal(display.sample, np.sort(frame["wind"]))
    assert display.ax_.get_xlabel() == "fitted quantile of wind"
    assert draw(model, frame, column="wind", paper="lognormal").ax_.get_xlabel() == "wind"


def test_fits_share_a_paper():
    rows = Censored.right(TIMES, SEEN)
    first = draw(NaturalMLE("weibull").fit(rows), rows, paper="weibull", name="weibull")
    second = draw(
        NaturalMLE("lognormal").fit(rows), rows, paper="weibull", name="lognormal", ax=first.ax_
    )
    assert second.points_ is first.points_ and second.marks_ is first.marks_
    assert same_color([d.line_.get_color() for d in (first, second)], ["C0", "C1"])
    said = [t.get_text() for t in first.ax_.get_legend().get_texts()]
    assert said == ["last seen", "weibull", "lognormal"]


def test_constructor_stores_and_plot_draws():
    ends = np.array([0.25, 0.75])
    display = ProbabilityPlotDisplay(
        kind="pp", sample=ends, share=ends, curve=(ends, ends), position=ends
    )
    assert not hasattr(display, "ax_")
    assert display.plot() is display
    assert display.band_ is None and display.ax_.get_legend() is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "violin"}, "kind must be one of"),
        ({"paper": "gamma"}, "paper must be one of"),
        ({"kind": "qq", "paper": "normal"}, "paper belongs to kind='paper'"),
        ({"kind": "paper"}, "paper belongs to kind='paper'"),
        ({"band": "wald"}, "band must be one of"),
        ({"band": "delta"}, "band='delta' is that of a paper"),
        ({"level": 95}, "level must be"),
        ({"n_resamples": 1}, "n_resamples must be"),
        ({"refit": 1}, "refit must be True or False"),
        ({"paper": "weibull", "X": np.array([-1.0, 2.0])}, "needs values > 0, got -1"),
    ],
)
def test_bad_options_are_named(y, options, message):
    with pytest.raises(ValueError, match=message):
        draw(NaturalMLE("normal").fit(y), **{"X": y, **options})


def test_a_family_must_be_univariate_and_the_estimator_fitted(y):
    with pytest.raises(NotFittedError):
        draw(NaturalMLE(), y)
    both = np.hstack([y, y**2])
    with pytest.raises(ValueError, match="ProbabilityPlotDisplay needs a univariate family"):
        draw(NaturalMLE("multivariate_normal").fit(both), both)


def test_without_matplotlib_the_message_says_what_to_install(y, without_matplotlib):
    with pytest.raises(ImportError, match=r"ProbabilityPlotDisplay.plot .*natfit\[plot\]"):
        draw(NaturalMLE("normal").fit(y), y, band=None)
