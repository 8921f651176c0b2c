"""An adequate fit of counts says little of those never counted
============================================================

Two tables of counts ask which family fits, and whether the best one is good enough. In the first,
zero is never seen: of 135 cottontail rabbits in an enclosure 76 were caught at least once in 18
nights (Edwards and Eberhardt, 1967, *Journal of Wildlife Management* 31), and a rabbit that was
never caught is not in the table. The families are truncated, ``truncation=(1, None)``, and each of
them says how many rabbits there are: 76 / P(caught). In the second table, zeros abound: a fetal
lamb did not move in 182 of 240 intervals of five seconds (Leroux and Puterman, 1992, *Biometrics*
48), and the question is whether the zeros are a thing of their own.

Pearson's chi-square test answers whether a family is adequate. Its statistic lies between
chi-square distributions with M - 1 - K and M - 1 degrees of freedom, for M cells and K parameters
(Chernoff and Lehmann, 1954), so that two p-values enclose the true one; ``n_resamples=999`` would
replace them by one from refits, which takes longer. Both data sets are published tables.
"""

# %%
# What is needed: natfit, numpy, and scipy for the chi-square distribution.
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import chi2

import natfit
from natfit import Censored
from natfit.distributions import Truncated, ZeroInflated

try:
    import matplotlib.pyplot as plt
except ImportError as missing:
    raise ImportError(f'{missing}; this example needs: pip install "natfit[plot]"') from None


DATA = Path(__file__).parents[1] / "data"

#: How many rabbits there were in truth.
N_RABBITS = 135

#: Families of counts from zero on, of which the table shows those from one on.
SEEN = ("poisson", "geometric", "negative_binomial")


MOVES = {
    "poisson": "poisson",
    "geometric": "geometric",
    "negative_binomial": "negative_binomial",
    "generalized_poisson": "generalized_poisson",
    "poisson, extra zeros": ZeroInflated("poisson"),
    "geometric, extra zeros": ZeroInflated("geometric"),
}


# %%
# ``natfit.compare`` ranks the candidates; the test is asked of each of them. With ``Censored`` rows
# that carry their window, the fitted distribution is the whole one, whose P(Y > 0) is needed. The
# log series is the limit of the negative binomial distribution at which infinitely many rabbits
# were never caught.
def compute() -> dict:
    """Fit and test the families of both tables.

    Returns
    -------
    dict
        ``rabbits`` and ``moves``, each a dict of the ``rows``, the ``table`` of the comparison,
        and by the name of the family ``p``, the two ends of the p-value, and ``expected``, how many
        rows it expects to have 0, 1, ... Of the rabbits also ``size``, by the name of the family
        how many there are, and a profile interval of it where the family has one parameter.
    """
    rabbits = _counts("rabbits")
    result = {
        "rabbits": _judged(rabbits, _cut_off()),
        "moves": _judged(_counts("fetal_lamb"), MOVES),
    }
    window = Censored.exact(rabbits.astype(float), truncation=(1, None))
    sizes = {}
    for name in SEEN:
        model = natfit.fit(name, window)
        sizes[name] = len(rabbits) / model.frozen_.sf(0), np.nan, np.nan
        if len(model.param_names_) == 1:
            caught = model.estimate("sf", 0, method="profile", X=window)
            sizes[name] = tuple(len(rabbits) / p for p in (caught.value, caught.high, caught.low))
    result["rabbits"]["size"] = sizes
    return result


def _cut_off() -> dict:
    """Return the candidates for counts without zeros."""
    return {**{name: Truncated(name, 1, None) for name in SEEN}, "log_series": "log_series"}


def _counts(name: str) -> np.ndarray:
    """Return the rows of a table of counts and their frequencies."""
    counts, frequencies = np.loadtxt(DATA / f"{name}.csv", delimiter=",", skiprows=1, dtype=int).T
    return np.repeat(counts, frequencies)


def _judged(rows: np.ndarray, candidates: dict) -> dict:
    """Compare the candidates, and test each of them."""
    table = natfit.compare(rows, candidates)
    values = np.arange(rows.max() + 1)
    p, expected = {}, {}
    for name, model in table.models.items():
        test = model.goodness_of_fit(rows, method="chi_square", n_resamples=0)
        ends = test.df, test.df + len(model.param_names_)
        p[name] = tuple(float(chi2.sf(test.statistic, df)) for df in ends)
        expected[name] = len(rows) * model.frozen_.pmf(values)
    return {"rows": rows, "table": table, "p": p, "expected": expected}


# %%
# One line for each family: AIC to rank them, p to see whether it is adequate.
def report(result: dict) -> None:
    """Print AIC and p-values of each family, and the numbers of rabbits."""
    titles = {"rabbits": "Rabbits, captures of each (no zeros)", "moves": "Movements of a lamb"}
    for name, title in titles.items():
        found = result[name]
        print(f"{title}: {len(found['rows'])} rows\n{'family':26}{'AIC':>8}   adequate? p from, to")
        for row in found["table"].table:
            low, high = found["p"][row["name"]]
            print(f"{row['name']:26}{row['aic']:8.2f}{low:12.3f}{high:8.3f}")
        print()
    print(f"How many rabbits there are (in truth {N_RABBITS}), with 95 % intervals")
    for name, (value, low, high) in result["rabbits"]["size"].items():
        ends = "no upper end" if np.isnan(low) else f"{low:.0f} to {high:.0f}"
        print(f"{name:26}{value:8.0f}   {ends}")


# %%
# Bars are what was counted, marks what the families expect.
def draw(result: dict):
    """Draw observed and expected frequencies of both tables, and the numbers of rabbits.

    Returns
    -------
    matplotlib Figure
    """
    plt.style.use("natfit.display.natfit")
    figure, axes = plt.subplot_mosaic([["seen", "size"], ["moves", "moves"]], figsize=(10, 7.5))
    seen, size, moves = (axes[name] for name in ("seen", "size", "moves"))
    families = {
        seen: ("rabbits", SEEN),
        moves: ("moves", ("poisson", "geometric", "poisson, extra zeros")),
    }
    for ax, (name, drawn) in families.items():
        rows = result[name]["rows"]
        values = np.arange(rows.max() + 1)
        ax.bar(values, np.bincount(rows), color="0.85", label="observed")
        for k, family in enumerate(drawn):
            expected = result[name]["expected"][family]
            shown = expected > 0
            label = f"{family}, p <= {result[name]['p'][family][1]:.2g}"
            style = {"marker": "os^"[k], "ls": ("-", "--", ":")[k], "color": f"C{k}", "ms": 5}
            ax.plot(values[shown], expected[shown], label=label, **style)
        ax.legend(fontsize=8)
    seen.set(xlabel="captures of a rabbit", ylabel="rabbits", title="Only Poisson is refuted")
    moves.set(
        xlabel="movements in 5 seconds",
        ylabel="intervals",
        yscale="symlog",
        title="Zeros need no explanation beyond a long tail",
    )
    for k, (value, low, high) in enumerate(result["rabbits"]["size"].values()):
        style = {"fmt": "os^"[k], "color": f"C{k}", "capsize": 4}
        if np.isnan(low):
            size.errorbar(k, value, 200.0, lolims=True, **style)
        else:
            size.errorbar(k, value, [[value - low], [high - value]], **style)
        size.annotate(f"{value:.0f}", (k, value), (9, -3), textcoords="offset points")
    size.axhline(N_RABBITS, color="0.3", ls=":", label=f"truth, {N_RABBITS}")
    size.set_xticks(range(len(SEEN)), [name.replace("_", "\n") for name in SEEN])
    size.set(xlim=(-0.5, 2.7), ylim=(60, 500), yscale="log", ylabel="rabbits in the enclosure")
    size.set_yticks([76, 100, 135, 200, 300, 500], ["76", "100", "135", "200", "300", "500"])
    size.minorticks_off()
    size.set_title("What they say of those never caught")
    size.legend(loc="upper left")
    return figure


# %%
# The command line writes the figure to a file.
def main(argv: list[str] | None = None) -> None:
    """Print the table and write the figure."""
    default = Path(__file__).parents[1] / "output" / "truncated_counts.png"
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result).savefig(path)
    print(f"figure: {path}")


# %%
# The test refutes Poisson in both tables. Of the rabbits, two families are adequate, and neither
# pins down the truth: the interval of the geometric distribution just misses it, and the estimate
# of the negative binomial distribution has no upper end, because the log series fits as well. How
# many were never caught depends on the shape at zero, where there are no data. Of the lamb, a
# geometric distribution without extra zeros is adequate, with one parameter.
if __name__ == "__main__":
    main()
