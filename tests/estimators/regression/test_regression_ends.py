"""How a regression ends: singular columns, rows that are explained exactly, kinks, units."""

import warnings

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csc_array, csr_array
from sklearn.exceptions import ConvergenceWarning

from natfit.distributions import Binomial
from natfit.estimators.regression.regressor import NaturalRegressor


def fitted(distribution, X, y, fit=None, **options):
    """A fit whose warnings are those of its end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return NaturalRegressor(distribution, **options).fit(X, y, **(fit or {}))


def data(seed=0, n=200, d=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return rng, X, X @ np.arange(1.0, d + 1.0) + rng.normal(size=n)


# ------------------------------------------------------------------------- singular columns


def singular_designs():
    _, X, _ = data()
    constant = np.full((len(X), 1), 7.0)
    return {
        "sum": (np.column_stack([X, X[:, 0] + X[:, 1]]), ["x0", "x1", "x3"]),
        "copy": (np.column_stack([X, 1e3 * X[:, 2] + 5.0]), ["x2", "x3"]),
        "constant": (np.column_stack([X, constant]), ["x3"]),
        "zero": (np.column_stack([X, 0.0 * constant]), ["x3"]),
        "dummies": (np.column_stack([X[:, 0], np.eye(3)[np.arange(200) % 3]]), ["x1", "x2", "x3"]),
    }


@pytest.mark.parametrize("family", ["normal", "bernoulli", "poisson"])
@pytest.mark.parametrize("name", list(singular_designs()))
def test_columns_that_are_not_determined_are_named(name, family):
    X, columns = singular_designs()[name]
    _, _, y = data()
    y = {"normal": y, "bernoulli": (y > 0.0) ^ (np.arange(200) % 5 == 0), "poisson": y**2 // 1}
    fit = fitted(family, X, np.asarray(y[family], dtype=float))
    assert fit.status_ == "singular", fit.message_
    for j in range(X.shape[1]):
        assert (f"[x{j}]" in fit.message_) == (f"x{j}" in columns)
    assert all(np.isfinite(coef).all() for coef in fit.coef_.values())


def test_coefficients_of_copies_are_shared_and_a_penalty_determines_them():
    X, _ = singular_designs()["copy"]
    _, _, y = data()
    fit = fitted("normal", X, y)
    # Of least norm in units of the spread: each of the two explains one half.
    spread = X.std(axis=0)
    halves = (fit.coef_["loc"] * spread)[2:]
    assert halves[0] == pytest.approx(halves[1], rel=1e-6)
    best = np.linalg.lstsq(np.column_stack([X[:, :3], np.ones(200)]), y, rcond=None)[0]
    assert fit.predict(X) == pytest.approx(X[:, :3] @ best[:3] + best[3], abs=1e-6)
    assert fitted("normal", X, y, alpha=1e-4).status_ == "converged"


# ------------------------------------------------------- rows that are explained exactly


@pytest.mark.parametrize(
    "family", ["normal", "logistic", "gumbel", "student_t", "lognormal", "weibull", "gamma_mean"]
)
@pytest.mark.parametrize("alpha", [0.0, 0.1, 1e2, 1e4, 1e8])
def test_more_columns_than_rows_leave_no_width(family, alpha):
    """With a strong penalty there is a local optimum beside: the likelihood has none the less."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(20, 30)), rng.normal(size=20)
    if family in ("lognormal", "weibull", "gamma_mean"):
        y = np.exp(y)
    fit = fitted(family, X, y, alpha=alpha)
    assert fit.status_ == "unbounded", fit.message_
    assert "explain every row exactly" in fit.message_
    assert fit.n_iter_ <= 60
    assert np.isfinite(fit._theta).all()


@pytest.mark.parametrize("container", [np.asarray, csr_array])
@pytest.mark.parametrize("shape", [(20, 20), (150, 4_000), (650, 700)])
def test_as_many_columns_as_rows_of_any_size(shape, container):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=shape), rng.normal(size=shape[0])
    fit = fitted("normal", container(X), y, alpha=1e3)
    assert fit.status_ == "unbounded", fit.message_
    assert "local optimum" in fit.message_


def test_a_penalised_straight_line_leaves_no_width():
    _, X, _ = data()
    fit = fitted("normal", X, X @ np.array([1.0, 2.0, 3.0]), alpha=1e2)
    assert fit.status_ == "unbounded", fit.message_


@pytest.mark.parametrize("alpha", [10.0, 1e3])
def test_more_columns_than_rows_with_a_width(alpha):
    """What keeps the width: rows that are repeated with another y, or a family that has none."""
    rng = np.random.default_rng(3)
    X, y = rng.normal(size=(20, 30)), rng.normal(size=20)
    repeated = fitted("normal", np.repeat(X, 2, axis=0), np.append(y, -y), alpha=alpha)
    assert repeated.status_ == "converged", repeated.message_
    poisson = fitted("poisson", X, rng.poisson(3.0, 20).astype(float), alpha=alpha)
    assert poisson.status_ == "converged", poisson.message_


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("place", [0.0, 1e3])
def test_a_straight_line_leaves_no_width(unit, place):
    _, X, _ = data()
    y = unit * (X @ np.array([1.0, 2.0, 3.0]) + place)
    fit = fitted("normal", X, y)
    assert fit.status_ == "unbounded", fit.message_
    assert "scale -> 0" in fit.message_


@pytest.mark.parametrize("noise", [1e-3, 1e-6, 1e-9])
def test_little_noise_is_a_width(noise):
    rng, X, _ = data()
    y = X @ np.array([1.0, 2.0, 3.0]) + noise * rng.normal(size=len(X))
    fit = fitted("normal", X, y)
    assert fit.status_ in ("converged", "rounding_floor"), fit.message_
    z = np.column_stack([X, np.ones(len(X))])
    gap = y - z @ np.linalg.lstsq(z, y, rcond=None)[0]
    scale = np.exp(fit.intercept_["scale"])
    assert scale == pytest.approx(np.sqrt(np.mean(gap**2)), rel=1e-4)


@pytest.mark.parametrize("noise", [1e-7, 1e-9, 1e-11])
@pytest.mark.parametrize("family", ["gamma_mean", "inverse_gaussian"])
def test_little_relative_noise_is_a_width(family, noise):
    """So little noise is normal in log y, and least squares have the estimate."""
    rng, X, _ = data()
    log_mean = X @ np.array([0.3, -0.2, 0.1])
    # Of an inverse Gaussian the variance of log y is that of the mean divided by the shape.
    spread = np.exp(0.5 * log_mean) if family == "inverse_gaussian" else np.ones(len(X))
    y = np.exp(log_mean) * (1.0 + noise * spread * rng.normal(size=len(X)))
    fit = fitted(family, X, y)
    assert fit.status_ in ("converged", "rounding_floor"), fit.message_
    z = np.column_stack([X, np.ones(len(X))]) / spread[:, None]
    best, square = np.linalg.lstsq(z, np.log(y) / spread, rcond=None)[:2]
    assert fit.coef_["mean"] == pytest.approx(best[:3], abs=1e-2 * noise)
    assert np.exp(-fit.intercept_["shape"]) == pytest.approx(square[0] / len(X), rel=1e-2)


def test_equal_rows_with_offsets_differ():
    rng, X, _ = data()
    offset = rng.normal(size=len(X))
    fit = fitted("normal", X, np.ones(len(X)), fit={"offset": offset})
    other = fitted("normal", X, 1.0 - offset)
    assert fit.status_ == "converged"
    assert fit.coef_["loc"] == pytest.approx(other.coef_["loc"], abs=1e-6)


# ------------------------------------------------------------------------------ limits


def test_a_limit_is_named_for_its_parameter():
    rng, X, y = data()
    fit = fitted("student_t", X, np.clip(y, -6.0, 6.0) + rng.uniform(-3.0, 3.0, len(y)))
    assert fit.status_ == "boundary"
    assert "df -> inf (the normal distribution)" in fit.message_


# ------------------------------------------------------------------------------- kinks


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_laplace_is_the_regression_of_least_deviations(seed, unit):
    rng = np.random.default_rng(seed)
    n, d = 120, 3
    X = rng.normal(size=(n, d)) * np.array([1e-3, 1.0, 1e3])
    y = X @ np.array([1e3, 2.0, 3e-3]) + rng.laplace(size=n)
    fit = fitted("laplace", X, unit * y)
    assert fit.status_ == "converged", fit.message_
    # The linear program of least absolute deviations, by scipy.
    z = np.column_stack([X / X.std(axis=0), np.ones(n)])
    cost = np.concatenate([np.zeros(d + 1), np.ones(2 * n)])
    rows = np.hstack([z, np.eye(n), -np.eye(n)])
    free = [(None, None)] * (d + 1) + [(0.0, None)] * (2 * n)
    best = linprog(cost, A_eq=rows, b_eq=y, bounds=free).fun / n
    got = np.abs(unit * y - fit.predict(X)).mean() / unit
    assert got == pytest.approx(best, rel=1e-9)
    assert np.exp(fit.intercept_["scale"]) == pytest.approx(unit * best, rel=1e-5)


def test_laplace_with_ties_weights_and_a_width_that_varies():
    rng = np.random.default_rng(3)
    X = rng.integers(0, 3, size=(300, 2)).astype(float)
    y = np.round(X @ np.array([1.0, -1.0]) + rng.laplace(size=300), 1)
    weight = rng.integers(1, 4, size=300).astype(float)
    fit = fitted("laplace", X, y, fit={"sample_weight": weight})
    twice = fitted("laplace", np.repeat(X, weight.astype(int), 0), np.repeat(y, weight.astype(int)))
    assert fit.status_ == twice.status_ == "converged"
    assert fit.loglik_ == pytest.approx(twice.loglik_, rel=1e-9)
    wide = fitted("laplace", X, y, fit={"sample_weight": weight}, features_for="all")
    assert wide.status_ == "converged", wide.message_
    assert wide.loglik_ > fit.loglik_


@pytest.mark.parametrize("alpha", [0.01, 0.3, 5.0])
@pytest.mark.parametrize("shape", [(200, 4), (60, 20)])
@pytest.mark.parametrize("digits", [1, 12])
def test_penalised_laplace_closes_the_duality_gap(shape, alpha, digits):
    rng = np.random.default_rng(4)
    n, d = shape
    X = rng.normal(size=shape) * np.linspace(1.0, 3.0, d)
    y = np.round(X[:, :2] @ np.array([1.0, -2.0]) + rng.laplace(size=n), digits)
    weight = rng.integers(1, 4, size=n).astype(float)
    fit = fitted("laplace", X, y, fit={"sample_weight": weight}, alpha=alpha)
    assert fit.status_.good, fit.message_
    gap, scale = y - fit.predict(X), np.exp(fit.intercept_["scale"])
    assert scale == pytest.approx(weight @ np.abs(gap) / weight.sum(), rel=1e-5)
    # At this scale it is a quadratic program: its dual, over u in [-1, 1] with sum v u = 0.
    v, beta, ridge = weight / scale, fit.coef_["loc"], alpha * weight.sum()
    met = np.abs(gap) < 1e-9
    u = np.where(met, 0.0, np.sign(gap))
    z = np.column_stack([X, np.ones(n)])
    target = np.append(ridge * beta, 0.0) - z.T @ (v * u)
    u[met] = np.linalg.lstsq((z[met] * v[met, None]).T, target, rcond=None)[0]
    assert met.any() and np.abs(u).max() <= 1.0 + 1e-4 and abs(v @ u) < 1e-5 * n
    pull = X.T @ (v * u)
    dual = v @ (u * y) - 0.5 * pull @ pull / ridge
    primal = v @ np.abs(gap) + 0.5 * ridge * beta @ beta
    assert primal - dual == pytest.approx(0.0, abs=1e-6 * primal)


def test_penalised_laplace_with_a_width_that_varies():
    rng, X, y = data()
    fit = fitted("laplace", X, y, features_for="all", alpha={"loc": 0.1, "scale": 0.01})
    free = fitted("laplace", X, y, features_for="all", alpha={"scale": 0.01})
    assert fit.status_ == free.status_ == "converged", fit.message_
    assert np.abs(fit.coef_["loc"]).sum() < np.abs(free.coef_["loc"]).sum()


# ------------------------------------------------------------------------------- units


@pytest.mark.parametrize("unit", [1e-9, 1e9])
@pytest.mark.parametrize("family", ["normal", "student_t", "gamma", "poisson", "bernoulli"])
def test_units_change_no_iteration(family, unit):
    rng, X, y = data(4)
    y = {
        "gamma": np.exp(0.3 * y),
        "poisson": rng.poisson(np.exp(0.2 * y)).astype(float),
        "bernoulli": (y + rng.logistic(size=len(y)) > 0.0).astype(float),
    }.get(family, y)
    scale = np.array([unit, 1.0, 1.0 / unit])
    size = unit if family in ("normal", "student_t", "gamma") else 1.0
    plain = fitted(family, X, y)
    other = fitted(family, X * scale, size * y)
    assert other.status_ == plain.status_
    assert abs(other.n_iter_ - plain.n_iter_) <= 1
    name = next(n for n, coef in plain.coef_.items() if np.any(coef))
    linear = size if family in ("normal", "student_t") else 1.0
    assert other.coef_[name] * scale / linear == pytest.approx(plain.coef_[name], rel=1e-5)


def test_raw_columns_take_about_as_long_as_clean_ones():
    rng, Z, _ = data(5, n=2_000, d=6)
    Z[:, 1] = 0.95 * Z[:, 0] + np.sqrt(1.0 - 0.95**2) * Z[:, 1]
    y = Z @ np.linspace(-1.0, 1.0, 6) + np.exp(0.3 * Z[:, 2]) * rng.normal(size=2_000)
    raw = Z * np.logspace(-2, 3, 6) + 1e4
    clean = fitted("normal", Z, y, features_for="all")
    other = fitted("normal", raw, y, features_for="all")
    assert clean.status_ == other.status_ == "converged"
    assert other.n_iter_ <= clean.n_iter_ + 1
    assert other.loglik_ == pytest.approx(clean.loglik_, abs=1e-6)


# ----------------------------------------------------- constants of any value and container


CONTAINERS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "float32": lambda X: X.astype(np.float32),
    "csr": csr_array,
    "csc": csc_array,
}


@pytest.mark.parametrize("container", list(CONTAINERS))
@pytest.mark.parametrize("n", [50, 200, 6_000])
def test_constant_columns_of_any_value_are_named_and_have_no_coefficient(container, n):
    rng = np.random.default_rng(n)
    drawn = rng.normal(size=4) * 10.0 ** rng.integers(-9, 9, 4)
    values = np.append([1e-9, 0.1, 7.0, -1e10], drawn)
    Z = rng.normal(size=(n, 2))
    y = Z @ np.array([1.0, -1.0]) + rng.normal(size=n)
    weight = rng.uniform(0.5, 2.0, n)
    weight[:3] = 0.0
    for value in values:
        X = np.column_stack([Z, np.full(n, value)])
        X[:3, 2] = 2.0 * value
        X = CONTAINERS[container](X)
        fit = fitted("normal", X, y, fit={"sample_weight": weight}, features_for="all")
        assert fit.status_ == "singular", (value, fit.message_)
        assert "[x2]" in fit.message_
        assert "[x1]" not in fit.message_
        assert all(coef[2] == 0.0 for coef in fit.coef_.values())
        alone = fitted("normal", X, y, fit={"sample_weight": weight}, fit_intercept=False)
        assert alone.status_ == "converged", (value, alone.message_)


@pytest.mark.parametrize("n", [200, 6_000])
@pytest.mark.parametrize("place", [1e6, 1e8, 1e10])
def test_a_column_far_from_zero_is_no_constant(n, place):
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 3)) + place
    Z = X - place
    y = Z @ np.array([1.0, 2.0, 3.0]) + rng.normal(size=n)
    fit = fitted("normal", X, y)
    assert fit.status_ == "converged", fit.message_
    best = np.linalg.lstsq(np.column_stack([Z, np.ones(n)]), y, rcond=None)[0]
    assert fit.coef_["loc"] == pytest.approx(best[:3], rel=1e-5)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("family", ["normal", "bernoulli"])
def test_all_members_of_a_relation_are_named(family, seed):
    rng, X, y = data(seed)
    X = np.column_stack([X, X[:, 0] + 2.0 * X[:, 1]])
    y = y if family == "normal" else (y + rng.logistic(size=len(y)) > 0.0).astype(float)
    fit = fitted(family, X, y)
    assert fit.status_ == "singular"
    for j, named in enumerate([True, True, False, True]):
        assert (f"[x{j}]" in fit.message_) == named, fit.message_


# ------------------------------------------------------- terms far larger than their sum


def decrement(X, y, mean):
    """The distance of a Poisson regression to its optimum, in more digits than doubles have."""
    Z = np.column_stack([np.ones(len(X)), X]).astype(np.longdouble)
    pull, square = Z.T @ (y - mean), (Z * mean[:, None]).T @ Z
    return np.sqrt(float(pull @ np.linalg.solve(square.astype(float), pull.astype(float))))


@pytest.mark.parametrize("level", [1e9, 1e11, 1e13, 1e15])
@pytest.mark.parametrize("noise", [1.0, 50.0])
def test_rounding_of_large_counts_ends_no_descent(level, noise):
    """Terms of 1e16 lose all digits of their sum; the gradient keeps those of the estimate."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(200, 3))
        mean = level * np.exp(X @ [1.0, -0.6, 0.4])
        y = np.maximum(np.rint(mean + noise * np.sqrt(mean) * rng.normal(size=200)), 0.0)
        fit = fitted("poisson", X, y)
        assert fit.status_.good, fit.message_
        far = decrement(X, y, np.asarray(fit.predict(X), dtype=np.longdouble))
        # Rounding of theta itself is less than a hundredth of a standard error.
        assert far < (2e-5 if fit.status_ == "converged" else 1e-2)


@pytest.mark.parametrize("family", ["poisson_inverse_gaussian", "negative_binomial", "binomial"])
def test_rounding_of_large_counts_of_other_families(family):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    f = np.exp(X @ [1.0, -0.6, 0.4])
    y = np.rint(1e12 * f * rng.gamma(5.0, 0.2, size=200))
    if family == "binomial":
        spread = np.sqrt(1e12 * f) / (1.0 + f)
        y = np.rint(1e12 * f / (1.0 + f) + spread * rng.normal(size=200))
        family = Binomial(10**12)
    fit = fitted(family, X, y)
    assert fit.status_.good, fit.message_


# ------------------------------------------------------- powers of one column, heavy tails


@pytest.mark.parametrize("unit", [1.0, 1e-6])
def test_powers_of_a_column_are_fitted_or_called_singular(unit):
    """Raw powers, as those of Filip's data: the fit is that of orthogonal polynomials, or none."""
    x = np.linspace(-8.8, -3.1, 82)
    y = np.sin(x) + 0.01 * np.random.default_rng(0).normal(size=82)
    ends = []
    for degree in range(2, 11):
        z = np.polynomial.chebyshev.chebvander((x + 5.95) / 2.85, degree)
        best = z @ np.linalg.lstsq(z, y, rcond=None)[0]
        X = (unit * x[:, None]) ** np.arange(1, degree + 1)
        fit = fitted("normal", X, y)
        ends.append(str(fit.status_))
        if fit.status_ == "converged":
            assert fit.predict(X) == pytest.approx(best, abs=1e-8)
        else:
            assert fit.status_ == "singular" and "loc[x0]" in fit.message_
    assert ends[:5] == ["converged"] * 5 and ends[-1] == "singular"


@pytest.mark.parametrize("seed", range(3))
def test_heavy_rows_with_both_parameters_arrive(seed):
    """The expected information is far from the observed one, which is indefinite on the way."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(500, 80))
    y = X[:, 0] + rng.standard_t(2, size=500)
    fit = fitted("normal", X, y, features_for="all")
    assert fit.status_ == "converged" and fit.n_iter_ < 60, fit.message_
    values = [X @ fit.coef_[name] + fit.intercept_[name] for name in ("loc", "scale")]
    gap, scale = y - values[0], np.exp(values[1])
    for score in (gap / scale**2, (gap / scale) ** 2 - 1.0):
        assert np.abs(score @ X).max() < 1e-2 and abs(score.sum()) < 1e-2
