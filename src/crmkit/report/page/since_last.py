"""How far have the headline numbers moved since the previous report? Only where the two can be compared.

What was measured in another unit or currency is not compared, and neither is a report with an earlier run of itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from crmkit.core.format import alike, format_value, missing
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text, Unit

SINCE = Text("{change} since {day}")
SINCE_WITH_SHARE = Text("{change} ({relative}) since {day}")
SAME_SINCE = Text("Unchanged since {day}")
AGAINST_RUN = Text("{change} against the run of {day}")
AGAINST_RUN_WITH_SHARE = Text("{change} ({relative}) against the run of {day}")
SAME_AS_RUN = Text("Unchanged against the run of {day}")
PERCENTAGE_POINTS = Text("{n} percentage points")
KEPT = ("key", "label", "value", "unit")
RELATIVE: frozenset[str] = frozenset({"money", "count", "number"})
MINUS = "−"


@dataclass(frozen=True)
class Change:
    """How far one headline number has moved.

    Parameters
    ----------
    text : str
        In the reader's language, with the day of the previous report.
    short : str
        Without the day, for an index.
    way : {"up", "down", "same"}
        Of the number; whether that is good, nobody here knows.
    """

    text: str
    short: str
    way: Literal["up", "down", "same"]


def brief(report: Mapping[str, Any]) -> dict[str, Any]:
    """What of a report a later one needs for comparing; small enough to be kept in the later one's notebook."""
    return {
        "as_of": report.get("as_of"),
        "generated_at": report.get("generated_at"),
        "currency": report.get("currency"),
        "fingerprint": (report.get("data") or {}).get("fingerprint", report.get("fingerprint")),
        "parameters": {name: _value(one) for name, one in (report.get("parameters") or {}).items() if name != "language"},
        "values": [{key: box[key] for key in KEPT if key in box} for box in report.get("values") or []],
    }


def _value(one: Any) -> Any:
    return one.get("value") if isinstance(one, Mapping) else one


def changes(report: Mapping[str, Any], previous: Mapping[str, Any] | None) -> dict[str, Change]:
    """How far has each headline number moved?

    Parameters
    ----------
    report, previous : mapping
        As ``report.json`` holds them, or as :func:`brief` cut them down.

    Returns
    -------
    dict of str to Change
        By the label of the value box; empty where there is nothing to compare with.
    """
    if not previous or _equal(brief(report), brief(previous)) or report.get("currency") != previous.get("currency"):
        return {}
    before = {_name(box): box for box in previous.get("values") or []}
    locale = Locale(str(report.get("language") or "en"), str(report.get("currency") or "EUR"))
    own_run = report.get("as_of") == previous.get("as_of")
    day = str(previous.get("generated_at" if own_run else "as_of") or "")[:10]
    found = {}
    for box in report.get("values") or []:
        old = before.get(_name(box))
        if day and old is not None and old.get("unit") == box.get("unit"):
            change = _change(box, old, day, locale, own_run=own_run)
            if change is not None:
                found[str(box["label"])] = change
    return found


def _equal(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether both were made from the same data with the same parameters."""
    return all(now[part] == then[part] for part in ("as_of", "fingerprint", "parameters"))


def _name(box: Mapping[str, Any]) -> str:
    return str(box.get("key") or box.get("label"))


def _change(box: Mapping[str, Any], old: Mapping[str, Any], day: str, locale: Locale, *, own_run: bool) -> Change | None:
    now, then, unit = box.get("value"), old.get("value"), box.get("unit", "number")
    if not isinstance(now, int | float) or not isinstance(then, int | float) or missing(now) or missing(then):
        return None
    on = Quantity(day, "date")
    places = alike([now, then], unit)
    shown, before = (
        format_value(value, unit, language=locale.language, currency=locale.currency, decimals=places) for value in (now, then)
    )
    moved = _moved(now - then, unit, locale, places)
    # the difference can be nothing, as it is shown, although both numbers are rounded apart
    if shown == before or not re.search("[1-9]", moved):
        same = SAME_AS_RUN if own_run else SAME_SINCE
        return Change(say(Text(same.template, {"day": on}), locale), "=", "same")
    relative = _signed(now / then - 1, "share", locale) if unit in RELATIVE and then > 0 else ""
    parts: dict[str, Quantity | Text | str] = {"change": moved, "day": on, **({"relative": relative} if relative else {})}
    template = (AGAINST_RUN_WITH_SHARE if relative else AGAINST_RUN) if own_run else (SINCE_WITH_SHARE if relative else SINCE)
    return Change(say(Text(template.template, parts), locale), relative or moved, "up" if now > then else "down")


def _moved(difference: float, unit: Unit, locale: Locale, places: int | None) -> str:
    """A difference with its sign; that of two shares is in percentage points."""
    if unit != "share":
        return _signed(difference, unit, locale, places)
    points = _signed(100 * difference, "points", locale)
    return say(Text(PERCENTAGE_POINTS.template, {"n": points}), locale)


def _signed(value: float, unit: Unit, locale: Locale, places: int | None = None) -> str:
    sign = "+" if value >= 0 else MINUS
    return sign + format_value(abs(value), unit, language=locale.language, currency=locale.currency, decimals=places)
