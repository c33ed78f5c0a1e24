"""Where do more customers of a shop stay away than before? Months and groups against customers who were like them.

Each customer of a day is compared with those of earlier days who bought as often and had been silent for as long: a shop with
many new customers loses more of them though nothing has changed. The days ahead of two days that are compared do not overlap;
where the same customers stand on both sides, that makes the limits a little too wide, never too narrow.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.churn.chances import outcome
from crmkit.analyses.churn.fit import Backtest, score
from crmkit.analyses.churn.read import Past
from crmkit.analyses.churn.shop import RHYTHM, RHYTHMS, Shop, customers_on, rhythm_level
from crmkit.core.errors import ModelError
from crmkit.core.language import level_name, mark
from crmkit.core.privacy import suppress_beside
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

EVERYBODY = mark("All customers")
ALARM, RISING, STEADY = mark("alarm"), mark("risk is rising"), mark("steady")
MORE_AWAY = Text(
    "More customers stay away than of such customers before, in {n} {n:group|groups}, most of all {group}: {rate}, where "
    "{before} was to be expected."
)
AS_BEFORE = Text("In no group do more customers stay away than of such customers before.")
OBSERVED, EXPECTED = mark("observed"), mark("expected of them")
FALSE_ALARMS = 0.05
RISE, LEAST_RISE = 1.25, 0.02
BANDS = (0.25, 0.5, 1.0)  # of the horizon: silences that are compared with each other
MOST_BEFORE = 4
# a grouping of more levels is not looked at beside others: there are too many sums of them
MOST_BESIDE = 12
FEWEST_EXPECTED = 5.0
MOST_MONTHS, FEWEST_MONTHS, LEAST_ACTIVE = 24, 4, 30


def strata(shop: Shop, rows: pd.DataFrame) -> NDArray[np.int64]:
    """Who is like whom: by how often they buy and how long they have been silent."""
    often = np.array([RHYTHMS.index(level) for level in rhythm_level(shop, rows)])
    silence = rows["silence_days"].to_numpy(dtype="float64") / shop.horizon_days
    return np.asarray(often * (len(BANDS) + 1) + np.searchsorted(BANDS, silence, side="left"), dtype=np.int64)


def compared(left: NDArray[np.bool_], stratum: Any, left_before: NDArray[np.bool_], stratum_before: Any) -> tuple[float, float]:
    """How many of these customers would have stayed away if they were as those before, and the spread of the difference.

    Returns
    -------
    tuple of float
        Expected number given both totals of each stratum, and its standard deviation (hypergeometric; Mantel & Haenszel 1959).
        Customers without anybody like them before count as they are and add nothing.

    Examples
    --------
    >>> now, before = np.array([True, True, False, False]), np.array([True, False, False, False])
    >>> expected, spread = compared(now, np.zeros(4), before, np.zeros(4))
    >>> expected, round(spread, 3)
    (1.5, 0.732)
    """
    own, other = np.asarray(stratum), np.asarray(stratum_before)
    expected = spread = 0.0
    for level in np.unique(own):
        mine, theirs = left[own == level], left_before[other == level]
        n1, n0 = len(mine), len(theirs)
        m = float(mine.sum() + theirs.sum())
        if not n0:
            expected += float(mine.sum())
            continue
        n = n1 + n0
        expected += n1 * m / n
        spread += n1 * n0 * m * (n - m) / (n * n * (n - 1)) if n > 1 else 0.0
    return expected, float(np.sqrt(spread))


def board(past: Past, work: Backtest, shop: Shop) -> Result:
    """Of which groups did more stay away than of customers like them before, or will?

    Returns
    -------
    Result
        A row per group: ``dimension, level, active, left, rate`` (share that did not come back within the horizon, the newest
        day whose horizon is over), ``before`` (share expected from customers like them on earlier days), ``limit`` (above it
        chance is no explanation), ``risk_now``, ``risk_before``, ``state``.
    """
    import pandas as pd
    from scipy.stats import norm

    title = Text("Alarm board: where do more customers stay away?")
    newest, earlier = _days(past, work)
    if newest is None or work.panel is None or not earlier:
        return not_assessed("churn_board", title, Text("no two days have their whole horizons behind them without overlapping"))
    rows, before = work.panel.at(newest), work.panel.at(*earlier)
    now = work.panel.at(past.as_of)
    risk = (
        {}
        if work.model is None
        else {day: score(work.model, own)["probability"].to_numpy() for day, own in (("then", rows), ("now", now))}
    )
    table = []
    levels = [("", ""), *((by, str(level)) for by in past.groups for level in sorted(shop.level_of(by).unique()))]
    many, many_now = (_many(shop, levels, one, min_cell=past.min_cell) for one in (rows, now))
    for dimension, level in (one for one in levels if one in many):
        # of a customer of several earlier days the rhythm may have been another on each
        if before.loc[_members(shop, dimension, level, before), "customer_id"].nunique() < past.min_cell:
            continue
        own, theirs, today = (_members(shop, dimension, level, one) for one in (rows, before, now))
        mine, others = rows[own], before[theirs]
        left = mine["event_observed"].to_numpy(dtype=bool)
        expected, spread = compared(
            left, strata(shop, mine), others["event_observed"].to_numpy(dtype=bool), strata(shop, others)
        )
        row = {"dimension": dimension, "level": level, "active": int(own.sum()), "left": int(left.sum())}
        row |= {"expected": expected, "spread": spread, "risk_before": np.nan, "risk_now": np.nan}
        if risk and (dimension, level) in many_now:
            row |= {"risk_before": float(risk["then"][own].mean()), "risk_now": float(risk["now"][today].mean())}
        table.append(row)
    found = pd.DataFrame(table)
    if found.empty:
        return not_assessed("churn_board", title, Text("every group is too small to be shown"))
    reach = float(norm.isf(FALSE_ALARMS / len(found)))
    n = found["active"].to_numpy()
    found["rate"], found["before"] = found["left"] / n, found["expected"] / n
    # a count: half of one more, so that few customers do not raise an alarm too easily
    limit = found["expected"] + reach * found["spread"] + 0.5
    found["limit"] = np.minimum(limit / n, 1.0)
    alarm = (found["left"] > limit) & (found["expected"] >= FEWEST_EXPECTED)
    rising = (found["risk_now"] / found["risk_before"] > RISE) & (found["risk_now"] - found["risk_before"] > LEAST_RISE)
    found["state"] = np.where(alarm, ALARM, np.where(rising, RISING, STEADY))
    found["group"] = [_name(row["dimension"], row["level"]) for row in found.to_dict("records")]
    found["days_recent"] = n * float(past.rule.horizon_days)
    columns = (
        Column("group", "Group", translate=True),
        Column("active", "Customers then", "count"),
        Column("left", "Stayed away", "count"),
        Column("rate", "Share", "share"),
        Column("before", "Expected", "share"),
        Column("limit", "Alarm above", "share"),
        Column("risk_before", "Risk then", "share"),
        Column("risk_now", "Risk now", "share"),
        Column("state", "State", translate=True),
    )
    note = Text(
        "Customers of {day} who bought nothing within {horizon}, against customers of {k} earlier days who bought as often and "
        "had been silent for as long. Limits: if nothing has changed, at least one of the {m} groups is in alarm by chance in "
        "at most {error} of the boards. Risk: predicted by today's model on the customers of both days.",
        {
            "day": Quantity(newest, "date"),
            "horizon": Quantity(past.rule.horizon_days, "days"),
            "k": Quantity(len(earlier), "count"),
            "m": Quantity(len(found), "count"),
            "error": Quantity(FALSE_ALARMS, "share"),
        },
    )
    finding = board_finding(found, alarmed=MORE_AWAY, calm=AS_BEFORE)
    return Result("churn_board", "table", title, found, columns=columns, finding=finding, note=note)


def _many(shop: Shop, levels: Sequence[tuple[str, str]], rows: pd.DataFrame, *, min_cell: int) -> frozenset[tuple[str, str]]:
    """Groups of one day's customers of which something can be told.

    Whoever adds and subtracts them finds no few customers, in any two groupings.
    """
    import pandas as pd

    found: set[tuple[str, str]] = set()
    seen: list[tuple[pd.Series[Any], pd.Series[bool]]] = []
    for by in dict.fromkeys(by for by, _ in levels):
        names = [level for one, level in levels if one == by]
        own = pd.Series(shop.groups_of(by, rows) if by else [""] * len(rows), dtype=object).astype(str)
        counts = own.value_counts().reindex(names, fill_value=0).rename("n").to_frame()
        beside = [
            (pd.crosstab(own, other).reindex(index=names, columns=hidden.index, fill_value=0), hidden.tolist())
            for other, hidden in seen
            if len(hidden) <= MOST_BESIDE
        ]
        hidden = suppress_beside(counts, beside, values=[], min_cell=min_cell)["suppressed"].astype(bool)
        seen += [(own, hidden)] if by else []
        found |= {(by, level) for level in names if counts["n"][level] and not hidden[level]}
    return frozenset(found)


def _name(by: str, level: str) -> str:
    """A group in words; how often somebody buys says it without a heading."""
    return level_name(by, level) if by not in ("", RHYTHM) else level or EVERYBODY


def _days(past: Past, work: Backtest) -> tuple[dt.date | None, list[dt.date]]:
    """The newest day whose horizon is over, and earlier ones whose horizons overlap neither with it nor with each other."""
    wait = dt.timedelta(days=past.rule.horizon_days)
    cuts = [] if work.panel is None else [cut for cut in work.panel.cuts if cut + wait <= past.as_of]
    if not cuts:
        return None, []
    newest = last = cuts[-1]
    earlier: list[dt.date] = []
    for cut in reversed(cuts[:-1]):
        if cut + wait <= last and len(earlier) < MOST_BEFORE:
            earlier.append(cut)
            last = cut
    return newest, earlier


def _members(shop: Shop, by: str, level: str, rows: pd.DataFrame) -> NDArray[np.bool_]:
    return np.ones(len(rows), dtype=bool) if not by else (shop.groups_of(by, rows) == level)


def board_finding(table: pd.DataFrame, *, alarmed: Text, calm: Text) -> Finding:
    """What a board says: the group in alarm that is furthest from what was expected, the one whose risk rose most, or neither.

    Parameters
    ----------
    table : DataFrame
        ``group, state, rate, before, risk_now, risk_before``.
    alarmed : Text
        With places for ``n, group, rate, before``.
    calm : Text
    """

    def first(rows: pd.DataFrame, now: str, then: str) -> dict[str, Quantity | Text | str]:
        worst = rows.assign(gap=rows[now] / rows[then]).sort_values("gap", ascending=False).iloc[0]
        name = Text(str(worst["group"]).replace("{", "{{").replace("}", "}}"))
        ahead, behind = Quantity(worst[now], "share"), Quantity(worst[then], "share")
        return {"n": Quantity(len(rows), "count"), "group": name, "rate": ahead, "now": ahead, "before": behind}

    alarm, rising = (table[table["state"] == state] for state in (ALARM, RISING))
    if len(alarm):
        text = Text(alarmed.template, first(alarm, "rate", "before"))
        return Finding("churn.board", "critical", False, text, evidence=("churn_board",))
    if len(rising):
        text = Text(
            "No group is in alarm yet, but the predicted risk of {n} has risen, most of all of {group}: from {before} to "
            "{now}.",
            first(rising, "risk_now", "risk_before"),
        )
        return Finding("churn.board", "warning", False, text, evidence=("churn_board",))
    return Finding("churn.board", "good", True, calm, evidence=("churn_board",))


def months(past: Past, shop: Shop) -> pd.DataFrame:
    """The customers at the beginning of each month, and who of them bought nothing within the horizon.

    Returns
    -------
    DataFrame
        ``month, active, left, expected`` (if customers who are alike had stayed away alike in all months), ``spread``.
    """
    import pandas as pd

    horizon = past.rule.horizon_days
    last = pd.Timestamp(past.as_of) - pd.Timedelta(days=horizon)
    parts = []
    for day in pd.date_range(pd.Timestamp(past.start) + pd.Timedelta(days=1), last, freq="MS")[-MOST_MONTHS:]:
        if not shop.free(day.date(), horizon):
            continue
        try:
            rows = customers_on(shop, day.date(), as_of=past.as_of)
        except ModelError:  # nobody was a customer on that day; the month is missing in the figure
            continue
        if len(rows) >= LEAST_ACTIVE:
            left = outcome(rows, horizon).to_numpy(dtype=bool)
            parts.append(pd.DataFrame({"month": day, "left": left, "stratum": strata(shop, rows)}))
    if not parts:
        return pd.DataFrame(columns=["month", "active", "left", "expected", "spread"])
    rows = pd.concat(parts, ignore_index=True)
    rate = rows.groupby("stratum")["left"].transform("mean")
    table = rows.assign(expected=rate, variance=rate * (1 - rate)).groupby("month")
    found = table.agg(active=("left", "size"), left=("left", "sum"), expected=("expected", "sum"), spread=("variance", "sum"))
    return found.assign(spread=np.sqrt(found["spread"])).reset_index()


def monthly(past: Past, shop: Shop) -> Result:
    """Of the customers of each month, which share did not come back in time, and in which months is that more than chance?

    Returns
    -------
    Result
        Curve of the share by month, and what was to be expected of such customers with the limits within which chance keeps a
        month.
    """
    import pandas as pd
    from scipy.stats import norm

    title = Text("Customers of each month who did not come back in time")
    table = months(past, shop)
    if len(table) < FEWEST_MONTHS or not table["left"].sum():
        return not_assessed(
            "churn_monthly", title, Text("fewer than {n} whole months with customers", {"n": Quantity(FEWEST_MONTHS, "count")})
        )
    n = table["active"].to_numpy(dtype="float64")
    reach = float(norm.isf(FALSE_ALARMS / (2 * len(table))))
    value, expected = (table[name].to_numpy(dtype="float64") / n for name in ("left", "expected"))
    wide = (reach * table["spread"].to_numpy(dtype="float64") + 0.5) / n
    low, high = np.maximum(expected - wide, 0.0), np.minimum(expected + wide, 1.0)
    lines = [
        pd.DataFrame({"group": OBSERVED, "x": table["month"], "value": value, "at_risk": n}),
        pd.DataFrame({"group": EXPECTED, "x": table["month"], "value": expected, "low": low, "high": high}),
    ]
    above = np.flatnonzero(value > high)
    return Result(
        "churn_monthly",
        "curve",
        title,
        _drawn(curve(pd.concat(lines, ignore_index=True))),
        columns=(Column("group", "Line", translate=True),),
        finding=_months_finding(past, table["month"], value, above, float(table["left"].sum() / n.sum())),
        note=Text(
            "Customers on the first day of the month who bought nothing within {horizon}. The band is what is"
            " expected of customers who buy as often and were silent for as long. A steady shop stays inside "
            "it over all {n} months with a probability of {sure} at least. Months share customers and days "
            "ahead, so neighbours are alike.",
            {
                "horizon": Quantity(past.rule.horizon_days, "days"),
                "n": Quantity(len(table), "count"),
                "sure": Quantity(1 - FALSE_ALARMS, "share"),
            },
        ),
        alt=Text("Line of the share of each month's customers who did not come back in time, with a band of what is expected."),
        x=Axis("Month", "date"),
        y=Axis("Did not come back in time", "share"),
    )


def _drawn(table: pd.DataFrame) -> pd.DataFrame:
    table.attrs["actual"] = OBSERVED
    return table


def _months_finding(past: Past, month: pd.Series[Any], value: Floats, above: NDArray[np.int64], mean: float) -> Finding:
    numbers = {
        "mean": Quantity(mean, "share"),
        "n": Quantity(len(value), "count"),
        "horizon": Quantity(past.rule.horizon_days, "days"),
    }
    criteria = Text("None of the last three months is above the limits of chance.")
    if not len(above):
        text = Text(
            "On average {mean} of a month's customers do not buy within {horizon}, and in none of {n} months do more stay away "
            "than chance explains.",
            numbers,
        )
        return Finding("churn.months", "good", True, text, criteria=criteria, evidence=("churn_monthly",))
    worst = int(above[np.argmax(value[above])])
    recent = bool((above >= len(value) - 3).any())
    text = Text(
        "On average {mean} of a month's customers do not buy within {horizon}. In {count} of {n} months "
        "more stay away than chance explains, most of all of {month}: {share}.",
        numbers
        | {
            "count": Quantity(len(above), "count"),
            "month": Quantity(month.iloc[worst], "date"),
            "share": Quantity(float(value[worst]), "share"),
        },
    )
    if recent:
        return Finding("churn.months", "warning", False, text, criteria=criteria, evidence=("churn_monthly",))
    return Finding("churn.months", "info", None, text, criteria=criteria, evidence=("churn_monthly",))
