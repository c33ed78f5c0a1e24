"""What does an audit look at: which months, which cycles, who was active, and what happened in them?"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from crmkit.analyses.audit.agreed import Rules
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries.audit import customers as audit_customers
from crmkit.data.summaries.audit import organisation as audit_organisation
from crmkit.data.summaries.audit import steps as audit_events
from crmkit.data.summaries.audit import tickets as audit_tickets
from crmkit.data.summaries.audit.months import MOST_MONTHS, first_day, month_ends, month_starts
from crmkit.data.summaries.standing import ACTIVE, ACTIVE_DAYS, standing

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

YEAR = 12


class Stretch(Protocol):
    """Some months, counted back from the day of the audit, the newest first."""

    @property
    def months(self) -> tuple[int, ...]:
        """Their numbers."""


@dataclass(frozen=True, eq=False)
class Activity:
    """Customers by month.

    Parameters
    ----------
    customers : array of str
    active : array of bool, shape (months, customers)
        Whether a customer is active at the end of a month, month 0 first.
    source : str
        The table that says so.
    reach : int
        How many months back this is known.
    active_days : int
        Within how many days an active customer has bought; 0 where something else decides.
    """

    customers: NDArray[np.str_]
    active: NDArray[np.bool_]
    source: str
    reach: int
    active_days: int = 0

    def at_end(self, window: Stretch) -> NDArray[np.bool_] | None:
        """Who is active at the end of a window; None where that is not known."""
        month = window.months[0]
        return self.active[month] if month < self.reach else None

    def months(self, window: Stretch) -> float:
        """Customer-months in a window, at the ends of its months, as far as they are known."""
        known = [month for month in window.months if month < self.reach]
        return float(self.active[known].sum()) if known else 0.0


def activity(
    frames: Mapping[str, pd.DataFrame],
    covered: Mapping[str, int],
    ends: Sequence[dt.date],
    *,
    active_days: int = ACTIVE_DAYS,
    today: pd.DataFrame | None = None,
) -> Activity | None:
    """Who was active: by contract, else whoever bought recently, else whoever had become a customer by then.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Of ``contracts, purchases, arrivals`` those that there are.
    covered : mapping of str to int
        How many months back each table reaches.
    ends : sequence of date
        The last day of each month, month 0 first.
    active_days : int
        Within how many days an active customer has bought.
    today : DataFrame or None
        Who is a customer on the last day, as every page of the client has it: :func:`crmkit.data.summaries.standing.standing`.
    """
    found = _activity(frames, covered, ends, active_days)
    if found is None or today is None or not len(found.customers):
        return found
    now = set(today.loc[today["state"] == ACTIVE, "customer_id"])
    found.active[0] = [customer in now for customer in found.customers]
    return found


def _activity(
    frames: Mapping[str, pd.DataFrame], covered: Mapping[str, int], ends: Sequence[dt.date], active_days: int
) -> Activity | None:
    months = len(ends)
    if "contracts" in frames:
        customers, active = _by_contract(frames["contracts"], months)
        return Activity(customers, active, "subscriptions", covered["subscriptions"])
    if "purchases" in frames:
        customers, active = _by_purchase(frames["purchases"], ends, active_days)
        # the first months of the data do not show who had bought before them
        reach = max(covered["transactions"] - math.ceil(YEAR * active_days / 366) + 1, min(covered["transactions"], 1))
        return Activity(customers, active, "transactions", reach, active_days)
    if "arrivals" in frames:
        came = frames["arrivals"].set_index("month")["n"].reindex(range(months + 1), fill_value=0).to_numpy()
        known = np.repeat(np.arange(months + 1), came.astype(int))
        active = known[None, :] >= np.arange(months)[:, None]
        return Activity(np.array([], dtype=str), active, "customers", covered["customers"])
    return None


def _by_contract(contracts: pd.DataFrame, months: int) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    customers, number = np.unique(contracts["customer_id"].to_numpy(dtype=str), return_inverse=True)
    first = contracts["first"].to_numpy(dtype="int64")
    # a contract that runs ends in no month, that is, in the month after the newest
    last = contracts["last"].fillna(-1).to_numpy(dtype="int64")
    # between a contract and its follower nobody is gone
    follows = contracts["follows"].to_numpy(dtype=bool)
    active = np.zeros((months, len(customers)), dtype=bool)
    for month in range(months):
        active[month, number[(first >= month) & ((last < month) | (follows & (last == month)))]] = True
    return customers, active


def _by_purchase(
    purchases: pd.DataFrame, ends: Sequence[dt.date], active_days: int
) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
    bought = purchases[purchases["orders"] > 0]
    customers, number = np.unique(bought["customer_id"].to_numpy(dtype=str), return_inverse=True)
    month = bought["month"].to_numpy(dtype="int64")
    last = bought["last_on"].to_numpy(dtype="datetime64[D]")
    active = np.zeros((len(ends), len(customers)), dtype=bool)
    for at, end in enumerate(ends):
        silent = (np.datetime64(end) - last).astype(int)
        active[at, number[(month >= at) & (silent <= active_days)]] = True
    return customers, active


CYCLES = {"quarter": 3, "half_year": 6}
LETTERS = {"quarter": "Q", "half_year": "H"}
LATE_START_DAYS = 15
EVERYBODY = ("", "all", "all customers", "全部客户", "所有客户", "全部客戶", "所有客戶")
# the column that says when a row happened; tables without one say nothing of the past
DATED = {
    "transactions": "ordered_at",
    "subscriptions": "started_at",
    "interactions": "occurred_at",
    "tickets": "opened_at",
    "ticket_events": "occurred_at",
    "feedback": "received_at",
    "costs": "period",
    "crm_usage": "period",
    "training": "taken_at",
    "customers": "created_at",
    "exposures": "exposed_at",
    "referrals": "referred_at",
    "verification": "checked_at",
    "staff": "joined_at",
}


@dataclass(frozen=True)
class Window:
    """A stretch of whole months.

    Parameters
    ----------
    name : str
        ``2025H2``, ``2025Q4``, ``2025-12``, or its last day where it is no calendar period.
    start, end : date
        First and last day.
    months : tuple of int
        Its months, counted back from the day of the audit, the newest first.
    """

    name: str
    start: dt.date
    end: dt.date
    months: tuple[int, ...]

    @property
    def days(self) -> int:
        return (self.end - self.start).days + 1


@dataclass(frozen=True)
class History:
    """What happened, by month, as of one day.

    Parameters
    ----------
    as_of : date
    language : str
    cycles : tuple of Window
        The newest last.
    months : tuple of Window
        As far back as there are data, the newest last.
    starts : tuple of date
        First day of each month, month 0 first.
    tables : mapping of str to frozenset of str
        The columns of each table that there is.
    covered : mapping of str to int
        How many months back a table reaches.
    frames : mapping of str to DataFrame
        The summaries.
    who : Activity or None
        Which customers were active when; None where nothing says so.
    plans : mapping of str to float
        Goals of the company: indicator, target.
    effort_scale : tuple of float or None
        Ends of the scale of the question on effort.
    rules : Rules
    """

    as_of: dt.date
    language: str
    cycles: tuple[Window, ...]
    months: tuple[Window, ...]
    starts: tuple[dt.date, ...]
    tables: Mapping[str, frozenset[str]]
    covered: Mapping[str, int]
    frames: Mapping[str, pd.DataFrame] = field(repr=False)
    who: Activity | None = field(default=None, repr=False)
    plans: Mapping[str, float] = field(default_factory=dict)
    effort_scale: tuple[float, float] | None = None
    rules: Rules = field(default_factory=Rules)

    @property
    def current(self) -> Window:
        """The newest cycle."""
        return self.cycles[-1]

    def window(self, end: Window, months: int) -> Window:
        """A longer or shorter window that ends with another one."""
        return self._made(end.months[0], months, name=end.name)

    def before(self, window: Window) -> Window | None:
        """The same window a year before; None where it lies before everything known."""
        first = window.months[0] + YEAR
        return self._made(first, len(window.months)) if first + len(window.months) <= len(self.starts) else None

    @cached_property
    def _by_month(self) -> dict[str, Mapping[int, NDArray[np.intp]]]:
        """Where the rows of each month lie in the summaries asked for so far: they are asked for a thousand times."""
        return {}

    def rows(self, frame: str, window: Window) -> pd.DataFrame:
        """The rows of a summary within a window."""
        if frame not in self._by_month:
            months: Mapping[Any, Any] = self.frames[frame].groupby("month").indices
            self._by_month[frame] = {int(month): np.asarray(places) for month, places in months.items()}
        places = self._by_month[frame]
        found = [places[month] for month in window.months if month in places]
        return self.frames[frame].take(np.sort(np.concatenate(found)) if found else [])

    def reaches(self, table: str, window: Window, *, whole: bool = False) -> bool:
        """Whether a table has data of a window: of its newest month, or of all of it."""
        month = window.months[-1] if whole else window.months[0]
        return self.covered.get(table, 0) > month

    def _made(self, first: int, months: int, name: str = "") -> Window:
        last = min(first + months, len(self.starts)) - 1
        end = self.as_of if first == 0 else self.starts[first - 1] - dt.timedelta(days=1)
        return Window(name or end.isoformat(), self.starts[last], end, tuple(range(first, last + 1)))


def history(company: Client, *, cycle: str = "half_year", cycles: int = 4, rules: Rules | None = None) -> History:
    """What happened in the months before the audit?

    Parameters
    ----------
    company : Client
    cycle : {"quarter", "half_year"}
        How often the company is audited. Cycles are counted back from ``as_of``, so that the newest one is whole.
    cycles : int
        How many cycles to look back, 1 to 12; at most three years are read.
    rules : Rules or None
        What the company has agreed upon; None: the kit's placeholders.

    Returns
    -------
    History

    Raises
    ------
    ParamError
        For an unknown cycle or a number of cycles that does not fit.
    """
    problems = []
    if cycle not in CYCLES:
        problems.append(Problem("cycle", f"is {cycle!r}", hint=did_you_mean(cycle, CYCLES)))
    elif not 1 <= cycles <= MOST_MONTHS // CYCLES[cycle]:
        problems.append(
            Problem("cycles", f"is {cycles}", f"1 to {MOST_MONTHS // CYCLES[cycle]} {cycle} cycles can be looked back")
        )
    if problems:
        raise ParamError(problems)
    rules = rules or Rules()
    starts = month_starts(company.as_of)
    tables = {name: frozenset(table.columns) for name, table in company.tables.items()}
    began = {name: first_day(company.tables[name], column) for name, column in DATED.items() if column in tables.get(name, ())}
    covered = {name: _covered(day, starts) for name, day in began.items()}
    length = CYCLES[cycle]
    back = [range(k * length, (k + 1) * length) for k in reversed(range(cycles))]
    ends = month_ends(company.as_of)
    windows = tuple(_named(starts, ends, months, cycle) for months in back)
    months = tuple(_named(starts, ends, range(k, k + 1), "month") for k in reversed(range(max(covered.values(), default=0))))
    frames = _frames(company, starts, rules, tables)
    plans = _plans(frames["goals"], company.as_of) if "goals" in frames else {}
    scale = _effort_scale(company)
    today = standing(company.tables, as_of=company.as_of, active_days=rules.active_days)
    who = activity(frames, covered, ends, active_days=rules.active_days, today=today)
    return History(company.as_of, company.language, windows, months, starts, tables, covered, frames, who, plans, scale, rules)


def absent(value: Any) -> bool:
    """Whether a cell of a company's own table is empty: None, nan or NaT, the values that are not equal to themselves."""
    return value is None or bool(value != value)


def _covered(day: dt.date | None, starts: tuple[dt.date, ...]) -> int:
    """How many months a table covers; one that begins in the middle of a month has not seen it."""
    if day is None:
        return 0
    return sum(start >= day - dt.timedelta(days=LATE_START_DAYS) for start in starts)


def _named(starts: tuple[dt.date, ...], ends: tuple[dt.date, ...], months: range, cycle: str) -> Window:
    start, end = starts[months[-1]], ends[months[0]]
    calendar = start.day == 1 and (start.month - 1) % len(months) == 0
    if not calendar:
        name = end.isoformat()
    elif cycle == "month":
        name = f"{start:%Y-%m}"
    else:
        name = f"{start.year}{LETTERS[cycle]}{(start.month - 1) // len(months) + 1}"
    return Window(name, start, end, tuple(months))


def _frames(
    company: Client, starts: tuple[dt.date, ...], rules: Rules, tables: Mapping[str, frozenset[str]]
) -> dict[str, pd.DataFrame]:
    """Every summary whose tables and columns are there."""
    have = company.tables
    made: dict[str, pd.DataFrame] = {}
    made |= {
        name: to_frame(have[name].order_by(*have[name].columns))
        for name in ("processes", "goals", "benchmarks")
        if name in have
    }
    makers: list[tuple[str, tuple[str, ...], Callable[..., Any]]] = [
        ("purchases", ("transactions",), audit_customers.purchases),
        ("contacts", ("interactions",), audit_customers.contacts),
        ("contracts", ("subscriptions",), audit_customers.contract_months),
        ("costs", ("costs",), audit_organisation.cost_totals),
        ("staff", ("staff",), audit_organisation.staff_months),
        ("training", ("training",), audit_organisation.training_results),
        ("staff_answers", ("staff_survey",), audit_organisation.staff_answers),
    ]
    made |= {
        name: function(*(have[one] for one in needed), starts=starts)
        for name, needed, function in makers
        if all(one in have for one in needed)
    }
    if "feedback" in have:
        answer = {"answer_days": rules.answer_days, "adopt_days": rules.adopt_days}
        made["feedback"] = audit_organisation.feedback_counts(have["feedback"], as_of=company.as_of, starts=starts, **answer)
    if {"exposures", "transactions", "campaigns"} <= set(have):
        made["campaign_results"] = audit_customers.campaign_results(
            have["exposures"], have["transactions"], starts=starts, effect_days=rules.effect_days
        )
        made["campaigns"] = to_frame(have["campaigns"].order_by("campaign_id"))
    return made | _ticket_frames(company, starts, rules, made.get("processes")) | _arrivals(company, starts, tables)


def _ticket_frames(company: Client, starts: tuple[dt.date, ...], rules: Rules, processes: Any) -> dict[str, pd.DataFrame]:
    have, made = company.tables, {}
    tickets = have.get("tickets")
    if tickets is not None:
        has = set(tickets.columns)
        made["tickets"] = audit_tickets.ticket_counts(
            tickets,
            as_of=company.as_of,
            starts=starts,
            sla_hours=rules.sla_hours,
            ack_hours=rules.ack_hours,
            notice_days=rules.notice_days,
        )
        for name, until in (("responses", "first_response_at"), ("resolutions", "resolved_at")):
            if until in has:
                made[name] = audit_tickets.ticket_waits(tickets, until=until, as_of=company.as_of, starts=starts)
        if "resolved_at" in has:
            made["backlog"] = audit_tickets.backlog(tickets, as_of=company.as_of, starts=starts, norm_hours=rules.norm_hours)
        if {"resolved_at", "agent_id"} <= has:
            weeks = ((company.as_of - starts[-1]).days + 1) // audit_tickets.WEEK
            made["closed"] = audit_tickets.closed_by_week(tickets, as_of=company.as_of, weeks=weeks)
    if "ticket_events" in have:
        made["cases"] = audit_events.case_counts(
            have["ticket_events"], starts=starts, tickets=tickets, processes=processes, idle_hours=rules.idle_hours
        )
    return made


def _arrivals(company: Client, starts: tuple[dt.date, ...], tables: Mapping[str, frozenset[str]]) -> dict[str, pd.DataFrame]:
    customers, made = company.tables.get("customers"), {}
    if customers is None:
        return {}
    has = tables["customers"]
    # who is known from tickets or answers alone came before the first of them: neither their number nor their day is known
    derived = any(one.table == "customers" and not one.files for one in getattr(company, "intake", ()))
    if "created_at" in has and (not derived or {"transactions", "subscriptions"} & tables.keys()):
        made["arrivals"] = audit_customers.arrivals(customers, starts=starts, referrals=company.tables.get("referrals"))
    return made


def _effort_scale(company: Client) -> tuple[float, float] | None:
    asked = company.settings.tables.get("surveys")
    scales = (
        [item.scale for _, item in sorted(asked.items.items()) if item.kind == "ces"]
        if asked is not None and asked.items
        else []
    )
    return (float(scales[0][0]), float(scales[0][1])) if scales else None


def _plans(goals: pd.DataFrame, as_of: dt.date) -> dict[str, float]:
    """The goal of each indicator: for everybody, the one that is due next, else the last one that was due."""
    import pandas as pd

    if "population" in goals:
        goals = goals[goals["population"].isna() | goals["population"].isin(EVERYBODY)]
    late = goals["due_on"] < pd.Timestamp(as_of)
    order = goals.assign(late=late, far=(goals["due_on"] - pd.Timestamp(as_of)).abs())
    order = order.sort_values(["indicator", "late", "far", "goal_id"]).drop_duplicates("indicator")
    return dict(zip(order["indicator"].astype(str), order["target"].astype("float64"), strict=True))
