import numpy as np
import pytest
from scipy import stats

import natfit
from natfit.inference.vuong import Ratios, vuong

RNG = np.random.default_rng(0)
Y = RNG.gamma(2.0, 3.0, 300)


@pytest.fixture(scope="module")
def pair():
    gamma, lognormal = (natfit.fit(name, Y) for name in ("gamma", "lognormal"))
    return gamma.score_samples(Y), lognormal.score_samples(Y)


def scipys():
    """Log-densities under scipy's own fits of the two families."""
    shape, _, scale = stats.gamma.fit(Y, floc=0)
    s, _, m = stats.lognorm.fit(Y, floc=0)
    return stats.gamma.logpdf(Y, shape, scale=scale), stats.lognorm.logpdf(Y, s, scale=m)


@pytest.mark.parametrize(
    ("correction", "cost"), [(None, 0.0), ("aic", 1.0), ("bic", 0.5 * np.log(300))]
)
def test_it_is_the_closed_form(pair, correction, cost):
    ratio = np.subtract(*scipys())
    z = (ratio.sum() - 3.0 * cost) / (np.sqrt(300) * ratio.std())
    found = vuong(*pair, 5, 2, correction=correction)
    assert found.statistic == pytest.approx(z, rel=1e-3)
    assert found.pvalue == pytest.approx(2.0 * stats.norm.sf(abs(z)), rel=1e-2)
    assert found.df is None


def test_the_convention_of_pscl_differs_by_the_divisor_of_the_variance(pair):
    ratio = pair[0] - pair[1]
    of_pscl = ratio.sum() / (ratio.std(ddof=1) * np.sqrt(300))
    assert vuong(*pair).statistic * np.sqrt(299 / 300) == pytest.approx(of_pscl, rel=1e-12)


def test_an_exchange_changes_the_sign(pair):
    one, other = vuong(*pair, 2, 3, correction="bic"), vuong(*pair[::-1], 3, 2, correction="bic")
    assert one.statistic == pytest.approx(-other.statistic, rel=1e-12)
    assert one.pvalue == pytest.approx(other.pvalue, rel=1e-12)


def test_a_weight_is_a_number_of_repetitions(pair):
    weight = np.arange(300) % 4
    repeated = [np.repeat(part, weight) for part in pair]
    found = vuong(*pair, 2, 3, correction="bic", sample_weight=weight)
    expected = vuong(*repeated, 2, 3, correction="bic")
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)


def test_equal_densities_are_equally_close(pair):
    found = vuong(pair[0], pair[0] + 1e-14, 5, 2, correction="bic")
    assert (found.statistic, found.pvalue) == (0.0, 1.0)
    assert "same density" in str(found)


def test_under_the_null_the_p_value_is_uniform():
    # Two normals at the same distance on either side of the truth.
    rng = np.random.default_rng(1)
    p = []
    for _ in range(400):
        y = rng.standard_normal(100)
        p.append(vuong(stats.norm.logpdf(y, 0.3), stats.norm.logpdf(y, -0.3)).pvalue)
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_a_family_inside_another_is_not_told_apart():
    # n omega^2 of an exponential against a gamma is chi-square with one degree of freedom.
    rng = np.random.default_rng(2)
    p = []
    for _ in range(200):
        y = rng.exponential(1.0, 400)
        small, large = (natfit.fit(name, y).score_samples(y) for name in ("exponential", "gamma"))
        ratios = Ratios.of(large, small)
        p.append(stats.chi2.sf(ratios.n * ratios.omega**2, 1))
        assert ratios.same_pvalue(2, 1) > p[-1]
    assert stats.kstest(p, "uniform").pvalue > 0.001
    said = str(vuong(large, small, 2, 1))
    assert "cannot tell the two apart" in said


def test_likelihoods_that_differ_tell_fits_apart_whose_ratio_is_constant():
    # The second density has a tail in which there are no rows.
    ratios = Ratios.of(np.full(200, -1.0), np.full(200, -1.1) + 1e-3 * (np.arange(200) % 2))
    assert ratios.n * ratios.omega**2 < 1e-3
    assert ratios.same_pvalue(2, 2) < 1e-6


def test_far_families_are_told_apart(pair):
    assert Ratios.of(*pair).same_pvalue(2, 2) < 0.05
    assert "apart" not in str(vuong(*pair, 2, 2))
    assert Ratios.of(*pair).same_pvalue(0, 0) == 0.0
    assert Ratios.of(pair[0], pair[0]).same_pvalue(0, 0) == 1.0


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        (([0.0, -np.inf], [0.0, 0.0]), {}, "first must be finite"),
        (([0.0, 1.0], [0.0]), {}, "second must have length 2"),
        (([0.0, 1.0], [0.0, 2.0]), {"correction": "tic"}, "correction must be one of"),
        (([0.0, 1.0], [0.0, 2.0]), {"sample_weight": [1.0]}, "expected"),
    ],
)
def test_bad_input_is_refused(arguments, options, words):
    with pytest.raises(ValueError, match=words):
        vuong(*arguments, **options)
