"""Estimates against closed forms, scipy and certified values; units."""

import numpy as np
import pytest
from estimator_data import EXPONENTIAL_FAMILIES, FAMILIES, assert_params, sample, scalars
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import NaturalGaussianMLE, NaturalMLE
from natfit.steps import FixedStep

CLOSED_FORM = {
    "normal": lambda x: {"loc": np.mean(x), "scale": np.std(x)},
    "exponential": lambda x: {"rate": 1.0 / np.mean(x)},
    "poisson": lambda x: {"rate": np.mean(x)},
    "bernoulli": lambda x: {"prob": np.mean(x)},
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", CLOSED_FORM)
def test_closed_form(name, seed):
    x = sample(name, 137, seed)
    # tol is in standard errors, a tenth of the parameters or less at this n.
    for tol, rtol in ((1e-5, 1e-6), (1e-9, 1e-10)):
        model = NaturalMLE(name, tol=tol).fit(x)
        assert model.status_ == "converged"
        assert_params(scalars(model.params_), CLOSED_FORM[name](x), rtol=rtol)


@pytest.mark.parametrize("seed", range(5))
def test_gamma_against_scipy(seed):
    x = sample("gamma", 137, seed)
    shape, _, scale = stats.gamma.fit(x[:, 0], floc=0)
    model = NaturalMLE("gamma").fit(x)
    assert_params(scalars(model.params_), {"shape": shape, "scale": scale}, rtol=1e-5)


@pytest.mark.parametrize("seed", range(5))
def test_student_t_is_at_least_as_likely_as_scipys(seed):
    x = sample("student_t", 137, seed)
    df, loc, scale = stats.t.fit(x[:, 0])
    model = NaturalMLE("student_t").fit(x)
    mine = FAMILIES["student_t"].loglik(model.params_, x[:, 0])
    # scipy's simplex search stops where it likes, sometimes far from the maximum.
    assert mine >= stats.t(df, loc, scale).logpdf(x[:, 0]).sum() - 1e-8


COVARIANCES = {
    "full": lambda X: np.cov(X.T, bias=True),
    "diag": lambda X: np.diag(X.var(axis=0)),
    "spherical": lambda X: np.eye(X.shape[1]) * X.var(axis=0).mean(),
}


@pytest.mark.parametrize("kind", COVARIANCES)
@pytest.mark.parametrize("columns", [1, 2, 7])
def test_multivariate_normal(kind, columns):
    rng = np.random.default_rng(columns)
    X = rng.normal(size=(60, columns)) @ rng.normal(size=(columns, columns)) + 5.0
    model = NaturalGaussianMLE(kind).fit(X)
    want = COVARIANCES[kind](X).reshape(columns, columns)
    assert model.status_ == "converged"
    np.testing.assert_allclose(model.mean_, X.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(model.covariance_, want, rtol=1e-6, atol=1e-7 * want.max())
    np.testing.assert_allclose(model.scale_, np.sqrt(np.diagonal(want)), rtol=1e-6)
    assert model.mean_.shape == model.scale_.shape == (columns,)
    assert model.covariance_.shape == (columns, columns)


def test_weighted_closed_form():
    x, w = sample("normal", 200, 4), np.random.default_rng(4).uniform(0, 3, 200)
    model = NaturalMLE().fit(x, sample_weight=w)
    mean = np.average(x[:, 0], weights=w)
    sd = np.sqrt(np.average((x[:, 0] - mean) ** 2, weights=w))
    assert_params(scalars(model.params_), {"loc": mean, "scale": sd}, rtol=1e-8)
    assert model.n_obs_ == pytest.approx(w.sum(), rel=1e-14)


def test_rows_of_weight_zero_are_dropped():
    x = np.array([[1.0], [2.0], [4.0], [1e9]])
    model = NaturalMLE().fit(x, sample_weight=[1, 1, 1, 0])
    assert_params(model.params_, NaturalMLE().fit(x[:3]).params_)
    # Even rows that the family would refuse.
    NaturalMLE("gamma").fit([[1.0], [2.0], [-4.0]], sample_weight=[1, 1, 0])


# ----------------------------------------------------------------------------- NIST NumAcc4


@pytest.fixture
def numacc4():
    return np.concatenate([[10000000.2], np.tile([10000000.1, 10000000.3], 500)])[:, None]


# The default tol, 1e-5 standard errors, is 2e-7 of this scale; eight digits ask for a smaller one.
@pytest.mark.parametrize(
    "estimator", [NaturalMLE(tol=1e-7), NaturalGaussianMLE(tol=1e-7)], ids=repr
)
def test_nist_numacc4(estimator, numacc4):
    model = estimator.fit(numacc4)
    n = len(numacc4)
    assert n == 1001
    assert abs(float(model.params_["loc"][0]) - 10000000.2) <= 1e-15 * 10000000.2
    scale = float(model.params_["scale"][0])
    assert scale * np.sqrt(n / (n - 1)) == pytest.approx(0.1, rel=1e-8)
    assert scale == pytest.approx(0.0999500, abs=5e-8)


def test_nist_numacc4_scale_attribute(numacc4):
    model = NaturalGaussianMLE(tol=1e-7).fit(numacc4)
    assert model.scale_[0] * np.sqrt(1001 / 1000) == pytest.approx(0.1, rel=1e-8)


# -------------------------------------------------------------------- expectation coordinates


@pytest.mark.parametrize("name", ["normal", "exponential", "poisson", "bernoulli"])
def test_one_unit_step_in_expectation_coordinates_is_exact(name):
    x = sample(name, 83, 6)
    options = {"coordinates": "expectation", "step": FixedStep(1.0), "metric": "exact"}
    model = NaturalMLE(name, tol=0.0, max_iter=1, **options).fit(x)
    assert model.n_iter_ == 1
    assert_params(scalars(model.params_), CLOSED_FORM[name](x), rtol=1e-12)


@pytest.mark.parametrize("kind", COVARIANCES)
def test_one_unit_step_in_expectation_coordinates_is_exact_in_three_dimensions(kind):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 3)) + 5.0
    options = {"coordinates": "expectation", "step": "fixed", "metric": "exact"}
    model = NaturalGaussianMLE(kind, tol=0.0, max_iter=1, **options).fit(X)
    np.testing.assert_allclose(model.mean_, X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(model.covariance_, COVARIANCES[kind](X), rtol=1e-10, atol=1e-12)


# ------------------------------------------------------------------------------------- units

UNITS = [1e-6, 1e-3, 10.0, 1e4, 1e8]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [n for n in FAMILIES if FAMILIES[n].scales])
def test_units(name, seed, unit):
    x = sample(name, 150, seed)
    plain, scaled = NaturalMLE(name).fit(x), NaturalMLE(name).fit(unit * x)
    assert plain.status_ == scaled.status_ == "converged"
    want = {k: v * unit ** FAMILIES[name].scales[k] for k, v in plain.params_.items()}
    assert_params(scaled.params_, want, rtol=1e-6)
    errors = {k: v * unit ** FAMILIES[name].scales[k] for k, v in plain.standard_errors_.items()}
    assert_params(scaled.standard_errors_, errors, rtol=1e-5)
    assert abs(scaled.n_iter_ - plain.n_iter_) <= 2


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("kind", COVARIANCES)
def test_units_of_columns(kind, unit):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(80, 3)) @ rng.normal(size=(3, 3)) + 2.0
    # Only the spherical covariance ties the columns' units together.
    units = np.full(3, unit) if kind == "spherical" else np.array([unit, 1.0, 1.0 / unit])
    plain, scaled = NaturalGaussianMLE(kind).fit(X), NaturalGaussianMLE(kind).fit(X * units)
    np.testing.assert_allclose(scaled.mean_, plain.mean_ * units, rtol=1e-6)
    want = plain.covariance_ * np.outer(units, units)
    np.testing.assert_allclose(scaled.covariance_, want, rtol=1e-6, atol=0)
    assert abs(scaled.n_iter_ - plain.n_iter_) <= 2


@pytest.mark.parametrize("shift", [-1e6, 1e3, 1e8])
@pytest.mark.parametrize("name", ["normal", "student_t"])
def test_location(name, shift):
    x = np.round(sample(name, 150, 2), 3)
    plain, moved = NaturalMLE(name).fit(x), NaturalMLE(name).fit(x + shift)
    got = scalars(moved.params_)
    want = scalars(plain.params_)
    assert got.pop("loc") == pytest.approx(want.pop("loc") + shift, rel=1e-12, abs=1e-6)
    assert_params(got, want, rtol=1e-6)
    assert abs(moved.n_iter_ - plain.n_iter_) <= 2


# ------------------------------------------------------------------------------- convergence


@pytest.mark.parametrize("name", EXPONENTIAL_FAMILIES)
def test_summary_and_rows_agree(name):
    """The fit to the summary, for which the data are read once, has the likelihood of the rows."""
    x = sample(name, 500, 8)
    model = natfit.fit(name, x[:, 0])
    want = -FAMILIES[name].loglik(model.params_, x[:, 0]) / 500
    assert model.history_["objective"][-1] == pytest.approx(want, rel=1e-10)


def test_distance_is_in_standard_errors():
    """For every metric, ``distance`` is how far the estimate is from the optimum."""
    x = sample("gamma", 300, 9)
    best = NaturalMLE("gamma", tol=1e-10).fit(x)
    for metric in ("exact", "empirical", "euclidean", "monte_carlo"):
        with pytest.warns(ConvergenceWarning):
            options = {"metric": metric, "max_iter": 1, "random_state": 0}
            model = NaturalMLE("gamma", **options, start_params={"shape": 2.4, "scale": 3}).fit(x)
        gap = model.theta_ - best.theta_
        info = np.linalg.inv(best.cov_params())
        jac = np.diag([float(v[0]) for v in best.params_.values()])
        want = np.sqrt(gap @ jac @ info @ jac @ gap)
        assert model.history_["distance"][-1] == pytest.approx(want, rel=0.1, abs=1e-3), metric


@pytest.mark.parametrize("name", FAMILIES)
def test_tol_bounds_the_error(name):
    """Stopped at tol, the estimate is within tol standard errors of the exact optimum."""
    x = sample(name, 400, 10)
    best = NaturalMLE(name, tol=1e-9).fit(x)
    for tol in (1.0, 1e-2, 1e-4):
        model = NaturalMLE(name, tol=tol).fit(x)
        assert model.history_["distance"][-1] <= tol
        for key, value in model.params_.items():
            assert abs(value - best.params_[key]) <= 1.5 * tol * best.standard_errors_[key]
