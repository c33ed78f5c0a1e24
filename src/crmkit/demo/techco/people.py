"""How do customers of a software company fare? Who they are, what happens to them, and the hazard of leaving that follows.

Time is counted in days from the first day of the data and in periods of 28 days that end on the last one. Everything is drawn
for everybody, as if nobody left; who leaves is decided afterwards, from the hazard.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.questionnaire import Answers, last_answer
from crmkit.demo.techco.leaving import PERIOD_DAYS, Leaving, exposures
from crmkit.demo.techco.tickets import FULL_HISTORY, KINDS, WINDOW_DAYS, Tickets, Usage, count_recent, draw_tickets, draw_usage
from crmkit.demo.techco.tickets import usage_change as change_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

FIRST_DAY, AS_OF = dt.date(2023, 1, 1), dt.date(2025, 12, 31)
DAYS = 1096
PERIODS, FUTURE_PERIODS = 40, 14
HORIZON_DAYS, CSAT_DAYS = 90, 365
LAST_START = 1060

PLANS = ("basic", "pro", "enterprise")
PRICES = (600.0, 2400.0, 9000.0)
TERM_DAYS = 365
UPGRADED_SHARE = 0.1
SIZES, SIZE_SHARES = ("small", "medium", "large"), (0.55, 0.3, 0.15)
PLAN_SHARES = ((0.75, 0.23, 0.02), (0.4, 0.5, 0.1), (0.1, 0.5, 0.4))
REGIONS = ("North", "South", "East", "West")
INDUSTRIES = ("Retail", "Logistics", "Manufacturing", "Services")
ACQUISITION = ("inbound", "outbound", "partner", "event")
SLOW_SINCE, DEFECT_SINCE, PRICE_SINCE = dt.date(2025, 4, 1), dt.date(2025, 3, 1), dt.date(2025, 7, 1)
USUAL_HOURS, SLOW_FACTOR = 6.0, 2.0
TICKET_RATES = (0.12, 0.15, 0.25)
USAGE = (40.0, 120.0, 400.0)
DECLINE_RISK, DEFECT_RISK, DEFECT_RATE = 0.03, 0.06, 0.1
MOST_PATHS, PATH_CUSTOMERS = 200, 260_000


@dataclass(frozen=True)
class People:
    """Customers, one element each: first day, places of their words, the term that brings a higher plan (0 = none), and more.

    ``price`` is the first price over the usual one, ``trouble`` and ``use`` multiply the rates of tickets and usage, ``halo``
    is how content they are by nature.
    """

    start: Ints
    first_plan: Ints
    upgrade: Ints
    size: Ints
    industry: Ints
    region: Ints
    channel: Ints
    price: Floats
    trouble: Floats
    use: Floats
    halo: Floats

    def take(self, chosen: Ints) -> People:
        """Some of them, in this order."""
        return People(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))

    def plan_at(self, days: Ints) -> Ints:
        """Places of the plans, customers x days; after the last day of the data nobody changes."""
        terms = np.clip((np.minimum(days, DAYS - 1)[None, :] - self.start[:, None]) // TERM_DAYS, 0, None)
        return self.first_plan[:, None] + ((self.upgrade[:, None] > 0) & (terms >= self.upgrade[:, None]))

    @property
    def hit_by_defect(self) -> NDArray[np.bool_]:
        return self.industry < INDUSTRIES.index("Manufacturing")


def day_number(day: dt.date) -> int:
    """Days from the first day of the data."""
    return (day - FIRST_DAY).days


def cut_days(first: int, last: int) -> Ints:
    """Cut-offs ``first`` to ``last``; period k lies between cut-offs k and k + 1; cut-off 40 is the last day of the data."""
    return DAYS - 1 + PERIOD_DAYS * (np.arange(first, last + 1) - PERIODS)


def draw_people(rng: np.random.Generator, n: int) -> People:
    """Customers who come over three years, the company's first."""
    size = rng.choice(3, n, p=SIZE_SHARES)
    edges = np.cumsum(np.array(PLAN_SHARES), axis=1)[size]
    first_plan = (rng.random(n)[:, None] > edges[:, :2]).sum(axis=1)
    lucky = rng.random((n, 2)) < UPGRADED_SHARE
    upgrade = np.where(first_plan == len(PLANS) - 1, 0, np.where(lucky[:, 0], 1, np.where(lucky[:, 1], 2, 0)))
    early = rng.random(n) < 0.15
    return People(
        start=np.where(early, rng.integers(0, 90, n), rng.integers(90, LAST_START + 1, n)),
        first_plan=first_plan,
        upgrade=upgrade,
        size=size,
        industry=rng.choice(4, n, p=[0.22, 0.18, 0.28, 0.32]),
        region=rng.choice(4, n, p=[0.3, 0.28, 0.24, 0.18]),
        channel=rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1]),
        price=np.exp(rng.normal(0.0, 0.2, n)),
        trouble=rng.gamma(3.0, 1 / 3.0, n),
        use=np.exp(rng.normal(0.0, 0.5, n)),
        halo=rng.standard_normal(n),
    )


def draw_service(
    rng: np.random.Generator, people: People, *, periods: tuple[int, int], level: Floats, decline: Ints
) -> tuple[Usage, Tickets]:
    """Usage and tickets of the periods from the first up to before the last, from where usage stood."""
    cuts = cut_days(*periods)
    there = exposures(people.start, cuts) / PERIOD_DAYS
    plan = people.plan_at(cuts[:-1])
    defect = people.hit_by_defect[:, None] & (cuts[None, :-1] >= day_number(DEFECT_SINCE))
    slow = (people.size == 0)[:, None] & (cuts[None, :-1] >= day_number(SLOW_SINCE))
    usual = np.array(TICKET_RATES)[plan] * people.trouble[:, None]
    extra = np.where(defect, DEFECT_RATE, 0.0)
    usage = draw_usage(
        rng,
        mean=np.array(USAGE)[people.first_plan] * people.use,
        share=there,
        risk=np.where(defect, DEFECT_RISK, DECLINE_RISK),
        level=level,
        decline=decline,
    )
    tickets = draw_tickets(
        rng,
        (usual + extra) * there,
        extra / (usual + extra),
        np.where(slow, SLOW_FACTOR, 1.0) * USUAL_HOURS,
        begin=cuts[:-1],
        first=np.maximum(cuts[None, :-1], people.start[:, None] - 1) + 1.0,
    )
    return usage, tickets


def features_at(
    people: People, counts: Floats, tickets: Tickets, waves: list[Answers], item: int, *, cuts: Ints
) -> dict[str, NDArray[np.generic]]:
    """What ``churn_features`` would say at each cut-off, customers x cut-offs.

    Parameters
    ----------
    counts : array, customers x periods
        Usage; the last period ends with the last cut-off.
    item : int
        Place of satisfaction among the answers of the waves.
    """
    n = len(people.start)
    tenure = np.clip(cuts[None, :] - people.start[:, None], 0, None)
    change = np.full((n, len(cuts)), np.nan)
    for at in range(len(cuts)):
        end = counts.shape[1] - (len(cuts) - 1 - at)
        if end >= FULL_HISTORY:
            known = tenure[:, at] >= FULL_HISTORY * PERIOD_DAYS
            change[:, at] = np.where(known, change_of(counts[:, :end]), np.nan)
    everything = np.ones(len(tickets.who), dtype=bool)
    complaints, slow = tickets.kind == KINDS.index("complaint"), tickets.hours > 24
    return {
        "plan": np.array(PLANS)[people.plan_at(cuts)],
        "size": np.broadcast_to(np.array(SIZES)[people.size][:, None], tenure.shape),
        "tenure_days": tenure,
        "tickets_recent": count_recent(tickets, everything, customers=n, cuts=cuts),
        "complaints_recent": count_recent(tickets, complaints, customers=n, cuts=cuts),
        # that a ticket waits for longer than a day is seen a day later
        "slow_recent": count_recent(tickets, slow, customers=n, cuts=cuts, lag=1),
        "usage_change": change,
        "last_csat": last_answer(waves, item, customers=n, cuts=cuts, days=CSAT_DAYS),
    }


def day_of_year(cuts: Ints) -> Ints:
    """Of each cut-off."""
    return np.array([(FIRST_DAY + dt.timedelta(days=int(day))).timetuple().tm_yday for day in cuts])


def draw_future(
    rng: np.random.Generator,
    law: Leaving,
    people: People,
    usage: Usage,
    tickets: Tickets,
    waves: list[Answers],
    item: int,
    *,
    periods: int,
) -> tuple[Floats, Floats]:
    """One future of customers who stay: hazards of wanting and of having to leave, customers x periods from the 40th on."""
    later, more = draw_service(rng, people, periods=(PERIODS, PERIODS + periods - 1), level=usage.level, decline=usage.decline)
    counts = np.hstack([usage.counts[:, -FULL_HISTORY:], later.counts])
    both = Tickets(*(np.concatenate([getattr(tickets, name), getattr(more, name)]) for name in Tickets.__dataclass_fields__))
    cuts = cut_days(PERIODS, PERIODS + periods - 1)
    features = features_at(people, counts, both, waves, item, cuts=cuts)
    return law.wanted(features, day_of_year=day_of_year(cuts)), law.forced(features)


def risk_of_leaving(
    rng: np.random.Generator,
    law: Leaving,
    people: People,
    usage: Usage,
    tickets: Tickets,
    waves: list[Answers],
    item: int,
    *,
    chosen: Ints,
) -> tuple[Floats, int]:
    """The true probability of leaving within 90 days, of customers who are there on the last day; and the paths behind it.

    Notes
    -----
    The mean over futures of 1 - exp(-hazard): only usage and tickets to come are random, so few paths are enough.
    """
    periods = -(-HORIZON_DAYS // PERIOD_DAYS)
    paths = int(np.clip(PATH_CUSTOMERS // max(1, len(chosen)), 10, MOST_PATHS))
    place = np.full(len(people.start), -1)
    place[chosen] = np.arange(len(chosen))
    recent = tickets.where((place[tickets.who] >= 0) & (tickets.day > DAYS - 1 - WINDOW_DAYS))
    recent = Tickets(place[recent.who], recent.second, recent.kind, recent.hours)
    kept = Usage(usage.level[chosen], usage.decline[chosen], usage.counts[chosen])
    answers = [_of_chosen(wave, place) for wave in waves]
    days = np.minimum(PERIOD_DAYS, HORIZON_DAYS - PERIOD_DAYS * np.arange(periods)) / PERIOD_DAYS
    total = np.zeros(len(chosen))
    for _ in range(paths):
        wanted, forced = draw_future(rng, law, people.take(chosen), kept, recent, answers, item, periods=periods)
        total -= np.expm1(-((wanted + forced) @ days))
    return total / paths, paths


def _of_chosen(wave: Answers, place: Ints) -> Answers:
    """The answers of some customers, under their new places."""
    mine = place[wave.who] >= 0
    return Answers(
        wave.wave,
        wave.true,
        place[wave.who][mine],
        wave.scores[mine],
        wave.answered[mine],
        wave.careless[mine],
        wave.seconds[mine],
        wave.channel[mine],
    )
