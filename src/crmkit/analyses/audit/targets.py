"""Which targets has the company set itself? A workbook that shows what is, and has a column to fill in.

``crmkit form`` writes it beside the form of the self-assessment. Filled in, it lies as ``params/<client>/targets.xlsx``, where
:func:`crmkit.analyses.audit.catalogue.load_catalogue` reads it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from crmkit.core.errors import CrmkitError, ParamError, Problem
from crmkit.core.language import mark
from crmkit.core.reading import Reading
from crmkit.core.results import Column, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

FILE = "targets.xlsx"
CLASSES = ("audit_process", "audit_outcome", "audit_input_output", "audit_data_people")
COLUMNS = (
    Column("indicator", "Indicator (id)"),
    Column("name", "Indicator"),
    Column("unit", "Unit; shares are from 0 to 1"),
    Column("better", "Which way is better", translate=True),
    Column("today", "Today", "number"),
    Column("low", "Lower limit", "number"),
    Column("high", "Upper limit", "number"),
    Column("best", "Best of the last cycles", "number"),
    Column("placeholder", "The kit's placeholder", "number"),
    Column("target", "Your target: fill in", "number"),
)
BETTER = {"up": mark("higher"), "down": mark("lower"), "range": mark("near the target")}


class Indicator(Protocol):
    """What is read of an indicator of the catalogue, which itself reads the targets."""

    @property
    def id(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def basis(self) -> str: ...

    @property
    def direction(self) -> str: ...

    @property
    def target(self) -> float: ...

    def name(self, language: str) -> str: ...


def target_sheet(audit: Reading, book: Iterable[Indicator], *, kit: Mapping[str, Indicator], language: str) -> Result:
    """What is each indicator today, what was its best, and which target has it?

    Parameters
    ----------
    audit : Reading
        Results of the client's last audit.
    book : iterable of Indicator
        With the client's changes.
    kit : mapping of str to Indicator
        As the kit has them.
    language : {"en", "zh"}

    Returns
    -------
    Result
        ``targets``: a row per indicator that is measured in its own unit and was assessed; ``target`` is empty where it is the
        kit's.
    """
    import pandas as pd

    title = Text("Targets of the company")
    if audit.reason is not None:
        return not_assessed("targets", title, audit.reason)
    today = _table(audit, CLASSES).drop_duplicates("indicator").set_index("indicator")
    past = _table(audit, ("audit_trend_table",)).set_index("indicator")
    rows = []
    for one in book:
        if one.basis != "fixed" or one.id not in today.index or today.loc[one.id, "status"] != "assessed":
            continue
        row = today.loc[one.id]
        rows.append(
            {
                "indicator": one.id,
                "name": one.name(language),
                "unit": one.unit,
                "better": BETTER[one.direction],
                "today": row["value"],
                "low": row["low"],
                "high": row["high"],
                "best": _best(past, one),
                "placeholder": kit[one.id].target,
                "target": one.target if one.target != kit[one.id].target else None,
            }
        )
    return Result("targets", "table", title, pd.DataFrame(rows, columns=[one.name for one in COLUMNS]), columns=COLUMNS)


def _table(audit: Reading, names: Iterable[str]) -> pd.DataFrame:
    import pandas as pd

    found = []
    for name in names:
        try:
            found.append(audit.table(name))
        except CrmkitError:  # the audit made no such table
            continue
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame({"indicator": [], "status": []})


def _best(past: pd.DataFrame, one: Indicator) -> Any:
    """The best value of the cycles that the audit compares; of what should be near its target, the nearest."""
    if one.id not in past.index:
        return None
    row = past.loc[one.id]
    values = [float(row[name]) for name in past.columns if str(name).removeprefix("value").isdigit() and row[name] == row[name]]
    if not values:
        return None
    if one.direction == "range":
        return min(values, key=lambda value: abs(value - one.target))
    return max(values) if one.direction == "up" else min(values)


def read_targets(path: Path, *, named: str) -> dict[str, dict[str, float]]:
    """The targets that are filled in: indicator -> ``{"target": number}``.

    Parameters
    ----------
    path : Path
    named : str
        How messages name it.

    Raises
    ------
    ParamError
        Every target that cannot be: no number, a share that is no share, or one that is worse than what is there today.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        lines = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except (CalamineError, OSError) as err:
        raise ParamError(
            Problem(f"{named}:", "cannot be read as a workbook", "write it with crmkit form, and fill it in")
        ) from err
    head = [str(one).strip() for one in lines[0]] if lines else []
    missing = [name for name in ("indicator", "target") if name not in head]
    if missing:
        raise ParamError(
            Problem(f"{named}:", f"has no column {', '.join(missing)}", "keep the first row as crmkit form has written it")
        )
    found: dict[str, dict[str, float]] = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines[1:], start=2):
        row = dict(zip(head, line, strict=False))
        name, target = str(row["indicator"]).strip(), row["target"]
        if not name or target is None or target == "":
            continue
        place = f"{named}, row {number}, {name}:"
        problem = _fault(place, row) or (Problem(place, "stands there twice") if name in found else None)
        if problem is not None:
            problems.append(problem)
        else:
            found[name] = {"target": float(target)}
    if problems:
        raise ParamError(problems)
    return found


def _fault(place: str, row: Mapping[str, Any]) -> Problem | None:
    """Why a target cannot be one."""
    target, today = row["target"], row.get("today")
    if isinstance(target, bool) or not isinstance(target, int | float):
        return Problem(place, f"the target is {target!r}", "a number is expected, in the unit of the row")
    if row.get("unit") == "share" and not 0 <= target <= 1:
        near = f", for example {target / 100:g}" if 1 < target <= 100 else ""
        return Problem(place, f"the target is {target:g}", f"a share from 0 to 1 is expected{near}")
    if not isinstance(today, int | float) or isinstance(today, bool):
        return None
    better = row.get("better")
    worse = target < today if better in _words("up") else target > today if better in _words("down") else False
    if worse:
        return Problem(
            place, f"the target {target:g} is on the wrong side of today's {today:g}", "aim at today's value or a better one"
        )
    return None


def _words(direction: str) -> tuple[str, ...]:
    """What the workbook may say of a direction, in any language."""
    from crmkit.core.language import translate
    from crmkit.core.settings import LANGUAGES

    return tuple(translate(BETTER[direction], language) for language in LANGUAGES)
