"""Fits on rows where a pass is costly: the same bits as elsewhere, in about a pass an iteration."""

import numpy as np
import pytest

import natfit
from natfit.distributions import Bernoulli, Gumbel
from natfit.models import Constant
from natfit.models.linear_predictors import LinearPredictors
from natfit.objectives import Likelihood, Regression
from natfit.optimize import run
from natfit.optimize.engine import resolve_engine
from natfit.rows import BLOCK, CHUNK, Memory
from natfit.steps import BacktrackingStep

N = 2 * CHUNK + 5_000


class Counted(Memory):
    """Rows in this process that count their passes, and for which a pass counts as costly."""

    costly = True
    passes: list = []

    @classmethod
    def accepts(cls, y, X, n_jobs):
        return True

    def _values(self, part, args, size):
        self.passes.append(part)
        return super()._values(part, args, size)


class Plain(Counted):
    """The same where passes cost nothing."""

    costly = False


@pytest.fixture(autouse=True)
def no_passes():
    Counted.passes.clear()


def drawn(n=N, d=5, seed=0):
    """X, and a linear predictor of it."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return rng, X, 0.3 + X @ np.linspace(-0.5, 0.5, d)


def logistic():
    rng, X, eta = drawn()
    return natfit.NaturalClassifier(), X, (rng.random(N) < 1.0 / (1.0 + np.exp(-eta))).astype(int)


def poisson():
    rng, X, eta = drawn()
    return natfit.NaturalRegressor("poisson"), X, rng.poisson(np.exp(eta))


def normal():
    rng, X, eta = drawn()
    return natfit.NaturalRegressor("normal"), X, eta + rng.standard_normal(N)


def gamma():
    rng, X, eta = drawn()
    return natfit.NaturalRegressor("gamma"), X, rng.gamma(2.0, np.exp(eta) / 2.0)


def student_t():
    rng, X, eta = drawn()
    return natfit.NaturalRegressor("student_t"), X, eta + rng.standard_t(4.0, N)


def ordinal():
    rng, X, eta = drawn()
    y = np.digitize(eta + rng.logistic(size=N), [-1.0, 0.5])
    return natfit.NaturalRegressor("ordinal"), X, y


def penalised():
    model, X, y = logistic()
    return model.set_params(alpha=3.0), X, y


def weibull():
    rng = np.random.default_rng(0)
    return natfit.NaturalMLE("weibull"), 2.0 * rng.weibull(1.5, (N, 1)), None


FITS = [logistic, poisson, normal, gamma, student_t, ordinal, penalised, weibull]


def fitted(make, kind, monkeypatch):
    """A fit to rows of a kind, and the parts of its passes."""
    monkeypatch.setattr(natfit.rows, "_kinds", lambda: [kind])
    Counted.passes.clear()
    model, X, y = make()
    model.fit(X) if y is None else model.fit(X, y)
    return model, list(Counted.passes)


def assert_same(history, other):
    """Both histories are the same bits in every column but the time."""
    np.testing.assert_array_equal(history.theta, other.theta)
    for name in set(history) - {"seconds"}:
        np.testing.assert_array_equal(history[name], other[name], err_msg=name)
    assert history.notes == other.notes
    assert str(history.trials) == str(other.trials)


@pytest.mark.parametrize("make", FITS)
def test_the_same_bits_in_about_a_pass_an_iteration(make, monkeypatch):
    plain, before = fitted(make, Plain, monkeypatch)
    costly, passes = fitted(make, Counted, monkeypatch)
    assert_same(costly.history_, plain.history_)
    for one, other in zip(errors(costly), errors(plain), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(passes) <= min(costly.n_iter_ + 4, len(before))


def errors(model):
    """The standard errors of a fit: of coefficients, or of parameters."""
    found = model.standard_errors_
    return list(found.values()) if isinstance(found, dict) else [np.asarray(found)]


def searched(kind, family, model, y, X, theta):
    """A run without a radius from a far start, whose steps are too long, and its passes."""
    objective = (Likelihood if X is None else Regression)(family, model, kind(y, X, chunk=BLOCK))
    Counted.passes.clear()
    step = BacktrackingStep(epsilon=1e9, kl_slack=1e9)
    engine = resolve_engine("auto", "auto", step, None, 1e-5, 50)
    found = run(objective, engine, theta, np.random.default_rng(0))
    return found, list(Counted.passes)


def gumbel_search(kind):
    family, y = Gumbel(), np.random.default_rng(0).gumbel(size=5 * BLOCK)
    return searched(kind, family, Constant().bind(0, family), y, None, np.array([1.0, -3.0]))


def logistic_search(kind):
    rng, X, eta = drawn(5 * BLOCK)
    family = Bernoulli()
    model = LinearPredictors().bind(X.shape[1], family)
    y = (rng.random(len(X)) < 1.0 / (1.0 + np.exp(-eta))).astype(float)
    return searched(kind, family, model, y, X, np.array([4.0, *np.full(X.shape[1], 3.0)]))


@pytest.mark.parametrize("search", [gumbel_search, logistic_search])
def test_trial_lengths_share_a_pass(search):
    plain, before = search(Plain)
    costly, passes = search(Counted)
    assert_same(costly.history, plain.history)
    refused = costly.history["evaluations"] - 1
    assert refused.max() >= 3
    # A pass for each iterate, one for the start, one for all lengths after the first, and at most
    # one for a matrix that was not asked for before.
    assert len(passes) <= costly.iterate.n_iter + 3
    assert len(passes) <= len(before) - refused.max() + 1
