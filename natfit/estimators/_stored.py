"""Fitted estimators and frozen distributions as JSON, and back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from natfit._stored import FORMAT, decode, encode, heading, only
from natfit._validation import answers_keywords
from natfit.coordinates import Coordinates
from natfit.distributions.base import Distribution
from natfit.distributions.contract.frozen import Frozen
from natfit.inference import Information
from natfit.iterate import Status
from natfit.iterate.trial import Trial, Why
from natfit.optimize import History

#: Fitted attributes that are numbers, strings, arrays and components.
_PLAIN = (
    *("distribution_", "params_", "theta_", "n_obs_", "n_iter_", "loglik_", "message_"),
    *("metric_", "solver_", "step_", "damping_", "information_kind_", "n_features_in_"),
    *("_eta", "_at_bound"),
)

#: Estimators that have a module of their own for this.
_REGRESSIONS = ("NaturalRegressor", "NaturalClassifier")

#: The fields of an information, of a history and of a trial.
_INFORMATION = ("matrix", "kind", "known", "prior", "complete", "exact", "regular", "left")
_HISTORY = {"columns", "theta", "notes", "reasons", "trials"}

#: The keys of a stored estimator.
_KEYS = {
    *("natfit", "format", "type", "options", "fitted", "information", "statuses", "history"),
    *("coordinates", "names"),
}


def to_json(estimator: Any) -> str:
    """Return a fitted estimator as JSON: its options, family, parameters, information and history.

    Parameters
    ----------
    estimator : NaturalMLE or NaturalGaussianMLE
        Fitted.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If an option or the family cannot be stored, such as a function.
    """
    options = estimator.get_params(deep=False)
    names = getattr(estimator, "feature_names_in_", None)
    stored = {
        **heading(type(estimator).__name__),
        "options": {k: encode(v, k) for k, v in options.items()},
        "fitted": {k: encode(getattr(estimator, k), k) for k in _PLAIN},
        "information": [information_stored(info) for info in estimator._information],
        "statuses": [str(status) for status in (estimator.status_, *estimator.statuses_)],
        "history": history_stored(estimator.history_),
        "coordinates": [_coordinates(c) for c in estimator.coordinates_],
        "names": None if names is None else encode(names, "feature_names_in_"),
    }
    return json.dumps(stored, allow_nan=False)


def information_stored(info: Information) -> dict[str, Any]:
    """Return an information in terms of JSON."""
    return {k: encode(getattr(info, k), k) for k in _INFORMATION}


def information_read(stored: Any) -> Information:
    """Return the information that :func:`information_stored` has written."""
    only(stored, set(_INFORMATION), "information")
    return Information(**{k: decode(v) for k, v in stored.items()})


def history_stored(history: History) -> dict[str, Any]:
    """Return a history in terms of JSON."""
    return {
        "columns": encode(history._columns, "history_"),
        "theta": encode(history.theta, "history_"),
        "notes": list(history.notes),
        "reasons": encode(history._why, "history_"),
        "trials": [
            [encode(v, "history_") for v in (t.length, t.value, t.divergence, str(t.why))]
            for t in history.trials
        ],
    }


def _coordinates(found: Coordinates) -> dict[str, Any]:
    """Return coordinates with the family and the start that they are bound to."""
    return {
        "kind": encode(found, "coordinates"),
        "family": encode(found.family, "distribution_"),
        "origin": encode(found.origin, "coordinates"),
    }


#: What to do with a file.
_READ = "of a file read it first: natfit.from_json(Path('fit.json').read_text())"


@answers_keywords
def from_json(text: str) -> Any:
    """Return what ``to_json`` has written: a fitted estimator or a frozen distribution.

    Nothing in the text is evaluated: components are made by their names in natfit's registry, and
    numbers come back bit for bit.

    Parameters
    ----------
    text : str
        JSON.

    Returns
    -------
    NaturalMLE, NaturalGaussianMLE, NaturalRegressor, NaturalClassifier or Frozen

    Raises
    ------
    ValueError
        If the text is no JSON of natfit, is of another format, or names what natfit does not have.
    TypeError
        If ``text`` is no string.

    Examples
    --------
    >>> import natfit
    >>> frozen = natfit.fit("exponential", [1.0, 2.0, 3.0]).frozen_
    >>> natfit.from_json(frozen.to_json()).ppf(0.5) == frozen.ppf(0.5)
    True
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be a string of JSON, got {type(text).__name__}; {_READ}")
    try:
        stored = json.loads(text)
    except ValueError as error:
        raise ValueError(f"text must be JSON as to_json writes it: {error}; {_READ}") from None
    if not isinstance(stored, dict) or "natfit" not in stored or "type" not in stored:
        raise ValueError("text must be JSON as to_json writes it, with the keys natfit and type")
    if stored.get("format") != FORMAT:
        raise ValueError(
            f"format must be {FORMAT}, got {stored.get('format')!r}, written by natfit "
            f"{stored['natfit']}; read it with that version"
        )
    try:
        return _frozen(stored) if stored["type"] == "Frozen" else _estimator(stored)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError(f"text must be JSON as to_json writes it: {error}") from None


def _frozen(stored: dict) -> Frozen:
    only(stored, {"natfit", "format", "type", "family", "eta", "by"}, "a frozen distribution")
    family, eta = decode(stored["family"]), decode(stored["eta"])
    if not isinstance(family, Distribution) or stored["by"] not in ("column", "row"):
        raise ValueError("family must be a distribution, and by 'column' or 'row'")
    if np.ndim(eta) != 2 or np.shape(eta)[1] != family.n_params:
        raise ValueError(f"eta must have {family.n_params} columns, got {np.shape(eta)}")
    return Frozen(family, eta, stored["by"])


def _estimator(stored: dict) -> Any:
    from natfit.estimators.gaussian import NaturalGaussianMLE
    from natfit.estimators.mle import NaturalMLE

    if stored["type"] in _REGRESSIONS:
        # Densities are read without the modules of regressions.
        from natfit.estimators.regression._stored import from_stored

        return from_stored(stored)
    kinds = {c.__name__: c for c in (NaturalMLE, NaturalGaussianMLE)}
    if stored["type"] not in kinds:
        raise ValueError(
            f"type must be Frozen or one of {[*kinds, *_REGRESSIONS]}, got {stored['type']!r}"
        )
    only(stored, _KEYS, "a fitted estimator")
    cls = kinds[stored["type"]]
    only(stored["options"], set(cls().get_params(deep=False)), "options")
    only(stored["fitted"], set(_PLAIN), "fitted")
    found = cls(**{k: decode(v) for k, v in stored["options"].items()})
    for name, value in stored["fitted"].items():
        setattr(found, name, decode(value))
    _check_types(found)
    found._information = [information_read(info) for info in stored["information"]]
    found.status_, *found.statuses_ = (Status(status) for status in stored["statuses"])
    found.history_ = history_read(stored["history"])
    bound = [only(c, {"kind", "family", "origin"}, "coordinates") for c in stored["coordinates"]]
    found.coordinates_ = [
        decode(c["kind"]).bind(decode(c["family"]), decode(c["origin"])) for c in bound
    ]
    if stored["names"] is not None:
        found.feature_names_in_ = decode(stored["names"])
    return found


def _check_types(found: Any) -> None:
    """Raise ValueError where a stored value cannot be what its name says."""
    family, eta = found.distribution_, found._eta
    if not isinstance(family, Distribution):
        raise ValueError(f"distribution_ must be a distribution, got {type(family).__name__}")
    if not (isinstance(eta, np.ndarray) and eta.ndim == 2 and eta.shape[1] == family.n_params):
        raise ValueError(f"_eta must be an array with {family.n_params} columns")
    numbers = ("n_obs_", "loglik_", "n_iter_", "n_features_in_")
    wrong = [n for n in numbers if not isinstance(getattr(found, n), int | float)]
    wrong += [n for n in ("theta_",) if not isinstance(getattr(found, n), np.ndarray)]
    wrong += [n for n in ("params_",) if not isinstance(getattr(found, n), dict)]
    wrong += [n for n in ("message_",) if not isinstance(getattr(found, n), str)]
    if wrong:
        raise ValueError(f"{wrong[0]} must have the type that to_json writes, got another")


def history_read(stored: dict) -> History:
    """Return the history that :func:`history_stored` has written."""
    only(stored, _HISTORY, "history")
    trials = tuple(
        Trial(decode(length), decode(value), decode(divergence), Why(why))
        for length, value, divergence, why in stored["trials"]
    )
    columns, theta = decode(stored["columns"]), decode(stored["theta"])
    return History(columns, theta, stored["notes"], decode(stored["reasons"]), trials)
