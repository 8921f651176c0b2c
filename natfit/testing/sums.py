"""Property checks of distributions: sums over rows, weights, summaries, shared parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from natfit.rows import Memory
from natfit.testing._core import NotApplicable, close, require
from natfit.testing.data import some_rows


def sums_are_row_sums(family: Any, etas: np.ndarray) -> None:
    """Weighted sums of value, score, observed and all terms are sums of the rows' values."""
    for eta in etas:
        y = some_rows(family, eta, 50)
        for weight in (None, np.linspace(0.5, 3.0, len(y))):
            _same_sums(family, eta, y, weight, y, weight)


def weights_repeat_rows(family: Any, etas: np.ndarray) -> None:
    """A weight of 2 equals two copies of the row in sums and summaries."""
    for eta in etas:
        y = some_rows(family, eta, 30)
        times = np.arange(len(y)) % 3 + 1
        twice = np.repeat(y, times, axis=0)
        weight = times.astype(float)
        value, score = family.sum_value_and_score(y, weight, eta[None])
        value2, score2 = family.sum_value_and_score(twice, None, eta[None])
        size = np.abs(family.score(y, eta[None])).sum(axis=0)
        close("weighted against repeated value", value, value2, rtol=1e-10)
        close("weighted against repeated score", score, score2, rtol=1e-10, scale=size)
        summary = family.sufficient(Memory(y, weight=weight))
        if isinstance(summary, tuple):
            for a, b in zip(summary, family.sufficient(Memory(twice)), strict=True):
                close("weighted against repeated summary", a, b, rtol=1e-10)


def summary_stands_for_rows(family: Any, etas: np.ndarray) -> None:
    """One summary with weight W gives the same sums as all rows."""
    for eta in etas:
        y = some_rows(family, eta, 60)
        for weight in (None, np.linspace(0.5, 3.0, len(y))):
            summary = family.sufficient(Memory(y, weight=weight))
            if not isinstance(summary, tuple):
                raise NotApplicable("the family has no summary that is one row")
            total = np.array([float(len(y)) if weight is None else weight.sum()])
            require(all(len(part) == 1 for part in summary), "a summary is not one row")
            _same_sums(family, eta, summary, total, y, weight)


def summaries_join(family: Any, etas: np.ndarray) -> None:
    """The joined summaries of parts of the rows give the same sums as all rows."""
    for eta in etas:
        y, weight = some_rows(family, eta, 60), np.linspace(0.5, 3.0, 60)
        parts = [slice(0, 17), slice(17, 30), slice(30, 60)]
        found = [family.sufficient(Memory(y[p], weight=weight[p])) for p in parts]
        if not all(isinstance(part, tuple) for part in found):
            raise NotApplicable("the family has no summary that is one row")
        summary, total = found[0], weight[parts[0]].sum()
        for part, own in zip(parts[1:], found[1:], strict=True):
            more = weight[part].sum()
            summary = family.joined_summaries(summary, total, own, more)
            require(summary is not None, "summaries of two parts are not joined")
            total += more
        _same_sums(family, eta, summary, np.array([total]), y, weight)


def _same_sums(family: Any, eta: np.ndarray, y: Any, w: Any, rows: Any, weight: Any) -> None:
    """Require that sums of (y, w) equal weighted sums of the values of every row."""
    each = np.ones(len(rows)) if weight is None else weight
    k = len(eta)
    log_prob, score = family.log_prob(rows, eta[None]), family.score(rows, eta[None])
    observed = np.broadcast_to(family.observed(rows, eta[None]), (len(rows), k, k))
    value, total = family.sum_value_and_score(y, w, eta[None])
    close("sum of log_prob", value, each @ log_prob, rtol=1e-9)
    close("sum of score", total, each @ score, rtol=1e-9, scale=1e-3 + each @ np.abs(score))
    size = 1e-3 + np.tensordot(each, np.abs(observed), 1)
    wanted = np.tensordot(each, observed, 1)
    close("sum of observed", family.sum_observed(y, w, eta[None]), wanted, rtol=1e-9, scale=size)
    if getattr(family, "sum_terms", None) is not None:
        terms = family.sum_terms(y, w, eta[None])
        close("value in sum_terms", terms[0], value, rtol=1e-9)
        close("score in sum_terms", terms[1], total, rtol=1e-9, scale=1e-3 + each @ np.abs(score))
        close("observed in sum_terms", terms[2], wanted, rtol=1e-9, scale=size)


def shared_eta_is_tiled(family: Any, etas: np.ndarray) -> None:
    """eta (1, K) for all rows gives the same values as eta (n, K) with equal rows."""
    eta = etas[0]
    y = some_rows(family, eta, 12)
    tiled = np.repeat(eta[None], len(y), axis=0)
    for name in ("log_prob", "score", "observed"):
        one, many = getattr(family, name)(y, eta[None]), getattr(family, name)(y, tiled)
        require(len(one) == len(y), f"{name} gives {len(one)} rows for {len(y)}")
        size = 1.0 + np.abs(many).max()
        close(f"{name} of shared against tiled eta", one, many, rtol=1e-10, scale=size)
    if family.information.exists:
        many = family.fisher(etas)
        for one, eta in zip(many, etas, strict=True):
            close("fisher row by row", one, family.fisher(eta[None])[0], rtol=1e-10)
    if family.has_kl:
        pair = family.kl(etas, np.roll(etas, 1, axis=0))
        alone = [
            family.kl(a[None], b[None])[0] for a, b in zip(etas, np.roll(etas, 1, 0), strict=True)
        ]
        close("kl row by row", pair, alone, rtol=1e-10)


#: Checks of sums, each called with (family, etas).
SUM_CHECKS = [
    sums_are_row_sums,
    weights_repeat_rows,
    summary_stands_for_rows,
    summaries_join,
    shared_eta_is_tiled,
]
