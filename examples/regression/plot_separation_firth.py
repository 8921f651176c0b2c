"""Separated classes have infinite odds, and Firth's penalty finite ones
=====================================================================

Of 79 patients with endometrial cancer, all 13 whose tumour shows new blood vessels (NV) have a high
grade (Heinze and Schemper, 2002, *Statistics in Medicine* 21; data in Agresti, 2015, *Foundations
of Linear and Generalized Linear Models*). The likelihood of a logistic regression grows without
limit as the coefficient of NV goes to infinity, and software that does not look for this stops
wherever its iterations end, with an estimate and a standard error that mean nothing. natfit proves
the direction and says ``unbounded``.

Firth's (1993, *Biometrika* 80) penalty adds half the log-determinant of the Fisher information,
``prior="jeffreys"``. The estimate exists then, and its bias of order 1/N is gone. The penalised
likelihood is skewed, so that its profile interval is the one to report: Wald's interval contains
zero, the profile interval does not.
"""

# %%
# What is needed: natfit and numpy.
from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.exceptions import ConvergenceWarning

import natfit

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data" / "endometrial.csv"

#: The features, in words, and the units of the picture.
NAMES = {
    "NV": "new blood vessels (yes)",
    "PI": "pulsatility index (per standard deviation)",
    "EH": "endometrium height (per standard deviation)",
}


# %%
# The same classifier, without and with the penalty. With it, the deviance of NV is profiled on a
# grid.
def compute(level: float = 0.95, n_grid: int = 41) -> dict:
    """Fit with and without the penalty, and compute intervals.

    Parameters
    ----------
    level : float
        Confidence level.
    n_grid : int
        How many values of the coefficient of NV the likelihood of the plain fit is drawn at.

    Returns
    -------
    dict
        ``X`` (N, 3), ``y`` (N,), ``table``, rows of each class by NV; ``plain`` and ``firth``, the
        fits; ``wald`` and ``profile``, intervals of the penalised coefficients by name; ``test``,
        the penalised likelihood-ratio test of NV; ``grid`` (n_grid,) and ``loglik`` (n_grid,), the
        largest log-likelihood without the penalty at each coefficient of NV.
    """
    frame = np.loadtxt(DATA, delimiter=",", skiprows=1)
    X, y = frame[:, :3], frame[:, 3].astype(int)
    with warnings.catch_warnings():
        # The fit warns that it found no estimate, which is what is shown.
        warnings.simplefilter("ignore", ConvergenceWarning)
        plain = natfit.NaturalClassifier().fit(X, y)
    firth = natfit.NaturalClassifier(prior="jeffreys").fit(X, y)
    grid = np.linspace(-2.0, 12.0, n_grid)
    # A known coefficient is an offset.
    loglik = [
        natfit.NaturalClassifier().fit(X[:, 1:], y, offset=value * X[:, 0]).loglik_
        for value in grid
    ]
    return {
        "X": X,
        "y": y,
        "table": np.array([[np.sum((X[:, 0] == v) & (y == c)) for c in (0, 1)] for v in (0, 1)]),
        "plain": plain,
        "firth": firth,
        "wald": firth.conf_int(level=level),
        "profile": firth.conf_int(level=level, method="profile", X=X, y=y),
        "test": firth.likelihood_ratio_test("x0", X, y),
        "grid": grid,
        "loglik": np.array(loglik),
    }


# %%
# The verdict without the penalty, and the estimates with it.
def report(result: dict) -> None:
    """Print the table of NV and grade, the verdict, and the penalised estimates."""
    print("                  low grade   high grade")
    for label, row in zip(("without vessels", "with vessels"), result["table"], strict=True):
        print(f"{label:16}{row[0]:11d}{row[1]:13d}")
    print(f"\nwithout a penalty: {result['plain'].message_}\n")
    firth = result["firth"]
    print(f"with Firth's penalty: {firth.status_}")
    print(f"{'':6}{'estimate':>9}{'std. error':>12}{'Wald 95 %':>18}{'profile 95 %':>18}")
    for k, name in enumerate(NAMES):
        value, error = firth.coef_[0][k], firth.standard_errors_[0][k]
        cells = [
            "{:.2f} to {:.2f}".format(*np.ravel(result[way][f"prob[x{k}]"]))
            for way in ("wald", "profile")
        ]
        print(f"{name:6}{value:9.3f}{error:12.3f}{cells[0]:>18}{cells[1]:>18}")
    print(f"no effect of NV: p = {result['test'].pvalue:.2g} (likelihood ratio, penalised)")


# %%
# On the left why there is no estimate, on the right the two kinds of interval.
def draw(result: dict):
    """Draw the log-likelihood of the coefficient of NV, and the penalised intervals.

    Returns
    -------
    matplotlib Figure
    """
    from natfit.display import ProfileDisplay

    plt.style.use("natfit.display.natfit")
    figure, (profile, intervals) = plt.subplots(1, 2, figsize=(11, 4.4))
    lost = 2.0 * (result["loglik"].max() - result["loglik"])
    profile.plot(result["grid"], lost, "C3-.", label="without a penalty")
    ProfileDisplay.from_estimator(
        result["firth"], result["X"], y=result["y"], of="prob[x0]", ax=profile
    )
    profile.set(
        xlabel="coefficient of new blood vessels (log odds)",
        ylabel="deviance from the best value",
        ylim=(-0.4, 12.0),
        title="The penalty gives the likelihood a maximum",
    )
    profile.legend(loc="upper right", fontsize=8)
    units = np.array([1.0, *result["X"][:, 1:].std(axis=0)])
    for k, unit in enumerate(units):
        value = result["firth"].coef_[0][k] * unit
        for way, shift, marker in (("wald", 0.12, "s"), ("profile", -0.12, "o")):
            low, high = np.ravel(result[way][f"prob[x{k}]"]) * unit
            style = {"fmt": marker, "color": "C1" if way == "wald" else "C0", "capsize": 3}
            label = None if k else {"wald": "Wald", "profile": "profile"}[way]
            ends = [[value - low], [high - value]]
            intervals.errorbar(value, -k + shift, xerr=ends, label=label, **style)
    intervals.axvline(0.0, color="0.5", lw=1)
    intervals.set_yticks([0, -1, -2], [text.replace(" (", "\n(") for text in NAMES.values()])
    intervals.set(xlabel="coefficient (log odds)", title="95 % intervals with Firth's penalty")
    intervals.legend()
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the estimates and write the figure."""
    default = Path(__file__).parents[1] / "output" / "separation_firth.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# The curve without a penalty falls for ever. The penalised one has, at odds of exp(2.9), nineteen
# to one, and rises slowly to the right: the profile interval reaches far there, and on the left it
# ends above zero.
if __name__ == "__main__":
    main()
