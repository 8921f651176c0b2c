"""Maximum-likelihood estimates of multivariate families by other algorithms than the package's."""

import numpy as np
from scipy import optimize, stats
from scipy.special import digamma


def dirichlet_mle(y):
    """Minka's fixed point psi(a_d) = psi(sum a) + mean log y_d (2000), each step by scipy's root."""
    logs = np.log(y).mean(axis=0)
    a = np.ones(y.shape[1])
    for _ in range(2_000):
        goal = digamma(a.sum()) + logs
        new = [optimize.brentq(lambda x, g=g: digamma(x) - g, 1e-6, 1e6, xtol=1e-14) for g in goal]
        new = np.array(new)
        if np.abs(new - a).max() < 1e-12 * new.max():
            break
        a = new
    return new


def multivariate_t_mle(y, iterations=3_000):
    """ECME: weighted moments, then the root of the score of df (Liu and Rubin, 1995)."""
    n, d = y.shape
    loc, scale, v = y.mean(axis=0), np.cov(y.T), 5.0
    for _ in range(iterations):
        gap = y - loc
        square = np.einsum("ij,ij->i", gap @ np.linalg.inv(scale), gap)
        w = (v + d) / (v + square)
        loc = w @ y / w.sum()
        gap = y - loc
        scale = (gap * w[:, None]).T @ gap / n
        square = np.einsum("ij,ij->i", gap @ np.linalg.inv(scale), gap)

        def slope(v, square=square):
            w = (v + d) / (v + square)
            return (
                digamma((v + d) / 2)
                - digamma(v / 2)
                + np.log(v / (v + square)).mean()
                + 1
                - w.mean()
            )

        v = optimize.brentq(slope, 0.1, 1e3, xtol=1e-13)
    return [*loc, *scale.ravel(), v]


def dirichlet_multinomial_mle(y):
    """Nelder and Mead's simplex on scipy's log-probability, started over at its end."""
    total = y.sum(axis=1).astype(int)

    def loss(t):
        return -stats.dirichlet_multinomial.logpmf(y.astype(int), np.exp(t), total).mean()

    best = np.zeros(y.shape[1])
    options = {"xatol": 1e-11, "fatol": 1e-15, "maxiter": 5_000, "maxfev": 5_000}
    for _ in range(3):
        best = optimize.minimize(loss, best, method="Nelder-Mead", options=options).x
    a = np.exp(best)
    return [*a / a.sum(), a.sum()]
