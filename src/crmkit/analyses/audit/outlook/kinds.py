"""What sells more and more, what do customers ask for, and which of them buy more: by category, topic and segment?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.audit.findings.model import joined
from crmkit.analyses.audit.fit import Audit
from crmkit.analyses.audit.outlook.indicators import month_end
from crmkit.core.language import in_a_row, mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, curve, not_assessed
from crmkit.data.summaries.audit.kinds import rows_by_kind, sales_by_kind
from crmkit.data.tables.groups import GROUP_NAMES, NOT_KNOWN
from crmkit.models.basics.families import benjamini_hochberg
from crmkit.models.basics.trend import FEWEST, slope

if TYPE_CHECKING:
    import pandas as pd

MOST_MONTHS, MOST_SHOWN, MOST_LINES, MOST_KINDS = 24, 12, 5, 60
SURE = 0.05
RISING, FALLING, STEADY, UNTESTED = mark("rising"), mark("falling"), mark("no trend"), mark("too few months")
# who pauses for so many months is back; before so many months of a log nobody can be told to be new
BACK_AFTER, BURN = 3, 12
FIRST_TIME, BACK, REGULAR = mark("first purchase"), mark("back after a pause"), mark("regular")
# where the topics of customers' needs stand
NEEDS = (("tickets", "opened_at", mark("Requests")), ("feedback", "received_at", mark("Feedback")))


def shifts(months: pd.DataFrame, *, many: int, share: bool, min_cell: int, cycle: int) -> pd.DataFrame:
    """Which kinds rise or fall from month to month by more than chance?

    Parameters
    ----------
    months : pandas.DataFrame
        ``month`` (counted back)``, kind, n, amount``; ``n`` are customers, or rows.
    many : int
        How many months the table covers.
    share : bool
        Whether what is looked at is a kind's share of the month's amount; else the amount itself.
    min_cell : int
        Kinds with fewer in every month of the newest cycle are left out.
    cycle : int
        How many months are the newest cycle.

    Returns
    -------
    pandas.DataFrame
        A row per kind, the largest first: ``kind, now`` (amount of the newest cycle), ``part`` (its share of all),
        ``value, low, high`` (change per month: of the share in share points, else of the amount as a share of it), ``n``,
        ``p_value, adjusted``. nan where fewer than twelve months are known. ``attrs["hidden"]``: kinds left out.

    Notes
    -----
    Slopes by restricted likelihood with AR(1) errors; p-values by Benjamini and Hochberg.
    """
    import pandas as pd

    span = min(many, MOST_MONTHS)
    own = months[months["month"] < span]
    table = own.pivot_table(index="month", columns="kind", values="amount", aggfunc="sum", fill_value=0.0)
    table = table.reindex(range(span), fill_value=0.0).iloc[::-1]
    counts = own[own["month"] < cycle].groupby("kind")["n"].max().reindex(table.columns, fill_value=0)
    newest = table.tail(cycle).sum()
    enough = counts >= min_cell
    order = newest[enough].sort_values(ascending=False, kind="stable").index[:MOST_KINDS]
    whole = table.sum(axis=1)
    rows = []
    for kind in order:
        values = table[kind].to_numpy(dtype="float64")
        line: dict[str, Any] = {"kind": kind, "now": newest[kind], "part": newest[kind] / newest.sum(), "n": counts[kind]}
        rows.append(line | _slope(values / np.where(whole > 0, whole, np.nan) if share else values, share))
    found = pd.DataFrame(rows, columns=["kind", "now", "part", "n", "value", "low", "high", "p_value"])
    found["adjusted"] = benjamini_hochberg(found["p_value"]) if len(found) else []
    found.attrs["hidden"] = int((~enough).sum())
    return found


def _slope(values: np.ndarray, share: bool) -> dict[str, float]:
    nothing = dict.fromkeys(("value", "low", "high", "p_value"), float("nan"))
    if np.isfinite(values).sum() < FEWEST:
        return nothing
    if share:
        found = slope(values)
        return {"value": found.value, "low": found.low, "high": found.high, "p_value": found.p_value}
    if (values > 0).all():
        found = slope(np.log(values))
        ends = (float(np.expm1(one)) for one in (found.value, found.low, found.high))
        return dict(zip(("value", "low", "high"), ends, strict=True)) | {"p_value": found.p_value}
    mean = float(values.mean())
    if mean <= 0:
        return nothing
    found = slope(values / mean)
    return {"value": found.value, "low": found.low, "high": found.high, "p_value": found.p_value}


def verdict(row: Any) -> str:
    """Whether a kind rises or falls, after the correction for all kinds."""
    if row["adjusted"] != row["adjusted"]:
        return UNTESTED
    return STEADY if row["adjusted"] >= SURE else RISING if row["value"] > 0 else FALLING


def category_months(work: Audit) -> tuple[pd.DataFrame, str] | None:
    """Sales by month of each category, else of each product; None where neither is known."""
    rows = work.company.tables.get("transactions")
    column = next((name for name in ("category", "product") if rows is not None and name in rows.columns), "")
    if rows is None or not column:
        return None
    months = sales_by_kind(rows, column, starts=work.past.starts)
    return months[months["kind"] != ""], column


def category_trends(work: Audit) -> Result:
    """Which categories or products sell more, or less, from month to month?"""
    title = Text("Sales by category: which rise, which fall")
    found = category_months(work)
    many = work.past.covered.get("transactions", 0)
    if found is None or many < 2:
        return not_assessed("audit_category_trends", title, Text("needs purchases with a category or a product"))
    table = _shifted(work, found[0], many, share=False)
    if table.empty:
        return not_assessed("audit_category_trends", title, Text("every category has too few buyers to be shown"))
    columns = (
        Column("kind", "Category"),
        Column("now", "Sales, newest cycle", "money"),
        Column("part", "Share of sales", "share"),
        Column("value", "Change per month", "share", limits=("low", "high")),
        Column("adjusted", "p, corrected", "p"),
        Column("verdict", "Trend", translate=True),
    )
    return _told("audit_category_trends", title, table, columns, CATEGORY_WORDS)


def category_figure(work: Audit) -> Result:
    """Sales of the largest categories by month."""
    import pandas as pd

    title = Text("Sales of the largest categories by month")
    found = category_months(work)
    many = min(work.past.covered.get("transactions", 0), MOST_MONTHS)
    if found is None or many < 3:
        return not_assessed("audit_category_figure", title, Text("needs purchases with a category or a product"))
    table = _shifted(work, found[0], many, share=False)
    kinds = list(table["kind"][:MOST_LINES])
    if not kinds:
        return not_assessed("audit_category_figure", title, Text("every category has too few buyers to be shown"))
    grid = found[0].pivot_table(index="month", columns="kind", values="amount", aggfunc="sum", fill_value=0.0)
    grid = grid.reindex(range(many), fill_value=0.0)
    day = pd.Timestamp(work.past.as_of)
    rows = [
        {"group": kind, "x": month_end(day, -back).date().isoformat(), "value": float(grid[kind].iloc[back])}
        for kind in kinds
        for back in reversed(range(many))
    ]
    return Result(
        "audit_category_figure",
        "curve",
        title,
        curve(pd.DataFrame(rows)),
        columns=(Column("group", "Category"),),
        note=Text("At most five categories, by sales of the newest cycle."),
        alt=Text("Lines of the sales of the largest categories, by month."),
        x=Axis("End of the month", "date"),
        y=Axis("Sales", "money"),
    )


def need_trends(work: Audit) -> Result:
    """What do customers ask for more, or less, from month to month: topics of requests and of feedback?"""
    import pandas as pd

    title = Text("What customers need: topics that rise or fall")
    parts = []
    for name, day, called in NEEDS:
        rows, many = work.company.tables.get(name), work.past.covered.get(name, 0)
        if rows is None or "category" not in rows.columns or many < 2:
            continue
        table = _shifted(work, rows_by_kind(rows, "category", day=day, starts=work.past.starts), many, share=True)
        parts.append(table.assign(by=called))
    parts = [part for part in parts if len(part)]
    if not parts:
        return not_assessed("audit_need_trends", title, Text("needs requests or feedback with a category"))
    table = pd.concat(parts, ignore_index=True)
    # one family, whatever the table they are from
    table = _judged(table)
    columns = (
        Column("by", "From", translate=True),
        Column("kind", "Topic"),
        Column("now", "Newest cycle", "count"),
        Column("part", "Share", "share"),
        Column("value", "Change of the share per month", "share", limits=("low", "high")),
        Column("adjusted", "p, corrected", "p"),
        Column("verdict", "Trend", translate=True),
    )
    return _told("audit_need_trends", title, table, columns, NEED_WORDS)


def segment_trends(work: Audit) -> Result:
    """Which segments make up more, or less, of sales from month to month: kinds of customers, and how they buy?"""
    import pandas as pd

    title = Text("Drift of segments: shares of sales")
    rows, customers = work.company.tables.get("transactions"), work.company.tables.get("customers")
    many = work.past.covered.get("transactions", 0)
    if rows is None or many < 2:
        return not_assessed("audit_segment_trends", title, Text("needs purchases over at least two months"))
    known = [] if customers is None else [name for name in GROUP_NAMES if name in customers.columns]
    parts = [
        _shifted(work, sales_by_kind(rows, name, starts=work.past.starts, customers=customers), many, share=True).assign(
            by=GROUP_NAMES[name]
        )
        for name in known
    ]
    if many >= BURN + FEWEST:
        parts.append(_shifted(work, habits(work.past.frames["purchases"], many), many - BURN, share=True).assign(by=HABIT))
    parts = [part for part in parts if len(part) > 1]
    if not parts:
        return not_assessed("audit_segment_trends", title, Text("every segment has too few buyers to be shown"))
    table = _judged(pd.concat(parts, ignore_index=True))
    table["kind"] = table["kind"].replace("", NOT_KNOWN)
    columns = (
        Column("by", "By", translate=True),
        Column("kind", "Segment", translate=True),
        Column("part", "Share of sales now", "share"),
        Column("value", "Change of the share per month", "share", limits=("low", "high")),
        Column("adjusted", "p, corrected", "p"),
        Column("verdict", "Trend", translate=True),
    )
    return _told("audit_segment_trends", title, table, columns, SEGMENT_WORDS)


HABIT = mark("Buying habit")
OURS = frozenset({FIRST_TIME, BACK, REGULAR, NOT_KNOWN})
NAMED = Text("{by}: {kind}")


def habits(purchases: pd.DataFrame, many: int) -> pd.DataFrame:
    """Sales by month of those who buy for the first time, after a pause of three months, or regularly.

    Parameters
    ----------
    purchases : pandas.DataFrame
        ``month`` (counted back)``, customer_id, orders, amount``.
    many : int
        Months that are known whole.

    Returns
    -------
    pandas.DataFrame
        ``month, kind, n, amount``; the first twelve are left out, in which most customers seem new.
    """
    own = purchases[(purchases["orders"] > 0) & (purchases["month"] < many)]
    own = own.sort_values(["customer_id", "month"], ascending=[True, False], kind="stable")
    before = own.groupby("customer_id")["month"].shift()
    pause = before - own["month"]
    kind = np.where(pause.isna(), FIRST_TIME, np.where(pause > BACK_AFTER, BACK, REGULAR))
    rows = own.assign(kind=kind, n=1)[own["month"] < many - BURN]
    return rows.groupby(["month", "kind"], as_index=False).agg(n=("n", "sum"), amount=("amount", "sum"))


def _shifted(work: Audit, months: pd.DataFrame, many: int, *, share: bool) -> pd.DataFrame:
    cell, cycle = work.company.settings.privacy.min_cell, len(work.past.current.months)
    hidden = shifts(months, many=many, share=share, min_cell=cell, cycle=min(cycle, many))
    return _judged(hidden)


def _judged(table: pd.DataFrame) -> pd.DataFrame:
    hidden = table.attrs.get("hidden", 0)
    table = table.assign(adjusted=benjamini_hochberg(table["p_value"]) if len(table) else [])
    table["verdict"] = [verdict(row) for row in table.to_dict("records")]
    table.attrs["hidden"] = hidden
    return table


# what is said where something rises, falls, and where nothing does
CATEGORY_WORDS = (
    Text("These categories sell more from month to month: {kinds}."),
    Text("These categories sell less from month to month: {kinds}."),
    Text("Keep the shelves full of what rises, and see what carries it."),
    Text("Look at price, range and stock of what falls."),
    Text("No category rises or falls by more than chance."),
)
NEED_WORDS = (
    Text("Customers bring these topics more often: {kinds}."),
    Text("Customers bring these topics less often: {kinds}."),
    Text("Ask why these topics grow, and prepare answers and products for them."),
    Text("See what made these topics rarer, and keep it up."),
    Text("No topic rises or falls by more than chance."),
)
SEGMENT_WORDS = (
    Text("These segments make up more and more of sales: {kinds}."),
    Text("These segments make up less and less of sales: {kinds}."),
    Text("Ask whether goals, offers and campaigns fit the segments that grow."),
    Text("Ask customers of the segments that shrink what they miss."),
    Text("No segment's part of sales moves by more than chance."),
)


def _told(name: str, title: Text, table: pd.DataFrame, columns: tuple[Column, ...], words: tuple[Text, ...]) -> Result:
    moved = table[table["verdict"].isin([RISING, FALLING])]
    tested = table["adjusted"].notna()
    finding = None
    if tested.any():
        text, action = words[-1], None
        said = [(which, own) for which, own in enumerate((RISING, FALLING)) if (moved["verdict"] == own).any()]
        if said:
            text = joined([_moved(words[which], moved[moved["verdict"] == own]) for which, own in said])
            action = words[2 + said[0][0]]
        finding = Finding(name.replace("_", ".", 1), "info", None, text, evidence=(name,), action=action)
    note = Text("p: straight line with correlated errors, corrected for all rows (Benjamini-Hochberg).")
    if not tested.any():
        note = Text("Trends need twelve months.")
    hidden = int(table.attrs.get("hidden", 0))
    if hidden:
        note = Text("{note} {n} with too few customers {n:is|are} not shown.", {"note": note, "n": Quantity(hidden, "count")})
    shown = table if "by" in table else table.head(MOST_SHOWN)
    if len(shown) < len(table):
        note = Text("{note} The {n} largest.", {"note": note, "n": Quantity(len(shown), "count")})
    shown = shown.reset_index(drop=True).assign(
        group=[f"{row['by']}:{row['kind']}" if "by" in row else str(row["kind"]) for row in shown.to_dict("records")]
    )
    return Result(name, "table", title, shown, columns=columns, finding=finding, note=note)


def _moved(words: Text, rows: pd.DataFrame) -> Text:
    largest = rows.sort_values("now", ascending=False, kind="stable").head(4)
    return Text(words.template, {"kinds": in_a_row([_named(row) for row in largest.to_dict("records")])})


def _named(row: Mapping[Any, Any]) -> Text | str:
    """A kind as a sentence names it: words of ours in the reader's language, those of the data as they are."""
    kind = str(row["kind"])
    if kind in OURS:
        return Text(kind)
    # a table of segments has several groups, of which "1" says nothing by itself
    return Text(NAMED.template, {"by": Text(row["by"]), "kind": kind}) if row.get("by") in GROUP_NAMES.values() else kind
