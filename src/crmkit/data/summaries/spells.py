"""How long did each customer stay under contract, and how did it end?

Rows of ``subscriptions`` are contracts: a renewal or a change of plan makes a new one. What matters is the *spell*: the time
from the first to the last day of contracts that follow each other without a gap. A spell that goes on, or whose end is too
recent to be sure of, is censored. Only operations that agree on every supported engine are used, and every summary is ordered
by its key, as in :mod:`crmkit.data.summaries.purchases`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from crmkit.core.dates import parse_iso
from crmkit.core.errors import CrmkitError, ParamError, Problem
from crmkit.data.as_of import known_at
from crmkit.data.summaries.purchases import EPOCH, MONEY

if TYPE_CHECKING:
    import ibis

FAR = dt.date(9999, 12, 31)
UNKNOWN_KIND = "unknown"
TEXTS = ("plan", "churn_reason", "churn_kind")
# who is in the data: everybody who ever came, or only who was there in the last period
COHORT, LAST_PERIOD = "cohort", "last_period"
PERIOD_DAYS = 30
TIMES_OVER = 3


def observed_since(sampling: str, *, as_of: dt.date) -> dt.date | None:
    """From which day on are those who left in the data?

    Parameters
    ----------
    sampling : {"cohort", "last_period"} or str
        As agreed for the client; a date YYYY-MM-DD says that customers who had left before it are not in the data.
    as_of : date
        Last day that counts.

    Returns
    -------
    date or None
        None where everybody who ever came is in the data.

    Raises
    ------
    ParamError
        For another word, and a day that is not before the last one.

    Examples
    --------
    >>> observed_since("last_period", as_of=dt.date(2025, 12, 31)), observed_since("cohort", as_of=dt.date(2025, 12, 31))
    (datetime.date(2025, 12, 1), None)
    """
    if sampling == COHORT:
        return None
    if sampling == LAST_PERIOD:
        return as_of - dt.timedelta(days=PERIOD_DAYS)
    try:
        since = parse_iso(sampling, where="sampling")
    except CrmkitError:
        allowed = "it is cohort, last_period, or the day YYYY-MM-DD on which observation began"
        raise ParamError(Problem("sampling:", f"is '{sampling}'", allowed)) from None
    if since >= as_of:
        raise ParamError(Problem("sampling:", f"is {since}", f"a day before {as_of} is needed"))
    return since


def too_many_for_a_month(share: float, months: float, *, times: float = TIMES_OVER) -> bool:
    """Whether more customers have left than a single month can have seen go.

    Parameters
    ----------
    share : float
        Of the customers in the data, who have left.
    months : float
        That those who are still there have been customers, on average.
    times : float
        Where such a share leaves every month, customers have been there for one divided by it on average: how many times as
        long is too long. Three times are not explained by customers who differ.

    Examples
    --------
    >>> too_many_for_a_month(0.265, 37.6), too_many_for_a_month(0.02, 37.6)
    (True, False)
    """
    return share * months > times


def spells(subscriptions: ibis.Table, *, as_of: dt.date, grace_days: int = 0, since: dt.date | None = None) -> ibis.Table:
    """How long did each customer stay, and did they leave?

    Parameters
    ----------
    subscriptions : ibis.Table
        ``customer_id, started_at`` and what there is of ``ended_at, plan, mrr, renewed, churn_reason, churn_kind``.
    as_of : date
        Last day that counts; what happened later is not seen.
    grace_days : int
        Days [0, 366] within which a new contract continues the old one. An end is believed only when these days are over;
        until then the spell is censored at its end.
    since : date or None
        First day of observation, where customers who had left before it are not in the data (left truncation); None: the
        whole history is there.

    Returns
    -------
    ibis.Table
        One row per customer and spell, ordered: ``customer_id``; ``spell`` (1, 2, ...); ``started_at``; ``ended_at`` (empty
        while it runs); ``observed_end`` (``ended_at`` or ``as_of``); ``entry_days`` (start to ``since``, 0 or more);
        ``duration_days`` (start to observed end); ``event_observed`` (left, for good as far as is known); ``event``
        (``voluntary``, ``involuntary`` or ``unknown``; empty where censored); ``churn_reason``; ``first_plan``; ``plan`` (the
        last); ``mrr`` (of the contracts that were the last to begin, per month); ``contracts`` (rows).

    Notes
    -----
    A pause (``churn_kind`` = paused) is censored, not an event. So is the end of a contract that is said to have been renewed
    and has no follower; on the very day of such an end, and within the grace days, the spell runs on. Where contracts overlap,
    the spell ends with the last of them. Spells that ended before ``since`` are left out.
    """
    import ibis

    known = known_at(subscriptions, name="subscriptions", day=as_of)
    rows = _numbered(known, as_of=as_of, grace_days=grace_days)
    end = ibis.literal(as_of)
    first = rows.started_at == rows.spell_start
    last = rows.started_at == rows.last_start
    table = rows.group_by("customer_id", "spell").agg(
        started_at=rows.started_at.min(),
        until=rows.until.max(),
        first_plan=rows.plan.min(where=first),
        plan=rows.plan.max(where=last),
        mrr=rows.mrr.sum(where=last),
        churn_reason=rows.churn_reason.max(where=rows.until == rows.spell_end),
        churn_kind=rows.churn_kind.max(where=rows.until == rows.spell_end),
        renewed=rows.renewed.max(where=rows.until == rows.spell_end),
        contracts=rows.count(),
    )
    ended = table.until < ibis.literal(FAR)
    observed_end = ibis.ifelse(ended, table.until, end)
    sure = end.delta(table.until, unit="day") >= grace_days
    kind = table.churn_kind.fill_null(UNKNOWN_KIND)
    event = ended & sure & (kind != "paused") & (table.renewed == 0)
    entry = ibis.literal(0) if since is None else ibis.greatest(ibis.literal(since).delta(table.started_at, unit="day"), 0)
    table = table.select(
        "customer_id",
        "spell",
        "started_at",
        ended_at=ibis.ifelse(ended, table.until, ibis.null("date")),
        observed_end=observed_end,
        entry_days=entry,
        duration_days=observed_end.delta(table.started_at, unit="day"),
        event_observed=event,
        event=ibis.ifelse(event, kind, ibis.null("string")),
        churn_reason=ibis.ifelse(event, table.churn_reason, ibis.null("string")),
        first_plan=table.first_plan,
        plan=table.plan,
        mrr=table.mrr.cast("float64"),
        contracts=table.contracts,
    )
    if since is not None:
        table = table.filter(table.observed_end >= ibis.literal(since))
    return table.order_by("customer_id", "spell")


def _numbered(rows: ibis.Table, *, as_of: dt.date, grace_days: int) -> ibis.Table:
    """Contracts with the number of their spell, its first and last day, and the day its last contract began."""
    import ibis

    far = ibis.literal(FAR)
    until = ibis.coalesce(rows.ended_at, far) if "ended_at" in rows.columns else far
    renewed = rows.renewed.fill_null(False) if "renewed" in rows.columns else ibis.literal(False)
    # whoever has renewed is not gone on the last day of the old contract, only because the new one begins on the next
    soon = renewed & (until >= ibis.literal(as_of - dt.timedelta(days=grace_days)))
    rows = rows.select(
        "customer_id",
        "started_at",
        until=ibis.ifelse(soon, far, until),
        renewed=ibis.ifelse(renewed, 1, 0),
        mrr=rows.mrr.cast(MONEY) if "mrr" in rows.columns else ibis.null(MONEY),
        **{name: rows[name] if name in rows.columns else ibis.null("string") for name in TEXTS},
    )
    # whole numbers in windows: not every engine has a running maximum of dates
    number = rows.until.delta(ibis.literal(EPOCH), unit="day")
    order = [rows.started_at, rows.until]
    reach = rows.mutate(reach=number.max().over(ibis.cumulative_window(group_by="customer_id", order_by=order)))
    order = [reach.started_at, reach.until, reach.reach]
    before = reach.mutate(before=reach.reach.lag().over(ibis.window(group_by="customer_id", order_by=order)))
    gap = before.started_at.delta(ibis.literal(EPOCH), unit="day") - before.before
    # a contract that begins on the day after the last one ended leaves no gap
    new = before.mutate(new=ibis.ifelse((gap > grace_days + 1).fill_null(True), 1, 0))
    order = [new.started_at, new.until, new.reach]
    counted = new.mutate(spell=new.new.sum().over(ibis.cumulative_window(group_by="customer_id", order_by=order)))
    within = ibis.window(group_by=["customer_id", "spell"])
    return counted.mutate(
        spell_start=counted.started_at.min().over(within),
        last_start=counted.started_at.max().over(within),
        spell_end=counted.until.max().over(within),
    )


def active_contracts(subscriptions: ibis.Table, *, t0: dt.date) -> Any:
    """Contracts that run at the end of a day, of what was known then."""
    import ibis

    seen = known_at(subscriptions, name="subscriptions", day=t0)
    if "ended_at" not in seen.columns:
        return seen
    return seen.filter(seen.ended_at.isnull() | (seen.ended_at > ibis.literal(t0)))
