"""Handwritten digits by a neural network: natural gradients beside MLPClassifier's L-BFGS.

The network is 64-128-128-10 with tanh, and the data are scikit-learn's 1,797 digits, of which a
quarter is left out (Alpaydin and Kaynak, 1998, Optical Recognition of Handwritten Digits, UCI,
licence CC BY 4.0). The loss of the digits that were left out is recorded after each iteration, on
several splits, each with a start of its own. Both end far below one error in twenty; what
differs is how sure they are of their errors, which the log-loss counts and the accuracy does not.

Usage: python plot_digits_mlp.py [--output figure.png]
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

HIDDEN = (128, 128)


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


def draw(result: dict, path: Path) -> None:
    """Draw the losses against iterations and against seconds."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharey=True)
    for color, (name, curves) in zip(("C0", "C1"), result["curves"].items(), strict=True):
        for k, curve in enumerate(curves):
            for column, ax in enumerate(axes):
                label = None if k else name
                ax.plot(curve[:, column], curve[:, 2], "o-", ms=3, color=color, label=label)
    axes[0].set(
        xlabel="iterations",
        ylabel="log-loss of digits left out (nats a digit)",
        title="An iteration of natural gradients goes further",
    )
    axes[1].set(xlabel="seconds", title="It takes longer, and errs with less certainty")
    for ax in axes:
        ax.set(xscale="log", yscale="log")
    axes[0].legend()
    figure.suptitle("64-128-128-10 network on digits, one line a split")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Print the losses and write the figure."""
    default = Path(__file__).parents[1] / "output" / "digits_mlp.png"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result, path)
    print(f"\nfigure: {path}")


if __name__ == "__main__":
    main()
