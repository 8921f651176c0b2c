"""``natfit.fit``, which fits a distribution in one call."""

from __future__ import annotations

from typing import Any

from natfit._numbers import is_vector, one_column, refuse_other_order, refuse_ragged
from natfit._validation import check_keywords
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.estimators.mle import NaturalMLE

#: Arguments of similar functions in other packages, and what to write here.
_ELSEWHERE = {
    **dict.fromkeys(
        ("event", "events", "event_observed", "censored", "censoring", "status"),
        "pass natfit.Censored.right(time, event) as x, or Censored.left for values below a limit",
    ),
    "entry": "pass truncation=(entry, None): each row was watched from its entry on",
    "loc": "pass fixed={'loc': value} for a known one, start_params={'loc': value} for a start; "
    "families without loc take it by natfit.distributions.Shifted(family)",
    **dict.fromkeys(
        ("scale", "shape"),
        "pass fixed={name: value} for a known parameter, start_params={name: value} for a start",
    ),
    "floc": "pass fixed={'loc': value}; families without loc take it by Shifted(family)",
    "fscale": "pass fixed={'scale': value}",
    **dict.fromkeys(
        ("n_init", "n_components"),
        "mixtures have it: pass natfit.distributions.Mixture(family, n, n_init=10) as the family",
    ),
    "y": "a density is fitted to x alone",
    **dict.fromkeys(("weights", "weight", "w", "freq"), "pass sample_weight="),
}


def fit(
    distribution: str | Distribution, x: Any, *, sample_weight: Any = None, **options: Any
) -> NaturalMLE:
    """Fit a distribution to a plain vector.

    Parameters
    ----------
    distribution : str or Distribution
        As in :class:`NaturalMLE`.
    x : array-like of shape (N,) or (N, D), Censored, or scipy.stats.CensoredData
        The data; a vector is one column. The name of a Series and those of the columns of a frame
        are kept. The methods of the fitted estimator take vectors, too.
    sample_weight : array-like of shape (N,), optional
        Repetitions of each row.
    **options
        Further arguments of :class:`NaturalMLE`.

    Returns
    -------
    NaturalMLE
        The fitted estimator.

    Raises
    ------
    TypeError
        If there is no such option; the message names the one that is meant.
    ValueError
        As :meth:`NaturalMLE.fit`.

    Examples
    --------
    >>> import natfit
    >>> round(float(natfit.fit("exponential", [1.0, 2.0, 3.0]).params_["rate"][0]), 6)
    0.5
    """
    for option in options:
        if option in _ELSEWHERE:
            raise TypeError(f"natfit.fit has no argument {option!r}; {_ELSEWHERE[option]}")
    kinds = str | Distribution
    if isinstance(x, kinds) and not isinstance(distribution, kinds):
        raise TypeError(f"natfit.fit takes the distribution first: write natfit.fit({x!r}, x)")
    more = ("sample_weight", "x")
    check_keywords(NaturalMLE.__init__, options, "natfit.fit", more)
    refuse_other_order(x, sample_weight, "sample_weight")
    if Censored.of(x) is None:
        if is_vector(x):
            x = one_column(x)
        else:
            refuse_ragged(x, "x")
    return NaturalMLE(distribution, **options).fit(x, sample_weight=sample_weight)
