"""Distributions of a user's own: behaviour, and what is refused."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions import (
    Exponential,
    Normal,
    Positive,
    Real,
    Route,
    Support,
    Unit,
    from_log_prob,
)
from natfit.rows import Block, Memory


def exponential(y, rate):
    return anp.log(rate) - rate * y


def normal(y, loc, scale):
    return -0.5 * ((y - loc) / scale) ** 2 - anp.log(scale) - 0.5 * np.log(2 * np.pi)


def family(log_prob=exponential, params=None, **options):
    options.setdefault("support", "non_negative")
    return from_log_prob(log_prob, params or {"rate": Positive()}, **options)


Y = np.random.default_rng(0).exponential(0.5, 300)


def test_equals_the_packages_own_family():
    mine, theirs = family(), Exponential()
    eta, y = np.array([[0.4]]), Y[:20]
    for name in ("log_prob", "score", "observed"):
        got, want = getattr(mine, name)(y, eta), getattr(theirs, name)(y, eta)
        np.testing.assert_allclose(got, want, rtol=1e-12)
    np.testing.assert_allclose(mine.fisher(eta), theirs.fisher(eta), rtol=1e-6)
    np.testing.assert_allclose(mine.kl(eta, eta + 0.5), theirs.kl(eta, eta + 0.5), rtol=1e-6)


def test_fits_like_the_packages_own():
    got = natfit.fit(family(), Y)
    assert got.status_ == "converged"
    assert got.params_["rate"][0] == pytest.approx(1.0 / Y.mean(), rel=1e-6)
    assert got.standard_errors_["rate"][0] == pytest.approx(1.0 / Y.mean() / np.sqrt(300), rel=1e-4)


def test_fisher_in_native_parameters_is_carried_over():
    mine = family(
        normal,
        {"loc": Real(), "scale": Positive()},
        support=None,
        fisher=lambda loc, scale: np.diag([1.0, 2.0]) / scale**2,
    )
    eta = np.array([[0.3, 0.7]])
    np.testing.assert_allclose(mine.fisher(eta), Normal().fisher(eta), rtol=1e-12)
    assert mine.information.route is Route.CLOSED_FORM


def test_arguments_by_position_or_by_name():
    def named(y, *, scale, loc):
        return normal(y, loc, scale)

    def positional(y, a, b):
        return normal(y, a, b)

    params, eta = {"loc": Real(), "scale": Positive()}, np.array([[0.3, 0.7]])
    want = Normal().log_prob(Y, eta)
    for fun in (named, positional, lambda y, **kw: normal(y, **kw), lambda y, *a: normal(y, *a)):
        got = from_log_prob(fun, params).log_prob(Y, eta)
        np.testing.assert_allclose(got, want, rtol=1e-14)


def test_initial_of_ones_own():
    mine = family(initial=lambda y, weight: {"rate": 7.0})
    np.testing.assert_allclose(mine.initial(Block(Y), None), [np.log(7.0)])


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_start_is_within_reach_whatever_the_units(size):
    start = family().initial(Block(size * Y), np.random.default_rng(0))
    assert abs(start[0] + np.log(size * Y.mean())) < 3.0


def test_without_support_or_fisher_nothing_exact():
    mine = family(support=None)
    assert not mine.information.exists
    assert not mine.has_kl
    with pytest.raises(ValueError, match="metric='monte_carlo'"):
        mine.fisher(np.zeros((1, 1)))
    with pytest.raises(ValueError, match="no sampler"):
        mine.sample(np.zeros((1, 1)), np.random.default_rng(0), 3)
    with pytest.raises(ValueError, match="no closed-form divergence"):
        mine.kl(np.zeros((1, 1)), np.zeros((1, 1)))
    with pytest.raises(ValueError, match="scipy"):
        mine.counterpart(np.zeros(1))


def test_a_discrete_family_is_enumerated():
    def geometric(y, prob):
        return y * anp.log1p(-prob) + anp.log(prob)

    mine = from_log_prob(geometric, {"prob": Unit()}, support="counts")
    assert mine.information.route is Route.ENUMERATION
    p = 0.2
    eta = mine.eta(prob=p)
    # F in p is 1 / (p^2 (1 - p)); dp / d logit = p (1 - p).
    assert mine.fisher(eta[None])[0, 0, 0] == pytest.approx(1.0 - p, rel=1e-9)


def test_a_bounded_continuous_family():
    def kumaraswamy(y, a):
        return anp.log(a) + (a - 1.0) * anp.log(y)

    mine = from_log_prob(kumaraswamy, {"a": Positive()}, support="unit")
    np.testing.assert_allclose(mine.fisher(np.array([[0.8]])), [[[1.0]]], rtol=1e-8)
    assert mine.log_density(np.array([1.5]), np.array([[0.8]]))[0] == -np.inf


def test_density_that_does_not_normalise_is_named():
    def wrong(y, rate):
        return 2.0 * anp.log(rate) - rate * y

    mine = family(wrong)
    with pytest.raises(ValueError, match="instead of 1"):
        mine.fisher(np.array([[1.0]]))


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"params": {}}, ValueError, "params must be a dict"),
        ({"params": [("rate", Positive())]}, ValueError, "params must be a dict"),
        ({"params": {"rate": "positive"}}, ValueError, r"params\['rate'\] must be a constraint"),
        ({"log_prob": "exp"}, TypeError, "log_prob must be a function"),
        ({"sample": 3}, TypeError, "sample must be a function or None"),
        ({"fisher": np.eye(1)}, TypeError, "fisher must be a function or None"),
        ({"initial": {}}, TypeError, "initial must be a function or None"),
        ({"support": "reals"}, ValueError, "support must be one of"),
        ({"support": 3}, ValueError, "support must be"),
        ({"event_ndim": 2}, ValueError, "event_ndim must be 0 or 1"),
        ({"log_prob": lambda y: y}, ValueError, "log_prob must have the signature"),
        ({"log_prob": lambda y, a, b: y}, ValueError, "log_prob must have the signature"),
    ],
)
def test_bad_arguments(arguments, error, match):
    options = {"log_prob": exponential, "params": {"rate": Positive()}} | arguments
    with pytest.raises(error, match=match):
        from_log_prob(**options)


def not_differentiable(y, rate):
    return np.log(float(rate[0])) - float(rate[0]) * y


def scipy_stats(y, rate):
    return stats.expon(scale=1.0 / rate).logpdf(y)


@pytest.mark.parametrize(
    ("log_prob", "match"),
    [
        (lambda y, rate: exponential(y, rate) + np.nan, "must return finite numbers, got nan"),
        (lambda y, rate: exponential(y, rate).sum(), "one number per row"),
        (lambda y, rate: exponential(y, rate)[:, None], "one number per row"),
        (not_differentiable, "differentiable by autograd"),
        (scipy_stats, "differentiable by autograd"),
        (lambda y, rate: exponential(y, rate) + 0 * anp.sqrt(rate - rate), "finite derivative"),
    ],
    ids=["nan", "summed", "column", "float", "scipy", "nan derivative"],
)
def test_a_log_prob_that_breaks_its_contract(log_prob, match):
    model = natfit.NaturalMLE(family(log_prob))
    with pytest.raises(ValueError, match=match) as error:
        model.fit(Y[:, None])
    assert "log_prob" in str(error.value)
    assert not hasattr(model, "params_")


def test_functions_that_return_wrong_shapes():
    mine = family(sample=lambda rng, n, rate: np.ones((n, 2)), fisher=lambda rate: np.eye(2))
    with pytest.raises(ValueError, match="sample must return shape"):
        mine.sample(np.zeros((1, 1)), np.random.default_rng(0), 3)
    with pytest.raises(ValueError, match="fisher must return"):
        mine.fisher(np.zeros((1, 1)))


def test_a_support_object():
    mine = family(support=Support(low=0.0, high=3.0))
    with pytest.raises(ValueError, match="0 < y < 3"):
        mine.check(Memory(np.array([1.0, 3.5])))


def test_multivariate_families_take_their_dimension_from_the_data():
    def ring(y, loc, scale):
        return -anp.sum((y - loc) ** 2, axis=1) / (2 * scale**2) - 2 * anp.log(scale)

    mine = from_log_prob(ring, {"loc": Real((2,)), "scale": Positive()}, event_ndim=1)
    bound = mine.bind(Memory(np.zeros((5, 2))))
    assert bound.event_shape == (2,)
    with pytest.raises(ValueError, match=r"must have shape \(n, 2\)"):
        bound.bind(Memory(np.zeros((5, 3))))
    with pytest.raises(ValueError, match=r"must have shape \(n, D\)"):
        mine.bind(Memory(np.zeros(5)))
