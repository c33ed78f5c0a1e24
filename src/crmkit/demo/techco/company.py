"""TechCo: software by subscription, whose customers can leave on any day, with a reason.

Who leaves is decided by :class:`crmkit.demo.techco.leaving.Leaving`, from features that anybody can compute from the files.
Two things went wrong: since April 2025 small customers wait twice as long for the first answer, and since March 2025 the
module ``sync`` has a defect that customers in retail and logistics meet. In July 2025 prices rose, which pulled satisfaction
down and nothing else. More customers leave around the turn of the year. The causes are invented.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from crmkit.demo.audited.frame import FIRST
from crmkit.demo.company import Company
from crmkit.demo.names import draw_names
from crmkit.demo.questionnaire import Answers, survey_table
from crmkit.demo.techco.deals import add_deals
from crmkit.demo.techco.house import add_house, add_steps
from crmkit.demo.techco.leaving import PERIOD_DAYS, Leaving, draw_ends, exposures
from crmkit.demo.techco.people import (
    ACQUISITION,
    AS_OF,
    DAYS,
    DEFECT_SINCE,
    FIRST_DAY,
    FUTURE_PERIODS,
    HORIZON_DAYS,
    INDUSTRIES,
    PERIODS,
    PLANS,
    PRICE_SINCE,
    PRICES,
    REGIONS,
    SIZES,
    SLOW_SINCE,
    TERM_DAYS,
    People,
    cut_days,
    day_number,
    day_of_year,
    draw_future,
    draw_people,
    draw_service,
    features_at,
    risk_of_leaving,
)
from crmkit.demo.techco.survey import FORM, draw_waves
from crmkit.demo.techco.tickets import KINDS, Tickets

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Words = NDArray[np.object_]

CUSTOMERS = 2500
SEED = 20251231
FUTURE_DAYS = 365
LAW = Leaving()
RISE, GREATER_RISE = 1.03, 1.08
WANTED_REASONS = ("price", "slow support", "defects", "not used", "competitor", "other")
FORCED_REASONS = ("payment failed", "insolvency")
CATEGORIES = ("billing", "login", "reports", "integration", "sync")
# category: what a month costs at the beginning and at the end
COSTS = {"labour": (180e3, 320e3), "technology": (60e3, 95e3), "marketing": (70e3, 90e3), "material": (9e3, 12e3)}


def simulate(customers: int, seed: int) -> Company:
    """TechCo with that many customers; equal for equal seeds.

    Parameters
    ----------
    customers : int
    seed : int

    Returns
    -------
    Company
        Tables ``customers, subscriptions, tickets, interactions, surveys`` and ``costs`` up to 2025-12-31, and what is true of
        them, of the next 90 days and of the year after.
    """
    rng = np.random.default_rng(seed)
    people = draw_people(rng, customers)
    ids = np.array([f"T{number:05d}" for number in rng.permutation(customers) + 1], dtype=object)
    still = np.zeros(customers)
    usage, tickets = draw_service(rng, people, periods=(0, PERIODS), level=still, decline=still.astype(np.int64))
    waves, item = draw_waves(rng, people, tickets), FORM.place("csat")
    cuts = cut_days(0, PERIODS - 1)
    features = features_at(people, usage.counts[:, :-1], tickets, waves, item, cuts=cuts)
    later = draw_future(rng, LAW, people, usage, tickets, waves, item, periods=FUTURE_PERIODS)
    wanted = np.hstack([LAW.wanted(features, day_of_year=day_of_year(cuts)), later[0]])
    forced = np.hstack([LAW.forced(features), later[1]])
    ends = draw_ends(rng, wanted + forced, start=people.start, cuts=cut_days(0, PERIODS + FUTURE_PERIODS))
    left = _Left.of(rng, people, features, wanted, forced, ends)
    waves = [_asked_while_there(wave, left.day) for wave in waves]
    chosen = np.flatnonzero(left.day > DAYS - 1)
    risk, paths = risk_of_leaving(rng, LAW, people, usage, tickets, waves, item, chosen=chosen)
    names = draw_names(rng, customers)
    chinese = np.array([any(letter >= "\u4e00" for letter in name) for name in names])
    surveys, said = survey_table(rng, FORM, waves, ids=ids, chinese=chinese, dates=_dates, last=DAYS - 1)
    tables = {
        "customers": _customers(rng, people, ids, names),
        "subscriptions": _subscriptions(people, ids, left),
        "tickets": _tickets(rng, people, ids, tickets, left),
        "interactions": _interactions(people, ids, usage.counts, left),
        "surveys": surveys,
        "costs": _costs(),
    }
    truth = _truth(people, ids, left, chosen=chosen, risk=risk, paths=paths, hazard=(wanted, forced))
    # a stream of its own: customers and what they do stay what they are
    since = day_number(FIRST)
    house, found = add_house(
        np.random.default_rng([seed, 2]), tables, ids=ids, start=people.start - since, end=left.day - since
    )
    steps = add_steps(np.random.default_rng([seed, 3]), tables["tickets"])
    deals = add_deals(np.random.default_rng([seed, 4]), tables["subscriptions"], as_of="2025-12-31")
    return Company(
        tables | house | steps | deals, {"customers": customers, "seed": seed} | truth | {"surveys": said, "audit": found}
    )


class _Left:
    """When each customer left, whether they wanted to, and the reason they gave; ``day`` is beyond the data for who stays."""

    def __init__(self, day: Ints, forced: NDArray[np.bool_], reason: Words) -> None:
        self.day, self.forced, self.reason = day, forced, reason

    @classmethod
    def of(
        cls, rng: np.random.Generator, people: People, features: dict[str, Any], wanted: Floats, forced: Floats, ends: Floats
    ) -> _Left:
        """Cause by its share of the hazard at that time; a wanted reason by what had raised the hazard."""
        n, rows = len(ends), np.arange(len(ends))
        day = np.where(np.isfinite(ends), np.ceil(np.minimum(ends, 1e9)), 1e9).astype(np.int64)
        all_cuts = cut_days(0, PERIODS + FUTURE_PERIODS)
        period = np.clip(np.searchsorted(all_cuts, ends, side="left") - 1, 0, wanted.shape[1] - 1)
        has_to = rng.random(n) < forced[rows, period] / (wanted + forced)[rows, period]
        at = np.minimum(period, PERIODS - 1)
        seen = {name: values[rows, at] for name, values in features.items()}
        parts = LAW.contributions(seen, day_of_year=day_of_year(all_cuts[at]))
        dear = 0.25 + 0.3 * (people.plan_at(all_cuts)[rows, at] == 0) + 0.3 * (day >= day_number(PRICE_SINCE))
        weights = np.column_stack(
            [
                dear,
                parts["slow"] + 0.02,
                parts["complaints"] + parts["tickets"] + 0.02,
                np.maximum(parts["usage"], 0) + 0.02,
                np.full(n, 0.2),
                np.full(n, 0.15),
            ]
        )
        edges = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[:, :-1]
        said = np.array(WANTED_REASONS, dtype=object)[(rng.random(n)[:, None] > edges).sum(axis=1)]
        must = np.array(FORCED_REASONS, dtype=object)[rng.choice(2, n, p=[0.7, 0.3])]
        return cls(day, has_to, np.where(has_to, must, said))


def _asked_while_there(wave: Answers, left: Ints) -> Answers:
    """The wave without those who had left when it was sent; who left before answering did not answer."""
    there = left[wave.who] > wave.wave.day
    who = wave.who[there]
    answered = np.where(wave.answered[there] < left[who], wave.answered[there], -1)
    base = wave.wave.base & (left > wave.wave.day)
    return Answers(
        replace(wave.wave, base=base),
        wave.true,
        who,
        wave.scores[there],
        answered,
        wave.careless[there],
        wave.seconds[there],
        wave.channel[there],
    )


def _customers(rng: np.random.Generator, people: People, ids: Words, names: Words) -> pd.DataFrame:
    import pandas as pd

    words = {"region": (REGIONS, people.region), "industry": (INDUSTRIES, people.industry), "size": (SIZES, people.size)}
    table = pd.DataFrame(
        {
            "customer_id": ids,
            "name": names,
            "email": [f"{one.lower()}@example.com" for one in ids],
            **{name: np.array(known, dtype=object)[place] for name, (known, place) in words.items()},
            "acquisition_channel": np.array(ACQUISITION, dtype=object)[people.channel],
            "created_at": _dates(np.maximum(people.start - rng.integers(0, 30, len(ids)), 0)),
        }
    )
    return table.sort_values("customer_id", ignore_index=True)


def _subscriptions(people: People, ids: Words, left: _Left) -> pd.DataFrame:
    """A row per contract of at most a year; one that is followed by another was renewed."""
    import pandas as pd

    last = np.minimum(left.day, DAYS)
    terms = np.maximum(1, -(-(last - people.start) // TERM_DAYS))
    who = np.repeat(np.arange(len(ids)), terms)
    term = np.arange(len(who)) - np.repeat(np.cumsum(terms) - terms, terms)
    began = people.start[who] + TERM_DAYS * term
    final = term == terms[who] - 1
    gone = final & (left.day[who] < DAYS)
    plan = people.first_plan[who] + ((people.upgrade[who] > 0) & (term >= people.upgrade[who]))
    dearer = np.where(began >= day_number(PRICE_SINCE), GREATER_RISE, RISE)
    # prices rise with every term: the product of the rises so far, restarted at each customer
    so_far = np.cumsum(np.where(term > 0, np.log(dearer), 0.0))
    so_far -= np.repeat(so_far[np.flatnonzero(term == 0)], terms)
    price = np.rint(np.array(PRICES)[plan] * people.price[who] * np.exp(so_far) / 10) * 10
    ended = np.where(final, left.day[who], began + TERM_DAYS - 1)
    closed = ~final | gone
    table = pd.DataFrame(
        {
            "customer_id": ids[who],
            "started_at": _dates(began),
            "ended_at": pd.Series(_dates(np.where(closed, ended, 0))).where(closed),
            "plan": np.array(PLANS, dtype=object)[plan],
            "mrr": price,
            "renewed": np.where(~closed, "", np.where(final, "no", "yes")),
            "churn_reason": np.where(gone, left.reason[who], ""),
            "churn_kind": np.where(gone, np.where(left.forced[who], "involuntary", "voluntary"), ""),
        }
    )
    return table.sort_values(["started_at", "customer_id"], ignore_index=True)


def _tickets(rng: np.random.Generator, people: People, ids: Words, tickets: Tickets, left: _Left) -> pd.DataFrame:
    import pandas as pd

    found = tickets.where((tickets.day <= left.day[tickets.who]) & (tickets.day < DAYS))
    found = found.where(np.ones(len(found.who), dtype=bool))
    order = np.argsort(found.second, kind="stable")
    found = Tickets(found.who[order], found.second[order], found.kind[order], found.hours[order])
    n, who = len(found.who), found.who
    answered = found.second + np.rint(found.hours * 3600).astype(np.int64)
    resolved = answered + 60 * np.rint(60 * np.exp(rng.normal(2.6, 1.0, n))).astype(np.int64)
    defect = (found.kind == KINDS.index("fault")) & people.hit_by_defect[who] & (found.day >= day_number(DEFECT_SINCE))
    category = np.where(defect & (rng.random(n) < 0.75), len(CATEGORIES) - 1, rng.integers(0, len(CATEGORIES) - 1, n))
    score = np.clip(np.rint(4.6 - 0.35 * np.log1p(found.hours) + rng.normal(0, 0.8, n)), 1, 5)
    scored = (rng.random(n) < 0.35) & (resolved < DAYS * 86_400)
    table = pd.DataFrame(
        {
            "ticket_id": [f"K{number:05d}" for number in range(1, n + 1)],
            "customer_id": ids[who],
            "opened_at": _moments(found.second, found.second),
            "first_response_at": _moments(answered, answered),
            "resolved_at": _moments(resolved, resolved),
            "kind": np.array(KINDS, dtype=object)[found.kind],
            "category": np.array(CATEGORIES, dtype=object)[category],
            "priority": np.array(("low", "normal", "high"), dtype=object)[rng.choice(3, n, p=[0.2, 0.6, 0.2])],
            "channel": np.array(("mail", "phone", "chat"), dtype=object)[rng.choice(3, n, p=[0.5, 0.2, 0.3])],
            "handoffs": rng.poisson(0.3, n),
            "csat": pd.array(np.where(scored, score, 1), dtype="Int64"),
        }
    )
    table["csat"] = table["csat"].where(scored)
    return table


def _interactions(people: People, ids: Words, counts: Floats, left: _Left) -> pd.DataFrame:
    """A row per customer and 28 days: how often the product was used, dated on the last of these days."""
    import pandas as pd

    ends = cut_days(1, PERIODS)
    who, period = np.nonzero((people.start[:, None] <= ends[None, :]) & (left.day[:, None] > ends[None, :]))
    table = pd.DataFrame(
        {
            "customer_id": ids[who],
            "occurred_at": _dates(ends[period]),
            "kind": "usage",
            "quantity": counts[who, period].astype(np.int64),
        }
    )
    return table.sort_values(["occurred_at", "customer_id"], ignore_index=True)


def _costs() -> pd.DataFrame:
    import pandas as pd

    months = pd.period_range(FIRST_DAY, AS_OF, freq="M").astype(str)
    rows = [
        (month, category, round(first + (last - first) * at / (len(months) - 1), 2))
        for at, month in enumerate(months)
        for category, (first, last) in COSTS.items()
    ]
    return pd.DataFrame(rows, columns=["period", "category", "amount"])


def _dates(days: Any) -> Any:
    import pandas as pd

    return pd.to_datetime(np.datetime64(FIRST_DAY, "D") + np.asarray(days).astype("timedelta64[D]"))


def _moments(seconds: Ints, known: Ints) -> Any:
    """Moments as text, to the minute; empty where they lie after the last day of the data."""
    import pandas as pd

    moments = pd.to_datetime(np.datetime64(FIRST_DAY, "s") + np.asarray(seconds).astype("timedelta64[s]"))
    return np.where(known < DAYS * 86_400, moments.strftime("%Y-%m-%d %H:%M"), "")


def _truth(
    people: People, ids: Words, left: _Left, *, chosen: Ints, risk: Floats, paths: int, hazard: tuple[Floats, Floats]
) -> dict[str, Any]:
    """The law, what was planted, who really leaves, and how likely that was."""
    order = np.argsort(ids[chosen])
    soon, chances = chosen[order], risk[order]
    future = [one for one in soon if left.day[one] <= DAYS - 1 + FUTURE_DAYS]
    within = left.day[chosen] <= DAYS - 1 + HORIZON_DAYS
    days = exposures(people.start, cut_days(0, PERIODS + FUTURE_PERIODS))
    past = days[:, :PERIODS] * (cut_days(0, PERIODS - 1)[None, :] < left.day[:, None])
    return {
        "company": "techco",
        "simulated": True,
        "first_day": FIRST_DAY.isoformat(),
        "as_of": AS_OF.isoformat(),
        "horizon_days": HORIZON_DAYS,
        "future_days": FUTURE_DAYS,
        "hazard": {"period_days": PERIOD_DAYS, "cut_offs": "as_of less a multiple of 28 days", **asdict(LAW)},
        "features": {"window_days": 90, "recent_days": 28, "before_days": 84, "csat_days": 365},
        "planted": [
            {"id": "slow_support", "since": SLOW_SINCE.isoformat(), "who": {"size": "small"}, "acts_on": "slow_recent"},
            {
                "id": "sync_defect",
                "since": DEFECT_SINCE.isoformat(),
                "who": {"industry": ["Retail", "Logistics"]},
                "acts_on": "tickets_recent, faults_recent, usage_change",
            },
            {"id": "price_rise", "since": PRICE_SINCE.isoformat(), "who": {}, "acts_on": "surveys: price, csat"},
        ],
        "expected_events_until_as_of": {
            name: round(float((one[:, :PERIODS] * past).sum() / PERIOD_DAYS), 2)
            for name, one in zip(("voluntary", "involuntary"), hazard, strict=True)
        },
        "left_until_as_of": {
            "voluntary": int(((left.day < DAYS) & ~left.forced).sum()),
            "involuntary": int(((left.day < DAYS) & left.forced).sum()),
        },
        "active_at_as_of": len(chosen),
        "expected_within_horizon": round(float(risk.sum()), 2),
        "left_within_horizon": int(within.sum()),
        "paths": paths,
        "notes": "The hazard is constant from a cut-off for 28 days; risk is the chance of leaving within the horizon.",
        "risk": {str(ids[one]): round(float(chance), 4) for one, chance in zip(soon, chances, strict=True)},
        "future_days_to_end": {str(ids[one]): int(left.day[one]) - (DAYS - 1) for one in future},
        "future_involuntary": [str(ids[one]) for one in future if left.forced[one]],
    }
