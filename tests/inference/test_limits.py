"""Covariances where a parameter rests at a bound: it counts as known for the others."""

import numpy as np
import pytest
from scipy import special, stats

from natfit._component import registered
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.base import Wrapper
from natfit.numerics.differences import gradient, hessian
from natfit.testing.data import points, some_rows
from tests.fits import fitted, native

ANGLES = np.array([-0.5, -0.2, 0.1, 0.3, 0.5, 0.9, 1.2, 2.0])

FAMILIES = {
    name: family
    for name, family in registered(Distribution)
    if not isinstance(family, Wrapper)
    and family.event_shape == ()
    and family.n_params > 1
    and all(constraint.shape == () for constraint in family.params.values())
}


def test_von_mises_with_kappa_held():
    # By hand: d2 log p / d loc2 = -kappa cos(y - loc), and E cos(y - loc) = I1 / I0 (kappa).
    model = fitted("von_mises", ANGLES, bounds={"kappa": (None, 0.5)})
    gap = ANGLES - native(model)["loc"]
    observed = 1.0 / (0.5 * np.cos(gap).sum())
    scores = 0.25 * np.square(np.sin(gap)).sum()
    expected = 1.0 / (8 * 0.5 * special.iv(1, 0.5) / special.iv(0, 0.5))
    assert model.standard_errors_["loc"][0] == pytest.approx(0.57914, abs=1e-5)
    assert model.cov_params()[0, 0] == pytest.approx(observed, rel=1e-6)
    assert model.cov_params("expected")[0, 0] == pytest.approx(expected, rel=1e-6)
    robust = model.cov_params("robust", ANGLES[:, None])
    assert robust[0, 0] == pytest.approx(observed**2 * scores, rel=1e-6)
    assert robust[1, 1] == np.inf
    assert robust[0, 1] == 0.0


def test_gamma_with_its_shape_held_is_as_with_scipys_likelihood():
    y = stats.gamma(2.5, scale=3.0).rvs(60, random_state=np.random.default_rng(1))
    model = fitted("gamma", y, bounds={"shape": (None, 1.5)})
    scale = y.mean() / 1.5
    assert native(model)["scale"] == pytest.approx(scale, rel=1e-6)
    # l = -n 1.5 log s - sum y / s; both informations are 1.5 n / s^2 at its maximum.
    assert model.cov_params()[1, 1] == pytest.approx(scale**2 / (1.5 * 60), rel=1e-5)
    assert model.cov_params("expected")[1, 1] == pytest.approx(scale**2 / (1.5 * 60), rel=1e-5)
    scores = np.square(y / scale**2 - 1.5 / scale).sum()
    want = (scale**2 / (1.5 * 60)) ** 2 * scores
    assert model.cov_params("robust", y[:, None])[1, 1] == pytest.approx(want, rel=1e-5)


def active_bounds(family, y):
    """(parameter, bounds) that the fit of y runs into, one unit short of the optimum."""
    best = fitted(family, y)._eta[0]
    low, high, step = family.limits
    for name, constraint in family.params.items():
        at = family.blocks[name].start
        end = best[at] - 0.1 * min(step[at], 3.0)
        value = float(constraint.to_native(np.array([[end]]))[0])
        if low[at] < end < high[at]:
            yield name, (value, None) if constraint.decreasing else (None, value)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_others_are_as_if_the_parameter_were_known(name):
    family = FAMILIES[name]
    drawn = [some_rows(family, eta, 40) for eta in points(family, 9)]
    inside = [y for y in drawn if fitted(family, y).status_ == "converged"]
    if not inside:
        # The estimates are the ends of the data.
        assert all(fitted(family, y).status_ == "boundary" for y in drawn)
        return
    # Another parameter may be at its limit, too.
    checked = (check_the_others(name, family, y) for y in inside)
    assert any(checked)


def check_the_others(name, family, y):
    """Compare covariances at each active bound; return how many there were."""
    checked = 0
    for held, ends in active_bounds(family, y):
        model = fitted(family, y, bounds={held: ends})
        if model._at_bound != [(family.blocks[held].start,)]:
            continue
        eta = model._eta[0][None]
        free = np.delete(np.arange(family.n_params), family.blocks[held].start)
        unit = np.where(np.isfinite(family.limits[2]), 1.0, y.std())[None]

        def log(e):
            return family.log_density(y, e)

        scores = gradient(log, np.repeat(eta, len(y), 0), 1e-3 * unit)[:, free]
        curve = -hessian(log, np.repeat(eta, len(y), 0), 4e-3 * unit).sum(axis=0)
        has_fisher = family.information.exists and name not in ("gev", "generalized_pareto")
        if has_fisher:
            fisher = np.linalg.inv(family.fisher(eta)[0][np.ix_(free, free)] * len(y))
        # The log-density of the Laplace distribution has no curvature in loc at any row.
        flat = name == "laplace" and held == "scale"
        inverse = fisher if flat else np.linalg.inv(curve[np.ix_(free, free)])
        slope = np.array(
            [
                float(constraint.jacobian(eta[0][family.blocks[n]])[0, 0])
                for n, constraint in family.params.items()
            ]
        )[free]
        pairs = {"observed": inverse, "robust": inverse @ scores.T @ scores @ inverse}
        if has_fisher:
            pairs["expected"] = fisher
        for kind, want in pairs.items():
            found = model.cov_params(kind, y[:, None])[np.ix_(free, free)]
            np.testing.assert_allclose(found, slope[:, None] * want * slope, rtol=1e-3)
        checked += 1
    return checked
