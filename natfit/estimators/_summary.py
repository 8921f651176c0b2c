"""The summary of a fitted density: the numbers, as a table of text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri

from natfit._tables import Table, Words, fixed, frame, measured, number
from natfit.fitting.options import column_label
from natfit.inference import covariance as cov
from natfit.inference import criteria
from natfit.iterate import Status

#: Ends of a fit at which there is no optimum, and no interval about it.
_NO_OPTIMUM = (Status.UNBOUNDED, Status.SINGULAR, Status.NON_FINITE)

#: What the covariance matrices that need the scores of the rows are made of.
OTHERS = {
    "opg": "outer product of the scores of the rows (opg)",
    "robust": "observed information and the scores of the rows (robust sandwich)",
    "cluster": "observed information and the scores of groups of rows (cluster sandwich)",
}

#: Number of parameters that are printed; ``table`` has all.
MOST = 40


@dataclass(frozen=True)
class Summary:
    """What a fit says.

    Attributes
    ----------
    facts : dict
        Numbers and words that belong to the whole fit: ``family``, ``n_obs``, ``n_parameters``,
        ``loglik``, ``aic``, ``aicc``, ``bic``, ``tic`` (with X only), ``information``, ``status``,
        ``message``, ``level``.
    table : list of dict
        One for each parameter: ``parameter``, ``estimate``, ``standard_error``, ``lower``,
        ``upper`` (the ends of its interval) and ``mark`` (``fixed``, ``at limit``,
        ``not determined`` or empty). A standard error is inf where the data do not determine the
        parameter, and 0 where it was given.
    """

    facts: dict[str, Any]
    table: list[dict[str, Any]]

    def to_frame(self) -> Any:
        """Convert the table of parameters to a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            One row for each parameter.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return frame({name: [row[name] for row in self.table] for name in self.table[0]})

    def __str__(self) -> str:
        """Print as a table of at most 40 parameters, and say how many there are."""
        return self._made().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show the same in a notebook."""
        return self._made().html()

    def _made(self) -> Table:
        """Return the table that is printed."""
        level = 100.0 * self.facts["level"]
        marked = any(row["mark"] for row in self.table)
        head = ("parameter", "estimate", "std. error", f"{level:g} % from", "to")
        rows = [_cells(row, marked) for row in self.table]
        title = f"{self.facts['estimator']}: {self.facts['family']}"
        return Table(
            (*head, "") if marked else head,
            rows,
            title,
            tuple(_lines(self.facts)),
            most=MOST,
            what="parameter" if len(rows) > MOST else "",
        )


def _cells(row: dict[str, Any], marked: bool) -> tuple[Any, ...]:
    """Return the cells of one parameter."""
    error = row["standard_error"]
    cells = (
        Words(row["parameter"]),
        measured(row["estimate"], error),
        number(error, 3, padded=True),
        measured(row["lower"], error),
        measured(row["upper"], error),
    )
    return (*cells, Words(row["mark"])) if marked else cells


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the facts as pairs of a name and words."""
    more = f", TIC {fixed(facts['tic'])}" if "tic" in facts else ""
    k = facts["n_parameters"]
    return [
        ("rows", f"{facts['n_obs']:.10g}"),
        ("log-likelihood", f"{fixed(facts['loglik'])} nats, {k} parameter{'' if k == 1 else 's'}"),
        (
            "criteria",
            f"AIC {fixed(facts['aic'])}, AICc {fixed(facts['aicc'])}, BIC {fixed(facts['bic'])}"
            + more,
        ),
        ("information", facts["information"]),
        ("status", str(facts["message"])),
    ]


def summarised(
    model: Any, level: float, cov_type: str, X: Any, sample_weight: Any, groups: Any
) -> Summary:
    """Return the summary of a fitted density.

    Parameters
    ----------
    model : DensityEstimator
        The estimator.
    level, cov_type, X, sample_weight, groups
        As in its method ``summary``.

    Returns
    -------
    Summary
    """
    data = {"X": X, "sample_weight": sample_weight}
    data |= {} if groups is None else {"groups": groups}
    errors = _errors(model, cov_type, data)
    ends = _ends(model, errors, level, cov_type, data)
    terms = model.loglik_, model.n_parameters_
    family = model.distribution_
    facts = {
        "estimator": type(model).__name__,
        "family": " ".join(repr(family).split()),
        "n_obs": model.n_obs_,
        "n_parameters": terms[1],
        "loglik": terms[0],
        "aic": criteria.aic(*terms),
        "aicc": criteria.aicc(*terms, model.n_obs_),
        "bic": criteria.bic(*terms, model.n_obs_),
        "information": _information(model, cov_type),
        "status": model.status_,
        "message": model.message_,
        "level": level,
    }
    if X is not None:
        facts["tic"] = model.tic(X, sample_weight)
    return Summary(facts, _rows(model, errors, ends))


def _information(model: Any, cov_type: str) -> str:
    """Return in words which information the standard errors come from."""
    if cov_type in OTHERS:
        return OTHERS[cov_type]
    kinds = dict.fromkeys(model.information_kind_)
    if cov_type == "expected" or list(kinds) == ["observed"]:
        return f"{cov_type} information"
    agrees = model.distribution_.information.agrees
    why = (
        "which is the observed one at the optimum of this family"
        if agrees
        else "because the observed one is not positive definite at the estimate"
    )
    if "observed" in kinds:
        columns = [j for j, kind in enumerate(model.information_kind_) if kind == "expected"]
        said = ", ".join(column_label(j, model._names) for j in columns[:5])
        return f"observed information; of {said} expected information, {why}"
    return f"expected information, {why}"


def _errors(model: Any, cov_type: str, data: dict[str, Any]) -> list[dict[str, np.ndarray]]:
    """Return the standard errors by name, for each column that was fitted separately."""
    if cov_type == "observed":
        return _by_column(model, model.standard_errors_)
    matrix, n = model.cov_params(cov_type, **data), len(model._eta)
    size = len(matrix) // n
    cuts = [slice(j * size, (j + 1) * size) for j in range(n)]
    return [cov.standard_errors(model.distribution_, matrix[cut, cut]) for cut in cuts]


def _by_column(model: Any, values: dict[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
    """Return values in the shapes of ``params_``, for each column that was fitted separately."""
    if model.distribution_.event_shape != ():
        return [values]
    return [{name: v[j] for name, v in values.items()} for j in range(len(model._eta))]


def _ends(
    model: Any, errors: list[dict], level: float, cov_type: str, data: dict[str, Any]
) -> list[dict[str, np.ndarray]]:
    """Return the ends of Wald intervals by name, with a last axis (low, high), for each column."""
    if not set(model.statuses_) & set(_NO_OPTIMUM):
        return _by_column(model, model.conf_int(level, cov_type=cov_type, **data))
    z = float(ndtri(0.5 + 0.5 * level))
    values = _by_column(model, model.params_)
    return [
        {
            name: _symmetric(constraint, np.asarray(own[name]), np.asarray(error[name]), z)
            for name, constraint in model.distribution_.params.items()
        }
        for own, error in zip(values, errors, strict=True)
    ]


def _symmetric(constraint: Any, value: np.ndarray, error: np.ndarray, z: float) -> np.ndarray:
    """Return intervals about values in their own unit, inside the limits of the parameter."""
    low, high = value - z * error, value + z * error
    ends = constraint.native_bounds
    inside = np.stack([np.maximum(low, ends[0]), np.minimum(high, ends[1])], axis=-1)
    if value.ndim == 2 and constraint.entries is not None:
        # The limits are those of the diagonal.
        off = ~np.eye(len(value), dtype=bool)
        inside[off] = np.stack([low[off], high[off]], axis=-1)
    return inside


def _rows(model: Any, errors: list[dict], ends: list[dict]) -> list[dict[str, Any]]:
    """Return the rows of the table, column by column of data."""
    family, n = model.distribution_, len(model._eta)
    names = range(n) if model._names is None else model._names
    values, out = _by_column(model, model.params_), []
    for j, estimate in enumerate(model._estimates()):
        for name, constraint in family.params.items():
            value, error = (np.asarray(part[j][name]) for part in (values, errors))
            mark = _mark(family.blocks[name], estimate)
            for at in _places(constraint, value.shape):
                label = name + (f"[{','.join(map(str, at))}]" if at else "")
                low, high = ends[j][name][at]
                out.append(
                    {
                        "parameter": label if n == 1 else f"{label}[{names[j]}]",
                        "estimate": float(value[at]),
                        "standard_error": float(error[at]),
                        "lower": float(low),
                        "upper": float(high),
                        "mark": mark if mark == "fixed" or np.isinf(error[at]) else "",
                    }
                )
    return out


def _places(constraint: Any, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return the indices of the numbers of a parameter; of a symmetric matrix, one triangle."""
    if constraint.entries is not None:
        return [(int(i), int(j)) for i, j in zip(*constraint.entries, strict=True)]
    return list(np.ndindex(shape))


def _mark(block: slice, estimate: Any) -> str:
    """Return what is to be said of a parameter whose standard error is zero or infinite."""
    own = set(range(block.start, block.stop))
    if own & set(estimate.at_limit):
        return "at limit"
    return "fixed" if own and own <= set(estimate.information.known) else "not determined"
