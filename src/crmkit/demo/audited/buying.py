"""What do customers buy, bring back and cost, and what is spent to win and to keep them?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.demo.audited.frame import DAYS, MONTHS, STARTS, People, Setting, dates

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

MEAN_AMOUNT, COST_SHARE = 50.0, 0.6
CAMPAIGN, CAMPAIGN_DAY, CAMPAIGN_DAYS, LIFT = "C-2025-09", 609, 60, 0.25
COST_PARTS = {"labour": 0.5, "technology": 0.15, "marketing": 0.25, "material": 0.1}
COST_OF_SALES = 0.18
YEAR_DAYS = 365


@dataclass(frozen=True)
class Orders:
    """Orders in the order of their days: the customer's place, the day, money in cents, the day it came back (-1: never)."""

    who: Ints
    day: Ints
    cents: Ints
    back: Ints

    def where(self, keep: Flags) -> Orders:
        """Those that are wanted."""
        return Orders(self.who[keep], self.day[keep], self.cents[keep], self.back[keep])


def draw_arms(rng: np.random.Generator, people: People) -> Ints:
    """Who is in the campaign: 1 treated, 0 held back, -1 not in it."""
    in_it = (people.start < CAMPAIGN_DAY - 30) & (rng.random(len(people.start)) < 0.7)
    return np.where(in_it, rng.integers(0, 2, len(people.start)), -1)


def draw_orders(rng: np.random.Generator, people: People, arms: Ints, setting: Setting) -> Orders:
    """Orders of everybody, as if nobody left."""
    month = np.arange(MONTHS)
    growth = np.cumprod(np.concatenate([[1.0], (1 + setting.by_month("growth")[1:]) ** (1 / 12)]))
    first = np.maximum(people.start[:, None], STARTS[None, :-1])
    share = np.clip(STARTS[None, 1:] - first, 0, None) / (STARTS[1:] - STARTS[:-1])[None, :]
    lifted = (arms == 1)[:, None] & np.isin(month, (20, 21))[None, :]
    usual = setting.order_rate * people.busy[:, None] * growth[None, :] * share
    # where growth is exactly as wanted, what the campaign sells more is sold less to everybody in these months
    spread = 1 + LIFT * float((arms == 1).mean()) if setting.at_target else 1.0
    rate = usual * np.where(lifted, 1 + LIFT, 1.0) / np.where(np.isin(month, (20, 21)), spread, 1.0)[None, :]
    flat = np.repeat(np.arange(rate.size), rng.poisson(rate).ravel())
    who, when = np.divmod(flat, MONTHS)
    begin = first.ravel()[flat]
    day = begin + np.floor(rng.random(len(who)) * (STARTS[when + 1] - begin)).astype(np.int64)
    order = np.lexsort((who, day))
    who, day = who[order], day[order]
    cents = np.maximum(100, np.rint(100 * rng.gamma(4.0, MEAN_AMOUNT / 4, len(who)))).astype(np.int64)
    gone_back = rng.random(len(who)) < setting.at("returned", day)
    return Orders(who, day, cents, np.where(gone_back, day + rng.integers(1, 15, len(who)), -1))


def transactions(people: People, orders: Orders) -> pd.DataFrame:
    """A row per order, and one per order that came back, with a negative amount."""
    import pandas as pd

    bought = pd.DataFrame(
        {
            "customer_id": people.ids[orders.who],
            "ordered_at": orders.day,
            "amount": orders.cents,
            "order_id": np.array([f"O{number:06d}" for number in range(1, len(orders.who) + 1)], dtype=object),
            "is_return": False,
            "cost": np.rint(COST_SHARE * orders.cents).astype(np.int64),
        }
    )
    came_back = (orders.back >= 0) & (orders.back < DAYS)
    back = bought[came_back].assign(ordered_at=orders.back[came_back], is_return=True, cost=0)
    back["amount"] = -back["amount"]
    table = pd.concat([bought, back], ignore_index=True).sort_values("ordered_at", kind="stable", ignore_index=True)
    return table.assign(ordered_at=dates(table["ordered_at"]), amount=table["amount"] / 100, cost=table["cost"] / 100)


def subscriptions(rng: np.random.Generator, people: People) -> pd.DataFrame:
    """A contract per year of each customer; the last one ends when the customer leaves."""
    import pandas as pd

    last = np.minimum(people.end, DAYS - 1)
    number = np.maximum(0, (last - people.start) // YEAR_DAYS) + 1
    who = np.repeat(np.arange(len(number)), number)
    place = np.arange(len(who)) - np.repeat(np.cumsum(number) - number, number)
    start = people.start[who] + YEAR_DAYS * place
    final = place == number[who] - 1
    left = final & (people.end[who] < DAYS)
    end = np.where(left, people.end[who], start + YEAR_DAYS - 1)
    ended = ~final | left
    reason = np.array(["service", "price", "competitor", "not used"], dtype=object)[rng.integers(0, 4, len(who))]
    table = pd.DataFrame(
        {
            "customer_id": people.ids[who],
            "started_at": dates(start),
            "ended_at": pd.Series(dates(end)).where(ended),
            "plan": "standard",
            "mrr": 10.0,
            "renewed": pd.Series(~left, dtype=object).where(ended),
            "churn_reason": pd.Series(reason).where(left),
            "churn_kind": pd.Series(["voluntary"] * len(who), dtype=object).where(left),
        }
    )
    return table.sort_values(["customer_id", "started_at"], ignore_index=True)


def campaigns(people: People, arms: Ints, setting: Setting) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One campaign of the last autumn, and who was in it."""
    import pandas as pd

    chosen = np.flatnonzero((arms >= 0) & people.there(CAMPAIGN_DAY, CAMPAIGN_DAY))
    treated = arms[chosen] == 1
    start, end = dates([CAMPAIGN_DAY, CAMPAIGN_DAY + CAMPAIGN_DAYS - 1])
    cost = round(setting.final.offer_cost * float(treated.sum()), 2)
    one = {"campaign_id": [CAMPAIGN], "name": ["Autumn offer"], "kind": ["cross-selling"], "started_at": [start]}
    listed = pd.DataFrame(one | {"ended_at": [end], "cost": [cost]})
    arm = np.where(treated, "treated", "control")
    exposures = pd.DataFrame(
        {"campaign_id": CAMPAIGN, "customer_id": people.ids[chosen], "arm": arm, "exposed_at": dates(CAMPAIGN_DAY)}
    )
    return listed, exposures.sort_values("customer_id", ignore_index=True)


def referrals(rng: np.random.Generator, people: People) -> pd.DataFrame:
    """Who recommended the company to whom; the referred became customers on the day they came."""
    import pandas as pd

    new = np.flatnonzero(people.referred & (people.start >= 20))
    old = np.flatnonzero(people.start < 0)
    table = pd.DataFrame(
        {
            "referrer_id": people.ids[old[rng.integers(0, len(old), len(new))]] if len(old) else people.ids[new],
            "referred_id": people.ids[new],
            "referred_at": dates(people.start[new] - rng.integers(1, 20, len(new))),
            "converted_at": dates(people.start[new]),
        }
    )
    return table.sort_values("referred_id", ignore_index=True)


def costs(rng: np.random.Generator, people: People, setting: Setting) -> tuple[pd.DataFrame, float]:
    """Costs of customer relations by month and category, and the budget per active customer and month."""
    import pandas as pd

    active = np.array([people.there(int(a), int(b) - 1).sum() for a, b in pairwise(STARTS)])
    over = np.where(np.arange(MONTHS) >= MONTHS // 2, setting.final.spend, 1.0)
    yearly = setting.base.growth if setting.at_target else 0.0
    usual = COST_OF_SALES * MEAN_AMOUNT * setting.order_rate
    spent = usual * active[0] * (1 + yearly) ** (np.arange(MONTHS) / 12) * over * rng.uniform(0.98, 1.02, MONTHS)
    if not setting.at_target:
        # costs follow the number of customers only in part, so that a company that grows becomes cheaper
        spent = spent * (active / max(1, active[0])) ** 0.5
    month = np.repeat(np.arange(MONTHS), len(COST_PARTS))
    table = pd.DataFrame(
        {
            "period": dates(STARTS[month]),
            "category": np.tile(np.array(list(COST_PARTS), dtype=object), MONTHS),
            "amount": np.round(spent[month] * np.tile(list(COST_PARTS.values()), MONTHS), 2),
        }
    )
    recent = slice(MONTHS - 6, MONTHS)
    budget: Any = (spent[recent] / over[recent]).sum() / active[recent].sum()
    return table, round(float(budget), 2)
