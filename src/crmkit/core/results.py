"""What flows from an analysis to a page: tables with a contract, and sentences made of numbers.

An analysis returns :class:`Result` values. Each holds one table (an estimate table, a curve table, or a plain table whose
columns are described), the words around it, and the finding that it supports. A sentence is a template plus numbers and is
put into words only when it is shown, in the reader's language, so a rerun on other data cannot lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd

Unit = Literal[
    "text",
    "count",
    "number",
    "share",
    "money",
    "hours",
    "days",
    "weeks",
    "months",
    "years",
    "date",
    "score",
    "points",
    "ratio",
    "p",
    "customer",
]
Severity = Literal["good", "info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info", "good")
Kind = Literal[
    "table", "values", "curve", "bars", "interval_dots", "heat_grid", "concentration", "diverging", "quadrants", "process_map"
]

ESTIMATE_COLUMNS = ("group", "measure", "value", "low", "high", "n", "unit", "method")
CURVE_COLUMNS = ("group", "x", "value", "low", "high", "at_risk")
# of a small line beside a number: two make no course
FEWEST_POINTS = 3
# under which an executed notebook carries the record of its page, and the short pages that go with it
REPORT_MIME = "application/vnd.crmkit.report+json"
BRIEFS_MIME = "application/vnd.crmkit.briefs+json"


@dataclass(frozen=True)
class Quantity:
    """A number with its unit and, where it is an estimate, its interval; formatted only when shown.

    Parameters
    ----------
    value : float, int, str, date or None
        None and nan are shown as a dash. Shares are 0 to 1, money is in the client's currency.
    unit : Unit
        How the value is shown; ``"customer"`` marks an identifier that is shown as its pseudonym.
    low, high : float or None
        Limits of the interval, in the same unit.
    """

    value: Any
    unit: Unit = "number"
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Text:
    """A sentence in English with named places, and what stands in them.

    The template is the key of the translation. A value is a :class:`Quantity`, another :class:`Text` (translated too), or
    plain text, which is data of the client: never translated and escaped wherever it is shown.
    """

    template: str
    numbers: Mapping[str, Quantity | Text | str] = field(default_factory=dict)


Numbers = Mapping[str, "Quantity | Text | str"]


def without_limits(text: Text) -> Text:
    """A sentence whose numbers stand alone: their intervals are said in a line of their own, see :func:`limited`.

    Examples
    --------
    >>> without_limits(Text("{share} stay", {"share": Quantity(0.5, "share", 0.4, 0.6)})).numbers
    {'share': Quantity(value=0.5, unit='share', low=None, high=None)}
    """
    return replace(text, numbers={name: _alone(one) for name, one in text.numbers.items()})


def _alone(one: Quantity | Text | str) -> Quantity | Text | str:
    if isinstance(one, Quantity):
        return replace(one, low=None, high=None)
    return without_limits(one) if isinstance(one, Text) else one


def limited(text: Text) -> list[Quantity]:
    """The numbers of a sentence that have an interval, in the order in which it names them, each once.

    Examples
    --------
    >>> limited(Text("{n} of {all}", {"all": Quantity(9, "count"), "n": Quantity(5, "count", 4, 6)}))
    [Quantity(value=5, unit='count', low=4, high=6)]
    """
    placed = sorted((text.template.find(f"{{{name}}}"), name) for name in text.numbers)
    named = [text.numbers[name] for place, name in placed if place >= 0]
    found = [each for one in named for each in (limited(one) if isinstance(one, Text) else [one]) if isinstance(each, Quantity)]
    known = [one for one in found if None not in (one.low, one.high) and one.low == one.low and one.high == one.high]
    return list(dict.fromkeys(known))


@dataclass(frozen=True)
class Finding:
    """What the numbers say, how it was judged, and what to do.

    Parameters
    ----------
    id : str
        Stable name, ``<analysis>.<measure>``.
    severity : Severity
    passed : bool or None
        Whether the criterion is met; None = for information, not judged.
    text : Text
        The sentence.
    criteria : Text or None
        The rule it was judged by.
    evidence : tuple of str
        Names of the results that hold the numbers.
    money_at_stake : Quantity or None
    action : Text or None
        The suggested next step.
    """

    id: str
    severity: Severity
    passed: bool | None
    text: Text
    criteria: Text | None = None
    evidence: tuple[str, ...] = ()
    money_at_stake: Quantity | None = None
    action: Text | None = None


@dataclass(frozen=True)
class Column:
    """How one column of a table is named and formatted on a page; the label is translated.

    ``limits`` names the columns that hold the interval of each value, which is shown in the same cell.
    """

    name: str
    label: str
    unit: Unit = "text"
    translate: bool = False
    limits: tuple[str, str] | None = None


@dataclass(frozen=True)
class Axis:
    """Label (translated) and unit of one axis of a figure."""

    label: str
    unit: Unit = "number"


@dataclass(frozen=True)
class Result:
    """One exhibit: a table, how to draw it, and the words around it.

    Parameters
    ----------
    name : str
        Name of its file under ``results/``.
    kind : Kind
        How it is shown: a table, value boxes, or one of the figure kinds.
    title : Text
        What is shown, without a result.
    table : pandas.DataFrame or None
        None when it could not be assessed.
    columns : tuple of Column
        The columns shown in a table, in order; others are kept in the file only.
    finding : Finding or None
        What it says; becomes the caption of the figure or the sentence over the table.
    note : Text or None
        Footnote: n and method.
    alt : Text or None
        What the figure shows, in words, for readers who cannot see it; required for figures.
    x, y : Axis or None
        Axes of a figure.
    reason : Text or None
        Why it was not assessed.
    customers : bool
        Whether rows are single customers (identifiers are then replaced by pseudonyms before anything is shown).
    files : tuple of str
        Also written under ``lists/`` as CSV and workbook, and as what is named here: ``calendar``.
    briefs : tuple of Brief
        Short pages that go with it.
    """

    name: str
    kind: Kind
    title: Text
    table: pd.DataFrame | None = None
    columns: tuple[Column, ...] = ()
    finding: Finding | None = None
    note: Text | None = None
    alt: Text | None = None
    x: Axis | None = None
    y: Axis | None = None
    reason: Text | None = None
    customers: bool = False
    files: tuple[str, ...] = ()
    briefs: tuple[Brief, ...] = ()

    @property
    def assessed(self) -> bool:
        return self.table is not None


@dataclass(frozen=True)
class Brief:
    """A short page of its own for one reader.

    Parameters
    ----------
    slug : str
        Part of its file's name: small letters, digits and hyphens, as :func:`crmkit.core.file_names.file_names` makes them.
    name : Text or str
        Whom it is for; plain text is data of the client.
    results : tuple of Result
        What stands on it. They are not kept in the results: their numbers are in the tables of the whole page.
    intro : Text or None
        A sentence before them.
    findings : tuple of Finding
        What leads it.
    sheet : bool
        Whether it is laid out to be one sheet of paper.
    """

    slug: str
    name: Text | str
    results: tuple[Result, ...]
    intro: Text | None = None
    findings: tuple[Finding, ...] = ()
    sheet: bool = False


def not_assessed(name: str, title: Text, reason: Text) -> Result:
    """An exhibit that says why it is missing; never a good score, never a crash."""
    return Result(name=name, kind="table", title=title, reason=reason)


def estimates(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of an estimate table, in the order and with the columns that every reader relies on.

    Parameters
    ----------
    rows : iterable of mappings
        Keys from ``group, measure, value, low, high, n, unit, method``; group, measure, value and unit are required.

    Returns
    -------
    pandas.DataFrame
        The eight columns of ``ESTIMATE_COLUMNS``; shares are 0 to 1, full precision.

    Raises
    ------
    ValueError
        For an unknown or missing key.
    """
    import pandas as pd

    listed = [dict(row) for row in rows]
    for row in listed:
        unknown = set(row) - set(ESTIMATE_COLUMNS)
        missing = {"group", "measure", "value", "unit"} - set(row)
        if unknown or missing:
            raise ValueError(f"estimate row: unknown keys {sorted(unknown)}, missing keys {sorted(missing)}")
    table = pd.DataFrame(listed, columns=list(ESTIMATE_COLUMNS))
    numeric = ["value", "low", "high", "n"]
    return table.assign(**{name: pd.to_numeric(table[name]).astype("float64") for name in numeric})


def history(said: str, unit: Unit, days: Iterable[Any], values: Iterable[Any]) -> dict[str, Any]:
    """How a number came to where it is, for a small line beside it (``table.attrs["history"]``, by the group of its box).

    Parameters
    ----------
    said : str
        What is drawn, in words of ours: "NPS, by wave".
    unit : Unit
    days, values : iterable
        The oldest first; what is not known is left out.

    Returns
    -------
    dict
        ``said, unit, points`` (ISO day and value), as JSON holds it; empty where fewer than three points are known.

    Examples
    --------
    >>> history("by month", "count", ["2025-01-31", "2025-02-28", "2025-03-31"], [1, 2.0, float("nan")])
    {}
    """
    points = [[str(day)[:10], float(value)] for day, value in zip(days, values, strict=True) if value == value]
    return {"said": said, "unit": unit, "points": points} if len(points) >= FEWEST_POINTS else {}


def curve(table: pd.DataFrame) -> pd.DataFrame:
    """A curve table with all its columns: group, x, value, low, high, at_risk; missing ones become nan.

    Raises
    ------
    ValueError
        When x or value is missing, or another column is there.
    """
    unknown = set(table.columns) - set(CURVE_COLUMNS)
    missing = {"x", "value"} - set(table.columns)
    if unknown or missing:
        raise ValueError(f"curve table: unknown columns {sorted(unknown)}, missing columns {sorted(missing)}")
    filled = table.copy()
    if "group" not in filled:
        filled["group"] = ""
    for name in CURVE_COLUMNS[2:]:
        if name not in filled:
            filled[name] = float("nan")
    return filled[list(CURVE_COLUMNS)].reset_index(drop=True)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order in which a reader wants them: critical, warning, info, good; stable within."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
