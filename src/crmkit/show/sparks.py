"""How did a headline number come to where it is? A small line in its box, without axes; in words for who cannot see it.

Stands alone: the only drawing that is part of the page's text and not a picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from crmkit.core.language import Locale, say, translate
from crmkit.core.results import Quantity, Text

WIDE, HIGH, EDGE = 120.0, 24.0, 2.0
TOLD = Text("{said}: {first} on {start}, {last} on {end}; lowest {low}, highest {high}")


def spark_html(history: Mapping[str, Any], locale: Locale) -> str:
    """A line of a number's past, as :func:`crmkit.core.results.history` made it; colours are those of the page.

    Returns
    -------
    str
        ``<dd class="spark">`` with an ``<svg>`` and what it shows; empty where there is no past.
    """
    points = history.get("points") or []
    if not points:
        return ""
    values = [value for _, value in points]
    low, span = min(values), (max(values) - min(values)) or 1.0
    step = (WIDE - 2 * EDGE) / max(1, len(values) - 1)
    placed = (
        f"{EDGE + place * step:.1f},{HIGH - EDGE - (value - low) / span * (HIGH - 2 * EDGE):.1f}"
        for place, value in enumerate(values)
    )
    said, told = (escape(text) for text in (translate(history["said"], locale.words), spark_words(history, locale)))
    return (
        f'<dd class="spark"><svg viewBox="0 0 {WIDE:g} {HIGH:g}" preserveAspectRatio="none" role="img" aria-label="{told}">'
        f'<polyline points="{" ".join(placed)}"></polyline></svg><span>{said}</span></dd>'
    )


def spark_words(history: Mapping[str, Any], locale: Locale) -> str:
    """The same in words: the first and the last value with their days, the lowest and the highest."""
    points, unit = history["points"], history["unit"]
    (start, first), (end, last) = points[0], points[-1]
    values = [value for _, value in points]
    numbers = {"first": first, "last": last, "low": min(values), "high": max(values)}
    shown: dict[str, Quantity | Text] = {name: Quantity(value, unit) for name, value in numbers.items()}
    days = {"start": Quantity(start, "date"), "end": Quantity(end, "date")}
    return say(Text(TOLD.template, {"said": Text(history["said"]), **shown, **days}), locale)
