"""J' C J summed over rows wherever they are; every product is a pass over the rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from natfit.linops import KroneckerFactors, LinearOperator
from natfit.linops.row_curvature import RowCurvature
from natfit.linops.sandwich import Term
from natfit.objectives._formula import Formula, score_part, share
from natfit.rows import Block, Rows

_KEYS = itertools.count()


@dataclass(frozen=True)
class Recipe:
    """How the term of a block in a sandwich is made; it is sent to where the rows are.

    Attributes
    ----------
    formula : Formula
    theta : ndarray of shape (P,)
    rule : callable or None
        ``rule(eta, start)`` returns (C, None) or (None, B) for the rows whose eta it gets; it
        does not get the data. C is an array or a
        :class:`natfit.linops.row_curvature.RowCurvature`. None stands for the scores at the data.
    of_y : bool
        Whether the rule gets the data, too: ``rule(eta, y)``, for an observed information.
    total : float
        W.
    key : int
        The key under which blocks keep what belongs to this recipe.
    """

    formula: Formula
    theta: np.ndarray
    rule: Callable | None
    total: float
    of_y: bool = False
    key: int = field(default_factory=lambda: next(_KEYS))

    def parts(self, block: Block) -> tuple[Any, Any, np.ndarray | None, Any]:
        """Return linearisation, C and B of a block, weighted by w_i / W, and these weights.

        Returns
        -------
        tuple
            Either C or B is None.
        """
        even = block.weight is None
        own = 1.0 / self.total if even else share(block, self.total)
        lin = self.formula.linearize(self.theta, block)
        if self.rule is None:
            b = score_part(block, self.formula.distribution, lin.eta, self.total)
            return lin, None, b[:, :, None], own
        c, b = self.rule(lin.eta, block.y if self.of_y else block.start)
        if isinstance(c, RowCurvature):
            return lin, c.weighted(own), None, own
        weight = share(block, self.total)
        if b is None:
            return lin, c * weight[:, None, None], None, own
        return lin, None, b * np.sqrt(weight)[:, None, None], own

    def term(self, block: Block) -> Term:
        """Return the term of a block; it is kept with the block for the next product."""
        if block.kept is None:
            return Term(*self.parts(block))
        key, found = block.kept.get("term", (None, None))
        if key != self.key:
            found = Term(*self.parts(block))
            block.kept["term"] = self.key, found
        return found

    def last_term(self, block: Block) -> Term:
        """Return the term of a block, which is not kept: a matrix that is formed is asked once."""
        found = self.term(block)
        if block.kept is not None:
            block.kept.pop("term", None)
        return found


class SumOverRows(LinearOperator):
    """F = sum over blocks of rows of J' C J, each product one pass over the rows.

    Linearisations and C are computed where the rows are. For few rows they are kept there for the
    next product; for many rows they are computed anew in each product.

    Parameters
    ----------
    rows : Rows
        Rows of several chunks; for a single chunk use :class:`natfit.linops.Sandwich`.
    recipe : Recipe
        How the term of a block is made.
    columns : int
        Number of columns of each row's B, or K.
    sum_of : callable, optional
        ``sum_of(part)`` returns ``rows.sum(part, recipe)`` of a matrix or a diagonal, which an
        earlier pass may have brought.
    """

    def __init__(
        self,
        rows: Rows,
        recipe: Recipe,
        columns: int,
        sum_of: Callable[[Callable[..., Any]], Any] | None = None,
    ):
        self.rows = rows
        self._sum_of = (lambda part: rows.sum(part, recipe)) if sum_of is None else sum_of
        self.recipe = recipe
        self.columns = columns
        self.size = recipe.formula.model.n_params
        self._diag: np.ndarray | None = None
        self._factors: KroneckerFactors | None = None
        if not recipe.formula.model.takes_entries:
            # A rule that has no C raises its error here, so that the metric can use another one.
            self._sum_of(_made)

    @property
    def rank_bound(self) -> int:
        """A number that the rank does not exceed: rows times columns of B, at most P."""
        return min(self.size, self.rows.n * self.columns)

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Return the sum of J' (C (J v)), (P,)."""
        return self.rows.sum(_product, self.recipe, v)

    def quad(self, v: np.ndarray) -> float:
        """Return the sum of (J v)' C (J v), at half the cost of a product."""
        return self.rows.sum(_form, self.recipe, v)

    def diag(self) -> np.ndarray:
        """Return the diagonal (P,), computed once and read-only."""
        if self._diag is None:
            self._diag = self._sum_of(_diagonal)
            self._diag.setflags(write=False)
        return self._diag

    def dense(self) -> np.ndarray:
        """Return the matrix (P, P)."""
        return self._sum_of(_gram)

    def rough(self) -> np.ndarray:
        """Return the matrix (P, P), in single precision where the model offers it."""
        return self._sum_of(_rough)

    def kronecker(self) -> KroneckerFactors | None:
        """Return F as a Kronecker product per layer, computed once; None without layers."""
        if self._factors is None and self.recipe.formula.model.layered:
            self._factors = self.rows.sum(_factors, self.recipe)
        return self._factors

    def factor(self) -> np.ndarray:
        """Return B (P, R) with columns J_i' b_ir of every row; b_i is a root of C_i if need be."""
        return self.rows.map(_columns, self.recipe).reshape(-1, self.size).T

    def pull(self, u: np.ndarray) -> np.ndarray:
        """Return B u (P,) for u (R,), the sum of the columns of B times u."""
        return self.rows.sum(_pull, self.recipe, u.reshape(self.rows.n, -1))

    def push(self, v: np.ndarray) -> np.ndarray:
        """Return B' v (R,) for v (P,), one number for each column of B."""
        return self.rows.map(_push, self.recipe, v).ravel()


def _made(block: Block, recipe: Recipe) -> int:
    recipe.term(block)
    return block.n


def _product(block: Block, recipe: Recipe, v: np.ndarray) -> np.ndarray:
    term = recipe.term(block)
    return term.lin.vjp(term.times(term.lin.jvp(v)))


def _form(block: Block, recipe: Recipe, v: np.ndarray) -> float:
    term = recipe.term(block)
    return term.form(term.lin.jvp(v))


def _diagonal(block: Block, recipe: Recipe) -> np.ndarray:
    term = recipe.term(block)
    return term.lin.diag(term.inner)


def _factors(block: Block, recipe: Recipe) -> KroneckerFactors:
    return recipe.term(block).factors()


def _gram(block: Block, recipe: Recipe) -> np.ndarray:
    term = recipe.last_term(block)
    return term.lin.gram(term.inner)


def _rough(block: Block, recipe: Recipe) -> np.ndarray:
    return recipe.last_term(block).rough()


def _columns(block: Block, recipe: Recipe) -> np.ndarray:
    """Return the columns that belong to each row, (n, R P)."""
    term = recipe.term(block)
    return term.lin.pull_columns(term.root).T.reshape(block.n, -1)


def _pull(block: Block, recipe: Recipe, u: np.ndarray) -> np.ndarray:
    term = recipe.term(block)
    return term.lin.vjp(term.widen(u[block.start : block.start + block.n].ravel()))


def _push(block: Block, recipe: Recipe, v: np.ndarray) -> np.ndarray:
    term = recipe.term(block)
    return term.narrow(term.lin.jvp(v))
