"""Nonlinear least squares, by ``natfit.minimize`` with Gauss and Newton's matrix as the metric.

The formula of each model is that of its file: a line of arithmetic.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import partial
from types import CodeType
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import elementwise_grad
from sklearn.exceptions import ConvergenceWarning

import natfit
from tests.certified.digits import Answer, Case, Quantity
from tests.certified.strd import NUMBER, Dataset, named

#: What the formulas call by name.
WORDS = {name: getattr(anp, name) for name in ("exp", "cos", "sin", "arctan", "pi")}

#: The tables: the matrix alone, and with damping.
DAMPING = {"nonlinear": None, "damped": "levenberg"}

MAX_ITER, TOL = 600, 1e-14


@dataclass(frozen=True)
class Problem:
    """A sum of squares ``|y - mean(b)|^2`` with its gradient and its Gauss-Newton matrix."""

    y: np.ndarray
    columns: dict[str, np.ndarray]
    formula: CodeType

    @classmethod
    def of(cls, data: Dataset) -> Problem:
        """Read the formula above the starting values; log[y] on its left is the response."""
        block = re.search(r"^Model:(.*?)^ +Starting [Vv]alues", data.text, re.M | re.S)[1]
        left, right = re.search(r"(y|log\[y\]) +=(.*)", block, re.S).groups()
        right = re.sub(r"\+\s*e\s*$", "", right.strip())
        right = " ".join(right.translate(str.maketrans("[]", "()")).split())
        y = np.log(data.rows[:, 0]) if left == "log[y]" else data.rows[:, 0]
        names = ["x"] if data.rows.shape[1] == 2 else ["x1", "x2"]
        columns = dict(zip(names, data.rows[:, 1:].T, strict=True))
        return cls(y, columns, compile(right, data.name, "eval"))

    def mean(self, b: Any) -> Any:
        """Return the model at parameters (P,), or (n, P) with a vector for each row."""
        numbers = {f"b{k + 1}": b[..., k] for k in range(b.shape[-1])}
        return eval(self.formula, {"__builtins__": {}}, {**WORDS, **self.columns, **numbers})

    def value(self, b: np.ndarray) -> float:
        """Return the sum of squares; far from the data powers and exponentials overflow."""
        with np.errstate(all="ignore"):
            return float(np.sum((self.y - self.mean(b)) ** 2))

    def jacobian(self, b: np.ndarray) -> np.ndarray:
        """Return the derivatives (n, P) of the mean of each row."""
        with np.errstate(all="ignore"):
            return elementwise_grad(self.mean)(np.tile(b, (len(self.y), 1)))

    def gradient(self, b: np.ndarray) -> np.ndarray:
        """Return the gradient (P,) of the sum of squares."""
        with np.errstate(all="ignore"):
            return -2.0 * self.jacobian(b).T @ (self.y - self.mean(b))

    def matrix(self, b: np.ndarray) -> np.ndarray:
        """Return twice J'J."""
        J = self.jacobian(b)
        with np.errstate(all="ignore"):
            return 2.0 * J.T @ J


def _minimised(data: Dataset, start: int, damping: str | None) -> Answer:
    problem = Problem.of(data)
    table = re.findall(rf"^ *b\d+ =((?:\s+{NUMBER}){{4}})$", data.text, re.M)
    columns = list(zip(*(row.split() for row in table), strict=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        result = natfit.minimize(
            problem.value,
            np.array(columns[start], dtype=float),
            jac=problem.gradient,
            metric=problem.matrix,
            damping=damping,
            tol=TOL,
            max_iter=MAX_ITER,
        )
    squares = data.number("Residual Sum of Squares:")
    quantities = {
        "parameters": Quantity(result.x, columns[2]),
        "sum of squares": Quantity([result.fun], [squares]),
    }
    return Answer(str(result.status), bool(result.success), quantities, result.nit)


def cases() -> list[Case]:
    """Return the cases of both tables: both starts of each dataset."""
    return [
        Case(
            table,
            (data.name, data.level, str(start + 1)),
            partial(_minimised, data, start, damping),
        )
        for table, damping in DAMPING.items()
        for data in named("Procedure: +Nonlinear")
        for start in (0, 1)
    ]
