"""Full covariance matrices are fitted in six or seven iterations
==============================================================

Thirteen chemical measurements of 178 wines of three cultivars are standardised by their means and
standard deviations over all wines. Then each cultivar gets its own mean vector and its own full
covariance matrix, 104 parameters in all, with standard errors.

The data are those of scikit-learn's ``load_wine``: M. Forina et al., PARVUS, 1988; UCI Machine
Learning Repository, licence CC BY 4.0.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sklearn.datasets import load_wine
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from natfit import NaturalGaussianMLE
from natfit.display import ConvergenceDisplay

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: Pairs of features whose covariances the report shows.
PAIRS = [("alcohol", "proline"), ("total_phenols", "flavanoids"), ("ash", "alcalinity_of_ash")]


# %%
# The scaler is fitted to all wines and then frozen; each cultivar's pipeline is this scaler and a
# multivariate normal distribution.


def compute(n_features: int = 13) -> dict:
    """Fit the pipeline of scaler and Gaussian to each cultivar.

    Parameters
    ----------
    n_features : int
        Number of measurements that are used, the first ones.

    Returns
    -------
    dict
        ``feature_names`` and ``classes``, a dict that holds for each cultivar ``n_rows``, the
        fitted ``pipeline``, ``mean`` and ``mean_error`` (D,), ``covariance`` and
        ``covariance_error`` (D, D), ``log_likelihood`` per row, ``status``, ``message``,
        ``n_iter`` and ``history``.
    """
    wine = load_wine()
    X, y = wine.data[:, :n_features], wine.target
    # Fitted to all wines: if each cultivar were scaled by itself, every mean would be 0.
    scaler = FrozenEstimator(StandardScaler().fit(X))
    classes = {}
    for k, name in enumerate(wine.target_names):
        rows = X[y == k]
        pipeline = make_pipeline(scaler, NaturalGaussianMLE()).fit(rows)
        model = pipeline[-1]
        errors = model.standard_errors_
        classes[str(name)] = {
            "n_rows": len(rows),
            "pipeline": pipeline,
            "mean": model.mean_,
            "mean_error": errors["loc"],
            "covariance": model.covariance_,
            "covariance_error": errors["covariance"],
            "log_likelihood": pipeline.score(rows),
            "status": model.status_,
            "message": model.message_,
            "n_iter": model.n_iter_,
            "history": model.history_,
        }
    return {"feature_names": wine.feature_names[:n_features], "classes": classes}


# %%
# What is reported: means and a few covariances with standard errors, how each fit ended, and the
# first rows of a history.


def report(result: dict) -> None:
    """Print the estimates, how each fit ended, and the first iterations of one."""
    names, classes = list(result["feature_names"]), result["classes"]
    print("Wines by cultivar, full covariance; units: standard deviations of all wines\n")
    print(" " * 30 + "".join(f"{name:>18}" for name in classes))
    print(f"{'rows':30}" + "".join(f"{fit['n_rows']:18d}" for fit in classes.values()))
    for j, feature in enumerate(names):
        cells = (f"{f['mean'][j]:+.3f} +- {f['mean_error'][j]:.3f}" for f in classes.values())
        print(f"{'mean ' + feature:30.30}" + "".join(f"{cell:>18}" for cell in cells))
    for a, b in PAIRS:
        i, j = names.index(a), names.index(b)
        cells = (
            f"{f['covariance'][i, j]:+.3f} +- {f['covariance_error'][i, j]:.3f}"
            for f in classes.values()
        )
        print(f"{f'cov {a}, {b}':30.30}" + "".join(f"{cell:>18}" for cell in cells))
    values = (f"{fit['log_likelihood']:18.4f}" for fit in classes.values())
    print(f"{'log-likelihood per row, nats':30}" + "".join(values))
    print()
    for name, fit in classes.items():
        print(f"{name}: {fit['n_iter']} iterations, {fit['message']}")
    first = next(iter(classes))
    columns = ("objective", "distance", "step_length", "predicted_kl", "kl", "evaluations")
    print(f"\nhistory of {first} (estimator.history_.head())")
    print("   " + "".join(f"{column:>14}" for column in columns))
    head = classes[first]["history"].head()
    for i in range(head.n_rows):
        print(f"{i:3d}" + "".join(f"{head[column][i]:14.6g}" for column in columns))


# %%
# The picture shows for each iteration how many standard errors are left to the optimum.


def draw(result: dict) -> plt.Figure:
    """Draw the convergence of the three fits."""
    plt.style.use("natfit.display.natfit")
    figure, ax = plt.subplots(figsize=(8, 4.5))
    pipelines = {
        f"{name} ({fit['n_rows']} wines)": fit["pipeline"]
        for name, fit in result["classes"].items()
    }
    ConvergenceDisplay.from_estimators(pipelines, ax=ax)
    ax.axhline(1e-5, color="0.5", linestyle=":", zorder=0)
    ax.annotate("tol", (0, 1e-5), (0, 4), textcoords="offset points", color="0.4")
    ax.set_title("Normal distributions of 13 measurements, one for each cultivar")
    return figure


# %%
# All three fits end below the tolerance within seven iterations, although each has 104 parameters.
# The last iterations gain several digits at once.


def main(argv: list[str] | None = None) -> None:
    """Print the estimates and write the convergence plot."""
    default = Path(__file__).parents[1] / "output" / "wine_gaussian.png"
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
