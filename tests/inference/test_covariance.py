"""Covariances of estimates against closed forms, numerical Hessians, statsmodels and by hand."""

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import polygamma

import natfit
from natfit import inference
from natfit.distributions import Gamma, MultivariateNormal, Normal, StudentT
from natfit.inference import covariance as cov
from natfit.testing._core import gradient
from natfit.testing.problems import likelihood

RNG = np.random.default_rng(0)
NORMAL = RNG.normal(12.0, 4.0, 200)
HEAVY = 1.0 + 2.0 * RNG.standard_t(5.0, 400)
WAITS = RNG.gamma(2.5, 3.0, 300)
WEIGHT = RNG.integers(1, 4, 300).astype(float)


def test_normal_standard_errors():
    model = natfit.fit("normal", NORMAL)
    scale, n = NORMAL.std(), len(NORMAL)
    assert model.standard_errors_["loc"][0] == pytest.approx(scale / np.sqrt(n), rel=1e-6)
    assert model.standard_errors_["scale"][0] == pytest.approx(scale / np.sqrt(2 * n), rel=1e-6)
    want = np.diag([scale**2 / n, scale**2 / (2 * n)])
    np.testing.assert_allclose(model.cov_params(), want, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(model.cov_params("expected"), want, rtol=1e-6, atol=1e-12)


def native_hessian(logpdf, params):
    return gradient(lambda p: gradient(lambda q: -logpdf(q), p, 1e-3), np.array(params), 1e-3)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_gamma_against_a_numerical_hessian_of_scipys(weight):
    model = natfit.fit("gamma", WAITS, sample_weight=weight)
    w = np.ones(300) if weight is None else weight
    at = model.params_["shape"][0], model.params_["scale"][0]

    def log_likelihood(p):
        return w @ stats.gamma(p[0], scale=p[1]).logpdf(WAITS)

    want = np.linalg.inv(native_hessian(log_likelihood, at))
    np.testing.assert_allclose(model.cov_params(), want, rtol=1e-5)
    # And the closed form of the expected one, [[psi', 1 / s], [1 / s, k / s^2]] W.
    k, s = at
    closed = np.array([[polygamma(1, k), 1 / s], [1 / s, k / s**2]]) * w.sum()
    np.testing.assert_allclose(model.cov_params("expected"), np.linalg.inv(closed), rtol=1e-5)


def test_gamma_against_statsmodels():
    import statsmodels.api as sm
    from statsmodels.base.model import GenericLikelihoodModel

    class GammaModel(GenericLikelihoodModel):
        def loglike(self, params):
            return stats.gamma(params[0], scale=params[1]).logpdf(self.endog).sum()

    ones = np.ones((len(WAITS), 1))
    theirs = GammaModel(WAITS, ones, extra_params_names=["scale"])
    mine = natfit.fit("gamma", WAITS)
    at = np.array([mine.params_["shape"][0], mine.params_["scale"][0]])
    want = np.linalg.inv(-theirs.hessian(at))
    np.testing.assert_allclose(mine.cov_params(), want, rtol=1e-3)
    assert sm is not None


def test_student_t_takes_the_observed_information():
    model = natfit.fit("student_t", HEAVY)
    at = [model.params_[name][0] for name in ("loc", "scale", "df")]

    def log_likelihood(p):
        return stats.t(p[2], p[0], p[1]).logpdf(HEAVY).sum()

    want = np.linalg.inv(native_hessian(log_likelihood, at))
    np.testing.assert_allclose(model.cov_params(), want, rtol=1e-3)
    expected = model.cov_params("expected")
    assert not np.allclose(expected, want, rtol=1e-2)
    fisher = model.distribution_.fisher(model._eta)[0]
    jac = np.diag([1.0, at[1], -at[2] * np.sqrt(1 + at[2] ** 2)])
    np.testing.assert_allclose(expected, jac @ np.linalg.inv(fisher) @ jac / 400, rtol=1e-8)


def test_multivariate_normal_covariances():
    x = RNG.standard_normal((500, 2)) @ np.array([[2.0, 0.0], [1.0, 0.5]]).T
    model = natfit.NaturalGaussianMLE().fit(x)
    sigma, n = model.covariance_, len(x)
    found = model.cov_params()
    np.testing.assert_allclose(found[:2, :2], sigma / n, rtol=1e-6)
    # cov(S_ij, S_kl) = (S_ik S_jl + S_il S_jk) / n.
    pairs = [(0, 0), (1, 1), (1, 0)]
    want = [
        [(sigma[i, k] * sigma[j, m] + sigma[i, m] * sigma[j, k]) / n for k, m in pairs]
        for i, j in pairs
    ]
    np.testing.assert_allclose(found[2:, 2:], want, rtol=1e-6)
    assert model.param_names_[2:] == ["covariance[0,0]", "covariance[1,1]", "covariance[1,0]"]


@pytest.mark.slow
def test_coverage_of_standard_errors():
    """A 95 % interval covers the truth in 95 % of 300 data sets, to 4 standard errors."""
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        model = natfit.fit("gamma", rng.gamma(2.0, 1.5, 150))
        gap = abs(model.params_["shape"][0] - 2.0)
        hits += gap <= 1.96 * model.standard_errors_["shape"][0]
    assert abs(hits / 300 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 300)


def test_robust_by_hand():
    """V S V of a normal fitted to heavy tails, in (loc, scale)."""
    model = natfit.fit("normal", HEAVY)
    loc, scale = model.params_["loc"][0], model.params_["scale"][0]
    z = (HEAVY - loc) / scale
    scores = np.stack([z / scale, (z**2 - 1) / scale], axis=1)
    bread = np.diag([scale**2, scale**2 / 2]) / len(HEAVY)
    want = bread @ (scores.T @ scores) @ bread
    np.testing.assert_allclose(
        model.cov_params("robust", HEAVY[:, None]), want, rtol=1e-5, atol=1e-9
    )


def test_robust_counts_weights_as_repetitions():
    weight = np.arange(1.0, len(HEAVY) + 1.0) % 3 + 1
    x, repeated = HEAVY[:, None], np.repeat(HEAVY, weight.astype(int))[:, None]
    one = natfit.fit("normal", x, sample_weight=weight).cov_params("robust", x, weight)
    two = natfit.fit("normal", repeated).cov_params("robust", repeated)
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-12)


def test_robust_of_one_matrix():
    objective = likelihood(Normal(), HEAVY)
    theta, v = np.array([1.0, 0.5]), np.array([[0.1, 0.02], [0.02, 0.3]])
    z = (HEAVY - 1.0) / np.exp(0.5)
    s = np.stack([z / np.exp(0.5), z**2 - 1], axis=1)
    want = v @ s.T @ s @ v
    np.testing.assert_allclose(inference.robust(objective, theta, v), want, rtol=1e-9)


def test_information_says_which_it_is():
    normal = likelihood(Normal(), NORMAL)
    assert inference.information(normal, np.array([12.0, 1.4])).kind == "expected"
    student = likelihood(StudentT(), HEAVY)
    at = np.array([1.0, 0.7, 0.2])
    observed = inference.information(student, at)
    assert observed.kind == "observed"
    np.testing.assert_allclose(observed.matrix, student.hessian(at).dense())
    expected = inference.information(student, at, "expected")
    assert expected.kind == "expected"
    np.testing.assert_allclose(expected.matrix, StudentT().fisher(at[None])[0])
    # Far from the optimum the Hessian is indefinite, and the expected one stands in.
    assert inference.information(student, np.array([30.0, -2.0, 0.2])).kind == "expected"


def test_inverse_of_badly_scaled_matrices():
    matrix = np.array([[1e12, 1e3], [1e3, 1e-4]])
    np.testing.assert_allclose(cov.inverse(matrix) @ matrix, np.eye(2), atol=1e-6)


def test_inverse_marks_what_is_not_determined():
    matrix = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 4.0]])
    found = cov.inverse(matrix)
    assert np.isinf(found[0, 0]) and np.isinf(found[1, 1])
    assert found[2, 2] == pytest.approx(0.25)


def test_inverse_with_fixed_coordinates():
    matrix = np.array([[2.0, 1.0], [1.0, 2.0]])
    found = cov.inverse(matrix, fixed=(1,))
    assert found[0, 0] == pytest.approx(0.5)
    assert np.isinf(found[1, 1])
    assert found[0, 1] == found[1, 0] == 0.0
    assert np.all(np.isinf(np.diagonal(cov.inverse(matrix, fixed=(0, 1)))))


def test_delta_method_keeps_infinity():
    family = Normal()
    eta = np.array([1.0, np.log(3.0)])
    found = cov.to_native(family, eta, np.diag([0.5, np.inf]))
    assert found[0, 0] == 0.5
    assert np.isinf(found[1, 1])
    assert found[0, 1] == 0.0


@pytest.mark.parametrize("family", [Gamma(), StudentT(), MultivariateNormal("full", 2)], ids=repr)
def test_native_jacobian_by_differences(family):
    eta = np.linspace(0.2, 0.6, family.n_params)

    def flat(e):
        values = family.native(e[None])
        return np.concatenate(
            [c.pack(v[0]) for c, v in zip(family.params.values(), values, strict=True)]
        )

    np.testing.assert_allclose(
        cov.native_jacobian(family, eta), gradient(flat, eta), rtol=1e-7, atol=1e-9
    )
    assert len(cov.native_names(family)) == len(flat(eta))


def test_a_parameter_at_a_bound_has_no_standard_error():
    y = np.random.default_rng(1).normal(size=20)
    with pytest.warns(Warning, match="df -> inf"):
        model = natfit.fit("student_t", y)
    assert np.isinf(model.standard_errors_["df"][0])
    # The others are those of the normal distribution that it has become.
    assert model.standard_errors_["loc"][0] == pytest.approx(y.std() / np.sqrt(20), rel=1e-4)


def test_units_of_standard_errors():
    one, other = natfit.fit("gamma", WAITS), natfit.fit("gamma", 1e6 * WAITS)
    ratio = other.standard_errors_["scale"][0] / one.standard_errors_["scale"][0]
    assert ratio == pytest.approx(1e6, rel=1e-6)
    same = other.standard_errors_["shape"][0] / one.standard_errors_["shape"][0]
    assert same == pytest.approx(1.0, rel=1e-6)


def test_estimates_against_scipys_optimiser():
    """An oracle for the whole path: minimise scipy's negative log-likelihood."""
    model = natfit.fit("student_t", HEAVY)

    def f(p):
        return -stats.t(np.exp(p[2]), p[0], np.exp(p[1])).logpdf(HEAVY).sum()

    found = optimize.minimize(
        f,
        [0.0, 0.0, 1.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 5_000},
    )
    got = [
        model.params_["loc"][0],
        np.log(model.params_["scale"][0]),
        np.log(model.params_["df"][0]),
    ]
    np.testing.assert_allclose(got, found.x, rtol=1e-5)
