"""How good are the customer records? One function per indicator; records are known as they are today only."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.audit.indicators.estimate import (
    NO_COLUMN,
    NO_DATA,
    NO_TABLE,
    SNAPSHOT,
    Estimate,
    clustered_share,
    nothing,
    ratio,
    share,
    waiting_time,
)
from crmkit.analyses.audit.read import History, Window
from crmkit.core.language import mark
from crmkit.data.summaries.audit.customers import CONTACTS, PLACES

if TYPE_CHECKING:
    import pandas as pd

BY_RECORD = mark("ratio, linearised by record")
BY_MODULE = mark("ratio, linearised by month and module")
MEDIAN = mark("median, sign test")
MINUTES_PER_DAY = 1440.0
DERIVED = frozenset({"customer_id", "created_at"})


def _today(function: Callable[[History, Window, float], Estimate]) -> Callable[[History, Window, float], Estimate]:
    """The function for a window that ends today, and the reason for every other."""

    def found(past: History, window: Window, confidence: float) -> Estimate:
        return function(past, window, confidence) if window.months[0] == 0 else nothing(SNAPSHOT)

    found.__doc__ = function.__doc__
    return found


@_today
def complete(past: History, window: Window, confidence: float) -> Estimate:
    """D-COMP: how many of the cells that a record should fill does it fill?"""
    cells = len(past.rules.required)
    missing = [f"customers.{name}" for name in past.rules.required if name not in past.tables["customers"]]
    if missing:
        return nothing(NO_COLUMN, ", ".join(missing))
    records = past.frames["records"]
    filled, n = records["filled"].to_numpy(dtype="float64"), records["n"].to_numpy(dtype="float64")
    found = ratio(np.repeat(filled, n.astype(int)), np.full(int(n.sum()), float(cells)), confidence, method=BY_RECORD)
    return (
        Estimate(found.value, max(found.low, 0.0), min(found.high, 1.0), found.n, 0.0, BY_RECORD, found.sampling)
        if found.known
        else found
    )


@_today
def valid(past: History, window: Window, confidence: float) -> Estimate:
    """D-VALID: how many records break no rule?"""
    if not past.tables["customers"] & set(CONTACTS):
        return nothing(NO_COLUMN, "customers.email | customers.phone")
    records = past.frames["records"]
    return share(float(records.loc[records["valid"].astype(bool), "n"].sum()), float(records["n"].sum()), confidence)


@_today
def consent(past: History, window: Window, confidence: float) -> Estimate:
    """D-CONS: of how many records is there a consent, and its purpose?"""
    records = past.frames["records"]
    if "consent_at" not in past.tables["customers"]:
        return nothing(NO_COLUMN, "customers.consent_at")
    given = records["consent"].eq(True)
    return share(float(records.loc[given, "n"].sum()), float(records["n"].sum()), confidence)


@_today
def duplicates(past: History, window: Window, confidence: float) -> Estimate:
    """D-DUP: how many records stand beside another one of the same person?"""
    if "shared_contacts" not in past.frames:
        return nothing(NO_COLUMN, "customers.email | customers.phone")
    return share(float(extra_records(past.frames["shared_contacts"])), float(past.frames["records"]["n"].sum()), confidence)


def extra_records(shared: pd.DataFrame) -> int:
    """Records beyond the first of each person; persons are records joined by a shared address or number, also through others.

    Examples
    --------
    >>> import pandas as pd
    >>> extra_records(pd.DataFrame({"email": ["a@x.org", "a@x.org", None], "phone": [None, "1234567", "1234567"]}))
    2
    """
    return len(shared) - int(persons(shared).max(initial=-1)) - 1


def persons(shared: pd.DataFrame) -> NDArray[np.int_]:
    """The number of the person, 0, 1, ..., whom each record is of."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs: list[tuple[int, int]] = []
    for name in CONTACTS:
        for members in shared.reset_index(drop=True).groupby(name).indices.values():
            pairs += [(int(members[0]), int(member)) for member in members[1:]]
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    graph = coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(shared), len(shared)))
    _, person = connected_components(graph, directed=False)
    return np.asarray(person, dtype=np.int_)


@_today
def fresh(past: History, window: Window, confidence: float) -> Estimate:
    """D-FRESH: how old is the newest update of half of the records?"""
    if "updated_at" not in past.tables["customers"]:
        return nothing(NO_COLUMN, "customers.updated_at")
    ages = past.frames["ages"]
    known = ages[ages["days"].notna()]
    missing = float(ages["n"].sum() - known["n"].sum())
    if known.empty:
        return nothing(NO_DATA)
    rows = known.assign(minutes=known["days"].astype("float64") * MINUTES_PER_DAY, event=True)
    found = waiting_time(rows, confidence, per=MINUTES_PER_DAY)
    return Estimate(found.value, found.low, found.high, found.n, missing, MEDIAN, found.sampling)


@_today
def matched(past: History, window: Window, confidence: float) -> Estimate:
    """D-MATCH: how many of the customers whom other tables name does the customer table know?"""
    if "found_customers" not in past.frames:
        return nothing(NO_TABLE, "transactions | subscriptions | interactions | tickets | surveys")
    # a list that was made from the other tables knows them all
    if past.tables["customers"] <= DERIVED:
        return nothing(NO_TABLE, "customers")
    row = past.frames["found_customers"].iloc[0]
    return share(float(row["found"]), float(row["n"]), confidence)


@_today
def scattered(past: History, window: Window, confidence: float) -> Estimate:
    """D-SILO: how many persons have separate records in several systems or departments?"""
    if "shared_contacts" not in past.frames:
        return nothing(NO_COLUMN, "customers.email | customers.phone")
    places = [name for name in PLACES if name in past.tables["customers"]]
    if not places:
        return nothing(NO_COLUMN, " | ".join(f"customers.{name}" for name in PLACES))
    shared = past.frames["shared_contacts"]
    person = persons(shared)
    apart = np.zeros(int(person.max(initial=-1)) + 1, dtype=bool)
    for name in places:
        apart |= (shared[name].groupby(person).nunique() > 1).to_numpy()
    everybody = float(past.frames["records"]["n"].sum()) - extra_records(shared)
    return share(float(apart.sum()), everybody, confidence)


def correct(past: History, window: Window, confidence: float) -> Estimate:
    """D-ACC: how many of the cells that somebody checked were right?"""
    return clustered_share(past.rows("checks", window), "correct", "checked", confidence)


def used(past: History, window: Window, confidence: float) -> Estimate:
    """D-USE: how many of those who may use the system do?"""
    rows = past.rows("usage", window)
    if rows.empty:
        return nothing(NO_DATA)
    found = ratio(rows["active"], rows["licensed"], confidence, method=BY_MODULE)
    return (
        Estimate(found.value, max(found.low, 0.0), min(found.high, 1.0), found.n, 0.0, BY_MODULE, found.sampling)
        if not math.isnan(found.value)
        else found
    )


FUNCTIONS: Mapping[str, Callable[[History, Window, float], Estimate]] = {
    "D-COMP": complete,
    "D-ACC": correct,
    "D-DUP": duplicates,
    "D-VALID": valid,
    "D-MATCH": matched,
    "D-SILO": scattered,
    "D-FRESH": fresh,
    "D-CONS": consent,
    "D-USE": used,
}
