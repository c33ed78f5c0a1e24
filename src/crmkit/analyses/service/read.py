"""What is taken from the client: the tickets of the months reported with their waits, and the events of their cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.core.dates import parse_iso
from crmkit.core.errors import ParamError, Problem
from crmkit.core.results import Quantity, Text
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import service as summaries
from crmkit.data.summaries.audit.months import month_starts
from crmkit.data.summaries.audit.steps import case_events
from crmkit.models.service.flow import Log, event_log
from crmkit.models.service.hours import Clock, utc_seconds, worked_seconds, working_clock

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmkit.data.client import Client

HOUR = 3600.0
RESPONSE, RESOLUTION = "response", "resolution"
ENDS = {RESPONSE: "first_response_at", RESOLUTION: "resolved_at"}


@dataclass(frozen=True)
class Rules:
    """What was agreed: targets in hours, and how sure a number has to be.

    Parameters
    ----------
    target : mapping
        Hours within which a ticket ought to be answered (``response``) and resolved (``resolution``).
    ack_hours, idle_hours : float
        Within which a complaint ought to be answered; above which a gap between two steps is waiting.
    confidence : float
    min_cell : int
        Groups of fewer tickets are not shown.
    clock : Clock or None
        Business hours; None: all hours count.
    """

    target: Mapping[str, float]
    ack_hours: float
    idle_hours: float
    confidence: float
    min_cell: int
    clock: Clock | None


@dataclass(frozen=True, eq=False)
class Service:
    """The service of some months.

    Parameters
    ----------
    tables : dict of str to ibis.Table
    as_of, since : date
        Last and first day.
    starts : tuple of date
        First days of the months, the newest first.
    tickets : DataFrame
        Of :func:`crmkit.data.summaries.service.handled`, with ``response, response_seen, resolution, resolution_seen``: hours
        until it came or until now, and whether it came.
    log : Log or None
        Events of the resolved cases that began in these months; None where there is no such table.
    declared : array
        Steps of the process of each event's case, nan where none is declared.
    rules : Rules
    """

    tables: dict[str, ibis.Table]
    as_of: dt.date
    since: dt.date
    starts: tuple[dt.date, ...]
    tickets: pd.DataFrame
    log: Log | None
    declared: Any
    rules: Rules

    @property
    def groups(self) -> list[str]:
        """Columns that split the tickets, with two values or more."""
        there = (name for name in (*summaries.GROUPS, *summaries.OF_CUSTOMER) if name in self.tickets)
        return [name for name in there if self.tickets[name].nunique() > 1]

    def knows(self, wait: str) -> bool:
        """Whether the end of a wait is written down at all."""
        return ENDS[wait] in self.tickets


def read(
    company: Client,
    *,
    months: int = 6,
    sla_hours: float = 8.0,
    norm_hours: float = 120.0,
    ack_hours: float = 24.0,
    idle_hours: float = 1.0,
    business_hours: Mapping[str, str] | None = None,
    holidays: Sequence[str] = (),
    confidence: float = 0.95,
) -> Service:
    """How were the tickets of the last months handled?

    Parameters
    ----------
    company : Client
        With the table ``tickets``.
    months : int
        Up to the last day that counts.
    sla_hours, norm_hours, ack_hours, idle_hours : float
        Hours within which a ticket ought to be answered and resolved, a complaint answered; above which a gap is waiting.
    business_hours : mapping of str to str
        Days and hours, as for :func:`crmkit.models.service.hours.working_clock`; None: all hours count.
    holidays : sequence of str
        Days on which nobody works, ``YYYY-MM-DD``.
    confidence : float

    Raises
    ------
    ParamError
        For hours or days that cannot be read.
    """
    starts = month_starts(company.as_of, months=months)
    clock = _clock(company, business_hours or {}, holidays, since=starts[-1])
    tickets = summaries.handled(company.tables["tickets"], since=starts[-1], customers=company.tables.get("customers"))
    rules = Rules(
        {RESPONSE: sla_hours, RESOLUTION: norm_hours},
        ack_hours,
        idle_hours,
        confidence,
        company.settings.privacy.min_cell,
        clock,
    )
    log, declared = _events(company, since=starts[-1])
    timed = _with_waits(tickets, as_of=company.as_of, zone=company.timezone, clock=clock)
    return Service(company.tables, company.as_of, starts[-1], starts, timed, log, declared, rules)


def _clock(company: Client, weekly: Mapping[str, str], holidays: Sequence[str], *, since: dt.date) -> Clock | None:
    if not weekly:
        if holidays:
            raise ParamError(Problem("holidays", "are given without business_hours", "give both, or neither"))
        return None
    free = [parse_iso(str(day), where="holidays") for day in holidays]
    return working_clock(weekly, holidays=free, first=since, last=company.as_of, zone=company.timezone)


def _with_waits(tickets: pd.DataFrame, *, as_of: dt.date, zone: str, clock: Clock | None) -> pd.DataFrame:
    """Hours until the first answer and until the solution; of what has not come, until the end of the last day."""
    import pandas as pd

    over = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    found = tickets.copy()
    # who was helped without an answer that anybody wrote down waits for none any more
    gone = found["resolved_at"] if "resolved_at" in found else pd.Series(pd.NaT, index=found.index)
    for wait, column in ENDS.items():
        if column not in found:
            continue
        end = found[column].fillna(gone).fillna(over).to_numpy("datetime64[s]")
        start = found["opened_at"].to_numpy("datetime64[s]")
        if clock is None:
            passed = utc_seconds(pd.Series(end), zone=zone) - utc_seconds(pd.Series(start), zone=zone)
        else:
            passed = worked_seconds(clock, start, end)
        # an hour that the clocks show twice may hold an answer that seems to come before its question
        found[wait] = np.maximum(passed, 0) / HOUR
        found[f"{wait}_seen"] = found[column].notna().to_numpy()
    return found


def _events(company: Client, *, since: dt.date) -> tuple[Log | None, Any]:
    if "ticket_events" not in company.tables:
        return None, np.zeros(0)
    processes = to_frame(company.tables["processes"]) if "processes" in company.tables else None
    rows = case_events(company.tables["ticket_events"], since=since, tickets=company.tables["tickets"], processes=processes)
    number = rows["event_id"].astype(str) if "event_id" in rows else None
    place = rows["place"].astype("float64")
    log = event_log(
        rows["ticket_id"],
        rows["occurred_at"].to_numpy("datetime64[s]"),
        rows["activity"],
        place=place,
        number=number,
        team=rows.get("team"),
    )
    # all events of a case have the same process, so the order of the log does not matter to it
    declared = rows.groupby("ticket_id", sort=False)["declared"].first().astype("float64").to_numpy()
    return log, declared[log.case]


def period(past: Service) -> dict[str, Quantity | Text | str]:
    """The days reported, for a sentence."""
    return {"first": Quantity(past.since, "date"), "last": Quantity(past.as_of, "date")}


def no_tickets(past: Service) -> Text | None:
    """Why nothing can be said of the tickets; None where there are enough."""
    n = len(past.tickets)
    if n >= past.rules.min_cell:
        return None
    return Text("{n} {n:ticket|tickets} since {first} {n:is|are} too few", {**period(past), "n": Quantity(n, "count")})
