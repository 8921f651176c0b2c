"""``natfit.compare``: several families fitted to the same rows, in one ranked table."""

from __future__ import annotations

import inspect
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from natfit._component import available, resolve, same
from natfit._numbers import is_vector, one_column, refuse_other_order, refuse_ragged
from natfit._validation import answers_keywords, check_jobs, check_number, check_option
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.estimators._comparison import CRITERIA, Candidate, Comparison, marked, ranked
from natfit.estimators._data import refuse_not_finite
from natfit.estimators._misfit import misfit
from natfit.estimators._sources import InPieces, length_of, reader_of
from natfit.estimators.base import NaturalEstimator
from natfit.estimators.density import DensityEstimator
from natfit.estimators.mle import NaturalMLE
from natfit.inference import criteria
from natfit.inference.vuong import LEVEL, Ratios, RatioSums, outcome_of
from natfit.rows import Given, Source, source_of

#: Words that stand for all families of a folder of ``natfit.distributions``.
GROUPS = ("positive", "real", "interval", "counts")


@answers_keywords
def compare(
    X: Any,
    candidates: Any,
    *,
    y: Any = None,
    criterion: str = "aic",
    sample_weight: Any = None,
    offset: Any = None,
    exposure: Any = None,
    goodness_of_fit: int | None = None,
    n_jobs: int | None = None,
) -> Comparison:
    """Fit several families to the same rows, and rank the fits in one table.

    Parameters
    ----------
    X : array-like of shape (N,) or (N, D), Censored, or scipy.stats.CensoredData
        The rows; a vector is one column.
    candidates : str, or sequence or dict of str, Distribution and estimators
        Names of families, objects of ``natfit.distributions``, and estimators, which keep their
        options; those that are fitted are fitted again. The words ``positive``, ``real``,
        ``interval`` and ``counts`` stand for all families whose y lies there. The keys of a dict
        are the names in the table.
    y : array-like of shape (N,), or Censored, optional
        What is explained: candidates are then regressions on the features X, and the name of a
        family stands for a :class:`NaturalRegressor` with it.
    criterion : {"aic", "aicc", "bic", "tic"}
        What ranks the fits.
    sample_weight : array-like of shape (N,), optional
        Repetitions of each row.
    offset, exposure : optional
        Those of regressions, as in their ``fit``.
    goodness_of_fit : int, optional
        Number of bootstrap samples for p-values of the goodness of fit; None for the statistic
        alone.
    n_jobs : int, optional
        Number of processes that share the candidates, by joblib; -1 is one per core. The table
        does not depend on it, except for seconds.

    Returns
    -------
    Comparison
        The table, best first: log-likelihood, number of parameters, AIC, AICc, BIC, TIC, a test
        against the best, a statistic of the goodness of fit, status, seconds. A candidate that
        fails is a row with its reason. Fits that collapsed or found no optimum are marked, and rank
        below all others. Warnings of the fits are summed up below the table.

    Raises
    ------
    ValueError
        If the rows or weights cannot be used by any fit, or a candidate is no known family.
    TypeError
        If a candidate is neither a family nor an estimator of a density.

    Notes
    -----
    Two regressions of which one lies inside the other are compared by the likelihood-ratio test,
    others by Vuong's.

    Likelihoods can be compared if they are of the same kind: densities per unit of X, or
    probabilities. Where both kinds are given, that of the first candidate counts, and the others
    are rows that failed. Goodness of fit is the Anderson-Darling statistic of densities and
    Pearson's chi-square per degree of freedom of counts, of several columns the largest.

    Examples
    --------
    >>> import numpy as np
    >>> import natfit
    >>> waits = np.random.default_rng(0).gamma(2.0, 3.0, 500)
    >>> table = natfit.compare(waits, ["gamma", "exponential", "lognormal"])
    >>> [row["name"] for row in table.table]
    ['gamma', 'lognormal', 'exponential']
    >>> round(float(table.best_.params_["shape"][0]), 2)
    1.97
    """
    check_option(criterion, "criterion", tuple(CRITERIA))
    n_jobs = check_jobs(n_jobs)
    source = source_of(X=X, y=y, sample_weight=sample_weight, offset=offset, exposure=exposure)
    ratios: Callable[..., Any] = partial(_ratios_of_rows, sample_weight)
    if source is not None:
        ratios = partial(_ratios_in_pieces, source)
    if y is not None or (source is not None and source.head().y is not None):
        from natfit.estimators.regression import _comparing as regressions

        if goodness_of_fit is not None:
            raise ValueError(
                "goodness_of_fit is for densities, got it beside y; look at quantile_residuals of "
                "the fits in models"
            )
        given = regressions.Given(X, y, sample_weight, offset, exposure)
        models = _models(candidates, regressions.regressor)
        parts = partial(regressions.fitted, given=given), partial(regressions.describe, given=given)
        found = _all_tried(models, *parts, n_jobs)
        nested = partial(regressions.ratio_of, moved=offset is not None)
        return _compared(found, criterion, ratios, nested)
    if not (offset is None and exposure is None):
        raise ValueError("offset and exposure are for regressions, got them without y; pass y too")
    if isinstance(X, str | Distribution | DensityEstimator):
        raise TypeError(
            "natfit.compare takes the rows first: write natfit.compare(X, candidates), got "
            f"{_name(X)} for X"
        )
    if goodness_of_fit is not None:
        check_number(goodness_of_fit, "goodness_of_fit", low=1, integer=True, hint="999")
    models = _models(candidates, _model)
    X = _table(X, sample_weight, models.values())
    fit = partial(_fitted, X=X, weight=sample_weight)
    describe = partial(_describe, X=X, weight=sample_weight, n_resamples=goodness_of_fit)
    return _compared(_all_tried(models, fit, describe, n_jobs), criterion, ratios)


def _all_tried(
    models: dict[str, Any], fit: Callable, describe: Callable, n_jobs: int | None
) -> list[Candidate]:
    """Return the rows of all candidates, in the order given."""
    if n_jobs in (None, 1):
        return [_tried(name, model, fit, describe) for name, model in models.items()]
    from joblib import Parallel, delayed

    jobs = [delayed(_tried)(name, model, fit, describe) for name, model in models.items()]
    return list(Parallel(n_jobs=n_jobs)(jobs))


def _compared(
    found: list[Candidate], criterion: str, ratios: Callable, nested: Callable | None = None
) -> Comparison:
    """Return the table of candidates, the best first; regressions are tested by ``nested`` too."""
    counts = _of_one_kind(found)
    order = ranked(found, criterion)
    if nested is not None:
        _ratios_against(order[0], order, nested)
    _test_against(order[0], order, criterion, ratios)
    for candidate in order:
        # A comparison keeps nothing of the size of the rows.
        candidate.log_density = None
    statistic = "X2/df" if counts else "A2"
    return Comparison(order, criterion, statistic if nested is None else "")


def _models(candidates: Any, model_of: Callable[[Any], Any]) -> dict[str, Any]:
    """Return the estimators to fit by the names of the rows, in the order given."""
    if isinstance(candidates, Mapping):
        return {str(name): model_of(spec) for name, spec in candidates.items()}
    single = isinstance(candidates, str | Distribution | NaturalEstimator)
    specs: list[Any] = []
    for spec in [candidates] if single else _listed(candidates):
        if isinstance(spec, str) and spec in GROUPS:
            specs += available(Distribution, spec)
        else:
            specs.append(spec)
    if not specs:
        raise ValueError(
            "candidates must hold at least one family, got none; pass names such as "
            "['gamma', 'weibull'], or 'positive'"
        )
    models: dict[str, Any] = {}
    for spec in specs:
        model, name = model_of(spec), _name(spec)
        again = 2
        while name in models:
            name, again = f"{_name(spec)} ({again})", again + 1
        models[name] = model
    return models


def _listed(candidates: Any) -> Sequence[Any]:
    if isinstance(candidates, Iterable) and not isinstance(candidates, type):
        return list(candidates)
    return [candidates]


def _model(spec: Any) -> Any:
    """Return an estimator, not fitted, of what was given as a candidate."""
    if isinstance(spec, DensityEstimator):
        return clone(spec)
    family = isinstance(spec, type) and issubclass(spec, Distribution)
    if family or isinstance(spec, str | Distribution):
        return NaturalMLE(resolve(spec, Distribution))
    got = f"the class {spec.__name__}" if isinstance(spec, type) else type(spec).__name__
    if isinstance(spec, NaturalEstimator):
        raise TypeError(
            f"candidates that are regressions, such as {type(spec).__name__}, need what they "
            "explain; pass y="
        )
    raise TypeError(
        f"candidates must be names, distributions or estimators of densities, got {got}; pass a "
        "list such as ['gamma', NaturalMLE('weibull')], or one of the words "
        f"{', '.join(map(repr, GROUPS))}"
    )


def _name(spec: Any) -> str:
    """Return what a candidate is called in the table, as short as it can be written."""
    if isinstance(spec, str):
        return spec
    if isinstance(spec, NaturalEstimator):
        spec = clone(spec)
        own = spec.get_params(deep=False).get("distribution")
        if own is not None and repr(type(spec)(own)) == repr(spec):
            return _name(own)
    if isinstance(spec, type):
        return spec.__name__
    values, said, in_order = spec.get_params(deep=False), [], True
    # In the order of the constructor; of one without arguments the signature is not its own.
    for name, parameter in inspect.signature(type(spec)).parameters.items():
        if name not in values:
            continue
        value = values[name]
        if same(value, parameter.default):
            in_order = False
            continue
        in_order = in_order and parameter.kind is not parameter.KEYWORD_ONLY
        words = _name(value) if isinstance(value, Distribution) else repr(value)
        said.append(words if in_order else f"{name}={words}")
    return " ".join(f"{type(spec).__name__}({', '.join(said)})".split())


def _table(X: Any, sample_weight: Any, models: Iterable[Any]) -> Any:
    """Return the rows as fits take them; ValueError if no fit could use them, or the weights."""
    refuse_other_order(X, sample_weight, "sample_weight")
    if Censored.of(X) is None:
        if is_vector(X):
            X = one_column(X)
        else:
            refuse_ragged(X, "X")
    dropped = any(model.missing == "drop" for model in models)
    probe = NaturalMLE(missing="drop" if dropped else "error")
    data = probe._read(X, sample_weight)
    if data.seen_as is None and not isinstance(data, InPieces):
        refuse_not_finite(data.values, probe._names)
    return X


def _tried(name: str, model: Any, fit: Callable, describe: Callable) -> Candidate:
    """Return the row of one candidate; whatever its fit raises becomes the reason."""
    out = Candidate(name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        try:
            fit(model)
            out.seconds = time.perf_counter() - start
            describe(out, model)
        except Exception as error:
            # A candidate may be anyone's code: what it raises is a fact about this candidate.
            out.seconds = time.perf_counter() - start
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            out.mark, out.note = "failed", f"{kind}{error}"
    known = [w for w in caught if not issubclass(w.category, ConvergenceWarning)]
    out.said = tuple(dict.fromkeys(str(w.message) for w in known))
    return out


def _fitted(model: Any, X: Any, weight: Any) -> None:
    model.fit(X, sample_weight=weight)


def _describe(out: Candidate, model: Any, X: Any, weight: Any, n_resamples: int | None) -> None:
    """Fill in the numbers of a fit."""
    out.numbers = {
        **numbers(model),
        "tic": _or_none(model.tic, X, weight),
        "fit": _or_none(misfit, model, X, weight),
    }
    refuse_infinite(model)
    source = source_of(X=X, sample_weight=weight)
    out.log_density = None if source is not None else model.score_samples(X)
    out.atoms_hit = _atoms_hit(model, X, source)
    out.mark, out.note = marked(model)
    if n_resamples is not None:
        out.numbers["fit_p"] = _or_none(_p_of_fit, model, X, weight, n_resamples)
    out.model = model


def numbers(model: Any) -> dict[str, Any]:
    """Return the log-likelihood of a fit, and the criteria that follow from it."""
    loglik, k, n = model.loglik_, model.n_parameters_, model.n_obs_
    return {
        "n_obs": n,
        "loglik": loglik,
        "n_parameters": k,
        "aic": criteria.aic(loglik, k),
        "aicc": criteria.aicc(loglik, k, n),
        "bic": criteria.bic(loglik, k, n),
    }


def refuse_infinite(model: Any) -> None:
    """Raise ValueError for a fit whose log-likelihood is not finite."""
    if not np.isfinite(model.loglik_):
        raise ValueError(f"the log-likelihood of the fit is {model.loglik_}; {model.message_}")


def _atoms_hit(model: Any, X: Any, source: Source | None) -> bool:
    """Tell whether exact rows are values to which the family gives a probability of their own."""
    finite = [a for a in model.distribution_.atoms if np.isfinite(a)]
    if not finite:
        return False
    if source is not None:
        return bool(source.total(partial(_hits_in_piece, finite)))
    return _hits(finite, X)


def _hits_in_piece(finite: list[float], index: int, given: Given | None) -> int:
    return 0 if given is None else int(_hits(finite, given.X))


def _hits(finite: list[float], X: Any) -> bool:
    """Tell whether an exact row is one of some values."""
    censored = Censored.of(X)
    if censored is None:
        return bool(np.isin(np.asarray(X, dtype=np.float64), finite).any())
    exact = censored.lower == censored.upper
    return bool((exact & np.isin(censored.lower, finite)).any())


def _or_none(function: Callable, *arguments: Any) -> float | None:
    """Return a number, or None where this fit has none."""
    try:
        return function(*arguments)
    except ValueError:
        return None


def _p_of_fit(model: Any, X: Any, weight: Any, n_resamples: int) -> float:
    """Return the p-value of the goodness of fit; of D columns, D times the smallest."""
    found = model.goodness_of_fit(X, sample_weight=weight, n_resamples=n_resamples)
    each = [one.pvalue for one in (found if isinstance(found, list) else [found])]
    return min(1.0, len(each) * min(each))


#: What the likelihood of a fit is of: in the units of one kind another has no meaning.
_DENSITY, _MIXED = "a density per unit of X", "a density beside values with a probability"
_PROBABILITY = "a probability"


def _kind(candidate: Candidate) -> str:
    """Return what the likelihood of a fit is of, in words."""
    family = candidate.model.distribution_
    if family.support is not None and family.support.integer:
        return _PROBABILITY
    return _MIXED if candidate.atoms_hit else _DENSITY


def _of_one_kind(found: list[Candidate]) -> bool:
    """Make rows of another kind than the first failures, and tell whether the kind is counts."""
    # A change of unit moves the log-likelihoods of the kinds by different amounts.
    kind: str | None = None
    for candidate in found:
        if candidate.model is None:
            continue
        own = _kind(candidate)
        kind = own if kind is None else kind
        if own != kind:
            candidate.mark, candidate.model = "failed", None
            candidate.note = (
                f"its likelihood is {own}, which cannot be compared with that of the others, "
                f"{kind}; compare the two kinds apart"
            )
            candidate.numbers = {}
    return kind == _PROBABILITY


def _ratios_against(best: Candidate, others: list[Candidate], nested: Callable) -> None:
    """Add the likelihood-ratio test of each fit that holds the best one or lies inside it."""
    for candidate in others:
        if candidate is best or candidate.model is None or best.model is None:
            continue
        found = nested(best.model, candidate.model)
        if found is not None:
            candidate.numbers |= {"lr": found.statistic, "lr_df": found.df, "lr_p": found.pvalue}
            candidate.remarks = found.notes


def _test_against(
    best: Candidate, others: list[Candidate], criterion: str, ratios: Callable
) -> None:
    """Add Vuong's test of each fit against the best one, corrected like the criterion."""
    if best.model is None:
        return
    correction = "bic" if criterion == "bic" else "aic"
    for candidate in others:
        if candidate is best or candidate.model is None or "lr" in candidate.numbers:
            continue
        found: Ratios | None = ratios(candidate, best)
        k = candidate.numbers["n_parameters"], best.numbers["n_parameters"]
        if found is not None and found.same_pvalue(*k) < LEVEL:
            outcome = outcome_of(found, *k, correction)
            candidate.numbers["vuong_z"] = outcome.statistic
            candidate.numbers["vuong_p"] = outcome.pvalue


def _ratios_of_rows(sample_weight: Any, one: Candidate, other: Candidate) -> Ratios | None:
    """Return the ratios of the densities of rows that are here; None if one is not finite."""
    pair = np.array([one.log_density, other.log_density])
    if sample_weight is None:
        return Ratios.of(pair[0], pair[1]) if np.isfinite(pair).all() else None
    weight = np.asarray(sample_weight, dtype=np.float64)
    if len(weight) != pair.shape[1]:
        return None
    pair, weight = pair[:, weight > 0], weight[weight > 0]
    return Ratios.of(pair[0], pair[1], weight) if np.isfinite(pair).all() else None


def _ratios_in_pieces(source: Source, one: Candidate, other: Candidate) -> Ratios | None:
    """Return the ratios of the densities of rows in pieces, by a pass."""
    models = reader_of(one.model), reader_of(other.model)
    found = source.total(partial(_ratios_of_piece, models))
    return None if found is None or not np.isfinite(found.total) else Ratios.joined(found)


def _ratios_of_piece(models: tuple, index: int, given: Given | None) -> RatioSums | None:
    if given is None or not length_of(given):
        return None
    args = {k: v for k, v in vars(given).items() if v is not None and k != "sample_weight"}
    first, second = (model.score_samples(**args) for model in models)
    weight = given.sample_weight
    if weight is not None:
        weight = np.asarray(weight, dtype=np.float64).ravel()
        first, second, weight = (a[weight > 0] for a in (first, second, weight))
    return RatioSums.of(first, second, weight) if len(first) else None
