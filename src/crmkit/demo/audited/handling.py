"""How are customers' requests handled: how fast, by how many hands, in which steps, and with what end?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from crmkit.demo.audited.buying import Orders
from crmkit.demo.audited.frame import DAYS, People, Setting, times
from crmkit.demo.audited.levels import COMPLAINT_FACTOR, DECLARED_STEPS, RESPONSE_SPREAD, SOLVING_SPREAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    import pandas as pd

    Ints = NDArray[np.int64]

LEAST_RESPONSE, LEAST_SOLVING = 0.05, 10.0
# complaints: share, hours
OF_COMPLAINT = ((0.0, 0.1), (0.5, 2.0), (0.85, 8.0), (0.95, 24.0), (1.0, 40.0))
SOLVED_COMPLAINT = ((0.0, 20.0), (0.25, 24.0), (0.5, 48.0), (0.8, 120.0), (1.0, 400.0))
# the backlog past 72 hours is half a week's inflow: E max(0, T - 72 h) = 84 h
LATEST = 1590.0


def response_hours(u: Floats, median: Floats, *, complaint: Flags, share: float, at_target: bool) -> Floats:
    """Hours to the first response, at the quantiles ``u``; ``share`` is that of complaints."""
    if not at_target:
        from scipy.special import ndtri

        return np.asarray(median * np.exp(RESPONSE_SPREAD * ndtri(np.clip(u, 1e-6, 1 - 1e-6))))
    within_day = (0.9 - 0.95 * share) / (1 - share)
    others = ((0.0, LEAST_RESPONSE), (0.5, 2.0), (0.85, 8.0), (within_day, 24.0), (1.0, 60.0))
    return np.where(complaint, _broken(u, OF_COMPLAINT), _broken(u, others))


def solving_hours(u: Floats, median: Floats, *, complaint: Flags, share: float, at_target: bool) -> Floats:
    """Hours to the resolution, at the same quantiles: who waits long for an answer waits long for the rest."""
    if not at_target:
        from scipy.special import ndtri

        usual = median * np.exp(SOLVING_SPREAD * ndtri(np.clip(u, 1e-6, 1 - 1e-6)))
        return np.asarray(np.where(complaint, COMPLAINT_FACTOR, 1.0) * usual)
    within_day = (0.5 - 0.25 * share) / (1 - share)
    others = ((0.0, LEAST_SOLVING), (within_day, 24.0), (0.8, 72.0), (1.0, LATEST))
    return np.where(complaint, _broken(u, SOLVED_COMPLAINT), _broken(u, others))


def _broken(u: Floats, knots: tuple[tuple[float, float], ...]) -> Floats:
    at, hours = np.array(knots).T
    return np.asarray(np.exp(np.interp(u, at, np.log(hours))))


PER_ORDER = 0.15
HOUR, DAY = 3600, 86_400
STEPS = ("receive", "analyse", "solve", "confirm")
DETOURS = (
    "ask for documents",
    "copy to second system",
    "team approval",
    "manager approval",
    "search customer record",
    "re-enter order",
    "check warranty",
    "query warehouse",
    "query finance",
    "translate request",
    "escalate",
    "return to first team",
)
TEAMS = ("front desk", "back office", "experts", "billing")
CATEGORIES = ("delivery", "billing", "product", "account")
CHANNELS = ("phone", "mail", "web", "store")
NORMS = (0.2, 0.7, 1.0, 0.3)
WORK_HOURS, WORK_SPREAD, WAIT_SPREAD = 0.7, 0.2, 0.3


@dataclass(frozen=True)
class Cases:
    """Tickets, one element each: the customer's place, seconds since the first day, hours, and what became of them."""

    who: Ints
    opened: Ints
    complaint: Flags
    response: Floats
    solving: Floats
    handoffs: Ints
    detours: Ints
    reopened: Flags
    noticed: Flags
    staff: Ints
    team: Ints

    @property
    def day(self) -> Ints:
        return self.opened // DAY

    def where(self, keep: Flags) -> Cases:
        """Those that are wanted."""
        return Cases(*(getattr(self, name)[keep] for name in self.__dataclass_fields__))


def draw_cases(rng: np.random.Generator, orders: Orders, setting: Setting, *, staff: int) -> Cases:
    """Requests and complaints about orders, and how each went."""
    complaint_rate = setting.at("complaints", orders.day)
    asked, complained = rng.random(len(orders.who)) < PER_ORDER, rng.random(len(orders.who)) < complaint_rate
    place = np.concatenate([np.flatnonzero(asked), np.flatnonzero(complained)])
    complaint = np.concatenate([np.zeros(asked.sum(), dtype=bool), np.ones(complained.sum(), dtype=bool)])
    n = len(place)
    opened = (orders.day[place] + rng.integers(1, 8, n)) * DAY + 60 * rng.integers(8 * 60, 20 * 60, n)
    order = np.argsort(opened, kind="stable")
    place, complaint, opened = place[order], complaint[order], opened[order]
    day = np.minimum(opened // DAY, DAYS - 1)
    u, share = rng.random(n), setting.final.complaints / (setting.final.complaints + PER_ORDER)
    handed = rng.random(n) < setting.at("handed_share", day)
    more = setting.at("handoffs", day) / setting.at("handed_share", day) - 1
    strayed = rng.random(n) < setting.at("detour_share", day)
    most = len(DETOURS) - 1
    further = np.clip((setting.at("detours", day) / setting.at("detour_share", day) - 1) / most, 0, 1)
    return Cases(
        who=orders.who[place],
        opened=opened,
        complaint=complaint,
        response=response_hours(
            u, setting.at("response_hours", day), complaint=complaint, share=share, at_target=setting.at_target
        ),
        solving=solving_hours(
            u, setting.at("solving_hours", day), complaint=complaint, share=share, at_target=setting.at_target
        ),
        handoffs=np.where(handed, 1 + rng.poisson(more), 0),
        detours=np.where(strayed, 1 + rng.binomial(most, further), 0),
        reopened=rng.random(n) < setting.at("reopened", day),
        noticed=rng.random(n) < setting.at("noticed", day),
        staff=rng.integers(0, staff, n),
        team=rng.integers(0, len(TEAMS), n),
    )


@dataclass(frozen=True)
class Log:
    """Steps of cases, one element each: the case's place, seconds, the step's place in the case, name, team, employee."""

    case: Ints
    second: Ints
    activity: NDArray[np.object_]
    team: Ints
    staff: Ints
    last: Ints


def draw_log(rng: np.random.Generator, cases: Cases, setting: Setting, *, staff: int) -> Log:
    """The steps of each case, from the first response on; ``last`` is the second of the last step, per case.

    Notes
    -----
    The gaps between steps are work of .5 to .9 hours, but for the one before the case is solved, which is waiting. Its mean is
    such that the waiting share of all time is as wanted.
    """
    number = np.maximum(DECLARED_STEPS + cases.detours, cases.handoffs + 1)
    case = np.repeat(np.arange(len(number)), number)
    before = np.cumsum(number) - number
    place = np.arange(len(case)) - before[case]
    length, strays = number[case], cases.detours[case]
    names = np.array(STEPS + DETOURS, dtype=object)
    first = rng.integers(0, len(DETOURS), len(number))[case]
    stray = len(STEPS) + (first + place - 2) % len(DETOURS)
    chosen = np.where(place == length - 1, 3, np.where(place < 2, place, np.where(place < 2 + strays, stray, 2)))
    gap = rng.uniform(WORK_HOURS - WORK_SPREAD, WORK_HOURS + WORK_SPREAD, len(case))
    waiting = setting.at("waiting", np.minimum(cases.day, DAYS - 1))[case]
    wait = waiting / (1 - waiting) * WORK_HOURS * (length - 2) + rng.uniform(-WAIT_SPREAD, WAIT_SPREAD, len(case))
    gap = np.where(place == 2 + strays, wait, np.where(place == 0, 0.0, gap))
    passed = np.cumsum(gap)
    passed = passed - passed[before][case]
    second = cases.opened[case] + np.rint(HOUR * (cases.response[case] + passed)).astype(np.int64)
    # the hand-offs happen before a random choice of the later steps
    key = np.where(place == 0, 2.0, rng.random(len(case)))
    rank = np.empty(len(case), dtype=np.int64)
    rank[np.lexsort((key, case))] = place
    changed = (rank < cases.handoffs[case]).astype(np.int64)
    total = np.cumsum(changed)
    changes = total - (total - changed)[before][case]
    team = (cases.team[case] + changes) % len(TEAMS)
    # whoever does a step is of its team
    worker = (rng.integers(0, staff, len(case)) // len(TEAMS)) * len(TEAMS) + team
    return Log(case, second, names[chosen], team, np.minimum(worker, staff - 1), second[np.cumsum(number) - 1])


def ticket_tables(
    rng: np.random.Generator, people: People, cases: Cases, setting: Setting, *, staff_ids: NDArray[np.object_], prefix: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tickets and their steps, as seen at the end of the last day."""
    import pandas as pd

    log = draw_log(rng, cases, setting, staff=len(staff_ids))
    end = DAYS * DAY
    answered = cases.opened + np.rint(HOUR * cases.response)
    solved = cases.opened + np.rint(HOUR * cases.solving)
    if not setting.at_target:
        # nobody calls a case solved before its last step
        solved = np.maximum(solved, log.last)
    told = solved + np.rint(HOUR * rng.uniform(0.1, 20.0, len(solved)))
    n = len(cases.who)
    ids = np.array([f"{prefix}{number:06d}" for number in range(1, n + 1)], dtype=object)
    kinds = np.where(rng.random(n) < 0.3, "fault", "question")
    done = solved < end
    mood = 4.6 - 0.35 * np.log(cases.response / 1.2) - 0.28 * cases.handoffs + rng.normal(0, 0.8, n)
    tickets = pd.DataFrame(
        {
            "ticket_id": ids,
            "customer_id": people.ids[cases.who],
            "opened_at": times(cases.opened),
            "first_response_at": times(np.where(answered < end, answered, np.nan)),
            "resolved_at": times(np.where(done, solved, np.nan)),
            "closed_notice_at": times(np.where(done & cases.noticed & (told < end), told, np.nan)),
            "kind": np.where(cases.complaint, "complaint", kinds),
            "category": np.array(CATEGORIES, dtype=object)[rng.integers(0, len(CATEGORIES), n)],
            "channel": np.array(CHANNELS, dtype=object)[rng.integers(0, len(CHANNELS), n)],
            "agent_id": staff_ids[cases.staff],
            "team": np.array(TEAMS, dtype=object)[cases.team],
            "handoffs": cases.handoffs,
            "reopened": pd.Series(cases.reopened, dtype=object).where(done),
            "escalated": cases.handoffs >= 3,
            "csat": pd.Series(np.clip(np.rint(mood), 1, 5)).where(done & (rng.random(n) < 0.4)).astype("Int64"),
        }
    )
    seen = log.second < end
    events = pd.DataFrame(
        {
            "ticket_id": ids[log.case[seen]],
            "occurred_at": times(log.second[seen]),
            "activity": log.activity[seen],
            "actor": staff_ids[log.staff[seen]],
            "team": np.array(TEAMS, dtype=object)[log.team[seen]],
        }
    )
    return tickets, events


def processes() -> pd.DataFrame:
    """How a request ought to be handled."""
    import pandas as pd

    rows = {"process": "request", "step": list(STEPS), "position": range(1, len(STEPS) + 1), "owner": "Head of service"}
    return pd.DataFrame(rows | {"norm_hours": list(NORMS)})
