"""Starts under fixed values and bounds: every row has a density there, and the fit is the best."""

import itertools

import numpy as np
import pytest

import natfit
from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.base import Wrapper
from natfit.fitting.feasible import feasible
from natfit.iterate import Status
from natfit.rows import Memory
from natfit.testing.data import points, some_rows
from tests.fits import fitted, native, total

EXCESSES = [0.1, 0.3, 0.5, 0.8, 1.2, 1.9, 3.1]
MAXIMA = [-1.2, -0.7, -0.3, 0.0, 0.2, 0.5, 0.9, 1.4]

FAMILIES = {
    name: family
    for name, family in registered(Distribution)
    if not isinstance(family, Wrapper)
    and family.event_shape == ()
    and all(constraint.shape == () for constraint in family.params.values())
}

#: Ends that may lie below the optimum of a held parameter: none of them claims to be one.
OPEN = (Status.MAX_ITER, Status.NO_DESCENT, Status.UNBOUNDED, Status.SINGULAR)


@pytest.mark.parametrize("held", [{"fixed": {"shape": -0.5}}, {"bounds": {"shape": (None, -0.5)}}])
def test_a_support_that_ends_is_stretched_over_all_rows(held):
    # The maxima over the other parameters by scipy's genpareto and genextreme and brute force.
    model = fitted("generalized_pareto", EXCESSES, **held)
    assert native(model)["scale"] == pytest.approx(1.863635, abs=2e-5)
    assert total(model, EXCESSES) == pytest.approx(-7.737899, abs=1e-6)
    model = fitted("gev", MAXIMA, **held)
    assert native(model)["loc"] == pytest.approx(-0.085563, abs=2e-5)
    assert native(model)["scale"] == pytest.approx(0.888424, abs=2e-5)
    assert total(model, MAXIMA) == pytest.approx(-9.397355, abs=1e-6)


def test_without_a_feasible_point_the_fit_is_refused():
    with pytest.raises(ValueError, match="must give a finite likelihood"):
        natfit.fit(
            "generalized_pareto",
            np.array(EXCESSES),
            fixed={"shape": -0.9},
            bounds={"scale": (None, 2.0)},
        )


def test_a_location_is_moved_where_the_scale_is_held():
    family = natfit.distributions.Gev()
    rows = Memory(np.array(MAXIMA))

    def value(eta):
        return -family.log_prob(rows.y, eta[None]).sum()

    start = family.eta(loc=-40.0, scale=1.0, shape=-0.5)
    assert not np.isfinite(value(start))
    found = feasible(family, rows, start, value)
    assert np.isfinite(value(found))


def native_at(family, name, eta):
    """The native value of one parameter at eta (K,)."""
    return float(family.native_dict(eta)[name])


def held_values(family, eta):
    """(parameter, native value) below and above a point, in steps that move a start far."""
    low, high, step = family.limits
    for name, sign in itertools.product(family.params, (-1.0, 1.0)):
        at = family.blocks[name].start
        end = np.clip(eta[at] + sign * min(step[at], 3.0), low[at], high[at])
        value = float(family.params[name].to_native(np.array([[end]]))[0])
        if low[at] < end < high[at]:
            yield name, value


def neighbours(family, eta, held):
    """Points eta (K,) that differ from one in one free coordinate, inside the limits."""
    low, high, _ = family.limits
    for name, step in itertools.product(family.params, (-1.0, -0.1, -0.01, 0.01, 0.1, 1.0)):
        if name != held:
            other = eta.copy()
            other[family.blocks[name]] += step
            yield np.clip(other, low, high)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_fits_with_any_parameter_held(name):
    family = FAMILIES[name]
    eta = points(family)[0]
    y = some_rows(family, eta, 12)
    for held, value in held_values(family, eta):
        reverse = value < native_at(family, held, eta)
        # Each parameter is held in both ways, on either side by one of them.
        if len(family.params) > 1 and reverse == list(family.params).index(held) % 2:
            option = {"fixed": {held: value}}
        else:
            option = {"bounds": {held: (None, value) if reverse else (value, None)}}
        try:
            model = fitted(family, y, **option)
        except ValueError as error:
            # No value of an end of the support that the option allows lies beyond the rows.
            assert "overlap" in str(error) or "no row may lie beyond it" in str(error)
            continue
        assert np.isfinite(total(model, y))
        if "fixed" in option and model.status_ not in OPEN:
            at = model._eta[0]
            best = max(
                family.log_density(y, other[None]).sum() for other in neighbours(family, at, held)
            )
            assert best < total(model, y) + 1e-6
