"""What the data determine: combinations by name, their errors, and how many rows would."""

from dataclasses import replace

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import stats
from scipy.special import polygamma

import natfit
from natfit.bijectors import Positive
from natfit.inference import Information, identifiability_of
from tests.fits import fitted

RNG = np.random.default_rng(0)
WAITS = RNG.gamma(2.5, 3.0, 300)
TIMES = RNG.exponential(2.0, 200)


def of_product(power):
    """Exponential rows whose rate is a b^power: only this product is determined."""

    def log_prob(y, a, b):
        return anp.log(a) + power * anp.log(b) - a * b**power * y

    return natfit.distributions.from_log_prob(
        log_prob, {"a": Positive(), "b": Positive()}, support="positive"
    )


def test_a_redundant_product_is_named():
    model = fitted(of_product(1.0), TIMES)
    found = model.identifiability()
    worst, best = found.combinations
    assert worst.name == "log a - log b"
    assert np.isinf(worst.standard_error) and np.isinf(worst.rows)
    assert best.name == "log a + log b"
    # The log of the rate of N exponential rows has the variance 1 / N.
    assert best.standard_error == pytest.approx(1 / np.sqrt(200), rel=1e-6)
    assert best.rows == pytest.approx(100.0, rel=1e-6)
    assert np.isinf(found.condition) and not found.determined
    assert "do not determine log a - log b" in str(found)
    assert "no number of such rows" in found.sentences[0]


def test_the_power_of_a_redundant_parameter_is_found():
    worst, best = fitted(of_product(2.0), TIMES).identifiability().combinations
    # a b^2: log a + 2 log b is determined, log a - 2 log b is not.
    np.testing.assert_allclose(worst.coefficients, [0.5, -1.0], rtol=1e-6)
    np.testing.assert_allclose(best.coefficients, [0.5, 1.0], rtol=1e-6)
    assert best.standard_error == pytest.approx(0.5 / np.sqrt(200), rel=1e-6)


def test_gamma_spectrum_by_hand():
    """The information of (log k, log s) is k^2 psi'(k), k, k: its scaled form has r off."""
    model = natfit.fit("gamma", WAITS)
    k = float(model.params_["shape"][0])
    found = model.identifiability()
    r = np.sqrt(k / (k**2 * polygamma(1, k)))
    np.testing.assert_allclose(found.eigenvalues, [1 - r, 1 + r], rtol=1e-5)
    assert found.condition == pytest.approx((1 + r) / (1 - r), rel=1e-4)
    # Each combination's error is that of the delta method.
    matrix = np.array([[k**2 * polygamma(1, k), k], [k, k]]) * 300
    for c in found.combinations:
        variance = c.coefficients @ np.linalg.inv(matrix) @ c.coefficients
        assert c.standard_error == pytest.approx(np.sqrt(variance), rel=1e-5)
        assert c.rows == pytest.approx(300 * variance / 0.01, rel=1e-4)
    assert found.combinations[0].name.startswith("log shape - ")
    assert found.determined


def test_the_number_of_rows_is_enough():
    """With as many rows as it says the standard error is the target."""
    few = natfit.fit("gamma", WAITS).identifiability(target=0.05)
    n = int(np.ceil(few.combinations[0].rows / 300))
    many = natfit.fit("gamma", WAITS, sample_weight=np.full(300, float(n)))
    assert many.identifiability().combinations[0].standard_error < 0.0501


def test_units_change_nothing():
    y = RNG.normal(3.0, 2.0, 100)
    one = natfit.fit("skew_normal", y).identifiability()
    other = natfit.fit("skew_normal", 1e6 * y).identifiability()
    np.testing.assert_allclose(one.eigenvalues, other.eigenvalues, rtol=1e-3)
    for a, b in zip(one.combinations, other.combinations, strict=True):
        assert a.standard_error == pytest.approx(b.standard_error, rel=1e-3)


def test_equal_components_are_hardly_determined():
    y = RNG.normal(0.0, 1.0, 60)
    found = fitted("mixture", y, max_iter=200).identifiability()
    assert found.condition > 5 and len(found.combinations) >= 3


def test_degrees_of_freedom_far_beyond_the_data():
    y = RNG.standard_t(20.0, 300)
    model = fitted("student_t", y)
    said = str(model.identifiability())
    if model._at_bound[0]:
        assert "counted as known here: arsinh(1 / df)" in said
    else:
        assert "df" in said


def test_a_shape_with_a_standard_error_beyond_its_value():
    y = stats.t(8.0).ppf((np.arange(60) + 0.5) / 60)
    model = fitted("student_t", y)
    ratio = model.standard_errors_["df"][0] / model.params_["df"][0]
    assert np.isfinite(ratio) and ratio > 1
    assert "the data hardly determine df" in str(model.identifiability())


def test_few_rows_hardly_determine_a_gamma():
    found = natfit.fit("gamma", [1.0, 3.0, 5.0]).identifiability()
    assert not found.determined
    assert "hardly determine log shape - " in found.sentences[0]
    assert "rows like these 3" in found.sentences[0]


def test_fixed_parameters_and_columns():
    model = natfit.NaturalMLE("gamma", fixed={"shape": 2.0}).fit(WAITS[:, None])
    found = model.identifiability()
    assert found.fixed == ("log shape",)
    assert [c.name for c in found.combinations] == ["log scale"]
    both = natfit.fit("gamma", np.stack([WAITS, WAITS], axis=1)).identifiability()
    assert len(both) == 2
    with pytest.raises(ValueError, match="target must be > 0"):
        model.identifiability(target=0.0)


def test_a_singular_fit_refuses_influence_by_name():
    model = fitted(of_product(1.0), TIMES)
    with pytest.raises(ValueError, match=r"log a, log b are not determined; identifiability\(\)"):
        model.influence(TIMES)


def test_a_fit_that_is_no_estimate():
    y = np.concatenate([np.ones(30), [2.0, 3.0]])
    model = fitted("student_t", y)
    assert model.status_ == "unbounded"
    found = model.identifiability()
    assert found.sentences[0].startswith("the fit ended as unbounded")
    assert not any(s.startswith("the data determine") for s in found.sentences)
    for method in ("influence", "white_test", "goodness_of_fit", "laplace"):
        with pytest.raises(ValueError, match=f"{method} needs an estimate, got a fit that ended"):
            getattr(model, method)(y)


def test_information_that_is_not_finite():
    estimate = natfit.fit("gamma", WAITS)._estimates()[0]
    for bad in (np.nan, np.inf):
        matrix = np.array([[1.0, bad], [bad, 2.0]])
        found = identifiability_of(replace(estimate, information=Information(matrix, "observed")))
        assert "not finite" in found.sentences[0]
        assert np.isinf([c.standard_error for c in found.combinations]).all()
        assert np.isinf(found.condition) and "nan" not in str(found)


def test_an_indefinite_information():
    estimate = natfit.fit("gamma", WAITS)._estimates()[0]
    matrix = np.array([[1.0, 2.0], [2.0, 1.0]])
    found = identifiability_of(replace(estimate, information=Information(matrix, "observed")))
    assert "curves upwards along log shape - log scale" in found.sentences[0]
    assert np.isinf(found.combinations[0].standard_error)
