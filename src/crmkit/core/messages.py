"""How is a message about files, data or parameters said in the reader's language?

It is put together in English where the fault is found, and kept so. The catalogue knows its templates, with a number in each
place where a value stood; of those that fit, the one with most letters of its own is taken. What stood in the places is said in
turn, so that a hint in a message, and row numbers in a hint, are found too. What no template fits stays as it is.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cache, partial

from crmkit.core.errors import CrmkitError, Told
from crmkit.core.language import Locale, catalogue, mark, say
from crmkit.core.results import Text

PLACE = re.compile(r"\{(\d+)\}")
HINTS = (mark("did you mean {0}?"), mark("there are {0}"), mark("the folder is empty"))
# what may stand in a place of a message, besides messages
PARTS = (
    mark("{0} and {1} more"),
    mark("row {0}"),
    mark("rows {0}"),
    mark("{0} row {1}"),
    mark("{0} rows {1}"),
    mark("{0} row"),
    mark("{0} rows"),
    mark("{0} column"),
    mark("{0} columns"),
    mark("{0} formula"),
    mark("{0} formulas"),
    mark("no"),
    mark("text"),
    mark("a date"),
    mark("a date and time"),
    mark("a month"),
    mark("a number"),
    mark("a whole number or a list"),
    mark("a list"),
    mark("text or a number"),
    mark("text or a whole number"),
    mark("true or false"),
    mark("in cell {0}"),
    mark("a quarter, half year, month or year"),
    mark("a whole number"),
    mark("yes or no"),
    # what a system says of a file that it does not write
    mark("Permission denied"),
    mark("Not a directory"),
    mark("File exists"),
    mark("Read-only file system"),
    mark("No space left on device"),
)
DEEPEST = 6
# between the parts of a message; and where it stands inside brackets, which are a part of one
BETWEEN, INSIDE = "; ", "\x1f"


def terminal_language() -> str:
    """The language of the terminal, as far as the kit speaks it.

    Returns
    -------
    {"en", "zh"}
    """
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if named.casefold().startswith("zh") else "en"


def in_words(message: str, language: str) -> str:
    """A message in a language.

    Parameters
    ----------
    message : str
        As it arose, in English.
    language : {"en", "zh"}

    Returns
    -------
    str
        Of a message that covers values of the data: covered as before, with ``shown`` for the terminal.

    Examples
    --------
    >>> in_words("orders.csv: has 0 bytes; export it again.", "zh")
    'orders.csv：为0字节；请重新导出。'
    >>> in_words("transactions: column 'amount' has 3 values below 0 (rows 2, 5, 9); 0 or more is expected.", "zh")
    "transactions：列'amount'有3个值小于0（第2, 5, 9行）；应为0或以上。"
    """
    if language == "en":
        return message
    if isinstance(message, Told) and message.text is not None:
        return say(message.text, Locale(language))
    if isinstance(message, Told):
        return Told.of(in_words(str(message), language), in_words(message.shown, language))
    marked = re.sub(r"\([^()]*\)", lambda found: found[0].replace(BETWEEN, INSIDE), message)
    return _sentence(marked, language, DEEPEST).replace(INSIDE, "；")


def spoken(error: CrmkitError, language: str) -> tuple[str, ...]:
    """Every problem of an error in a language, with the values of the data as the terminal shows them."""
    said = (say(one, Locale(language)) if isinstance(one, Text) else in_words(one, language) for one in error.texts)
    return tuple(one.shown if isinstance(one, Told) else one for one in said)


def _sentence(message: str, language: str, depth: int) -> str:
    if depth <= 0:
        return message
    body = message.removesuffix(".")
    # some templates are several parts
    said = _part(body, language, depth) or BETWEEN.join(_part(one, language, depth) or one for one in body.split(BETWEEN))
    return message if said == body else said.replace(BETWEEN, "；") + ("。" if body != message else "")


def _part(text: str, language: str, depth: int) -> str | None:
    """A part of a message, with the place before what was found there; None where no template fits."""
    for template, translation in _patterns(language, inside=depth < DEEPEST):
        found = template.fullmatch(text)
        if found:
            where, *values = (_value(one or "", language, depth) for one in found.groups())
            return where + PLACE.sub(partial(_filled, values), translation)
    return None


def _filled(values: Sequence[str], place: re.Match[str]) -> str:
    return values[int(place[1])]


def _value(text: str, language: str, depth: int) -> str:
    """What stands in a place, which may be several things of a list."""
    said = INSIDE.join(_sentence(one, language, depth - 1) for one in text.split(INSIDE))
    return f"{said.removesuffix(':')}：" if said.endswith(":") else said


@cache
def _patterns(language: str, *, inside: bool) -> tuple[tuple[re.Pattern[str], str], ...]:
    """What a part of a message may be and how that is said, the template with most letters of its own first."""
    words = catalogue(language)
    more = (*HINTS, *PARTS) if inside else HINTS
    known = {**catalogue(language, "messages"), **{part: words[part] for part in more if part in words}}
    anything = f"((?:(?!{BETWEEN}).)+?)"
    found = []
    for template, translation in sorted(known.items(), key=lambda one: -len(PLACE.sub("", one[0]))):
        pattern = anything.join(re.escape(part) for part in PLACE.split(template.removesuffix("."))[::2])
        found.append((re.compile(f"(?:{anything} )?{pattern}", re.DOTALL), translation.removesuffix("。")))
    return tuple(found)
