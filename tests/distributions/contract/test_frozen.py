"""The frozen distribution of a fit, against scipy's and against itself."""

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats

import natfit
from natfit import Censored, NaturalMLE
from natfit._component import registered
from natfit.distributions import (
    CureFraction,
    Fixed,
    Hurdle,
    Mixture,
    Pareto,
    Positive,
    Real,
    Scaled,
    Shifted,
    Truncated,
    ZeroAdjusted,
    ZeroInflated,
    from_log_prob,
    from_scipy,
)
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.testing.data import points

UNIVARIATE = [
    pytest.param(f, id=f"{name}-{i}")
    for i, (name, f) in enumerate(registered(Distribution))
    if f.event_shape == ()
] + [
    pytest.param(from_scipy(stats.genlogistic, scale=True), id="scipy-genlogistic"),
    pytest.param(from_scipy(stats.bradford, scale=True), id="scipy-bradford"),
    pytest.param(from_scipy(stats.betabinom, n=10), id="scipy-betabinom"),
]

#: Probabilities of both tails.
LEVELS = np.array([1e-12, 1e-6, 0.01, 0.3, 0.5, 0.77])


def whole(family):
    return family.support.integer


def frozen_at(family, k=1):
    return Frozen(family, points(family)[k][None])


def away_from_ends(frozen, x):
    """Points that are no ends of the support and no values with a probability of their own."""
    low, high = frozen.support()
    kept = np.isfinite(x) & (x > low) & (x < high) & ~np.isin(x, frozen.family.atoms)
    return x[kept & (np.abs(x) < 1e300)]


@pytest.mark.parametrize("family", UNIVARIATE)
def test_quantiles_invert_both_tails(family):
    """ppf(cdf(x)) = x and isf(sf(x)) = x to 1e-10; of whole numbers exactly."""
    frozen = frozen_at(family)
    for quantile, tail in ((frozen.ppf, frozen.cdf), (frozen.isf, frozen.sf)):
        x = away_from_ends(frozen, quantile(LEVELS))
        found = quantile(tail(x))
        if whole(family):
            # Where the tail does not change at x, the smallest such number is meant.
            same = tail(x) == tail(x - 1.0)
            np.testing.assert_array_equal(found[~same], x[~same])
        else:
            np.testing.assert_allclose(found, x, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("family", UNIVARIATE)
def test_quantiles_of_rows_are_those_of_each(family):
    etas, levels = points(family, 5, seed=8), np.array([[1e-9], [0.05], [0.5], [0.98]])
    if not family.has_cdf:
        pytest.skip("has no distribution function of rows")
    rows, each = Frozen(family, etas, by="row"), [Frozen(family, e[None]) for e in etas]
    for name in ("ppf", "isf"):
        found = getattr(rows, name)(levels)
        want = np.stack([getattr(f, name)(levels[:, 0]) for f in each], axis=1)
        np.testing.assert_allclose(found, want, rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("family", UNIVARIATE)
def test_quantiles_are_the_smallest_that_reach(family):
    frozen, p = frozen_at(family), np.random.default_rng(0).uniform(size=400)
    x = frozen.ppf(p)
    if whole(family):
        assert np.all(frozen.cdf(x) >= p * (1.0 - 1e-13))
        assert np.all((frozen.cdf(x - 1.0) < p) | (x <= family.support.low))
        return
    inside = np.isfinite(x)
    reached = frozen.cdf(np.nextafter(x[inside], np.inf)) - p[inside]
    before = frozen.cdf(x[inside] - 1e-9 * np.maximum(np.abs(x[inside]), 1e-9)) - p[inside]
    # Near an end of the support the spacing of doubles is a probability.
    assert np.all(reached > -1e-9) and np.all(before < 1e-9)
    # Few are found by bisection, many by a table and Newton's steps.
    np.testing.assert_allclose(x[:20], frozen.ppf(p[:20]), rtol=1e-11)


@pytest.mark.parametrize("family", UNIVARIATE)
def test_the_ends_and_order_of_quantiles(family):
    frozen = frozen_at(family)
    low, high = frozen.support()
    below = low - 1.0 if whole(family) else low
    assert frozen.ppf(0.0) == below and frozen.isf(1.0) == below
    assert frozen.ppf(1.0) == high and frozen.isf(0.0) == high
    many = frozen.ppf(np.linspace(0.0, 1.0, 1001))
    many = many[np.isfinite(many)]
    assert np.all(np.diff(many) >= -1e-12 * np.abs(many[:-1]))
    assert frozen.median() == pytest.approx(frozen.ppf(0.5), rel=1e-11)
    inner = frozen.interval(0.9)
    assert inner[0] == pytest.approx(frozen.ppf(0.05), rel=1e-11)
    assert inner[1] == pytest.approx(frozen.isf(0.05), rel=1e-11)


@pytest.mark.parametrize("family", UNIVARIATE)
def test_far_tails_keep_their_logarithms(family):
    """Tails down to 1e-300, where scipy's own logarithms or the quantile's place is exact."""
    frozen = frozen_at(family)
    if whole(family):
        pytest.skip("the tails of whole numbers have no quantile at a given probability")
    low, high = frozen.support()
    for end, quantile, tail in ((low, frozen.ppf, frozen.logcdf), (high, frozen.isf, frozen.logsf)):
        if (np.isfinite(end) and end != 0.0) or family.atoms:
            continue  # Doubles next to such an end are too far apart.
        # The formula of a density without a distribution function may overflow far out.
        p = np.array([1e-300, 1e-200, 1e-100, 1e-20])[0 if family.has_cdf else 2 :]
        x = quantile(p)
        # A power may take the quantile itself out of the range of doubles.
        kept = (np.abs(x) < 1e300) & (np.abs(x) > 1e-290)
        np.testing.assert_allclose(tail(x)[kept], np.log(p)[kept], rtol=1e-9)


@pytest.mark.parametrize("family", UNIVARIATE)
def test_mean_variance_entropy_and_mode_against_draws_of_quantiles(family):
    """The integrals are those of the quantile function, at twenty thousand even levels."""
    frozen = frozen_at(family)
    levels = (np.arange(20_000) + 0.5) / 20_000
    x = frozen.ppf(levels)
    try:
        mean, var = frozen.mean(), frozen.var()
    except ValueError as error:
        assert "does not exist" in str(error) and np.abs(x).max() > 1e3 * frozen.interval(0.5)[1]
        return
    finite = np.isfinite(x)
    if finite.all() and np.isfinite(var) and x.max() < 1e3 * (1.0 + frozen.std()):
        assert mean == pytest.approx(x.mean(), rel=0.02, abs=0.02 * frozen.std())
        if np.abs(x - mean).max() < 30.0 * frozen.std():
            assert var == pytest.approx(x.var(), rel=0.03)
    mode = frozen.mode()
    density = frozen.logpdf(x[finite])
    if not (family.atoms and not whole(family)):
        assert np.isfinite(frozen.entropy())
        expected = -np.mean(density)
        assert frozen.entropy() == pytest.approx(expected, abs=0.02 + 0.02 * abs(expected))
        assert not frozen.logpdf(mode) < density.max() - 1e-9


def test_values_and_shapes_are_scipys():
    y = np.random.default_rng(0).gamma(3.0, 2.0, 200)
    model = natfit.fit("gamma", y)
    frozen, known = model.frozen_, model.frozen_.to_scipy()
    grid = np.array([[0.5, 1.0, 2.0], [4.0, 8.0, 16.0]])
    for name in ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"):
        np.testing.assert_allclose(
            getattr(frozen, name)(grid), getattr(known, name)(grid), rtol=1e-11
        )
        assert np.ndim(getattr(frozen, name)(1.0)) == 0
    for name in ("ppf", "isf"):
        np.testing.assert_allclose(
            getattr(frozen, name)([0.1, 0.9]), getattr(known, name)([0.1, 0.9]), rtol=1e-12
        )
    for name in ("mean", "var", "std", "median", "entropy"):
        assert getattr(frozen, name)() == pytest.approx(getattr(known, name)(), rel=1e-10)
    assert frozen.interval(0.9) == pytest.approx(known.interval(0.9), rel=1e-12)
    assert frozen.support() == known.support()
    assert frozen.rvs(random_state=0).shape == () and frozen.rvs((2, 3), 0).shape == (2, 3)
    assert frozen.params["shape"] == pytest.approx(model.params_["shape"][0])


def test_columns_have_a_last_axis():
    y = np.random.default_rng(0).gamma(3.0, 2.0, (200, 3)) * [1.0, 10.0, 100.0]
    model = NaturalMLE("gamma").fit(y)
    frozen, one = model.frozen_, [natfit.fit("gamma", column).frozen_ for column in y.T]
    assert frozen.mean().shape == frozen.ppf(0.5).shape == frozen.mode().shape == (3,)
    assert frozen.ppf([0.1, 0.9]).shape == (2, 3) and frozen.cdf(y).shape == (200, 3)
    assert frozen.rvs(5, 0).shape == (5, 3)
    for j, each in enumerate(one):
        np.testing.assert_allclose(frozen.cdf(y)[:, j], each.cdf(y[:, j]), rtol=1e-6)
    np.testing.assert_allclose(frozen.logpdf(y).sum(axis=1), model.score_samples(y), rtol=1e-12)
    np.testing.assert_allclose(frozen.to_scipy().cdf(y), frozen.cdf(y), rtol=1e-11)
    with pytest.raises(ValueError, match="last axis of 3"):
        frozen.cdf(y[:, :2])


def test_rows_of_parameters_broadcast_with_points():
    family = natfit.fit("normal", [0.0, 1.0, 2.0]).distribution_
    eta = np.stack([family.eta(loc=m, scale=s) for m, s in ((0, 1), (5, 2), (-3, 0.5))])
    frozen = Frozen(family, eta, by="row")
    want = stats.norm([0, 5, -3], [1, 2, 0.5])
    np.testing.assert_allclose(frozen.cdf([0.0, 1.0, 2.0]), want.cdf([0.0, 1.0, 2.0]), rtol=1e-12)
    np.testing.assert_allclose(frozen.ppf([[0.1], [0.9]]), want.ppf([[0.1], [0.9]]), rtol=1e-12)
    np.testing.assert_allclose(frozen.mean(), [0, 5, -3], atol=1e-15)


RNG = np.random.default_rng(3)
WAITS = RNG.weibull(1.5, 300) * 10.0
COUNTS = RNG.poisson(2.0, 300).astype(float)


@pytest.mark.parametrize(
    ("family", "y", "options"),
    [
        (Truncated("normal", 0.0, 30.0), WAITS, {}),
        ("normal", WAITS, {"truncation": (0.0, 30.0)}),
        (Shifted("gamma"), WAITS, {}),
        (Scaled("chi2"), WAITS, {}),
        (Fixed("weibull", {"shape": 1.5}), WAITS, {}),
        ("weibull", WAITS, {"fixed": {"shape": 1.5}}),
        ("weibull", WAITS, {"bounds": {"shape": (0.5, 3.0)}}),
        ("weibull", Censored.right(WAITS, WAITS < 12.0), {}),
        (Mixture(["gamma", "gamma"]), WAITS, {}),
        (ZeroInflated("poisson"), np.append(COUNTS, np.zeros(60)), {}),
        (Hurdle("poisson"), np.append(COUNTS, np.zeros(60)), {}),
        (ZeroAdjusted("gamma"), np.append(WAITS, np.zeros(30)), {}),
        (CureFraction("weibull"), Censored.right(np.minimum(WAITS, 12.0), WAITS < 12.0), {}),
        (from_scipy(stats.genlogistic, loc=True, scale=True), WAITS, {}),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_wrapper_and_option_has_a_frozen_distribution(family, y, options):
    model = natfit.fit(family, y, **options)
    frozen = model.frozen_
    p = np.array([0.05, 0.5, 0.8])
    x = frozen.ppf(p)
    assert np.all(np.diff(x[np.isfinite(x)]) >= 0)
    assert np.all(frozen.cdf(x[np.isfinite(x)]) >= p[np.isfinite(x)] - 1e-12)
    if not isinstance(y, Censored):
        np.testing.assert_allclose(frozen.logpdf(y).sum(), model.loglik_, rtol=1e-9)
        assert frozen.mean() == pytest.approx(np.mean(y), rel=0.1)
    assert np.isfinite(frozen.pdf(frozen.mode()))


def test_a_user_density_has_tails_by_quadrature():
    def gumbel(y, loc, scale):
        z = (y - loc) / scale
        return -z - anp.exp(-z) - anp.log(scale)

    y = stats.gumbel_r(3.0, 2.0).rvs(200, random_state=1)
    family = from_log_prob(gumbel, {"loc": Real(), "scale": Positive()}, support="real")
    frozen = natfit.fit(family, y).frozen_
    known = stats.gumbel_r(*(float(v) for v in frozen.params.values()))
    x = np.array([-8.0, -2.0, 3.0, 10.0, 100.0, 1000.0])
    np.testing.assert_allclose(frozen.logcdf(x), known.logcdf(x), rtol=1e-11)
    np.testing.assert_allclose(frozen.logsf(x), known.logsf(x), rtol=1e-11)
    p = np.array([1e-12, 1e-3, 0.5, 0.999])
    np.testing.assert_allclose(frozen.ppf(p), known.ppf(p), rtol=1e-10)
    np.testing.assert_allclose(frozen.isf([1e-300, 1e-12]), known.isf([1e-300, 1e-12]), rtol=1e-10)
    assert frozen.mean() == pytest.approx(known.mean(), rel=1e-11)
    assert frozen.var() == pytest.approx(known.var(), rel=1e-11)
    assert frozen.entropy() == pytest.approx(known.entropy(), rel=1e-11)
    assert frozen.mode() == pytest.approx(frozen.params["loc"], rel=1e-6)


def test_a_user_density_without_a_support_says_what_is_missing():
    def normal(y, loc):
        return -0.5 * (y - loc) ** 2 - 0.5 * np.log(2.0 * np.pi)

    family = from_log_prob(
        normal, {"loc": Real()}, sample=lambda rng, n, loc: rng.normal(loc, 1, n)
    )
    frozen = natfit.fit(family, [1.0, 2.0, 4.0]).frozen_
    assert frozen.pdf(1.0) > 0 and frozen.rvs(3, 0).shape == (3,)
    for ask in (lambda: frozen.cdf(1.0), lambda: frozen.ppf(0.5), frozen.mean, frozen.entropy):
        with pytest.raises(ValueError, match="support"):
            ask()


def test_an_unnormalised_density_has_no_tails():
    family = from_log_prob(
        lambda y, loc: -0.5 * (y - loc) ** 2,
        {"loc": Real()},
        support="real",
        fisher=lambda loc: [[1.0]],
    )
    with pytest.raises(ValueError, match="normalis"):
        Frozen(family, np.zeros((1, 1))).cdf(0.0)


def test_vectors_give_what_exists_and_say_what_does_not():
    X = np.random.default_rng(0).normal(size=(50, 2)) @ [[1.0, 0.5], [0.0, 2.0]]
    frozen = natfit.NaturalGaussianMLE().fit(X).frozen_
    known = frozen.to_scipy()
    np.testing.assert_allclose(frozen.logpdf(X), known.logpdf(X), rtol=1e-12)
    np.testing.assert_allclose(frozen.mean(), X.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(frozen.cov(), np.cov(X.T, bias=True), rtol=1e-5)
    np.testing.assert_allclose(frozen.var(), X.var(axis=0), rtol=1e-5)
    assert frozen.entropy() == pytest.approx(known.entropy(), rel=1e-12)
    assert frozen.rvs(4, 0).shape == (4, 2) and frozen.rvs(random_state=0).shape == (2,)
    for name in ("cdf", "sf", "ppf", "isf"):
        with pytest.raises(ValueError, match="vectors"):
            getattr(frozen, name)(0.5)
    with pytest.raises(ValueError, match="last axis of 2"):
        frozen.pdf([1.0, 2.0, 3.0])


@pytest.mark.parametrize("q", [-0.1, 1.1, np.nan])
def test_probabilities_outside_the_unit_interval_are_refused(q):
    frozen = natfit.fit("normal", [0.0, 1.0, 2.0]).frozen_
    with pytest.raises(ValueError, match=r"\[0, 1\]|NaN"):
        frozen.ppf([0.5, q])
    with pytest.raises(ValueError):
        frozen.interval(q)


def test_numbers_that_are_missing_are_refused():
    frozen = natfit.fit("normal", [0.0, 1.0, 2.0]).frozen_
    with pytest.raises(ValueError, match="NaN"):
        frozen.cdf([1.0, np.nan])
    assert frozen.cdf(np.inf) == 1.0 and frozen.sf(-np.inf) == 1.0


def test_moments_that_do_not_exist_are_said():
    cauchy = natfit.fit("cauchy", [0.0, 1.0, 2.0, 5.0, -3.0]).frozen_
    with pytest.raises(ValueError, match="does not exist"):
        cauchy.mean()
    pareto = Frozen(Pareto(), Pareto().eta(shape=0.5, scale=1.0)[None])
    assert pareto.mean() == np.inf and pareto.std() == np.inf


def test_an_unfitted_estimator_has_none():
    with pytest.raises(Exception, match="not fitted"):
        _ = NaturalMLE("gamma").frozen_


@pytest.mark.parametrize("coordinates", ["native", "unconstrained", "expectation"])
def test_to_scipy_takes_parameters_whatever_the_coordinates(coordinates):
    y = np.random.default_rng(0).exponential(3.0, 100)
    model = NaturalMLE("exponential", coordinates=coordinates).fit(y[:, None])
    assert model.distribution_.to_scipy(model.params_).mean() == pytest.approx(y.mean())
    with pytest.raises(TypeError, match="params_"):
        model.distribution_.to_scipy(model.theta_)


def test_to_scipy_refuses_what_it_cannot_do():
    y = np.random.default_rng(0).gamma(3.0, 2.0, (50, 1))
    truncated = NaturalMLE("gamma", truncation=(0.0, 50.0)).fit(y)
    with pytest.raises(ValueError, match="frozen_"):
        truncated.frozen_.to_scipy()
    fixed = NaturalMLE("gamma", fixed={"shape": 3.0}).fit(y)
    assert fixed.frozen_.to_scipy().mean() == pytest.approx(y.mean(), rel=1e-6)
    with pytest.raises(ValueError, match="parameters must be"):
        fixed.distribution_.to_scipy({"shape": 1.0})
    with pytest.raises(ValueError, match="scale must be"):
        fixed.distribution_.to_scipy({"shape": 1.0, "scale": -1.0})


def test_moments_of_vectors_are_those_of_each_row():
    """One distribution of vectors a row has one mean and one covariance a row."""
    from natfit.distributions import MultivariateNormal

    family = MultivariateNormal("full", 2)
    eta = np.random.default_rng(0).normal(size=(3, family.n_params))
    frozen = Frozen(family, eta, by="row")
    loc, covariance = family.native(eta)
    np.testing.assert_allclose(frozen.mean(), loc)
    np.testing.assert_allclose(frozen.cov(), covariance)
    np.testing.assert_allclose(frozen.var(), np.diagonal(covariance, axis1=1, axis2=2))
