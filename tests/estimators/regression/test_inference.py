"""Standard errors, tests and intervals of regressions against statsmodels and closed forms."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from natfit.estimators.regression.regressor import NaturalRegressor

RNG = np.random.default_rng(13)
N = 300
X = pd.DataFrame({"age": RNG.normal(40.0, 10.0, N), "dose": RNG.gamma(2.0, 0.01, N)})
EXPOSURE = RNG.uniform(0.5, 2.0, N)
RATE = EXPOSURE * np.exp(0.02 * X["age"] + 10.0 * X["dose"] - 0.5)
COUNTS = RNG.poisson(RATE * RNG.gamma(3.0, 1.0 / 3.0, N)).astype(float)
BINARY = (RNG.random(N) < 1.0 / (1.0 + np.exp(1.0 - 0.03 * X["age"] + 20 * X["dose"]))).astype(
    float
)
GROUPS = RNG.integers(0, 25, N)
WEIGHTS = RNG.integers(1, 4, N).astype(float)
DESIGN = sm.add_constant(X, prepend=False)


def errors(matrix):
    return np.sqrt(np.diagonal(matrix))


@pytest.fixture(scope="module")
def poisson():
    return NaturalRegressor("poisson", tol=1e-9).fit(X, COUNTS, exposure=EXPOSURE)


@pytest.fixture(scope="module")
def glm():
    return sm.GLM(COUNTS, DESIGN, family=sm.families.Poisson(), exposure=EXPOSURE)


DATA = {"X": X, "y": COUNTS, "exposure": EXPOSURE}


def test_names_come_from_the_frame(poisson):
    assert poisson.param_names_ == ["rate[age]", "rate[dose]", "rate[intercept]"]
    assert list(poisson.coefficients_) == poisson.param_names_
    # One parameter without features is reported as itself.
    y = X["age"] + RNG.normal(size=N)
    model = NaturalRegressor("normal").fit(X.to_numpy(), y)
    assert model.param_names_ == ["loc[x0]", "loc[x1]", "loc[intercept]", "scale"]
    rss = np.square(y - model.predict(X.to_numpy())).sum()
    assert model.coefficients_["scale"] == pytest.approx(np.sqrt(rss / N), rel=1e-8)


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        ("observed", "nonrobust", {}),
        ("expected", "nonrobust", {}),
        ("robust", "HC0", {}),
        ("cluster", "cluster", {"groups": GROUPS}),
    ],
)
def test_poisson_errors_are_those_of_statsmodels(poisson, glm, ours, theirs, options):
    found = errors(poisson.cov_params(ours, **DATA, **options))
    fit = glm.fit(tol=1e-14, cov_type=theirs, cov_kwds=options)
    np.testing.assert_allclose(list(poisson.coefficients_.values()), fit.params, rtol=1e-7)
    np.testing.assert_allclose(found, fit.bse, rtol=1e-7)


def test_errors_have_the_shapes_of_coefficients(poisson):
    found = errors(poisson.cov_params())
    np.testing.assert_allclose(poisson.standard_errors_["rate"], found[:2], rtol=1e-12)
    assert poisson.intercept_standard_errors_["rate"] == pytest.approx(found[2], rel=1e-12)


def test_weights_are_repetitions():
    model = NaturalRegressor("poisson", tol=1e-9).fit(X, COUNTS, sample_weight=WEIGHTS)
    each = np.repeat(np.arange(N), WEIGHTS.astype(int))
    other = NaturalRegressor("poisson", tol=1e-9).fit(X.iloc[each], COUNTS[each])
    for kind in ("observed", "robust", "opg"):
        ours = model.cov_params(kind, X, COUNTS, WEIGHTS)
        theirs = other.cov_params(kind, X.iloc[each], COUNTS[each])
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_logit_against_statsmodels():
    model = NaturalRegressor("bernoulli", tol=1e-9).fit(X, BINARY)
    fit = sm.Logit(BINARY, DESIGN).fit(disp=0, tol=1e-14)
    table = model.summary(X=X, y=BINARY).to_frame()
    np.testing.assert_allclose(table["estimate"], fit.params, rtol=1e-7)
    np.testing.assert_allclose(table["standard_error"], fit.bse, rtol=1e-7)
    np.testing.assert_allclose(table["z"].astype(float), fit.tvalues, rtol=1e-6)
    np.testing.assert_allclose(table["pvalue"].astype(float), fit.pvalues, rtol=1e-5)
    np.testing.assert_allclose(table[["lower", "upper"]], fit.conf_int(), rtol=1e-6)
    facts = model.summary().facts
    assert facts["null_loglik"] == pytest.approx(fit.llnull, rel=1e-9)
    assert model.aic() == pytest.approx(fit.aic, rel=1e-10)
    assert model.bic() == pytest.approx(fit.bic, rel=1e-10)
    robust = sm.Logit(BINARY, DESIGN).fit(disp=0, tol=1e-14, cov_type="HC0")
    np.testing.assert_allclose(errors(model.cov_params("robust", X, BINARY)), robust.bse, rtol=1e-6)


def test_a_negative_binomial_against_statsmodels():
    model = NaturalRegressor("negative_binomial", tol=1e-9).fit(X, COUNTS)
    fit = sm.NegativeBinomial(COUNTS, DESIGN).fit(disp=0, maxiter=500, gtol=1e-9, method="bfgs")
    fit = sm.NegativeBinomial(COUNTS, DESIGN).fit(fit.params, disp=0, method="newton", tol=1e-12)
    found = errors(model.cov_params())
    np.testing.assert_allclose(found[:3], fit.bse[:3], rtol=1e-4)
    # alpha = 1 / n.
    alpha = fit.params.iloc[-1]
    assert model.coefficients_["n"] == pytest.approx(1.0 / alpha, rel=1e-5)
    assert found[3] == pytest.approx(fit.bse.iloc[-1] / alpha**2, rel=1e-4)


def test_wald_tests_against_statsmodels(poisson, glm):
    fit = glm.fit(tol=1e-14)
    theirs = fit.wald_test(np.eye(3)[:2], scalar=True, use_f=False)
    for null in (["age", "dose"], {"rate[age]": 0, "rate[dose]": 0}, np.eye(3)[:2]):
        found = poisson.wald_test(null)
        assert found.df == 2
        assert found.statistic == pytest.approx(float(theirs.statistic), rel=1e-6)
        assert found.pvalue == pytest.approx(float(theirs.pvalue), rel=1e-5)
    matrix, q = [[100.0, -1.0, 0.0]], [0.5]
    theirs = fit.wald_test((np.array(matrix), np.array(q)), scalar=True, use_f=False)
    found = poisson.wald_test(matrix, q)
    assert found.statistic == pytest.approx(float(theirs.statistic), rel=1e-6)
    assert "100 rate[age] - rate[dose] = 0.5" in found.null
    # A restriction that follows from others counts once.
    found = poisson.wald_test(np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]]))
    assert found.df == 2


def test_likelihood_ratios_against_statsmodels(poisson, glm):
    fit = glm.fit(tol=1e-14)
    other = sm.GLM(
        COUNTS, DESIGN[["age", "const"]], family=sm.families.Poisson(), exposure=EXPOSURE
    ).fit(tol=1e-14)
    statistic = 2.0 * (fit.llf - other.llf)
    found = poisson.likelihood_ratio_test({"dose": 0}, **DATA)
    assert found.statistic == pytest.approx(statistic, abs=1e-7)
    smaller = NaturalRegressor("poisson", tol=1e-9).fit(X[["age"]], COUNTS, exposure=EXPOSURE)
    found = poisson.likelihood_ratio_test(smaller)
    assert found.statistic == pytest.approx(statistic, abs=1e-7)
    assert found.df == 1 and not found.notes
    held = sm.GLM(
        COUNTS,
        DESIGN[["dose", "const"]],
        family=sm.families.Poisson(),
        offset=np.log(EXPOSURE) + 0.01 * X["age"],
    ).fit(tol=1e-14)
    found = poisson.likelihood_ratio_test({"age": 0.01}, **DATA)
    assert found.statistic == pytest.approx(2.0 * (fit.llf - held.llf), abs=1e-7)


def test_score_tests_against_statsmodels(glm):
    smaller = NaturalRegressor("poisson", features_for={"rate": [0]}, tol=1e-10)
    smaller.fit(X, COUNTS, exposure=EXPOSURE)
    other = sm.GLM(
        COUNTS, DESIGN[["age", "const"]], family=sm.families.Poisson(), exposure=EXPOSURE
    ).fit(tol=1e-14)
    theirs = float(np.squeeze(other.score_test(exog_extra=X[["dose"]])[0]))
    found = smaller.score_test("rate[dose]", **DATA)
    assert found.statistic == pytest.approx(theirs, rel=1e-6)
    found = smaller.score_test(extra=X["dose"], **DATA)
    assert found.statistic == pytest.approx(theirs, rel=1e-6)
    # Of a coefficient that the model has, the model is fitted without it.
    whole = NaturalRegressor("poisson").fit(X, COUNTS, exposure=EXPOSURE)
    found = whole.score_test({"dose": 0}, **DATA)
    assert found.statistic == pytest.approx(theirs, rel=1e-6)


def test_heteroscedasticity_is_the_test_of_breusch_and_pagan():
    from statsmodels.stats.diagnostic import het_breuschpagan

    y = X["age"].to_numpy() + np.exp(0.02 * X["age"].to_numpy()) * RNG.normal(size=N)
    model = NaturalRegressor("normal", tol=1e-10).fit(X, y)
    residuals = sm.OLS(y, DESIGN).fit().resid
    theirs = het_breuschpagan(residuals, DESIGN, robust=False)[0]
    found = model.score_test(["scale[age]", "scale[dose]"], X, y)
    assert found.df == 2
    assert found.statistic == pytest.approx(theirs, rel=1e-7)


def test_a_poisson_profile_has_the_deviance_of_the_level(poisson, glm):
    ends = poisson.conf_int(method="profile", of="dose", **DATA)["rate[dose]"]
    best = glm.fit(tol=1e-14).llf
    for end in ends:
        held = sm.GLM(
            COUNTS,
            DESIGN[["age", "const"]],
            family=sm.families.Poisson(),
            offset=np.log(EXPOSURE) + end * X["dose"],
        ).fit(tol=1e-14)
        assert 2.0 * (best - held.llf) == pytest.approx(3.841458820694124, abs=1e-5)


def test_least_squares_have_intervals_in_closed_form():
    y = X["age"].to_numpy() + 3.0 * RNG.normal(size=N)
    model = NaturalRegressor("normal", tol=1e-10).fit(X, y)
    fit = sm.OLS(y, DESIGN).fit()
    error = fit.bse * np.sqrt(fit.df_resid / N)
    np.testing.assert_allclose(errors(model.cov_params())[:3], error, rtol=1e-7)
    # The deviance of one coefficient is N log(1 + t^2 / N).
    half = error["dose"] * np.sqrt(N * np.expm1(3.841458820694124 / N))
    found = model.conf_int(method="profile", X=X, y=y)
    centre = fit.params["dose"]
    np.testing.assert_allclose(found["loc[dose]"], [centre - half, centre + half], rtol=1e-6)
    # The score statistic of the scale is N (s2 / c2 - 1)^2 / 2.
    low, high = model.conf_int(method="score", of="scale", X=X, y=y)["scale"]
    s2 = model.coefficients_["scale"] ** 2
    root = 1.959963984540054 * np.sqrt(2.0 / N)
    assert low == pytest.approx(np.sqrt(s2 / (1.0 + root)), rel=1e-6)
    assert high == pytest.approx(np.sqrt(s2 / (1.0 - root)), rel=1e-6)


def test_deletions_of_least_squares_are_near_those_of_statsmodels():
    y = X["age"].to_numpy() + 3.0 * RNG.normal(size=N)
    model = NaturalRegressor("normal", tol=1e-10).fit(X, y)
    found = model.influence(X, y)
    theirs = sm.OLS(y, DESIGN).fit().get_influence()
    # The exact ones do not depend on the scale, which one step of the joint model moves, too.
    for name, column in zip(["age", "dose", "const"], theirs.dfbeta.T, strict=True):
        own = "intercept" if name == "const" else name
        largest = np.abs(column).max()
        np.testing.assert_allclose(
            -found.params[f"loc[{own}]"], column, rtol=0.05, atol=0.01 * largest
        )


def test_deletions_of_a_poisson_regression_are_those_of_statsmodels(poisson, glm):
    found = poisson.influence(**DATA)
    theirs = glm.fit(tol=1e-14).get_influence()
    np.testing.assert_allclose(found.leverage, theirs.hat_matrix_diag, rtol=1e-6)
    np.testing.assert_allclose(found.cooks_distance, theirs.cooks_distance[0], rtol=1e-5)
    assert found.leverage.sum() == pytest.approx(3.0, rel=1e-9)
    row = int(found.top(1)["row"][0])
    rest = np.arange(N) != row
    other = NaturalRegressor("poisson", tol=1e-10).fit(
        X[rest], COUNTS[rest], exposure=EXPOSURE[rest]
    )
    for name, value in other.coefficients_.items():
        change = value - poisson.coefficients_[name]
        assert found.params[name][row] == pytest.approx(change, rel=0.05)


def test_units_and_offsets_of_features_do_not_matter(poisson):
    far = X * [1e-3, 1e5] + [1e4, -1e3]
    other = NaturalRegressor("poisson", tol=1e-9).fit(far, COUNTS, exposure=EXPOSURE)
    found = other.standard_errors_["rate"] * [1e-3, 1e5]
    np.testing.assert_allclose(found, poisson.standard_errors_["rate"], rtol=1e-5)


def test_functions_of_coefficients_by_the_delta_method(poisson):
    a, b = (poisson.coefficients_[n] for n in ("rate[age]", "rate[dose]"))
    matrix = poisson.cov_params()[:2, :2]
    slope = np.array([1.0 / b, -a / b**2])
    found = poisson.estimate(lambda c: c["rate[age]"] / c["rate[dose]"])
    assert found.value == pytest.approx(a / b, rel=1e-12)
    assert found.standard_error == pytest.approx(np.sqrt(slope @ matrix @ slope), rel=1e-6)


def test_a_scale_has_the_interval_of_its_logarithm():
    y = X["age"] + RNG.normal(size=N)
    model = NaturalRegressor("normal", tol=1e-9).fit(X, y)
    found = model.estimate("scale")
    np.testing.assert_allclose(found.interval, model.conf_int(of="scale")["scale"], rtol=1e-8)
    assert found.value == model.coefficients_["scale"]


def test_means_of_new_rows_are_those_of_statsmodels(poisson, glm):
    rows = X.iloc[:4]
    found = poisson.estimate("mean", at=rows, exposure_at=EXPOSURE[:4])
    theirs = glm.fit(tol=1e-14).get_prediction(DESIGN.iloc[:4], exposure=EXPOSURE[:4])
    np.testing.assert_allclose(found.value, theirs.predicted, rtol=1e-7)
    np.testing.assert_allclose(found.standard_error, theirs.se, rtol=1e-6)


def test_large_fits_compute_their_information_when_they_are_asked(monkeypatch, poisson):
    from natfit.inference import covariance

    monkeypatch.setattr(covariance, "_AT_ONCE", 1.0)
    frame, y = X.copy(), COUNTS.copy()
    model = NaturalRegressor("poisson", tol=1e-9).fit(frame, y, exposure=EXPOSURE)
    assert model._information is None
    sent = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(model.cov_params(), poisson.cov_params(), rtol=1e-6)
    assert model._information is not None
    with pytest.raises(ValueError, match="pass the X and y of the fit"):
        sent.summary()
    np.testing.assert_allclose(sent.cov_params(**DATA), poisson.cov_params(), rtol=1e-6)
    # Data that are gone are not kept alive.
    model = NaturalRegressor("poisson", tol=1e-9).fit(frame, y, exposure=EXPOSURE)
    del frame
    with pytest.raises(ValueError, match="no longer in memory"):
        model.cov_params()


def test_other_rows_than_those_of_the_fit_are_refused(poisson):
    with pytest.raises(ValueError, match="log-likelihood was"):
        poisson.cov_params("robust", X, COUNTS[::-1].copy(), exposure=EXPOSURE)
    with pytest.raises(ValueError, match="had 300 observations, got 299"):
        poisson.cov_params("robust", X[:-1], COUNTS[:-1], exposure=EXPOSURE[:-1])
    with pytest.raises(ValueError, match="pass y too"):
        poisson.cov_params("robust", X)
    with pytest.raises(ValueError, match="pass X and y"):
        poisson.cov_params("robust")
    with pytest.raises(ValueError, match=re.escape("'robust' is HC0")):
        poisson.cov_params("HC0", **DATA)


def test_hypotheses_are_checked(poisson):
    with pytest.raises(ValueError, match=re.escape("did you mean 'rate[dose]'")):
        poisson.wald_test({"rate[doze]": 0})
    with pytest.raises(ValueError, match="3 columns"):
        poisson.wald_test(np.eye(2))
    with pytest.raises(ValueError, match="contradict"):
        poisson.wald_test([[1.0, 0, 0], [2.0, 0, 0]], [0.0, 1.0])
    with pytest.raises(ValueError, match="finite number"):
        poisson.wald_test({"age": "zero"})
    with pytest.raises(ValueError, match="something to test"):
        poisson.score_test(**DATA)


def test_a_feature_stands_for_its_coefficients_in_all_parameters():
    y = X["age"].to_numpy() + RNG.normal(size=N)
    model = NaturalRegressor("normal", features_for="all").fit(X, y)
    found, both = (model.wald_test(null) for null in ("age", ["loc[age]", "scale[age]"]))
    assert found.df == 2 and found.statistic == both.statistic
    assert list(model.conf_int(of="age")) == ["loc[age]", "scale[age]"]
    words = "'age' names 2 coefficients; pass one of loc[age], scale[age]"
    with pytest.raises(ValueError, match=re.escape(words)):
        model.estimate("age")
    for function in ("loc", lambda d: d.mean()):
        with pytest.raises((ValueError, TypeError), match="pass at=rows of X"):
            model.estimate(function)


def test_a_variable_stands_for_all_its_categories():
    """The test of a factor of statsmodels' analysis of variance has one of them fewer on it."""
    group = np.repeat(["a", "b", "c", "d"], N // 4)
    frame = pd.DataFrame({"x": X["age"].to_numpy()[: len(group)], "g": group})
    rng = np.random.default_rng(0)
    y = rng.poisson(np.exp(0.3 * (group == "c") + 0.2)).astype(float)
    model = NaturalRegressor("poisson", tol=1e-9).fit(frame, y)
    dummies = pd.get_dummies(frame["g"], drop_first=True, dtype=float)
    other = sm.Poisson(y, sm.add_constant(pd.concat([frame[["x"]], dummies], axis=1)))
    theirs = other.fit(disp=0, tol=1e-12).wald_test("b = c = d = 0", scalar=True, use_f=False)
    found = model.wald_test("g")
    assert found.df == 3
    assert found.statistic == pytest.approx(float(theirs.statistic), rel=1e-6)


def test_added_columns_keep_their_names():
    y = X["age"].to_numpy() + np.random.default_rng(0).normal(size=N)
    model = NaturalRegressor("normal").fit(X[["age"]], y)
    for extra in (X["dose"], X[["dose"]]):
        assert "loc[dose]" in str(model.score_test(extra=extra, X=X[["age"]], y=y))


def test_a_family_that_is_no_special_case_is_no_null():
    y = np.exp(0.2 * np.random.default_rng(0).normal(size=N))
    model = NaturalRegressor("gamma").fit(X, y)
    with pytest.raises(ValueError, match="Lognormal is not known to be one of Gamma; natfit.comp"):
        model.likelihood_ratio_test(NaturalRegressor("lognormal").fit(X[["age"]], y))


def test_wald_statistics_that_fall_are_named():
    # Of a group with 49 of 50 successes against 25 of 50 the statistic of the difference falls
    # from about 48 successes on (Hauck & Donner 1977).
    x = np.repeat([0.0, 1.0], 200)
    for successes, falls in ((150, False), (199, True)):
        y = np.concatenate([np.repeat([0.0, 1.0], 100), np.arange(200) < successes]).astype(float)
        model = NaturalRegressor("bernoulli", tol=1e-9).fit(x[:, None], y)
        b, a = model.coefficients_["prob[x0]"], model.coefficients_["prob[intercept]"]
        # Of two groups, se^2 = 1 / (n p q) + 1 / (n p0 q0), in closed form.
        p, q = (successes / 200, 1 - successes / 200)
        square = 1.0 / (200 * p * q) + 1.0 / 50.0
        slope = 1.0 - 0.5 * b * (-(1.0 - 2.0 * p) / (200 * p * q)) / square
        found = model.hauck_donner(x[:, None], y)["prob[x0]"]
        assert a == pytest.approx(0.0, abs=1e-8)
        assert found == pytest.approx(slope, rel=1e-4)
        assert (found < 0) == falls
        said = str(model.summary(X=x[:, None], y=y))
        assert ("Hauck & Donner" in said) == falls
        if falls:
            with pytest.warns(UserWarning, match="falls as the coefficient grows"):
                model.wald_test("x0", X=x[:, None], y=y)


def test_a_summary_is_text_html_and_a_frame(poisson):
    summary = poisson.summary()
    assert "rate[dose]" in str(summary) and "<table" in summary._repr_html_()
    assert list(summary.to_frame()["parameter"]) == poisson.param_names_
    assert summary.facts["loglik"] == poisson.loglik_


def test_a_summary_names_the_family_that_was_asked_for(poisson):
    assert poisson.summary().facts["family"] == "Poisson()"
    x, y = np.arange(40.0)[:, None], np.random.default_rng(0).negative_binomial(3, 0.2, 40)
    model = NaturalRegressor("negative_binomial", features_for="all").fit(x, y)
    assert model.summary().facts["family"] == "NegativeBinomial(), n by log"


@pytest.mark.slow
def test_a_bootstrap_covers_what_its_replicates_do():
    x = X[["age"]]
    y = np.random.default_rng(0).poisson(np.exp(0.02 * x["age"])).astype(float)
    model = NaturalRegressor("poisson").fit(x, y)
    sandwich = errors(model.cov_params("robust", x, y))[0]
    for kind in ("bca", "percentile"):
        low, high = model.conf_int(
            method="bootstrap", X=x, y=y, n_resamples=200, kind=kind, of="age"
        )["rate[age]"]
        assert 2.6 < (high - low) / sandwich < 5.2
        assert low < model.coefficients_["rate[age]"] < high


@pytest.mark.parametrize("within", [False, True])
def test_the_score_of_a_variable_with_categories_is_that_of_its_columns(within):
    """Rao's statistic of statsmodels, whether the model has the categories or not."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=N), "g": rng.choice(["a", "b", "c"], N)})
    y = rng.poisson(np.exp(0.3 * frame["x"] + 0.2 * (frame["g"] == "c"))).astype(float)
    dummies = pd.get_dummies(frame["g"], drop_first=True, dtype=float)
    other = sm.GLM(y, sm.add_constant(frame[["x"]]), sm.families.Poisson()).fit(tol=1e-13)
    theirs = other.score_test(exog_extra=dummies.to_numpy())
    driven = None if within else {"rate": ["x"]}
    model = NaturalRegressor("poisson", features_for=driven, tol=1e-9).fit(frame, y)
    found = model.score_test("g", X=frame, y=y)
    assert found.df == 2
    assert found.statistic == pytest.approx(float(np.squeeze(theirs[0])), rel=1e-6)
