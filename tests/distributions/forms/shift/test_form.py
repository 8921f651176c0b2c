"""Shifted families in regular coordinates: the same density, its derivatives, its probabilities."""

import mpmath as mp
import numpy as np
import pytest
from scipy import integrate, stats

from natfit._component import available, component_class, resolve
from natfit.distributions import ExponentiatedWeibull, Shifted
from natfit.distributions.base import Distribution
from natfit.distributions.forms.shift.form import ShiftForm
from natfit.distributions.forms.shift.kernel import kernel_of
from tests.fits import fitted

#: All families of positive numbers that have a regular form where they are shifted.
NAMES = [
    name
    for name in available(Distribution)
    if ".positive." in component_class(name, Distribution).__module__
    and kernel_of(resolve(name, Distribution)) is not None
]
Z = np.array([-1.1, -0.4, 0.1, 0.8, 2.5])


def form_at(name, ratio):
    form = ShiftForm(resolve(name, Distribution), 3.0)
    return form, np.concatenate([[1.0, 0.3, ratio], np.full(form.n_params - 3, 0.4)])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ratio", [0.04, 0.3, 0.8])
def test_it_is_the_shifted_family(name, ratio):
    (form, eta), own = form_at(name, ratio), Shifted(name)
    at = form.to_own(eta)
    np.testing.assert_allclose(form.from_own(at), eta, rtol=1e-9)
    y = 4.0 + np.exp(0.3) * Z
    want = own.inner.log_prob(y - at[0], at[None, 1:])
    np.testing.assert_allclose(form.log_prob(y, eta[None]), want, rtol=1e-9)
    np.testing.assert_allclose(own.log_prob(y, at[None]), want, rtol=1e-9)
    for tail in ("log_cdf", "log_sf"):
        want = getattr(own.inner, tail)(y - at[0], at[None, 1:])
        np.testing.assert_allclose(getattr(form, tail)(y, eta[None]), want, rtol=1e-8)
    jacobian, (inverse, _) = form.jacobian_own(eta), form.jacobian_from_own(at)
    np.testing.assert_allclose(inverse @ jacobian, np.eye(len(eta)), atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ratio", [0.0, 1e-5, 0.3])
def test_score_and_hessian_are_derivatives(name, ratio):
    form, eta = form_at(name, ratio)
    y, h = 4.0 + np.exp(0.3) * Z, 1e-5
    score, observed = form.score(y, eta[None]), form.observed(y, eta[None])
    for k, step in enumerate(h * np.eye(len(eta))):
        around = [(eta + s * step)[None] for s in (1.0, -1.0)]
        up, down = (form.log_prob(y, e) for e in around)
        np.testing.assert_allclose(score[:, k], (up - down) / (2 * h), rtol=1e-5, atol=1e-7)
        up, down = (form.score(y, e) for e in around)
        np.testing.assert_allclose(-observed[:, k], (up - down) / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ratio", [0.0, 0.2])
def test_the_information_is_the_mean_of_the_hessian(name, ratio):
    form, eta = form_at(name, ratio)
    z, weight = form.kernel.nodes(ratio, eta[3:])
    kept = (z < 1e30) & (1.0 + ratio * z > 1e-10)
    z, weight = z[kept], weight[kept]
    mean = np.tensordot(weight, form.observed(4.0 + np.exp(0.3) * z, eta[None]), 1)
    np.testing.assert_allclose(form.fisher(eta[None])[0], mean, atol=2e-5)


def test_a_million_widths_away_the_log_density_keeps_nine_digits():
    y = np.array([-2.0, 0.3, 1.7])
    for name, native in [
        ("gamma", {"shape": 1e12, "scale": 1e-6}),
        ("lognormal", {"shape": 1e-6, "scale": 1e6}),
        ("weibull", {"shape": 1e6, "scale": 1e6}),
    ]:
        eta = Shifted(name).eta(loc=-1e6, **native)
        with mp.workdps(60):
            loc, *rest = (mp.mpf(float(e)) for e in eta)
            shape, scale = (mp.exp(e) for e in rest)
            want = []
            for one in y:
                x = mp.mpf(one) - loc
                if name == "gamma":
                    log = (shape - 1) * mp.log(x / scale) - x / scale
                    want.append(log - mp.loggamma(shape) - mp.log(scale))
                elif name == "lognormal":
                    t = mp.log(x / scale) / shape
                    want.append(-t * t / 2 - mp.log(x * shape) - mp.log(2 * mp.pi) / 2)
                else:
                    t = shape * mp.log(x / scale)
                    want.append(mp.log(shape) - mp.log(x) + t - mp.exp(t))
        found = Shifted(name).log_prob(y, eta[None])
        np.testing.assert_allclose(found, np.array(want, dtype=float), rtol=0, atol=5e-9)


@pytest.mark.parametrize("name", ["gamma", "inverse_gamma", "inverse_gaussian"])
@pytest.mark.parametrize("ratio", [0.99e-4, 1.01e-4])
def test_probabilities_at_a_small_ratio_are_integrals_of_the_density(name, ratio):
    form, eta = form_at(name, ratio)
    for y in (2.5, 6.0):
        below, _ = integrate.quad(
            lambda t: np.exp(form.log_prob(np.array([t]), eta[None])[0]), -20.0, y, epsabs=1e-12
        )
        at = np.array([y])
        assert np.exp(form.log_cdf(at, eta[None])[0]) == pytest.approx(below, rel=1e-7)
        assert np.exp(form.log_sf(at, eta[None])[0]) == pytest.approx(1.0 - below, rel=1e-7)
    eta[2] = 0.0
    y = 4.0 + np.exp(0.3) * Z
    want = stats.norm.logcdf(y, 4.0, np.exp(0.3))
    np.testing.assert_allclose(form.log_cdf(y, eta[None]), want, rtol=1e-12)


def test_families_of_another_kind_have_no_regular_form():
    for family in ("generalized_pareto", "exponential"):
        assert kernel_of(resolve(family, Distribution)) is None


@pytest.mark.parametrize("t", [-700.0, -3e3, -1e6])
def test_far_tails_are_straight_lines_where_doubles_end(t):
    """Log y of an exponentiated Weibull at power 1, scale 1: the tail is log a + a t."""
    form = ShiftForm(ExponentiatedWeibull())
    power = 1e-3
    eta = np.array([[0.0, 0.0, 0.0, np.log(power)]])
    found = form.log_prob(np.array([t]), eta)
    np.testing.assert_allclose(found, np.log(power) + power * t, rtol=1e-12)
    np.testing.assert_allclose(form.score(np.array([t]), eta)[0, 3], 1.0 + power * t, rtol=1e-9)


def burr(y, power, median, shape):
    """Log-density of the Burr XII distribution, by mpmath."""
    y, power, median, shape = (mp.mpf(float(v)) for v in (y, power, median, shape))
    scale = median / (2 ** (1 / shape) - 1) ** (1 / power)
    z = (y / scale) ** power
    return mp.log(shape * power) + mp.log(z) - mp.log(y) - (shape + 1) * mp.log(1 + z)


@pytest.mark.parametrize("shape", [1e-6, 1e-4, 1e-2])
@pytest.mark.parametrize("ratio", [1e-3, 0.4])
@pytest.mark.parametrize("name", ["burr12", "dagum"])
def test_a_bend_beyond_the_range_of_doubles_is_in_the_density(name, shape, ratio):
    """Log y bends at log 2 / shape: the Dagum distribution is that of 1 / y."""
    form, width = ShiftForm(resolve(name, Distribution)), 0.01
    eta = np.array([2.0, np.log(width), ratio, *form.family.eta(shape=shape, power=1, median=1)])
    eta = eta[[0, 1, 2, 3 + form.family.blocks["shape"].start]]
    distance = width / ratio
    y = np.array([2.0 - 0.4 * distance, 2.0, 2.0 + 1.5 * distance, 9.0])
    with mp.workdps(60):
        gap = [mp.mpf(float(v)) - 2 + mp.mpf(distance) for v in y]
        if name == "burr12":
            want = [burr(g, 1 / ratio, distance, shape) for g in gap]
        else:
            want = [burr(1 / g, 1 / ratio, 1 / distance, shape) - 2 * mp.log(g) for g in gap]
    want = np.array([float(v) for v in want])
    np.testing.assert_allclose(form.log_prob(y, eta[None]), want, rtol=1e-7)


@pytest.mark.parametrize("family", ["exponentiated_weibull", "generalized_gamma", "burr12"])
@pytest.mark.parametrize("seed", [2, 4, 7])
def test_no_fit_claims_a_likelihood_that_no_density_has(family, seed):
    """Rows that no member makes likely: the largest density is bounded by the rows' spacings."""
    y = -stats.gumbel_r.rvs(size=25, random_state=seed)
    model = fitted(Shifted(family), y)
    normal = stats.norm.logpdf(y, y.mean(), y.std()).sum()
    assert normal - 10.0 < model.score_samples(y[:, None]).sum() < normal + 10.0
