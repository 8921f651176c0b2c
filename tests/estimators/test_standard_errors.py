"""Standard errors and covariances against closed forms and numerical Hessians."""

import numpy as np
import pytest
from estimator_data import FAMILIES, quiet, sample, scalars
from scipy import stats
from scipy.differentiate import hessian

from natfit import NaturalGaussianMLE, NaturalMLE


def numerical_covariance(loglik, at):
    """Inverse of minus the Hessian of a log-likelihood (a function of one point)."""
    at = np.asarray(at, dtype=float)

    def many(p):
        flat = p.reshape(len(at), -1)
        return np.array([-loglik(q * at) for q in flat.T]).reshape(p.shape[1:])

    # In units of the estimates, so that one step size suits all parameters.
    relative = hessian(many, np.ones_like(at), initial_step=0.1).ddf
    return np.linalg.inv(relative) * np.outer(at, at)


def test_normal_closed_form():
    x = sample("normal", 400, 1)
    errors = scalars(NaturalMLE().fit(x).standard_errors_)
    assert errors["loc"] == pytest.approx(x.std() / 20.0, rel=1e-6)
    assert errors["scale"] == pytest.approx(x.std() / np.sqrt(800.0), rel=1e-6)


ONE_PARAMETER = {
    "exponential": ("rate", lambda x: 1 / x.mean() / np.sqrt(len(x))),
    "poisson": ("rate", lambda x: np.sqrt(x.mean() / len(x))),
    "bernoulli": ("prob", lambda x: np.sqrt(x.mean() * (1 - x.mean()) / len(x))),
}


@pytest.mark.parametrize("name", ONE_PARAMETER)
def test_one_parameter_closed_form(name):
    x = sample(name, 400, 1)
    key, error = ONE_PARAMETER[name]
    model = NaturalMLE(name).fit(x)
    assert model.standard_errors_[key][0] == pytest.approx(error(x), rel=1e-6)
    assert model.cov_params().shape == (1, 1)


@pytest.mark.parametrize("name", ["normal", "gamma", "student_t", "exponential"])
def test_numerical_hessian(name):
    x = sample(name, 300, 2)
    model = NaturalMLE(name, tol=1e-8).fit(x)
    names = list(model.params_)

    def loglik(p):
        return FAMILIES[name].loglik(dict(zip(names, p, strict=True)), x[:, 0])

    want = numerical_covariance(loglik, list(scalars(model.params_).values()))
    np.testing.assert_allclose(model.cov_params(), want, rtol=1e-3, atol=1e-6)
    errors = list(scalars(model.standard_errors_).values())
    np.testing.assert_allclose(errors, np.sqrt(np.diagonal(want)), rtol=1e-3)
    assert model.param_names_ == names


def test_observed_and_expected_differ_where_the_family_is_no_exponential_one():
    x = sample("student_t", 300, 2)
    model = NaturalMLE("student_t").fit(x)
    v = scalars(model.params_)
    expected = model.cov_params("expected")
    # Lange, Little and Taylor (1989): n I(loc, loc) = (df + 1) / ((df + 3) scale^2).
    loc = (v["df"] + 3) / (v["df"] + 1) * v["scale"] ** 2 / 300
    assert expected[0, 0] == pytest.approx(loc, rel=1e-8)
    assert expected[0, 1] == expected[0, 2] == 0.0
    assert not np.allclose(expected, model.cov_params("observed"), rtol=1e-3)
    # The same two in an exponential family.
    model = NaturalMLE("gamma").fit(sample("gamma", 300, 2))
    np.testing.assert_allclose(model.cov_params("expected"), model.cov_params(), rtol=1e-6)


def test_multivariate_closed_form():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(250, 3)) @ rng.normal(size=(3, 3)) + 1.0
    model = NaturalGaussianMLE().fit(X)
    S = np.cov(X.T, bias=True)
    np.testing.assert_allclose(
        model.standard_errors_["loc"], np.sqrt(np.diagonal(S) / 250), rtol=1e-6
    )
    # Var(S_ij) = (S_ii S_jj + S_ij^2) / n.
    want = np.sqrt((np.outer(np.diagonal(S), np.diagonal(S)) + S**2) / 250)
    np.testing.assert_allclose(model.standard_errors_["covariance"], want, rtol=1e-5)


@pytest.mark.slow
def test_multivariate_numerical_hessian():
    rng = np.random.default_rng(4)
    X = rng.normal(size=(100, 2)) @ np.array([[2.0, 0.7], [0.0, 0.6]]) + [3.0, -2.0]
    model = NaturalGaussianMLE(tol=1e-8).fit(X)
    names = model.param_names_
    row, col = zip(*[map(int, n[11:-1].split(",")) for n in names[2:]], strict=True)

    def loglik(p):
        S = np.zeros((2, 2))
        S[row, col] = S[col, row] = p[2:]
        return stats.multivariate_normal(p[:2], S).logpdf(X).sum()

    at = [*model.mean_, *model.covariance_[row, col]]
    want = numerical_covariance(loglik, at)
    np.testing.assert_allclose(model.cov_params(), want, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", ["diag", "spherical"])
def test_simpler_covariances(kind):
    X = np.random.default_rng(5).normal([1.0, 2.0, 3.0], [1.0, 2.0, 0.5], size=(300, 3))
    model = NaturalGaussianMLE(kind).fit(X)
    scale = model.scale_
    np.testing.assert_allclose(model.standard_errors_["loc"], scale / np.sqrt(300), rtol=1e-6)
    errors = np.ravel(model.standard_errors_["scale"])
    # A spherical scale is one number, learnt from all three columns.
    share, size = (3, 1) if kind == "spherical" else (1, 3)
    np.testing.assert_allclose(errors, (scale / np.sqrt(600 * share))[:size], rtol=1e-6)


# --------------------------------------------------------------------------------- sandwich


def sandwich_of_the_normal(y, w):
    """H^-1 (sum w s s') H^-1 in (loc, scale), written out."""
    loc = np.average(y, weights=w)
    sd = np.sqrt(np.average((y - loc) ** 2, weights=w))
    s = np.stack([(y - loc) / sd**2, (y - loc) ** 2 / sd**3 - 1 / sd])
    bread = np.diag([sd**2, sd**2 / 2]) / w.sum()
    return bread @ (s * w) @ s.T @ bread


@pytest.mark.parametrize("weighted", [False, True])
def test_robust_against_a_sandwich_by_hand(weighted):
    y = np.random.default_rng(6).exponential(size=200)
    w = np.random.default_rng(7).integers(1, 4, 200).astype(float) if weighted else np.ones(200)
    given = w if weighted else None
    model = NaturalMLE(tol=1e-9).fit(y[:, None], sample_weight=given)
    got = model.cov_params("robust", X=y[:, None], sample_weight=given)
    np.testing.assert_allclose(got, sandwich_of_the_normal(y, w), rtol=1e-6, atol=1e-12)


def test_robust_of_repeated_rows_is_that_of_weights():
    x, w = sample("gamma", 100, 8), np.random.default_rng(8).integers(0, 4, 100)
    repeated = np.repeat(x, w, axis=0)
    a = NaturalMLE("gamma").fit(x, sample_weight=w).cov_params("robust", x, w)
    b = NaturalMLE("gamma").fit(repeated).cov_params("robust", repeated)
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_robust_agrees_with_the_model_where_it_is_right():
    x = sample("gamma", 20000, 9)
    model = NaturalMLE("gamma").fit(x)
    np.testing.assert_allclose(model.cov_params("robust", x), model.cov_params(), rtol=0.1)


def test_robust_of_several_columns_is_block_diagonal():
    x = sample("normal", 150, 10, columns=2)
    model = NaturalMLE(tol=1e-9).fit(x)
    got = model.cov_params("robust", x)
    assert got.shape == (4, 4)
    for j in range(2):
        block = got[2 * j : 2 * j + 2, 2 * j : 2 * j + 2]
        want = sandwich_of_the_normal(x[:, j], np.ones(150))
        np.testing.assert_allclose(block, want, rtol=1e-6, atol=1e-12)
    assert not got[:2, 2:].any()
    assert model.param_names_ == ["loc[0]", "scale[0]", "loc[1]", "scale[1]"]


def test_cov_type_is_checked():
    model = NaturalMLE().fit(sample("normal", 50))
    with pytest.raises(ValueError, match="cov_type must be one of .*observed.*got 'hessian'"):
        model.cov_params("hessian")
    with pytest.raises(ValueError, match="needs the scores of the rows; pass"):
        model.cov_params("robust")


# ---------------------------------------------------------------------------------- weights


@pytest.mark.parametrize("name", FAMILIES)
def test_weight_two_is_the_row_twice(name):
    x = sample(name, 150, 11)
    # A start sees a few rows, not their weights' order: both runs go to the end.
    twice = NaturalMLE(name, tol=1e-9).fit(np.repeat(x, 2, axis=0))
    weighted = NaturalMLE(name, tol=1e-9).fit(x, sample_weight=np.full(150, 2.0))
    once = NaturalMLE(name, tol=1e-9).fit(x)
    for key, error in twice.standard_errors_.items():
        np.testing.assert_allclose(weighted.standard_errors_[key], error, rtol=1e-6)
        np.testing.assert_allclose(once.standard_errors_[key], error * np.sqrt(2), rtol=1e-5)
    np.testing.assert_allclose(weighted.cov_params(), twice.cov_params(), rtol=1e-6, atol=1e-14)


# --------------------------------------------------------------------------------- boundary


def test_a_parameter_at_a_bound_has_no_standard_error():
    x = np.random.default_rng(12).uniform(-1, 1, size=(200, 1))
    with quiet():
        model = NaturalMLE("student_t").fit(x)
    assert model.status_ == "boundary"
    errors = scalars(model.standard_errors_)
    assert errors["df"] == np.inf
    # The others are those of the normal distribution at this limit.
    assert errors["loc"] == pytest.approx(x.std() / np.sqrt(200), rel=1e-6)
    assert errors["scale"] == pytest.approx(x.std() / np.sqrt(400), rel=1e-6)
    matrix = model.cov_params()
    assert matrix[2, 2] == np.inf
    assert np.isfinite(matrix[:2, :2]).all()


@pytest.mark.parametrize(
    "name, x", [("bernoulli", np.ones((30, 1))), ("poisson", np.zeros((30, 1)))]
)
def test_the_only_parameter_at_a_bound(name, x):
    with quiet():
        model = NaturalMLE(name).fit(x)
    assert model.status_ == "boundary"
    assert [v[0] for v in model.standard_errors_.values()] == [np.inf]


def test_the_covariance_does_not_depend_on_coordinates_or_metric():
    x = sample("student_t", 200, 13)
    want = NaturalMLE("student_t", tol=1e-9).fit(x).cov_params()
    for options in (
        {"coordinates": "native"},
        {"metric": "empirical"},
        {"metric": "observed"},
        {"metric": "monte_carlo", "random_state": 0},
    ):
        model = NaturalMLE("student_t", tol=1e-7, max_iter=500, **options).fit(x)
        np.testing.assert_allclose(model.cov_params(), want, rtol=1e-5, atol=1e-9)


@pytest.mark.slow
def test_standard_errors_cover():
    """Estimates of 400 samples spread as the standard errors say, to 5 of their own errors."""
    estimates, errors = [], []
    for seed in range(400):
        model = NaturalMLE("gamma").fit(sample("gamma", 400, 1000 + seed))
        estimates.append(list(scalars(model.params_).values()))
        errors.append(list(scalars(model.standard_errors_).values()))
    ratio = np.std(estimates, axis=0) / np.mean(errors, axis=0)
    assert np.all(np.abs(ratio - 1) < 5 / np.sqrt(800))


def test_robust_covariance_wants_the_data_of_the_fit():
    x = np.random.default_rng(7).gamma(2.0, size=(50, 1))
    model = NaturalMLE("gamma").fit(x)
    with pytest.raises(ValueError, match="50 observations, got 10"):
        model.cov_params("robust", X=x[:10])
    with pytest.raises(ValueError, match="Negative values in data"):
        model.cov_params("robust", X=-x)
