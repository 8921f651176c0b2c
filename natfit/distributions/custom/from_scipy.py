"""Distributions of scipy.stats that the package has no file for: ``from_scipy``."""

from __future__ import annotations

from typing import Any

from natfit._validation import check_bool
from natfit.distributions.custom._scipy_distribution import ScipyDistribution

__all__ = ["ScipyDistribution", "from_scipy"]


def from_scipy(
    dist: Any, *, loc: bool = False, scale: bool = False, **fixed: float
) -> ScipyDistribution:
    """Make a distribution of one of ``scipy.stats``, continuous or discrete.

    For those with a file of their own (see ``natfit.distributions``) that file is faster and
    more accurate: here scores and observed information are fourth-order differences of scipy's
    log-density (relative errors of 1e-9 and 1e-7), and each costs 4 K and 4 K^2 evaluations.

    Parameters
    ----------
    dist : rv_continuous or rv_discrete
        Such as ``scipy.stats.nakagami``; not frozen. Its shapes are the parameters, constrained
        to the domains that scipy states.
    loc, scale : bool
        Whether location and scale are parameters too; else they are 0 and 1. Continuous
        distributions alone.
    **fixed : float
        Shapes that are not estimated, by name. Whole-numbered shapes must be, as ``n=10`` for
        ``scipy.stats.betabinom``.

    Returns
    -------
    ScipyDistribution

    Raises
    ------
    TypeError
        If dist is no distribution of scipy, or is frozen.
    ValueError
        If a name in ``fixed`` is no shape, its value is outside the shape's domain, a
        whole-numbered shape is not fixed, no parameter is left, or a discrete distribution is
        to have a location or scale.

    Notes
    -----
    The Fisher information is computed by quadrature or enumeration where the support is the same
    for all parameters; else by draws. Where it moves with them (``loc=True`` on a half-line), the
    likelihood may have no maximum: that of a shape below one grows without bound as loc tends to
    the smallest row.

    Examples
    --------
    >>> from scipy import stats
    >>> from natfit.distributions import from_scipy
    >>> list(from_scipy(stats.nakagami, scale=True).params)
    ['nu', 'scale']
    >>> list(from_scipy(stats.betabinom, n=10).params)
    ['a', 'b']
    """
    from scipy import stats

    if not isinstance(dist, stats.rv_continuous | stats.rv_discrete):
        raise TypeError(
            f"dist must be a distribution of scipy.stats such as scipy.stats.nakagami, not frozen, "
            f"got {dist!r}; for a function of your own use from_log_prob"
        )
    check_bool(loc, "loc")
    check_bool(scale, "scale")
    if (loc or scale) and isinstance(dist, stats.rv_discrete):
        raise ValueError(
            f"loc and scale must be False for the discrete {dist.name}: whole numbers have no "
            "scale, and the log-probability no derivative in a location"
        )
    own = getattr(stats, dist.name or "", None) is dist
    family = ScipyDistribution(dist.name if own else dist, loc, scale, dict(fixed))
    family._check()
    return family
