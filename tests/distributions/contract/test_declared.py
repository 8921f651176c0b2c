"""What families declare of themselves is true, and belongs to subclasses and wrappers too."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import testing
from natfit._component import registered
from natfit.distributions import (
    Gamma,
    Hurdle,
    Mixture,
    Positive,
    Real,
    Reciprocal,
    Role,
    Shifted,
    Truncated,
    Width,
    from_log_prob,
)
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.constrained import Constrained
from natfit.distributions.wrappers.fixed import Fixed
from natfit.distributions.wrappers.mixture._guard import guards
from natfit.rows import Block
from natfit.testing.data import some_rows

EVERY = [pytest.param(f, id=repr(f)) for _, f in registered(Distribution)]
#: Families that are no wrappers: their parameters do to y itself what their roles say.
OWN = [p for p in EVERY if ".wrappers." not in type(p.values[0]).__module__]


def having(*roles):
    """Those of OWN with a parameter of one of the roles."""
    return [p for p in OWN if set(roles) & set(p.values[0].roles.values())]


def changed(family, eta, change):
    """Eta with native values changed by role: ``change[role](value)``."""
    values = family.native_dict(eta)
    roles = family.roles
    return family.eta(**{n: change.get(roles[n], lambda v: v)(v) for n, v in values.items()})


@pytest.mark.parametrize("family", having(Role.LOCATION))
def test_a_location_moves_y(family):
    for eta in testing.points(family):
        y = some_rows(family, eta, 20)
        moved = changed(family, eta, {Role.LOCATION: lambda v: v + 0.7})
        want = family.log_prob(y, eta[None])
        np.testing.assert_allclose(family.log_prob(y + 0.7, moved[None]), want, atol=1e-9)


@pytest.mark.parametrize("family", having(Role.SCALE, Role.RATE, Role.COVARIANCE))
def test_a_scale_stretches_y(family):
    change = {
        Role.LOCATION: lambda v: 3.0 * v,
        Role.SCALE: lambda v: 3.0 * v,
        Role.RATE: lambda v: v / 3.0,
        Role.COVARIANCE: lambda v: 9.0 * v,
    }
    size = int(np.prod(family.event_shape))
    for eta in testing.points(family):
        y = some_rows(family, eta, 20)
        want = family.log_prob(y, eta[None]) - size * np.log(3.0)
        found = family.log_prob(3.0 * y, changed(family, eta, change)[None])
        np.testing.assert_allclose(found, want, atol=1e-9)


@pytest.mark.parametrize("family", having(Role.POWER))
def test_a_power_stretches_the_logarithm(family):
    (scale,) = (n for n, role in family.roles.items() if role is Role.SCALE)
    for eta in testing.points(family):
        y, unit = some_rows(family, eta, 20), family.native_dict(eta)[scale]
        wide = unit * (y / unit) ** 1.5
        want = family.log_prob(y, eta[None]) - np.log(1.5 * wide / y)
        found = [
            family.log_prob(wide, changed(family, eta, {Role.POWER: lambda v, k=k: v * k})[None])
            for k in (1.5, 1.0 / 1.5)
        ]
        assert any(np.allclose(f, want, atol=1e-9) for f in found)


@pytest.mark.parametrize("family", having(Role.MEAN))
def test_a_mean_is_that_of_y(family):
    for eta in testing.points(family):
        rule, values = family.expectation(eta), family.native_dict(eta)
        (mean,) = (values[n] for n, role in family.roles.items() if role is Role.MEAN)
        assert rule.weight @ rule.y == pytest.approx(float(mean), rel=1e-7)


@pytest.mark.parametrize("family", having(Role.MODE))
def test_a_mode_is_the_most_probable_y(family):
    for eta in testing.points(family):
        (mode,) = (family.native_dict(eta)[n] for n, r in family.roles.items() if r is Role.MODE)
        np.testing.assert_allclose(family.mode(eta[None]), mode[None], rtol=1e-12)


@pytest.mark.parametrize("family", having(Role.SHARE))
def test_a_share_is_a_probability(family):
    for values in map(family.native_dict, testing.points(family)):
        for name in (n for n, role in family.roles.items() if role is Role.SHARE):
            assert np.all((values[name] > 0) & (values[name] < 1))


@pytest.mark.parametrize("family", EVERY)
def test_a_subclass_is_what_its_family_is(family):
    kind = type(f"My{type(family).__name__}", (type(family),), {})
    mine = kind(**family.get_params(deep=False))
    assert mine.roles == family.roles
    assert mine.widths == family.widths
    assert mine.information == family.information
    eta = testing.points(family)[0]
    limits, theirs = (
        {key: c.limits() for key, c in guards((f, f), [eta, eta]).items()} for f in (mine, family)
    )
    assert limits.keys() == theirs.keys() == {(k, n) for k in (0, 1) for n in family.widths}
    for key in limits:
        np.testing.assert_array_equal(limits[key], theirs[key])


# ------------------------------------------------------------------------------------ guards


class MyGamma(Gamma):
    """A subclass that changes nothing."""


#: Thirty equal rows among ninety: a component without a limit shrinks onto them.
COLLAPSING = np.r_[np.full(30, 9.0), stats.gamma(3).ppf(np.linspace(0.01, 0.99, 90))]


def fitted(*components):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return natfit.NaturalMLE(Mixture(components)).fit(COLLAPSING[:, None])


def test_a_subclass_keeps_its_limit_in_a_mixture():
    theirs, mine = fitted(Gamma(), Gamma()), fitted(MyGamma(), MyGamma())
    assert theirs.status_ == mine.status_ == "boundary"
    np.testing.assert_array_equal(mine.theta_, theirs.theta_)
    assert "component 1 collapsed" in mine.message_


@pytest.mark.slow
def test_wrapped_components_keep_their_limits():
    assert Fixed("gamma", {"scale": 1.0}).widths == Truncated("gamma").widths == Gamma().widths
    assert Fixed("gamma", {"shape": 2.0}).widths == {}
    assert Shifted("gamma").widths == {"scale": Width(1.0)}
    assert (
        fitted(Truncated("gamma", 0.0, 50.0), Truncated("gamma", 0.0, 50.0)).status_ == "boundary"
    )


def test_the_limit_of_another_constraint_is_the_same_native_one():
    family, eta = Gamma(), np.log([2.0, 3.0])
    other = Constrained(family, {"shape": Reciprocal(low=1e-3, high=1e9)})
    own = guards((family, family), [eta, eta])[0, "shape"]
    found = guards((other, other), [other.reduce(eta)] * 2)[0, "shape"]
    assert found.high == pytest.approx(own.high, rel=1e-12)


def test_a_hurdle_says_what_the_zeros_of_its_family_become():
    for name, bound in (("poisson", ("rate", "lower")), ("geometric", ("prob", "upper"))):
        assert Hurdle(name).limit_meaning[bound] == "all positive counts are 1"
    assert Hurdle(natfit.distributions.Binomial(5)).limit_meaning == {
        ("zero_prob", "lower"): "Binomial cut off at zero, no zeros",
        ("prob", "lower"): "all positive counts are 1",
        ("prob", "upper"): "all rows are n",
    }


# ---------------------------------------------------------------------------- custom families


def density(y, a, b):
    z = (y - a) / b
    return -z - anp.log(b) - 2.0 * anp.logaddexp(0.0, -z)


PARAMS = {"a": Real(), "b": Positive()}


def test_names_mean_something_where_nothing_is_declared():
    names = {"loc": Real(), "mu": Real(), "sd": Positive(), "rate": Positive(), "k": Positive()}
    family = from_log_prob(lambda y, loc, mu, sd, rate, k: y, names, support="real")
    assert family.roles == {
        "loc": Role.LOCATION,
        "mu": Role.MEAN,
        "sd": Role.SCALE,
        "rate": Role.RATE,
        "k": Role.SHAPE,
    }


def test_declared_roles_find_the_mass_and_start_there():
    y = 1e6 + np.random.default_rng(0).logistic(size=200)
    told = from_log_prob(density, PARAMS, support="real", roles={"a": "location", "b": Role.SCALE})
    silent = from_log_prob(density, PARAMS, support="real")
    eta = np.array([[1e6, 0.0]])
    assert told.roles == {"a": Role.LOCATION, "b": Role.SCALE}
    np.testing.assert_allclose(
        told.fisher(eta)[0], natfit.distributions.Logistic().fisher(eta)[0], atol=1e-5
    )
    with pytest.raises(ValueError, match="instead of 1"):
        silent.fisher(eta)
    start = told.initial(Block(y), np.random.default_rng(0))
    assert start[0] == pytest.approx(1e6, abs=1.0)
    assert natfit.fit(told, y).status_ == "converged"


@pytest.mark.parametrize(
    ("roles", "match"),
    [
        ({"c": "scale"}, r"roles must be a dict by parameter name \(\['a', 'b'\]\), got"),
        (["scale"], "roles must be a dict by parameter name"),
        ({"b": "size"}, r"roles\['b'\] must be one of \['location', 'scale', 'rate'"),
    ],
)
def test_wrong_roles_are_refused(roles, match):
    with pytest.raises(ValueError, match=match):
        from_log_prob(density, PARAMS, support="real", roles=roles)
