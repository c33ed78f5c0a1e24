"""What would customers with known parameters do?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd.model import Fitted, model_of, values

Floats = NDArray[np.float64]


def simulate(fit: Fitted, T: ArrayLike, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """What purchase histories do customers with these parameters leave?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    T : array_like >= 0, shape (customers,)
        How long each customer is observed after the first purchase, in the unit of the parameters.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    frequency, recency, T : arrays of float64
        Continuous times; round them up to whole days, and merge, to imitate records by day.

    Raises
    ------
    ModelError
        Where a T is negative, missing or infinite.

    Notes
    -----
    Given how many purchases fell into the span in which the customer was active, their times are uniform there, so the last
    of them is a beta variable and no purchase need be drawn by itself.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098; Schmittlein, Morrison, Colombo (1987),
    https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> x, tx, T = simulate(fit, np.full(100_000, 39.0), np.random.default_rng(1))
    >>> float((x == 0).mean().round(1))
    0.6
    """
    span = np.asarray(T, dtype=np.float64)
    if not (np.isfinite(span).all() and (span >= 0).all()):
        raise ModelError("simulation: T must be a time >= 0 for every customer.")
    r, alpha, third, fourth, *more = values(fit).tolist()
    k = more[0] if more else 1.0
    rate = rng.gamma(r, 1 / alpha, span.shape)
    leaves_after = model_of(fit.model).leaves_after
    if leaves_after is None:
        lifetime = rng.exponential(size=span.shape) / np.maximum(rng.gamma(third, 1 / fourth, span.shape), 1e-300)
        active = np.minimum(lifetime, span)
        x = rng.poisson(rate * active).astype(np.float64)
        later = np.zeros_like(x)
    else:
        active = span
        phases = rng.poisson(rate * span).astype(np.float64)
        bought = np.floor(phases / k)
        leaving = np.maximum(rng.beta(third, fourth, span.shape), 1e-300)
        # the purchase after which the customer leaves; the modified model may leave after the first, number 0
        last = np.floor(np.log1p(-rng.random(span.shape)) / np.log1p(-np.minimum(leaving, 1 - 1e-16)))
        x = np.minimum(bought, last + leaves_after)
        later = phases - k * x
    recency = np.where(x > 0, active * rng.beta(np.maximum(k * x, 1.0), later + 1), 0.0)
    return x, recency, span
