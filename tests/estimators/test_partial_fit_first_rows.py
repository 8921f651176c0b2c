"""First rows that tell little: equal, censored, one alone; sizes at which nothing is finite."""

import warnings

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from natfit import Censored, NaturalGaussianMLE, NaturalMLE

RNG = np.random.default_rng(17)
SHARES = RNG.beta(2.0, 3.0, (4_000, 1))


@pytest.mark.parametrize(
    "name", ["weibull", "logistic", "gamma", "beta", "inverse_gamma", "normal"]
)
@pytest.mark.parametrize("equal", [900, 1_500])
def test_equal_first_rows_are_held_until_others_come(name, equal):
    rows = np.full((equal, 1), 0.5)
    model = NaturalMLE(name).partial_fit(rows)
    with pytest.raises(NotFittedError, match="do not determine"):
        _ = model.params_
    for start in (0, 2_000):
        model.partial_fit(SHARES[start : start + 2_000])
    want = NaturalMLE(name).fit(np.r_[rows, SHARES])
    for key, error in want.standard_errors_.items():
        assert np.all(np.abs(model.params_[key] - want.params_[key]) < 1.5 * error)
    assert model.n_obs_ == equal + 4_000


def test_censored_first_rows_are_held_until_others_come():
    times = RNG.weibull(2.0, 4_500)
    seen = RNG.random(4_500) < 0.7
    seen[:1_500] = False
    model = NaturalMLE("weibull")
    for start in range(0, 4_500, 1_500):
        part = slice(start, start + 1_500)
        model.partial_fit(Censored.right(times[part], event=seen[part]))
        model.partial_fit(Censored.right(times[:0], event=seen[:0]))
    want = NaturalMLE("weibull").fit(Censored.right(times, event=seen))
    # All of the first rows are censored and a third of the others, which is drift.
    assert_allclose(model.params_["shape"], want.params_["shape"], rtol=0.06)
    assert model.n_obs_ == 4_500


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("first", [1, 2, 3, 30])
@pytest.mark.parametrize("name", ["gamma", "beta", "normal", "poisson", "multivariate_normal"])
def test_drift_begins_where_the_past_tells_its_own_error(name, first, asked):
    rng = np.random.default_rng(3)

    def draw(n):
        return {
            "gamma": rng.gamma(2.0, 1.0, (n, 1)),
            "beta": rng.beta(2.0, 3.0, (n, 1)),
            "normal": rng.normal(size=(n, 1)),
            "poisson": rng.poisson(3.0, (n, 1)).astype(float),
            "multivariate_normal": rng.normal(size=(n, 4)),
        }[name]

    model = NaturalMLE(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.partial_fit(draw(first))
        for k in range(5):
            if asked and k < 2:
                try:
                    _ = model.params_
                except NotFittedError:
                    pass
            model.partial_fit(draw(500))
        model.partial_fit(draw(1))
    found = model.drift_
    assert found["batch"].tolist()[-5:] == [3.0, 4.0, 5.0, 6.0, 7.0]
    assert found["p_value"].min() > 1e-4


def test_a_batch_of_one_row_of_a_vector_has_a_test():
    X = RNG.normal(size=(1_001, 3))
    model = NaturalGaussianMLE().partial_fit(X[:1_000]).partial_fit(X[1_000:])
    assert 0.0 < model.drift_["p_value"][0] < 1.0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", ["burr12", "generalized_gamma", "lomax"])
@pytest.mark.parametrize("size", [1e160, 1e-160])
def test_sizes_at_which_no_information_is_finite_are_refused(name, size):
    rows = RNG.pareto(3.0, (3_000, 1)) * size
    fits = [NaturalMLE(name).fit(part) for part in (rows[:1_500], rows[1_500:])]
    for call in (lambda: fits[0].partial_fit(rows[1_500:]), lambda: fits[0].merge(fits[1])):
        with pytest.raises(ValueError, match="divide all rows by their size"):
            call()
    # Fits of a unit size go on.
    NaturalMLE(name).fit(rows[:1_500] / size).partial_fit(rows[1_500:] / size)


@pytest.mark.parametrize("name", ["binomial_rows", "multinomial", "dirichlet_multinomial"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_totals_of_all_rows_are_represented(name):
    rng = np.random.default_rng(4)
    few, many = (
        np.stack([k, m - k], axis=1).astype(float)
        for m in (5, 50)
        for k in [rng.binomial(m, rng.beta(3.0, 7.0, 600))]
    )
    whole = NaturalMLE(name).fit(np.r_[few, many])
    gone = NaturalMLE(name).partial_fit(few).partial_fit(many)
    both = NaturalMLE(name).fit(few).merge(NaturalMLE(name).fit(many))
    for model in (gone, both):
        assert set(model.distribution_.totals) == {5, 50}
        assert abs(model.distribution_.totals.count(5) - whole.distribution_.totals.count(5)) < 2
        assert model.n_obs_ == 1_200.0


ZEROS = np.zeros((500, 1))


def adjusted(rng, n=500):
    return np.where(rng.random((n, 1)) < 0.3, 0.0, rng.gamma(2.0, 1.0, (n, 1)))


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_batches_of_zeros_alone_count_at_once(share):
    rng = np.random.default_rng(5)
    parts = [ZEROS, adjusted(rng), ZEROS, adjusted(rng), ZEROS]
    model = NaturalMLE("zero_adjusted")
    for k, part in enumerate(parts):
        model.partial_fit(part, forgetting=share)
        if k == 0:
            with pytest.raises(NotFittedError, match="y must not be 0 in all rows"):
                _ = model.params_
            continue
        weight = np.repeat(share ** np.arange(k + 1)[::-1], 500)
        want = NaturalMLE("zero_adjusted").fit(np.concatenate(parts[: k + 1]), sample_weight=weight)
        assert model.n_obs_ == pytest.approx(want.n_obs_)
        for key, value in want.params_.items():
            assert_allclose(model.params_[key], value, rtol=1e-9)
    assert model.drift_["p_value"][-1] < 1e-6


def test_zeros_alone_are_merged():
    rows = adjusted(np.random.default_rng(6))
    want = NaturalMLE("zero_adjusted").fit(np.r_[rows, ZEROS])
    zeros = NaturalMLE("zero_adjusted").partial_fit(ZEROS)
    for model in (
        NaturalMLE("zero_adjusted").partial_fit(ZEROS).merge(NaturalMLE("zero_adjusted").fit(rows)),
        NaturalMLE("zero_adjusted").fit(rows).merge(zeros),
    ):
        assert model.n_obs_ == 1_000.0
        assert_allclose(model.params_["zero_prob"], want.params_["zero_prob"], rtol=1e-9)


@pytest.mark.parametrize("weight", [1e-100, 1e-10, 1.0 / 1_500.0, 1e10, 1e16])
@pytest.mark.parametrize("name", ["student_t", "weibull", "gev"])
def test_a_factor_of_the_weights_changes_no_estimate(name, weight):
    rows = np.random.default_rng(7).standard_t(5.0, (3_000, 1))
    rows = np.exp(rows / 5.0) if name == "weibull" else rows

    def gone(own):
        model = NaturalMLE(name)
        for part in (rows[:1_500], rows[1_500:]):
            model.partial_fit(part, sample_weight=np.full(1_500, own))
        return model

    found, want = gone(weight), gone(1.0)
    assert found.status_ == want.status_
    for key, value in want.params_.items():
        assert_allclose(found.params_[key], value, rtol=1e-5)
        error = want.standard_errors_[key] / np.sqrt(weight)
        assert_allclose(found.standard_errors_[key], error, rtol=1e-4)


def test_coordinates_are_refused_at_the_first_batch():
    with pytest.raises(ValueError, match="no closed-form expectation coordinates"):
        NaturalMLE("gamma", coordinates="expectation").partial_fit(RNG.gamma(2.0, 1.0, (50, 1)))
