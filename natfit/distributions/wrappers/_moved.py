"""A family of densities whose y is moved or stretched by one more parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.expectation import ACCURACY, Expectation
from natfit.distributions.contract.sums import n_rows
from natfit.distributions.contract.support import REAL, Support
from natfit.distributions.contract.velocity import Velocity
from natfit.distributions.custom._ends import natural_units, safe_steps
from natfit.distributions.wrappers.base import Extended
from natfit.numerics.differences import FIRST, SECOND, gradient, hessian

#: Largest share of an expectation that may come from rare nodes, and the probability below which
#: a node is rare.
_CONVERGED, _RARE = 0.01, 1e-13


class Moved(Extended):
    """The family of y for which T(y; own) has the inner family's density; eta = (own, inner eta).

    Score and observed information are derived by autograd from the inner log-density, or by
    differences where autograd cannot differentiate it; the Fisher information is computed by the
    quadrature of the inner family.

    Parameters
    ----------
    family : str or Distribution
        A univariate density.
    """

    def _admit(self, inner: Distribution) -> None:
        if inner.atoms:
            raise ValueError(
                f"{type(self).__name__} needs a density without values of a probability of their "
                f"own, and {inner!r} has {inner.atoms}; wrap the family inside"
            )
        if inner.event_shape != () or inner.support is None or inner.support.integer:
            raise ValueError(
                f"{type(self).__name__} needs a univariate density with a support, got "
                f"{type(inner).__name__}"
            )
        if np.isfinite(inner.support.high):
            raise ValueError(
                f"{type(self).__name__} needs a support without an upper end, and that of "
                f"{type(inner).__name__} is {inner.support.describe()}"
            )
        if inner.row_ends:
            raise ValueError(
                f"{type(self).__name__} needs a support whose ends are known, and "
                f"{type(inner).__name__} ends at {' and '.join(inner.row_ends)}, of which only the "
                "smallest or largest row is known: fit it without the wrapper, or fix that "
                "parameter inside: Fixed(family, {name: value})"
            )
        if not (inner.differentiable or inner.by_differences):
            raise ValueError(
                f"{type(self).__name__} needs a density that autograd can differentiate, and that "
                f"of {type(inner).__name__} is none; write it with from_log_prob"
            )

    @property
    def support(self) -> Support:
        """Every finite number: where the density vanishes depends on the parameter."""
        return REAL

    def support_at(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Ends (n,) of the inner family's interval at each row of eta, moved or stretched."""
        own, rest = self._split(eta)
        low, high = self.inner.support_at(rest)
        return self._to_outer(low, own), self._to_outer(high, own)

    def _to_inner(self, y: Any, own: Any) -> Any:
        raise NotImplementedError

    def _log_slope(self, own: Any) -> Any:
        """Log of dT / dy, which does not depend on y."""
        return 0.0

    def _to_outer(self, values: np.ndarray, own: Any) -> np.ndarray:
        """Invert :meth:`_to_inner`."""
        raise NotImplementedError

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        own, rest = self._split(eta)
        moved = self._to_inner(y, own)
        low = self.inner.known_support.low
        inside = getattr(moved, "_value", moved)
        inside = getattr(inside, "_value", inside) > low
        # Autograd evaluates both branches: outside, y is replaced by a value inside.
        safe = anp.where(inside, moved, low + 1.0 if low > -np.inf else moved)
        log = self.inner._log_prob_eta(safe, rest) + self._log_slope(own)
        return anp.where(inside, log, -np.inf)

    # ------------------------------------------- derivatives where autograd cannot find them

    def _differences(self, y: np.ndarray, eta: np.ndarray) -> tuple[Callable, np.ndarray]:
        """The log-density at many points (m, n or 1, K), and the unit of each coordinate."""

        def stacked(points: np.ndarray) -> np.ndarray:
            rows = len(y)
            flat = np.broadcast_to(points, (len(points), rows, points.shape[2]))
            flat = flat.reshape(-1, points.shape[2])
            with np.errstate(all="ignore"):
                return self._log_prob_eta(np.tile(y, len(points)), flat).reshape(-1, rows)

        unit = np.ones((len(eta), self.n_params))
        unit[:, 0] = self._own_unit(y, eta)
        unit = natural_units(stacked, eta, unit)
        return stacked, safe_steps(self.support_at, y, eta, unit)

    def _own_unit(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Largest unit (n or 1,) of differences in the additional parameter."""
        return np.ones(len(eta))

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Log-density (n,), and score (n, K)."""
        if self.inner.differentiable:
            return super().log_prob_and_score(y, eta)
        stacked, unit = self._differences(y, eta)
        with np.errstate(all="ignore"):
            return self.log_prob(y, eta), gradient(stacked, eta, FIRST * unit, stacked=True)

    def observed(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Negative Hessian (n, K, K)."""
        if self.inner.differentiable:
            return super().observed(y, eta)
        stacked, unit = self._differences(y, eta)
        with np.errstate(all="ignore"):
            return -hessian(stacked, eta, SECOND * unit, stacked=True)

    def _tails(self, name: str, y: Any, eta: np.ndarray) -> np.ndarray:
        own, rest = self._split(eta)
        return getattr(self.inner, name)(self._to_inner(np.asarray(y, dtype=float), own), rest)

    def log_cdf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y <= y) of each row, (n,) nats."""
        return self._tails("log_cdf", y, eta)

    def log_sf(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Log P(Y > y) of each row, (n,) nats."""
        return self._tails("log_sf", y, eta)

    def velocity(self, y: np.ndarray, eta: np.ndarray) -> Velocity:
        """Derivatives of P(Y > y) in eta over the density, from the inner family's.

        Of the additional parameter the velocity dy / d eta_0 is known at fixed inner y, and does
        not depend on the inner eta.

        Returns
        -------
        Velocity
            In the unit of y.
        """
        own, rest = self._split(eta)
        inner = self.inner.velocity(self._to_inner(y, own), rest)
        unit = np.exp(-np.broadcast_to(self._log_slope(own), len(eta)))
        first, again = self._own_velocity(y)
        score, k = self.score(y, eta).T, self.n_params
        second = np.empty((k, k, len(y)))
        second[0] = score * first
        second[0, 0] += again
        second[1:, 0], second[1:, 1:] = second[0, 1:], inner.second * unit
        return Velocity(np.concatenate([first[None], inner.first * unit]), second)

    def _own_velocity(self, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Velocity of y in the additional parameter, and its derivative in it at fixed y; (n,)."""
        raise NotImplementedError

    def quantile_formula(self, eta: np.ndarray) -> Callable | None:
        """Quantiles at eta (1, K): the inner family's, moved."""
        own, rest = self._split(eta)
        formula = self.inner.quantile_formula(rest)
        return formula and (lambda p, upper: self._to_outer(formula(p, upper), own))

    def moments(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances (n,): the inner family's, moved."""
        own, rest = self._split(eta)
        mean, var = self.inner.moments(rest)
        unit = np.exp(-2.0 * np.broadcast_to(self._log_slope(own), len(eta)))
        return self._to_outer(mean, own), var * unit

    def expectation(self, eta: np.ndarray) -> Expectation:
        """The inner family's nodes, moved."""
        rule = self.inner.expectation(eta[1:])
        own, _ = self._split(eta[None])
        return Expectation(self._to_outer(rule.y, own), rule.weight)

    def fisher(self, eta: np.ndarray) -> np.ndarray:
        """E[s s'] by the inner family's quadrature, (n, K, K).

        Returns
        -------
        ndarray of shape (n, K, K)
            Symmetric, positive semidefinite.

        Raises
        ------
        ValueError
            Where it is infinite, such as that of a location at which the density rises steeply.
        """
        out = np.empty((len(eta), self.n_params, self.n_params))
        for i, row in enumerate(eta):
            rule = self.expectation(row)
            with np.errstate(all="ignore"):
                score = self.score(rule.y, row[None])
                square = np.square(score).sum(axis=1)
            fine = np.isfinite(square)
            outer = np.where(fine, rule.weight * np.where(fine, square, 0.0), 0.0)
            rare = rule.weight < _RARE
            if rule.weight[~fine].sum() > ACCURACY or outer[rare].sum() > _CONVERGED * outer.sum():
                raise ValueError(
                    f"the Fisher information of {type(self).__name__} is infinite at {row}; use "
                    "metric='observed'"
                )
            out[i] = (score[fine] * rule.weight[fine, None]).T @ score[fine]
        return out

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draws of the inner family, moved."""
        own, rest = self._split(eta)
        return self._to_outer(self.inner.sample(rest, rng, size), own)

    def log_prob(self, y: Any, eta: np.ndarray) -> np.ndarray:
        """Log-density of each row, (n,) nats; -inf where it vanishes."""
        with np.errstate(all="ignore"):
            return np.broadcast_to(self._log_prob_eta(y, eta), max(n_rows(y), len(eta)))
