"""How many purchases, or how much money, will customers bring in all, and how sure is that?

Two things are not known: the parameters, and what single customers do by chance. Both parts are given, apart and together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.models.basics.draws import Known, ParameterDraws, percentiles
from crmkit.models.purchases.btyd.future import draw_purchases
from crmkit.models.purchases.btyd.model import Fitted
from crmkit.models.purchases.btyd.predict import expected_purchases
from crmkit.models.purchases.btyd.tuples import check_histories

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_SIMULATED = 3_000_000  # customers times draws; above, the sum of the chances of single customers is normal anyway
ROUNDS = 16
PARTS = (mark("parameters"), mark("single customers"), mark("both"))


@dataclass(frozen=True, eq=False)
class SpendPart:
    """Turns purchases into money.

    Parameters
    ----------
    expected : callable
        Takes parameters of the spend model; returns expected money per purchase, shape (rows,), discounted and times the
        margin as wanted. The rows are those of the forecast.
    drawn : callable
        Takes parameters, purchases of shape (draws, customers), the row of each of these customers, and a generator; returns
        money of that shape.
    params : mapping of str to float
        Best parameters.
    draws : sequence of mapping
        Other parameters that could have come out; as many as there are draws of the purchase model, or none.
    """

    expected: Callable[[Mapping[str, float]], Floats]
    drawn: Callable[[Mapping[str, float], Floats, Ints, np.random.Generator], Floats]
    params: Mapping[str, float]
    draws: tuple[Mapping[str, float], ...] = ()


def forecast_totals(
    fit: Fitted,
    draws: ParameterDraws,
    horizon: float,
    frequency: ArrayLike,
    recency: ArrayLike,
    T: ArrayLike,
    *,
    n: ArrayLike | None = None,
    groups: ArrayLike | None = None,
    spend: SpendPart | None = None,
    seed: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many purchases will each group make in all within the horizon, with intervals for what is not known?

    Parameters
    ----------
    fit : Fit or Known
        The model with its best parameters.
    draws : ParameterDraws
        From :func:`parameter_draws`.
    horizon : float > 0
        Time after T, in the unit of the fit.
    frequency, recency, T : array_like, shape (rows,)
        Purchase histories, one row per customer or per different history.
    n : array_like of whole numbers, shape (rows,), optional
        Customers per row; 1 when left out.
    groups : array_like, shape (rows,), optional
        Group of each row, for example its tier; one group when left out.
    spend : SpendPart, optional
        Turns purchases into money; without it purchases are counted.
    seed : int
        Makes the simulation repeatable.
    confidence : float
        Coverage, between 0 and 1.

    Returns
    -------
    DataFrame
        ``group, part, value, low, high, n, method``: for each group three rows, ``part`` being what the interval covers:
        the parameters, the chance of single customers, both. ``value`` is the expected total.

    Raises
    ------
    ModelError
        Where columns do not match, or a row cannot be a purchase history.

    Notes
    -----
    Parameters: percentiles of the expected total over the draws. Single customers: percentiles of simulated totals at the best
    parameters. Both: a simulated total at each draw. Where customers times draws exceed three million, the chance of single
    customers is a normal variable, its variance that of 16 simulated futures for each row.

    Examples
    --------
    >>> from crmkit.models.purchases.btyd import known, parameter_draws, simulate, tuples, fit
    >>> truth = known("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> histories = tuples(*simulate(truth, np.full(2000, 39.0), np.random.default_rng(0)))
    >>> found = fit(histories, "bgnbd")
    >>> columns = histories.frequency, histories.recency, histories.T
    >>> table = forecast_totals(found, parameter_draws(histories, found, draws=50), 39, *columns, n=histories.n)
    >>> table["part"].tolist()
    ['parameters', 'single customers', 'both']
    """
    import pandas as pd

    history = tuple(np.atleast_1d(column) for column in check_histories(frequency, recency, T))
    counts = np.ones(history[0].shape, dtype=np.int64) if n is None else np.asarray(n, dtype=np.int64)
    labels = np.zeros(history[0].shape) if groups is None else np.asarray(groups)
    if counts.shape != history[0].shape or labels.shape != history[0].shape:
        raise ModelError(f"forecast: n and groups must have one value for each of the {history[0].size} rows.")
    if spend is not None and spend.draws and len(spend.draws) < len(draws):
        raise ModelError(f"forecast: {len(spend.draws)} draws of the spend parameters, {len(draws)} of the others.")
    names, group = np.unique(labels, return_inverse=True)
    members = np.bincount(group, counts)
    totals = _Totals(history, horizon, counts, group, len(names), spend)
    best = Known(fit.model, fit.params)
    point = totals.expected(best, -1)
    expected = np.array([totals.expected(one, i) for i, one in enumerate(draws.fits())])
    rng = np.random.default_rng(seed)
    exact = counts.sum() * len(draws) <= MOST_SIMULATED
    if exact:
        chance = totals.simulated(best, -1, len(draws), rng)
        both = np.array([totals.simulated(one, i, 1, rng)[0] for i, one in enumerate(draws.fits())])
    else:
        noise = totals.deviation(best, rng) * rng.standard_normal((2, len(draws), len(names)))
        chance, both = point + noise[0], np.maximum(expected + noise[1], 0.0)
    how = mark("simulation") if exact else mark("normal approximation")
    method = mark("bootstrap") if draws.method == "bootstrap" else mark("normal approximation")
    made = []
    for part, spread, by in zip(PARTS, (expected, chance, both), (method, how, how), strict=True):
        low, high = percentiles(spread, confidence)
        for i, name in enumerate(names.tolist()):
            label = mark("all customers") if groups is None else name
            made.append((i, label, part, point[i], low[i], high[i], int(members[i]), by))
    made.sort(key=lambda row: row[0])
    return pd.DataFrame([row[1:] for row in made], columns=["group", "part", "value", "low", "high", "n", "method"])


@dataclass(frozen=True, eq=False)
class _Totals:
    """Totals per group, expected or simulated; `draw` numbers the draw of the parameters, -1 for the best ones."""

    history: tuple[Floats, ...]
    horizon: float
    counts: Ints
    group: Ints
    groups: int
    spend: SpendPart | None

    def expected(self, one: Fitted, draw: int) -> Floats:
        each = expected_purchases(one, self.horizon, *self.history)
        if self.spend is not None:
            each = each * self.spend.expected(self._spend_params(draw))
        return np.asarray(np.bincount(self.group, each * self.counts, self.groups), dtype=np.float64)

    def simulated(self, one: Fitted, draw: int, rounds: int, rng: np.random.Generator) -> Floats:
        row = np.repeat(np.arange(len(self.counts)), self.counts)
        block = max(1, MOST_SIMULATED // 6 // max(len(row), 1))
        made = []
        for first in range(0, rounds, block):
            each = self._drawn(one, draw, row, min(block, rounds - first), rng)
            made += [np.bincount(self.group[row], line, self.groups) for line in each]
        return np.array(made)

    def deviation(self, one: Fitted, rng: np.random.Generator) -> Floats:
        """The standard deviation of a group's total from the chance of its customers."""
        variance = np.zeros(self.groups)
        row = np.arange(len(self.counts))
        step = max(1, MOST_SIMULATED // ROUNDS)
        for first in range(0, len(row), step):
            part = row[first : first + step]
            each = self._drawn(one, -1, part, ROUNDS, rng).var(0, ddof=1)
            variance += np.bincount(self.group[part], each * self.counts[part], self.groups)
        return np.sqrt(variance)

    def _drawn(self, one: Fitted, draw: int, row: Ints, rounds: int, rng: np.random.Generator) -> Floats:
        columns = (column[row] for column in self.history)
        purchases = draw_purchases(one, self.horizon, *columns, draws=rounds, rng=rng)
        return purchases if self.spend is None else self.spend.drawn(self._spend_params(draw), purchases, row, rng)

    def _spend_params(self, draw: int) -> Mapping[str, float]:
        if self.spend is None or draw < 0 or not self.spend.draws:
            return {} if self.spend is None else self.spend.params
        return self.spend.draws[draw]
