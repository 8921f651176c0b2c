"""Annual maximum sea levels at Port Pirie: a GEV fit and its return levels.

The data are 65 maxima in metres (Coles, 2001, An Introduction to Statistical Modeling of Extreme
Values, sections 1.2 and 3.4.1). The generalised extreme value distribution (GEV) is fitted to them.
The return level of T years is exceeded in a given year with probability 1 / T. Its confidence
interval is computed by the delta method.

Usage: python plot_extremes.py [--output figure.png]
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

import natfit

DATA = Path(__file__).parent / "data" / "port_pirie.csv"

#: Quantile of the normal distribution for a two-sided interval with 95 % probability.
NORMAL_95 = 1.959964


def return_level(
    params: dict[str, float], covariance: np.ndarray, period: float
) -> tuple[float, float]:
    """The return level of a GEV for ``period`` years, and its standard error.

    The level is ``loc - scale / shape (1 - x^-shape)`` with ``x = -log(1 - 1 / period)``: Coles'
    (3.4). The error is ``sqrt(g' V g)``, where g is the gradient of the level in (loc, scale,
    shape) and V their covariance matrix.

    Returns
    -------
    level, error : float
        In the data's unit.
    """
    loc, scale, shape = params["loc"], params["scale"], params["shape"]
    x = -np.log1p(-1.0 / period)
    power = x**-shape
    slope = np.array(
        [
            1.0,
            -(1.0 - power) / shape,
            scale * (1.0 - power) / shape**2 - scale * power * np.log(x) / shape,
        ]
    )
    return loc - scale * (1.0 - power) / shape, float(np.sqrt(slope @ covariance @ slope))


def compute(periods: tuple[float, ...] = (2, 10, 50, 100)) -> dict:
    """Fit the GEV and the Gumbel distribution.

    Parameters
    ----------
    periods : tuple of float
        Return periods in years.

    Returns
    -------
    dict
        ``levels`` (N,), the fitted ``gev`` and ``gumbel``, ``log_likelihoods`` of both in nats,
        ``p_value`` of the likelihood-ratio test of the Gumbel distribution against the GEV, and
        ``returns``, an array with one row per period: period, level, lower and upper end of the
        interval.
    """
    from scipy import stats

    levels = np.loadtxt(DATA, skiprows=1)
    gev, gumbel = natfit.fit("gev", levels), natfit.fit("gumbel", levels)
    fits = {"gev": gev, "gumbel": gumbel}
    totals = {name: fit.score(levels[:, None]) * fit.n_obs_ for name, fit in fits.items()}
    params = {name: float(value[0]) for name, value in gev.params_.items()}
    rows = []
    for period in periods:
        level, error = return_level(params, gev.cov_params(), period)
        rows.append([period, level, level - NORMAL_95 * error, level + NORMAL_95 * error])
    return {
        "levels": levels,
        **fits,
        "log_likelihoods": totals,
        "p_value": float(stats.chi2.sf(2.0 * (totals["gev"] - totals["gumbel"]), df=1)),
        "returns": np.array(rows),
    }


def report(result: dict) -> None:
    """Print the estimates and the return levels."""
    gev = result["gev"]
    print(f"Port Pirie, {len(result['levels'])} annual maxima, metres\n")
    print(f"GEV: {gev.status_} in {gev.n_iter_} iterations")
    for name, value in gev.params_.items():
        print(f"  {name:6}{value[0]:9.4f} +- {gev.standard_errors_[name][0]:.4f}")
    for name, value in result["log_likelihoods"].items():
        print(f"  log-likelihood of the {name:7}{value:8.3f} nats")
    print(f"  p-value of shape = 0 (Gumbel): {result['p_value']:.2f}\n")
    print("period (years)   return level   95 % interval")
    for period, level, low, high in result["returns"]:
        print(f"{period:14g}{level:15.2f}   {low:.2f} to {high:.2f}")


def draw(result: dict, path: Path) -> None:
    """Draw the density, quantiles, probabilities and return levels of the fit."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from natfit.display import DensityDisplay

    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    kinds = {"hist": "density", "qq": "quantiles", "pp": "probabilities", "return_level": "returns"}
    for ax, (kind, title) in zip(axes.flat, kinds.items(), strict=True):
        DensityDisplay.from_estimator(result["gev"], result["levels"], kind=kind, ax=ax)
        ax.set_title(title)
    axes[0, 0].set_xlabel("annual maximum (m)")
    axes[0, 1].set(xlabel="fitted quantile (m)", ylabel="annual maximum (m)")
    axes[1, 1].set(xlabel="return period (years)", ylabel="return level (m)")
    figure.suptitle("Sea levels at Port Pirie, GEV")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: list[str] | None = None) -> None:
    """Print the return levels and write the plots."""
    default = Path(__file__).parent / "output" / "extremes.png"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=default, help="where to write the PNG")
    path = parser.parse_args(argv).output
    result = compute()
    report(result)
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(result, path)
    print(f"\nfigure: {path}")


if __name__ == "__main__":
    main()
