"""What is a finding? What was tested, how sure it is, what it is about, and the five fields that a reader needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict

from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.core.yaml_text import read_yaml

FINDING, OBSERVATION = mark("finding"), mark("observation")
LEVELS = (FINDING, OBSERVATION)
NAN = math.nan
# parts of a sentence in a row; the last word on more than four is that four are enough
ROWS = (
    Text("{part0}"),
    Text("{part0}; {part1}"),
    Text("{part0}; {part1}; {part2}"),
    Text("{part0}; {part1}; {part2}; {part3}"),
)


@dataclass(frozen=True)
class Measure:
    """What was measured, and what it should be.

    Parameters
    ----------
    value, low, high, target : float
        In the unit; nan where not known.
    n : float
        Cases behind the value.
    unit : str
    """

    value: float = NAN
    low: float = NAN
    high: float = NAN
    target: float = NAN
    n: float = NAN
    unit: str = "number"


@dataclass(frozen=True)
class Check:
    """One thing that a rule looked at.

    Parameters
    ----------
    rule : str
        Name of the rule.
    theme : str
        What it is about; checks of one rule and theme are told as one finding.
    subject : str
        Indicator, comparison, role or table that was looked at.
    off : bool
        Whether the point estimate misses the criterion.
    p_value : float
        One-sided for "worse than the criterion"; nan where nothing is left to chance, for example a missing role.
    criteria, condition : Text
        What ought to be, and what is.
    measure : Measure
    adjusted : float
        The p-value corrected for all checks of the audit.
    where : str
        Where it shows most, in the client's words; empty where that is not known.
    placeholder : bool
        Whether the criterion is a placeholder of the kit and no target of the company.
    told : Text or None
        What is, as a recommendation names it: without interval and period. None: the condition says it as shortly.
    """

    rule: str
    theme: str
    subject: str
    off: bool
    p_value: float
    criteria: Text
    condition: Text
    measure: Measure = Measure()
    adjusted: float = NAN
    where: str = ""
    placeholder: bool = False
    told: Text | None = None

    @property
    def named(self) -> Text:
        """What was found, as a recommendation names it: without the warning of the report that it is from."""
        told = self.told or self.condition
        said = told.numbers.get("said")
        return said if isinstance(said, Text) and "warned" in told.numbers else told


@dataclass(frozen=True)
class Stake:
    """Whom a finding touches, and what it costs.

    Parameters
    ----------
    customers : float
        Customers affected; nan where it cannot be said whom.
    value : float
        What these customers are worth a year; nan where not known.
    money, low, high : float
        Which part of it is likely to be lost, with interval; nan where not established.
    """

    customers: float = NAN
    value: float = NAN
    money: float = NAN
    low: float = NAN
    high: float = NAN


@dataclass(frozen=True)
class AuditFinding:
    """One finding with its five fields.

    Parameters
    ----------
    id : str
        ``<rule>.<theme>``, for example ``indicator.slow``.
    rule, theme : str
    level : {"finding", "observation"}
        Sure after correction for all checks, or only the estimate is off.
    title : Text
    checks : tuple of Check
        The surest first; those of the theme that miss their criterion.
    cause, effect, recommendation : Text
    drivers : tuple of str
        Names of the established causes, the strongest first; empty: not established.
    stake : Stake
    """

    id: str
    rule: str
    theme: str
    level: str
    title: Text
    checks: tuple[Check, ...]
    cause: Text
    effect: Text
    recommendation: Text
    drivers: tuple[str, ...] = ()
    stake: Stake = Stake()

    @property
    def lead(self) -> Check:
        """The check that it rests on."""
        return self.checks[0]

    @property
    def criteria(self) -> Text:
        """What ought to be."""
        return self.lead.criteria

    @property
    def condition(self) -> Text:
        """What is."""
        return self.lead.condition

    @property
    def advice(self) -> Text:
        """What to do and where to begin, without what was found: for places where that stands beside it."""
        known = self.recommendation.numbers
        if "what" not in known:
            return self.recommendation
        return Text("{what} Begin with {cause}." if "cause" in known else "{what}", known)


def joined(parts: list[Text]) -> Text:
    """Several texts in a row, at most four of them."""
    kept = parts[: len(ROWS)]
    return Text(ROWS[len(kept) - 1].template, {f"part{number}": part for number, part in enumerate(kept)})


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Strict):
    """The same words in both languages."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        """In one of them."""
        return self.zh if language == "zh" else self.en


class Case(_Strict):
    """A theme where one of its indicators leads the finding: what it is called then, and what is recommended."""

    en: str
    zh: str
    recommend: Words


class Theme(_Strict):
    """One kind of trouble: its names, its indicators (the leading one first), and how it is met.

    ``cases``: by indicator, where what was measured has a name and a remedy of its own; ``outcome``: whether it is what
    customers do, the consequence of other themes; ``driver``: how it shows in single tickets.
    """

    id: str
    en: str
    zh: str
    indicators: tuple[str, ...]
    outcome: bool = False
    action: str
    category: Literal["churn", "service", "product", "data", "fraud", "market", "legal", "people"]
    response: Literal["avoid", "reduce", "share", "accept", "pursue"]
    driver: str = ""
    owner: Words
    recommend: Words
    contingency: Words
    cases: dict[str, Case] = {}

    def name(self, language: str, indicator: str = "") -> str:
        """Its name in a language; where an indicator leads that has a name of its own, that one."""
        called = self.cases.get(indicator, self)
        return called.zh if language == "zh" else called.en

    def remedy(self, language: str, indicator: str = "") -> str:
        """What is recommended, against what an indicator has shown."""
        return self.cases.get(indicator, self).recommend.say(language)


@cache
def themes() -> dict[str, Theme]:
    """All themes by id, in the order of the report.

    Examples
    --------
    >>> list(themes())[:3], sum(len(theme.indicators) for theme in themes().values())
    (['slow', 'complex', 'scattered'], 57)
    """
    text = (resources.files("crmkit.analyses.audit.findings") / "themes.yml").read_text(encoding="utf-8")
    return {one.id: one for one in (Theme.model_validate(entry) for entry in read_yaml(text))}


def theme_of(indicator: str) -> Theme | None:
    """The theme that an indicator belongs to."""
    return next((theme for theme in themes().values() if indicator in theme.indicators), None)
