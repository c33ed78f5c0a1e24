"""How do deals go: how many are won, how long does that take, and where do the open ones stand?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.service.read import Service, period
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.models.basics.shares import wilson
from crmkit.models.service.waits import cell_waits

if TYPE_CHECKING:
    import pandas as pd

STANDING = {"open": mark("open"), "won": mark("won"), "lost": mark("lost")}
ALL = mark("all stages")


def funnel(past: Service) -> Result:
    """How do deals go?

    Returns
    -------
    Result
        Table ``stage`` (the last that a deal has reached), ``n, open, won, lost``, ``value, low, high`` (share won of those
        that are decided, Wilson), ``days, days_low, days_high`` (from creation to the decision, median, open deals included,
        Kaplan-Meier), ``amount`` (of open deals); all stages first.
    """
    import pandas as pd

    name, title = "service_funnel", Text("How do deals go?")
    if "opportunities" not in past.tables:
        return not_assessed(name, title, Text("needs opportunities"))
    deals = _deals(past)
    if len(deals) < past.rules.min_cell:
        numbers = {**period(past), "n": Quantity(len(deals), "count")}
        return not_assessed(name, title, Text("{n} {n:deal|deals} since {first} {n:is|are} too few", numbers))
    codes, stages = pd.factorize(deals["stage"], sort=True)
    whole = _table(past, deals, np.zeros(len(deals), dtype=np.int64), [ALL])
    table = pd.concat([whole, _table(past, deals, codes, [str(one) for one in stages])], ignore_index=True)
    table = table[table["n"] >= past.rules.min_cell].reset_index(drop=True)
    table.attrs["confidence"] = past.rules.confidence
    columns = [
        Column("stage", "Stage", translate=True),
        Column("n", "Deals", "count"),
        Column("open", "Open", "count"),
        Column("won", "Won", "count"),
        Column("lost", "Lost", "count"),
        Column("value", "Won of those decided", "share"),
        Column("interval", "Interval", "share"),
        Column("days", "Days to the decision", "days"),
    ]
    columns += [Column("amount", "Amount of open deals", "money")] if "amount" in deals else []
    first = table.iloc[0]
    numbers = {
        "won": Quantity(first["value"], "share", first["low"], first["high"]),
        "days": Quantity(first["days"], "days", first["days_low"], first["days_high"]),
    }
    text = Text("{won} of the deals that are decided are won; half are decided after {days}.", numbers)
    if first["days"] != first["days"]:
        text = Text("{won} of the deals that are decided are won; fewer than half are decided.", numbers)
    if first["value"] != first["value"]:
        text = Text("No deal is decided yet.")
    note = Text(
        "Deals created from {first} to {last}, by the last stage that each has reached. Open deals have lasted until now.",
        period(past),
    )
    finding = Finding("service.funnel", "info", None, text, evidence=(name,))
    return Result(name, "table", title, table, tuple(columns), finding=finding, note=note)


def _deals(past: Service) -> pd.DataFrame:
    import pandas as pd

    rows = past.tables["opportunities"]
    rows = rows.filter(rows.created_at.cast("date") >= past.since)
    names = [one for one in ("stage", "created_at", "closed_at", "won", "amount") if one in rows.columns]
    found = to_frame(rows.select("opportunity_id", *names).order_by("opportunity_id"))
    closed = pd.to_datetime(found["closed_at"]) if "closed_at" in found else pd.Series(pd.NaT, index=found.index)
    end = closed.fillna(pd.Timestamp(past.as_of) + pd.Timedelta(days=1))
    won = found["won"].eq(True) if "won" in found else pd.Series(False, index=found.index)
    days = (end - pd.to_datetime(found["created_at"])).dt.days.clip(lower=0)
    known = found["won"].notna() if "won" in found else closed.notna()
    return found.assign(decided=(closed.notna() | known).to_numpy(), is_won=won, days=days)


def _table(past: Service, deals: pd.DataFrame, codes: np.ndarray, stages: list[str]) -> pd.DataFrame:
    import pandas as pd

    many = len(stages)
    decided, won = (np.bincount(codes, weights=deals[one], minlength=many) for one in ("decided", "is_won"))
    n = np.bincount(codes, minlength=many)
    share = wilson(won, decided, confidence=past.rules.confidence)
    waits = cell_waits(deals["days"], deals["decided"], codes, cells=many, confidence=past.rules.confidence)
    table = pd.DataFrame({"stage": stages, "n": n, "open": n - decided, "won": won, "lost": decided - won})
    table = table.assign(value=share.value, low=share.low, high=share.high)
    table = table.assign(days=waits["median"], days_low=waits["median_low"], days_high=waits["median_high"])
    if "amount" in deals:
        open_amount = deals["amount"].fillna(0.0).where(~deals["decided"], 0.0)
        table["amount"] = np.bincount(codes, weights=open_amount.astype("float64"), minlength=many)
    return table
