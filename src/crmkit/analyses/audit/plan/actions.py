"""What is done by whom, until when, and from which day on can it be seen whether it helped?"""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from crmkit.analyses.audit.catalogue import Catalogue
from crmkit.analyses.audit.findings.finding import quantities
from crmkit.analyses.audit.findings.model import FINDING, NAN, AuditFinding, Words, theme_of, themes
from crmkit.analyses.audit.read import History, absent
from crmkit.core.language import Locale, mark, say
from crmkit.core.yaml_text import read_yaml
from crmkit.models.basics.estimates import critical

if TYPE_CHECKING:
    import pandas as pd


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KindOfAction(_Strict):
    """Effort in person-days and days that an action of a kind usually takes."""

    effort: float
    days: int


class ByPeople(_Strict):
    """What no software does: the kit keeps owner, date and the indicator that it is meant to move."""

    id: str
    kind: str
    indicator: str
    horizon: Literal["short", "long"]
    rows: tuple[str, ...]
    en: str
    zh: str
    owner: Words

    def text(self, language: str) -> str:
        """What is to be done, in a language."""
        return self.zh if language == "zh" else self.en


class Library(_Strict):
    """Everything that is proposed."""

    kinds: dict[str, KindOfAction]
    people: tuple[ByPeople, ...]


@cache
def library() -> Library:
    """The kit's proposals.

    Examples
    --------
    >>> library().kinds["A-FAST"].days, len(library().people)
    (90, 11)
    """
    text = (resources.files("crmkit.analyses.audit.plan") / "library.yml").read_text(encoding="utf-8")
    return Library.model_validate(read_yaml(text))


SHORT_DAYS, LONG_DAYS = 365, 3 * 365
MONTH_DAYS = 30.4375
START_DAYS = 14
Z95 = 1.959964
MOST_MONTHS = 60
YEAR = 12
KIT, CLIENT, PEOPLE = mark("proposed by the kit"), mark("of the company"), mark("done by people")
PLAN, DO, CHECK, ACT = mark("plan"), mark("do"), mark("check"), mark("act")
STOPPED = mark("stopped")


@dataclass(frozen=True)
class Means:
    """What the company can spend.

    Parameters
    ----------
    budget : float
        Money for all actions together; 0: no limit.
    day_rate : float
        Money per person-day, for actions without a budget of their own.
    effect_share : float
        Which part of the way to the target an action is expected to go, above 0, at most 1.
    power : float
        Probability with which an effect that is there should be seen, above .5 and below 1.
    """

    budget: float = 0.0
    day_rate: float = 400.0
    effect_share: float = 0.7
    power: float = 0.8


@dataclass(frozen=True)
class Dates:
    """From when until when, and from when on it can be seen whether it helped.

    Parameters
    ----------
    starts_on, due_on : date
    horizon : {"short", "long"}
        Up to a year, or longer.
    measurable_on : date or None
        First day on which the expected effect can be seen; None: never with so few cases, or not known.
    """

    starts_on: dt.date
    due_on: dt.date
    horizon: str = "short"
    measurable_on: dt.date | None = None


UNKNOWN, BY_OWN, BEFORE = mark("not known"), mark("the company's estimate"), mark("a change seen within a year")
COUNTED, REPORTED = mark("counted, no estimate"), mark("another report")
REACHED, WRONG_WAY = mark("target reached"), mark("the effect given leads away from the target")
# what a value cannot leave
BOUNDS = {"share": (0.0, 1.0), "score": (1.0, 5.0), "points": (-100.0, 100.0)}


@dataclass(frozen=True)
class Aim:
    """What is to move, and how far.

    Parameters
    ----------
    indicator : str
        Of the catalogue; empty where what is to move is none of it, or nothing is said.
    baseline, low, high, target, effect : float
        In the unit; the effect signed, so that baseline + effect is the aim. 0 where the target is reached: what is there is
        to be kept.
    name : str
        What is to move, in words.
    unit, direction : str
        As in the catalogue; the direction is empty where nothing is to move.
    basis : str
        What is known of the effect: an estimate of the company, a change as large that was seen within a year, a count, another
        report; or that nothing is known.
    numbers : str
        Every number by which the action's words say what is to move, with limits and unit, as JSON.
    """

    indicator: str = ""
    baseline: float = NAN
    low: float = NAN
    high: float = NAN
    target: float = NAN
    effect: float = NAN
    name: str = ""
    unit: str = "number"
    direction: str = ""
    basis: str = UNKNOWN
    numbers: str = "[]"

    @property
    def expected(self) -> float:
        """What is to be reached by the action."""
        return self.baseline + self.effect


@dataclass(frozen=True)
class Price:
    """What an action takes, and what it gives.

    Parameters
    ----------
    effort : float
        Person-days.
    cost, worth : float
        Money: the budget, or effort at the day rate; and what it is expected to save in a year.
    """

    effort: float = NAN
    cost: float = NAN
    worth: float = NAN

    @property
    def ratio(self) -> float:
        """Worth per money spent; 0 where the cost is not known."""
        return self.worth / max(self.cost, 1.0) if np.isfinite(self.cost) else 0.0


@dataclass(frozen=True)
class Action:
    """One action of the plan.

    Parameters
    ----------
    id, text, kind, owner : str
    source : str
        Proposed by the kit, of the company, or done by people.
    finding : str
        Id of the finding that it answers; may be empty.
    dates : Dates
    aim : Aim
    price : Price
    status : str
        As the company reports it: planned, running, done, stopped.
    state : str
        Of plan, do, check, act.
    taken : bool
        Whether it fits into the budget.
    """

    id: str
    text: str
    kind: str
    owner: str
    source: str
    finding: str
    dates: Dates
    aim: Aim = Aim()
    price: Price = Price()
    status: str = "planned"
    state: str = PLAN
    taken: bool = True


def theme_named(finding: str) -> str:
    """The theme in the id of a finding.

    Examples
    --------
    >>> theme_named("indicator.slow")
    'slow'
    """
    return finding.rpartition(".")[2]


def proposed(one: AuditFinding, past: History, locale: Locale, *, more: bool = False) -> Action:
    """What the kit proposes to do about a finding; ``more``: of whose theme another finding has been answered already."""
    theme = themes()[one.theme]
    usual = library().kinds[theme.action]
    starts = past.as_of + dt.timedelta(days=START_DAYS)
    aim = Aim(one.lead.subject) if one.rule in ("indicator", "trend") else _counted(one, locale)
    return Action(
        id=f"P-{one.rule}-{one.theme}" if more else f"P-{one.theme}",
        text=say(one.recommendation, locale),
        kind=theme.action,
        owner=theme.owner.say(past.language),
        source=KIT,
        finding=one.id,
        dates=Dates(starts, starts + dt.timedelta(days=usual.days)),
        aim=replace(aim, numbers=json.dumps(quantities(one.recommendation))),
        price=Price(usual.effort),
    )


def _counted(one: AuditFinding, locale: Locale) -> Aim:
    """What a finding without indicator is to move: a gap of ratings, or a number of raters, voices, actions or risks."""
    met = one.lead.measure
    ends = (met.value, met.value) if met.unit == "count" else (met.low, met.high)
    way = "up" if met.target > met.value else "down"
    basis = COUNTED if met.unit == "count" else UNKNOWN
    return Aim("", met.value, *ends, met.target, NAN, say(one.criteria, locale), met.unit, way, basis)


def by_people(found: Sequence[AuditFinding], past: History, language: str, *, assessed: frozenset[str]) -> list[Action]:
    """What only people can do, for the themes in which something was found.

    ``assessed``: indicators of which there is a value; where there is none, the indicator of the finding is followed.
    """
    wanted = {one.theme for one in found if one.level == FINDING}
    made = []
    for one in library().people:
        theme = theme_of(one.indicator)
        if theme is None or theme.id not in wanted:
            continue
        starts = past.as_of + dt.timedelta(days=START_DAYS)
        days = library().kinds[one.kind].days if one.horizon == "short" else LONG_DAYS
        origin = next(each for each in found if each.theme == theme.id)
        made.append(
            Action(
                one.id,
                one.text(language),
                one.kind,
                one.owner.say(language),
                PEOPLE,
                origin.id,
                Dates(starts, starts + dt.timedelta(days=days), one.horizon),
                Aim(one.indicator if one.indicator in assessed else origin.lead.subject),
                Price(library().kinds[one.kind].effort),
            )
        )
    return made


def of_company(row: Mapping[Any, Any], as_of: dt.date) -> Action:
    """An action that the company has written down itself.

    Parameters
    ----------
    row : mapping
        Of the table ``actions``.
    as_of : date
        It starts then, and is due a year later, where the row does not say.
    """

    def known(name: str, default: Any) -> Any:
        value = row.get(name)
        return default if absent(value) else value

    due = known("due_on", None)
    starts = known("starts_on", None)
    due = due.date() if due is not None else as_of + dt.timedelta(days=SHORT_DAYS)
    starts = starts.date() if starts is not None else as_of
    horizon = str(known("horizon", "short" if (due - starts).days <= SHORT_DAYS else "long"))
    return Action(
        str(row["action_id"]),
        str(row["text"]),
        str(known("kind", "")),
        str(known("owner", "")),
        CLIENT,
        str(known("finding_id", "")),
        Dates(starts, due, horizon),
        Aim(str(known("indicator", "")), effect=float(known("expected_effect", NAN))),
        Price(float(known("effort", NAN)), float(known("budget", NAN))),
        status=str(known("status", "planned") or "planned"),
    )


def measured(
    action: Action,
    rows: Mapping[str, Mapping[Any, Any]],
    past: History,
    book: Catalogue,
    means: Means,
    value: Mapping[str, float],
    confidence: float,
    months: pd.DataFrame | None = None,
) -> Action:
    """The action with baseline, target, aim, the first day on which its effect can be seen, cost and worth."""
    price, aim = action.price, filled(action.aim, rows, book, past.language)
    cost = price.cost if np.isfinite(price.cost) else price.effort * means.day_rate
    worth = price.worth if np.isfinite(price.worth) else value.get(action.finding, NAN)
    worth = 0.0 if action.source == PEOPLE or not np.isfinite(worth) else worth
    aim = _aimed(aim, means, months)
    action = replace(action, price=replace(price, cost=cost, worth=worth), aim=aim)
    if np.isfinite(aim.baseline):
        needed = months_needed(row_of(aim, rows, past), aim.effect, past, confidence=confidence, power=means.power)
        action = replace(action, dates=_dated(action, needed))
    return replace(action, state=_pdca(action, past.as_of))


def filled(aim: Aim, rows: Mapping[str, Mapping[Any, Any]], book: Catalogue, language: str) -> Aim:
    """An aim at an indicator, with its name, value, limits and target as assessed."""
    if aim.indicator not in book.indicators:
        return aim
    one, row = book[aim.indicator], rows.get(aim.indicator)
    named = replace(aim, name=one.name(language), unit=one.unit, direction=one.direction)
    if row is None:
        return named
    value, low, high, target = (float(row[name]) for name in ("value", "low", "high", "target"))
    return replace(named, baseline=value, low=low, high=high, target=target)


def row_of(aim: Aim, rows: Mapping[str, Mapping[Any, Any]], past: History) -> Mapping[Any, Any]:
    """Value, limits and period that an aim starts from: those of its indicator, else its own in the newest cycle."""
    if aim.indicator in rows:
        return rows[aim.indicator]
    ends = {"start": past.current.start, "end": past.current.end}
    return {"value": aim.baseline, "low": aim.low, "high": aim.high, **ends}


def _aimed(aim: Aim, means: Means, months: pd.DataFrame | None) -> Aim:
    """The aim with the change that is wanted: that of the company, else a part of the way to the target.

    0 where the target is reached. It never leads away from the target, nor past what is possible.
    """
    now, given = aim.baseline, aim.effect
    way = aim.target - now
    if np.isfinite(given):
        if _backwards(aim, given):
            return replace(aim, effect=NAN, basis=WRONG_WAY)
        return replace(aim, effect=_possible(aim, given), basis=BY_OWN if aim.basis == UNKNOWN else aim.basis)
    if not np.isfinite(way):
        return aim
    reached = way <= 0 if aim.direction == "up" else way >= 0 if aim.direction == "down" else way == 0
    if reached:
        return replace(aim, effect=0.0, basis=REACHED)
    effect = way if aim.basis == COUNTED else _possible(aim, means.effect_share * way)
    if aim.basis != UNKNOWN:
        return replace(aim, effect=effect)
    seen = months is not None and abs(effect) <= best_year(months, aim.indicator, up=effect > 0)
    return replace(aim, effect=effect, basis=BEFORE if seen else UNKNOWN)


def _backwards(aim: Aim, effect: float) -> bool:
    if aim.direction == "up":
        return effect < 0
    if aim.direction == "down":
        return effect > 0
    return bool(abs(aim.baseline + effect - aim.target) > abs(aim.baseline - aim.target))


def _possible(aim: Aim, effect: float) -> float:
    """A change that leaves the value within what is possible: shares between none and all, scores on their scale, no less than
    nothing of what is nothing or more; whole numbers of what is counted."""
    now = aim.baseline
    if aim.unit == "count":
        effect = math.copysign(math.ceil(abs(effect) - 1e-9), effect)
    least, most = BOUNDS.get(aim.unit, (0.0, math.inf))
    if not least <= now <= most:
        return effect
    return min(max(effect, least - now), most - now)


def best_year(months: pd.DataFrame, indicator: str, *, up: bool) -> float:
    """The largest change for the better within twelve months so far, three months at a time because one month jumps."""
    series = months[months["indicator"] == indicator]["value"].dropna().to_numpy(dtype="float64")
    if len(series) <= YEAR:
        return 0.0
    smooth = np.convolve(series, np.ones(3) / 3, mode="valid")
    steps = [
        smooth[later] - smooth[before]
        for before in range(len(smooth))
        for later in range(before, min(before + YEAR, len(smooth)))
    ]
    return max(0.0, float(max(steps) if up else -min(steps)))


def _dated(action: Action, months: float | None) -> Dates:
    """Its dates with the day on which an effect can be seen, once the action is done; the kit's is not due before it."""
    dates = action.dates
    if months is None:
        return dates
    days = math.ceil(months * MONTH_DAYS)
    seen = dates.starts_on + dt.timedelta(days=days)
    if action.source == CLIENT or seen <= dates.due_on:
        return replace(dates, measurable_on=seen if action.status == "done" else max(seen, dates.due_on))
    return Dates(dates.starts_on, seen, "short" if days <= SHORT_DAYS else "long", seen)


def months_needed(
    row: Mapping[Any, Any], effect: float, past: History, *, confidence: float = 0.95, power: float = 0.8
) -> float | None:
    """How many months of cases does it take to see an effect?

    Parameters
    ----------
    row : mapping
        A row of the indicators as assessed: value, limits, period.
    effect : float
        Expected change, in the unit of the indicator.
    past : History
    confidence, power : float
        Of the two-sided test, and the probability that it notices the effect.

    Returns
    -------
    float or None
        At least one; None where five years would not be enough, or nothing is known.

    Notes
    -----
    Cases keep coming as they do; what is known of the baseline is no surer than it is. With the variance ``s2`` of the estimate
    from ``m`` months and an effect ``d``, ``s2 m / (d2 / (z_a + z_b)2 - s2)`` months are needed.
    """
    spread = (row["high"] - row["low"]) / (2 * Z95)
    months = max(1.0, ((row["end"] - row["start"]).days + 1) / MONTH_DAYS)
    if not (np.isfinite(spread) and np.isfinite(effect)) or effect == 0:
        return None
    z_a, z_b = critical(confidence), critical(2 * power - 1)
    room = (effect / (z_a + z_b)) ** 2 - spread**2
    if room <= 0:
        return None
    needed = max(1.0, spread**2 * months / room)
    return needed if needed <= MOST_MONTHS else None


def _pdca(action: Action, as_of: dt.date) -> str:
    if action.status == "stopped":
        return STOPPED
    if action.status == "done":
        seen = action.dates.measurable_on
        return CHECK if seen is None or as_of < seen else ACT
    return DO if action.status == "running" else PLAN
