"""What do customer relations cost, month by month and by kind, and what does it cost to win a customer by each channel?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.read import Purchases
from crmkit.analyses.clv.values import Values
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Axis, Column, Finding, Numbers, Quantity, Result, Text, curve, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.money import monthly_costs
from crmkit.data.summaries.standing import ACTIVE, standing
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.ratios import poisson_limits, ratio_of_sums
from crmkit.models.basics.spc import FEWEST_POINTS, xmr

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

MONTHS, NEWEST = 12, 6
WINNING = "marketing"
ALL_COSTS, ALL_CHANNELS, NO_CHANNEL = mark("all costs"), mark("all channels"), mark("no channel named")
KINDS = {
    "labour": mark("labour"),
    "technology": mark("technology"),
    "marketing": mark("marketing"),
    "material": mark("material"),
}
NO_COSTS = Text("needs costs: what was spent, on what, in which month")
NO_MONTH = Text("no cost names a whole month of the time up to {day}; rows without a month are left out")
FEW_MONTHS = Text("limits need {least} whole months of costs; there {n:is|are} {n}")


def _costs(company: Client, past: Purchases) -> pd.DataFrame | Text:
    """Costs of whole months, or why there are none."""
    if "costs" not in company.tables:
        return NO_COSTS
    rows = monthly_costs(company.tables["costs"], until=past.as_of)
    after = (past.as_of + dt.timedelta(days=1)).replace(day=1)
    rows = rows[[day < after for day in _days(rows["period"])]].reset_index(drop=True)
    if rows.empty or not rows["amount"].sum() > 0:
        return Text(NO_MONTH.template, {"day": Quantity(past.as_of, "date")})
    return rows


def _days(values: pd.Series[Any]) -> list[dt.date]:
    import pandas as pd

    return [one.date() for one in pd.to_datetime(values)]


def _by_month(rows: pd.DataFrame) -> pd.DataFrame:
    """A row per month, a column per kind of cost, the whole at the end; months in which nothing was spent hold 0."""
    import pandas as pd

    days = pd.to_datetime(rows["period"])
    wide = rows.assign(month=days).pivot_table(index="month", columns="category", values="amount", aggfunc="sum")
    wide = wide.reindex(pd.date_range(days.min(), days.max(), freq="MS")).fillna(0.0)
    wide = wide[sorted(wide.columns, key=lambda name: -float(wide[name].sum()))]
    return wide.assign(**{ALL_COSTS: wide.sum(axis=1)})


def _judged(months: int) -> int:
    """How many of the newest months are held against limits: six, with limits from those before where there are enough."""
    return NEWEST if months - NEWEST >= MONTHS else months


def _charts(wide: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The control chart of each kind of cost."""
    judged = _judged(len(wide))
    baseline = len(wide) - judged if judged < len(wide) else None
    return {str(name): xmr(wide[name], baseline=baseline, bounds=(0.0, float("inf"))).table for name in wide}


def cost_months(company: Client, past: Purchases) -> Result:
    """Which costs left their usual range, and when? A control chart for each kind of cost.

    Returns
    -------
    Result
        Curves of the money spent per month; the bands are the limits of the usual up and down.
    """
    import pandas as pd

    title = Text("What customer relations cost, month by month")
    rows = _costs(company, past)
    if isinstance(rows, Text):
        return not_assessed("clv_cost_months", title, rows)
    wide = _by_month(rows)
    if len(wide) < FEWEST_POINTS:
        said: Numbers = {"least": Quantity(FEWEST_POINTS, "count"), "n": Quantity(len(wide), "count")}
        return not_assessed("clv_cost_months", title, Text(FEW_MONTHS.template, said))
    charts = {name: chart for name, chart in _charts(wide).items() if name != ALL_COSTS}
    parts = [
        chart[["value", "low", "high"]].assign(group=KINDS.get(name, name), x=wide.index.to_numpy())
        for name, chart in charts.items()
    ]
    judged = _judged(len(wide))
    beyond = {name: int(chart["beyond"].iloc[-judged:].sum()) for name, chart in charts.items()}
    worst = max(beyond, key=lambda name: beyond[name])
    numbers: Numbers = {
        "kind": Text(KINDS.get(worst, worst)),
        "n": Quantity(beyond[worst], "count"),
        "all": Quantity(judged, "count"),
    }
    text = Text("Every kind of cost stayed within its limits in the last {all} months.", numbers)
    if beyond[worst]:
        text = Text("Costs of {kind} left their limits in {n} of the last {all} months.", numbers)
    return Result(
        "clv_cost_months",
        "curve",
        title,
        curve(pd.concat(parts, ignore_index=True)),
        columns=(Column("group", "Kind of cost", translate=True),),
        finding=Finding(
            "clv.cost_months",
            "warning" if beyond[worst] else "good",
            not beyond[worst],
            text,
            criteria=Text("No kind of cost leaves its limits."),
            evidence=("clv_cost_months", "clv_costs"),
        ),
        note=Text(
            "Whole months only. Bands: mean and three standard deviations of single values, from the months before the newest "
            "{newest} where these are {least} or more, else from all.",
            {"newest": Quantity(NEWEST, "count"), "least": Quantity(MONTHS, "count")},
        ),
        alt=Text("Lines of the money spent per month, one for each kind of cost, each with the band of its usual range."),
        x=Axis("Month", "date"),
        y=Axis("Spent per month", "money"),
    )


def costs(company: Client, past: Purchases, *, active_days: int) -> Result:
    """On what was the money of the last year spent, and which costs left their limits?

    Parameters
    ----------
    company : Client
        With a table ``costs``.
    past : Purchases
    active_days : int
        Within how many days an active customer without a contract has bought.

    Returns
    -------
    Result
        A row per kind of cost and one for all: money of the last twelve whole months, its share with an interval, money per
        customer of today, mean per month with the limits of its control chart, the newest month, months outside the limits.
    """
    import pandas as pd

    title = Text("What customer relations cost, by kind")
    rows = _costs(company, past)
    if isinstance(rows, Text):
        return not_assessed("clv_costs", title, rows)
    wide = _by_month(rows)
    charts = _charts(wide) if len(wide) >= FEWEST_POINTS else {}
    last = wide.iloc[-MONTHS:]
    everybody = standing(company.tables, as_of=past.as_of, active_days=active_days)
    today = 0 if everybody is None else int((everybody["state"] == ACTIVE).sum())
    listed = []
    for name in wide.columns:
        share = ratio_of_sums(last[name], last[ALL_COSTS], confidence=past.confidence)
        chart = charts.get(str(name))
        listed.append(
            {
                "category": KINDS.get(str(name), str(name)),
                "amount": float(last[name].sum()),
                "value": share.value,
                "low": max(share.low, 0.0) if name != ALL_COSTS else float("nan"),
                "high": min(share.high, 1.0) if name != ALL_COSTS else float("nan"),
                "n": len(last),
                "each": float(last[name].sum()) / today if today else float("nan"),
                "month": float(wide[name].mean()),
                "limit_low": float("nan") if chart is None else float(chart["low"].iloc[-1]),
                "limit_high": float("nan") if chart is None else float(chart["high"].iloc[-1]),
                "newest": float(wide[name].iloc[-1]),
                "beyond": float("nan") if chart is None else int(chart["beyond"].iloc[-_judged(len(wide)) :].sum()),
            }
        )
    table = pd.DataFrame(listed)
    first = table.iloc[0]
    text = Text(
        "Looking after customers cost {total} in the last {n} months; the largest part is {kind}, {share}.",
        {
            "total": Quantity(float(table["amount"].iloc[-1]), "money"),
            "n": Quantity(len(last), "count"),
            "kind": Text(str(first["category"])),
            "share": Quantity(first["value"], "share", first["low"], first["high"]),
        },
    )
    return Result(
        "clv_costs",
        "table",
        title,
        table,
        columns=_cost_columns(),
        finding=Finding("clv.costs", "info", None, text, evidence=("clv_costs",)),
        note=_cost_note(past, len(last), len(wide), today),
    )


def _cost_columns() -> tuple[Column, ...]:
    return (
        Column("category", "Kind of cost", translate=True),
        Column("amount", "Spent", "money"),
        Column("value", "Share of all costs", "share", limits=("low", "high")),
        Column("each", "Per customer today", "money"),
        Column("month", "Mean per month", "money"),
        Column("limit_low", "Limits: from", "money"),
        Column("limit_high", "to", "money"),
        Column("newest", "Newest month", "money"),
        Column("beyond", "Months outside", "count"),
    )


def _cost_note(past: Purchases, months: int, all_months: int, today: int) -> Text:
    return Text(
        "Money and shares of the last {months} whole months; intervals of shares by the ratio of sums over months. Means of "
        "{all} months; limits as in the chart, months outside of the newest {judged}. Per customer: {today} customers today.",
        {
            "months": Quantity(months, "count"),
            "judged": Quantity(_judged(all_months), "count"),
            "all": Quantity(all_months, "count"),
            "today": Quantity(today, "count"),
        },
    )


def acquisition(company: Client, past: Purchases, values: Values | None) -> Result:
    """What does it cost to win a customer, by each channel, and is a newcomer worth it?

    Parameters
    ----------
    company : Client
        With tables ``costs`` (and in it ``channel``) and ``customers`` with ``acquisition_channel``.
    past : Purchases
    values : Values or None

    Returns
    -------
    Result
        A row per channel and one for all: newcomers of the last twelve whole months, money for marketing, cost per newcomer
        with the interval of the number of newcomers (Poisson), value of a newcomer with its interval.
    """
    import pandas as pd

    name, title = "clv_acquisition", Text("What it costs to win a customer, by channel")
    rows = _costs(company, past)
    if isinstance(rows, Text):
        return not_assessed(name, title, rows)
    rows = rows[rows["category"] == WINNING]
    if rows.empty:
        return not_assessed(name, title, Text("no cost is of the kind marketing"))
    days = pd.to_datetime(rows["period"])
    start = max(days.min(), days.max() - pd.DateOffset(months=MONTHS - 1))
    end = days.max() + pd.DateOffset(months=1)
    rows, came = rows[days >= start], _newcomers(company, past, start, end)
    if not len(came):
        return not_assessed(name, title, Text("nobody became a customer in the months whose costs are known"))
    named = bool((rows["channel"] != "").any())
    spent = rows.groupby("channel")["amount"].sum()
    if values is not None and values.clv is not None:
        came["worth"] = values.customers.set_index("customer_id")["clv"].reindex(came["customer_id"]).to_numpy()
    listed = [_won(ALL_CHANNELS, came, float(spent.sum()), past.confidence)]
    for channel in [] if came["channel"].eq("").all() else sorted(set(came["channel"]) | set(spent.index)):
        own = came[came["channel"] == channel]
        cost = float(spent.get(channel, 0.0)) if named and channel else float("nan")
        if len(own) or cost > 0:
            listed.append(_won(channel or NO_CHANNEL, own, cost, past.confidence))
    table = pd.DataFrame(listed)
    order = table.assign(last=table["group"] == ALL_CHANNELS).sort_values(
        ["last", "value", "group"], ascending=[True, False, True], na_position="last", kind="stable"
    )
    hidden = ["spent", "value", "low", "high", "worth", "worth_low", "worth_high"]
    shown = suppress_small(order.reset_index(drop=True), values=hidden, min_cell=past.min_cell, within="last")
    shown = shown.drop(columns="last")
    finding = _won_finding(shown, len(days[days >= start].unique()), named=named)
    return Result(name, "table", title, shown, columns=_won_columns(shown), finding=finding, note=_won_note(named))


def _newcomers(company: Client, past: Purchases, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Who became a customer in a stretch of time, and by which channel: by the customer table, else by the first purchase."""
    import pandas as pd

    table = company.tables.get("customers")
    if table is not None and "created_at" in table.columns:
        kept = [one for one in ("customer_id", "created_at", "acquisition_channel") if one in table.columns]
        came = to_frame(table.select(*kept).order_by("customer_id")).rename(columns={"created_at": "day"})
    else:
        first = past.customers if past.contracts is None else past.contracts.rename(columns={"started_at": "first_day"})
        came = first[["customer_id", "first_day"]].rename(columns={"first_day": "day"})
        came = came.merge(past.people.attributes, on="customer_id", how="left")
    day = pd.to_datetime(came["day"])
    channel = came["acquisition_channel"] if "acquisition_channel" in came else pd.Series("", index=came.index)
    came = pd.DataFrame({"customer_id": came["customer_id"], "channel": channel.astype("object").fillna("").astype(str)})
    return came[((day >= start) & (day < end)).to_numpy()].reset_index(drop=True)


def _won(group: str, own: pd.DataFrame, spent: float, confidence: float) -> dict[str, Any]:
    n, nan = len(own), float("nan")
    fewest, most = poisson_limits(n, confidence=confidence)
    row = {
        "group": group,
        "n": float(n),
        "spent": spent,
        "value": spent / n if n else nan,
        "low": spent / most if n else nan,
        "high": spent / fewest if n and fewest > 0 else nan,
        "worth": nan,
        "worth_low": nan,
        "worth_high": nan,
    }
    worth = own["worth"].dropna().to_numpy() if "worth" in own else np.zeros(0)
    if len(worth) > 1:
        reach = critical(confidence) * float(worth.std(ddof=1)) / len(worth) ** 0.5
        row |= {
            "worth": float(worth.mean()),
            "worth_low": float(worth.mean()) - reach,
            "worth_high": float(worth.mean()) + reach,
        }
    return row


def _won_finding(table: pd.DataFrame, months: int, *, named: bool) -> Finding | None:
    whole = table[table["group"] == ALL_CHANNELS].iloc[0]
    known = table[(table["group"] != ALL_CHANNELS) & table["value"].notna() & (table["spent"] > 0)]
    numbers: dict[str, Quantity | Text | str] = {
        "months": Quantity(months, "count"),
        "each": Quantity(whole["value"], "money", whole["low"], whole["high"]),
    }
    if np.isnan(whole["value"]):
        return None
    if known.empty or len(known) < 2:
        text = Text("Winning a customer cost {each} in the last {months} months; no cost names its channel.", numbers)
        return Finding("clv.acquisition", "info", None, text, evidence=("clv_acquisition",))
    dear, cheap = known.loc[known["value"].idxmax()], known.loc[known["value"].idxmin()]
    numbers |= {
        "dear": str(dear["group"]),
        "cheap": str(cheap["group"]),
        "most": Quantity(dear["value"], "money"),
        "least": Quantity(cheap["value"], "money"),
    }
    lost = known[known["worth_high"] < known["low"]]
    if len(lost):
        numbers |= {"dear": str(lost.iloc[0]["group"]), "most": Quantity(lost.iloc[0]["value"], "money")}
        numbers |= {"worth": Quantity(lost.iloc[0]["worth"], "money")}
        text = Text("Winning a customer by {dear} cost {most}, more than the {worth} expected of a newcomer.", numbers)
        action = Text("Spend the money of this channel on one whose newcomers bring more than they cost.")
        return Finding("clv.acquisition", "warning", None, text, evidence=("clv_acquisition",), action=action)
    text = Text(
        "Winning a customer cost {each} in the last {months} months: {least} by {cheap}, {most} by {dear}.",
        numbers,
    )
    return Finding("clv.acquisition", "info", None, text, evidence=("clv_acquisition",))


def _won_columns(table: pd.DataFrame) -> tuple[Column, ...]:
    worth = (Column("worth", "Expected value of a newcomer", "money", limits=("worth_low", "worth_high")),)
    return (
        Column("group", "Channel", translate=True),
        Column("n", "New customers", "count"),
        Column("spent", "Spent on marketing", "money"),
        Column("value", "Cost of winning one", "money", limits=("low", "high")),
        *(worth if table["worth"].notna().any() else ()),
    )


def _won_note(named: bool) -> Text:
    text = Text(
        "Costs of marketing over customers who came in the same whole months, twelve at most. Limits of the cost follow from "
        "the number of newcomers (Poisson), those of what they bring from its spread (normal)."
    )
    if named:
        return text
    return Text("{note} By channel it needs a column channel in costs.", {"note": text})
