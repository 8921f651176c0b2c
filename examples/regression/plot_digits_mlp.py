"""A network by natural gradients is less sure of its errors
=========================================================

The same network, 64-128-128-10 with tanh, learns handwritten digits by natural gradients and by the
L-BFGS of scikit-learn's ``MLPClassifier``. The loss of the digits that were left out is recorded
after each iteration, on several splits, each with a start of its own. Both end far below one error
in twenty; what differs is how sure they are of their errors, which the log-loss counts and the
accuracy does not.

The data are scikit-learn's ``load_digits``, of which a quarter is left out: E. Alpaydin and
C. Kaynak, *Optical Recognition of Handwritten Digits*, 1998; UCI Machine Learning Repository,
licence CC BY 4.0.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedShuffleSplit
from sklearn.neural_network import MLPClassifier

import natfit

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


HIDDEN = (128, 128)


# %%
# A callback records the loss on the digits left out after each iteration, and stops the clock
# meanwhile.


class Recorder:
    """A callback of fits: the loss on rows that were left out, and the seconds of the fit alone."""

    def __init__(self, X: np.ndarray, y: np.ndarray):
        self.X = X
        self.y = y

    def setup(self, estimator, context):
        """Start the clock."""
        self.rows = []
        self.started = time.perf_counter()

    def on_fit_task_begin(self, estimator, context):
        """Do nothing."""

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        """Record the iteration, and stop the clock meanwhile."""
        if context.task_name == "iteration":
            now = time.perf_counter()
            loss = log_loss(self.y, fitted_estimator.predict_proba(self.X))
            self.rows.append([len(self.rows) + 1, now - self.started, loss])
            self.started += time.perf_counter() - now

    def teardown(self, estimator, context):
        """Do nothing."""


# %%
# Fit both networks on three splits.


def compute(
    n_splits: int = 3, n_iter: int = 12, peer_iter: tuple[int, ...] = (1, 2, 4, 8, 16, 32, 64)
) -> dict:
    """Fit both networks on each split, and record their losses.

    Parameters
    ----------
    n_splits : int
        Number of splits; split k has the seed k.
    n_iter : int
        Iterations of natfit.
    peer_iter : tuple of int
        Iterations of MLPClassifier, which is fitted anew for each: it reports none on the way. It
        stops by itself where it has converged.

    Returns
    -------
    dict
        ``curves``, by the name of the method a list of one array a split: iterations, seconds and
        the log-loss (nats a digit) of the digits left out; ``errors``, by name the share of them
        that is classified wrongly at the end (n_splits,); ``n_rows``, of the fit and left out.
    """
    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    curves = {"natfit": [], "MLPClassifier, lbfgs": []}
    errors = {name: [] for name in curves}
    splits = StratifiedShuffleSplit(n_splits, test_size=0.25, random_state=0)
    for seed, (train, test) in enumerate(splits.split(X, y)):
        print(f"split {seed + 1} of {n_splits}", flush=True)
        recorder = Recorder(X[test], y[test])
        ours = natfit.NaturalClassifier(
            predictor=natfit.models.MLP(HIDDEN), max_iter=n_iter, random_state=seed
        ).set_callbacks(recorder)
        with warnings.catch_warnings():
            # Both are stopped after a number of iterations.
            warnings.simplefilter("ignore", ConvergenceWarning)
            ours.fit(X[train], y[train])
            theirs, rows = _peer(X[train], y[train], X[test], y[test], peer_iter, seed)
        for name, model, found in zip(curves, (ours, theirs), (recorder.rows, rows), strict=True):
            curves[name].append(np.array(found))
            errors[name].append(np.mean(model.predict(X[test]) != y[test]))
    return {
        "curves": curves,
        "errors": {name: np.array(found) for name, found in errors.items()},
        "n_rows": (len(train), len(test)),
    }


def _peer(X, y, X_test, y_test, iterations, seed):
    """Fit MLPClassifier with each number of iterations; return the last fit and its losses."""
    rows = []
    for n in iterations:
        model = MLPClassifier(
            HIDDEN, activation="tanh", solver="lbfgs", max_iter=n, random_state=seed
        )
        started = time.perf_counter()
        model.fit(X, y)
        seconds = time.perf_counter() - started
        rows.append([model.n_iter_, seconds, log_loss(y_test, model.predict_proba(X_test))])
        if model.n_iter_ < n:
            break
    return model, rows


# %%
# The lowest and the last loss of each split, and the share of errors at the end.


def report(result: dict) -> None:
    """Print the lowest and the last loss of each split."""
    print("Digits, {} in the fit and {} left out\n".format(*result["n_rows"]))
    print(
        f"{'':22}{'lowest loss':>12}{'iteration':>11}{'seconds':>9}{'last loss':>11}{'errors':>9}"
    )
    for name, curves in result["curves"].items():
        for curve, wrong in zip(curves, result["errors"][name], strict=True):
            n, seconds, loss = curve[curve[:, 2].argmin()]
            last = curve[-1, 2]
            print(f"{name:22}{loss:12.3f}{n:11.0f}{seconds:9.2f}{last:11.3f}{wrong:9.1%}")


# %%
# The losses against iterations and against seconds.


def draw(result: dict) -> plt.Figure:
    """Draw the losses against iterations and against seconds."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.8), sharey=True)
    styles = (("C0", "o", "-"), ("C1", "s", "--"))
    for (color, marker, line), (name, curves) in zip(styles, result["curves"].items(), strict=True):
        for k, curve in enumerate(curves):
            for column, ax in enumerate(axes):
                label = None if k else name
                ax.plot(
                    curve[:, column], curve[:, 2], marker, ls=line, ms=4, color=color, label=label
                )
    axes[0].set(
        xlabel="iterations (number)",
        ylabel="log-loss of digits left out (nats a digit)",
        title="An iteration of natural gradients goes further",
    )
    axes[1].set(xlabel="time of the fit (s)", title="It takes longer, and is less sure of errors")
    for ax in axes:
        ax.set(xscale="log", yscale="log")
    axes[0].legend(title="one line a split")
    return figure


# %%
# Both classify nearly all digits rightly. The log-loss by natural gradients is half of the peer's,
# and an iteration of it takes longer.


def main(argv: list[str] | None = None) -> None:
    """Print the losses and write the figure."""
    default = Path(__file__).parents[1] / "output" / "digits_mlp.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"\nfigure: {path}")


if __name__ == "__main__":
    main()
