"""What of an exhibit is kept beside its table, so that it can be shown again where no notebook runs?

A run writes the table of each exhibit (``results/<name>.parquet``) and here the rest: how its columns are named, its axes, its
words in the reader's language. :func:`read_exhibit` puts both together again; slides and documents show the numbers of a page
and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.language import Locale, say
from crmkit.core.results import Axis, Column, Finding, Quantity, Result, Text, without_limits
from crmkit.report.page.reservations import place_of

if TYPE_CHECKING:
    import pandas as pd

# what analyses write beside the rows of a table for whoever shows it (``table.attrs``)
KEPT = (
    "actual",
    "alike",
    "centre",
    "confidence",
    "corners",
    "ends",
    "lead",
    "limits",
    "log",
    "marks",
    "quiet",
    "reference",
    "rows",
    "step",
    "ticks",
    "unit",
    "zero",
)
SAID = "said"


def exhibit_record(result: Result, locale: Locale) -> dict[str, Any]:
    """All but the table of an exhibit, as JSON holds it.

    Returns
    -------
    dict
        ``name``, ``kind``, ``title``, ``assessed`` and ``reason`` of each; ``shown`` of those that were assessed: ``columns``,
        ``x``, ``y``, ``note``, ``alt``, ``finding`` (its id), ``customers``, and ``attrs``.
    """
    record: dict[str, Any] = {
        "name": result.name,
        "kind": result.kind,
        "title": say(result.title, locale),
        "assessed": result.assessed,
        "reason": say(result.reason, locale),
    }
    if result.table is None:
        return record
    attrs = {name: _held(result.table.attrs[name], locale) for name in KEPT if name in result.table.attrs}
    record["shown"] = {
        "columns": [asdict(column) for column in result.columns],
        "x": asdict(result.x) if result.x else None,
        "y": asdict(result.y) if result.y else None,
        "note": say(result.note, locale),
        "alt": say(result.alt, locale),
        "finding": result.finding.id if result.finding else "",
        "customers": result.customers,
        "attrs": attrs,
    }
    return record


def read_exhibit(record: Mapping[str, Any], folder: Path) -> Result | None:
    """An exhibit of a finished run, with its table; None where it was not assessed, or an earlier version has written it.

    Parameters
    ----------
    record : mapping
        As :func:`exhibit_record` made it.
    folder : Path
        Of the run's notebook, which holds ``results/``.
    """
    import pandas as pd

    shown, path = record.get("shown"), folder / "results" / f"{record['name']}.parquet"
    if not shown or not path.is_file():
        return None
    table = pd.read_parquet(path)
    table.attrs = {name: _taken(value) for name, value in shown["attrs"].items()}
    return Result(
        record["name"],
        record["kind"],
        as_said(record["title"]),
        table,
        columns=tuple(Column(**column) for column in shown["columns"]),
        note=as_said(shown["note"]) if shown["note"] else None,
        alt=as_said(shown["alt"]) if shown["alt"] else None,
        x=Axis(**shown["x"]) if shown["x"] else None,
        y=Axis(**shown["y"]) if shown["y"] else None,
        customers=shown["customers"],
    )


def as_said(words: str) -> Text:
    """Words that are in the reader's language already."""
    return Text("{said}", {"said": words})


def _held(value: Any, locale: Locale) -> Any:
    if isinstance(value, Text | Quantity):
        return {SAID: say(value, locale)}
    if isinstance(value, tuple | list):
        return [_held(one, locale) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _taken(value: Any) -> Any:
    if isinstance(value, dict):
        return as_said(value[SAID])
    return tuple(_taken(one) for one in value) if isinstance(value, list) else value


def kept_record(table: pd.DataFrame, *, customers: bool) -> dict[str, Any]:
    """How many rows a table has, and the numbers of those that have a name: a place that stays when others are added."""
    keys = [name for name in ("indicator", "group", "measure") if name in table.columns and table[name].is_unique]
    parts = ("value", "low", "high", "n")
    if customers or not keys or not set(parts) <= set(table.columns):
        return {"rows": len(table)}
    own = table[table["value"].notna()].to_dict("records")
    return {"rows": len(table), "by": {str(row[keys[0]]): {part: json_number(row[part]) for part in parts} for row in own}}


def json_number(value: Any) -> Any:
    """A value that JSON can hold: nan becomes null, a day its ISO form."""
    if hasattr(value, "item"):
        value = value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    return None if isinstance(value, float) and value != value else value


def finding_record(finding: Finding, locale: Locale) -> dict[str, Any]:
    """A finding as the report records it, its sentence in the reader's language."""
    stake = finding.money_at_stake
    return {
        "id": finding.id,
        "severity": finding.severity,
        "passed": finding.passed,
        "text": say(without_limits(finding.text), locale),
        "criteria": say(finding.criteria, locale),
        "action": say(finding.action, locale),
        "evidence": list(finding.evidence),
        "money_at_stake": None if stake is None else json_number(stake.value),
        "numbers": _numbers(finding.text),
    }


def _numbers(text: Text) -> dict[str, dict[str, Any]]:
    """The numbers that a sentence shows, by place; those of a sentence within it behind its place, as in ``causes.share``."""
    found: dict[str, dict[str, Any]] = {}
    for place, one in text.numbers.items():
        if f"{{{place}}}" not in text.template:
            continue
        if isinstance(one, Text):
            found |= {place_of(place, inner): number for inner, number in _numbers(one).items()}
        elif isinstance(one, Quantity) and one.unit not in ("text", "customer"):
            found[place] = {
                "value": json_number(one.value),
                "low": json_number(one.low),
                "high": json_number(one.high),
                "unit": one.unit,
            }
    return found
