"""Financial aid delays the next arrest, convictions hasten it
===========================================================

Half of 432 men who were released from prison had financial aid, and all were observed for a year.
114 were arrested again; for the others the 52 weeks are a lower limit: ``natfit.Censored.right``.
An accelerated failure time model is a regression with a positive family, whose scale depends on
features: a feature multiplies the time by exp(coefficient). Cox's regression has no such family, so
that it does not say where the curves go.

The data are from P. H. Rossi, R. A. Berk and K. J. Lenihan, *Money, Work, and Crime*, Academic
Press 1980; the file is as in lifelines (MIT licence).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit
from natfit.display import CoefficientsDisplay, QuantileResidualsDisplay

try:
    import matplotlib.pyplot as plt
    import pandas as pd
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]" pandas') from None


DATA = Path(__file__).parents[1] / "data" / "rossi.csv"


# %%
# Fit three families, test the effect of aid, and compute the curves of two men.


def compute(families: tuple[str, ...] = ("weibull", "lognormal", "log_logistic")) -> dict:
    """Fit the families, test the effect of aid, and compute the curves of two men.

    Parameters
    ----------
    families : tuple of str
        Positive families with a scale; the first is the one that is tested and drawn.

    Returns
    -------
    dict
        ``X``, ``y`` (:class:`natfit.Censored`), ``n_arrests``, ``table`` (:func:`natfit.compare`),
        ``model`` (the first family's fit), ``aid`` (likelihood-ratio test of its effect),
        ``ratio`` (by which aid multiplies the time), ``men`` (two rows of features), ``weeks``
        (M,), and ``curves``, the estimated survival (M, 2) with confidence intervals.

    Raises
    ------
    FileNotFoundError
        If the data are missing.
    """
    if not DATA.is_file():
        raise FileNotFoundError(
            f"{DATA} is missing: weeks until an arrest. "
            "It lies in natfit's repository under examples/data."
        )
    table = pd.read_csv(DATA)
    X = table.drop(columns=["week", "arrest"])
    y = natfit.Censored.right(table["week"], table["arrest"])
    compared = natfit.compare(X, list(families), y=y)
    model = compared[families[0]]
    # The median man, at the quartiles of age and of earlier convictions.
    men = pd.concat([X.median().to_frame().T] * 2, ignore_index=True)
    men["age"] = X["age"].quantile([0.75, 0.25]).to_numpy()
    men["prio"] = X["prio"].quantile([0.25, 0.75]).to_numpy()
    weeks = np.linspace(0.5, 52.0, 104)
    return {
        "X": X,
        "y": y,
        "n_arrests": int(table["arrest"].sum()),
        "table": compared,
        "model": model,
        "aid": model.likelihood_ratio_test("fin", X, y),
        "ratio": model.estimate(lambda b: np.exp(b["scale[fin]"]), scale="log"),
        "men": men,
        "weeks": weeks,
        "curves": model.estimate("sf", weeks[:, None], at=men),
    }


# %%
# The comparison, the coefficients, and what they say of aid and of the two men.


def report(result: dict) -> None:
    """Print the comparison, the coefficients and what they say of aid and of the two men."""
    print(f"{len(result['y'])} men, {result['n_arrests']} arrests in 52 weeks\n")
    print(result["table"])
    print(f"\n{result['model'].summary()}\n")
    ratio, aid = result["ratio"], result["aid"]
    print(
        f"Aid multiplies the time to an arrest by {ratio.value:.2f} "
        f"({ratio.low:.2f} to {ratio.high:.2f}); p = {aid.pvalue:.3f} by the likelihood ratio."
    )
    curves = result["curves"]
    for k, man in result["men"].iterrows():
        print(
            f"{_name(man)}: free for a year with probability {curves.value[-1, k]:.2f} "
            f"({curves.low[-1, k]:.2f} to {curves.high[-1, k]:.2f})"
        )


def _name(man: pd.Series) -> str:
    return f"age {man['age']:g}, earlier convictions: {man['prio']:g}"


# %%
# The curves of the two men, the coefficients, and the residuals.


def draw(result: dict) -> plt.Figure:
    """Draw the curves of the two men, the coefficients, and the residuals."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplot_mosaic([["left", "middle"], ["left", "right"]], figsize=(10, 6))
    left, middle, right = (axes[name] for name in ("left", "middle", "right"))
    weeks, curves = result["weeks"], result["curves"]
    for k, man in result["men"].iterrows():
        (line,) = left.plot(weeks, curves.value[:, k], ("-", "--")[k], label=_name(man))
        ends = curves.low[:, k], curves.high[:, k]
        left.fill_between(weeks, *ends, color=line.get_color(), alpha=0.2, lw=0)
    left.set(
        xlabel="time after the release (weeks)",
        ylabel="probability of no arrest",
        ylim=(0, 1),
        title="Age and convictions part the curves",
    )
    left.legend(loc="lower left")
    CoefficientsDisplay.from_estimator(result["model"], parameter="scale", ax=middle)
    middle.set(
        xlabel="coefficient (log of weeks, per unit)",
        title="Aid delays, convictions hasten an arrest",
    )
    for name in ("weibull", "lognormal"):
        QuantileResidualsDisplay.from_estimator(
            result["table"][name], result["X"], result["y"], kind="worm", ax=right, name=name
        )
    right.set(title="Residuals, random where censored", ylabel="residual - quantile (SD)")
    return figure


# %%
# A man who is older and has fewer convictions stays free for longer. The interval of the
# coefficient of aid, "fin", lies above zero.


def main(argv: list[str] | None = None) -> None:
    """Print the estimates and write the figure."""
    default = Path(__file__).parents[1] / "output" / "survival_aft.png"
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
