"""Answers of Stata and R, as tests of statsmodels and of natfit store them, and of R's page.

Most are stored with all digits that were printed. What limits the agreement is then where the other
package's search stopped.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import statsmodels
import statsmodels.api as sm
from statsmodels.discrete.tests.results import results_count_robust_cluster as ships
from statsmodels.discrete.tests.results import results_discrete as discrete
from statsmodels.genmod.tests.results import results_glm as glm
from statsmodels.othermod.tests.results import results_betareg as betareg

import natfit
from natfit import NaturalClassifier, NaturalRegressor
from tests.certified.digits import Answer, Case, Quantity, answer
from tests.estimators.regression.test_jeffreys import FEATURES, GRADE, LOGISTF
from tests.estimators.test_censored import PUBLISHED, flat

TABLES = Path(statsmodels.__file__).parent
R_PAGE = Path(__file__).parents[2] / "docs" / "elsewhere" / "r.md"

#: Tolerance of these fits: that of the sources is no larger.
TOL = 1e-9


def _last(model: Any, parameter: str, values: str = "coef_") -> np.ndarray:
    """Return the coefficients or standard errors of one parameter, the intercept's last."""
    of = {"coef_": model.intercept_, "standard_errors_": model.intercept_standard_errors_}[values]
    return np.r_[np.ravel(getattr(model, values)[parameter]), of[parameter]]


def _wald(model: Any, parameter: str, params: Any, bse: Any) -> Answer:
    """Compare coefficients and standard errors, as statsmodels has them in order."""
    errors = _last(model, parameter, "standard_errors_")
    return answer(
        model, coefficients=(_last(model, parameter), params), standard_errors=(errors, bse)
    )


# ------------------------------------------------------------------------------------- Stata


def _ships(family: str, vce: str) -> Answer:
    """Accidents of ships (McCullagh and Nelder, 1989), with their service as the exposure."""
    data = pd.read_csv(TABLES / "discrete/tests/results/ships.csv").dropna()
    X, y = data[["yr_con", "op_75_79"]], data["accident"]
    model = NaturalRegressor(family, tol=TOL).fit(X, y, exposure=data["service"])
    name = {"poisson": "rate", "negative_binomial": "mean"}[family]
    short = {"poisson": "poisson", "negative_binomial": "negbin"}[family]
    known = getattr(ships, f"results_{short}_exposure_{vce}")
    n = len(y)
    if vce == "nonrobust":
        V = model.cov_params()
    elif vce == "hc1":
        V = model.cov_params("robust", X, y, exposure=data["service"]) * n / (n - 1)
    else:
        V = model.cov_params("cluster", X, y, exposure=data["service"], groups=data["ship"])
        # Stata leaves out the factor (n - 1) / (n - K).
        V = V * (n - len(V)) / (n - 1)
    order = [model.param_names_.index(f"{name}[{x}]") for x in ("yr_con", "op_75_79", "intercept")]
    errors = np.sqrt(np.diag(V))[order]
    return answer(
        model,
        coefficients=(_last(model, name), list(known.params[:3])),
        standard_errors=(errors, list(known.bse[:3])),
    )


def _spector(link: str) -> Answer:
    data = sm.datasets.spector.load_pandas()
    known = getattr(discrete.Spector, link)
    model = NaturalRegressor("bernoulli", link=link, tol=TOL).fit(data.exog, data.endog)
    return _wald(model, "prob", known.params, known.bse)


def _rand_health(family: str) -> Answer:
    data = sm.datasets.randhie.load_pandas()
    model = NaturalRegressor(family, tol=TOL).fit(data.exog, data.endog)
    if family == "negative_binomial":
        known = discrete.RandHIE.negativebinomial_nb2_bfgs
        return answer(model, log_likelihood=([model.loglik_], [known.llf]))
    known = discrete.RandHIE.poisson
    return _wald(model, "rate", known.params, known.bse)


def _anes() -> Answer:
    """Seven classes, as differences from the first one; the intercept is statsmodels' last."""
    data = sm.datasets.anes96.load_pandas()
    known = discrete.Anes.mnlogit_basezero
    model = NaturalClassifier(tol=TOL).fit(data.exog, data.endog)
    coef = np.column_stack([model.coef_, model.intercept_])
    differences = (coef[1:] - coef[0]).ravel()
    return answer(
        model,
        coefficients=(differences, list(np.ravel(known.params, order="F"))),
        log_likelihood=([model.loglik_], [known.llf]),
    )


def _low_birth_weight() -> Answer:
    known = glm.Lbw()
    X = known.exog.drop(columns="const")
    model = NaturalRegressor("bernoulli", tol=TOL).fit(X, known.endog)
    return _wald(model, "prob", known.params, known.bse)


def _cancer() -> Answer:
    """Only coefficients: the dispersion is estimated by another rule there."""
    known = glm.CancerLog()
    model = NaturalRegressor("gamma_mean", tol=TOL).fit(known.exog[:, :-1], known.endog)
    return answer(model, coefficients=(_last(model, "mean"), list(known.params)))


# ----------------------------------------------------------------------------------------- R


def _methylation() -> Answer:
    """Beta regression with a precision that depends on age, by betareg."""
    data = pd.read_csv(TABLES / "othermod/tests/results/methylation-test.csv")
    X = np.column_stack([data["gender"] == "M", data["CpG"] == "CpG_1", data["CpG"] == "CpG_2"])
    X = np.column_stack([X, data["age"]]).astype(float)
    known = betareg.results_meth
    model = NaturalRegressor(
        "beta_mean", features_for={"mean": [0, 1, 2], "precision": [3]}, tol=TOL
    ).fit(X, data["methylation"])
    found = np.r_[model.intercept_["mean"], model.coef_["mean"]]
    return answer(
        model,
        coefficients=(found, list(known.table_mean[:, 0])),
        log_likelihood=([model.loglik_], [known.loglik]),
    )


def _endometrial() -> Answer:
    """Firth's penalty."""
    model = NaturalClassifier(prior="jeffreys", tol=TOL).fit(FEATURES, GRADE)
    return answer(model, coefficients=(list(model.coefficients_.values()), LOGISTF))


def _censored(case: str) -> Answer:
    family, rows, want, errors, _ = PUBLISHED[case]
    model = natfit.fit(family, rows, tol=TOL)
    quantities = {"coefficients": (flat(model.params_), want)}
    if errors is not None:
        quantities["standard_errors"] = (flat(model.standard_errors_), errors)
    return answer(model, **quantities)


# ------------------------------------------------------------------------------- R's own page


def _pairs() -> Iterator[tuple[str | None, str, str]]:
    """Yield the name of the value, the package and natfit's block of each pair, in order."""
    page, name, peer = R_PAGE.read_text(encoding="utf-8"), None, ""
    parts = r"^% value (\w+)$|^\*\*(?!natfit)(.*?)\*\*$|^```python\n(.*?)^```$"
    for match in re.finditer(parts, page, re.M | re.S):
        name, peer = match[1] or name, match[2] or peer
        if match[3]:
            yield name, peer, match[3]
            name = None


@cache
def _page() -> dict[str, Any]:
    """Run natfit's blocks of the page; return what they say by the name of the value."""
    names: dict[str, Any] = {}
    found = {}
    for name, _, block in _pairs():
        body = ast.parse(block).body
        last = body.pop() if name else None
        exec(compile(ast.Module(body, []), str(R_PAGE), "exec"), names)
        if last is not None:
            found[name] = eval(compile(ast.Expression(last.value), str(R_PAGE), "eval"), names)
    return found


def _of_page(name: str) -> Answer:
    known = json.loads(R_PAGE.with_name("r_values.json").read_text(encoding="utf-8"))["values"]
    found = _page()[name]
    flattened = [np.ravel(v) for v in found] if isinstance(found, list) else [np.ravel(found)]
    numbers = np.ravel(known[name]).tolist()
    return Answer("", True, {"all numbers": Quantity(np.concatenate(flattened), numbers)})


def cases() -> list[Case]:
    """Return the cases of both tables."""
    stata = {
        ("Poisson, exposure", "ships"): partial(_ships, "poisson", "nonrobust"),
        ("the same, robust errors", "ships"): partial(_ships, "poisson", "hc1"),
        ("the same, errors of clusters", "ships"): partial(_ships, "poisson", "clu"),
        ("negative binomial, exposure", "ships"): partial(_ships, "negative_binomial", "nonrobust"),
        ("Poisson", "RAND health insurance"): partial(_rand_health, "poisson"),
        ("negative binomial", "RAND health insurance"): partial(_rand_health, "negative_binomial"),
        ("logit", "grades (Spector)"): partial(_spector, "logit"),
        ("probit", "grades (Spector)"): partial(_spector, "probit"),
        ("logit", "low birth weight"): _low_birth_weight,
        ("multinomial logit", "election study 1996"): _anes,
        ("gamma, log link", "cancer drug trial"): _cancer,
    }
    other = {
        ("beta regression", "betareg", "methylation"): _methylation,
        ("logit, Firth's penalty", "logistf", "endometrial cancer"): _endometrial,
    }
    for name in ("normal", "gamma", "beta", "logistic"):
        other[f"{name}, censored", "fitdistrplus", "scipy's tests"] = partial(_censored, name)
    found = [Case("published", (what, "Stata", data), run) for (what, data), run in stata.items()]
    found += [Case("published", row, run) for row, run in other.items()]
    pairs = [(name, peer) for name, peer, _ in _pairs() if name]
    return found + [Case("r", (f"`{n}`", peer), partial(_of_page, n)) for n, peer in pairs]
