"""Published fits of regressions, to the digits that an independent Newton's method gives."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from natfit import Censored, NaturalRegressor

DATA = Path(__file__).parents[3] / "examples" / "data"
PUBLISHED = Path(__file__).parents[2] / "data"


def test_rossi_accelerated_failure_times():
    data = pd.read_csv(DATA / "rossi.csv")
    X, y = data.drop(columns=["week", "arrest"]), Censored.right(data.week, data.arrest)
    model = NaturalRegressor("weibull", tol=1e-8).fit(X, y)
    assert model.status_ == "converged" and model.n_iter_ <= 9
    assert model.loglik_ == pytest.approx(-679.91656394, abs=5e-9)
    own = dict(zip(model.features_for_["scale"], model.coef_["scale"], strict=True))
    assert own["prio"] == pytest.approx(-0.0658169, abs=5e-8)
    assert model.intercept_["shape"] == pytest.approx(0.33910824, abs=5e-9)
    assert model.score(X, y) * len(data) == pytest.approx(model.loglik_, rel=1e-12)


def test_martin_marietta_returns():
    """Regression with Student-t errors; the values are those of an independent Newton's method."""
    data = pd.read_csv(PUBLISHED / "martin_marietta.csv")
    X, y = data[["market"]], data["excess"]
    model = NaturalRegressor("student_t", tol=1e-9).fit(X, y)
    assert model.loglik_ == pytest.approx(71.812923, abs=5e-7)
    for cov_type, error in {"expected": 1.175317, "observed": 1.020687}.items():
        found = model.summary(cov_type=cov_type, X=X, y=y).to_frame().set_index("parameter")
        assert found.loc["df", "estimate"] == pytest.approx(2.837214, abs=5e-7)
        assert found.loc["df", "standard_error"] == pytest.approx(error, abs=5e-7)


def test_rand_health_insurance_counts():
    data = sm.datasets.randhie.load_pandas()
    model = NaturalRegressor("negative_binomial", tol=1e-7).fit(data.exog, data.endog)
    assert model.status_ == "converged"
    assert model.loglik_ == pytest.approx(-43383.6620765, abs=5e-8)


def test_longley_of_nist():
    """The certified intercept and residual variance, to seven digits at least."""
    data = sm.datasets.longley.load_pandas()
    model = NaturalRegressor("normal", tol=1e-9).fit(data.exog, data.endog)
    n, p = 16, 7
    variance = np.exp(2.0 * model.intercept_["scale"]) * n / (n - p)
    assert model.intercept_["loc"] == pytest.approx(-3482258.63459582, rel=1e-7)
    assert variance == pytest.approx(92936.0061673238, rel=1e-7)


def test_ridge_is_that_of_a_normal_equation():
    """alpha / 2 |beta|^2 beside the mean: sigma^2 alpha N on the diagonal, at the fitted sigma."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3)) * [1.0, 20.0, 0.3] + 4.0
    y = X @ [1.0, 0.1, 2.0] + rng.normal(size=80)
    model = NaturalRegressor("normal", alpha={"loc": 0.3}, tol=1e-9).fit(X, y)
    variance = np.exp(2.0 * model.intercept_["scale"])
    centred = X - X.mean(axis=0)
    matrix = centred.T @ centred + variance * 0.3 * len(y) * np.eye(3)
    np.testing.assert_allclose(
        model.coef_["loc"], np.linalg.solve(matrix, centred.T @ y), atol=1e-7
    )


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_poisson_ridge_is_that_of_scikit_learn(alpha):
    from sklearn.linear_model import PoissonRegressor

    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 3)) * [1.0, 3.0, 0.3] + 1.0
    y, weight = rng.poisson(np.exp(X @ [0.3, 0.1, 0.2])), rng.integers(0, 3, 200)
    model = NaturalRegressor("poisson", alpha=alpha, tol=1e-9).fit(X, y, weight)
    other = PoissonRegressor(alpha=alpha, tol=1e-12, solver="newton-cholesky").fit(X, y, weight)
    np.testing.assert_allclose(model.coef_["rate"], other.coef_, atol=1e-7)
    assert model.intercept_["rate"] == pytest.approx(other.intercept_, abs=1e-7)
    np.testing.assert_allclose(model.predict(X), other.predict(X), rtol=1e-7)
