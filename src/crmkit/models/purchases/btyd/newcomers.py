"""How will customers buy of whom nothing is known yet?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem, rows
from crmkit.models.purchases.btyd.columns import each_once, read_times
from crmkit.models.purchases.btyd.model import Fitted, model_of, values
from crmkit.models.purchases.btyd.predict import expected_purchases

Floats = NDArray[np.float64]


def expected_purchases_new(fit: Fitted, t: ArrayLike) -> Floats:
    """How many repeat purchases will a new customer make in the first `t`?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    t : float or array_like, >= 0
        Time since the first purchase.

    Returns
    -------
    array of float64
        E[X(t)] for a customer drawn at random.

    Raises
    ------
    ModelError
        Where a time is negative or infinite.

    Notes
    -----
    The conditional expectation of a customer with T = 0: nothing is known yet.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098, equation (9).

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.242594, "alpha": 4.413602, "a": 0.79292, "b": 2.425888})
    >>> expected_purchases_new(fit, [0.1429, 1, 3, 32]).round(4).tolist()
    [0.0078, 0.0532, 0.1506, 1.0437]
    """
    time = read_times(t, "t", np.shape(t))
    nothing = np.zeros_like(time)
    return expected_purchases(fit, time, nothing, nothing, nothing)


def probability_purchases(fit: Fitted, x: ArrayLike, t: ArrayLike) -> Floats:
    """How probable are exactly `x` repeat purchases in a new customer's first `t`?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    x : array_like of whole numbers >= 0
        Repeat purchases.
    t : float or array_like, >= 0
        Time since the first purchase.

    Returns
    -------
    array of float64
        P(X(t) = x); over all x they sum to 1.

    Raises
    ------
    ModelError
        Where x is not a whole number >= 0, or a time is negative or infinite.

    References
    ----------
    Fader, Hardie, Lee (2005), https://doi.org/10.1287/mksc.1040.0098, equation (8).

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> probability_purchases(fit, 0, 39).round(7).item()
    0.5737864
    """
    count, time = np.broadcast_arrays(np.asarray(x, dtype=np.float64), read_times(t, "t", np.shape(t)))
    bad = np.flatnonzero(~(np.isfinite(count) & (count >= 0) & (count == np.rint(count))))
    if len(bad):
        raise ModelError(Problem("prediction: x", f"is not a whole number >= 0 ({rows(bad[:5].tolist(), len(bad))})"))
    params, model = values(fit), model_of(fit.model)
    return each_once(lambda k, u: model.counted(params, k, u), count, time)
