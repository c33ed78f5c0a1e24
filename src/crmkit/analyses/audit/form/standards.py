"""What does the self-assessment form ask, and what does each score mean?

The kit's form is ``form.yml`` beside this module. A client's ``params/<client>/form.yml`` names standards by id and may change
their words, their indicators, or whether they are asked at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crmkit.analyses.audit.client_changes import overlay_of, read_overlay
from crmkit.core.errors import ParamError, Problem, did_you_mean

OVERLAY = "form.yml"
SCORES = 5


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Anchor(_Strict):
    """What one score means, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Standard(_Strict):
    """One standard of the form.

    Parameters
    ----------
    id : str
        For example ``A1.response``; the part before the dot is its item.
    en, zh : str
        Names.
    ask_en, ask_zh : str
        The question.
    indicators : tuple of str
        Indicators of the catalogue that measure the same thing.
    anchors : tuple of 5 Anchor
        What the scores 1 to 5 mean.
    enabled : bool
    """

    id: str
    en: str
    zh: str
    ask_en: str
    ask_zh: str
    indicators: tuple[str, ...] = ()
    anchors: tuple[Anchor, ...] = Field(min_length=SCORES, max_length=SCORES)
    enabled: bool = True

    def name(self, language: str) -> str:
        """Its name in a language."""
        return self.zh if language == "zh" else self.en

    def question(self, language: str) -> str:
        """What is asked, in a language."""
        return self.ask_zh if language == "zh" else self.ask_en

    def meanings(self, language: str) -> list[str]:
        """What the scores 1 to 5 mean, in a language."""
        return [one.zh if language == "zh" else one.en for one in self.anchors]


class Item(_Strict):
    """A group of standards."""

    id: str
    en: str
    zh: str
    standards: tuple[Standard, ...]

    def name(self, language: str) -> str:
        """Its name in a language."""
        return self.zh if language == "zh" else self.en


class Form(_Strict):
    """The form: items with their standards; ``changes`` are the (standard, key) pairs that are the client's own."""

    items: tuple[Item, ...]
    changes: tuple[tuple[str, str], ...] = ()

    def __iter__(self) -> Iterator[Standard]:  # type: ignore[override]
        return (standard for item in self.items for standard in item.standards if standard.enabled)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the standards that are asked, in the order of the form."""
        return tuple(standard.id for standard in self)

    def item_of(self, standard: str) -> Item:
        """The item that a standard belongs to."""
        return next(item for item in self.items if any(one.id == standard for one in item.standards))


def load_form(*, home: Path | None = None, client: str = "") -> Form:
    """Which form does this client use?

    Parameters
    ----------
    home : Path or None
        Project root.
    client : str

    Returns
    -------
    Form
        With the changes of ``params/<client>/form.yml``, where there is one.

    Raises
    ------
    ParamError
        Everything in which the client's file cannot be used.

    Examples
    --------
    >>> form = load_form()
    >>> len(form.items), len(form.ids)
    (5, 12)
    """
    base = _base()
    found, named = overlay_of(client, OVERLAY, home=home)
    return base if found is None else merge(base, read_overlay(found, named=named, of="form"), where=named)


def merge(base: Form, overlay: Mapping[Any, Any], *, where: str = OVERLAY) -> Form:
    """The form with a client's changes.

    Parameters
    ----------
    base : Form
    overlay : mapping of id to mapping of key to value
        Keys from those of :class:`Standard`, without its id.
    where : str
        How messages name the file.

    Raises
    ------
    ParamError
        All problems at once.
    """
    known = {standard.id: standard for item in base.items for standard in item.standards}
    may = [name for name in Standard.model_fields if name != "id"]
    problems, changed, changes = [], dict(known), []
    for name, keys in overlay.items():
        if name not in known:
            problems.append(Problem(f"{where}:", f"unknown standard {name!r}", hint=did_you_mean(str(name), known)))
            continue
        if not isinstance(keys, dict):
            problems.append(Problem(f"{where}, {name}:", f"is {keys!r}", "key: value lines are expected"))
            continue
        unknown = [key for key in keys if key not in may]
        problems += [Problem(f"{where}, {name}:", f"unknown key {key!r}", hint=did_you_mean(str(key), may)) for key in unknown]
        if unknown:
            continue
        try:
            changed[name] = Standard.model_validate({**known[name].model_dump(), **keys})
        except ValidationError as err:
            problems += [Problem(f"{where}, {name}, {error['loc'][0]}:", error["msg"]) for error in err.errors()]
            continue
        changes += [(name, key) for key in keys if getattr(known[name], key) != getattr(changed[name], key)]
    if problems:
        raise ParamError(problems)
    items = tuple(
        item.model_copy(update={"standards": tuple(changed[one.id] for one in item.standards)}) for item in base.items
    )
    return Form(items=items, changes=tuple(changes))


@cache
def _base() -> Form:
    text = (resources.files("crmkit.analyses.audit.form") / OVERLAY).read_text(encoding="utf-8")
    return Form.model_validate(yaml.safe_load(text))
