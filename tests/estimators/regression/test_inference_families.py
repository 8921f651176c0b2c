"""Inference of survival times, classes, robust and heteroscedastic regressions."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.sparse import random_array
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.estimators.regression.classifier import NaturalClassifier
from natfit.estimators.regression.regressor import NaturalRegressor

RNG = np.random.default_rng(7)
N = 400
X = pd.DataFrame({"a": RNG.normal(size=N), "b": RNG.normal(5.0, 2.0, N)})
DESIGN = sm.add_constant(X, prepend=False)


def errors(matrix):
    return np.sqrt(np.diagonal(matrix))


def test_accelerated_failure_times_of_the_rossi_data():
    # Values of an independent Newton's method; lifelines' fitter agrees to its own tolerance.
    frame = pd.read_csv(Path(__file__).parents[3] / "examples" / "data" / "rossi.csv")
    features = frame.drop(columns=["week", "arrest"])
    y = natfit.Censored.right(frame["week"], frame["arrest"] == 1)
    model = NaturalRegressor("weibull", tol=1e-8).fit(features, y)
    assert model.loglik_ == pytest.approx(-679.91656394, abs=1e-7)
    found = model.summary().to_frame().set_index("parameter")
    prio = found.loc["scale[prio]"]
    assert prio["estimate"] == pytest.approx(-0.0658169, abs=1e-6)
    assert prio["standard_error"] == pytest.approx(0.02094058, abs=1e-7)
    # The shape is reported in native units; its logarithm has this error.
    shape = found.loc["shape"]
    assert np.log(shape["estimate"]) == pytest.approx(0.33910824, abs=1e-6)
    assert shape["standard_error"] / shape["estimate"] == pytest.approx(0.08902669, abs=1e-6)


def test_several_classes_against_statsmodels():
    eta = np.column_stack([np.zeros(N), 0.5 * X["a"], 1.0 - 0.3 * X["b"]])
    share = np.exp(eta) / np.exp(eta).sum(axis=1, keepdims=True)
    labels = np.array([RNG.choice(["p", "q", "r"], p=row) for row in share])
    model = NaturalClassifier(tol=1e-9).fit(X, labels)
    fit = sm.MNLogit(np.unique(labels, return_inverse=True)[1], DESIGN).fit(disp=0, tol=1e-13)
    names = model.param_names_
    assert names[:3] == ["p[a]", "p[b]", "p[intercept]"]
    np.testing.assert_allclose(model.standard_errors_.shape, model.coef_.shape)
    matrix, values = model.cov_params(), np.array(list(model.coefficients_.values()))
    # Logits are differences from their mean, those of statsmodels from the first class.
    contrast = np.kron([[-1.0, 1.0, 0.0], [-1.0, 0.0, 1.0]], np.eye(3))
    np.testing.assert_allclose(contrast @ values, np.ravel(fit.params, order="F"), rtol=1e-6)
    theirs = np.ravel(fit.bse, order="F")
    np.testing.assert_allclose(errors(contrast @ matrix @ contrast.T), theirs, rtol=1e-6)
    # Of all classes together a feature has K - 1 degrees of freedom.
    found = model.wald_test(["p[a]", "q[a]", "r[a]"])
    rows = np.zeros((2, 6))
    rows[0, 0], rows[1, 3] = 1.0, 1.0
    theirs = fit.wald_test(rows, scalar=True, use_f=False)
    assert found.df == 2
    assert found.statistic == pytest.approx(float(theirs.statistic), rel=1e-6)
    other = NaturalClassifier(tol=1e-9).fit(X[["b"]], labels)
    ratio = 2.0 * (model.loglik_ - other.loglik_)
    for null in (["p[a]", "q[a]", "r[a]"], other):
        args = () if null is other else (X, labels)
        found = model.likelihood_ratio_test(null, *args)
        assert (found.df, found.statistic) == (2, pytest.approx(ratio, abs=1e-7))


def test_motor_cars_have_the_stored_estimates():
    # mpg ~ cyl + hp with log sigma ~ cyl + hp of Henderson & Velleman's mtcars; values of the
    # issue. The expected information of a heteroscedastic normal is X'X / sigma^2 and 2 X'X.
    cyl = np.repeat(
        [
            6,
            6,
            4,
            6,
            8,
            6,
            8,
            4,
            4,
            6,
            6,
            8,
            8,
            8,
            8,
            8,
            8,
            4,
            4,
            4,
            4,
            8,
            8,
            8,
            8,
            4,
            4,
            4,
            8,
            6,
            8,
            4,
        ],
        1,
    )
    hp = [110, 110, 93, 110, 175, 105, 245, 62, 95, 123, 123, 180, 180, 180, 205, 215]
    hp += [230, 66, 52, 65, 97, 150, 150, 245, 175, 66, 91, 113, 264, 175, 335, 109]
    mpg = [21, 21, 22.8, 21.4, 18.7, 18.1, 14.3, 24.4, 22.8, 19.2, 17.8, 16.4, 17.3, 15.2, 10.4]
    mpg += [10.4, 14.7, 32.4, 30.4, 33.9, 21.5, 15.5, 15.2, 13.3, 19.2, 27.3, 26, 30.4, 15.8]
    mpg += [19.7, 15, 21.4]
    frame = pd.DataFrame({"cyl": cyl, "hp": np.array(hp, float)}).astype(float)
    model = NaturalRegressor("normal", features_for="all", tol=1e-9).fit(frame, mpg)
    assert -model.loglik_ == pytest.approx(78.66686967, abs=1e-7)
    expected = {
        "loc[cyl]": -2.336367,
        "loc[hp]": -0.0137716,
        "loc[intercept]": 36.522718,
        "scale[cyl]": -0.1213792,
        "scale[hp]": -0.00055961,
        "scale[intercept]": 1.872523,
    }
    for name, value in expected.items():
        assert model.coefficients_[name] == pytest.approx(value, rel=2e-5)
    design = np.column_stack([frame, np.ones(32)])
    scale = np.exp(
        design @ [model.coefficients_[f"scale[{n}]"] for n in ("cyl", "hp", "intercept")]
    )
    found = errors(model.cov_params("expected", frame, mpg))
    own = errors(np.linalg.inv((design / scale[:, None] ** 2).T @ design))
    np.testing.assert_allclose(found[:3], own, rtol=1e-6)
    np.testing.assert_allclose(found[3:], errors(np.linalg.inv(2.0 * design.T @ design)), rtol=1e-6)


def test_a_ridge_penalty_is_part_of_the_information():
    y = (RNG.random(N) < 0.4).astype(float)
    model = NaturalRegressor("bernoulli", alpha=0.1, tol=1e-10).fit(X, y)
    p = 1.0 / (1.0 + np.exp(-(DESIGN @ list(model.coefficients_.values()))))
    hessian = DESIGN.T @ (DESIGN * (p * (1.0 - p)).to_numpy()[:, None]) + N * 0.1 * np.diag(
        [1, 1, 0]
    )
    np.testing.assert_allclose(
        errors(model.cov_params()), errors(np.linalg.inv(hessian)), rtol=1e-6
    )
    with pytest.raises(ValueError, match="alpha=0"):
        model.likelihood_ratio_test("a", X, y)
    assert "drawn towards zero" in str(model.summary())


def test_the_degrees_of_freedom_of_a_student_regression_are_native():
    y = 1.0 + X["a"] + RNG.standard_t(4.0, N)
    model = NaturalRegressor("student_t", tol=1e-9).fit(X, y)
    assert model.param_names_[-2:] == ["scale", "df"]
    low, high = model.conf_int()["df"]
    assert 0.0 < low < model.coefficients_["df"] < high
    low, high = model.conf_int(method="profile", of="df", X=X, y=y)["df"]
    assert 0.0 < low < model.coefficients_["df"] < high
    # At infinite degrees of freedom, the end of their range, the reference is a mixture.
    found = model.likelihood_ratio_test({"df": np.inf}, X, y)
    normal = NaturalRegressor("normal", tol=1e-9).fit(X, y)
    assert found.statistic == pytest.approx(2.0 * (model.loglik_ - normal.loglik_), rel=1e-5)
    assert found.pvalue == pytest.approx(model.likelihood_ratio_test(normal).pvalue, rel=1e-4)
    # The score points into the range, and its chi-square is as far out as a likelihood ratio's.
    found = model.score_test({"df": np.inf}, X, y)
    assert found.statistic > 20.0 and "chi-bar-square" in found.reference
    # In the score of 1 / df at the normal fit, over its information, both in closed form.
    z = (y - X.assign(one=1.0).to_numpy() @ list(normal.coefficients_.values())[:3]).to_numpy()
    z = z / normal.coefficients_["scale"]
    score = np.sum(z**4 - 2.0 * z**2 - 1.0) / 4.0
    assert found.statistic == pytest.approx(score**2 / (1.5 * N), rel=1e-4)
    with pytest.raises(ValueError, match="inside the ranges"):
        model.wald_test({"df": np.inf})


def test_what_rests_at_a_limit_stays_there():
    # Rows with lighter tails than a normal distribution's have infinite degrees of freedom.
    y = X["a"] + RNG.uniform(-1.0, 1.0, N)
    with pytest.warns(ConvergenceWarning, match="boundary: df -> inf"):
        model = NaturalRegressor("student_t").fit(X, y)
    normal = NaturalRegressor("normal", tol=1e-9).fit(X, y)
    row = model.summary().to_frame().set_index("parameter")
    assert row.loc["df", "mark"] == "at limit"
    for name in ("loc[a]", "loc[b]", "scale"):
        error = normal.summary().to_frame().set_index("parameter").loc[name, "standard_error"]
        assert row.loc[name, "standard_error"] == pytest.approx(error, rel=1e-4)
    found = model.likelihood_ratio_test({"loc[a]": 1.0}, X, y)
    theirs = normal.likelihood_ratio_test({"loc[a]": 1.0}, X, y)
    assert found.statistic == pytest.approx(theirs.statistic, abs=1e-5)


def test_sparse_rows_without_a_copy_of_their_zeros():
    rows = random_array((N, 6), density=0.3, rng=np.random.default_rng(1), format="csr")
    y = RNG.poisson(np.exp(0.3 * rows.sum(axis=1))).astype(float)
    model = NaturalRegressor("poisson", tol=1e-9).fit(rows, y)
    dense = NaturalRegressor("poisson", tol=1e-9).fit(rows.toarray(), y)
    for kind in ("observed", "robust"):
        found, theirs = model.cov_params(kind, rows, y), dense.cov_params(kind, rows.toarray(), y)
        np.testing.assert_allclose(found, theirs, rtol=1e-6, atol=1e-12)
    assert model.influence(rows, y).leverage.sum() == pytest.approx(7.0, rel=1e-9)
    extra = np.arange(float(N))
    found = model.score_test(extra=extra, X=rows, y=y)
    theirs = dense.score_test(extra=extra, X=rows.toarray(), y=y)
    assert found.statistic == pytest.approx(theirs.statistic, rel=1e-6)
    ratio = model.likelihood_ratio_test(["x0", "x1"], rows, y).statistic
    other = NaturalRegressor("poisson", tol=1e-9).fit(rows[:, 2:], y)
    assert ratio == pytest.approx(2.0 * (model.loglik_ - other.loglik_), abs=1e-7)


def test_a_predictor_through_the_origin_is_that_of_least_squares():
    y = X["a"] + 2.0 + RNG.normal(size=N)
    model = NaturalRegressor("normal", fit_intercept={"loc": False}, tol=1e-10).fit(X, y)
    fit = sm.OLS(y, X).fit()
    error = fit.bse * np.sqrt(fit.df_resid / N)
    np.testing.assert_allclose(model.standard_errors_["loc"], error, rtol=1e-6)
    assert model.param_names_ == ["loc[a]", "loc[b]", "scale"]
    ratio = N * np.log(sm.OLS(y, X[["b"]]).fit().ssr / fit.ssr)
    found = model.likelihood_ratio_test("a", X, y)
    assert found.statistic == pytest.approx(ratio, rel=1e-7)


def test_what_collinear_columns_leave_determined_has_its_error():
    frame = pd.DataFrame({"a": X["a"] + 3.0, "b": X["b"], "c": X["a"] + 3.0})
    y = X["a"] + RNG.normal(size=N)
    with pytest.warns(ConvergenceWarning, match="singular"):
        model = NaturalRegressor("normal").fit(frame, y)
    other = NaturalRegressor("normal", tol=1e-9).fit(frame[["a", "b"]], y)
    error = dict(zip(model.param_names_, errors(model.cov_params()), strict=True))
    theirs = dict(zip(other.param_names_, errors(other.cov_params()), strict=True))
    assert np.isinf([error["loc[a]"], error["loc[c]"]]).all()
    for name in ("loc[b]", "loc[intercept]", "scale"):
        assert error[name] == pytest.approx(theirs[name], rel=1e-5)
