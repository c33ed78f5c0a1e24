"""Companies with tickets and the events of their cases, made of a few lines."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from crmkit.analyses import service

DAY = dt.date(2025, 12, 31)
STEPS = ("receive", "analyse", "solve", "confirm")
PROCESS = pd.DataFrame({"process": "request", "step": STEPS, "position": range(1, 5)})


def tickets(n=600, *, seed=0, slow=None, mix=None, teams=("desk", "lab", "office"), days=180):
    """Tickets of half a year; `slow` divides the pace of a team, `mix` is the share of hard cases of a team."""
    rng = np.random.default_rng(seed)
    team = rng.choice(teams, n)
    hard = rng.random(n) < np.array([(mix or {}).get(one, 0.3) for one in team])
    pace = np.array([(slow or {}).get(one, 1.0) for one in team])
    opened = pd.Timestamp(DAY) - pd.to_timedelta(rng.uniform(0, days, n), unit="D")
    answer = rng.lognormal(1.5, 1.0, n)
    solution = answer + rng.lognormal(3.0, 0.8, n) * np.where(hard, 4, 1) / pace
    over = pd.Timestamp(DAY) + pd.Timedelta(days=1)
    first, last = opened + pd.to_timedelta(answer, unit="h"), opened + pd.to_timedelta(solution, unit="h")
    return pd.DataFrame(
        {
            "ticket_id": [f"T{number:05d}" for number in range(n)],
            "customer_id": [f"C{number:04d}" for number in rng.integers(0, n // 2, n)],
            "opened_at": opened.floor("s"),
            "first_response_at": first.floor("s").where(first < over),
            "resolved_at": last.floor("s").where(last < over),
            "kind": np.where(hard, "fault", rng.choice(["question", "complaint"], n)),
            "channel": rng.choice(["mail", "phone"], n),
            "team": team,
            "agent_id": [f"A{number:02d}" for number in rng.integers(0, 12, n)],
            "handoffs": rng.poisson(0.3, n),
            "reopened": rng.random(n) < 0.1,
            "csat": np.where(rng.random(n) < 0.4, rng.integers(1, 6, n), np.nan),
        }
    )


def events(of, *, extra=0.0, seed=0):
    """The four steps of each resolved ticket, and with a chance a foreign one before its solution."""
    rng = np.random.default_rng(seed)
    rows = []
    for one in of[of["resolved_at"].notna()].itertuples():
        hours = (one.resolved_at - one.opened_at) / pd.Timedelta(hours=1)
        steps = [*STEPS[:2], *(["ask around"] if rng.random() < extra else []), *STEPS[2:]]
        moments = one.opened_at + pd.to_timedelta(np.sort(rng.random(len(steps))) * hours, unit="h")
        team = "desk"
        for step, moment in zip(steps, moments, strict=True):
            rows.append((one.ticket_id, moment.floor("s"), step, team))
            team = "lab" if step == "analyse" else team
    return pd.DataFrame(rows, columns=["ticket_id", "occurred_at", "activity", "team"])


@pytest.fixture
def served(company):
    """``served(tickets, events=..., processes=..., rules=...)``: the service of a company, read through the door."""

    def make(of, *, rules=None, params=None, **tables):
        given = {"tickets": of, **tables}
        return service.read(company(tables=given, as_of=str(DAY), **(params or {})), **(rules or {}))

    return make
