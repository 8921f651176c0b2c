"""Kronecker factors: natural gradients of a network for a few products
====================================================================

The natural gradient of a network needs the inverse of its Fisher information, a matrix with a row
for each weight. Three solvers take three ways. ``cholesky`` forms the matrix and factorises it;
``cg`` uses products with it, and solves by conjugate gradients; ``kronecker`` takes the block of
each layer for the Kronecker product of two small matrices, one of its inputs and one of the
derivatives of its outputs, and inverts those (KFAC; Martens and Grosse, 2015, *ICML*). This is an
approximation, and its iterations go less far. It may also precondition conjugate gradients,
``CGSolver(precondition="kronecker")``, which then need few products for the exact direction.

The network has one hidden layer of tanh units and classifies scikit-learn's 1,797 digits (Alpaydin
and Kaynak, 1998, *Optical Recognition of Handwritten Digits*, UCI, licence CC BY 4.0). All methods
start from the same weights and minimise the same loss on all rows. Gradient descent, whose steps
are found by a line search, is the yardstick: its iterations cost least and go least far.
"""

# %%
# What is needed: natfit and the digits of scikit-learn.
from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

import natfit
from natfit.solvers import CGSolver

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: The options of each method, and its number of iterations: about as many as reach the same loss.
METHODS = {
    "gradient descent": ({"metric": "euclidean", "step": "backtracking"}, 60),
    "Kronecker factors": ({"solver": "kronecker"}, 15),
    "CG with Kronecker factors": (
        {"solver": CGSolver(tol=0.1, precondition="kronecker")},
        8,
    ),
    "conjugate gradients": ({"solver": "cg"}, 8),
    "Cholesky": ({"solver": "cholesky"}, 3),
}


# %%
# A fit's history has the loss and the seconds of each iteration.
def compute(hidden: int = 10, share: float = 1.0, random_state: int = 0) -> dict:
    """Train the network by each method.

    Parameters
    ----------
    hidden : int
        Units of the hidden layer.
    share : float
        The share of the iterations that is made, for a shorter run.
    random_state : int
        Seed of the weights at the start, the same for all methods.

    Returns
    -------
    dict
        ``n_rows``, ``n_weights``, and ``curves``, by the name of the method a dict of ``seconds``
        and ``loss`` (nats a digit) after 0, 1, ... iterations, and ``products``, the mean number of
        products with the information in an iteration.
    """
    X, y = load_digits(return_X_y=True)
    curves = {}
    for name, (options, n_iter) in METHODS.items():
        model = natfit.NaturalClassifier(
            predictor=natfit.models.MLP((hidden,)),
            max_iter=max(2, round(share * n_iter)),
            random_state=random_state,
            **options,
        )
        with warnings.catch_warnings():
            # Each method is stopped after its number of iterations.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X / 16.0, y)
        history = model.history_
        curves[name] = {
            "seconds": np.cumsum(history["seconds"]),
            "loss": history["objective"],
            "products": np.mean(history["solver_iterations"][1:]),
        }
    return {
        "n_rows": len(y),
        "n_weights": (X.shape[1] + 1) * hidden + (hidden + 1) * 10,
        "curves": curves,
    }


# %%
# The same loss in iterations and in seconds, read off the recorded points.
def report(result: dict, loss: float = 0.1) -> None:
    """Print iterations and seconds until a loss is reached.

    Parameters
    ----------
    result : dict
        As :func:`compute` returns it.
    loss : float
        The loss, in nats a digit.
    """
    size = f"{result['n_rows']} digits, {result['n_weights']} weights"
    print(f"{size}; until a loss of {loss} nats a digit\n")
    print(
        f"{'method':28}{'iterations':>11}{'seconds':>9}{'seconds each':>14}{'products each':>15}"
        f"{'last loss':>11}"
    )
    for name, curve in result["curves"].items():
        each = curve["seconds"][-1] / (len(curve["loss"]) - 1)
        reached = np.flatnonzero(curve["loss"] <= loss)
        n, seconds = ("-", "-") if not len(reached) else (reached[0], curve["seconds"][reached[0]])
        seconds = seconds if seconds == "-" else f"{seconds:.2f}"
        products = (
            f"{curve['products']:15.1f}" if "onjugate" in name or "CG" in name else f"{'-':>15}"
        )
        print(f"{name:28}{n!s:>11}{seconds:>9}{each:14.3f}{products}{curve['loss'][-1]:11.3f}")


# %%
# Both axes of the comparison.
def draw(result: dict):
    """Draw the loss against iterations and against seconds.

    Returns
    -------
    matplotlib Figure
    """
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.6), sharey=True)
    for k, (name, curve) in enumerate(result["curves"].items()):
        style = {"marker": "x^soD"[k], "ms": 4, "lw": 1.2, "color": f"C{k}", "label": name}
        axes[0].plot(np.arange(len(curve["loss"])), curve["loss"], **style)
        axes[1].plot(curve["seconds"][1:], curve["loss"][1:], **style)
    axes[0].set(
        xlabel="iterations",
        ylabel="loss (nats a digit)",
        xlim=(-0.5, 30.5),
        title="Exact directions go furthest in an iteration",
    )
    axes[1].set(
        xlabel="seconds",
        xscale="log",
        title="What an iteration costs differs by orders of magnitude",
    )
    for ax in axes:
        ax.set_yscale("log")
    axes[0].legend()
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the times and write the figure."""
    default = Path(__file__).parents[1] / "output" / "kronecker.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    print("trains a network by five methods: ten seconds or so", flush=True)
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# On the left the exact directions, by Cholesky or by conjugate gradients, lie on each other, and
# with Kronecker factors as preconditioner a tenth of the products gives nearly the same. On the
# right the price of an iteration shows. In a network as small and shallow as this one gradient
# descent with a line search is not far behind in seconds; times depend on the machine.
if __name__ == "__main__":
    main()
