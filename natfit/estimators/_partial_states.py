"""What a density that goes on knows of its rows: summaries, or a quadratic and first rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from natfit.distributions.base import Distribution
from natfit.distributions.contract.united import united
from natfit.estimators._merging import refuse_different
from natfit.fitting.data import check, summarise
from natfit.fitting.drift import Test, score_test
from natfit.fitting.past import Past, Summary, left_of
from natfit.fitting.penalties import Penalty
from natfit.fitting.running import Moved, absorbed
from natfit.models import Constant
from natfit.objectives import Likelihood
from natfit.rows import Memory, rows_of

#: Numbers of summaries that wait to be joined and tested, above which this is done.
_WAITING = 1 << 16

#: Rows that are kept of those for a start, where all are alike.
_ALIKE = 100

#: Rows a parameter from which the error of an estimate is told by its information, for tests.
_TOLD = 20.0

#: Rows, and rows a parameter, up to which all rows are fitted together where there is no summary.
FIRST, A_PARAMETER = 1_000, 100


@dataclass(frozen=True)
class Batch:
    """The rows of a batch that count: each column (n,) or all of them (n, D), and their weights.

    ``left`` is what is left of a row where rows are partly forgotten, as that of a ``Past``.
    """

    columns: list[np.ndarray]
    weight: np.ndarray | None
    left: float = 1.0

    @property
    def n(self) -> int:
        """The number n of rows in this batch."""
        return len(self.columns[0])

    @property
    def total(self) -> float:
        """The sum of the weights of these rows."""
        return float(self.n) if self.weight is None else float(self.weight.sum())

    def copy(self) -> Batch:
        """Return the rows in arrays of their own."""
        weight = None if self.weight is None else self.weight.copy()
        return replace(self, columns=[column.copy() for column in self.columns], weight=weight)

    def then(self, other: Batch | None) -> Batch:
        """Return these rows and others after them."""
        if other is None:
            return self
        columns = [np.concatenate(p) for p in zip(self.columns, other.columns, strict=True)]
        left = left_of(self, other)
        if self.weight is None and other.weight is None:
            return Batch(columns, None, left)
        weights = [np.ones(b.n) if b.weight is None else b.weight for b in (self, other)]
        return Batch(columns, np.concatenate(weights), left)

    def varied(self) -> Batch:
        """Return the rows, or few of them where all are alike and tell no start."""
        if self.n <= _ALIKE or not all(np.all(c == c[:1]) for c in self.columns):
            return self
        weight = None if self.weight is None else self.weight[:_ALIKE]
        return replace(self, columns=[c[:_ALIKE] for c in self.columns], weight=weight)

    def forgotten(self, share: float) -> Batch:
        """Return the rows with a share of their weights."""
        if share == 1.0:
            return self
        weight = np.ones(self.n) if self.weight is None else self.weight
        return Batch(self.columns, share * weight, share * self.left)


def joined(parts: Sequence[Summary], family: Distribution) -> Summary:
    """Return the summary of all rows of several parts, in pairs of neighbours."""
    found = list(parts)
    while len(found) > 1:
        pairs = [a.joined(family, b) for a, b in zip(found[::2], found[1::2], strict=False)]
        found = pairs + found[len(pairs) * 2 :]
    return found[0]


@dataclass(frozen=True)
class Running:
    """What is known of the rows so far; a batch makes a new one.

    Attributes
    ----------
    family : Distribution
        What is published as ``distribution_``.
    fitted : tuple of Distribution
        The family that is fitted to each column, bound.
    seen_as : type or None
        The wrapper through which rows that are not complete are seen.
    batches : int
        Number of batches, those of a fit before them included.
    tests : tuple of (int, float, Test)
        The tests of batches so far.
    etas : tuple of ndarray of shape (K,), or None
        The estimates of the columns when they were last asked for.
    """

    family: Distribution
    fitted: tuple[Distribution, ...]
    seen_as: Any
    batches: int = 0
    tests: tuple[tuple[int, float, Test], ...] = ()
    etas: tuple[np.ndarray, ...] | None = None

    #: Whether the estimate of the rows so far is still to be computed.
    waits = False

    #: The sum of the weights of the rows so far.
    total = 0.0

    def tested(self) -> Running:
        """Return the same with the tests of all batches so far."""
        return self

    def with_families(
        self, family: Distribution, fitted: Sequence[Distribution], more: float
    ) -> Any:
        """Return the same with families that represent rows of the weight ``more``, too."""
        mine, theirs = (self.family, *self.fitted), (family, *fitted)
        both = [united(a, self.total, b, more) for a, b in zip(mine, theirs, strict=True)]
        if None in both:
            refuse_different("families", self.fitted, tuple(fitted))
        return replace(self, family=both[0], fitted=tuple(both[1:]))


def added(tests: Sequence[Test]) -> Test:
    """Return the test of several columns together."""
    # Columns have the same weights.
    statistic, left = float(sum(t.statistic for t in tests)), tests[0].left
    return Test(statistic, sum(t.df for t in tests), left)


@dataclass(frozen=True)
class OfSummaries(Running):
    """Summaries of each column: exact, whatever the batches and their order.

    Attributes
    ----------
    known : tuple of Summary, or None
        Of all rows before those that are pending.
    pending : tuple of (float, tuple of Summary)
        Later batches, each with the share that it leaves of what was before.
    before : tuple of Summary, or None
        Of the rows before those that are not yet tested.
    untested : tuple of (int, float, float, tuple of Summary)
        Number, rows and share of batches that are not yet tested, and their summaries.
    points : tuple of ndarray of shape (K,), or None
        The estimates from ``before``.
    first : Batch or None
        Rows, as long as no estimate has been found.
    apart : Batch or None
        Rows of batches that have no summary of their own, such as zeros alone; they are part of
        the next batch.
    """

    known: tuple[Summary, ...] | None = None
    pending: tuple[tuple[float, tuple[Summary, ...]], ...] = ()
    before: tuple[Summary, ...] | None = None
    untested: tuple[tuple[int, float, float, tuple[Summary, ...]], ...] = ()
    points: tuple[np.ndarray, ...] | None = None
    first: Batch | None = None
    apart: Batch | None = None
    waits: bool = False

    @property
    def total(self) -> float:  # type: ignore[override]
        """The sum of the weights of the rows so far, before anything is forgotten."""
        before = 0.0 if self.known is None else self.known[0].total
        return before + sum(own[0].total for _, own in self.pending)

    def batch(self, batch: Batch, share: float, n_jobs: int | None) -> OfSummaries:
        """Return what is known with the rows of a batch, of which each is checked."""
        if self.apart is not None and share < 1.0:
            self = replace(self, apart=self.apart.forgotten(share))
        whole = batch.then(self.apart)
        found = summaries(self.fitted, whole, n_jobs)
        if found is None:
            return replace(self.forgotten(share), apart=whole.copy())
        number = self.batches + 1
        first = self.first
        if self.etas is None and (first is None or first.n < FIRST):
            # What the caller holds may change.
            first = whole.varied().copy() if first is None else first.then(whole).varied()
        out = replace(
            self,
            batches=number,
            pending=(*self.pending, (share, found)),
            untested=(*self.untested, (number, float(whole.n), share, found)),
            first=first,
            apart=None,
            waits=True,
        )
        size = max(s.size for s in found) * len(found)
        return out if size * len(out.pending) < _WAITING else out.tested().together()

    def forgotten(self, share: float) -> OfSummaries:
        """Return the same with this share of its weight left."""
        if share == 1.0 or self.known is None and not self.pending:
            return self
        found = self.tested().together()
        known = tuple(own.forgotten(share) for own in found.known or ())
        return replace(found, known=known, before=known)

    def together(self) -> OfSummaries:
        """Return the same with no batch pending."""
        if not self.pending:
            return self
        shares = np.array([share for share, _ in self.pending])
        # What later batches leave of each.
        left = np.append(np.cumprod(shares[::-1])[::-1], 1.0)
        parts = [own for _, own in self.pending]
        parts = [self.known, *parts] if self.known is not None else parts
        left = left[len(left) - len(parts) :]
        columns = []
        for j, family in enumerate(self.fitted):
            own = [p[j].forgotten(float(scale)) for p, scale in zip(parts, left, strict=True)]
            columns.append(joined(own, family))
        return replace(self, known=tuple(columns), pending=())

    def merged(self, other: OfSummaries) -> OfSummaries:
        """Return what is known of these rows and those of another fit, with none pending."""
        known = self.known or other.known
        if self.known is not None and other.known is not None:
            terms = zip(self.known, other.known, self.fitted, strict=True)
            known = tuple(a.joined(family, b) for a, b, family in terms)
        first, apart = _both(self.first, other.first), _both(self.apart, other.apart)
        batches = self.batches + other.batches
        found = replace(self, known=known, before=known, untested=(), batches=batches)
        etas = other.etas if self.etas is None else self.etas
        return replace(found, first=first, apart=apart, etas=etas, waits=True)

    def tested(self) -> OfSummaries:
        """Return the same with the tests of all batches, each against the estimate before it."""
        with np.errstate(all="ignore"):
            return self._tested()

    def _tested(self) -> OfSummaries:
        before, points, tests = self.before, self.points, list(self.tests)
        for number, n, share, found in self.untested:
            if before is None:
                before = found
                continue
            pasts = self._pasts(before, points)
            if pasts is not None:
                points = tuple(p.past.theta for p in pasts)
                each = [
                    score_test(s.objective(family), p.past, p.active, left=s.left)
                    for s, family, p in zip(found, self.fitted, pasts, strict=True)
                ]
                tests.append((number, n, added(each)))
            before = tuple(
                old.forgotten(share).joined(family, new)
                for old, new, family in zip(before, found, self.fitted, strict=True)
            )
        return replace(self, before=before, points=points, tests=tuple(tests), untested=())

    def _pasts(self, before: Any, points: Any) -> tuple[Moved, ...] | None:
        """Return the estimates from summaries, or None where they do not determine one yet."""
        size = max(family.n_params for family in self.fitted)
        if before[0].total < _TOLD * size * before[0].left:
            return None
        points = points or self.etas
        if points is None and self.first is not None:
            points = _starts(self.fitted, self.first)
        if points is None:
            return None
        terms = zip(before, self.fitted, points, strict=True)
        try:
            found = tuple(_estimated(s, f, eta) for s, f, eta in terms)
        except (ValueError, np.linalg.LinAlgError):
            return None
        return found if all(m.distance < 0.1 for m in found) else None


def _both(one: Batch | None, two: Batch | None) -> Batch | None:
    """Return the rows of two batches, either of which may be missing."""
    return two if one is None else one.then(two)


def summaries(
    fitted: Sequence[Distribution], batch: Batch, n_jobs: int | None
) -> tuple[Summary, ...] | None:
    """Return the summaries of the columns of a batch, whose rows are checked.

    Returns
    -------
    tuple of Summary or None
        None where a column has none.

    Raises
    ------
    ValueError
        If a row is not finite or outside the support.
    """
    found = []
    for family, column in zip(fitted, batch.columns, strict=True):
        rows = rows_of(column, weight=batch.weight, n_jobs=n_jobs)
        values = summarise(family, rows)
        check(family, rows, values)
        found.append(values)
    known = [values for values in found if isinstance(values, tuple)]
    if len(known) < len(found):
        return None
    return tuple(Summary(values, batch.total) for values in known)


def _estimated(summary: Summary, family: Distribution, start: np.ndarray) -> Moved:
    """Return the estimate from a summary, and what its rows tell of others."""
    return absorbed(summary.objective(family), None, start, left=summary.left)


def _starts(fitted: Sequence[Distribution], batch: Batch) -> tuple[np.ndarray, ...]:
    """Return the families' own starts (K,) from rows."""
    out = []
    for family, column in zip(fitted, batch.columns, strict=True):
        rows = Memory(column, weight=batch.weight)
        with np.errstate(all="ignore"):
            eta = family.initial(rows.few(), np.random.default_rng(0))
            out.append(family.refine_start(rows, eta))
    return tuple(out)


@dataclass(frozen=True)
class OfQuadratics(Running):
    """The quadratic of the rows so far in eta of each column, or the first rows themselves.

    Attributes
    ----------
    pasts : tuple of Past, or None
        None as long as the rows are held.
    active : tuple of tuple of int
        Coordinates of each column at a limit.
    held : Batch or None
        All rows, as long as they are few: they are fitted together.
    last : tuple of Moved
        What the last batch has done; empty if there was none.
    at_rest : tuple of (Past or None)
        The quadratics of a fit whose estimates are at a limit; empty if there was none.
    """

    pasts: tuple[Past, ...] | None = None
    active: tuple[tuple[int, ...], ...] = ()
    held: Batch | None = None
    last: tuple[Moved, ...] = ()
    at_rest: tuple[Past | None, ...] = ()
    waits: bool = False

    @property
    def total(self) -> float:  # type: ignore[override]
        """The sum of the weights of the rows so far."""
        if self.pasts is not None:
            return self.pasts[0].total
        return 0.0 if self.held is None else self.held.total

    @property
    def enough(self) -> bool:
        """Whether the rows that are held determine an estimate well."""
        need = max(FIRST, A_PARAMETER * max(family.n_params for family in self.fitted))
        return self.held is not None and self.held.n >= need

    def holding(self, batch: Batch, share: float) -> OfQuadratics:
        """Return what is known with a batch among the rows that are held."""
        before = None if self.held is None else self.held.forgotten(share)
        # What the caller holds may change.
        rows = batch.copy() if before is None else before.then(batch)
        return replace(self, batches=self.batches + 1, held=rows, waits=True)

    def batch(
        self, batch: Batch, share: float, n_jobs: int | None, penalties: Sequence[Penalty]
    ) -> OfQuadratics:
        """Return what is known with the rows of a batch, after a test of them."""
        assert self.pasts is not None
        tests, moved = [], []
        for j, (family, column) in enumerate(zip(self.fitted, batch.columns, strict=True)):
            rows = rows_of(column, weight=batch.weight, n_jobs=n_jobs)
            check(family, rows, None)
            objective = Likelihood(family, Constant().bind(0, family), rows)
            past, added_to = self.pasts[j], (penalties[j], batch.left)
            tests.append(score_test(objective, past, self.active[j], *added_to))
            past = past.forgotten(share)
            with np.errstate(all="ignore"):
                moved.append(absorbed(objective, past, past.theta, *added_to))
        number = self.batches + 1
        return replace(
            self,
            batches=number,
            pasts=tuple(m.past for m in moved),
            active=tuple(m.active for m in moved),
            last=tuple(moved),
            tests=(*self.tests, (number, float(batch.n), added(tests))),
        )
