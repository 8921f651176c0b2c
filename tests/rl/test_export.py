"""Exported policies against the policies themselves, also where natfit cannot be imported."""

import pickle
import subprocess
import sys

import autograd.numpy as anp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from natfit import NaturalPolicyEstimator
from natfit.models import MLP, Linear, Predictor
from tests.rl.worlds import Bandit

SEE, ACT = ["discrete", "binary", "box"], ["discrete", "multi", "binary", "box", "matrix"]
MODELS = ["linear", "constant", Linear(intercept=False)]
MODELS += [MLP((5, 3), a) for a in ("tanh", "relu", "softplus", "sigmoid")]


def agent(env, policy="linear", **options):
    options = {"max_iter": 2, "batch_size": 128, "random_state": 0, **options}
    return NaturalPolicyEstimator(env, policy, **options).fit()


def check(model, rows):
    found = model.policy_.to_numpy()
    want = model.predict(rows)
    assert_allclose(found(rows), want, rtol=1e-10, atol=1e-12)
    assert found(rows).shape == want.shape and found(rows).dtype == want.dtype
    assert_allclose(found(rows[0]), want[0], rtol=1e-10, atol=1e-12)
    if hasattr(model, "predict_proba"):
        assert_allclose(found.predict_proba(rows), model.predict_proba(rows), rtol=1e-10)
    else:
        with pytest.raises(AttributeError, match="needs discrete actions"):
            found.predict_proba(rows)
    drawn, own = (f(np.repeat(rows[:1], 4000, axis=0), 1) for f in (found.sample, model.sample))
    spread = own.std(axis=0) + 1e-3
    assert_allclose(drawn.mean(axis=0), own.mean(axis=0), atol=6 * spread.max() / np.sqrt(4000))
    assert_allclose(drawn.std(axis=0), own.std(axis=0), rtol=0.1, atol=0.02)
    return found


@pytest.mark.parametrize("act", ACT)
@pytest.mark.parametrize("see", SEE)
def test_acts_as_the_policy_on_every_space(see, act):
    world = Bandit(see, act)
    check(agent(world), world.observe(np.array([[1.0], [0.0]])))


@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("policy", MODELS, ids=repr)
def test_acts_as_the_policy_for_every_model(policy, normalize):
    rows = np.random.default_rng(0).standard_normal((20, 3)) * [1.0, 5.0, 50.0]
    check(agent("pendulum", policy, normalize_observations=normalize), rows)


@pytest.mark.parametrize("depends", [False, True])
@pytest.mark.parametrize("distribution", ["beta", "squashed_normal", None])
def test_acts_as_the_policy_for_every_distribution(distribution, depends):
    rows = np.random.default_rng(0).standard_normal((20, 3)) * [1.0, 5.0, 50.0]
    check(agent("pendulum", distribution=distribution, state_dependent_std=depends), rows)


def test_a_first_policy_with_equal_probabilities_breaks_ties_alike():
    for act in ("discrete", "multi", "binary"):
        world = Bandit("box", act)
        check(agent(world, max_env_steps=1), world.observe(np.array([[1.0], [0.0]])))


def test_real_actions_are_cut_to_their_limits():
    model = agent("pendulum", start_theta=[0.0, 0.0, 9.0, 0.5, 0.0], max_env_steps=1)
    found = model.policy_.to_numpy()
    rows = np.array([[1.0, 0.0, 8.0], [1.0, 0.0, -8.0]])
    assert_array_equal(found(rows), [[2.0], [-2.0]])
    assert np.abs(found.sample(rows, 0)).max() <= 2.0


ALONE = """
import sys
sys.modules["natfit"] = None
import pickle, numpy as np
if {npz}:
    data, code = dict(np.load({path!r})), {{}}
    exec(str(data.pop("source")), code)
    policy = code["NumpyPolicy"](data, "")
else:
    policy = pickle.loads(pickle.dumps(pickle.load(open({path!r}, "rb"))))
print(policy(np.array([[0.1, -0.2, 0.05, 0.3], [0.0, 0.0, -0.1, 0.0]])).tolist())
print(policy.predict_proba([0.1, -0.2, 0.05, 0.3]).tolist())
print(any(name.split(".")[0] in ("natfit", "scipy", "autograd") for name in sys.modules if sys.modules[name]))
"""


@pytest.mark.parametrize("npz", [True, False])
def test_travels_to_where_natfit_is_not_installed(npz, tmp_path):
    model = agent("cartpole", MLP((4,)))
    path, found = str(tmp_path / "policy.npz"), model.policy_.to_numpy()
    if npz:
        found.save(path)
    else:
        with open(path, "wb") as file:
            pickle.dump(found, file)
    code = ALONE.format(npz=npz, path=path)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    actions, p, others = done.stdout.splitlines()
    rows = np.array([[0.1, -0.2, 0.05, 0.3], [0.0, 0.0, -0.1, 0.0]])
    assert eval(actions) == model.predict(rows).tolist()
    assert_allclose(eval(p), model.predict_proba(rows[0]), rtol=1e-12)
    assert others == "False"


def test_what_cannot_be_exported_is_refused():
    def fun(theta, X):
        return anp.dot(X, theta)[:, None]

    custom = agent("cartpole", Predictor(fun, np.full(4, 0.1)))
    with pytest.raises(ValueError, match="exports the models constant, linear and mlp"):
        custom.policy_.to_numpy()
    heavy = agent("pendulum", distribution="student_t")
    with pytest.raises(ValueError, match="exports normal distributions"):
        heavy.policy_.to_numpy()
    found = agent("cartpole").policy_.to_numpy()
    for wrong in (np.zeros(3), np.full(4, np.nan), np.zeros((2, 2, 4))):
        with pytest.raises(ValueError, match="observations must"):
            found(wrong)
    with pytest.raises(ValueError, match="must lie in their space"):
        agent("two_state").policy_.to_numpy()(2)


def test_onnx_that_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install .natfit\[onnx\]"):
        agent("cartpole").policy_.to_onnx()
