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
    more = {} if groups is None else {"groups": groups}
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
    errors = _errors(model, cov_type, X, sample_weight, more)
    return Summary(facts, _rows(model, errors, level))


def _information(model: Any, cov_type: str) -> str:
    """Return in words which information the standard errors come from."""
    if cov_type == "robust":
        return "robust (sandwich of the information and the scores of the rows)"
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


def _errors(
    model: Any, cov_type: str, X: Any, sample_weight: Any, more: dict
) -> list[dict[str, np.ndarray]]:
    """Return the standard errors by name, for each column that was fitted separately."""
    n = len(model._eta)
    if cov_type == "observed":
        found = model.standard_errors_
        if model.distribution_.event_shape != ():
            return [found]
        return [{name: v[j] for name, v in found.items()} for j in range(n)]
    matrix = model.cov_params(cov_type, X=X, sample_weight=sample_weight, **more)
    size = len(matrix) // n
    cuts = [slice(j * size, (j + 1) * size) for j in range(n)]
    return [cov.standard_errors(model.distribution_, matrix[cut, cut]) for cut in cuts]


def _rows(model: Any, errors: list[dict[str, np.ndarray]], level: float) -> list[dict[str, Any]]:
    """Return the rows of the table, column by column of data."""
    family, n = model.distribution_, len(model._eta)
    names = range(n) if model._names is None else model._names
    z = float(ndtri(0.5 + 0.5 * level))
    by_column = family.event_shape == ()
    out = []
    for j, estimate in enumerate(model._estimates()):
        for name, constraint in family.params.items():
            value = np.asarray(model.params_[name])
            value, error = value[j] if by_column else value, np.asarray(errors[j][name])
            low, high = _interval(constraint, value, error, z)
            mark = _mark(family.blocks[name], estimate)
            for at in _places(constraint, np.shape(value)):
                label = name + (f"[{','.join(map(str, at))}]" if at else "")
                out.append(
                    {
                        "parameter": label if n == 1 else f"{label}[{names[j]}]",
                        "estimate": float(value[at]),
                        "standard_error": float(error[at]),
                        "lower": float(low[at]),
                        "upper": float(high[at]),
                        "mark": mark if mark == "fixed" or np.isinf(error[at]) else "",
                    }
                )
    return out


def _interval(constraint: Any, value: Any, error: Any, z: float) -> tuple[Any, Any]:
    """Return the ends of Wald intervals, inside the limits of the parameter."""
    ends = constraint.native_bounds
    with np.errstate(invalid="ignore"):
        low, high = value - z * error, value + z * error
    low, high = np.maximum(low, ends[0]), np.minimum(high, ends[1])
    if np.ndim(value) == 2 and constraint.entries is not None:
        # The limits are those of the diagonal.
        off = ~np.eye(len(value), dtype=bool)
        low[off], high[off] = (value - z * error)[off], (value + z * error)[off]
    return low, high


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
