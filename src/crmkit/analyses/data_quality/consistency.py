"""Do the systems agree: is a customer of one in the others, do records of one person agree, who is known in one place only?"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from crmkit.analyses.data_quality.indicators import WILSON
from crmkit.analyses.data_quality.read import COMPARED, Checked, spoken
from crmkit.core.language import mark
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, estimates, not_assessed
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

SYSTEM_NAMES = {
    "sales": mark("sales"),
    "service": mark("service"),
    "marketing": mark("marketing"),
    "survey": mark("surveys"),
}
LISTED = mark("customer table")
KNOWN = mark("Known there")
CONFLICTS = (
    Column("column", "Column"),
    Column("value", "Persons whose records differ", "share", limits=("low", "high")),
    Column("n", "Persons with several records that fill it", "count"),
    Column("method", "Method", translate=True),
)


def systems(work: Checked) -> Result:
    """How many customers of each system does each other system know?

    Returns
    -------
    Result
        ``row`` (whose customers), ``column`` (known there), ``value, low, high, n``.
    """
    title = Text("Which customers of one system the others know")
    if "matches" not in work.frames:
        return not_assessed("data_quality_systems", title, Text("needs customers, and another table that names them"))
    rows = work.frames["matches"]
    places = [one for one in SYSTEM_NAMES if f"in_{one}" in rows]
    flags = {"listed": LISTED, **{f"in_{one}": SYSTEM_NAMES[one] for one in places}}
    found = []
    for mine, theirs in product([one for one in flags if one != "listed"], flags):
        own = rows[rows[mine] == 1]
        n, known = float(own["n"].sum()), float(own.loc[own[theirs] == 1, "n"].sum())
        if mine == theirs or n < work.company.settings.privacy.min_cell:
            continue
        limits = wilson([known], [n], confidence=work.confidence)
        found.append(
            {
                "row": flags[mine],
                "column": flags[theirs],
                "group": flags[mine],
                "measure": flags[theirs],
                "value": known / n,
                "low": float(limits.low[0]),
                "high": float(limits.high[0]),
                "n": n,
                "unit": "share",
                "method": WILSON,
            }
        )
    if not found:
        return not_assessed("data_quality_systems", title, Text("too few customers in each system"))
    import pandas as pd

    table = pd.DataFrame(found)
    table.attrs["unit"] = "share"
    alt = Text("For each system, in the rows, the share of its customers whom each other system knows, in the columns.")
    return Result(
        "data_quality_systems",
        "heat_grid",
        title,
        table,
        finding=_finding(table, work),
        alt=alt,
        x=Axis(mark("Known to")),
        y=Axis(mark("Customers of")),
        note=Text("n: customers of the system in the row. Nobody need be known to every system, but all should be listed."),
    )


def _finding(table: pd.DataFrame, work: Checked) -> Finding | None:
    held = work.standards["D-MATCH"]
    listed = table[table["column"] == LISTED]
    none = listed[listed["value"] == 0]
    if len(none):
        words: dict[str, Any] = {"system": Text(str(none["row"].iloc[0]))}
        text = Text("Whether {system} knows the same customers cannot be assessed: no number of a customer is in both.", words)
        action = Text("Export the number under which the customer table knows each customer.")
        return Finding("data_quality.systems", "critical", False, text, evidence=("data_quality_systems",), action=action)
    if listed.empty:
        return None
    bad = listed[(listed["high"] < held.target) & (listed["n"] >= held.least)]
    words = {"target": Quantity(held.target, "share")}
    if bad.empty:
        text = Text("The customer table knows the customers of all systems; the target is {target}.", words)
        return Finding("data_quality.systems", "good", True, text, evidence=("data_quality_systems",))
    worst: Any = bad.loc[bad["value"].idxmin()]
    words |= {"system": Text(str(worst["row"])), "value": Quantity(worst["value"], "share", worst["low"], worst["high"])}
    text = Text("Of the customers in {system}, {value} are in the customer table; the target is {target}.", words)
    action = Text("Give each new customer one number in all systems, and look up those who are missing.")
    return Finding(
        "data_quality.systems",
        "warning",
        False,
        text,
        Text("The whole interval lies below the target."),
        ("data_quality_systems",),
        action=action,
    )


def reach(work: Checked) -> Result:
    """In how many systems is a customer known? One view of a customer takes all of them."""
    title = Text("In how many systems a customer is known")
    if "matches" not in work.frames:
        return not_assessed("data_quality_reach", title, Text("needs customers, and another table that names them"))
    rows = work.frames["matches"]
    flags = [one for one in rows.columns if one.startswith("in_")]
    many = rows[flags].sum(axis=1)
    total = float(rows["n"].sum())
    found = []
    for count in range(len(flags) + 1):
        for listed, words in ((1, LISTED), (0, mark("not in the customer table"))):
            n = float(rows.loc[(many == count) & (rows["listed"] == listed), "n"].sum())
            if count or listed:
                limits = wilson([n], [total], confidence=work.confidence)
                found.append(
                    {
                        "group": str(count),
                        "measure": words,
                        "value": n / total,
                        "low": float(limits.low[0]),
                        "high": float(limits.high[0]),
                        "n": n,
                        "unit": "share",
                        "method": WILSON,
                    }
                )
    alt = Text("The share of customers known in none, one, two or more systems, by whether the customer table has them.")
    return Result(
        "data_quality_reach",
        "bars",
        title,
        estimates(found),
        alt=alt,
        x=Axis(mark("Systems besides the customer table"), "count"),
        y=Axis(mark("Share of all customers"), "share"),
    )


def conflicts(work: Checked) -> Result:
    """Of persons with several records, do these records say the same?"""
    import pandas as pd

    title = Text("Whether records of one person agree")
    if "shared" not in work.frames:
        return not_assessed("data_quality_conflicts", title, Text("needs addresses or telephone numbers of customers"))
    shared = work.frames["shared"]
    compared = [one for one in COMPARED if one in shared]
    rows = []
    for column in compared:
        values = shared.groupby("person")[column]
        several = values.count() > 1
        n, differ = float(several.sum()), float((values.nunique()[several] > 1).sum())
        if n < work.company.settings.privacy.min_cell:
            continue
        limits = wilson([differ], [n], confidence=work.confidence)
        rows.append(
            {
                "column": column,
                "value": differ / n,
                "low": float(limits.low[0]),
                "high": float(limits.high[0]),
                "n": n,
                "method": WILSON,
            }
        )
    if not rows:
        return not_assessed("data_quality_conflicts", title, Text("too few persons have several records"))
    table = pd.DataFrame(rows).sort_values("value", ascending=False, ignore_index=True)
    worst = table.iloc[0]
    value = Quantity(worst["value"], "share", worst["low"], worst["high"])
    words: dict[str, Any] = {"column": spoken(worst["column"]), "value": value}
    agree = worst["value"] == 0
    text = Text("Records of one person agree in every column that was compared.", words)
    if not agree:
        text = Text("Of the persons with several records, {value} have records that differ in {column}.", words)
    finding = Finding("data_quality.conflicts", "info", None, text, evidence=("data_quality_conflicts",))
    note = Text(
        "One person: records with an equal address, number or tax id, also through a third record, or of one name and town."
    )
    return Result("data_quality_conflicts", "table", title, table, columns=CONFLICTS, finding=finding, note=note)


def channels(work: Checked) -> Result:
    """Of the customers who came by each channel, online or not, how many does the customer table know?"""
    title = Text("Customers of each channel who are in the customer table")
    found = work.frames.get("channels")
    rows = []
    for row in [] if found is None else found.to_dict("records"):
        if row["n"] < work.company.settings.privacy.min_cell:
            continue
        limits = wilson([row["known"]], [row["n"]], confidence=work.confidence)
        rows.append(
            {
                "group": row["channel"],
                "measure": KNOWN,
                "value": row["known"] / row["n"],
                "low": float(limits.low[0]),
                "high": float(limits.high[0]),
                "n": row["n"],
                "unit": "share",
                "method": WILSON,
            }
        )
    if not rows:
        return not_assessed("data_quality_channels", title, Text("needs customers, and the channel by which they came"))
    table = estimates(rows)
    held = work.standards["D-MATCH"]
    table.attrs["reference"] = (held.target, Text("target"))
    return Result(
        "data_quality_channels",
        "interval_dots",
        title,
        table,
        alt=Text("For each channel the share of its customers who are in the customer table."),
        x=Axis(mark("Channel")),
        y=Axis(mark("In the customer table"), "share"),
        note=Text("n: customers who bought, asked or wrote by the channel; one customer may have used several."),
    )
