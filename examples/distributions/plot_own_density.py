"""A density of your own, with standard errors and all that follows
================================================================

The Lindley distribution, p(y) = rate^2 / (1 + rate) (1 + y) exp(-rate y) for y > 0, is not among
natfit's families. It takes one function to add it: ``from_log_prob`` needs the logarithm of the
density, written with ``autograd.numpy``, the limits of the parameters and the support. natfit
differentiates the function, integrates the Fisher information over the support, and has standard
errors, intervals, quantiles and comparisons for the family as for any other.

The data are the minutes that 100 customers of a bank waited (Ghitany, Atieh and Nadarajah, 2008,
*Mathematics and Computers in Simulation* 78, a published table). The article reports an estimate of
0.187 with a standard error of 0.013; both also have formulas, which the fit is compared with.
"""

# %%
# Only the log-density needs ``autograd.numpy``, which has numpy's functions with derivatives.
from __future__ import annotations

import argparse
from pathlib import Path

import autograd.numpy as anp
import numpy as np

import natfit
from natfit.distributions import Positive, from_log_prob

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data" / "bank_waits.csv"


def lindley(y, rate):
    """Return the log-density of the Lindley distribution at y > 0, in nats."""
    return 2.0 * anp.log(rate) - anp.log1p(rate) + anp.log1p(y) - rate * y


# %%
# The optimum solves a quadratic equation, and the information of N rows is N (2 / rate^2 - 1 / (1 +
# rate)^2): these are what the fit is compared with.
def by_hand(y: np.ndarray) -> tuple[float, float]:
    """Return the maximum-likelihood rate and its standard error, by formula.

    Parameters
    ----------
    y : ndarray of shape (N,)
        Waits in minutes.

    Returns
    -------
    rate, error : float
        Both in 1 / minutes.
    """
    mean = y.mean()
    rate = (1.0 - mean + np.sqrt((mean - 1.0) ** 2 + 8.0 * mean)) / (2.0 * mean)
    return rate, 1.0 / np.sqrt(len(y) * (2.0 / rate**2 - 1.0 / (1.0 + rate) ** 2))


# %%
# The family is an object like any other: it is fitted, asked and compared.
def compute() -> dict:
    """Fit the density, ask the fit, and compare it with three families.

    Returns
    -------
    dict
        ``rows`` (N,) in minutes; ``model``; ``by_hand``, rate and standard error by formula;
        ``longer``, the probability to wait longer than 20 minutes, and ``level``, the time that one
        customer in ten exceeds, with intervals; ``table``, the comparison.
    """
    y = np.loadtxt(DATA, skiprows=1)
    family = from_log_prob(lindley, {"rate": Positive()}, support="positive")
    model = natfit.fit(family, y)
    others = {name: name for name in ("exponential", "gamma", "lognormal")}
    return {
        "rows": y,
        "model": model,
        "by_hand": by_hand(y),
        "longer": model.estimate("sf", 20.0),
        "level": model.estimate("isf", 0.1),
        "table": natfit.compare(y, {"Lindley": family, **others}, criterion="bic"),
    }


# %%
# The fit agrees with the formulas, and answers what they do not.
def report(result: dict) -> None:
    """Print the fit beside the formulas, what follows from it, and the comparison."""
    model, (rate, error) = result["model"], result["by_hand"]
    print(f"{len(result['rows'])} waits, {model.status_}")
    print(f"{'':10}{'rate (1/min)':>14}{'std. error':>13}")
    print(f"{'natfit':10}{model.params_['rate'][0]:14.8f}{model.standard_errors_['rate'][0]:13.8f}")
    print(f"{'formula':10}{rate:14.8f}{error:13.8f}\n")
    longer, level = result["longer"], result["level"]
    print(f"P(wait > 20 min)  {longer.value:6.3f}   {longer.low:.3f} to {longer.high:.3f}")
    print(f"exceeded by 10 %  {level.value:6.2f}   {level.low:.2f} to {level.high:.2f} min\n")
    print(result["table"])


# %%
# The fitted density beside two of natfit's families, and its survival function with a band.
def draw(result: dict):
    """Draw the densities over the data, and the survival function with its band.

    Returns
    -------
    matplotlib Figure
    """
    from natfit.display import DensityDisplay

    plt.style.use("natfit.display.natfit")
    figure, (density, survival) = plt.subplots(1, 2, figsize=(11, 4.4))
    y, bars = result["rows"], {"bins": 16, "color": "0.85"}
    lines = {"Lindley": "-", "exponential": "--", "gamma": ":"}
    for k, (name, style) in enumerate(lines.items()):
        DensityDisplay.from_estimator(
            result["table"][name], y, ax=density, name=name, color=f"C{k}", ls=style, sample_kw=bars
        )
        bars = {"bins": 16, "alpha": 0.0}
    density.set(
        xlabel="wait (minutes)",
        ylabel="density (per minute)",
        title="One parameter, like the exponential, and a better fit",
    )
    DensityDisplay.from_estimator(result["model"], y, kind="survival", ax=survival, name="Lindley")
    longer, level = result["longer"], result["level"]
    ends = [[longer.value - longer.low], [longer.high - longer.value]]
    style = {"color": "C1", "capsize": 4, "zorder": 4}
    survival.errorbar(20.0, longer.value, ends, fmt="o", label="P(wait > 20 min)", **style)
    ends = [[level.value - level.low], [level.high - level.value]]
    style["color"] = "C2"
    survival.errorbar(level.value, 0.1, xerr=ends, fmt="s", label="exceeded by 10 %", **style)
    survival.set(
        xlabel="wait (minutes)",
        ylabel="share that waits longer",
        title="Bands and intervals come with the density",
    )
    survival.legend()
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the fit and write the figure."""
    default = Path(__file__).parents[1] / "output" / "own_density.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# On the left, the Lindley density rises and falls like the data, which the exponential one cannot.
# On the right are the fitted share of customers who wait longer, its 95 % band, and two numbers
# that somebody might ask for.
if __name__ == "__main__":
    main()
