"""Regressions in one ranked table, against statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

import natfit
from natfit.estimators.regression.regressor import NaturalRegressor

RNG = np.random.default_rng(5)
N = 250
X = RNG.normal(size=(N, 2))
EXPOSURE = RNG.uniform(0.5, 2.0, N)
COUNTS = RNG.poisson(EXPOSURE * np.exp(1.0 + 0.4 * X[:, 0]) * RNG.gamma(2.0, 0.5, N)).astype(float)


def test_counts_are_ranked_as_by_statsmodels():
    table = natfit.compare(
        X, ["poisson", "negative_binomial"], y=COUNTS, exposure=EXPOSURE, criterion="bic"
    )
    assert [row["name"] for row in table.table] == ["negative_binomial", "poisson"]
    design = sm.add_constant(X)
    poisson = sm.Poisson(COUNTS, design, exposure=EXPOSURE).fit(disp=0, tol=1e-12)
    row = table.table[1]
    assert row["aic"] == pytest.approx(poisson.aic, rel=1e-9)
    assert row["bic"] == pytest.approx(poisson.bic, rel=1e-9)
    nb = sm.NegativeBinomial(COUNTS, design, exposure=EXPOSURE).fit(disp=0, maxiter=200)
    assert table.table[0]["loglik"] == pytest.approx(nb.llf, rel=1e-7)
    # Takeuchi's criterion counts more than three parameters where counts are overdispersed.
    assert row["tic"] > row["aic"]
    assert row["lr"] == pytest.approx(2.0 * (nb.llf - poisson.llf), rel=1e-4)
    assert "ranked by BIC" in str(table) and "A2" not in str(table)
    assert table.best_.param_names_[-1] == "n"


def test_candidates_keep_their_options_and_failures_are_rows():
    y = 1.0 + X[:, 0] + np.exp(0.5 * X[:, 1]) * RNG.normal(size=N)
    table = natfit.compare(
        X,
        {
            "both": NaturalRegressor("normal", features_for="all"),
            "mean": "normal",
            "positive": NaturalRegressor("gamma"),
        },
        y=y,
    )
    assert [row["name"] for row in table.table] == ["both", "mean", "positive"]
    assert table.table[0]["n_parameters"] == 6 and table.table[1]["n_parameters"] == 4
    assert table.table[2]["status"] == "failed"


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(TypeError, match="pass y="):
        natfit.compare(X, [NaturalRegressor("normal")])
    with pytest.raises(ValueError, match="pass y too"):
        natfit.compare(X[:, 0], ["normal"], exposure=EXPOSURE)
    with pytest.raises(ValueError, match="for densities"):
        natfit.compare(X, ["poisson"], y=COUNTS, goodness_of_fit=99)
    with pytest.raises(TypeError, match="distributions or regressions"):
        natfit.compare(X, [natfit.NaturalMLE("normal")], y=COUNTS)


# ------------------------------------------------------------------------- one inside the other

TIMES = RNG.weibull(1.3, N) * np.exp(0.3 * X[:, 0])
SPREAD = X[:, 0] + np.exp(0.3 * X[:, 1]) * RNG.standard_t(5, N)


Y_OF = {
    **dict.fromkeys(["poisson", "negative_binomial", "geometric"], COUNTS),
    **dict.fromkeys(["exponential", "weibull", "gamma", "gamma_mean", "lognormal"], TIMES),
    **dict.fromkeys(["normal", "student_t", "skew_normal"], SPREAD),
}


def only(family, *columns, **options):
    """A regression of what features drive by default on some columns of X."""
    name = natfit.NaturalRegressor(family).fit(X, Y_OF[family]).distribution_.driven
    return NaturalRegressor(family, features_for={name: list(columns)}, **options)


NESTED = [
    ("poisson", only("poisson", 0), NaturalRegressor("poisson"), False),
    ("families", NaturalRegressor("poisson"), NaturalRegressor("negative_binomial"), True),
    ("both", only("poisson", 1), NaturalRegressor("negative_binomial"), True),
    ("rate in scale", only("exponential", 0), NaturalRegressor("weibull"), False),
    ("rate in mean", NaturalRegressor("exponential"), NaturalRegressor("gamma_mean"), False),
    ("scales", NaturalRegressor("normal"), NaturalRegressor("normal", features_for="all"), False),
    ("df", NaturalRegressor("normal"), NaturalRegressor("student_t"), True),
    (
        "own links",
        NaturalRegressor("student_t"),
        NaturalRegressor("student_t", features_for="all"),
        False,
    ),
    (
        "intercept",
        NaturalRegressor("poisson", fit_intercept=False),
        NaturalRegressor("poisson"),
        False,
    ),
]


def of(model):
    """The response of a family."""
    return Y_OF[model.distribution]


@pytest.mark.parametrize(
    ("small", "large", "bounded"), [n[1:] for n in NESTED], ids=[n[0] for n in NESTED]
)
def test_fits_one_inside_the_other_are_compared_by_the_likelihood_ratio(small, large, bounded):
    table = natfit.compare(X, {"small": small, "large": large}, y=of(large))
    row, other = table.table[1], table.table[0]
    found = {row["name"]: row["loglik"], other["name"]: other["loglik"]}
    ratio = max(2.0 * (found["large"] - found["small"]), 0.0)
    df = abs(row["n_parameters"] - other["n_parameters"])
    p = stats.chi2.sf(ratio, df)
    if bounded:
        # Half of the time the parameter at the end of its range adds nothing.
        p = 0.5 * (p + (stats.chi2.sf(ratio, df - 1) if df > 1 else float(ratio <= 0)))
    assert (row["lr"], row["lr_df"]) == (pytest.approx(ratio, abs=1e-6), df)
    assert row["lr_p"] == pytest.approx(p, rel=1e-5)
    assert row["vuong_z"] is None and row["vuong_p"] is None and other["lr"] is None
    assert "likelihood-ratio test" in str(table) and ("Self & Liang" in str(table)) == bounded


APART = [
    ("columns", only("poisson", 0), only("negative_binomial", 1)),
    ("same size", NaturalRegressor("exponential"), only("weibull", 0)),
    ("links", NaturalRegressor("poisson", link="sqrt"), NaturalRegressor("negative_binomial")),
    ("no intercept", only("poisson", 0), NaturalRegressor("poisson", fit_intercept=False)),
    ("penalty", only("poisson", 0), NaturalRegressor("poisson", alpha=0.01)),
    ("families", NaturalRegressor("lognormal"), NaturalRegressor("gamma", features_for="all")),
    ("rows of df", NaturalRegressor("normal"), NaturalRegressor("student_t", features_for="all")),
]


@pytest.mark.parametrize(("one", "other"), [a[1:] for a in APART], ids=[a[0] for a in APART])
def test_fits_of_which_neither_holds_the_other_are_not(one, other):
    table = natfit.compare(X, {"one": one, "other": other}, y=of(other))
    assert [row["lr"] for row in table.table] == [None, None] and "LR" not in str(table)


def test_an_offset_turns_a_rate_away_from_a_scale():
    models = {"rate": "exponential", "scale": "weibull"}
    assert natfit.compare(X, models, y=TIMES).table[1]["lr"] is not None
    assert natfit.compare(X, models, y=TIMES, offset=X[:, 0]).table[1]["lr"] is None


def test_the_likelihood_ratio_test_of_two_fits_knows_whether_one_is_inside():
    large = NaturalRegressor("gamma_mean").fit(X, TIMES)
    inside = only("gamma_mean", 0).fit(X, TIMES)
    apart = only("gamma_mean", 1, link="inverse").fit(X, TIMES)
    assert large.likelihood_ratio_test(inside).notes == ()
    assert "only if the smaller" in large.likelihood_ratio_test(apart).notes[0]
