"""Dict, Tuple and hybrid actions: products of independent distributions."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from scipy.special import log_softmax

from natfit import NaturalPolicyEstimator
from natfit.distributions.counts.categorical import Categorical
from natfit.distributions.real.normal import Normal
from natfit.distributions.vectors.multi_bernoulli import MultiBernoulli
from natfit.distributions.vectors.multivariate_normal import MultivariateNormal
from natfit.rl.composites import from_gymnasium
from natfit.rl.product import Product

PARTS = [Categorical(3), MultivariateNormal("diag", 2), MultiBernoulli(2), Normal()]
PRODUCT = Product(("k", "v", "b", "z"), tuple(PARTS))


def pieces(eta):
    return np.split(eta, np.cumsum([part.n_params for part in PARTS])[:-1], axis=1)


def test_the_density_is_the_product_of_those_of_scipy():
    rng = np.random.default_rng(0)
    eta = rng.normal(size=(6, PRODUCT.n_params))
    y = PRODUCT.sample(eta, rng)
    want = np.zeros(6)
    for i, (k, v, b, z) in enumerate(zip(*pieces(eta), strict=True)):
        want[i] += log_softmax(np.append(k, 0.0))[int(y[i, 0])]
        want[i] += stats.norm(v[:2], np.exp(v[2:])).logpdf(y[i, 1:3]).sum()
        want[i] += stats.bernoulli(1.0 / (1.0 + np.exp(-b))).logpmf(y[i, 3:5]).sum()
        want[i] += stats.norm(z[0], np.exp(z[1])).logpdf(y[i, 5])
    assert_allclose(PRODUCT.log_prob(y, eta), want, rtol=1e-12)
    value, score = PRODUCT.log_prob_and_score(y, eta)
    assert_allclose(value, want, rtol=1e-12)
    assert_allclose(PRODUCT.score(y, eta), score, rtol=1e-12)
    for p, step in enumerate(1e-6 * np.eye(PRODUCT.n_params)):
        slope = (PRODUCT.log_prob(y, eta + step) - PRODUCT.log_prob(y, eta - step)) / 2e-6
        assert_allclose(score[:, p], slope, atol=1e-6)


def test_information_divergence_entropy_and_mode_are_those_of_the_parts():
    rng = np.random.default_rng(1)
    eta, other = rng.normal(size=(2, 5, PRODUCT.n_params))
    own = list(zip(PARTS, pieces(eta), pieces(other), strict=True))
    assert_allclose(PRODUCT.kl(eta, other), sum(p.kl(a, b) for p, a, b in own), rtol=1e-12)
    assert_allclose(PRODUCT.entropy(eta), sum(p.entropy(a) for p, a, _ in own), rtol=1e-12)
    assert_allclose(PRODUCT.entropy_and_grad(eta)[0], PRODUCT.entropy(eta), rtol=1e-12)
    mode = np.concatenate([p.mode(a).reshape(5, -1) for p, a, _ in own], axis=1)
    assert_array_equal(PRODUCT.mode(eta), mode)
    # The information is the covariance of the score, and the second derivative of the divergence.
    fisher = PRODUCT.fisher(eta)
    v = rng.normal(size=PRODUCT.n_params)
    far = PRODUCT.kl(eta, eta + 1e-4 * v)
    assert_allclose(0.5e-8 * np.einsum("k,nkl,l->n", v, fisher, v), far, rtol=1e-3)
    draws = PRODUCT.sample(eta[:1], rng, 40_000)
    score = PRODUCT.score(draws, np.repeat(eta[:1], len(draws), axis=0))
    assert_allclose(score.T @ score / len(draws), fisher[0], atol=0.12 * np.abs(fisher[0]).max())


# ------------------------------------------------------------------------- environments

ACTIONS = {
    "hybrid": spaces.Tuple([spaces.Discrete(3, start=1), spaces.Box(-2.0, 6.0, (2,))]),
    "dict": spaces.Dict(go=spaces.MultiBinary(2), push=spaces.Box(-np.inf, np.inf, ())),
    "nested": spaces.Dict(
        a=spaces.Tuple([spaces.Discrete(2), spaces.MultiDiscrete([2, 3])]),
        b=spaces.Dict(x=spaces.Box(0.0, 1.0, (1, 2), dtype=np.float64)),
    ),
    "whole": spaces.Tuple([spaces.Discrete(2), spaces.Discrete(3)]),
}


def numbers(value):
    """All numbers of a value."""
    if isinstance(value, dict):
        value = tuple(value.values())
    if isinstance(value, tuple):
        return np.concatenate([numbers(part) for part in value])
    return np.ravel(value).astype(float)


class Asks(gymnasium.Env):
    """Checks that actions are in the space; small numbers are best."""

    observation_space = spaces.Box(-1.0, 1.0, (1,))

    def __init__(self, space):
        self.action_space = space

    def reset(self, *, seed=None, options=None):
        self.steps = 0
        return np.zeros(1, dtype=np.float32), {}

    def step(self, action):
        assert spaces.flatten(self.action_space, action) is not None
        assert self.action_space.contains(action), action
        self.steps += 1
        cost = float(np.square(numbers(action)).sum())
        return np.zeros(1, dtype=np.float32), -cost, self.steps == 4, False, {}


def fitted(env, **options):
    options = {"n_envs": 2, "batch_size": 64, "max_iter": 3, "random_state": 0, **options}
    return NaturalPolicyEstimator(env, "linear", baseline="constant", **options).fit()


@pytest.mark.parametrize("kind", ACTIONS)
def test_trained_and_evaluated(kind):
    space, seen = ACTIONS[kind], np.zeros((7, 1))
    agent = fitted(lambda: Asks(space), max_iter=12)
    assert agent.score(range(2)) > agent.evaluate(20, greedy=False).mean - 1e-9
    assert agent.history_["mean_return"][-1] > agent.history_["mean_return"][0]
    for actions in (agent.predict(seen), agent.sample(seen, 0)):
        assert isinstance(actions, dict if isinstance(space, spaces.Dict) else tuple)
        assert from_gymnasium(space, "space").contains(actions).all()
    # What was drawn comes back, if it was not clipped.
    y = agent.policy_.distribution.mode(agent.policy_.eta(seen))
    back = agent.policy_.from_space(agent.predict(seen))
    assert_allclose(back, np.repeat(y, 7, axis=0) if len(y) == 1 else y, atol=1e-12)
    assert np.isfinite(agent.log_prob(seen, agent.sample(seen, 0))).all()
    if kind == "whole":
        assert agent.predict_proba(seen).shape == (7, 5)
    else:
        with pytest.raises(AttributeError, match="predict_proba"):
            agent.predict_proba  # noqa: B018


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_vectors_are_given_parts(mode):
    agent = fitted(
        lambda: SyncVectorEnv([lambda: Asks(ACTIONS["nested"])] * 2, autoreset_mode=mode),
        n_envs=None,
    )
    assert np.isfinite(agent.history_["mean_return"]).all()


def test_log_prob_is_a_density_in_the_unit_of_the_actions():
    agent = fitted(lambda: Asks(ACTIONS["hybrid"]))
    params = agent.policy_.params([[0.0]])
    loc, scale = (params[f"1.{name}"].ravel() for name in ("loc", "scale"))
    actions = (np.array([2]), np.array([[0.5, 5.0]]))
    want = np.log(params["0.probs"][0, 1]) + stats.norm(loc, scale).logpdf(actions[1]).sum()
    assert_allclose(agent.log_prob([[0.0]], actions), want, rtol=1e-9)


def test_logged_actions_may_have_parts():
    rng = np.random.default_rng(0)
    agent = fitted(lambda: Asks(ACTIONS["dict"]), max_iter=1)
    seen = np.zeros((400, 1))
    actions = agent.sample(seen, 0)
    agent.fit_logged(
        seen, actions, rng.normal(size=400), np.arange(400), agent.log_prob(seen, actions)
    )
    assert agent.effective_episodes_ > 10


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ({"go": [[0, 1]]}, "parts"),
        ({"go": [[0, 2]], "push": [0.0]}, r"actions\['go'\] must lie in"),
        ({"go": [[0, 1]], "push": [np.nan]}, r"actions\['push'\] must lie in"),
        ({"go": [[0, 1]], "push": [[0.0]]}, r"actions\['push'\] must be n values in Box"),
        ({"go": [[0, 1]], "push": [0.0, 1.0]}, "same number of rows"),
    ],
)
def test_bad_actions_are_named(actions, message):
    agent = fitted(lambda: Asks(ACTIONS["dict"]), max_iter=1)
    with pytest.raises(ValueError, match=message):
        agent.log_prob([[0.0]], actions)


def test_distributions_of_parts_are_chosen_by_name():
    agent = fitted(lambda: Asks(ACTIONS["hybrid"]), distribution={"1": "multivariate_t"})
    assert "1.df" in agent.policy_.distribution.params
    assert np.isfinite(agent.score(range(2)))
    for wrong in ("normal", {"2": "normal"}):
        with pytest.raises(ValueError, match=r"dict of distributions by part, \['0', '1'\]"):
            fitted(lambda: Asks(ACTIONS["hybrid"]), distribution=wrong)


# ------------------------------------------------------------ single values, and what is refused


def test_one_observation_of_parts_gives_one_action_of_parts():
    class Sees(Asks):
        observation_space = spaces.Dict(
            at=spaces.Box(-1.0, 1.0, (2,)), kind=spaces.Tuple([spaces.Discrete(3)])
        )

        def reset(self, *, seed=None, options=None):
            return self.seen(super().reset(seed=seed))

        def step(self, action):
            return self.seen(super().step(action))

        def seen(self, out):
            return {"at": np.zeros(2, dtype=np.float32), "kind": (1,)}, *out[1:]

    agent = fitted(lambda: Sees(ACTIONS["hybrid"]), max_iter=1)
    one = {"at": [0.5, -0.5], "kind": (2,)}
    batch = {"at": [one["at"], [0.0, 0.0]], "kind": ([2, 0],)}
    alone, many = agent.predict(one), agent.predict(batch)
    assert np.shape(alone[0]) == ()
    assert_allclose(alone[1], many[1][0])
    assert_allclose(agent.predict([one])[1], alone[1][None])
    assert np.shape(agent.sample(one, 0)[1]) == (2,)
    assert_allclose(agent.log_prob(one, alone), agent.log_prob(batch, many)[0])
    with pytest.raises(ValueError, match="actions must be one action in"):
        agent.log_prob(one, many)


def test_standard_deviations_of_parts_keep_their_bounds():
    agent = fitted(
        lambda: Asks(ACTIONS["hybrid"]), init_std=0.5, std_bounds=(0.45, 0.55), max_iter=12
    )
    # The unit of the Box from -2 to 6 is 4.
    scale = agent.policy_.params([[0.0]])["1.scale"]
    assert ((scale >= 4 * 0.45 - 1e-9) & (scale <= 4 * 0.55 + 1e-9)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"distribution": {"1": "squashed_normal"}}, r"distribution\['1'\] must be a family on"),
        ({"distribution": {"1": "beta"}}, r"distribution\['1'\] must be a family on the real line"),
        ({"state_dependent_std": True}, "state_dependent_std must be False, because"),
        ({"init_std": [1.0, 2.0]}, "init_std must be a number for actions in .* several parts"),
    ],
)
def test_what_parts_do_not_have_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        fitted(lambda: Asks(ACTIONS["hybrid"]), max_iter=1, **options)


def test_actions_of_parts_are_not_exported():
    agent = fitted(lambda: Asks(ACTIONS["hybrid"]), max_iter=1)
    with pytest.raises(ValueError, match="natfit cannot export actions in"):
        agent.policy_.to_numpy()
