"""Options, seeds and observations: checked, named, searched; limits of a training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.callback import ProgressBar
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from natfit import NaturalPolicyEstimator
from natfit.models import MLP
from natfit.rl import EnvironmentFailure, make_environment
from natfit.rl.baselines import FourierBaseline
from natfit.rl.environments import CartPole
from natfit.steps import KLStep, TrustRegionStep
from tests.rl.test_evaluation import by_hand
from tests.rl.worlds import Bandit, Forever, Single


def agent(env="cartpole", **options):
    return NaturalPolicyEstimator(
        env, **{"policy": "linear", "max_iter": 3, "batch_size": 120, "random_state": 5, **options}
    )


# ------------------------------------------------------------------------------- seeds


@pytest.mark.parametrize("n_envs", [1, 3, 8])
@pytest.mark.parametrize("unit", ["steps", "episodes"])
@pytest.mark.parametrize("column", [False, True])
def test_every_episode_starts_from_a_seed_given(n_envs, unit, column):
    seeds, log, size = np.array([11, 7, 13, 5]), [], {"steps": 150, "episodes": 9}[unit]
    model = agent(
        lambda: Single(CartPole(), log), n_envs=n_envs, batch_unit=unit, batch_size=size * n_envs
    )
    model.fit(seeds[:, None] if column else seeds)
    starts = [seed for what, seed in log if what == "reset"]
    assert set(starts) <= set(seeds.tolist())
    assert len(starts) >= model.history_["episodes"][-1] >= n_envs
    if n_envs < 4:
        assert set(starts) == set(seeds.tolist())


def test_without_seeds_they_come_from_random_state():
    logs = []
    for random_state in (1, 1, 2):
        logs.append([])
        agent(lambda: Single(CartPole(), logs[-1]), random_state=random_state).fit()  # noqa: B023
    first, again, other = ([s for what, s in log if what == "reset"] for log in logs)
    assert first == again != other


def test_a_score_is_the_mean_of_greedy_episodes_from_the_seeds():
    model = agent().fit()
    seeds = [4, 9, 4, 100, 2**31 - 1]
    want = np.array([by_hand(CartPole(), model.policy_, seed) for seed in seeds])
    assert_allclose(model.score(seeds), want[:, 0].mean(), rtol=1e-12)
    assert_allclose(model.score(np.array(seeds)[:, None]), want[:, 0].mean(), rtol=1e-12)
    found = model.evaluate(seeds=seeds)
    assert_array_equal(found.returns, want[:, 0])
    assert_array_equal(found.lengths, want[:, 1])
    twenty = [by_hand(CartPole(), model.policy_, seed)[0] for seed in range(20)]
    assert_allclose(model.score(), np.mean(twenty), rtol=1e-12)
    assert_allclose(model.evaluate(7).returns, twenty[:7], rtol=1e-12)
    drawn = [model.evaluate(7, greedy=False, random_state=s).returns.tolist() for s in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([0.5, 1.0], r"X must hold seeds, which are integers >= 0.*, got \[0.5, 1.0\]"),
        ([1.0, 2.0], "integers >= 0"),
        ([3, -1], r"integers >= 0.*, got \[3, -1\]"),
        ([[1, 2], [3, 4]], r"shape \(n,\) or \(n, 1\), got shape \(2, 2\)"),
        ([], "one seed per row"),
        (5, r"one seed per row.*got shape \(\)"),
        (["a"], "integers >= 0"),
        ([True, False], "integers >= 0"),
        ([np.nan], "integers >= 0"),
    ],
)
def test_seeds_are_checked(X, message):
    model = agent()
    with pytest.raises(ValueError, match=message):
        model.fit(X)
    assert vars(model) == vars(agent())
    model = agent().fit()
    with pytest.raises(ValueError, match=message):
        model.score(X)


@pytest.mark.slow
def test_an_environment_that_resets_by_itself_takes_no_seeds():
    gymnasium = pytest.importorskip("gymnasium")
    vector = gymnasium.make_vec("CartPole-v1", 2, "sync")
    model = agent(vector).fit()
    assert model.n_iter_ == 3
    assert model.score() > 5
    with pytest.raises(ValueError, match="X must be None.*cannot start an episode from a seed"):
        model.fit([1, 2])
    vector.close()


# ------------------------------------------------------------------- scikit-learn's tools


@pytest.mark.parametrize(
    "grid",
    [
        {"damping": [None, 1e-3]},
        {"step__epsilon": [1e-6, 0.05]},
        {"policy__hidden": [(4,), (8, 8)]},
        {"baseline__n_features": [8, 16]},
    ],
    ids=str,
)
def test_grid_search_over_seeds(grid):
    model = agent(policy="mlp", max_iter=2)
    search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(np.arange(12))
    assert len(search.cv_results_["params"]) == 2
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    # The score of a fold is that of its seeds.
    train, test = np.arange(4, 12), np.arange(4)
    by_hand_ = clone(model).set_params(**search.cv_results_["params"][0]).fit(train)
    assert_allclose(search.cv_results_["split0_test_score"][0], by_hand_.score(test))
    assert search.predict(np.zeros((2, 4))).shape == (2,)


def test_nested_parameters_reach_inside_names():
    model = agent(policy="mlp")
    model.set_params(step__epsilon=0.05, policy__hidden=(8,), baseline__n_features=9)
    assert model.step == TrustRegionStep(0.05)
    assert model.policy == MLP((8,))
    assert model.baseline == FourierBaseline(n_features=9)
    params = model.get_params()
    assert (params["step__epsilon"], params["policy__hidden"]) == (0.05, (8,))
    twin = clone(model)
    assert twin.step == model.step and twin.step is not model.step
    model.fit()
    assert len(model.theta_) == (4 + 1) * 8 + 8 + 1
    assert model.step_ == TrustRegionStep(0.05)
    with pytest.raises(ValueError, match="Invalid parameter"):
        model.set_params(step__nothing=1)


def test_fitting_leaves_the_arguments_alone():
    step, policy, baseline = TrustRegionStep(), MLP((4,)), FourierBaseline(n_features=5)
    model = agent(step=step, policy=policy, baseline=baseline)
    kept = dict(model.get_params())
    model.fit()
    assert model.get_params().keys() == kept.keys()
    assert all(model.get_params()[k] is kept[k] or model.get_params()[k] == kept[k] for k in kept)
    assert (vars(policy), policy.get_params()) == (vars(MLP((4,))), MLP((4,)).get_params())


def test_repr_names_what_is_not_the_default():
    assert repr(NaturalPolicyEstimator()) == "NaturalPolicyEstimator()"
    text = repr(NaturalPolicyEstimator("pendulum", "linear", step=TrustRegionStep(0.02)))
    assert "env='pendulum'" in text and "TrustRegionStep(epsilon=0.02)" in text
    assert "NaturalPolicyEstimator" in agent().fit()._repr_html_()


def test_presets():
    model = NaturalPolicyEstimator.preset("trpo", "pendulum", max_iter=7)
    assert (model.env, model.max_iter, model.step) == ("pendulum", 7, TrustRegionStep(0.01))
    assert NaturalPolicyEstimator.preset("npg").step == KLStep(0.01)
    assert NaturalPolicyEstimator.preset("reinforce").metric == "euclidean"
    # Objects are not shared between estimators.
    one, two = (NaturalPolicyEstimator.preset("trpo") for _ in range(2))
    assert one.step is not two.step
    with pytest.raises(ValueError, match=r"preset must be one of .*'ppo'.*got 'sac'"):
        NaturalPolicyEstimator.preset("sac")
    for name in ("reinforce", "npg", "trpo", "ppo"):
        model = NaturalPolicyEstimator.preset(name, "two_state", max_iter=2, random_state=0).fit()
        assert np.all(np.isfinite(model.theta_))


# ------------------------------------------------------------------------ before, inside


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.predict([[0.0] * 4]),
        lambda m: m.predict_proba([[0.0] * 4]),
        lambda m: m.sample([[0.0] * 4]),
        lambda m: m.log_prob([[0.0] * 4], [0]),
        lambda m: m.score([1]),
        lambda m: m.evaluate(),
    ],
)
def test_nothing_works_before_fit(call):
    with pytest.raises(NotFittedError):
        call(agent())


@pytest.mark.parametrize(
    ("observations", "message"),
    [
        (np.zeros((2, 3)), r"shape \(n, 4\), got \(2, 3\)"),
        (np.zeros(3), r"shape \(n, 4\), got \(3,\)"),
        (np.zeros((1, 4, 1)), r"shape \(n, 4\)"),
        ([[0.0, np.nan, 0.0, 0.0]], "must be finite, got .*nan.* at row 0"),
        ([[0.0] * 4, [np.inf] * 4], "must be finite, got .*inf.* at row 1"),
        ([["a"] * 4], "must be numbers"),
    ],
)
def test_observations_are_checked(observations, message):
    model = agent().fit()
    for call in (model.predict, model.sample, lambda o: model.log_prob(o, [0])):
        with pytest.raises(ValueError, match=message):
            call(observations)


def test_observations_outside_a_discrete_space_are_refused():
    model = agent(Bandit(), batch_size=50).fit()
    assert model.predict([5, 6]).shape == (2,)
    for bad in ([4], [7], [5.5]):
        with pytest.raises(ValueError, match="observations"):
            model.predict(bad)


def test_actions_have_one_row_per_observation():
    model = agent().fit()
    with pytest.raises(ValueError, match="each of the 2 observations, got 3 rows"):
        model.log_prob(np.zeros((2, 4)), [0, 1, 0])


BAD = [
    ("discount", 1.5, r"discount.*\[0, 1\].*1.5|discount.*<= 1.*1.5"),
    ("discount", -0.1, "discount.*-0.1"),
    ("discount", np.nan, "discount.*nan"),
    ("discount", "a", "discount.*'a'"),
    ("gae_lambda", 2.0, "gae_lambda.*2"),
    ("batch_size", 0, "batch_size.*0"),
    ("batch_size", 1.5, "batch_size.*1.5"),
    ("batch_unit", "rows", "batch_unit.*'steps'.*'rows'"),
    ("n_envs", 0, "n_envs.*0"),
    ("n_envs", 2.5, "n_envs.*2.5"),
    ("max_iter", -1, "max_iter.*-1"),
    ("max_iter", 2.5, "max_iter.*2.5"),
    ("max_env_steps", 0, "max_env_steps.*0"),
    ("target_return", np.nan, "target_return.*nan"),
    ("target_return", "high", "target_return.*'high'"),
    ("max_episode_steps", 0, "max_episode_steps.*0"),
    ("entropy_bonus", -1.0, "entropy_bonus.*-1"),
    ("normalize_advantage", 1, "normalize_advantage.*1"),
    ("normalize_observations", "yes", "normalize_observations.*'yes'"),
    ("warm_start", "no", "warm_start.*'no'"),
    ("advantage", "best", "advantage.*'gae'.*'best'"),
    ("baseline", "nothing", "baseline must be one of.*'nothing'"),
    ("policy", "tree", "policy|model must be one of.*'tree'"),
    ("policy", 5, "policy|model"),
    ("metric", "fischer", "metric must be one of.*'fischer'"),
    ("solver", "magic", "solver must be one of.*'magic'"),
    ("step", "long", "step must be one of.*'long'"),
    ("step", TrustRegionStep(-1.0), "step__epsilon.*-1"),
    ("damping", -1.0, "damping.*-1"),
    ("distribution", "normal", "distribution.*does not describe"),
    ("distribution", "cauchyy", "distribution must be one of.*'cauchy'"),
    ("init_std", 0.0, "init_std.*0"),
    ("std_bounds", (1.0, 0.5), r"std_bounds.*\(1.0, 0.5\)"),
    ("std_bounds", (0.0, 5.0), "std_bounds"),
    ("std_bounds", (2.0, 5.0), "std_bounds.*init_std"),
    ("std_bounds", 3.0, "std_bounds.*3.0"),
    ("std_bounds", (1e-3, np.inf), "std_bounds"),
    ("n_jobs", 0, "n_jobs"),
    ("n_jobs", 1.5, "n_jobs.*1.5"),
    ("start_params", [1.0], "start_params must be a dict"),
    ("start_params", {"nothing": 1.0}, "start_params"),
    ("start_params", {"probs": [2.0, -1.0]}, "start_params"),
    ("random_state", "seed", "seed"),
    ("env", "cartpool", "cartpool"),
    ("env", 3, "env must be"),
    ("env", None, "env must be"),
    ("max_episode_steps", "many", "max_episode_steps"),
]


@pytest.mark.parametrize(("name", "value", "message"), BAD, ids=lambda v: str(v)[:20])
def test_options_are_checked(name, value, message):
    model = agent(**{name: value})
    before = dict(vars(model))
    with pytest.raises((ValueError, TypeError, ImportError), match=message):
        model.fit()
    assert vars(model) == before


def test_a_number_of_environments_that_is_not_the_vectors():
    with pytest.raises(ValueError, match="must be 3.*got 2"):
        agent(make_environment("cartpole", 3), n_envs=2).fit()


def test_the_first_policy_may_be_given():
    model = agent(start_params={"probs": [0.2, 0.8]}, max_env_steps=1).fit()
    log_prob = model.log_prob(np.zeros((2, 4)), [0, 1])
    assert_allclose(np.exp(log_prob), [0.2, 0.8], rtol=1e-12)
    model = agent(
        "pendulum", start_params={"loc": [0.5], "scale": [0.3]}, max_env_steps=1, policy="mlp"
    ).fit()
    draws = model.sample(np.zeros((20_000, 3)), 0)
    assert_allclose([draws.mean(), draws.std()], [0.5, 0.3], atol=0.01)


# -------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("n_envs", [1, 3, 8])
@pytest.mark.parametrize(("batch", "unit"), [(100, "steps"), (7, "steps"), (5, "episodes")])
@pytest.mark.parametrize("most", [1, 100, 333, 1000])
def test_never_more_steps_than_allowed(n_envs, batch, unit, most):
    model = agent(
        n_envs=n_envs, batch_size=batch, batch_unit=unit, max_env_steps=most, max_iter=50
    ).fit()
    before = model.history_["env_steps"][:-1]
    # Whole episodes are finished once an update has begun.
    assert model.n_env_steps_ <= most or (unit == "episodes" and all(before < most))
    if model.status_ == "max_env_steps":
        assert "max_env_steps" in model.message_
    else:
        assert (model.status_, model.n_iter_) == ("max_iter", 50)
    # The start is a policy as well.
    assert model.predict(np.zeros((2, 4))).shape == (2,)


def test_a_target_return_stops():
    model = agent(target_return=60.0, max_iter=200, batch_size=512).fit()
    assert model.status_ == "target_return"
    assert model.n_iter_ < 200
    assert np.mean(model._state.recent) >= 60.0
    never = agent(target_return=1e9).fit()
    assert never.status_ == "max_iter"
    # 20 episodes are needed, however good they are.
    soon = agent(Forever(length=10), target_return=10.0, n_envs=2, batch_size=100, max_iter=9).fit()
    assert (soon.status_, soon.n_iter_) == ("target_return", 2)


def test_an_episode_without_end_is_an_error():
    class Endless(Forever):
        time_limit = None

    for unit, size in (("steps", 40), ("episodes", 3)):
        model = agent(Endless(), n_envs=2, max_episode_steps=55, batch_unit=unit, batch_size=size)
        with pytest.raises(
            EnvironmentFailure, match="has not ended after .* max_episode_steps=55|55"
        ):
            model.fit()


def test_history_of_every_update():
    model = agent(max_iter=5).fit()
    history = model.history_
    assert len(history["kl"]) == model.n_iter_ == 5
    assert_array_equal(history["env_steps"], 120 * np.arange(1, 6))
    assert history["episodes"].dtype.kind == "i"
    assert np.all(history["kl"] <= 0.01)
    assert np.all(np.diff(history["episodes"]) >= 0)
    assert "mean_return" in str(history)
    assert model.status_ == "max_iter" and "5 updates, 600 steps" in model.message_


# ----------------------------------------------------------------------------- callbacks


class Recorder:
    def __init__(self, stop_after=None):
        self.stop_after, self.events, self.fitted = stop_after, [], []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context):
        self.events.append("begin")

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.events.append("end")
        if context.parent is None:
            return False
        self.fitted.append(fitted_estimator)
        return len(self.fitted) == self.stop_after


def watched(recorder, **options):
    model = agent(**options)
    model.set_callbacks(recorder)
    return model.fit()


def test_callbacks_get_every_update():
    recorder = Recorder()
    model = watched(recorder, max_iter=4)
    assert len(recorder.fitted) == 4
    assert recorder.events.count("begin") == recorder.events.count("end") == 5
    assert (recorder.events[0], recorder.events[-1]) == ("setup", "teardown")
    assert_array_equal(recorder.fitted[-1].policy_.theta, model.theta_)
    one = agent(max_iter=1).fit()
    assert_array_equal(recorder.fitted[0].policy_.theta, one.theta_)
    # What they get can act and be scored.
    assert recorder.fitted[1].predict(np.zeros((2, 4))).shape == (2,)
    assert recorder.fitted[1].score([1, 2]) >= 1
    assert_array_equal(agent(max_iter=4).fit().theta_, model.theta_)


@pytest.mark.parametrize("after", [1, 2])
def test_a_callback_can_stop(after):
    recorder = Recorder(stop_after=after)
    model = watched(recorder, max_iter=6)
    assert (model.status_, model.n_iter_) == ("stopped_by_callback", after)
    assert recorder.events.count("begin") == recorder.events.count("end")
    model.set_callbacks()
    model.set_params(warm_start=True).fit()
    assert_array_equal(model.theta_, agent(max_iter=6).fit().theta_)


def test_progress_bar(capsys):
    watched(ProgressBar())
    assert "NaturalPolicyEstimator" in capsys.readouterr().out
