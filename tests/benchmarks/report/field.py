"""Field cases: real rows that are published, each fitted by every tool that has the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import natfit
from natfit.distributions import Mixture
from tests.benchmarks.report import contest, oracle
from tests.benchmarks.report.contest import Contest, Fit
from tests.benchmarks.report.laws import LAWS
from tests.benchmarks.report.rows import Rows
from tests.benchmarks.report.tools import TOOLS

EXAMPLES, TESTS = (contest.ROOT / folder / "data" for folder in ("examples", "tests"))


def _column(path: Path, column: int = 0) -> Rows:
    return Rows(np.loadtxt(path, delimiter=",", skiprows=1, ndmin=2)[:, column])


def _times(path: Path) -> Rows:
    """Times, and in the second column whether the event was seen."""
    times, seen = np.loadtxt(path, delimiter=",", skiprows=1)[:, :2].T
    return Rows(times[seen == 1.0], right=times[seen == 0.0])


def _kicks() -> Rows:
    deaths, years = np.loadtxt(TESTS / "horse_kicks.csv", delimiter=",", skiprows=1).T
    return Rows(np.repeat(deaths, years.astype(int)))


def _visits() -> Rows:
    from statsmodels.datasets import randhie

    return Rows(randhie.load_pandas().data["mdvis"].to_numpy(dtype=float))


def of_law(name: str, what: str, rows: Callable[[], Rows], needs: str = "natfit") -> Contest:
    """Return a contest of the tools of the battery that have a law and take such rows."""
    law = LAWS[name]
    shape = rows() if contest.present(needs) else Rows(np.ones(1))

    def side(tool: str) -> Fit:
        return Fit(
            TOOLS[tool].package,
            lambda data, tool=tool: TOOLS[tool].fit(name, data),
            lambda fitted, data: law.loglik(fitted[0], data),
            lambda fitted: fitted[1],
            TOOLS[tool].how,
        )

    def best(data: Rows, *fitted: Any) -> float:
        ends = [args for args, _ in fitted]
        start = max(ends, key=lambda args: law.loglik(args, data))
        return oracle.polished(law, data, start)[0]

    offering = [tool for tool in TOOLS if TOOLS[tool].offers(name, shape)]
    return Contest(what, lambda: (rows(),), {t: side(t) for t in offering}, needs=needs, best=best)


# ------------------------------------------------------------------------------------- mixtures


def _petals() -> tuple:
    from sklearn.datasets import load_iris

    return (load_iris().data[:, 2],)


def _mixture_of_two(n_init: int) -> Callable:
    def fit(y: np.ndarray) -> Any:
        from sklearn.mixture import GaussianMixture

        options = {"n_init": n_init, "tol": 1e-8, "max_iter": 2000, "random_state": 0}
        return GaussianMixture(2, **options).fit(y[:, None])

    return fit


def _density(weights: Any, means: Any, scales: Any, y: np.ndarray) -> float:
    """Total log-likelihood of a mixture of normals, nats."""
    z = (y[:, None] - np.ravel(means)) / np.ravel(scales)
    log = np.log(np.ravel(weights)) - np.log(np.ravel(scales)) - 0.5 * z**2
    return float(np.logaddexp.reduce(log, axis=1).sum() - 0.5 * len(y) * np.log(2.0 * np.pi))


def _natfit_mixture(model: Any, y: np.ndarray) -> float:
    p = {name: float(np.ravel(value)[0]) for name, value in model.params_.items()}
    share = p["weights"]
    places, spreads = (p["loc_0"], p["loc_1"]), (p["scale_0"], p["scale_1"])
    return _density((share, 1.0 - share), places, spreads, y)


def _sklearn_mixture(model: Any, y: np.ndarray) -> float:
    return _density(model.weights_, model.means_, np.sqrt(model.covariances_), y)


MIXTURE = Contest(
    "two normal components, petal lengths of 150 irises",
    _petals,
    {
        "natfit": Fit(
            "natfit",
            lambda y: natfit.fit(Mixture("normal", 2), y),
            _natfit_mixture,
            how='`natfit.fit(Mixture("normal", 2), y)`',
        ),
        "scikit-learn": Fit(
            "sklearn",
            _mixture_of_two(1),
            _sklearn_mixture,
            lambda model: "" if model.converged_ else "not converged",
            "`GaussianMixture(2, tol=1e-8)`",
        ),
        "scikit-learn, ten starts": Fit(
            "sklearn",
            _mixture_of_two(10),
            _sklearn_mixture,
            lambda model: "" if model.converged_ else "not converged",
            "`GaussianMixture(2, n_init=10, tol=1e-8)`",
        ),
    },
)

CONTESTS: dict[str, Contest] = {
    "sea levels, Port Pirie": of_law(
        "gev", "GEV, 65 annual maxima", lambda: _column(EXAMPLES / "port_pirie.csv")
    ),
    "sea levels, Fremantle": of_law(
        "gev", "GEV, 86 annual maxima", lambda: _column(EXAMPLES / "fremantle.csv", 1)
    ),
    "shock absorbers": of_law(
        "weibull",
        "Weibull, 38 distances, 27 right-censored",
        lambda: _times(EXAMPLES / "shock_absorbers.csv"),
    ),
    "heart transplants": of_law(
        "lognormal",
        "lognormal, 69 survival times, 24 right-censored",
        lambda: _times(EXAMPLES / "heart_transplants.csv"),
    ),
    "heart transplants, three parameters": of_law(
        "generalized_gamma",
        "generalised gamma, the same rows",
        lambda: _times(EXAMPLES / "heart_transplants.csv"),
    ),
    "rearrests": of_law(
        "log_logistic",
        "log-logistic, 432 weeks until an arrest, 318 right-censored",
        lambda: _times(EXAMPLES / "rossi.csv"),
    ),
    "failure times": of_law(
        "exponentiated_weibull",
        "exponentiated Weibull, 40 failure times",
        lambda: _column(TESTS / "failure_times.csv"),
    ),
    "excess returns": of_law(
        "student_t",
        "Student t, 60 monthly excess returns",
        lambda: _column(TESTS / "martin_marietta.csv", 1),
    ),
    "excess returns, skewed": of_law(
        "skew_normal",
        "skew normal, the same rows",
        lambda: _column(TESTS / "martin_marietta.csv", 1),
    ),
    "horse kicks": of_law("poisson", "Poisson, 200 corps-years", _kicks),
    "visits to a doctor": of_law(
        "negative_binomial", "negative binomial, 20,190 person-years", _visits, "statsmodels"
    ),
    "iris petals": MIXTURE,
}
