"""What TechCo keeps about itself: feedback that comes to nothing, and managers who rate themselves a point too high.

Tickets, contracts and answers are given; what the form deserves follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.demo.audited import HEALTHY, truth_of
from crmkit.demo.audited.asking import Voices, draw_voices, feedback
from crmkit.demo.audited.frame import FIRST, People, Setting
from crmkit.demo.audited.handling import STEPS, processes
from crmkit.demo.audited.house import actions, benchmarks, crm_usage, goals, risks, staff, staff_survey, training
from crmkit.demo.audited.levels import CONSEQUENCES, levels_of, true_values, worse_than_target
from crmkit.demo.audited.rating import CYCLES, STANDARDS, Bias, assessments, evidence, pairwise, true_scores
from crmkit.demo.techco.people import AS_OF

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Words = NDArray[np.object_]

MANAGERS = 1.0
KEPT = 0.2
SETTING = Setting(
    {"unadopted_feedback": 1.0},
    replace(HEALTHY, trained=0.85, gain=0.35, engagement=3.95, used=0.84),
    steady=True,
)
# what nobody can compute from TechCo's tables deserves the middle of the scale
UNKNOWN = 3.0
OF_HOUSE = ("P-ADOPT", "P-LOOP", "I-TRAINCOV", "I-TRAING", "P-ENG", "D-USE")
# the way that tickets take is as it ought to be
IN_ORDER = ("P-STEP", "P-HAND", "P-WAIT", "P-CONF")
SLOW = ("P-RESP", "P-RESP50")
MAY = ("P-RESP90", "P-RES", "P-CMPR", "P-CACK", "P-FBR", "P-REPR")


def add_house(
    rng: np.random.Generator, tables: Mapping[str, pd.DataFrame], *, ids: Words, start: Ints, end: Ints
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables of the organisation, and what is true of them.

    Parameters
    ----------
    rng : numpy.random.Generator
    tables : mapping of str to DataFrame
        ``tickets, surveys, subscriptions`` and ``costs``.
    ids : array of str
    start, end : array of int
        First and last day of each customer, counted from 2024-01-01.
    """
    import pandas as pd

    n = len(ids)
    region, nothing = np.zeros(n, dtype=np.int64), np.zeros(n)
    known = np.ones(n, dtype=bool)
    people = People(ids, start, end, region, nothing, nothing, known, ~known)
    voices = draw_voices(rng, people, SETTING)
    voices = voices.where((voices.day <= end[voices.who]) & (rng.random(len(voices.who)) < KEPT))
    employees = staff(rng, "T")
    deserved = [_deserved(tables, voices, cycle) for cycle in CYCLES]
    contracts, costs = tables["subscriptions"], tables["costs"]
    active = contracts.loc[contracts["ended_at"].isna(), "customer_id"].nunique()
    spent = costs.loc[costs["period"] >= "2025-07", "amount"].sum() / 6
    sales = pd.DataFrame({"ordered_at": contracts["started_at"], "amount": 12 * contracts["mrr"]})
    made = {
        "feedback": feedback(rng, people, voices),
        "staff": employees,
        "training": training(rng, employees, SETTING),
        "staff_survey": staff_survey(rng, employees, SETTING),
        "crm_usage": crm_usage(rng, SETTING),
        "benchmarks": benchmarks(sales, SETTING).iloc[2:],
        "goals": goals(round(float(spent) / max(1, active), 2)),
        "assessments": assessments(rng, deserved, Bias(managers=MANAGERS)),
        "pairwise": pairwise(rng),
        "evidence": evidence(),
        "actions": actions(),
        "risks": risks(),
    }
    return made, _truth(deserved[-1])


def _deserved(tables: Mapping[str, pd.DataFrame], voices: Voices, cycle: str) -> dict[str, float]:
    """What each standard deserves in a half year, from the tickets, the answers and the levels."""
    import pandas as pd

    first = pd.Timestamp(f"{cycle[:4]}-{'01' if cycle[-1] == '1' else '07'}-01")
    last = first + pd.DateOffset(months=6)
    tickets = tables["tickets"]
    opened, answered = pd.to_datetime(tickets["opened_at"]), pd.to_datetime(tickets["first_response_at"].replace("", None))
    inside = (opened >= first) & (opened < last)
    hours = ((answered - opened).dt.total_seconds() / 3600)[inside]
    solved = pd.to_datetime(tickets["resolved_at"].replace("", None))
    complaint = inside & (tickets["kind"] == "complaint")
    took = ((solved - opened).dt.total_seconds() / 3600)[complaint]
    contracts = tables["subscriptions"]
    left = ((contracts["renewed"] == "no") & contracts["ended_at"].between(first, last)).sum()
    there = contracts["started_at"].lt(last) & (contracts["ended_at"].isna() | contracts["ended_at"].ge(first))
    months = 6 * max(1, contracts.loc[there, "customer_id"].nunique())
    level = true_values(levels_of(SETTING.problems, SETTING.base))
    values = {name: level[name] for name in OF_HOUSE if name != "D-USE"} | {"P-CHAN": 4.0}
    values |= {"P-RESP": float((hours <= 8).mean()), "P-RESP50": float(hours.median()), "R-CHURN": float(left / months)}
    values |= {"P-CMPT": float(took.median()), "P-CACK": float((hours[complaint[inside]] <= 24).mean())}
    values |= {"R-RET": float(np.exp(-12 * left / months))}
    found = true_scores(values)
    return {name: found[name] if set(STANDARDS[name]) & set(values) else UNKNOWN for name in STANDARDS}


def _truth(deserved: Mapping[str, float]) -> dict[str, Any]:
    said = truth_of(SETTING, Bias(managers=MANAGERS))
    values = {name: said["indicators"][name] for name in OF_HOUSE}
    planted = sorted({*worse_than_target(values), *SLOW})
    return {
        "problems": said["problems"] | {"slow_response": "doubled for small customers since 2025-04-01"},
        "indicators": values,
        "planted": planted,
        "signs": ["P-LOOP", *SLOW],
        "consequences": sorted({*CONSEQUENCES, *MAY}),
        "absent": sorted({*values, *IN_ORDER} - set(planted)),
        "rater_bias": said["rater_bias"],
        "deserved": {name: round(value, 2) for name, value in deserved.items()},
        "drivers": ["slow_support", "sync_defect", "price_rise"],
        "risks_at_least": {"churn": "high", "service": "high"},
        "first_cycle": f"{FIRST.year}H1",
    }


# steps are kept since then
SINCE = "2025-11-15"
TEAMS = ("desk", "experts", "makers", "billing")
DETOURS = ("ask for logs", "query development", "query billing", "escalate")
STRAYED = 0.07
WORK_HOURS, WORK_SPREAD, WAIT_HOURS = 0.7, 0.2, 1.2
HOUR = 3600


def add_steps(rng: np.random.Generator, tickets: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables ``ticket_events`` and ``processes``.

    Parameters
    ----------
    rng : numpy.random.Generator
        A stream of its own, so that everything else stays what it is.
    tickets : pandas.DataFrame
        ``ticket_id, opened_at, first_response_at, resolved_at, handoffs``.

    Notes
    -----
    Steps are kept of tickets that were first answered since the middle of November 2025. A ticket is received with its first
    answer; work of .5 to .9 hours lies between two steps, and once a longer wait. Where a ticket was resolved before all that,
    its steps are pressed together; no step comes later. Its hand-offs, as many as the ticket says, happen before a random
    choice of the later steps. Waiting takes a little less than half of the time.
    """
    import pandas as pd

    answered = pd.to_datetime(tickets["first_response_at"].replace("", None))
    known = answered >= pd.Timestamp(SINCE)
    kept, begun = tickets[known].reset_index(drop=True), answered[known].reset_index(drop=True)
    solved = pd.to_datetime(kept["resolved_at"].replace("", None))
    handoffs = kept["handoffs"].to_numpy(dtype=np.int64)
    number = np.maximum(len(STEPS) + (rng.random(len(kept)) < STRAYED), handoffs + 1)
    case = np.repeat(np.arange(len(kept)), number)
    before = np.cumsum(number) - number
    place, length = np.arange(len(case)) - before[case], number[case]
    hours = _hours(rng, place, length, before[case])
    # what was resolved sooner took its steps sooner
    room = ((solved - begun).dt.total_seconds() / HOUR).fillna(np.inf).to_numpy()
    whole = hours[np.cumsum(number) - 1]
    hours = hours * np.minimum(1.0, room / np.maximum(whole, 1e-9))[case]
    moment = begun.to_numpy()[case] + np.floor(hours * 60).astype("timedelta64[m]")
    stray = len(STEPS) + (case + place) % len(DETOURS)
    chosen = np.where(place < 2, place, np.where(place == length - 1, 3, np.where(place == length - 2, 2, stray)))
    table = pd.DataFrame(
        {
            "ticket_id": kept["ticket_id"].to_numpy()[case],
            "occurred_at": pd.Series(moment).dt.strftime("%Y-%m-%d %H:%M"),
            "activity": np.array(STEPS + DETOURS, dtype=object)[chosen],
            "team": np.array(TEAMS, dtype=object)[_teams(rng, case, place, handoffs, before)],
        }
    )
    seen = pd.Series(moment) < pd.Timestamp(AS_OF) + pd.Timedelta(days=1)
    return {"ticket_events": table[seen.to_numpy()].reset_index(drop=True), "processes": processes()}


def _hours(rng: np.random.Generator, place: np.ndarray, length: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Hours from the first step of a case to each of its steps."""
    gap = rng.uniform(WORK_HOURS - WORK_SPREAD, WORK_HOURS + WORK_SPREAD, len(place))
    gap = np.where(place == length - 2, WAIT_HOURS + 0.1 * rng.random(len(place)), np.where(place == 0, 0.0, gap))
    passed = np.cumsum(gap)
    return np.asarray(passed - passed[before])


def _teams(
    rng: np.random.Generator, case: np.ndarray, place: np.ndarray, handoffs: np.ndarray, before: np.ndarray
) -> np.ndarray:
    """Place of the team of each step; it changes as often as the ticket was handed on."""
    key = np.where(place == 0, 2.0, rng.random(len(case)))
    rank = np.empty(len(case), dtype=np.int64)
    rank[np.lexsort((key, case))] = place
    total = np.cumsum((rank < handoffs[case]).astype(np.int64))
    return np.asarray((case + total - total[before][case]) % len(TEAMS))
