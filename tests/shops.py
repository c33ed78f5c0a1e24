"""Simulated shops whose truth is known, who stays away after the last day included, for tests and benchmarks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pandas as pd

from crmkit.core.settings import Settings

DAY = dt.date(2025, 12, 31)
KINDS = ("ordinary", "loyal", "season")
KEY = b"secret"


@dataclass(frozen=True)
class Shop:
    """Purchases up to the last day, and after how many days from it each customer buys next (inf: has left)."""

    transactions: pd.DataFrame
    ahead: pd.Series


def simulated(kind: str, seed: int, customers: int) -> Shop:
    """A shop of one kind.

    "ordinary": Pareto/NBD, exponential purchases until an exponential end, both rates gamma distributed over customers;
    "loyal": nobody leaves, gaps are more regular than chance, rhythms lognormal; "season": three years, one purchase in 20 is
    the last, and in summer customers buy more than twice as often as in winter. To the first two no customers come any more in
    the last two fifths of the time; to the third they come all the time.
    """
    rng = np.random.default_rng(seed)
    days = 1095 if kind == "season" else 730
    at = np.floor(rng.uniform(0, days if kind == "season" else 0.6 * days, customers))
    until = np.full(customers, np.inf)
    if kind == "ordinary":
        rhythm = 40 / rng.gamma(1.5, 1 / 1.5, customers)
        until = at + rng.exponential(500 / rng.gamma(2.0, 1 / 2.0, customers))
    else:
        rhythm = 40 * np.exp(0.6 * rng.standard_normal(customers))
    there = np.arange(customers)
    ahead, rows = np.full(customers, np.inf), []
    while len(there):
        rows.append((there, at[there]))
        shape = 1.0 if kind == "ordinary" else 2.0
        pace = np.exp(0.4 * np.sin(2 * np.pi * (at[there] / 365 - 0.25))) if kind == "season" else 1.0
        gap = rng.gamma(shape, rhythm[there] / shape) / pace
        at[there] = at[there] + np.maximum(1.0, np.round(gap))
        stays = (at[there] <= until[there]) & ~((kind == "season") & (rng.random(len(there)) < 0.05))
        there = there[stays]
        ahead[there] = np.where(at[there] >= days, at[there] - (days - 1), np.inf)
        there = there[at[there] < days]
    who, day = (np.concatenate(part) for part in zip(*rows, strict=True))
    names = np.array([f"C{k:05d}" for k in range(customers)])
    ordered = pd.Timestamp(DAY) - pd.to_timedelta(days - 1 - day, unit="D")
    amount = rng.gamma(3.0, 10.0, len(who)).round(2)
    table = pd.DataFrame({"customer_id": names[who], "ordered_at": ordered, "amount": amount})
    return Shop(table.sort_values(["customer_id", "ordered_at"], ignore_index=True), pd.Series(ahead, index=names))


def company_of(table: pd.DataFrame, **more: pd.DataFrame) -> SimpleNamespace:
    """A client of these transactions."""
    import ibis

    settings = Settings(client="test", title="Test", source="data/test", privacy={"min_cell": 10})
    tables = {"transactions": ibis.memtable(table)} | {name: ibis.memtable(one) for name, one in more.items()}
    return SimpleNamespace(name="test", tables=tables, as_of=DAY, settings=settings, currency="EUR", language="en")


def judged(shop: Shop) -> dict[str, float]:
    """What the page says of today's customers beside what they did: all by the functions of the notebook."""
    from crmkit.analyses import churn

    past = churn.history(company_of(shop.transactions), churn.define())
    work = churn.study(past)
    value = churn.worth(past, work, value_days=365, margin=1.0, key=KEY)
    box = churn.totals(past, value).table.set_index("measure").loc["expected"]
    days = work.scores["customer_id"].map(shop.ahead)
    accuracy = churn.accuracy(past, work).table
    return {
        "away": float((days > past.rule.horizon_days).sum()),
        "expected": float(box["value"]),
        "low": float(box["low"]),
        "high": float(box["high"]),
        "chance": float((work.scores["probability"] * (1 - work.scores["probability"])).sum()),
        "tests": float(len(work.tests)),
        "assessed": float(accuracy is not None),
    }


def purchases(n=300, *, days=500, every=40.0, stays=300.0, seed=0):
    """A shop: customers come in the first half, buy at a rate of their own, and leave after an exponential time (0: never)."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        came = at = int(rng.integers(0, days // 2))
        gap = every / rng.gamma(2.0, 0.5)
        until = came + rng.exponential(stays) if stays else np.inf
        while at < days and at <= until:
            rows.append((f"C{i:04d}", at))
            at += max(1, round(rng.exponential(gap)))
    table = pd.DataFrame(rows, columns=["customer_id", "at"])
    ordered = pd.Timestamp(DAY) - pd.to_timedelta(days - 1 - table["at"], unit="D")
    return pd.DataFrame(
        {"customer_id": table["customer_id"], "ordered_at": ordered, "amount": rng.gamma(3.0, 10.0, len(table)).round(2)}
    )


def whole(company, **rule):
    """All that the notebook works out before its exhibits."""
    from crmkit.analyses import churn

    past = churn.history(company, churn.define(**rule))
    work = churn.study(past)
    value = churn.worth(past, work, value_days=365, margin=1.0, key=KEY)
    offer = churn.Campaign(save_rate=0.3, offer_cost=5.0, contact_cost=1.0, uptake=0.5)
    plan = churn.make_plan(past, value, offer, contacts=100, holdout_share=0.2, key=KEY)
    return SimpleNamespace(past=past, work=work, value=value, offer=offer, plan=plan)
