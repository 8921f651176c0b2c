"""NaturalRegressor and NaturalClassifier beside their peers, in the same run.

    OPENBLAS_NUM_THREADS=1 python tests/benchmarks/regression.py [case ...] [--repeat R] [--memory]

Each case is fitted by natfit and by its peers in turn; the seconds of the processor are the least
of R runs. The gap is the mean log-likelihood (minus the penalty) per row below the best of all.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array
from scipy.special import expit
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.model_selection import train_test_split

import natfit
from natfit import NaturalClassifier, NaturalRegressor


@dataclass
class Case:
    """One line of the table.

    Attributes
    ----------
    data : callable
        Returns X, y and whatever else the fits take.
    natfit : callable
        ``natfit(*data)`` returns a fitted estimator.
    peers : dict
        Name to ``fit(*data)``.
    targets : dict
        Name of a peer to the largest ratio of seconds.
    value : callable
        ``value(fitted, *data)``: the mean objective per row, for the gap.
    """

    data: Callable
    natfit: Callable
    peers: dict[str, Callable] = field(default_factory=dict)
    targets: dict[str, float] = field(default_factory=dict)
    value: Callable | None = None


def _normal(n: int, d: int, seed: int = 0, size: float = 1.0) -> tuple:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return rng, X, size * rng.standard_normal(d) / np.sqrt(d)


def logistic(n: int, d: int) -> tuple:
    rng, X, beta = _normal(n, d, size=2.0)
    return X, (rng.random(n) < expit(X @ beta)).astype(float)


def poisson(n: int, d: int) -> tuple:
    rng, X, beta = _normal(n, d, size=0.7)
    return X, rng.poisson(np.exp(X @ beta)).astype(float)


def multinomial(n: int, d: int, k: int) -> tuple:
    rng, X, _ = _normal(n, d)
    logits = X @ rng.standard_normal((d, k)) / np.sqrt(d)
    return X, np.argmax(logits + rng.gumbel(size=(n, k)), axis=1)


def sparse(n: int, d: int, per_row: int) -> tuple:
    rng = np.random.default_rng(0)
    # As words of a text: few columns are frequent, most are rare.
    columns = (d * rng.random(n * per_row) ** 3).astype(np.int32)
    ends = np.arange(0, n * per_row + 1, per_row, dtype=np.int32)
    X = csr_array((np.ones(n * per_row), columns, ends), shape=(n, d))
    X.sum_duplicates()
    beta = rng.standard_normal(d) * 0.3
    return X, (rng.random(n) < expit(X @ beta - X.mean(axis=0) @ beta)).astype(float)


def both(n: int, d: int, family: str, raw: bool = False) -> tuple:
    """Mean and scale on the same features; ``raw`` has mixed units, offsets and correlations."""
    rng = np.random.default_rng(0)
    if raw:
        common = rng.standard_normal((n, 1))
        Z = np.sqrt(0.95) * common + np.sqrt(0.05) * rng.standard_normal((n, d))
        unit = np.logspace(-2, 3, d)
        X = Z * unit
        X[:, 0] += 1e4
    else:
        Z = X = rng.standard_normal((n, d))
    mean = Z @ (rng.standard_normal(d) / np.sqrt(d)) * 0.5
    log_scale = Z @ (rng.standard_normal(d) / np.sqrt(d)) * 0.3
    if family == "normal":
        return X, mean + np.exp(log_scale) * rng.standard_normal(n)
    if family == "gamma":
        shape = np.exp(0.5 + log_scale)
        return X, rng.gamma(shape, np.exp(mean))
    return X, mean + 0.7 * rng.standard_t(4.0, n)


def lifetimes(n: int, d: int, family: str) -> tuple:
    rng, X, beta = _normal(n, d, size=0.5)
    log_t = 1.0 + X @ beta
    if family == "weibull":
        t = np.exp(log_t) * rng.weibull(1.5, n)
    else:
        t = np.exp(log_t + 0.8 * rng.standard_normal(n))
    c = rng.permutation(t)
    return X, np.minimum(t, c), t <= c


# --------------------------------------------------------------------------------- the fits


def _sk(**options) -> Callable:
    return lambda X, y: LogisticRegression(max_iter=10_000, **options).fit(X, y)


def _poisson(**options) -> Callable:
    return lambda X, y: PoissonRegressor(alpha=0.0, max_iter=10_000, **options).fit(X, y)


def _classes_value(alpha: float = 0.0) -> Callable:
    def value(m, X, y) -> float:
        logs = m.predict_log_proba(X)
        picked = logs[np.arange(len(y)), np.searchsorted(m.classes_, y)].mean()
        return float(picked - 0.5 * alpha * np.square(m.coef_).sum())

    return value


def _poisson_value(m, X, y) -> float:
    coef, base = m.coef_, m.intercept_
    if isinstance(coef, dict):
        (coef,), (base,) = coef.values(), base.values()
    eta = X @ coef + base
    return float((y * eta - np.exp(eta)).mean())


def autograd_lbfgs(family: str) -> Callable:
    """A user's own negative log-likelihood by autograd, minimised by scipy's L-BFGS."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import gammaln
    from scipy.optimize import minimize

    def fit(X, y):
        n, d = X.shape
        Z = np.column_stack([np.ones(n), X])

        def nll(theta):
            loc = anp.dot(Z, theta[: d + 1])
            if family == "t":
                s, df = anp.exp(theta[d + 1]), anp.exp(theta[d + 2])
                z = (y - loc) / s
                return -anp.mean(
                    gammaln((df + 1) / 2)
                    - gammaln(df / 2)
                    - 0.5 * anp.log(df * np.pi)
                    - anp.log(s)
                    - 0.5 * (df + 1) * anp.log1p(z * z / df)
                )
            second = anp.dot(Z, theta[d + 1 :])
            if family == "normal":
                return anp.mean(
                    0.5 * np.log(2 * np.pi) + second + 0.5 * ((y - loc) * anp.exp(-second)) ** 2
                )
            shape, log_scale = anp.exp(loc), second
            return -anp.mean(
                (shape - 1) * np.log(y)
                - y * anp.exp(-log_scale)
                - shape * log_scale
                - gammaln(shape)
            )

        size = d + 3 if family == "t" else 2 * d + 2
        start = np.zeros(size)
        found = minimize(
            value_and_grad(nll),
            start,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-9, "maxfun": 20000},
        )
        found.loglik_ = -found.fun * n
        return found

    return fit


def _loglik(m, X, *rest) -> float:
    return float(m.loglik_) / X.shape[0]


def _aft_peer(name: str) -> Callable:
    def fit(X, t, event):
        import lifelines
        import pandas as pd

        frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
        frame["t"], frame["event"] = t, event
        found = getattr(lifelines, name)().fit(frame, "t", "event")
        found.loglik_ = found.log_likelihood_
        return found

    return fit


def _aft(family: str) -> Callable:
    return lambda X, t, event: NaturalRegressor(family).fit(X, natfit.Censored.right(t, event))


def _digits() -> tuple:
    X, y = load_digits(return_X_y=True)
    return tuple(train_test_split(X / 16.0, y, test_size=0.3, random_state=0))


CASES: dict[str, Case] = {
    "logistic 2e5 x 50": Case(
        lambda: logistic(200_000, 50),
        lambda X, y: NaturalClassifier().fit(X, y),
        {
            "newton-cholesky": _sk(C=np.inf, solver="newton-cholesky", tol=1e-6),
            "lbfgs": _sk(C=np.inf, tol=1e-8),
        },
        {"newton-cholesky": 0.5},
        _classes_value(),
    ),
    "poisson 2e5 x 50": Case(
        lambda: poisson(200_000, 50),
        lambda X, y: NaturalRegressor("poisson").fit(X, y),
        {
            "newton-cholesky": _poisson(solver="newton-cholesky", tol=1e-6),
            "lbfgs": _poisson(tol=1e-8),
        },
        {"newton-cholesky": 0.5},
        _poisson_value,
    ),
    "logistic 2e4 x 1000": Case(
        lambda: logistic(20_000, 1000),
        lambda X, y: NaturalClassifier().fit(X, y),
        {"newton-cholesky": _sk(C=np.inf, solver="newton-cholesky", tol=1e-8)},
        {"newton-cholesky": 0.25},
        _classes_value(),
    ),
    "poisson 2e4 x 1000": Case(
        lambda: poisson(20_000, 1000),
        lambda X, y: NaturalRegressor("poisson").fit(X, y),
        {"newton-cholesky": _poisson(solver="newton-cholesky", tol=1e-8)},
        {"newton-cholesky": 0.25},
        _poisson_value,
    ),
    "multinomial 5e4 x 100 x 10": Case(
        lambda: multinomial(50_000, 100, 10),
        lambda X, y: NaturalClassifier().fit(X, y),
        {
            "newton-cholesky": _sk(C=np.inf, solver="newton-cholesky", tol=1e-6),
            "lbfgs": _sk(C=np.inf, tol=1e-8),
        },
        {"newton-cholesky": 0.1, "lbfgs": 0.5},
        _classes_value(),
    ),
    **{
        f"{family} 1e5 x 20{' raw' * raw}": Case(
            lambda family=family, raw=raw: both(100_000, 20, family, raw),
            lambda X, y, family=family: NaturalRegressor(
                "student_t" if family == "t" else family,
                features_for=None if family == "t" else "all",
            ).fit(X, y),
            {} if raw else {"autograd + L-BFGS": autograd_lbfgs(family)},
            {} if raw else {"autograd + L-BFGS": 0.65 if family == "t" else 0.6},
            _loglik,
        )
        for family in ("normal", "gamma", "t")
        for raw in (False, True)
    },
    "normal 2e4 x 500": Case(
        lambda: both(20_000, 500, "normal"),
        lambda X, y: NaturalRegressor("normal", features_for="all").fit(X, y),
        {"autograd + L-BFGS": autograd_lbfgs("normal")},
        {"autograd + L-BFGS": 1.2},
        _loglik,
    ),
    "weibull AFT 1e5 x 20": Case(
        lambda: lifetimes(100_000, 20, "weibull"),
        _aft("weibull"),
        {"lifelines": _aft_peer("WeibullAFTFitter")},
        {"lifelines": 0.1},
        _loglik,
    ),
    "lognormal AFT 1e5 x 20": Case(
        lambda: lifetimes(100_000, 20, "lognormal"),
        _aft("lognormal"),
        {"lifelines": _aft_peer("LogNormalAFTFitter")},
        {"lifelines": 0.1},
        _loglik,
    ),
    "logistic ridge 200 x 20000": Case(
        lambda: logistic(200, 20_000),
        lambda X, y: NaturalClassifier(alpha=1.0 / 200).fit(X, y),
        {"lbfgs": _sk(C=1.0, tol=1e-8)},
        {"lbfgs": 0.5},
        _classes_value(1.0 / 200),
    ),
    "sparse logistic 1e5 x 1e5": Case(
        lambda: sparse(100_000, 100_000, 85),
        lambda X, y: NaturalClassifier(alpha=1e-5).fit(X, y),
        {"newton-cg": _sk(C=1.0, solver="newton-cg", tol=1e-7), "lbfgs": _sk(C=1.0, tol=1e-8)},
        {"newton-cg": 0.5, "lbfgs": 0.1},
        _classes_value(1e-5),
    ),
}


def clock(fit: Callable, data: tuple, repeat: int) -> tuple[float, object]:
    """Return the least seconds of the processor, and what was fitted."""
    best, found = np.inf, None
    for _ in range(repeat):
        start = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = fit(*data)
        best = min(best, time.process_time() - start)
    return best, found


def peak(fit: Callable, data: tuple) -> float:
    """Return the peak of memory beside the data, as a share of the size of X."""
    X = data[0]
    size = X.nbytes if isinstance(X, np.ndarray) else X.data.nbytes + X.indices.nbytes
    tracemalloc.start()
    fit(*data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / size


def report(name: str, repeat: int, memory: bool, peers: bool = True) -> None:
    """Print one line for each fit of a case."""
    case = CASES[name]
    data = case.data()
    fits = {"natfit": case.natfit, **(case.peers if peers else {})}
    times, values = {}, {}
    for who, fit in fits.items():
        times[who], found = clock(fit, data, repeat if who == "natfit" else max(1, repeat - 1))
        if case.value is not None:
            values[who] = case.value(found, *data)
        if who == "natfit":
            own = found
    best = max(values.values(), default=np.nan)
    print(f"\n{name}: {own.n_iter_} iterations, {own.status_}")
    for who, seconds in times.items():
        ratio = times["natfit"] / seconds
        target = f" (target {case.targets[who]:g})" if who in case.targets else ""
        gap = best - values.get(who, np.nan)
        said = "" if who == "natfit" else f"  natfit takes {ratio:.3f} of it{target}"
        print(f"  {who:18s} {seconds:8.3f} s  gap {gap:.1e}{said}")
    if memory:
        print(f"  peak of memory beside X: {peak(case.natfit, data):.2f} X")


def main() -> None:
    """Run the cases that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="words of the names of cases; all by default")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--alone", action="store_true", help="without peers")
    given = parser.parse_args()
    chosen = [n for n in CASES if not given.cases or any(word in n for word in given.cases)]
    for name in chosen:
        report(name, given.repeat, given.memory, not given.alone)


if __name__ == "__main__":
    main()
