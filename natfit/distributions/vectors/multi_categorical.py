"""Independent categorical distributions side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import autograd.numpy as anp
import numpy as np

from natfit._validation import check_number
from natfit.bijectors import Bijector
from natfit.distributions.base import Distribution
from natfit.distributions.contract.checks import check_columns
from natfit.distributions.contract.columns import OfColumns
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import COUNTS, Support
from natfit.distributions.counts.categorical import Categorical, classes_in
from natfit.distributions.forms.exponential_family import Canonical
from natfit.rows import Block, Rows


class MultiCategorical(Canonical):
    """Independent categorical distributions of the M columns of y, class indices each.

    ``log p(y) = sum_m log probs_m[y_m]``; eta holds the log odds of the columns one after the
    other, K = sum (n_m - 1). Score, divergence and entropy are those of :class:`Categorical`,
    column by column; the Fisher information is block diagonal.

    ``scipy.stats`` has no distribution of class indices.

    Parameters
    ----------
    nvec : sequence of int, optional
        Number of classes n_m of each column, >= 2. Without it, :meth:`bind` takes each column's
        largest index + 1; before that the family has no parameters.
    """

    summary_proves_support = True

    #: Numbers of classes once bound, None before.
    nvec: Any

    def __init__(self, nvec: Sequence[int] | None = None):
        self.nvec = nvec

    @classmethod
    def examples(cls) -> list[Distribution]:
        """Return two columns of two and three classes, and a single column."""
        return [cls((2, 3)), cls((3,))]

    # ----------------------------------------------------------------- the parameter blocks

    def bind(self, rows: Rows) -> MultiCategorical:
        """Return the family with the number of classes of each column of y (n, M).

        Returns
        -------
        MultiCategorical
            With one block of parameters per column.

        Raises
        ------
        ValueError
            If y is not (n, M), M is not the length of ``nvec``, or an index is so large that it
            must be a code.
        """
        expected = None if self.nvec is None else len(self._parts)
        check_columns(rows, expected, "MultiCategorical", "nvec")
        if self.nvec is not None:
            return self
        return type(self)(tuple(classes_in(rows, "MultiCategorical")))

    @cached_property
    def _parts(self) -> list[Categorical]:
        if self.nvec is None:
            raise ValueError(
                "MultiCategorical has no parameters before its numbers of classes are known; "
                "call bind(y) with data (n, M), or pass nvec"
            )
        if not isinstance(self.nvec, Iterable):
            raise TypeError(
                f"nvec must hold the number of classes of each column, such as (2, 3), got "
                f"{self.nvec!r}"
            )
        name = "every entry of nvec"
        sizes = [n.item() if isinstance(n, np.integer) else n for n in self.nvec]
        return [Categorical(int(check_number(n, name, low=2, integer=True))) for n in sizes]

    @cached_property
    def params(self) -> dict[str, Bijector]:
        """The constraints ``probs_0``, ``probs_1``, ..., once the numbers of classes are known."""
        return {f"probs_{m}": part.params["probs"] for m, part in enumerate(self._parts)}

    @property
    def roles(self) -> dict[str, Role]:
        """Probabilities, those of each column."""
        return dict.fromkeys(self.params, Role.SHARE)

    @property
    def event_shape(self) -> tuple:
        """(M,); (None,) before M is known."""
        return (None if self.nvec is None else len(self._parts),)

    @property
    def support(self) -> Support:
        """0, 1, ..., n_m - 1 in column m; all counts before these are known."""
        if self.nvec is None:
            return COUNTS
        high = tuple(float(part.n - 1) for part in self._parts)
        return Support(low=0.0, high=high, closed=True, integer=True)

    # -------------------------------------------------------------------------- closed forms

    def _columns(self, eta: Any) -> list[tuple[Categorical, Any]]:
        """Each column's family with its share of eta."""
        return [
            (part, eta[:, block])
            for part, block in zip(self._parts, self.blocks.values(), strict=True)
        ]

    def statistics(self, y: Any) -> tuple:
        """One-hot rows (n, n_m) of each column, or their frequencies (1, n_m)."""
        if isinstance(y, tuple):
            return y
        return tuple(part.statistics(y[:, m])[0] for m, part in enumerate(self._parts))

    def _log_prob_eta(self, y: Any, eta: Any) -> Any:
        pairs = zip(self.statistics(y), self._columns(eta), strict=True)
        return _total(part._log_prob_eta((hot,), own) for hot, (part, own) in pairs)

    def log_prob_and_score(self, y: Any, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both, (n,) and (n, K), from one softmax per column."""
        pairs = zip(self.statistics(y), self._columns(eta), strict=True)
        both = [part.log_prob_and_score((hot,), own) for hot, (part, own) in pairs]
        return _total(value for value, _ in both), _beside([score for _, score in both])

    def _score(self, y: Any, eta: np.ndarray) -> np.ndarray:
        pairs = zip(self.statistics(y), self._columns(eta), strict=True)
        return _beside([part._score((hot,), own) for hot, (part, own) in pairs])

    def _fisher(self, eta: np.ndarray) -> np.ndarray:
        out = np.zeros((*eta.shape, eta.shape[1]))
        for (part, own), block in zip(self._columns(eta), self.blocks.values(), strict=True):
            out[:, block, block] = part._fisher(own)
        return out

    def _kl(self, eta: np.ndarray, eta2: np.ndarray) -> np.ndarray:
        pairs = zip(self._columns(eta), self._columns(eta2), strict=True)
        return _total(part._kl(own, other) for (part, own), (_, other) in pairs)

    def _entropy(self, eta: Any) -> Any:
        return _total(part._entropy(own) for part, own in self._columns(eta))

    def entropy_and_grad(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Entropy (n,) nats and its gradient (n, K)."""
        both = [part.entropy_and_grad(own) for part, own in self._columns(eta)]
        return _total(value for value, _ in both), _beside([grad for _, grad in both])

    def _mode(self, eta: np.ndarray) -> np.ndarray:
        return np.stack([part._mode(own) for part, own in self._columns(eta)], axis=1)

    def _arguments(self, eta: np.ndarray) -> tuple:
        """Eta itself."""
        return (eta,)

    # ------------------------------------------------------------------------ data, sampling

    def sufficient(self, rows: Rows) -> tuple:
        """Frequencies (1, n_m) of each column; NaN where a row holds no class index."""
        counts = rows.sum(self._count_part, wide=True)
        return tuple((c / c.sum())[None] for c in counts)

    def _count_part(self, block: Block) -> tuple[np.ndarray, ...]:
        """Weight of each class of each column; NaN where a row holds no class index."""
        columns = zip(self._parts, block.y.T, strict=True)
        return tuple(part.counted(column, block.weight) for part, column in columns)

    def bounded(self, summary: tuple) -> tuple[tuple, str | None]:
        """Frequencies with those of zero held at 1e-8, and which they are."""
        both = [part.bounded((own,)) for part, own in zip(self._parts, summary, strict=True)]
        notes: list[Any] = []
        for m, (_, note) in enumerate(both):
            if note is not None:
                notes += ["; column " if notes else "column ", m, f": {note}"]
        return tuple(held[0] for held, _ in both), OfColumns(*notes) or None

    def _initial(self, y: np.ndarray, weight: np.ndarray | None) -> dict[str, Any]:
        starts = [part._initial(y[:, m], weight) for m, part in enumerate(self._parts)]
        return {name: one["probs"] for name, one in zip(self.params, starts, strict=True)}

    def sample(self, eta: np.ndarray, rng: np.random.Generator, size: int | None = None) -> Any:
        """Draw classes for every row of eta, or ``size`` times for eta (1, K): (n, M) float64."""
        return self._sample(rng, len(eta) if size is None else size, eta)

    def _sample(self, rng: np.random.Generator, n: int, eta: np.ndarray) -> np.ndarray:
        return np.stack([part._sample(rng, n, own) for part, own in self._columns(eta)], axis=1)

    # ----------------------------------------------------------------------- mean parameters

    @property
    def mean_names(self) -> tuple[str, ...]:
        """Names of the probabilities of all but the last class of each column."""
        sizes = [part.n_params for part in self._parts]
        return tuple(f"E[y[{m}] = {k}]" for m, size in enumerate(sizes) for k in range(size))

    @property
    def mean_sizes(self) -> tuple[int, ...]:
        """n_m - 1 probabilities of each column."""
        return tuple(part.n_params for part in self._parts)

    def _to_mean(self, origin: tuple, *probs: Any) -> tuple:
        return tuple(p[:, :-1] for p in probs)

    def _from_mean(self, origin: tuple, *mean: Any) -> dict[str, Any]:
        pairs = zip(self.params.items(), mean, strict=True)
        return {name: simplex.unpack(anp.reshape(m, (1, -1))) for (name, simplex), m in pairs}


def _beside(parts: list[np.ndarray]) -> np.ndarray:
    """Join the columns' shares (n, K_m) to (n, K)."""
    return np.concatenate(parts, axis=1)


def _total(values: Iterable[Any]) -> Any:
    """Sum over columns."""
    return sum(values)
