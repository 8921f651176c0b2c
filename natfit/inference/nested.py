"""How a family lies inside a larger one, for likelihood-ratio tests of two fits."""

from __future__ import annotations

from dataclasses import dataclass

from natfit._component import same
from natfit.distributions.base import Distribution
from natfit.distributions.wrappers.base import Extended, Restricted

#: Parameters of the larger family (by file) that are at an end of their range in a smaller one.
_AT_AN_END: dict[str, dict[str, tuple[str, ...]]] = {
    "student_t": {"normal": ("df",)},
    "multivariate_t": {"multivariate_normal": ("df",)},
    "negative_binomial": {"poisson": ("n",)},
    "poisson_inverse_gaussian": {"poisson": ("n",)},
    "generalized_poisson": {"poisson": ("dispersion",)},
    "beta_binomial": {"binomial": ("concentration",)},
    "dirichlet_multinomial": {"multinomial": ("concentration",)},
    "lomax": {"exponential": ("shape",)},
    "gompertz": {"exponential": ("shape",)},
    "rice": {"rayleigh": ("shape",)},
    "burr12": {"weibull": ("shape",)},
    "conway_maxwell_poisson": {"geometric": ("nu",)},
    "exponentially_modified_normal": {"normal": ("shape",)},
}

#: Smaller families that lie inside a larger one, away from the ends of its ranges.
_INSIDE: dict[str, tuple[str, ...]] = {
    "gev": ("gumbel",),
    "generalized_pareto": ("exponential",),
    "gamma": ("exponential", "chi2"),
    "gamma_mean": ("exponential",),
    "weibull": ("exponential", "rayleigh"),
    "generalized_gamma": ("gamma", "weibull", "lognormal", "exponential", "rayleigh"),
    "exponentiated_weibull": ("weibull", "exponential", "rayleigh"),
    "nakagami": ("half_normal", "rayleigh"),
    "burr12": ("log_logistic", "lomax"),
    "dagum": ("log_logistic",),
    "skew_normal": ("normal",),
    "pearson3": ("normal",),
    "log_pearson3": ("lognormal",),
    "negative_binomial": ("geometric",),
    "conway_maxwell_poisson": ("poisson",),
}


#: Families with one parameter more, which is at an end of its range where they are the family
#: inside. The others, of a place, a unit or a hurdle, are that family away from all ends.
_SHARES = ("zero_inflated", "cure_fraction", "zero_adjusted")


@dataclass(frozen=True)
class Nesting:
    """How a smaller family lies in a larger one.

    Attributes
    ----------
    known : bool
        Whether it is known that it does.
    bounded : tuple of str
        Parameters of the larger family that are at an end of their range in the smaller one.
    """

    known: bool
    bounded: tuple[str, ...] = ()


def nesting(larger: Distribution, smaller: Distribution) -> Nesting:
    """Return how the second family lies in the first.

    Parameters
    ----------
    larger, smaller : Distribution
        The families of two fits.

    Returns
    -------
    Nesting

    Raises
    ------
    ValueError
        If the test has no known distribution (mixtures with different numbers of components), or
        the families are in different windows.
    """
    _refuse_mixtures(larger, smaller)
    of, name = _name(larger), _name(smaller)
    refuse_windows(larger, smaller)
    if isinstance(larger, Restricted) and isinstance(smaller, Restricted) and of == name:
        return nesting(larger.inner, smaller.inner)
    if of == name:
        inside = isinstance(larger, Extended) and isinstance(smaller, Extended)
        return nesting(larger.inner, smaller.inner) if inside else Nesting(True)
    if isinstance(larger, Extended):
        inner = nesting(larger.inner, smaller)
        own = tuple(larger.own_params) if of in _SHARES else ()
        return Nesting(inner.known, (*own, *inner.bounded))
    if name in _AT_AN_END.get(of, {}):
        return Nesting(True, _AT_AN_END[of][name])
    return Nesting(name in _INSIDE.get(of, ()))


def refuse_windows(larger: Distribution, smaller: Distribution) -> None:
    """Raise ValueError for families in different windows, whose likelihoods are of other rows.

    Parameters
    ----------
    larger, smaller : Distribution
        The families of two fits.

    Raises
    ------
    ValueError
        If one has another window.
    """
    from natfit.distributions.wrappers.truncated import Truncated

    windows = [
        (f.low, f.high) if isinstance(f, Truncated) else (None, None) for f in (larger, smaller)
    ]
    if not same(*windows):
        raise ValueError(
            f"null must be fitted in the same window, got truncation {windows[1]} beside "
            f"{windows[0]}: the likelihoods are conditional on it; fit both with one truncation"
        )


def _refuse_mixtures(larger: Distribution, smaller: Distribution) -> None:
    """Raise ValueError for a mixture beside a family that has another number of components."""
    counts = [len(getattr(f, "parts", (f,))) for f in (larger, smaller)]
    if max(counts) > 1 and counts[0] != counts[1]:
        raise ValueError(
            f"null must have as many components as the mixture, got {counts[1]} and {counts[0]}: "
            "with fewer components the parameters of the others are not identified, and the "
            "likelihood ratio is no chi-square (McLachlan & Peel 2000, Finite Mixture Models, "
            "section 6.4); compare bic(), or write natfit.compare(..., criterion='bic')"
        )


def title(family: Distribution) -> str:
    """Return the name of a family in messages: that inside windows and limits.

    Parameters
    ----------
    family : Distribution
        The family.

    Returns
    -------
    str
    """
    while isinstance(family, Restricted):
        family = family.inner
    return type(family).__name__


def _name(family: Distribution) -> str:
    """Return the name under which a family is registered: that of its file."""
    return type(family).__module__.rsplit(".", 1)[-1]
