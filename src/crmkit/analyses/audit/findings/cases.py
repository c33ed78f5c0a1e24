"""What did it look like for one customer? Typical tickets as timelines, customers under pseudonyms, without what they wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from crmkit.analyses.audit.findings.causes import hits
from crmkit.analyses.audit.findings.evidence import Grounds
from crmkit.analyses.audit.findings.model import FINDING, AuditFinding, themes
from crmkit.analyses.audit.read import History, absent
from crmkit.core.language import mark
from crmkit.core.results import Column, Result, Text, not_assessed
from crmkit.data.summaries.audit import cases as audit_cases

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

MOST_CASES = 3
OPENED, ANSWERED, RATED = mark("ticket opened"), mark("first answer"), mark("customer rates it")
HOUR = 3600.0


def cases(company: Client, past: History, grounds: Grounds, found: Sequence[AuditFinding], *, most: int = MOST_CASES) -> Result:
    """What happened in a typical case of each finding?

    Parameters
    ----------
    company : Client
    past : History
    grounds : Grounds
    found : sequence of AuditFinding
    most : int
        Cases shown.

    Returns
    -------
    Result
        Rows of a timeline: ``case, title, customer_id, hours`` (since opening), ``event, detail``. The case is the one in the
        middle of those affected, by how long they waited: neither the worst nor the mildest.
    """
    import pandas as pd

    title = Text("Typical cases")
    if grounds.tickets is None:
        return not_assessed("audit_cases", title, Text("needs tickets"))
    chosen: list[tuple[str, pd.Series[Any]]] = []
    for one in found:
        if one.level != FINDING or len(chosen) == most or any(one.theme == theme for theme, _ in chosen):
            continue
        ticket = _typical(one.theme, past, grounds.tickets, [each["ticket_id"] for _, each in chosen])
        if ticket is not None:
            chosen.append((one.theme, ticket))
    if not chosen:
        return not_assessed("audit_cases", title, Text("no finding shows in single tickets"))
    ids = [str(ticket["ticket_id"]) for _, ticket in chosen]
    events = audit_cases.case_events(company.tables["ticket_events"], ids) if "ticket_events" in company.tables else None
    rows = []
    for number, (theme, ticket) in enumerate(chosen, start=1):
        name = themes()[theme].name(past.language)
        base = {"case": number, "title": name, "customer_id": str(ticket["customer_id"])}
        rows += [base | line for line in _timeline(ticket, events)]
    columns = (
        Column("case", "Case", "count"),
        Column("title", "Finding"),
        Column("customer_id", "Customer", "customer"),
        Column("hours", "Hours since opening", "number"),
        Column("event", "What happened", translate=True),
        Column("detail", "Team or score"),
    )
    note = Text("Each case is the middle one of those affected in the newest cycle. Nothing that customers wrote is shown.")
    table = pd.DataFrame(rows)
    table.attrs["rows"] = len(table)
    return Result("audit_cases", "table", title, table, columns=columns, note=note, customers=True)


def _typical(theme: str, past: History, tickets: pd.DataFrame, taken: list[str]) -> pd.Series[Any] | None:
    """The middle one of the affected tickets of the newest cycle, those that were rated first."""
    hit = hits(themes()[theme], past, tickets)
    if hit is None:
        return None
    opened = tickets["opened_at"].dt.date
    own = tickets[hit & (opened >= past.current.start) & (opened <= past.current.end) & ~tickets["ticket_id"].isin(taken)]
    if "csat" in own and own["csat"].notna().any():
        own = own[own["csat"].notna()]
    order = [name for name in ("handoffs", "delay_hours", "ticket_id") if name in own]
    own = own.sort_values(order, na_position="last")
    return own.iloc[len(own) // 2] if len(own) else None


def _timeline(ticket: pd.Series[Any], events: pd.DataFrame | None) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{"hours": 0.0, "event": OPENED, "detail": _plain(ticket.get("channel"))}]
    delay = ticket.get("delay_hours")
    if delay is not None and delay == delay:
        rows.append({"hours": float(delay), "event": ANSWERED, "detail": _plain(ticket.get("team"))})
    if events is not None:
        own = events[events["ticket_id"] == ticket["ticket_id"]]
        hours = (own["occurred_at"] - ticket["opened_at"]).dt.total_seconds() / HOUR
        team = own["team"] if "team" in own else own["activity"].map(lambda _: "")
        rows += [
            {"hours": float(hour), "event": str(activity), "detail": _plain(who)}
            for hour, activity, who in zip(hours, own["activity"], team, strict=True)
        ]
    rows.sort(key=lambda row: row["hours"])
    score = ticket.get("csat")
    if score is not None and score == score:
        rows.append({"hours": float("nan"), "event": RATED, "detail": f"{score:g}"})
    return rows


def _plain(value: Any) -> str:
    return "" if absent(value) else str(value)
