"""Derivatives of functions of the parameters, and the functions that are refused."""

import autograd.numpy as anp
import numpy as np
import pytest

import natfit
from natfit.distributions import Gamma, Normal, Poisson, StudentT, Weibull
from natfit.distributions.contract.frozen import Frozen
from natfit.inference import derivative, quantity

AT = {
    "weibull": (Weibull(), {"shape": 1.7, "scale": 3.0}),
    "normal": (Normal(), {"loc": -1.0, "scale": 0.5}),
    "gamma": (Gamma(), {"shape": 2.5, "scale": 0.4}),
    "student_t": (StudentT(), {"loc": 1.0, "scale": 2.0, "df": 6.0}),
}
METHODS = {
    "ppf": (0.1,),
    "isf": ([0.1, 0.6],),
    "median": (),
    "cdf": (1.5,),
    "sf": ([0.3, 1.5],),
    "logcdf": (0.3,),
    "logsf": (0.3,),
    "pdf": (0.7,),
    "logpdf": ([[0.3, 0.4]],),
}


def setting(name):
    family, params = AT[name]
    theta = family.eta(**params)
    return family, theta, np.full(theta.size, 0.05), family.limits[:2]


def of(function, *args, name="weibull"):
    family, theta, errors, limits = setting(name)

    def parameters(t):
        values = family.native(t.reshape(1, -1))
        return dict(zip(family.params, values, strict=True))

    found = quantity.of(
        function, args, family, lambda t: Frozen(family, t.reshape(1, -1)), parameters
    )
    return found, theta, errors, limits


@pytest.mark.parametrize("name", AT)
@pytest.mark.parametrize("method", METHODS)
def test_closed_derivatives_are_those_of_differences(name, method):
    asked, theta, errors, limits = of(method, *METHODS[method], name=name)
    exact = asked.exact(theta)
    assert exact is not None
    want = derivative.by_differences(asked._flat, theta, errors, limits, method)
    np.testing.assert_allclose(exact, want, rtol=1e-5, atol=1e-8 * np.abs(want).max())


def test_columns_have_blocks_of_derivatives():
    family, theta, errors, limits = setting("weibull")
    both = np.concatenate([theta, theta + 0.2])

    def frozen(t):
        return Frozen(family, t.reshape(2, -1))

    for function, args, size in (("ppf", ([0.1, 0.2],), 4), ("cdf", (1.5,), 2), ("pdf", (2.0,), 2)):
        asked = quantity.of(function, args, family, frozen)
        exact = asked.exact(both)
        wide = np.tile(limits[0], 2), np.tile(limits[1], 2)
        want = derivative.by_differences(asked._flat, both, np.tile(errors, 2), wide, function)
        assert exact.shape == (size, 4)
        np.testing.assert_allclose(exact, want, rtol=1e-5, atol=1e-8)


def test_autograd_follows_functions_of_parameters(monkeypatch):
    monkeypatch.setattr(derivative, "by_differences", None)
    asked, theta, errors, limits = of(lambda d: anp.log(d.params["shape"]) * d.params["scale"])
    # d / d log shape and d / d log scale of log(shape) scale.
    want = [[3.0, 3.0 * np.log(1.7)]]
    np.testing.assert_allclose(asked.jacobian(theta, errors, limits), want, rtol=1e-12)


def test_a_function_that_leaves_autograd_half_way_is_found_out():
    def function(d):
        scale = d.params["scale"]
        return d.params["shape"] * getattr(scale, "_value", scale)

    asked, theta, errors, limits = of(function)
    assert derivative.by_autograd(asked._flat, theta, errors, limits) is None
    np.testing.assert_allclose(asked.jacobian(theta, errors, limits), [[5.1, 5.1]], rtol=1e-9)


def test_arrays_and_tuples_of_values():
    asked, theta, errors, limits = of(lambda d: (d.mean(), d.ppf([0.1, 0.9])))
    assert asked.jacobian(theta, errors, limits).shape == (3, 2)
    asked, theta, errors, limits = of("interval", 0.8)
    want = of("ppf", [0.1, 0.9])[0].exact(theta)
    np.testing.assert_allclose(asked.jacobian(theta, errors, limits), want, rtol=1e-7)


def test_steps_stay_inside_the_limits():
    def function(theta):
        assert np.all(theta >= 0.0)
        return np.exp(theta)

    limits = np.zeros(1), np.full(1, np.inf)
    for at in (0.0, 0.01):
        found = derivative.by_differences(function, np.array([at]), np.ones(1), limits, "g")
        assert found[0, 0] == pytest.approx(np.exp(at), rel=1e-6)
    mirrored = derivative.by_differences(
        lambda t: function(-t), np.zeros(1), np.ones(1), (np.full(1, -np.inf), np.zeros(1)), "g"
    )
    assert mirrored[0, 0] == pytest.approx(-1.0, rel=1e-6)


def test_given_coordinates_are_not_moved():
    asked, theta, _, limits = of("mean")
    found = asked.jacobian(theta, np.array([0.0, 0.05]), limits)
    assert found[0, 0] == 0.0
    assert found[0, 1] == pytest.approx(asked.value(theta))


def test_ranges_follow_from_the_name():
    assert (of("ppf", 0.1)[0].low, of("ppf", 0.1)[0].high) == (0.0, np.inf)
    assert (of("cdf", 1.0)[0].low, of("cdf", 1.0)[0].high) == (0.0, 1.0)
    assert of("ppf", 0.1, name="normal")[0].low == -np.inf
    assert of("std", name="normal")[0].low == 0.0
    assert (of("shape")[0].low, of("loc", name="normal")[0].low) == (0.0, -np.inf)
    assert of("logsf", 1.0)[0].high == 0.0


REFUSED = {
    "no number": (lambda d: "a", TypeError, "must be a number"),
    "nothing": (lambda d: None, TypeError, "must be a number"),
    "complex": (lambda d: 1j, TypeError, "must be a number"),
    "ragged": (lambda d: [1.0, [2.0, 3.0]], TypeError, "must be a number"),
    "NaN": (lambda d: np.nan, ValueError, "must be finite at the estimate"),
    "infinite": (lambda d: d.ppf(1.0), ValueError, "must be finite at the estimate"),
    "empty": (lambda d: [], ValueError, "got an empty one"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_values_that_are_refused(case):
    function, error, words = REFUSED[case]
    asked, theta, _, _ = of(function)
    with pytest.raises(error, match=words):
        asked.value(theta)


def kink(d):
    return abs(float(d.params["scale"]) - 3.0)


def step(d):
    return np.floor(float(d.params["scale"]) + 0.02)


def ends_near(d):
    scale = float(d.params["scale"])
    return scale if scale < 3.01 else np.nan


@pytest.mark.parametrize(
    ("function", "words"),
    [(kink, "must have a derivative"), (step, "moves in steps"), (ends_near, "got NaN within")],
)
def test_functions_without_a_derivative(function, words):
    asked, theta, errors, limits = of(function)
    with pytest.raises(ValueError, match=words):
        asked.jacobian(theta, errors, limits)


def test_quantiles_of_whole_numbers_move_in_steps():
    family = Poisson()
    theta = family.eta(rate=3.2)
    asked = quantity.of("ppf", (0.1,), family, lambda t: Frozen(family, t.reshape(1, -1)))
    with pytest.raises(ValueError, match="rows are whole numbers"):
        asked.jacobian(theta, np.full(1, 0.1), family.limits[:2])


@pytest.mark.parametrize(
    ("function", "args", "error", "words"),
    [
        ("pff", (0.1,), ValueError, "did you mean 'ppf'"),
        ("rvs", (), ValueError, "must be a known name"),
        ("support", (), ValueError, "must be a known name"),
        ("hazard", (), ValueError, r"lambda d: d.pdf\(t\) / d.sf\(t\)"),
        ("B10", (), ValueError, "'ppf', 0.1"),
        (3.0, (), TypeError, "must be a function of the frozen distribution"),
        ("shape", (1,), TypeError, "takes no arguments"),
    ],
)
def test_names_that_are_refused(function, args, error, words):
    with pytest.raises(error, match=words):
        of(function, *args)


def test_a_method_without_its_argument_is_named():
    model = natfit.fit("exponential", [1.0, 2.0, 3.0])
    for args in ((), (0.1, 0.2)):
        with pytest.raises(TypeError, match="must follow its name"):
            model.estimate("ppf", *args)
