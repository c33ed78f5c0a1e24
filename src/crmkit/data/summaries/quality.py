"""How well is each table filled, does it keep its rules, how new is it, and how far does a customer reach through the systems?

One query per table gives all of its counts. Only operations that agree on every supported engine are used.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.duplicates import EMAIL, FEWEST_DIGITS, MOST_DIGITS, PHONE
from crmkit.data.summaries.purchases import MONEY
from crmkit.data.tables import TABLES

if TYPE_CHECKING:
    import ibis
    import pandas as pd

# what a row ought to fill although the contract does not demand it; in brackets: of which rows
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "transactions": ("order_id", "product", "category", "channel"),
    "subscriptions": ("plan", "mrr", "churn_reason", "churn_kind"),
    "interactions": ("channel", "direction", "kind"),
    "tickets": ("first_response_at", "kind", "category", "priority", "channel", "agent_id", "team", "closed_notice_at"),
    "surveys": ("customer_id", "wave", "channel", "sent_at"),
    "feedback": ("customer_id", "channel", "category"),
    "campaigns": ("name", "kind", "started_at", "cost"),
    "exposures": ("exposed_at",),
    "loyalty": ("tier", "points"),
    "ticket_events": ("actor", "team"),
    "opportunities": ("amount",),
    "staff": ("team", "role", "joined_at"),
    "training": ("hours",),
    "crm_usage": ("licensed_users",),
    "actions": ("starts_on", "budget", "indicator", "status"),
    "goals": ("owner", "baseline"),
    "risks": ("owner", "likelihood", "impact", "contingency"),
    "evidence": ("dated_at", "owner"),
}
# a row that is so old ought to be answered
ANSWERED_DAYS = 30
# free text, in which nobody should be named
FREE_TEXT: Mapping[str, tuple[str, ...]] = {
    "feedback": ("text",),
    "surveys": ("comment",),
    "interactions": ("outcome",),
    "assessments": ("note",),
    "actions": ("text",),
}
MAIL_IN_TEXT = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]+"
NUMBER_IN_TEXT = r"(^|[^0-9])\+?([0-9][ ()/-]?){9,15}([^0-9]|$)"
# which tables tell what of a customer
SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "sales": ("transactions", "subscriptions"),
    "service": ("tickets", "feedback"),
    "marketing": ("exposures", "interactions", "loyalty"),
    "survey": ("surveys",),
}
BY_CHANNEL = ("transactions", "interactions", "tickets", "feedback")


def spend(tables: Mapping[str, Any], *, as_of: dt.date, days: int) -> Any:
    """What did each customer bring in the last days? None where nothing says so.

    Returns
    -------
    ibis.Table or None
        ``customer_id, money``: purchases less returns; with contracts alone, the monthly price times twelve of those that run.
    """
    import ibis

    orders = tables.get("transactions")
    if orders is not None and "amount" in orders.columns:
        day = orders.ordered_at.cast("date")
        rows = orders.filter((day > ibis.literal(as_of - dt.timedelta(days=days))) & (day <= ibis.literal(as_of)))
        back = rows.is_return.fill_null(False) if "is_return" in rows.columns else ibis.literal(False)
        rows = rows.mutate(net=ibis.ifelse(back, -rows.amount.abs(), rows.amount).cast(MONEY))
        return rows.group_by("customer_id").agg(money=rows.net.sum().cast(MONEY))
    contracts = tables.get("subscriptions")
    if contracts is not None and "mrr" in contracts.columns:
        rows = contracts.filter(contracts.ended_at.isnull()) if "ended_at" in contracts.columns else contracts
        return rows.group_by("customer_id").agg(money=(rows.mrr.sum() * 12).cast(MONEY))
    return None


def profile(table: ibis.Table, *, name: str, as_of: dt.date, required: Sequence[str] = (), money: Any = None) -> pd.DataFrame:
    """How is a table filled, does it keep its rules, and what is at stake where it does not? One query.

    Parameters
    ----------
    table : ibis.Table
    name : str
        Which of the known tables it is.
    as_of : date
    required : sequence of str
        Of ``customers``: columns that a record ought to fill, those that there are.
    money : ibis.Table or None
        Of ``customers``: what each of them brings, from :func:`spend`.

    Returns
    -------
    DataFrame
        ``measure, item, hits, n, money``. Of each column a row ``filled``: rows with a value, of those that should have one,
        and the money of those without; and a row ``distinct``: different values. Of each rule a row ``valid``; ``all_valid`` is
        of rows that break none. Further ``rows``; ``cells`` and ``squares`` (sums over records of required cells filled, and of
        their square); ``consent`` (by purpose); ``oldest, newest`` (days before ``as_of``); ``named`` (rows with an address or
        a number in free text).
    """
    keys, values = _counted(table, name=name, as_of=as_of, required=required, money=money)
    import pandas as pd

    row = to_frame(values).iloc[0]
    rows = []
    for place, (measure, item) in enumerate(keys):
        hits, n, at = (row.get(f"{part}{place}") for part in ("h", "n", "m"))
        rows.append((measure, item, *(float("nan") if one is None or pd.isna(one) else float(one) for one in (hits, n, at))))
    return pd.DataFrame(rows, columns=["measure", "item", "hits", "n", "money"])


def _counted(
    table: Any, *, name: str, as_of: dt.date, required: Sequence[str], money: Any
) -> tuple[list[tuple[str, str]], Any]:
    """What is counted, in order, and the one query that counts it."""
    import ibis

    rows = table
    if money is not None:
        brought = money.select(customer_of=money.customer_id, brought=money.money)
        rows = table.left_join(brought, table.customer_id == brought.customer_of)
        rows = rows.select(*table.columns, worth=ibis.coalesce(rows.brought, ibis.literal("0").cast(MONEY)))
    elif name == "transactions" and "amount" in table.columns:
        rows = table.mutate(worth=table.amount.cast(MONEY).abs())
    has, worth = set(table.columns), rows.worth if "worth" in rows.columns else None
    keys: list[tuple[str, str]] = []
    counts: dict[str, Any] = {}

    def add(measure: str, item: str, hits: Any, n: Any = None, lost: Any = None) -> None:
        place = len(keys)
        keys.append((measure, item))
        counts[f"h{place}"] = hits
        if n is not None:
            counts[f"n{place}"] = n
        if lost is not None and worth is not None:
            counts[f"m{place}"] = worth.sum(where=lost).cast("float64")

    add("rows", "", rows.count())
    due = _due(rows, name, as_of)
    for column in (one for one in TABLES[name].columns if one in has):
        there = rows[column].notnull()
        if column in due:
            add("filled", column, rows.count(where=there & due[column]), rows.count(where=due[column]), ~there & due[column])
        else:
            add("filled", column, rows.count(where=there), rows.count(), ~there)
        add("distinct", column, rows[column].nunique())
    rules = _rules(rows, name, has, as_of)
    for item, rule in rules.items():
        add("valid", item, rows.count(where=rule.fill_null(True)), rows.count(where=rule.notnull()), ~rule.fill_null(True))
        counts[f"h{len(keys) - 1}"] = rows.count(where=rule.fill_null(False))
    if rules:
        whole: Any = ibis.literal(True)
        for rule in rules.values():
            whole = whole & rule.fill_null(True)
        add("all_valid", "", rows.count(where=whole), rows.count(), ~whole)
    if required:
        filled = sum((ibis.ifelse(rows[one].notnull(), 1, 0) for one in required), ibis.literal(0)).cast("int64")
        add("cells", "", filled.sum().cast("int64"), rows.count(), filled < len(required))
        add("squares", "", (filled * filled).sum().cast("int64"))
        add("lacking", "", rows.count(where=filled < len(required)), rows.count())
    event = TABLES[name].event
    if event in has and TABLES[name].columns[event].kind in ("date", "timestamp", "month"):
        age = ibis.literal(as_of).delta(rows[event].cast("date"), unit="day")
        add("oldest", event, age.max())
        add("newest", event, age.min())
    for column in (one for one in FREE_TEXT.get(name, ()) if one in has):
        named = (rows[column].re_search(MAIL_IN_TEXT) | rows[column].re_search(NUMBER_IN_TEXT)).fill_null(False)
        add("named", column, rows.count(where=named), rows.count(where=rows[column].notnull()))
    return keys, rows.aggregate(**counts)


def _due(rows: Any, name: str, as_of: dt.date) -> dict[str, Any]:
    """Of which rows a column ought to be filled, where not of all."""
    import ibis

    has = set(rows.columns)
    if name == "subscriptions" and "ended_at" in has:
        ended = rows.ended_at.notnull()
        if "renewed" in has:
            ended = ended & ~rows.renewed.fill_null(False)
        return {"churn_reason": ended, "churn_kind": ended}
    if name == "tickets":
        old = rows.opened_at.cast("date") <= ibis.literal(as_of - dt.timedelta(days=ANSWERED_DAYS))
        solved = rows.resolved_at.notnull() if "resolved_at" in has else ibis.literal(False)
        return {"first_response_at": old, "closed_notice_at": solved & old, "csat": solved}
    return {}


def _rules(rows: Any, name: str, has: set[str], as_of: dt.date) -> dict[str, Any]:
    """The rules of a table; a row of which nothing can be said breaks none."""
    import ibis

    def both(*columns: str) -> bool:
        return set(columns) <= has

    found: dict[str, Any] = {}
    if name == "customers":
        if "email" in has:
            found["email"] = rows.email.strip().re_search(EMAIL)
        if "phone" in has:
            digits = rows.phone.re_replace("[^0-9]+", "").length()
            found["phone"] = rows.phone.re_search(PHONE) & digits.between(FEWEST_DIGITS, MOST_DIGITS)
        days = [one for one in ("created_at", "updated_at", "consent_at") if one in has]
        for one in days:
            found[f"{one} not in the future"] = rows[one] <= ibis.literal(as_of)
        if both("created_at", "updated_at"):
            found["updated after it was made"] = rows.updated_at >= rows.created_at
    elif name == "transactions":
        if "amount" in has:
            found["amount is not nought"] = rows.amount != 0
        if both("amount", "cost"):
            found["cost below ten times the amount"] = rows.cost <= rows.amount.abs() * 10
    elif name == "tickets":
        if both("first_response_at", "resolved_at"):
            found["answered before it was solved"] = rows.resolved_at >= rows.first_response_at
        if both("resolved_at", "closed_notice_at"):
            found["notice after it was solved"] = rows.closed_notice_at >= rows.resolved_at
    elif name == "subscriptions" and "mrr" in has:
        found["price is not nought"] = rows.mrr > 0
    elif name == "surveys" and both("responded_at", "score", "not_applicable"):
        # who answered, answered the question or said that it does not apply
        seen = rows.score.notnull() | rows.not_applicable.fill_null(False)
        found["score only with an answer"] = ibis.ifelse(seen, rows.responded_at.notnull(), ibis.null("boolean"))
    elif name == "feedback" and both("acknowledged_at", "adopted_at"):
        found["taken up after it was answered"] = rows.adopted_at >= rows.acknowledged_at
    elif name == "crm_usage" and "licensed_users" in has:
        found["not more users than licences"] = rows.active_users <= rows.licensed_users
    return found


def consents(customers: ibis.Table, *, purposes: Sequence[str], money: Any = None) -> pd.DataFrame:
    """Of how many records is there a consent, for each purpose?

    Parameters
    ----------
    customers : ibis.Table
        With ``consent_at``.
    purposes : sequence of str
        What data are used for; with ``consent_purpose`` each must be named in it, several being separated by ``;``.
    money : ibis.Table or None
        From :func:`spend`.

    Returns
    -------
    DataFrame
        ``purpose, given, n, money`` (of those without). The row ``any`` is of a consent with whatever purpose, ``all`` of one
        for all purposes.
    """
    import ibis
    import pandas as pd

    rows = customers
    if money is not None:
        brought = money.select(customer_of=money.customer_id, brought=money.money)
        rows = rows.left_join(brought, rows.customer_id == brought.customer_of)
        rows = rows.select(*customers.columns, worth=ibis.coalesce(rows.brought, ibis.literal("0").cast(MONEY)))
    given = rows.consent_at.notnull()
    told = "consent_purpose" in customers.columns
    conditions = {"any": given & rows.consent_purpose.notnull() if told else given}
    if told:
        # the whole word between separators
        words = ibis.literal(";") + rows.consent_purpose.lower().re_replace(r"\s*;\s*", ";").strip() + ibis.literal(";")
        for one in purposes:
            conditions[one] = given & words.contains(f";{one.strip().lower()};").fill_null(False)
        whole: Any = conditions["any"]
        for one in purposes:
            whole = whole & conditions[one]
        conditions["all"] = whole
    counts: dict[str, Any] = {"n": rows.count()}
    for place, condition in enumerate(conditions.values()):
        counts[f"given{place}"] = rows.count(where=condition)
        if "worth" in rows.columns:
            counts[f"money{place}"] = rows.worth.sum(where=~condition).cast("float64")
    row = to_frame(rows.aggregate(**counts)).iloc[0]
    listed = [
        (one, float(row[f"given{place}"]), float(row["n"]), float(row.get(f"money{place}", float("nan"))))
        for place, one in enumerate(conditions)
    ]
    return pd.DataFrame(listed, columns=["purpose", "given", "n", "money"])


def by_place(customers: ibis.Table, *, place: str, required: Sequence[str]) -> pd.DataFrame:
    """How complete are the records of each system, or of each department?

    Returns
    -------
    DataFrame
        ``place, n, filled, squares``, and ``filled_<column>`` of each required column; ordered. Records of several places are
        a place of their own.
    """
    import ibis

    filled = sum((ibis.ifelse(customers[one].notnull(), 1, 0) for one in required), ibis.literal(0)).cast("int64")
    rows = customers.mutate(place=customers[place].fill_null(""), cells_filled=filled)
    counts: dict[str, Any] = {
        "n": rows.count(),
        "filled": rows.cells_filled.sum().cast("int64"),
        "squares": (rows.cells_filled * rows.cells_filled).sum().cast("int64"),
        **{f"filled_{one}": rows.count(where=rows[one].notnull()) for one in required},
    }
    return to_frame(rows.group_by("place").agg(**counts).order_by("place"))


def matches(customers: ibis.Table, others: Mapping[str, Sequence[ibis.Table]], *, money: Any = None) -> pd.DataFrame:
    """How many customers of each system does the customer table know, and in how many systems is each of them?

    Parameters
    ----------
    customers : ibis.Table
    others : mapping of str to sequence of ibis.Table
        Tables with ``customer_id``, by system.
    money : ibis.Table or None
        From :func:`spend`.

    Returns
    -------
    DataFrame
        ``known`` (in the customer table), a column of true and false for each system, ``n`` (customers), ``money``: a row for
        each combination that there is, ordered.
    """
    import ibis

    parts = []
    for name, tables in others.items():
        for table in tables:
            ids = table.filter(table.customer_id.notnull()).select("customer_id").distinct()
            parts.append(
                ids.mutate(**{f"in_{one}": ibis.literal(1 if one == name else 0) for one in others}, listed=ibis.literal(0))
            )
    listed = customers.select("customer_id").distinct()
    parts.append(listed.mutate(**{f"in_{one}": ibis.literal(0) for one in others}, listed=ibis.literal(1)))
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    kinds = ["listed", *(f"in_{one}" for one in others)]
    each = rows.group_by("customer_id").agg(**{one: rows[one].max() for one in kinds})
    if money is not None:
        brought = money.select(customer_of=money.customer_id, brought=money.money)
        each = each.left_join(brought, each.customer_id == brought.customer_of)
        each = each.select(*kinds, worth=ibis.coalesce(each.brought, ibis.literal("0").cast(MONEY)))
    else:
        each = each.select(*kinds, worth=ibis.literal("0").cast(MONEY))
    counts = {"n": each.count(), "money": each.worth.sum().cast("float64")}
    return to_frame(each.group_by(kinds).agg(**counts).order_by(kinds))


def days_with_rows(table: ibis.Table, *, column: str) -> pd.DataFrame:
    """On which days is there a row?

    Returns
    -------
    DataFrame
        ``day, n``, ordered.
    """
    rows = table.filter(table[column].notnull()).mutate(day=table[column].cast("date"))
    return to_frame(rows.group_by("day").agg(n=rows.count()).order_by("day"))


def contacted(exposures: ibis.Table, customers: ibis.Table) -> pd.DataFrame:
    """How many customers were treated by a campaign without a consent at that time? ``n, without``.

    Of those whom the customer table does not know no consent is known; they are not counted.
    """
    import ibis

    day = exposures.exposed_at if "exposed_at" in exposures.columns else ibis.null("date")
    treated = exposures.filter(exposures.arm == "treated").select("customer_id", day=day.cast("date"))
    given = customers.select(given_of=customers.customer_id, given_on=customers.consent_at)
    rows = treated.inner_join(given, treated.customer_id == given.given_of)
    bad = rows.given_on.isnull() | (rows.given_on > rows.day).fill_null(False)
    each = rows.group_by("customer_id").agg(bad=ibis.ifelse(bad, 1, 0).max())
    return to_frame(each.aggregate(n=each.count(), without=each.count(where=each.bad == 1)))


def silent_since(tables: Mapping[str, Any], *, since: dt.date) -> pd.DataFrame:
    """Of how many records has nothing been heard since a day, where no contract runs? ``n, over``."""
    import ibis

    customers, parts = tables["customers"], []
    for name, table in tables.items():
        event = TABLES[name].event
        if "customer_id" in table.columns and event in table.columns:
            day = table[event].cast("date")
            if name == "subscriptions":
                # a contract that runs is heard of every day
                end = table.ended_at if "ended_at" in table.columns else ibis.null("date")
                day = ibis.coalesce(end.cast("date"), ibis.literal(dt.date(2999, 12, 31)))
            parts.append(table.select("customer_id", day=day))
            if name == "customers" and "updated_at" in table.columns:
                parts.append(table.select("customer_id", day=table.updated_at.cast("date")))
    if not parts:
        return to_frame(customers.aggregate(n=customers.count(), over=customers.count(where=ibis.literal(False))))
    rows = ibis.union(*parts) if len(parts) > 1 else parts[0]
    last = rows.group_by("customer_id").agg(last=rows.day.max())
    last = last.select(last_of=last.customer_id, last=last["last"])
    listed = customers.left_join(last, customers.customer_id == last.last_of)
    old = (listed["last"] < ibis.literal(since)).fill_null(False)
    return to_frame(listed.aggregate(n=listed.count(), over=listed.count(where=old)))


def by_channel(tables: Mapping[str, Any]) -> pd.DataFrame:
    """How many customers came by each channel, how many of them are listed as customers? ``channel, n, known``, ordered."""
    import ibis

    parts = [
        tables[name]
        .filter(tables[name].customer_id.notnull() & tables[name].channel.notnull())
        .select("customer_id", "channel")
        for name in BY_CHANNEL
        if name in tables and {"customer_id", "channel"} <= set(tables[name].columns)
    ]
    if not parts:
        import pandas as pd

        return pd.DataFrame(columns=["channel", "n", "known"])
    rows = (ibis.union(*parts) if len(parts) > 1 else parts[0]).mutate(channel=ibis._.channel.strip().lower()).distinct()
    known = tables["customers"].select("customer_id").distinct()
    listed = known.select(known_of=known.customer_id)
    joined = rows.left_join(listed, rows.customer_id == listed.known_of)
    counts = {"n": joined.count(), "known": joined.count(where=joined.known_of.notnull())}
    return to_frame(joined.group_by("channel").agg(**counts).order_by("channel"))
