"""The ranked table of a comparison of fits, as text, as HTML and as numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from natfit._tables import Table, Words, fixed, frame, number
from natfit.iterate import Status

#: Characters of the name of a candidate in a printed table.
_NAME = 40

#: The criteria by which candidates may be ranked, and what they are called.
CRITERIA = {"aic": "AIC", "aicc": "AICc", "bic": "BIC", "tic": "TIC"}

#: What the p-value of the goodness of fit is.
_TESTED = (
    "p of fit: of goodness_of_fit, by parametric bootstrap; of several columns the smallest times "
    "their number."
)

#: What the likelihood ratio of a fit is.
_RATIO = (
    "LR, df, p: the likelihood-ratio test, where one fit lies inside the other: twice the "
    "difference of log L; a small p speaks against the smaller one."
)

#: Failures and marked fits that are named in one sentence below a table.
_NAMED = 6


@dataclass
class Candidate:
    """One row of a comparison.

    Attributes
    ----------
    name : str
    model : NaturalMLE or None
        The fit, None where it failed.
    numbers : dict
        ``loglik``, ``n_parameters``, the criteria, ``vuong_z``, ``vuong_p``, ``lr``, ``lr_df``,
        ``lr_p``, ``fit``, ``fit_p``: those that exist.
    seconds : float
        Of the fit alone.
    mark : str
        Why the fit is not to be trusted in a ranking: ``collapsed``, ``failed``, or its status;
        empty for a sound one.
    note : str
        The reason for a failure or a mark, in words.
    log_density : ndarray of shape (N,) or None
        Of the rows, nats.
    said : tuple of str
        Warnings during the fit, besides that on its status.
    atoms_hit : bool
        Whether rows are values to which the family gives a probability beside its density.
    remarks : tuple of str
        What is to be known of its likelihood-ratio test.
    """

    name: str
    model: Any = None
    numbers: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    mark: str = ""
    note: str = ""
    log_density: Any = None
    said: tuple[str, ...] = ()
    atoms_hit: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def status(self) -> str:
        """The status of the fit, or ``failed``, and what else is to be known of it."""
        if self.model is None:
            return "failed"
        status = str(self.model.status_)
        return status if self.mark in ("", status) else f"{self.mark} ({status})"


class Comparison:
    """Fits of several families to the same rows, the best first.

    It prints as a table, in a notebook as HTML. Sound fits come first, in the order of the
    criterion. Below them are those that are marked, because they collapsed or found no optimum
    inside their family, then those that failed.

    Attributes
    ----------
    criterion : str
        ``aic``, ``aicc``, ``bic`` or ``tic``: what the rows are ranked by.
    table : list of dict
        The rows from best to worst: ``name``, ``loglik``, ``n_parameters``, ``aic``, ``aicc``,
        ``bic``, ``tic``, ``vuong_z`` and ``vuong_p`` (against the best fit), ``lr``, ``lr_df`` and
        ``lr_p`` (the likelihood-ratio test of regressions one inside the other, in place of it),
        ``fit`` (the statistic of the goodness of fit) and ``fit_p``, ``status``, ``mark``,
        ``note``, ``seconds``. Values that do not exist are None.
    models : dict
        The fitted estimators by name, in the same order, without those that failed.
    notes : list of str
        The sentences below the table: fits that are marked, failures, warnings, and what the
        columns mean.
    """

    def __init__(self, candidates: Sequence[Candidate], criterion: str, statistic: str):
        self._candidates = list(candidates)
        self._statistic = statistic
        self.criterion = criterion
        self.models = {c.name: c.model for c in candidates if c.model is not None}
        self.table = [_row(c) for c in candidates]
        tested = any(row["fit_p"] is not None for row in self.table)
        self.notes = [*_notes(self._candidates, criterion), _legend(criterion, statistic)]
        self.notes += [_RATIO] if self._nested else []
        self.notes += [_TESTED] if tested else []

    @property
    def _nested(self) -> bool:
        """Whether any fit holds the best one or lies inside it."""
        return any(row["lr"] is not None for row in self.table)

    @property
    def best_(self) -> Any:
        """The fitted estimator that ranks first; ValueError if no fit is sound."""
        first = self._candidates[0]
        if first.mark:
            raise ValueError(
                "the comparison must have a sound fit to name the best, got none: "
                + "; ".join(_sentences(self._candidates))
                + "; models has the fits"
            )
        return first.model

    def __getitem__(self, name: str) -> Any:
        """Return the fitted estimator of that name."""
        try:
            return self.models[name]
        except KeyError:
            raise KeyError(f"the comparison has {list(self.models)}, not {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        """Go through the names of the candidates that were fitted, the best first."""
        return iter(self.models)

    def __len__(self) -> int:
        """Return the number of candidates."""
        return len(self.table)

    def to_frame(self) -> Any:
        """Convert the table to a pandas DataFrame.

        Returns
        -------
        pandas.DataFrame
            One row for each candidate, the best first.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        return frame({name: [row[name] for row in self.table] for name in self.table[0]})

    def __str__(self) -> str:
        """Print the ranked table with its notes."""
        return self._made().text()

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Show the ranked table in a notebook."""
        return self._made().html()

    def _made(self) -> Table:
        """Return the table that is printed."""
        tested = any(row["fit_p"] is not None for row in self.table)
        shown = [self._statistic] if self._statistic else []
        nested = self._nested
        head = ["", "", "log L", "K", *CRITERIA.values(), *["LR", "df"] * nested, "z", "p", *shown]
        head += ["p of fit"] if tested else []
        rows = []
        for rank, row in enumerate(self.table, 1):
            cells = [rank, Words(_short(row["name"])), fixed(row["loglik"])]
            cells += [row["n_parameters"] if row["n_parameters"] is not None else "-"]
            cells += [fixed(row[name]) for name in CRITERIA]
            cells += [number(row["lr"], 3), number(row["lr_df"], 3)] if nested else []
            p = row["vuong_p"] if row["lr_p"] is None else row["lr_p"]
            cells += [number(row["vuong_z"], 3), number(p, 2)]
            cells += [number(row["fit"], 3)] if shown else []
            cells += [number(row["fit_p"], 2)] if tested else []
            rows.append((*cells, Words(row["status"]), f"{row['seconds']:.3f}"))
        n = self._candidates[0].numbers.get("n_obs")
        rows_of = "" if n is None else f" of {n:.10g} rows"
        title = f"{len(rows)} candidate{'' if len(rows) == 1 else 's'}{rows_of}, ranked by "
        return Table(
            (*head, "status", "s"), rows, title + CRITERIA[self.criterion], notes=tuple(self.notes)
        )


def ranked(candidates: Iterable[Candidate], criterion: str) -> list[Candidate]:
    """Return candidates from best to worst: sound fits, marked ones, failures.

    Parameters
    ----------
    candidates : iterable of Candidate
        In the order in which they were given, which decides between equal ones.
    criterion : str
        What the order follows.

    Returns
    -------
    list of Candidate
    """

    def place(candidate: Candidate) -> tuple[int, float]:
        if candidate.model is None:
            return 2, 0.0
        return int(bool(candidate.mark)), _value(candidate, criterion)

    return sorted(candidates, key=place)


def _value(candidate: Candidate, criterion: str) -> float:
    """Return a criterion, inf where it does not exist."""
    found = candidate.numbers.get(criterion)
    return np.inf if found is None else float(found)


def _row(candidate: Candidate) -> dict[str, Any]:
    """Return the row of one candidate."""
    names = ["loglik", "n_parameters", *CRITERIA, "vuong_z", "vuong_p", "lr", "lr_df", "lr_p"]
    names += ["fit", "fit_p"]
    return {
        "name": candidate.name,
        **{name: candidate.numbers.get(name) for name in names},
        "status": candidate.status,
        "mark": candidate.mark,
        "note": candidate.note,
        "seconds": candidate.seconds,
    }


def _notes(candidates: list[Candidate], criterion: str) -> list[str]:
    """Return what is to be known of the order, of fits without an optimum, and of failures."""
    fitted = [c for c in candidates if c.model is not None]
    out = []
    lowest = min(fitted, key=lambda c: _value(c, criterion), default=None)
    if lowest is not None and lowest.mark:
        said = f"{lowest.name} has the lowest {CRITERIA[criterion]}"
        said += f" ({fixed(lowest.numbers[criterion])}) but is {lowest.status}"
        out.append(f"{said}, and ranks below all sound fits.")
    first = candidates[0]
    if not first.mark and first.note:
        out.append(f"{first.name} ranks first, and {first.note}.")
    n = len(candidates)
    marked = [c for c in fitted if c.mark]
    if marked:
        out.append(f"{len(marked)} of {n} found no optimum to be trusted: {_named(marked)}.")
    failed = [c for c in candidates if c.model is None]
    if failed:
        out.append(f"{len(failed)} of {n} failed: {_named(failed)}.")
    remarks = [f"{c.name}: {words}" for c in candidates for words in c.remarks]
    if remarks:
        out.append(f"On the likelihood ratios: {_listed(remarks)}.")
    warned = [f"{c.name}: {words}" for c in candidates for words in c.said]
    if warned:
        out.append(f"Warnings: {_listed(warned)}.")
    return out


def _sentences(candidates: list[Candidate]) -> list[str]:
    return [f"{c.name}: {c.note or c.status}" for c in candidates[:_NAMED]]


def _named(candidates: list[Candidate]) -> str:
    """Return names with the first clause of their reasons; one that several have is said once."""
    reasons: dict[str, list[str]] = {}
    for c in candidates:
        reasons.setdefault(c.note.split("; ")[0], []).append(c.name)
    return _listed([f"{', '.join(names)} ({why})" for why, names in reasons.items()])


def _listed(words: list[str]) -> str:
    more = f"; and {len(words) - _NAMED} more (see table)" if len(words) > _NAMED else ""
    return "; ".join(words[:_NAMED]) + more


def _legend(criterion: str, statistic: str) -> str:
    """Return what the columns mean."""
    how = "BIC" if criterion == "bic" else "AIC"
    fit = {
        "A2": " A2: Anderson-Darling statistic, smaller is closer.",
        "X2/df": " X2/df: Pearson's chi-square per degree of freedom, about 1 for a good fit.",
        "": "",
    }[statistic]
    return (
        f"z, p: Vuong's test against the first row, corrected as {how} is, two-sided; - where the "
        f"rows cannot tell the two apart.{fit}"
    )


def _short(name: str) -> str:
    """Return a name that fits into its column, without the middle of a long one."""
    half = (_NAME - 3) // 2
    return name if len(name) <= _NAME else f"{name[: _NAME - 3 - half]}...{name[-half:]}"


def marked(model: Any) -> tuple[str, str]:
    """Return why a fit is not to be trusted in a ranking, in one word and in words.

    Parameters
    ----------
    model : DensityEstimator
        The fit.

    Returns
    -------
    mark : str
        ``unnormalised``, ``collapsed``, a status, or empty for a sound fit.
    note : str
        The message of the fit. A sound fit may have a note, too: if the ends of its support rest
        at rows, they are estimates, but no criterion was derived for such parameters.
    """
    family = model.distribution_
    unsound = next((s for eta in model._eta if (s := family.unnormalised(eta))), None)
    if unsound:
        return "unnormalised", f"{unsound}; add the normalising terms to log_prob"
    if any(family.collapsed(eta) > 0.0 for eta in model._eta):
        return "collapsed", model.message_
    starved = next((s for eta in model._eta if (s := family.starved(eta, model.n_obs_))), None)
    if starved:
        return "collapsed", starved
    if model.status_.good:
        return "", ""
    if model.status_ is Status.BOUNDARY:
        ends = {family.blocks[name].start for name in family.row_ends}
        if all(set(estimate.at_limit) <= ends for estimate in model._estimates()):
            return "", (
                "ends of its support rest at rows, for which the criteria are not derived "
                "(they count as parameters)"
            )
    return str(model.status_), model.message_
