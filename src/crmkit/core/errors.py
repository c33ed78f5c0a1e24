"""What goes wrong, said so that the reader can mend it.

One family: every error that a user can cause derives from :class:`CrmkitError` and ends the command with exit code 2. An
error carries all problems that were found, not only the first.

A message may end in a page, a record or a log that is passed on, and may not name a customer there. A value of the data is
therefore put into it by :func:`quoted`: the text of an error has it covered, and only the terminal shows :attr:`Told.shown`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from crmkit.core.results import Text

EXIT_CODE = 2
ROWS_SHOWN = 5
LETTERS_SHOWN = 60
OPTIONS_SHOWN = 40
# characters of no script, which stand around what only the terminal shows
OPEN, CLOSE = "\ue000", "\ue001"
QUOTED = re.compile(f"{OPEN}([^{CLOSE}]*){CLOSE}")
# no apostrophe inside a word
# what differs in what it covers alone is said once
REPEATED = re.compile(r"('[^']*')(?:, \1)+")
IN_QUOTES = re.compile(r"(?<!\w)'.*?'(?!\w)|(?<!\w)\".*?\"(?!\w)")
# the order in which a person mends what is wrong with data
STEPS = ("files", "reading", "headers", "values")


@dataclass(frozen=True)
class Problem:
    """One thing to mend: where it stands, what was found, what is allowed, what probably was meant.

    Parameters
    ----------
    where : str
        File, table, column or key, for example ``"params/acme.yml, clv"`` or ``"transactions: column 'amount'"``.
    what : str
        What was found there, with the value.
    allowed : str
        What would be right; may be empty.
    hint : str
        The nearest right name or the next step; may be empty.

    Examples
    --------
    >>> str(Problem("transactions: column 'amount'", "has 2 negative values (rows 18, 20)", "mark refunds with is_return"))
    "transactions: column 'amount' has 2 negative values (rows 18, 20); mark refunds with is_return."
    """

    where: str
    what: str
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        parts = [part for part in (f"{self.where} {self.what}".strip(), self.allowed, self.hint) if part]
        sentence = "; ".join(parts)
        return sentence if sentence.endswith((".", "?")) else f"{sentence}."


class Told(str):
    """A sentence as it may be kept; ``shown`` is the same with the values of the data in it, for the terminal alone.

    Where it was put together of a template, ``text`` is that, to be said in any language.
    """

    __slots__ = ("shown", "text")
    shown: str
    text: Text | None

    def __new__(cls, text: str) -> Told:
        kept = QUOTED.sub(lambda found: covered(found[1]), text)
        told = super().__new__(cls, REPEATED.sub(r"\1", kept) if OPEN in text else kept)
        told.shown, told.text = QUOTED.sub(r"\1", text), None
        return told

    @classmethod
    def of(cls, kept: str, shown: str, *, text: Text | None = None) -> Told:
        """Two wordings of one sentence: as it may be kept, and as the terminal shows it."""
        told = super().__new__(cls, kept)
        told.shown, told.text = shown, text
        return told


def as_shown(problems: Iterable[str]) -> tuple[str, ...]:
    """Problems as the terminal shows them."""
    return tuple(one.shown if isinstance(one, Told) else one for one in problems)


def quoted(value: object) -> str:
    """A value of the data inside a message: shown on the terminal, covered wherever the message is kept.

    Examples
    --------
    >>> told = Told(f"row 7: {quoted('anna@example.com')!s} is no date")
    >>> told, told.shown
    ('row 7: xxxx@xxxxxxx.xxx is no date', 'row 7: anna@example.com is no date')
    """
    return f"{OPEN}{str(value).replace(OPEN, '').replace(CLOSE, '')}{CLOSE}"


def with_values(text: str, values: Iterable[str]) -> str:
    """A message that offers words of the data, of which these are values."""
    for value in values:
        text = text.replace(repr(shortened(value)), quoted(repr(shortened(value))))
    return text


def with_quotes(text: str) -> str:
    """A message of a library, of which what stands in quotation marks may be a value of the data."""
    return IN_QUOTES.sub(lambda found: quoted(found[0]), text)


def covered(value: str) -> str:
    """How a value is written, without what it says: letters as x, digits as 9; signs and blanks stay.

    Examples
    --------
    >>> covered("31.12.2025"), covered("anna@example.com"), covered("王小明")
    ('99.99.9999', 'xxxx@xxxxxxx.xxx', 'xxx')
    """
    import unicodedata

    kinds = ((one, unicodedata.category(one)[0]) for one in value)
    return "".join(one if kind in "PSZ" else "9" if kind == "N" else "x" for one, kind in kinds)


class CrmkitError(ValueError):
    """Something the user can mend; carries every problem found.

    Parameters
    ----------
    problems : str, Problem, Text, or sequence of these
        At least one. What an analysis may have to say on a page, in the reader's language, is a :class:`Text`.

    Notes
    -----
    ``problems`` and the error's own text may be kept; ``shown`` has the values of the data that they cover. ``language`` is
    that in which they are to be shown, where that is known.
    """

    language: str = ""

    def __init__(self, problems: str | Problem | Text | Sequence[str | Problem | Text]) -> None:
        from crmkit.core.results import Text

        listed = [problems] if isinstance(problems, str | Problem | Text) else list(problems)
        self.texts: tuple[str | Text, ...] = tuple(one if isinstance(one, Text | Told) else Told(str(one)) for one in listed)
        self.problems: tuple[str, ...] = tuple(_in_english(one) for one in self.texts)
        super().__init__("\n".join(self.problems))

    @property
    def shown(self) -> tuple[str, ...]:
        """Every problem as the terminal shows it."""
        return as_shown(self.problems)

    @property
    def text(self) -> Text:
        """All problems as one text, for the reason that a page gives.

        Examples
        --------
        >>> ModelError(["too few", "too late"]).text
        Text(template='{problem0} {problem1}', numbers={'problem0': 'too few', 'problem1': 'too late'})
        """
        from crmkit.core.results import Text

        names = [f"problem{number}" for number in range(len(self.texts))]
        return Text(" ".join(f"{{{name}}}" for name in names), dict(zip(names, self.texts, strict=True)))


def _in_english(problem: str | Text) -> str:
    if isinstance(problem, str):
        return problem
    from crmkit.core.language import Locale, say

    said = say(problem, Locale())
    return Told.of(said, said, text=problem)


class ParamError(CrmkitError):
    """A parameter, a params file or a command line that cannot be used."""


class DataError(CrmkitError):
    """A source, a table or a column that breaks its contract; ``step`` is the place in ``STEPS`` at which it was found."""

    step: int | None = None


class ModelError(CrmkitError):
    """A model that cannot be fitted to these data, with the reason; the rest of a report stands."""


class ReportError(CrmkitError):
    """A run or a page that could not be finished."""


@contextmanager
def at_step(step: str) -> Iterator[None]:
    """Marks what goes wrong in here as found at one of ``STEPS``, unless it knows better already."""
    try:
        yield
    except DataError as err:
        err.step = STEPS.index(step) if err.step is None else err.step
        raise


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Which of the options did the user probably mean?

    Examples
    --------
    >>> nearest("horizn_days", ["horizon_days", "confidence"])
    'horizon_days'
    >>> nearest("zzz", ["horizon_days"]) is None
    True
    """
    import difflib

    folded = {option.casefold(): option for option in options}
    close = difflib.get_close_matches(str(name).casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """A hint that offers the nearest right name, or lists the few that there are.

    Examples
    --------
    >>> did_you_mean("custmer_id", ["customer_id", "amount"])
    "did you mean 'customer_id'?"
    >>> did_you_mean("x", ["customer_id", "amount"])
    "there are 'amount', 'customer_id'"
    """
    known = sorted(options)
    found = nearest(name, known)
    if found:
        return f"did you mean '{shortened(found)}'?"
    more = f" and {len(known) - OPTIONS_SHOWN} more" if len(known) > OPTIONS_SHOWN else ""
    return f"there are {', '.join(repr(shortened(option)) for option in known[:OPTIONS_SHOWN])}{more}" if known else ""


def shortened(text: object) -> str:
    """A text as a message shows it: its first letters where it is long.

    Examples
    --------
    >>> shortened("x" * 200_000)[-20:]
    'xxxxxxxxxxxxxxxxxxx…'
    """
    whole = str(text)
    return whole if len(whole) <= LETTERS_SHOWN else whole[: LETTERS_SHOWN - 1] + "…"


def counted(number: int, noun: str) -> str:
    """A number with its noun in the right number.

    Examples
    --------
    >>> counted(1, "row"), counted(2, "formula")
    ('1 row', '2 formulas')
    """
    return f"{number} {noun if number == 1 else noun + 's'}"


def rows(numbers: Sequence[int], total: int | None = None, *, files: Sequence[str] = ()) -> str:
    """Row numbers for a message: the first few, and how many more there are; with the file of each where there are several.

    Examples
    --------
    >>> rows([18, 204, 977])
    'rows 18, 204, 977'
    >>> rows([1, 2, 3, 4, 5], total=90)
    'rows 1, 2, 3, 4, 5 and 85 more'
    >>> rows([3, 7, 2], files=["a.csv", "a.csv", "b.csv"])
    'a.csv rows 3, 7; b.csv row 2'
    """
    shown = list(numbers[:ROWS_SHOWN])
    more = (len(numbers) if total is None else total) - len(shown)
    if files:
        by_file: dict[str, list[int]] = {}
        for number, file in zip(shown, files, strict=False):
            by_file.setdefault(file, []).append(number)
        text = "; ".join(f"{file} {rows(listed)}" for file, listed in by_file.items())
        return f"{text} and {more} more" if more else text
    text = ("row " if len(shown) == 1 and not more else "rows ") + ", ".join(str(number) for number in shown)
    return f"{text} and {more} more" if more else text
