"""Peak extra memory does not grow with the number of rows."""

import gc
import tracemalloc

import numpy as np
import pytest

from natfit import NaturalGaussianMLE, NaturalMLE

pytestmark = pytest.mark.slow

MB = 1e6

#: A temporary array of a chunk of 16,384 rows takes 0.13 MB. Everything beyond some tens of them is
#: a copy of the data: 8 MB at a million rows, 40 MB at five.
BUDGET = 8 * MB

FEW, MANY = 1_000_000, 5_000_000


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    # float32 noise made in place: creating the data is cheap beside the fits.
    x = rng.standard_normal(MANY)
    np.abs(x, out=x)
    x += 0.1
    return x[:, None], rng.random(MANY) + 0.5


def peak(call):
    """Bytes allocated at most, beyond what was there before."""
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def model(name):
    # Three iterations show what each needs.
    return NaturalMLE(name, max_iter=3, tol=0.0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["normal", "gamma", "student_t", "exponential"])
def test_fit(name, weighted, data):
    x, w = data
    peaks = {
        n: peak(lambda n=n: model(name).fit(x[:n], sample_weight=w[:n] if weighted else None))
        for n in (FEW, MANY)
    }
    assert peaks[MANY] <= BUDGET
    assert peaks[MANY] <= 1.2 * peaks[FEW] + MB


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["normal", "gamma", "student_t"])
def test_score(name, weighted, data):
    x, w = data
    fitted = model(name).fit(x[:1000])
    peaks = {
        n: peak(lambda n=n: fitted.score(x[:n], sample_weight=w[:n] if weighted else None))
        for n in (FEW, MANY)
    }
    assert peaks[MANY] <= BUDGET
    assert peaks[MANY] <= 1.2 * peaks[FEW] + MB


def test_score_samples_makes_its_result_alone(data):
    x, _ = data
    fitted = model("student_t").fit(x[:1000])
    assert peak(lambda: fitted.score_samples(x)) <= 8 * MANY + BUDGET


def test_counts():
    x = np.random.default_rng(1).poisson(3.0, MANY).astype(float)[:, None]
    assert peak(lambda: model("poisson").fit(x)) <= BUDGET


@pytest.mark.parametrize("kind", ["full", "diag"])
def test_several_columns(kind):
    X = np.random.default_rng(2).standard_normal((1_000_000, 5))
    assert peak(lambda: NaturalGaussianMLE(kind).fit(X)) <= 5 * BUDGET / 2


@pytest.mark.parametrize("metric", ["empirical", "observed", "monte_carlo"])
def test_metrics(metric, data):
    x, _ = data
    fit = NaturalMLE("student_t", metric=metric, max_iter=1, tol=0.0, random_state=0)
    assert peak(lambda: fit.fit(x[:FEW])) <= BUDGET


def test_robust_covariance(data):
    x, w = data
    fitted = model("student_t").fit(x[:FEW], sample_weight=w[:FEW])
    assert peak(lambda: fitted.cov_params("robust", x[:FEW], w[:FEW])) <= BUDGET


def test_nothing_of_size_rows_times_parameters():
    """50 columns have 1325 parameters: N x K would be 2 GB."""
    X = np.random.default_rng(3).standard_normal((200_000, 50))
    fit = NaturalGaussianMLE(max_iter=1, tol=0.0)
    # K x K is 14 MB; a handful of them are in play.
    assert peak(lambda: fit.fit(X)) <= 150 * MB
