"""What is a feature called, is it something that the company can change, and which kind of reason is it?"""

from __future__ import annotations

from typing import NamedTuple

from crmkit.core.language import mark


class Word(NamedTuple):
    """A feature in words: as a reason to leave (starred where it can be changed), its kind, whether it can, as a heading."""

    reason: str
    kind: str
    changeable: bool
    heading: str


WORDS: dict[str, Word] = {
    "tickets_recent": Word(mark("many tickets *"), "service", True, mark("Tickets, last 90 days")),
    "complaints_recent": Word(mark("complaints *"), "service", True, mark("Complaints, last 90 days")),
    "faults_recent": Word(mark("faults reported *"), "product", True, mark("Faults, last 90 days")),
    "slow_recent": Word(mark("slow answers *"), "service", True, mark("Slow answers, last 90 days")),
    "tickets_open": Word(mark("open tickets *"), "service", True, mark("Open tickets")),
    "days_since_interaction": Word(mark("long silence *"), "usage", True, mark("Days since last contact (log)")),
    "usage_change": Word(mark("falling use *"), "usage", True, mark("Change of use")),
    "last_csat": Word(mark("low satisfaction *"), "satisfaction", True, mark("Last satisfaction score")),
    "plan": Word(mark("the plan *"), "price", True, mark("Plan")),
    "mrr": Word(mark("the price *"), "price", True, mark("Monthly price (log)")),
    "size": Word(mark("size of the customer"), "profile", False, mark("Size")),
    "region": Word(mark("the region"), "profile", False, mark("Region")),
    "industry": Word(mark("the industry"), "profile", False, mark("Industry")),
    "acquisition_channel": Word(mark("how the customer was won"), "profile", False, mark("Acquisition channel")),
    "purchase_rate": Word(mark("seldom buys *"), "usage", True, mark("Purchase days per year (log)")),
    "silence_share": Word(mark("silent for longer than usual *"), "usage", True, mark("Silence over own rhythm (log)")),
    "days_since_last": Word(mark("long silence *"), "usage", True, mark("Days since last purchase (log)")),
    "mean_amount": Word(mark("amount per purchase *"), "price", True, mark("Amount per purchase day (log)")),
    "known_days": Word(mark("time as a customer"), "profile", False, mark("Days since first purchase (log)")),
    "purchase_days": Word(mark("few purchases *"), "usage", True, mark("Purchase days")),
}
KINDS = ("service", "product", "usage", "satisfaction", "price", "profile", "other")
GAP = {
    "last_csat": mark("no answer to the questionnaire"),
    "usage_change": mark("use too short to compare"),
    "silence_share": mark("has bought once only"),
    "days_since_interaction": mark("no contact on record"),
}


def word(feature: str) -> Word:
    """The words of a feature; its own name where it is the client's column."""
    return WORDS.get(feature, Word(feature, "other", False, feature))


def heading(column: str) -> str:
    """What a column of the model is called: a level with its classification, a gap in its own words."""
    name, _, level = column.partition("[")
    base, gap, _ = name.partition(" (none)")
    if gap:
        return GAP.get(base, column)
    return f"{base}: {level.removesuffix(']')}" if level else word(base).heading
