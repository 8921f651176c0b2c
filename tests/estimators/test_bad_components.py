"""Components that do not fit together, or break in the middle of a fit."""

import autograd.numpy as anp
import numpy as np
import pytest
from estimator_data import sample

from natfit import NaturalMLE, metrics, solvers, steps
from natfit.distributions import Positive, Real, from_log_prob

BAD = {
    "tensor of another shape": (
        {"metric": metrics.TensorMetric(np.eye(3))},
        r"G must have shape \(2, 2\), got \(3, 3\)",
    ),
    "tensor that is not symmetric": (
        {"metric": metrics.TensorMetric([[1.0, 2.0], [0.0, 1.0]])},
        "G must be symmetric; use",
    ),
    "tensor that is indefinite": (
        {"metric": metrics.TensorMetric(np.diag([1.0, -1.0]))},
        "G must be positive semidefinite, got .*-1.*use",
    ),
    "tensor of nan": (
        {"metric": metrics.TensorMetric(np.full((2, 2), np.nan))},
        "G must be finite, got",
    ),
    "tensor function of another shape": (
        {"metric": metrics.TensorMetric(lambda eta: eta)},
        r"G must have shape \(2, 2\), got \(2,\)",
    ),
    "woodbury without a factor": (
        {"solver": "woodbury", "metric": "observed"},
        "woodbury .*needs a metric with a factor.*use solver=",
    ),
    "woodbury's shift": (
        {"solver": solvers.WoodburySolver(relative_shift=0.0), "metric": "exact"},
        "relative_shift must be > 0, got 0.0; try",
    ),
    "nan tolerance of the line search": (
        {"step": steps.ExactLineSearch(tol=np.nan)},
        "step__tol must be .*> 0, got nan; try",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_refused(case):
    options, message = BAD[case]
    model = NaturalMLE(**options)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.fit(sample("normal", 20))
    assert vars(model) == before


@pytest.mark.parametrize("start", [[0.0, -700.0], [1e200, 0.0]])
def test_a_start_without_a_finite_likelihood(start):
    model = NaturalMLE(start_params=start)
    with pytest.raises(ValueError, match="start_params must give a finite likelihood"):
        model.fit(sample("normal", 20))
    assert not hasattr(model, "theta_")


def test_a_far_start_with_a_finite_likelihood_is_used():
    x = sample("normal", 100)
    model = NaturalMLE(start_params=[1e6, -5.0]).fit(x)
    assert model.status_ == "converged"
    assert model.params_["loc"][0] == pytest.approx(x.mean(), rel=1e-6)


class Breaking:
    """A normal log-density that raises at the k-th call."""

    def __init__(self, at, error):
        self.at, self.error, self.calls = at, error, 0

    def __call__(self, y, loc, scale):
        self.calls += 1
        if self.calls == self.at:
            raise self.error
        return -0.5 * ((y - loc) / scale) ** 2 - anp.log(scale) - 0.5 * np.log(2.0 * np.pi)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError, SystemExit])
@pytest.mark.parametrize("at", [1, 5, 13])
def test_a_fit_that_breaks_leaves_nothing(at, error):
    family = from_log_prob(
        Breaking(at, error), {"loc": Real(), "scale": Positive()}, support="real", name="breaking"
    )
    model = NaturalMLE(family, start_params={"loc": 0.0, "scale": 50.0})
    before = dict(vars(model))
    with pytest.raises(error):
        model.fit(sample("normal", 50))
    assert vars(model) == before
    # The k-th call has passed: the same estimator now fits.
    assert model.fit(sample("normal", 50)).status_ == "converged"


def test_a_metric_that_breaks_in_the_second_column_leaves_nothing():
    calls = []

    def fisher(eta):
        calls.append(eta)
        if len(calls) > 6:
            raise KeyboardInterrupt
        return np.diag([np.exp(-2.0 * eta[1]), 2.0])

    model = NaturalMLE(metric=metrics.TensorMetric(fisher), tol=0.0, max_iter=3)
    before = dict(vars(model))
    with pytest.raises(KeyboardInterrupt):
        model.fit(sample("normal", 50, columns=3))
    assert vars(model) == before
