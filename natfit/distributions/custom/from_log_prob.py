"""Distributions from a user's log-density: ``from_log_prob``."""

from __future__ import annotations

from collections.abc import Callable

from natfit._validation import check_option
from natfit.bijectors import Bijector
from natfit.distributions.contract.declared import Role
from natfit.distributions.contract.support import BY_NAME, Support
from natfit.distributions.custom._distribution import CustomDistribution, takes_names

__all__ = ["CustomDistribution", "from_log_prob"]


def from_log_prob(
    log_prob: Callable,
    params: dict[str, Bijector],
    *,
    sample: Callable | None = None,
    fisher: Callable | None = None,
    initial: Callable | None = None,
    support: str | Support | None = None,
    event_ndim: int = 0,
    name: str | None = None,
    roles: dict[str, Role | str] | None = None,
) -> CustomDistribution:
    r"""Make a distribution from a function that computes log p(y).

    Score and observed information are derived by autograd, hence ``log_prob`` is written in
    ``autograd.numpy`` and ``autograd.scipy``. To pickle a fit, pass functions defined in a
    module, not lambdas.

    Parameters
    ----------
    log_prob : callable
        ``log_prob(y, **native) -> (n,)`` nats for rows y (n,) or (n, D). A native value has the
        shape (n, \*shape), or (1, \*shape) where all rows share it. The values are passed by
        name if the function has parameters of these names, else by position.
    params : dict
        Parameter name to constraint: ``{"rate": Positive()}``.
    sample : callable, optional
        ``sample(rng, n, **native) -> (n,)`` draws, or (n, D).
    fisher : callable, optional
        ``fisher(**native) -> (K, K)``, the Fisher information of one row **in the native
        parameters**, in the order of ``params``, each passed without the axis of rows. It is
        carried over to eta by the chain rule.
    initial : callable, optional
        ``initial(y, weight) -> dict`` of native values to start from; weight is (n,) or None.
        Without it the start is the best of a few guesses by the parameters' roles.
    support : str or Support, optional
        Where y may lie: "real", "positive", "non_negative", "counts", "binary", "unit" or an
        object. With it, expectations of a univariate family are computed by quadrature or
        enumeration; without, they need ``fisher`` or ``sample``.
    event_ndim : {0, 1}
        0 for one number a row, 1 for a vector (D,) a row.
    name : str, optional
        What messages call it; default the name of ``log_prob``.
    roles : dict, optional
        Parameter name to what it is: "location", "scale", "rate", "covariance", "power", "mean",
        "share", "shape", or a ``natfit.distributions.Role``. Starts, quadrature and mixtures
        use them. Without it ``loc`` and ``location`` are locations, ``mean`` and ``mu`` means,
        ``scale``, ``sigma``, ``sd`` and ``std`` scales, ``rate`` and ``rates`` rates, and any
        other name is a shape.

    Returns
    -------
    CustomDistribution

    Raises
    ------
    ValueError
        If an argument breaks its rule, or ``log_prob`` takes other parameters than ``params``.
    TypeError
        If one that must be a function is not callable.

    Examples
    --------
    >>> import autograd.numpy as np
    >>> from natfit.distributions import Positive, from_log_prob
    >>> def log_prob(y, rate):
    ...     return np.log(rate) - rate * y
    >>> family = from_log_prob(log_prob, {"rate": Positive()}, support="non_negative")
    >>> family.n_params
    1
    """
    if not isinstance(params, dict) or not params:
        raise ValueError(f'params must be a dict such as {{"rate": Positive()}}, got {params!r}')
    for key, constraint in params.items():
        if not isinstance(constraint, Bijector):
            raise ValueError(
                f"params[{key!r}] must be a constraint such as Real() or Positive(), "
                f"got {constraint!r}"
            )
    for key, value in {"sample": sample, "fisher": fisher, "initial": initial}.items():
        if value is not None and not callable(value):
            raise TypeError(f"{key} must be a function or None, got {value!r}")
    if not callable(log_prob):
        raise TypeError(f"log_prob must be a function, got {log_prob!r}")
    if isinstance(support, str):
        check_option(support, "support", tuple(BY_NAME))
    elif support is not None and not isinstance(support, Support):
        raise ValueError(f"support must be a name, a Support or None, got {support!r}")
    if event_ndim not in (0, 1):
        raise ValueError(f"event_ndim must be 0 or 1, got {event_ndim!r}")
    declared = None if roles is None else _checked_roles(roles, params)
    family = CustomDistribution(
        log_prob,
        params,
        sample,
        fisher,
        initial,
        support,
        event_ndim,
        name,
        declared_roles=declared,
    )
    takes_names(log_prob, "log_prob", 1, params)
    return family


def _checked_roles(roles: dict[str, Role | str], params: dict[str, Bijector]) -> dict[str, Role]:
    """The roles that a user declares, as such.

    Raises
    ------
    ValueError
        If a name is no parameter, or a value no role.
    """
    known = [role.value for role in Role]
    if not isinstance(roles, dict) or not set(roles) <= set(params):
        raise ValueError(f"roles must be a dict by parameter name ({list(params)}), got {roles!r}")
    for name, role in roles.items():
        if role not in known:
            raise ValueError(f"roles[{name!r}] must be one of {known}, got {role!r}")
    return {name: Role(role) for name, role in roles.items()}
