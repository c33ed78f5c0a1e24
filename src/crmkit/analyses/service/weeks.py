"""Has the service changed, or is it the usual up and down? A control chart by week, what comes and goes, and what lies open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.service.read import RESOLUTION, RESPONSE, Service, no_tickets
from crmkit.analyses.service.waiting import NO_END
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.data.summaries.service import flow_by_day, open_ages, orders_by_day
from crmkit.models.basics import spc
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

FEWEST_WEEKS = 8
SHARE, LIMITS = mark("Answered in time"), (mark("Upper limit"), mark("Mean"), mark("Lower limit"))
PER_ORDERS = mark("Complaints on 1,000 orders")
CAME, WENT, LEFT = mark("New"), mark("Solved"), mark("Open at the end")
AGES = (
    (0, mark("today")),
    (1, mark("up to a week")),
    (8, mark("up to a month")),
    (31, mark("up to three months")),
    (92, mark("older")),
)


def in_time(past: Service) -> Result:
    """In which weeks was another share answered in time than usual?

    Returns
    -------
    Result
        Curve: share of each week's tickets answered within the target, with Wilson's interval, mean and limits (p-chart;
        widened where weeks vary by more than chance).
    """
    name, title = "service_in_time", Text("Which weeks were different?")
    missing = no_tickets(past) or (None if past.knows(RESPONSE) else NO_END[RESPONSE])
    if missing is not None:
        return not_assessed(name, title, missing)
    weeks = week_table(past)
    if len(weeks) < FEWEST_WEEKS:
        return not_assessed(name, title, Text("needs {n} weeks with tickets", {"n": Quantity(FEWEST_WEEKS, "count")}))
    plain = spc.p_chart(weeks["hits"], weeks["n"])
    wide = bool(plain.table["beyond"].mean() > 0.1)
    chart = spc.p_chart(weeks["hits"], weeks["n"], overdispersed=True) if wide else plain
    table = _lines(past, weeks, chart)
    out = [day for day, flag in zip(weeks["day"], chart.table["signal"], strict=True) if flag]
    note = Text(
        "{kind} of {weeks} weeks; the limits are three standard deviations from the mean {mean}, wider where tickets are few. "
        "If nothing changes, {alarm} of such charts still show a signal. n: {least} to {most} tickets per week.",
        {
            "kind": Text("p′-chart") if wide else Text("p-chart"),
            "weeks": Quantity(len(weeks), "count"),
            "mean": Quantity(chart.centre, "share"),
            "alarm": Quantity(chart_alarm(len(weeks)), "share"),
            "least": Quantity(weeks["n"].min(), "count"),
            "most": Quantity(weeks["n"].max(), "count"),
        },
    )
    return Result(
        name,
        "curve",
        title,
        table,
        columns=(Column("group", "Line", translate=True),),
        finding=_signals(out, len(weeks), chart),
        note=note,
        alt=Text("Line of the share answered in time per week, with the mean and the limits of its usual up and down."),
        x=Axis("Week", "date"),
        y=Axis("Answered in time", "share"),
    )


def complaints(past: Service) -> Result:
    """In which weeks did customers complain more, or less, than usual?

    Returns
    -------
    Result
        Curve: complaints on 1,000 orders of each week, with mean and control limits (u-chart).
    """
    import pandas as pd

    name, title = "service_complaints", Text("Do customers complain more than usual?")
    missing = no_tickets(past) or (None if "kind" in past.tickets else Text("needs the kind of each ticket"))
    if missing is None and "transactions" not in past.tables:
        missing = Text("needs orders to compare complaints with")
    if missing is not None:
        return not_assessed(name, title, missing)
    orders = orders_by_day(past.tables["transactions"], since=past.since)
    day = pd.to_datetime(orders["day"])
    made = orders["orders"].groupby(day - pd.to_timedelta(day.dt.weekday, unit="D")).sum()
    asked = past.tickets.loc[past.tickets["kind"] == "complaint", "opened_at"].dt.normalize()
    came = asked.groupby(asked - pd.to_timedelta(asked.dt.weekday, unit="D")).size()
    over = pd.Timestamp(past.as_of) + pd.Timedelta(days=1)
    weeks = made[(made.index >= pd.Timestamp(past.since)) & (made.index + pd.Timedelta(days=7) <= over) & (made > 0)]
    if len(weeks) < FEWEST_WEEKS:
        return not_assessed(name, title, Text("needs {n} weeks with orders", {"n": Quantity(FEWEST_WEEKS, "count")}))
    hits = came.reindex(weeks.index, fill_value=0)
    chart = spc.u_chart(hits, weeks)
    x = pd.Series(pd.DatetimeIndex(weeks.index).strftime("%Y-%m-%d"))
    values: dict[str, Any] = {PER_ORDERS: 1000 * chart.table["value"]}
    values |= dict(zip(LIMITS, (1000 * chart.table["high"], 1000 * chart.centre, 1000 * chart.table["low"]), strict=True))
    table = curve(pd.concat([pd.DataFrame({"group": key, "x": x, "value": one}) for key, one in values.items()]))
    table.attrs["quiet"] = list(LIMITS)
    out = [one for one, flag in zip(weeks.index, chart.table["signal"], strict=True) if flag]
    numbers: dict[str, Quantity | Text | str] = {
        "k": Quantity(len(out), "count"),
        "mean": Quantity(1000 * chart.centre, "score"),
        "n": Quantity(hits.sum(), "count"),
    }
    text = Text("Complaints come as usual: {mean} on 1,000 orders, and no week stands out.", numbers)
    if out:
        text = Text("In {k} {k:week|weeks} complaints were not as usual; the mean is {mean} on 1,000 orders.", numbers)
    return Result(
        name,
        "curve",
        title,
        table,
        columns=(Column("group", "Line", translate=True),),
        finding=Finding("service.complaints", "info", None, text, evidence=(name,)),
        note=Text(
            "u-chart: limits are three standard deviations from the mean, wider where orders are few. {n} complaints.", numbers
        ),
        alt=Text("Line of complaints on 1,000 orders per week, with the mean and the limits of their usual up and down."),
        x=Axis("Week", "date"),
        y=Axis(PER_ORDERS, "number"),
    )


def chart_alarm(points: int, *, draws: int = 4000) -> float:
    """How often does a p-chart with limits from its own points show a signal although nothing changes?"""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(draws, points))
    z -= z.mean(1, keepdims=True)
    return float(np.any([flag.any(1) for flag in spc.run_flags(z, spc.DEFAULT_RULES).values()], axis=0).mean())


def week_table(past: Service) -> pd.DataFrame:
    """``day`` (first of the week), ``hits, n``: tickets whose target is over, and those of them answered within it."""
    import pandas as pd

    target, tickets = past.rules.target[RESPONSE], past.tickets
    # a ticket counts once its time is over, whatever has become of it until then
    over = pd.Timestamp(past.as_of) + pd.Timedelta(days=1)
    ripe = (tickets[RESPONSE] >= target) | (tickets["opened_at"] + pd.Timedelta(hours=target) <= over)
    known = tickets[ripe]
    day = known["opened_at"].dt.normalize()
    first = day - pd.to_timedelta(day.dt.weekday, unit="D")
    hit = known[f"{RESPONSE}_seen"] & (known[RESPONSE] <= target)
    found = pd.DataFrame({"day": first, "hits": hit.astype(int), "n": 1}).groupby("day", as_index=False).sum()
    # the first week and the last are whole only where the days reported begin and end with them
    whole = (found["day"] >= pd.Timestamp(past.since)) & (found["day"] + pd.Timedelta(days=7) <= over)
    return found[whole].reset_index(drop=True)


def _lines(past: Service, weeks: pd.DataFrame, chart: spc.Chart) -> pd.DataFrame:
    import pandas as pd

    share = wilson(weeks["hits"], weeks["n"], confidence=past.rules.confidence)
    x = weeks["day"].dt.strftime("%Y-%m-%d")
    own = pd.DataFrame(
        {"group": SHARE, "x": x, "value": share.value, "low": share.low, "high": share.high, "at_risk": weeks["n"]}
    )
    flat = dict(zip(LIMITS, (chart.table["high"], chart.centre, chart.table["low"]), strict=True))
    lines = [pd.DataFrame({"group": word, "x": x, "value": value}) for word, value in flat.items()]
    found = curve(pd.concat([own, *lines], ignore_index=True))
    found.attrs |= {"quiet": list(LIMITS), "zero": False}
    return found


def _signals(out: list[pd.Timestamp], weeks: int, chart: spc.Chart) -> Finding:
    evidence = ("service_in_time",)
    if not out:
        text = Text("No week stands out: the share answered in time goes up and down as usual over {n} weeks.", _n(weeks))
        return Finding("service.weeks", "info", None, text, evidence=evidence)
    numbers = {"k": Quantity(len(out), "count"), "day": Quantity(out[-1].date(), "date")}
    text = Text("{k} {k:week lies|weeks lie} outside the usual range, the last one from {day}.", numbers)
    now = bool(chart.table["signal"].iloc[-1])
    worse = now and bool(chart.table["value"].iloc[-1] < chart.centre)
    action = Text("Look for what happened before these weeks, not for an explanation of every up and down.")
    return Finding(
        "service.weeks", "warning" if worse else "info", False if worse else None, text, evidence=evidence, action=action
    )


def _n(value: int) -> dict[str, Quantity | Text | str]:
    return {"n": Quantity(value, "count")}


def flow(past: Service) -> Result:
    """Do more tickets come in than are solved?

    Returns
    -------
    Result
        Curve by week: tickets that came in, that were solved, and that were open at its end.
    """
    import pandas as pd

    name, title = "service_flow", Text("Do more tickets come in than are solved?")
    missing = no_tickets(past) or (None if past.knows(RESOLUTION) else NO_END[RESOLUTION])
    if missing is not None:
        return not_assessed(name, title, missing)
    days = flow_by_day(past.tables["tickets"]).set_index("day")
    days.index = pd.to_datetime(days.index)
    whole = days.reindex(pd.date_range(days.index.min(), past.as_of, name="day"), fill_value=0)
    whole["open"] = (whole["opened"] - whole["resolved"]).cumsum()
    # weeks are counted back from the last day
    back = np.arange(len(whole))[::-1] // 7
    weeks = (
        whole.assign(back=back)
        .groupby("back")
        .agg(opened=("opened", "sum"), resolved=("resolved", "sum"), open=("open", "last"))
    )
    weeks["day"] = [pd.Timestamp(past.as_of) - pd.Timedelta(days=int(7 * one)) for one in weeks.index]
    span = int((pd.Timestamp(past.as_of) - pd.Timestamp(past.since)).days + 1) // 7
    weeks = weeks[weeks.index < min(span, len(whole) // 7)].sort_index(ascending=False)
    if len(weeks) < 2:
        return not_assessed(name, title, Text("needs {n} weeks with tickets", {"n": Quantity(2, "count")}))
    x = weeks["day"].dt.strftime("%Y-%m-%d")
    table = curve(
        pd.concat(
            [
                pd.DataFrame({"group": word, "x": x, "value": weeks[column].astype("float64")})
                for word, column in ((CAME, "opened"), (WENT, "resolved"), (LEFT, "open"))
            ],
            ignore_index=True,
        )
    )
    came, went, left = (float(weeks[column].sum()) for column in ("opened", "resolved", "open"))
    numbers: dict[str, Quantity | Text | str] = {
        "came": Quantity(came, "count"),
        "went": Quantity(went, "count"),
        "weeks": Quantity(len(weeks), "count"),
        "left": Quantity(weeks["open"].iloc[-1], "count"),
    }
    text = Text("In {weeks} weeks {came} tickets came in and {went} were solved; {left} are open.", numbers)
    grows = bool(came - went > 3 * np.sqrt(came + went) and left > 0)
    action = Text("Tickets pile up: add hands for a while, or take away the reason for the most frequent kind.")
    finding = Finding(
        "service.flow",
        "warning" if grows else "info",
        False if grows else None,
        text,
        criteria=Text("No more come in than are solved, within three standard deviations of both counts.") if grows else None,
        evidence=(name,),
        action=action if grows else None,
    )
    return Result(
        name,
        "curve",
        title,
        table,
        columns=(Column("group", "Line", translate=True),),
        finding=finding,
        note=Text("Counts, so without an interval. Weeks end on the weekday of the last day."),
        alt=Text("Lines by week: tickets that came in, that were solved, and that were open at the end."),
        x=Axis("Week until", "date"),
        y=Axis("Tickets", "count"),
    )


def backlog(past: Service) -> Result:
    """How old are the tickets that are open?

    Returns
    -------
    Result
        Table ``age, n, share``: open tickets by age in days, and how many are past the norm.
    """
    import pandas as pd

    name, title = "service_backlog", Text("How old are the open tickets?")
    if not past.knows(RESOLUTION):
        return not_assessed(name, title, NO_END[RESOLUTION])
    ages = open_ages(past.tables["tickets"], as_of=past.as_of)
    total = int(ages["n"].sum())
    if not total:
        return not_assessed(name, title, Text("no ticket is open"))
    place = np.searchsorted([first for first, _ in AGES], ages["days"].to_numpy(), side="right") - 1
    counts = np.bincount(place, weights=ages["n"], minlength=len(AGES)).astype(int)
    table = pd.DataFrame({"age": [word for _, word in AGES], "n": counts, "share": counts / total})
    late = int(ages.loc[ages["days"] * 24 > past.rules.target[RESOLUTION], "n"].sum())
    numbers: dict[str, Quantity | Text | str] = {
        "n": Quantity(total, "count"),
        "late": Quantity(late, "count"),
        "norm": Quantity(past.rules.target[RESOLUTION], "hours"),
    }
    text = Text("{n} {n:ticket is|tickets are} open; {late} of them longer than {norm}.", numbers)
    if not late:
        text = Text("{n} {n:ticket is|tickets are} open, none longer than {norm}.", numbers)
    columns = (Column("age", "Opened", translate=True), Column("n", "Tickets", "count"), Column("share", "Part", "share"))
    note = Text("All open tickets, those opened before the months reported too; all hours of the day.")
    finding = Finding("service.backlog", "info", None, text, evidence=(name,))
    return Result(name, "table", title, table, columns, finding=finding, note=note)
