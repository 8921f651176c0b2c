"""Pipelines, grid searches, clones, workers, warm starts, randomness."""

import pickle

import joblib
import numpy as np
import pytest
from estimator_data import assert_params, quiet, sample
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from natfit import NaturalGaussianMLE, NaturalMLE
from natfit.damping import LevenbergDamping
from natfit.distributions import Positive, Real, from_log_prob
from natfit.metrics import MonteCarloFisher
from natfit.solvers import CGSolver
from natfit.steps import BacktrackingStep


def test_pipeline():
    rng = np.random.default_rng(0)
    X = rng.normal([3.0, -100.0], [1.0, 50.0], size=(200, 2))
    pipe = make_pipeline(StandardScaler(), NaturalGaussianMLE()).fit(X)
    model = pipe[-1]
    np.testing.assert_allclose(model.mean_, 0.0, atol=1e-9)
    np.testing.assert_allclose(np.diagonal(model.covariance_), 1.0, rtol=1e-9)
    Z = pipe[0].transform(X)
    assert pipe.score(X) == pytest.approx(model.score(Z))
    np.testing.assert_allclose(pipe.score_samples(X), model.score_samples(Z))


def test_pipeline_passes_weights():
    x, w = sample("normal", 60), np.arange(60.0)
    pipe = make_pipeline(StandardScaler(), NaturalMLE())
    pipe.fit(x, naturalmle__sample_weight=w)
    z = pipe[0].transform(x)
    assert pipe[-1].params_["loc"][0] == pytest.approx(np.average(z[:, 0], weights=w), rel=1e-6)


def components():
    return {
        "metric": MonteCarloFisher(),
        "solver": CGSolver(),
        "step": BacktrackingStep(),
        "damping": LevenbergDamping(),
    }


NESTED = {
    "metric__n_draws": [50, 200],
    "step__epsilon": [0.1, 0.5],
    "solver__tol": [1e-4, 1e-10],
    "damping__initial": [1e-3, 1.0],
}


def test_grid_search_reaches_inside_components():
    search = GridSearchCV(NaturalMLE("gamma", random_state=0, **components()), NESTED, cv=2)
    search.fit(sample("gamma", 80, 1))
    assert len(search.cv_results_["params"]) == 16
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    best = search.best_estimator_
    assert best.metric_.n_draws == search.best_params_["metric__n_draws"]
    assert best.step_.epsilon == search.best_params_["step__epsilon"]


def test_grid_search_in_a_pipeline_chooses_the_right_covariance():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(300, 3)) @ np.array([[1, 0.9, 0.9], [0, 0.4, 0.3], [0, 0, 0.3]])
    pipe = make_pipeline(StandardScaler(), NaturalGaussianMLE(step=BacktrackingStep()))
    grid = {
        "naturalgaussianmle__covariance_type": ["spherical", "diag", "full"],
        "naturalgaussianmle__step__epsilon": [0.5],
    }
    search = GridSearchCV(pipe, grid, cv=3).fit(X)
    assert search.best_params_["naturalgaussianmle__covariance_type"] == "full"


def test_grid_search_chooses_the_right_family():
    x = sample("student_t", 400, 3)
    search = GridSearchCV(NaturalMLE(), {"distribution": ["normal", "student_t"]}, cv=3).fit(x)
    assert search.best_params_["distribution"] == "student_t"


@pytest.mark.slow
def test_workers():
    x = sample("gamma", 90, 4)
    serial = cross_val_score(NaturalMLE("gamma"), x, cv=3)
    parallel = cross_val_score(NaturalMLE("gamma"), x, cv=3, n_jobs=2)
    np.testing.assert_array_equal(serial, parallel)
    (model,) = joblib.Parallel(2)([joblib.delayed(NaturalMLE("gamma").fit)(x)])
    assert_params(model.params_, NaturalMLE("gamma").fit(x).params_, rtol=0.0)


def test_clones_of_nested_components_are_independent():
    model = NaturalMLE(**components())
    twin = clone(model)
    for name in components():
        mine, theirs = getattr(model, name), getattr(twin, name)
        assert mine == theirs and mine is not theirs
    twin.set_params(step__epsilon=0.25)
    assert model.step.epsilon is None and twin.step.epsilon == 0.25
    assert twin.get_params()["step__epsilon"] == 0.25


def test_nested_names_change_the_fit():
    x = sample("normal", 100, 5)
    model = NaturalMLE(step=BacktrackingStep(), start_params={"loc": 0.0, "scale": 1.0}).fit(x)
    before = model.n_iter_
    model.set_params(step__epsilon=1e-3, step__adaptive=False)
    with quiet():
        assert model.fit(x).n_iter_ > before


def test_pickles_with_components():
    x = sample("gamma", 100, 6)
    model = NaturalMLE("gamma", random_state=0, **components()).fit(x)
    again = pickle.loads(pickle.dumps(model))
    assert again.get_params().keys() == model.get_params().keys()
    assert again.metric_ == model.metric_
    assert_params(again.params_, model.params_, rtol=0.0)
    assert_params(again.fit(x).params_, model.params_, rtol=0.0)


def log_prob(y, loc, scale):
    import autograd.numpy as anp

    z = (y - loc) / scale
    return -z - anp.log(scale) - 2.0 * anp.logaddexp(0.0, -z)


def test_a_distribution_of_module_level_functions_pickles_and_clones():
    family = from_log_prob(log_prob, {"loc": Real(), "scale": Positive()}, support="real")
    x = sample("normal", 100, 7)
    model = clone(NaturalMLE(family)).fit(x)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.score_samples(x), model.score_samples(x))


# ------------------------------------------------------------------------------- warm starts


def test_warm_start_goes_on_from_the_last_fit():
    x = sample("student_t", 200, 8)
    cold = NaturalMLE("student_t").fit(x)
    model = NaturalMLE("student_t", warm_start=True, max_iter=2)
    with quiet():
        model.fit(x)
    assert model.status_ == "max_iter"
    reached = model.theta_.copy()
    model.set_params(max_iter=100).fit(x)
    np.testing.assert_allclose(model.history_.theta[0], reached)
    assert model.status_ == "converged"
    assert_params(model.params_, cold.params_, rtol=1e-5)
    assert model.fit(x).n_iter_ == 1
    assert len(model.history_["objective"]) <= 2


def test_without_warm_start_a_refit_starts_afresh():
    x = sample("student_t", 200, 8)
    model = NaturalMLE("student_t").fit(x)
    first = model.history_.theta.copy()
    np.testing.assert_array_equal(model.fit(x).history_.theta, first)


def test_warm_start_with_other_columns_starts_afresh():
    model = NaturalMLE(warm_start=True).fit(sample("normal", 50, 9))
    model.fit(sample("normal", 50, 9, columns=3))
    assert model.params_["loc"].shape == (3,)
    model.set_params(distribution="student_t").fit(sample("student_t", 50, 9))
    assert list(model.params_) == ["loc", "scale", "df"]


def test_warm_start_of_another_family_with_as_many_parameters():
    """The eta of a gamma distribution is not used as the start of a normal one."""
    x = sample("gamma", 100, 10)
    model = NaturalMLE("gamma", warm_start=True).fit(x)
    model.set_params(distribution="normal").fit(x)
    cold = NaturalMLE("normal").fit(x)
    assert_params(model.params_, cold.params_, rtol=1e-5)
    np.testing.assert_array_equal(model.history_.theta[0], cold.history_.theta[0])


def test_warm_start_in_native_coordinates():
    x = sample("gamma", 100, 10)
    model = NaturalMLE("gamma", warm_start=True, coordinates="native").fit(x)
    last = model.theta_.copy()
    np.testing.assert_allclose(model.fit(x).history_.theta[0], last, rtol=1e-12)


# -------------------------------------------------------------------------------- randomness

SEEDS = [
    lambda: 3,
    lambda: np.int64(3),
    lambda: np.random.RandomState(3),
    lambda: np.random.default_rng(3),
]


def monte_carlo(random_state, **options):
    model = NaturalMLE(
        "gamma", metric="monte_carlo", random_state=random_state, tol=0.0, max_iter=3, **options
    )
    return model.fit(sample("gamma", 100, 11))


@pytest.mark.parametrize("seed", SEEDS, ids=["int", "int64", "RandomState", "Generator"])
def test_same_seed_same_bits(seed):
    a, b = monte_carlo(seed()), monte_carlo(seed())
    assert a.history_.theta.tobytes() == b.history_.theta.tobytes()
    assert a.sample(5).tobytes() == b.sample(5).tobytes()
    assert a.sample(5, random_state=seed()).tobytes() == b.sample(5, random_state=seed()).tobytes()


def test_other_seeds_other_draws():
    paths = [monte_carlo(seed).history_.theta.tobytes() for seed in (0, 1, 2)]
    assert len(set(paths)) == 3


def test_no_seed_is_a_fixed_seed():
    """An estimate does not depend on chance that nobody asked for."""
    first, second = monte_carlo(None), monte_carlo(None)
    assert first.history_.theta.tobytes() == second.history_.theta.tobytes()


def test_a_generator_moves_on():
    rng = np.random.default_rng(3)
    a, b = monte_carlo(rng), monte_carlo(rng)
    assert a.history_.theta.tobytes() != b.history_.theta.tobytes()


def test_the_global_state_is_left_alone():
    before = np.random.get_state()[1].tobytes()
    monte_carlo(None).sample(3)
    assert np.random.get_state()[1].tobytes() == before


def test_fit_without_draws_needs_no_seed():
    x = sample("gamma", 100, 12)
    a, b = NaturalMLE("gamma").fit(x), NaturalMLE("gamma", random_state=5).fit(x)
    assert a.history_.theta.tobytes() == b.history_.theta.tobytes()
