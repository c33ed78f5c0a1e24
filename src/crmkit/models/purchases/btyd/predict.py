"""Who is still a customer, how often will they buy, and what is that worth today?

Every function takes a fit (or :func:`known` parameters) and arrays in the unit of time of that fit, and evaluates each
different row once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.models.purchases.btyd.columns import each_once, read_times
from crmkit.models.purchases.btyd.model import Fitted, Model, model_of, values
from crmkit.models.purchases.btyd.tuples import check_histories

Floats = NDArray[np.float64]


def log_likelihood(fit: Fitted, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Floats:
    """How probable is each purchase history under the model?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    frequency, recency, T : array_like
        Purchase histories as for :func:`tuples`.

    Returns
    -------
    array of float64
        Natural logarithm of the likelihood of each row; for MBG/CNBD-k without the part of the single intervals.

    Raises
    ------
    ModelError
        Where a row cannot be a purchase history.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098; Schmittlein, Morrison, Colombo (1987),
    https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.25, "alpha": 4, "a": 0.8, "b": 2.5})
    >>> log_likelihood(fit, [0, 200], [0, 38], 40).round(4).tolist()
    [-0.5995, 100.7957]
    """
    params, model = values(fit), model_of(fit.model)
    return each_once(lambda x, tx, age: model.log_likelihood(params, x, tx, age), *check_histories(frequency, recency, T))


def probability_alive(fit: Fitted, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Floats:
    """How probable is it that each customer is still one at T?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters. Under BG/NBD a customer without a repeat purchase is alive with certainty; for a page on who has
        left take MBG/NBD or Pareto/NBD.
    frequency, recency, T : array_like
        Purchase histories as for :func:`tuples`.

    Returns
    -------
    array of float64
        Shares, 0 to 1.

    Raises
    ------
    ModelError
        Where a row cannot be a purchase history.

    Notes
    -----
    1 / (1 + odds of having left), the odds in logarithms, so that heavy buyers neither overflow nor give nan.

    References
    ----------
    Schmittlein, Morrison, Colombo (1987), https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("pareto_nbd", {"r": 0.5534, "alpha": 10.5802, "s": 0.6061, "beta": 11.6562})
    >>> probability_alive(fit, 26, 30.86, 31).round(4).item()
    0.9979
    """
    return alive(fit, check_histories(frequency, recency, T))


def expected_purchases(
    fit: Fitted,
    horizon: ArrayLike,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    still: ArrayLike | None = None,
) -> Floats:
    """How many purchases will each customer make in the next `horizon`?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    horizon : float or array_like, >= 0
        Time after T, in the unit of the fit.
    frequency, recency, T : array_like
        Purchase histories as for :func:`tuples`.
    still : array_like, optional
        :func:`probability_alive` of the same rows, where it is known already.

    Returns
    -------
    array of float64
        Purchases (occasions, merged as in the fit), E[Y(T, T + horizon) | frequency, recency, T].

    Raises
    ------
    ModelError
        Where a row cannot be a purchase history, or the horizon is negative or infinite.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098, equation (10); Schmittlein, Morrison, Colombo (1987),
    https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> expected_purchases(fit, 39, 2, 30.43, 38.86).round(3).item()
    1.226
    """
    history = check_histories(frequency, recency, T)
    t = read_times(horizon, "horizon", history[0].shape)
    there = alive(fit, history) if still is None else np.asarray(still, dtype=np.float64)
    return there * purchases_if_alive(fit, history, t, 0.0)


def probability_active(fit: Fitted, horizon: ArrayLike, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> Floats:
    """How probable is at least one purchase by each customer in the next `horizon`?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    horizon : float or array_like, >= 0
        Time after T.
    frequency, recency, T : array_like
        Purchase histories as for :func:`tuples`.

    Returns
    -------
    array of float64
        Shares, 0 to 1; never above the probability of being alive.

    Raises
    ------
    ModelError
        Where a row cannot be a purchase history, or the horizon is negative or infinite.

    Notes
    -----
    BG/NBD and MBG/NBD: who is alive stays so until the next purchase, so
    P(alive) * (1 - ((alpha + T) / (alpha + T + h))^(r + x)).
    Pareto/NBD: the first purchase comes at T + u before the customer leaves, integrated over u from 0 to h.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098; Schmittlein, Morrison, Colombo (1987),
    https://doi.org/10.1287/mnsc.33.1.1.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> probability_active(fit, 39, [0, 2], [0, 30.43], 38.86).round(3).tolist()
    [0.145, 0.555]
    """
    history = check_histories(frequency, recency, T)
    time = read_times(horizon, "horizon", history[0].shape)
    params, model = values(fit), model_of(fit.model)
    buying = each_once(lambda x, tx, age, t: model.active(params, x, tx, age, t), *_of_future(model, history), time)
    return alive(fit, history) * buying


def alive(fit: Fitted, history: tuple[Floats, Floats, Floats]) -> Floats:
    """How probable is it that customers with these checked histories have not left?"""
    return model_of(fit.model).alive(values(fit), *history)


def purchases_if_alive(fit: Fitted, history: tuple[Floats, Floats, Floats], time: Floats, rate: float) -> Floats:
    """How many purchases, discounted, will customers make who are alive at T?

    A matter of frequency and T, not of recency, but for MBG/CNBD-k, where the next purchase may be due.
    """
    params, model = values(fit), model_of(fit.model)

    def expected(x: Floats, tx: Floats, age: Floats, t: Floats) -> Floats:
        if rate > 0:
            return model.discounted(params, x, tx, age, t, rate)
        return model.for_ever(params, x, age) if np.isinf(t).all() else model.purchases(params, x, tx, age, t)

    return each_once(expected, *_of_future(model, history), time)


def _of_future(model: Model, history: tuple[Floats, Floats, Floats]) -> tuple[Floats, Floats, Floats]:
    """The histories as far as the future hangs on them: rows that differ in nothing else are evaluated once."""
    frequency, recency, T = history
    return frequency, recency if model.by_recency else T, T
