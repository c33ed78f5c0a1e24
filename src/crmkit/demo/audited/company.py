"""A company with the problems that were asked for: every table that an audit reads, and the truth about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.core.errors import ParamError
from crmkit.demo.audited.asking import Voices, draw_ends, draw_scores, draw_voices, feedback, feelings, survey_rows
from crmkit.demo.audited.buying import Orders, campaigns, costs, draw_arms, draw_orders, referrals, subscriptions, transactions
from crmkit.demo.audited.frame import AS_OF, DAYS, FIRST, MONTHS, STARTS, People, Setting, draw_people
from crmkit.demo.audited.handling import Cases, draw_cases, processes, ticket_tables
from crmkit.demo.audited.house import STAFF, actions, benchmarks, crm_usage, goals, risks, staff, staff_survey, training
from crmkit.demo.audited.levels import (
    AT_TARGET,
    CONSEQUENCES,
    HEALTHY,
    PROBLEMS,
    Levels,
    levels_of,
    read_problems,
    true_values,
    worse_than_target,
)
from crmkit.demo.audited.rating import CYCLES, Bias, assessments, evidence, pairwise, true_scores
from crmkit.demo.audited.records import customers, draw_contacts, interactions, verification
from crmkit.demo.company import Company, write_csv

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


SURVEY = {
    "items": {
        "csat": {"scale": [1, 5], "kind": "csat", "label": {"en": "Overall satisfaction", "zh": "总体满意度"}},
        "nps": {"scale": [0, 10], "kind": "nps", "label": {"en": "Would recommend us", "zh": "推荐意愿"}},
        "ces": {"scale": [1, 5], "kind": "ces", "reverse": True, "label": {"en": "Effort it took", "zh": "费力程度"}},
    }
}


@dataclass(frozen=True)
class Wishes:
    """How much is written down, where files are to be small: every so-manyth wave, contacts since when."""

    survey_every: int = 1
    contacts_since: int = 0


def simulate_company(
    name: str = "acme",
    *,
    customers: int = 800,
    seed: int = 0,
    problems: Mapping[str, float] | tuple[str, ...] | list[str] = (),
    severity: float = 1.0,
    at_target: bool = False,
    manager_bias: float = 0.0,
    leniency: float = 0.0,
    order_rate: float = 1.0,
    steady: bool = False,
    base: Levels | None = None,
    wishes: Wishes | None = None,
) -> Company:
    """A company of which it is known what is wrong with it.

    Parameters
    ----------
    name : str
        Its first letter begins the customer numbers.
    customers : int
        Everybody who was a customer within the 24 months up to 2025-12-31.
    seed : int
        Equal seeds make equal companies.
    problems : sequence of str, or mapping of str to float
        Kinds of problem, see ``PROBLEMS``; as a mapping, each with its severity.
    severity : float
        Of every kind, 0 to 1, where ``problems`` is a sequence.
    at_target : bool
        Whether the true values lie exactly at their targets; no problem can be added.
    manager_bias, leniency : float
        Points by which all managers, and one member of staff, rate too kindly.
    order_rate : float
        Orders per customer and month.
    steady : bool
        Whether problems are as great in the first month as in the last; else they grow during the first year.
    base : Levels or None
        What is true without problems; None: a healthy company.
    wishes : Wishes or None
        How much is written down; None: everything.

    Returns
    -------
    Company
        ``tables``, a DataFrame per canonical table, and ``truth``: ``problems, indicators`` (true values), ``planted``
        (indicators whose true value misses its target), ``signs`` (those that must be found), ``consequences`` (those that may
        be), ``absent`` (those that must not be found), ``drivers`` of satisfaction, strongest first, ``rater_bias``.

    Raises
    ------
    ParamError
        For an unknown kind of problem, a severity out of range, or problems of a company at its targets.
    """
    found = read_problems(problems, severity)
    if at_target and found:
        raise ParamError("problems: a company exactly at its targets has none")
    setting = Setting(found, base or (AT_TARGET if at_target else HEALTHY), at_target, order_rate, steady)
    bias = Bias(manager_bias, leniency)
    rng = np.random.default_rng(seed)
    history = draw_history(rng, customers, setting, prefix=name[:1].upper())
    deserved = [_deserved(history, setting, cycle) for cycle in range(len(CYCLES))]
    tables = draw_tables(
        rng, history, setting, every=(wishes or Wishes()).survey_every, since=(wishes or Wishes()).contacts_since
    )
    tables |= {"assessments": assessments(rng, deserved, bias), "pairwise": pairwise(rng), "evidence": evidence()}
    tables |= {"actions": actions(), "risks": risks()}
    truth = {"company": name, "simulated": True, "customers": customers, "seed": seed} | truth_of(setting, bias)
    return Company(tables, truth | {"drivers": _drivers(history, setting)})


def _deserved(history: History, setting: Setting, cycle: int) -> dict[str, float]:
    """What each standard deserves in a half year, from the levels of its last month and what customers said in it."""
    people, scores, month = history.people, history.scores, 6 * cycle + 5
    values = true_values(
        levels_of(setting.problems, setting.base, part=float(setting.parts[month])), at_target=setting.at_target
    )
    day = int(STARTS[month])
    here = people.there(day, day)
    waves = slice(2 * cycle, 2 * cycle + 2)
    values["P-CSAT"] = 0.8 if setting.at_target else float((scores["csat"][here, waves] >= 4).mean())
    values["P-CES"] = 2.0 if setting.at_target else float(scores["ces"][here, waves].mean())
    left = ((people.end >= day - 92) & (people.end < day + 92)).sum()
    values["R-CHURN"] = float(left / max(1.0, here.sum() * 6.05))
    values["R-RET"] = float(np.exp(-12 * values["R-CHURN"]))
    level = levels_of(setting.problems, setting.base, part=float(setting.parts[month]))
    values["R-SALESG"] = level.growth + (0.0 if setting.at_target else level.arriving * 12 - 12 * values["R-CHURN"])
    return true_scores(values)


def truth_of(setting: Setting, bias: Bias) -> dict[str, Any]:
    """What is wrong, what must be found and what must not, and the true values behind it."""
    values = true_values(setting.final, at_target=setting.at_target)
    planted = [] if setting.at_target else worse_than_target(values)
    signs = sorted({sign for kind, how in setting.problems.items() if how >= 0.5 for sign in PROBLEMS[kind].signs})
    own = {"P-RES", "P-CMPT", "P-RESP90", "P-CACK"} & set(values)
    slower = own - set(planted) if {"complex_process", "slow_response"} & set(setting.problems) else set()
    may = sorted((set(CONSEQUENCES) | slower) - set(signs)) if setting.problems else []
    return {
        "first_day": FIRST.isoformat(),
        "as_of": AS_OF.isoformat(),
        "problems": dict(setting.problems),
        "indicators": {one: round(value, 6) for one, value in sorted(values.items())},
        "planted": sorted({*planted, *signs}),
        "signs": signs,
        "consequences": may,
        "absent": sorted(set(values) - set(planted) - set(signs) - set(may)),
        "rater_bias": {"manager": bias.managers, "S1": bias.lenient},
    }


def _drivers(history: History, setting: Setting) -> list[str]:
    """Causes of how content customers differ, the strongest first; only of what is a problem."""
    here = history.people.there(DAYS - 1, DAYS - 1)
    spread = {name: float(part[here, MONTHS // 6 :].std()) for name, part in history.parts.items()}
    kinds = {
        "slow_response": "response",
        "complex_process": "complexity",
        "scattered_data": "scatter",
        "unadopted_feedback": "adoption",
        "returns": "returns",
    }
    there = [kinds[kind] for kind, how in setting.problems.items() if kind in kinds and how > 0]
    return sorted(there, key=lambda name: -spread[name])


def write_client(made: Company, home: Path, *, client: str = "", sections: Mapping[str, Any] | None = None) -> str:
    """Write a company as a client of a project: ``data/<client>/`` and ``params/<client>.yml``.

    Parameters
    ----------
    made : Company
        From :func:`simulate_company`.
    home : Path
        Root of the project; its folders are made where they are missing.
    client : str
        Name of the client; empty: that of the company.
    sections : mapping or None
        Sections of analyses for the params file, for example ``{"churn": {"cutoffs": 2}}``.

    Returns
    -------
    str
        The name of the client.
    """
    import yaml

    name = client or str(made.truth["company"])
    folder = home / "data" / name
    for needed in (folder, home / "params", home / "notebooks"):
        needed.mkdir(parents=True, exist_ok=True)
    for table, rows in made.tables.items():
        write_csv(rows, folder / f"{table}.csv")
    said: dict[str, Any] = {
        "client": name,
        "title": f"{name} (simulated)",
        "as_of": AS_OF.isoformat(),
        "source": f"data/{name}",
    }
    said |= {"tables": {"surveys": SURVEY}, **(sections or {})}
    (home / "params" / f"{name}.yml").write_text(yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return name
