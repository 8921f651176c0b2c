"""Components: files found by name, equality, shorthand, lazy exports."""

import importlib
import inspect
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone

from natfit import testing
from natfit._component import Component, available, component_class, registered, resolve
from natfit.coordinates import Coordinates
from natfit.damping.base import Damping
from natfit.distributions import Fixed, Mixture, Scaled, Shifted, Truncated, ZeroInflated
from natfit.distributions.base import Distribution
from natfit.metrics.base import Metric
from natfit.metrics.monte_carlo import MonteCarloFisher
from natfit.metrics.tensor import TensorMetric
from natfit.models import Model
from natfit.rl.baselines import Baseline
from natfit.rl.environments.base import Environment
from natfit.solvers.base import Solver
from natfit.steps.base import Step
from natfit.steps.kl import KLStep
from tests.suites import COMPONENTS


@pytest.mark.parametrize(("case", "check"), COMPONENTS.pairs())
def test_property(case, check):
    COMPONENTS.run(case, check)


@pytest.mark.parametrize("base", testing.kinds(), ids=lambda base: base.__name__)
def test_a_component_is_a_file(base):
    folder = Path(importlib.import_module(base._package).__path__[0])
    files = {}
    for path in folder.rglob("[!_]*.py"):
        if path.stem != "base" and path.relative_to(folder).parts[0] not in base._apart:
            files[path.stem] = path
    assert files and sorted(files) == available(base)
    tried = set()
    for name, path in files.items():
        cls = component_class(name, base)
        assert inspect.getfile(cls) == str(path)
        made = [resolve(name, base)] if base._by_name else cls.examples()
        # Rows on a cluster have examples where the extra is installed.
        assert made or (name == "dask" and find_spec("dask") is None)
        tried |= {name} if made else set()
        assert all(isinstance(one, cls) for one in made)
    assert {name for name, _ in registered(base)} == tried


#: Strings that users write: none may go, and what is added need not be named here.
STRINGS = {
    Metric: "auto empirical euclidean exact monte_carlo observed tensor",
    Solver: "auto cg cholesky woodbury",
    Damping: "fixed levenberg none relative",
    Step: "backtracking exact_line fixed kl trust_region",
    Environment: "cartpole drift lqr pendulum two_state",
    Baseline: "constant fourier mlp none quadratic",
    Model: "constant linear mlp predictor",
    Coordinates: "expectation native unconstrained",
    Distribution: "bernoulli beta binomial categorical cauchy dirichlet dirichlet_multinomial "
    "exponential exponentiated_weibull gamma generalized_pareto geometric gev gumbel hurdle "
    "inverse_gamma inverse_gaussian laplace logistic lognormal mixture multi_bernoulli "
    "multi_categorical multinomial multivariate_normal multivariate_t negative_binomial normal "
    "poisson scaled shifted skew_normal student_t truncated von_mises weibull zero_inflated",
}


@pytest.mark.parametrize("base", STRINGS, ids=lambda base: base.__name__)
def test_no_string_goes(base):
    assert set(STRINGS[base].split()) <= set(available(base))


def test_equality_is_type_and_parameters():
    assert KLStep(0.1) == KLStep(0.1)
    assert KLStep(0.1) != KLStep(0.2)
    assert KLStep(0.1) != MonteCarloFisher()
    assert KLStep(0.1) != "kl"
    assert TensorMetric(np.eye(2)) == TensorMetric(np.eye(2))
    assert TensorMetric(np.eye(2)) != TensorMetric(2 * np.eye(2))
    assert TensorMetric(np.eye(2)) != TensorMetric(np.eye(3))
    assert TensorMetric(np.eye(2)) != TensorMetric(None)


def test_resolve_takes_strings_classes_and_instances():
    step = KLStep(0.3)
    assert resolve(step, Step) is step
    assert resolve(KLStep, Step) == KLStep()
    assert resolve("kl", Step) == KLStep()


@pytest.mark.parametrize("bad", [3, None, KLStep(), ["exact"]])
def test_resolve_refuses_other_types(bad):
    with pytest.raises(TypeError, match="metric must be a string or a Metric object") as error:
        resolve(bad, Metric)
    assert "monte_carlo" in str(error.value)


def test_resolve_names_the_nearest_or_lists_all_names():
    with pytest.raises(ValueError, match="got 'exact_lin'; did you mean 'exact_line'") as error:
        resolve("exact_lin", Step)
    assert "backtracking" not in str(error.value)
    with pytest.raises(
        ValueError, match=r"step must be one of \['adam', 'backtracking'.*'nothing like'"
    ):
        resolve("nothing like", Step)
    with pytest.raises(ValueError, match="got '_private'"):
        resolve("_private", Step)
    with pytest.raises(ValueError, match="got 'base'"):
        resolve("base", Step)


def test_grid_search_reaches_inside():
    from sklearn.model_selection import ParameterGrid

    from natfit import NaturalMLE

    model = NaturalMLE(metric=MonteCarloFisher())
    model.set_params(metric__n_draws=7)
    assert model.metric.n_draws == 7
    assert "metric__n_draws" in model.get_params()
    assert len(ParameterGrid({"metric__n_draws": [1, 8]})) == 2


def test_packages_export_lazily():
    from natfit import metrics, solvers, steps

    assert metrics.MonteCarloFisher is MonteCarloFisher
    assert metrics.Metric is Metric
    assert steps.KLStep is KLStep
    assert "KLStep" in dir(steps)
    assert "SolveInfo" in dir(solvers)
    assert solvers.SolveInfo.__name__ == "SolveInfo"
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        steps.Nothing  # noqa: B018


def test_components_describe_themselves():
    assert repr(KLStep(0.5)) == "KLStep(epsilon=0.5)"
    assert KLStep.examples() == [KLStep()]
    assert issubclass(KLStep, Component)


@pytest.mark.parametrize(
    ("name", "base", "meant"),
    [
        ("gaussian", Distribution, "normal"),
        ("Normal", Distribution, "normal"),
        ("T", Distribution, "student_t"),
        ("geom", Distribution, "geometric"),
        ("KL", Step, "kl"),
        ("fisher", Metric, "exact"),
    ],
)
def test_another_name_is_answered_with_the_one_used_here(name, base, meant):
    with pytest.raises(ValueError, match=f"got '{name}'; did you mean '{meant}'"):
        resolve(name, base)


def test_other_names_mean_names_that_exist():
    for base in (Distribution, Metric):
        for names in (base._aliases, base._also_called):
            assert set(names.values()) <= set(available(base))
            assert not set(names) & set(available(base))
        assert not set(base._aliases) & set(base._also_called)


def test_an_alias_stands_for_a_component():
    assert resolve("nbinom", Distribution) == resolve("negative_binomial", Distribution)
    assert "nbinom" not in available(Distribution)


@pytest.mark.parametrize(
    "pair",
    [
        (Truncated("gamma", 1.0, 8.0), Truncated("gamma", 1.0, 3.0)),
        (Truncated("gamma", 1.0, 8.0), Truncated("weibull", 2.0, None)),
        (Shifted("inverse_gamma"), Shifted("lognormal")),
        (Mixture(["normal"] * 2), Mixture(["normal"] * 3)),
        (Fixed("normal", {"loc": 1.0}), Fixed("normal", {"scale": 2.0})),
        (ZeroInflated("poisson"), ZeroInflated("geometric")),
        (Scaled("student_t"), Scaled("gamma")),
    ],
    ids=str,
)
def test_what_was_derived_from_former_parameters_is_forgotten(pair):
    """A component that was used and is changed by set_params is as a new one."""
    used, fresh = (clone(each) for each in pair)
    y = np.array([2.0, 3.0])
    eta = np.ones((1, used.n_params))
    used.log_prob(y, eta)
    used.set_params(**fresh.get_params(deep=False))
    eta = np.ones((1, fresh.n_params))
    assert used.n_params == fresh.n_params
    assert list(used.params) == list(fresh.params)
    np.testing.assert_array_equal(used.log_prob(y, eta), fresh.log_prob(y, eta))
    np.testing.assert_array_equal(used.score(y, eta), fresh.score(y, eta))
    assert used.known_support == fresh.known_support


def test_names_of_one_folder():
    counts = available(Distribution, "counts")
    assert "poisson" in counts and "gamma" not in counts
    assert set(counts) < set(available(Distribution))
    assert available(Distribution, "nosuch") == []
