"""Where does leaving rise? Groups of customers against their own past, with limits whose false alarms are known."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn import absences
from crmkit.analyses.churn.absences import ALARM, EVERYBODY, FALSE_ALARMS, RISE, RISING, STEADY, board_finding
from crmkit.analyses.churn.basics import UNDATED, unusable
from crmkit.analyses.churn.fit import Backtest, score
from crmkit.analyses.churn.read import Past
from crmkit.core.dates import DAYS_PER
from crmkit.core.language import level_name
from crmkit.core.privacy import can_be_shown
from crmkit.core.results import Column, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

RECENT_DAYS, BEFORE_DAYS = 90, 365
FEWEST_BEFORE = 120
FASTER = Text(
    "{n} {n:group leaves|groups leave} faster than {n:its|their} own past explains, most of all {group}: {rate} per month, "
    "after {before} in the year before."
)
AS_EVER = Text("No group leaves faster than its own past explains.")


def board(past: Past, work: Backtest) -> Result:
    """Which groups leave faster than their own past explains, or are about to?

    Parameters
    ----------
    past : Past
    work : Backtest
        Whose model says how the risk of today's customers compares with that of the customers then.

    Returns
    -------
    Result
        A row per group: ``dimension, level, active, left, rate`` (share per month, recent 90 days), ``limit`` (above it
        chance is
        no explanation), ``before`` (the year before), ``risk_now``, ``risk_before``, ``state``.

    Notes
    -----
    The recent number of leavers is compared with its exact distribution given that of the year before (both Poisson with the
    same rate per customer-day: negative binomial, which is the conditional test of two rates). The error of the whole board is
    divided evenly over its groups, so that a company in which nothing changes sees an alarm in at most 5 of 100 boards.
    """
    import pandas as pd

    title = Text("Alarm board: where does leaving rise?")
    if not past.usable:
        return unusable(past, "churn_board", title)
    if past.shop is not None:
        return absences.board(past, work, past.shop)
    if past.undated:
        return not_assessed("churn_board", title, UNDATED)
    end = _end(past)
    start = max(past.start, past.rule.since or past.start)
    if (end - start).days < RECENT_DAYS + FEWEST_BEFORE:
        return not_assessed(
            "churn_board", title, Text("needs at least {days} of data", {"days": Quantity(RECENT_DAYS + FEWEST_BEFORE, "days")})
        )
    middle = end - dt.timedelta(days=RECENT_DAYS)
    first = max(start, middle - dt.timedelta(days=BEFORE_DAYS))
    groups = [(None, EVERYBODY), *((by, level) for by in past.groups for level in sorted(past.spells[by].unique()))]
    counted = [_counts(_members(past, by, level), middle, end, first) for by, level in groups]
    table = pd.DataFrame(counted)
    table.insert(0, "level", [level for _, level in groups])
    table.insert(0, "dimension", [by or "" for by, _ in groups])
    shown = table.groupby("dimension")["active"].transform(can_be_shown, min_cell=past.min_cell)
    table = table[shown.astype(bool)].reset_index(drop=True)
    limit = alarm_limits(table["left_before"], table["days_before"], table["days_recent"], error=FALSE_ALARMS)
    month = DAYS_PER["month"]
    table["rate"] = month * table["left"] / table["days_recent"]
    table["before"] = month * table["left_before"] / table["days_before"]
    table["limit"] = month * limit / table["days_recent"]
    table = _with_risk(table, past, work, middle)
    alarm = table["left"] > limit
    rising = (table["risk_now"] / table["risk_before"] > RISE).fillna(False)
    table["state"] = np.where(alarm, ALARM, np.where(rising, RISING, STEADY))
    table["group"] = [
        level_name(row["dimension"], row["level"]) if row["dimension"] else EVERYBODY for row in table.to_dict("records")
    ]
    columns = (
        Column("group", "Group", translate=True),
        Column("active", "Customers", "count"),
        Column("left", "Left, 90 days", "count"),
        Column("rate", "Per month", "share"),
        Column("before", "Year before", "share"),
        Column("limit", "Alarm above", "share"),
        Column("risk_before", "Risk then", "share"),
        Column("risk_now", "Risk now", "share"),
        Column("state", "State", translate=True),
    )
    note = Text(
        "Last 90 days until {end} against the year before. Limits: if nothing has changed, at least one of the {m} groups is "
        "in alarm by chance in at most {error} of the boards. Risk: predicted by today's model on the customers of both days.",
        {"end": Quantity(end, "date"), "m": Quantity(len(table), "count"), "error": Quantity(FALSE_ALARMS, "share")},
    )
    return Result(
        "churn_board",
        "table",
        title,
        table,
        columns=columns,
        finding=board_finding(table, alarmed=FASTER, calm=AS_EVER),
        note=note,
    )


def _end(past: Past) -> dt.date:
    wait = past.rule.grace_days if past.window is None else int(past.window.window) + 1
    return past.as_of - dt.timedelta(days=wait)


def _members(past: Past, by: str | None, level: str) -> pd.DataFrame:
    return past.spells if by is None else past.spells[past.spells[by] == level]


def _counts(rows: pd.DataFrame, middle: dt.date, end: dt.date, first: dt.date) -> dict[str, float]:
    import pandas as pd

    left, days = {}, {}
    # who was gone on the first day was never under observation
    stayed = rows["duration_days"] > 0
    for name, a, b in (("recent", middle, end), ("before", first, middle)):
        low, high = pd.Timestamp(a), pd.Timestamp(b)
        began = rows["started_at"].where(rows["started_at"] > low, low)
        # who is censored by silence was still there, as far as is known
        until = rows["ended_at"].where(rows["ended_at"] <= high, high)
        days[name] = float((until - began).dt.days.clip(lower=0).sum())
        left[name] = int((stayed & rows["event_observed"] & (rows["ended_at"] > low) & (rows["ended_at"] <= high)).sum())
    last = pd.Timestamp(end)
    active = int(((rows["started_at"] <= last) & ~(rows["ended_at"] <= last)).sum())
    return {
        "active": active,
        "left": left["recent"],
        "left_before": left["before"],
        "days_recent": days["recent"],
        "days_before": days["before"],
    }


def alarm_limits(
    before: pd.Series[float], days_before: pd.Series[float], days_recent: pd.Series[float], *, error: float
) -> np.ndarray:
    """The largest number of recent leavers of each group that is still no alarm.

    Parameters
    ----------
    before : array of int
        Leavers in the reference time.
    days_before, days_recent : array
        Customer-days under observation in the reference time and recently.
    error : float
        Probability of at least one false alarm on the board.

    Returns
    -------
    array of int
        An alarm is a number above it.

    Examples
    --------
    >>> import pandas as pd
    >>> alarm_limits(pd.Series([40]), pd.Series([40000.0]), pd.Series([10000.0]), error=0.05).tolist()
    [17.0]
    """
    from scipy.stats import nbinom

    share = np.asarray(days_before, dtype="float64") / np.maximum(np.asarray(days_before) + np.asarray(days_recent), 1e-9)
    each = error / max(1, len(share))
    return np.asarray(nbinom.isf(each, np.asarray(before) + 1, share))


def _with_risk(table: pd.DataFrame, past: Past, work: Backtest, middle: dt.date) -> pd.DataFrame:
    """Mean predicted risk per group, of today's customers and of those at the cut-off before the recent days, by one model."""
    table = table.assign(risk_now=np.nan, risk_before=np.nan)
    earlier = [cut for cut in work.panel.cuts if cut <= middle] if work.panel is not None else []
    if work.model is None or work.panel is None or not earlier:
        return table
    groups = past.spells.drop_duplicates("customer_id", keep="last").set_index("customer_id")
    for name, cut in (("risk_now", past.as_of), ("risk_before", earlier[-1])):
        rows = work.panel.at(cut)
        p = score(work.model, rows)["probability"].to_numpy()
        for place, row in enumerate(table.to_dict("records")):
            own = np.ones(len(rows), bool)
            if row["dimension"]:
                own = (groups[row["dimension"]].reindex(rows["customer_id"]) == row["level"]).to_numpy()
            known = p[own][np.isfinite(p[own])]
            table.loc[place, name] = float(known.mean()) if len(known) >= past.min_cell else np.nan
    return table
