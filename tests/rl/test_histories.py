"""Lengths and infos of episodes in the history, and the files that histories are written to."""

import builtins

import gymnasium
import joblib
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.testing import assert_array_equal

import natfit
from natfit import NaturalPolicyEstimator


class Counter(gymnasium.Env):
    """Episode k of each object has k + 2 steps, and its last info says k and whether k is odd."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,))
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self):
        self.episode = -1

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.steps = self.episode + 1, 0
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {"number": 99.0}

    def step(self, action):
        self.steps += 1
        ends = self.steps == self.episode + 2
        info = {"number": float(self.episode), "name": "x", "array": np.ones(2)}
        if ends:
            info["is_success"] = self.episode % 2 == 1
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), 1.0, ends, False, info


def agent(env, **options):
    options = {"max_iter": 2, "batch_size": 40, "random_state": 0, **options}
    return NaturalPolicyEstimator(
        env, "linear", info_keys=("is_success", "number", "name"), **options
    ).fit()


def played(n, steps):
    """Lengths and numbers of the episodes that end within the first and the second 20 steps."""
    out = []
    for low, high in ((0, steps), (steps, 2 * steps)):
        ends = np.cumsum(np.arange(2, 40))
        out.append(np.flatnonzero((ends > low) & (ends <= high)))
    return out


def vectors(mode):
    return lambda: SyncVectorEnv([Counter, Counter], autoreset_mode=mode)


def test_single_environments():
    history = agent(Counter, n_envs=2).history_
    for row, numbers in enumerate(played(2, 20)):
        assert history["mean_length"][row] == np.mean(numbers + 2)
        assert history["info_number"][row] == np.mean(numbers)
        assert history["info_is_success"][row] == np.mean(numbers % 2)
    assert np.isnan(history["info_name"]).all()
    assert history.reasons["info_name"] == "no episode ended with a number in info['name']"


@pytest.mark.parametrize("mode", list(AutoresetMode), ids=lambda m: m.value)
def test_vector_environments(mode):
    history = agent(vectors(mode), batch_size=4, batch_unit="episodes").history_
    # Two episodes of each of two rows in every update; a reset begins the next ones anew.
    first = np.array([0, 1])
    assert history["mean_length"][0] == np.mean(first + 2)
    assert history["info_number"][0] == np.mean(first)
    assert history["info_is_success"][0] == 0.5
    assert np.isfinite(history["info_number"]).all()


def test_workers_do_not_matter():
    with joblib.parallel_config("threading"):
        one, two = (agent(Counter, n_envs=2, n_jobs=j, max_iter=1).history_ for j in (1, 2))
    assert one["info_number"] == two["info_number"]


def test_environments_without_infos_and_bad_keys():
    history = (
        NaturalPolicyEstimator("cartpole", "linear", max_iter=1, info_keys=["x"]).fit().history_
    )
    assert np.isnan(history["info_x"]).all()
    assert history["mean_length"] == history["mean_return"]
    for keys in ("is_success", None, [1]):
        with pytest.raises(TypeError, match="info_keys must be a sequence of strings"):
            NaturalPolicyEstimator("cartpole", info_keys=keys).fit()


def test_csv_has_every_digit(tmp_path):
    for history in (
        agent(Counter, n_envs=2).history_,
        natfit.fit("gamma", [1.0, 2.0, 4.0]).history_,
    ):
        path = tmp_path / "history.csv"
        history.to_csv(path)
        names, *rows = (line.split(",") for line in path.read_text().splitlines())
        assert names == list(history)
        found = np.array([[float(cell or "nan") for cell in row] for row in rows])
        for name, column in zip(names, found.T, strict=True):
            assert_array_equal(column, np.asarray(history[name], float))


def test_tensorboard_that_is_missing_says_what_to_install(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == "tensorboard":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    history = agent(Counter, n_envs=2, max_iter=1).history_
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install .natfit\[tensorboard\]"):
        history.to_tensorboard(tmp_path)
