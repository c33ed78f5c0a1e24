"""In which words does a reader see it: sentences put together from templates and numbers, in the reader's language.

The English template is the key of its translation (gettext). Catalogues are read from ``crmkit/locale`` as they are written,
so there is no compiled copy that could be out of date. ``crmkit`` holds the words of the kit, ``notebooks`` the prose of the
notebooks, one message for each block of Markdown. ``revenue`` holds, for both, what is said where no margin is agreed: money is
revenue then, never value or profit. A page without a margin speaks ``en@revenue``, a language like any other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from crmkit.core.format import format_quantity
from crmkit.core.results import Quantity, Text

# marks of writing direction: behind one of them the rest of a line reads backwards
DIRECTION_MARKS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNDIRECTED = dict.fromkeys(map(ord, DIRECTION_MARKS))
CHINESE = re.compile("[\u4e00-\u9fff]")
AFTER_FULL_WIDTH = re.compile(r"(?<=[。！？；]) +")


REVENUE = "revenue"


@dataclass(frozen=True)
class Locale:
    """What decides how something is said: the language, the client's currency, and whether money is revenue."""

    language: str = "en"
    currency: str = "EUR"
    revenue: bool = False

    @property
    def words(self) -> str:
        """The language that :func:`translate` is asked for.

        Examples
        --------
        >>> Locale("zh").words, Locale("en", revenue=True).words
        ('zh', 'en@revenue')
        """
        return worded(self.language, margin=1.0 if self.revenue else None)


def worded(language: str, *, margin: object) -> str:
    """The words of a language for money at a margin: those for revenue where the margin is 1, because none is agreed.

    Examples
    --------
    >>> worded("en", margin=0.4), worded("en", margin=1.0), translate("Expected value", "en@revenue")
    ('en', 'en@revenue', 'Expected revenue')
    """
    return f"{language}@{REVENUE}" if margin == 1 else language


class _Part(str):
    """What stands in a place of a sentence; ``{n:row|rows}`` is the word that goes with the number in ``{n}``."""

    def __format__(self, spec: str) -> str:
        one, either, several = spec.partition("|")
        return super().__format__(spec) if not either else one if self in ("1", "-1") else several


@cache
def catalogue(language: str, domain: str = "crmkit") -> Mapping[str, str]:
    """Translations of a language: English template -> words; empty for English. ``en@revenue`` has those for revenue on top."""
    plain, _, kind = language.partition("@")
    if kind:
        return {**catalogue(plain, domain), **_stored(plain, kind)}
    return {} if language == "en" else _stored(language, domain)


def _stored(language: str, domain: str) -> Mapping[str, str]:
    from babel.messages.pofile import read_po

    path = resources.files("crmkit") / "locale" / language / "LC_MESSAGES" / f"{domain}.po"
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        messages = read_po(file, locale=language)
    return {str(m.id): str(m.string) for m in messages if m.id and m.string and not m.fuzzy}


def undirected(text: str) -> str:
    """A text without marks of writing direction, which a word of the data may carry into all that stands behind it.

    Examples
    --------
    >>> undirected("Sales \u202eEMEA\u202c")
    'Sales EMEA'
    """
    return text.translate(UNDIRECTED)


def translate(template: str, language: str) -> str:
    """A template in a language; the English one where there is no translation.

    Of a level of the client's behind a group of ours (:func:`level_name`) the group is translated.

    Examples
    --------
    >>> translate("Customers", "en"), translate("Plan: enterprise", "zh")
    ('Customers', '套餐：enterprise')
    """
    known = catalogue(language)
    if template in known or not known:
        return known.get(template, template)
    group, colon, level = template.partition(": ")
    return level_name(known[group], level) if colon and group in known else template


def level_name(group: str, level: str) -> str:
    """A level with its group before it: two groups may have levels of one name. The colon is that of the group's language.

    Examples
    --------
    >>> level_name("Region", "North"), level_name("地区", "North")
    ('Region: North', '地区：North')
    """
    return f"{group}{'：' if CHINESE.search(group) else ': '}{level}"


def mark(template: str) -> str:
    """The template itself: marks words that are translated where they are shown, for the catalogue to find them.

    Examples
    --------
    >>> mark("Actual")
    'Actual'
    """
    return template


def blocks(markdown: str) -> list[str]:
    """The blocks of a Markdown text: split at blank lines, fenced code and tables whole.

    Examples
    --------
    >>> blocks("# A title\\n\\nSome\\nprose.\\n")
    ['# A title', 'Some\\nprose.']
    """
    fenced = re.split(r"(^```.*?^```$)", markdown.strip(), flags=re.MULTILINE | re.DOTALL)
    found = [part.split("\n\n") if not part.startswith("```") else [part] for part in fenced]
    return [block.strip("\n") for part in found for block in part if block.strip()]


def translate_markdown(markdown: str, language: str) -> str:
    """A Markdown text in a language, block by block; a block without a translation stays as it is."""
    known = catalogue(language, "notebooks")
    return "\n\n".join(known.get(block, block) for block in blocks(markdown))


WITH_COMMA, WITH_SEMICOLON = Text("{first}, {second}"), Text("{first}; {second}")


def in_a_row(parts: Sequence[Quantity | Text | str]) -> Text:
    """Several things one behind the other, with the comma of the reader's language; nothing where there are none.

    Examples
    --------
    >>> row = in_a_row(["2025Q1", "2025Q2", "2025Q3"])
    >>> say(row, Locale("en")), say(row, Locale("zh"))
    ('2025Q1, 2025Q2, 2025Q3', '2025Q1、2025Q2、2025Q3')
    """
    return _joined(parts, WITH_COMMA)


def one_by_one(parts: Sequence[Quantity | Text | str]) -> Text:
    """Several things that may hold commas one behind the other, with the semicolon of the reader's language.

    Examples
    --------
    >>> say(one_by_one(["Call, then write", "Wait"]), Locale("en")), say(one_by_one(["先打电话，再写信", "等待"]), Locale("zh"))
    ('Call, then write; Wait', '先打电话，再写信；等待')
    """
    return _joined(parts, WITH_SEMICOLON)


def _joined(parts: Sequence[Quantity | Text | str], mark: Text) -> Text:
    row: Text | None = None
    for one in parts:
        row = Text("{one}", {"one": one}) if row is None else Text(mark.template, {"first": row, "second": one})
    return row or Text("")


def say(text: Text | Quantity | str | None, locale: Locale) -> str:
    """A sentence in words, as plain text: numbers formatted, names of the client's data left as they are.

    Parameters
    ----------
    text : Text, Quantity, str or None
        A plain str is data of the client: it is not translated, and loses marks of writing direction. None gives an empty
        text.
    locale : Locale

    Returns
    -------
    str
        Plain text. It may hold words of the client's data: escape it before it goes into a page.

    Examples
    --------
    >>> say(Text("{n} customers", {"n": Quantity(2357, "count")}), Locale("en"))
    '2,357 customers'
    >>> say(Text("{n} {n:customer is|customers are} new", {"n": Quantity(1, "count")}), Locale("en"))
    '1 customer is new'
    >>> both = Text("{first} {second}", {"first": "已完成。", "second": "共 3 项。"})
    >>> say(both, Locale("zh"))
    '已完成。共 3 项。'
    """
    if text is None:
        return ""
    if isinstance(text, str):
        return undirected(text)
    if isinstance(text, Quantity):
        return format_quantity(text, language=locale.language, currency=locale.currency)
    parts = {name: _Part(say(value, locale)) for name, value in text.numbers.items()}
    template = translate(text.template, locale.words)
    said = template.format_map(parts)
    # one sentence behind the other: full-width marks bring their own blank
    return AFTER_FULL_WIDTH.sub("", said) if locale.language == "zh" and "} {" in template else said
