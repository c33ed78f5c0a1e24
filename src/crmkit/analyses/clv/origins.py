"""How far were earlier forecasts off? The forecast is made again from earlier days of the log and compared with what came."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.draws import histories_of
from crmkit.analyses.clv.fit import WITH, Models, fit_one, used
from crmkit.analyses.clv.read import Purchases, transactions_of
from crmkit.analyses.clv.resampling import ALL, LIMITS, PURCHASES, VALUE
from crmkit.analyses.clv.values import Origins, Refits, Terms, Tiering, Total, Values, assign_tiers
from crmkit.core.errors import ModelError
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import purchases as summaries
from crmkit.data.summaries.windows import log_gaps
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.past_errors import FEWEST, GROUP, HALF, TOTAL, learn, log_errors
from crmkit.models.purchases import btyd
from crmkit.models.purchases.spend import expected_spend, fit_gamma_gamma

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from crmkit.data.client import Client

SHORTEST_PAST, SHORTEST_AHEAD, PARTS, MOST = 56, 14, (1, 2, 4, 8), 12
# of how many of the newest errors a range is learned, and from how many on an earlier one is judged
LEARNED_FROM, JUDGED_FROM = 8, 2
MOST_CUSTOMERS = 50_000
# the column of customers that tells by which factor each was moved
LEVEL = {PURCHASES: "level", VALUE: "value_level"}


def origin_days(start: dt.date, as_of: dt.date, horizon: int) -> tuple[int, list[dt.date]]:
    """From which earlier days can a forecast be tested, and how far ahead?

    Parameters
    ----------
    start, as_of : date
        First and last day of the log.
    horizon : int
        Days that the forecast of today looks ahead.

    Returns
    -------
    int, list of date
        The longest of the horizon, its half, quarter and eighth that leaves three days, and these days in their order, at most
        12, each half a horizon after the one before; 0 and none where even the eighth leaves fewer.

    Examples
    --------
    >>> days, found = origin_days(dt.date(2024, 1, 1), dt.date(2025, 12, 31), 365)
    >>> days, [day.isoformat() for day in found]
    (182, ['2024-07-03', '2024-10-02', '2025-01-01', '2025-04-02', '2025-07-02'])
    """
    for part in PARTS:
        ahead = max(SHORTEST_AHEAD, horizon // part)
        step, day, found = max(1, ahead // 2), as_of - dt.timedelta(days=ahead), list[dt.date]()
        while (day - start).days >= max(SHORTEST_PAST, ahead) and len(found) < MOST:
            found.append(day)
            day -= dt.timedelta(days=step)
        if len(found) >= FEWEST:
            return ahead, found[::-1]
    return 0, []


def past_forecasts(
    company: Client, past: Purchases, models: Models, terms: Terms, *, tiering: Tiering | None = None
) -> Origins | None:
    """What would have been forecast from earlier days, and what came?

    Parameters
    ----------
    company : Client
    past, models
        As computed for the page; the same model is fitted again on each earlier day, to what was known on it.
    terms : Terms
        Margin and horizon.
    tiering : Tiering or None
        Customers are put into tiers on each earlier day by what was forecast on it.

    Returns
    -------
    Origins or None
        None where there are no purchases, no horizon, or fewer than three days to forecast from. Of more than 50,000 customers
        so many are taken, evenly in the order of their ids.
    """
    import pandas as pd

    if past.contracts is not None or not models.final.fits or not terms.horizon_days:
        return None
    ahead, days = origin_days(past.start, past.as_of, terms.horizon_days)
    if not days:
        return None
    bought = transactions_of(company, paid=past.rhythm.paid)
    name = used(models.chosen, models.final).removesuffix(WITH)
    gaps = log_gaps(bought, days=days) if name == "mbgcnbd" else {}
    made, failed = [], 0
    for day in days:
        table = to_frame(summaries.holdout_summary(bought, split=day, end=day + dt.timedelta(days=ahead)))
        table = table.iloc[:: 1 + len(table) // MOST_CUSTOMERS]
        try:
            made.append(
                _forecast(past, table, name, gaps.get(day.isoformat()), ahead, terms, tiering or Tiering()).assign(origin=day)
            )
        except ModelError:
            failed += 1
    return Origins(pd.concat(made, ignore_index=True), ahead, failed, len(days) == MOST) if len(made) >= FEWEST else None


def _forecast(
    past: Purchases,
    table: pd.DataFrame,
    name: str,
    gaps: tuple[float, int] | None,
    ahead: int,
    terms: Terms,
    tiering: Tiering,
) -> pd.DataFrame:
    """Sums per group of what was expected of one day's customers, and of what they did."""
    import pandas as pd

    per = past.days_per_unit
    fit = fit_one(table, name, per=per, gaps=gaps)
    sums = histories_of(table, per)
    expected = sums.each(fit, lambda one, *history: btyd.expected_purchases(one, ahead / per, *history))[sums.inverse]
    # what single customers do by chance, as of a Poisson count whose rate is known from the purchases so far
    chance = expected + expected**2 / (fit.params["r"] + table["frequency"].to_numpy(dtype="float64"))
    pairs = [(PURCHASES, expected, table["holdout_frequency"].to_numpy(dtype="float64"), chance)]
    if past.spend.known:
        # a day without a model of spend still tells of purchases
        with suppress(ModelError):
            spend = fit_gamma_gamma(table["frequency"], table["monetary_value"])
            each = np.asarray(expected_spend(spend, table["frequency"], table["monetary_value"]))
            actual = table["holdout_value"].to_numpy(dtype="float64")
            paid, spread = terms.margin * each, chance + expected / spend.params["p"]
            pairs.append((VALUE, paid * expected, terms.margin * actual, paid**2 * spread))
    # a fixed cut is an amount over the whole horizon
    tier = assign_tiers(pairs[-1][1] * terms.horizon_days / ahead, tiering)
    groups = [(ALL, np.ones(len(tier), dtype=bool)), *((one, tier == one) for one in tiering.names)]
    rows = [
        {
            "group": group,
            "measure": measure,
            "forecast": float(forecast[own].sum()),
            "actual": float(came[own].sum()),
            "own": float(variance[own].sum() ** 0.5 / max(forecast[own].sum(), HALF)),
            "n": int(own.sum()),
        }
        for measure, forecast, came, variance in pairs
        for group, own in groups
    ]
    return pd.DataFrame(rows)


def with_past_errors(values: Values, origins: Origins | None, *, confidence: float) -> Values:
    """The values with ranges that hold the error of the model too.

    Parameters
    ----------
    values : Values
        With refits.
    origins : Origins or None
        None leaves the values as they are.
    confidence : float

    Returns
    -------
    Values
        ``purchases`` and ``clv`` with the limits between which the outcome should lie; customers moved by what forecasts of
        such customers were off by (columns ``level``, ``value_level``), their sums as before; the table of the refits with
        columns ``model`` (before that), ``corrected`` (the sum by itself moved), ``shift`` (its logarithm), ``whole_low``,
        ``whole_high`` (parameters, chance and model), ``then_forecast``, ``then_low``, ``then_high``, ``then_actual`` (of the
        newest earlier day that can be judged), ``judged`` and ``held``: how many earlier ranges can be judged, each by what was
        known on its day, and how many of them held.
    """
    import pandas as pd

    refits = values.refits
    if origins is None or refits is None:
        return values
    table = refits.table
    # the cost of keeping customers is known: it comes off a range of what they bring
    cost = values.terms.retention_cost * values.customers["years_kept"]
    costs = {ALL: float(cost.sum())} | cost.groupby(values.customers["tier"]).sum().to_dict()
    rows = [
        _row(
            {str(name): each for name, each in one.items()},
            origins,
            values.terms,
            confidence,
            cost=costs[one["group"]] if one["measure"] == VALUE else 0.0,
        )
        for one in table.to_dict("records")
    ]
    whole = table.join(pd.DataFrame(rows, index=table.index))
    totals = whole[whole["group"] == ALL].set_index("measure")
    values = replace(values, purchases=_total(values.purchases, totals, PURCHASES), clv=_total(values.clv, totals, VALUE))
    return _levelled(values, replace(refits, table=whole, origins=origins), cost.to_numpy())


def _levelled(values: Values, refits: Refits, cost: NDArray[np.float64]) -> Values:
    """Each customer moved by what forecasts of such customers were off by, as far as that is no chance; the totals stay.

    What a tier was off by holds for the customer in its middle, and between two middles it changes evenly with the place in the
    order of customers, which stays what it was.
    """
    table, customers = refits.table.assign(model=refits.table["value"]), values.customers
    by = VALUE if values.clv is not None else PURCHASES
    place = np.argsort(np.argsort(-customers["clv" if by == VALUE else "expected_purchases"].to_numpy(), kind="stable"))
    tier = customers["tier"].to_numpy()
    moved, before = customers.copy(), {PURCHASES: customers["expected_purchases"].to_numpy(dtype="float64")}
    if values.clv is not None:
        before[VALUE] = customers["clv"].to_numpy(dtype="float64") + cost
    for measure, each in before.items():
        own = table[(table["measure"] == measure) & (table["group"] != ALL) & table["shift"].notna()]
        if own.empty or not each.sum() > 0:
            continue
        level = levels(each, place, tier, dict(zip(own["group"], own["shift"], strict=True)), ordered=measure == by)
        moved[LEVEL[measure]] = level
        if measure == VALUE:
            moved["clv"] = each * level - cost
        else:
            moved[["expected_purchases", "discounted_purchases"]] = customers[
                ["expected_purchases", "discounted_purchases"]
            ].mul(level, axis=0)
        after = moved["clv" if measure == VALUE else "expected_purchases"].groupby(tier).sum()
        mine = table["measure"].eq(measure) & table["group"].isin(after.index) & table["value"].ne(0)
        factor = (table.loc[mine, "group"].map(after) / table.loc[mine, "value"]).clip(lower=0)
        for name in ("value", *LIMITS):
            table.loc[mine, name] = table.loc[mine, name] * factor
        for name, side in (("whole_low", np.minimum), ("whole_high", np.maximum)):
            table.loc[mine, name] = side(table.loc[mine, name], table.loc[mine, "value"])
    return replace(values, customers=moved, refits=replace(refits, table=table))


def levels(
    each: NDArray[np.float64],
    place: NDArray[np.intp],
    tier: NDArray[np.str_],
    shifts: Mapping[str, float],
    *,
    ordered: bool,
) -> NDArray[np.float64]:
    """By which factor is what is expected of each customer moved?

    Parameters
    ----------
    each : array, shape (n,)
        What is expected, 0 or more; its sum stays.
    place : array of int, shape (n,)
        Place of each customer in the order of their worth, the best first.
    tier : array of str, shape (n,)
    shifts : mapping of tier to float
        Logarithm of what forecasts of the tier are to be moved by.
    ordered : bool
        Whether who was expected to bring more than another still is to bring at least as much.

    Returns
    -------
    array, shape (n,)

    Examples
    --------
    >>> each, place, tier = np.array([8.0, 4.0, 1.0]), np.arange(3), np.array(["A", "B", "C"])
    >>> (each * levels(each, place, tier, {"A": 0.0, "B": 0.0, "C": np.log(2)}, ordered=True)).round(2).tolist()
    [7.43, 3.71, 1.86]
    """
    known = [(float(place[tier == one].mean()), shift) for one, shift in sorted(shifts.items()) if (tier == one).any()]
    if not known:
        return np.ones(len(each))
    level = np.exp(np.interp(place, [middle for middle, _ in known], [shift for _, shift in known]))
    moved = each * level
    if ordered:
        order = np.argsort(place)
        moved[order] = np.minimum.accumulate(moved[order])
    total = float(moved.sum())
    factor = np.divide(moved, each, out=np.ones(len(each)), where=each > 0)
    return np.asarray(factor * (float(each.sum()) / total if total > 0 else 1.0))


def _total(known: Total | None, totals: pd.DataFrame, measure: str) -> Total | None:
    if known is None or measure not in totals.index:
        return known
    low, high = (float(totals[name][measure]) for name in ("whole_low", "whole_high"))
    return Total(known.value, min(known.value, low), max(known.value, high)) if np.isfinite(low + high) else known


def _row(one: dict[str, Any], origins: Origins, terms: Terms, confidence: float, *, cost: float) -> dict[str, float]:
    """What past errors say of one sum, and whether earlier ranges of it held."""
    seen = origins.table[(origins.table["group"] == one["group"]) & (origins.table["measure"] == one["measure"])]
    value, low, high = (float(one[name]) + cost for name in ("value", "outcome_low", "outcome_high"))
    if len(seen) < FEWEST or not value > 0 or not low <= high:
        return dict.fromkeys(COLUMNS, float("nan"))
    level, ahead = TOTAL if one["group"] == ALL else GROUP, origins.horizon_days
    own = float(log_errors(high, max(low, 0.0))) / (2 * critical(confidence))
    errors, days = log_errors(seen["actual"], seen["forecast"]), _ordinals(seen)
    newest_errors = slice(-LEARNED_FROM, None)
    now = learn(errors[newest_errors], days[newest_errors], horizon=ahead, ahead=terms.horizon_days, own=own, level=level)
    then = earlier_ranges(seen, ahead, level=level, confidence=confidence, cut=origins.cut)
    held = int(((then["low"] <= then["actual"]) & (then["actual"] <= then["high"])).sum())
    newest = then.iloc[-1] if len(then) else dict.fromkeys(("forecast", "low", "high", "actual"), float("nan"))
    last = (float(newest[name]) for name in ("forecast", "low", "high", "actual"))
    limits = (each - cost for each in now.of(value, confidence))
    return dict(zip(COLUMNS, (*limits, now.shift, *last, len(then), held), strict=True))


COLUMNS = (
    "corrected", "whole_low", "whole_high", "shift", "then_forecast", "then_low", "then_high", "then_actual", "judged", "held",
)  # fmt: skip


def earlier_ranges(seen: pd.DataFrame, horizon: int, *, level: float, confidence: float, cut: bool = False) -> pd.DataFrame:
    """The ranges that could be known on earlier days.

    Parameters
    ----------
    seen : DataFrame
        Rows of one group and measure of :class:`Origins`, in the order of days.
    horizon : int
        Days that they looked ahead.
    level, confidence : float
        As for :func:`crmkit.models.basics.past_errors.learn`.
    cut : bool
        Whether days before these were left out; then only a day is judged that has all eight errors to learn from.

    Returns
    -------
    DataFrame
        ``origin, forecast, actual, low, high`` of each day on which two forecasts or more were over; nothing in a row hangs on
        what came after its day.
    """
    import pandas as pd

    errors, days, rows = log_errors(seen["actual"], seen["forecast"]), _ordinals(seen), []
    for place, one in enumerate(seen.to_dict("records")):
        known = np.flatnonzero(days + horizon <= days[place])[-LEARNED_FROM:]
        if len(known) >= (LEARNED_FROM if cut else JUDGED_FROM):
            found = learn(errors[known], days[known], horizon=horizon, ahead=horizon, own=one["own"], level=level)
            _, low, high = found.of(one["forecast"], confidence)
            rows.append((one["origin"], one["forecast"], one["actual"], low, high))
    return pd.DataFrame(rows, columns=["origin", "forecast", "actual", "low", "high"])


def _ordinals(seen: pd.DataFrame) -> NDArray[np.float64]:
    return np.array([day.toordinal() for day in seen["origin"]], dtype="float64")
