"""Data that tests and benchmarks of mixtures share."""

import numpy as np


def random_set(seed, dim=1):
    """Number of components, 2 to 5, and rows (n, dim) drawn from as many normals."""
    rng = np.random.default_rng(seed)
    c, n = 2 + seed % 4, int(rng.integers(150, 900))
    weights = rng.dirichlet(np.full(c, 3.0))
    centres, widths = rng.uniform(-8.0, 8.0, (c, dim)), rng.uniform(0.5, 2.0, (c, dim))
    label = rng.choice(c, n, p=weights)
    return c, rng.normal(centres[label], widths[label])


def censored_weibulls(n):
    """Ends of n distinct rows of two Weibulls, some of them right-censored."""
    rng = np.random.default_rng(0)
    early = rng.random(n) < 0.4
    y = np.where(early, 5.0 * rng.weibull(4.0, n), 30.0 * rng.weibull(3.0, n))
    seen = rng.uniform(2.0, 45.0, n)
    return np.minimum(y, seen), np.where(y < seen, y, np.inf)
