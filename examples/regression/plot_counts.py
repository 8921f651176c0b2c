"""Many zeros need not mean extra zeros
====================================

How often people visit a doctor in a year is much more variable than a Poisson distribution, and a
third of the counts is zero. The question is whether a zero is a thing of its own. With extra zeros
the Poisson regression gains a lot, but the negative binomial one, which has as many parameters,
gains more and then finds no extra zeros.

The data are 20,190 person-years of the RAND health insurance experiment (``randhie`` of
statsmodels, in the public domain): J. Newhouse, *Free for All?*, Harvard 1993; A. C. Cameron and
P. K. Trivedi, *Microeconometrics*, Cambridge 2005.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit
from natfit.display import CoefficientsDisplay, QuantileResidualsDisplay
from natfit.distributions import ZeroInflated

try:
    import matplotlib.pyplot as plt
    from statsmodels.datasets import randhie
except ImportError as missing:
    raise ImportError(
        f'{missing}; this example needs: pip install "natfit[plot]" statsmodels'
    ) from None


#: Families by what they are called in the table.
MODELS = {
    "Poisson": natfit.NaturalRegressor("poisson"),
    "Poisson, extra zeros": natfit.NaturalRegressor(ZeroInflated("poisson")),
    "Poisson, zeros on x": natfit.NaturalRegressor(ZeroInflated("poisson"), features_for="all"),
    "NB2": natfit.NaturalRegressor("negative_binomial"),
    "NB2, extra zeros": natfit.NaturalRegressor(ZeroInflated("negative_binomial")),
    "NB2, spread on x": natfit.NaturalRegressor("negative_binomial", features_for="all"),
}


#: The model whose coefficients are printed.
BEST = "NB2, spread on x"


# %%
# Six models of the same counts: two families, each plain, with extra zeros, and with a second
# parameter that depends on the features.


def compute(n_rows: int | None = None, most: int = 25) -> dict:
    """Fit the models, and compute how often each expects a number of visits.

    Parameters
    ----------
    n_rows : int, optional
        Number of rows, taken at equal distances; all by default.
    most : int
        The largest number of visits whose frequency is computed.

    Returns
    -------
    dict
        ``X``, ``y``, ``table`` (:func:`natfit.compare`), ``visits`` (M,), ``observed`` (M,), the
        number of rows with so many visits, ``expected``, the same by the models in ``drawn``, and
        ``test``, the likelihood-ratio test of a spread that depends on the features.
    """
    rows = randhie.load_pandas().data
    if n_rows is not None:
        rows = rows.iloc[np.linspace(0, len(rows) - 1, n_rows).astype(int)]
    X, y = rows.drop(columns="mdvis"), rows["mdvis"]
    print(f"fitting {len(MODELS)} models to {len(y):,d} rows", flush=True)
    table = natfit.compare(X, MODELS, y=y)
    visits, drawn = np.arange(most + 1), ("Poisson", "Poisson, zeros on x", "NB2", BEST)
    # A column of points stands for all rows: (M, 1) gives (M, n).
    expected = {n: table[n].predict_dist(X).pmf(visits[:, None]).sum(axis=1) for n in drawn}
    return {
        "X": X,
        "y": y,
        "table": table,
        "visits": visits,
        "observed": np.bincount(y, minlength=most + 1)[: most + 1],
        "expected": expected,
        "test": table[BEST].likelihood_ratio_test(table["NB2"]),
    }


# %%
# The comparison by AIC, the zeros that each model expects, and the coefficients of the best one.


def report(result: dict) -> None:
    """Print the comparison, the expected zeros, and the coefficients of the best model."""
    print(f"{len(result['y'])} person-years, {result['y'].mean():.2f} visits each\n")
    print(result["table"])
    print(f"\nzeros: {result['observed'][0]} observed; expected by")
    for name, expected in result["expected"].items():
        print(f"  {name:22}{expected[0]:8.0f}")
    print(f"the spread depends on the features: p = {result['test'].pvalue:.2g}\n")
    print(result["table"][BEST].summary())


# %%
# Expected against observed counts, residuals that are normal if the model is right, and the
# coefficients of two models.


def draw(result: dict) -> plt.Figure:
    """Draw a hanging rootogram, worms of the residuals, and coefficients of the mean."""
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplot_mosaic(
        [["root", "coefficients"], ["worm", "coefficients"]], figsize=(10, 7.5)
    )
    root, worm, coefficients = (axes[name] for name in ("root", "worm", "coefficients"))
    styles = zip("osD^", ("-", "--", "-.", ":"), strict=True)
    for (name, expected), (marker, line) in zip(result["expected"].items(), styles, strict=True):
        gap = np.sqrt(expected) - np.sqrt(result["observed"])
        root.plot(result["visits"], gap, marker, ls=line, ms=3.5, label=name)
        QuantileResidualsDisplay.from_estimator(
            result["table"][name], result["X"], result["y"], kind="worm", ax=worm, name=name, ms=1.5
        )
    root.axhline(0.0, color="0.5", lw=1)
    root.set(
        xlabel="visits in a year",
        ylabel="root of expected - observed",
        title="Zeros that fit are not counts that fit",
    )
    root.legend()
    worm.set(title="NB2 fits all but the largest counts", ylim=(-2, 4))
    for name in ("Poisson", "NB2"):
        model = result["table"][name]
        CoefficientsDisplay.from_estimator(model, ax=coefficients, name=name, ms=4)
    coefficients.set(
        xlabel="coefficient of log visits (per unit)",
        title="Poisson is too sure of its coefficients",
    )
    return figure


# %%
# The Poisson model with extra zeros matches the zeros and fails at the counts beside them. The
# negative binomial model with extra zeros is the only one whose status is not "converged": the
# data have none to give it.


def main(argv: list[str] | None = None) -> None:
    """Print the comparison and write the figure."""
    default = Path(__file__).parents[1] / "output" / "counts.png"
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
