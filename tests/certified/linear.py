"""Linear regressions and analyses of variance, by normal regressions."""

from __future__ import annotations

import re
import warnings
from functools import partial
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import natfit
from tests.certified.digits import Answer, Case, answer
from tests.certified.strd import NUMBER, Dataset, named


def _design(data: Dataset, n_coefficients: int, intercept: bool) -> np.ndarray:
    """Return the columns: those of the file, or powers of its only one."""
    x = data.rows[:, 1:]
    powers = range(1, n_coefficients - intercept + 1)
    return np.hstack([x**p for p in powers]) if x.shape[1] == 1 else x


def _regression(X: np.ndarray, y: np.ndarray, intercept: bool, tol: float) -> Any:
    options: dict[str, Any] = {} if intercept else {"fit_intercept": {"loc": False, "scale": True}}
    with warnings.catch_warnings():
        # A fit that did not converge is a row of the table which says so.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.NaturalRegressor("normal", tol=tol, **options).fit(X, y)


def _unbiased(model: Any, n: int, p: int, intercept: bool = True) -> tuple[np.ndarray, float]:
    """Return standard errors and residual deviation with n - p in place of n, as NIST has them."""
    factor = np.sqrt(n / (n - p))
    errors = np.ravel(model.standard_errors_["loc"])
    if intercept:
        errors = np.r_[model.intercept_standard_errors_["loc"], errors]
    return factor * errors, factor * float(np.exp(model.intercept_["scale"]))


def _linear(data: Dataset) -> Answer:
    table = re.findall(rf"^\s+B(\d+)\s+({NUMBER})\s+({NUMBER})$", data.text, re.M)
    intercept = table[0][0] == "0"
    X, y = _design(data, len(table), intercept), data.rows[:, 0]
    model = _regression(X, y, intercept, 1e-8)
    coef = np.ravel(model.coef_["loc"])
    coef = np.r_[model.intercept_["loc"], coef] if intercept else coef
    errors, deviation = _unbiased(model, len(y), len(table), intercept)
    usual = _unbiased(_regression(X, y, intercept, 1e-5), len(y), len(table))[1]
    known = data.number(r"Residual\s+Standard Deviation")
    coefficients = (coef, [row[1] for row in table])
    if float(known) == 0.0:
        # The polynomial meets every row: there is no scale, and natfit says so.
        return answer(model, coefficients=coefficients)
    return answer(
        model,
        coefficients=coefficients,
        standard_errors=(errors, [row[2] for row in table]),
        residual_deviation=(deviation, [known]),
        same_at_the_default_tol=(usual, [known]),
    )


def _orthogonal(data: Dataset) -> Answer:
    """The polynomial of degree ten in Legendre's polynomials on the range of x."""
    x, y = data.rows[:, 1], data.rows[:, 0]
    inside = (2.0 * x - x.max() - x.min()) / np.ptp(x)
    X = np.polynomial.legendre.legvander(inside, 10)[:, 1:]
    known = data.number(r"Residual\s+Standard Deviation")
    found = [_unbiased(_regression(X, y, True, tol), len(y), 11)[1] for tol in (1e-8, 1e-5)]
    return answer(
        _regression(X, y, True, 1e-8),
        residual_deviation=(found[0], [known]),
        same_at_the_default_tol=(found[1], [known]),
    )


def _one_way(data: Dataset) -> Answer:
    group, y = data.rows[:, 0].astype(int), data.rows[:, 1]
    X = (group[:, None] == np.unique(group)[1:]).astype(float)
    n, k = len(y), X.shape[1] + 1
    model = _regression(X, y, True, 1e-8)
    wald = model.wald_test([f"x{j}" for j in range(k - 1)]).statistic
    table = re.search(rf"Between \w+\s+\d+((?:\s+{NUMBER})+)", data.text)[1].split()
    return answer(
        model,
        F_statistic=(wald * (n - k) / n / (k - 1), [table[2]]),
        residual_deviation=(
            _unbiased(model, n, k)[1],
            [data.number(r"Residual\s+Standard Deviation")],
        ),
    )


def cases() -> list[Case]:
    """Return the cases of both tables."""
    linear = named("Procedure: +Linear")
    found = [Case("linear", (d.name, d.level), partial(_linear, d)) for d in linear]
    for data in linear:
        if data.name == "Filip":
            name = "Filip in Legendre's polynomials"
            found.append(Case("linear", (name, data.level), partial(_orthogonal, data)))
    factors = named("Procedure: +Analysis of Variance")
    return found + [Case("anova", (d.name, d.level), partial(_one_way, d)) for d in factors]
