"""The likelihood-ratio test of a model inside a larger one, nats of log-likelihood in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from natfit.inference import chi_bar
from natfit.inference.outcome import Outcome

#: Relative rounding of log-likelihoods, and the distance of fits from their maxima.
_ROUNDING = 1e-7


def likelihood_ratio(
    larger: float,
    smaller: float,
    df: int,
    null: str,
    shares: Sequence[float] | np.ndarray = (1.0,),
    notes: Sequence[str] = (),
) -> Outcome:
    """Return the likelihood-ratio test ``2 (l1 - l0)`` of a model inside a larger one.

    Under the hypothesis it is a chi-square with df degrees of freedom (Wilks 1938, Annals of
    Mathematical Statistics 9:60); where m parameters are at the ends of their ranges, a mixture of
    chi-squares (:mod:`natfit.inference.chi_bar`).

    Parameters
    ----------
    larger, smaller : float
        The maximised log-likelihoods l1 and l0 of the same data, nats.
    df : int
        The difference of the numbers of estimated parameters.
    null : str
        The hypothesis in words.
    shares : sequence of float
        The weights of the mixture; one of them is the chi-square itself.
    notes : sequence of str
        What is to be said besides.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the smaller model is more likely by more than rounding.
    """
    statistic = 2.0 * (larger - smaller)
    slack = _ROUNDING * max(1.0, abs(larger))
    if not statistic >= -slack:
        raise ValueError(
            "the larger model must be at least as likely as the one inside it, got "
            f"log-likelihoods {larger:.10g} and {smaller:.10g}: it does not hold the smaller "
            "one, or its fit is not at the maximum; fit it again with a smaller tol, or with "
            "start_params of a density at the estimate of the smaller one"
        )
    statistic = 0.0 if statistic <= chi_bar.ZERO else float(statistic)
    pvalue = chi_bar.upper_tail(statistic, df, shares)
    said = chi_bar.words(df, shares)
    return Outcome("likelihood-ratio test", statistic, pvalue, float(df), null, said, tuple(notes))


def joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Return the weights of the sum of independent statistics, from those of each."""
    out = np.array([1.0])
    for own in columns:
        out = np.convolve(out, own)
    return out
