"""Fits that go on: distance from the fit to all rows, coverage, and time, of ten common families.

    python tests/benchmarks/running_fits.py [--rows 1000000] [--repeats 1000]

The first table goes once over shuffled rows in 1,000 batches and compares with ``fit``. The second
simulates batches of 500 rows and counts how often intervals of 95 percent hold the true value, the
third does so where each batch leaves 0.7 of the weight of the rows before it.
"""

import argparse
import time
import warnings

import numpy as np
from scipy import stats

from natfit import NaturalClassifier, NaturalMLE, NaturalRegressor

DENSITIES = {
    "normal": stats.norm(3.0, 2.0),
    "gamma": stats.gamma(2.0, scale=3.0),
    "lognormal": stats.lognorm(0.5, scale=2.0),
    "beta": stats.beta(2.0, 3.0),
    "negative_binomial": stats.nbinom(3, 0.4),
    "weibull": stats.weibull_min(1.5, scale=2.0),
    "student_t": stats.t(5.0, 1.0, 2.0),
    "gumbel": stats.gumbel_r(1.0, 2.0),
    "logistic": stats.logistic(1.0, 2.0),
}
BETA = np.array([0.4, -0.3, 0.2])


def regression(name, n, rng):
    """Features, y and an estimator; coefficients are BETA and the intercept is 0.1."""
    X = rng.normal(size=(n, 3))
    eta = 0.1 + X @ BETA
    if name == "poisson regression":
        return X, rng.poisson(np.exp(eta)).astype(float), NaturalRegressor("poisson")
    return X, (rng.random(n) < 1.0 / (1.0 + np.exp(-eta))).astype(int), NaturalClassifier()


def go_on(model, parts, forgetting=1.0):
    options = {"classes": [0, 1]} if isinstance(model, NaturalClassifier) else {}
    options["forgetting"] = forgetting
    for part in parts:
        model.partial_fit(*part, **options)
    return model


def values(model):
    """Estimates and standard errors as vectors."""
    if isinstance(model, NaturalMLE):
        errors = model.standard_errors_
        return np.ravel(list(model.params_.values())), np.ravel(list(errors.values()))
    return np.array(list(model.coefficients_.values())), np.sqrt(np.diag(model.cov_params()))


def distances(n):
    """Print the largest distance from ``fit`` in standard errors, and the times."""
    print(
        f"{'family':22}{'se from fit':>13}{'se ratio':>10}{'fit s':>9}{'partial s':>11}{'p<.05':>8}"
    )
    rng = np.random.default_rng(0)
    for name in (*DENSITIES, "poisson regression", "logistic regression"):
        if name in DENSITIES:
            data = (DENSITIES[name].rvs((n, 1), random_state=rng).astype(float),)
            fresh = lambda name=name: NaturalMLE(name)  # noqa: E731
        else:
            X, y, model = regression(name, n, rng)
            data, fresh = (X, y), lambda model=model: type(model)(**model.get_params())  # noqa: E731
        begin = time.perf_counter()
        whole = fresh().fit(*data)
        if not isinstance(whole, NaturalMLE):
            whole.cov_params()
        fitted = time.perf_counter() - begin
        parts = list(zip(*(np.array_split(each, 1000) for each in data), strict=True))
        begin = time.perf_counter()
        model = go_on(fresh(), parts)
        found = values(model)
        passed = time.perf_counter() - begin
        want = values(whole)
        gap = np.max(np.abs(found[0] - want[0]) / want[1])
        share = np.mean(model.drift_["p_value"] < 0.05)
        ratio = np.max(np.abs(found[1] / want[1] - 1.0))
        print(f"{name:22}{gap:13.2g}{ratio:10.1g}{fitted:9.3f}{passed:11.2f}{share:8.3f}")


def coverage(repeats, forgetting=1.0):
    """Print the share of intervals of 95 percent that hold the true value, after 4 batches."""
    print(f"{'family':22}coverage of each parameter, {repeats} repeats, forgetting={forgetting}")
    rng = np.random.default_rng(1)
    truths = {"weibull": [1.5, 2.0], "gumbel": [1.0, 2.0], "logistic": [1.0, 2.0]}
    truths |= {"student_t": [1.0, 2.0, 5.0]}
    truths |= dict.fromkeys(("poisson regression", "logistic regression"), [*BETA, 0.1])
    for name, truth in truths.items():
        hits = []
        for _ in range(repeats):
            if name in DENSITIES:
                data, model = (DENSITIES[name].rvs((2000, 1), random_state=rng),), NaturalMLE(name)
            else:
                X, y, model = regression(name, 2000, rng)
                data = X, y
            parts = zip(*(np.array_split(each, 4) for each in data), strict=True)
            found, errors = values(go_on(model, parts, forgetting))
            hits.append(np.abs(found - truth) < stats.norm.ppf(0.975) * errors)
        print(f"{name:22}{np.mean(hits, axis=0).round(3)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1000)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    distances(given.rows)
    coverage(given.repeats)
    coverage(given.repeats, 0.7)
