"""When do customers leave? Month by month with limits of chance, and cohort by cohort."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn import absences, returning
from crmkit.analyses.churn.basics import unusable
from crmkit.analyses.churn.read import Past
from crmkit.core.language import mark
from crmkit.core.privacy import can_be_shown
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.models import survival as sv

if TYPE_CHECKING:
    import pandas as pd

MOST_MONTHS = 36
FEWEST_MONTHS = 6
LEAST_ACTIVE = 30
AGES = (90, 180, 270, 365, 540, 730, 1095)
MOST_COHORTS = 12
BOARD_ERROR = 0.05


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
    """Do customers who came later stay longer?

    Returns
    -------
    Result
        Heat grid: a row per quarter (or half-year, or year) of coming, a column per age, the Kaplan-Meier share still there;
        only ages that the whole cohort could have reached.
    """
    import pandas as pd

    title = Text("Who is still there, by when they came")
    if not past.usable:
        return unusable(past, "churn_cohorts", title)
    if past.shop is not None:
        return returning.cohorts(past, past.shop)
    rows = past.spells[past.spells["entry_days"] == 0] if past.rule.since is not None else past.spells
    frequency = _frequency(rows)
    if rows.empty or frequency is None:
        return not_assessed("churn_cohorts", title, Text("nobody came within the time observed"))
    period = rows["started_at"].dt.to_period(frequency)
    sure = _last_certain_day(past)
    cells = []
    shown = can_be_shown(rows.groupby(period)["customer_id"].nunique(), min_cell=past.min_cell)
    for label, own in rows.groupby(period):
        youngest = (sure - min(label.end_time.normalize(), sure)).days
        ages = [age for age in AGES if age <= youngest]
        if not shown[label] or not ages:
            continue
        km = sv.kaplan_meier(own["duration_days"], own["event_observed"], confidence=past.confidence)
        at = sv.at_risk_table(km, ages)
        cells += [
            {"row": str(label), "column": age, "value": value, "low": low, "high": high, "n": len(own)}
            for age, value, low, high in zip(ages, at["value"], at["low"], at["high"], strict=True)
        ]
    if not cells:
        return not_assessed("churn_cohorts", title, Text("no cohort is large enough and old enough"))
    table = pd.DataFrame(cells).sort_values(["row", "column"], kind="stable")
    table["column"] = table["column"].astype(str)
    table.attrs["unit"] = "share"
    return Result(
        "churn_cohorts",
        "heat_grid",
        title,
        table.drop(columns="n"),
        finding=_cohort_finding(table),
        note=Text(
            "Kaplan–Meier share; {n} customers in {k} cohorts; cells that not the whole cohort could reach stay empty.",
            {
                "n": Quantity(int(table.drop_duplicates("row")["n"].sum()), "count"),
                "k": Quantity(table["row"].nunique(), "count"),
            },
        ),
        alt=Text("Grid: a row per cohort of customers, a column per age in days, in each cell the share still there."),
        x=Axis("Days since they came", "text"),
        y=Axis("Came in", "text"),
    )


def _frequency(rows: pd.DataFrame) -> str | None:
    if rows.empty:
        return None
    span = (rows["started_at"].max() - rows["started_at"].min()).days
    return next((name for name, days in (("Q", 91), ("Y", 366)) if span / days <= MOST_COHORTS), "Y")


def _cohort_finding(table: pd.DataFrame) -> Finding | None:
    """The newest cohort against the one before it, at the age that both have reached."""
    order = sorted(table["row"].unique())
    for before, now in reversed(list(pairwise(order))):
        own = table[table["row"] == now]
        age = own["column"].astype(int).max()
        pair = [table[(table["row"] == row) & (table["column"] == str(age))] for row in (before, now)]
        if all(len(one) == 1 for one in pair):
            old, new = (one.iloc[0] for one in pair)
            worse = new["high"] < old["low"]
            return Finding(
                id="churn.cohorts",
                severity="warning" if worse else "info",
                passed=None,
                text=Text(
                    "After {age}, {new} of the customers who came in {now} are still there; of those of {before} it was {old}.",
                    {
                        "age": Quantity(int(age), "days"),
                        "new": Quantity(new["value"], "share", new["low"], new["high"]),
                        "old": Quantity(old["value"], "share", old["low"], old["high"]),
                        "now": str(now),
                        "before": str(before),
                    },
                ),
                evidence=("churn_cohorts",),
            )
    return None
