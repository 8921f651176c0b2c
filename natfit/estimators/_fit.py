"""``natfit.fit``, which fits a distribution in one call."""

from __future__ import annotations

from typing import Any

from natfit._numbers import is_vector, one_column, refuse_other_order, refuse_ragged
from natfit.distributions import Censored
from natfit.distributions.base import Distribution
from natfit.estimators._keywords import check_options
from natfit.estimators.base import KINDS
from natfit.estimators.mle import NaturalMLE


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
    kinds = str | Distribution
    if isinstance(x, kinds) and not isinstance(distribution, kinds):
        raise TypeError(f"natfit.fit takes the distribution first: write natfit.fit({x!r}, x)")
    said = {"distribution": distribution, **options}
    check_options(NaturalMLE.__init__, said, "natfit.fit", KINDS, ("sample_weight", "x"))
    refuse_other_order(x, sample_weight, "sample_weight")
    if Censored.of(x) is None:
        if is_vector(x):
            x = one_column(x)
        else:
            refuse_ragged(x, "x")
    return NaturalMLE(distribution, **options).fit(x, sample_weight=sample_weight)
