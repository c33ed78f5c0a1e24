"""What does the kit propose? Effort and time by kind of action, and what only people can do."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

from crmkit.analyses.audit.findings.themes import Words


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
    return Library.model_validate(yaml.safe_load(text))
