"""When did each customer come, how long did they stay, and did they leave? What every part of the analysis starts from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crmkit.analyses.churn.definition import Definition, observed_since
from crmkit.analyses.churn.silence import silences
from crmkit.core.errors import DataError, ParamError, Problem, did_you_mean
from crmkit.core.results import Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import spells as subscription_summaries
from crmkit.models.survival import InactivityWindow

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmkit.data.client import Client

GROUPS = ("plan", "size", "region", "industry", "acquisition_channel")
MOST_LEVELS = 8
SHORTEST_SPAN_DAYS = 120
REST = "other"


@dataclass(frozen=True)
class Past:
    """Customers and how long they stayed, as of one day.

    Parameters
    ----------
    kind : {"contractual", "non_contractual"}
    as_of, start : date
        Last day that counts and first day on which a customer came.
    horizon_days : int
        How far ahead leaving is predicted; without contracts at least the inactivity window.
    grace_days : int
        Days within which a new contract continues the old one.
    sampling : {"cohort", "active", "last_period"}
        Which customers the data hold.
    since : date or None
        First day of observation where earlier leavers are not in the data.
    groups : tuple of str
        Columns that split the results, the main one first.
    spells : DataFrame
        One row per spell: ``customer_id, spell, started_at, ended_at, observed_end, entry_days, duration_days,
        event_observed, event, churn_reason, plan, mrr`` and the groups (the plan is the one at the start).
    window : InactivityWindow or None
        Without contracts: the silence after which a customer counts as gone.
    window_reason : Text or str
        Why it cannot be said who has left; empty where it can.
    purchases : DataFrame or None
        Without contracts: ``customer_id, day, amount``, one row per customer and purchase day, ordered.
    tables : mapping of str to ibis.Table
    min_cell : int
    confidence : float
    """

    kind: str
    as_of: dt.date
    start: dt.date
    horizon_days: int
    grace_days: int
    sampling: str
    since: dt.date | None
    groups: tuple[str, ...]
    spells: pd.DataFrame
    window: InactivityWindow | None
    window_reason: Text | str
    purchases: pd.DataFrame | None
    tables: Mapping[str, ibis.Table] = field(repr=False)
    min_cell: int = 10
    confidence: float = 0.95

    @property
    def contractual(self) -> bool:
        return self.kind == "contractual"

    @property
    def usable(self) -> bool:
        """Whether it can be said who has left."""
        return not self.window_reason

    @property
    def span_days(self) -> int:
        return (self.as_of - self.start).days + 1


def history(company: Client, rule: Definition, *, groups: Sequence[str] = (), confidence: float = 0.95) -> Past:
    """How long did the customers of a client stay, by the definition that was declared?

    Parameters
    ----------
    company : Client
        With a table ``subscriptions`` (contractual) or ``transactions`` (non_contractual).
    rule : Definition
        From :func:`crmkit.analyses.churn.define`.
    groups : sequence of str
        Columns that split the results; empty: those of plan, size, region, industry, acquisition_channel that are there.
    confidence : float
        Coverage of every interval.

    Raises
    ------
    ParamError
        For an unknown group, and a first day of observation after the last.
    DataError
        When the table that the kind needs holds nothing to learn from.

    Notes
    -----
    Where the table is missing, or the data are too short for the horizon, nothing is usable, and ``window_reason`` says why:
    every exhibit then says so in its place.
    """
    since = observed_since(rule, company.as_of)
    kind = rule.kind if rule.kind != "auto" else "contractual" if "subscriptions" in company.tables else "non_contractual"
    contractual = kind == "contractual"
    needed = "subscriptions" if contractual else "transactions"
    if needed not in company.tables:
        missing = (
            Text("needs {table}", {"table": needed}) if rule.kind != "auto" else Text("needs subscriptions or transactions")
        )
        return _nothing(company, rule, kind, missing, confidence)
    reason: Text | str
    if contractual:
        spells, window, reason, purchases = _contracts(company, rule.grace_days, since), None, "", None
    else:
        spells, window, reason, purchases = silences(company, since=since, confidence=confidence)
    names, spells = _grouped(company, spells, groups)
    start = spells["started_at"].min().date()
    span = (company.as_of - start).days + 1
    if rule.horizon_days > span // 2:
        short = f"the horizon is {rule.horizon_days} days, but the data cover {span}; at most half of them can be looked ahead"
        return _nothing(company, rule, kind, short, confidence)
    return Past(
        kind=kind,
        as_of=company.as_of,
        start=start,
        horizon_days=rule.horizon_days if window is None else max(rule.horizon_days, int(window.window)),
        grace_days=rule.grace_days if contractual else 0,
        sampling=rule.sampling,
        since=since,
        groups=names,
        spells=spells,
        window=window,
        window_reason=reason,
        purchases=purchases,
        tables=company.tables,
        min_cell=company.settings.privacy.min_cell,
        confidence=confidence,
    )


def _nothing(company: Client, rule: Definition, kind: str, reason: Text | str, confidence: float) -> Past:
    """Nothing can be said of who left, and why."""
    import pandas as pd

    cell = company.settings.privacy.min_cell
    return Past(
        kind, company.as_of, company.as_of, rule.horizon_days, rule.grace_days, rule.sampling, None, (), pd.DataFrame(), None,
        reason, None, company.tables, cell, confidence,
    )  # fmt: skip


def _contracts(company: Client, grace_days: int, since: dt.date | None) -> pd.DataFrame:
    rows = subscription_summaries.spells(
        company.tables["subscriptions"], as_of=company.as_of, grace_days=grace_days, since=since
    )
    found = to_frame(rows)
    # who ended on the first day was never under observation; a row of no length says nothing
    found = found[found["duration_days"] > found["entry_days"]].reset_index(drop=True)
    if not len(found):
        raise DataError("subscriptions: no contract lasted a day within the time observed; check started_at and ended_at")
    return found


def _grouped(company: Client, spells: pd.DataFrame, groups: Sequence[str]) -> tuple[tuple[str, ...], pd.DataFrame]:
    """The spells with their groups beside them: of few levels, without gaps."""
    table = spells.copy()
    if "first_plan" in table:
        # by the last plan, customers would have to survive until they change it
        table["plan"] = table["first_plan"]
    known = company.tables.get("customers")
    beside = [name for name in (groups or GROUPS) if known is not None and name in known.columns and name not in table]
    if known is not None and beside:
        attributes = to_frame(known.select("customer_id", *beside))
        table = table.merge(attributes.drop_duplicates("customer_id"), how="left", on="customer_id", validate="many_to_one")
    there = [name for name in GROUPS if name in table and table[name].notna().any() and table[name].nunique() > 1]
    unknown = [name for name in groups if name not in table]
    if unknown:
        offered = sorted({*there, *(known.columns if known is not None else ())} - {"customer_id"})
        raise ParamError([Problem("groups:", f"no column '{name}'", did_you_mean(name, offered)) for name in unknown])
    names = tuple(groups) if groups else tuple(there)
    return names, table.assign(**{name: _levels(table[name]) for name in names})


def _levels(column: pd.Series[Any]) -> pd.Series[Any]:
    """At most eight levels, the rarest together; a missing one is a level."""
    words = column.astype("object").where(column.notna(), "–").astype(str)
    counts = words.value_counts()
    kept = sorted(counts.index, key=lambda level: (-counts[level], level))[: MOST_LEVELS - 1]
    return words if len(counts) <= MOST_LEVELS else words.where(words.isin(kept), REST)
