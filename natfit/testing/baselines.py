"""Property checks of baselines."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

from natfit.rl.baselines.base import MARGIN
from natfit.testing._core import NotApplicable, close, refuses, require, run_checks


def check_baseline(baseline: Any) -> dict[str, str]:
    """Run every check of :data:`BASELINE_CHECKS` on a baseline.

    Returns
    -------
    dict
        Names of the checks that do not apply, each with the reason.

    Raises
    ------
    AssertionError
        If a check fails; the message has one line for each that does.
    """
    return run_checks(BASELINE_CHECKS, baseline)


def _data(n: int = 300, n_columns: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return states (n, D) and targets (n,) that are linear in them."""
    X = np.random.default_rng(0).standard_normal((n, n_columns))
    return X, 5.0 + X @ np.arange(1.0, n_columns + 1.0)


def _learns(baseline: Any) -> None:
    """Skip a baseline that predicts zeros whatever the targets are."""
    if not baseline.uses_target:
        raise NotApplicable("the baseline learns nothing")


def zeros_before_fit(baseline: Any) -> None:
    """All predictions without a state are zero."""
    close("predict(None, X)", baseline.predict(None, _data()[0]), np.zeros(300))


def reproduces_constant_targets(baseline: Any) -> None:
    """Equal targets are predicted everywhere, up to rounding."""
    _learns(baseline)
    X, _ = _data()
    for value in (-7.3, 0.0, 1e6 + 0.1):
        state = baseline.fit(X, np.full(300, value), None, 0)
        close(
            "a constant target", baseline.predict(state, 2.0 * X), np.full(300, value), rtol=1e-12
        )


def fits_linear_targets(baseline: Any) -> None:
    """R^2 > 0.99 on rows not fitted, in the first fit and in a fit that continues."""
    if not baseline.uses_columns:
        raise NotApplicable("the baseline does not read the state")
    X, target = _data(600)
    state = None
    for _ in range(2):
        state = baseline.fit(X[:300], target[:300], state, 0)
        missed = np.var(target[300:] - baseline.predict(state, X[300:])) / np.var(target[300:])
        require(missed < 0.01, f"R^2 of a linear target is {1.0 - missed:.4f}, expected > 0.99")


def ignores_units_of_columns(baseline: Any) -> None:
    """Predictions do not change when columns are shifted by 1e6 or scaled by 1e6 or 1e-6."""
    X, target = _data()
    want = baseline.predict(baseline.fit(X, target, None, 0), X)
    for name, other in {
        "X + 1e6": X + 1e6,
        "1e6 X": 1e6 * X,
        "1e-6 X": 1e-6 * X,
    }.items():
        got = baseline.predict(baseline.fit(other, target, None, 0), other)
        close(f"prediction from {name}", got, want, rtol=1e-3, scale=target.std())


def ignores_constant_columns(baseline: Any) -> None:
    """A constant column does no harm, and has no effect when its value changes."""
    X, target = _data()
    wide = np.column_stack([X, np.full(300, 1e6 + 0.1), np.zeros(300)])
    state = baseline.fit(wide, target, None, 0)
    want = baseline.predict(state, wide)
    require(np.all(np.isfinite(want)), "predictions with constant columns are not finite")
    wide[:, 3:] += 5.0
    close("prediction at another value", baseline.predict(state, wide), want, rtol=1e-12)


def fits_one_row(baseline: Any) -> None:
    """After a fit to one row, its target is predicted everywhere."""
    _learns(baseline)
    X, target = _data()
    state = baseline.fit(X[:1], target[:1], None, 0)
    close(
        "prediction after one row", baseline.predict(state, X), np.full(300, target[0]), rtol=1e-9
    )


def stays_in_range(baseline: Any) -> None:
    """Far from the fitted rows, and after few rows, predictions stay near the targets' range."""
    for n, n_columns in ((300, 3), (5, 8), (2, 3)):
        X, target = _data(n, n_columns)
        value = baseline.predict(baseline.fit(X, target, None, 0), np.vstack([X, 1e8 * X, -50 * X]))
        require(value.shape == (3 * n,), f"predictions have shape {value.shape}")
        room = MARGIN * target.std() * (1.0 + 1e-12)
        low, high = min(0.0, target.min() - room), max(0.0, target.max() + room)
        if baseline.uses_target:
            low, high = target.min() - room, target.max() + room
        inside = np.all((value >= low) & (value <= high))
        require(
            inside,
            f"predictions reach {value.min():g} to {value.max():g}, targets "
            f"{target.min():g} to {target.max():g}",
        )


def follows_seed(baseline: Any) -> None:
    """The same data and generator give the same predictions, bit for bit."""
    X, target = _data()
    first, second = (
        baseline.predict(baseline.fit(X, target, None, np.random.default_rng(3)), X)
        for _ in range(2)
    )
    require(np.array_equal(first, second), "the same generator gives other predictions")


def goes_on_from_pickle(baseline: Any) -> None:
    """A pickled state predicts, and a fit continues from it, bit for bit."""
    X, target = _data()
    state = baseline.fit(X, target, None, 0)
    copy = pickle.loads(pickle.dumps(state))
    same = np.array_equal(baseline.predict(state, X), baseline.predict(copy, X))
    require(same, "a pickled state gives other predictions")
    nexts = [baseline.predict(baseline.fit(X, -target, s, 1), X) for s in (state, copy)]
    require(np.array_equal(*nexts), "a fit that continues from a pickled state differs")


def leaves_arguments_alone(baseline: Any) -> None:
    """Neither fit nor predict modifies its arrays or the state it continues from."""
    X, target = _data()
    kept = X.copy(), target.copy()
    state = baseline.fit(X, target, None, 0)
    before = baseline.predict(state, X)
    baseline.fit(X, 10.0 + 3.0 * target, state, 0)
    require(np.array_equal(X, kept[0]) and np.array_equal(target, kept[1]), "data are overwritten")
    require(np.array_equal(baseline.predict(state, X), before), "an earlier state is overwritten")


def refuses_bad_data(baseline: Any) -> None:
    """NaN, infinity and shapes that disagree are refused."""
    X, target = _data()
    for bad in (np.nan, np.inf):
        broken = X.copy()
        broken[3, 1] = bad
        refuses(f"a state with {bad}", lambda b=broken: baseline.fit(b, target, None, 0))
        broken = target.copy()
        broken[3] = bad
        refuses(f"a target of {bad}", lambda b=broken: baseline.fit(X, b, None, 0))
    refuses("too few targets", lambda: baseline.fit(X, target[:-1], None, 0))
    refuses("no row", lambda: baseline.fit(X[:0], target[:0], None, 0))


#: Every check that :func:`check_baseline` runs, each called with a baseline.
BASELINE_CHECKS = [
    zeros_before_fit,
    reproduces_constant_targets,
    fits_linear_targets,
    ignores_units_of_columns,
    ignores_constant_columns,
    fits_one_row,
    stays_in_range,
    follows_seed,
    goes_on_from_pickle,
    leaves_arguments_alone,
    refuses_bad_data,
]
