"""Whom do the answers stand for? The customers of each wave's day, and how they divide."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.spells import active_contracts

if TYPE_CHECKING:
    import ibis
    import pandas as pd

GROUPS = ("size", "region", "industry", "acquisition_channel")
MOST_LEVELS = 8
UNKNOWN, REST = "–", "other"
EVERYBODY = Text("everybody in the table of customers by then")
CONTRACTS = Text("everybody with a running contract")
BUYERS = Text("everybody who bought within {days} before")


def known_groups(customers: ibis.Table | None, groups: Sequence[str]) -> tuple[tuple[str, ...], pd.DataFrame | None]:
    """Which columns split the customers, and into which levels?

    Parameters
    ----------
    customers : ibis.Table or None
    groups : sequence of str
        Asked for; empty: those of :data:`GROUPS` that are there and hold more than one level.

    Returns
    -------
    names : tuple of str
    table : DataFrame or None
        ``customer_id, created_at`` (where there is one) and the groups: at most eight levels each, the rarest joined, a missing
        one a level of its own.

    Raises
    ------
    ParamError
        For a column that is not there.
    """
    if customers is None:
        if groups:
            raise ParamError(Problem("groups:", f"no column '{groups[0]}'", "there is no table of customers"))
        return (), None
    unknown = [name for name in groups if name not in customers.columns]
    if unknown:
        offered = [name for name in customers.columns if name != "customer_id"]
        raise ParamError([Problem("groups:", f"no column '{name}'", did_you_mean(name, offered)) for name in unknown])
    wanted = list(groups) or [name for name in GROUPS if name in customers.columns]
    beside = [name for name in ("created_at",) if name in customers.columns]
    table = to_frame(customers.select("customer_id", *beside, *wanted)).drop_duplicates("customer_id", ignore_index=True)
    names = tuple(name for name in wanted if groups or (table[name].notna().any() and table[name].nunique() > 1))
    return names, table[["customer_id", *beside, *names]].assign(**{name: _levels(table[name]) for name in names})


def base_of_waves(
    tables: Mapping[str, ibis.Table],
    days: Mapping[str, dt.date],
    reported: str,
    attributes: pd.DataFrame | None,
    groups: Sequence[str],
    *,
    base_days: int,
) -> tuple[pd.DataFrame | None, pd.DataFrame, Text]:
    """Who was a customer when each wave was sent, and how did they divide?

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    days : mapping of wave to date
    reported : str
        The wave whose customers are returned one by one.
    attributes : DataFrame or None
        From :func:`known_groups`.
    groups : sequence of str
    base_days : int
        As for :func:`crmkit.analyses.satisfaction.answers`.

    Returns
    -------
    customers : DataFrame or None
        ``customer_id`` and the groups, of the wave reported.
    margins : DataFrame
        ``wave, margin, level, customers``.
    rule : Text
        Who counts as a customer.
    """
    import pandas as pd

    shape = {"wave": "object", "margin": "object", "level": "object", "customers": "int64"}
    counted: list[pd.DataFrame] = []
    found: pd.DataFrame | None = None
    for wave, day in days.items():
        if attributes is None:
            break
        there = _there(tables, attributes, day, base_days)
        if wave == reported:
            found = there[["customer_id", *groups]].reset_index(drop=True)
        for name in groups:
            sizes = there[name].value_counts().sort_index()
            counted.append(
                pd.DataFrame({"wave": wave, "margin": name, "level": sizes.index, "customers": sizes.to_numpy(dtype="int64")})
            )
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in shape.items()})
    return found, pd.concat(counted, ignore_index=True) if counted else empty, _rule(tables, base_days)


def _rule(tables: Mapping[str, ibis.Table], base_days: int) -> Text:
    if "subscriptions" in tables:
        return CONTRACTS
    if "transactions" in tables:
        return Text(BUYERS.template, {"days": Quantity(base_days, "days")})
    return EVERYBODY


def _there(tables: Mapping[str, ibis.Table], attributes: pd.DataFrame, day: dt.date, base_days: int) -> pd.DataFrame:
    """The customers of a day; everybody known by then where no purchase or contract says who is one."""
    import ibis
    import pandas as pd

    ids: Any = None
    if "subscriptions" in tables:
        ids = active_contracts(tables["subscriptions"], t0=day).select("customer_id").distinct()
    elif "transactions" in tables:
        bought = tables["transactions"]
        since = ibis.literal(day - dt.timedelta(days=base_days))
        ordered = bought.ordered_at.cast("date")
        ids = bought.filter((ordered >= since) & (ordered < ibis.literal(day))).select("customer_id").distinct()
    if ids is not None:
        found = attributes[attributes["customer_id"].isin(set(to_frame(ids)["customer_id"]))]
        if len(found):
            return found
    if "created_at" in attributes:
        created = pd.to_datetime(attributes["created_at"])
        return attributes[created.isna() | (created <= pd.Timestamp(day))]
    return attributes


def _levels(column: pd.Series[Any]) -> pd.Series[Any]:
    words = column.astype("object").where(column.notna(), UNKNOWN).astype(str)
    counts = words.value_counts()
    kept = sorted(counts.index, key=lambda level: (-counts[level], level))[: MOST_LEVELS - 1]
    return words if len(counts) <= MOST_LEVELS else words.where(words.isin(kept), REST)
