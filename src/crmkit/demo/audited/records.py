"""What stands in the customer file and in the log of contacts, and how good are these records?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.audited.frame import DAYS, REGIONS, People, Setting, dates, month_of
from crmkit.demo.names import draw_names

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

BLOCK_DAYS, BLOCK_MONTHS = 90, 90 / 30.4375
DEPARTMENTS = ("sales", "service")
FIELDS = ("name", "email", "phone", "region")
CHECKED = 200
SIZES = ("private", "small firm", "large firm")
ACQUISITION = ("search", "social", "store")


def customers(rng: np.random.Generator, people: People, setting: Setting) -> pd.DataFrame:
    """The customer file: those whom the master data know, the doubles, the gaps and the faults."""
    import pandas as pd

    levels = setting.final
    known = np.flatnonzero(people.known)
    n, twice = len(known), round(levels.doubled / (1 - levels.doubled) * people.known.sum())
    source = np.concatenate([known, rng.choice(known, min(twice, n), replace=False)]) if n else known
    double = np.arange(len(source)) >= n
    numbers = [
        f"{people.ids[one][:1]}9{place:05d}" if later else people.ids[one]
        for place, (one, later) in enumerate(zip(source, double, strict=True))
    ]
    created = np.minimum(people.start[source] + np.where(double, rng.integers(1, 30, len(source)), 0), DAYS - 1)
    age = np.floor(-np.log(rng.random(len(source))) / np.log(2) * levels.fresh_days)
    updated = np.maximum(created, DAYS - 1 - age.astype(np.int64))
    names, person = draw_names(rng, len(people.ids)), np.array([one.lower() for one in people.ids], dtype=object)
    channel = np.where(people.referred, "referral", np.array(ACQUISITION, dtype=object)[rng.integers(0, 3, len(person))])
    agreed = rng.random(len(source)) < levels.consent
    digits = np.array([f"+49 30 {4_000_000 + 37 * place:07d}" for place in range(len(person))], dtype=object)
    table = pd.DataFrame(
        {
            "customer_id": np.array(numbers, dtype=object),
            "name": names[source],
            "email": person[source] + "@example.com",
            "phone": digits[source],
            "region": np.array(REGIONS, dtype=object)[people.region[source]],
            "size": np.array(SIZES, dtype=object)[rng.choice(3, len(person), p=[0.7, 0.22, 0.08])[source]],
            "acquisition_channel": channel[source],
            "created_at": dates(created),
            "updated_at": dates(updated),
            "source_system": np.where(double, "service desk", "shop"),
            "department": np.array(DEPARTMENTS, dtype=object)[double.astype(int)],
            "consent_at": pd.Series(dates(created)).where(agreed),
            "consent_purpose": pd.Series(["service;marketing"] * len(source), dtype=object).where(agreed),
        }
    )
    for name in FIELDS:
        table[name] = table[name].where(rng.random(len(table)) < levels.filled)
    _spoil(table, rng.random(len(table)) >= levels.valid)
    return table.sort_values("customer_id", ignore_index=True)


def _spoil(table: pd.DataFrame, wrong: Flags) -> None:
    """A faulty e-mail address, or a faulty telephone number where there is no address."""
    mail = wrong & table["email"].notna().to_numpy()
    table.loc[mail, "email"] = table.loc[mail, "email"].str.replace("@example.com", "(at)example", regex=False)
    table.loc[wrong & ~mail, "phone"] = "unknown"


def verification(rng: np.random.Generator, table: pd.DataFrame, setting: Setting) -> pd.DataFrame:
    """A sample of records of the last year, looked up one by one."""
    import pandas as pd

    chosen = rng.choice(len(table), min(CHECKED, len(table)), replace=False)
    who = np.repeat(table["customer_id"].to_numpy()[chosen], len(FIELDS))
    day = np.repeat(rng.integers(DAYS - 330, DAYS - 5, len(chosen)), len(FIELDS))
    return pd.DataFrame(
        {
            "customer_id": who,
            "field": np.tile(np.array(FIELDS, dtype=object), len(chosen)),
            "checked_at": dates(day),
            "correct": rng.random(len(who)) < setting.final.correct,
        }
    ).sort_values(["checked_at", "customer_id", "field"], ignore_index=True)


@dataclass(frozen=True)
class Contacts:
    """Contacts, one element each: the customer's place, the day, whether the company began."""

    who: Ints
    day: Ints
    outbound: Flags


def draw_contacts(rng: np.random.Generator, people: People, setting: Setting, *, since: int) -> Contacts:
    """A follow-up of most customers in each 90 days, counted back from the last day, and contacts that customers begin."""
    blocks = -(-(DAYS - since) // BLOCK_DAYS)
    ends = DAYS - 1 - BLOCK_DAYS * np.arange(blocks)
    begin = np.maximum(np.maximum(ends[None, :] - BLOCK_DAYS + 1, since), people.start[:, None])
    until = np.minimum(ends[None, :], people.end[:, None])
    there = until >= begin
    followed = setting.by_month("followed")[month_of(np.broadcast_to(ends, there.shape))]
    called = there & (rng.random(there.shape) < followed)
    who, _ = np.nonzero(called)
    day = begin[called] + np.floor(rng.random(len(who)) * (until[called] - begin[called] + 1)).astype(np.int64)
    rest = np.clip(setting.by_month("contacts") - setting.by_month("followed") / BLOCK_MONTHS, 0, None)
    months = np.clip(until - begin + 1, 0, None) / 30.4375
    flat = np.repeat(np.arange(there.size), rng.poisson(rest[month_of(ends)][None, :] * months).ravel())
    caller, _ = np.divmod(flat, blocks)
    start, span = begin.ravel()[flat], (until - begin + 1).ravel()[flat]
    later = start + np.floor(rng.random(len(flat)) * span).astype(np.int64)
    everyone, days = np.concatenate([who, caller]), np.concatenate([day, later])
    outbound = np.arange(len(everyone)) < len(who)
    order = np.lexsort((everyone, days))
    return Contacts(everyone[order], days[order], outbound[order])


def interactions(rng: np.random.Generator, people: People, contacts: Contacts) -> pd.DataFrame:
    """A row per contact."""
    import pandas as pd

    n = len(contacts.who)
    way = np.array(["phone", "mail", "visit"], dtype=object)[rng.integers(0, 3, n)]
    return pd.DataFrame(
        {
            "customer_id": people.ids[contacts.who],
            "occurred_at": dates(contacts.day),
            "channel": way,
            "direction": np.where(contacts.outbound, "outbound", "inbound"),
            "kind": np.where(contacts.outbound, "follow-up", "request"),
        }
    )


def by_quarter(table: pd.DataFrame) -> pd.DataFrame:
    """Contacts counted per customer, quarter and direction, dated on the last of them."""
    keys = ["customer_id", "direction", "kind"]
    quarter = table["occurred_at"].dt.to_period("Q").rename("quarter")
    counted = table.groupby([*keys, quarter])["occurred_at"].agg(["max", "size"]).reset_index()
    counted = counted.rename(columns={"max": "occurred_at", "size": "quantity"})[
        ["customer_id", "occurred_at", *keys[1:], "quantity"]
    ]
    return counted.sort_values(["occurred_at", "customer_id", "direction"], ignore_index=True)


def slim(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same in smaller files: contacts counted by quarter, feedback of the last year only."""
    feedback = tables["feedback"]
    recent = feedback[feedback["received_at"] >= dates(DAYS - 365)].reset_index(drop=True)
    return tables | {"interactions": by_quarter(tables["interactions"]), "feedback": recent}
