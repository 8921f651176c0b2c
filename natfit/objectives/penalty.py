"""A likelihood times a prior: the maximum a posteriori estimate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.linops import LinearOperator, Sandwich
from natfit.objectives.likelihood import Likelihood

#: Step of the differences of a prior's log-density, as a share of the distance between its
#: quartiles and as a share of the distance to its ends.
_STEP = 2e-3

#: If the log-density falls by less than this from the median to an end, in nats, the density ends
#: with a jump.
_JUMP = 10.0

#: Weights of fourth-order central differences at -2, -1, 1, 2 and at -2, ..., 2.
_FIRST = np.array([1.0, -8.0, 8.0, -1.0]) / 12.0
_SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0


class Prior:
    """The prior log-density of one native number, with two derivatives by finite differences.

    Parameters
    ----------
    name : str
        The name of the parameter, for messages.
    density : object
        A frozen ``scipy.stats`` distribution, or ``(distribution, params)``: a family of natfit,
        by name or object, and its native parameters.

    Raises
    ------
    ValueError
        If the density is neither, or the family is not univariate.
    """

    def __init__(self, name: str, density: Any):
        if isinstance(density, tuple) and len(density) == 2 and isinstance(density[1], Mapping):
            self._log, self._ends = _of_family(name, *density)
        elif hasattr(density, "logpdf") and hasattr(density, "support") and _is_frozen(density):
            self._log, self._ends = density.logpdf, density.support()
        else:
            raise ValueError(
                f"prior[{name!r}] must be a frozen scipy.stats distribution or (family, params), "
                f"got {density!r}; pass a density of one number such as stats.gamma(2, scale=3)"
            )
        self.name = name
        low, self.median, high = _quartiles(density)
        self._spread = high - low

    def check_ends(self, bounds: tuple[float, float]) -> None:
        """Raise if the density ends with a jump inside the parameter's range (low, high).

        The best value could then lie at the jump, where the density has no derivative.

        Raises
        ------
        ValueError
            If it does; the message names the end and the remedy.
        """
        middle = float(self._log(np.array([self.median]))[0])
        for end, outside in zip(self._ends, bounds, strict=True):
            if not np.isfinite(end) or end == outside:
                continue
            inside = end + 1e-9 * self._spread * np.sign(self.median - end)
            if float(self._log(np.array([inside]))[0]) > middle - _JUMP:
                raise ValueError(
                    f"prior[{self.name!r}] must fall to zero where it ends inside the parameter's "
                    f"range, but it jumps at {end:g}; use bounds={{{self.name!r}: (low, high)}}, "
                    "or a density without the jump"
                )

    def terms(self, x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the sum of log p over x (m,), and its first and second derivatives (m,)."""
        with np.errstate(all="ignore"):
            room = np.minimum(x - self._ends[0], self._ends[1] - x)
            h = _STEP * np.minimum(self._spread, room)
            grid = x[:, None] + h[:, None] * np.arange(-2.0, 3.0)
            values = np.asarray(self._log(grid.reshape(-1)), dtype=np.float64).reshape(grid.shape)
            first = values[:, [0, 1, 3, 4]] @ _FIRST / h
            return float(values[:, 2].sum()), first, values @ _SECOND / h**2


def _is_frozen(density: Any) -> bool:
    """Tell whether a distribution has its arguments: those of scipy's that have not make one."""
    return not hasattr(density, "freeze")


def _of_family(name: str, family: Any, params: Mapping) -> tuple[Callable, tuple[float, float]]:
    """Return the log-density and the support of a natfit family at native parameters."""
    from natfit._component import resolve

    found = resolve(family, Distribution)
    if found.event_shape != () or found.support is None or found.support.integer:
        raise ValueError(
            f"prior[{name!r}] must be a univariate density, got {type(found).__name__}"
        )
    try:
        eta = found.eta(**params)[None]
    except (TypeError, ValueError) as error:
        raise ValueError(f"prior[{name!r}] is not valid: {error}") from None
    return lambda y: found.log_density(y, eta), (found.support.low, found.support.top)


def _quartiles(density: Any) -> tuple[float, float, float]:
    """Return the quartiles of a density, which say where it lies and how wide it is."""
    if isinstance(density, tuple):
        from natfit._component import resolve

        family = resolve(density[0], Distribution)
        rule = family.expectation(family.eta(**density[1]))
        order = np.argsort(rule.y)
        mass = np.cumsum(rule.weight[order])
        low, middle, high = (rule.y[order][np.searchsorted(mass, q)] for q in (0.25, 0.5, 0.75))
    else:
        low, middle, high = density.ppf([0.25, 0.5, 0.75])
    return float(low), float(middle), float(high)


def prior_terms(
    prior: Mapping[str, Prior], family: Distribution, eta: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the log prior at eta, its gradient and the diagonal of its negative Hessian.

    Parameters
    ----------
    prior : mapping of str to Prior
        By the names of parameters.
    family : Distribution
        The family, bound.
    eta : ndarray of shape (K,)
        Where.

    Returns
    -------
    float
        In nats.
    ndarray of shape (K,)
    ndarray of shape (K,)
    """
    value, grad, curve = 0.0, np.zeros(len(eta)), np.zeros(len(eta))
    for name, density in prior.items():
        block = family.blocks[name]
        constraint, own = family.params[name], eta[block]
        native = np.reshape(constraint.to_native(own[None])[0], -1)
        log, first, second = density.terms(native)
        slope = constraint.first(own)
        value += log
        grad[block] = first * slope
        curve[block] = -(second * slope**2 + first * constraint.second(own))
    return value, grad, curve


def ridge_matrix(ridge: np.ndarray, mix: np.ndarray | None = None) -> np.ndarray:
    """Return S (x) diag(lambda), (P, P), from lambda (P,) and S (K, K), the identity by default."""
    if mix is None:
        return np.diag(ridge)
    each = len(ridge) // len(mix)
    return np.kron(mix, np.eye(each)) * ridge


class Penalised(Likelihood):
    """f(theta) = -1/W (sum_i w_i log p(y_i | theta) + log prior(native parameters)).

    The prior is a density of the native parameters, and no Jacobian enters, so that the prior alone
    would put the estimate at its mode, in any coordinates. The whole negative Hessian of the log
    prior is added to the observed information, but only its positive part to a metric, which must
    stay positive.

    Parameters
    ----------
    prior : dict
        A :class:`Prior` for each parameter name.
    *args, **kwargs
        As for :class:`natfit.objectives.Likelihood`, with a constant model.
    """

    penalised = True

    def __init__(self, prior: dict[str, Prior], *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.prior = prior

    def prior_terms(self, eta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Return the log prior, its gradient (K,) and the diagonal (K,) of its negative Hessian."""
        return prior_terms(self.prior, self.distribution, eta)

    def log_likelihood(self, theta: np.ndarray, value: float) -> float:
        """Return the log-likelihood of all rows at theta, nats, without the log prior."""
        eta = self.model.eta(theta, None)[0]
        return super().log_likelihood(theta, value) - self.prior_terms(eta)[0]

    def feasible(self, eta: np.ndarray) -> np.ndarray:
        """Return eta (K,), where parameters that their prior excludes are moved to its median."""
        out = np.array(eta, dtype=np.float64)
        for name, prior in self.prior.items():
            block, constraint = self.distribution.blocks[name], self.distribution.params[name]
            native = np.reshape(constraint.to_native(out[None, block])[0], -1)
            if not np.isfinite(prior.terms(native)[0]):
                middle = np.full(constraint.shape, prior.median)
                if constraint.valid(middle):
                    out[block] = constraint.to_eta(middle[None])[0]
        return out

    def _sums(self, eta: np.ndarray, second: bool) -> tuple[float, np.ndarray]:
        value, score = super()._sums(eta, second)
        log, grad, _ = self.prior_terms(eta[0])
        return value + log, score + grad

    def observed(self, eta: np.ndarray) -> np.ndarray:
        """Return the negative Hessian in eta of the mean log-posterior, (K, K)."""
        return super().observed(eta) + np.diag(self.prior_terms(eta[0])[2]) / self.total

    def expected(self, eta: np.ndarray) -> np.ndarray:
        """Return the expected information per row plus that of the prior, (K, K)."""
        return super().expected(eta) + self.prior_information(eta)

    def prior_information(self, eta: np.ndarray) -> np.ndarray:
        """Return the positive part of the prior's negative Hessian per row in eta, (K, K)."""
        return np.diag(np.maximum(self.prior_terms(eta[0])[2], 0.0)) / self.total

    def sandwich(
        self, theta: np.ndarray, rule: Callable, columns: int | None = None
    ) -> LinearOperator:
        """Return the matrix of the likelihood plus the positive part of the prior's, of size P."""
        return self._joined(super().sandwich(theta, rule, columns), theta)

    def scores(self, theta: np.ndarray) -> LinearOperator:
        """Return the matrix of the likelihood plus the positive part of the prior's, of size P."""
        return self._joined(super().scores(theta), theta)

    def _joined(self, operator: Any, theta: np.ndarray) -> Sandwich:
        lin = self.model.linearize(theta, None)
        extra = (lin, self.prior_information(lin.eta)[None], None)
        out = Sandwich([*operator.terms, extra], self.n_params)
        out.standard_error = operator.standard_error
        return out
