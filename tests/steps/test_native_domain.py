"""In native coordinates no step rule of the registry places an iterate outside the constraints."""

import warnings

import numpy as np
import pytest

import natfit
from natfit._component import registered
from natfit.distributions import Bernoulli, Exponential, Gamma, Normal, StudentT
from natfit.steps.base import Step
from natfit.testing.problems import likelihood
from natfit.testing.steps import prescribes_length, trace

STEPS = {repr(step): step for _, step in registered(Step)}
RNG = np.random.default_rng(0)
PAPER = 12.0 + 4.0 * RNG.standard_normal(300)

#: Family, data, start in native values: each a start from which a raw step leaves the domain.
CASES = {
    "paper": (Normal(), PAPER, {"loc": 0.0, "scale": 1.0}),
    "wide": (Normal(), PAPER, {"loc": 12.0, "scale": 400.0}),
    "narrow": (Normal(), 12.0 + 0.01 * RNG.standard_normal(300), {"loc": 12.0, "scale": 0.3}),
    "rate": (Exponential(), RNG.exponential(50.0, 300), {"rate": 1.0}),
    "gamma": (Gamma(), RNG.gamma(0.3, 1.0, 300), {"shape": 9.0, "scale": 1.0}),
    "prob": (Bernoulli(), (RNG.random(300) < 0.02).astype(float), {"prob": 0.9}),
    "student": (StudentT(), RNG.standard_t(2.0, 300), {"loc": 5.0, "scale": 9.0, "df": 3.0}),
}


def fit(step, case, metric):
    family, y, native = CASES[case]
    objective = likelihood(family, y, "native", origin=family.eta(**native))
    start = np.array(list(native.values()), dtype=float)
    with np.errstate(all="ignore"):
        return objective, *trace(step, objective, start, metric, max_iter=40)


@pytest.mark.parametrize("metric", ["exact", "euclidean", "observed"])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("step", STEPS)
def test_every_iterate_is_inside(step, case, metric):
    objective, end, iterates = fit(STEPS[step], case, metric)
    family, y, native = CASES[case]
    theta = np.array([i.theta for i in iterates])
    assert np.all(np.isfinite(theta))
    for column, name in zip(theta.T, native, strict=True):
        if name != "loc":
            assert np.all(column > 0)
        if name == "prob":
            assert np.all(column < 1)
    assert np.all(np.isfinite([i.value for i in iterates]))
    assert end.iterate.value <= iterates[0].value or prescribes_length(STEPS[step])
    assert end.status in set(natfit.Status) - {"non_finite"}


@pytest.mark.parametrize("case", ["narrow", "wide"])
def test_the_raw_step_would_leave(case):
    """What the rules above guard against does happen: a plain gradient step has sigma <= 0."""
    family, y, native = CASES[case]
    start = np.array(list(native.values()))
    mu, sigma = start
    grad = -np.array([np.mean(y - mu) / sigma**2, np.mean((y - mu) ** 2) / sigma**3 - 1 / sigma])
    natural = grad * np.array([sigma**2, sigma**2 / 2])
    step = natural if case == "wide" else grad
    assert start[1] - 3.0 * step[1] <= 0


@pytest.mark.parametrize("length", [1.0, 3.0, 100.0])
def test_a_step_that_leaves_is_halved_until_it_does_not(length):
    family, y, _ = CASES["narrow"]
    objective = likelihood(family, y, "native", origin=np.zeros(2))
    _, iterates = trace(
        natfit.steps.FixedStep(length), objective, [12.0, 0.3], "euclidean", max_iter=1
    )
    before, after = iterates
    halvings = np.log2(length / after.step_length)
    assert halvings == round(halvings) >= 1
    # One halving less would have left the domain.
    assert 0.3 - 2.0 * after.step_length * before.grad[1] <= 0 < after.theta[1]
    np.testing.assert_allclose(after.theta, before.theta - after.step_length * before.grad)


@pytest.mark.parametrize("step", STEPS)
def test_the_estimator_does_not_crash(step):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = natfit.fit("normal", PAPER, coordinates="native", step=STEPS[step], max_iter=60)
    assert np.all(model.history_.theta[:, 1] > 0)
    if step.startswith("Backtracking") or step.startswith("Exact"):
        np.testing.assert_allclose(model.params_["loc"], PAPER.mean(), rtol=1e-6)
        np.testing.assert_allclose(model.params_["scale"], PAPER.std(), rtol=1e-6)
