"""Options of a policy are searched like those of any estimator
============================================================

scikit-learn's ``GridSearchCV`` searches over the radius of the step and the discount of a policy.
The rows of X are seeds, and each seed determines the start of an episode. Cross-validation trains a
policy on the starts from some seeds and scores it on the starts from the others. The score is the
mean return when the policy takes its most probable actions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.model_selection import GridSearchCV

from natfit import NaturalPolicyEstimator
from natfit.steps import TrustRegionStep

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


# %%
# Search over the radius of the step and the discount of a linear policy on CartPole.


def compute(n_seeds: int = 30, max_iter: int = 25) -> dict:
    """Search over the radius of the step and the discount of a linear policy on CartPole.

    Parameters
    ----------
    n_seeds : int
        Number of starts of episodes.
    max_iter : int
        Number of updates of each fit.

    Returns
    -------
    dict
        The fitted ``search``; ``radii``, ``discounts`` and ``scores`` (radii, discounts), which
        are mean returns on starts that were not trained on; ``spread``, their standard deviations
        over the folds; ``fresh``, the score on twenty new seeds of the best policy, trained
        on all ``n_seeds``.
    """
    radii, discounts = [0.001, 0.01, 0.1], [0.9, 0.99]
    agent = NaturalPolicyEstimator(
        "cartpole", "linear", step=TrustRegionStep(), max_iter=max_iter, random_state=0
    )
    search = GridSearchCV(agent, {"step__epsilon": radii, "discount": discounts}, cv=3)
    print(f"training {len(radii) * len(discounts)} policies in three folds", flush=True)
    search.fit(np.arange(n_seeds))
    table = search.cv_results_
    shape = len(radii), len(discounts)
    order = np.lexsort((table["param_discount"].data, table["param_step__epsilon"].data))
    return {
        "search": search,
        "radii": radii,
        "discounts": discounts,
        "scores": table["mean_test_score"][order].reshape(shape),
        "spread": table["std_test_score"][order].reshape(shape),
        "fresh": search.score(np.arange(n_seeds, n_seeds + 20)),
    }


# %%
# The grid, and the score of the best policy on new seeds.


def report(result: dict) -> None:
    """Print the grid."""
    print("radius  discount  mean return on starts that were not trained on")
    for i, radius in enumerate(result["radii"]):
        for j, discount in enumerate(result["discounts"]):
            score, spread = result["scores"][i, j], result["spread"][i, j]
            print(f"{radius:6g}  {discount:8g}  {score:8.1f} +- {spread:.1f}")
    best = result["search"].best_params_
    print(f"best: {best}; its score on twenty new seeds is {result['fresh']:.1f}")


# %%
# The scores over the grid.


def draw(result: dict) -> plt.Figure:
    """Draw the scores over the grid."""
    plt.style.use("natfit.display.natfit")
    figure, ax = plt.subplots(figsize=(8, 4.5))
    for j, discount in enumerate(result["discounts"]):
        ax.errorbar(
            [str(radius) for radius in result["radii"]],
            result["scores"][:, j],
            result["spread"][:, j],
            marker="os"[j % 2],
            ls=("-", "--")[j % 2],
            capsize=4,
            label=f"discount {discount}",
        )
    ax.set(
        xlabel="radius of the step (nats)",
        ylabel="mean return on other starts (steps)",
        title="CartPole: the longer horizon scores better at every radius",
    )
    ax.legend()
    return figure


# %%
# The long horizon, a discount of 0.99, is the better one at every radius; the error bars, standard
# deviations over three folds, are wide.


def main(argv: list[str] | None = None) -> None:
    """Print the grid and write the figure."""
    default = Path(__file__).parents[1] / "output" / "policy_grid_search.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


if __name__ == "__main__":
    main()
