"""J' C J summed over rows that may be anywhere: every product is a pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from natfit.linops import LinearOperator
from natfit.linops.sandwich import Term
from natfit.objectives._formula import Formula, score_part, share
from natfit.rows import Block, Rows

_KEYS = itertools.count()


@dataclass(frozen=True)
class Recipe:
    """How a block's term of a sandwich is made; travels to where the rows are.

    Attributes
    ----------
    formula : Formula
    theta : ndarray of shape (P,)
    rule : callable or None
        ``rule(eta, start)`` returns (C, None) or (None, B) of the rows whose eta it is given; it
        sees no data. None stands for the scores at the data.
    total : float
        W.
    key : int
        What is kept with a block under it is this recipe's.
    """

    formula: Formula
    theta: np.ndarray
    rule: Callable | None
    total: float
    key: int = field(default_factory=lambda: next(_KEYS))

    def parts(self, block: Block) -> tuple[Any, np.ndarray | None, np.ndarray | None]:
        """Linearisation, C and B of a block, one of these None; weights w_i / W ride in them."""
        lin = self.formula.linearize(self.theta, block)
        if self.rule is None:
            b = score_part(block, self.formula.distribution, lin.eta, self.total)
            return lin, None, b[:, :, None]
        c, b = self.rule(lin.eta, block.start)
        weight = share(block, self.total)
        if b is None:
            return lin, c * weight[:, None, None], None
        return lin, None, b * np.sqrt(weight)[:, None, None]

    def term(self, block: Block) -> Term:
        """The block's term; kept where the block stays, for the next product."""
        if block.kept is None:
            return Term(*self.parts(block))
        key, found = block.kept.get("term", (None, None))
        if key != self.key:
            found = Term(*self.parts(block))
            block.kept["term"] = self.key, found
        return found


class SumOverRows(LinearOperator):
    """F = sum over blocks of rows of J' C J, each product one pass over the rows.

    Linearisations and C are made where the rows are. They are kept there for the next product
    while the rows are few; of many rows they are made anew in each.

    Parameters
    ----------
    rows : Rows
        Several chunks; of a single one :class:`natfit.linops.Sandwich` holds the term.
    recipe : Recipe
        How a block's term is made.
    columns : int
        Columns of each row's B, or K.
    """

    def __init__(self, rows: Rows, recipe: Recipe, columns: int):
        self.rows = rows
        self.recipe = recipe
        self.columns = columns
        self.size = recipe.formula.model.n_params
        self._diag: np.ndarray | None = None
        # Where a rule has no C, it says so now: a metric may take another one.
        rows.sum(_made, recipe)

    @property
    def rank_bound(self) -> int:
        """Rows times columns of B, at most P."""
        return min(self.size, self.rows.n * self.columns)

    def __matmul__(self, v: np.ndarray) -> np.ndarray:
        """Sum of J' (C (J v))."""
        return self.rows.sum(_product, self.recipe, v)

    def quad(self, v: np.ndarray) -> float:
        """Sum of (J v)' C (J v): half of a product."""
        return self.rows.sum(_form, self.recipe, v)

    def diag(self) -> np.ndarray:
        """Diagonal (P,), read-only: computed once."""
        if self._diag is None:
            self._diag = self.rows.sum(_diagonal, self.recipe)
            self._diag.setflags(write=False)
        return self._diag

    def dense(self) -> np.ndarray:
        """The matrix (P, P)."""
        return self.rows.sum(_gram, self.recipe)

    def factor(self) -> np.ndarray:
        """B (P, R): columns J_i' b_ir of every row; square roots where only C is known."""
        return self.rows.map(_columns, self.recipe).reshape(-1, self.size).T

    def pull(self, u: np.ndarray) -> np.ndarray:
        """B u for u (R,): the sum of u times the columns of B, (P,)."""
        return self.rows.sum(_pull, self.recipe, u.reshape(self.rows.n, -1))

    def push(self, v: np.ndarray) -> np.ndarray:
        """B' v for v (P,): one number for each column of B, (R,)."""
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
    return term.lin.diag(term.weight)


def _gram(block: Block, recipe: Recipe) -> np.ndarray:
    term = recipe.term(block)
    return term.lin.gram(term.weight)


def _columns(block: Block, recipe: Recipe) -> np.ndarray:
    """(n, R P): what each row adds to the columns."""
    term = recipe.term(block)
    return term.lin.pull_columns(term.root).T.reshape(block.n, -1)


def _pull(block: Block, recipe: Recipe, u: np.ndarray) -> np.ndarray:
    term = recipe.term(block)
    return term.lin.vjp(term.widen(u[block.start : block.start + block.n].ravel()))


def _push(block: Block, recipe: Recipe, v: np.ndarray) -> np.ndarray:
    term = recipe.term(block)
    return term.narrow(term.lin.jvp(v))
