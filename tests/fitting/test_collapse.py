"""Rows that are all equal: what keeps a fit wide, and what ends of fits say of data at a limit."""

import numpy as np
import pytest
from scipy import stats

import natfit
from natfit._component import registered
from natfit.distributions import Hurdle
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.base import Wrapper
from tests.fits import fitted, native, total

ROWS = np.full(5, 0.3)

WIDE = {
    name: family
    for name, family in registered(Distribution)
    if not isinstance(family, Wrapper)
    and family.event_shape == ()
    and len(family.widths) == 1
    and family.support is not None
    and not family.support.integer
    and not family.row_ends
    and family.n_params > 1
    # Their likelihood grows without limit in the shape, too.
    and name not in ("gev", "generalized_pareto", "pearson3", "log_pearson3")
}

LONG_WAYS = ("exponentiated_weibull", "johnson_su")


@pytest.mark.slow
@pytest.mark.parametrize("name", WIDE)
def test_a_limit_of_the_width_gives_constant_rows_a_maximum(name):
    family = WIDE[name]
    ((parameter, width),) = family.widths.items()
    value = 0.05 if width.power > 0 else 20.0
    ends = (value, None) if width.power > 0 else (None, value)
    with pytest.raises(ValueError, match="the likelihood grows"):
        natfit.fit(name, ROWS)
    model = fitted(name, ROWS, bounds={parameter: ends})
    if name in LONG_WAYS:
        # The way to the limit of their other shape is longer than 100 iterations.
        assert model.status_ in ("boundary", "max_iter")
        return
    assert model.status_ == "boundary", model.message_
    assert native(model)[parameter] == pytest.approx(value, rel=1e-9)
    eta, at = model._eta[0], family.blocks[parameter].start
    for k in np.delete(np.arange(family.n_params), at):
        for step in (-1e-2, 1e-2):
            other = eta.copy()
            other[k] = np.clip(eta[k] + step, family.limits[0][k], family.limits[1][k])
            beside = family.log_density(ROWS, other[None]).sum()
            assert beside <= total(model, ROWS) + 1e-9


def test_the_normal_distribution_of_five_threes():
    y = np.full(5, 3.0)
    model = fitted("normal", y, bounds={"scale": (0.1, 10.0)})
    assert model.status_ == "boundary"
    assert native(model) == pytest.approx({"loc": 3.0, "scale": 0.1})
    # -5 log s - (3 + 1) log s - 2 / s is greatest at 2 / 9.
    model = natfit.fit("normal", y, prior={"scale": stats.invgamma(3, scale=2)})
    assert model.status_ == "converged"
    assert native(model) == pytest.approx({"loc": 3.0, "scale": 2.0 / 9.0}, rel=1e-6)


def test_a_prior_of_a_weibull_shape():
    # 5 log k - k, at the scale .3 of all rows.
    model = natfit.fit("weibull", ROWS, prior={"shape": stats.expon()})
    assert native(model) == pytest.approx({"shape": 5.0, "scale": 0.3}, rel=1e-5)


@pytest.mark.parametrize(
    "option",
    [
        {"bounds": {"scale": (None, 10.0)}},
        {"bounds": {"loc": (0.0, 1.0)}},
        {"prior": {"loc": stats.norm(0.0, 1.0)}},
        {"prior": {"scale": stats.halfnorm(scale=1.0)}},
    ],
)
def test_limits_and_priors_that_do_not_help_leave_the_refusal(option):
    with pytest.raises(ValueError, match="must not be constant"):
        fitted("normal", ROWS, **option)


@pytest.mark.parametrize(
    ("name", "fixed"),
    [
        ("inverse_gaussian", "mean"),
        ("nakagami", "scale"),
        ("normal", "loc"),
        ("von_mises", "loc"),
        ("lognormal", "scale"),
    ],
)
def test_a_density_that_shrinks_onto_the_rows_is_unbounded(name, fixed):
    y = np.full(5, 3.0)
    model = fitted(name, y, fixed={fixed: 3.0})
    assert model.status_ == "unbounded"
    assert "all 5 rows equal 3" in model.message_
    # Beside the rows the same parameter leaves a maximum.
    assert fitted(name, y, fixed={fixed: 2.5}).status_ in ("converged", "boundary")


def test_a_hurdle_whose_positive_counts_are_all_one_names_the_limit():
    y = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    for inner in ("poisson", "negative_binomial"):
        model = fitted(Hurdle(inner), y)
        assert model.status_ == "boundary"
        assert "all positive counts are 1" in model.message_
        assert total(model, y) == pytest.approx(2 * np.log(0.4) + 3 * np.log(0.6), abs=1e-6)


@pytest.mark.parametrize("n", [0.5, 1e4])
def test_zeros_with_a_known_size_end_at_the_mean_zero(n):
    model = fitted("negative_binomial", np.zeros(6), fixed={"n": n})
    assert model.status_ == "boundary"
    assert "mean -> 0 (all counts are zero)" in model.message_
    assert model.n_iter_ < 30


def test_a_logarithm_that_falls_without_end_is_a_limit():
    # This family knows no limit of its mean: the distance vanishes with the information.
    model = fitted("poisson_inverse_gaussian", np.zeros(6), fixed={"n": 2.0})
    assert model.status_ == "boundary"
    assert "the likelihood levels off as mean -> 0" in model.message_


@pytest.mark.parametrize("end", ["low", "high"])
@pytest.mark.parametrize("unit", [1e-9, 1.0, -1e9])
def test_equal_rows_at_a_known_end_are_refused(end, unit):
    y = np.full(5, 3.0 * unit)
    with pytest.raises(ValueError, match="got 5 rows equal to.*grows without limit"):
        natfit.fit("uniform", y, fixed={end: 3.0 * unit})
    away = (-1.0 if end == "low" else 1.0) * abs(unit)
    model = fitted("uniform", y, fixed={end: 3.0 * unit + away})
    assert model.status_ == "boundary"
    assert total(model, y) == pytest.approx(-5.0 * np.log(abs(unit)))
