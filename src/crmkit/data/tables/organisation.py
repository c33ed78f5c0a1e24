"""What a company says of itself: its people, its tools, its goals, how it judges itself, what it fears and what it will do.

Most of these rows are made by hand, once a cycle. Goals, actions and risks reach into the future by their nature: they are kept
whatever ``as_of`` is, and only what became of an action is not seen before it began.
"""

from __future__ import annotations

from crmkit.data.tables.contract import Column, TableContract

RATER_ROLES = ("manager", "staff", "customer", "third_party")
EVIDENCE_KINDS = ("none", "statement", "document", "data")
RISK_CATEGORIES = ("churn", "service", "product", "data", "fraud", "market", "legal", "people")
RESPONSES = ("avoid", "reduce", "share", "accept", "pursue")
STATES = ("planned", "running", "done", "stopped")

ORGANISATION: dict[str, TableContract] = {
    "staff": TableContract(
        columns={
            "staff_id": Column("id", required=True),
            "team": Column("text"),
            "role": Column("text"),
            "joined_at": Column("date"),
            "left_at": Column("date", open_ended=True),
        },
        event="joined_at",
        unique=("staff_id",),
        order=(("joined_at", "left_at"),),
        known={"left_at": ("left_at",)},
        tells_span=False,
    ),
    "training": TableContract(
        columns={
            "staff_id": Column("id", required=True),
            "course": Column("text", required=True),
            "taken_at": Column("date", required=True),
            "hours": Column("number", low=0, seconds=3600),
            "score_before": Column("score"),
            "score_after": Column("score"),
            "mode": Column("text"),
        },
        event="taken_at",
        unique=("staff_id", "course", "taken_at"),
        tells_span=False,
    ),
    "staff_survey": TableContract(
        columns={
            "wave": Column("cycle", required=True),
            "item_id": Column("id", required=True),
            "score": Column("score", required=True),
            "team": Column("text"),
        },
        event="wave",
        tells_span=False,
    ),
    "crm_usage": TableContract(
        columns={
            "period": Column("month", required=True),
            "module": Column("text", required=True),
            "active_users": Column("integer", required=True, low=0),
            "licensed_users": Column("integer", low=0),
        },
        event="period",
        unique=("period", "module"),
    ),
    "benchmarks": TableContract(
        columns={
            "indicator": Column("id", required=True),
            "peer": Column("text", required=True),
            "period": Column("cycle", required=True),
            "value": Column("number", required=True),
            "source": Column("text", required=True),
            "dated_at": Column("date", required=True),
        },
        event="dated_at",
        unique=("indicator", "peer", "period"),
        tells_span=False,
    ),
    "goals": TableContract(
        columns={
            "goal_id": Column("id", required=True),
            "indicator": Column("id", required=True),
            "population": Column("text"),
            "baseline": Column("number"),
            "target": Column("number", required=True),
            "starts_on": Column("date"),
            "due_on": Column("date", required=True),
            "owner": Column("text"),
            "objective": Column("text"),
        },
        unique=("goal_id",),
        order=(("starts_on", "due_on"),),
        tells_span=False,
    ),
    "assessments": TableContract(
        columns={
            "cycle": Column("cycle", required=True),
            "rater_id": Column("id", required=True),
            "rater_role": Column("text", required=True, choices=RATER_ROLES),
            "standard_id": Column("id", required=True),
            "intention": Column("score", low=1, high=5),
            "reality": Column("score", required=True, low=1, high=5),
            "note": Column("text"),
            "evidence_id": Column("id"),
        },
        event="cycle",
        unique=("cycle", "rater_id", "standard_id"),
        tells_span=False,
    ),
    "pairwise": TableContract(
        columns={
            "cycle": Column("cycle", required=True),
            "rater_id": Column("id", required=True),
            "item_i": Column("id", required=True),
            "item_j": Column("id", required=True),
            "ratio": Column("number", required=True, low=0),
        },
        event="cycle",
        unique=("cycle", "rater_id", "item_i", "item_j"),
        tells_span=False,
    ),
    "evidence": TableContract(
        columns={
            "evidence_id": Column("id", required=True),
            "kind": Column("text", required=True, choices=EVIDENCE_KINDS),
            "dated_at": Column("date"),
            "owner": Column("text"),
            "coverage": Column("number", low=0, high=1),
        },
        event="dated_at",
        unique=("evidence_id",),
        tells_span=False,
    ),
    "actions": TableContract(
        columns={
            "action_id": Column("id", required=True),
            "finding_id": Column("id"),
            "text": Column("text", required=True),
            "kind": Column("text"),
            "owner": Column("text", required=True),
            "starts_on": Column("date"),
            "due_on": Column("date", required=True),
            "horizon": Column("text", choices=("short", "long")),
            "effort": Column("number", low=0),
            "budget": Column("money", low=0),
            "indicator": Column("id"),
            "expected_effect": Column("number"),
            "status": Column("text", choices=STATES),
        },
        unique=("action_id",),
        order=(("starts_on", "due_on"),),
        known={"starts_on": ("status",)},
        tells_span=False,
    ),
    "risks": TableContract(
        columns={
            "risk_id": Column("id", required=True),
            "category": Column("text", required=True, choices=RISK_CATEGORIES),
            "likelihood": Column("integer", low=1, high=5),
            "impact": Column("integer", low=1, high=5),
            "response": Column("text", choices=RESPONSES),
            "owner": Column("text"),
            "indicator": Column("id"),
            "contingency": Column("text"),
            "review_on": Column("date"),
        },
        unique=("risk_id",),
        tells_span=False,
    ),
}
