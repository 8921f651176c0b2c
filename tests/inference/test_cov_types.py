"""Each type of covariance matrix against statsmodels, closed forms and repeated rows."""

import numpy as np
import pytest

import natfit
from natfit.inference import covariance as cov

RNG = np.random.default_rng(0)
GROUPS = np.repeat(np.arange(30), 10)
#: Counts that share a factor within their group, so that the types differ.
COUNTS = RNG.poisson(RNG.gamma(3.0, 2.0, 30)[GROUPS]).astype(float)
WAITS = RNG.exponential(2.0, 30)[GROUPS] * RNG.gamma(2.0, 1.0, 300)


def statsmodels_poisson(**options):
    import statsmodels.api as sm

    return sm.Poisson(COUNTS, np.ones((300, 1))).fit(disp=0, tol=1e-12, **options)


KINDS = {
    "observed": {},
    "robust": {"cov_type": "HC0"},
    "cluster": {"cov_type": "cluster", "cov_kwds": {"groups": GROUPS}},
}


def cov_params(model, x, kind, **options):
    groups = GROUPS if kind == "cluster" else None
    return model.cov_params(kind, X=x, groups=groups, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_poisson_against_statsmodels(kind):
    model = natfit.fit("poisson", COUNTS)
    # statsmodels' parameter is the logarithm of the rate.
    want = statsmodels_poisson(**KINDS[kind]).cov_params()[0, 0] * COUNTS.mean() ** 2
    assert cov_params(model, COUNTS, kind)[0, 0] == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_negative_binomial_against_statsmodels(kind):
    import statsmodels.api as sm

    theirs = sm.NegativeBinomial(COUNTS, np.ones((300, 1)))
    theirs = theirs.fit(disp=0, method="newton", tol=1e-12, maxiter=200, **KINDS[kind])
    model = natfit.fit("negative_binomial", COUNTS, tol=1e-9)
    alpha = 1.0 / model.params_["n"][0]
    assert alpha == pytest.approx(theirs.params[1], rel=1e-6)
    found = cov_params(model, COUNTS, kind)
    # From (mean, n) to (log mean, 1 / n).
    slope = np.diag([1.0 / model.params_["mean"][0], -(alpha**2)])
    # statsmodels' Hessian of the dispersion is a difference.
    np.testing.assert_allclose(slope @ found @ slope, theirs.cov_params(), rtol=1e-4, atol=1e-9)


def test_outer_product_of_gradients_against_statsmodels_scores():
    theirs = statsmodels_poisson()
    score = theirs.model.score_obs(theirs.params)
    model = natfit.fit("poisson", COUNTS)
    want = COUNTS.mean() ** 2 / float(np.square(score).sum())
    assert model.cov_params("opg", X=COUNTS)[0, 0] == pytest.approx(want, rel=1e-8)


@pytest.mark.parametrize("kind", ["observed", "expected", "opg", "robust", "cluster"])
def test_weights_are_repetitions(kind):
    weight = RNG.integers(1, 4, 300)
    groups = {"groups": GROUPS} if kind == "cluster" else {}
    repeated = {"groups": np.repeat(GROUPS, weight)} if kind == "cluster" else {}
    model = natfit.fit("gamma", WAITS, sample_weight=weight, tol=1e-9)
    many = np.repeat(WAITS, weight)
    other = natfit.fit("gamma", many, tol=1e-9)
    found = model.cov_params(kind, X=WAITS, sample_weight=weight, **groups)
    np.testing.assert_allclose(found, other.cov_params(kind, X=many, **repeated), rtol=1e-5)


def test_one_group_a_row_is_robust_times_the_factor():
    model = natfit.fit("gamma", WAITS)
    found = model.cov_params("cluster", X=WAITS, groups=np.arange(300))
    want = model.cov_params("robust", X=WAITS) * 300 / 299 * 299 / 298
    np.testing.assert_allclose(found, want, rtol=1e-9)


def test_groups_over_many_chunks_of_rows():
    x = RNG.exponential(3.0, 40_000)
    groups = RNG.integers(0, 50, 40_000)
    model = natfit.fit("exponential", x)
    rate = 1.0 / x.mean()
    # The score of log rate is 1 - rate x, its information n.
    sums = np.bincount(groups, 1.0 - rate * x)
    want = 50 / 49 * np.square(sums).sum() * (rate / 40_000) ** 2
    found = model.cov_params("cluster", X=x, groups=groups)[0, 0]
    assert found == pytest.approx(want, rel=1e-6)
    shared = natfit.fit("exponential", x, n_jobs=2)
    again = shared.cov_params("cluster", X=x, groups=groups)[0, 0]
    assert again == pytest.approx(found, rel=1e-10)


def test_names_of_groups_are_of_any_type():
    model = natfit.fit("gamma", WAITS)
    want = model.cov_params("cluster", X=WAITS, groups=GROUPS)
    named = np.array([f"site {g:02d}" for g in GROUPS])
    for groups in (named, named.astype(object), list(GROUPS), GROUPS - 7.5):
        np.testing.assert_array_equal(model.cov_params("cluster", X=WAITS, groups=groups), want)


def test_rows_that_do_not_count_have_no_group():
    weight = np.ones(300)
    weight[::7] = 0.0
    kept = weight > 0
    model = natfit.fit("gamma", WAITS, sample_weight=weight)
    found = model.cov_params("cluster", X=WAITS, sample_weight=weight, groups=GROUPS)
    other = natfit.fit("gamma", WAITS[kept])
    want = other.cov_params("cluster", X=WAITS[kept], groups=GROUPS[kept])
    np.testing.assert_allclose(found, want, rtol=1e-9)


def test_opg_and_robust_agree_with_observed_where_the_family_is_right():
    x = np.random.default_rng(1).gamma(2.0, 3.0, 20_000)
    model = natfit.fit("gamma", x)
    want = model.cov_params()
    for kind in ("opg", "robust"):
        np.testing.assert_allclose(model.cov_params(kind, X=x), want, rtol=0.1)


def test_censored_rows_have_scores_but_no_expected_information():
    rows = natfit.Censored.right([13.0, 22, 17, 15, 20, 18], [0, 0, 0, 0, 1, 1])
    model = natfit.fit("weibull", rows)
    assert np.all(np.linalg.eigvalsh(model.cov_params("opg", X=rows)) > 0)
    assert np.all(np.linalg.eigvalsh(model.cov_params("robust", X=rows)) > 0)
    with pytest.raises(ValueError, match="not defined for censored rows"):
        model.cov_params("expected")


def test_a_prior_is_part_of_the_outer_product():
    from scipy import stats

    model = natfit.fit("exponential", WAITS, prior={"rate": stats.gamma(50.0, scale=0.01)})
    rate = model.params_["rate"][0]
    # In log rate: scores 1 - rate x, and of the prior's log-density in the native rate,
    # 49 log rate - 100 rate, the negative second derivative 100 rate.
    want = rate**2 / (np.square(1.0 - rate * WAITS).sum() + 100.0 * rate)
    assert model.cov_params("opg", X=WAITS)[0, 0] == pytest.approx(want, rel=1e-5)


BAD = {
    "an unknown type": ({"cov_type": "sandwich"}, "cov_type must be"),
    "no data": ({"cov_type": "opg"}, "pass the data of the fit as X"),
    "no groups": ({"cov_type": "cluster", "X": WAITS}, "needs groups="),
    "groups of another type": ({"cov_type": "robust", "X": WAITS, "groups": GROUPS}, "groups is"),
    "too few groups": (
        {"cov_type": "cluster", "X": WAITS, "groups": GROUPS[:9]},
        "one entry for each of the 300 rows",
    ),
    "one group": (
        {"cov_type": "cluster", "X": WAITS, "groups": np.zeros(300)},
        "at least 2 groups",
    ),
    "missing groups": (
        {"cov_type": "cluster", "X": WAITS, "groups": np.where(GROUPS == 3, np.nan, GROUPS)},
        "must not be missing",
    ),
    "other data": ({"cov_type": "opg", "X": WAITS + 1.0}, "must be the data of the fit"),
    "fewer data": ({"cov_type": "robust", "X": WAITS[:-1]}, "must be the data of the fit"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input(case):
    options, words = BAD[case]
    with pytest.raises(ValueError, match=words):
        natfit.fit("gamma", WAITS).cov_params(**options)


def test_the_names_are_spelled_once():
    assert set(KINDS) | {"expected", "opg"} == set(cov.COV_TYPES)
    assert set(cov.OF_SCORES) < set(cov.COV_TYPES)
