"""What happened at a company, and what its tables show of it?

Stands alone: the record that the makers of tables fill and read, without their draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from crmkit.demo.audited.asking import Voices, draw_ends, draw_scores, draw_voices, feedback, feelings, survey_rows
from crmkit.demo.audited.buying import Orders, campaigns, costs, draw_arms, draw_orders, referrals, subscriptions, transactions
from crmkit.demo.audited.frame import DAYS, People, Setting, draw_people
from crmkit.demo.audited.handling import Cases, draw_cases, processes, ticket_tables
from crmkit.demo.audited.house import STAFF, benchmarks, crm_usage, goals, staff, staff_survey, training
from crmkit.demo.audited.records import customers, draw_contacts, interactions, verification

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """What happened: customers with their last days, what they bought, asked and said, and how content they were.

    ``scores`` are everybody's answers, customers x waves; ``parts`` is what each cause took from their satisfaction.
    """

    prefix: str
    people: People
    arms: Ints
    orders: Orders
    cases: Cases
    voices: Voices
    scores: dict[str, Ints]
    parts: dict[str, Floats]


def draw_history(rng: np.random.Generator, n: int, setting: Setting, *, prefix: str) -> History:
    """Everything is drawn as if nobody left, and cut where a customer did."""
    people = draw_people(rng, n, setting, prefix)
    arms = draw_arms(rng, people)
    orders = draw_orders(rng, people, arms, setting)
    cases = draw_cases(rng, orders, setting, staff=STAFF)
    voices = draw_voices(rng, people, setting)
    content, parts = feelings(rng, people, cases, voices, orders)
    people = people.leave(draw_ends(rng, people, content, setting))
    scores = draw_scores(rng, content, parts, setting)
    return History(
        prefix=prefix,
        people=people,
        arms=arms,
        orders=orders.where(orders.day <= people.end[orders.who]),
        cases=cases.where((cases.day <= people.end[cases.who]) & (cases.day < DAYS)),
        voices=voices.where(voices.day <= people.end[voices.who]),
        scores=scores,
        parts=parts,
    )


def draw_tables(
    rng: np.random.Generator, history: History, setting: Setting, *, every: int = 1, since: int = 0
) -> dict[str, pd.DataFrame]:
    """The tables that such a company would export, but for what it says of itself.

    Parameters
    ----------
    every : int
        Ask in every so-manyth quarter.
    since : int
        First day of the log of contacts.
    """
    people, prefix = history.people, history.prefix
    employees = staff(rng, prefix)
    ids = employees["staff_id"].to_numpy(dtype=object)
    tickets, events = ticket_tables(rng, people, history.cases, setting, staff_ids=ids, prefix=f"{prefix}T")
    file, sold = customers(rng, people, setting), transactions(people, history.orders)
    spent, budget = costs(rng, people, setting)
    listed, exposed = campaigns(people, history.arms, setting)
    return {
        "customers": file,
        "transactions": sold,
        "subscriptions": subscriptions(rng, people),
        "interactions": interactions(rng, people, draw_contacts(rng, people, setting, since=since)),
        "tickets": tickets,
        "surveys": survey_rows(rng, people, history.scores, setting, every=every),
        "campaigns": listed,
        "exposures": exposed,
        "referrals": referrals(rng, people),
        "costs": spent,
        "ticket_events": events,
        "feedback": feedback(rng, people, history.voices),
        "processes": processes(),
        "staff": employees,
        "training": training(rng, employees, setting),
        "staff_survey": staff_survey(rng, employees, setting),
        "crm_usage": crm_usage(rng, setting),
        "verification": verification(rng, file, setting),
        "benchmarks": benchmarks(sold, setting),
        "goals": goals(budget),
    }
