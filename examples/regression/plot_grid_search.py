"""The score of a grid search decides how strong the penalty should be
===================================================================

A pipeline of a scaler and a regression is searched with scikit-learn's ``GridSearchCV`` over the
family, the parameters that depend on features, and the ridge penalty. Scores are those of predicted
distributions and not of means: the log score in nats, which decides here, and the continuous ranked
probability score (CRPS) in the unit of y. The log score is harder on a spread that is too sure of
itself, and so it wants the stronger penalty.

The data are 442 patients, and what is predicted is how far their diabetes had progressed a year
later (``load_diabetes`` of scikit-learn, BSD licence): B. Efron, T. Hastie, I. Johnstone and
R. Tibshirani, *Least angle regression*, Annals of Statistics 32, 2004.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import natfit

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


#: What the plots call the options of ``features_for``.
FEATURES = {None: "mean alone", "all": "mean and spread"}


# %%
# The grid reaches into the pipeline by scikit-learn's double underscores. Three quarters of the
# patients are searched.


def compute(
    families: tuple[str, ...] = ("gamma_mean", "lognormal", "weibull"),
    alphas: tuple[float, ...] = (1e-3, 1e-2, 1e-1, 1.0, 10.0),
) -> dict:
    """Search three quarters of the patients, and score the best model on the others.

    Parameters
    ----------
    families : tuple of str
        Positive families.
    alphas : tuple of float
        Strengths of the ridge penalty.

    Returns
    -------
    dict
        ``search`` (the fitted GridSearchCV), ``families``, ``alphas``, ``scores``, by scorer an
        array of means over the folds (families, alphas, features), and ``fresh``, by name of the
        model the log score and the CRPS of patients that the search did not see.
    """
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
    pipe = Pipeline([("scale", StandardScaler()), ("model", natfit.NaturalRegressor())])
    # In the order of the names, in which ParameterGrid counts.
    grid = {
        "model__alpha": alphas,
        "model__distribution": families,
        "model__features_for": list(FEATURES),
    }
    scorers = {"log_score": natfit.make_scorer(), "crps": natfit.make_scorer("crps")}
    search = GridSearchCV(pipe, grid, scoring=scorers, refit="log_score", cv=KFold(5))
    print("searching the grid in five folds", flush=True)
    search.fit(train, y_train)
    shape = len(alphas), len(families), len(FEATURES)
    scores = {
        name: search.cv_results_[f"mean_test_{name}"].reshape(shape).swapaxes(0, 1)
        for name in scorers
    }
    plain = pipe.fit(train, y_train)
    models = {"the best": search.best_estimator_, "normal, as least squares": plain}
    return {
        "search": search,
        "families": families,
        "alphas": alphas,
        "scores": scores,
        "fresh": {
            name: {n: scorer(model, test, y_test) for n, scorer in scorers.items()}
            for name, model in models.items()
        },
    }


# %%
# The whole grid, and the scores of patients that the search did not see.


def report(result: dict) -> None:
    """Print the grid, the best options, and the scores of patients that were not searched."""
    print("mean scores of patients that were left out of a fit; larger is better\n")
    print(f"{'family':12}{'features of':18}{'alpha':>8}{'log score (nats)':>18}{'CRPS':>9}")
    for i, family in enumerate(result["families"]):
        for k, features in enumerate(FEATURES.values()):
            for j, alpha in enumerate(result["alphas"]):
                log_score, crps = (result["scores"][n][i, j, k] for n in ("log_score", "crps"))
                print(f"{family:12}{features:18}{alpha:8g}{log_score:18.4f}{crps:9.2f}")
    print(f"\nbest: {result['search'].best_params_}")
    for name, scores in result["fresh"].items():
        both = f"log score {scores['log_score']:.4f}, CRPS {scores['crps']:.2f}"
        print(f"other patients, {name}: {both}")


# %%
# Both scores against the strength of the penalty.


def draw(result: dict) -> plt.Figure:
    """Draw both scores against the penalty."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplots(1, 2, figsize=(10, 5))
    labels = {
        "log_score": ("log score (nats a patient)", "Log score: the spread needs a penalty"),
        "crps": ("- CRPS (points of progression)", "CRPS: it prefers a weaker one"),
    }
    for ax, (name, (ylabel, title)) in zip(axes, labels.items(), strict=True):
        for i, family in enumerate(result["families"]):
            for k, (features, style) in enumerate(zip(FEATURES.values(), ("-", "--"), strict=True)):
                ax.plot(
                    result["alphas"],
                    result["scores"][name][i, :, k],
                    "osD^v"[i % 5] + style,
                    ms=4,
                    color=f"C{i}",
                    label=f"{family}, {features}",
                )
        ax.set(xscale="log", xlabel="alpha (strength of the penalty)", ylabel=ylabel, title=title)
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


# %%
# The dotted lines, in which the spread depends on features too, have their maxima at another
# penalty in the left panel than in the right one.


def main(argv: list[str] | None = None) -> None:
    """Print the grid and write the figure."""
    default = Path(__file__).parents[1] / "output" / "grid_search.png"
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
