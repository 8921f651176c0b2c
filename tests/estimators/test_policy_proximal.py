"""Proximal policy optimisation by the estimator: presets, options, resuming, the history."""

import itertools
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.models import MLP
from natfit.steps import AdamStep, TrustRegionStep
from tests.estimators.test_policy_resume import same

SMALL = {"policy": MLP((8,)), "batch_size": 160, "minibatch_size": 40, "n_epochs": 3}


def ppo(env="cartpole", **options):
    made = {**SMALL, "max_iter": 4, "random_state": 3, **options}
    return NaturalPolicyEstimator.preset("ppo", env, **made)


@pytest.mark.parametrize("env", ["cartpole", "pendulum"])
def test_history(env):
    model = ppo(env).fit()
    history = model.history_
    assert_array_equal(history["n_steps"], 12)
    assert np.all(history["kl"] > 0) and np.all(history["surrogate_gain"] > 0)
    assert np.all((history["clip_fraction"] >= 0) & (history["clip_fraction"] < 1))
    assert np.all(np.isnan(history["predicted_kl"]))
    assert "several steps" in history.reasons["predicted_kl"]
    assert np.all(np.isfinite(model.theta_)) and np.isfinite(model.score())


@pytest.mark.parametrize("metric", ["euclidean", "exact"])
def test_going_on_is_bit_for_bit(metric):
    options = {"metric": metric, "step": AdamStep(0.01, max_grad_norm=0.5)}
    whole = ppo(**options).fit()
    parts = ppo(**options, warm_start=True)
    for n in (1, 3, 4):
        parts = pickle.loads(pickle.dumps(parts.set_params(max_iter=n).fit()))
    same(parts, whole)
    # Moments go on: an update with new ones takes another path.
    fresh = ppo(**options, warm_start=True).set_params(max_iter=1).fit()
    fresh.set_params(step=AdamStep(0.01, max_grad_norm=0.5))
    kept = fresh._state.memory
    assert kept.count == 12 and kept.first.size == len(fresh.theta_)


def test_another_rule_begins_without_memory():
    model = ppo(warm_start=True, max_iter=1).fit()
    model.set_params(step="fixed", max_iter=2).fit()
    assert model._state.memory is None
    model.set_params(step=AdamStep(), max_iter=3).fit()
    assert model._state.memory.count == 12


@pytest.mark.parametrize("step", ["trust_region", "kl"])
def test_one_step_on_the_whole_batch_is_the_natural_gradient(step):
    # At the old policy the clipped objective has the gradient of the plain one.
    options = {"policy": "linear", "max_iter": 3, "batch_size": 160, "random_state": 1}
    plain = NaturalPolicyEstimator("cartpole", step=step, **options).fit()
    one = NaturalPolicyEstimator("cartpole", step=step, n_epochs=1, **options).fit()
    same(one, plain)
    assert_array_equal(plain.history_["n_steps"], 1)
    assert_array_equal(plain.history_["clip_fraction"], 0.0)
    kl = NaturalPolicyEstimator("cartpole", step="kl", objective="clipped", **options).fit()
    wide = NaturalPolicyEstimator("cartpole", step="kl", **options).fit()
    np.testing.assert_allclose(kl.theta_, wide.theta_, rtol=1e-6, atol=1e-9)


def test_clipped_objective_under_natural_gradient_steps():
    model = NaturalPolicyEstimator(
        "cartpole", objective="clipped", n_epochs=4, minibatch_size=256, target_kl=0.03,
        step=TrustRegionStep(0.005), max_iter=8, random_state=0,
    )  # fmt: skip
    model.fit()
    history = model.history_
    assert np.all(history["n_steps"] >= 1) and np.all(history["n_steps"] <= 16)
    assert np.all(history["solver_iterations"] > 0)
    assert history["mean_return"][-1] > 2.0 * history["mean_return"][0]


def test_target_kl_ends_updates():
    free, held = (
        ppo(n_epochs=20, target_kl=t, max_iter=2, step=AdamStep(0.01)).fit() for t in (None, 1e-3)
    )
    assert np.all(free.history_["n_steps"] == 80)
    assert np.all(held.history_["n_steps"] < 80)
    assert np.all(held.history_["kl"] < free.history_["kl"])
    assert all("target_kl ended the update after" in note for note in held.history_.notes)


def test_entropy_bonus_keeps_policies_wide():
    low, high = (ppo(entropy_bonus=b, max_iter=6, n_epochs=10).fit() for b in (0.0, 1.0))
    assert high.history_["entropy"][-1] > low.history_["entropy"][-1]


def test_logged_episodes():
    rng = np.random.default_rng(0)
    n = 60
    s, a = rng.standard_normal((n, 4)), rng.integers(2, size=n)
    model = ppo(max_iter=3, minibatch_size=20)
    model.fit_logged(s, a, a.astype(float), np.arange(n), np.full(n, np.log(0.5)))
    assert np.all(model.history_["n_steps"][1:] == 9)
    assert model.predict_proba(s)[:, 1].mean() > 0.5


BAD = {
    "objective": ["clip", None],
    "clip_range": [0.0, 1.0, -0.2, "wide"],
    "n_epochs": [0, 1.5, None],
    "minibatch_size": [0, 2.5, 161, "all"],
    "target_kl": [0.0, -1.0, np.nan],
}


@pytest.mark.parametrize(
    ("name", "value"), list(itertools.chain(*([(k, v) for v in vs] for k, vs in BAD.items())))
)
def test_options_are_checked(name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        ppo(**{name: value}).fit()


def test_preset_learns():
    # Ten or so updates; a random policy holds the pole for about 22 steps.
    model = NaturalPolicyEstimator.preset("ppo", "cartpole", max_iter=10, random_state=0).fit()
    assert model.score() > 150.0
