"""The Conway-Maxwell-Poisson distribution of counts."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np

from natfit.bijectors import Positive, Rooted
from natfit.distributions.contract.declared import InformationKind, Role
from natfit.distributions.contract.expectation import Expectation
from natfit.distributions.contract.start import mean as average
from natfit.distributions.contract.support import COUNTS
from natfit.distributions.forms.summed_counts import SummedCounts
from natfit.numerics.powered_poisson import Powered, nodes_of, powered
from natfit.rows import Rows

#: Range of nu. At 1e-12 the probabilities are the geometric distribution's to 1e-8 for means up
#: to 1e3; at 1e6 three numbers with a probability need a mean above 1e4.
_LEAST, _MOST = 1e-12, 1e6

#: Minus the log of the ratio of the probabilities of neighbours that is taken for the limit.
_NONE = 20.0


class ConwayMaxwellPoisson(SummedCounts):
    """The Conway-Maxwell-Poisson distribution of counts: a Poisson of either dispersion.

    ``log p(y) = y log lambda - nu log y! - log Z(lambda, nu)``, y = 0, 1, 2, ..., is the Poisson
    distribution at nu = 1, wider below and narrower above: far from zero the variance is
    mean / nu. The parameters are nu and, as in Huang, the mean, not lambda: lambda is the root of
    E[y] = mean, which :meth:`log_lambda` returns. The maximum likelihood estimate of the mean is
    the mean of the rows, and the two are orthogonal: the Fisher information in (log mean, nu) is
    ``diag(mean^2 / V, E[r^2])``, with V the variance of y and r the residual of -log y! in its
    regression on y. With ``d = (y - mean) / V`` the score is ``(mean d, r)``; the third moments
    of y and r give the observed information. All are sums over y, whose cost does not grow with
    the mean.

    eta = (log mean, arsinh nu): the last is regular at nu = 0, the geometric distribution. As
    nu tends to infinity, two neighbouring counts remain (zero and one: the Bernoulli
    distribution). Rows of no other counts end there: at the boundary. All counts zero are refused.

    scipy has no such family.

    Mean ``mean``. In R: ``COMPoissonReg::dcmp``.

    References
    ----------
    Conway and Maxwell (1962), A queuing model with state dependent service rates, Journal of
    Industrial Engineering 12, 132-136. Shmueli, Minka, Kadane, Borle and Boatwright (2005), A
    useful distribution for fitting discrete data, Applied Statistics 54, 127-142. Sellers and
    Shmueli (2010), A flexible regression model for count data, Annals of Applied Statistics 4,
    943-961. Huang (2017), Mean-parametrized Conway-Maxwell-Poisson regression models for
    dispersed counts, Statistical Modelling 17, 359-380.
    """

    #: The sums have derivatives of their own.
    differentiable = False

    params = {"mean": Positive(high=1e100), "nu": Rooted(1, low=_LEAST, high=_MOST)}
    roles = {"mean": Role.MEAN, "nu": Role.SHAPE}
    support = COUNTS
    limit_meaning = {
        ("nu", "lower"): "the geometric distribution",
        ("nu", "upper"): "two neighbouring counts; of zero and one, the Bernoulli distribution",
        ("mean", "upper"): "counts above 1e100",
    }

    @property
    def information(self) -> InformationKind:
        """At the optimum of a constant model the expected information is the observed one."""
        return replace(super().information, agrees=True)

    def log_lambda(self, eta: np.ndarray) -> np.ndarray:
        """Log lambda of each row of eta (n, 2), (n,)."""
        return _at(*self.native(eta)).log_lambda()

    def _moments(self, mean: Any, nu: Any) -> tuple[Any, Any]:
        return mean, np.square(_at(mean, nu).sd)

    def _log_prob(self, y: Any, mean: Any, nu: Any) -> np.ndarray:
        return _at(mean, nu).log_prob(np.asarray(y, dtype=np.float64))

    def _score(self, y: Any, mean: Any, nu: Any) -> np.ndarray:
        at = _at(mean, nu)
        u, r = _deviations(at, y)
        out = np.empty((2, max(len(u), len(mean))))
        out[0] = mean / at.sd * u
        out[1] = _chain(nu) * r
        return out.T

    def _observed(self, y: Any, mean: Any, nu: Any) -> np.ndarray:
        at = _at(mean, nu)
        u, r = _deviations(at, y)
        size, chain = mean / at.sd, _chain(nu)
        out = np.empty((max(len(u), len(mean)), 2, 2))
        out[:, 0, 0] = size**2 * (1.0 + u * at.uuu) - size * u
        out[:, 0, 1] = out[:, 1, 0] = chain * size * u * at.uur
        out[:, 1, 1] = chain**2 * (at.rr + u * at.urr) - nu * r
        return out

    def _fisher(self, mean: Any, nu: Any) -> np.ndarray:
        at = _at(mean, nu)
        out = np.zeros((len(mean), 2, 2))
        out[:, 0, 0] = (mean / at.sd) ** 2
        out[:, 1, 1] = _chain(nu) ** 2 * at.rr
        return out

    def expectation(self, eta: np.ndarray) -> Expectation:
        """Nodes and probabilities at eta (K,), at a cost that does not grow with the mean."""
        y, weight = nodes_of(_at(*self.native(np.reshape(eta, (1, -1)))))
        keep = weight > 0
        return Expectation(y[keep], weight[keep])

    # ---------------------------------------------------------------------- data, sampling

    def check_degenerate(self, rows: Rows, summary: Any | None) -> None:
        """All counts zero: nu is not determined."""
        self._refuse_all_zero(rows, summary, "'poisson', whose fit ends at rate = 0")

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, float]:
        # By the variance far from zero; half a count keeps the mean positive.
        mean = average(y, weight) + 0.5 / len(y)
        variance = average((y - mean) ** 2, weight)
        return {"mean": mean, "nu": float(np.clip(mean / max(variance, 1e-300), 1e-3, 1e3))}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Near the limit where all rows are of two neighbouring counts."""
        low, high = rows.extent()
        if high - low > 1.0:
            return eta
        nu = min(_NONE / np.log1p(1.0 / (low + 1.0)), _MOST)
        return self.eta(mean=float(np.exp(eta[0])), nu=nu)

    def limit_at(self, rows: Rows, eta: np.ndarray) -> str | None:
        """Two neighbouring counts, from where on a third one has hardly a probability."""
        low, high = (float(f(end)) for f, end in zip((np.min, np.max), rows.extent(), strict=True))
        if high - low > 1.0 or np.sinh(eta[1]) * np.log1p(1.0 / (low + 1.0)) < 0.5 * _NONE:
            return None
        what = "the Bernoulli distribution" if low <= 0.0 else "two neighbouring counts"
        rows_are = f"{low:g}" if high == low else f"{low:g} or {high:g}"
        return (
            f"nu -> inf ({what}): all rows are {rows_are}, and the best value lies at this "
            f"limit, with the mean {np.exp(eta[0]):.6g}"
        )

    def _sample(self, rng: np.random.Generator, n: int, mean: Any, nu: Any) -> np.ndarray:
        # Devroye (1987), A simple generator for discrete log-concave distributions, Computing 39,
        # 87-91: at most five draws for one, at any parameters.
        at = _at(mean, nu).rows(np.zeros(n, dtype=int) if len(mean) == 1 else np.arange(n))
        out, left = np.empty(n), np.arange(n)
        while len(left):
            top = np.where(at.log_rate < 0.0, 0.0, np.floor(at.mode))
            highest = at.log_prob(top)
            peak = np.exp(highest)
            w, m = 1.0 + 0.5 * peak, len(left)
            inner = rng.random(m) <= w / (1.0 + w)
            gap = np.where(inner, w * rng.random(m), w + rng.standard_exponential(m))
            y = top + np.where(rng.random(m) < 0.5, -1.0, 1.0) * np.round(gap / peak)
            with np.errstate(under="ignore"):
                ratio = np.exp(at.log_prob(np.maximum(y, 0.0)) - highest)
                good = rng.random(m) * np.exp(np.minimum(w - gap, 0.0)) <= ratio
            good &= y >= 0.0
            out[left[good]] = y[good]
            left, at = left[~good], at.rows(np.flatnonzero(~good))
        return out


def _at(mean: np.ndarray, nu: np.ndarray) -> Powered:
    """The distributions of rows (n,), of which neighbours with equal parameters are made once."""
    if len(mean) == 1:
        return _kept(mean.tobytes(), nu.tobytes())
    new = np.ones(len(mean), dtype=bool)
    new[1:] = (mean[1:] != mean[:-1]) | (nu[1:] != nu[:-1])
    found = _kept(mean[new].tobytes(), nu[new].tobytes())
    return found if new.all() else found.rows(np.cumsum(new) - 1)


@functools.lru_cache(maxsize=16)
def _kept(mean: bytes, nu: bytes) -> Powered:
    """The distributions, kept: log-density, score and information need them in turn."""
    return powered(np.frombuffer(mean), np.frombuffer(nu))


def _deviations(at: Powered, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """(y - mean) / sd and r, elementwise."""
    u = (y - at.mean) / at.sd
    return u, at.g(np.asarray(y, dtype=np.float64)) - at.level - at.slope * u


def _chain(nu: Any) -> Any:
    """Derivative of nu in eta, nu = sinh(eta); its own derivative is nu."""
    return np.sqrt(1.0 + nu * nu)
