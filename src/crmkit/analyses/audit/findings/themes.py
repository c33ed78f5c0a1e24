"""What are findings about? Indicators that show the same trouble, who owns it, and what can be done."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(_Strict):
    """The same words in both languages."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        """In one of them."""
        return self.zh if language == "zh" else self.en


class Theme(_Strict):
    """One kind of trouble: its names, its indicators (the leading one first), and how it is met.

    ``outcome``: whether it is what customers do, the consequence of other themes; ``driver``: how it shows in single tickets.
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

    def name(self, language: str) -> str:
        """Its name in a language."""
        return self.zh if language == "zh" else self.en


@cache
def themes() -> dict[str, Theme]:
    """All themes by id, in the order of the report.

    Examples
    --------
    >>> list(themes())[:3], sum(len(theme.indicators) for theme in themes().values())
    (['slow', 'complex', 'scattered'], 57)
    """
    text = (resources.files("crmkit.analyses.audit.findings") / "themes.yml").read_text(encoding="utf-8")
    return {one.id: one for one in (Theme.model_validate(entry) for entry in yaml.safe_load(text))}


def theme_of(indicator: str) -> Theme | None:
    """The theme that an indicator belongs to."""
    return next((theme for theme in themes().values() if indicator in theme.indicators), None)
