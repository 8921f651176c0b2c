"""Families of actions: categorical and binary ones, and normal ones with a row of eta each."""

import numpy as np
import pytest
from scipy import special, stats

from natfit import NaturalMLE, testing
from natfit.distributions import (
    Bernoulli,
    Categorical,
    Gamma,
    MultiBernoulli,
    MultiCategorical,
    MultivariateNormal,
    Normal,
)
from natfit.inference.covariance import standard_errors

STRUCTURES = [
    MultivariateNormal(kind, dim) for kind in ("diag", "spherical", "full") for dim in (1, 4)
]
#: Log odds from moderate to far beyond the range of exp.
FAR = np.array([[0.3, -0.4], [40.0, 39.0], [-800.0, 3.0], [800.0, -800.0], [0.0, 0.0]])


def _rng(seed=0):
    return np.random.default_rng(seed)


def _logs(eta):
    """scipy's log-probabilities of the classes, the last one's log odds being zero."""
    return special.log_softmax(np.column_stack([eta, np.zeros(len(eta))]), axis=1)


# ------------------------------------------------------------------------------ categorical


def test_log_prob_and_score_at_a_row_of_eta_each():
    eta = _rng().normal(size=(50, 3)) * 2.0
    family, y = Categorical(4), _rng(1).integers(0, 4, 50)
    logs = _logs(eta)
    value, score = family.log_prob_and_score(y.astype(float), eta)
    np.testing.assert_allclose(value, logs[np.arange(50), y], rtol=1e-12)
    np.testing.assert_allclose(score, (np.eye(4)[y] - np.exp(logs))[:, :3], atol=1e-14)
    # Whole numbers of any type are class indices.
    np.testing.assert_array_equal(family.log_prob(y, eta), value)


def test_two_classes_are_bernoulli():
    eta = np.linspace(-30.0, 30.0, 13)[:, None]
    y = np.arange(13) % 2.0
    two, one = Categorical(2), Bernoulli()
    np.testing.assert_allclose(two.log_prob(y, eta), one.log_prob(y, -eta), atol=1e-15)
    np.testing.assert_allclose(two.fisher(eta), one.fisher(-eta), rtol=1e-12)
    np.testing.assert_allclose(two.entropy(eta), one.entropy(-eta), rtol=1e-12, atol=1e-15)
    kl, want = two.kl(eta, eta[::-1]), one.kl(-eta, -eta[::-1])
    np.testing.assert_allclose(kl, want, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("family", [Categorical(3), MultiCategorical((3,)), MultiBernoulli(2)])
def test_far_log_odds_stay_finite(family):
    y = np.zeros((len(FAR), *family.event_shape))
    value, score = family.log_prob_and_score(y, FAR)
    slope = family.entropy_and_grad(FAR)[1]
    kl = family.kl(FAR, FAR[::-1])
    for part in (value, score, slope, kl, family.fisher(FAR), family.entropy(FAR)):
        assert np.all(np.isfinite(part))
    assert np.all(kl >= 0.0)
    assert np.all(np.linalg.eigvalsh(family.fisher(FAR)) >= -1e-15)
    assert np.all(family.support.contains(family.sample(FAR, _rng())))


def test_fisher_keeps_the_digits_of_a_probability_near_one():
    rest = 2.0 * np.exp(-40.0)
    fisher = Categorical(3).fisher(np.array([[40.0, 0.0]]))[0]
    assert fisher[0, 0] == pytest.approx(rest, rel=1e-12)
    assert fisher[0, 1] == pytest.approx(-0.5 * rest, rel=1e-12)


def test_draws_follow_the_row_of_eta():
    eta = np.repeat([[1.0, -0.5, 0.2], [-2.0, 0.0, 0.7]], 20_000, axis=0)
    y = Categorical(4).sample(eta, _rng(7))
    for part, logs in zip((y[:20_000], y[20_000:]), _logs(eta[::20_000]), strict=True):
        counts = np.bincount(part.astype(int), minlength=4)
        assert stats.chisquare(counts, 20_000 * np.exp(logs)).pvalue > 1e-3


def test_an_impossible_class_is_never_drawn():
    eta = np.array([[0.0, -800.0, -800.0]])
    y = Categorical(4).sample(eta, _rng(8), 50_000)
    assert set(np.unique(y)) == {0.0, 3.0}


@pytest.mark.parametrize("n", [2, 3, 6])
def test_entropy_is_scipys(n):
    eta = _rng(n).normal(size=(20, n - 1))
    want = stats.entropy(np.exp(_logs(eta)), axis=1)
    np.testing.assert_allclose(Categorical(n).entropy(eta), want, rtol=1e-12)
    assert Categorical(n).entropy(np.zeros((1, n - 1)))[0] == pytest.approx(np.log(n))


def test_mode_is_the_first_of_the_most_probable():
    eta = np.array([[1.0, 2.0], [2.0, 2.0], [-1.0, -2.0], [0.0, -1.0], [-1.0, 0.0], [0.0, 0.0]])
    assert Categorical(3).mode(eta).tolist() == [1.0, 0.0, 2.0, 0.0, 1.0, 0.0]
    assert MultiBernoulli(2).mode(np.array([[0.0, 1e-9], [-1.0, 3.0]])).tolist() == [[0, 1], [0, 1]]
    assert Bernoulli().mode(np.array([[0.0], [1e-9]])).tolist() == [0.0, 1.0]


# --------------------------------------------------------------------- fits of class indices


@pytest.mark.parametrize("weighted", [False, True])
def test_every_class_has_its_standard_error(weighted):
    y = _rng(3).choice(4, 500, p=[0.1, 0.2, 0.3, 0.4])
    weight = _rng(4).integers(1, 4, 500).astype(float) if weighted else np.ones(500)
    share = np.bincount(y, weight) / weight.sum()
    model = NaturalMLE("categorical").fit(
        y[:, None].astype(float), sample_weight=weight if weighted else None
    )
    assert model.status_ == "converged"
    np.testing.assert_allclose(model.params_["probs"], share[None], rtol=1e-6)
    error = np.sqrt(share * (1.0 - share) / weight.sum())
    np.testing.assert_allclose(model.standard_errors_["probs"], error[None], rtol=1e-5)
    assert model.sample(10, random_state=0).shape == (10, 1)
    logs = np.log(share)[y]
    np.testing.assert_allclose(model.score_samples(y[:, None]), logs, rtol=1e-5)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_class_that_never_occurs_is_at_the_boundary(missing):
    y = np.setdiff1d([0.0, 1.0, 2.0], [missing])[_rng(5).integers(0, 2, 200)]
    with pytest.warns(UserWarning, match=rf"class\(es\) \[{missing}\] never occur"):
        model = NaturalMLE(Categorical(3)).fit(y[:, None])
    assert model.status_ == "boundary"
    share = np.bincount(y.astype(int), minlength=3) / 200
    np.testing.assert_allclose(model.params_["probs"][0], share, atol=2e-8)
    error = np.sqrt(share * (1.0 - share) / 200)
    np.testing.assert_allclose(model.standard_errors_["probs"][0], error, atol=1e-5)


def test_an_unknown_class_leaves_the_others_their_errors():
    """Class 1 is lost, and with it the last class, which is one minus the others."""
    covariance = np.array([[0.04, 0.0], [0.0, np.inf]])
    errors = standard_errors(Categorical(3), covariance)["probs"]
    np.testing.assert_array_equal(errors, [0.2, np.inf, np.inf])


def test_several_columns_of_class_indices():
    y = np.column_stack([_rng(6).integers(0, 3, 300), _rng(7).integers(0, 2, 300)]).astype(float)
    model = NaturalMLE("multi_categorical").fit(y)
    for m in range(2):
        share = np.bincount(y[:, m].astype(int)) / 300
        np.testing.assert_allclose(model.params_[f"probs_{m}"], share, rtol=1e-6)
        error = np.sqrt(share * (1.0 - share) / 300)
        np.testing.assert_allclose(model.standard_errors_[f"probs_{m}"], error, rtol=1e-5)
    model = NaturalMLE("multi_bernoulli").fit(np.minimum(y, 1.0))
    np.testing.assert_allclose(model.params_["prob"], np.minimum(y, 1.0).mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("family", ["categorical", "multi_categorical"])
@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (1.5, "whole numbers with 0 <= y <= "),
        (-1.0, "Negative values"),
        (np.nan, "NaN at row 1"),
        (1e6, "number the classes without gaps"),
    ],
)
def test_rows_that_are_no_class_index_are_refused(family, bad, words):
    with pytest.raises(ValueError, match=words):
        NaturalMLE(family).fit(np.array([[0.0], [bad], [1.0]]))


def test_sizes_are_taken_from_data_or_checked():
    assert Categorical().bind(np.array([0.0, 4.0])) == Categorical(5)
    assert Categorical(7).bind(np.array([0.0, 4.0])) == Categorical(7)
    assert Categorical().bind(np.zeros(3)) == Categorical(2)
    y = np.array([[0, 1, 0], [3, 0, 0]])
    assert MultiCategorical().bind(y) == MultiCategorical((4, 2, 2))
    assert MultiCategorical(np.array([4, 3, 2])).bind(y).n_params == 6
    assert MultiBernoulli().bind(y) == MultiBernoulli(3)
    for family in (Categorical(), MultiCategorical(), MultiBernoulli()):
        with pytest.raises(ValueError, match=r"no parameters before .* bind\(y\)"):
            family.n_params  # noqa: B018
    for call in (lambda: Categorical(1).bind(y), lambda: MultiCategorical((2, 1, 2)).bind(y)):
        with pytest.raises(ValueError, match=">= 2"):
            call()
    for family in (MultiCategorical((2, 2)), MultiBernoulli(2)):
        with pytest.raises(ValueError, match="must have 2 columns"):
            family.bind(y)
        with pytest.raises(ValueError, match=r"shape \(n, M\)"):
            family.bind(y[:, 0])


def test_each_column_has_its_own_classes():
    family = MultiCategorical((2, 3))
    eta = np.zeros((1, 3))
    assert family.log_density(np.array([[1.0, 2.0], [2.0, 1.0]]), eta).tolist() == [
        pytest.approx(-np.log(6.0)),
        -np.inf,
    ]
    with pytest.raises(ValueError, match=r"0 <= y <= \[1 2\] .* got \[2. 1.\] at row 1"):
        family.check(np.array([[1.0, 2.0], [2.0, 1.0]]))


def test_columns_are_independent():
    eta = _rng(9).normal(size=(30, 3))
    family, parts = MultiCategorical((2, 3)), (Categorical(2), Categorical(3))
    y = family.sample(eta, _rng(10))
    shares = (eta[:, :1], eta[:, 1:])
    logs = [p.log_prob(y[:, m], e) for m, (p, e) in enumerate(zip(parts, shares, strict=True))]
    np.testing.assert_allclose(family.log_prob(y, eta), sum(logs), rtol=1e-12)
    fisher = family.fisher(eta)
    np.testing.assert_array_equal(fisher[:, 0, 1:], 0.0)
    binary = MultiBernoulli(3)
    y = binary.sample(eta, _rng(11))
    want = stats.bernoulli.logpmf(y, special.expit(eta)).sum(axis=1)
    np.testing.assert_allclose(binary.log_prob(y, eta), want, rtol=1e-10)


# ---------------------------------------------------------------------- normal distributions


@pytest.mark.parametrize("family", [f for f in STRUCTURES if f.dim == 1], ids=repr)
def test_one_dimension_passes_every_check(family):
    testing.check_distribution(family)


@pytest.mark.parametrize("family", STRUCTURES, ids=repr)
def test_a_row_of_eta_each_is_scipys(family):
    eta = 0.4 * _rng(12).normal(size=(20, family.n_params))
    y = family.sample(eta, _rng(13))
    frozen = [family.to_scipy(e) for e in eta]
    logs = [f.logpdf(row) for f, row in zip(frozen, y, strict=True)]
    np.testing.assert_allclose(family.log_prob(y, eta), logs, rtol=1e-10)
    np.testing.assert_allclose(family.entropy(eta), [f.entropy() for f in frozen], rtol=1e-10)
    np.testing.assert_array_equal(family.mode(eta), eta[:, : family.dim])
    for name, args in (("score", (y, eta)), ("fisher", (eta,)), ("kl", (eta, eta[::-1]))):
        many = getattr(family, name)(*args)
        alone = [getattr(family, name)(*(a[i][None] for a in args))[0] for i in range(20)]
        np.testing.assert_allclose(many, alone, rtol=1e-9, atol=1e-12)


def test_univariate_entropy_and_mode():
    eta = np.array([[1.0, np.log(2.0)], [-3.0, 0.5]])
    want = stats.norm(scale=np.exp(eta[:, 1])).entropy()
    np.testing.assert_allclose(Normal().entropy(eta), want, rtol=1e-12)
    np.testing.assert_array_equal(Normal().entropy_and_grad(eta)[1], [[0.0, 1.0], [0.0, 1.0]])
    assert Normal().mode(eta).tolist() == [1.0, -3.0]


def test_families_without_entropy_or_mode_say_so():
    assert not Gamma().has_entropy
    eta = np.zeros((1, 2))
    for call in (Gamma().entropy, Gamma().entropy_and_grad):
        with pytest.raises(ValueError, match="Gamma has no closed-form entropy"):
            call(eta)
    with pytest.raises(ValueError, match=r"Gamma defines no mode; draw with sample\(\)"):
        Gamma().mode(eta)
