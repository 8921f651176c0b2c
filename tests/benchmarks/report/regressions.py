"""Regressions beside scikit-learn, statsmodels, lifelines and NGBoost, on the same rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize, special, stats

import natfit
from natfit import NaturalClassifier, NaturalRegressor
from tests.benchmarks import regression
from tests.benchmarks.report.contest import ROOT, Contest, Fit
from tests.benchmarks.report.tools import CLAIMS

#: Rows and features of the drawn sets; small enough for several rounds of all peers.
N, D = 20_000, 20


def _claims(model: Any) -> str:
    return "" if str(model.status_) in CLAIMS else model.message_


def _natfit(make: Callable[[], Any], value: Callable, how: str) -> Fit:
    return Fit("natfit", lambda X, y: make().fit(X, y), value, _claims, how)


def _coefficients(model: Any, parameter: str = "") -> np.ndarray:
    """Return intercept and slopes of natfit's, scikit-learn's and statsmodels' results."""
    if hasattr(model, "params"):
        return np.asarray(model.params, dtype=float)
    coef, base = model.coef_, model.intercept_
    if isinstance(coef, dict):
        key = parameter or next(iter(coef))
        coef, base = coef[key], base[key]
    return np.concatenate([np.ravel(base), np.ravel(coef)])


def _eta(model: Any, X: np.ndarray, parameter: str = "") -> np.ndarray:
    beta = _coefficients(model, parameter)
    return beta[0] + np.asarray(X, dtype=float) @ beta[1 : 1 + X.shape[1]]


def _converged(found: Any) -> str:
    retvals = getattr(found, "mle_retvals", None)
    done = retvals["converged"] if retvals else found.converged
    return "" if done else "not converged"


def _ones(X: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(X)), X])


# ------------------------------------------------------------------------------ log-likelihoods


def _bernoulli(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    eta = _eta(model, X)
    return float(-np.logaddexp(0.0, np.where(y == 1, -eta, eta)).sum())


def _poisson(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    eta = _eta(model, X)
    return float((y * eta - np.exp(eta) - special.gammaln(y + 1.0)).sum())


def _gamma(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """At the best shape for the means: a generalised linear model estimates the means alone."""
    mean = np.exp(_eta(model, X, "mean"))

    def lower(log_shape: float) -> float:
        a = np.exp(log_shape)
        return -float(stats.gamma.logpdf(y, a, scale=mean / a).sum())

    return -float(optimize.minimize_scalar(lower, bounds=(-5.0, 8.0), method="bounded").fun)


def _negative_binomial(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """At the best n for the means."""
    mean = np.exp(_eta(model, X, "mean"))

    def lower(log_n: float) -> float:
        n = np.exp(log_n)
        return -float(stats.nbinom.logpmf(y, n, n / (n + mean)).sum())

    return -float(optimize.minimize_scalar(lower, bounds=(-5.0, 8.0), method="bounded").fun)


# ---------------------------------------------------------------------------------------- peers


def _sklearn(name: str, value: Callable, **options: Any) -> Fit:
    def fit(X: np.ndarray, y: np.ndarray) -> Any:
        from sklearn import linear_model

        return getattr(linear_model, name)(**options).fit(X, y)

    words = ", ".join(f"{key}={value!r}" for key, value in options.items())
    return Fit("sklearn", fit, value, how=f"`{name}({words})`")


def _discrete(name: str, value: Callable) -> Fit:
    def fit(X: np.ndarray, y: np.ndarray) -> Any:
        from statsmodels.discrete import discrete_model

        return getattr(discrete_model, name)(y, _ones(X)).fit(disp=0)

    return Fit("statsmodels", fit, value, _converged, f"`{name}(y, X).fit()`")


def _glm(X: np.ndarray, y: np.ndarray) -> Any:
    import statsmodels.api as sm

    return sm.GLM(y, _ones(X), family=sm.families.Gamma(sm.families.links.Log())).fit()


def _visits() -> tuple:
    from statsmodels.datasets import randhie

    rows = randhie.load_pandas().data
    return rows.drop(columns="mdvis").to_numpy(dtype=float), rows["mdvis"].to_numpy(dtype=float)


def _gamma_rows() -> tuple:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N, D))
    mean = np.exp(X @ (0.5 * rng.standard_normal(D) / np.sqrt(D)))
    return X, rng.gamma(2.0, mean / 2.0)


# ----------------------------------------------------------------------------- failure times


def _rossi() -> tuple:
    table = np.loadtxt(ROOT / "examples/data/rossi.csv", delimiter=",", skiprows=1)
    return table[:, 2:], table[:, 0], table[:, 1] == 1.0


def _aft_value(model: Any, X: np.ndarray, t: np.ndarray, known: np.ndarray) -> float:
    """By one formula: shape k, scale exp(eta)."""
    if hasattr(model, "params_") and hasattr(model.params_, "loc"):
        beta = model.params_["lambda_"]
        # lifelines sorts names: x10 comes before x2.
        eta = beta["Intercept"] + X @ beta[[f"x{j}" for j in range(X.shape[1])]].to_numpy()
        k = float(np.exp(model.params_["rho_"]["Intercept"]))
    else:
        eta, k = _eta(model, X, "scale"), float(np.exp(_shape(model)))
    z = k * (np.log(t) - eta)
    return float((known * (np.log(k) - np.log(t) + z) - np.exp(z)).sum())


def _shape(model: Any) -> float:
    return float(np.ravel(model.intercept_["shape"])[0])


def _aft(what: str, data: Callable[[], tuple]) -> Contest:
    return Contest(
        what,
        data,
        {
            "natfit": Fit(
                "natfit",
                lambda X, t, known: NaturalRegressor("weibull").fit(
                    X, natfit.Censored.right(t, known)
                ),
                _aft_value,
                _claims,
                '`NaturalRegressor("weibull")`',
            ),
            "lifelines": Fit(
                "lifelines",
                regression._aft_peer("WeibullAFTFitter"),
                _aft_value,
                how="`WeibullAFTFitter()`",
            ),
        },
    )


# ------------------------------------------------------------------- predictive distributions


def _diabetes() -> tuple:
    from sklearn.datasets import load_diabetes

    return load_diabetes(return_X_y=True)


def _friedman() -> tuple:
    from sklearn.datasets import make_friedman1

    return make_friedman1(1000, noise=1.0, random_state=0)


def _held_out(predict: Callable) -> Callable:
    """Three folds: ``predict(X, y, Z) -> mean, sd`` fits rows and predicts others."""

    def fit(X: np.ndarray, y: np.ndarray) -> float:
        from sklearn.model_selection import KFold

        total = 0.0
        for inside, outside in KFold(3, shuffle=True, random_state=0).split(X):
            mean, sd = predict(X[inside], y[inside], X[outside])
            total += stats.norm.logpdf(y[outside], mean, sd).sum()
        return float(total)

    return fit


def _linear(X: np.ndarray, y: np.ndarray, Z: np.ndarray) -> tuple:
    model = NaturalRegressor("normal", features_for="all").fit(X, y)
    return _eta(model, Z, "loc"), np.exp(_eta(model, Z, "scale"))


def _boosted(X: np.ndarray, y: np.ndarray, Z: np.ndarray) -> tuple:
    from ngboost import NGBRegressor

    law = NGBRegressor(verbose=False, random_state=0).fit(X, y).pred_dist(Z)
    return law.params["loc"], law.params["scale"]


def _predictive(what: str, data: Callable[[], tuple]) -> Contest:
    def fit(package: str, predict: Callable, how: str) -> Fit:
        return Fit(package, _held_out(predict), lambda total, X, y: total, how=how)

    return Contest(
        what,
        data,
        {
            "natfit": fit("natfit", _linear, '`NaturalRegressor("normal", features_for="all")`'),
            "NGBoost": fit("ngboost", _boosted, "`NGBRegressor()`, 500 boosted trees"),
        },
        unit="nats of held-out rows in total, another model",
    )


CONTESTS: dict[str, Contest] = {
    "logistic": Contest(
        f"logistic regression, {N:,} x {D}",
        lambda: regression.logistic(N, D),
        {
            "natfit": _natfit(NaturalClassifier, _bernoulli, "`NaturalClassifier()`"),
            "scikit-learn": _sklearn("LogisticRegression", _bernoulli, C=np.inf),
            "scikit-learn, Newton": _sklearn(
                "LogisticRegression", _bernoulli, C=np.inf, solver="newton-cholesky", tol=1e-6
            ),
            "statsmodels": _discrete("Logit", _bernoulli),
        },
    ),
    "Poisson": Contest(
        f"Poisson regression, {N:,} x {D}",
        lambda: regression.poisson(N, D),
        {
            "natfit": _natfit(
                lambda: NaturalRegressor("poisson"), _poisson, '`NaturalRegressor("poisson")`'
            ),
            "scikit-learn": _sklearn("PoissonRegressor", _poisson, alpha=0.0),
            "scikit-learn, Newton": _sklearn(
                "PoissonRegressor", _poisson, alpha=0.0, solver="newton-cholesky", tol=1e-6
            ),
            "statsmodels": _discrete("Poisson", _poisson),
        },
    ),
    "gamma": Contest(
        f"gamma regression of the mean, {N:,} x {D}",
        _gamma_rows,
        {
            "natfit": _natfit(
                lambda: NaturalRegressor("gamma_mean"), _gamma, '`NaturalRegressor("gamma_mean")`'
            ),
            "scikit-learn": _sklearn("GammaRegressor", _gamma, alpha=0.0),
            "scikit-learn, Newton": _sklearn(
                "GammaRegressor", _gamma, alpha=0.0, solver="newton-cholesky", tol=1e-6
            ),
            "statsmodels": Fit(
                "statsmodels", _glm, _gamma, _converged, "`GLM(y, X, Gamma(Log())).fit()`"
            ),
        },
    ),
    "negative binomial": Contest(
        "negative binomial regression, visits to a doctor, 20,190 x 9",
        _visits,
        {
            "natfit": _natfit(
                lambda: NaturalRegressor("negative_binomial"),
                _negative_binomial,
                '`NaturalRegressor("negative_binomial")`',
            ),
            "statsmodels": _discrete("NegativeBinomial", _negative_binomial),
        },
        needs="statsmodels",
    ),
    "Weibull, rearrests": _aft("Weibull failure times, rearrests, 432 x 7, 318 censored", _rossi),
    "Weibull, drawn": _aft(
        f"Weibull failure times, {N:,} x {D}, half censored",
        lambda: regression.lifetimes(N, D, "weibull"),
    ),
    "mean and spread, diabetes": _predictive(
        "normal with a mean and a spread, diabetes, 442 x 10, three folds", _diabetes
    ),
    "mean and spread, Friedman 1": _predictive(
        "the same, Friedman's first function, 1,000 x 10, not linear", _friedman
    ),
}
