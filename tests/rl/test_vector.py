"""Episodes side by side: ends, seeds, plans, pickles, checks."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from natfit.rl import Box, Discrete, Environment, EnvironmentFailure, MultiDiscrete, Simulated
from natfit.rl.environments import LQR, CartPole, Drift, Pendulum, TwoState


def starts(environment, seeds):
    state = np.concatenate([environment.start(np.random.default_rng(s), 1) for s in seeds])
    return environment.observation_space.encode(environment.observe(state))


def same(a, b):
    for x, y in zip(a, b, strict=True):
        assert (x is None) == (y is None)
        if x is not None:
            assert_array_equal(x, y)


@pytest.mark.parametrize("environment", [CartPole(), Pendulum(), TwoState(), LQR(noise=0.1)])
def test_a_seed_is_a_start(environment):
    vector = Simulated(environment, 3)
    assert vector.can_seed
    assert_array_equal(vector.reset([5, 9, 5]), starts(environment, [5, 9, 5]))
    mixed = vector.reset([None, 9, None])
    assert_array_equal(mixed[1], starts(environment, [9])[0])


def test_unseeded_rows_go_on_with_one_generator():
    vector = Simulated(CartPole(), 2)
    vector.reset([7, 8])
    rng = np.random.default_rng(7)
    rng.uniform(size=4)
    assert_array_equal(vector.reset(), rng.uniform(-0.05, 0.05, (2, 4)))
    assert_array_equal(vector.reset([3, None])[1], rng.uniform(-0.05, 0.05, 4))


def test_termination_and_limit_differ():
    drift = Simulated(Drift(horizon=3), 2)
    drift.reset([0, 1])
    steps = [drift.step(np.array([1.0, 2.0])) for _ in range(3)]
    assert [s.final is None for s in steps] == [True, True, False]
    assert_array_equal(steps[1].observation, [[2.0], [4.0]])
    last = steps[2]
    assert last.terminated.all()
    assert not last.truncated.any()
    assert_array_equal(last.final, [[3.0], [6.0]])
    assert_array_equal(last.observation, [[0.0], [0.0]])
    assert last.valid is None
    two = Simulated(TwoState(time_limit=2), 2)
    two.reset([0, 1])
    assert not two.step(np.zeros(2)).truncated.any()
    last = two.step(np.ones(2))
    assert last.truncated.all()
    assert not last.terminated.any()


def test_an_end_on_the_limit_is_no_truncation():
    class Both(Drift):
        time_limit = 3

    vector = Simulated(Both(horizon=3), 1)
    vector.reset([0])
    last = [vector.step(np.zeros(1)) for _ in range(3)][-1]
    assert (last.terminated[0], last.truncated[0]) == (True, False)


def test_only_ended_rows_begin_anew():
    vector = Simulated(CartPole(), 16)
    before = vector.reset(range(16))
    rng, ends = np.random.default_rng(0), 0
    lengths = np.zeros(16, dtype=int)
    for _ in range(200):
        kept = before.copy()
        step = vector.step(rng.integers(2, size=16))
        assert_array_equal(before, kept)
        lengths += 1
        for row in np.flatnonzero(step.terminated):
            ends += 1
            assert lengths[row] >= 8
            assert abs(step.final[row, 0]) > 2.4 or abs(step.final[row, 2]) > np.deg2rad(12)
            assert np.abs(step.observation[row]).max() <= 0.05
            lengths[row] = 0
        if step.final is not None:
            going = ~step.terminated
            assert_array_equal(step.final[going], step.observation[going])
        before = step.observation
    assert ends > 50


def test_the_plan_is_followed_row_by_row():
    vector = Simulated(Pendulum(), 2)
    vector.reset([0, 1])
    vector.plan = [[10, 11], [20]]
    seen = []
    for _ in range(600):
        step = vector.step(np.zeros(2))
        if step.truncated.any():
            seen.append(step.observation)
    for got, seeds in zip(seen, ([10, 20], [11, 20], [10, 20]), strict=True):
        assert_array_equal(got, starts(Pendulum(), seeds))
    vector.plan = vector.plan
    vector.plan = None
    for _ in range(200):
        step = vector.step(np.zeros(2))
    assert not np.array_equal(step.observation, starts(Pendulum(), [11, 20]))


def test_the_plan_and_seeds_are_checked():
    vector = Simulated(CartPole(), 2)
    with pytest.raises(ValueError, match="plan must be 2 lists"):
        vector.plan = [[1]]
    with pytest.raises(ValueError, match="plan must be 2 lists"):
        vector.plan = [[1], []]
    with pytest.raises(ValueError, match="seeds must have length 2, one per row, got 3"):
        vector.reset([1, 2, 3])
    with pytest.raises(RuntimeError, match="'cartpole' must be reset before"):
        vector.step(np.zeros(2))


@pytest.mark.parametrize("plan", [None, [[1, 2], [3], [4]]])
def test_a_pickled_copy_goes_on_alike(plan):
    vector = Simulated(CartPole(), 3)
    vector.reset([0, 1, 2])
    vector.plan = plan
    rng, ends = np.random.default_rng(0), 0
    for _ in range(30):
        vector.step(rng.integers(2, size=3))
    other = pickle.loads(pickle.dumps(vector))
    for _ in range(100):
        action = rng.integers(2, size=3)
        step = vector.step(action)
        ends += step.terminated.sum()
        same(step, other.step(action))
    assert ends > 3
    vector.close()


class Custom(Drift):
    """An environment that fails as it is told to, in the third step of row 1."""

    def __init__(self, how="", horizon=10):
        super().__init__(horizon)
        self.how = how

    def step(self, state, action):
        new, reward, terminated = super().step(state, action)
        late = len(new) > 1 and new[0, 1] == 3
        if late and self.how == "reward":
            reward[1] = np.nan
        if late and self.how == "observation":
            new[1, 0] = np.inf
        if late and self.how == "flag":
            terminated = np.array([False, 0.5], dtype=object)
        return new, reward, terminated


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("reward", "the reward is nan; a reward must be a finite real number"),
        ("observation", r"the observation array\(\[inf\]\) is not finite; correct it"),
        ("flag", "terminated is 0.5; terminated must be True or False"),
    ],
)
def test_ones_own_environment_is_checked(how, message):
    vector = Simulated(Custom(how), 2)
    vector.reset([0, 1])
    vector.step(np.zeros(2))
    vector.step(np.zeros(2))
    where = "environment 'drift', row 1, in step 3 of its episode: "
    with pytest.raises(EnvironmentFailure, match=where + message):
        vector.step(np.zeros(2))


def test_trust_is_not_inherited():
    class Wider(Pendulum):
        observation_space = Box([-0.1] * 4, [0.1] * 4)

    with pytest.raises(EnvironmentFailure, match=r"row 0, when it was reset: .* shape \(4,\)"):
        Simulated(Wider(), 2).reset([0, 1])


@pytest.mark.parametrize("environment", [Drift(), LQR()])
def test_overflow_of_an_open_environment_is_reported(environment):
    vector = Simulated(environment, 2)
    vector.reset([0, 1])
    with pytest.raises(EnvironmentFailure, match="row 1, in step 1 of its episode: the reward is"):
        vector.step(np.array([[1.0], [1e200]]))


def test_the_base_class_asks_for_its_verbs():
    base = Environment()
    for call in (lambda: base.start(None, 1), lambda: base.step(None, None)):
        with pytest.raises(NotImplementedError):
            call()
    assert_array_equal(base.observe(np.ones((1, 2))), np.ones((1, 2)))


class Mine(Environment):
    """A correct environment without a name of its own."""

    observation_space = Box([0.0], [9.0])
    action_space = Discrete(2)
    time_limit = 2

    def start(self, rng, n):
        return np.zeros((n, 1))

    def step(self, state, action):
        return state + 1.0, np.ones(len(state)), np.zeros(len(state), dtype=bool)


def broken(*args):
    raise KeyError("k")


def stepping(**changes):
    """A step in which one of the three returned values is another."""
    names = ("state", "reward", "terminated")

    def step(self, state, action):
        values = dict(zip(names, Mine.step(self, state, action), strict=True))
        return tuple({**values, **changes}.values())

    return {"step": step}


RESET, STEP = "row 0, when it was reset: ", "row 0, in step 1 of its episode: "
OWN = [
    ({"start": broken}, RESET + "start raised KeyError: 'k'"),
    ({"start": lambda self, rng, n: None}, RESET + "the states that start returned are None"),
    ({"start": lambda self, rng, n: np.zeros((n + 1, 1))}, RESET + r"the states .*\(2 of them\)"),
    ({"observe": broken}, RESET + "observe raised KeyError: 'k'"),
    ({"observe": lambda self, state: state[:1]}, RESET + r"the observations .*\(1 of them\)"),
    ({"observe": lambda self, state: None}, RESET + "the observations are None"),
    ({"step": broken}, STEP + "step raised KeyError: 'k'"),
    ({"step": lambda self, state, action: state}, STEP + r"step returned ndarray; .* \(state, reward, terminated\)"),
    ({"step": lambda self, state, action: (state, 1.0)}, STEP + "step returned 2 values"),
    (stepping(state=np.zeros((1, 1))), STEP + r"the states that step returned .*\(1 of them\)"),
    (stepping(state=np.zeros((2, 3))), STEP + r"step returned states of shape \(2, 3\)"),
    (stepping(reward=1.0), STEP + "the rewards are 1.0"),
    (stepping(reward=np.ones((2, 1))), STEP + r"the reward is array\(\[1.\]\)"),
    (stepping(reward=np.ones(1)), STEP + r"the rewards are array\(\[1.\]\) \(1 of them\)"),
    (stepping(terminated=False), STEP + "the terminated flags are False"),
    (stepping(terminated=np.ones((2, 1), bool)), STEP + "terminated is array"),
]  # fmt: skip


@pytest.mark.parametrize(("methods", "message"), OWN)
def test_what_ones_own_environment_may_not_return(methods, message):
    vector = Simulated(type("Odd", (Mine,), methods)(), 2)
    with pytest.raises(EnvironmentFailure, match="environment 'Odd', " + message) as caught:
        (vector.reset([0, 1]), vector.step(np.zeros(2)))
    assert isinstance(caught.value.__cause__, KeyError) == ("raised" in message)


def test_a_class_without_a_name_is_called_by_its_class():
    assert Simulated(Mine(), 1).name == "Mine"
    assert Simulated(Custom(), 1).name == "drift"


def test_states_that_begin_anew_are_checked():
    """A state of one number would fill one of two."""

    class Shrinks(Mine):
        def __init__(self):
            self.calls = 0

        def start(self, rng, n):
            self.calls += 1
            return np.zeros((n, 2 if self.calls == 1 else 1))

        def observe(self, state):
            return state[:, :1]

    vector = Simulated(Shrinks(), 2)
    vector.reset()
    vector.step(np.zeros(2))
    with pytest.raises(EnvironmentFailure, match=r"start returned states of shape \(2, 1\)"):
        vector.step(np.zeros(2))


@pytest.mark.parametrize("kind", ["observation_space", "action_space"])
def test_spaces_are_asked_for(kind):
    with pytest.raises(TypeError, match=rf"\(Odd\) must have {kind}, .* got None"):
        Simulated(type("Odd", (Mine,), {kind: None})(), 1)
    with pytest.raises(TypeError, match=r"'Bare' \(Bare\) must have observation_space"):
        Simulated(type("Bare", (Environment,), {})(), 1)


@pytest.mark.parametrize("space", [Discrete(1), MultiDiscrete([2, 1])])
def test_one_action_is_no_choice(space):
    with pytest.raises(
        ValueError, match="action_space of environment 'Odd' must have at least two actions"
    ):
        Simulated(type("Odd", (Mine,), {"action_space": space})(), 1)
