"""The summary of a regression: the table of its coefficients, as text and as HTML."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtri
from scipy.stats import norm

from natfit._component import resolve
from natfit._tables import Table, Words, fixed, measured, number
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.constrained import Constrained
from natfit.estimators._summary import MOST, OTHERS, Summary
from natfit.estimators.regression._statements_estimates import NO_OPTIMUM, Given
from natfit.estimators.regression._statements_tests import said_of_effect
from natfit.inference import criteria
from natfit.inference.coefficients import INTERCEPT, Coefficients, without_features
from natfit.inference.likelihood_ratio import likelihood_ratio
from natfit.iterate import Status

#: Ends of a fit at which coefficients are no estimates.
_NOT_THERE = (Status.UNBOUNDED, Status.NON_FINITE, Status.MAX_ITER, Status.NO_DESCENT)


@dataclass(frozen=True, repr=False)
class RegressionSummary(Summary):
    """What a regression says.

    Attributes
    ----------
    facts : dict
        Numbers and words that belong to the whole fit: ``family``, ``n_obs``, ``n_parameters``,
        ``loglik``, ``null_loglik`` (where it is known), ``lr``, ``lr_df`` and ``lr_p`` (of the
        likelihood-ratio test against it, where it is one), ``aic``, ``aicc``, ``bic``,
        ``predictors`` (on which scale coefficients are), ``information``, ``status``, ``message``,
        ``level``, ``notes``.
    table : list of dict
        One for each coefficient: ``parameter``, ``estimate``, ``standard_error``, ``z``,
        ``pvalue`` (of zero, by Wald's test; None for a parameter without features, and where a fit
        ran off), ``lower``, ``upper`` and ``mark``.
    """

    def _made(self) -> Table:
        level = 100.0 * self.facts["level"]
        marked = any(row["mark"] for row in self.table)
        head = ("coefficient", "estimate", "std. error", "z", "p", f"{level:g} % from", "to")
        rows = [_cells(row, marked) for row in self.table]
        return Table(
            (*head, "") if marked else head,
            rows,
            f"{self.facts['estimator']}: {self.facts['family']}",
            tuple(_lines(self.facts)),
            notes=self.facts["notes"],
            most=MOST,
            what="coefficient" if len(rows) > MOST else "",
        )


def _cells(row: dict[str, Any], marked: bool) -> tuple[Any, ...]:
    error = row["standard_error"]
    cells = (
        Words(row["parameter"]),
        measured(row["estimate"], error),
        number(error, 3, padded=True),
        None if row["z"] is None else fixed(row["z"]),
        _pvalue(row["pvalue"]),
        measured(row["lower"], error),
        measured(row["upper"], error),
    )
    return (*cells, Words(row["mark"])) if marked else cells


def _pvalue(p: float | None) -> Any:
    """Return a p-value for a table; what is too small for a double is no zero."""
    if p is None:
        return None
    return number(p, 3) if p > 0.0 else Words(f"< {np.finfo(float).tiny:.0e}")


def _lines(facts: dict[str, Any]) -> list[tuple[str, str]]:
    k = facts["n_parameters"]
    null = facts.get("null_loglik")
    more = "" if null is None else f"; {fixed(null)} without features"
    if facts["lr"] is not None:
        more += f" (LR {fixed(facts['lr'])}, df {facts['lr_df']:g}, p {_pvalue(facts['lr_p'])})"
    return [
        ("rows", f"{facts['n_obs']:.10g}"),
        (
            "log-likelihood",
            f"{fixed(facts['loglik'])} nats, {k} coefficient{'' if k == 1 else 's'}{more}",
        ),
        (
            "criteria",
            f"AIC {fixed(facts['aic'])}, AICc {fixed(facts['aicc'])}, BIC {fixed(facts['bic'])}",
        ),
        ("predictors", facts["predictors"]),
        ("information", facts["information"]),
        ("status", str(facts["message"])),
    ]


def summarised(
    model: Any, level: float, cov_type: str, given: Given, groups: Any
) -> RegressionSummary:
    """Return the summary of a regression.

    Parameters
    ----------
    model : RegressionEstimator
        The fit.
    level, cov_type, groups
        As in its method ``summary``.
    given : Given
        The data of the fit, or none.

    Returns
    -------
    RegressionSummary
    """
    found = model._coefficients()
    estimate, theta = model._covariance(cov_type, given, groups)
    with np.errstate(all="ignore"):
        matrix = model._reported(found, estimate, theta, cov_type)
        errors = np.sqrt(np.maximum(np.diagonal(matrix), 0.0))
        z = found.values / errors
    ends = model._wald_ends(found, estimate, theta, level)
    if model.status_ in NO_OPTIMUM:
        half = float(ndtri(0.5 + 0.5 * level)) * errors
        ends = np.stack([found.values - half, found.values + half], axis=-1)
    table = _table(model, found, errors, z, ends)
    terms = model.loglik_, model.n_parameters_
    facts = {
        "estimator": type(model).__name__,
        "family": _family_words(model),
        "n_obs": model.n_obs_,
        "n_parameters": terms[1],
        "loglik": terms[0],
        "null_loglik": _without_features(model),
        **_ratio(model),
        "aic": criteria.aic(*terms),
        "aicc": criteria.aicc(*terms, model.n_obs_),
        "bic": criteria.bic(*terms, model.n_obs_),
        "predictors": _predictors(model),
        "information": _information(estimate, cov_type),
        "status": model.status_,
        "message": model.message_,
        "level": level,
        "notes": _notes(model, estimate, found),
    }
    return RegressionSummary(facts, table)


def _family_words(model: Any) -> str:
    """Return the family as it was asked for, with the links where they are not its own."""
    family = model.distribution_
    if not isinstance(family, Constrained):
        words = " ".join(repr(family).split())
        # What binding to the rows has added, such as all numbers of trials, may be long.
        asked = getattr(model, "distribution", family) if len(words) > _LONG else family
        return words if asked is family else " ".join(repr(resolve(asked, Distribution)).split())
    links = ", ".join(f"{name} by {model.link_[name]}" for name in family.given)
    return f"{' '.join(repr(family.inner).split())}, {links}"


def _table(
    model: Any, found: Coefficients, errors: np.ndarray, z: np.ndarray, ends: np.ndarray
) -> list[dict[str, Any]]:
    """Return the rows of the table, one for each coefficient."""
    lost = model.status_ in (Status.UNBOUNDED, Status.NON_FINITE)
    table = []
    for m, (name, place) in enumerate(zip(found.names, found.places, strict=True)):
        tested = place.feature is not None and 0.0 < errors[m] < np.inf and not lost
        table.append(
            {
                "parameter": name,
                "estimate": float(found.values[m]),
                "standard_error": float(errors[m]),
                "z": float(z[m]) if tested else None,
                "pvalue": float(2.0 * norm.sf(abs(z[m]))) if tested else None,
                "lower": float(ends[m, 0]),
                "upper": float(ends[m, 1]),
                "mark": _mark(model, found.jacobian[m], errors[m]),
            }
        )
    return table


#: Characters of the words for a family from which on it is named as it was asked for.
_LONG = 80

#: Linear predictors by the name of their link, of a parameter m.
_LINKED = {
    "identity": "{}",
    "inverse": "1 / {}",
    "inverse_squared": "1 / {}^2",
    "softplus": "log(exp({}) - 1)",
}


def _predictors(model: Any) -> str:
    """Return in words on which scale the coefficients of each parameter are."""
    alone = without_features(model._linear_model())
    classes = getattr(model, "classes_", None)
    if classes is not None and not alone:
        labels = classes.tolist()
        (name,) = model.distribution_.params
        if len(labels) > 2:
            return f"logits of {', '.join(map(str, labels))}, as differences from their mean"
        return f"{_link_words(model, name)} of class {labels[1]!r} against {labels[0]!r}"
    said = [_link_words(model, name) for name in model.link_ if name not in alone]
    units = f"{', '.join(alone)} in {'its' if len(alone) == 1 else 'their'} own units"
    return "; ".join([*([", ".join(said)] if said else []), *([units] if alone else [])])


def _link_words(model: Any, name: str) -> str:
    """Return the linear predictor of a parameter as a function of it."""
    link = model.link_[name]
    if link in _LINKED:
        return _LINKED[link].format(name)
    # A map without a name is a formula of the parameter.
    return f"{link}({name})" if link.isidentifier() else link


def _without_features(model: Any) -> float | None:
    """Return the log-likelihood of the model with intercepts alone, None where it has none."""
    with contextlib.suppress(AttributeError, ValueError):
        found = float(model.null_log_likelihood_)
        return found if np.isfinite(found) else None
    return None


def _ratio(model: Any) -> dict[str, float | None]:
    """Return the likelihood-ratio test against intercepts alone, where it is one.

    The model must hold them: with intercepts, without penalties, at a maximum.

    Returns
    -------
    dict
        The statistic, its degrees of freedom and the p-value, or None for each.
    """
    nothing = dict.fromkeys(("lr", "lr_df", "lr_p"))
    null, choice = _without_features(model), model._choice
    df = model.n_parameters_ - model.distribution_.n_params
    plain = not (model._has_ridge() or model.prior is not None) and model.status_.good
    if null is None or df <= 0 or not plain or not all(choice.intercept.values()):
        return nothing
    found = likelihood_ratio(max(model.loglik_, null), null, df, "")
    return {"lr": found.statistic, "lr_df": found.df, "lr_p": found.pvalue}


def _mark(model: Any, row: np.ndarray, error: float) -> str:
    if np.isfinite(error):
        return ""
    return "at limit" if np.any(row[list(model._at_bound)]) else "not determined"


def _notes(model: Any, estimate: Any, found: Any) -> tuple[str, ...]:
    """Return what a reader must know of the coefficients."""
    notes = []
    if model.status_ in _NOT_THERE:
        notes.append(
            "the fit did not end at a maximum: coefficients are those where it stopped, and their "
            "standard errors are not to be trusted"
        )
    if model._has_ridge():
        notes.append(
            "alpha > 0: estimates are drawn towards zero, and their standard errors are those of "
            "the penalised likelihood"
        )
    if getattr(estimate.objective, "jeffreys", False) or getattr(model, "prior", None):
        notes.append("penalised by Jeffreys' prior (Firth 1993)")
    if model.status_ not in NO_OPTIMUM:
        at = [m for m, p in enumerate(found.places) if p.feature not in (None, INTERCEPT)]
        names = model._with_effect(estimate, at)
        notes += [said_of_effect(names)] if names else []
    return tuple(notes)


def _information(estimate: Any, cov_type: str) -> str:
    """Return in words which information the standard errors come from."""
    if cov_type in OTHERS:
        return OTHERS[cov_type]
    kind = "expected" if cov_type == "expected" else estimate.information.kind
    if kind == cov_type:
        return f"{kind} information"
    if kind == "expected":
        return "expected information"
    return (
        "observed information of the rows, made positive, because theirs together is not positive "
        "definite at the estimate"
    )
