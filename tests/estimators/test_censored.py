"""Censored and truncated data: published values, brute-force likelihoods, repetition, errors."""

import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

import natfit
from natfit import Censored, NaturalMLE
from natfit.distributions import Gamma, Truncated

INF = np.inf


def flat(values):
    return [float(np.squeeze(v)) for v in values.values()]


# ------------------------------------------------------------------ published values


def miles():
    seen = [22.5, 37.5, 46, 48.5, 51.5, 53, 54.5, 57.5, 66.5, 68, 69.5, 76.5, 77, 78.5, 80, 81.5]
    seen += [82, 83, 84, 91.5, 93.5, 102.5, 107, 108.5, 112.5, 113.5, 116, 117, 118.5, 119, 120]
    seen += [122.5, 123, 127.5, 131, 132.5, 134]
    return Censored([*seen, *[135] * 59], [*seen, *[INF] * 59])


def left_at_zero():
    """Logistic data of R's fitdistrplus; zeros are known only to be below zero."""
    x = "13.5401 37.4235 11.906 13.998 0 .4023 0 10.9044 21.0629 9.6985 0 12.9016 39.164 34.6396 0 "
    x += "20.3665 16.5889 18.0952 45.3818 35.3306 8.4949 3.4041 0 7.2828 37.1265 6.5969 17.6868 "
    x = np.array((x + "17.4977 16.3391 36.0541").split(), dtype=float)
    return Censored(np.where(x == 0, -INF, x), x)


def both_sides():
    x = "-50 -41.564 50 15.7384 50 10.0452 -2.0684 -19.5399 50 9.0005 27.1227 4.3113 -3.7372 "
    x += "25.3111 14.7987 34.0887 50 42.8496 18.5862 32.8921 9.0448 -27.4591 -50 19.5083 -9.7199"
    x = np.array(x.split(), dtype=float)
    return Censored(np.where(x == -50, -INF, x), np.where(x == 50, INF, x))


def right(times, censored):
    times = np.array(times, dtype=float)
    return Censored(times, np.where(censored, INF, times))


def survival():
    words = "3,5,6*,8,10*,11*,15,20*,22,23,27*,29,32,35,40,26,28,33*,21,24*".split(",")
    return right([w.strip("*") for w in words], ["*" in w for w in words])


INTERVALS = Censored([0.1, 0.5, 0.75, 0.8], [0.2, 0.55, 0.9, 0.95])
INVERSE = [0.15, 0.4813096, 0.5571880, 0.5132463, 0.3801414, 0.5904386, 0.4822340, 0.3478597]
INVERSE = np.array([*INVERSE, 3, 0.7191797, 1.5810902, 0.4442299])
WAITS = right([2.5, 2.9, 3.8, 9.1, 9.3, 12, 23, 25], [0] * 7 + [1])
SIXTEEN = right(
    [1, 2.5, 3, 6, 7.5, 10, 12, 12, 14.5, 15, 16, 16, 20, 20, 21, 22], [0] * 10 + [1] * 6
)

#: (family, rows, estimates, standard errors or None, digits): R's fitdistrplus 1.1, SAS and
#: textbooks, as collected in scipy's tests of censored fits.
PUBLISHED = {
    "normal": ("normal", INTERVALS, [0.5919990, 0.2868042], [0.1444432, 0.1029451], 5e-6),
    "gamma": ("gamma", WAITS, [1.447623, 8.360197], [0.7053086, 5.1016531], 5e-6),
    "exponential": ("exponential", SIXTEEN, [10 / 198.5], [10**0.5 / 198.5], 1e-8),
    "beta": ("beta", INTERVALS, [1.419941, 1.027066], [0.9914177, 0.6866565], 5e-6),
    "logistic": ("logistic", left_at_zero(), [14.633459, 9.232736], [2.931505, 1.546879], 5e-6),
    "lognormal": ("lognormal", miles(), [0.7055, np.exp(5.1169)], None, 5e-4),
    "weibull": ("weibull", survival(), [2.149, 28.99], None, 1e-3),
    # R's mean and 1 / dispersion.
    "inverse_gaussian": (
        "inverse_gaussian",
        Censored(np.where(INVERSE == 0.15, -INF, INVERSE), np.where(INVERSE == 3, INF, INVERSE)),
        [0.8699819, 0.8155701],
        None,
        5e-5,
    ),
}


@pytest.mark.parametrize("case", PUBLISHED)
def test_published_values(case):
    name, rows, want, errors, digits = PUBLISHED[case]
    model = natfit.fit(name, rows)
    np.testing.assert_allclose(flat(model.params_), want, rtol=digits)
    assert model.status_.good
    if errors is not None:
        np.testing.assert_allclose(flat(model.standard_errors_), errors, rtol=2e-4)


def test_scipys_censored_data():
    x = [2.5, 2.9, 3.8, 9.1, 9.3, 12, 23, 25]
    given = natfit.fit("gamma", stats.CensoredData.right_censored(x, [0] * 7 + [1]))
    assert given.params_ == natfit.fit("gamma", WAITS).params_
    mixed = stats.CensoredData([1.0, 2.0], left=[0.5], right=[3.0], interval=[[1.0, 4.0]])
    assert Censored.from_scipy(mixed).rows.tolist() == [
        [1, 1],
        [2, 2],
        [-INF, 0.5],
        [3, INF],
        [1, 4],
    ]


# -------------------------------------------------------------- brute-force likelihoods


def brute(frozen, lower, upper, start, integer=False):
    """Maximum of a censored likelihood by the simplex method on scipy's functions."""

    def loss(t):
        f = frozen(t)
        with np.errstate(all="ignore"):
            before = f.cdf(lower - 1) if integer else f.cdf(lower)
            mass = np.where(f.cdf(upper) > 0.9, f.sf(lower - integer) - f.sf(upper), 0.0)
            mass = np.where(mass > 0, mass, f.cdf(upper) - before)
            density = f.pmf(lower) if integer else f.pdf(lower)
            return -np.log(np.where(lower == upper, density, mass)).sum()

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000, "maxfev": 4000}
    return optimize.minimize(loss, start, method="Nelder-Mead", options=options)


RNG = np.random.default_rng(3)
DRAWN = RNG.gamma(2.0, 3.0, 80)


@pytest.mark.parametrize("width", [0.2, 5.0])
def test_grouped_gamma(width):
    """Values are rounded down to a grid, so that all rows are intervals."""
    lower = np.floor(DRAWN / width) * width
    model = natfit.fit("gamma", Censored(lower, lower + width), tol=1e-8)
    found = brute(
        lambda t: stats.gamma(np.exp(t[0]), scale=np.exp(t[1])), lower, lower + width, [0.5, 1.0]
    )
    np.testing.assert_allclose(flat(model.params_), np.exp(found.x), rtol=1e-5)
    assert model.score(Censored(lower, lower + width)) == pytest.approx(-found.fun / 80, abs=1e-9)


def test_censored_counts_include_both_ends():
    y = np.random.default_rng(0).poisson(3.0, 60).astype(float)
    lower, upper = np.where(y > 4, 5.0, y), np.where(y > 4, INF, y)
    lower[:20], upper[:20] = np.floor(y[:20] / 2) * 2, np.floor(y[:20] / 2) * 2 + 1
    model = natfit.fit("poisson", Censored(lower, upper))
    found = brute(lambda t: stats.poisson(np.exp(t[0])), lower, upper, [1.0], integer=True)
    assert model.params_["rate"][0] == pytest.approx(np.exp(found.x[0]), rel=1e-6)


def test_a_student_t_censored_on_both_sides():
    y = 1.0 + 2.0 * np.random.default_rng(1).standard_t(4.0, 400)
    rows = Censored(
        np.where(y < -3, -INF, np.minimum(y, 5)), np.where(y > 5, INF, np.maximum(y, -3))
    )
    model = natfit.fit("student_t", rows)
    found = brute(
        lambda t: stats.t(np.exp(t[2]), t[0], np.exp(t[1])), *rows.rows.T, [1.0, 0.7, 1.4]
    )
    assert model.score(rows) * 400 > -found.fun - 1e-6
    assert model.status_.good


@pytest.mark.parametrize("share", [0.04, 0.008])
def test_nearly_everything_censored(share):
    """The information of complete rows is a hundred times the data's; Newton's end is quadratic."""
    y = np.random.default_rng(2).normal(2.0, 3.0, 5000)
    end = float(np.quantile(y, share))
    rows = Censored(np.minimum(y, end), np.where(y < end, y, INF))
    model = natfit.fit("normal", rows)
    assert model.status_.good
    assert model.n_iter_ <= 30
    found = brute(lambda t: stats.norm(t[0], np.exp(t[1])), *rows.rows.T, [2.0, 1.0])
    assert model.score(rows) * 5000 > -found.fun - 1e-6


def test_a_start_far_away_uses_the_complete_datas_information():
    lower = np.floor(np.random.default_rng(0).normal(2.0, 3.0, 300))
    rows = Censored(lower, lower + 1)
    near = natfit.fit("normal", rows, tol=1e-8)
    far = natfit.fit("normal", rows, tol=1e-8, start_params={"loc": 1e3, "scale": 1e-2})
    np.testing.assert_allclose(flat(far.params_), flat(near.params_), rtol=1e-7)
    assert far.history_.notes[0] == "expected information of complete rows"
    assert far.history_.notes[-1] == "observed"
    exact = natfit.fit("normal", rows, metric="exact", tol=1e-8)
    np.testing.assert_allclose(flat(exact.params_), flat(near.params_), rtol=1e-7)


@pytest.mark.parametrize("metric", ["observed", "empirical", "monte_carlo"])
def test_other_metrics(metric):
    lower = np.floor(DRAWN)
    rows = Censored(lower, lower + 1)
    want = flat(natfit.fit("gamma", rows).params_)
    model = natfit.fit("gamma", rows, metric=metric, random_state=0)
    np.testing.assert_allclose(flat(model.params_), want, rtol=1e-3)


# ----------------------------------------------------------------------- repetition


def test_weights_are_repetitions():
    rows = Censored([0, 1, 2, 3, 2, 0.0], [0, 4, 2, INF, 5, 1])
    times = np.array([1, 2, 3, 1, 0, 2])
    weighted = natfit.fit("poisson", rows, sample_weight=times)
    repeated = natfit.fit("poisson", rows[np.repeat(np.arange(6), times)])
    assert flat(weighted.params_) == pytest.approx(flat(repeated.params_), rel=1e-12)
    assert flat(weighted.standard_errors_) == pytest.approx(flat(repeated.standard_errors_))
    assert weighted.n_obs_ == 9
    assert weighted.score(rows, sample_weight=times) == pytest.approx(
        repeated.score(rows[np.repeat(np.arange(6), times)])
    )
    robust = weighted.cov_params("robust", rows, times)
    assert robust.shape == (1, 1)
    assert robust[0, 0] > 0


def test_units_do_not_matter():
    base = natfit.fit("gamma", WAITS)
    for unit in (1e-6, 1e6):
        scaled = natfit.fit("gamma", Censored(WAITS.lower * unit, WAITS.upper * unit))
        assert scaled.params_["shape"][0] == pytest.approx(base.params_["shape"][0], rel=1e-6)
        assert scaled.params_["scale"][0] / unit == pytest.approx(
            base.params_["scale"][0], rel=1e-6
        )


def test_exact_rows_alone_are_plain_data():
    plain = natfit.fit("gamma", DRAWN, tol=1e-9)
    exact = natfit.fit("gamma", Censored(DRAWN, DRAWN), tol=1e-9)
    assert flat(exact.params_) == pytest.approx(flat(plain.params_), rel=1e-9)
    np.testing.assert_allclose(exact.cov_params(), plain.cov_params(), rtol=1e-6)
    np.testing.assert_allclose(
        exact.score_samples(Censored(DRAWN, DRAWN)), plain.score_samples(DRAWN[:, None])
    )


# ------------------------------------------------------------------- scikit-learn


def test_cross_validation_splits_rows():
    rows = Censored(np.minimum(DRAWN, 6), np.where(DRAWN > 6, INF, DRAWN))
    scores = cross_val_score(NaturalMLE("gamma"), rows, cv=4)
    by_hand = NaturalMLE("gamma").fit(rows[20:]).score(rows[:20])
    assert scores[0] == pytest.approx(by_hand)
    search = GridSearchCV(NaturalMLE(), {"distribution": ["normal", "gamma"]}, cv=3).fit(rows)
    means = {n: cross_val_score(NaturalMLE(n), rows, cv=3).mean() for n in ("normal", "gamma")}
    assert search.best_params_ == {"distribution": "gamma"}
    assert search.best_score_ == pytest.approx(max(means.values()))


def test_rows_are_selected_like_an_arrays():
    rows = Censored([0.0, 1.0, 2.0], [1.0, 1.0, INF])
    assert (len(rows), rows.shape, rows.ndim) == (3, (3, 1), 2)
    assert rows[1:].rows.tolist() == [[1, 1], [2, INF]]
    assert rows[np.array([2, 0])].lower.tolist() == [2, 0]
    assert rows[rows.lower > 0].upper.tolist() == [1, INF]
    assert repr(rows) == "Censored(3 rows, 1 exact)"


# --------------------------------------------------------------------- truncation


def test_truncated_exponential_has_a_closed_form():
    """What exceeds the threshold is exponential again: 1 / rate = mean(y) - threshold."""
    y = 2.0 + np.random.default_rng(0).exponential(3.0, 200)
    model = natfit.fit("exponential", y, truncation=(2.0, None))
    assert model.params_["rate"][0] == pytest.approx(1 / (y.mean() - 2.0), rel=1e-8)
    error = model.params_["rate"][0] / np.sqrt(200)
    assert model.standard_errors_["rate"][0] == pytest.approx(error, rel=1e-6)
    assert model.cov_params("expected")[0, 0] == pytest.approx(error**2, rel=1e-6)


def test_zero_truncated_poisson():
    """E[y | y > 0] = rate / (1 - e^-rate)."""
    y = np.random.default_rng(0).poisson(1.5, 400)
    y = y[y > 0].astype(float)
    model = natfit.fit("poisson", y, truncation=(1, None))
    rate = optimize.brentq(lambda r: r / -np.expm1(-r) - y.mean(), 1e-3, 20, xtol=1e-14)
    assert model.params_["rate"][0] == pytest.approx(rate, rel=1e-8)


def test_truncated_normal_on_both_sides():
    y = np.random.default_rng(0).normal(0.0, 1.0, 3000)
    y = y[(y > -0.5) & (y < 1.5)]
    model = natfit.fit("normal", y, truncation=(-0.5, 1.5))
    loc, scale = flat(model.params_)

    def loss(t):
        f = stats.norm(t[0], np.exp(t[1]))
        return -(f.logpdf(y) - np.log(f.cdf(1.5) - f.cdf(-0.5))).sum()

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000}
    best = optimize.minimize(loss, [0.0, 0.0], method="Nelder-Mead", options=options)
    assert loss([loc, np.log(scale)]) < best.fun + 1e-6
    assert model.score(y[:, None]) == pytest.approx(-best.fun / len(y), abs=1e-9)
    draws = model.sample(2000, random_state=0)
    assert -0.5 <= draws.min() < draws.max() <= 1.5


def test_truncated_and_censored():
    """Rows are seen only from 1 on and censored at 8: delayed entry with right-censoring."""
    y = DRAWN[DRAWN > 1]
    rows = Censored(np.minimum(y, 8), np.where(y > 8, INF, y))
    model = natfit.fit("gamma", rows, truncation=(1, None))

    def loss(t):
        f = stats.gamma(np.exp(t[0]), scale=np.exp(t[1]))
        each = np.where(y > 8, f.logsf(8), f.logpdf(np.minimum(y, 8)))
        return -(each - f.logsf(1)).sum()

    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 2000}
    best = optimize.minimize(loss, [0.5, 1.0], method="Nelder-Mead", options=options)
    assert loss(np.log(flat(model.params_))) < best.fun + 1e-6
    assert isinstance(model.distribution_, Truncated)


def test_two_truncated_columns():
    rng = np.random.default_rng(0)
    X = 1.0 + rng.exponential([1.0, 4.0], (100, 2))
    model = NaturalMLE("exponential", truncation=(1.0, None), tol=1e-9).fit(X)
    np.testing.assert_allclose(model.params_["rate"], 1 / (X.mean(axis=0) - 1), rtol=1e-8)
    assert clone(model).truncation == (1.0, None)


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("lower", "upper", "words"),
    [
        ([1.0, 3.0], [2.0, 2.0], r"lower <= upper.*got \[3, 2\] at row 1"),
        ([-INF, 1.0], [INF, 2.0], "must have a finite end.*at row 0"),
        ([INF, 1.0], [INF, 2.0], "must contain a finite value"),
        ([1.0], [2.0, 3.0], "vectors of one length"),
        ([[1.0]], [[2.0]], "vectors of one length"),
    ],
)
def test_rows_that_are_no_intervals(lower, upper, words):
    with pytest.raises(ValueError, match=words):
        Censored(lower, upper)


@pytest.mark.parametrize(
    ("family", "rows", "words"),
    [
        ("gamma", Censored([1, -3.0], [2, -1.0]), r"overlap the support of Gamma.*at row 1"),
        ("gamma", Censored([1, -3.0], [2, -3.0]), "must be finite numbers > 0"),
        ("poisson", Censored([1, 2.2], [2, 2.8]), "overlap the support of Poisson.*at row 1"),
        ("normal", Censored([1, 2.0], [INF, INF]), "must not all be right-censored"),
        ("normal", Censored([-INF, -INF], [1, 2.0]), "must not all be left-censored"),
        ("normal", Censored([1, 2.0, 2.5], [3, 4.0, 2.5]), "compatible with one value.*y = 2.5"),
        ("categorical", Censored([0, 1.0], [1, 1.0]), "distribution function"),
        ("multivariate_normal", Censored([0, 1.0], [1, 1.0]), "univariate family"),
        ("normal", Censored([0.0], [1.0]), "at least 2 rows"),
    ],
)
def test_rows_that_do_not_fit_the_family(family, rows, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit(family, rows)


def test_other_errors():
    model = natfit.fit("gamma", WAITS)
    with pytest.raises(ValueError, match="not defined for censored rows"):
        model.cov_params("expected")
    for bad in ((2, 1), 3, (1, 2, 3), ("a", 2)):
        with pytest.raises(ValueError, match="truncation must be"):
            natfit.fit("gamma", DRAWN, truncation=bad)
    with pytest.raises(ValueError, match="overlap the support of Gamma"):
        natfit.fit("gamma", DRAWN, truncation=(-2, 0))
    with pytest.raises(ValueError, match="truncated to its window, got"):
        natfit.fit("gamma", DRAWN, truncation=(5, None))
    with pytest.raises(ValueError, match="distribution function"):
        natfit.fit("categorical", [0.0, 1.0, 1.0], truncation=(0, 1))
    two = NaturalMLE("gamma").fit(np.stack([DRAWN, DRAWN], axis=1))
    with pytest.raises(ValueError, match="must have 2 columns"):
        two.score(WAITS)
    with pytest.raises(ValueError, match="too little probability"):
        Truncated(Gamma(), 900.0, 901.0).sample(np.zeros((1, 2)), np.random.default_rng(0), 2)


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        natfit.fit("gamma", WAITS)
        natfit.fit("poisson", Censored([0, 1, 4.0], [0, 3, INF]))
