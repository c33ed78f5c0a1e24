"""How is each channel: how much comes through it, how long do customers wait there, and are they content?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.service.read import RESOLUTION, RESPONSE, Service, no_tickets, period
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.models.basics.shares import wilson
from crmkit.models.service.waits import cell_waits

if TYPE_CHECKING:
    import pandas as pd

WEEKDAYS = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)
BLOCK = 4  # hours of a day that stand together
BLOCKS = tuple(f"{hour:02d}:00–{hour + BLOCK:02d}:00" for hour in range(0, 24, BLOCK))
UNKNOWN = mark("unknown")
RECORDED = ("channel", "direction", "outcome", "kind")


def channels(past: Service) -> Result:
    """How is each channel, from the first contact to the rating?

    Returns
    -------
    Result
        Table ``channel, n, value, low, high`` (hours until the first answer, median), ``within`` (share in time), ``solution``
        (hours, median), ``reopened, rating, rated`` (how many ratings), the channel with most tickets first.
    """
    name, title = "service_channels", Text("How is each channel?")
    missing = no_tickets(past) or (None if "channel" in past.tickets else Text("needs the channel of each ticket"))
    if missing is not None:
        return not_assessed(name, title, missing)
    import pandas as pd

    codes, levels = pd.factorize(past.tickets["channel"], sort=True)
    table = pd.DataFrame({"channel": [str(one) for one in levels], "n": np.bincount(codes)})
    for wait, names in (
        (RESPONSE, {"median": "value", "median_low": "low", "median_high": "high", "within": "within"}),
        (RESOLUTION, {"median": "solution"}),
    ):
        if past.knows(wait):
            own, target = past.tickets, past.rules.target[wait]
            found = cell_waits(
                own[wait], own[f"{wait}_seen"], codes, cells=len(levels), target=target, confidence=past.rules.confidence
            )
            table = table.assign(**{ours: found[theirs] for theirs, ours in names.items()})
    each = past.tickets.groupby(codes)
    if "reopened" in past.tickets:
        known = past.tickets["reopened"].notna()
        again = past.tickets["reopened"].eq(True)
        table["reopened"] = again.groupby(codes).sum() / np.fmax(known.groupby(codes).sum(), 1)
    if "csat" in past.tickets:
        rated = each["csat"].count()
        table["rated"] = rated
        table["rating"] = each["csat"].mean().where(rated >= past.rules.min_cell)
    table = table[table["n"] >= past.rules.min_cell].sort_values("n", ascending=False, kind="stable", ignore_index=True)
    if table.empty:
        return not_assessed(name, title, Text("no channel has enough tickets"))
    table.attrs["confidence"] = past.rules.confidence
    labels = {
        "channel": Column("channel", "Channel", translate=True),
        "n": Column("n", "Tickets", "count"),
        "value": Column("value", "First answer", "hours"),
        "low": Column("interval", "Interval", "hours"),
        "within": Column("within", "In time", "share"),
        "solution": Column("solution", "Solution", "hours"),
        "reopened": Column("reopened", "Reopened", "share"),
        "rating": Column("rating", "Rating", "score"),
        "rated": Column("rated", "Ratings", "count"),
    }
    columns = tuple(column for key, column in labels.items() if key in table)
    first = table.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "channel": str(first["channel"]),
        "share": Quantity(float(first["n"]) / len(past.tickets), "share"),
    }
    finding = Finding(
        "service.channels", "info", None, Text("Most tickets come by “{channel}”: {share}.", numbers), evidence=(name,)
    )
    note = Text(
        "Medians in hours, open tickets included (Kaplan-Meier). Of the rating the mean, where {least} tickets or more have "
        "one.",
        {"least": Quantity(past.rules.min_cell, "count")},
    )
    return Result(name, "table", title, table, columns, finding=finding, note=note)


def hours_of_day(past: Service) -> Result:
    """On which weekdays and at which hours do tickets come in?

    Returns
    -------
    Result
        Heat grid: ``row`` (weekday), ``column`` (four hours), ``value`` (share of all tickets), ``n, suppressed``, and ``wait``
        (hours until the first answer, median) for the results file.
    """
    import pandas as pd

    name, title = "service_hours", Text("When do tickets come in?")
    missing = no_tickets(past)
    if missing is not None:
        return not_assessed(name, title, missing)
    opened = past.tickets["opened_at"].dt
    if (opened.hour == 0).all():
        return not_assessed(name, title, Text("tickets have a day, but no time of the day"))
    cell = (opened.weekday * len(BLOCKS) + opened.hour // BLOCK).to_numpy()
    n = np.bincount(cell, minlength=len(WEEKDAYS) * len(BLOCKS))
    table = pd.DataFrame(
        {
            "row": np.repeat(WEEKDAYS, len(BLOCKS)),
            "column": np.tile(BLOCKS, len(WEEKDAYS)),
            "value": n / len(past.tickets),
            "n": n,
            "suppressed": False,
        }
    )
    if past.knows(RESPONSE):
        found = cell_waits(past.tickets[RESPONSE], past.tickets[f"{RESPONSE}_seen"], cell, cells=len(table))
        table["wait"] = found["median"].where(found["n"] >= past.rules.min_cell)
    table.attrs["unit"] = "share"
    day, night = np.isin(cell % len(BLOCKS), (2, 3, 4)), opened.weekday.to_numpy() >= 5
    outside = float((~day | night).mean())
    ends = wilson(outside * len(cell), len(cell), confidence=past.rules.confidence)
    numbers = {"share": Quantity(outside, "share", float(ends.low[0]), float(ends.high[0]))}
    text = Text("{share} of tickets come in at night (from 20 to 8 o’clock) or at the weekend.", numbers)
    return Result(
        name,
        "heat_grid",
        title,
        table,
        columns=(Column("row", "Weekday", translate=True), Column("column", "Hours")),
        finding=Finding("service.hours", "info", None, text, evidence=(name,)),
        note=Text("Share of all tickets, below it how many; local time. Who works when stands in no table."),
        alt=Text("A grid of weekdays and hours: which share of the tickets comes in then."),
        x=Axis("Hours", "text"),
        y=Axis("Weekday", "text"),
    )


def staffing(past: Service) -> Result:
    """How much comes in for each person of a team, how are tickets rated there, and who has been trained?

    Returns
    -------
    Result
        Table ``team, people`` (on the last day), ``n`` (tickets), ``weekly`` (per person and week), ``value, low, high`` (mean
        rating, t interval), ``rated``, ``trained`` (share with a course in the last twelve months).
    """
    import pandas as pd

    name, title = "service_staffing", Text("How much work has each team?")
    missing = no_tickets(past) or (None if "team" in past.tickets else Text("needs the team of each ticket"))
    if missing is None and ("staff" not in past.tables or "team" not in past.tables["staff"].columns):
        missing = Text("needs staff")
    if missing is not None:
        return not_assessed(name, title, missing)
    people = _people(past)
    weeks = ((pd.Timestamp(past.as_of) - pd.Timestamp(past.since)).days + 1) / 7
    each = past.tickets.groupby("team")
    table = each.size().rename("n").to_frame().join(people, how="inner").reset_index()
    if table.empty:
        return not_assessed(name, title, Text("teams of staff and of tickets have no name in common"))
    table["weekly"] = table["n"] / table["people"] / weeks
    if "csat" in past.tickets:
        table = table.merge(_ratings(past), on="team", how="left")
    table = table[table["n"] >= past.rules.min_cell].sort_values("weekly", ascending=False, kind="stable", ignore_index=True)
    if table.empty:
        return not_assessed(name, title, Text("no team has enough tickets"))
    table.attrs["confidence"] = past.rules.confidence
    labels = {
        "team": Column("team", "Service team"),
        "people": Column("people", "People", "count"),
        "n": Column("n", "Tickets", "count"),
        "weekly": Column("weekly", "Per person and week", "score"),
        "value": Column("value", "Rating", "score"),
        "low": Column("interval", "Interval", "score"),
        "rated": Column("rated", "Ratings", "count"),
        "trained": Column("trained", "Trained", "share"),
    }
    first = table.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "team": str(first["team"]),
        "weekly": Quantity(first["weekly"], "score"),
        "most": Quantity(first["weekly"] / table["weekly"].median(), "score"),
    }
    text = Text("“{team}” has most work: {weekly} new tickets per person and week.", numbers)
    note = Text(
        "People: on the last day. Trained: with a course in the last twelve months. Mean ratings with t intervals, where "
        "{least} tickets or more have one. Tickets from {first} to {last}.",
        {**period(past), "least": Quantity(past.rules.min_cell, "count")},
    )
    columns = tuple(column for key, column in labels.items() if key in table)
    finding = Finding("service.staffing", "info", None, text, evidence=(name,))
    return Result(name, "table", title, table, columns, finding=finding, note=note)


def _people(past: Service) -> pd.DataFrame:
    """By team: people there on the last day, and the share of them with a course in the last year."""
    import pandas as pd

    staff = past.tables["staff"]
    there = staff.filter(staff.left_at.isnull()) if "left_at" in staff.columns else staff
    rows = to_frame(there.filter(there.team.notnull()).select("staff_id", "team").order_by("staff_id"))
    found = rows.groupby("team").size().rename("people").to_frame()
    if "training" not in past.tables:
        return found
    courses = past.tables["training"]
    lately = courses.filter(courses.taken_at > past.as_of - pd.Timedelta(days=365).to_pytimedelta())
    taught = set(to_frame(lately.select("staff_id").distinct().order_by("staff_id"))["staff_id"])
    return found.assign(trained=rows["staff_id"].isin(taught).groupby(rows["team"]).mean())


def _ratings(past: Service) -> pd.DataFrame:
    from scipy.stats import t

    found = past.tickets.groupby("team")["csat"].agg(value="mean", spread="std", rated="count").reset_index()
    known = found["rated"] >= max(past.rules.min_cell, 2)
    reach = t.ppf(0.5 + past.rules.confidence / 2, found["rated"].clip(lower=2) - 1) * found["spread"] / found["rated"] ** 0.5
    found = found.assign(low=found["value"] - reach, high=found["value"] + reach)
    found[["value", "low", "high"]] = found[["value", "low", "high"]].where(known)
    return found.drop(columns="spread")


def contacts(past: Service) -> Result:
    """Through which channels, in which direction and with which outcome does the company speak with its customers?

    Returns
    -------
    Result
        Table of the columns of ``interactions`` that are there (``channel, direction, kind, outcome``), ``n`` (contacts),
        ``customers, value`` (share of all contacts); the most frequent first, the first 20.
    """
    name, title = "service_contacts", Text("How does the company speak with its customers?")
    if "interactions" not in past.tables:
        return not_assessed(name, title, Text("needs interactions"))
    rows = past.tables["interactions"]
    rows = rows.filter(rows.occurred_at.cast("date") >= past.since)
    by = [one for one in RECORDED if one in rows.columns]
    if not by:
        return not_assessed(name, title, Text("no column says how contacts were made"))
    weight: Any = rows.quantity.fill_null(1) if "quantity" in rows.columns else 1
    rows = rows.mutate(**{one: rows[one].fill_null(UNKNOWN) for one in by}, contacts=weight)
    counted = rows.group_by(by).agg(n=rows.contacts.sum().cast("int64"), customers=rows.customer_id.nunique())
    found = to_frame(counted.order_by(by))
    total = int(found["n"].sum()) if len(found) else 0
    if not total:
        return not_assessed(name, title, Text("there are no contacts in these months"))
    table = found[found["customers"] >= past.rules.min_cell].assign(value=lambda one: one["n"] / total)
    table = table.sort_values(["n", *by], ascending=[False, *[True] * len(by)], kind="stable").head(20).reset_index(drop=True)
    if table.empty:
        return not_assessed(name, title, Text("no kind of contact has enough customers"))
    words = {
        "channel": Column("channel", "Channel", translate=True),
        "direction": Column("direction", "Direction", translate=True),
        "kind": Column("kind", "Kind", translate=True),
        "outcome": Column("outcome", "Outcome", translate=True),
    }
    columns = (
        *(words[one] for one in by),
        Column("n", "Contacts", "count"),
        Column("value", "Part", "share"),
        Column("customers", "Customers", "count"),
    )
    lacking = [one for one in ("channel", "outcome") if one not in by]
    note = Text(
        "{n} contacts from {first} to {last}; kinds of few customers are left out.",
        {**period(past), "n": Quantity(total, "count")},
    )
    finding = None
    if lacking:
        text = Text("The record of contacts has no channel, so no channel can be said to work.")
        if "channel" in by:
            text = Text("The record of contacts has no outcome, so no channel can be said to work.")
        action = Text("Have channel and outcome of each contact written down.")
        finding = Finding("service.contacts", "info", None, text, evidence=(name,), action=action)
    return Result(name, "table", title, table, columns, finding=finding, note=note)
