"""How does a system write its exports: which headers, which words of a status, which lines that are no rows?

What is known of each system is data: one file in ``systems``, with where it is known from and whether its headers were seen as
the system writes them. A header is recognised by its letters and digits alone, whatever its case, blanks and signs.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from crmkit.core.settings import ItemSettings
from crmkit.core.yaml_text import read_yaml
from crmkit.data.sources.layout import Row, joined
from crmkit.data.tables import TABLES

# lines among which the header line is looked for
LOOKED_AT = 12
# a system of which at least half of the marks are there, and no fewer than three, is named
FEWEST_MARKS = 3
ORDER = (
    "transactions",
    "subscriptions",
    "tickets",
    "opportunities",
    "surveys",
    "feedback",
    "interactions",
    "customers",
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StatusWords(_Strict):
    """Which words of a status say that a row counts, and which say that it does not."""

    header: list[str] = Field(description="names of the header")
    counts: list[str] = Field(default_factory=list, description="words of rows that count")
    does_not: list[str] = Field(default_factory=list, description="words of rows that do not")


class Preset(_Strict):
    """What is known of the exports of one system.

    Each name of a header may have several forms: those of versions of the system, of languages, of its interface to programs.
    """

    system: str = Field(description="name as a reader knows it; empty: no system, headers that anybody may use")
    table: str = Field(description="table that a file becomes")
    source: str = Field(description="where the headers are known from")
    seen: str = Field(description="in what they were seen")
    verified: bool = Field(description="whether they were seen as the system writes them; else a person is asked")
    language: Literal["en", "zh", ""] = Field("", description="language of the interface that writes them")
    marks: list[list[str]] = Field(default_factory=list, description="headers that together say which system it is")
    columns: dict[str, list[str]] = Field(description="our column: names of its header, the best first")
    needs: list[list[str]] = Field(default_factory=list, description="our columns, one of each list, without which it is none")
    status: StatusWords | None = Field(None, description="header that says which rows count")
    leave_out: dict[str, list[str]] = Field(default_factory=dict, description="header: words of rows that never count")
    values: dict[str, dict[str, str]] = Field(default_factory=dict, description="our column: word in small letters: ours")
    other_values: dict[str, str] = Field(default_factory=dict, description="our column: what any other word stands for")
    items: dict[str, ItemSettings] = Field(default_factory=dict, description="columns of scores that are no questions")
    no_customer: list[str] = Field(default_factory=list, description="ids of nobody")
    prefix: str = Field("", description="what order ids of returns begin with")
    header: list[int] = Field(default_factory=list, description="rows of the header, where it has several")
    skip: list[int] = Field(default_factory=list, description="rows below it that are none of the table")
    dayfirst: bool | None = Field(None, description="order of its dates, where it is always the same")
    questions: bool = Field(False, description="whether every other column may be a question")
    ignored: list[str] = Field(default_factory=list, description="headers that are known and not needed")
    lost: dict[str, dict[str, str]] = Field(
        default_factory=dict, description="header: what is lost with it, said where it has values"
    )


@dataclass(frozen=True)
class Recognised:
    """A file of which is known what it is.

    Parameters
    ----------
    preset : Preset
    headers : tuple of str
        As they stand in the file.
    header : tuple of int
        Rows that they stand in.
    missing : tuple of str
        Marks of the system, or required columns, that are not there; none where the file can be read.
    score : int
        How many headers are known.
    """

    preset: Preset
    headers: tuple[str, ...]
    header: tuple[int, ...]
    missing: tuple[str, ...] = ()
    score: int = 0
    found: Mapping[str, tuple[int, ...]] = field(default_factory=dict)


@cache
def presets() -> tuple[Preset, ...]:
    """Every system that is known, in the order of the names of their files."""
    folder = resources.files("crmkit.data.presets") / "systems"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yml")), key=lambda entry: entry.name)
    return tuple(Preset(**read_yaml(entry.read_text(encoding="utf-8"))) for entry in files)


def letters(header: str) -> str:
    """A header without what writers differ in: case, width, blanks, signs.

    Examples
    --------
    >>> letters(" Order_ID "), letters("订单金额（元）")
    ('orderid', '订单金额元')
    """
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", header).casefold())


def positions(names: Iterable[str], headers: Sequence[str]) -> tuple[int, ...]:
    """Where headers stand that have one of these names, in the order of the names."""
    known: dict[str, list[int]] = {}
    for at, header in enumerate(headers):
        known.setdefault(letters(header), []).append(at)
    found = [at for name in names for at in known.get(letters(name), [])]
    return tuple(dict.fromkeys(found))


def recognise(rows: Sequence[Row]) -> Recognised | None:
    """Of which system is a file, from its first lines?

    Parameters
    ----------
    rows : sequence of (int, list of str)
        Row number and fields of the first lines.

    Returns
    -------
    Recognised or None
        The system of which all marks are there; else the table of which all required columns are; else the one of which the
        most is there, with what is missing. None where no header is known.
    """
    filled = [(number, fields) for number, fields in rows if any(one.strip() for one in fields)][:LOOKED_AT]
    tries: list[Recognised] = []
    for at in range(len(filled)):
        for preset in presets():
            together = filled[at : at + max(1, len(preset.header))]
            headers = joined([one for _, one in together])
            tries.append(compare(preset, headers, header=tuple(n for n, _ in together)))
    return best_of(tries)


def best_of(tries: Iterable[Recognised]) -> Recognised | None:
    """Of several readings of one file, the one that explains it best."""
    possible = [one for one in tries if one.score]
    return max(possible, key=_rank, default=None)


def _rank(one: Recognised) -> tuple[bool, bool, int, int, int]:
    whole = not one.missing
    named = len(one.preset.marks) > 1
    # a table that is told by what happens in it comes before the register that the same headers would make
    return (whole, whole and named, one.score, -ORDER.index(one.preset.table), -one.header[0])


def compare(preset: Preset, headers: Sequence[str], *, header: tuple[int, ...]) -> Recognised:
    """How much of a system is in these headers?"""
    found = {ours: at for ours, names in preset.columns.items() if (at := positions([*names, ours], headers))}
    lacking = [names[0] for names in preset.marks if not positions(names, headers)]
    needs = preset.needs or [[name] for name in TABLES[preset.table].required]
    if not preset.marks:
        lacking = [names[0] for names in needs if not set(names) & set(found)]
    of = len(preset.marks or needs)
    score = len({at[0] for at in found.values()}) + of - len(lacking)
    # a single known word is no evidence
    if of - len(lacking) < min(FEWEST_MARKS, (of + 1) // 2) or (not preset.marks and score < FEWEST_MARKS):
        score = 0
    return Recognised(preset, tuple(headers), header, tuple(lacking), score, found)


def known_systems() -> dict[str, bool]:
    """Names of the systems that are known, and whether the headers of each were seen."""
    found: dict[str, bool] = {}
    for preset in presets():
        if preset.system:
            found[preset.system] = found.get(preset.system, False) or preset.verified
    return found
