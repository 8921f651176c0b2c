"""Class indices: scipy, far log odds, entropy, standard errors, classes that never occur."""

import numpy as np
import pytest
from scipy import special, stats

from natfit import NaturalMLE
from natfit.distributions import (
    Bernoulli,
    Categorical,
    MultiBernoulli,
    MultiCategorical,
)
from natfit.inference.covariance import standard_errors
from tests.cases import Case

CASE = Case(
    data=np.random.default_rng(0).choice(3, 200, p=[0.2, 0.5, 0.3]).astype(float),
    optimum=lambda y: np.bincount(y.astype(int)) / len(y),
)


#: Log odds from moderate to far beyond the range of exp.
FAR = np.array([[0.3, -0.4], [40.0, 39.0], [-800.0, 3.0], [800.0, -800.0], [0.0, 0.0]])


def _rng(seed=0):
    return np.random.default_rng(seed)


def _logs(eta):
    """scipy's log-probabilities of the classes, the last one's log odds being zero."""
    return special.log_softmax(np.column_stack([eta, np.zeros(len(eta))]), axis=1)


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
