"""Property checks of distributions: density, score, information and divergence.

Each check is called with a family and points eta (M, K); :func:`points` returns the default ones.
The oracles are ``scipy.integrate.quad``, an independent quadrature, finite differences and
``scipy.stats``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from scipy import integrate, stats

from natfit.numerics import autodiff
from natfit.rows import Memory
from natfit.testing._core import NotApplicable, close, gradient, refuses, require, run_checks
from natfit.testing._quadrature import rule
from natfit.testing.by_rows import ROW_CHECKS
from natfit.testing.data import DATA_CHECKS, points, some_rows
from natfit.testing.declared import DECLARED_CHECKS
from natfit.testing.entropy import ENTROPY_CHECKS
from natfit.testing.sums import SUM_CHECKS


def check_distribution(family: Any, etas: np.ndarray | None = None) -> dict[str, str]:
    """Run every check of :data:`DISTRIBUTION_CHECKS` on a distribution.

    Parameters
    ----------
    family : Distribution
        The family, bound to a dimension if it has one.
    etas : ndarray of shape (M, K), optional
        The points at which to check; a few moderate ones by default.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(DISTRIBUTION_CHECKS, family, points(family) if etas is None else etas)


# ------------------------------------------------------------------------------ the density


def density_normalises(family: Any, etas: np.ndarray) -> None:
    """The density integrates to one, by scipy's quad, a sum or a product rule."""
    for eta in etas:
        if family.event_shape == () and family.support is None:
            raise NotApplicable("no support is declared to integrate over")
        univariate = family.event_shape == () and not family.support.integer
        total = _quad(family, eta) if univariate else rule(family, eta).weight.sum()
        # The product rule misses 1e-8 in the tails of a bivariate Cauchy.
        close(f"total probability at eta = {eta}", total, 1.0, rtol=1e-6)


def _quad(family: Any, eta: np.ndarray) -> float:
    """Return the integral of the density, summed over pieces of the support."""
    low, high = (float(end[0]) for end in family.support_at(eta[None]))
    # An end that is finite but far away hides the rest from quad.
    far = (1e3, 1e6, 1e12) if np.isfinite(high) else ()
    cuts = [c for c in (-30.0, -3.0, 0.0, 1e-3, 0.1, 3.0, 30.0, *far) if low < c < high]

    def p(y: float) -> float:
        return float(np.exp(family.log_prob(np.array([y]), eta[None]))[0])

    edges = [low, *cuts, high]
    atoms = np.exp(family.log_prob(np.array(family.atoms), eta[None])).sum() if family.atoms else 0
    with warnings.catch_warnings():
        # quad warns of slow convergence at an integrable pole; the total is checked in any case.
        warnings.simplefilter("ignore", integrate.IntegrationWarning)
        return atoms + sum(
            integrate.quad(p, a, b, limit=200)[0]
            for a, b in zip(edges[:-1], edges[1:], strict=True)
        )


def log_prob_matches_scipy(family: Any, etas: np.ndarray) -> None:
    """log_prob equals the logpdf or logpmf of scipy.stats."""
    for eta in etas:
        try:
            frozen = family.counterpart(eta)
        except ValueError as error:
            raise NotApplicable(str(error)) from None
        y = some_rows(family, eta)
        log = frozen.logpmf if hasattr(frozen, "logpmf") else frozen.logpdf
        # Only scipy's Dirichlet takes rows as columns.
        want = log(y.T if isinstance(frozen, type(stats.dirichlet([1.0, 1.0]))) else y)
        close("log_prob against scipy", family.log_prob(y, eta[None]), want, rtol=1e-10)


def log_density_outside_support(family: Any, etas: np.ndarray) -> None:
    """Outside the support log_density is -inf, and check() refuses the rows."""
    support = family.support
    if support is None or (family.event_shape != () and not support.integer):
        raise NotApplicable("no univariate support is declared")
    inside = some_rows(family, etas[0])
    # Beyond the end of the last column: columns may have different ends.
    beyond = np.ravel(support.high)[-1] + 1.0
    bad = [v for v in (support.low - 1.0, beyond) if np.isfinite(v)]
    bad += [0.5] if support.integer else []
    if not bad:
        raise NotApplicable("the support is the real line")
    for value in bad:
        row = inside[:1].copy()
        row[..., -1] = value
        found = family.log_density(row, etas[:1])[0]
        require(found == -np.inf, f"log_density({row[0]}) is {found}, expected -inf")
        rows = np.concatenate([inside, row])
        refuses(f"y = {row[0]}", lambda rows=rows: family.check(Memory(rows)))


# ---------------------------------------------------------------------- score, observed


def score_is_gradient(family: Any, etas: np.ndarray) -> None:
    """The score is the derivative of log_prob, by central differences."""
    for eta in etas:
        y = some_rows(family, eta, 20)
        want = gradient(lambda e, y=y: family.log_prob(y, e[None]), eta)
        got = family.score(y, eta[None])
        size = np.abs(want).max()
        close("score against differences of log_prob", got, want, rtol=1e-7, scale=1.0 + size)


def score_matches_autograd(family: Any, etas: np.ndarray) -> None:
    """A closed-form score equals autograd's."""
    if family._score is None:
        raise NotApplicable("the score is derived by autograd")
    _need_autograd(family)
    for eta in etas:
        y = some_rows(family, eta, 50)
        tiled = np.repeat(eta[None], len(y), axis=0)
        value, want = autodiff.row_value_and_grad(lambda e, y=y: family._log_prob_eta(y, e), tiled)
        size = np.abs(want).max(axis=0)
        close("score against autograd", family.score(y, eta[None]), want, rtol=1e-10, scale=size)
        both = family.log_prob_and_score(y, eta[None])
        close("log_prob_and_score's values", both[0], value, rtol=1e-12)
        close("log_prob_and_score's score", both[1], want, rtol=1e-10, scale=size)


def _need_autograd(family: Any) -> None:
    if not family.differentiable:
        raise NotApplicable("autograd cannot follow the log-density")


def observed_is_hessian(family: Any, etas: np.ndarray) -> None:
    """The observed information is minus the derivative of the score, by differences."""
    for eta in etas:
        y = some_rows(family, eta, 20)
        want = -gradient(lambda e, y=y: family.score(y, e[None]), eta)
        got = family.observed(y, eta[None])
        size = np.abs(want).max()
        close("observed against differences of score", got, want, rtol=1e-7, scale=1.0 + size)


def observed_matches_autograd(family: Any, etas: np.ndarray) -> None:
    """A closed-form observed information equals autograd's, and is symmetric."""
    if family._observed is None:
        raise NotApplicable("the observed information is derived by autograd")
    _need_autograd(family)
    for eta in etas:
        y = some_rows(family, eta, 50)
        tiled = np.repeat(eta[None], len(y), axis=0)
        want = -autodiff.row_hessian(lambda e, y=y: family._log_prob_eta(y, e), tiled)
        got = family.observed(y, eta[None])
        size = np.abs(want).max(axis=0)
        size = np.maximum(size, 1e-6 * size.max())
        close("observed against autograd", got, want, rtol=1e-9, scale=size)
        close("observed against its transpose", got, np.swapaxes(got, 1, 2), rtol=1e-12, scale=size)


# ------------------------------------------------------------------------- the information


def score_mean_zero(family: Any, etas: np.ndarray) -> None:
    """The expectation of the score is zero: E[s] = 0 (the paper's Appendix A)."""
    if family.row_ends:
        raise NotApplicable("the support ends at a parameter: the mean score is not zero")
    for eta in etas:
        nodes = rule(family, eta)
        score = family.score(nodes.y, eta[None])
        size = 1.0 + np.sqrt(nodes.mean(score**2))
        close("mean of the score", nodes.mean(score), np.zeros(len(eta)), rtol=1e-5, scale=size)


def score_covariance_is_fisher(family: Any, etas: np.ndarray) -> None:
    """The covariance of the score is the Fisher information: E[s s'] = F (Appendix A)."""
    _need_fisher(family)
    for eta in etas:
        nodes = rule(family, eta)
        score = family.score(nodes.y, eta[None])
        _same_information(
            "fisher against E[s s']",
            family.fisher(eta[None])[0],
            nodes.mean(score[:, :, None] * score[:, None, :]),
        )


def observed_mean_is_score_covariance(family: Any, etas: np.ndarray) -> None:
    """The mean observed information is the score's covariance: -E[H] = E[s s'] (Appendix A)."""
    if len(family.kinks(etas[0])):
        raise NotApplicable("the log-density has kinks, whose curvature no row shows")
    for eta in etas:
        nodes = rule(family, eta)
        score = family.score(nodes.y, eta[None])
        outer = nodes.mean(score[:, :, None] * score[:, None, :])
        observed = np.broadcast_to(
            family.observed(nodes.y, eta[None]), (len(nodes.y), len(eta), len(eta))
        )
        _same_information("E[observed] against E[s s']", nodes.mean(observed), outer)


def fisher_positive(family: Any, etas: np.ndarray) -> None:
    """F is symmetric and positive semidefinite, or refused at points far from the usual ones."""
    _need_fisher(family)
    low, high, _ = family.limits
    for k, eta in enumerate(np.clip(np.concatenate([etas, 4.0 * etas, 10.0 * etas]), low, high)):
        try:
            f = family.fisher(eta[None])[0]
        except ValueError as error:
            require(k >= len(etas) and str(error), f"fisher is refused at {eta}: {error}")
            continue
        size = np.sqrt(np.abs(np.diagonal(f)))
        scaled = f / np.outer(np.where(size > 0, size, 1.0), np.where(size > 0, size, 1.0))
        close("fisher against its transpose", scaled, scaled.T, rtol=1e-12)
        lowest = np.linalg.eigvalsh(scaled)[0]
        require(lowest > -1e-10, f"fisher at {eta} has an eigenvalue {lowest:.3g} < 0 (scaled)")


def _need_fisher(family: Any) -> None:
    if not family.information.exists:
        raise NotApplicable("the family has no exact Fisher information")


def _same_information(what: str, got: np.ndarray, want: np.ndarray) -> None:
    size = np.sqrt(np.diagonal(want))
    close(what, got, want, rtol=1e-5, scale=np.outer(size, size))


# -------------------------------------------------------------------------- the divergence


def kl_zero_at_itself(family: Any, etas: np.ndarray) -> None:
    """KL(p || p) = 0, and KL >= 0 elsewhere."""
    _need_kl(family)
    for a in etas:
        close("KL of a distribution from itself", family.kl(a[None], a[None]), [0.0], rtol=1e-9)
        for b in etas:
            found = family.kl(a[None], b[None])[0]
            require(found >= -1e-9, f"KL is {found:.3g} < 0 between {a} and {b}")


def kl_is_expected_log_ratio(family: Any, etas: np.ndarray) -> None:
    """KL(a || b) = E_a[log p_a - log p_b], by quadrature."""
    _need_kl(family)
    for a, b in zip(etas, np.roll(etas, 1, axis=0), strict=True):
        nodes = rule(family, a)
        want = nodes.mean(family.log_prob(nodes.y, a[None]) - family.log_prob(nodes.y, b[None]))
        # A kink of b between the nodes of a costs the oracle digits.
        rtol = 2e-5 if len(family.kinks(a)) else 1e-6
        close("kl against quadrature", family.kl(a[None], b[None]), [want], rtol=rtol)


def kl_hessian_is_fisher(family: Any, etas: np.ndarray) -> None:
    """KL(eta || eta + d) is 1/2 d'Fd to second order in d, by differences."""
    _need_kl(family)
    _need_fisher(family)
    for eta in etas[:2]:
        fisher, kinked = family.fisher(eta[None])[0], len(family.kinks(eta)) > 0
        size = np.sqrt(np.diagonal(fisher))
        unit = np.eye(len(eta)) / size
        for i, j in np.ndindex(fisher.shape):
            direction = unit[i] + unit[j]
            # Step lengths that cancel the error in h^2, and with kinks also that in |h|.
            a, b, c = (_curvature(family, eta, direction, h) for h in (2e-3, 4e-3, 8e-3))
            got = (8.0 * a - 6.0 * b + c if kinked else 4.0 * a - b) / 3.0
            want = direction @ fisher @ direction
            close(f"curvature of KL along {i} + {j}", got, want, rtol=1e-4)


def _curvature(family: Any, eta: np.ndarray, direction: np.ndarray, h: float) -> float:
    pair = [family.kl(eta[None], (eta + s * h * direction)[None])[0] for s in (1.0, -1.0)]
    return sum(pair) / h**2


def _need_kl(family: Any) -> None:
    if not family.has_kl:
        raise NotApplicable("the family has no divergence in closed form or by quadrature")


#: Every check that :func:`check_distribution` runs, each called with (family, etas).
DISTRIBUTION_CHECKS = [
    *DECLARED_CHECKS,
    *ROW_CHECKS,
    density_normalises,
    log_prob_matches_scipy,
    log_density_outside_support,
    score_is_gradient,
    score_matches_autograd,
    observed_is_hessian,
    observed_matches_autograd,
    score_mean_zero,
    score_covariance_is_fisher,
    observed_mean_is_score_covariance,
    fisher_positive,
    kl_zero_at_itself,
    kl_is_expected_log_ratio,
    kl_hessian_is_fisher,
    *ENTROPY_CHECKS,
    *SUM_CHECKS,
    *DATA_CHECKS,
]
