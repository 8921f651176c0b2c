"""The categorical distribution: one of K classes."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np
from scipy.special import expit

from natfit._validation import check_number
from natfit.bijectors import Bijector, Simplex
from natfit.distributions.base import Distribution
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import COUNTS, Support
from natfit.distributions.forms.exponential_family import Canonical
from natfit.linops.row_curvature import DiagonalMinusOuter, RowCurvature
from natfit.rows import Block, Extent, Rows

#: Number of classes above which indices are taken for codes: F would have 1e8 entries.
_MOST = 10_000

#: Frequency at which a class that never occurs is held: F stays inside double precision.
_FLOOR = 1e-8

#: Difference of two logarithms up to which the divergence uses the form that does not cancel.
_NEAR = 0.5


class Categorical(Canonical):
    """The categorical distribution of a class index y = 0, 1, ..., n - 1.

    ``log p(y) = log probs[y]``; eta holds the K = n - 1 log odds against the last class,
    probs = softmax(eta_1, ..., eta_K, 0). With p the probabilities of the first K classes the
    score is onehot(y) - p, the observed and the Fisher information are diag(p) - p p', and the
    entropy is -sum probs log probs. For a class that never occurs the maximum is at probability
    zero: a fit of a constant model holds it at 1e-8 and ends at the boundary.

    Matches ``scipy.stats.rv_discrete(values=(range(n), probs))``.

    Parameters
    ----------
    n : int, optional
        Number of classes, >= 2. Without it, :meth:`bind` takes the largest index + 1; before
        that the family has no parameters.
    """

    roles = {"probs": Role.SHARE}
    summary_proves_support = True
    concave = True

    #: An integer once bound, None before.
    n: Any

    def __init__(self, n: int | None = None):
        self.n = n

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return two and four classes."""
        return [cls(2), cls(4)]

    # ------------------------------------------------------------------ the parameter block

    def bind(self, rows: Rows) -> Categorical:
        """Return the family with n classes, the largest index in y + 1 (2 at least).

        Returns
        -------
        Categorical
            With K = n - 1.

        Raises
        ------
        ValueError
            If n is no whole number >= 2, or an index is so large that it must be a code.
        """
        if self.n is not None:
            check_number(self.n, "n", low=2, integer=True)
            return self
        return type(self)(max(classes_in(rows, type(self).__name__)))

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraint, once n is known."""
        if self.n is None:
            raise ValueError(
                "Categorical has no parameters before its number of classes is known; call "
                "bind(y) with class indices, or pass n"
            )
        return {"probs": Simplex(check_number(self.n, "n", low=2, integer=True))}

    @property
    def support(self) -> Support:
        """0, 1, ..., n - 1; all counts before n is known."""
        if self.n is None:
            return COUNTS
        return Support(low=0.0, high=float(self.n - 1), closed=True, integer=True)

    # -------------------------------------------------------------------------- closed forms

    @cached_property
    def _classes(self) -> np.ndarray:
        return np.arange(float(self.n))[:, None]

    @cached_property
    def _others(self) -> np.ndarray:
        """Sums over all classes but one."""
        return (1.0 - np.eye(self.n))[:-1]

    def statistics(self, y: Any) -> tuple:
        """One-hot rows (n, classes), or the summary: frequencies (1, classes)."""
        return y if isinstance(y, tuple) else ((y == self._classes).T,)

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        return anp.sum(self.statistics(y)[0].T * log_softmax(eta), axis=0)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K), from one softmax."""
        chosen, n = self.statistics(y)[0].T, len(eta)
        logits = np.zeros((eta.shape[1] + 1, n))
        logits[:-1] = eta.T
        logits -= np.maximum.reduce(logits, axis=0)
        value = np.add.reduce(chosen * logits, axis=0)
        probs = np.exp(logits, out=logits)
        total = np.add.reduce(probs, axis=0)
        value -= np.log(total)
        probs /= total
        # Rows may share one eta.
        return value, np.subtract(chosen, probs, out=probs if n == len(value) else None)[:-1].T

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        return (self.statistics(y)[0].T[:-1] - np.exp(log_softmax(eta)[:-1])).T

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        probs = _odds(eta)
        probs /= np.add.reduce(probs, axis=0)
        p = probs[:-1]
        out = p[:, None] * -p
        # 1 - p is computed as the sum of the others, which keeps its digits where p rounds to 1.
        out.reshape(p.shape[0] ** 2, -1)[:: p.shape[0] + 1] = p * (self._others @ probs)
        return np.ascontiguousarray(out.transpose(2, 0, 1))

    def curvature(self, eta: np.ndarray) -> RowCurvature:
        """diag(p) - p p' of each row, without its K^2 entries."""
        return DiagonalMinusOuter(np.exp(log_softmax(eta)[:-1]).T)

    def observed_curvature(self, y: Any, eta: np.ndarray) -> RowCurvature:
        """The same: log p is linear in what depends on y."""
        return self.curvature(eta)

    @property
    def contrast(self) -> np.ndarray | None:
        """I - 1 1' / n: a ridge penalty on the logits of all n classes, centred."""
        return np.eye(self.n - 1) - 1.0 / self.n

    def _kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        log_p, log_q = log_softmax(eta), log_softmax(eta2)
        p, gap = np.exp(log_p), log_p - log_q
        # sum p gap plus sum (q - p), which is zero: no term is negative, and so none cancels.
        near = np.abs(gap) < _NEAR
        small = np.where(near, gap, 0.0)
        return np.sum(
            p * (gap - small) + np.where(near, p * (small + np.expm1(-small)), np.exp(log_q) - p),
            axis=0,
        )

    def _entropy(self, eta: Any) -> Any:
        logs = log_softmax(eta)
        return -anp.sum(anp.exp(logs) * logs, axis=0)

    def entropy_and_grad(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entropy (n,) nats and gradient -p (log p + entropy), (n, K)."""
        logs = log_softmax(eta)
        weighted = np.exp(logs)
        p = weighted[:-1].copy()
        weighted *= logs
        entropy = -np.add.reduce(weighted, axis=0)
        return entropy, (-p * (logs[:-1] + entropy)).T

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        best = np.argmax(eta, axis=1).astype(np.float64)
        best[np.maximum.reduce(eta, axis=1) < 0.0] = eta.shape[1]
        return best

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself: log odds stay exact where a probability rounds to zero or one."""
        return (eta,)

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple:
        """Frequencies (1, classes); NaN where a row is no class index."""
        counts = rows.sum(self._count_part, wide=True)
        return ((counts / counts.sum())[None],)

    def _count_part(self, block: Block) -> np.ndarray:
        """Weight of each class; NaN where a row is no class index."""
        return self.counted(block.y, block.weight)

    def counted(self, y: np.ndarray, weight: np.ndarray | None) -> np.ndarray:
        """Weight of each class (classes,) among y (n,); NaN where one is no class index."""
        if not self.support.contains(y).all():
            return np.full(self.n, np.nan)
        return np.bincount(y.astype(np.intp), weight, self.n)

    def bounded(self, summary: tuple) -> tuple[tuple, str | None]:
        """Frequencies with those of zero held at 1e-8, and a note that names their classes."""
        frequency = summary[0]
        missing = np.flatnonzero(frequency[0] == 0.0)
        if not len(missing):
            return summary, None
        held = np.maximum(frequency, _FLOOR)
        note = (
            f"class(es) {missing.tolist()} never occur: their probability is held at {_FLOOR:g}; "
            "more rows or fewer classes determine it (classes are numbered from 0)"
        )
        return (held / held.sum(),), note

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        # Laplace's rule: one more row of each class.
        count = np.bincount(np.asarray(y).astype(np.intp), weight, self.n) + 1.0
        return {"probs": count / count.sum()}

    def refine_start(self, rows: Rows, eta: np.ndarray) -> np.ndarray:
        """Log odds of the frequencies of all rows, one more of each class, if x drives them."""
        if not rows.n_features:
            # A summary leads to them at once.
            return eta
        count = rows.sum(self._count_part, wide=True) + 1.0
        return np.log(count[:-1] / count[-1])

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw one class per row of eta, or ``size`` classes for eta (1, K): (n,) float64.

        One uniform number per row is compared with the cumulative probabilities.

        Returns
        -------
        ndarray of shape (n,)
            Class indices.
        """
        return self._sample(rng, len(eta) if size is None else size, eta)

    def _sample(self, rng: np.random.Generator, n: int, eta: np.ndarray) -> np.ndarray:
        if self.n == 2:
            return (rng.random(n) >= expit(eta[:, 0])).astype(np.float64)
        ends = np.add.accumulate(_odds(eta), axis=0)
        return np.add.reduce(rng.random(n) * ends[-1] >= ends[:-1], axis=0, dtype=np.float64)

    def _moments(self, probs: Any) -> tuple[Any, Any]:
        values = np.arange(probs.shape[1], dtype=np.float64)
        mean = probs @ values
        return mean, (probs * np.square(values - mean[:, None])).sum(axis=1)

    def _to_scipy(self, probs: Any) -> Any:
        from scipy.stats import rv_discrete

        return rv_discrete(values=(np.arange(self.n), probs))

    # ----------------------------------------------------------------------- mean parameters

    @property
    def mean_names(self) -> tuple[str, ...]:
        """Names of the probabilities of the first K classes."""
        return tuple(f"E[y = {k}]" for k in range(self.n_params))

    @property
    def mean_sizes(self) -> tuple[int, ...]:
        """Sizes of the blocks of means: K probabilities."""
        return (self.n_params,)

    def _to_mean(self, origin: tuple, probs: Any) -> tuple:
        return (probs[:, :-1],)

    def _from_mean(self, origin: tuple, first: Any) -> dict[str, Any]:
        return {"probs": self.params["probs"].unpack(anp.reshape(first, (1, -1)))}


def log_softmax(eta: Any) -> Any:
    """Log-probabilities (classes, n) of log odds (n, K), the last class's being zero.

    Classes are the first axis: sums over them then add whole rows of memory.

    Returns
    -------
    ndarray of shape (classes, n)
        In nats.
    """
    n = eta.shape[0]
    flat = anp.concatenate([anp.ravel(anp.transpose(eta)), np.zeros(n)])
    logits = anp.reshape(flat, (-1, n))
    logits = logits - anp.max(logits, axis=0)
    return logits - anp.log(anp.sum(anp.exp(logits), axis=0))


def _odds(eta: np.ndarray) -> np.ndarray:
    """Probabilities (classes, n) divided by the largest; in plain numpy, for speed."""
    out = np.zeros((eta.shape[1] + 1, len(eta)))
    out[:-1] = eta.T
    out -= np.maximum.reduce(out, axis=0)
    return np.exp(out, out=out)


def classes_in(rows: Rows, family: str) -> list[int]:
    """Number of classes of each column of y: its largest index + 1, at least 2.

    Rows that are not a class index are refused later.

    Parameters
    ----------
    rows : Rows
        Indices of classes, (n,) or (n, D).
    family : str
        What a message calls it.

    Returns
    -------
    list of int
        One number for y (n,), else one per column.

    Raises
    ------
    ValueError
        If an index is so large that it must be a code.
    """
    found = [max(int(most) + 1, 2) for most in np.atleast_1d(rows.sum(_largest_part).high)]
    for n in found:
        if n > _MOST:
            raise ValueError(
                f"y must hold class indices 0, 1, 2, ... for {family}, got {n - 1}, which would be "
                f"the index of the last of {n} classes; number the classes without gaps, as "
                "scikit-learn's LabelEncoder does"
            )
    return found


def _largest_part(block: Block) -> Extent:
    """Largest finite y of each column, at least 0."""
    finite = np.where(np.isfinite(block.y), block.y, 0.0)
    return Extent(0.0, finite.max(axis=0, initial=0.0))
