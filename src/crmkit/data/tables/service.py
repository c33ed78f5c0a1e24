"""What a company records of its service: the steps of each case, what they ought to be, what customers say."""

from __future__ import annotations

from crmkit.data.tables.contract import Column, TableContract

SERVICE: dict[str, TableContract] = {
    "ticket_events": TableContract(
        columns={
            "ticket_id": Column("id", required=True),
            "occurred_at": Column("timestamp", required=True),
            "activity": Column("text", required=True),
            "actor": Column("id"),
            "team": Column("text"),
            "event_id": Column("id"),
        },
        event="occurred_at",
        repeats="ticket_id",
    ),
    "feedback": TableContract(
        columns={
            "feedback_id": Column("id", required=True),
            "received_at": Column("date", required=True),
            "text": Column("text", required=True),
            "customer_id": Column("id"),
            "channel": Column("text"),
            "category": Column("text"),
            "rating": Column("score"),
            "acknowledged_at": Column("date"),
            "adopted_at": Column("date"),
        },
        event="received_at",
        unique=("feedback_id",),
        order=(("received_at", "acknowledged_at"), ("received_at", "adopted_at")),
        known={"acknowledged_at": ("acknowledged_at",), "adopted_at": ("adopted_at",)},
    ),
    "opportunities": TableContract(
        columns={
            "opportunity_id": Column("id", required=True),
            "customer_id": Column("id", required=True),
            "created_at": Column("date", required=True),
            "stage": Column("text", required=True, until_known="open"),
            "amount": Column("money", low=0),
            "closed_at": Column("date", open_ended=True),
            "won": Column("boolean"),
        },
        event="created_at",
        unique=("opportunity_id",),
        order=(("created_at", "closed_at"),),
        known={"closed_at": ("closed_at", "stage", "won")},
    ),
    "processes": TableContract(
        columns={
            "process": Column("text", required=True),
            "step": Column("text", required=True),
            "position": Column("integer", required=True, low=1),
            "owner": Column("text"),
            "norm_hours": Column("number", low=0, seconds=3600),
        },
        unique=("process", "position"),
        tells_span=False,
    ),
    "verification": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "field": Column("text", required=True),
            "checked_at": Column("date", required=True),
            "correct": Column("boolean", required=True),
        },
        event="checked_at",
        unique=("customer_id", "field", "checked_at"),
        tells_span=False,
    ),
}
