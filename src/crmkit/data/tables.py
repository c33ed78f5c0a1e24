"""Which tables does the kit know, and what must hold in each of their columns?

One declaration per table: the checks of :mod:`crmkit.data.contracts`, the way text is read and the data dictionary in
``data/README.md`` all come from it. A new table is one more entry.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["id", "text", "date", "timestamp", "month", "money", "score", "integer", "boolean"]
# whoever was referred need not have become a customer
CUSTOMER_IDS = ("customer_id", "referrer_id")


@dataclass(frozen=True)
class Column:
    """What one column of a table holds.

    Parameters
    ----------
    kind : {"id", "text", "date", "timestamp", "month", "money", "score", "integer", "boolean"}
        ``id`` is text, stripped, never a number; ``date`` is a day in the client's time zone, ``timestamp`` the second in it,
        ``month`` the first day of a month; ``money`` is DECIMAL(18,4) in the client's currency, ``score`` a DECIMAL(18,4) on
        the scale of an answer; ``integer`` is a whole number; ``boolean`` is true, false or empty.
    required : bool
        Whether the column must be there and no row may leave it empty.
    low : int or None
        Smallest value allowed, where there is one.
    default : bool, int or None
        What an empty value, or a missing column, means; None: it stays empty or missing.
    choices : tuple of str
        The words allowed in a text column, in small letters; empty: any.
    """

    kind: Kind
    required: bool = False
    low: int | None = None
    default: bool | int | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableContract:
    """What one table holds.

    Parameters
    ----------
    columns : dict of str to Column
        In the order of the data dictionary.
    event : str
        The date column that decides whether a row lies after ``as_of``.
    event_else : str
        The date column that decides where the first is missing or empty; empty: none.
    unique : tuple of str
        Columns that no two rows may share.
    repeats : str
        Column whose presence makes two rows that are equal in every column one row too many; empty: never.
    returns : tuple of str
        Amount and flag columns of a table in which a negative amount must be marked as a return; empty: none.
    order : tuple of (str, str)
        Pairs of date columns of which the second must not lie before the first.
    known : dict of str to tuple of str
        Date column: what nobody knows of a row before that day, the date itself included. A row that began before ``as_of``
        and goes on after it is seen as it was seen then.
    """

    columns: dict[str, Column]
    event: str
    event_else: str = ""
    unique: tuple[str, ...] = ()
    repeats: str = ""
    returns: tuple[str, ...] = field(default=())
    order: tuple[tuple[str, str], ...] = ()
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def required(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.required]

    @property
    def customers(self) -> list[str]:
        """The columns that name a customer."""
        return [name for name in self.columns if name in CUSTOMER_IDS]


TABLES: dict[str, TableContract] = {
    "customers": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "name": Column("text"),
            "email": Column("text"),
            "phone": Column("text"),
            "industry": Column("text"),
            "region": Column("text"),
            "size": Column("text"),
            "acquisition_channel": Column("text"),
            "created_at": Column("date"),
            "updated_at": Column("date"),
            "source_system": Column("text"),
            "department": Column("text"),
            "owner": Column("text"),
            "consent_at": Column("date"),
            "consent_purpose": Column("text"),
        },
        event="created_at",
        unique=("customer_id",),
    ),
    "transactions": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "ordered_at": Column("date", required=True),
            "amount": Column("money", required=True),
            "order_id": Column("id"),
            "currency": Column("text"),
            "product": Column("text"),
            "category": Column("text"),
            "channel": Column("text"),
            "is_return": Column("boolean", default=False),
            "cost": Column("money", low=0),
        },
        event="ordered_at",
        repeats="order_id",
        returns=("amount", "is_return"),
    ),
    "subscriptions": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "started_at": Column("date", required=True),
            "ended_at": Column("date"),
            "plan": Column("text"),
            "mrr": Column("money", low=0),
            "renewed": Column("boolean"),
            "churn_reason": Column("text"),
            "churn_kind": Column("text", choices=("voluntary", "involuntary", "paused")),
        },
        event="started_at",
        repeats="customer_id",
        order=(("started_at", "ended_at"),),
        known={"ended_at": ("ended_at", "renewed", "churn_reason", "churn_kind")},
    ),
    "interactions": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "occurred_at": Column("date", required=True),
            "channel": Column("text"),
            "direction": Column("text", choices=("inbound", "outbound")),
            "kind": Column("text"),
            "quantity": Column("integer", low=0, default=1),
            "agent_id": Column("id"),
            "outcome": Column("text"),
            "campaign_id": Column("id"),
        },
        event="occurred_at",
    ),
    "tickets": TableContract(
        columns={
            "ticket_id": Column("id", required=True),
            "customer_id": Column("id", required=True),
            "opened_at": Column("timestamp", required=True),
            "first_response_at": Column("timestamp"),
            "resolved_at": Column("timestamp"),
            "closed_notice_at": Column("timestamp"),
            "kind": Column("text", choices=("question", "complaint", "fault")),
            "category": Column("text"),
            "priority": Column("text"),
            "channel": Column("text"),
            "agent_id": Column("id"),
            "team": Column("text"),
            "handoffs": Column("integer", low=0),
            "reopened": Column("boolean"),
            "escalated": Column("boolean"),
            "csat": Column("score"),
        },
        event="opened_at",
        unique=("ticket_id",),
        order=(("opened_at", "first_response_at"), ("opened_at", "resolved_at"), ("opened_at", "closed_notice_at")),
        known={
            "first_response_at": ("first_response_at",),
            "resolved_at": ("resolved_at", "reopened", "csat"),
            "closed_notice_at": ("closed_notice_at",),
        },
    ),
    "surveys": TableContract(
        columns={
            "response_id": Column("id", required=True),
            "item_id": Column("id", required=True),
            "score": Column("score"),
            "not_applicable": Column("boolean", default=False),
            "customer_id": Column("id"),
            "wave": Column("text"),
            "channel": Column("text"),
            "language": Column("text"),
            "sent_at": Column("date"),
            "responded_at": Column("date"),
            "duration_seconds": Column("integer", low=0),
            "comment": Column("text"),
        },
        event="sent_at",
        event_else="responded_at",
        unique=("response_id", "item_id"),
        order=(("sent_at", "responded_at"),),
        known={"responded_at": ("responded_at", "score", "not_applicable", "duration_seconds", "comment")},
    ),
    "campaigns": TableContract(
        columns={
            "campaign_id": Column("id", required=True),
            "name": Column("text"),
            "kind": Column("text"),
            "started_at": Column("date"),
            "ended_at": Column("date"),
            "cost": Column("money", low=0),
        },
        event="started_at",
        unique=("campaign_id",),
        order=(("started_at", "ended_at"),),
    ),
    "exposures": TableContract(
        columns={
            "campaign_id": Column("id", required=True),
            "customer_id": Column("id", required=True),
            "arm": Column("text", required=True, choices=("treated", "control")),
            "exposed_at": Column("date"),
        },
        event="exposed_at",
        unique=("campaign_id", "customer_id"),
    ),
    "loyalty": TableContract(
        columns={
            "customer_id": Column("id", required=True),
            "joined_at": Column("date", required=True),
            "tier": Column("text"),
            "points": Column("integer", low=0),
        },
        event="joined_at",
        unique=("customer_id",),
    ),
    "referrals": TableContract(
        columns={
            "referrer_id": Column("id", required=True),
            "referred_id": Column("id", required=True),
            "referred_at": Column("date", required=True),
            "converted_at": Column("date"),
        },
        event="referred_at",
        unique=("referrer_id", "referred_id"),
        order=(("referred_at", "converted_at"),),
        known={"converted_at": ("converted_at",)},
    ),
    "costs": TableContract(
        columns={
            "period": Column("month", required=True),
            "category": Column("text", required=True, choices=("labour", "technology", "marketing", "material")),
            "amount": Column("money", required=True),
            "campaign_id": Column("id"),
        },
        event="period",
    ),
}

MAIN_TABLE = "transactions"
