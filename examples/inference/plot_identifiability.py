"""What a year of observation cannot tell, and how the fit says so
===============================================================

Of 432 men released from prison 114 were arrested again within a year (Rossi, Berk and Lenihan,
1980, *Money, Work, and Crime*; as in lifelines, MIT licence). Will the others never be, or not yet?
A Weibull distribution with a share that never sees the event, ``CureFraction("weibull")``, has a
parameter for it, and the fit returns a number. But a large share and a short time to the arrest of
all others look the same within a year as no such share and a long time: the data determine a
combination of the two, and not each of them.

natfit says so in three places. The standard error of the share is larger than its range. The
profile interval reaches the end of the range, and its note names it. And
``model.identifiability()`` names the combination of parameters along which the likelihood is flat
(Rothenberg, 1971, *Econometrica* 39), with how many rows of this kind would determine it: what is
missing is not rows but time.
"""

# %%
# What is needed: natfit and numpy.
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit
from natfit import Censored
from natfit.distributions import CureFraction

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data" / "rossi.csv"


# %%
# The model is fitted freely, and with several shares held fixed: each of these fits has the other
# parameters at their best values for its share.
def compute(shares: tuple[float, ...] = (0.0, 0.3, 0.6, 0.7), n_grid: int = 24) -> dict:
    """Fit the model freely and for given shares.

    Parameters
    ----------
    shares : tuple of float
        Shares of those never arrested whose survival functions are drawn.
    n_grid : int
        How many shares the deviance is computed at.

    Returns
    -------
    dict
        ``rows``; ``model``, the free fit; ``verdict`` of ``identifiability``; ``share``, the
        estimate with its profile interval; ``held``, by the share the fit with this share;
        ``grid`` (n_grid,) and ``deviance`` (n_grid,).
    """
    weeks, arrested = np.loadtxt(DATA, delimiter=",", skiprows=1, usecols=(0, 1)).T
    rows = Censored.right(weeks, arrested)
    model = natfit.fit(CureFraction("weibull"), rows)
    grid = np.linspace(0.0, 0.72, n_grid)
    deviance = [2.0 * (model.loglik_ - _with_share(rows, share).loglik_) for share in grid]
    return {
        "rows": rows,
        "model": model,
        "verdict": model.identifiability(),
        "share": model.estimate("cured_prob", method="profile", X=rows),
        "held": {share: _with_share(rows, share) for share in shares},
        "grid": grid,
        "deviance": np.array(deviance),
    }


def _with_share(rows: Censored, share: float) -> natfit.NaturalMLE:
    """Return the fit in which a known share is never arrested; without one it is a Weibull fit."""
    if share == 0.0:
        return natfit.fit("weibull", rows)
    return natfit.fit(CureFraction("weibull"), rows, fixed={"cured_prob": share})


# %%
# The free fit looks like any other, but for its standard errors; the verdict names the reason.
def report(result: dict) -> None:
    """Print the free fit, the verdict, and the fits with given shares."""
    model, share = result["model"], result["share"]
    print(f"{len(result['rows'])} men, free fit: {model.status_}")
    for name, value in model.params_.items():
        print(f"  {name:11}{value[0]:8.3f} +- {model.standard_errors_[name][0]:.3f}")
    low, high = float(share.low[0]), float(share.high[0])
    print(f"  95 % profile interval of the share: {low:.2f} to {high:.2f}")
    for note in share.notes:
        print(f"  note: {note}")
    print(f"\n{result['verdict']}\n")
    print(f"{'share never arrested':22}{'log-lik.':>10}{'in 1 year':>11}{'in 5 years':>12}")
    for given, held in result["held"].items():
        year, five = (1.0 - held.frozen_.sf(weeks) for weeks in (52.0, 260.0))
        print(f"{given:<22g}{held.loglik_:10.2f}{year:11.1%}{five:12.1%}")


# %%
# What the fits say of the first year, and of those after it.
def draw(result: dict):
    """Draw survival functions of several shares, and the deviance of the share.

    Returns
    -------
    matplotlib Figure
    """
    from scipy.stats import chi2

    plt.style.use("natfit.display.natfit")
    figure, (survival, profile) = plt.subplots(1, 2, figsize=(11, 4.4))
    weeks, rows = np.linspace(0.5, 260.0, 400), result["rows"]
    # Nobody left before the end of the year: the empirical shares need no Kaplan-Meier estimate.
    ends = np.sort(rows.lower[np.isfinite(rows.upper)])
    free = 1.0 - np.arange(1, len(ends) + 1) / len(rows)
    survival.step(ends, free, where="post", color="k", lw=2.4, label="observed")
    for k, (share, held) in enumerate(result["held"].items()):
        color, style = f"C{k}", ("-", "--", "-.", ":")[k]
        label = f"{share:.0%} never arrested"
        survival.plot(weeks, held.frozen_.sf(weeks), style, color=color, label=label)
        deviance = 2.0 * (result["model"].loglik_ - held.loglik_)
        profile.plot(share, deviance, "osD^"[k], color=color, ms=8, zorder=4)
    survival.axvspan(0.0, 52.0, color="0.93", zorder=0)
    survival.annotate("observed year", (4.0, 0.05), color="0.3")
    survival.set(
        xlabel="weeks since the release",
        ylabel="share not arrested again",
        ylim=(0.0, 1.03),
        title="The same within the year, far apart after it",
    )
    survival.legend(loc="upper right", fontsize=8)
    profile.plot(result["grid"], result["deviance"], color="0.3", zorder=2, label="profile")
    profile.axhline(chi2.ppf(0.95, 1), color="0.3", ls=":", label="end of the 95 % interval")
    profile.set(
        xlabel="share never arrested",
        ylabel="deviance from the best share",
        title="Any share from none to two thirds will do",
    )
    profile.legend(loc="upper left")
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the verdict and write the figure."""
    default = Path(__file__).parents[1] / "output" / "identifiability.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# In the grey year the curves of shares from none to 60 % lie on the observations, and after five
# years they are far apart. The likelihood is flat between them and rises only beyond two thirds,
# which is all that the year can tell: at least a third will be arrested again, or have been.
if __name__ == "__main__":
    main()
