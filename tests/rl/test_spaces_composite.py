"""Dict and Tuple spaces against Gymnasium's, nested at random."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from numpy.testing import assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.rl import (
    Box,
    Dict,
    Discrete,
    Environment,
    EnvironmentFailure,
    MultiBinary,
    Tuple,
    make_environment,
)
from natfit.rl.composites import from_gymnasium
from natfit.testing.environments import check_environment

LEAVES = [
    lambda: spaces.Discrete(3, start=-1),
    lambda: spaces.MultiDiscrete([2, 3]),
    lambda: spaces.MultiBinary((2, 2)),
    lambda: spaces.Box(-1.0, 1.0, (2,), dtype=np.float32),
    lambda: spaces.Box(-np.inf, np.inf, (), dtype=np.float64),
    lambda: spaces.Box(0, 255, (2, 1), dtype=np.uint8),
]


def nested(rng, depth=2):
    """A random Dict or Tuple of Gymnasium."""
    parts = [
        nested(rng, depth - 1) if depth and rng.random() < 0.4 else rng.choice(LEAVES)()
        for _ in range(rng.integers(1, 4))
    ]
    if rng.random() < 0.5:
        return spaces.Tuple(parts)
    return spaces.Dict({"zyxw"[k]: part for k, part in enumerate(parts)})


def batched(space, values):
    """Values given part by part, as Gymnasium's vectors give them."""
    if isinstance(space, spaces.Dict):
        return {k: batched(s, [v[k] for v in values]) for k, s in space.spaces.items()}
    if isinstance(space, spaces.Tuple):
        return tuple(batched(s, [v[k] for v in values]) for k, s in enumerate(space.spaces))
    return np.array(values)


@pytest.mark.parametrize("seed", range(12))
def test_features_are_those_that_gymnasium_flattens(seed):
    theirs = nested(np.random.default_rng(seed))
    theirs.seed(seed)
    ours = from_gymnasium(theirs, "space")
    values = [theirs.sample() for _ in range(7)]
    want = np.array([spaces.flatten(theirs, v) for v in values], dtype=float)
    for given in (values, batched(theirs, values)):
        assert_array_equal(ours.encode(given), want)
        assert ours.contains(given).all()
    assert ours.width == want.shape[1] == len(ours.feature_names) == len(set(ours.feature_names))
    assert ours == from_gymnasium(theirs, "space")
    assert hash(ours) == hash(from_gymnasium(theirs, "space"))


def test_names_say_where_a_feature_is():
    space = Dict(
        {
            "b": Box([0.0, 0.0], [1.0, 1.0]),
            "a": Dict({"k": Discrete(2, start=4), "z": Box(0.0, 1.0)}),
            "t": Tuple([MultiBinary(1), spaces.MultiDiscrete([2])]),
        }
    )
    assert space.feature_names == [
        "b[0]", "b[1]", "a.k=4", "a.k=5", "a.z", "t[0][0]", "t[1][0]=0", "t[1][0]=1",
    ]  # fmt: skip
    assert Tuple([Discrete(2), Box(0.0, 1.0)]).feature_names == ["x[0]=0", "x[0]=1", "x[1]"]
    assert Box([0.0], [1.0]).feature_names == ["x[0]"]


def test_order_counts():
    a, b = Discrete(2), Box([0.0], [1.0])
    assert Dict({"a": a, "b": b}) != Dict({"b": b, "a": a})
    assert Tuple([a, b]) != Tuple([b, a])
    assert Tuple([a, b]) == Tuple([Discrete(2), Box([0.0], [1.0])])


@pytest.mark.parametrize(
    "space",
    [
        spaces.Text(3),
        spaces.Sequence(spaces.Discrete(2)),
        spaces.Graph(spaces.Box(0, 1, (2,)), None),
        spaces.OneOf([spaces.Discrete(2)]),
    ],
    ids=lambda s: type(s).__name__,
)
def test_spaces_without_a_fixed_size_are_named_where_they_are(space):
    whole = spaces.Dict(a=spaces.Discrete(2), b=spaces.Tuple([space]))
    with pytest.raises(ValueError, match=r"my space\['b'\]\[0\] must be Discrete"):
        from_gymnasium(whole, "my space")


@pytest.mark.parametrize("make", [lambda: Dict({}), lambda: Tuple([])])
def test_a_space_has_parts(make):
    with pytest.raises(ValueError, match="at least one entry"):
        make()


# ------------------------------------------------------------------------- environments


class Shows(gymnasium.Env):
    """Observes samples of a space; the action 1 has the reward 1."""

    action_space = spaces.Discrete(2)

    def __init__(self, space, change=None):
        self.observation_space, self.change = space, change

    def see(self):
        seen = self.observation_space.sample()
        return seen if self.change is None or self.steps < 2 else self.change(seen)

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self.observation_space.seed(seed)
        self.steps = 0
        return self.see(), {}

    def step(self, action):
        self.steps += 1
        return self.see(), float(action), self.steps == 4, False, {}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", [None, "NextStep", "SameStep", "Disabled"])
def test_trained_and_evaluated(seed, mode):
    def space():
        return nested(np.random.default_rng(seed))

    def single():
        return Shows(space())

    def make():
        return single() if mode is None else SyncVectorEnv([single] * 2, autoreset_mode=mode)

    n = 2 if mode is None else None
    agent = NaturalPolicyEstimator(
        make, "linear", n_envs=n, batch_size=16, max_iter=2, random_state=0
    ).fit()
    theirs = space()
    theirs.seed(3)
    values = [theirs.sample() for _ in range(5)]
    actions = agent.predict(batched(theirs, values))
    assert_array_equal(actions, agent.predict(values))
    assert actions.shape == (5,)
    assert np.isfinite(agent.evaluate(3).mean)
    assert agent.n_features_in_ == len(agent.policy_.observation_space.feature_names)


PAIR = spaces.Dict(a=spaces.Box(-1.0, 1.0, (2,)), b=spaces.Discrete(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: {"a": o["a"]}, r"a value must be a dict with the parts \['a', 'b'\], got"),
        (lambda o: {**o, "c": 1}, "a value must be a dict with the parts"),
        (lambda o: 3, "a value must be a dict with the parts"),
        (lambda o: {**o, "a": np.zeros(3)}, r"the observation\['a'\] has shape \(3,\)"),
        (lambda o: {**o, "a": np.array([0.0, np.nan])}, r"the observation\['a'\] .* is not finite"),
        (lambda o: {**o, "b": 2}, r"the observation\['b'\] .* is outside its space"),
    ],
)
def test_bad_parts_are_named(change, message):
    vector = make_environment(lambda: Shows(PAIR, change))
    vector.reset([0])
    vector.step(np.zeros(1))
    with pytest.raises(EnvironmentFailure, match="row 0, in step 2 .*" + message):
        vector.step(np.zeros(1))


def test_parts_outside_of_their_box_are_counted():
    agent = NaturalPolicyEstimator(
        lambda: Shows(PAIR, lambda o: {**o, "a": o["a"] + np.float32(5.0)}),
        "linear", n_envs=2, batch_size=8, max_iter=2, random_state=0,
    ).fit()  # fmt: skip
    assert agent.history_["outside"].tolist() == [6, 12]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": np.zeros((2, 2))}, "parts"),
        (np.zeros((2, 2)), "parts"),
        ({"a": np.zeros((2, 2)), "b": [0]}, "same number of rows in every part"),
        (
            {"a": np.zeros((2, 3)), "b": [0, 0]},
            r"observations\['a'\]: observations must have shape",
        ),
        ({"a": np.full((1, 2), np.nan), "b": [0]}, r"observations\['a'\]: .*finite"),
        ({"a": np.zeros((1, 2)), "b": [2]}, r"observations\['b'\]: .*must lie in"),
        ([], "at least one row"),
    ],
)
def test_predict_names_the_part(given, message):
    agent = NaturalPolicyEstimator(
        lambda: Shows(PAIR), "linear", n_envs=2, batch_size=8, max_iter=1, random_state=0
    ).fit()
    with pytest.raises(ValueError, match=message):
        agent.predict(given)


class Dynamics(Environment):
    """A place on a line and which half it is in."""

    name = "halves"
    observation_space = Dict({"place": Box([-9.0], [9.0]), "half": Discrete(2)})
    action_space = Discrete(2)
    time_limit = 5

    def start(self, rng, n):
        return rng.uniform(-1.0, 1.0, (n, 1))

    def step(self, state, action):
        new = state + action[:, None] - 0.5
        return new, -np.abs(new[:, 0]), np.zeros(len(state), dtype=bool)

    def observe(self, state):
        return {"place": state.copy(), "half": (state[:, 0] > 0).astype(int)}


def test_dynamics_may_return_parts():
    check_environment(Dynamics())
    agent = NaturalPolicyEstimator(Dynamics(), "linear", max_iter=3, random_state=0).fit()
    assert agent.predict({"place": [[0.1]], "half": [1]}).shape == (1,)
