"""Which steps did TechCo's tickets take? A log that agrees with the tickets: their first answer, their hand-offs, their end.

Stands alone: a table of its own, as in the other companies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.audited.handling import STEPS, processes
from crmkit.demo.software import AS_OF

if TYPE_CHECKING:
    import pandas as pd

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
