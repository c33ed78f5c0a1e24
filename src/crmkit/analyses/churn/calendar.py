"""When do customers leave? Month by month with limits of chance, and cohort by cohort."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn import absences
from crmkit.analyses.churn.basics import UNDATED, unusable
from crmkit.analyses.churn.read import Past
from crmkit.core.language import mark
from crmkit.core.privacy import can_be_shown
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, curve, not_assessed
from crmkit.models import survival as sv

if TYPE_CHECKING:
    import pandas as pd

MOST_MONTHS = 36
FEWEST_MONTHS = 6
LEAST_ACTIVE = 30
AGES = (90, 180, 270, 365, 540, 730, 1095)
MOST_COHORTS = 12
BOARD_ERROR = 0.05
SHOP_AGES = (30, 60, 90, 180, 270, 365, 540, 730)
PERIODS, SHOP_PERIODS = (("Q", 91), ("Y", 366)), (("M", 31), ("Q", 92), ("Y", 366))
SECOND_PURCHASE = Text("Who has bought again, by when they first bought")
STILL_THERE = Text("After {age}, {new} of the customers who came in {now} are still there; of those of {before} it was {old}.")
BOUGHT_AGAIN = Text(
    "Within {age}, {new} of those who first bought in {now} had bought again; of those of {before} it was {old}."
)


def months(past: Past) -> pd.DataFrame:
    """Who was there when each whole month began, and who of them left in it: ``month, active, left``."""
    import pandas as pd

    over = _last_certain_day(past)
    first = pd.Timestamp(past.rule.since or past.start)
    starts = [day for day in pd.date_range(first, over, freq="MS") if day + pd.offsets.MonthEnd(0) <= over][-MOST_MONTHS:]
    began, ended = past.spells["started_at"], past.spells["ended_at"]
    rows = []
    for day in starts:
        there = (began < day) & ~(ended < day)
        left = there & past.spells["event_observed"] & (ended <= day + pd.offsets.MonthEnd(0))
        rows.append({"month": day, "active": int(there.sum()), "left": int(left.sum())})
    table = pd.DataFrame(rows, columns=["month", "active", "left"])
    return table[table["active"] >= LEAST_ACTIVE].reset_index(drop=True)


def _last_certain_day(past: Past) -> pd.Timestamp:
    """Until when it is known who has left: later ends may still turn out to be none."""
    import pandas as pd

    wait = past.rule.grace_days if past.window is None else int(past.window.window) + 1
    return pd.Timestamp(past.as_of) - pd.Timedelta(days=wait)


def monthly(past: Past) -> Result:
    """Which share leaves in each month, and which months are more than chance?

    Returns
    -------
    Result
        Curve of the monthly share with the limits within which chance keeps a month; months outside are counted in the finding.

    Notes
    -----
    Limits around the mean of all months, exact binomial, such that all months of a steady company stay inside with probability
    .95. A month is compared with the mean of which it is a part, which makes the limits a little too wide.
    """
    title = Text("Share of customers leaving, month by month")
    if not past.usable:
        return unusable(past, "churn_monthly", title)
    if past.shop is not None:
        return absences.monthly(past, past.shop)
    if past.undated:
        return not_assessed("churn_monthly", title, UNDATED)
    table = months(past)
    if len(table) < FEWEST_MONTHS or not table["left"].sum():
        return not_assessed(
            "churn_monthly", title, Text("fewer than {n} whole months with customers", {"n": Quantity(FEWEST_MONTHS, "count")})
        )
    mean = float(table["left"].sum() / table["active"].sum())
    low, high = chance_limits(table["active"].to_numpy(), mean, error=BOARD_ERROR)
    value = (table["left"] / table["active"]).to_numpy()
    outside = (value < low) | (value > high)
    shown = _month_curve(table, value, low, high)
    shown.attrs["actual"] = mark("observed")
    finding = _months_finding(table, value, high, low, mean)
    return Result(
        "churn_monthly",
        "curve",
        title,
        shown,
        columns=(Column("group", "Line", translate=True),),
        finding=finding,
        note=Text(
            "Left in the month, of those there when it began. The band is where a steady company's months stay: all {n} of "
            "them with a probability of {sure} (exact binomial); {outside} are outside.",
            {
                "n": Quantity(len(table), "count"),
                "sure": Quantity(1 - BOARD_ERROR, "share"),
                "outside": Quantity(int(outside.sum()), "count"),
            },
        ),
        alt=Text("Line of the monthly share of customers leaving, with the mean of all months and a band of chance around it."),
        x=Axis("Month", "date"),
        y=Axis("Left in the month", "share"),
    )


def _month_curve(table: pd.DataFrame, value: np.ndarray, low: np.ndarray, high: np.ndarray) -> pd.DataFrame:
    import pandas as pd

    day = table["month"]
    mean = table["left"].sum() / table["active"].sum()
    lines = [
        pd.DataFrame({"group": mark("observed"), "x": day, "value": value, "at_risk": table["active"].astype("float64")}),
        pd.DataFrame({"group": mark("mean and limits"), "x": day, "value": mean, "low": low, "high": high}),
    ]
    return curve(pd.concat(lines, ignore_index=True))


def chance_limits(n: np.ndarray, share: float, *, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Between which shares do all groups of these sizes stay, if each has the same true share?

    Parameters
    ----------
    n : array of int
        Customers per group or month.
    share : float
        The true share.
    error : float
        Probability that at least one is outside; divided evenly over the groups and both sides.

    Returns
    -------
    tuple of array
        Lower and upper limit as shares; a value is outside when it is below the one or above the other.
    """
    from scipy.stats import binom

    each = error / (2 * max(1, len(n)))
    high = binom.isf(each, n, share)
    low = binom.ppf(each, n, share)
    return low / n, high / n


def _months_finding(table: pd.DataFrame, value: np.ndarray, high: np.ndarray, low: np.ndarray, mean: float) -> Finding:
    above = np.flatnonzero(value > high)
    numbers = {"mean": Quantity(mean, "share"), "n": Quantity(len(table), "count")}
    if len(above):
        worst = int(above[np.argmax(value[above])])
        recent = bool((above >= len(table) - 3).any())
        return Finding(
            id="churn.months",
            severity="warning" if recent else "info",
            passed=not recent,
            text=Text(
                "{mean} of customers leave in a month on average; {count} of {n} months are above what chance explains, most "
                "of all {month} with {share}.",
                numbers
                | {
                    "count": Quantity(len(above), "count"),
                    "month": Quantity(table["month"].iloc[worst], "date"),
                    "share": Quantity(float(value[worst]), "share"),
                },
            ),
            criteria=Text("None of the last three months is above the limits of chance."),
            evidence=("churn_monthly",),
        )
    return Finding(
        id="churn.months",
        severity="good",
        passed=True,
        text=Text(
            "{mean} of customers leave in a month on average, and none of {n} months is above what chance explains.", numbers
        ),
        criteria=Text("None of the last three months is above the limits of chance."),
        evidence=("churn_monthly",),
    )


def cohorts(past: Past) -> Result:
    """Do customers who came later stay longer? Of a shop: do more of them come back?

    Returns
    -------
    Result
        Heat grid: a row per month, quarter or year of coming, a column per age, the Kaplan-Meier share still there (of a shop:
        that has bought again); only ages that the whole cohort could have reached.
    """
    shop = past.shop
    title = Text("Who is still there, by when they came") if shop is None else SECOND_PURCHASE
    if not past.usable:
        return unusable(past, "churn_cohorts", title)
    if past.undated:
        return not_assessed("churn_cohorts", title, UNDATED)
    rows = _comers(past)
    if rows.empty:
        return not_assessed("churn_cohorts", title, Text("nobody came within the time observed"))
    table = _cells(past, rows)
    if table.empty:
        return not_assessed("churn_cohorts", title, Text("no cohort is large enough and old enough"))
    people = table.drop_duplicates("row")["n"]
    numbers: Numbers = {"n": Quantity(int(people.sum()), "count"), "k": Quantity(len(people), "count")}
    return Result(
        "churn_cohorts",
        "heat_grid",
        title,
        table.drop(columns="n"),
        finding=_cohort_finding(table, STILL_THERE if shop is None else BOUGHT_AGAIN),
        note=Text(
            "Kaplan–Meier share; {n} customers in {k} cohorts; cells that not the whole cohort could reach stay empty.", numbers
        )
        if shop is None
        else Text(
            "Kaplan–Meier share with a second purchase; {n} customers in {k} cohorts; cells that not the whole cohort could "
            "reach stay empty.",
            numbers,
        ),
        alt=Text("Grid: a row per cohort of customers, a column per age in days, in each cell the share still there.")
        if shop is None
        else Text(
            "Grid: a row per cohort of customers, a column per age in days, in each cell the share that has bought again."
        ),
        x=Axis("Days since they came" if shop is None else "Days since the first purchase", "text"),
        y=Axis("Came in" if shop is None else "First bought in", "text"),
    )


def _comers(past: Past) -> pd.DataFrame:
    """Who came within the time observed: spells from their first day, of a shop the gaps after a first purchase."""
    if past.shop is not None:
        return past.shop.gaps[past.shop.gaps["number"] == 1]
    return past.spells[past.spells["entry_days"] == 0] if past.rule.since is not None else past.spells


def _cells(past: Past, rows: pd.DataFrame) -> pd.DataFrame:
    """``row, column, value, low, high, n`` of each cohort at each age that all of it could have reached."""
    import pandas as pd

    shop = past.shop is not None
    first, last = rows["started_at"].min(), rows["started_at"].max()
    sure = pd.Timestamp(past.as_of) if shop else _last_certain_day(past)
    periods = SHOP_PERIODS if shop else PERIODS
    frequency = next((name for name, days in periods if (last - first).days / days <= MOST_COHORTS), "Y")
    cells, period = [], rows["started_at"].dt.to_period(frequency)
    shown = can_be_shown(rows.groupby(period)["customer_id"].nunique(), min_cell=past.min_cell)
    for label, own in rows.groupby(period):
        youngest = (sure - min(label.end_time.normalize(), last if shop else sure)).days
        ages = [age for age in (SHOP_AGES if shop else AGES) if age <= youngest]
        if not shown[label] or not ages:
            continue
        km = sv.kaplan_meier(own["duration_days"], own["event_observed"], confidence=past.confidence)
        at = sv.at_risk_table(km, ages)
        found = pd.DataFrame({"row": str(label), "column": ages, "value": at["value"], "low": at["low"], "high": at["high"]})
        cells.append(found.assign(n=len(own)))
    if not cells:
        return pd.DataFrame()
    table = pd.concat(cells, ignore_index=True)
    if shop:
        table = table.assign(value=1 - table["value"], low=1 - table["high"], high=1 - table["low"]).dropna(subset="value")
    table = table.sort_values(["row", "column"], kind="stable", ignore_index=True)
    table["column"] = table["column"].astype(str)
    table.attrs["unit"] = "share"
    return table


def _cohort_finding(table: pd.DataFrame, said: Text) -> Finding | None:
    """The newest cohort against the one before it, at the oldest age that both have reached."""
    names = sorted(table["row"].unique())
    for before, now in reversed(list(pairwise(names))):
        old, new = (table[table["row"] == row].set_index("column") for row in (before, now))
        ages = [age for age in new.index if age in old.index]
        if ages:
            age = max(ages, key=int)
            numbers: Numbers = {
                "age": Quantity(int(age), "days"),
                "new": Quantity(new.loc[age, "value"], "share", new.loc[age, "low"], new.loc[age, "high"]),
                "old": Quantity(old.loc[age, "value"], "share", old.loc[age, "low"], old.loc[age, "high"]),
                "now": str(now),
                "before": str(before),
            }
            worse = bool(new.loc[age, "high"] < old.loc[age, "low"])
            text = Text(said.template, numbers)
            return Finding("churn.cohorts", "warning" if worse else "info", None, text, evidence=("churn_cohorts",))
    return None
