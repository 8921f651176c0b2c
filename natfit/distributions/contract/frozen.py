"""A distribution at given parameters, with the names and shapes of ``scipy.stats``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Literal

import numpy as np

from natfit._stored import encode, heading
from natfit._validation import check_number
from natfit.distributions.contract.cumulative import with_tails
from natfit.distributions.contract.moments import entropy_of, mode_of
from natfit.distributions.contract.quantiles import quantile
from natfit.rng import bridge_rng


class Frozen:
    """A family at eta: what ``scipy.stats`` calls a frozen distribution.

    One distribution takes points of any shape and returns values of this shape. Several, one of
    each of D columns of data, take a number or a vector of points for all columns, or points whose
    last axis is D; their values have a last axis of D: ``ppf([0.1, 0.9])`` is (2, D). Those of
    each of N rows of data, also of a single one, broadcast with points of shape (..., N), as
    scipy's do.

    For whole numbers the density is a probability. Families of vectors have ``pdf``, ``logpdf``,
    ``mean``, ``cov``, ``entropy``, ``mode`` and ``rvs`` where they exist, and no tails or
    quantiles.

    A family without a distribution function, such as one made by
    :func:`natfit.distributions.from_log_prob`, gets it by quadrature. Quantiles are found to the
    last digits that the distribution function has.

    Parameters
    ----------
    family : Distribution
        The family.
    eta : ndarray of shape (1, K), (D, K) or (N, K)
        Its unconstrained parameters.
    by : {"column", "row"}, default="column"
        What several rows of eta are: one of each column of data, or one of each row.

    Examples
    --------
    >>> import natfit
    >>> frozen = natfit.fit("exponential", [1.0, 2.0, 3.0]).frozen_
    >>> round(float(frozen.ppf(0.5)), 6), round(float(frozen.mean()), 6)
    (1.386294, 2.0)
    """

    def __init__(self, family: Any, eta: Any, by: Literal["column", "row"] = "column"):
        self.family = family
        self.eta = eta
        self.by = by

    def __repr__(self) -> str:
        """Show the family and its native parameters."""
        with np.printoptions(precision=6, threshold=8):
            shown = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"Frozen({self.family!r}, {shown})"

    @property
    def params(self) -> dict[str, Any]:
        """Native parameters by name: values of one distribution, else with a leading axis."""
        values, one = self.family.native(self.eta), self._single
        return {
            name: v[0] if one else v for name, v in zip(self.family.params, values, strict=True)
        }

    def __getitem__(self, name: Any) -> Any:
        """Refuse, and say where the parameters are."""
        raise TypeError(
            f"a frozen distribution has no items, got [{name!r}]; its parameters are in params, "
            "such as d.params['scale']"
        )

    # ---------------------------------------------------------------------------- density

    def logpdf(self, x: Any) -> Any:
        """Return the log-density at x in nats, -inf outside the support."""
        if self.family.event_shape != ():
            return self._of_vectors(x)
        return self._of_points(x, lambda y, eta, j: self._log_density(y, eta))

    def pdf(self, x: Any) -> Any:
        """Return the density at x in 1 / (unit of x), or the probability of a whole number."""
        return np.exp(self.logpdf(x))

    #: The names that scipy has for whole numbers.
    logpmf, pmf = logpdf, pdf

    # ------------------------------------------------------------------------------ tails

    def logcdf(self, x: Any) -> Any:
        """Return log P(Y <= x), nats."""
        self._need_univariate("distribution function")
        return self._of_points(x, lambda y, eta, j: self._tails(j).log_cdf(y, eta))

    def cdf(self, x: Any) -> Any:
        """Return P(Y <= x)."""
        return np.exp(self.logcdf(x))

    def logsf(self, x: Any) -> Any:
        """Return log P(Y > x), nats."""
        self._need_univariate("survival function")
        return self._of_points(x, lambda y, eta, j: self._tails(j).log_sf(y, eta))

    def sf(self, x: Any) -> Any:
        """Return P(Y > x)."""
        return np.exp(self.logsf(x))

    # -------------------------------------------------------------------------- quantiles

    def ppf(self, q: Any) -> Any:
        """Return the smallest x with P(Y <= x) >= q, in the unit of x.

        Of whole numbers ``ppf(0)`` is one below the smallest, as in scipy.

        Returns
        -------
        float or ndarray
            Of the shape of q; ValueError for a q outside [0, 1].
        """
        return self._quantile(q, upper=False)

    def isf(self, q: Any) -> Any:
        """Return the smallest x with P(Y > x) <= q, in the unit of x; ValueError as ppf."""
        return self._quantile(q, upper=True)

    def median(self) -> Any:
        """Return the median, in the unit of x."""
        return self.ppf(0.5)

    def interval(self, confidence: float) -> tuple[Any, Any]:
        """Return the ends (low, high) between which Y lies with probability ``confidence``.

        Both tails beyond them have the same probability, as in scipy.

        Returns
        -------
        low, high : float or ndarray
            In the unit of x; ValueError for a confidence outside [0, 1].
        """
        share = check_number(confidence, "confidence", low=0.0, high=1.0, closed_high=True)
        return self.ppf(0.5 - 0.5 * share), self.isf(0.5 - 0.5 * share)

    def support(self) -> tuple[Any, Any]:
        """Return the ends (low, high) of the interval in which the density is positive."""
        self._need_univariate("support")
        low, high = self.family.support_at(self._eta)
        return (low[0], high[0]) if self._single else (low, high)

    # ---------------------------------------------------------------------------- moments

    def mean(self) -> Any:
        """Return the mean, in the unit of x; inf where it is, ValueError if none exists."""
        return self._moments()[0]

    def var(self) -> Any:
        """Return the variance, in the square of the unit of x; inf where it is infinite."""
        return self._moments()[1]

    def std(self) -> Any:
        """Return the standard deviation, in the unit of x; inf where it is infinite."""
        return np.sqrt(self.var())

    def cov(self) -> np.ndarray:
        """Return the covariance matrix (D, D) of a family of vectors; ValueError without one."""
        return np.asarray(self._of_scipy("cov"))

    def entropy(self) -> Any:
        """Return the entropy E[-log p], nats."""
        if self.family.event_shape != () and not self.family.has_entropy:
            found = self._of_scipy("entropy")
            return found if self.by == "row" else float(found)
        if self._many and self.family.has_entropy:
            return self.family.entropy(self._eta)
        return self._of_each(lambda eta: entropy_of(self.family, eta))

    def mode(self) -> Any:
        """Return the most probable value, the lowest of several, in the unit of x."""
        if self.family.event_shape != ():
            return self.family.mode(self._eta)[0]
        if self._many and self.family.has_mode and not self.family.atoms:
            return np.reshape(self.family.mode(self._eta), -1)
        return self._of_each(lambda eta: mode_of(self.family, eta))

    # ------------------------------------------------------------------------------ draws

    def rvs(self, size: Any = None, random_state: Any = None) -> Any:
        """Return random draws.

        Parameters
        ----------
        size : int or tuple of int, optional
            Shape of the draws of each distribution; None is a single one, a number. Several
            distributions, and vectors, add their axis at the end.
        random_state : None, int, RandomState or Generator
            The seed, or the generator that draws.

        Returns
        -------
        float or ndarray
            In the unit of x, in float64 also for whole numbers.
        """
        rng = bridge_rng(random_state)
        shape = () if size is None else (size,) if np.ndim(size) == 0 else tuple(size)
        n = int(np.prod(shape, dtype=int))
        if self.by == "row" and self.family.event_shape == ():
            return self._of_points(np.zeros((*shape, 1)), lambda y, eta, j: self._of_rows(eta, rng))
        draws = [self._drawn(eta[None], j, rng, n) for j, eta in enumerate(self._eta)]
        event = draws[0].shape[1:]
        out = [_shaped(d, (*shape, *event)) for d in draws]
        return out[0] if len(out) == 1 else np.stack(out, axis=-1)

    def _of_rows(self, eta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return one draw of each row of eta (m, K)."""
        if self.family.can_sample:
            return np.asarray(self.family.sample(eta, rng))
        return self._found(rng.uniform(size=len(eta)), eta, -1, False)

    def _drawn(self, eta: np.ndarray, j: int, rng: np.random.Generator, n: int) -> np.ndarray:
        """Return n draws of one distribution: the family's, or quantiles of uniform numbers."""
        if self.family.event_shape != () or self.family.can_sample:
            try:
                return np.asarray(self.family.sample(eta, rng, n))
            except ValueError:
                if self.family.event_shape != ():
                    raise
        return self._found(rng.uniform(size=n), eta, j, False)

    # ---------------------------------------------------------------------- other objects

    def to_scipy(self) -> Any:
        """Return the distribution of ``scipy.stats`` with the same density.

        Returns
        -------
        scipy.stats.rv_frozen

        Raises
        ------
        ValueError
            If scipy has none.
        """
        return self.family.to_scipy(self.params)

    def to_json(self) -> str:
        """Return the distribution as JSON, which :func:`natfit.from_json` reads bit for bit.

        Returns
        -------
        str

        Raises
        ------
        ValueError
            If the family is no registered one, such as a user-supplied density.
        """
        stored = {
            **heading("Frozen"),
            "family": encode(self.family, "family"),
            "eta": encode(self._eta, "eta"),
            "by": self.by,
        }
        return json.dumps(stored, allow_nan=False)

    # -------------------------------------------------------------------------- in common

    @property
    def _eta(self) -> np.ndarray:
        """Eta as plain numbers."""
        return np.asarray(self.eta, dtype=np.float64)

    @property
    def _single(self) -> bool:
        """Whether it is one distribution, whose values are numbers; one of one row is not."""
        return len(self.eta) == 1 and self.by != "row"

    @property
    def _many(self) -> bool:
        """Whether there is one distribution of numbers for each row."""
        return self.by == "row" and self.family.event_shape == ()

    @cached_property
    def _known(self) -> dict[int, Any]:
        """What has the tails of each distribution, by its number."""
        return {}

    def _tails(self, j: int) -> Any:
        """Return what has the tails of distribution j: the family, or sums of its density."""
        if self.family.has_cdf:
            return self.family
        if j < 0:
            raise ValueError(
                f"{type(self.family).__name__} has no distribution function of rows with their own "
                "parameters; define _log_cdf and _log_sf"
            )
        if j not in self._known:
            self._known[j] = with_tails(self.family, self._eta[j : j + 1])
        return self._known[j]

    def _log_density(self, y: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Return the log-density, -inf where a support that moves with the parameters ends."""
        log = self.family.log_density(y, eta)
        return np.where(np.isnan(log), -np.inf, log)

    def _quantile(self, q: Any, upper: bool) -> Any:
        self._need_univariate("quantiles")
        p = np.asarray(q, dtype=np.float64)
        bad = ~((p >= 0.0) & (p <= 1.0))
        if bad.any():
            raise ValueError(
                f"q must be probabilities in [0, 1], got {p[bad].ravel()[0]:g}; write 0.05 for 5 %"
            )
        return self._of_points(p, lambda y, eta, j: self._found(y, eta, j, upper))

    def _found(self, p: np.ndarray, eta: np.ndarray, j: int, upper: bool) -> np.ndarray:
        """Return quantiles of one distribution, or of one for each p."""
        whole = self.family.known_support.integer
        rows = len(eta) > 1 or self.by == "row"
        # scipy's own formulas for whole numbers cost more than the search for a few of them.
        formula = self.family.quantile_formula(eta) if rows or not whole else None
        return quantile(self._tails(j), eta, p, whole, upper, formula)

    def _need_univariate(self, what: str) -> None:
        if self.family.event_shape != ():
            raise ValueError(
                f"{type(self.family).__name__} is a distribution of vectors, which has no {what}; "
                "it has pdf, logpdf, mean, cov, entropy, mode and rvs where they exist"
            )
        if self.family.support is None:
            raise ValueError(
                f"{type(self.family).__name__} does not say where y may lie, which its {what} "
                "needs; pass support=... to from_log_prob"
            )

    def _moments(self) -> tuple[Any, Any]:
        if self.family.event_shape != () and not self.family.one_mean:
            cov = np.atleast_2d(self._of_scipy("cov"))
            return self._of_scipy("mean"), np.diagonal(cov, axis1=-2, axis2=-1)
        if not self.family.one_mean:
            self._need_univariate("moments")
        mean, var = self.family.moments(self._eta)
        return (mean[0], var[0]) if self._single else (mean, var)

    def _of_scipy(self, name: str) -> Any:
        """Return what scipy's distribution of vectors has by this name, of each row of several."""
        if self.family.event_shape == ():
            raise ValueError(f"{name} is for distributions of vectors; ask for var()")
        rows = self.by == "row"
        found = [self._of_one(name, eta) for eta in (self._eta if rows else self._eta[:1])]
        return np.stack(found) if rows else found[0]

    def _of_one(self, name: str, eta: np.ndarray) -> Any:
        found = getattr(self.family.counterpart(eta), name, None)
        if found is None:
            raise ValueError(f"{type(self.family).__name__} has no {name} in closed form")
        return found() if callable(found) else found

    def _of_vectors(self, x: Any) -> Any:
        """Return the log-density at vectors (..., *event_shape)."""
        x = _numbers(x)
        shape = self.family.event_shape
        if x.shape[x.ndim - len(shape) :] != shape:
            raise ValueError(f"x must have a last axis of {shape[0]}, got shape {x.shape}")
        lead = x.shape[: x.ndim - len(shape)]
        return _shaped(self._log_density(x.reshape(-1, *shape), self._eta), lead)

    def _of_points(self, x: Any, function: Callable) -> Any:
        """Return values of ``function(points (n,), eta, number)`` at points of any shape."""
        x, eta = _numbers(x), self._eta
        if self._single:
            return _shaped(function(x.ravel(), eta, 0), x.shape)
        if self.by == "row":
            shape = np.broadcast_shapes(x.shape, (len(eta),))
            many = np.broadcast_to(eta, (*shape, eta.shape[1])).reshape(-1, eta.shape[1])
            return _shaped(function(np.broadcast_to(x, shape).ravel(), many, -1), shape)
        x = x[..., None] if x.ndim < 2 else x
        if x.shape[-1] not in (1, len(eta)):
            raise ValueError(
                f"x must have a last axis of {len(eta)}, one for each column of the fit, got shape "
                f"{x.shape}; a vector of points stands for all columns"
            )
        x = np.broadcast_to(x, (*x.shape[:-1], len(eta)))
        parts = [function(x[..., j].ravel(), e[None], j) for j, e in enumerate(eta)]
        return np.stack([_shaped(v, x.shape[:-1]) for v in parts], axis=-1)

    def _of_each(self, function: Callable) -> Any:
        """Return ``function(eta (K,))``: a number of one distribution, else one of each."""
        if self.family.event_shape == ():
            self._need_univariate("entropy and mode")
        values = np.array([function(e) for e in self._eta])
        return values[0] if self._single else values


def _shaped(values: Any, shape: tuple) -> Any:
    """Return values in a shape; a number of one point."""
    values = np.reshape(values, shape)
    return values[()] if shape == () else values


def _numbers(x: Any) -> np.ndarray:
    """Return points as an array; an error names what is no number."""
    if isinstance(x, Mapping | str):
        raise TypeError(f"x must be numbers, got {type(x).__name__}")
    x = np.asarray(x, dtype=np.float64)
    if np.isnan(x).any():
        raise ValueError("x must be numbers, got NaN; remove or impute missing values")
    return x
