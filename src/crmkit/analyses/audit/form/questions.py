"""What does the self-assessment form ask, what does each score mean, and when does it go out and come back?

The kit's form is ``form.yml`` beside this module. A client's ``params/<client>/form.yml`` names standards by id and may change
their words, their indicators, or whether they are asked at all.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crmkit.analyses.audit.client_changes import Change, overlay_of, read_overlay
from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.language import mark
from crmkit.core.refused import problems_of
from crmkit.core.results import Column, Result, Text
from crmkit.core.yaml_text import read_yaml

if TYPE_CHECKING:
    import pandas as pd

OVERLAY = "form.yml"
SCORES = 5


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Anchor(_Strict):
    """What one score means, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def __str__(self) -> str:
        return f"{self.en} / {self.zh}"


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
    """The form: items with their standards; ``changes`` are what the client has set itself."""

    items: tuple[Item, ...]
    changes: tuple[Change, ...] = ()

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
            given = {**known[name].model_dump(), **keys}
            changed[name] = Standard.model_validate(given)
        except ValidationError as err:
            problems += problems_of(err, Standard, given, where=f"{where}, {name}")
            continue
        old, now = known[name], changed[name]
        changes += [
            Change(name, key, getattr(old, key), getattr(now, key)) for key in keys if getattr(old, key) != getattr(now, key)
        ]
    if problems:
        raise ParamError(problems)
    items = tuple(
        item.model_copy(update={"standards": tuple(changed[one.id] for one in item.standards)}) for item in base.items
    )
    return Form(items=items, changes=tuple(changes))


@cache
def _base() -> Form:
    text = (resources.files("crmkit.analyses.audit.form") / OVERLAY).read_text(encoding="utf-8")
    return Form.model_validate(read_yaml(text))


MONTHS = {"quarter": 3, "half_year": 6}
LABEL = re.compile(r"(\d{4})([QH])([1-4])")
FORM_DAYS, REPORT_DAYS = 14, 28
SCORE_COLUMNS = ("score_1", "score_2", "score_3", "score_4", "score_5")
FILLED_BY_RATERS = ("rater_id", "rater_role", "intention", "reality", "note", "evidence_id")


def cycle_of(day: dt.date, cycle: str) -> str:
    """The label of the quarter or half year that a day lies in.

    Parameters
    ----------
    day : date
    cycle : {"quarter", "half_year"}

    Raises
    ------
    ParamError
        For another cycle.

    Examples
    --------
    >>> cycle_of(dt.date(2025, 12, 31), "half_year"), cycle_of(dt.date(2025, 4, 1), "quarter")
    ('2025H2', '2025Q2')
    """
    months = _months(cycle)
    return f"{day.year}{'Q' if months == 3 else 'H'}{(day.month - 1) // months + 1}"


def cycle_span(label: str) -> tuple[dt.date, dt.date]:
    """First and last day of a quarter or half year.

    Raises
    ------
    ParamError
        When the label names none.

    Examples
    --------
    >>> [day.isoformat() for day in cycle_span("2025H2")]
    ['2025-07-01', '2025-12-31']
    """
    found = LABEL.fullmatch(label)
    number = int(found[3]) if found else 0
    if found is None or (found[2] == "H" and number > 2):
        raise ParamError(Problem("cycle:", f"is {label!r}", "2025Q4 or 2025H2 is expected"))
    months = 3 if found[2] == "Q" else 6
    start = dt.date(int(found[1]), (number - 1) * months + 1, 1)
    after = dt.date(start.year + (start.month + months > 12), (start.month + months - 1) % 12 + 1, 1)
    return start, after - dt.timedelta(days=1)


def next_cycles(day: dt.date, cycle: str, *, count: int = 4) -> list[str]:
    """Labels of the cycle that a day lies in and those after it.

    Examples
    --------
    >>> next_cycles(dt.date(2025, 12, 31), "half_year", count=3)
    ['2025H2', '2026H1', '2026H2']
    """
    labels = [cycle_of(day, cycle)]
    while len(labels) < count:
        _, end = cycle_span(labels[-1])
        labels.append(cycle_of(end + dt.timedelta(days=1), cycle))
    return labels


def calendar(as_of: dt.date, *, cycle: str = "half_year", count: int = 4) -> Result:
    """When is the form filled in, and when is the audit reported?

    Parameters
    ----------
    as_of : date
    cycle : {"quarter", "half_year"}
    count : int
        Cycles, the present one first.

    Returns
    -------
    Result
        A row per cycle: ``cycle, begins, ends, form_due, report_due``.
    """
    import pandas as pd

    rows = []
    for label in next_cycles(as_of, cycle, count=count):
        start, end = cycle_span(label)
        due = [end + dt.timedelta(days=days) for days in (FORM_DAYS, REPORT_DAYS)]
        rows.append({"cycle": label, "begins": start, "ends": end, "form_due": due[0], "report_due": due[1]})
    columns = (
        Column("cycle", "Cycle"),
        Column("begins", "Begins", "date"),
        Column("ends", "Ends", "date"),
        Column("form_due", "Forms due", "date"),
        Column("report_due", "Report due", "date"),
    )
    note = Text("Raters do not see their scores of the cycle before until they have answered.")
    return Result("audit_calendar", "table", Text("Calendar of the audit"), pd.DataFrame(rows), columns=columns, note=note)


def template(form: Form, *, cycle: str, language: str = "en") -> Result:
    """The form to be filled in: one row per standard; a filled copy per rater comes back as the table assessments.

    Parameters
    ----------
    form : Form
    cycle : str
        For example ``2025H2``.
    language : {"en", "zh"}
        Of questions and anchors.

    Returns
    -------
    Result
        Columns of the table assessments, empty where the rater writes, and beside them the question and what each score means.
    """
    import pandas as pd

    cycle_span(cycle)
    rows: list[dict[str, str]] = []
    for standard in form:
        row = {"cycle": cycle} | dict.fromkeys(FILLED_BY_RATERS, "") | {"standard_id": standard.id}
        row |= {"item": form.item_of(standard.id).name(language), "standard": standard.name(language)}
        row |= {"question": standard.question(language)}
        rows.append(row | dict(zip(SCORE_COLUMNS, standard.meanings(language), strict=True)))
    columns = (
        Column("cycle", "Cycle"),
        Column("rater_id", "Rater"),
        Column("rater_role", "Role of the rater"),
        Column("standard_id", "Standard (id)"),
        Column("item", "Item"),
        Column("standard", "Standard"),
        Column("question", "Question"),
        Column("score_1", "1 means"),
        Column("score_2", "2 means"),
        Column("score_3", "3 means"),
        Column("score_4", "4 means"),
        Column("score_5", "5 means"),
        Column("intention", "Intention, 1 to 5"),
        Column("reality", "Reality, 1 to 5"),
        Column("evidence_id", "Evidence (id)"),
        Column("note", "Note"),
    )
    table: pd.DataFrame = pd.DataFrame(rows)[[column.name for column in columns]]
    return Result("assessments", "table", Text(mark("Self-assessment form")), table, columns=columns)


def blank_form(
    client: str, *, home: Path, day: dt.date, language: str = "en", cycle: str = "", parameters: Mapping[str, Any] | None = None
) -> Result:
    """The form that goes out with a client's next audit: what the notebook's metadata names as its form.

    Parameters
    ----------
    client : str
    home : Path
        Project root.
    day : date
        The cycle is the one that it lies in.
    language : {"en", "zh"}
    cycle : str
        For example ``2025H2``; empty: that of the day.
    parameters : mapping or None
        The section ``audit`` of the client's file; its ``cycle`` says how long one is.

    Raises
    ------
    ParamError
        When the client's form or the cycle cannot be used.
    """
    length = str((parameters or {}).get("cycle", "half_year"))
    return template(load_form(home=home, client=client), cycle=cycle or cycle_of(day, length), language=language)


def _months(cycle: str) -> int:
    if cycle not in MONTHS:
        raise ParamError(Problem("cycle:", f"is {cycle!r}", hint=did_you_mean(cycle, MONTHS)))
    return MONTHS[cycle]
