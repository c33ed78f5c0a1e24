"""Random tables of ratings from fixed seeds: the same for the packages that were asked and for the kit."""

import numpy as np

TABLES = 1000


def ratings(seed: int) -> np.ndarray:
    """Raters by units, 1 to 5, with missing ratings and some agreement; at least two units that two raters rated."""
    rng = np.random.default_rng(seed)
    raters, units = rng.integers(2, 9), rng.integers(4, 21)
    quality = rng.normal(3, rng.uniform(0.3, 1.5), units)
    table = np.clip(np.round(quality + rng.normal(0, 0.8, (raters, units))), 1, 5)
    table[rng.random(table.shape) < rng.choice([0.0, 0.1, 0.3])] = np.nan
    table[:2, :2] = [[1, 4], [2, 5]]
    return table


def targets(seed: int) -> np.ndarray:
    """Targets by raters, continuous, some of them incomplete."""
    rng = np.random.default_rng(10_000 + seed)
    n, k = rng.integers(4, 25), rng.integers(2, 7)
    table = rng.normal(0, 1, (n, 1)) * rng.uniform(0.3, 2) + rng.normal(0, 0.5, k) + rng.normal(0, 1, (n, k))
    if seed % 2:
        table[rng.integers(0, n - 3), rng.integers(0, k)] = np.nan
    return table


def pairs(seed: int) -> np.ndarray:
    """How often two raters chose which of several categories."""
    rng = np.random.default_rng(20_000 + seed)
    size = rng.integers(2, 6)
    return rng.integers(0, 12, (size, size)) + np.diag(rng.integers(1, 25, size))
