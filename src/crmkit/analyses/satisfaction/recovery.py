"""Of those who were not content, who came back?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.bands import leading_item
from crmkit.analyses.satisfaction.loop import NO_CUSTOMERS, low_answers, nothing_to_follow
from crmkit.analyses.satisfaction.read import Survey
from crmkit.core.language import mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

ALL_WAVES = mark("all waves")


def recovered(past: Survey) -> Result:
    """Of those who were not content, how many are content by their next answer?

    Returns
    -------
    Result
        Table per wave, and for all waves together: ``wave, low`` (customers with a low answer), ``n`` (of these, who answered
        again later), ``value, low_limit, high_limit`` (of these, whose next answer is no longer low, Wilson), ``fell`` (of
        those with an answer at the top who answered again, whose next one is not at the top) with ``fell_low, fell_high``,
        ``suppressed``.
    """
    import pandas as pd

    name, title = "satisfaction_recovered", Text("Who came back?")
    missing = nothing_to_follow(past, name, title)
    item = leading_item(past)
    if missing is not None or item is None:
        return missing or not_assessed(name, title, NO_CUSTOMERS)
    rows = low_answers(past)
    rows = rows[rows["score"].notna()]
    later = rows.groupby("customer_id")[["low", "top"]].shift(-1)
    rows = rows.assign(again=later["low"].notna(), low_next=later["low"].eq(True), top_next=later["top"].eq(True))
    listed = [_moves(wave, rows[rows["wave"] == wave]) for wave in past.waves[:-1]]
    listed = [one for one in [_moves(ALL_WAVES, rows), *reversed(listed)] if one["low"]]
    if not listed or listed[0]["n"] < past.min_cell:
        n = listed[0]["n"] if listed else 0
        return not_assessed(name, title, Text("only {n} of them have answered again", {"n": Quantity(n, "count")}))
    table = pd.DataFrame(listed)
    found = wilson(table["recovered"], table["n"], confidence=past.confidence)
    table = table.assign(value=found.value, low_limit=found.low, high_limit=found.high)
    fell = wilson(table["fallen"], table["top_again"], confidence=past.confidence)
    few = (table["top_again"] < past.min_cell).to_numpy()
    for column, limit in (("fell", fell.value), ("fell_low", fell.low), ("fell_high", fell.high)):
        table[column] = np.where(few, np.nan, limit)
    # the waves are a partition of all answers: where one is hidden, the next smallest goes with it
    table["part"] = table["wave"] == ALL_WAVES
    table = suppress_small(
        table,
        values=["low", "value", "low_limit", "high_limit", "fell", "fell_low", "fell_high"],
        n="n",
        min_cell=past.min_cell,
        within="part",
    ).drop(columns="part")
    return _recovered_result(past, table.drop(columns=["recovered", "fallen", "top_again"]), name, title)


def _moves(wave: str, rows: pd.DataFrame) -> dict[str, Any]:
    low, top = rows[rows["low"]], rows[rows["top"]]
    back, stayed = low[low["again"]], top[top["again"]]
    return {
        "wave": wave,
        "low": len(low),
        "n": len(back),
        "recovered": int((~back["low_next"]).sum()),
        "top_again": len(stayed),
        "fallen": int((~stayed["top_next"]).sum()),
    }


def _recovered_result(past: Survey, table: pd.DataFrame, name: str, title: Text) -> Result:
    now = table[table["wave"] == past.previous]
    row = now.iloc[0] if len(now) and not now["suppressed"].iloc[0] else table.iloc[0]
    numbers: dict[str, Quantity | Text | str] = {
        "n": Quantity(row["n"], "count"),
        "share": Quantity(row["value"], "share", row["low_limit"], row["high_limit"]),
        "wave": Text(ALL_WAVES) if row["wave"] == ALL_WAVES else str(row["wave"]),
        "silent": Quantity(row["low"] - row["n"], "count"),
    }
    text = Text(
        "Of {n} customers with a low answer ({wave}) who answered again, {share} no longer give one; {silent} have not "
        "answered again.",
        numbers,
    )
    columns = (
        Column("wave", "Wave", translate=True), Column("low", "Low answers", "count"), Column("n", "Answered again", "count"),
        Column("value", "No longer low", "share"), Column("low_limit", "from", "share"), Column("high_limit", "to", "share"),
        Column("fell", "Fell from the top", "share"),
    )  # fmt: skip
    note = Text(
        "The next answer of the same customer, whenever it came. Part of it is chance: an answer that is low by accident is "
        "followed by a better one, as one at the top is by a worse one, whether anybody called or not. Who stays silent is not "
        "counted as recovered. Wilson intervals.",
    )
    finding = Finding("satisfaction.recovered", "info", None, text, evidence=(name,))
    return Result(name, "table", title, table, columns, finding=finding, note=note)
