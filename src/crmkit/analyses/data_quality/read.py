"""What is taken from the client: one query per table that counts everything, and what lies between tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from crmkit.analyses.data_quality.standards import Standard, standards
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import duplicates as doubles
from crmkit.data.summaries import quality
from crmkit.data.summaries.audit import customers as records
from crmkit.data.summaries.audit import organisation
from crmkit.data.summaries.audit.months import month_starts
from crmkit.data.summaries.standing import ACTIVE_DAYS
from crmkit.data.tables import TABLES
from crmkit.models.records.groups import STRONG, same_customers

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

REQUIRED = ("name", "email", "phone", "region")
# a customer table with no more than this was made of the other tables
DERIVED = frozenset({"customer_id", "created_at"})
# tables of which there is a row every few days, so that days without one may tell something
FLOWS = ("transactions", "interactions", "tickets", "ticket_events", "feedback", "opportunities")
CYCLES = {"quarter": 3, "half_year": 6}
# what records of one person should say alike
COMPARED = ("name", "region", "size", "industry", "acquisition_channel", "owner")


@dataclass(frozen=True)
class Agreed:
    """What the company has agreed upon about its data; the defaults are the kit's placeholders.

    Parameters
    ----------
    required : sequence of str
        Columns of ``customers`` that a record ought to fill.
    purposes : sequence of str
        What customers' data are used for, as consents name it; empty: nobody has said.
    owners : mapping of str to str
        Table: who answers for it.
    retention_days : int
        After so many days without any event a record is to be deleted; 0: nothing is agreed.
    cycle : {"quarter", "half_year"}
        Over which time the use of the system is counted, as in the audit.
    active_days : int
        Within how many days an active customer without a contract has bought.
    money_days : int
        Over how many days the money of the customers concerned is counted.
    false_alarm : float
        Chance that a clean table raises any alarm of an outlier, between 0 and 1.

    Raises
    ------
    ParamError
        For a column or a table that does not exist, or an unknown cycle; all at once.
    """

    required: Sequence[str] = REQUIRED
    purposes: Sequence[str] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    retention_days: int = 0
    cycle: str = "half_year"
    active_days: int = ACTIVE_DAYS
    money_days: int = 365
    false_alarm: float = 0.01

    def __post_init__(self) -> None:
        known = [name for name in TABLES["customers"].columns if name != "customer_id"]
        problems = [
            Problem("required_fields:", f"the table customers has no column {name!r}", did_you_mean(str(name), known))
            for name in self.required
            if name not in known
        ]
        problems += [
            Problem("owners:", f"there is no table {name!r}", did_you_mean(str(name), TABLES))
            for name in self.owners
            if name not in TABLES
        ]
        if not self.required:
            problems.append(Problem("required_fields:", "is empty", f"name the columns to be filled, such as {REQUIRED[0]}"))
        if self.cycle not in CYCLES:
            problems.append(Problem("cycle:", f"is {self.cycle!r}", hint=did_you_mean(self.cycle, CYCLES)))
        if problems:
            raise ParamError(problems)


@dataclass(frozen=True, eq=False)
class Checked:
    """Everything that was counted.

    Parameters
    ----------
    company : Client
    agreed : Agreed
    standards : mapping of str to Standard
    profiles : mapping of str to DataFrame
        Of each table what :func:`crmkit.data.summaries.quality.profile` counts.
    frames : mapping of str to DataFrame
        What lies between tables, or is counted by day, month or place.
    has_money : bool
        Whether a table says what customers bring.
    confidence : float
    """

    company: Client
    agreed: Agreed
    standards: Mapping[str, Standard]
    profiles: Mapping[str, pd.DataFrame] = field(repr=False)
    frames: Mapping[str, pd.DataFrame] = field(repr=False)
    has_money: bool = False
    confidence: float = 0.95

    @property
    def derived(self) -> bool:
        """Whether the customer table was made of the other tables, so that nothing can be said of records."""
        return "customers" not in self.company.tables or set(self.company.tables["customers"].columns) <= DERIVED

    @property
    def required(self) -> tuple[str, ...]:
        """Columns that a record ought to fill, those that there are."""
        there = set(self.company.tables["customers"].columns) if "customers" in self.company.tables else set()
        return tuple(name for name in self.agreed.required if name in there)

    def row(self, table: str, measure: str, item: str = "") -> pd.Series[Any] | None:
        """What was counted of one thing; None where it could not be."""
        if table not in self.profiles:
            return None
        rows = self.profiles[table]
        own = rows[(rows["measure"] == measure) & (rows["item"] == item)]
        return own.iloc[0] if len(own) else None


def examine(company: Client, agreed: Agreed | None = None, *, confidence: float = 0.95) -> Checked:
    """What can be counted of the quality of a client's data?

    Parameters
    ----------
    company : Client
    agreed : Agreed or None
        What the company has agreed upon; None: the kit's placeholders.
    confidence : float
        Coverage of every interval.

    Returns
    -------
    Checked
    """
    agreed = agreed or Agreed()
    tables, as_of = company.tables, company.as_of
    money = quality.spend(tables, as_of=as_of, days=agreed.money_days)
    profiles = {}
    for name, table in tables.items():
        required = [one for one in agreed.required if one in table.columns] if name == "customers" else []
        joined = money if name == "customers" else None
        profiles[name] = quality.profile(table, name=name, as_of=as_of, required=required, money=joined)
    return Checked(
        company,
        agreed,
        standards(client=company.name, home=getattr(company, "home", None)),
        profiles,
        _frames(company, agreed, money),
        money is not None,
        confidence,
    )


def _frames(company: Client, agreed: Agreed, money: Any) -> dict[str, pd.DataFrame]:
    tables, starts = company.tables, month_starts(company.as_of)
    made: dict[str, pd.DataFrame] = {}
    for name, table in tables.items():
        event = TABLES[name].event
        if name in FLOWS and event in table.columns:
            made[f"days {name}"] = quality.days_with_rows(table, column=event)
    if "crm_usage" in tables and "licensed_users" in tables["crm_usage"].columns:
        made["usage"] = organisation.usage_totals(tables["crm_usage"], starts=starts)
    if "verification" in tables:
        made["checks"] = organisation.check_results(tables["verification"], starts=starts)
        checked = tables["verification"].filter(tables["verification"].correct.notnull())
        counts = {"checked": checked.count(), "correct": checked.count(where=checked.correct)}
        made["checks by field"] = to_frame(checked.group_by("field").agg(**counts).order_by("field"))
    customers = tables.get("customers")
    if customers is None or set(customers.columns) <= DERIVED:
        return made
    has = set(customers.columns)
    required = [one for one in agreed.required if one in has]
    made["ages"] = records.record_ages(customers, as_of=company.as_of)
    if "consent_at" in has:
        made["consents"] = quality.consents(customers, purposes=agreed.purposes, money=money)
    for place in (one for one in records.PLACES if one in has and required):
        made[place] = quality.by_place(customers, place=place, required=required)
    if "exposures" in tables and "consent_at" in has:
        made["contacted"] = quality.contacted(tables["exposures"], customers)
    if agreed.retention_days:
        since = company.as_of - dt.timedelta(days=agreed.retention_days)
        made["silent"] = quality.silent_since(tables, since=since)
    if has & set(STRONG) or {"name", "city"} <= has:
        made["keys"] = doubles.shared_records(customers, calling_code=doubles.calling_code(company.settings.timezone))
        made["shared"] = _shared(customers, made["keys"], money)
    others = {
        system: [tables[name] for name in names if name in tables and "customer_id" in tables[name].columns]
        for system, names in quality.SYSTEMS.items()
    }
    others = {system: found for system, found in others.items() if found}
    made["channels"] = quality.by_channel(tables)
    if others:
        made["matches"] = quality.matches(customers, others, money=money)
    return made


def _shared(customers: Any, keys: pd.DataFrame, money: Any) -> pd.DataFrame:
    """Records of whom there is another record: whose they are (``person``), what else they say, and what each brings."""
    import ibis

    found = same_customers(keys).rename(columns={"group": "person"}).drop(columns="keys")
    found["person"] -= 1
    beside = [one for one in (*COMPARED, *records.PLACES) if one in customers.columns]
    if found.empty:
        return found.assign(**dict.fromkeys(beside), money=float("nan"))
    ids = ibis.memtable(found[["customer_id"]])
    said = to_frame(customers.semi_join(ids, "customer_id").select("customer_id", *beside).order_by("customer_id"))
    found = found.merge(said, on="customer_id", how="left")
    if money is None:
        return found.assign(money=float("nan"))
    brought = to_frame(money.semi_join(ids, "customer_id").mutate(money=money.money.cast("float64")).order_by("customer_id"))
    return found.merge(brought, on="customer_id", how="left").fillna({"money": 0.0})


def period(as_of: dt.date, months: int) -> tuple[dt.date, dt.date]:
    """First and last day of the last months."""
    return month_starts(as_of, months=months)[-1], as_of


def spoken(name: str) -> str:
    """A column or table as a reader would say it.

    Examples
    --------
    >>> spoken("acquisition_channel")
    'acquisition channel'
    """
    return name.replace("_", " ")
