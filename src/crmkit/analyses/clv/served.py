"""Is each tier, and each kind of customer, served as it should be? Speed and quality by tier, cost by kind of customer."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.clv.read import Purchases, no_value
from crmkit.analyses.clv.segments import NAMES
from crmkit.analyses.clv.service import effort_of, levels_of, rows_of
from crmkit.analyses.clv.values import Values
from crmkit.core.language import level_name, mark
from crmkit.core.privacy import suppress_small
from crmkit.core.results import Column, Finding, Numbers, Quantity, Result, Text, Unit, not_assessed
from crmkit.data.sources.engine import to_frame
from crmkit.data.tables.groups import NOT_KNOWN
from crmkit.models.basics.estimates import critical
from crmkit.models.basics.families import holm

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

SPLITS = ("size", "industry", "region", "acquisition_channel")
SIGNIFICANT = 0.05
FEWEST_OF_A_TIER = 5
NOBODY = ""
MEASURES: dict[str, tuple[str, Unit]] = {
    "response": (mark("Hours to the first answer"), "hours"),
    "resolution": (mark("Hours to the solution"), "hours"),
    "csat": (mark("Score given to the handling"), "score"),
    "reopened": (mark("Opened again"), "share"),
}


def service_quality(company: Client, past: Purchases, values: Values | None) -> Result:
    """Are better tiers answered sooner and served better than others?

    Parameters
    ----------
    company : Client
        With a table ``tickets``.
    past : Purchases
    values : Values or None

    Returns
    -------
    Result
        A row per measure and tier: customers with a ticket in the last year, the mean over customers with its interval, and p
        of the tiers being alike, corrected for the number of measures.

    Notes
    -----
    A customer's tickets are averaged first, so that who asks often does not count for many. Kruskal-Wallis over customers;
    p-values after Holm.
    """
    import pandas as pd

    name, title = "clv_service_quality", Text("Speed and quality of service, by tier")
    if values is None or values.clv is None:
        return not_assessed(name, title, no_value(past))
    if "tickets" not in company.tables:
        return not_assessed(name, title, Text("needs tickets: when they were opened, answered and solved"))
    each = _handled(company, past)
    each = each.merge(values.customers[["customer_id", "tier"]], on="customer_id")
    tiers = [tier for tier in values.tiering.names if (each["tier"] == tier).sum() >= FEWEST_OF_A_TIER]
    rows, tests = [], {}
    for measure in [one for one in MEASURES if one in each]:
        seen = each[each[measure].notna() & each["tier"].isin(tiers)]
        groups = [seen.loc[seen["tier"] == tier, measure].to_numpy(dtype="float64") for tier in tiers]
        if len(groups) < 2 or min(map(len, groups)) < FEWEST_OF_A_TIER:
            continue
        tests[measure] = _alike(groups)
        rows += [_mean(measure, tier, values_, past.confidence) for tier, values_ in zip(tiers, groups, strict=True)]
    if not rows:
        return not_assessed(name, title, Text("too few customers of two tiers had a ticket in the last year"))
    adjusted = dict(zip(tests, holm(list(tests.values())), strict=True))
    table = pd.DataFrame(rows)
    table["p"] = table["key"].map(adjusted)
    hidden = ["value", "low", "high", "p"]
    shown = suppress_small(table, values=hidden, min_cell=past.min_cell, within="key")
    return Result(
        name,
        "table",
        title,
        shown.drop(columns="key"),
        columns=(
            Column("measure", "Measure", translate=True),
            Column("group", "Tier"),
            Column("n", "Customers", "count"),
            Column("value", "Mean", "number", limits=("low", "high")),
            Column("p", "p", "p"),
        ),
        finding=_quality_finding(table, adjusted),
        note=Text(
            "Tickets of the last {days}; the mean of customers' own means, normal intervals. p of the tiers being alike: "
            "Kruskal-Wallis, after Holm for {n} measures. Tickets that wait for an answer or a solution are not in it.",
            {"days": Quantity(past.spend.recent_days, "days"), "n": Quantity(len(tests), "count")},
        ),
    )


def _handled(company: Client, past: Purchases) -> pd.DataFrame:
    """The means of each customer's tickets of the last year: hours to answer and to solution, score, share opened again."""
    import pandas as pd

    tickets = company.tables["tickets"]
    wanted = ("customer_id", "opened_at", "first_response_at", "resolved_at", "csat", "reopened")
    rows = to_frame(tickets.select(*[one for one in wanted if one in tickets.columns]).order_by("customer_id", "opened_at"))
    opened = pd.to_datetime(rows["opened_at"])
    after = pd.Timestamp(past.as_of - dt.timedelta(days=past.spend.recent_days) + dt.timedelta(days=1))
    until = pd.Timestamp(past.as_of + dt.timedelta(days=1))
    for found, column in (("response", "first_response_at"), ("resolution", "resolved_at")):
        if column in rows:
            day = pd.to_datetime(rows[column])
            rows[found] = (day - opened).dt.total_seconds().where(day < until) / 3600
    for column in ("csat", "reopened"):
        if column in rows:
            rows[column] = rows[column].astype("float64")
    rows = rows[(opened >= after) & (opened < until)]
    return rows.groupby("customer_id", as_index=False)[[one for one in MEASURES if one in rows]].mean()


def _alike(groups: list[np.ndarray]) -> float:
    """p of all groups having one distribution."""
    from scipy.stats import kruskal

    return 1.0 if len(np.unique(np.concatenate(groups))) < 2 else float(kruskal(*groups).pvalue)


def _mean(measure: str, tier: str, values: np.ndarray, confidence: float) -> dict[str, Any]:
    label, unit = MEASURES[measure]
    reach = critical(confidence) * float(values.std(ddof=1)) / len(values) ** 0.5
    mean = float(values.mean())
    limits = (max(mean - reach, 0.0), min(mean + reach, 1.0) if unit == "share" else mean + reach)
    row = {"key": measure, "measure": label, "group": tier, "n": float(len(values)), "value": mean}
    return {**row, "low": limits[0], "high": limits[1], "unit": unit}


def _quality_finding(table: pd.DataFrame, adjusted: dict[str, float]) -> Finding:
    told = [measure for measure, p in adjusted.items() if p < SIGNIFICANT]
    if not told:
        text = Text("All tiers are served alike: no measure of speed or quality differs significantly.")
        return Finding("clv.service_quality", "info", None, text, evidence=("clv_service_quality",))
    own = table[table["key"] == min(told, key=lambda one: adjusted[one])]
    first, last = own.iloc[0], own.iloc[-1]
    numbers: Numbers = {
        "measure": Text(str(first["measure"])),
        "tier": str(first["group"]),
        "other": str(last["group"]),
        "here": Quantity(first["value"], first["unit"]),
        "there": Quantity(last["value"], last["unit"]),
    }
    text = Text("Tiers are not served alike. {measure}: {here} in tier {tier}, {there} in tier {other}.", numbers)
    return Finding("clv.service_quality", "info", None, text, evidence=("clv_service_quality",))


def service_by(company: Client, past: Purchases, values: Values | None) -> Result:
    """How should each kind of customer be served, what does that cost, and who looks after them?

    Parameters
    ----------
    company : Client
        With tickets or costs; the customers' size splits them, else industry, region or channel of acquisition.
    past : Purchases
    values : Values or None

    Returns
    -------
    Result
        A row per kind: customers, suggested service, expected value and cost of serving per customer, cost per money brought,
        and the person in charge of most of them. Costs are spread as in :func:`crmkit.analyses.clv.service.service`.
    """
    name, title = "clv_service_by", Text("Service for each kind of customer")
    if values is None or values.clv is None:
        return not_assessed(name, title, no_value(past))
    column = next((one for one in SPLITS if one in past.people.attributes and past.people.attributes[one].notna().any()), "")
    effort = effort_of(company, past)
    if not column or effort.by_head is None:
        missing = Text("needs customers with a size, an industry, a region or a channel") if not column else Text("needs costs")
        return not_assessed(name, title, missing)
    kinds = past.people.attributes.set_index("customer_id")[column].astype("object")
    each = values.customers[["customer_id", "clv"]].copy()
    each["tier"] = kinds.reindex(each["customer_id"]).fillna(NOT_KNOWN).astype(str).to_numpy()
    brought = past.spend.recent.set_index("customer_id")["amount"]
    each["brought"] = values.terms.margin * brought.reindex(each["customer_id"]).fillna(0.0).to_numpy()
    if effort.tickets is not None:
        each["tickets"] = effort.tickets.set_index("customer_id")["tickets"].reindex(each["customer_id"]).fillna(0).to_numpy()
    order = each.groupby("tier")["clv"].mean().sort_values(ascending=False, kind="stable").index.tolist()
    rows = rows_of(each, effort, past, names=order)
    rows["level"] = levels_of(rows)
    for total in ("value", "cost", "cost_low", "cost_high"):
        if total in rows:
            rows[f"{total}_each"] = rows[total] / rows["n"]
    rows["owner"] = _owners(company, each)
    rows["group"] = [level_name(NAMES[column], one) for one in rows["tier"]]
    hidden = [one for one in rows.columns if one not in ("tier", "group", "level", "owner", "n")]
    shown = suppress_small(rows, values=hidden, min_cell=past.min_cell)
    both = "cost_low_each" in rows
    limits = ("cost_low_each", "cost_high_each") if both else None
    columns = (
        Column("group", "Customers", translate=True),
        Column("n", "How many", "count"),
        Column("level", "Suggested service", translate=True),
        *((Column("owner", "In charge"),) if any(rows["owner"]) else ()),
        Column("value_each", "Expected value each", "money"),
        Column("cost_each", "Cost of serving each", "money", limits=limits),
        Column("ratio", "Cost per money brought", "share"),
    )
    note = _kind_note(past, owned=any(rows["owner"]))
    return Result(name, "table", title, shown, columns=columns, finding=_kind_finding(shown), note=note)


def _owners(company: Client, each: pd.DataFrame) -> list[str]:
    """Who is in charge of most customers of each kind, in the order of the table."""
    table = company.tables.get("customers")
    order = each.groupby("tier")["clv"].mean().sort_values(ascending=False, kind="stable").index
    if table is None or "owner" not in table.columns:
        return [NOBODY] * len(order)
    known = to_frame(table.select("customer_id", "owner").order_by("customer_id")).set_index("customer_id")["owner"]
    owner = each.assign(owner=known.reindex(each["customer_id"]).to_numpy())
    return [str(next(iter(owner.loc[owner["tier"] == kind, "owner"].dropna().mode()), NOBODY)) for kind in order]


def _kind_finding(rows: pd.DataFrame) -> Finding | None:
    known = rows[~rows["suppressed"].astype(bool) & (rows["tier"] != NOT_KNOWN) & (rows["brought"] > 0)]
    if len(known) < 2 or not known["cost"].sum() > 0:
        return None
    dear, cheap = known.loc[known["ratio"].idxmax()], known.loc[known["ratio"].idxmin()]
    text = Text(
        "Serving took {most} of what customers of the kind {dear} brought, and {least} of the kind {cheap}.",
        {
            "dear": Text("{kind}", {"kind": str(dear["tier"])}),
            "cheap": Text("{kind}", {"kind": str(cheap["tier"])}),
            "most": Quantity(dear["ratio"], "share"),
            "least": Quantity(cheap["ratio"], "share"),
        },
    )
    return Finding("clv.service_by", "info", None, text, evidence=("clv_service_by",))


def _kind_note(past: Purchases, *, owned: bool) -> Text:
    text = Text(
        "The kinds worth most come first. Costs of the last {days}, spread as in the table of tiers; limits follow from the "
        "mean number of tickets. Track the cost of serving and the expected value of each kind from report to report.",
        {"days": Quantity(past.spend.recent_days, "days")},
    )
    return text if owned else Text("{note} The table of customers names nobody in charge (owner).", {"note": text})
