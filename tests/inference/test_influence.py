"""Influence of rows against closed forms, statsmodels and true refits."""

import numpy as np
import pytest
from scipy import stats
from sklearn.exceptions import NotFittedError
from statsmodels.base.model import GenericLikelihoodModel

import natfit
from natfit.distributions import Normal
from natfit.inference import (
    Estimate,
    Rowwise,
    identifiability_of,
    influence_of,
    information,
    laplace_of,
    white_of,
)
from natfit.models import Linear
from natfit.rows import Memory
from tests.fits import fitted

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(12.0, 4.0, 50)
WAITS = RNG.gamma(2.5, 3.0, 1_000)
TAIL = RNG.permutation(stats.genpareto(0.3, scale=2.0).ppf((np.arange(1_000) + 0.5) / 1_000))


@pytest.fixture
def first_order(monkeypatch):
    """Leave out the terms of second order, as for many rows."""
    monkeypatch.setattr("natfit.inference.influence.MOST", 0)


def test_normal_in_closed_form(first_order):
    """To first order the mean moves by -(y - m) / N, the log of the scale by -(z^2 - 1) / 2N."""
    found = natfit.fit("normal", NORMAL).influence(NORMAL)
    scale, n = NORMAL.std(), len(NORMAL)
    z = (NORMAL - NORMAL.mean()) / scale
    np.testing.assert_allclose(found.params["loc"][:, 0], -scale * z / n, atol=1e-9)
    np.testing.assert_allclose(found.theta[:, 1], -(z**2 - 1) / (2 * n), atol=1e-9)
    np.testing.assert_allclose(found.params["scale"][:, 0], scale * found.theta[:, 1], atol=1e-9)
    # Half of s' (W I)^-1 s with s = (z / scale, z^2 - 1).
    want = 0.5 * (z**2 + (z**2 - 1) ** 2 / 2) / n
    np.testing.assert_allclose(found.distance, want, rtol=1e-6)


def test_second_order_of_a_normal():
    """Without row i the mean moves by -(y - m) / (N - 1), the variance by its own formula."""
    found = natfit.fit("normal", NORMAL, tol=1e-9).influence(NORMAL)
    assert found.order == 2
    n, gap = len(NORMAL), NORMAL - NORMAL.mean()
    np.testing.assert_allclose(found.params["loc"][:, 0], -gap / (n - 1), rtol=2 / n**2, atol=1e-9)
    variance = (gap @ gap - gap**2 * n / (n - 1)) / (n - 1)
    true = np.sqrt(variance) - NORMAL.std()
    error = np.abs(found.params["scale"][:, 0] - true)
    linear = -((gap / NORMAL.std()) ** 2 - 1) * NORMAL.std() / (2 * n)
    assert error.max() < 0.2 * np.abs(linear - true).max()


def test_gamma_is_as_with_statsmodels(first_order):
    class GammaModel(GenericLikelihoodModel):
        def loglikeobs(self, params):
            return stats.gamma(params[0], scale=params[1]).logpdf(self.endog)

    y = WAITS[:100]
    model = natfit.fit("gamma", y)
    at = np.array([model.params_["shape"][0], model.params_["scale"][0]])
    theirs = GammaModel(y, np.ones((100, 1)), extra_params_names=["scale"])
    # theta without row i is theta + H^-1 s_i with the Hessian of the log-likelihood.
    want = np.linalg.solve(theirs.hessian(at), theirs.score_obs(at).T).T
    found = model.influence(y)
    np.testing.assert_allclose(found.params["shape"][:, 0], want[:, 0], rtol=2e-3, atol=1e-5)
    np.testing.assert_allclose(found.params["scale"][:, 0], want[:, 1], rtol=2e-3, atol=1e-5)


def refitted(model, y, rows):
    """Changes of the native parameters if each of some rows is left out, by true refits."""
    found = []
    for i in rows:
        other = model._refit(np.delete(y, i)[:, None])
        found.append([float(other.params_[n][0] - model.params_[n][0]) for n in model.params_])
    return np.array(found)


def correlations(model, y, rows):
    found = model.influence(y)
    mine = np.stack([found.params[name][rows, 0] for name in model.params_], axis=1)
    true = refitted(model, y, rows)
    return [np.corrcoef(a, b)[0, 1] for a, b in zip(mine.T, true.T, strict=True)]


@pytest.mark.parametrize("name", ["gamma", "weibull", "generalized_pareto"])
def test_true_refits(name):
    """Of 1,000 rows the 30 most influential, which are the worst, and 30 others."""
    y = TAIL if name == "generalized_pareto" else WAITS
    model = natfit.fit(name, y, tol=1e-9)
    top = model.influence(y).top(30)["row"]
    assert min(correlations(model, y, [*top, *range(30)])) > 0.999


def test_true_refits_to_first_order(first_order):
    model = natfit.fit("gamma", WAITS, tol=1e-9)
    top = model.influence(WAITS).top(30)["row"]
    assert min(correlations(model, WAITS, [*top, *range(30)])) > 0.999


@pytest.mark.slow
def test_true_refits_of_all_rows():
    model = natfit.fit("gamma", WAITS, tol=1e-9)
    assert min(correlations(model, WAITS, range(1_000))) > 0.999


@pytest.mark.slow
def test_right_censored_rows_are_as_refits():
    limit = RNG.exponential(8.0, 1_000)
    rows = natfit.Censored.right(np.minimum(WAITS, limit), WAITS <= limit)
    model = natfit.fit("weibull", rows, tol=1e-9)
    found = model.influence(rows)
    at = [*found.top(20)["row"], *range(20)]
    true = [model._refit(rows[np.delete(np.arange(1_000), i)])._eta[0] for i in at]
    gap = np.array(true) - model._eta[0]
    for k in range(2):
        assert np.corrcoef(gap[:, k], found.theta[at, k])[0, 1] > 0.999


def test_a_weight_is_a_number_of_repetitions():
    weight = np.arange(len(NORMAL)) % 3 + 0.0
    some = weight > 0
    one = natfit.fit("gamma", NORMAL, sample_weight=weight).influence(NORMAL, weight)
    rows = np.repeat(NORMAL, weight.astype(int))
    two = natfit.fit("gamma", rows).influence(rows)
    np.testing.assert_array_equal(one.rows, np.flatnonzero(some))
    first = np.unique(np.repeat(np.arange(len(NORMAL)), weight.astype(int)), return_index=True)[1]
    np.testing.assert_allclose(one.theta, two.theta[first], rtol=1e-4, atol=1e-9)
    np.testing.assert_allclose(one.distance, two.distance[first], rtol=1e-4)


def test_columns_fitted_separately():
    x = RNG.gamma(2.0, 1.0, (40, 2))
    both = natfit.fit("gamma", x).influence(x)
    each = [natfit.fit("gamma", x[:, j]).influence(x[:, j]) for j in range(2)]
    assert both.params["shape"].shape == (40, 2)
    assert both.theta.shape == (40, 2, 2)
    for j in range(2):
        np.testing.assert_allclose(both.params["shape"][:, j], each[j].params["shape"][:, 0])
    np.testing.assert_allclose(both.distance, each[0].distance + each[1].distance)


def test_a_covariance_and_shares_have_their_shapes(first_order):
    x = RNG.standard_normal((200, 2)) @ np.array([[2.0, 0.0], [1.0, 0.5]])
    model = natfit.fit("multivariate_normal", x)
    found = model.influence(x)
    gap = x - x.mean(axis=0)
    want = -(gap[:, :, None] * gap[:, None, :] - gap.T @ gap / 200) / 200
    np.testing.assert_allclose(found.params["covariance"], want, atol=1e-7)
    np.testing.assert_allclose(found.params["loc"], -gap / 200, atol=1e-9)
    kinds = RNG.integers(0, 3, 90)
    share = natfit.fit(natfit.distributions.Categorical(3), kinds).influence(kinds)
    name = next(iter(share.params))
    values = share.params[name].reshape(90, 3)
    each = np.eye(3)[kinds]
    np.testing.assert_allclose(values, -(each - each.mean(axis=0)) / 90, atol=1e-8)


def test_fixed_parameters_do_not_move(first_order):
    model = natfit.NaturalMLE("gamma", fixed={"shape": 2.0}).fit(WAITS[:, None])
    found = model.influence(WAITS)
    assert not found.params["shape"].any()
    # The scale is the mean over the shape.
    np.testing.assert_allclose(
        found.params["scale"][:, 0], -(WAITS - WAITS.mean()) / 2.0 / 1_000, rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("n, limit", [(18_000, 2), (40_000, 1)])
def test_passes_over_the_rows(n, limit, monkeypatch):
    y = RNG.gamma(2.0, 1.0, n)
    model = natfit.fit("gamma", y)
    passes = []
    inner = Memory._values

    def counted(self, part, args, size):
        passes.append(part.__name__)
        return inner(self, part, args, size)

    monkeypatch.setattr(Memory, "_values", counted)
    assert model.influence(y).order == limit
    assert len(passes) == limit


def test_the_table_of_the_most_influential_rows():
    found = natfit.fit("normal", NORMAL).influence(NORMAL)
    table = found.top(3)
    assert list(table) == ["row", "distance", "loc", "scale"]
    farthest = np.argsort(-np.abs(NORMAL - NORMAL.mean()))[:3]
    assert set(table["row"]) == set(farthest)
    assert np.all(np.diff(table["distance"]) <= 0)
    assert f"{farthest[0]}" in repr(found)
    assert len(found.top(1_000)["row"]) == len(NORMAL)
    with pytest.raises(ValueError, match="k must be >= 1"):
        found.top(0)


def test_refusals():
    model = natfit.fit("gamma", WAITS)
    with pytest.raises(ValueError, match="X must be the data of the fit"):
        model.influence(WAITS[:-1])
    with pytest.raises(ValueError, match="X must be the data of the fit"):
        model.influence(WAITS + 0.5)
    with pytest.raises(ValueError, match="negative|positive|support|> 0"):
        model.influence(np.where(np.arange(1_000) == 3, -1.0, WAITS))
    with pytest.raises(ValueError, match="end of the support at a row"):
        fitted("uniform", NORMAL).influence(NORMAL)
    with pytest.raises(NotFittedError):
        natfit.NaturalMLE("gamma").influence(WAITS)


def test_a_conditional_model_has_the_influence_of_least_squares():
    """Rows with eta of their own: beta without row i is beta - (X'X)^-1 x_i e_i to first order."""
    x = RNG.standard_normal((80, 2))
    y = x @ np.array([1.0, -2.0]) + 0.5 + RNG.standard_normal(80)
    design = np.column_stack([x, np.ones(80)])
    beta = np.linalg.lstsq(design, y, rcond=None)[0]
    error = y - design @ beta
    family = Normal()
    model = Linear().bind(2, family, ("scale",))
    scale = np.sqrt(np.mean(error**2))
    theta = np.append(beta, np.log(scale))
    objective = Rowwise(family, model, Memory(y, x))
    estimate = Estimate(
        family, theta, information(objective, theta), (), 80.0, lambda t: None, objective
    )
    found, log = influence_of(estimate)
    np.testing.assert_allclose(log, stats.norm(0.0, scale).logpdf(error), rtol=1e-10)
    want = -np.linalg.solve(design.T @ design, (design * error[:, None]).T).T
    np.testing.assert_allclose(found.theta[:, :3], want, atol=1e-10)
    np.testing.assert_allclose(found.theta[:, 3], -((error / scale) ** 2 - 1) / 160.0, atol=1e-10)
    # Cook's distance times half the number of coefficients, and what the scale adds.
    hat = np.einsum("ij,ij->i", design, np.linalg.solve(design.T @ design, design.T).T)
    coefficients = 0.5 * (error / scale) ** 2 * hat
    variance = 0.5 * ((error / scale) ** 2 - 1) ** 2 / 160.0
    np.testing.assert_allclose(found.distance, coefficients + variance, rtol=1e-8)
    assert found.params == {}
    assert "80 rows" in repr(found)
    names = [c.name for c in identifiability_of(estimate).combinations]
    assert len(names) == 4
    for function in (white_of, lambda e: laplace_of(e, {}, 0, 0)):
        with pytest.raises(ValueError, match="parameters that all rows share"):
            function(estimate)
