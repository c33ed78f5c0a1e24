"""What was known of each customer on a day, from which one could have told who would leave?

Every feature is made from rows on or before the cut-off, and of these only from what had happened by then
(:func:`crmkit.data.as_of.known_at`), so that the same call serves today's list and every cut-off of a back-test. Beside the
features stands the newest date that each of them was made from: an audit of leakage needs no trust.

Windows end with the cut-off and are counted in days: the last 90 days are the cut-off and the 89 days before it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from crmkit.data.as_of import known_at
from crmkit.data.summaries.purchases import EPOCH, MONEY
from crmkit.data.summaries.spells import active_contracts, spells

if TYPE_CHECKING:
    import ibis

USAGE = "usage"
SLOW_SECONDS = 24 * 3600
# the newest answer is the greatest of (day, score) put into one exact number, because several engines have no arg_max
SCORE_STEP = 10**6
MARKED = "decimal(38, 4)"


@dataclass(frozen=True)
class Feature:
    """One feature: the table it comes from, the column that holds the newest date of its rows, what it is counted in."""

    table: str
    newest: str
    unit: str


FEATURES: dict[str, Feature] = {
    "tenure_days": Feature("subscriptions", "subscriptions_newest", "days"),
    "plan": Feature("subscriptions", "subscriptions_newest", "name"),
    "mrr": Feature("subscriptions", "subscriptions_newest", "money"),
    "tickets_recent": Feature("tickets", "tickets_newest", "count"),
    "complaints_recent": Feature("tickets", "tickets_newest", "count"),
    "faults_recent": Feature("tickets", "tickets_newest", "count"),
    "slow_recent": Feature("tickets", "tickets_newest", "count"),
    "tickets_open": Feature("tickets", "tickets_newest", "count"),
    "days_since_interaction": Feature("interactions", "interactions_newest", "days"),
    "usage_recent": Feature("interactions", "usage_newest", "count"),
    "usage_before": Feature("interactions", "usage_newest", "count"),
    "usage_change": Feature("interactions", "usage_newest", "share"),
    "last_csat": Feature("surveys", "csat_newest", "score"),
    "days_since_csat": Feature("surveys", "csat_newest", "days"),
}


def churn_features(
    tables: Mapping[str, ibis.Table],
    *,
    t0: dt.date,
    window_days: int = 90,
    recent_days: int = 28,
    before_days: int = 84,
    csat_item: str = "csat",
    csat_days: int = 365,
    grace_days: int = 0,
    attributes: Sequence[str] = ("region", "industry", "size", "acquisition_channel"),
) -> ibis.Table:
    """What was known of each customer under contract at the end of a day?

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        A client's tables; ``subscriptions`` is needed, ``tickets, interactions, surveys, customers`` are used where they are.
    t0 : date
        Cut-off; nothing later is read.
    window_days : int
        Days in which tickets count.
    recent_days, before_days : int
        Days whose usage is compared, and days just before them that it is compared with. Whole weeks, so that weekdays weigh
        the same on both sides.
    csat_item : str
        Item of the questionnaire that asks for satisfaction.
    csat_days : int
        How long an answer counts.
    grace_days : int
        As for :func:`crmkit.data.summaries.spells.spells`.
    attributes : sequence of str
        Columns of ``customers`` to put beside; they are as exported, not as of ``t0``.

    Returns
    -------
    ibis.Table
        One row per customer under contract at the end of ``t0``, ordered by ``customer_id``: ``customer_id``, ``started_at``
        (of the spell), the features of :data:`FEATURES` whose tables are there, the columns with their newest dates (on or
        before ``t0``; empty where a customer has no such row), and the attributes.

    Notes
    -----
    ``slow_recent``: tickets of the window whose first response took more than 24 hours, or that had waited longer than that by
    the end of ``t0``. ``usage_change``: usage per day in the recent days over usage per day before, less 1; empty where the
    spell is shorter than both windows or nothing was used before. Interactions of kind ``usage`` are usage, all others are
    contacts; ``days_since_interaction`` counts both. An answer of ``not applicable`` is no satisfaction.
    """
    end = _Cut(t0)
    found = _contract(tables["subscriptions"], cut=end, grace_days=grace_days)
    parts: list[Any] = []
    if "tickets" in tables:
        parts.append(_tickets(tables["tickets"], cut=end, window_days=window_days))
    if "interactions" in tables:
        parts.append(_usage(tables["interactions"], cut=end, recent_days=recent_days, before_days=before_days))
    if "surveys" in tables:
        parts.append(_csat(tables["surveys"], cut=end, item=csat_item, days=csat_days))
    for part in parts:
        found = _beside(found, part)
    counts = [name for name, feature in FEATURES.items() if feature.unit == "count" and name in found.columns]
    found = found.mutate(**{name: found[name].fill_null(0) for name in counts})
    if "interactions" in tables:
        found = _change(found, recent_days=recent_days, before_days=before_days)
    known = tables.get("customers")
    names = [name for name in attributes if known is not None and name in known.columns]
    found = _beside(found, known.select("customer_id", *names)) if known is not None and names else found
    kept = [name for name in FEATURES if name in found.columns]
    newest = dict.fromkeys(FEATURES[name].newest for name in kept)
    return found.select("customer_id", "started_at", *kept, *newest, *names).order_by("customer_id")


@dataclass(frozen=True)
class _Cut:
    """A cut-off, as the expressions need it."""

    t0: dt.date

    def since(self, days: int) -> Any:
        """The day before the first of the last days."""
        import ibis

        return ibis.literal(self.t0 - dt.timedelta(days=days))

    @property
    def day(self) -> Any:
        import ibis

        return ibis.literal(self.t0)

    def slow_before(self) -> Any:
        """Tickets opened before this moment and not answered had waited for more than a day when the cut-off ended."""
        import ibis

        return ibis.literal(dt.datetime.combine(self.t0, dt.time()))


def _contract(subscriptions: Any, *, cut: _Cut, grace_days: int) -> Any:
    """Spells that go on, with the plan and the price of the contracts that run."""
    import ibis

    rows = spells(subscriptions, as_of=cut.t0, grace_days=grace_days)
    running = rows.filter(rows.ended_at.isnull())
    tenure = cut.day.delta(running.started_at, unit="day")
    kept = running.select("customer_id", "started_at", "plan", tenure_days=tenure, last_mrr=running.mrr)
    known = known_at(subscriptions, name="subscriptions", day=cut.t0)
    found = _beside(kept, known.group_by("customer_id").agg(subscriptions_newest=known.started_at.max()))
    if "mrr" not in known.columns:
        return found
    contracts = active_contracts(subscriptions, t0=cut.t0)
    now = contracts.group_by("customer_id").agg(running=contracts.mrr.cast(MONEY).sum())
    found = _beside(found, now.mutate(running=now.running.cast("float64")))
    # between a renewed contract and its follower nothing runs
    return found.mutate(mrr=ibis.coalesce(found.running, found.last_mrr))


def _tickets(tickets: Any, *, cut: _Cut, window_days: int) -> Any:
    rows = known_at(tickets, name="tickets", day=cut.t0)
    day = rows.opened_at.cast("date")
    recent = day > cut.since(window_days)
    features = {"tickets_recent": rows.count(where=recent), "tickets_newest": day.max()}
    if "kind" in rows.columns:
        features["complaints_recent"] = rows.count(where=recent & (rows.kind == "complaint"))
        features["faults_recent"] = rows.count(where=recent & (rows.kind == "fault"))
    if "first_response_at" in rows.columns:
        waited = rows.first_response_at.epoch_seconds() - rows.opened_at.epoch_seconds()
        unanswered = rows.first_response_at.isnull() & (rows.opened_at < cut.slow_before())
        slow = (waited > SLOW_SECONDS).fill_null(False) | unanswered
        features["slow_recent"] = rows.count(where=recent & slow)
    if "resolved_at" in rows.columns:
        features["tickets_open"] = rows.count(where=rows.resolved_at.isnull())
    return rows.group_by("customer_id").agg(**features)


def _usage(interactions: Any, *, cut: _Cut, recent_days: int, before_days: int) -> Any:
    rows = known_at(interactions, name="interactions", day=cut.t0)
    usage = (rows.kind == USAGE).fill_null(False) if "kind" in rows.columns else None
    features = {"interactions_newest": rows.occurred_at.max()}
    if usage is not None and "quantity" in rows.columns:
        recent = usage & (rows.occurred_at > cut.since(recent_days))
        before = usage & (rows.occurred_at > cut.since(recent_days + before_days)) & ~recent
        features["usage_newest"] = rows.occurred_at.max(where=usage)
        features["usage_recent"] = rows.quantity.sum(where=recent).fill_null(0)
        features["usage_before"] = rows.quantity.sum(where=before).fill_null(0)
    found = rows.group_by("customer_id").agg(**features)
    return found.mutate(days_since_interaction=cut.day.delta(found.interactions_newest, unit="day"))


def _change(found: Any, *, recent_days: int, before_days: int) -> Any:
    import ibis

    if "usage_recent" not in found.columns:
        return found
    long_enough = found.tenure_days >= recent_days + before_days
    before = (found.usage_before * recent_days).nullif(0).cast("float64")
    change = (found.usage_recent * before_days).cast("float64") / before - 1.0
    return found.mutate(usage_change=ibis.ifelse(long_enough, change, ibis.null("float64")))


def _csat(surveys: Any, *, cut: _Cut, item: str, days: int) -> Any:
    """The newest answer of each customer; of several on one day the best."""
    import ibis

    rows = known_at(surveys, name="surveys", day=cut.t0)
    answered = rows.responded_at if "responded_at" in rows.columns else rows.sent_at
    rows = rows.mutate(day=answered)
    rows = rows.filter(
        (rows.item_id == item) & rows.score.notnull() & (rows.day > cut.since(days)) & rows.customer_id.notnull()
    )
    number = rows.day.delta(ibis.literal(EPOCH), unit="day")
    marked = (number * SCORE_STEP).cast(MARKED) + rows.score.cast(MARKED)
    found = rows.group_by("customer_id").agg(csat_newest=rows.day.max(), marked=marked.max())
    newest = found.csat_newest.delta(ibis.literal(EPOCH), unit="day")
    return found.select(
        "customer_id",
        "csat_newest",
        last_csat=(found.marked - (newest * SCORE_STEP).cast(MARKED)).cast("float64"),
        days_since_csat=cut.day.delta(found.csat_newest, unit="day"),
    )


def _beside(left: Any, right: Any) -> Any:
    """The columns of another table beside those of the customers; no customer is lost or added."""
    names = [name for name in right.columns if name != "customer_id"]
    return left.left_join(right, "customer_id").select(*[left[name] for name in left.columns], *[right[name] for name in names])
