"""B10 lives are uncertain, and not symmetrically
==============================================

The B10 life of a part is the distance by which 10 % have failed, the quantile at 0.1. Of 38 shock
absorbers 11 failed; the others were still intact, so that their distances are lower limits of
their lives: ``natfit.Censored.right``. The B10 life lies where there are few failures, so that the
likelihood is not symmetric about it: its profile interval (S. S. Wilks, *The large-sample
distribution of the likelihood ratio*, Annals of Mathematical Statistics 9, 1938) is compared with
the delta method's.

The data are distances in kilometres, a table of published facts in P. O'Connor, *Practical
Reliability Engineering*, 1985, and W. Q. Meeker and L. A. Escobar, *Statistical Methods for
Reliability Data*, Wiley 1998, table C.2.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit
from natfit.display import ProbabilityPlotDisplay, ProfileDisplay

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data" / "shock_absorbers.csv"


# %%
# Fit two families, and compute both intervals of the B10 life in each.


def compute(families: tuple[str, ...] = ("weibull", "lognormal"), level: float = 0.95) -> dict:
    """Fit the families, and compute intervals of the B10 life in each.

    Parameters
    ----------
    families : tuple of str
        Positive families with a distribution function; the first is the one of the paper.
    level : float
        Confidence level.

    Returns
    -------
    dict
        ``rows`` (:class:`natfit.Censored`), ``n_failed``, and ``fits`` by name, each a dict of the
        fitted ``model``, its ``log_likelihood`` (nats), and the ``delta`` and ``profile`` estimates
        of B10 (kilometres) with their intervals.

    Raises
    ------
    FileNotFoundError
        If the data are missing.
    """
    if not DATA.is_file():
        raise FileNotFoundError(
            f"{DATA} is missing: distances of shock absorbers. "
            "It lies in natfit's repository under examples/data."
        )
    km, failed = np.loadtxt(DATA, delimiter=",", skiprows=1).T
    rows = natfit.Censored.right(km, failed)
    fits = {}
    for name in families:
        model = natfit.fit(name, rows)
        fits[name] = {
            "model": model,
            "log_likelihood": model.loglik_,
            "delta": model.estimate("ppf", 0.1, level=level),
            "profile": model.estimate("ppf", 0.1, level=level, method="profile", X=rows),
        }
    return {"rows": rows, "n_failed": int(failed.sum()), "level": level, "fits": fits}


# %%
# The two intervals side by side.


def report(result: dict) -> None:
    """Print the estimates and the intervals of the B10 life."""
    n, percent = len(result["rows"]), 100 * result["level"]
    print(f"Shock absorbers: {n} distances, {result['n_failed']} failures, kilometres\n")
    intervals = f"delta {percent:g} %", f"profile {percent:g} %"
    print(
        f"{'family':10}{'log-lik.':>10}{'B10':>8}{intervals[0]:>19}{intervals[1]:>19}   estimates"
    )
    for name, fit in result["fits"].items():
        model = fit["model"]
        ends = [f"{fit[m].low:.0f} to {fit[m].high:.0f}" for m in ("delta", "profile")]
        cells = ", ".join(
            f"{p} {v[0]:.4g} +- {model.standard_errors_[p][0]:.2g}"
            for p, v in model.params_.items()
        )
        b10 = fit["profile"].value
        print(
            f"{name:10}{fit['log_likelihood']:10.2f}{b10:8.0f}{ends[0]:>19}{ends[1]:>19}   {cells}"
        )
    one, other = result["fits"].values()
    higher = np.array([one["delta"].low, one["delta"].high])
    higher -= one["profile"].low, one["profile"].high
    print(
        f"\nThe likelihood of B10 is skewed: the delta method's interval lies {higher[0]:.0f} and "
        f"{higher[1]:.0f} km above the profile's.\nThe log-likelihoods hardly tell the families "
        f"apart, and their B10 lives differ by "
        f"{abs(one['profile'].value - other['profile'].value):.0f} km,\nmuch less than the "
        "intervals are wide."
    )


# %%
# Both fits on Weibull paper, and the profile likelihood of the B10 life.


def draw(result: dict) -> plt.Figure:
    """Draw both fits on Weibull paper, and the profile likelihood of the B10 life."""
    plt.style.use("natfit.display.natfit")
    figure, (paper, profile) = plt.subplots(1, 2, figsize=(10, 4.6))
    for name, fit in result["fits"].items():
        ProbabilityPlotDisplay.from_estimator(
            fit["model"],
            result["rows"],
            paper="weibull",
            level=result["level"],
            ax=paper,
            name=name,
        )
    paper.axhline(np.log(-np.log(0.9)), color="0.5", ls=":", lw=1)
    paper.set(
        xlabel="distance (km)",
        ylabel="probability of failure",
        title="Both families fit on Weibull paper",
    )
    model = next(iter(result["fits"].values()))["model"]
    ProfileDisplay.from_estimator(
        model, result["rows"], of=("ppf", 0.1), level=result["level"], ax=profile
    )
    profile.set(xlabel="B10 life (km)", title="The likelihood of the B10 life is skewed")
    return figure


# %%
# The interval by the profile likelihood lies to the left of the delta method's at both ends: short
# B10 lives are less unlikely than the symmetric interval says.


def main(argv: list[str] | None = None) -> None:
    """Print the B10 life and write the plots."""
    default = Path(__file__).parents[1] / "output" / "weibull_b10.png"
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
