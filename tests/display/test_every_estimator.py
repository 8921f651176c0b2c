"""Each display draws each kind of fit, or refuses it in words."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import natfit
from natfit import NaturalClassifier, NaturalRegressor, display

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 2))
Y = RNG.gamma(3.0, np.exp(X @ [0.3, 0.1]))
CLASSES = np.where(X[:, 0] + RNG.normal(size=80) > 0.0, "yes", "no")

FITS = {
    "density": (lambda: natfit.fit("gamma", Y), {"X": Y}),
    "regressor": (lambda: NaturalRegressor("gamma_mean").fit(X, Y), {"X": X, "y": Y}),
    "classifier": (lambda: NaturalClassifier().fit(X, CLASSES), {"X": X, "y": CLASSES}),
}

#: What a display takes beside the fit, of the data of the fit.
DATA = {
    "CoefficientsDisplay": (),
    "ConvergenceDisplay": (),
    "LearningCurveDisplay": (),
    "SpectrumDisplay": (),
}

OF_REGRESSIONS = {
    "CoefficientsDisplay",
    "IntervalCalibrationDisplay",
    "PredictionBandDisplay",
    "QuantileResidualsDisplay",
}
OF_DENSITIES = {
    "DensityDisplay",
    "GradientFieldDisplay",
    "LikelihoodContourDisplay",
    "PathDisplay",
    "ProbabilityPlotDisplay",
}


@pytest.fixture(scope="module", params=list(FITS))
def fitted(request):
    make, data = FITS[request.param]
    return request.param, make(), data


def name_of(fit):
    return type(fit).__name__


def draw(name, fit, data):
    given = {k: v for k, v in data.items() if k in DATA.get(name, ("X", "y"))}
    if name in OF_REGRESSIONS and "y" not in given and name not in DATA:
        given["y"] = Y
    if name == "ProfileDisplay":
        given["of"] = "shape" if name_of(fit) == "NaturalMLE" else fit.param_names_[0]
        given["n_points"] = 7
    return getattr(display, name).from_estimator(fit, **given)


@pytest.mark.parametrize("name", display.__all__)
def test_it_draws_or_refuses_in_words(fitted, name):
    kind, fit, data = fitted
    other = OF_REGRESSIONS if kind == "density" else OF_DENSITIES
    if name == "PredictionBandDisplay" and kind == "classifier":
        with pytest.raises(TypeError, match="classes have no intervals.* use predict_proba"):
            draw(name, fit, data)
        return
    if name == "LearningCurveDisplay":
        with pytest.raises(ValueError, match="y must be one of"):
            draw(name, fit, data)
    elif name in other:
        with pytest.raises(TypeError, match=f"estimator must be .* for {name}.* use ") as found:
            draw(name, fit, data)
        assert any(word in str(found.value).split(" use ")[1] for word in display.__all__)
    else:
        assert draw(name, fit, data).figure_ is not None


def test_influence_of_a_regression_is_its_own():
    fit = NaturalRegressor("gamma_mean").fit(X, Y)
    found = fit.influence(X, Y)
    drawn = display.InfluenceDisplay.from_estimator(fit, X, Y)
    assert_allclose(drawn.points_[0].get_data(), [found.rows, found.distance])
    names = ["mean[x0]", "shape"]
    drawn = display.InfluenceDisplay.from_estimator(fit, X, y=Y, kind="dfbetas", params=names)
    error = fit.standard_errors_["mean"][0]
    assert_allclose(drawn.values["mean[x0]"], found.params["mean[x0]"] / error)
    assert list(drawn.values) == names
    drawn = display.InfluenceDisplay.from_estimator(fit, X, Y, against=1)
    assert_allclose(drawn.points_[0].get_xdata(), X[:, 1])
    assert drawn.ax_.get_xlabel() == "x1"
    with pytest.raises(TypeError, match="y is for regressions only"):
        display.InfluenceDisplay.from_estimator(natfit.fit("gamma", Y), Y, Y)


def test_the_spectrum_of_a_regression_is_its_own():
    fit = NaturalRegressor("gamma_mean").fit(X, Y)
    want = sorted(c.eigenvalue for c in fit.identifiability().combinations)
    assert_allclose(display.SpectrumDisplay.from_estimator(fit).points_.get_ydata(), want)


def test_coefficients_of_a_classifier_by_class():
    fit = NaturalClassifier().fit(X, CLASSES)
    drawn = display.CoefficientsDisplay.from_estimator(fit)
    assert drawn.parameter == "yes" and drawn.names == ["x0", "x1"]
    assert_allclose(drawn.points_.get_xdata(), fit.coef_[0])
    three = np.digitize(X[:, 0] + RNG.normal(size=80), [-0.5, 0.5])
    fit = NaturalClassifier().fit(X, three)
    drawn = display.CoefficientsDisplay.from_estimator(fit, parameter="2")
    assert_allclose(drawn.points_.get_xdata(), fit.coef_[2])
    with pytest.raises(ValueError, match="parameter must be"):
        display.CoefficientsDisplay.from_estimator(fit, parameter="3")


@pytest.mark.parametrize("of", ["mean[x0]", "shape"])
def test_the_profile_of_a_regression_is_the_deviance_of_fits_with_the_value_held(of):
    fit = NaturalRegressor("gamma_mean").fit(X, Y)
    drawn = display.ProfileDisplay.from_estimator(fit, X, Y, of=of, n_points=7)
    want = fit.conf_int(of=of, method="profile", X=X, y=Y)[of]
    assert_allclose(drawn.interval, want, rtol=1e-6)
    if of == "mean[x0]":
        assert_allclose(drawn.wald_interval, fit.conf_int(of=of)[of], rtol=1e-9)
        for c, deviance in zip(drawn.x, drawn.deviance, strict=True):
            held = NaturalRegressor("gamma_mean").fit(X[:, 1:], Y, offset=c * X[:, 0])
            # The offset takes the place of the coefficient.
            assert_allclose(deviance, 2.0 * (fit.loglik_ - held.loglik_), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="name of a coefficient"):
        display.ProfileDisplay.from_estimator(fit, X, Y, of=("ppf", 0.1))
