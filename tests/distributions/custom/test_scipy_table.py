"""Some of scipy's own distributions, ends of supports, kinks and whole numbers: the best fits."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.stats._distr_params import distcont, distdiscrete
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.distributions import from_scipy

#: Every eighth entry with at most one shape, which is no whole number, of scipy's table; the
#: benchmark tests/benchmarks/scipy_families.py has all entries.
SOME = [
    (name, tuple(shapes))
    for name, shapes in distcont
    if len(shapes) < 2 and not any(i.integrality for i in getattr(stats, name)._shape_info())
][2::8]


def simplex(dist, y, shapes, loc):
    """The log-likelihood that a simplex search of scipy's density reaches from the truth."""
    positive = [not info.domain[0] < 0 for info in dist._shape_info()]
    start = [np.log(s) if p else s for s, p in zip(shapes, positive, strict=True)]

    def lower(u):
        values = [np.exp(v) if p else v for v, p in zip(u, positive, strict=False)]
        where = {"scale": np.exp(u[len(shapes)]), "loc": u[-1] if loc else 0.0}
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = -dist.logpdf(y, *values, **where).sum()
        return value if np.isfinite(value) else 1e12

    u = np.array([*start, np.log(2.0), *([0.0] if loc else [])])
    found = optimize.minimize(lower, u, method="Nelder-Mead", options={"maxfev": 600})
    return -found.fun


@pytest.mark.parametrize("loc", [False, True], ids=["scale", "location"])
@pytest.mark.parametrize(("name", "shapes"), SOME, ids=[name for name, _ in SOME])
def test_no_other_search_is_better(name, shapes, loc):
    dist = getattr(stats, name)
    y = dist.rvs(*shapes, scale=2.0, size=150, random_state=11)
    _, model = fitted(dist, y, scale=True, loc=loc)
    assert model.status_ in ("converged", "boundary", "unbounded")
    frozen = model.distribution_.counterpart(model._eta[0])
    if "is infinite" not in model.message_:
        assert frozen.logpdf(y).sum() >= simplex(dist, y, shapes, loc) - 1e-6


Y = stats.gamma.rvs(2.0, size=60, random_state=2) + 1.0


def fitted(dist, y, **options):
    """Estimates by name, and the model."""
    with warnings.catch_warnings():
        # A fit that ends at a limit says so in a warning.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = natfit.fit(from_scipy(dist, **options), y)
    return {k: float(v[0]) for k, v in model.params_.items()}, model


def test_ends_at_order_statistics():
    found, model = fitted(stats.uniform, Y, loc=True, scale=True)
    assert found == pytest.approx({"loc": Y.min(), "scale": np.ptp(Y)})
    assert model.status_ == "boundary"
    assert f"the smallest row, {Y.min():g}" in model.message_
    assert f"the largest row, {Y.max():g}" in model.message_
    assert np.isfinite(stats.uniform.logpdf(Y, **found)).all()
    found, _ = fitted(stats.expon, Y, loc=True, scale=True)
    assert found == pytest.approx({"loc": Y.min(), "scale": Y.mean() - Y.min()})
    found, model = fitted(stats.pareto, Y, scale=True)
    tail = 1.0 / np.mean(np.log(Y / Y.min()))
    assert found == pytest.approx({"b": tail, "scale": Y.min()}, rel=1e-6)
    # The scale follows from the rows: it has no standard error, and that of b is as if it is known.
    errors = model.standard_errors_
    assert np.isinf(errors["scale"][0])
    assert errors["b"][0] == pytest.approx(tail / np.sqrt(len(Y)), rel=1e-4)
    found, _ = fitted(stats.powerlaw, Y, scale=True)
    rate = 1.0 / np.mean(np.log(Y.max() / Y))
    assert found == pytest.approx({"a": rate, "scale": Y.max()}, rel=1e-6)


def test_an_end_at_which_the_density_is_infinite():
    y = stats.beta.rvs(2.0, 0.6, scale=3.0, size=80, random_state=4)
    _, model = fitted(stats.beta, y, scale=True)
    assert model.status_ == "unbounded"
    assert "the upper end" in model.message_
    _, model = fitted(stats.arcsine, y, scale=True)
    assert model.status_ == "boundary"
    assert "where the density is infinite" in model.message_
    # Inside there is a maximum, and the estimate is that.
    y = stats.gamma.rvs(4.0, size=200, random_state=5)
    _, model = fitted(stats.gamma, y, loc=True, scale=True)
    assert model.status_ == "converged"


def test_kinks_at_rows():
    found, model = fitted(stats.laplace, Y[:51], loc=True, scale=True)
    middle = np.median(Y[:51])
    assert found == pytest.approx({"loc": middle, "scale": np.abs(Y[:51] - middle).mean()})
    assert model.status_ == "converged"
    found, _ = fitted(stats.triang, Y, loc=True, scale=True)
    mode = found["loc"] + found["scale"] * found["c"]
    assert np.abs(Y - mode).min() < 1e-9


@pytest.mark.slow
def test_whole_numbers_by_their_profile():
    y = stats.randint.rvs(-3, 9, size=40, random_state=1)
    found, model = fitted(stats.randint, y)
    assert found == {"low": y.min(), "high": y.max() + 1}
    assert model.status_ == "converged"
    assert np.isinf(model.standard_errors_["low"][0])
    y = stats.hypergeom.rvs(20, 7, 6, size=50, random_state=3)
    found, _ = fitted(stats.hypergeom, y)
    some = itertools.product(range(6, 41), range(3, 25), range(3, 25))
    grid = np.array([z for z in some if z[0] >= max(z[1:])])
    with np.errstate(all="ignore"):
        every = stats.hypergeom.logpmf(y[:, None], *grid.T).sum(axis=0)
    best = stats.hypergeom.logpmf(y, found["M"], found["n"], found["N"]).sum()
    assert best >= every.max() - 1e-9
    y = stats.erlang.rvs(3, scale=2.0, size=100, random_state=1)
    found, _ = fitted(stats.erlang, y, scale=True)
    near = [stats.gamma.logpdf(y, a, scale=y.mean() / a).sum() for a in range(1, 9)]
    assert found == pytest.approx({"a": 1 + np.argmax(near), "scale": y.mean() / found["a"]})


@pytest.mark.parametrize(
    ("name", "shapes"),
    [entry for entry in distdiscrete if entry[0] in ("hypergeom", "nhypergeom")],
)
def test_whole_numbers_on_a_ridge(name, shapes):
    """Many rows determine the mean, which whole numbers far from each other come near to."""
    dist = getattr(stats, name)
    y = dist.rvs(*shapes, size=5_000, random_state=5)
    found, _ = fitted(dist, y)
    values, counts = np.unique(y, return_counts=True)
    best = -np.inf
    for total in range(values[-1] + 1, 51):
        # Those that are more than a tenth of a standard deviation from the mean are far lower.
        n, m = (v.ravel() for v in np.mgrid[1 : total + 1, 1 : total + 1])
        with np.errstate(all="ignore"):
            near = np.abs(dist.mean(total, n, m) - y.mean()) < 0.1 * y.std()
            sums = counts @ dist.logpmf(values[:, None], total, n[near], m[near])
        best = max(best, np.max(sums, initial=-np.inf, where=~np.isnan(sums)))
    assert counts @ dist.logpmf(values, *found.values()) >= best - 1e-9


def test_symmetry_is_no_optimum():
    y = stats.foldnorm.rvs(1.95, scale=2.0, size=200, random_state=8)
    found, model = fitted(stats.foldnorm, y, scale=True)
    assert model.status_ == "converged"
    assert stats.foldnorm.logpdf(y, found["c"], scale=found["scale"]).sum() > (
        stats.halfnorm.logpdf(y, scale=np.sqrt(np.mean(y * y))).sum() + 10.0
    )


def test_no_draw_decides():
    family = from_scipy(stats.gamma, loc=True, scale=True)
    first, second = (natfit.fit(family, Y, max_iter=3, tol=0.0) for _ in range(2))
    np.testing.assert_array_equal(first.theta_, second.theta_)
