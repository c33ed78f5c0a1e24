"""How good are the data, in nine numbers? Each with its interval, target, grade, and who and how much money is concerned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.analyses.data_quality.read import CYCLES, Checked
from crmkit.analyses.data_quality.standards import Standard
from crmkit.core.format import format_value
from crmkit.core.language import mark, one_by_one
from crmkit.core.results import Column, Result, Text, not_assessed
from crmkit.data.summaries.audit.months import MOST_MONTHS, month_ends
from crmkit.models.basics.concentration import Measure
from crmkit.models.basics.grades import score, score_range
from crmkit.models.basics.shares import wilson
from crmkit.models.quality.records import (
    cells_share,
    checked_share,
    extra_share,
    median_of_counts,
    sizes_of,
)

if TYPE_CHECKING:
    import pandas as pd

NAN = math.nan
WILSON, BY_RECORD, BY_PERSON = mark("Wilson"), mark("ratio over records, Student's t"), mark("ratio over persons, normal")
EXACT, SIGN = mark("exact binomial, effective n by record"), mark("median, sign test")
BY_MODULE = mark("ratio over months and modules, Student's t")
# the same words as the audit's, which repeats them
NO_TABLE, NO_COLUMN = mark("a table is missing"), mark("a column is missing")
NO_DATA, TOO_FEW = mark("no data in this period"), mark("too few cases")
NO_KEY = mark("the systems have no customer in common")
ACCURACY_MONTHS = 12
USE_LENGTHS = (1, 3, 6)


@dataclass(frozen=True)
class Found:
    """One measure: a value with its limits, or why there is none.

    Parameters
    ----------
    value, low, high : float
    n, n_missing : float
        Cases, and those of which nothing is known.
    method : str
    customers, money : float
        Concerned; nan where nothing says so.
    reason, needs : str
        Why there is no value, and the table or column that it takes.
    """

    value: float = NAN
    low: float = NAN
    high: float = NAN
    n: float = 0.0
    n_missing: float = 0.0
    method: str = ""
    customers: float = NAN
    money: float = NAN
    reason: str = ""
    needs: str = ""


def _lacking(reason: str, needs: str = "", n: float = 0.0) -> Found:
    return Found(reason=reason, needs=needs, n=n)


def _of(found: Measure, method: str, *, missing: float = 0.0, customers: float = NAN, money: float = NAN) -> Found:
    return Found(found.value, found.low, found.high, float(found.n), missing, method, customers, money)


def share(hits: float, n: float, work: Checked, *, customers: float = NAN, money: float = NAN) -> Found:
    """A share of independent cases."""
    if not n > 0:
        return _lacking(NO_DATA)
    found = wilson([hits], [n], confidence=work.confidence)
    return Found(hits / n, float(found.low[0]), float(found.high[0]), n, 0.0, WILSON, customers, money)


def complete(work: Checked) -> Found:
    """D-COMP: how many of the cells that a record should fill does it fill?"""
    if work.derived:
        return _lacking(NO_TABLE, "customers")
    missing = [f"customers.{name}" for name in work.agreed.required if name not in work.required]
    if missing:
        return _lacking(NO_COLUMN, ", ".join(missing))
    cells, squares, lacking = (work.row("customers", one) for one in ("cells", "squares", "lacking"))
    if cells is None or squares is None or lacking is None or not cells["n"] > 0:
        return _lacking(NO_DATA)
    sums: dict[str, Any] = {"records": float(cells["n"]), "cells": len(work.required), "confidence": work.confidence}
    found = cells_share(float(cells["hits"]), float(squares["hits"]), **sums)
    return _of(found, BY_RECORD, customers=float(lacking["hits"]), money=float(cells["money"]))


def valid(work: Checked) -> Found:
    """D-VALID: how many records break no rule?"""
    if work.derived or not {"email", "phone"} & set(work.company.tables["customers"].columns):
        return _lacking(NO_COLUMN, "customers.email | customers.phone")
    row = work.row("customers", "all_valid")
    if row is None:
        return _lacking(NO_DATA)
    return share(float(row["hits"]), float(row["n"]), work, customers=float(row["n"] - row["hits"]), money=float(row["money"]))


def duplicates(work: Checked) -> Found:
    """D-DUP: how many records stand beside another one of the same person?"""
    if "shared" not in work.frames:
        return _lacking(NO_COLUMN, "customers.email | customers.phone | customers.tax_id")
    shared, total = work.frames["shared"], work.row("customers", "rows")
    records = float(total["hits"]) if total is not None else 0.0
    if not records > 0:
        return _lacking(NO_DATA)
    person = shared["person"].to_numpy(dtype=np.int_)
    found = extra_share(sizes_of(person, records=records), confidence=work.confidence)
    method = BY_PERSON if len(shared) else WILSON
    return _of(
        found, method, customers=float(len(shared)), money=float(shared["money"].sum(min_count=1)) if len(shared) else 0.0
    )


def matched(work: Checked) -> Found:
    """D-MATCH: how many of the customers whom other tables name does the customer table know?"""
    if work.derived:
        return _lacking(NO_TABLE, "customers")
    if "matches" not in work.frames:
        return _lacking(NO_TABLE, "transactions | subscriptions | interactions | tickets | surveys")
    rows = named(work)
    n, known = float(rows["n"].sum()), float(rows.loc[rows["listed"] == 1, "n"].sum())
    if n and not known:
        return _lacking(NO_KEY, "customer_id", n=n)
    lost = rows[rows["listed"] == 0]
    return share(known, n, work, customers=float(lost["n"].sum()), money=_money(float(lost["money"].sum()), work))


def named(work: Checked) -> pd.DataFrame:
    """Customers whom at least one system names, by combination of systems."""
    rows = work.frames["matches"]
    flags = [one for one in rows.columns if one.startswith("in_")]
    return rows[rows[flags].sum(axis=1) > 0]


def _money(value: float, work: Checked) -> float:
    return value if work.has_money else NAN


def scattered(work: Checked) -> Found:
    """D-SILO: how many persons have separate records in several systems or departments?"""
    if "shared" not in work.frames:
        return _lacking(NO_COLUMN, "customers.email | customers.phone")
    places = [name for name in ("source_system", "department") if name in work.frames]
    if not places:
        return _lacking(NO_COLUMN, "customers.source_system | customers.department")
    shared, total = work.frames["shared"], work.row("customers", "rows")
    records = float(total["hits"]) if total is not None else 0.0
    person = shared["person"].to_numpy(dtype=np.int_)
    apart = np.zeros(int(person.max(initial=-1)) + 1, dtype=bool)
    for name in places:
        apart |= (shared[name].groupby(person).nunique() > 1).to_numpy() if len(shared) else apart
    everybody = records - (len(shared) - len(apart))
    money = float(shared["money"].groupby(person).sum()[apart].sum()) if len(shared) else 0.0
    return share(float(apart.sum()), everybody, work, customers=float(apart.sum()), money=_money(money, work))


def fresh(work: Checked) -> Found:
    """D-FRESH: how old is the newest update of half of the records?"""
    if work.derived or "updated_at" not in work.company.tables["customers"].columns:
        return _lacking(NO_COLUMN, "customers.updated_at")
    ages = work.frames["ages"]
    known = ages[ages["days"].notna()]
    missing = float(ages["n"].sum() - known["n"].sum())
    if known.empty:
        return _lacking(NO_DATA, "customers.updated_at", n=0.0)
    found = median_of_counts(known["days"], known["n"], confidence=work.confidence)
    late = float(known.loc[known["days"] > work.standards["D-FRESH"].cuts[1], "n"].sum())
    return _of(found, SIGN, missing=missing, customers=late)


def correct(work: Checked, *, month: int = 0) -> Found:
    """D-ACC: how many of the cells that somebody checked in a year were right?"""
    if "checks" not in work.frames:
        return _lacking(NO_TABLE, "verification")
    rows = work.frames["checks"]
    rows = rows[(rows["month"] >= month) & (rows["month"] < month + ACCURACY_MONTHS)]
    by_record = rows.groupby("customer_id")[["checked", "correct"]].sum()
    if by_record.empty:
        return _lacking(NO_DATA)
    found = checked_share(by_record["correct"], by_record["checked"], confidence=work.confidence)
    return _of(found, EXACT)


def used(work: Checked, *, month: int = 0, months: int = 0) -> Found:
    """D-USE: how many of those who may use the system do?"""
    if "usage" not in work.frames:
        missing = "crm_usage" in work.company.tables
        return _lacking(NO_COLUMN, "crm_usage.licensed_users") if missing else _lacking(NO_TABLE, "crm_usage")
    months = months or CYCLES[work.agreed.cycle]
    rows = work.frames["usage"]
    rows = rows[(rows["month"] >= month) & (rows["month"] < month + months)]
    return use_of(rows, work)


def use_of(rows: pd.DataFrame, work: Checked) -> Found:
    """Active over licensed users of some months and modules."""
    from scipy.special import stdtrit

    active, licensed = rows["active"].to_numpy(dtype="float64"), rows["licensed"].to_numpy(dtype="float64")
    if not licensed.sum() > 0:
        return _lacking(NO_DATA)
    value, n = float(active.sum() / licensed.sum()), len(rows)
    if n < 2:
        return _lacking(TOO_FEW, n=float(n))
    rest = active - value * licensed
    error = math.sqrt(n / (n - 1) * float(rest @ rest)) / float(licensed.sum())
    reach = float(stdtrit(n - 1, 0.5 + work.confidence / 2)) * error
    return Found(value, max(value - reach, 0.0), min(value + reach, 1.0), float(n), 0.0, BY_MODULE)


def consent(work: Checked) -> Found:
    """D-CONS: of how many records is there a consent for all purposes that the data are used for?"""
    if work.derived or "consents" not in work.frames:
        return _lacking(NO_COLUMN, "customers.consent_at")
    rows = work.frames["consents"].set_index("purpose")
    if "all" not in rows.index and work.agreed.purposes:
        return _lacking(NO_COLUMN, "customers.consent_purpose")
    row = rows.loc["all" if "all" in rows.index else "any"]
    return share(
        float(row["given"]), float(row["n"]), work, customers=float(row["n"] - row["given"]), money=float(row["money"])
    )


MEASURES = {
    "D-COMP": complete,
    "D-VALID": valid,
    "D-DUP": duplicates,
    "D-MATCH": matched,
    "D-SILO": scattered,
    "D-FRESH": fresh,
    "D-ACC": correct,
    "D-CONS": consent,
    "D-USE": used,
}
COLUMNS = (
    Column("label", "Measure", translate=True),
    Column("value", "Value", "number"),
    Column("interval", "Interval", "number"),
    Column("n", "n", "count"),
    Column("target_text", "Target"),
    Column("grade", "Grade, 1 to 5", "count"),
    Column("customers", "Customers concerned", "count"),
    Column("money", "Their revenue in a year", "money"),
    Column("method", "Method", translate=True),
)


def graded(found: Found, held: Standard) -> dict[str, Any]:
    """A measure as a row: value, limits, target, grade and the grades that the limits allow."""
    few = not found.reason and found.n < held.least
    reason = found.reason or (TOO_FEW if few else "")
    cuts: dict[str, Any] = {"cuts": held.cuts, "direction": held.direction}
    grade = NAN if reason else score(found.value, **cuts)
    low, high = (NAN, NAN) if reason else score_range(found.value, found.low, found.high, **cuts)
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "n_missing": found.n_missing,
        "unit": held.unit,
        "method": found.method,
        "target": held.target,
        "own_target": held.own,
        "direction": held.direction,
        "grade": grade,
        "grade_low": low,
        "grade_high": high,
        "customers": found.customers,
        "money": 0.0 if found.customers == 0 and math.isnan(found.money) else found.money,
        "reason": reason,
        "needs": found.needs,
    }


def measured(work: Checked) -> pd.DataFrame:
    """All nine measures, a row each, in the order of the standards; those without a value say why."""
    import pandas as pd

    rows = [
        {"indicator": one, "label": held.label, **graded(MEASURES[one](work), held)} for one, held in work.standards.items()
    ]
    return pd.DataFrame(rows)


def earlier(work: Checked) -> pd.DataFrame:
    """The measures that are known of earlier times, month by month: use of the system, and checked cells of a year.

    Returns
    -------
    DataFrame
        ``indicator, month_end, months, value, low, high, n, method``, the newest first.
    """
    import pandas as pd

    ends = month_ends(work.company.as_of)
    rows = []
    for month in range(MOST_MONTHS):
        found = [("D-USE", length, used(work, month=month, months=length)) for length in USE_LENGTHS]
        found.append(("D-ACC", ACCURACY_MONTHS, correct(work, month=month)))
        rows += [
            (name, pd.Timestamp(ends[month]), months, one.value, one.low, one.high, one.n, one.method)
            for name, months, one in found
            if not one.reason
        ]
    return pd.DataFrame(rows, columns=["indicator", "month_end", "months", "value", "low", "high", "n", "method"])


def indicators(work: Checked) -> Result:
    """How good are the data, measure by measure? What could not be assessed comes last; the page names it below."""
    import pandas as pd

    title = Text("How good the data are, measure by measure")
    table = measured(work)
    table["measure"] = table["label"]
    table["target_text"] = [
        format_value(row["target"], row["unit"], language=work.company.language) for row in table.to_dict("records")
    ]
    if table["grade"].isna().all() and table["value"].isna().all():
        return not_assessed("data_quality_indicators", title, Text("needs customers"))
    note = Text(
        "Grade: a step function of the value; targets are placeholders of the kit until the company sets its own. A customer "
        "can be concerned by several measures."
    )
    known = table["value"].notna()
    missing = [Text(label) for label in table.loc[~known, "label"]]
    if missing:
        note = Text("{note} Not assessed: {missing}.", {"note": note, "missing": one_by_one(missing)})
    shown = table[COLUMN_NAMES + [one for one in table.columns if one not in COLUMN_NAMES]]
    shown = pd.concat([shown[known], shown[~known]], ignore_index=True)
    shown.attrs["rows"] = int(known.sum())
    return Result("data_quality_indicators", "table", title, shown, columns=COLUMNS, note=note)


COLUMN_NAMES = ["indicator", "label"]


def series(work: Checked) -> Result:
    """The course of what is known of earlier times, for the pages that compare."""
    title = Text("Use and checks of the data over time")
    table = earlier(work)
    if table.empty:
        return not_assessed("data_quality_earlier", title, Text("needs the use of the system, or a sample that was looked up"))
    return Result("data_quality_earlier", "table", title, table)
