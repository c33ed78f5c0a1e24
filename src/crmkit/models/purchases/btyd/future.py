"""What may single customers do next? Draws of their future purchases, given what they did so far."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.models.purchases.btyd.columns import read_times
from crmkit.models.purchases.btyd.erlang import log_phases
from crmkit.models.purchases.btyd.model import Fitted, model_of, values
from crmkit.models.purchases.btyd.predict import alive
from crmkit.models.purchases.btyd.tuples import check_histories

Floats = NDArray[np.float64]


def draw_purchases(
    fit: Fitted,
    horizon: ArrayLike,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    draws: int,
    rng: np.random.Generator,
    still: ArrayLike | None = None,
) -> Floats:
    """How many purchases might each customer make in the next `horizon`?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters; one draw of the parameters for each call, if their uncertainty is to be part of the result.
    horizon : float or array_like, >= 0
        Time after T, in the unit of the fit.
    frequency, recency, T : array_like, shape (rows,)
        Purchase histories as for :func:`tuples`, one row per customer.
    draws : int >= 1
        How often each customer's future is drawn.
    rng : numpy.random.Generator
        Source of chance.
    still : array_like, optional
        :func:`probability_alive` of the same rows, where it is known already.

    Returns
    -------
    array of float64, shape (draws, rows)
        Whole numbers; their mean over many draws is :func:`expected_purchases`.

    Raises
    ------
    ModelError
        Where a row cannot be a purchase history, the horizon is negative or infinite, or there is no draw to make.

    Notes
    -----
    A customer is alive at T with the probability of the model; who is, has the posterior distributions Gamma(r + x, alpha + T)
    of the rate, and Beta(a, b + x) (BG/NBD), Beta(a, b + x + 1) (MBG/NBD, MBG/CNBD-k) or Gamma(s, beta + T) (Pareto/NBD) of
    leaving, independent of each other.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098; Schmittlein, Morrison, Colombo (1987),
    https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> drawn = draw_purchases(fit, 39, 2, 30.43, 38.86, draws=200_000, rng=np.random.default_rng(0))
    >>> drawn.mean().round(1).item()  # expected: 1.226
    1.2
    """
    history = check_histories(frequency, recency, T)
    time = read_times(horizon, "horizon", history[0].shape)
    if draws < 1:
        raise ModelError(f"draws of purchases: draws is {draws}; it must be 1 or more.")
    x, tx, age = (np.atleast_1d(column) for column in history)
    shape = (draws, *np.broadcast_shapes(x.shape, time.shape))
    r, alpha, third, fourth, *more = values(fit).tolist()
    k = more[0] if more else 1.0
    phase = _phases(values(fit), x, tx, age, shape, rng) if more else np.zeros(shape)
    rate = rng.gamma(r + k * x + phase, 1.0, shape) / (alpha + age)
    leaves_after = model_of(fit.model).leaves_after
    if leaves_after is None:
        leaving = rng.gamma(third, 1.0, shape) / (fourth + age)
        lifetime = rng.exponential(size=shape) / np.maximum(leaving, 1e-300)
        bought = rng.poisson(rate * np.minimum(lifetime, time)).astype(np.float64)
    else:
        phases = rng.poisson(rate * time) + phase
        leaving = rng.beta(third, fourth + x + (1 - leaves_after), shape)
        chance = np.log1p(-rng.random(shape))  # the purchase after which the customer leaves
        last = 1 + np.floor(chance / np.log1p(-np.clip(leaving, 1e-300, 1 - 1e-16)))
        bought = np.minimum(np.floor(phases / k), last)
    there = rng.random(shape) < (alive(fit, (x, tx, age)) if still is None else np.asarray(still, dtype=np.float64))
    return np.asarray(np.where(there, bought, 0.0))


def _phases(params: Floats, x: Floats, tx: Floats, T: Floats, shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """The phase that each customer alive is in, drawn from its weights."""
    cumulative = np.cumsum(np.exp(log_phases(params, x, tx, T)[0]), axis=0)
    chosen = rng.random(shape)
    return np.asarray(sum((chosen > below).astype(np.float64) for below in cumulative[:-1])) + np.zeros(shape)
