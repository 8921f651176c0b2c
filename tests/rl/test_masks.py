"""Masks of actions: exact distributions over what is allowed, and masked actions never taken."""

import numpy as np
import pytest
from gymnasium import Env, Wrapper, spaces
from gymnasium.vector import SyncVectorEnv
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax

from natfit import NaturalPolicyEstimator
from natfit.models import MLP, Constant, Linear
from natfit.rl import (
    Box,
    Discrete,
    Environment,
    EnvironmentFailure,
    MultiBinary,
    MultiDiscrete,
    OneByOne,
)
from natfit.rl.compatible import compatible_advantage
from natfit.rl.masks import MaskedModel, allows, flat_mask, mask_width, masked, sound_masks
from natfit.rl.policy import action_distribution

SPACES = [Discrete(2), Discrete(5, start=-1), MultiDiscrete([2, 4, 3]), MultiBinary(3)]
IDS = ["two", "five", "multi", "binary"]


def elements(space):
    """Number of values of each element."""
    if isinstance(space, MultiBinary):
        return [2] * space.width
    return [space.n] if isinstance(space, Discrete) else space.nvec.tolist()


def random_masks(space, n, rng):
    """Masks with at least one value of each element."""
    parts = []
    for count in elements(space):
        part = rng.random((n, count)) < 0.5
        part[np.arange(n), rng.integers(count, size=n)] = True
        parts.append(part)
    return np.concatenate(parts, axis=1)


def log_probs(space, eta, mask):
    """Log-probabilities of the values of each element, by scipy over the allowed ones alone."""
    found, at, place = [], 0, 0
    for count in elements(space):
        own = eta[at : at + count - 1]
        logits = np.insert(own, 0 if isinstance(space, MultiBinary) else count - 1, 0.0)
        allowed = mask[place : place + count]
        out = np.full(count, -np.inf)
        out[allowed] = log_softmax(logits[allowed])
        found.append(out)
        at, place = at + count - 1, place + count
    return found


@pytest.mark.parametrize("space", SPACES, ids=IDS)
def test_the_distribution_is_that_over_the_allowed_values(space):
    rng = np.random.default_rng(1)
    family, n = action_distribution(space), 40
    eta = rng.normal(0.0, 3.0, (n, family.n_params))
    mask = random_masks(space, n, rng)
    own = masked(space, eta, mask)
    other = masked(space, eta + rng.normal(0.0, 1.0, eta.shape), mask)
    y, entropy, kl = family.sample(own, rng).reshape(n, -1), np.zeros(n), np.zeros(n)
    value, mode = np.zeros(n), family.mode(own).reshape(n, -1)
    for i in range(n):
        pairs = zip(
            log_probs(space, own[i], mask[i]), log_probs(space, other[i], mask[i]), strict=True
        )
        for j, (logs, others) in enumerate(pairs):
            open_ = np.isfinite(logs)
            p = np.exp(logs[open_])
            entropy[i] -= p @ logs[open_]
            kl[i] += p @ (logs[open_] - others[open_])
            value[i] += logs[int(y[i, j])]
            assert mode[i, j] == np.argmax(logs)
    want = [log_probs(space, e, m) for e, m in zip(eta, mask, strict=True)]
    got = [log_probs(space, e, m) for e, m in zip(own, mask, strict=True)]
    for a, b in zip(want, got, strict=True):
        assert_allclose(np.concatenate(b), np.concatenate(a), atol=1e-11)
    shape = (n, *family.event_shape)
    assert_allclose(family.log_prob(y.reshape(shape), own), value, atol=1e-11)
    assert_allclose(family.entropy(own), entropy, atol=1e-11)
    assert_allclose(family.entropy_and_grad(own)[0], entropy, atol=1e-11)
    assert_allclose(family.kl(own, other), kl, atol=1e-11)
    score = family.score(y.reshape(shape), own)
    fisher = family.fisher(own)
    for numbers in (score, fisher, family.entropy_and_grad(own)[1]):
        assert np.isfinite(numbers).all()


@pytest.mark.parametrize("space", SPACES, ids=IDS)
@pytest.mark.parametrize(
    "model", [Linear(), MLP((3,)), Constant()], ids=["linear", "mlp", "constant"]
)
def test_derivatives_in_theta_are_those_of_differences(space, model):
    rng = np.random.default_rng(2)
    family, n = action_distribution(space), 6
    inner = model.bind(2, family)
    theta = inner.init(rng, np.zeros(family.n_params)) + rng.normal(0.0, 0.5, inner.n_params)
    mask = random_masks(space, n, rng)
    X = np.concatenate([rng.normal(size=(n, 2)), mask], axis=1)
    outer = MaskedModel(inner, space)
    lin = outer.linearize(theta, X)
    assert_allclose(lin.eta, outer.eta(theta, X), rtol=1e-12)
    y = family.sample(lin.eta, rng)

    def value(t):
        return family.log_prob(y, outer.eta(t, X)).sum()

    def entropy(t):
        return family.entropy(outer.eta(t, X)).sum()

    steps = 1e-5 * np.eye(len(theta))
    for f, own in (
        (value, family.score(y, lin.eta)),
        (entropy, family.entropy_and_grad(lin.eta)[1]),
    ):
        slope = [(f(theta + s) - f(theta - s)) / 2e-5 for s in steps]
        assert_allclose(lin.vjp(own), slope, atol=1e-5)
    # The information is the second derivative of the divergence.
    gram = lin.gram(family.fisher(lin.eta))
    v = rng.normal(size=len(theta))
    far = family.kl(lin.eta, outer.eta(theta + 1e-4 * v, X)).sum()
    assert_allclose(0.5e-8 * v @ gram @ v, far, rtol=1e-2, atol=1e-13)
    assert_allclose(lin.diag(family.fisher(lin.eta)), np.diagonal(gram), atol=1e-12)
    jv = np.einsum("nk,nkl,nl->", lin.jvp(v), family.fisher(lin.eta), lin.jvp(v))
    assert_allclose(jv, v @ gram @ v, atol=1e-12)


@pytest.mark.parametrize("space", SPACES, ids=IDS)
@pytest.mark.parametrize("size", [1.0, 50.0, 3000.0])
def test_masked_actions_are_never_drawn(space, size):
    rng = np.random.default_rng(3)
    family, n = action_distribution(space), 5000
    mask = random_masks(space, n, rng)
    eta = masked(space, rng.normal(0.0, size, (n, family.n_params)), mask)
    assert allows(space, mask, family.sample(eta, rng)).all()
    assert allows(space, mask, family.mode(eta)).all()


@pytest.mark.parametrize("space", SPACES, ids=IDS)
@pytest.mark.parametrize("kind", [bool, np.int8, float])
def test_masks_in_one_array_are_those_of_its_rows(space, kind):
    rng = np.random.default_rng(4)
    whole = random_masks(space, 50, rng).astype(kind)
    found = sound_masks(space, whole)
    assert found.dtype == bool
    assert_array_equal(found, [flat_mask(space, row)[0] for row in whole])
    worse = [np.zeros_like(whole), whole[:, 1:], whole.astype(object), whole.tolist(), whole[0]]
    if kind is float:
        worse += [np.where(whole > 0, bad, 0.0) for bad in (np.nan, 2.0)]
    for faulty in worse:
        assert sound_masks(space, faulty) is None


# ------------------------------------------------------------------------- environments


class Maze(Env):
    """Masks that change from step to step; a masked action is an error.

    ``how`` says where the mask is: "info", "method", or "sometimes" in infos.
    """

    observation_space = spaces.Box(-1.0, 1.0, (2,))

    def __init__(self, how="info", space=None, broken=None):
        self.how, self.action_space, self.broken = how, space or spaces.Discrete(4), broken
        self.ours = make_space(self.action_space)
        self.rng = np.random.default_rng(0)
        if how == "method":
            self.action_masks = self.own_masks

    def own_masks(self):
        return self.now

    def see(self):
        free = self.how == "sometimes" and self.steps % 2
        self.now = random_masks(self.ours, 1, self.rng)[0]
        if free:
            self.now[:] = True
        info = {} if free or self.how == "method" else {"action_mask": self.now.astype(np.int8)}
        if self.broken is not None and self.steps == 2:
            info = {"action_mask": self.broken}
        return self.rng.uniform(-1.0, 1.0, 2).astype(np.float32), info

    def reset(self, *, seed=None, options=None):
        self.rng = np.random.default_rng(seed) if seed is not None else self.rng
        self.steps = 0
        return self.see()

    def step(self, action):
        y = np.asarray(action).reshape(1, -1) - np.ravel(getattr(self.ours, "start", 0))
        assert allows(self.ours, self.now[None], y).all(), (action, self.now)
        self.steps += 1
        observation, info = self.see()
        return observation, float(np.sum(y)), self.steps == 5, False, info


def make_space(space):
    return {
        "Discrete": lambda: Discrete(int(space.n), int(getattr(space, "start", 0))),
        "MultiDiscrete": lambda: MultiDiscrete(space.nvec),
        "MultiBinary": lambda: MultiBinary(int(space.n)),
    }[type(space).__name__]()


def fitted(env, **options):
    options = {"batch_size": 40, "max_iter": 3, "n_envs": 4, "random_state": 0, **options}
    return NaturalPolicyEstimator(env, "linear", baseline="constant", **options).fit()


GYM = [spaces.Discrete(4, start=2), spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(2)]


@pytest.mark.parametrize("space", GYM, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("how", ["info", "method", "sometimes"])
def test_a_training_and_its_evaluation_obey_masks(how, space):
    agent = fitted(lambda: Maze(how, space), warm_start=True)
    assert np.isfinite(agent.theta_).all()
    assert np.isfinite(agent.history_["kl"]).all()
    assert (agent.history_["kl"] > 0).all()
    agent.set_params(max_iter=4).fit()
    assert np.isfinite(agent.score(range(5)))
    assert np.isfinite(agent.evaluate(6, greedy=False).mean)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
@pytest.mark.parametrize("how", ["info", "method", "sometimes"])
def test_vectors_obey_masks(how, mode):
    def make():
        return SyncVectorEnv([lambda: Wrapper(Maze(how))] * 3, autoreset_mode=mode)

    agent = fitted(make, n_envs=None)
    assert np.isfinite(agent.evaluate(6, greedy=False).mean)


@pytest.mark.parametrize("unit", ["steps", "episodes"])
@pytest.mark.parametrize("metric", ["exact", "empirical", "monte_carlo", "euclidean"])
def test_every_metric_and_unit_obeys_masks(metric, unit):
    agent = fitted(
        lambda: Wrapper(Maze("sometimes")), metric=metric, batch_unit=unit, entropy_bonus=0.01
    )
    assert np.isfinite(agent.theta_).all()


def test_compatible_features_are_scores_of_the_masked_policy(monkeypatch):
    """A row that allows one action only has no choice, and therefore the score zero."""
    seen = []

    def watched(kind, scores, *args):
        seen.append(np.linalg.norm(scores.factor(), axis=0))
        return compatible_advantage(kind, scores, *args)

    monkeypatch.setattr("natfit.rl.training.compatible_advantage", watched)
    agent = fitted(
        lambda: Maze("info"), metric="empirical", advantage="lstd_q", step="kl", batch_size=80
    )
    assert np.isfinite(agent.theta_).all()
    for norms in seen:
        assert (norms < 1e-12).any() and (norms > 1e-3).any()


class Dynamics(Environment):
    """The value of an action counts; where the place is odd, only 0 and 2 are allowed."""

    name = "odd"
    observation_space = Box([0.0], [9.0])
    action_space = Discrete(4)
    time_limit = 6

    def start(self, rng, n):
        return rng.integers(2, size=(n, 1)).astype(float)

    def action_masks(self, state):
        return np.where(state % 2 == 1, [1, 0, 1, 0], [1, 1, 1, 1])

    def step(self, state, action):
        assert not np.any((state[:, 0] % 2 == 1) & (action % 2 == 1))
        return (state + 1.0) % 9.0, action.astype(float), np.zeros(len(state), dtype=bool)


def test_dynamics_have_masks_of_states():
    agent = fitted(Dynamics(), batch_size=100, max_iter=8)
    # At the best, 3 and 2 in turn: 15 in six steps; uniform actions have 7.5.
    assert agent.score() > 10.0


def test_parts_carry_their_masks():
    whole = OneByOne([Maze("sometimes") for _ in range(3)])
    whole.reset([1, 2, 3])
    parts = [whole.part(slice(0, 1)), whole.part(slice(1, 3))]
    mask = whole.mask
    assert_array_equal(np.concatenate([part.mask for part in parts]), mask)
    assert_array_equal(OneByOne.join(parts).mask, mask)
    parts[0].step(np.argmax(mask[:1], axis=1))
    assert parts[0].mask is None
    assert_array_equal(OneByOne.join(parts).mask, np.concatenate([np.ones((1, 4)), mask[1:]]))


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ([0, 0, 0, 0], "must allow at least one action"),
        ([1, 1, 1], "has 3 entries, but actions in Discrete.* have 4"),
        (np.ones(5), "has 5 entries"),
        ([1, 2, 0, 0], "must hold zeros and ones"),
        ([1, np.nan, 0, 0], "must hold zeros and ones"),
        ("abcd", "has 1 entries"),
    ],
)
def test_bad_masks_end_a_training(mask, message):
    with pytest.raises(EnvironmentFailure, match=r"'Maze', row \d, in step 2 of .*" + message):
        fitted(lambda: Maze(broken=mask))


def test_masks_of_parts_are_refused():
    class Parts(Maze):
        def see(self):
            return np.zeros(2, dtype=np.float32), {"action_mask": (np.ones(4),)}

    def make():
        env = Parts()
        env.action_space = spaces.Tuple([env.action_space])
        return env

    with pytest.raises(EnvironmentFailure, match="the action mask cannot be used for actions in"):
        fitted(make)


def test_every_element_needs_an_allowed_value():
    with pytest.raises(EnvironmentFailure, match="must allow at least one action in element 1"):
        fitted(lambda: Maze(space=spaces.MultiDiscrete([2, 3]), broken=[1, 1, 0, 0, 0]))


# ------------------------------------------------------------------------- the estimator


@pytest.mark.parametrize("space", GYM, ids=lambda s: type(s).__name__)
def test_methods_of_the_estimator_take_masks(space):
    agent, ours = fitted(lambda: Maze(space=space)), make_space(space)
    rng = np.random.default_rng(5)
    n = 200
    seen, mask = rng.uniform(-1.0, 1.0, (n, 2)), random_masks(ours, n, rng)
    for actions in (agent.predict(seen, action_masks=mask), agent.sample(seen, 0, mask)):
        y = agent.policy_.from_space(actions)
        assert allows(ours, mask, y).all()
        assert np.isfinite(agent.log_prob(seen, actions, mask)).all()
    drawn = agent.sample(seen, 0)
    inside = allows(ours, mask, agent.policy_.from_space(drawn))
    assert not inside.all()
    assert_array_equal(np.isfinite(agent.log_prob(seen, drawn, action_masks=mask)), inside)
    p = agent.predict_proba(seen, action_masks=mask)
    if not isinstance(ours, MultiBinary):
        assert (p[~mask] == 0.0).all()
        assert_allclose(p.sum(axis=1), len(elements(ours)))
    assert_array_equal(agent.predict(seen, np.ones_like(mask)), agent.predict(seen))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.ones((2, 4)), r"must have shape \(3, 4\), one row for each observation, got 2 rows"),
        (np.ones((3, 3)), "has 3 entries, but"),
        ([[1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]], "must allow at least one action.* at row 1"),
        (1, r"must have shape \(3, 4\)"),
    ],
)
def test_bad_masks_are_refused(masks, message):
    agent = fitted(lambda: Maze(), max_iter=1)
    with pytest.raises(ValueError, match="action_masks " + message):
        agent.predict(np.zeros((3, 2)), action_masks=masks)


def test_real_actions_have_no_masks():
    assert mask_width(Box([0.0], [1.0])) == 0
    agent = NaturalPolicyEstimator(
        "pendulum", "linear", max_iter=1, batch_size=16, random_state=0
    ).fit()
    with pytest.raises(ValueError, match="must be None for actions in Box"):
        agent.predict([[1.0, 0.0, 0.0]], action_masks=[[1]])
