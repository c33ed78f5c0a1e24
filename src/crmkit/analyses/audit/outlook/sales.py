"""What will be sold in the months to come: by customers who are known, and by those who will be new?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.outlook.indicators import AHEAD, KNOWN, month_end
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.models.outlook.ranges import FEWEST, Outlook, outlook

if TYPE_CHECKING:
    pass

Floats = NDArray[np.float64]
HORIZONS = (3, 6, 12)
# the first months of a log, in which everybody seems new
BURN = 6
ALL, OLD, NEW = mark("All customers"), mark("Customers known today"), mark("New customers")
TITLE = Text("Sales in the months to come")
NEEDS = Text("needs sales in at least eight whole months")


class Sold(NamedTuple):
    """Sales by month, the oldest first; ``first[i, j]``: in month j, by customers who first bought in month i."""

    total: Floats
    first: Floats


def sold(work: Audit) -> Sold | None:
    """Sales by month and by the month in which their buyers came; None where there are too few months or no sales in one."""
    rows = work.past.frames.get("purchases")
    many = work.past.covered.get("transactions", 0)
    if rows is None or many < FEWEST:
        return None
    bought = rows[rows["orders"] > 0]
    came = bought.groupby("customer_id")["month"].max()
    own = rows[rows["month"] < many].assign(came=lambda one: one["customer_id"].map(came))
    # who came before the months that are whole is known from the first of them on; a return alone is nobody's first purchase
    own["came"] = own["came"].fillna(many - 1).clip(upper=many - 1).astype("int64")
    sums = own.groupby(["came", "month"])["amount"].sum()
    first = np.zeros((many, many))
    came_in, in_month = (many - 1 - sums.index.get_level_values(level).to_numpy(dtype="int64") for level in (0, 1))
    first[came_in, in_month] = sums.to_numpy()
    total = first.sum(0)
    return Sold(total, first) if (total > 0).all() else None


def new_shares(first: Floats, ahead: int) -> Floats:
    """Which part of sales in the next so many months came from customers who were not known before, from each month on?

    Parameters
    ----------
    first : array, shape (n, n)
        Sales of each month (columns) by the month in which their buyers came (rows).
    ahead : int

    Returns
    -------
    array, shape (n - ahead,)
        Known at the end of month ``i`` are those who came by then.

    Examples
    --------
    >>> new_shares(np.array([[2.0, 1.0, 1.0], [0.0, 3.0, 1.0], [0.0, 0.0, 2.0]]), 1).tolist()
    [0.75, 0.5]
    """
    n = len(first)
    return np.array(
        [first[at + 1 :, at + 1 : at + 1 + ahead].sum() / first[:, at + 1 : at + 1 + ahead].sum() for at in range(n - ahead)]
    )


def sales_outlook(work: Audit) -> Result:
    """What will be sold in the next 3, 6 and 12 months, as far as the past reaches?

    Returns
    -------
    Result
        Rows per horizon and group of customers: ``months, who, value, low, high`` (money), ``n`` (months behind), ``tried,
        held, method``; the newest month's place is ``months = 0``.

    Notes
    -----
    Known and new customers: the total by the share of new ones, which is forecast from the shares of earlier stretches of the
    same length. Its doubt is added to that of the total.
    """
    import pandas as pd

    known = sold(work)
    if known is None:
        return not_assessed("audit_sales_outlook", TITLE, NEEDS)
    rows: list[dict[str, Any]] = []
    for months in HORIZONS:
        if len(known.total) >= 2 * months and len(known.total) - months >= FEWEST:
            rows += _horizon(known, months, work.confidence)
    if not rows:
        return not_assessed("audit_sales_outlook", TITLE, NEEDS)
    table = pd.DataFrame(rows).assign(n=len(known.total))
    # what as many months up to today brought
    table["lived"] = [float(known.total[-int(months) :].sum()) for months in table["months"]]
    table["earlier"] = [
        f"{held:.0f} / {tried:.0f}" if tried else "–" for held, tried in zip(table["held"], table["tried"], strict=True)
    ]
    longest = table[table["who"] == ALL].iloc[-1]
    lived = float(longest["lived"])
    columns = (
        Column("months", "Months ahead", "count"),
        Column("who", "Bought by", translate=True),
        Column("value", "Sales", "money", limits=("low", "high")),
        Column("earlier", "Earlier ranges that held"),
    )
    numbers: dict[str, Quantity | Text | str] = {
        "months": Quantity(int(longest["months"]), "count"),
        "value": Quantity(longest["value"], "money"),
        "low": Quantity(longest["low"], "money"),
        "high": Quantity(longest["high"], "money"),
        "lived": Quantity(lived, "money"),
    }
    text = Text(
        "The next {months} months bring sales of {value} ({low} to {high}); the last {months} brought {lived}.", numbers
    )
    finding = Finding("audit.sales_outlook", "info", None, text, evidence=("audit_sales_outlook",))
    note = Text("New customers: those whose first purchase is still to come. Ranges are as wide as earlier forecasts were off.")
    if not (table["who"] == NEW).any():
        note = Text("{note} New customers are not told apart: nobody came for long, or the past is too short.", {"note": note})
    table["group"] = [f"{row['months']}:{row['who']}" for row in rows]
    return Result("audit_sales_outlook", "table", TITLE, table, columns=columns, finding=finding, note=note)


def _horizon(known: Sold, months: int, confidence: float) -> list[dict[str, Any]]:
    found = outlook(known.total, ahead=months, scale="log", confidence=confidence)
    rows = [_line(months, ALL, found.whole * months, found.whole_low * months, found.whole_high * months, found)]
    shares = new_shares(known.first, months)
    kept = shares[min(BURN, max(0, len(shares) - FEWEST)) :]
    if len(kept) < FEWEST or kept[-FEWEST:].max() <= 0:
        return rows
    # the newest share known is that of the months before the day; the one to come lies a whole stretch ahead
    part = outlook(kept, ahead=months, scale="logit", period=0, skip=months - 1, confidence=confidence)
    new = part.whole
    for who, share, moved in ((OLD, 1 - new, new), (NEW, new, 1 - new)):
        spread = math.hypot(found.spread, moved * part.spread)
        reach = _reach(min(found.freedom, part.freedom), confidence) * spread
        value = found.whole * months * share
        rows.append(_line(months, who, value, value * math.exp(-reach), value * math.exp(reach), None))
    return rows


def _line(months: int, who: str, value: float, low: float, high: float, found: Outlook | None) -> dict[str, Any]:
    tried, held, method = (found.tried, found.held, found.method) if found is not None else (0, 0, "")
    line = {"months": months, "who": who, "value": value, "low": low, "high": high}
    return line | {"tried": tried, "held": held, "method": method}


def _reach(freedom: float, confidence: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def sales_figure(work: Audit) -> Result:
    """Sales by month, and what is to come of them: month by month, as far as half of the past reaches."""
    import pandas as pd

    title = Text("Sales by month: past and forecast")
    known = sold(work)
    ahead = (
        [] if known is None else [one for one in HORIZONS if len(known.total) >= 2 * one and len(known.total) - one >= FEWEST]
    )
    if known is None or not ahead:
        return not_assessed("audit_sales_figure", title, NEEDS)
    found = outlook(known.total, ahead=ahead[-1], scale="log", confidence=work.confidence)
    day = pd.Timestamp(work.past.as_of)
    many = len(known.total)
    past = [month_end(day, -back) for back in reversed(range(many))]
    later = [month_end(day, at + 1) for at in range(ahead[-1])]
    tables = [
        pd.DataFrame({"group": KNOWN, "x": past, "value": known.total}),
        pd.DataFrame(
            {
                "group": AHEAD,
                "x": [day, *later],
                "value": [known.total[-1], *found.value],
                "low": [known.total[-1], *found.low],
                "high": [known.total[-1], *found.high],
            }
        ),
    ]
    table = pd.concat(tables, ignore_index=True)
    table["x"] = [one.date().isoformat() for one in table["x"]]
    shown = curve(table)
    shown.attrs |= {"actual": KNOWN}
    note = Text("Band: range of each month to come.")
    if found.seasonal:
        note = Text("{note} The season of the calendar months is in it.", {"note": note})
    return Result(
        "audit_sales_figure",
        "curve",
        title,
        shown,
        columns=(Column("group", "Line", translate=True),),
        note=note,
        alt=Text("Line of sales by month, and their forecast with a band that widens."),
        x=Axis("End of the month", "date"),
        y=Axis("Sales", "money"),
    )
