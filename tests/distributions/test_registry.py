"""The registry of distributions is the folder."""

import pytest

from natfit._component import component_class, registered, resolve
from natfit.distributions import (
    Gamma,
)
from natfit.distributions.base import Distribution


def test_registry_is_the_folder():
    names = [name for name, _ in registered(Distribution)]
    assert sorted(set(names)) == [
        "bernoulli",
        "beta",
        "binomial",
        "categorical",
        "cauchy",
        "dirichlet",
        "dirichlet_multinomial",
        "exponential",
        "exponentiated_weibull",
        "gamma",
        "generalized_pareto",
        "geometric",
        "gev",
        "gumbel",
        "hurdle",
        "inverse_gamma",
        "inverse_gaussian",
        "laplace",
        "logistic",
        "lognormal",
        "mixture",
        "multi_bernoulli",
        "multi_categorical",
        "multinomial",
        "multivariate_normal",
        "multivariate_t",
        "negative_binomial",
        "normal",
        "poisson",
        "scaled",
        "shifted",
        "skew_normal",
        "student_t",
        "truncated",
        "von_mises",
        "weibull",
        "zero_inflated",
    ]
    assert component_class("gamma", Distribution) is Gamma
    with pytest.raises(ValueError, match="did you mean 'gamma'"):
        resolve("gama", Distribution)


def test_lazy_exports():
    from natfit import distributions

    assert "Gamma" in dir(distributions)
    assert distributions.Gamma is Gamma
    assert distributions.Positive().size == 1
    with pytest.raises(AttributeError, match="no attribute 'Beta7'"):
        distributions.Beta7  # noqa: B018
