"""How well does a company really do? Its true levels, what problems do to them, and what follows for the indicators.

A company is healthy, or exactly at its targets, or has problems of some severity. Everything that the simulator draws is drawn
from these levels, so that the true value of an indicator is known without simulating.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import erf, log, sqrt
from types import MappingProxyType

from crmkit.core.errors import ParamError, did_you_mean

DECLARED_STEPS = 4
RESPONSE_SPREAD, SOLVING_SPREAD, COMPLAINT_FACTOR = 1.0, 0.9, 2.0
SLA_HOURS, DAY_HOURS = 8.0, 24.0


@dataclass(frozen=True)
class Levels:
    """True levels of a company.

    Parameters
    ----------
    response_hours, solving_hours : float
        Medians from opening to first response and to resolution; complaints take twice as long to resolve.
    handed_share, handoffs : float
        Share of cases that are handed on, and hand-offs per case.
    detour_share, detours : float
        Share of cases with a step that is not declared, and such steps per case.
    reopened, waiting, noticed, complaints, returned : float
        Shares: of resolved tickets; of flow time; of resolved tickets; of orders; of orders.
    growth : float
        Yearly growth of orders per customer; ``arriving``: new customers per month, as a share of the customers at the
        beginning; ``arriving_growth``: its yearly growth.
    leaving : float
        Hazard per month of customers as content as those of a healthy company.
    contacts, followed : float
        Contacts per customer-month; share of customers with a follow-up within 90 days.
    asked_back, skew : float
        Response rate of surveys; how far the first region is over-represented among answers.
    channels : float
        Channels by which feedback comes.
    answered, adopted, referred : float
        Shares: of feedback; of answered suggestions; of new customers.
    matched, doubled, filled, valid, correct, consent : float
        Shares: of customers who are in the master data; of records that are a second one; of cells; of records; of checked
        cells; of records.
    fresh_days : float
        Median age of the last update.
    used : float
        Active over licensed users.
    trained, gain, engagement : float
        Share of staff trained in a year; gain of the test in standard deviations; mean answer.
    spend, offer_cost : float
        Cost of customer relations in the last year over the budget; cost of a campaign per contacted customer.
    """

    response_hours: float = 1.2
    solving_hours: float = 14.0
    handed_share: float = 0.12
    handoffs: float = 0.2
    detour_share: float = 0.06
    detours: float = 0.2
    reopened: float = 0.04
    waiting: float = 0.5
    noticed: float = 0.985
    complaints: float = 0.006
    returned: float = 0.03
    growth: float = 0.08
    arriving: float = 0.02
    arriving_growth: float = 0.2
    leaving: float = 0.009
    contacts: float = 1.3
    followed: float = 0.96
    asked_back: float = 0.36
    skew: float = 0.0
    channels: float = 4.0
    answered: float = 0.94
    adopted: float = 0.28
    referred: float = 0.2
    matched: float = 0.98
    doubled: float = 0.01
    filled: float = 0.985
    valid: float = 0.995
    correct: float = 0.993
    consent: float = 1.0
    fresh_days: float = 12.0
    used: float = 0.92
    trained: float = 0.93
    gain: float = 0.6
    engagement: float = 4.15
    spend: float = 1.0
    offer_cost: float = 4.0


HEALTHY = Levels()
AT_TARGET = Levels(
    response_hours=2.0, solving_hours=24.0, handed_share=1 - 0.7 / 0.92, handoffs=0.5, detour_share=0.15, detours=0.8,
    reopened=0.08, waiting=0.6, noticed=0.95, complaints=0.01, returned=0.05, growth=0.05, arriving=0.0135, arriving_growth=0.0,
    leaving=0.0135, contacts=1.0, followed=0.9, asked_back=0.25, skew=0.05, channels=3.0, answered=0.85, adopted=0.2,
    referred=0.1, matched=0.92, doubled=0.03, filled=0.95, valid=0.98, correct=0.98, fresh_days=30.0, used=0.8, trained=0.8,
    gain=0.3, engagement=3.8, offer_cost=10.0,
)  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """One kind of problem.

    Parameters
    ----------
    worst : mapping of str to float
        What the levels are at full severity.
    signs : tuple of str
        Indicators that must show it from severity .5 on, in a company of 800 customers.
    standards : tuple of str
        Standards of the self-assessment that are lower for it.
    """

    worst: Mapping[str, float]
    signs: tuple[str, ...]
    standards: tuple[str, ...] = field(default=())


PROBLEMS: Mapping[str, Problem] = MappingProxyType(
    {
        "slow_response": Problem(
            {"response_hours": 10.0, "solving_hours": 60.0},
            ("P-RESP", "P-RESP50", "P-RES"),
            ("A1.response", "A3.complaint_time"),
        ),
        "complex_process": Problem(
            {"handed_share": 0.85, "handoffs": 2.2, "detour_share": 0.9, "detours": 4.8, "reopened": 0.16, "waiting": 0.85},
            ("P-HAND", "P-STEP", "P-CONF", "P-FCR"),
            ("A3.efficiency",),
        ),
        "scattered_data": Problem({"matched": 0.66, "doubled": 0.12, "filled": 0.78}, ("D-MATCH", "D-DUP", "D-COMP")),
        "unadopted_feedback": Problem({"answered": 0.4, "adopted": 0.0}, ("P-LOOP",), ("A4.adoption",)),
        "training_gap": Problem({"trained": 0.1, "gain": -0.2}, ("I-TRAINCOV",), ("A5.skills",)),
        "low_motivation": Problem({"engagement": 2.3}, ("P-ENG",), ("A5.motivation",)),
        "rare_contact": Problem({"contacts": 0.3, "followed": 0.4}, ("P-CONT", "P-COVER"), ("A1.frequency",)),
        "complaints": Problem({"complaints": 0.05, "noticed": 0.6}, ("P-CMPR", "P-CLOSE"), ("A3.complaint_time",)),
        "silent_customers": Problem({"asked_back": 0.02, "channels": 1.0}, ("P-FBR",), ("A4.collection",)),
        "stale_records": Problem(
            {"fresh_days": 220.0, "valid": 0.8, "correct": 0.84, "consent": 0.9}, ("D-FRESH", "D-VALID", "D-ACC", "D-CONS")
        ),
        "unused_crm": Problem({"used": 0.4}, ("D-USE",)),
        "returns": Problem({"returned": 0.16}, ("R-RETURN",)),
        "lost_renewals": Problem({"leaving": 0.1}, ("R-RENEW",), ("A2.retention",)),
        "wasted_spend": Problem({"spend": 1.9, "offer_cost": 30.0}, ("I-COST",), ("A2.cac",)),
        "falling_sales": Problem({"growth": -0.5, "arriving_growth": -0.7}, ("R-SALESG",), ("A2.growth",)),
    }
)

# targets of the catalogue that the levels are judged by, and whether more is better
TARGETS: Mapping[str, tuple[float, bool]] = MappingProxyType(
    {
        "P-RESP": (0.85, True), "P-RESP50": (2, False), "P-RESP90": (24, False), "P-RES": (24, False), "P-CMPT": (48, False),
        "P-CACK": (0.95, True), "P-FCR": (0.7, True), "P-REOPEN": (0.08, False), "P-CMPR": (10, False), "P-CLOSE": (0.95, True),
        "P-STEP": (1.2 * DECLARED_STEPS, False), "P-HAND": (0.5, False), "P-WAIT": (0.6, False), "P-CONF": (0.85, True),
        "P-CONT": (1.0, True), "P-COVER": (0.9, True), "P-FBR": (0.25, True), "P-REPR": (0.05, False), "P-CHAN": (3, True),
        "P-ADOPT": (0.2, True), "P-LOOP": (0.85, True), "P-ENG": (3.8, True), "I-TRAINCOV": (0.8, True),
        "I-TRAING": (0.3, True), "R-REF": (0.1, True), "R-RETURN": (0.05, False), "D-COMP": (0.95, True), "D-ACC": (0.98, True),
        "D-DUP": (0.03, False), "D-VALID": (0.98, True), "D-MATCH": (0.92, True), "D-FRESH": (30, False), "D-CONS": (1.0, True),
        "D-USE": (0.8, True),
    }
)  # fmt: skip
# what customers think and do about it: off its target only because of something else
CONSEQUENCES = (
    "P-CSAT",
    "P-CES",
    "P-BACK",
    "R-NPS",
    "R-CHURN",
    "R-RET",
    "R-RENEW",
    "R-NCUST",
    "R-SALES",
    "R-SALESG",
    "R-FREQ",
    "R-CLV",
    "R-SHARE",
    "R-TIER",
    "P-TPUT",
    "I-CAC",
    "I-CTS",
    "I-INV",
    "I-COST",
    "I-ROI",
    "R-NEW",
    "D-SILO",
    "R-REPEAT",
)


def read_problems(problems: Mapping[str, float] | tuple[str, ...] | list[str], severity: float) -> dict[str, float]:
    """Each kind of problem with its severity.

    Raises
    ------
    ParamError
        For a kind that there is not, or a severity outside 0 to 1.
    """
    found = dict(problems) if isinstance(problems, Mapping) else dict.fromkeys(problems, severity)
    for kind, how in found.items():
        if kind not in PROBLEMS:
            raise ParamError(f"problems: there is no {kind!r}; {did_you_mean(kind, list(PROBLEMS))}")
        if not 0 <= how <= 1:
            raise ParamError(f"severity: {how} of {kind} is out of range; 0 to 1 is allowed")
    return found


def levels_of(problems: Mapping[str, float], base: Levels = HEALTHY, *, part: float = 1.0) -> Levels:
    """The levels of a company with these problems; ``part`` is how much of them is there yet."""
    changed: dict[str, float] = {}
    for kind, severity in problems.items():
        for name, worst in PROBLEMS[kind].worst.items():
            start = getattr(base, name)
            changed[name] = start + severity * part * (worst - start)
    return replace(base, **changed)


def true_values(levels: Levels, *, at_target: bool = False) -> dict[str, float]:
    """The true value of every indicator whose value follows from the levels alone."""
    one = levels
    response = {"P-RESP": 0.85, "P-RESP90": 24.0, "P-CACK": 0.95}
    if not at_target:
        response = {
            "P-RESP": _normal(log(SLA_HOURS / one.response_hours) / RESPONSE_SPREAD),
            "P-RESP90": one.response_hours * 2.718281828459045 ** (1.2815515655446004 * RESPONSE_SPREAD),
            "P-CACK": _normal(log(DAY_HOURS / one.response_hours) / RESPONSE_SPREAD),
        }
    return response | {
        "P-RESP50": one.response_hours,
        "P-RES": one.solving_hours,
        "P-CMPT": one.solving_hours * COMPLAINT_FACTOR,
        "P-FCR": (1 - one.handed_share) * (1 - one.reopened),
        "P-REOPEN": one.reopened,
        "P-CMPR": 1000 * one.complaints,
        "P-CLOSE": one.noticed,
        "P-STEP": DECLARED_STEPS + one.detours,
        "P-HAND": one.handoffs,
        "P-WAIT": one.waiting,
        "P-CONF": 1 - one.detour_share,
        "P-CONT": one.contacts,
        "P-COVER": one.followed,
        "P-FBR": one.asked_back,
        "P-REPR": one.skew,
        "P-CHAN": float(round(one.channels)),
        "P-ADOPT": one.adopted,
        "P-LOOP": one.answered,
        "P-ENG": one.engagement,
        "I-TRAINCOV": one.trained,
        "I-TRAING": one.gain,
        "R-REF": one.referred,
        "R-RETURN": one.returned,
        "D-COMP": one.filled,
        "D-ACC": one.correct,
        "D-DUP": one.doubled,
        "D-VALID": one.valid,
        "D-MATCH": one.matched,
        "D-FRESH": one.fresh_days,
        "D-CONS": one.consent,
        "D-USE": one.used,
    }


def worse_than_target(values: Mapping[str, float]) -> list[str]:
    """Indicators whose true value misses its target."""
    off = []
    for name, value in values.items():
        target, more = TARGETS[name]
        if (value < target - 1e-9) if more else (value > target + 1e-9):
            off.append(name)
    return sorted(off)


def _normal(z: float) -> float:
    return 0.5 * (1 + erf(z / sqrt(2)))
