"""How RetailCo serves its customers, and what it keeps about itself: slow, complex and scattered, more so every month.

The purchases and the answers to the surveys are given. Requests are about purchases; which customers met the long waits and the
many hand-offs follows from what they said: who found buying hard was handed on, who found the support slow had waited. What
the service desk keeps under numbers of its own cannot be found in the customer file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.demo.audited import HEALTHY, truth_of
from crmkit.demo.audited.asking import draw_voices, feedback
from crmkit.demo.audited.buying import COST_PARTS, Orders
from crmkit.demo.audited.frame import DAYS, MONTHS, STARTS, People, Setting, dates, month_of
from crmkit.demo.audited.handling import Cases, draw_cases, processes, ticket_tables
from crmkit.demo.audited.house import GROW, STAFF, actions, benchmarks, crm_usage, goals, risks, staff, staff_survey, training
from crmkit.demo.audited.levels import levels_of, true_values
from crmkit.demo.audited.rating import Bias, assessments, evidence, pairwise, true_scores
from crmkit.demo.audited.records import DEPARTMENTS, by_quarter, draw_contacts, interactions, verification

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Words = NDArray[np.object_]

SETTING = Setting({"slow_response": 1.0, "complex_process": 1.0, "scattered_data": 1.0}, HEALTHY)
FOREIGN, DOUBLED, MISSING = 0.28, 0.12, 0.22
# how far the hand-offs and the waits of a customer's requests follow from what the customer said
FELT = 0.85
# satisfied customers (top two of seven), as measured in the half years; asked since the second
CONTENT = (0.43, 0.42, 0.3, 0.32)
COST_SHARE = 0.2
# what of the marketing is for which channel; recommendations cost little, and search is dear
MARKETING_PARTS = {"search": 0.5, "social": 0.3, "store": 0.15, "referral": 0.05}


@dataclass(frozen=True)
class Sold:
    """Purchases, one element each, and who bought: ids of the buyers, the day of the first purchase, the customer file."""

    ids: Words
    start: Ints
    who: Ints
    day: Ints
    cents: Ints
    customers: pd.DataFrame
    transactions: pd.DataFrame
    surveys: pd.DataFrame


def add_house(rng: np.random.Generator, sold: Sold) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """The tables of the service and of the organisation, the customer file with its faults, and what is true of them."""
    n = len(sold.ids)
    last = np.zeros(n, dtype=np.int64)
    np.maximum.at(last, sold.who, sold.day)
    region = np.zeros(n, dtype=np.int64)
    people = People(
        sold.ids,
        sold.start,
        np.minimum(last + 365, DAYS - 1),
        region,
        np.ones(n),
        np.zeros(n),
        rng.random(n) >= FOREIGN,
        np.zeros(n, dtype=bool),
    )
    desk = np.array([f"S{number:05d}" for number in 10_000 + rng.permutation(n)], dtype=object)
    # the service desk knows some customers by a number of its own only
    served = replace(people, ids=np.where(people.known, sold.ids, desk))
    employees = staff(rng, "R")
    orders = Orders(sold.who, sold.day, sold.cents, np.full(len(sold.who), -1))
    cases = draw_cases(rng, orders, SETTING, staff=STAFF)
    cases = _as_felt(rng, cases.where(cases.day < DAYS), sold)
    tickets, events = ticket_tables(rng, served, cases, SETTING, staff_ids=employees["staff_id"].to_numpy(), prefix="RT")
    file = _customers(rng, sold.customers)
    spent, budget = _costs(rng, sold.transactions)
    voices = draw_voices(rng, people, SETTING)
    contacts = interactions(rng, served, draw_contacts(rng, people, SETTING, since=DAYS - 184))
    deserved = [_deserved(cycle) for cycle in range(4)]
    tables = {
        "customers": file,
        "interactions": by_quarter(contacts),
        "tickets": tickets,
        "costs": spent,
        "ticket_events": events,
        "feedback": feedback(rng, people, voices.where(voices.day <= people.end[voices.who])),
        "processes": processes(),
        "staff": employees,
        "training": training(rng, employees, SETTING),
        "staff_survey": staff_survey(rng, employees, SETTING),
        "crm_usage": crm_usage(rng, SETTING),
        "verification": verification(rng, file, SETTING),
        "benchmarks": benchmarks(sold.transactions, SETTING),
        "goals": _goals(budget),
        "assessments": assessments(rng, deserved, Bias()),
        "pairwise": pairwise(rng),
        "evidence": evidence(),
        "actions": actions(),
        "risks": risks(),
    }
    return tables, _truth()


def _as_felt(rng: np.random.Generator, cases: Cases, sold: Sold) -> Cases:
    """The same waits and hand-offs, given within each quarter to the customers who complained of them."""
    quarter = month_of(cases.day) // 3
    hard = _pull(rng, cases, -_said(sold, "ease"))
    slow = _pull(rng, cases, -_said(sold, "support_speed"))
    weight = cases.handoffs + 0.1 * cases.detours
    by_weight, by_hard = np.lexsort((weight, quarter)), np.lexsort((hard, quarter))
    by_wait, by_slow = np.lexsort((cases.response, quarter)), np.lexsort((slow, quarter))
    handoffs, detours = cases.handoffs.copy(), cases.detours.copy()
    handoffs[by_hard], detours[by_hard] = cases.handoffs[by_weight], cases.detours[by_weight]
    response, solving = cases.response.copy(), cases.solving.copy()
    response[by_slow], solving[by_slow] = cases.response[by_wait], cases.solving[by_wait]
    return replace(cases, handoffs=handoffs, detours=detours, response=response, solving=solving)


def _pull(rng: np.random.Generator, cases: Cases, felt: Floats) -> Floats:
    return np.asarray(FELT * felt[cases.who] + (1 - FELT**2) ** 0.5 * rng.standard_normal(len(cases.who)))


def _said(sold: Sold, item: str) -> Floats:
    """What each buyer said, as deviations from the mean; 0 for who said nothing (0 is no answer)."""
    answered = sold.surveys[sold.surveys[item].fillna(0).astype(float) > 0]
    mean = answered.groupby("customer_id")[item].mean().astype(float)
    score = mean.reindex(list(sold.ids)).to_numpy(dtype=float)
    if mean.nunique() < 2:
        return np.zeros(len(score))
    return np.asarray(np.nan_to_num((score - np.nanmean(score)) / np.nanstd(score)))


def _customers(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """The customer file: some share address and telephone with another record, many have none."""
    import pandas as pd

    n, levels = len(table), SETTING.final
    phone = np.array([f"+49 30 {5_000_000 + 41 * place:07d}" for place in range(n)], dtype=object)
    found = table.assign(phone=phone)
    second = np.sort(rng.choice(np.arange(1, n), round(DOUBLED * n), replace=False))
    first = np.setdiff1d(np.arange(n), second)
    of = first[np.maximum(np.searchsorted(first, second) - 1, 0)]
    for name in ("name", "email", "phone"):
        found.loc[second, name] = found[name].to_numpy()[of]
    created = (found["created_at"] - pd.Timestamp("2024-01-01")).dt.days.to_numpy()
    age = np.floor(-np.log(rng.random(n)) / np.log(2) * levels.fresh_days)
    found["updated_at"] = dates(np.maximum(created, DAYS - 1 - age.astype(np.int64)))
    double = np.isin(np.arange(n), second)
    found["source_system"] = np.where(double, "service desk", "shop")
    found["department"] = np.array(DEPARTMENTS, dtype=object)[double.astype(int)]
    found["consent_at"] = found["created_at"]
    found["consent_purpose"] = "service;marketing"
    # doubles keep one of the two, or nobody could tell that they are doubles
    bare = rng.random(n) < MISSING
    found["email"] = found["email"].where(~bare | double)
    found["phone"] = found["phone"].where(~(rng.random(n) < MISSING) | double)
    order = [
        "customer_id",
        "name",
        "email",
        "phone",
        "region",
        "size",
        "acquisition_channel",
        "created_at",
        "updated_at",
        "source_system",
        "department",
        "consent_at",
        "consent_purpose",
    ]
    return found[order]


def _costs(rng: np.random.Generator, sales: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Costs of customer relations: a fifth of what is usually sold, a little less in the second year; and their budget."""
    import pandas as pd

    day = (sales["ordered_at"] - pd.Timestamp("2024-01-01")).dt.days.to_numpy()
    sold = np.bincount(month_of(day), sales["amount"].to_numpy(), MONTHS)
    usual = np.array([sold[max(0, month - 2) : month + 3].mean() for month in range(MONTHS)])
    spent = COST_SHARE * usual * np.where(np.arange(MONTHS) >= 12, 0.92, 1.0) * rng.uniform(0.98, 1.02, MONTHS)
    month = np.repeat(np.arange(MONTHS), len(COST_PARTS))
    table = pd.DataFrame(
        {
            "period": dates(STARTS[month]),
            "category": np.tile(np.array(list(COST_PARTS), dtype=object), MONTHS),
            "amount": np.round(spent[month] * np.tile(list(COST_PARTS.values()), MONTHS), 2),
        }
    )
    table = _by_channel(table)
    active = sales.loc[~sales["is_return"] & (day >= DAYS - 365), "customer_id"].nunique()
    return table, round(float(spent[-6:].sum() / (6 * max(1, active))), 2)


def _by_channel(table: pd.DataFrame) -> pd.DataFrame:
    """Marketing by the channel that it was for, to the cent; other costs are for no channel."""
    import pandas as pd

    parts = [table[table["category"] != "marketing"].assign(channel=None)]
    rest = table[table["category"] == "marketing"]
    amounts = {name: np.round(rest["amount"] * share, 2) for name, share in MARKETING_PARTS.items()}
    last = next(reversed(amounts))
    amounts[last] = np.round(rest["amount"] - sum(amount for name, amount in amounts.items() if name != last), 2)
    parts += [rest.assign(amount=amount, channel=name) for name, amount in amounts.items()]
    return pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)


def _goals(budget: float) -> pd.DataFrame:
    """What the company has set out to reach, the value of its customers too: there is no earlier audit to hold it against."""
    import pandas as pd

    rows = [
        ("G7", "R-CLV", "all customers", None, 56.0, "2025-01-01", "2026-06-30", "Head of sales", GROW),
        ("G8", "R-TIER", "all customers", None, 0.85, "2025-01-01", "2026-06-30", "Head of sales", GROW),
    ]
    usual = goals(budget)
    return pd.concat([usual, pd.DataFrame(rows, columns=usual.columns).astype(usual.dtypes)], ignore_index=True)


def _deserved(cycle: int) -> dict[str, float]:
    """What each standard deserves in a half year."""
    level = levels_of(SETTING.problems, SETTING.base, part=float(SETTING.parts[6 * cycle + 5]))
    return true_scores(true_values(level) | {"P-CSAT": CONTENT[cycle]})


def _truth() -> dict[str, Any]:
    said = truth_of(SETTING, Bias())
    known = {name: value for name, value in said.items() if name not in ("first_day", "as_of")}
    # the shares of the scattered records are those of this file
    known["indicators"] |= {"D-DUP": DOUBLED}
    for name in ("D-MATCH", "D-COMP", "P-COVER", "P-FBR", "P-REPR", "R-REF", "R-RETURN"):
        known["indicators"].pop(name)
    # whom the service desk knows by another number seems never to have been called
    known["consequences"] = sorted({*known["consequences"], "P-COVER"})
    known["absent"] = [one for one in known["absent"] if one in known["indicators"] and one != "P-COVER"]
    return known | {
        "drivers": ["complexity", "response"],
        "risks_at_least": {"churn": "high", "service": "high", "data": "high"},
        "notes": "Purchases are those of a stationary law: what is wrong shows in the answers, not in the purchases.",
    }
