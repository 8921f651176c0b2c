import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats
from sklearn.exceptions import NotFittedError

import natfit
from natfit import NaturalMLE
from natfit.display import LikelihoodContourDisplay

draw = LikelihoodContourDisplay.from_estimator
SMALL = {"grid_resolution": 9}


def test_the_deviance_of_a_normal_is_the_closed_form(y):
    display = draw(NaturalMLE("normal").fit(y), y, **SMALL)
    loc, scale = np.meshgrid(display.grid_x, display.grid_y)
    mean, sd = y.mean(), y.std()
    expected = 200 * (2 * np.log(scale / sd) + (sd**2 + (loc - mean) ** 2) / scale**2 - 1)
    known = np.isfinite(display.deviance)
    assert_allclose(display.deviance[known], expected[known], atol=1e-5)
    # Only what is far outside both regions is left out.
    assert expected[~known].min(initial=np.inf) > 2 * stats.chi2.ppf(0.95, 2)
    assert_allclose(display.estimate, [mean, sd], rtol=1e-5)
    assert display.ax_.get_xlabel() == "loc" and display.ax_.get_ylabel() == "scale"


def test_regions_are_those_of_the_levels(y):
    display = draw(NaturalMLE("normal").fit(y), y, levels=[0.9, 0.5], grid_resolution=60)
    heights = stats.chi2.ppf([0.5, 0.9], 2)
    assert_allclose(display.contours_.levels, heights)
    mean, sd = y.mean(), y.std()
    for height, path in zip(heights, display.contours_.get_paths(), strict=True):
        loc, scale = path.vertices.T
        at = 200 * (2 * np.log(scale / sd) + (sd**2 + (loc - mean) ** 2) / scale**2 - 1)
        assert_allclose(at, height, rtol=0.02)
    # Wald's ellipse is one in (loc, log scale), whose errors are independent.
    for height, line in zip(heights, display.ellipses_, strict=True):
        loc, scale = line.get_data()
        square = 200 * ((loc - mean) / sd) ** 2 + 400 * np.log(scale / sd) ** 2
        assert_allclose(square, height, rtol=1e-3)
    assert [t.get_text() for t in display.ax_.get_legend().get_texts()] == [
        "Wald",
        "likelihood",
        "estimate",
    ]


def test_the_grid_holds_both_regions_to_the_largest_level():
    x = np.random.default_rng(1).gamma(2.0, 3.0, 15)
    display = draw(natfit.fit("gamma", x), x, levels=0.95, grid_resolution=40)
    edge = np.concatenate([display.deviance[[0, -1]].ravel(), display.deviance[:, [0, -1]].ravel()])
    height = stats.chi2.ppf(0.95, 2)
    assert np.nanmin(edge) > height
    (ellipse,) = display.ellipses
    assert np.all(ellipse.min(axis=0) > [display.grid_x[0], display.grid_y[0]])
    assert np.all(ellipse.max(axis=0) < [display.grid_x[-1], display.grid_y[-1]])


def test_other_parameters_are_maximised_over():
    x = stats.genextreme(0.1, 3.87, 0.2).rvs(50, random_state=1)
    display = draw(natfit.fit("gev", x), x, params=("scale", "shape"), grid_resolution=7)
    best = optimize.minimize(
        lambda t: -np.maximum(stats.genextreme(-t[2], t[0], t[1]).logpdf(x), -1e4).sum(),
        [*np.array([3.87, 0.2, -0.1])],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-9},
    )
    for b, a in ((4, 2), (3, 3), (2, 5)):
        scale, shape = display.grid_x[a], display.grid_y[b]
        found = optimize.minimize_scalar(
            lambda loc, s=scale, k=shape: (
                -np.maximum(stats.genextreme(-k, loc, s).logpdf(x), -1e4).sum()
            ),
            bounds=(3.5, 4.2),
            method="bounded",
            options={"xatol": 1e-10},
        )
        assert display.deviance[b, a] == pytest.approx(2 * (found.fun - best.fun), abs=1e-4)


def test_weights_are_repetitions():
    x, w = np.array([1.0, 2.0, 4.0, 7.0]), np.array([2, 3, 1, 2])
    one = draw(natfit.fit("weibull", x, sample_weight=w), x, sample_weight=w, **SMALL)
    y = np.repeat(x, w)
    other = draw(natfit.fit("weibull", y), y, **SMALL)
    assert_allclose(one.grid_x, other.grid_x, rtol=1e-5)
    assert_allclose(one.deviance, other.deviance, rtol=1e-3)


def test_a_column_and_two_entries_are_chosen(y):
    both = np.hstack([y, y**2])
    model = NaturalMLE("normal").fit(both)
    with pytest.raises(ValueError, match="which of the 2 columns"):
        draw(model, both)
    display = draw(model, both, column=1, **SMALL)
    assert display.estimate[0] == pytest.approx((y**2).mean(), rel=1e-5)
    pair = np.hstack([y, y[::-1]])
    plane = NaturalMLE("multivariate_normal").fit(pair)
    display = draw(plane, pair, params=("loc[0]", "loc[1]"), grid_resolution=5)
    # Maximised over the covariance, the deviance is Hotelling's.
    loc = np.stack(np.meshgrid(display.grid_x, display.grid_y), -1) - pair.mean(axis=0)
    square = np.einsum("...i,ij,...j", loc, np.linalg.inv(np.cov(pair.T, bias=True)), loc)
    known = np.isfinite(display.deviance)
    assert known.sum() > 15
    assert_allclose(display.deviance[known], 200 * np.log1p(square[known]), atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"params": ("loc", "scal")}, "got 'scal'; did you mean 'scale'"),
        ({"params": "loc"}, "params must be two names"),
        ({"params": ("loc", "loc")}, "params must be two names"),
        ({"levels": 95}, "levels must be"),
        ({"levels": []}, "at least one level"),
        ({"grid_resolution": 1}, "grid_resolution must be"),
        ({"X": np.arange(200.0)}, "X must be the data of the fit"),
    ],
)
def test_bad_options_are_named(y, options, message):
    with pytest.raises(ValueError, match=message):
        draw(NaturalMLE("normal").fit(y), **{"X": y, **options})


def test_parameters_must_have_been_estimated(y):
    model = NaturalMLE("normal", fixed={"scale": 4.0}).fit(y)
    with pytest.raises(ValueError, match=r"got \['loc'\]; ProfileDisplay draws a single one"):
        draw(model, y)
    with pytest.raises(ValueError, match="were estimated and rest at no limit, got 'scale'"):
        draw(model, y, params=("loc", "scale"))
    with pytest.raises(NotFittedError):
        draw(NaturalMLE(), y)


def test_options_reach_matplotlib(y):
    display = draw(
        NaturalMLE("normal").fit(y),
        y,
        name="mine",
        color="red",
        contour_kw={"cmap": "viridis"},
        **SMALL,
    )
    assert {line.get_color() for line in display.ellipses_} == {"red"}
    assert display.contours_.get_cmap().name == "viridis"
    assert "mine" in [t.get_text() for t in display.ax_.get_legend().get_texts()]


def test_without_matplotlib_the_message_says_what_to_install(y, without_matplotlib):
    with pytest.raises(ImportError, match=r"LikelihoodContourDisplay.plot .*natfit\[plot\]"):
        draw(NaturalMLE("normal").fit(y), y, **SMALL)
