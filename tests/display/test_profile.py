import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats
from sklearn.exceptions import NotFittedError

import natfit
from natfit import Censored, NaturalMLE
from natfit.display import ProfileDisplay

draw = ProfileDisplay.from_estimator
Q95 = 3.841458820694124


def test_the_profile_of_a_rate_and_its_interval_are_the_closed_form():
    x = np.random.default_rng(0).exponential(4.0, 25)
    model = natfit.fit("exponential", x)
    display = draw(model, x, of="rate")
    rate = 1.0 / x.mean()

    def deviance(c):
        return 2 * 25 * (c / rate - 1 - np.log(c / rate))

    c, height = display.line_.get_data()
    assert_allclose(height, deviance(c), atol=1e-6)
    assert len(c) == 41 and np.all(np.diff(c) > 0) and c[20] == pytest.approx(rate)
    ends = [optimize.brentq(lambda c: deviance(c) - Q95, *b) for b in ((0.01, rate), (rate, 9))]
    assert_allclose(display.interval, ends, rtol=1e-6)
    assert_allclose(display.ends_.get_data(), [ends, [Q95, Q95]], rtol=1e-6)
    # Wald's interval is formed for the logarithm, whose standard error is n^-1/2.
    c, height = display.wald_line_.get_data()
    assert_allclose(height, 25 * np.log(c / rate) ** 2, atol=1e-4)
    assert_allclose(display.wald_interval, rate * np.exp([-1.959964 / 5, 1.959964 / 5]), rtol=1e-5)
    assert display.ax_.get_xlabel() == "rate"
    said = [t.get_text() for t in display.ax_.get_legend().get_texts()]
    assert said == ["profile", "Wald", "95 %"]


def test_the_profile_of_a_location_maximises_over_the_scale(y):
    display = draw(NaturalMLE("normal").fit(y), y, of="loc", level=0.9)
    c, height = display.line_.get_data()
    shift = (c - y.mean()) / y.std()
    assert_allclose(height, 200 * np.log1p(shift**2), atol=1e-6)
    c, height = display.wald_line_.get_data()
    assert_allclose(height, 200 * ((c - y.mean()) / y.std()) ** 2, atol=1e-3)
    (low, first), (high, second) = display.level_line_.get_segments()[0]
    assert_allclose([first, second], stats.chi2.ppf(0.9, 1))


def test_the_root_is_signed(y):
    model = NaturalMLE("normal").fit(y)
    flat, root = (draw(model, y, of="scale", kind=kind) for kind in ("deviance", "root"))
    c, height = root.line_.get_data()
    assert_allclose(height**2, flat.line_.get_ydata(), atol=1e-12)
    assert np.all(np.diff(height) > 0) and height[0] < 0 < height[-1]
    assert_allclose(
        [s[0, 1] for s in root.level_line_.get_segments()], [-1.959964, 1.959964], rtol=1e-6
    )
    assert_allclose(root.ends_.get_ydata(), [-1.959964, 1.959964], rtol=1e-6)


def test_the_profile_of_a_quantile_is_a_brute_force_maximum():
    rng = np.random.default_rng(3)
    time, end = 10 * rng.weibull(1.6, 40), rng.uniform(4, 20, 40)
    seen = time <= end
    rows = Censored.right(np.minimum(time, end), seen)
    display = draw(natfit.fit("weibull", rows), rows, of=("ppf", 0.1), n_points=9)

    def loglik(shape, b10):
        family = stats.weibull_min(shape, scale=b10 / (-np.log(0.9)) ** (1 / shape))
        return family.logpdf(time[seen]).sum() + family.logsf(end[~seen]).sum()

    def profile(b10):
        return optimize.minimize_scalar(
            lambda k: -loglik(k, b10), bounds=(0.3, 6), method="bounded", options={"xatol": 1e-9}
        ).fun

    best = optimize.minimize_scalar(
        profile, bounds=(0.5, 6), method="bounded", options={"xatol": 1e-9}
    )
    assert display.estimate == pytest.approx(best.x, rel=1e-4)
    c, height = display.line_.get_data()
    assert len(c) == 9
    assert_allclose(height, [2 * (profile(v) - best.fun) for v in c], atol=1e-5)
    assert_allclose([2 * (profile(v) - best.fun) for v in display.interval], Q95, rtol=1e-5)


@pytest.mark.parametrize(
    ("of", "name", "value"),
    [
        (lambda d: d.params["shape"] * d.params["scale"], "the function", 3.5),
        (("sf", 5.0), "sf(5.0)", None),
        (["logcdf", 0.5], "logcdf(0.5)", None),
    ],
)
def test_functions_of_the_distribution_are_profiled(of, name, value):
    x = np.array([1.0, 2.0, 3.0, 5.0, 6.5])
    model = natfit.fit("gamma", x)
    display = draw(model, x, of=of, n_points=5)
    assert display.ax_.get_xlabel() == name
    low, high = display.interval
    assert low < display.estimate < high
    if value is not None:
        assert display.estimate == pytest.approx(value, rel=1e-5)


def test_an_interval_that_is_open_is_drawn_to_a_finite_end():
    x = np.random.default_rng(2).standard_t(5.0, size=60)
    model = natfit.fit("student_t", x)
    display = draw(model, x, of="df", n_points=11)
    assert np.isinf(display.interval[1])
    c, height = display.line_.get_data()
    assert np.all(np.isfinite(c)) and len(display.ends_.get_xdata()) == 1
    assert np.all(height[c > display.estimate] < Q95)


def test_a_number_at_its_limit_has_no_profile():
    x = np.random.default_rng(0).uniform(-1, 1, 100)
    with pytest.warns(match="boundary"):
        model = natfit.fit("student_t", x)
    with pytest.raises(ValueError, match="df has no profile around its estimate.*interval is"):
        draw(model, x, of="df")
    scale = draw(model, x, of="scale", n_points=5)
    assert scale.interval[0] < scale.estimate < scale.interval[1]


def test_a_column_and_an_entry_are_chosen(y):
    both = np.hstack([y, 0.5 * y[::-1] + np.random.default_rng(0).normal(size=y.shape)])
    model = NaturalMLE("normal").fit(both)
    with pytest.raises(ValueError, match="which of the 2 columns"):
        draw(model, both, of="loc")
    one = draw(model, both, of="loc", column=1, n_points=5)
    assert one.estimate == pytest.approx(both[:, 1].mean(), rel=1e-6)
    plane = NaturalMLE("multivariate_normal").fit(both)
    entry = draw(plane, both, of="covariance[1,0]", n_points=5)
    assert entry.estimate == pytest.approx(np.cov(both.T, bias=True)[1, 0], rel=1e-6)
    assert entry.interval[0] < entry.estimate < entry.interval[1]


def test_weights_are_repetitions():
    x, w = np.array([1.0, 2.0, 4.0, 7.0]), np.array([2, 3, 1, 2])
    one = draw(natfit.fit("gamma", x, sample_weight=w), x, of="shape", sample_weight=w, n_points=7)
    y = np.repeat(x, w)
    other = draw(natfit.fit("gamma", y), y, of="shape", n_points=7)
    assert_allclose(one.interval, other.interval, rtol=1e-5)
    assert_allclose(one.deviance, other.deviance, atol=1e-4)


def test_options_reach_matplotlib(y):
    model = NaturalMLE("normal").fit(y)
    first = draw(model, y, of="loc", color="red", name="mine", wald_kw={"ls": ":"}, n_points=5)
    assert first.line_.get_color() == "red" and first.wald_line_.get_linestyle() == ":"
    assert first.ax_.get_legend().get_texts()[0].get_text() == "mine"
    assert draw(model, y, of="loc", ax=first.ax_, n_points=5).figure_ is first.figure_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "locc"}, "'locc'; did you mean 'loc'"),
        ({"of": ("ppf", [0.1, 0.2])}, "one number.*shape"),
        ({"level": 95}, "level must be"),
        ({"kind": "parabola"}, "kind must be one of"),
        ({"n_points": 2}, "n_points must be"),
        ({"X": np.arange(200.0)}, "X must be the data of the fit"),
    ],
)
def test_bad_options_are_named(y, options, message):
    model = NaturalMLE("normal").fit(y)
    with pytest.raises(ValueError, match=message):
        draw(model, **{"X": y, "of": "loc", **options})


def test_the_labels_of_several_numbers_are_named(y):
    model = NaturalMLE("multivariate_normal").fit(np.hstack([y, y[::-1]]))
    with pytest.raises(ValueError, match=r"'loc' has several; choose one of \['loc\[0\]', 'loc"):
        draw(model, np.hstack([y, y[::-1]]), of="loc")


def test_the_estimator_must_be_fitted(y):
    with pytest.raises(NotFittedError):
        draw(NaturalMLE(), y, of="loc")


def test_without_matplotlib_the_message_says_what_to_install(y, without_matplotlib):
    with pytest.raises(ImportError, match=r"ProfileDisplay.plot .*natfit\[plot\]"):
        draw(NaturalMLE("normal").fit(y), y, of="loc", n_points=5)
