"""Families with a kink, censored or in a window: the optimum may lie at a row."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.distributions.contract.kinks import nearest_to_zero

Y = np.array([-3.0, -1.5, -1.0, -0.4, -0.1, 0.2, 0.5, 1.1, 2.0, 4.0])
RIGHT = np.array([0, 1, 0, 0, 1, 0, 0, 1, 0, 1], dtype=bool)


def test_censored_laplace_ends_at_the_kink():
    model = natfit.fit("laplace", natfit.Censored(Y, np.where(RIGHT, np.inf, Y)))
    assert model.status_.good
    assert model.params_["loc"][0] == 0.5
    assert model.params_["scale"][0] == pytest.approx(1.842441, abs=1e-5)
    found = stats.laplace(*(model.params_[name][0] for name in ("loc", "scale")))
    value = found.logpdf(Y[~RIGHT]).sum() + found.logsf(Y[RIGHT]).sum()
    assert value == pytest.approx(-16.249127, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["censored", "window"])
def test_no_point_of_a_grid_is_more_likely(kind, seed):
    rng = np.random.default_rng(seed)
    y = np.round(rng.laplace(0.3, 1.5, 16), 1)
    scales = np.exp(np.linspace(-2.0, 3.0, 40))
    if kind == "censored":
        cut, above = rng.random(16) < 0.35, rng.random(16) < 0.6
        rows = natfit.Censored(np.where(cut & ~above, -np.inf, y), np.where(cut & above, np.inf, y))
        model = natfit.fit("laplace", rows)
    else:
        y = y[(y > -1) & (y < 3)]
        model = natfit.fit("laplace", y, truncation=(-1.0, 3.0))

    def value(loc, scale):
        law = stats.laplace(loc, scale)
        if kind == "window":
            return (law.logpdf(y[:, None]) - np.log(law.cdf(3.0) - law.cdf(-1.0))).sum(axis=0)
        parts = (~cut, law.logpdf), (cut & above, law.logsf), (cut & ~above, law.logcdf)
        return sum(f(y[which][:, None]).sum(axis=0) for which, f in parts)

    best = max(value(loc, scales).max() for loc in np.append(np.unique(y), [-2.0, 0.05, 2.5]))
    got = value(model.params_["loc"][0], model.params_["scale"])[0]
    assert got > best - 1e-7


def test_the_gradient_nearest_to_zero():
    got = nearest_to_zero(np.array([3.0, -0.5, -2.0]), np.array([1.0, 1.0, 0.5]))
    np.testing.assert_allclose(got, [2.0, 0.0, -1.5], atol=1e-12)


@pytest.mark.parametrize("n", [3_000, 30_000])
def test_a_gap_between_many_rows_holds_the_optimum(n, monkeypatch):
    """Scipy's profile has one slope on either side; few sums are needed, however many rows."""
    from natfit.distributions.contract import kinks

    y, c = np.random.default_rng(4).laplace(1.0, 2.0, (2, n))
    seen = y <= c
    # Some 20 sums a search, of which a fit of few rows makes two.
    sums, plain = [], kinks.sum_over

    def counted(*args):
        sums.append(1)
        return plain(*args)

    monkeypatch.setattr(kinks, "sum_over", counted)
    model = natfit.fit("laplace", natfit.Censored.right(np.minimum(y, c), seen))
    assert model.status_.good and model.n_iter_ <= 2 and len(sums) < 50

    def value(loc, log_scale):
        law = stats.laplace(loc, np.exp(log_scale))
        return law.logpdf(y[seen]).sum() + law.logsf(c[~seen]).sum()

    loc, log = model.params_["loc"][0], np.log(model.params_["scale"][0])
    best = value(loc, log)
    step = 1e-4
    for move in ((step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step)):
        assert value(loc + move[0], log + move[1]) < best
