"""RetailCo: a retailer without contracts, whose customers come, buy for a while and stay away without a word.

Customers who ever buy follow a Pareto/NBD process with Gamma-Gamma spend, exactly (:mod:`crmkit.demo.retailco.purchases`).
Region, size and acquisition channel are given afterwards, depending on what a customer is like, so that groups differ and the
population still follows the law. Some customers registered and never bought. A few purchases are sent back, in full.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.demo.company import Company
from crmkit.demo.names import draw_names
from crmkit.demo.retailco.house import Sold, add_house
from crmkit.demo.retailco.purchases import Laws, People, draw_cents, draw_people, draw_times, expected_future
from crmkit.demo.retailco.voices import Shop, add_voices

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Words = NDArray[np.object_]

CUSTOMERS = 2000
SEED = 20251231
AS_OF = dt.date(2025, 12, 31)
DAYS = 731
LAST_START = 650
FUTURE_DAYS = 365
LAWS = Laws(r=0.8, alpha=11.0, s=0.7, beta=16.0, p=4.0, q=4.0, v=42.0)

BUYERS_SHARE = 0.95
SECOND_LINE_SHARE = 0.06
RETURNED_SHARE = 0.03
RETURN_DAYS = 21
TIERS = (("top 20%", 0.2), ("next 30%", 0.5), ("other 50%", 1.0))

# category: share of purchases, share of the price that the goods cost, products
GOODS = {
    "Kitchen": (0.26, 0.58, ("Kettle", "Pan set", "Knife", "Toaster")),
    "Home": (0.24, 0.52, ("Lamp", "Cushion", "Rug", "Mirror")),
    "Garden": (0.16, 0.61, ("Planter", "Hose", "Grill", "Bench")),
    "Sport": (0.18, 0.64, ("Yoga mat", "Tent", "Bottle", "Skates")),
    "Toys": (0.16, 0.55, ("Puzzle", "Blocks", "Kite", "Doll")),
}
ACQUISITION = ("search", "referral", "social", "store")
REGIONS = ("North", "South", "East", "West")
SIZES = ("private", "small firm", "large firm")
CHANNELS = ("online", "store", "app")


@dataclass(frozen=True)
class Orders:
    """Purchases of all buyers, one element each, by customer and time; ``day`` counts from the first day of the data."""

    who: Ints
    day: Ints
    cents: Ints

    def within(self, first: int, end: int) -> Orders:
        """Those from day ``first`` until before day ``end``."""
        keep = (self.day >= first) & (self.day < end)
        return Orders(self.who[keep], self.day[keep], self.cents[keep])


def simulate(customers: int, seed: int) -> Company:
    """RetailCo with that many customers; equal for equal seeds.

    Parameters
    ----------
    customers : int
    seed : int

    Returns
    -------
    Company
        Tables ``customers, transactions, surveys, referrals`` and ``loyalty`` up to 2025-12-31, and what is true of them and of
        the year after.
    """
    rng = np.random.default_rng(seed)
    buyers = max(1, round(BUYERS_SHARE * customers))
    people = draw_people(rng, LAWS, buyers)
    start = np.floor(LAST_START * rng.beta(0.9, 1.1, buyers)) + rng.random(buyers)
    orders = _orders(rng, people, start)
    ids = np.array([f"R{number:05d}" for number in rng.permutation(customers) + 1], dtype=object)
    tables = {
        "customers": _customers(rng, ids, people, start),
        "transactions": _transactions(rng, ids, orders.within(0, DAYS)),
    }
    truth = _head(customers, seed) | _truth(ids, people, start, orders)
    past = orders.within(0, DAYS)
    first = np.floor(start).astype(np.int64)
    shop = Shop(ids, first, people.dropout, past.who, past.day, tables["customers"], DAYS, _dates)
    # a stream of its own: the purchases stay what they are, whatever is asked of the customers
    more, said = add_voices(np.random.default_rng([seed, 1]), shop)
    rows = [(tables | more)[name] for name in ("customers", "transactions", "surveys")]
    sold = Sold(ids[:buyers], first, past.who, past.day, past.cents, *rows)
    house, found = add_house(np.random.default_rng([seed, 2]), sold)
    return Company(tables | more | house, truth | said | {"audit": found})


def _orders(rng: np.random.Generator, people: People, start: Floats) -> Orders:
    """The first purchase of each buyer and all that follow until the end of the year after."""
    who, after = draw_times(rng, people, DAYS + FUTURE_DAYS - start)
    everyone = np.arange(len(start))
    who, when = np.concatenate([everyone, who]), np.concatenate([start, start[who] + after])
    order = np.lexsort((when, who))
    who, when = who[order], when[order]
    return Orders(who, np.floor(when).astype(np.int64), draw_cents(rng, LAWS, people.nu[who]))


def _customers(rng: np.random.Generator, ids: Words, people: People, start: Floats) -> pd.DataFrame:
    """The customer file: buyers with the day of their first purchase or shortly before, and those who only registered."""
    import pandas as pd

    n, buyers = len(ids), len(start)
    registered = np.concatenate([np.floor(start), rng.integers(0, DAYS, n - buyers)]) - np.where(
        rng.random(n) < 0.3, rng.integers(0, 15, n), 0
    )
    busy = np.concatenate([_ranks(people.rate), rng.random(n - buyers)])
    generous = np.concatenate([_ranks(1 / people.nu), rng.random(n - buyers)])
    table = pd.DataFrame(
        {
            "customer_id": ids,
            "name": draw_names(rng, n),
            "email": [f"{one.lower()}@example.com" for one in ids],
            "region": _choose(rng, REGIONS, [0.28, 0.3, 0.22, 0.2], generous, [0.5, -0.2, -0.3, 0.0]),
            "size": _choose(rng, SIZES, [0.72, 0.2, 0.08], generous, [-1.5, 1.5, 3.5]),
            "acquisition_channel": _choose(rng, ACQUISITION, [0.36, 0.18, 0.26, 0.2], busy, [-0.3, 2.0, -1.2, 0.4]),
            "created_at": _dates(registered),
        }
    )
    return table.sort_values("customer_id", ignore_index=True)


def _transactions(rng: np.random.Generator, ids: Words, orders: Orders) -> pd.DataFrame:
    """Lines of orders, some orders with two, and the lines that came back, with a negative amount."""
    import pandas as pd

    n = len(orders.who)
    two = (rng.random(n) < SECOND_LINE_SHARE) & (orders.cents >= 2)
    line = np.repeat(np.arange(n), 1 + two)
    second = np.concatenate([[False], line[1:] == line[:-1]])
    part = np.clip(np.rint(orders.cents * rng.uniform(0.3, 0.7, n)), 1, np.maximum(1, orders.cents - 1)).astype(np.int64)
    cents = np.where(second, orders.cents[line] - part[line], np.where(two[line], part[line], orders.cents[line]))
    names = np.array(list(GOODS), dtype=object)
    kind = rng.choice(len(GOODS), len(line), p=[share for share, _, _ in GOODS.values()])
    # the second line of an order is from the next category, so that no two lines of an order are equal
    kind[second] = (kind[np.flatnonzero(second) - 1] + 1) % len(GOODS)
    products = np.array([list(products) for _, _, products in GOODS.values()], dtype=object)
    cost_share = np.array([cost for _, cost, _ in GOODS.values()])[kind] * rng.uniform(0.92, 1.08, len(line))
    lines = pd.DataFrame(
        {
            "customer_id": ids[orders.who[line]],
            "ordered_at": orders.day[line],
            "amount": cents,
            "order_id": _order_ids(orders)[line],
            "product": products[kind, rng.integers(products.shape[1], size=len(line))],
            "category": names[kind],
            "channel": np.array(CHANNELS, dtype=object)[rng.choice(len(CHANNELS), n, p=[0.5, 0.32, 0.18])][line],
            "is_return": False,
            "cost": np.rint(cents * cost_share),
        }
    )
    back = lines[rng.random(len(lines)) < RETURNED_SHARE].copy()
    back["ordered_at"] += rng.integers(1, RETURN_DAYS + 1, len(back))
    # what comes back cannot be sold again: no cost is recovered
    back = back.assign(amount=-back["amount"], is_return=True, cost=0.0)
    table = pd.concat([lines, back[back["ordered_at"] < DAYS]], ignore_index=True)
    table = table.sort_values(["ordered_at", "order_id", "is_return"], kind="stable", ignore_index=True)
    return table.assign(
        ordered_at=_dates(table["ordered_at"].to_numpy()), amount=table["amount"] / 100, cost=table["cost"] / 100
    )


def _order_ids(orders: Orders) -> Words:
    """Numbers in the order of the days, as a shop gives them."""
    number = np.empty(len(orders.day), dtype=np.int64)
    number[np.argsort(orders.day, kind="stable")] = np.arange(1, len(orders.day) + 1)
    return np.array([f"O{one:05d}" for one in number], dtype=object)


def _choose(rng: np.random.Generator, words: tuple[str, ...], shares: list[float], rank: Floats, pull: list[float]) -> Words:
    """A word for each customer; with a positive pull it is more frequent among customers of a high rank."""
    weight = np.array(shares) * np.exp(np.outer(rank - 0.5, pull))
    edges = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    chosen = (rng.random(len(rank))[:, None] > edges[:, :-1]).sum(axis=1)
    return np.asarray(np.array(words, dtype=object)[chosen])


def _ranks(values: Floats) -> Floats:
    """Places from 0, the smallest, to 1."""
    places = np.empty(len(values))
    places[np.argsort(values, kind="stable")] = np.linspace(0, 1, len(values))
    return places


def _dates(days: Any) -> Any:
    import pandas as pd

    first = np.datetime64(AS_OF - dt.timedelta(days=DAYS - 1), "D")
    return pd.to_datetime(first + np.asarray(days).astype("timedelta64[D]"))


def _head(customers: int, seed: int) -> dict[str, Any]:
    """What was asked for, and the law of the population."""
    return {
        "company": "retailco",
        "simulated": True,
        "seed": seed,
        "customers": customers,
        "first_day": (AS_OF - dt.timedelta(days=DAYS - 1)).isoformat(),
        "as_of": AS_OF.isoformat(),
        "future_days": FUTURE_DAYS,
        "parameters": {"time_unit": "week", **asdict(LAWS), "mean_spend": LAWS.mean_spend},
        "notes": "Purchases are orders, the first one of a customer included where it says so; money is before returns.",
    }


def _truth(ids: Words, people: People, start: Floats, orders: Orders) -> dict[str, Any]:
    """True totals, for all and by tier of past money, and what each customer really did in the year after."""
    n = len(start)
    past, future = orders.within(0, DAYS), orders.within(DAYS, DAYS + FUTURE_DAYS)
    alive = start + people.life > DAYS
    expected = expected_future(people, alive, FUTURE_DAYS)
    past_spend = np.bincount(past.who, past.cents, n) / 100
    facts: dict[str, NDArray[Any]] = {
        "customers": np.ones(n),
        "alive_at_as_of": alive,
        "past_purchases": np.bincount(past.who, minlength=n),
        "past_spend": past_spend,
        "expected_purchases": expected,
        "expected_spend": expected * LAWS.p / people.nu,
        "actual_purchases": np.bincount(future.who, minlength=n),
        "actual_spend": np.bincount(future.who, future.cents, n) / 100,
    }
    ranked = np.argsort(-past_spend, kind="stable")
    ends = [0, *(round(share * n) for _, share in TIERS)]
    tiers = {name: _sums(facts, ranked[first:end]) for (name, _), first, end in zip(TIERS, ends[:-1], ends[1:], strict=True)}
    back = sorted(np.flatnonzero(facts["actual_purchases"]), key=lambda one: str(ids[one]))
    return {
        "buyers": _sums(facts, ranked),
        "never_bought": len(ids) - n,
        "expected_repeat_purchases_until_as_of": round(float(np.sum(LAWS.expected_repeats((DAYS - start) / 7))), 2),
        "tiers_by_past_spend": tiers,
        "future_purchases": {str(ids[i]): int(facts["actual_purchases"][i]) for i in back},
        "future_spend": {str(ids[i]): round(float(facts["actual_spend"][i]), 2) for i in back},
    }


def _sums(facts: dict[str, NDArray[Any]], chosen: Ints) -> dict[str, float | int]:
    """Totals over some customers; counts stay whole."""
    totals = {name: values[chosen].sum() for name, values in facts.items()}
    whole = {"customers", "alive_at_as_of", "past_purchases", "actual_purchases"}
    return {name: int(total) if name in whole else round(float(total), 2) for name, total in totals.items()}
