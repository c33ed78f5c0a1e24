"""How is the work done: contact, response, resolution, complaints, feedback, the way of cases? One function per indicator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.audit.indicators.estimate import (
    NO_COLUMN,
    NO_DATA,
    NO_TABLE,
    Estimate,
    against_own_past,
    clustered_share,
    count_ratio,
    nothing,
    ratio,
    share,
    waiting_time,
)
from crmkit.analyses.audit.read import History, Window
from crmkit.analyses.audit.sampling import Counted
from crmkit.core.language import mark

if TYPE_CHECKING:
    import pandas as pd

THOUSAND = 1000.0
MONTHS_OF_FOLLOW_UP = 3
CHANNEL_SHARE = 0.05
NINETY = 0.1
CHANNELS = mark("number of channels, exact test of each")
PER_ORDERS, PER_MONTHS = (
    mark("per 1,000 orders, linearised by customer"),
    mark("per 1,000 customer-months, linearised by customer"),
)


def contact_rate(past: History, window: Window, confidence: float) -> Estimate:
    """P-CONT: how often is an active customer in contact, per month?"""
    who = past.who
    if who is None:
        return nothing(NO_TABLE, "subscriptions | transactions | customers")
    months, there = who.months(window), who.at_end(window)
    # where nothing but use of the product is written down, contacts are not known, which is not the same as none
    if there is None or not past.reaches("interactions", window) or months <= 0 or past.frames["contacts"].empty:
        return nothing(NO_DATA)
    each = past.rows("contacts", window).groupby("customer_id", sort=True)["contacts"].sum().to_numpy(dtype="float64")
    # whoever had none stands for a zero; all have the same time to be contacted in
    clusters = max(float(there.sum()), float(len(each)), 2.0)
    rest = np.zeros(int(clusters) - len(each))
    top = np.concatenate([each, rest])
    return ratio(top, np.full(len(top), months / len(top)), confidence, n=months)


def follow_up(past: History, window: Window, confidence: float) -> Estimate:
    """P-COVER: which share of active customers was followed up within three months?"""
    who = past.who
    if who is None:
        return nothing(NO_TABLE, "subscriptions | transactions | customers")
    there = who.at_end(window)
    if there is None or not past.reaches("interactions", window):
        return nothing(NO_DATA)
    rows = past.rows("contacts", past.window(window, MONTHS_OF_FOLLOW_UP))
    column = "followups" if past.frames["contacts"]["followups"].sum() > 0 else "outbound"
    if past.frames["contacts"][column].sum() == 0:
        return nothing(NO_COLUMN, "interactions.direction")
    reached = set(rows.loc[rows[column] > 0, "customer_id"])
    if len(who.customers):
        reached &= set(who.customers[there])
    n = float(there.sum())
    return share(min(float(len(reached)), n), n, confidence)


def _tickets(hits: str, *, of: str, all_of: str, column: str) -> Callable[[History, Window, float], Estimate]:
    """The function of a share of tickets; what it says of itself is given below."""

    def found(past: History, window: Window, confidence: float) -> Estimate:
        if of not in past.frames["tickets"]:
            return nothing(NO_COLUMN, column)
        if not past.reaches("tickets", window):
            return nothing(NO_DATA)
        return clustered_share(past.rows("tickets", window), hits, of, confidence, all_of=all_of)

    return found


# which share of tickets is answered in time, settled at once, reopened, reported back, and of complaints acknowledged?
answered_in_time = _tickets("answered", of="answered_of", all_of="tickets", column="tickets.first_response_at")
settled_at_once = _tickets("at_once", of="at_once_of", all_of="resolved", column="tickets.reopened | tickets.handoffs")
reopened = _tickets("reopened", of="reopened_of", all_of="resolved", column="tickets.reopened")
acknowledged = _tickets("acknowledged", of="acknowledged_of", all_of="complaints", column="tickets.first_response_at")
reported_back = _tickets("noticed", of="noticed_of", all_of="resolved", column="tickets.closed_notice_at")


def _waits(
    frame: str, column: str, *, complaints: bool = False, waiting: float = 0.5
) -> Callable[[History, Window, float], Estimate]:
    def found(past: History, window: Window, confidence: float) -> Estimate:
        if frame not in past.frames:
            return nothing(NO_COLUMN, column)
        if complaints and "kind" not in past.tables["tickets"]:
            return nothing(NO_COLUMN, "tickets.kind")
        rows = past.rows(frame, window)
        return waiting_time(rows[rows["complaint"]] if complaints else rows, confidence, waiting=waiting)

    return found


# by when are half of the tickets, and nine of ten, answered; by when half of the tickets, and of the complaints, resolved?
response_median = _waits("responses", "tickets.first_response_at")
response_ninety = _waits("responses", "tickets.first_response_at", waiting=NINETY)
resolution_median = _waits("resolutions", "tickets.resolved_at")
complaint_median = _waits("resolutions", "tickets.resolved_at", complaints=True)


def complaint_rate(past: History, window: Window, confidence: float) -> Estimate:
    """P-CMPR: how many complaints come in on a thousand orders, or customer-months where nothing is ordered?"""
    if "kind" not in past.tables["tickets"]:
        return nothing(NO_COLUMN, "tickets.kind")
    if not past.reaches("tickets", window):
        return nothing(NO_DATA)
    complaints = past.rows("tickets", window).groupby("customer_id")["complaints"].sum()
    if "purchases" in past.frames:
        orders = past.rows("purchases", window).groupby("customer_id")["orders"].sum()
        both = complaints.to_frame().join(orders, how="outer").fillna(0.0).sort_index()
        top, bottom = both["complaints"].to_numpy(), both["orders"].to_numpy()
        return ratio(top, bottom, confidence, n=float(bottom.sum()), scale=THOUSAND, method=PER_ORDERS)
    who = past.who
    months = who.months(window) if who is not None else 0.0
    there = who.at_end(window) if who is not None else None
    if there is None or months <= 0:
        return nothing(NO_DATA, "transactions | subscriptions")
    each = complaints.sort_index().to_numpy(dtype="float64")
    top = np.concatenate([each, np.zeros(max(0, int(there.sum()) - len(each)))])
    bottom = np.full(len(top), months / max(len(top), 1))
    return ratio(top, bottom, confidence, n=months, scale=THOUSAND, method=PER_MONTHS)


def backlog(past: History, window: Window, confidence: float) -> Estimate:
    """P-BACK: how many weeks of inflow lie about past the norm at the end?"""
    if "backlog" not in past.frames:
        return nothing(NO_COLUMN, "tickets.resolved_at")
    if not past.reaches("tickets", window):
        return nothing(NO_DATA)
    rows = past.rows("backlog", window)
    rows = rows[rows["month"] < past.covered["tickets"]]
    late = float(rows.loc[rows["month"] == window.months[0], "late"].iloc[0])
    inflow, weeks = float(rows["inflow"].sum()), float(rows["days"].sum()) / 7
    return count_ratio(late, 1.0, inflow, weeks, confidence)


def throughput(past: History, window: Window, confidence: float) -> Estimate:
    """P-TPUT: how many tickets does an agent close in a week, weighted by what their kind usually takes?"""
    if "closed" not in past.frames:
        return nothing(NO_COLUMN, "tickets.resolved_at | tickets.agent_id")
    if not past.reaches("tickets", window):
        return nothing(NO_DATA)
    weekly = agent_weeks(past.frames["closed"])
    first, last, oldest = (
        (past.as_of - day).days // 7 for day in (window.end, window.start, past.starts[past.covered["tickets"] - 1])
    )
    now = weekly[(weekly["week"] >= first) & (weekly["week"] < last)]
    earlier = weekly[(weekly["week"] >= last) & (weekly["week"] < oldest)]
    return against_own_past(_by_week(now), _by_week(earlier), confidence, n=float(len(now)))


def agent_weeks(closed: pd.DataFrame) -> pd.DataFrame:
    """``week, agent_id, load``: tickets closed, each weighted with the usual hours of its kind over those of all."""
    kinds = closed.groupby("kind")[["n", "seconds"]].sum()
    usual = kinds["seconds"].sum() / kinds["n"].sum()
    weight = (kinds["seconds"] / kinds["n"] / usual).where(lambda each: each > 0, 1.0) if usual > 0 else kinds["n"] * 0 + 1.0
    load = closed["n"] * closed["kind"].map(weight)
    return closed.assign(load=load).groupby(["week", "agent_id"], as_index=False)[["load"]].sum()


def _by_week(weekly: pd.DataFrame) -> pd.Series:
    """Mean load of an agent in each week, the oldest first."""
    return weekly.groupby("week")["load"].mean().sort_index(ascending=False)


def channels(past: History, window: Window, confidence: float) -> Estimate:
    """P-CHAN: through how many channels does feedback really come, and is it answered there?"""
    if "channel" not in past.tables["feedback"]:
        return nothing(NO_COLUMN, "feedback.channel")
    rows = past.rows("feedback", window)
    each = rows.groupby("channel")[["n", "answered_ever"]].sum()
    n, unnamed = float(each["n"].sum()), float(each["n"].get("", 0.0))
    if n <= unnamed:
        return nothing(NO_DATA)
    named = each[(each.index != "") & (each["answered_ever"] > 0)]["n"].to_numpy(dtype="float64")
    sampling = Counted(tuple(sorted(named.tolist(), reverse=True)), n - unnamed, CHANNEL_SHARE)
    limits = [share(count, n - unnamed, confidence) for count in named]
    low, high = (float(sum(getattr(one, end) >= CHANNEL_SHARE for one in limits)) for end in ("low", "high"))
    value = float(np.sum(named / (n - unnamed) >= CHANNEL_SHARE))
    return Estimate(value, low, high, n - unnamed, unnamed, CHANNELS, sampling)


def _feedback(hits: str, of: str, column: str) -> Callable[[History, Window, float], Estimate]:
    def found(past: History, window: Window, confidence: float) -> Estimate:
        if column.partition(".")[2] not in past.tables["feedback"]:
            return nothing(NO_COLUMN, column)
        rows = past.rows("feedback", window)
        # feedback of customers who are not named is taken one by one
        unnamed = rows["customer_id"] == ""
        key = rows["customer_id"].where(~unnamed, "")
        if unnamed.any():
            n, k = float(rows[of].sum()), float(rows[hits].sum())
            return share(k, n, confidence, missing=float(rows["n"].sum()) - n)
        return clustered_share(rows.assign(customer_id=key), hits, of, confidence, all_of="n" if hits == "answered" else "")

    return found


# which share of feedback is answered, and of suggestions taken up?
answered_feedback = _feedback("answered", "answered_of", "feedback.acknowledged_at")
adopted = _feedback("adopted", "adopted_of", "feedback.adopted_at")


def steps(past: History, window: Window, confidence: float) -> Estimate:
    """P-STEP: how many steps does a case take, beside those declared?"""
    rows = past.rows("cases", window)
    cases = float(rows["declared_of"].sum())
    if cases <= 0:
        return nothing(NO_DATA)
    found = _per_case(rows, "declared_steps", "declared_of", confidence, missing=float(rows["cases"].sum()) - cases)
    declared = float(rows["declared"].sum()) / cases
    relative = _per_case(rows, "declared_steps", "declared", confidence)
    return replace(found, reference=declared, relative=relative.sampling)


def handoffs(past: History, window: Window, confidence: float) -> Estimate:
    """P-HAND: how often does a case change the team?"""
    if "handoffs" not in past.frames["cases"]:
        return nothing(NO_COLUMN, "ticket_events.team")
    return _per_case(past.rows("cases", window), "handoffs", "cases", confidence)


def waiting(past: History, window: Window, confidence: float) -> Estimate:
    """P-WAIT: in which part of the flow time does nothing happen?"""
    rows = past.rows("cases", window)
    timed = float(rows["timed"].sum())
    found = replace(_per_case(rows, "idle", "flow", confidence), n=timed, n_missing=float(rows["cases"].sum()) - timed)
    # a part of the whole lies between 0 and 1
    return replace(found, low=float(np.fmax(found.low, 0.0)), high=float(np.fmin(found.high, 1.0))) if found.known else found


def conformance(past: History, window: Window, confidence: float) -> Estimate:
    """P-CONF: which share of cases takes the declared steps in their order?"""
    return clustered_share(past.rows("cases", window), "conform", "declared_of", confidence, all_of="cases")


def _per_case(rows: pd.DataFrame, top: str, bottom: str, confidence: float, *, missing: float = 0.0) -> Estimate:
    each = rows.groupby("customer_id", sort=True)[[top, bottom]].sum()
    each = each[each[bottom] > 0]
    found = ratio(each[top], each[bottom], confidence, n=float(each[bottom].sum()))
    return replace(found, n_missing=missing) if found.known else found


FUNCTIONS: Mapping[str, Callable[[History, Window, float], Estimate]] = {
    "P-CONT": contact_rate,
    "P-COVER": follow_up,
    "P-RESP": answered_in_time,
    "P-RESP50": response_median,
    "P-RESP90": response_ninety,
    "P-RES": resolution_median,
    "P-FCR": settled_at_once,
    "P-REOPEN": reopened,
    "P-CMPR": complaint_rate,
    "P-CMPT": complaint_median,
    "P-CACK": acknowledged,
    "P-CLOSE": reported_back,
    "P-CHAN": channels,
    "P-ADOPT": adopted,
    "P-LOOP": answered_feedback,
    "P-TPUT": throughput,
    "P-BACK": backlog,
    "P-STEP": steps,
    "P-HAND": handoffs,
    "P-WAIT": waiting,
    "P-CONF": conformance,
}
