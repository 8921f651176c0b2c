"""Families are found by name and exported from one place, whatever wing they live in."""

import pytest

from natfit._component import component_class, resolve
from natfit.distributions import Gamma
from natfit.distributions.base import Distribution


def test_a_name_finds_its_family_in_any_wing():
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
