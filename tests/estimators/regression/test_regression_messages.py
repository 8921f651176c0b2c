"""What regressions say: of data that cannot be fitted, in the words and labels of the user."""

import numpy as np
import pytest

import natfit

RNG_START = np.random.default_rng(5)
X_START, COUNTS = RNG_START.normal(size=(30, 2)), RNG_START.poisson(3.0, 30)
FAR = np.where(np.arange(30) == 3, 1e4, 0.0)


@pytest.mark.parametrize(
    ("options", "given", "said"),
    [
        (("poisson",), {"offset": FAR}, "offsets from 0 to 10000"),
        (("normal",), {"offset": {"scale": FAR}}, "offsets from 0 to 10000"),
        (("poisson", {"link": "identity", "fit_intercept": False}), {}, "fit_intercept=True"),
        (("gamma_mean", {"link": "inverse", "fit_intercept": False}), {}, "fit_intercept=True"),
    ],
)
def test_a_regression_without_a_finite_start_says_why_in_its_own_words(options, given, said):
    model = natfit.NaturalRegressor(options[0], **dict(*options[1:]))
    with pytest.raises(ValueError, match="must give a finite likelihood where") as error:
        model.fit(X_START, COUNTS + 1.0, **given)
    assert said in str(error.value) and "start_params" not in str(error.value)


@pytest.mark.parametrize("size", [1e300, 1e250])
@pytest.mark.parametrize("family", ["normal", "multivariate_normal"])
def test_the_size_of_y_is_said_of_y(family, size):
    y = size * (np.c_[COUNTS, X_START[:, 0]] if "multi" in family else COUNTS)
    with pytest.raises(ValueError, match=r"^y must be small enough.*divide y by a constant"):
        natfit.NaturalRegressor(family).fit(X_START, y)
