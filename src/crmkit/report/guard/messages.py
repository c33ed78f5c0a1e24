"""What of a message may be kept? A page, a record and a log are passed on, and may not quote what stands in a customer's row.

Errors of the kit cover their values themselves (:func:`crmkit.core.errors.quoted`). Of all others the name is kept and what
stands in no quotation marks, as far as it finds nobody.

Stands alone: whoever keeps an outcome or a notebook asks it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from crmkit.core.errors import IN_QUOTES, CrmkitError, covered
from crmkit.core.masking import mask_personal
from crmkit.report.guard.identifiers import leaks

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# libraries put a value that they cannot read behind a colon
UNREAD = re.compile(r"(\b(?:pars|format|valu|liter|conver|string|label|date|key)\w*\b[^:]*:\s*)(.+)", re.IGNORECASE)
TOLD = re.compile(r"(\w*(?:Error|Exception|Interrupt|Exit|Warning|Iteration)\w*)(?:: (.*))?", re.DOTALL)
STANDS_FOR = re.compile(r"\$\{\w+\}|\(key\)")
NAMES_SOMEBODY = "the message names a customer and is not kept; crmkit check shows what is wrong with the data"


def keepable(name: str, message: str) -> str:
    """A message that may be kept: that of an error of the kit as it is, of another with its values covered.

    Examples
    --------
    >>> keepable("ValueError", "could not convert string to float: 'anna@example.com'")
    "ValueError: could not convert string to float: 'xxxx@xxxxxxx.xxx'"
    >>> keepable("DataError", "orders.csv: has no column 'amount'")
    "orders.csv: has no column 'amount'"
    """
    if name in user_errors():
        return message
    return f"{name}: {without_values(message)}" if message else name


def without_values(message: str) -> str:
    """The first line of a message of any library, with what may be a value covered.

    Examples
    --------
    >>> without_values("can't parse: Anna Adler, at position 3")
    "can't parse: xxxx xxxxx, xx xxxxxxxx 9"
    >>> print(without_values("no column 'amount' for \\"Anna Adler\\""))
    no column 'amount' for "xxxx xxxxx"
    """
    first, *more = message.strip().splitlines() or [""]
    first = UNREAD.sub(lambda found: found[1] + (found[2] if found[2][:1] in "'\"" else covered(found[2])), first)
    kept, at = [], 0
    for found in IN_QUOTES.finditer(first):
        kept += [*mask_personal([first[at : found.start()]]), found[0] if _is_ours(found[0][1:-1]) else covered(found[0])]
        at = found.end()
    return "".join([*kept, *mask_personal([first[at:]])]) + (" …" if more else "")


def _is_ours(word: str) -> bool:
    """Whether a word is one of the kit's, as names of tables and columns are, or stands for a secret."""
    return word in _words() or STANDS_FOR.fullmatch(word) is not None


@cache
def _words() -> frozenset[str]:
    from crmkit.data.tables import TABLES

    return frozenset({*TABLES, *(column for table in TABLES.values() for column in table.columns)})


@cache
def user_errors() -> frozenset[str]:
    """Names of the errors that a user can mend; a kernel reports its errors by name."""

    def family(kind: type[CrmkitError]) -> Iterator[str]:
        yield kind.__name__
        for child in kind.__subclasses__():
            yield from family(child)

    return frozenset(family(CrmkitError))


def naming_nobody(message: str, folder: Path) -> str:
    """A message, or in its place a sentence that says why it is not kept: a customer can be found in it.

    Parameters
    ----------
    message : str
    folder : Path
        With what the search for identifiers looks for, where that was left.
    """
    return NAMES_SOMEBODY if message and leaks(escape(message), folder) else message


def kept_error(output: Mapping[str, Any]) -> dict[str, Any]:
    """The output of a cell that failed, its messages as they may be kept; the lines of code stay.

    Parameters
    ----------
    output : mapping
        ``ename``, ``evalue`` and ``traceback`` as a kernel tells them.
    """
    name, value = str(output["ename"]), str(output["evalue"])
    kept = value if name in user_errors() else without_values(value)
    return {**output, "evalue": kept, "traceback": [_kept_line(str(line)) for line in output["traceback"]]}


def _kept_line(line: str) -> str:
    """A part of a traceback; where it is a message, as it may be kept."""
    told = TOLD.fullmatch(COLOURS.sub("", line).strip())
    if told is None or not told[2]:
        return line
    return f"{told[1]}: {told[2] if told[1] in user_errors() else without_values(told[2])}"
