"""Depth slows the plain gradient, and not the natural one
=======================================================

A network of L layers without activations is a linear regression whose coefficients are a product of
L matrices. Its Fisher information is singular, each layer alone can make the natural step of the
product, and the loss then falls by the same factor in each iteration, whatever the depth: by
(1 - step)^2, where the step is small. The solver "kronecker" is exact here. Gradient descent gets
the best of five steps for each depth, and is slower in deep networks all the same, if they are as
narrow as here: at a width of 32 it is not. Both have the same starts, normal weights with a
variance of one over the number of inputs, and simulated data.

Reference: A. Bernacchia, M. Lengyel and G. Hennequin, *Exact natural gradient in deep linear
networks and its application to the nonlinear case*, NeurIPS 2018.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np

from natfit.distributions import MultivariateNormal
from natfit.distributions.wrappers.fixed import Fixed
from natfit.models import MLP, Linear
from natfit.models.mlp import cut
from natfit.objectives import Likelihood
from natfit.optimize import advance
from natfit.optimize.engine import resolve_engine
from natfit.rows import Memory
from natfit.steps.fixed import FixedStep

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Numbers of inputs and outputs, width of the hidden layers, rows.
D, K, WIDTH, N = 3, 3, 8, 100

#: Step of the natural gradient, and those that gradient descent chooses from.
STEP, STEPS = 0.1, np.geomspace(0.03, 1.0, 5)


# %%
# The data and the networks.


def data(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return X (N, D), whose columns have standard deviations of 1, 0.3 and 0.1, and Y (N, K)."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((N, D)) * [1.0, 0.3, 0.1]
    return X, 1.0 + X @ rng.standard_normal((D, K)) + 0.1 * rng.standard_normal((N, K))


def problem(depth: int, X: np.ndarray, Y: np.ndarray, seed: int) -> tuple[Likelihood, np.ndarray]:
    """Return half the mean squared error of a network, up to a constant, and a start of theta."""
    rows = Memory(Y, X)
    family = Fixed(MultivariateNormal(), {"covariance": np.eye(K)}).bind(rows)
    model = Linear() if depth == 1 else MLP([WIDTH] * (depth - 1), activation="identity")
    bound = model.bind(D, family)
    theta, ends = np.zeros(bound.n_params), [D, *[WIDTH] * (depth - 1), K]
    shapes = [(a + 1, b) for a, b in zip(ends[:-1], ends[1:], strict=True)]
    rng = np.random.default_rng(seed)
    for layer in cut(theta, shapes):
        weights = layer[:-1]
        weights[...] = rng.standard_normal(weights.shape) / np.sqrt(len(weights))
    return Likelihood(family, bound, rows), theta


# %%
# One descent, by natfit's engine without an estimator around it.


def losses(
    objective: Likelihood, theta: np.ndarray, metric: str, step: float, n_iter: int
) -> np.ndarray:
    """Return the objective at every iterate, (n_iter + 1,); infinite where it has diverged."""
    solver = "kronecker" if metric == "exact" else "auto"
    engine = resolve_engine(metric, solver, FixedStep(step), None, 0.0, n_iter)
    rng, values = np.random.default_rng(0), np.full(n_iter + 1, np.inf)
    values[0] = objective.value_and_grad(theta)[0]
    for k in range(n_iter):
        _, end = advance(objective, engine, theta, rng)
        if end.status is not None:
            break
        theta, values[k + 1] = end.theta, end.value
    return values


# %%
# Descend from the same starts by both gradients, for each depth and several data sets.


def compute(depths: tuple[int, ...] = (1, 2, 3, 4, 5, 6), n_seeds: int = 3, n_iter: int = 40):
    """Descend from the same starts by both gradients, for each depth and several data sets.

    Parameters
    ----------
    depths : tuple of int
        Numbers of layers.
    n_seeds : int
        Number of data sets and starts; the k-th has the seed k.
    n_iter : int
        Iterations.

    Returns
    -------
    dict
        ``depths``; ``natural`` and ``plain``, the loss above its minimum relative to that of the
        start, (len(depths), n_seeds, n_iter + 1); ``step``, the best one for plain gradients,
        (len(depths), n_seeds).
    """
    shape = len(depths), n_seeds, n_iter + 1
    natural, plain, chosen = np.empty(shape), np.empty(shape), np.empty(shape[:2])
    for seed in range(n_seeds):
        print(f"data set {seed + 1} of {n_seeds}", flush=True)
        X, Y = data(seed)
        features = np.column_stack([X, np.ones(N)])
        best = features @ np.linalg.lstsq(features, Y, rcond=None)[0]
        # The objective's constant is that of a normal density.
        least = 0.5 * np.square(Y - best).sum() / N + 0.5 * K * np.log(2.0 * np.pi)
        for i, depth in enumerate(depths):
            objective, theta = problem(depth, X, Y, seed)
            natural[i, seed] = losses(objective, theta, "exact", STEP, n_iter) - least
            every = [losses(objective, theta, "euclidean", step, n_iter) for step in STEPS]
            j = int(np.argmin([curve[-1] for curve in every]))
            plain[i, seed], chosen[i, seed] = every[j] - least, STEPS[j]
    for curves in (natural, plain):
        curves /= curves[:, :, :1]
    return {"depths": depths, "natural": natural, "plain": plain, "step": chosen}


# %%
# The factors by which the loss falls, and what is left of it.


def report(result: dict) -> None:
    """Print the factors by which the loss falls, and what is left of it."""
    n_iter = result["natural"].shape[2] - 1
    print(f"{'':8}{'natural gradient, step ' + str(STEP):>36}{'plain gradient, best step':>30}")
    print(f"{'layers':8}{'factor an iteration':>24}{'left':>12}{'step':>18}{'left':>12}")
    for i, depth in enumerate(result["depths"]):
        curves = result["natural"][i]
        factor = curves[:, 1:] / curves[:, :-1]
        left = np.median(curves[:, -1]), np.median(result["plain"][i, :, -1])
        step = np.median(result["step"][i])
        print(
            f"{depth:<8}{f'{factor.min():.3f} to {factor.max():.3f}':>24}{left[0]:12.1e}"
            f"{step:18.2g}{left[1]:12.1e}"
        )
    print(f"\nleft: share of the loss above its minimum after {n_iter} iterations, median")


# %%
# The losses against iterations, one line for each depth and data set.


def draw(result: dict) -> plt.Figure:
    """Draw the losses against iterations, one line for each depth and data set."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True)
    titles = {
        "natural": "Natural gradient: the depth has no effect",
        "plain": "Plain gradient, best step: depth is slower",
    }
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        for i, depth in enumerate(result["depths"]):
            color = plt.get_cmap("viridis")(0.9 * i / max(len(result["depths"]) - 1, 1))
            for k, curve in enumerate(result[name][i]):
                label = None if k else f"{depth} layer{'s' if depth > 1 else ''}"
                ax.plot(curve, color=color, lw=1.0, label=label)
        ax.set(yscale="log", xlabel="iterations (number)", title=title)
    axes[0].set(ylabel="loss above its minimum, relative to the start")
    axes[0].legend(title="one line a data set")
    return figure


# %%
# On the left all depths lie on one straight line, the factor (1 - step)^2. On the right deeper
# networks are behind.


def main(argv: list[str] | None = None) -> None:
    """Print the factors and write the figure."""
    default = Path(__file__).parents[1] / "output" / "deep_linear.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    with warnings.catch_warnings():
        # Steps that are too long diverge.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"\nfigure: {path}")


if __name__ == "__main__":
    main()
