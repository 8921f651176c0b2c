"""Property checks of distributions: points, draws, modes, starts."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.rows import Block
from natfit.testing._core import NotApplicable, close, refuses, require, within_errors
from natfit.testing._quadrature import rule

#: Number of draws in checks of samplers: a scale that is 3 % wrong is 5 standard errors away.
_DRAWS = 20_000


def points(family: Any, n: int = 3, seed: int = 0) -> np.ndarray:
    """Return moderate points eta (n, K) inside the family's limits, 0.5 N(0, 1) per coordinate.

    The spread is smaller where the largest step is below 3, that of a logarithm: some shapes have
    a smaller unit. A family's ``usual`` values move their middle.

    Returns
    -------
    ndarray of shape (n, K)
        The points, which are the same for the same seed.
    """
    low, high, step = family.limits
    etas = 0.5 * np.random.default_rng(seed).standard_normal((n, family.n_params))
    etas *= np.minimum(1.0, step / 3.0)
    for name, value in family.usual.items():
        etas[:, family.blocks[name]] += family.params[name].to_eta(np.array([value]))
    return np.clip(np.where(low >= 0, low + np.abs(etas) + 0.1, etas), low, high)


def some_rows(family: Any, eta: np.ndarray, n: int = 100, seed: int = 1) -> np.ndarray:
    """Return rows (n, ...) to evaluate at: draws, or values of the support without a sampler."""
    rng = np.random.default_rng(seed)
    if family.can_sample:
        return family.sample(eta[None], rng, n)
    y = 2.0 * rng.standard_normal((n, *family.event_shape))
    support = family.support
    if support is None or not np.isfinite(support.low):
        return y
    y = np.exp(y) if not np.isfinite(support.high) else 1.0 / (1.0 + np.exp(-y))
    y = support.low + y * (support.high - support.low if np.isfinite(support.high) else 1.0)
    return np.floor(y) if support.integer else y


def draws_in_support(family: Any, etas: np.ndarray) -> None:
    """Draws are finite, of the right shape, and lie in the support."""
    _need_sampler(family)
    for eta in etas:
        y = family.sample(eta[None], np.random.default_rng(2), 500)
        require(y.shape == (500, *family.event_shape), f"draws have shape {y.shape}")
        own = ~np.isin(y, family.atoms) if family.atoms else np.ones(len(y), dtype=bool)
        require(np.all(np.isfinite(y[own])), "draws are not finite")
        if family.support is not None:
            require(np.all(family.support.contains(y[own])), "draws lie outside the support")


def draws_follow_seed(family: Any, etas: np.ndarray) -> None:
    """Equal generators give equal draws, and a generator advances with each draw."""
    _need_sampler(family)
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    first = family.sample(etas[:1], rng, 50)
    require(np.array_equal(first, family.sample(etas[:1], again, 50)), "draws ignore the seed")
    second = family.sample(etas[:1], rng, 50)
    require(not np.array_equal(first, second), "the generator does not move on")


def sampler_moments(family: Any, etas: np.ndarray) -> None:
    """Moments of draws agree with quadrature within 5 standard errors.

    The moments are of arctan, its square and its cosine, which exist for heavy tails, too.
    """
    _need_sampler(family)
    for eta in etas:
        y = family.sample(eta[None], np.random.default_rng(4), _DRAWS)
        nodes = rule(family, eta)
        found, wanted = _bounded(y), nodes.mean(_bounded(nodes.y))
        error = found.std(axis=0) / np.sqrt(_DRAWS)
        within_errors("moments of the draws", found.mean(axis=0), wanted, error)


def _bounded(y: np.ndarray) -> np.ndarray:
    """Return bounded functions (n, M) of every column and of neighbouring columns."""
    angle = np.arctan(np.reshape(y, (len(y), -1)))
    return np.concatenate(
        [angle, angle**2, angle * np.roll(angle, 1, axis=1), np.cos(2 * angle)], axis=1
    )


def draws_by_row(family: Any, etas: np.ndarray) -> None:
    """With one row of eta per draw, row i is drawn at eta_i."""
    _need_sampler(family)
    if family.row_ends:
        raise NotApplicable("the support ends at a parameter: the mean score is not zero")
    many = np.repeat(etas, 2_000, axis=0)
    y = family.sample(many, np.random.default_rng(5))
    require(y.shape == (len(many), *family.event_shape), f"draws have shape {y.shape}")
    score = family.score(y, many)
    for k in range(len(etas)):
        part = score[2_000 * k : 2_000 * (k + 1)]
        error = part.std(axis=0) / np.sqrt(len(part))
        within_errors(f"mean score of rows at eta[{k}]", part.mean(axis=0), 0.0 * error, error)


def mode_is_most_probable(family: Any, etas: np.ndarray) -> None:
    """No draw is more probable than the mode; a family without a mode refuses it."""
    if not family.has_mode:
        refuses("a mode that is not defined", lambda: family.mode(etas))
        raise NotApplicable("the family defines no mode")
    modes = family.mode(etas)
    require(modes.shape == (len(etas), *family.event_shape), f"modes have shape {modes.shape}")
    for mode, eta in zip(modes, etas, strict=True):
        top = family.log_prob(mode[None], eta[None])[0]
        most = family.log_prob(some_rows(family, eta, 500), eta[None]).max()
        require(
            most <= top + 1e-12, f"log_prob is {top:.6g} at the mode {mode}, {most:.6g} at a draw"
        )


def native_round_trip(family: Any, etas: np.ndarray) -> None:
    """eta -> native values by name -> eta returns the start; each coordinate has a name."""
    require(len(family.eta_names()) == family.n_params, "eta_names has another length than K")
    for eta in etas:
        native = family.native_dict(eta)
        require(list(native) == list(family.params), "native_dict has other names than params")
        close("eta of the native values", family.eta(**native), eta, rtol=1e-9)


def start_is_finite(family: Any, etas: np.ndarray) -> None:
    """The start is deterministic and inside the limits, and its likelihood is finite."""
    low, high, _ = family.limits
    for eta in etas:
        y = some_rows(family, eta, 200)
        for weight in (None, np.linspace(0.5, 2.0, len(y))):
            start = family.initial(Block(y, weight=weight), np.random.default_rng(6))
            require(start.shape == eta.shape, f"the start has shape {start.shape}")
            require(np.all((start >= low) & (start <= high)), f"the start {start} breaks a limit")
            value = family.log_prob(y, start[None])
            require(np.all(np.isfinite(value)), f"the likelihood at the start {start} is infinite")
            again = family.initial(Block(y, weight=weight), np.random.default_rng(6))
            require(np.array_equal(start, again), "the start changes from call to call")


def _need_sampler(family: Any) -> None:
    if not family.can_sample:
        raise NotApplicable("the family has no sampler")


#: Checks of draws, modes and starts, each called with (family, etas).
DATA_CHECKS = [
    draws_in_support,
    draws_follow_seed,
    sampler_moments,
    draws_by_row,
    mode_is_most_probable,
    native_round_trip,
    start_is_finite,
]
