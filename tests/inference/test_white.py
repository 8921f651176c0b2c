"""White's test against regressions by numpy, by hand, and its behaviour under the family."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma

import natfit
from tests.fits import fitted

RNG = np.random.default_rng(0)
WAITS = RNG.gamma(2.0, 3.0, 400)


def explained(z, weight=None):
    """Sum of squares of ones that the columns of z explain, which is W times R^2, and their rank."""
    w = np.ones(len(z)) if weight is None else weight
    root = np.sqrt(w)[:, None]
    z = z * root
    fit, _, rank, _ = np.linalg.lstsq(z / np.linalg.norm(z, axis=0), root[:, 0], rcond=1e-7)
    return float(root[:, 0] @ (z / np.linalg.norm(z, axis=0)) @ fit), rank


def gamma_terms(y, shape, scale):
    """Scores and vech of s s' + H of a gamma in (log shape, log scale), by hand."""
    log, ratio = np.log(y / scale), y / scale
    s = np.stack([shape * (log - polygamma(0, shape)), ratio - shape], axis=1)
    h11 = s[:, 0] - shape**2 * polygamma(1, shape)
    h12, h22 = np.full(len(y), -shape), -ratio
    d = np.stack([s[:, 0] ** 2 + h11, s[:, 0] * s[:, 1] + h12, s[:, 1] ** 2 + h22], axis=1)
    return s, d


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_gamma_is_the_regression_of_ones(weighted):
    weight = RNG.integers(1, 4, 400).astype(float) if weighted else None
    model = natfit.fit("gamma", WAITS, sample_weight=weight, tol=1e-9)
    found = model.white_test(WAITS, weight)
    s, d = gamma_terms(WAITS, model.params_["shape"][0], model.params_["scale"][0])
    want, rank = explained(np.concatenate([s, d], axis=1), weight)
    assert found.statistic == pytest.approx(want, rel=1e-6)
    assert found.df == rank - 2 == 3
    assert found.pvalue == pytest.approx(stats.chi2.sf(want, 3), rel=1e-5)


def test_normal_has_skewness_and_kurtosis():
    """Of the three indicators z^2 - 1 is a score; left are those of skewness and kurtosis."""
    y = RNG.standard_t(8.0, 300)
    found = natfit.fit("normal", y, tol=1e-9).white_test(y)
    z = (y - y.mean()) / y.std()
    columns = np.stack([z, z**2 - 1, z**3 - 3 * z, z**4 - 4 * z**2 + 1], axis=1)
    assert found.df == 2
    assert found.statistic == pytest.approx(explained(columns)[0], rel=1e-6)


def test_poisson_is_the_test_of_dispersion():
    y = RNG.poisson(3.0, 500).astype(float)
    found = natfit.fit("poisson", y, tol=1e-9).white_test(y)
    gap = y - y.mean()
    columns = np.stack([gap, gap**2 - y.mean()], axis=1)
    assert found.df == 1
    assert found.statistic == pytest.approx(explained(columns)[0], rel=1e-6)


def test_censored_rows_by_hand():
    """Exponential: s = event - rate t and H = -rate t, in the log of the rate."""
    time, limit = RNG.exponential(2.0, 300), RNG.exponential(3.0, 300)
    event = time <= limit
    t = np.minimum(time, limit)
    rows = natfit.Censored.right(t, event)
    model = natfit.fit("exponential", rows, tol=1e-9)
    hazard = event.sum() / t.sum() * t
    s = event - hazard
    want, _ = explained(np.stack([s, s**2 - hazard], axis=1))
    assert model.white_test(rows).statistic == pytest.approx(want, rel=1e-6)


def test_it_rejects_another_family():
    y = RNG.lognormal(0.0, 1.0, 5_000)
    assert natfit.fit("gamma", y).white_test(y).pvalue < 1e-6


def test_a_fixed_parameter_gives_no_indicator():
    model = natfit.NaturalMLE("gamma", fixed={"shape": 2.0}).fit(WAITS[:, None])
    found = model.white_test(WAITS)
    assert found.df == 1
    s, d = gamma_terms(WAITS, 2.0, WAITS.mean() / 2.0)
    want, _ = explained(np.stack([s[:, 1], d[:, 2]], axis=1))
    assert found.statistic == pytest.approx(want, rel=1e-5)


def test_bootstrap_is_repeatable_and_keeps_the_statistic():
    y = RNG.gamma(2.0, 1.0, 60)
    model = natfit.fit("gamma", y)
    options = {"pvalue": "bootstrap", "n_resamples": 39}
    one, again = (model.white_test(y, **options) for _ in range(2))
    assert one.pvalue == again.pvalue
    assert one.statistic == model.white_test(y).statistic
    # A multiple of 1 / 40.
    assert one.pvalue * 40 == pytest.approx(round(one.pvalue * 40))
    assert "refits" in str(one)


@pytest.mark.slow
def test_size_of_the_bootstrap_at_small_samples():
    """At 50 rows chi-square rejects far above 5 %, the bootstrap does not: 4 standard errors."""
    rng, chi, boot, n = np.random.default_rng(5), 0, 0, 80
    for _ in range(n):
        y = rng.standard_normal(50)
        model = natfit.fit("normal", y)
        chi += model.white_test(y).pvalue <= 0.05
        boot += model.white_test(y, pvalue="bootstrap", n_resamples=19).pvalue <= 0.05
    error = np.sqrt(0.05 * 0.95 / n)
    assert abs(boot / n - 0.05) < 4 * error
    assert chi / n > 0.05 + 4 * error


def test_refusals():
    y = RNG.standard_normal(50)
    with pytest.raises(ValueError, match="kink"):
        natfit.fit("laplace", y).white_test(y)
    coins = np.arange(40) % 3 == 0
    with pytest.raises(ValueError, match="any such rows"):
        natfit.fit("bernoulli", coins.astype(float)).white_test(coins.astype(float))
    prior = natfit.NaturalMLE("normal", prior={"loc": stats.norm(0, 1)}).fit(y[:, None])
    with pytest.raises(ValueError, match="without prior="):
        prior.white_test(y)
    few = y[:4]
    with pytest.raises(ValueError, match="more rows than its 2 indicators"):
        natfit.fit("normal", few).white_test(few)
    with pytest.raises(ValueError, match="pvalue must be one of"):
        natfit.fit("normal", y).white_test(y, pvalue="exact")
    with pytest.raises(ValueError, match="data of the fit"):
        natfit.fit("normal", y).white_test(y + 1.0)
    both = fitted("normal", np.stack([y, y**2], axis=1))
    assert len(both.white_test(np.stack([y, y**2], axis=1))) == 2
