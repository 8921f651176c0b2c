"""Formulas for the features of a parameter, by formulaic where it is installed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse

from natfit._extras import missing
from natfit._numbers import column_of, is_frame, kind_of

#: What formulaic calls the intercept.
_INTERCEPT = "Intercept"


@dataclass(frozen=True)
class Formula:
    """The columns that a formula has made of the rows of a fit, to be made again of others.

    Attributes
    ----------
    text : str
        The formula as it was written.
    spec : object
        formulaic's description: categories, and what centred or scaled columns were moved by.
    names : tuple of str
        Names of the columns, without that of the intercept.
    intercept : bool
        Whether the formula has an intercept.
    """

    text: str
    spec: Any
    names: tuple[str, ...]
    intercept: bool

    def refuse_state(self) -> None:
        """Raise ValueError if columns depend on all rows, which are not here together."""
        found = sorted(getattr(self.spec, "transform_state", None) or ())
        if found:
            raise ValueError(
                f"features_for={self.text!r} needs all rows at once for {found[0]}, got rows in "
                "pieces; add that column to the data beforehand, with numbers of your own for its "
                "centre, scale or knots"
            )

    def columns(self, X: Any, names: tuple[str, ...]) -> np.ndarray:
        """Return the columns for rows of X, (n, columns), without the intercept."""
        table = as_table(X, names)
        return self._without_intercept(_made(lambda: self.spec.get_model_matrix(table), self.text))

    def _without_intercept(self, matrix: Any) -> np.ndarray:
        found = np.asarray(matrix, dtype=np.float64)
        return found[:, 1:] if self.intercept else found


def read_formula(text: str, X: Any, names: tuple[str, ...], intercept: bool) -> Formula:
    """Return a formula such as ``x1 + C(g)`` as it applies to the rows of a fit.

    Parameters
    ----------
    text : str
        The formula, without a left side.
    X : frame or ndarray of shape (n, D)
        The rows.
    names : tuple of str
        The names of its columns.
    intercept : bool
        Whether the parameter may have an intercept.

    Returns
    -------
    Formula

    Raises
    ------
    ImportError
        If formulaic is not installed.
    ValueError
        If the formula cannot be read, or names what X does not have.
    """
    try:
        import formulaic
    except ImportError as error:
        what = f"features_for={text!r} is a formula (a list of columns is none), which"
        raise ImportError(missing(what, "formulaic", "formula")) from error
    table = _without_unused(as_table(X, names))

    def made() -> Any:
        formula = formulaic.Formula(text if intercept else f"{text} - 1")
        return formula.get_model_matrix(table, output="numpy", na_action="raise")

    spec = getattr(_made(made, text), "model_spec", None)
    columns = getattr(spec, "column_names", None)
    if columns is None:
        raise ValueError(
            f"features_for must be formulas of one side, got {text!r}; leave out y, and '|'"
        )
    first = columns[:1] == (_INTERCEPT,)
    return Formula(text, spec, tuple(columns[1:] if first else columns), first)


def _made(made: Any, text: str) -> Any:
    """Return what a call of formulaic makes; ValueError with its words where it makes nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # formulaic warns of categories that the fit has not seen, and makes zeros of them.
        warnings.filterwarnings("error", message="Data has categories")
        try:
            return made()
        except Exception as error:
            words = str(error).split("\n")[0].rstrip(".")
            if isinstance(error, Warning):
                words = "X has categories that the fit has not seen"
                words += str(error).partition("dataset)")[2].split(".")[0]
            raise ValueError(
                f"features_for={text!r} cannot be computed: {words}; formulas are made of the "
                "names of columns, as in 'x1 + C(g)', and values must not be missing"
            ) from error


def _without_unused(table: Any) -> Any:
    """Return a frame whose categorical columns have the categories that occur."""
    categorical = [name for name in table.columns if hasattr(table[name].dtype, "categories")]
    kept = {name: table[name].cat.remove_unused_categories() for name in categorical}
    return table.assign(**kept) if kept else table


def as_table(X: Any, names: tuple[str, ...]) -> Any:
    """Return rows as a frame of pandas, which formulaic needs."""
    import pandas

    if issparse(X):
        raise ValueError(
            "features_for must be lists of columns if X is sparse, got a formula; name the columns "
            "by their indices"
        )
    if not is_frame(X):
        return pandas.DataFrame(X, columns=list(names))
    if isinstance(X, pandas.DataFrame):
        return X
    found: dict[str, Any] = {}
    for j, name in enumerate(names):
        column = column_of(X, j)
        declared = getattr(column.dtype, "categories", None)
        if kind_of(column.dtype) == "numbers":
            found[name] = column.to_numpy()
        elif declared is not None and str(column.dtype).startswith("Enum"):
            found[name] = pandas.Categorical(column.to_list(), categories=list(declared))
        else:
            found[name] = column.to_list()
    return pandas.DataFrame(found)
