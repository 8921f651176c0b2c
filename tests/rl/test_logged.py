"""Importance sampling of logged episodes, against sums written out by hand."""

import numpy as np
import pytest

from natfit import NaturalPolicyEstimator
from natfit.rl.logged import Logged


def played(n=200, steps=6, seed=0, stay=0.5):
    """Episodes of the two-state task under a policy that stays with a fixed probability."""
    rng = np.random.default_rng(seed)
    rows = []
    for episode in range(n):
        state = 0
        for _ in range(steps):
            action = int(rng.random() > stay)
            reward = (1.0 + state) * (action == 0)
            rows.append((state, action, reward, episode, np.log(stay if action == 0 else 1 - stay)))
            state = state if action == 0 else 1 - state
    state, action, reward, episode, log_prob = map(np.array, zip(*rows, strict=True))
    return state, action, reward, episode, log_prob


def agent(**options):
    return NaturalPolicyEstimator("two_state", "linear", discount=1.0, random_state=0, **options)


def test_weights_and_returns_are_the_sums():
    rng = np.random.default_rng(1)
    ids = np.array([7, 7, 3, 7, 3])
    reward, behaviour, target = rng.random(5), np.log(rng.random(5)), np.log(rng.random(5))
    x = np.arange(5.0)[:, None]
    data = Logged.of(x, x[:, 0], reward, ids, behaviour)
    order = [2, 4, 0, 1, 3]
    assert data.actions.tolist() == [float(i) for i in order]
    found = data.weighed(target[order], 0.9)
    rho = np.exp(target - behaviour)
    # Rows 2, 4 are one episode, rows 0, 1, 3 the other.
    weight = [rho[2], rho[2] * rho[4], rho[0], rho[0] * rho[1], rho[0] * rho[1] * rho[3]]
    np.testing.assert_allclose(found.weight, np.array(weight) / max(weight), rtol=1e-12)
    last = reward[1] + 0.9 * rho[3] * reward[3]
    returns = [reward[2] + 0.9 * rho[4] * reward[4], reward[4], reward[0] + 0.9 * rho[1] * last]
    np.testing.assert_allclose(found.returns, [*returns, last, reward[3]], rtol=1e-12)
    whole = np.array([weight[1], weight[4]])
    assert found.effective == pytest.approx(whole.sum() ** 2 / (whole**2).sum(), rel=1e-12)
    sums = np.array([reward[2] + reward[4], reward[0] + reward[1] + reward[3]])
    assert found.mean_return == pytest.approx(whole @ sums / whole.sum(), rel=1e-12)


def test_learns_to_stay_where_the_reward_is():
    model = agent(max_iter=100).fit_logged(*played())
    estimated, effective = (model.history_[n] for n in ("estimated_return", "effective_episodes"))
    assert effective[0] == pytest.approx(200)
    assert np.all(np.diff(estimated) > 0) and np.all(np.diff(effective) < 0)
    assert model.status_ == "few_effective"
    assert model.effective_episodes_ == effective[-1] >= 10
    assert model.predict_proba([1])[0, 0] > 0.7
    assert np.all(model.history_["kl"][1:] <= 0.01)
    # The estimate is honest: new episodes of the policy found give about as much.
    stay = model.predict_proba([0, 1])[:, 0]
    value = np.zeros(2)
    for _ in range(6):
        value = stay * (np.array([1.0, 2.0]) + value) + (1 - stay) * value[::-1]
    assert estimated[-1] == pytest.approx(value[0], abs=1.0)


def test_goes_on_from_a_fit():
    model = agent(max_iter=2).fit_logged(*played())
    before = model.theta_
    model.set_params(warm_start=True).fit_logged(*played())
    assert not np.array_equal(model.theta_, before)
    assert model.n_iter_ == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"behaviour_log_prob": np.nan}, "behaviour_log_prob must be finite"),
        ({"rewards": np.inf}, "rewards must be finite"),
        ({"actions": 2}, "actions must lie in Discrete"),
        ({"observations": 5}, "observations must lie in Discrete"),
    ],
)
def test_bad_rows_are_named(change, words):
    names = ["observations", "actions", "rewards", "episode_ids", "behaviour_log_prob"]
    data = dict(zip(names, played(), strict=True))
    for name, value in change.items():
        data[name] = data[name].astype(float)
        data[name][3] = value
    model = agent()
    with pytest.raises(ValueError, match=words):
        model.fit_logged(**data)
    assert not hasattr(model, "policy_")


def test_too_few_effective_episodes_are_refused():
    data = played(n=30, steps=40)
    with pytest.raises(ValueError, match=r"effective number is .* of 30, below .*=25"):
        # A behaviour far from the first policy, which stays with probability 1/2.
        agent().fit_logged(*played(n=30, steps=40, stay=0.9), min_effective_episodes=25)
    with pytest.raises(ValueError, match="episode_ids must have shape"):
        agent().fit_logged(*data[:3], data[3][:5], data[4])
    with pytest.raises(ValueError, match="min_effective_episodes must be >= 1"):
        agent().fit_logged(*data, min_effective_episodes=0)


def test_rewards_that_say_nothing_give_no_step():
    data = list(played())
    data[2] = np.zeros(len(data[2]))
    model = agent(max_iter=5, baseline="none").fit_logged(*data)
    assert model.status_ == "no_step"
    assert model.n_iter_ == 0 and np.all(np.isfinite(model.theta_))
    assert model.history_.notes == [
        "nothing was tried: the objective does not fall along the direction; no step: no_descent"
    ]


def test_probabilities_are_not_taken_for_their_logarithms():
    data = list(played())
    data[4] = np.exp(data[4])
    with pytest.raises(ValueError, match="behaviour_log_prob must be <= 0"):
        agent().fit_logged(*data)
