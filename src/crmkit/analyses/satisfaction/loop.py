"""Who was not content and has not been called yet, and who came back? The closed loop."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.satisfaction.labels import absent, band_names, bands, leading_item
from crmkit.analyses.satisfaction.survey import Item, Survey
from crmkit.core.dates import DAYS_PER
from crmkit.core.errors import ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.privacy import pseudonyms, suppress_small
from crmkit.core.reading import Reading, per_customer
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.purchases import has_amounts
from crmkit.data.summaries.spells import spells
from crmkit.data.summaries.waiting import CALLS, latest_low
from crmkit.models.basics.shares import wilson

if TYPE_CHECKING:
    import pandas as pd

YEAR_DAYS = 365
NO_CUSTOMERS = Text("nobody wrote down which customer gave an answer")
SOURCES = {
    "clv": mark("Value at risk: value from the value report."),
    "price": mark("Value at risk: a year of the contract, times margin."),
    "spend": mark("Value at risk: spend of the last year, times margin."),
    "": mark("No value is known, so the longest wait comes first."),
}
REASONS = {
    (True, False): mark("low score"),
    (False, True): mark("high effort"),
    (True, True): mark("low score, high effort"),
}
OVERDUE, OPEN = mark("overdue"), mark("open")
# by how many of those who wait are overdue, and whether their value is known
SAID = {
    ("all", False): Text("{n} {n:customer|customers} who gave a low score {n:is|are} overdue for a call."),
    ("some", False): Text("{n} {n:customer|customers} who gave a low score {n:waits|wait} for a call, {late} of them overdue."),
    ("none", False): Text("{n} {n:customer|customers} who gave a low score {n:waits|wait} for a call; nobody is overdue yet."),
    ("all", True): Text("{n} {n:customer|customers} who gave a low score {n:is|are} overdue for a call: {money} at risk."),
    ("some", True): Text(
        "{n} {n:customer|customers} who gave a low score {n:waits|wait} for a call, {late} of them overdue: {money} at risk."
    ),
    ("none", True): Text(
        "{n} {n:customer|customers} who gave a low score {n:waits|wait} for a call, none of them overdue yet: {money} at risk."
    ),
}
ALL_WAVES = mark("all waves")
TITLE = Text("Customers with a low answer, those who wait first")


def closed_loop(
    past: Survey,
    reading: Reading | None = None,
    *,
    key: bytes = b"",
    margin: float = 1.0,
    loop_days: int = 180,
    due_days: int = 14,
    owner: str = "",
) -> Result:
    """Whom should somebody call, and by when?

    Parameters
    ----------
    past : Survey
    reading : Reading or None
        Results of the value report with a table ``clv_scores``; customers stand there under pseudonyms.
    key : bytes
        The client's secret, to know customers by their pseudonyms.
    margin : float
        Part of revenue that counts as value, above 0 and at most 1; values of the value report already have theirs.
    loop_days : int
        Answers older than this are not followed up any more.
    due_days : int
        Days within which somebody should have called.
    owner : str
        Who calls where the table of customers names nobody.

    Returns
    -------
    Result
        One row per customer whose latest answer is a low one and whom nobody has contacted since: ``customer_id, reason, score,
        effort, days_waiting, value`` (money), ``open_tickets`` (where there are tickets), ``owner, due_on, status, priority``;
        ranked by value times (1 + days waiting / days allowed), so that who has waited the days allowed counts twice; ties in
        the order of ids. Every other list leaves these customers out.

    Raises
    ------
    ParamError
        When a parameter is out of range.
    """
    import pandas as pd

    _check(margin, loop_days, due_days)
    missing = nothing_to_follow(past, CALLS, TITLE)
    if missing is not None:
        return missing
    known = latest_low(low_answers(past, everybody=True), past.tables, as_of=past.as_of, loop_days=loop_days)
    rows = known[~known["contacted"]].reset_index(drop=True)
    value, source = _value(past, rows["customer_id"], reading, key, margin)
    due = rows["day"] + pd.Timedelta(days=due_days)
    late = due < pd.Timestamp(past.as_of)
    table = pd.DataFrame(
        {
            "customer_id": rows["customer_id"].astype(str),
            "reason": [REASONS[bool(low), bool(hard)] for low, hard in zip(rows["low"], rows["hard"], strict=True)],
            "score": rows["score"],
            "effort": rows["effort"],
            "days_waiting": (pd.Timestamp(past.as_of) - rows["day"]).dt.days,
            "value": value,
            "owner": _owners(past, rows["customer_id"], owner),
            "due_on": due.dt.date,
            "status": np.where(late, OVERDUE, OPEN),
        }
    )
    open_tickets = _open_tickets(past, rows["customer_id"])
    if open_tickets is not None:
        table["open_tickets"] = open_tickets
    waited = 1 + table["days_waiting"] / due_days
    table["priority"] = (table["value"].fillna(0.0) if source else 1.0) * waited
    order = ["priority", "days_waiting", "customer_id"]
    table = table.sort_values(order, ascending=[False, False, True], kind="stable").reset_index(drop=True)
    return _list(past, table, source, due_days=due_days, loop_days=loop_days, done=int(known["contacted"].sum()))


def _list(past: Survey, table: pd.DataFrame, source: str, *, due_days: int, loop_days: int, done: int) -> Result:
    item = leading_item(past)
    columns = [
        Column("customer_id", "Customer", "customer"),
        # what the list is sorted by
        Column("priority", "Priority", "money" if source else "score"),
        Column("reason", "Reason", translate=True),
        *([Column("score", "Answer", "number")] if item is not None else []),
        Column("days_waiting", "Waiting", "days"),
        *([Column("value", "Value at risk", "money")] if source else []),
        *([Column("open_tickets", "Open tickets", "count")] if "open_tickets" in table else []),
        Column("owner", "Owner"),
        Column("due_on", "Due", "date"),
        Column("status", "Status", translate=True),
    ]
    unnamed = int(past.answers.responses["customer_id"].isna().sum())
    note = Text(
        "Sorted by value times (1 + days waiting / days allowed). {source} Rule: the latest answer within {loop}, {rule}; a "
        "call within {due}. Who waits for a call is left out of all other lists.",
        {
            "loop": Quantity(loop_days, "days"),
            "rule": Text("0 to 6 on the recommendation")
            if item is not None and item.kind == "nps"
            else Text("below the middle"),
            "due": Quantity(due_days, "days"),
            "source": Text(SOURCES[source]),
        },
    )
    if done:
        more = Text("{n} {n:other|others} with a low answer {n:has|have} been contacted since.", {"n": Quantity(done, "count")})
        note = Text("{note} {more}", {"note": note, "more": more})
    if unnamed:
        more = Text("{n} answers of all waves name no customer.", {"n": Quantity(unnamed, "count")})
        note = Text("{note} {more}", {"note": note, "more": more})
    finding = _loop_finding(table, source, CALLS)
    return Result(CALLS, "table", TITLE, table, tuple(columns), finding=finding, note=note, customers=True)


def _loop_finding(table: pd.DataFrame, source: str, name: str) -> Finding:
    late = int((table["status"] == OVERDUE).sum())
    if table.empty:
        text = Text("Nobody whose latest answer was a low one is waiting for a call.")
        return Finding("satisfaction.loop", "good", True, text, evidence=(name,))
    money = float(table["value"].sum())
    numbers: dict[str, Quantity | Text | str] = {
        "n": Quantity(len(table), "count"),
        "late": Quantity(late, "count"),
        "money": Quantity(money, "money"),
    }
    text = Text(SAID["all" if late == len(table) else "some" if late else "none", bool(source)].template, numbers)
    return Finding(
        "satisfaction.loop",
        "warning" if late else "info",
        not late,
        text,
        criteria=Text("Nobody waits beyond the date due."),
        evidence=(name,),
        money_at_stake=Quantity(money, "money") if source else None,
        action=Text("Call those at the top of the list first, write down what was agreed, and ask again with the next wave."),
    )


def _check(margin: float, loop_days: int, due_days: int) -> None:
    faults = [Problem("margin:", f"is {margin}", "a share above 0 and at most 1 is needed")] if not 0 < margin <= 1 else []
    for word, days in (("loop_days", loop_days), ("due_days", due_days)):
        if days < 1:
            faults.append(Problem(f"{word}:", f"is {days}", "at least one day is needed"))
    if faults:
        raise ParamError(faults)


def nothing_to_follow(past: Survey, name: str, title: Text) -> Result | None:
    """What stands in place of an exhibit where nobody could be called; None where somebody could."""
    if not past.usable:
        return absent(past, name, title)
    if "customer_id" not in past.recorded:
        return not_assessed(name, title, NO_CUSTOMERS)
    if not past.of_kind("nps", "csat", "ces"):
        return not_assessed(name, title, Text("no question asks for satisfaction, recommendation or effort"))
    return None


def low_answers(past: Survey, *, everybody: bool = False) -> pd.DataFrame:
    """Every answer of a known customer, in the order of days: ``customer_id, day, wave, score, low, top, effort, hard``.

    Careless ones are left out unless `everybody`, or unless the parameters keep them.
    """
    import pandas as pd

    rows = past.answers.responses[past.answers.responses["customer_id"].notna()]
    rows = rows[~rows["careless"]] if past.drop_careless and not everybody else rows
    days = rows["wave"].map(past.waves.days)
    for name in ("sent_at", "responded_at"):
        if name in past.recorded:
            days = rows[name].where(rows[name].notna(), days)
    found = rows[["customer_id", "wave"]].assign(day=pd.to_datetime(days).dt.normalize())
    item, effort = leading_item(past), next(iter(past.of_kind("ces")), None)
    for column, question in (("score", item), ("effort", effort)):
        found[column] = np.nan if question is None else rows[question.id]
    found["low"] = _in_band(item, found["score"], 0)
    found["top"] = _in_band(item, found["score"], 2)
    found["hard"] = _in_band(effort, found["effort"], 0)
    found = found[found["score"].notna() | found["effort"].notna()]
    return found.sort_values(["day", "customer_id"], kind="stable", ignore_index=True)


def _in_band(item: Item | None, scores: pd.Series[Any], place: int) -> np.ndarray:
    """Whether each answer lies in a band: 0 the lowest, 2 the highest."""
    if item is None:
        return np.zeros(len(scores), dtype=bool)
    return np.asarray(bands(item, scores) == band_names(item)[place], dtype=bool)


def _value(past: Survey, ids: pd.Series[Any], reading: Reading | None, key: bytes, margin: float) -> tuple[np.ndarray, str]:
    clv = per_customer(reading, "clv", tables=["clv_scores"], margin=margin)
    if clv is not None:
        own = clv.reindex(pseudonyms(ids.astype(str), key=key)).to_numpy(dtype="float64")
        if np.isfinite(own).any() or not len(ids):
            return own, "clv"
    if "subscriptions" in past.tables:
        known = to_frame(spells(past.tables["subscriptions"], as_of=past.as_of))
        running = known[known["ended_at"].isna()].drop_duplicates("customer_id").set_index("customer_id")["mrr"]
        own = running.reindex(ids).to_numpy(dtype="float64") * margin * YEAR_DAYS / DAYS_PER["month"]
        if running.notna().any():
            return own, "price"
    if "transactions" in past.tables and has_amounts(past.tables["transactions"]):
        return _spend(past, ids) * margin, "spend"
    return np.full(len(ids), np.nan), ""


def _spend(past: Survey, ids: pd.Series[Any]) -> np.ndarray:
    import ibis

    bought = known_at(past.tables["transactions"], name="transactions", day=past.as_of)
    day = bought.ordered_at.cast("date")
    bought = bought.filter(day > ibis.literal(past.as_of - dt.timedelta(days=YEAR_DAYS)))
    per = bought.group_by("customer_id").agg(spent=bought.amount.sum().cast("float64")).order_by("customer_id")
    return np.asarray(to_frame(per).set_index("customer_id")["spent"].reindex(ids).fillna(0.0), dtype="float64")


def _owners(past: Survey, ids: pd.Series[Any], owner: str) -> list[str]:
    customers = past.tables.get("customers")
    if customers is None or "owner" not in customers.columns:
        return [owner] * len(ids)
    known = to_frame(customers.select("customer_id", "owner")).drop_duplicates("customer_id").set_index("customer_id")["owner"]
    return [str(one) if isinstance(one, str) and one else owner for one in known.reindex(ids)]


def _open_tickets(past: Survey, ids: pd.Series[Any]) -> np.ndarray | None:
    if "tickets" not in past.tables:
        return None
    seen = known_at(past.tables["tickets"], name="tickets", day=past.as_of)
    waiting = seen.filter(seen.resolved_at.isnull()) if "resolved_at" in seen.columns else None
    if waiting is None:
        return None
    counts = to_frame(waiting.group_by("customer_id").agg(n=waiting.count()).order_by("customer_id"))
    return np.asarray(counts.set_index("customer_id")["n"].reindex(ids).fillna(0), dtype="int64")


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
    listed = [_moves(wave, rows[rows["wave"] == wave]) for wave in past.waves.names[:-1]]
    listed = [one for one in [_moves(ALL_WAVES, rows), *reversed(listed)] if one["low"]]
    if not listed or listed[0]["n"] < past.min_cell:
        n = listed[0]["n"] if listed else 0
        rare = Text("only {n} of them {n:has|have} answered again", {"n": Quantity(n, "count")})
        return not_assessed(name, title, rare if n else Text("none of them has answered again"))
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
    now = table[table["wave"] == past.waves.previous]
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
        Column("wave", "Wave", translate=True),
        Column("low", "Low answers", "count"),
        Column("n", "Answered again", "count"),
        Column("value", "No longer low", "share", limits=("low_limit", "high_limit")),
        Column("fell", "Fell from the top", "share"),
    )
    note = Text(
        "The next answer of the same customer, whenever it came. Part of it is chance: an answer that is "
        "low by accident is followed by a better one. One at the top is followed by a worse one, whether "
        "anybody called or not. Who stays silent is not counted as recovered. Wilson intervals.",
    )
    finding = Finding("satisfaction.recovered", "info", None, text, evidence=(name,))
    return Result(name, "table", title, table, columns, finding=finding, note=note)
