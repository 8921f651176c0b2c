"""X as the features of a model: arrays, frames, sparse matrices; which parameter has which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import validate_data

from natfit._numbers import as_numbers, column_names, is_frame
from natfit._validation import unknown_name
from natfit.distributions.base import Distribution
from natfit.estimators.regression._columns import Column, is_plain, read_column
from natfit.estimators.regression._formula import Formula, read_formula
from natfit.estimators.regression._options import mean_parameter, refuse_names
from natfit.inference.coefficients import INTERCEPT_NAME

#: The types of numbers that are computed with as they are.
_FLOATS = [np.float64, np.float32]


def read_container(estimator: Any, X: Any, reset: bool, least: int = 1) -> Any:
    """Return X as a frame, an array (n, D) of floats or a CSR array, checked for its form.

    Parameters
    ----------
    estimator : estimator
        It records the number of columns and their names, or compares them with those of the fit.
    X : array-like, frame or sparse matrix
        The argument.
    reset : bool
        Whether this is a fit.
    least : int
        Fewest rows.

    Returns
    -------
    frame, ndarray or csr_array
        Plain arrays of float64 or float32 and CSR matrices are not copied.

    Raises
    ------
    ValueError
        If X has another form than a table of numbers, or other columns than the fit; a TypeError
        if its container is of another kind.
    """
    common: dict[str, Any] = {"reset": reset, "ensure_min_samples": least, "dtype": _FLOATS}
    if issparse(X):
        if X.dtype == object:
            raise ValueError(
                "X must hold numbers, got a sparse matrix of the dtype object; use X.astype(float)"
            )
        found = validate_data(estimator, X, accept_sparse="csr", ensure_all_finite=False, **common)
        found = csr_array(found)
        if not found.has_canonical_format:
            # What the caller holds stays as it is.
            found = found.copy()
            found.sum_duplicates()
        return found
    if is_frame(X):
        _refuse_form(X, least, type(estimator).__name__)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        return X
    if not (isinstance(X, np.ndarray) and X.dtype in _FLOATS) or np.ma.isMaskedArray(X):
        read = as_numbers(X, "X")
        if read.masked is not None:
            row = int(np.argmax(read.masked.any(axis=-1)))
            raise ValueError(
                f"X must not be masked, got a masked value at row {row}; remove or impute such rows"
            )
        X = read.values
    return validate_data(estimator, X, ensure_all_finite=False, **common)


def _refuse_form(frame: Any, least: int, name: str) -> None:
    """Raise ValueError if a frame has too few rows, no column, or two of the same name."""
    n, columns = frame.shape
    if n < least or not columns:
        what, found, need = ("sample", n, least) if n < least else ("feature", columns, 1)
        # The words are scikit-learn's.
        raise ValueError(
            f"Found array with {found} {what}(s) (shape={frame.shape}) while a minimum of {need} "
            f"is required by {name}."
        )
    names = list(frame.columns)
    if len(set(names)) < len(names):
        twice = next(label for label in names if names.count(label) > 1)
        raise ValueError(
            f"the columns of X must have different names, got {twice!r} {names.count(twice)} "
            "times; rename them"
        )


@dataclass(frozen=True)
class Layout:
    """How the columns of X become features, as a fit has found it.

    Attributes
    ----------
    n_columns : int
        Number of columns of X.
    given : tuple of str or None
        The names of the columns of X; None for x0, x1, ...
    columns : tuple of Column or None
        The columns of a frame that are features or become some; None if X is the features.
    formulas : tuple of Formula
        Further features.
    """

    n_columns: int
    given: tuple[str, ...] | None
    columns: tuple[Column, ...] | None = None
    formulas: tuple[Formula, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the columns of X."""
        if self.given is not None:
            return self.given
        return tuple(f"x{j}" for j in range(self.n_columns))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        own = list(self.labels)
        if self.columns is not None:
            own = [name for column in self.columns for name in column.names]
        return tuple(dict.fromkeys([*own, *(n for f in self.formulas for n in f.names)]))

    def of_column(self, j: int) -> list[int]:
        """Return the indices of the features that a column of X has become."""
        if self.columns is None:
            return [j]
        start = 0
        for column in self.columns:
            if column.index == j:
                return list(range(start, start + len(column.names)))
            start += len(column.names)
        return []

    def matrix(self, X: Any) -> Any:
        """Return the features (n, D) of rows: an array of floats, or a CSR array.

        Parameters
        ----------
        X : frame, ndarray or csr_array
            Rows as :func:`read_container` returns them.

        Returns
        -------
        ndarray or csr_array

        Raises
        ------
        ValueError
            If a value is missing or infinite, or a category is not one of the fit.
        """
        if not self.formulas and (self.columns is None or not is_frame(X)):
            self._refuse_array(X)
            found = _numbers_of(X)
        else:
            found = self._made(X, self.names)
        _refuse_not_finite(found, self)
        return found

    def _refuse_array(self, X: Any) -> None:
        """Raise ValueError for an array where the fit had a frame with other than numbers."""
        coded = [c.name for c in self.columns or () if c.levels is not None]
        if coded or (self.columns is not None and len(self.columns) < self.n_columns):
            words = f"with the categories {coded}" if coded else "of which some columns are used"
            raise ValueError(
                f"X must be a frame as in the fit, {words}, got an array; pass a frame with the "
                f"columns {list(self.labels)}"
            )

    def _made(self, X: Any, names: tuple[str, ...]) -> np.ndarray:
        """Return the features of columns and formulas side by side."""
        if not names:
            # A model has a column at least; no parameter depends on this one.
            return np.zeros((X.shape[0], 1))
        single = is_frame(X) and not self.formulas and _is_single(X, self.columns or ())
        out = np.empty((X.shape[0], len(names)), dtype=np.float32 if single else np.float64)
        at = {name: j for j, name in enumerate(names)}
        if self.columns is None or not is_frame(X):
            self._refuse_array(X)
            first = _numbers_of(X)
            out[:, : first.shape[1]] = first
        else:
            start = 0
            for column in self.columns:
                column.write(X, out, start)
                start += len(column.names)
        for formula in self.formulas:
            found = formula.columns(X, self.labels)
            for name, values in zip(formula.names, found.T, strict=True):
                out[:, at[name]] = values
        return out


def _is_single(frame: Any, columns: Iterable[Column]) -> bool:
    """Tell whether all numbers of a frame's columns are float32."""
    dtypes = list(frame.dtypes)
    kinds = [str(dtypes[c.index]).lower() for c in columns if c.levels is None]
    return bool(kinds) and set(kinds) == {"float32"}


def _numbers_of(X: Any) -> Any:
    """Return a frame of numbers as an array; what is an array already, as it is."""
    if not is_frame(X):
        return X
    if all(str(dtype).lower() == "float32" for dtype in list(X.dtypes)):
        return np.asarray(X, dtype=np.float32)
    return as_numbers(X, "X").values


def _refuse_not_finite(X: Any, layout: Layout) -> None:
    """Raise ValueError for the first value that is missing or infinite, by row and column."""
    values = X.data if issparse(X) else X
    with np.errstate(all="ignore"):
        # The sum of finite values is finite unless it overflows: most data need no second pass.
        if np.isfinite(values.sum()):
            return
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    if issparse(X):
        where = int(np.argmax(bad))
        row = int(np.searchsorted(X.indptr, where, side="right")) - 1
        column, value = int(X.indices[where]), values[where]
    else:
        row, column = (int(i) for i in np.argwhere(bad)[0])
        value = values[row, column]
    words = "NaN" if np.isnan(value) else "infinity"
    raise ValueError(
        f"Input X contains {words} at row {row} in column {layout.names[column]!r}; remove or "
        "impute such rows"
    )


# ------------------------------------------------------------------ which parameter has which


@dataclass(frozen=True)
class Chosen:
    """The features of each parameter.

    Attributes
    ----------
    layout : Layout
        How X becomes features.
    features : dict
        The indices of the features of each parameter that has some; None for all features.
    intercept : dict
        Whether each parameter has an intercept.
    """

    layout: Layout
    features: dict[str, list[int] | None]
    intercept: dict[str, bool]

    def own(self, name: str) -> Any:
        """Return what selects the features of one parameter from those of all."""
        found = self.features.get(name, [])
        return slice(None) if found is None else found

    def same(self, other: Chosen) -> bool:
        """Whether another choice has the same features and intercepts."""
        return self.named() == other.named() and self.intercept == other.intercept

    def named(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the features of each parameter, () for an intercept alone."""
        names = np.array([*self.layout.names, None], dtype=object)[:-1]
        return {n: tuple(names[self.own(n)].tolist()) for n in self.intercept}


def choose(
    features_for: Any,
    family: Distribution,
    X: Any,
    intercept: dict[str, bool],
    goes_on: bool = False,
) -> Chosen:
    """Return the features of each parameter of a family for the rows of a fit.

    Parameters
    ----------
    features_for : None, "all" or dict
        The option.
    family : Distribution
        The family, bound.
    X : frame, ndarray or csr_array
        Rows as :func:`read_container` returns them.
    intercept : dict
        Whether each parameter may have an intercept.
    goes_on : bool
        Whether other rows come later, which may have other categories of those that are declared.

    Returns
    -------
    Chosen

    Raises
    ------
    ValueError
        If a name is no parameter or no column, a formula cannot be read, or two coefficients would
        have the same name.
    TypeError
        If the option is of another type.
    """
    bare = _bare(X)
    asked = _asked(features_for, family, bare)
    formulas = {
        n: read_formula(a, X, bare.labels, intercept[n])
        for n, a in asked.items()
        if isinstance(a, str) and a != "all"
    }
    layout = Layout(
        bare.n_columns, bare.given, _columns(asked, X, bare, goes_on), tuple(formulas.values())
    )
    _refuse_ambiguous(layout)
    at = {name: j for j, name in enumerate(layout.names)} if formulas else {}
    features: dict[str, list[int] | None] = {}
    for name, wanted in asked.items():
        if name in formulas:
            features[name] = [at[n] for n in formulas[name].names]
        elif isinstance(wanted, str):
            first = replace(layout, formulas=())
            features[name] = list(range(len(first.names))) if formulas else None
        else:
            features[name] = [k for j in wanted for k in layout.of_column(j)]
    has = {n: h and (n not in formulas or formulas[n].intercept) for n, h in intercept.items()}
    return Chosen(layout, features, has)


def _bare(X: Any) -> Layout:
    names = column_names(X)
    return Layout(X.shape[1], None if names is None else tuple(names))


def layout_of(X: Any) -> Layout:
    """Return the layout of rows (N, D) of which all columns are features."""
    bare = _bare(X)
    return replace(bare, columns=_columns({"all": "all"}, X, bare, False))


def _refuse_ambiguous(layout: Layout) -> None:
    """Raise ValueError if a feature has the name of another, or that of intercepts."""
    if INTERCEPT_NAME in layout.names:
        raise ValueError(
            f"columns of X must not be called {INTERCEPT_NAME!r}, which is the name of the model's "
            "own intercepts; rename the column, or leave it out if it is constant"
        )
    sources: dict[str, Column] = {}
    for column in layout.columns or ():
        for name in column.names:
            if name in sources:
                raise ValueError(
                    f"the features of X must have different names, got {name!r} from the columns "
                    f"{sources[name].name!r} and {column.name!r}, of which categories are named "
                    "column[category]; rename one of them"
                )
            sources[name] = column


def _columns(
    asked: dict[str, str | list[int]], X: Any, bare: Layout, goes_on: bool
) -> tuple[Column, ...] | None:
    """Return the columns of a frame that are read; None if all are, and all are numbers."""
    if not is_frame(X):
        return None
    if "all" in [a for a in asked.values() if isinstance(a, str)]:
        if is_plain(X):
            return None
        used: Iterable[int] = range(bare.n_columns)
    else:
        used = sorted({j for a in asked.values() if not isinstance(a, str) for j in a})
    return tuple(read_column(X, j, bare.labels[j], goes_on) for j in used)


def _asked(features_for: Any, family: Distribution, bare: Layout) -> dict[str, str | list[int]]:
    """Return "all", indices of columns or a formula for each parameter with features."""
    if features_for is None:
        return {mean_parameter(family): "all"}
    if isinstance(features_for, str) and features_for == "all":
        return dict.fromkeys(family.params, "all")
    if not isinstance(features_for, Mapping):
        name = mean_parameter(family)
        if len(family.params) > 1:
            raise TypeError(
                "features_for must be None, 'all', or a dict from a parameter to 'all', "
                f"'intercept', columns or a formula, got {features_for!r}; try "
                f"{{{name!r}: {features_for!r}}}"
            )
        features_for = {name: features_for}
    refuse_names(features_for, "features_for", family)
    return {name: _wanted(value, name, bare) for name, value in features_for.items()}


def _wanted(value: Any, name: str, bare: Layout) -> str | list[int]:
    """Return what one parameter is to have: "all", indices of columns, or a formula."""
    if value is None or (isinstance(value, str) and value == "intercept"):
        return []
    label = f"features_for[{name!r}]"
    if isinstance(value, str):
        if value in bare.labels:
            # The name of a column is a formula without formulaic.
            return [bare.labels.index(value)]
        if value != "all" and value.isidentifier():
            rule = f"{label} must be 'all', 'intercept', columns or a formula of them"
            raise ValueError(unknown_name(value, ["all", "intercept", *bare.labels], rule))
        return value
    if isinstance(value, bytes | Mapping) or not isinstance(value, Iterable):
        raise TypeError(
            f"{label} must be 'all', 'intercept', columns or a formula, got {value!r}; try "
            f"[{value!r}]"
        )
    found = [_index(column, label, bare) for column in value]
    twice = next((j for i, j in enumerate(found) if j in found[:i]), None)
    if twice is not None:
        raise ValueError(f"{label} must name columns once, got {bare.labels[twice]!r} twice")
    return found


def _index(column: Any, label: str, bare: Layout) -> int:
    """Return the index of a column of X that is given by its name or its index."""
    if isinstance(column, str):
        if column not in bare.labels:
            raise ValueError(unknown_name(column, bare.labels, f"{label} must name columns of X"))
        return bare.labels.index(column)
    if isinstance(column, bool | np.bool_) or not isinstance(column, int | np.integer):
        raise TypeError(f"{label} must hold names or indices of columns of X, got {column!r}")
    if not -bare.n_columns <= column < bare.n_columns:
        raise ValueError(
            f"{label} must hold indices of the {bare.n_columns} columns of X, got {column}"
        )
    return int(column) % bare.n_columns
