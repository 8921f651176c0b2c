"""Fits and scores in several processes give the same bits for any number of them."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from natfit import Censored, NaturalGaussianMLE, NaturalMLE
from natfit._component import available
from natfit.distributions.base import Distribution
from natfit.rows import BLOCK, base, processes
from natfit.rows.processes import Processes
from tests.cases import case

pytestmark = pytest.mark.slow

#: Of the history, all columns but the clock's.
HISTORY = ("objective", "gradient_norm", "distance", "step_length", "kl", "evaluations")

#: Three chunks and a bit, of a block each.
N = 3 * BLOCK + 100


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch):
    """Chunks of 1,024 rows, so that few rows are several."""
    monkeypatch.setattr(base, "CHUNK", BLOCK)
    monkeypatch.setattr(processes, "CHUNK", BLOCK)


@pytest.fixture
def shared(monkeypatch):
    """Return the passes that several processes shared."""
    seen = []
    kept = Processes._shares

    def counted(self, run, part, args, size):
        seen.append(part)
        return kept(self, run, part, args, size)

    monkeypatch.setattr(Processes, "_shares", counted)
    return seen


def fitted(model, X, weight=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, sample_weight=weight)


def rows(name):
    data = case(name).data
    return np.tile(data, (-(-N // len(data)), *[1] * (data.ndim - 1)))[:N].reshape(N, -1)


def numbers(model, X, weight):
    """Return all numbers and texts that a fit publishes, as bits."""
    history = model.history_
    columns = [np.asarray(history[name], dtype=float) for name in HISTORY]
    found = [model.theta_, model._eta, *columns, model.score_samples(X)]
    found += [info.matrix for info in model._information]
    found.append(np.array([model.score(X, sample_weight=weight), model.n_iter_, model.n_obs_]))
    return found, (model.status_, model.message_)


def same(family, X, weight=None, **options):
    """Assert that fits by one and by two processes publish the same bits."""
    options = {"max_iter": 3, **options}
    one, two = (
        numbers(fitted(NaturalMLE(family, n_jobs=n, **options), X, weight), X, weight)
        for n in (1, 2)
    )
    for a, b in zip(one[0], two[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert one[1] == two[1]


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", available(Distribution))
def test_results_do_not_depend_on_n_jobs(name, weighted, shared):
    weight = np.random.default_rng(0).integers(1, 4, N).astype(float) if weighted else None
    same(case(name).family, rows(name), weight)
    assert shared


@pytest.mark.parametrize("metric", ["exact", "observed", "empirical", "monte_carlo"])
def test_metrics(metric, shared):
    x = np.random.default_rng(1).standard_t(4.0, N)
    same("student_t", x[:, None], metric=metric, random_state=0)
    assert len(shared) > 4


def test_several_columns_and_options(shared):
    X = np.random.default_rng(2).gamma(2.0, 3.0, (N, 2))
    same("weibull", X)
    same("gamma", X[:, :1], truncation=(0.0, 40.0))
    same("student_t", X[:, :1], fixed={"df": 4.0}, bounds={"scale": (0.1, None)})
    same("normal", X[:, :1], prior={"loc": ("normal", {"loc": 5.0, "scale": 1.0})})
    assert len(shared) > 10


@pytest.mark.parametrize("name", ["gamma", "weibull"])
def test_censored_rows(name, shared):
    rng = np.random.default_rng(3)
    y = rng.gamma(2.0, 3.0, N)
    same(name, Censored(y, np.where(rng.random(N) < 0.3, np.inf, y)))
    assert shared


def test_errors_name_the_same_row():
    y = np.abs(np.random.default_rng(4).standard_normal(N)) + 0.1
    for bad, words in ((np.nan, "NaN at row 2500"), (-1.0, "at row 2500")):
        y[2500] = bad
        for n_jobs in (1, 2):
            with pytest.raises(ValueError, match=words):
                NaturalMLE("gamma", n_jobs=n_jobs).fit(y[:, None])


def test_robust_errors(shared):
    X = np.random.default_rng(5).standard_t(4.0, (N, 1))
    models = [fitted(NaturalMLE("student_t", n_jobs=n), X) for n in (1, 2)]
    one, two = (model.cov_params("robust", X) for model in models)
    np.testing.assert_array_equal(one, two)
    assert shared


def test_the_gaussian_takes_it_too(shared):
    X = np.random.default_rng(6).standard_normal((N, 3))
    one, two = (NaturalGaussianMLE(n_jobs=n).fit(X) for n in (1, 2))
    np.testing.assert_array_equal(one.covariance_, two.covariance_)
    assert shared


def test_one_process_shares_nothing(shared):
    fitted(NaturalMLE("student_t"), np.random.default_rng(7).standard_t(4.0, (N, 1)))
    assert shared == []


@pytest.mark.parametrize(
    ("n_jobs", "kind", "words"),
    [
        (0, ValueError, "n_jobs must not be 0; try 1, or -1 for all processors"),
        (1.5, TypeError, "n_jobs must be an integer"),
        ("two", (TypeError, ValueError), "n_jobs must be"),
    ],
)
def test_other_numbers_are_refused(n_jobs, kind, words):
    model = NaturalMLE(n_jobs=n_jobs)
    with pytest.raises(kind, match=words):
        model.fit(np.arange(4.0)[:, None])
    assert not hasattr(model, "theta_")
