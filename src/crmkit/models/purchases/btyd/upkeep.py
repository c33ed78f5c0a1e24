"""For how long will customers still be there, and have to be looked after?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import hyp2f1

import crmkit.models.purchases.btyd.erlang as erlang
from crmkit.core.errors import ModelError
from crmkit.core.results import Text
from crmkit.models.basics.quadrature import CUT, panels
from crmkit.models.purchases.btyd.columns import each_once
from crmkit.models.purchases.btyd.model import TITLES, Fitted, model_of, values
from crmkit.models.purchases.btyd.predict import alive
from crmkit.models.purchases.btyd.tuples import check_histories

Floats = NDArray[np.float64]

CHUNK = 1 << 19


def discounted_time_alive(
    fit: Fitted, frequency: ArrayLike, recency: ArrayLike, T: ArrayLike, *, horizon: float | None, discount_rate: float
) -> Floats:
    """For how long will each customer still be one, later time counting less?

    Parameters
    ----------
    fit : Fit or Known
        Model and parameters.
    frequency, recency, T : array_like
        Purchase histories as for :func:`tuples`.
    horizon : float > 0 or None
        Time after T; None for ever.
    discount_rate : float >= 0
        Continuous rate per unit of time.

    Returns
    -------
    array of float64
        The integral of exp(-discount_rate * u) P(alive at T + u) over u from 0 to the horizon, in the unit of the fit. Times
        what keeping a customer costs per unit of time, this is the cost of retention.

    Raises
    ------
    ModelError
        Where the time is infinite: no horizon, no discount, and customers who leave too slowly; for MBG/CNBD-k wherever
        there is neither horizon nor discount.

    Notes
    -----
    Given alive at T, Pareto/NBD: P(alive at T + u) = (1 + u / (beta + T))^-s. BG/NBD leaves at purchases, each survived with
    its own probability: 2F1(r + x, a; a + b + x; -u / (alpha + T)), MBG/NBD with b + 1 in place of b.
    MBG/CNBD-k: one less a / (a + b + x + 1) times the purchases that are expected up to u with a + 1 in place of a, since
    E[q^(m - 1) p] = E[p] times E[q^(m - 1)] under Beta(a + 1, b + x + 1).

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known
    >>> fit = known("pareto_nbd", {"r": 0.55, "alpha": 10.6, "s": 0.61, "beta": 11.7})
    >>> discounted_time_alive(fit, [0, 5], [0, 38], 39, horizon=52, discount_rate=0.0).round(1).tolist()
    [12.1, 40.7]
    """
    x, tx, age = check_histories(frequency, recency, T)
    params, model = values(fit), model_of(fit.model)
    if model.by_recency:

        def staying(x: Floats, tx: Floats, age: Floats) -> Floats:
            return _regular(params, (x, tx, age), horizon, discount_rate)

        return np.asarray(alive(fit, (x, tx, age)) * each_once(staying, x, tx, age))
    if horizon is None and discount_rate == 0:
        _require_finite(fit, float(params[0] + x.min(initial=np.inf)))
    if model.leaves_after is None:
        s, beta = params[2:4]

        def lasting(x: Floats, age: Floats) -> Floats:
            return _integral(beta + age, horizon, discount_rate, lambda z, i: (1 + z) ** -s, float(s))
    else:
        r, alpha, a, b = params[:4] + np.array([0, 0, 0, 1 - model.leaves_after])

        def lasting(x: Floats, age: Floats) -> Floats:
            # the argument z / (1 + z) stays below 1, and no parameter grows with x but the last
            return _integral(
                alpha + age,
                horizon,
                discount_rate,
                lambda z, i: (1 + z) ** -a * hyp2f1(a + b - r, a, a + b + x[i, None], z / (1 + z)),
                float(min(a, r + x.min(initial=np.inf))),
            )

    return np.asarray(alive(fit, (x, tx, age)) * each_once(lasting, x, age))


def _regular(params: Floats, history: tuple[Floats, Floats, Floats], horizon: float | None, rate: float) -> Floats:
    """The time as a customer of one alive at T, by MBG/CNBD-k: all the time there is, less what is lost by leaving."""
    x, _, age = history
    leaves = params[2] / (params[2] + params[3] + x + 1)
    moved = params + np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    if horizon is None:
        if rate == 0:
            raise ModelError(
                Text(
                    "{model}: how long customers stay without an end is not known; give a horizon or a discount_rate above 0.",
                    {"model": TITLES["mbgcnbd"]},
                )
            )
        return np.asarray((1 - leaves * erlang.discounted(moved, *history, np.full(x.shape, np.inf), rate)) / rate)
    end = np.full(x.shape, float(horizon))
    # as for discounted purchases: a regular buyer leaves in steps of this length
    pace = (params[1] + age) * np.minimum(1.0, params[4] / (params[0] + params[4] * x))
    span = np.log1p(end / pace)
    points, weights = panels(max(2, int(np.ceil(span.max(initial=0.0)))), 16)
    out = np.zeros(x.shape)
    for point, weight in zip(points, weights, strict=True):
        u = pace * np.expm1(span * point)
        out += np.exp(-rate * u) * (1 - leaves * erlang.purchases(moved, *history, u)) * span * (pace + u) * weight
    return out


def _integral(scale: Floats, horizon: float | None, rate: float, staying, power: float) -> Floats:  # type: ignore[no-untyped-def]
    """The integral of exp(-rate u) staying(u / scale) over u, on the axis log(1 + u / scale)."""
    points, weights = panels(8, 32)
    with np.errstate(over="ignore", divide="ignore"):
        end = np.inf if horizon is None else float(horizon)
        reach = scale * np.expm1(min(CUT / max(power - 1, 1e-9), 600.0)) if rate == 0 else np.full_like(scale, CUT / rate)
        length = np.log1p(np.minimum(end, reach) / scale)
    out = np.empty_like(scale)
    step = max(1, CHUNK // len(points))
    for first in range(0, len(scale), step):
        i = np.arange(first, min(first + step, len(scale)))
        v = length[i, None] * points
        z = np.expm1(v)
        kept = staying(z, i) * np.exp(v - rate * scale[i, None] * z)
        out[i] = scale[i] * length[i] * np.einsum("ij,j->i", kept, weights)
    return out


def _require_finite(fit: Fitted, fewest: float) -> None:
    model = model_of(fit.model)
    name = model.names[2]
    if fit.params[name] <= 1 or (model.leaves_after is not None and fewest <= 1):
        raise ModelError(
            Text(
                "{model}: without a discount customers stay for ever on average, because some leave too slowly ({name} = "
                "{value}); give a horizon or a discount_rate above 0.",
                {"model": model.title, "name": name, "value": f"{fit.params[name]:.4g}"},
            )
        )
