"""How many customers came and left, by the definition declared, and do the data look like the design declared?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from crmkit.analyses.churn import returning
from crmkit.analyses.churn.read import SHORTEST_SPAN_DAYS, Past
from crmkit.analyses.churn.shop import WITH_CUSTOMERS, Shop, customers_on
from crmkit.core.dates import DAYS_PER_MONTH
from crmkit.core.errors import ModelError
from crmkit.core.language import mark
from crmkit.core.results import Axis, Finding, Numbers, Quantity, Result, Text, curve, not_assessed
from crmkit.data.summaries.spells import LAST_PERIOD, PERIOD_DAYS, UNKNOWN_KIND, too_many_for_a_month
from crmkit.models.basics.shares import wilson
from crmkit.models.survival import gaps as gm

if TYPE_CHECKING:
    import pandas as pd

NO_WINDOW = Text("it cannot be said who has left: {reason}")
DESIGNS = {
    "cohort": Text("everybody who ever came is in the data"),
    "active": Text("customers count from the day on which they came under observation"),
    "last_period": Text("only the last {days} are observed", {"days": Quantity(PERIOD_DAYS, "days")}),
}
UNDATED = Text("the data say how long customers stayed, not when they left")
MOST_FALSE = 0.10  # of the silences taken for leaving, that a purchase ends all the same
BY_CHANCE = 1e-4
FEWEST = 30
YEAR_DAYS = 365
LARGEST_SHARE = 0.2


def unusable(past: Past, name: str, title: Text) -> Result:
    """What stands in place of an exhibit where nobody can say who has left."""
    return not_assessed(name, title, Text(NO_WINDOW.template, {"reason": past.window_reason}))


def kinds_unknown(spells: pd.DataFrame) -> bool:
    """Whether of nobody who left it is known whether they wanted to."""
    kinds = spells.loc[spells["event_observed"].astype(bool), "event"]
    return bool((kinds == UNKNOWN_KIND).all())


def base_rows(past: Past) -> list[dict[str, object]]:
    """Rows of an estimate table: customers, left so far (Wilson), still there, left because they had to, undecided."""
    if past.shop is not None:
        return _shop_rows(past, past.shop)
    rows = past.spells
    people, left = _people(past)
    found: list[dict[str, object]] = [
        _count(mark("Under contract so far") if past.contractual else mark("Customers so far"), "customers", people, people),
        _share(mark("Left so far"), "left_share", left, people, past.confidence),
    ]
    forced = int((rows["event"] == "involuntary").sum())
    paused = int((rows["ended_at"].notna() & ~rows["event_observed"]).sum())
    events = int(rows["event_observed"].sum())
    if past.contractual and events and not kinds_unknown(rows):
        found.append(_share(mark("Of those who left, had to"), "involuntary_share", forced, events, past.confidence))
    if past.contractual and paused:
        found.append(_count(mark("Paused, or ended too recently to be sure"), "undecided", paused, people))
    if past.window is not None:
        back = (past.window.false_churn_share, past.window.low, past.window.high)
        found += _limit_rows(past.window.window, back, people, agreed=past.rule.active_days > 0)
    return found


def _limit_rows(
    days: float, back: tuple[float, float, float], n: int, *, agreed: bool, sure: bool = True
) -> list[dict[str, object]]:
    """After which silence somebody counts as lost, and how often that is wrong: other pages take both with their numbers."""
    value, low, high = back
    group = mark("Counts as lost after a silence of") if sure else mark("Watched up to a silence of")
    limit = {"group": group, "measure": "limit_days", "value": days, "n": n, "unit": "days"}
    wrong = {"group": mark("Of those silent for so long, came back"), "measure": "came_back", "value": value, "n": n}
    found: list[dict[str, object]] = [limit | {"method": mark("as agreed") if agreed else mark("from the gaps")}]
    if np.isfinite(value):
        found.append(wrong | {"low": low, "high": high, "unit": "share", "method": mark("Kaplan-Meier")})
    return found


def _shop_rows(past: Past, shop: Shop) -> list[dict[str, object]]:
    """Of a shop: everybody so far, who has been silent for longer than a customer is, and who of an earlier day is lost.

    Nobody is called lost after a silence of which too many come back.
    """
    last, limit = shop.running, shop.limit_days
    table = gm.horizon_table(
        shop.gaps["duration_days"],
        shop.gaps["event_observed"],
        horizons=[limit],
        customer=shop.gaps["customer_id"] if len(shop.gaps) <= WITH_CUSTOMERS else None,
        confidence=past.confidence,
    ).iloc[0]
    back = (float(table["false_share"]), float(table["low"]), float(table["high"]))
    sure = back[0] <= past.rule.false_limit
    found = [_count(mark("Customers so far"), "customers", len(last), len(last))]
    if sure:
        gone = len(_gone(past, shop))
        found.append(_share(mark("Silent for too long to be one"), "left_share", gone, len(last), past.confidence))
    found += _limit_rows(limit, back, int(table["called"]), agreed=shop.agreed, sure=sure)
    ahead = {"group": mark("Looked ahead"), "measure": "horizon_days", "value": float(shop.horizon_days)}
    found.append(ahead | {"n": len(shop.gaps), "unit": "days", "method": mark("from the gaps")})
    lost, there = _lost(past, shop, limit) if sure else (0, 0)
    if there:
        found.append(_share(mark("Of the customers that long ago, lost"), "lost_share", lost, there, past.confidence))
    lost, there = _lost(past, shop, YEAR_DAYS) if sure else (0, 0)
    if there:
        found.append(_share(mark("Of the customers a year ago, still one"), "kept_year", there - lost, there, past.confidence))
    return found


def _lost(past: Past, shop: Shop, days: int) -> tuple[int, int]:
    """Of the customers of a day so long ago, how many are none today, and how many were there?"""
    day = past.as_of - dt.timedelta(days=days)
    if day <= past.start + dt.timedelta(days=shop.horizon_days):
        return 0, 0
    try:
        there = customers_on(shop, day, as_of=past.as_of)["customer_id"]
    except ModelError:  # a shop that was closed had nobody then
        return 0, 0
    return int(there.isin(_gone(past, shop)).sum()), len(there)


def _gone(past: Past, shop: Shop) -> set[str]:
    """Who has been silent for longer than a customer is."""
    rows = shop.running
    return set(rows.loc[~shop.within(rows, past.as_of), "customer_id"])


def _people(past: Past) -> tuple[int, int]:
    """Customers, and those whose last spell has ended."""
    last = past.spells.sort_values(["customer_id", "spell"]).groupby("customer_id").tail(1)
    return len(last), int(last["event_observed"].sum())


def rule_words(past: Past) -> Text:
    """The definition in words."""
    design = DESIGNS[past.rule.sampling]
    if past.shop is not None:
        return Text(
            "Customers: who bought within the last {limit}. Staying away: nothing bought within the next {horizon}.",
            {
                "limit": Quantity(float(past.shop.limit_days), "days"),
                "horizon": Quantity(float(past.rule.horizon_days), "days"),
            },
        )
    if past.contractual and not past.rule.grace_days:
        return Text("Left: the contract ended and none followed; a pause is no end. Design: {design}.", {"design": design})
    if past.contractual:
        return Text(
            "Left: the contract ended and none followed within {grace}; a pause is no end. Design: {design}.",
            {"grace": Quantity(past.rule.grace_days, "days"), "design": design},
        )
    days = float("nan") if past.window is None else past.window.window
    return Text(
        "Left: nothing bought for more than {window}; the day of leaving is that of the last purchase. Design: {design}.",
        {"window": Quantity(days, "days"), "design": design},
    )


def window(past: Past) -> Result:
    """Without contracts: after how long a silence is a customer gone, and how often is that wrong?

    Returns
    -------
    Result
        Curve: share of the silences longer than the window that a purchase has ended all the same, against the window.
    """
    title = Text("How often would a silence be taken for leaving, and the customer come back?")
    if past.shop is not None:
        return returning.horizon(past, past.shop)
    if not past.usable and past.window is None:
        return unusable(past, "churn_window", title)
    if past.contractual:
        return not_assessed("churn_window", title, Text("customers leave by ending a contract, so no silence has to be judged"))
    if past.window is None:
        return unusable(past, "churn_window", title)
    chosen, table = past.window, past.window.table
    shown = curve(
        table[table["longer"] > 0].rename(columns={"window": "x", "false_churn_share": "value"})[["x", "value", "low", "high"]]
    )
    shown.attrs["marks"] = [(chosen.window, Text("chosen: {window}", {"window": Quantity(chosen.window, "days")}))]
    bad = chosen.false_churn_share > MOST_FALSE
    finding = Finding(
        id="churn.window",
        severity="warning" if bad else "good",
        passed=not bad,
        text=Text(
            "A customer who is silent for more than {window} counts as gone; {share} of such silences ended with a purchase.",
            {
                "window": Quantity(chosen.window, "days"),
                "share": Quantity(chosen.false_churn_share, "share", chosen.low, chosen.high),
            },
        ),
        criteria=Text("At most {most} of those taken for gone come back.", {"most": Quantity(MOST_FALSE, "share")}),
        evidence=("churn_window",),
        action=Text("Read the risk of silent customers in the value report instead; they buy too seldom for a window.")
        if bad
        else None,
    )
    return Result(
        "churn_window",
        "curve",
        title,
        shown,
        # of a window that is wrong too often nothing is concluded; the figure shows why
        finding=finding if past.usable else None,
        note=Text(
            "Window: {quantile} of the silences that end have ended by then (Kaplan–Meier on gaps, the open "
            "one censored). It may not exceed half of the {span} observed. n = {n} gaps longer than a quarter"
            " of it; Wilson intervals.",
            {
                "quantile": Quantity(chosen.quantile, "share"),
                "span": Quantity(past.span_days, "days"),
                "n": Quantity(float(table["longer"].max()), "count"),
            },
        ),
        alt=Text("Falling curve: share of silences that ended with a purchase after all, by the length of the window."),
        x=Axis("Length of the window", "days"),
        y=Axis("Came back all the same", "share"),
    )


def checks(past: Past) -> list[Finding]:
    """Do the data look like the design that was declared, and are they long enough?"""
    if not past.usable:
        return []
    found = []
    if past.undated:
        found.append(_undated(past))
    if past.rule.sampling == LAST_PERIOD and past.contractual:
        found += _too_many_leavers(past)
    suspect = _suspected_start(past)
    if suspect is not None:
        day, share = suspect
        found.append(
            Finding(
                id="churn.sampling",
                severity="critical",
                passed=False,
                text=Text(
                    "Nobody is known to have left before {day}, though {share} of the customers had come by then. Earlier "
                    "leavers seem to be missing, and every share below is too good.",
                    {"day": Quantity(day, "date"), "share": Quantity(share, "share")},
                ),
                criteria=Text("Declared as a cohort: everybody who ever came is in the data."),
                action=Text("Set sampling to that day, or add the customers who left earlier."),
            )
        )
    if past.shop is not None:
        return _shop_checks(past, past.shop)
    if past.span_days < SHORTEST_SPAN_DAYS + 2 * past.rule.horizon_days:
        found.append(
            Finding(
                id="churn.short",
                severity="warning",
                passed=False,
                text=Text(
                    "The data cover {span}; with a horizon of {horizon} little can be learnt and less be tested.",
                    {"span": Quantity(past.span_days, "days"), "horizon": Quantity(past.rule.horizon_days, "days")},
                ),
            )
        )
    return found


def _undated(past: Past) -> Finding:
    """What rests on the word of the client where nobody knows when customers left."""
    numbers: Numbers = {"n": Quantity(_people(past)[1], "count"), "design": DESIGNS[past.rule.sampling]}
    return Finding(
        "churn.undated",
        "warning",
        None,
        Text(
            "When {n} {n:customer|customers} left is not known, only how long they stayed; taken as agreed: {design}.", numbers
        ),
        action=Text(
            "Ask which leavers are in the data, all who ever left or those of the last month, and agree on it under sampling."
        ),
    )


def _too_many_leavers(past: Past) -> list[Finding]:
    """Whether those who left cannot all have left in the last month, as was agreed."""
    people, left = _people(past)
    there = past.spells.loc[past.spells["ended_at"].isna(), "duration_days"]
    months = float(there.mean()) / DAYS_PER_MONTH if len(there) else 0.0
    if not too_many_for_a_month(left / people, months):
        return []
    numbers: Numbers = {"share": Quantity(left / people, "share"), "months": Quantity(months * DAYS_PER_MONTH, "days")}
    text = Text(
        "As agreed, {share} of customers left in one month, though the others came {months} ago on average; earlier leavers "
        "seem to be included.",
        numbers,
    )
    action = Text("Set sampling to cohort, or to the day since which leavers are in the data.")
    criteria = Text("Agreed: only the leavers of the last month are in the data.")
    return [Finding("churn.sampling", "critical", False, text, criteria=criteria, action=action)]


def _shop_checks(past: Past, shop: Shop) -> list[Finding]:
    """What a reader of a shop's page has to know before anything else."""
    found = []
    if shop.largest_share > LARGEST_SHARE:
        text = Text(
            "One customer made {share} of all purchases; what is said of usual gaps is mostly said of them.",
            {"share": Quantity(shop.largest_share, "share")},
        )
        found.append(Finding("churn.heavy", "warning", False, text))
    if shop.closed:
        first, last = max(shop.closed, key=lambda one: one[1] - one[0])
        text = Text(
            "Nobody bought from {first} to {last}: these days are taken as closed and count in no silence.",
            {"first": Quantity(first, "date"), "last": Quantity(last, "date")},
        )
        found.append(Finding("churn.closed", "info", None, text, action=Text("Check whether purchases are missing there.")))
    return found


def _suspected_start(past: Past) -> tuple[pd.Timestamp, float] | None:
    """The first day of leaving, where the time before it is too long for chance: at the rate since then somebody had left."""
    import pandas as pd

    if past.rule.sampling != "cohort" or not past.contractual or past.undated:
        return None
    rows = past.spells
    ends = rows.loc[rows["event_observed"], "ended_at"]
    if len(ends) < FEWEST:
        return None
    first = pd.Timestamp(ends.min())
    before = float((first - rows["started_at"]).dt.days.clip(lower=0).sum())
    after = float(rows["duration_days"].sum()) - before
    silent = np.exp(-len(ends) / max(after, 1.0) * before)
    return (first, float((rows["started_at"] < first).mean())) if silent < BY_CHANCE else None


def _limits(k: int, n: int, confidence: float) -> tuple[float, float]:
    found = wilson([k], [n], confidence=confidence)
    return float(np.asarray(found.low)[0]), float(np.asarray(found.high)[0])


def _share(label: str, measure: str, k: int, n: int, confidence: float) -> dict[str, object]:
    low, high = _limits(k, n, confidence)
    return {
        "group": label,
        "measure": measure,
        "value": k / n,
        "low": low,
        "high": high,
        "n": n,
        "unit": "share",
        "method": mark("Wilson"),
    }


def _count(label: str, measure: str, k: int, n: int) -> dict[str, object]:
    return {"group": label, "measure": measure, "value": k, "n": n, "unit": "count", "method": mark("count")}
