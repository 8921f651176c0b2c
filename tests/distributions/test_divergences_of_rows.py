"""Divergences of many rows without a closed form: integrated together, and as each by itself."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import integrate, stats

from natfit._component import available
from natfit.distributions.base import Distribution
from natfit.distributions.contract.information import expected_log_ratio, moved_rules
from natfit.distributions.positive.gamma import Gamma
from natfit.distributions.real.gumbel import Gumbel
from natfit.distributions.real.logistic import Logistic
from natfit.distributions.real.normal import Normal
from natfit.distributions.real.student_t import StudentT
from natfit.rl import Box
from natfit.rl.policy import action_distribution, start_eta

RNG = np.random.default_rng(0)


def families():
    """Every family of real actions whose divergence is integrated."""
    for name in available(Distribution):
        try:
            family = action_distribution(Box([-2.0], [2.0]), name)
        except (TypeError, ValueError):
            continue
        if family.has_mode and family.has_kl and not family.kl_by_rows:
            yield pytest.param(family, id=name)


def a_policy_and_the_next(family, n):
    """Eta of a policy at n states, whose locations differ, and after an update."""
    eta = np.repeat(start_eta(family, Box([-2.0], [2.0]), 1.0)[None], n, axis=0)
    for name in family.blocks:
        if name == "loc":
            eta[:, family.blocks[name]] += RNG.standard_normal((n, 1))
    return eta, eta + 0.05 * RNG.standard_normal(eta.shape[1])


@pytest.mark.parametrize("family", list(families()))
def test_actions_are_integrated_together(family, monkeypatch):
    eta, after = a_policy_and_the_next(family, 60)
    want = np.concatenate([family.kl(eta[i : i + 1], after[i : i + 1]) for i in range(60)])
    calls, log_prob = [], type(family).log_prob

    def counted(self, y, eta):
        calls.append(np.shape(y))
        return log_prob(self, y, eta)

    monkeypatch.setattr(type(family), "log_prob", counted)
    assert_allclose(family.kl(eta, after), want, rtol=1e-4, atol=1e-12)
    assert len(calls) < 30


LAWS = {
    Logistic: lambda loc, scale: stats.logistic(loc, scale),
    StudentT: lambda loc, scale, df: stats.t(df, loc, scale),
}


@pytest.mark.parametrize("kind", [Logistic, StudentT])
def test_divergences_are_scipys_integrals(kind):
    family, law = kind(), LAWS[kind]
    # Locations far from zero, and scales that span decades.
    loc, scale = np.linspace(-1e3, 1e3, 9), np.logspace(-3, 3, 9)
    rest = [np.full(9, 5.0)] if "df" in family.params else []
    eta = np.array([family.eta(**dict(zip(family.params, row, strict=True)))
                    for row in zip(loc, scale, *rest, strict=True)])  # fmt: skip
    after = eta.copy()
    after[:, 0] += 0.3 * scale
    after[:, 1] += 0.2
    got = family.kl(eta, after)
    for i in (0, 4, 8):
        one = law(*(v[0] for v in family.native(eta[i : i + 1])))
        two = law(*(v[0] for v in family.native(after[i : i + 1])))

        def integrand(z, one=one, two=two, i=i):
            y = loc[i] + scale[i] * z
            return scale[i] * one.pdf(y) * (one.logpdf(y) - two.logpdf(y))

        assert_allclose(got[i], integrate.quad(integrand, -np.inf, np.inf)[0], rtol=1e-6)


@pytest.mark.parametrize("family", [Normal(), Gumbel(), Gamma()], ids=str)
def test_the_rule_agrees_with_closed_forms_also_where_shapes_differ(family):
    eta = 0.5 * RNG.standard_normal((50, 2))
    after = eta + 0.1 * RNG.standard_normal((50, 2))
    assert_allclose(expected_log_ratio(family, eta, after), family.kl(eta, after), rtol=1e-4)


def test_rows_that_the_rule_does_not_suit_are_integrated_by_themselves():
    # Shapes from 0.05 to 400: no rule of one row suits all.
    family = Gamma()
    eta = np.column_stack([np.log(np.geomspace(0.05, 400.0, 20)), np.zeros(20)])
    fine = np.concatenate([part[-1] for part in moved_rules(family, eta)])
    assert not fine.all()
    after = eta + [0.02, -0.01]
    assert_allclose(expected_log_ratio(family, eta, after), family.kl(eta, after), rtol=1e-4)
