"""Fits of rows that nearly coincide, against the likelihood equations in 60 digits."""

import mpmath as mp
import numpy as np
import pytest

import natfit
from natfit.distributions import Beta, Gamma, InverseGamma
from natfit.distributions.forms.tight import TightBeta, TightGamma, TightInverseGamma

FORMS = [(TightGamma, Gamma(), 3.0), (TightInverseGamma, InverseGamma(), 3.0)]
FORMS += [(TightBeta, Beta(), 0.3)]


def optimum(name, y):
    """The optimum of the family by mpmath."""
    with mp.workdps(60):
        rows = [mp.mpf(float(v)) for v in y]
        mean = mp.fsum(rows) / len(rows)
        if name == "beta":
            low = mp.fsum(mp.log(v) for v in rows) / len(rows)
            high = mp.fsum(mp.log(1 - v) for v in rows) / len(rows)
            size = mean * (1 - mean) / (mp.fsum((v - mean) ** 2 for v in rows) / len(rows))

            def equations(p, log_size):
                s = mp.exp(log_size)
                return (
                    s * (mp.psi(0, p * s) - mp.psi(0, (1 - p) * s) - low + high),
                    s * (p * (low - mp.psi(0, p * s)) + (1 - p) * (high - mp.psi(0, (1 - p) * s)))
                    + s * mp.psi(0, s),
                )

            p, log_size = mp.findroot(equations, (mean, mp.log(size)), tol=1e-40)
            return {"a": p * mp.exp(log_size), "b": (1 - p) * mp.exp(log_size)}
        rows = rows if name == "gamma" else [1 / v for v in rows]
        mean = mp.fsum(rows) / len(rows)
        gap = mp.log(mean) - mp.fsum(mp.log(v) for v in rows) / len(rows)
        shape = mp.findroot(lambda k: k * (mp.log(k) - mp.psi(0, k) - gap), 0.5 / gap)
        return {"shape": shape, "scale": mean / shape if name == "gamma" else shape / mean}


@pytest.mark.parametrize("spread", [1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize(
    ("name", "centre"), [("gamma", 3.7), ("inverse_gamma", 3.7), ("beta", 0.3)]
)
def test_rows_that_nearly_coincide_have_an_optimum(name, centre, spread):
    y = centre * (1.0 + spread * np.random.default_rng(0).normal(size=50))
    model = natfit.fit(name, y)
    assert model.status_ == "converged"
    for key, value in optimum(name, y).items():
        # The unit of the shapes' errors is their standard error, a fifth of them.
        assert model.params_[key][0] == pytest.approx(float(value), rel=1e-5)
        assert model.standard_errors_[key][0] == pytest.approx(
            np.sqrt(2 / 50) * float(value), rel=1e-5
        )


@pytest.mark.parametrize(("form", "own", "centre"), FORMS)
def test_the_form_is_the_family_in_other_coordinates(form, own, centre):
    made, eta = form(own, centre), np.array([0.02, 3.5])
    y = centre * np.array([0.9, 0.97, 1.01, 1.1, 1.2])
    full, jacobian = made.to_own(eta), made.jacobian(eta)
    assert made.from_own(full) == pytest.approx(eta, abs=1e-12)
    assert made.log_prob(y, eta[None]) == pytest.approx(own.log_prob(y, full[None]), rel=1e-10)
    assert made.score(y, eta[None]) == pytest.approx(own.score(y, full[None]) @ jacobian, rel=1e-8)
    fisher = jacobian.T @ own.fisher(full[None])[0] @ jacobian
    assert made.fisher(eta[None])[0] == pytest.approx(fisher, rel=1e-8, abs=1e-10)
    step = 1e-5
    for k in range(2):
        move = step * np.eye(2)[k]
        slope = made.score(y, (eta + move)[None]) - made.score(y, (eta - move)[None])
        bent = -slope / (2.0 * step)
        assert made.observed(y, eta[None])[:, k] == pytest.approx(bent, rel=1e-6, abs=1e-6)
    other = np.array([-0.01, 3.9])
    kl = own.kl(full[None], made.to_own(other)[None])
    assert made.kl(eta[None], other[None]) == pytest.approx(kl, rel=1e-8)
