"""Tails of the von Mises distribution, against mpmath, and angles that are wrapped."""

import mpmath
import numpy as np
import pytest
from scipy import integrate, special

import natfit
from natfit.distributions import VonMises
from natfit.distributions.interval._arcs import tails

INF = np.inf


def log_arc(low, high, loc, kappa):
    """Log P(low <= Y <= high) by mpmath."""
    with mpmath.workdps(25):
        k, loc = mpmath.mpf(kappa), mpmath.mpf(loc)
        width = 1 / mpmath.sqrt(k)
        modes = [loc + s * 2 * mpmath.pi for s in (-1, 0, 1)]
        cuts = {mpmath.mpf(low), mpmath.mpf(high)}
        for m in modes:
            near = max(min(m, mpmath.mpf(high)), mpmath.mpf(low))
            for j in (-9, -3, -1, 0, 1, 3, 9):
                cuts.add(near + j * width)
            fall = 1 / (k * abs(mpmath.sin(near - m)) + 1)
            for j in (1, 4, 16, 64):
                cuts |= {near + j * fall, near - j * fall}
        inside = sorted(c for c in cuts if low <= c <= high)
        total = mpmath.quad(lambda t: mpmath.exp(k * (mpmath.cos(t - loc) - 1)), inside)
        return float(mpmath.log(total / (2 * mpmath.pi * mpmath.besseli(0, k) * mpmath.exp(-k))))


@pytest.mark.parametrize(
    ("loc", "kappa"), [(0.0, 2.0), (-1.2, 0.1), (2.9, 30.0), (0.3, 400.0), (-2.0, 2e4)]
)
def test_tails_against_mpmath(loc, kappa):
    family, y = VonMises(), np.array([-3.0, -2.0, -0.4, loc, 0.9, 3.1])
    eta = np.array([[loc, np.log(kappa)]])
    below, above = family.log_cdf(y, eta), family.log_sf(y, eta)
    for i, end in enumerate(y):
        assert below[i] == pytest.approx(log_arc(-np.pi, end, loc, kappa), rel=1e-10, abs=1e-12)
        assert above[i] == pytest.approx(log_arc(end, np.pi, loc, kappa), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(("loc", "kappa"), [(0.5, 3.0), (-2.0, 7.0), (2.8, 1.2), (0.1, 300.0)])
def test_velocities_are_derivatives_of_tails(loc, kappa):
    family, eta = VonMises(), np.array([loc, np.log(kappa)])
    y = np.clip(loc + np.array([-1.0, 0.0, 0.7]) / np.sqrt(1.0 + kappa), -3.1, 3.1)
    density = np.exp(family.log_prob(y, eta[None]))
    found = family.velocity(y, eta[None])
    h = 2e-4 / np.sqrt(1.0 + kappa)
    for i, unit in enumerate(np.eye(2) * h):
        ends = [(eta + s * unit)[None] for s in (1.0, -1.0)]
        slope = np.subtract(*(np.exp(family.log_sf(y, e)) for e in ends)) / (2 * h)
        np.testing.assert_allclose(found.first[i], slope / density, rtol=1e-5, atol=1e-7)
        flux = [family.velocity(y, e).first * np.exp(family.log_prob(y, e)) for e in ends]
        bend = np.subtract(*flux) / (2 * h)
        np.testing.assert_allclose(found.second[i], bend / density, rtol=1e-4, atol=1e-5)


def test_a_censored_angle_far_from_the_others():
    """From kappa 100 on differences of cdfs have no digits of such a tail."""
    y = [-0.8, -0.7, -0.65, -0.6, -0.5]
    rows = natfit.Censored([*y, -INF], [*y, 0.9])
    assert natfit.fit("von_mises", rows).params_["kappa"][0] == pytest.approx(100.4229, abs=1e-4)


def test_loc_is_an_angle():
    start = {"loc": 0.0, "kappa": 50.0}
    model = natfit.fit("von_mises", [2.9, 3.0, 3.1, 3.05], start_params=start)
    assert model.params_["loc"][0] == pytest.approx(3.0125, abs=1e-4)
    assert model.params_["kappa"][0] == pytest.approx(183.26, abs=5e-3)
    assert -np.pi <= VonMises().native_dict(np.array([20.0, 0.0]))["loc"] <= np.pi


def test_means_over_tails_far_from_a_narrow_mode():
    """Of rows with one eta and with one each, against scipy's quadrature of the smaller tail."""
    kappa, loc = 1e6, 0.5
    y = loc + np.array([-3.0, -1.0, 1.0, 3.0]) / np.sqrt(kappa)
    cosine = float(special.i1e(kappa) / special.i0e(kappa))
    shared = [np.array([v]) for v in (loc, kappa, cosine, 0.0)]
    below, above = tails(y, *shared)
    alone = tails(y, *(np.full(4, float(v[0])) for v in shared))
    np.testing.assert_allclose(np.stack([below, above]), np.stack(alone), rtol=1e-13)
    for i, end in enumerate(y):
        part = below[:, i] if end < loc else above[:, i]
        far = end + np.sign(end - loc) * 12.0 / np.sqrt(kappa)
        low, high = sorted((end, far))

        def weight(t):
            return np.exp(-2.0 * kappa * np.sin(0.5 * (t - loc)) ** 2)

        def pulled(t):
            return weight(t) * (np.cos(t - loc) - cosine)

        total, pull = (integrate.quad(f, low, high, epsabs=0.0)[0] for f in (weight, pulled))
        known = np.log(total / (2.0 * np.pi * special.i0e(kappa)))
        assert part[0] == pytest.approx(known, rel=1e-10)
        assert part[1] == pytest.approx(pull / total, rel=1e-6)
