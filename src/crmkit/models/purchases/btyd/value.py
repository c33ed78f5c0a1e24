"""What is the future of a customer worth today, in purchases?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError, Problem
from crmkit.core.results import Text
from crmkit.models.purchases.btyd.columns import read_times
from crmkit.models.purchases.btyd.model import Fitted, model_of
from crmkit.models.purchases.btyd.predict import alive, purchases_if_alive
from crmkit.models.purchases.btyd.tuples import check_histories

Floats = NDArray[np.float64]


def discounted_expected_purchases(
    fit: Fitted, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, *, horizon: float | None, discount_rate: float
) -> Floats:
    """What is the present value, in purchases, of what each customer will still buy?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    frequency, recency, T : array_like
        Purchase histories as for :func:`tuples`.
    horizon : float > 0 or None
        Time after T; None for ever.
    discount_rate : float >= 0
        Continuous rate per unit of time: log(1 + yearly rate) / 52.18 for a fit in weeks, / 365.25 in days.

    Returns
    -------
    array of float64
        Discounted purchases: the integral of exp(-discount_rate * u) dE[Y(T, T + u)] over u from 0 to the horizon.

    Raises
    ------
    ModelError
        Where the value is infinite: no horizon, no discount, and customers who leave so slowly (a <= 1, s <= 1) that the
        expected purchases grow without limit. Also where an argument is out of range.

    Notes
    -----
    Residual purchases only: the first purchase and the time up to T are not counted. Multiplied by the expected spend and the
    margin this is the residual customer lifetime value.

    References
    ----------
    Fader, Hardie, Lee (2005), Journal of Marketing Research 42(4), https://doi.org/10.1509/jmkr.2005.42.4.415.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("pareto_nbd", {"r": 0.5629966, "alpha": 12.559037, "s": 0.4081095, "beta": 10.5148048})
    >>> value = discounted_expected_purchases(fit, [1, 7], [30, 35], 77.86, horizon=None, discount_rate=0.0027)
    >>> value.round(1).tolist()
    [2.2, 1.9]
    """
    history = check_histories(frequency, recency, T)
    if not (np.isfinite(discount_rate) and discount_rate >= 0):
        raise ModelError(
            Problem("prediction: discount_rate", f"is {discount_rate}", "it is a continuous rate >= 0 per unit of time")
        )
    if horizon is None and discount_rate == 0:
        _require_finite_lifetime(fit)
    time = np.full(history[0].shape, np.inf) if horizon is None else read_times(horizon, "horizon", history[0].shape)
    return alive(fit, history) * purchases_if_alive(fit, history, time, discount_rate)


def _require_finite_lifetime(fit: Fitted) -> None:
    model = model_of(fit.model)
    name = model.names[2]
    if fit.params[name] <= 1:
        raise ModelError(
            Text(
                "{model}: without a discount the expected purchases for ever are infinite, because customers leave too slowly "
                "({name} = {value}, and it would have to be above 1); give a horizon or a discount_rate above 0.",
                {"model": model.title, "name": name, "value": f"{fit.params[name]:.4g}"},
            )
        )
