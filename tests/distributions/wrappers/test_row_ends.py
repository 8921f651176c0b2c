"""Ends that are order statistics, where rows are censored: against profiles in closed form."""

import numpy as np
import pytest
from scipy import optimize

from natfit import Censored, NaturalMLE


def watched(seed, upper):
    rng = np.random.default_rng(seed)
    y, c = rng.uniform(0.0, 10.0, 60), rng.uniform(2.0, upper, 60)
    return np.minimum(y, c), y <= c


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("unit", "offset"), [(1.0, 0.0), (1e9, 5e9), (1e-9, 0.0)])
@pytest.mark.parametrize(("seed", "upper"), [(0, 8.0), (1, 8.0), (2, 8.0), (3, 16.0)])
def test_a_right_censored_uniform_has_the_profile_of_its_upper_end(seed, upper, unit, offset):
    time, event = watched(seed, upper)
    low, cuts = time[event].min(), time[~event]
    at_risk = event.sum() + (cuts > low).sum()

    def loss(high):
        return at_risk * np.log(high - low) - np.log(high - cuts).sum()

    least = max(time[event].max(), cuts.max())
    best = optimize.minimize_scalar(loss, bounds=(least, 100.0), method="bounded")
    right = min(best.fun, loss(least) if least > cuts.max() else np.inf)
    rows = Censored.right(offset + unit * time, event)
    model = NaturalMLE("uniform").fit(rows)
    assert model.status_ == "boundary"
    assert model.params_["low"][0] == pytest.approx(offset + unit * low, rel=1e-12)
    value = -len(time) * model.score(rows) - event.sum() * np.log(unit)
    assert value == pytest.approx(right, abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_right_censored_pareto_is_closed_at_its_smallest_exact_row(seed):
    rng = np.random.default_rng(seed)
    y, c = 1.0 + rng.pareto(2.0, 60), 1.0 + rng.exponential(1.5, 60)
    time, event = np.minimum(y, c), y <= c
    model = NaturalMLE("pareto").fit(Censored.right(time, event))
    scale = time[event].min()
    shape = event.sum() / np.log(np.maximum(time / scale, 1.0)).sum()
    assert model.status_ == "boundary"
    assert model.params_["scale"][0] == scale
    assert model.params_["shape"][0] == pytest.approx(shape, rel=1e-5)


def test_left_censored_rows_may_push_an_end_from_the_rows():
    rng = np.random.default_rng(3)
    y, c = 2.4 + rng.pareto(3.0, 60), rng.uniform(2.5, 4.5, 60)
    time, event = np.maximum(y, c), y >= c

    def loss(p):
        shape, scale = np.exp(p)
        if scale >= time.min():
            return np.inf
        density = np.log(shape) + shape * np.log(scale) - (shape + 1.0) * np.log(time[event])
        return -(density.sum() + np.log1p(-((scale / time[~event]) ** shape)).sum())

    best = optimize.minimize(loss, np.log([2.0, 0.9 * time.min()]), method="Nelder-Mead")
    rows = Censored.left(time, event)
    model = NaturalMLE("pareto").fit(rows)
    assert model.status_ == "converged"
    assert -60 * model.score(rows) == pytest.approx(best.fun, abs=1e-5)


def test_intervals_over_an_end_are_refused_before_the_fit():
    lower = np.floor(np.linspace(0.2, 9.7, 20))
    with pytest.raises(ValueError, match=r"must not reach over the end low of Uniform"):
        NaturalMLE("uniform").fit(Censored(lower, lower + 1.0))
