"""Fixed parameters, user-supplied limits and constraints."""

import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit import Censored, NaturalGaussianMLE, NaturalMLE
from natfit.bijectors import Between, Positive, Real
from natfit.bijectors.base import Elementwise

RNG = np.random.default_rng(0)
WAITS = RNG.gamma(2.0, 3.0, 300)
TAILS = 1.0 + 2.0 * RNG.standard_t(4.0, 400)


def flat(values):
    return [float(np.squeeze(v)) for v in values.values()]


# --------------------------------------------------------------------------- fixed


def test_a_known_scale_has_a_closed_form():
    """Gamma with scale b: psi(shape) = mean log(y / b); standard error (n psi')^-1/2."""
    from scipy.special import polygamma, psi

    model = natfit.fit("gamma", WAITS, fixed={"scale": 3.0}, tol=1e-8)
    want = np.mean(np.log(WAITS / 3.0))
    shape = optimize.brentq(lambda a: psi(a) - want, 0.1, 50, xtol=1e-14)
    assert flat(model.params_) == pytest.approx([shape, 3.0], rel=1e-8)
    error = 1 / np.sqrt(300 * polygamma(1, shape))
    assert flat(model.standard_errors_) == pytest.approx([error, 0.0], rel=1e-6)
    assert model.theta_.shape == (1,)
    assert model.param_names_ == ["shape", "scale"]
    np.testing.assert_allclose(model.cov_params(), [[error**2, 0], [0, 0]], rtol=1e-6)


def test_student_t_with_known_degrees_of_freedom_is_scipys():
    model = natfit.fit("student_t", TAILS, fixed={"df": 4}, tol=1e-8)
    _, loc, scale = stats.t.fit(TAILS, f0=4)
    assert flat(model.params_) == pytest.approx([loc, scale, 4.0], rel=1e-4)
    assert model.standard_errors_["df"] == 0
    assert model.status_.good


@pytest.mark.parametrize("coordinates", ["unconstrained", "native"])
def test_starts_and_warm_starts_leave_known_values_alone(coordinates):
    options = {"fixed": {"df": 4.0}, "coordinates": coordinates, "warm_start": True}
    for start in ({"loc": 0.0, "scale": 5.0}, {"loc": 0.0, "scale": 5.0, "df": 9.0}, [0.0, 1.6]):
        model = NaturalMLE("student_t", start_params=start, **options).fit(TAILS[:, None])
        first = flat(model.params_)
        assert first == pytest.approx(flat(natfit.fit("student_t", TAILS, fixed={"df": 4}).params_))
        assert model.fit(TAILS[:, None]).n_iter_ == 1
    robust = model.cov_params("robust", TAILS[:, None])
    assert robust[2].tolist() == [0.0, 0.0, 0.0]


def test_one_value_a_column():
    X = np.stack([WAITS, 10.0 * WAITS], axis=1)
    model = NaturalMLE("gamma", fixed={"scale": [3.0, 30.0]}).fit(X)
    assert model.params_["scale"].tolist() == [3.0, 30.0]
    assert model.params_["shape"][0] == pytest.approx(model.params_["shape"][1], rel=1e-6)
    assert pickle.loads(pickle.dumps(model)).score(X) == model.score(X)


def test_a_known_mean_vector():
    X = np.random.default_rng(1).normal(size=(200, 2)) @ np.array([[2.0, 0.5], [0.0, 1.0]])
    model = NaturalMLE("multivariate_normal", fixed={"loc": [0.0, 0.0]}, tol=1e-8).fit(X)
    np.testing.assert_allclose(model.params_["covariance"], X.T @ X / 200, rtol=1e-6)
    assert model.standard_errors_["loc"].tolist() == [0.0, 0.0]


def test_rows_all_alike_are_fine_where_the_scale_is_known():
    model = natfit.fit("normal", np.full(5, 3.0), fixed={"scale": 2.0})
    assert model.params_["loc"][0] == pytest.approx(3.0)
    assert model.standard_errors_["loc"][0] == pytest.approx(2.0 / np.sqrt(5))


@pytest.mark.parametrize("name", ["normal", "student_t", "laplace"])
def test_a_likelihood_that_grows_without_limit_is_named(name):
    fixed = {"loc": 3.0} if name != "student_t" else {"df": 2.0}
    with pytest.warns(ConvergenceWarning, match="unbounded: .* grows without limit as scale -> 0"):
        model = natfit.fit(name, np.full(5, 3.0), fixed=fixed)
    assert model.status_ == "unbounded"


def test_fixed_with_weights_and_censoring():
    rows = Censored(np.minimum(WAITS, 8), np.where(WAITS > 8, np.inf, WAITS))
    weight = np.arange(300) % 3
    model = natfit.fit("gamma", rows, fixed={"shape": 2.0}, sample_weight=weight, tol=1e-8)
    repeated = natfit.fit(
        "gamma", rows[np.repeat(np.arange(300), weight)], fixed={"shape": 2.0}, tol=1e-8
    )
    assert flat(model.params_) == pytest.approx(flat(repeated.params_), rel=1e-8)

    def loss(t):
        f = stats.gamma(2.0, scale=np.exp(t))
        log = np.where(WAITS > 8, f.logsf(8), f.logpdf(np.minimum(WAITS, 8)))
        return -weight @ log

    want = optimize.minimize_scalar(loss, bounds=(0, 3), method="bounded", options={"xatol": 1e-10})
    assert model.params_["scale"][0] == pytest.approx(np.exp(want.x), rel=1e-6)


# -------------------------------------------------------------------------- bounds


def test_a_bound_that_holds():
    with pytest.warns(ConvergenceWarning, match=r"boundary: shape -> 1.2"):
        model = natfit.fit("gamma", WAITS, bounds={"shape": (0.5, 1.2)})
    assert model.status_ == "boundary"
    assert model.params_["shape"][0] == pytest.approx(1.2)
    # The other is at its optimum there: mean / shape.
    assert model.params_["scale"][0] == pytest.approx(WAITS.mean() / 1.2, rel=1e-6)


@pytest.mark.parametrize("coordinates", ["unconstrained", "native"])
@pytest.mark.parametrize("pair", [(5.0, None), (3.5, 9.0)])
def test_a_lower_bound_of_a_location(coordinates, pair):
    with pytest.warns(ConvergenceWarning, match=f"loc -> {pair[0]:g}"):
        model = natfit.fit("normal", TAILS, bounds={"loc": pair}, coordinates=coordinates)
    spread = np.sqrt(np.mean((TAILS - pair[0]) ** 2))
    assert flat(model.params_) == pytest.approx([pair[0], spread], rel=1e-5)


def test_a_bound_replaces_what_the_familys_own_end_means():
    y = np.random.default_rng(2).normal(size=300)
    with pytest.warns(ConvergenceWarning, match="df -> 30: the best"):
        model = natfit.fit("student_t", y, bounds={"df": (1, 30)})
    assert model.params_["df"][0] == pytest.approx(30.0)


def test_a_bound_that_does_not_hold_changes_nothing():
    plain = natfit.fit("gamma", WAITS, tol=1e-8)
    model = natfit.fit("gamma", WAITS, bounds={"shape": (0.5, 10), "scale": (None, 1e3)}, tol=1e-8)
    assert flat(model.params_) == pytest.approx(flat(plain.params_), rel=1e-8)
    assert flat(model.standard_errors_) == pytest.approx(flat(plain.standard_errors_), rel=1e-6)
    assert pickle.loads(pickle.dumps(model)).score(WAITS[:, None]) == model.score(WAITS[:, None])
    assert clone(model).bounds == model.bounds


# ----------------------------------------------------------------------- bijectors


class Softplus(Elementwise):
    """log(1 + e^eta)."""

    def _forward(self, eta):
        return anp.logaddexp(0.0, eta)

    def _backward(self, native):
        return native + anp.log(-anp.expm1(-native))

    def first(self, eta):
        return 1 / (1 + np.exp(-eta))

    def second(self, eta):
        return self.first(eta) * (1 - self.first(eta))

    def valid(self, native):
        return bool(np.all(np.asarray(native) > 0))


def test_another_constraint_leads_to_the_same_optimum():
    plain = natfit.fit("gamma", WAITS, tol=1e-8)
    model = natfit.fit("gamma", WAITS, bijectors={"scale": Softplus()}, tol=1e-8)
    assert flat(model.params_) == pytest.approx(flat(plain.params_), rel=1e-8)
    assert flat(model.standard_errors_) == pytest.approx(flat(plain.standard_errors_), rel=1e-6)
    assert model.theta_[1] == pytest.approx(np.log(np.expm1(plain.params_["scale"][0])), rel=1e-6)
    start = natfit.fit("gamma", WAITS, bijectors={"scale": Softplus()}, start_params=[0.0, 0.0])
    assert flat(start.params_) == pytest.approx(flat(plain.params_), rel=1e-4)


# -------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fixed": {"df": 4}}, "fixed must name some of"),
        ({"fixed": {"shape": 1, "scale": 2}}, "must leave a parameter to fit"),
        ({"fixed": {"shape": -1}}, r"fixed\['shape'\] must be Positive \(> 0\), got -1"),
        ({"fixed": {"shape": [1.0, 2.0]}}, r"fixed\['shape'\] must have shape"),
        ({"bounds": {"df": (1, 2)}}, "bounds must name some of"),
        ({"bounds": {"shape": (2, 1)}}, r"bounds\['shape'\] must be \(low, high\)"),
        ({"bounds": {"shape": (-2, -1)}}, "that overlap"),
        ({"bounds": {"shape": 3}}, r"bounds\['shape'\] must be"),
        ({"bijectors": {"shape": 3}}, "objects of natfit.bijectors"),
        ({"bijectors": {"shape": Positive((2,))}}, "must have shape"),
        ({"bijectors": {"nothing": Real()}}, "bijectors must name some of the parameters"),
    ],
)
def test_options_that_cannot_be(options, words):
    with pytest.raises(ValueError, match=words):
        natfit.fit("gamma", WAITS, **options)


@pytest.mark.parametrize("name", ["fixed", "bounds", "prior", "bijectors"])
def test_options_are_dicts(name):
    with pytest.raises(TypeError, match=f"{name} must be a dict whose keys are among"):
        natfit.fit("gamma", WAITS, **{name: [1.0]})


def test_the_gaussian_estimator_has_none_of_them():
    assert NaturalGaussianMLE().fit(WAITS[:, None]).fixed is None


LIMITS = [
    ({"loc": (-1.0, None)}, {"loc": -1.0}),
    ({"loc": (-5.0, -4.0)}, {"loc": -4.0}),
    ({"loc": (None, -3.5)}, {"loc": -3.5}),
    ({"scale": (None, 0.5)}, {"scale": 0.5}),
    ({"scale": (2.0, None), "loc": (0.0, None)}, {"scale": None, "loc": 0.0}),
]


@pytest.mark.filterwarnings("ignore:.*boundary:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("coordinates", ["unconstrained", "native"])
@pytest.mark.parametrize(("bounds", "ends"), LIMITS, ids=repr)
def test_limits_of_either_sign_hold_in_all_coordinates(bounds, ends, coordinates):
    x = np.random.default_rng(0).normal(-3.0, 1.0, 200)
    model = natfit.fit("normal", x, bounds=bounds, coordinates=coordinates)
    assert model.status_ == "boundary"
    for name, end in ends.items():
        if end is not None:
            assert model.params_[name][0] == pytest.approx(end)
            assert f"{name} -> {end:g}" in model.message_
    loc, scale = (model.params_[name][0] for name in ("loc", "scale"))
    # Given the location, the scale is the root of the mean square, inside its limits.
    low, high = (
        end if end is not None else x
        for end, x in zip(bounds.get("scale", (None, None)), (0.0, np.inf), strict=True)
    )
    assert scale == pytest.approx(np.clip(np.sqrt(np.mean((x - loc) ** 2)), low, high), rel=1e-5)


@pytest.mark.filterwarnings("ignore:.*boundary:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("low", "high"), [(1.0, 2.0), (4.0, 5.0), (2.9, np.inf), (4.0, np.inf), (0.0, 1.5)]
)
def test_a_start_outside_a_narrower_constraint_is_moved_inside(low, high):
    y = np.random.default_rng(0).gamma(3.0, 1.0, 200)
    free = natfit.fit("gamma", y).params_["shape"][0]
    model = natfit.fit("gamma", y, bijectors={"shape": Between(low, high)})
    assert model.status_ == ("converged" if low < free < high else "boundary")
    assert model.params_["shape"][0] == pytest.approx(np.clip(free, low, high), rel=1e-4)


@pytest.mark.parametrize("value", ["a", 1j, [1.0, [2.0]]])
def test_a_known_value_that_is_no_number_is_named(value):
    with pytest.raises(TypeError, match=r"fixed\['shape'\] must be a number or an array"):
        natfit.fit("gamma", WAITS, fixed={"shape": value})
