"""Single and vectorised environments with Gymnasium's interface, correct and faulty ones."""

import copy
import pickle
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.testing import assert_allclose, assert_array_equal

from natfit.rl import Batched, EnvironmentFailure, OneByOne, Simulated, make_environment
from natfit.rl.environments import CartPole, Pendulum
from tests.rl.worlds import Vector


class Counter(gymnasium.Env):
    """Observes (seed, steps); ends by itself after ``length`` steps, or is cut off after ``cut``."""

    observation_space = spaces.Box(0.0, 1000.0, (2,), dtype=np.float64)
    action_space = spaces.Discrete(2, start=1)

    def __init__(self, length=3, cut=1000):
        self.length, self.cut, self.first, self.closed = length, cut, 0, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.first = self.first + 1 if seed is None else seed
        self.steps = 0
        return self.observe(), {}

    def observe(self):
        return np.array([self.first, self.steps], dtype=np.float64)

    def step(self, action):
        assert action in (1, 2)
        self.steps += 1
        ends = self.steps >= self.length, self.steps >= self.cut
        return self.observe(), float(action), *ends, {}

    def close(self):
        self.closed += 1


def vectors(mode):
    return SyncVectorEnv([lambda: Counter(3), lambda: Counter(2)], autoreset_mode=mode)


# ------------------------------------------------------------------------------ one by one


def test_one_by_one():
    ours = OneByOne([Counter(3), Counter(1000, cut=2)])
    assert (ours.name, ours.n, ours.can_seed) == ("Counter", 2, True)
    assert_array_equal(ours.reset([10, 20]), [[10, 0], [20, 0]])
    ours.plan = [[30], [40, 50]]
    step = ours.step(np.array([0, 1]))
    assert_array_equal(step.observation, [[10, 1], [20, 1]])
    # Class 0 is the action 1.
    assert_array_equal(step.reward, [1.0, 2.0])
    assert step.final is None
    step = ours.step(np.array([0, 0]))
    assert_array_equal(step.terminated, [False, False])
    assert_array_equal(step.truncated, [False, True])
    assert_array_equal(step.observation, [[10, 2], [40, 0]])
    assert_array_equal(step.final[1], [20, 2])
    step = ours.step(np.array([0, 0]))
    assert_array_equal(step.terminated, [True, False])
    assert_array_equal(step.observation, [[30, 0], [40, 1]])
    assert_array_equal(step.final[0], [10, 3])
    step = ours.step(np.array([0, 0]))
    assert_array_equal(step.observation[1], [50, 0])
    ours.plan = None
    ours.step(np.array([0, 0]))
    # Without a seed the environment's own way of beginning anew.
    assert_array_equal(ours.step(np.array([0, 0])).observation, [[31, 0], [51, 0]])


def test_an_end_and_a_cut_at_once_is_an_end():
    ours = OneByOne([Counter(2, cut=2)])
    ours.reset([0])
    ours.step(np.array([0]))
    step = ours.step(np.array([0]))
    assert (step.terminated[0], step.truncated[0]) == (True, False)


@pytest.mark.parametrize(
    ("name", "action"),
    [("gymnasium:CartPole-v1", np.array([0, 1])), ("gymnasium:Pendulum-v1", np.array([[0.3], [-2.0]])), ("MountainCarContinuous-v0", np.array([0.3, -1.0])), ("Acrobot-v1", np.array([2, 0]))],
)  # fmt: skip
def test_gymnasiums_own_step_as_they_do(name, action):
    ours = make_environment(name, 2)
    theirs = [gymnasium.make(name.removeprefix("gymnasium:")) for _ in range(2)]
    want = [env.reset(seed=seed)[0] for env, seed in zip(theirs, (3, 4), strict=True)]
    assert_array_equal(ours.reset([3, 4]), want)
    for _ in range(30):
        step = ours.step(action)
        for row, env in enumerate(theirs):
            a = ours.action_space.decode(action)[row]
            a = int(a) if np.ndim(a) == 0 else a.astype(np.float32)
            seen, reward, terminated, truncated, _ = env.step(a)
            assert_array_equal(step.reward[row], reward)
            assert (step.terminated[row], step.truncated[row]) == (terminated, truncated)
            if terminated or truncated:
                assert_array_equal(step.final[row], seen)
                seen, _ = env.reset()
            assert_array_equal(step.observation[row], seen)
    ours.close()


@pytest.mark.parametrize("name", ["gymnasium:CartPole-v1", "Acrobot-v1"])
def test_a_pickled_copy_goes_on_alike(name):
    ours = make_environment(name, 2)
    ours.reset([0, 1])
    ours.plan = [[5], [6]]
    rng = np.random.default_rng(0)
    for _ in range(15):
        ours.step(rng.integers(2, size=2))
    other = pickle.loads(pickle.dumps(ours))
    for _ in range(40):
        action = rng.integers(2, size=2)
        for a, b in zip(ours.step(action), other.step(action), strict=True):
            assert_array_equal(a, b)


def test_parts_are_the_whole():
    def make():
        ours = OneByOne([Counter(k) for k in (2, 3, 4)])
        ours.reset([1, 2, 3])
        ours.plan = [[10, 11], [20, 21], [30, 31]]
        ours.step(np.zeros(3))
        return ours

    whole, split = make(), make()
    parts = [split.part(slice(0, 1)), split.part(slice(1, 3))]
    for _ in range(4):
        want = whole.step(np.zeros(3)).observation
        got = [part.step(np.zeros(part.n)).observation for part in parts]
        assert_array_equal(np.concatenate(got), want)
    joined = OneByOne.join(parts)
    assert joined.plan == whole.plan
    for _ in range(5):
        assert_array_equal(
            joined.step(np.zeros(3)).observation, whole.step(np.zeros(3)).observation
        )
    bare = OneByOne.join([OneByOne([Counter()]), OneByOne([Counter()])])
    assert bare.plan is None


ACTIONS = [
    (spaces.Discrete(3, start=-1), np.array([2]), 1),
    (spaces.MultiDiscrete([2, 3], start=[4, 0]), np.array([[1, 2]]), [5, 2]),
    (spaces.MultiBinary(2), np.array([[1, 0]]), [1, 0]),
    (spaces.Box(-1, 1, (2, 1), dtype=np.float32), np.array([[0.5, -0.25]]), [[0.5], [-0.25]]),
    (spaces.Box(-1, 1, (), dtype=np.float64), np.array([0.1]), 0.1),
]


@pytest.mark.parametrize(("space", "action", "want"), ACTIONS, ids=repr)
@pytest.mark.parametrize("batched", [False, True])
def test_actions_are_what_the_space_contains(space, action, want, batched):
    class Asks(Counter):
        action_space = space
        given: list = []

        def step(self, action):
            # Gymnasium's own vector hands a Box without dimensions a number.
            assert (batched and space.shape == ()) or self.action_space.contains(action)
            self.given.append(action)
            return self.observe(), 0.0, False, False, {}

    Asks.given = []
    ours = make_environment(SyncVectorEnv([Asks]) if batched else Asks())
    ours.reset([0])
    ours.step(action)
    assert len(Asks.given) == 1
    assert_array_equal(Asks.given[0], want)


@pytest.mark.parametrize(
    ("space", "value", "features"),
    [
        (spaces.Discrete(3, start=1), 2, [0, 1, 0]),
        (spaces.MultiDiscrete([2, 2]), np.array([1, 0]), [0, 1, 1, 0]),
        (spaces.MultiBinary(2), np.array([1, 0], dtype=np.int8), [1, 0]),
        (spaces.Box(0, 255, (2, 2), dtype=np.uint8), np.array([[1, 2], [3, 4]], dtype=np.uint8), [1, 2, 3, 4]),
        (spaces.Box(-1, 1, (2,)), [0.5, 0.25], [0.5, 0.25]),
    ],
    ids=repr,
)  # fmt: skip
def test_observations_are_encoded(space, value, features):
    class Shows(Counter):
        observation_space = space

        def observe(self):
            return value

    ours = OneByOne([Shows(2), Shows(3)])
    for seen in (ours.reset([0, 0]), ours.step(np.zeros(2)).observation):
        assert_array_equal(seen, [features, features])
        assert seen.dtype == np.float64
    assert_array_equal(ours.step(np.zeros(2)).final[0], features)


# -------------------------------------------------------------------------- misbehaviour


class Bad(Counter):
    """An environment that fails as it is told to, in step 2 or (as step 0) in reset."""

    def __init__(self, when=2, observation=None, out=None, error=None):
        super().__init__(5)
        self.when, self.shown, self.out, self.error = when, observation, out, error

    def observe(self):
        shown = self.shown is not None and self.steps == self.when
        return self.shown if shown else super().observe()

    def reset(self, **kwargs):
        out = super().reset(**kwargs)
        return self.misbehave() or out if self.when == 0 else out

    def step(self, action):
        out = super().step(action)
        return self.misbehave() or out if self.steps == self.when else out

    def misbehave(self):
        if self.error is not None:
            raise self.error
        return self.out


OBS = np.zeros(2)
BAD = [
    ({"error": ZeroDivisionError("no")}, r"step\(1\) raised ZeroDivisionError: no"),
    ({"out": (OBS, 0.0, False, {})}, r"step returned 4 values; it must return a tuple \(observation, reward"),
    ({"out": [1]}, "step returned list; it must return a tuple"),
    ({"out": (OBS, np.nan, False, False, {})}, "the reward is nan; a reward must be a finite"),
    ({"out": (OBS, -np.inf, False, False, {})}, "the reward is -inf"),
    ({"out": (OBS, None, False, False, {})}, "the reward is None; a reward must be"),
    ({"out": (OBS, "1.5", False, False, {})}, "the reward is '1.5'"),
    ({"out": (OBS, 1j, False, False, {})}, "the reward is 1j"),
    ({"out": (OBS, np.complex64(1j), False, False, {})}, r"the reward is (np\.complex64\(1j\)|1j);"),
    ({"out": (OBS, 10**400, False, False, {})}, "the reward is 1000"),
    ({"out": (OBS, "1a", False, False, {})}, "the reward is '1a'"),
    ({"out": (OBS, np.zeros(1), False, False, {})}, r"the reward is array\(\[0.\]\)"),
    ({"out": (OBS, 0.0, None, False, {})}, "terminated is None; terminated must be True or False"),
    ({"out": (OBS, 0.0, False, "no", {})}, "truncated is 'no'; truncated must be"),
    ({"observation": np.array([0.0, np.nan])}, r"the observation array\(\[ 0., nan\]\) is not finite"),
    ({"observation": np.zeros(3)}, r"the observation has shape \(3,\) and type ndarray, its space has shape \(2,\)"),
    ({"observation": [0.0, [1.0]]}, "the observation has shape ragged"),
    ({"observation": np.array(["a", "b"])}, r"the observation has shape \(2,\) and type ndarray"),
    ({"observation": {"a": 1}}, r"the observation has shape \(\) and type dict"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "message"), BAD)
@pytest.mark.parametrize("n", [1, 2])
def test_bad_steps_are_reported(how, message, n):
    ours = OneByOne([Counter(9)] * (n - 1) + [Bad(**how)], name="mine")
    ours.reset([0] * n)
    ours.step(np.zeros(n))
    where = f"environment 'mine', row {n - 1}, in step 2 of its episode: "
    with pytest.raises(EnvironmentFailure, match=where + message) as caught:
        ours.step(np.zeros(n))
    assert isinstance(caught.value.__cause__, ZeroDivisionError) == ("error" in how)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"error": KeyError("k")}, r"reset\(seed=7\) raised KeyError: 'k'"),
        ({"out": (OBS,)}, r"reset returned 1 values; it must return a tuple \(observation, info\)"),
        ({"out": OBS.tolist()}, "reset returned list"),
        ({"observation": np.array([0.0, np.inf])}, "is not finite"),
    ],
)
def test_bad_resets_are_reported(how, message):
    ours = OneByOne([Counter(), Bad(when=0, **how)])
    with pytest.raises(EnvironmentFailure, match="row 1, when it was reset: .*" + message):
        ours.reset([6, 7])


@pytest.mark.parametrize("value", [1000.0001, 1001.0, -5.0, 1e9])
@pytest.mark.parametrize("batched", [False, True])
def test_observations_outside_a_box_are_used_as_they_are(value, batched):
    def make(shown=value):
        return Bad(observation=np.array([0.0, shown]))

    ours = make_environment(SyncVectorEnv([make])) if batched else OneByOne([make()])
    ours.reset([0])
    ours.step(np.zeros(1))
    assert ours.step(np.zeros(1)).observation[0, 1] == value


def test_reset_comes_first():
    with pytest.raises(RuntimeError, match="'Counter' must be reset before"):
        OneByOne([Counter()]).step(np.zeros(1))


# ------------------------------------------------------------------------------- vectors


def test_next_step_mode():
    ours = make_environment(vectors(AutoresetMode.NEXT_STEP))
    assert isinstance(ours, Batched)
    assert (ours.n, ours.can_seed) == (2, False)
    assert_array_equal(ours.reset([10, 20]), [[10, 0], [20, 0]])
    step = ours.step(np.array([0, 1]))
    assert_array_equal(step.reward, [1.0, 2.0])
    assert_array_equal(step.valid, [True, True])
    assert step.final is None
    step = ours.step(np.array([0, 1]))
    assert_array_equal(step.terminated, [False, True])
    assert_array_equal(step.final[1], [20, 2])
    step = ours.step(np.array([0, 1]))
    assert_array_equal(step.valid, [True, False])
    assert_array_equal(step.terminated, [True, False])
    assert_array_equal(step.observation, [[10, 3], [21, 0]])
    step = ours.step(np.array([0, 1]))
    assert_array_equal(step.valid, [False, True])
    assert_array_equal(step.observation, [[11, 0], [21, 1]])


def test_same_step_mode():
    ours = make_environment(vectors(AutoresetMode.SAME_STEP), 2)
    assert not ours.can_seed
    ours.reset([10, 20])
    ours.step(np.zeros(2))
    step = ours.step(np.zeros(2))
    assert_array_equal(step.terminated, [False, True])
    assert_array_equal(step.observation, [[10, 2], [21, 0]])
    assert_array_equal(step.final[1], [20, 2])
    assert step.valid is None


def test_disabled_mode_follows_a_plan():
    ours = make_environment(vectors(AutoresetMode.DISABLED))
    assert ours.can_seed
    ours.reset([10, 20])
    ours.plan = [[30], [40, 50]]
    ours.step(np.zeros(2))
    step = ours.step(np.zeros(2))
    assert_array_equal(step.observation, [[10, 2], [40, 0]])
    assert_array_equal(step.final[1], [20, 2])
    step = ours.step(np.zeros(2))
    assert_array_equal(step.observation, [[30, 0], [40, 1]])
    assert_array_equal(ours.step(np.zeros(2)).observation, [[30, 1], [50, 0]])
    ours.plan = None
    ours.step(np.zeros(2))
    assert_array_equal(ours.step(np.zeros(2)).observation, [[31, 0], [51, 0]])


def test_the_modes_agree_with_one_by_one():
    """The same environments give the same transitions, whoever resets them."""
    rng = np.random.default_rng(0)
    actions = rng.integers(2, size=(80, 2))
    single = make_environment("gymnasium:CartPole-v1", 2)
    want, ends = single.reset([1, 2]), 0
    modes = [AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]
    makers = [lambda: gymnasium.make("CartPole-v1")] * 2
    others = [make_environment(SyncVectorEnv(makers, autoreset_mode=mode)) for mode in modes]
    for other in others:
        assert_array_equal(other.reset([1, 2]), want)
    for action in actions:
        want = single.step(action)
        ended = want.terminated
        ends += ended.sum()
        for other in others:
            got = other.step(action)
            for a, b in zip(got[:4], want[:4], strict=True):
                assert_array_equal(a, b)
            if ended.any():
                assert_array_equal(got.final[ended], want.final[ended])
    assert ends > 3


def test_gymnasiums_own_vector_takes_one_seed():
    theirs = gymnasium.make_vec("CartPole-v1", 3, vectorization_mode="vector_entry_point")
    ours = make_environment(theirs, 3)
    assert not ours.can_seed
    first = ours.reset([4, 5, 6])
    assert first.shape == (3, 4)
    assert_array_equal(ours.reset([4, 5, 6]), first)
    assert not np.array_equal(ours.reset([None] * 3), first)
    rng = np.random.default_rng(0)
    reset_only = 0
    for _ in range(100):
        step = ours.step(rng.integers(2, size=3))
        reset_only += (~step.valid).sum()
        assert_array_equal(step.reward[step.valid], 1.0)
    assert reset_only > 5


def test_vectors_refuse_what_they_cannot():
    ours = make_environment(vectors(AutoresetMode.NEXT_STEP))
    with pytest.raises(ValueError, match="resets by itself and cannot seed.*plan=None"):
        ours.plan = [[1], [2]]
    with pytest.raises(
        ValueError, match="must be 2 .or None., the number of episodes of the vector"
    ):
        make_environment(ours.environment, 3)
    with pytest.raises(
        ValueError, match="must be 2 .or None., the number of episodes of the vector"
    ):
        make_environment(ours, 3)
    assert make_environment(ours) is ours


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"error": ZeroDivisionError("no")}, "step.actions of all rows. raised ZeroDivisionError: no"),
        ({"out": (OBS, np.nan, False, False, {})}, "row 1, in step 2 of its episode: the reward is nan"),
    ],
)  # fmt: skip
def test_bad_vectors_are_reported(how, message):
    ours = make_environment(SyncVectorEnv([Counter, lambda: Bad(**how)]))
    ours.reset([0, 0])
    ours.step(np.zeros(2))
    with pytest.raises(EnvironmentFailure, match=message):
        ours.step(np.zeros(2))


def test_bad_vector_reset_and_missing_final():
    ours = make_environment(SyncVectorEnv([lambda: Bad(when=0, error=KeyError("k"))]))
    with pytest.raises(EnvironmentFailure, match=r"reset\(seed=\[3\]\) raised KeyError"):
        ours.reset([3])

    class Forgets(SyncVectorEnv):
        def step(self, actions):
            return *super().step(actions)[:4], {}

    ours = make_environment(Forgets([lambda: Counter(1)], autoreset_mode=AutoresetMode.SAME_STEP))
    ours.reset([0])
    with pytest.raises(EnvironmentFailure, match=r"row 0, in step 1 .*infos\['final_obs'\]"):
        ours.step(np.zeros(1))


@pytest.mark.parametrize("mode", ["Foo", None, 3, "", "next"])
def test_an_unknown_mode_is_refused(mode):
    message = "must be one of .'NEXT_STEP', 'SAME_STEP', 'DISABLED'.*got " + repr(mode)
    with pytest.raises(ValueError, match=message):
        make_environment(Vector(mode))


@pytest.mark.parametrize(
    ("mode", "value"),
    [("NEXT_STEP", "NextStep"), ("same_step", "SameStep"), ("Disabled", "Disabled"), (AutoresetMode.SAME_STEP, "SameStep")],
)  # fmt: skip
def test_a_mode_is_known_by_name_and_value(mode, value):
    assert make_environment(Vector(mode)).mode == value
    assert make_environment(Vector()).mode == "NextStep"


JUNK = [
    ({"first": None}, "row 0, when it was reset: the observations are None; return an array with"),
    ({"first": [[0.0], [0.0, 1.0]]}, r"row 1, when it was reset: the observation has shape \(2,\)"),
    ({"first": np.zeros((1, 1))}, r"row 0, when .* are array\(\[\[0.\]\]\) \(1 of them\)"),
    ({"observation": None}, "row 0, in step 1 of its episode: the observations are None"),
    ({"observation": [[0.0], [None]]}, "row 1, in step 1 of its episode: the observation has"),
    ({"observation": [[0.0], [0.0, 1.0]]}, "row 1, in step 1 .* the observation has shape"),
    ({"observation": np.zeros((3, 1))}, r"the observations are .*\(3 of them\)"),
    ({"observation": np.zeros((2, 2))}, r"the observation has shape \(2,\)"),
    ({"reward": 1.0}, "row 0, in step 1 of its episode: the rewards are 1.0"),
    ({"reward": np.zeros(1)}, r"the rewards are array\(\[0.\]\) \(1 of them\)"),
    ({"reward": np.zeros((2, 1))}, r"the reward is array\(\[0.\]\)"),
    ({"reward": [0.0, None]}, "row 1, in step 1 of its episode: the reward is None"),
    ({"terminated": False}, "the terminated flags are False"),
    ({"terminated": np.ones(1, bool)}, r"the terminated flags are array\(\[ True\]\) \(1 of them\)"),
    ({"truncated": np.ones((2, 1), bool)}, r"truncated is array\(\[ True\]\)"),
    ({"truncated": None}, "the truncated flags are None"),
]  # fmt: skip


@pytest.mark.parametrize(("out", "message"), JUNK)
def test_junk_from_a_vector_is_reported(out, message):
    ours = make_environment(Vector(**out))
    with pytest.raises(EnvironmentFailure, match="environment 'Vector', .*" + message):
        (ours.reset(), ours.step(np.zeros(2)))


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (None, r"infos\['final_obs'\]"),
        ({"final_obs": [OBS]}, r"the last observations are .*\(1 of them\)"),
        ({"final_obs": [None, None]}, r"the observation has shape \(\) and type NoneType"),
    ],
)
def test_junk_instead_of_last_observations_is_reported(info, message):
    class Forgets(SyncVectorEnv):
        def step(self, actions):
            return *super().step(actions)[:4], info

    made = [lambda: Counter(1)] * 2
    ours = make_environment(Forgets(made, autoreset_mode=AutoresetMode.SAME_STEP))
    ours.reset([0, 0])
    with pytest.raises(EnvironmentFailure, match="row 0, in step 1 .*" + message):
        ours.step(np.zeros(2))


def test_rows_that_wait():
    counters = [Counter(3), Counter(2), Counter(9)]
    ours = OneByOne(counters)
    ours.reset([10, 20, 30])
    ours.plan = [[11], [21], [31]]
    ours.step(np.zeros(3))
    step = ours.step(np.ones(3), np.array([False, True, True]))
    assert [c.steps for c in counters] == [1, 0, 2]
    assert_array_equal(step.observation, [[10, 1], [21, 0], [30, 2]])
    assert_array_equal(step.reward, [0.0, 2.0, 2.0])
    assert_array_equal(step.terminated, [False, True, False])
    assert_array_equal(step.valid, [False, True, True])
    assert_array_equal(step.final[1], [20, 2])
    # The one that began anew waits now, also in another process.
    part = pickle.loads(pickle.dumps(ours.part(slice(1, 3))))
    step = part.step(np.zeros(2), np.array([False, True]))
    assert_array_equal(step.observation, [[21, 0], [30, 3]])
    assert step.final is None


def test_a_part_names_the_rows_of_the_whole():
    ours = OneByOne([Counter(9), Counter(9), Bad(error=ZeroDivisionError("no"))])
    ours.reset([0] * 3)
    part = ours.part(slice(1, 3)).part(slice(1, 2))
    part.step(np.zeros(1))
    with pytest.raises(EnvironmentFailure, match="row 2, in step 2 of its episode"):
        part.step(np.zeros(1))


def test_a_close_that_raises_is_a_warning():
    class Stuck(Counter):
        def close(self):
            super().close()
            raise OSError("stuck")

    ours = make_environment(Stuck, 2)
    with pytest.warns(RuntimeWarning, match=r"'Stuck': close\(\) raised OSError: stuck") as caught:
        ours.close()
    assert len(caught) == 2
    assert [e.closed for e in ours.environments] == [1, 1]


# ---------------------------------------------------------------------- make_environment


@pytest.mark.parametrize(
    ("env", "cls", "n"),
    [
        ("cartpole", CartPole, 3),
        ("CartPole-v1", CartPole, 3),
        ("Pendulum-v1", Pendulum, None),
        (CartPole(), CartPole, None),
        (CartPole, CartPole, 2),
        (lambda: Pendulum(), Pendulum, 2),
    ],
)
def test_built_in(env, cls, n):
    ours = make_environment(env, n)
    assert isinstance(ours, Simulated)
    assert isinstance(ours.environment, cls)
    assert ours.n == (n or 1)


def test_an_object_is_used_or_copied():
    env = Counter()
    assert make_environment(env).environments == [env]
    ours = make_environment(env, 3)
    assert len({id(e) for e in [env, *ours.environments]}) == 4
    ours.close()
    assert [e.closed for e in ours.environments] == [1, 1, 1]
    assert env.closed == 0
    single = make_environment(env, 1)
    single.close()
    assert env.closed == 0


def test_copies_draw_episodes_of_their_own():
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=0)
    first = make_environment(env, 3).reset()
    assert len({tuple(row) for row in first}) == 3


def test_a_factory_is_called_n_times():
    ours = make_environment(Counter, 2)
    assert [type(e) for e in ours.environments] == [Counter, Counter]
    ours.close()
    assert [e.closed for e in ours.environments] == [1, 1]
    batched = make_environment(lambda: vectors(AutoresetMode.DISABLED))
    assert isinstance(batched, Batched)
    batched.close()
    assert batched.environment.closed
    kept = vectors(AutoresetMode.DISABLED)
    make_environment(kept).close()
    assert not kept.closed
    kept.close()


class NoSeed(Counter):
    def reset(self):
        return self.observe(), {}


class NoSpaces:
    def reset(self, seed=None):
        raise AssertionError

    step = reset


class NoCopy(Counter):
    def __deepcopy__(self, memo):
        raise TypeError("a lock")


SHARED = Counter()


def with_space(kind, space):
    return type("Odd", (Counter,), {kind: space})


@pytest.mark.parametrize(
    ("env", "error", "message"),
    [
        ("cartpol", ValueError, "one of .*'cartpole'.*got 'cartpol'; did you mean 'cartpole'"),
        ("Nothing-v3", ValueError, "an id that Gymnasium knows, got 'Nothing-v3'"),
        ("nowhere/Nothing-v3", ValueError, "Namespace nowhere not found"),
        ("", ValueError, "an id that Gymnasium knows, got ''"),
        ("gymnasium:", ValueError, "an id that Gymnasium knows, got 'gymnasium:'"),
        (iter([Counter(), 3]).__next__, TypeError, "must return an environment .* returned int"),
        (iter([Counter(), with_space("observation_space", spaces.Discrete(2))()]).__next__, ValueError, "observation_space of environment 'Counter' must be the same in all rows, got .* in row 1"),
        (with_space("action_space", spaces.Discrete(1)), ValueError, "action_space of environment 'Odd' must have at least two actions"),
        (with_space("action_space", spaces.MultiDiscrete([2, 1])), ValueError, "action_space of environment 'Odd' must have at least two actions"),
        (3, TypeError, "env must be a name, an environment .* got int; names are"),
        (lambda: 3, TypeError, "the callable given as env must return an environment .* returned int"),
        (lambda: SHARED, ValueError, "must return a new environment each time"),
        (NoCopy(), ValueError, r"'NoCopy' cannot be copied 2 times \(a lock\); give a callable"),
        (NoSeed(), TypeError, r"'NoSeed' must have reset\(seed=None\)"),
        (NoSeed, TypeError, r"'NoSeed' must have reset\(seed=None\)"),
        (NoSpaces(), TypeError, "'NoSpaces' must have an attribute observation_space"),
        (with_space("observation_space", spaces.Text(3)), ValueError, "observation_space of environment 'Odd' must be Discrete"),
        (with_space("action_space", spaces.Text(3)), ValueError, "action_space of environment 'Odd' must be Discrete"),
        (with_space("action_space", spaces.Box(0, 3, (2,), dtype=np.int64)), ValueError, "must be a Box of floats.*declare whole numbers as Discrete"),
    ],
)  # fmt: skip
def test_refuses(env, error, message):
    with pytest.raises(error, match=message):
        make_environment(env, 2)


@pytest.mark.parametrize("n", [0, -1, 1.5, True])
def test_the_number_is_checked(n):
    with pytest.raises((TypeError, ValueError), match="n_envs must be"):
        make_environment("cartpole", n)


def test_without_gymnasium(monkeypatch):
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(
        ImportError, match=r"'Acrobot-v1' is not built in.*pip install .natfit\[rl\]"
    ):
        make_environment("Acrobot-v1", 2)
    assert isinstance(make_environment("CartPole-v1"), Simulated)
    assert isinstance(make_environment(copy.deepcopy(SHARED)), OneByOne)


def test_built_in_and_gymnasiums_agree():
    ours, theirs = make_environment("CartPole-v1", 1), make_environment("gymnasium:CartPole-v1", 1)
    assert_allclose(ours.reset([3]), theirs.reset([3]), atol=1e-7)
    for action in np.random.default_rng(0).integers(2, size=(200, 1)):
        a, b = ours.step(action), theirs.step(action)
        assert_array_equal(a.terminated, b.terminated)
        assert_allclose(a.observation, b.observation, rtol=1e-5, atol=1e-5)


def test_a_missing_dependency_is_no_unknown_id(monkeypatch):
    def make(*args, **kwargs):
        raise gymnasium.error.DependencyNotInstalled("pip install box")

    monkeypatch.setattr(gymnasium, "make", make)
    with pytest.raises(gymnasium.error.DependencyNotInstalled, match="pip install box"):
        make_environment("LunarLander-v3")


def test_a_copy_whose_reset_raises_is_an_environments_failure():
    with pytest.raises(EnvironmentFailure, match="'Bad': reset raised KeyError: 'k'") as caught:
        make_environment(Bad(when=0, error=KeyError("k")), 2)
    assert isinstance(caught.value.__cause__, KeyError)


def test_a_factorys_vector_has_its_own_number_at_will():
    ours = make_environment(Vector, 8, at_will=True)
    assert (ours.n, ours.owned) == (2, True)
    with pytest.raises(ValueError, match="n_envs must be 2 .or None."):
        make_environment(lambda: Vector(), 8)
