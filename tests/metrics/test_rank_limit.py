"""Metrics that are singular whatever the data are say so, and what to do."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from natfit import NaturalMLE, NaturalPolicyEstimator
from natfit.metrics import EmpiricalFisher, MonteCarloFisher
from natfit.steps import KLStep

Y = np.random.default_rng(0).gamma(3.0, size=(200, 1))


@pytest.mark.parametrize(("distribution", "parameters"), [("gamma", 2), ("student_t", 3)])
@pytest.mark.parametrize("step", ["backtracking", KLStep(0.01)], ids=str)
def test_fewer_draws_than_parameters_are_named(distribution, parameters, step):
    metric = MonteCarloFisher(n_draws=parameters - 1)
    model = NaturalMLE(distribution, metric=metric, step=step, max_iter=30, random_state=0)
    match = rf"rank of at most {parameters - 1} for {parameters}.*n_draws.*damping=0.1"
    with pytest.warns(ConvergenceWarning, match=match):
        model.fit(Y)
    assert "n_draws" in model.message_


@pytest.mark.parametrize("options", [{"metric__n_draws": 50, "damping": None}, {"damping": 0.1}])
def test_enough_draws_or_damping_are_not(options):
    model = NaturalMLE(
        "gamma", metric=MonteCarloFisher(1), step=KLStep(0.01), max_iter=5, random_state=0
    ).set_params(**options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(Y)
    assert "singular" not in model.message_


@pytest.mark.parametrize(
    ("metric", "words"),
    [(EmpiricalFisher(), "64 rows"), (MonteCarloFisher(10), "n_draws=10 gives 64 scores")],
    ids=str,
)
def test_policies_with_fewer_rows_than_parameters_are_told(metric, words):
    agent = NaturalPolicyEstimator(
        "cartpole", metric=metric, damping=None, batch_size=64, max_iter=2, random_state=0
    )
    with pytest.warns(UserWarning, match=words) as caught:
        agent.fit()
    assert len(caught) == 1 and caught[0].filename == __file__
    assert all(words in note for note in agent.history_.notes)
    # The default damping, and enough rows, need no word.
    agent.set_params(damping="fixed").fit()
    agent.set_params(damping=None, policy="linear").fit()
    assert not any(words in note for note in agent.history_.notes)
