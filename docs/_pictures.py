"""Draw the pictures of the landing page, from the fits that it shows: python docs/_pictures.py.

The one of two paths is also README's, and is stored in docs/_static/paths.png; the others are
drawn when the pages are built.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import gammaln

import natfit

STATIC = Path(__file__).with_name("_static")


def write(folder: Path) -> None:
    """Draw the pictures of the cards that are not there yet.

    Parameters
    ----------
    folder : Path
        Where the PNG files go.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in CARDS.items():
        if not (folder / f"{name}.png").exists():
            _saved(draw, folder / f"{name}.png", (4.6, 2.7))


def _saved(draw: Callable, path: Path, size: tuple[float, float]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.style.context("natfit.display.natfit"):
        figure, axes = plt.subplots(figsize=size)
        draw(axes)
        figure.savefig(path, metadata={"Software": None})
        plt.close(figure)


def wine() -> np.ndarray:
    """Return the colour intensity of 178 wines, (178,), of scikit-learn."""
    from sklearn.datasets import load_wine

    return load_wine().data[:, 9]


def paths(axes: Any) -> None:
    """Draw gradient descent and the natural gradient from one start to one maximum.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    """
    from natfit.steps import FixedStep

    x = wine()
    start = {"shape": 1.5, "scale": 1.5}
    common = {"coordinates": "native", "start_params": start, "tol": 0.0}
    steps = {"euclidean": FixedStep(length=0.05), "exact": FixedStep(length=0.15)}
    made = {
        metric: natfit.NaturalMLE("gamma", metric=metric, step=step, max_iter=40, **common)
        for metric, step in steps.items()
    }
    natfit_paths = {metric: model.fit(x[:, None]).history_.theta for metric, model in made.items()}
    shape, scale = np.meshgrid(np.linspace(1.0, 7.0, 200), np.linspace(0.2, 3.2, 200))
    loss = x.mean() / scale - (shape - 1.0) * np.log(x).mean() + shape * np.log(scale)
    loss += gammaln(shape)
    levels = loss.min() + np.geomspace(0.01, 8.0, 14)
    axes.contour(shape, scale, loss, levels=levels, colors="0.75", linewidths=0.8)
    looks = {
        "euclidean": ("gradient descent", "--", "C1"),
        "exact": ("natural gradient", "-", "C0"),
    }
    for metric, (label, line, colour) in looks.items():
        path = natfit_paths[metric]
        axes.plot(*path.T, line, marker="o", ms=3, color=colour, label=f"{label}, 40 steps")
    maximum = natfit_paths["exact"][-1]
    axes.plot(1.5, 1.5, "ks", ms=5)
    axes.plot(*maximum, "k*", ms=12)
    axes.annotate("start", (1.5, 1.5), xytext=(-12, -16), textcoords="offset points")
    axes.annotate("maximum", maximum, xytext=(6, 6), textcoords="offset points")
    axes.set(xlabel="shape", ylabel="scale", xlim=(1.0, 7.0), ylim=(0.2, 3.2))
    axes.grid(False)
    axes.legend(loc="upper right")


def _fit(axes: Any) -> None:
    from natfit.display import DensityDisplay

    x = wine()
    DensityDisplay.from_estimator(natfit.fit("gamma", x), x, ax=axes)
    axes.set(xlabel="colour intensity", title="a gamma distribution")


def _ask(axes: Any) -> None:
    from natfit.display import ProfileDisplay

    x = wine()
    ProfileDisplay.from_estimator(natfit.fit("gamma", x), x, of=("ppf", 0.99), ax=axes)
    axes.set(xlabel="colour that 1 % exceed", title="its likelihood")


def _regress(axes: Any) -> None:
    from sklearn.datasets import load_diabetes

    from natfit.display import PredictionBandDisplay

    X, y = load_diabetes(return_X_y=True, scaled=False)
    model = natfit.NaturalRegressor("gamma_mean", features_for={"mean": [0], "shape": [0]})
    model.fit(X[:, [2]], y)
    PredictionBandDisplay.from_estimator(model, X[:, [2]], y, ax=axes)
    axes.set(xlabel="body mass index", ylabel="progression", title="mean and spread on a feature")


def _compare(axes: Any) -> None:
    x = wine()
    grid = np.linspace(0.5, 13.5, 300)
    axes.hist(x, bins=25, density=True, color="0.85")
    for name, line in zip(
        ("normal", "weibull", "gamma", "lognormal"), ("-", "--", "-.", ":"), strict=True
    ):
        axes.plot(grid, natfit.fit(name, x).frozen_.pdf(grid), line, label=name)
    axes.set(xlabel="colour intensity", ylabel="density", title="four candidates")
    axes.legend(fontsize=8)


def _survive(axes: Any) -> None:
    from natfit.display import DensityDisplay

    days = np.array([15.0, 3.0, 624.0, 46.0, 127.0, 64.0, 1350.0, 1775.0, 1536.0])
    rows = natfit.Censored.right(days, event=days < 1500.0)
    DensityDisplay.from_estimator(natfit.fit("weibull", rows), rows, kind="survival", ax=axes)
    axes.set(xlabel="days", title="who is still alive")


def _train(axes: Any) -> None:
    from natfit.display import LearningCurveDisplay

    agents = [
        natfit.NaturalPolicyEstimator("CartPole-v1", max_iter=40, random_state=seed).fit()
        for seed in range(3)
    ]
    LearningCurveDisplay.from_estimator(agents, ax=axes)
    axes.locator_params(axis="x", nbins=4)
    axes.set(title="three trainings")


CARDS = {
    "fit": _fit,
    "ask": _ask,
    "regress": _regress,
    "compare": _compare,
    "survive": _survive,
    "train": _train,
}

if __name__ == "__main__":
    STATIC.mkdir(exist_ok=True)
    _saved(paths, STATIC / "paths.png", (7.2, 3.6))
