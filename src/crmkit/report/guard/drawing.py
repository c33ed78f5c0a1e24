"""Stands alone: which drawings may stand inside a page? Those that a figure of the kit could be, made anew from what was read.

A drawing goes past the cleaner of HTML, so nothing of it is taken over as it was written: it is read as XML, and written again
only where each element is one of six, each attribute one of few, and each value a number, a colour of ours or a word.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree import ElementTree

DRAWING = re.compile(r'<svg class="chart .*?</svg>', re.DOTALL)
NUMBER = r"-?\d{1,7}(?:\.\d{1,3})?"
NUMBERS = re.compile(rf"{NUMBER}(?: {NUMBER})*")
STEPS = re.compile(r"[MLHVQCZmlhvqcz0-9. -]*")
COLOUR = re.compile(r"none|var\(--f-[a-z0-9-]{1,12}\)")
WORD = re.compile(r"[a-z]{1,12}")
TURN = re.compile(rf"rotate\({NUMBER} {NUMBER} {NUMBER}\)")
CLASS = re.compile(r"chart (?:wide|narrow)")
ANY = re.compile(r"[^\x00]*", re.DOTALL)
PAINT = {"fill": COLOUR, "fill-opacity": NUMBERS, "stroke": COLOUR, "stroke-width": NUMBERS, "stroke-opacity": NUMBERS}
PAINT |= {"stroke-linecap": WORD, "stroke-linejoin": WORD, "stroke-dasharray": NUMBERS, "pointer-events": WORD}
SIZE = {"x": NUMBERS, "y": NUMBERS, "width": NUMBERS, "height": NUMBERS}
ELEMENTS = {
    "svg": {"class": CLASS, "role": re.compile("img"), "aria-label": ANY, "viewBox": NUMBERS, **SIZE},
    "path": {"d": STEPS, **PAINT},
    "circle": {"cx": NUMBERS, "cy": NUMBERS, "r": NUMBERS, **PAINT},
    "rect": {**SIZE, **PAINT},
    "text": {
        "font-size": NUMBERS,
        "text-anchor": WORD,
        "font-style": WORD,
        "font-weight": WORD,
        "transform": TURN,
        **SIZE,
        **PAINT,
    },
    "title": {},
}
# what may stand in what
INSIDE = {"svg": {"path", "circle", "rect", "text"}, "rect": {"title"}}
SPEAKING = {"text", "title"}


def safe_drawing(written: str) -> str:
    """A drawing of the kit, made anew; empty where it is anything else.

    Parameters
    ----------
    written : str
        As :data:`DRAWING` finds it in a piece of HTML.

    Examples
    --------
    >>> safe_drawing('<svg class="chart wide"><text x="1" y="2">a &lt; b</text></svg>')
    '<svg class="chart wide"><text x="1" y="2">a &lt; b</text></svg>'
    >>> safe_drawing('<svg class="chart wide"><a href="x">a</a></svg>')
    ''
    """
    if "<!" in written or "<?" in written:
        return ""
    try:
        return _again(ElementTree.fromstring(written))
    except (ElementTree.ParseError, ValueError):
        return ""


def _again(one: ElementTree.Element) -> str:
    known = ELEMENTS.get(one.tag)
    if known is None or any(name not in known or not known[name].fullmatch(value) for name, value in one.items()):
        raise ValueError(one.tag)
    if any(inner.tag not in INSIDE.get(one.tag, ()) or (inner.tail or "").strip() for inner in one):
        raise ValueError(one.tag)
    words = one.text or ""
    if words.strip() and one.tag not in SPEAKING:
        raise ValueError(one.tag)
    inside = "".join(map(_again, one)) or escape(words, quote=False)
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in one.items())
    return (
        f"<{one.tag}{attributes}>{inside}</{one.tag}>" if inside or one.tag in ("svg", "text") else f"<{one.tag}{attributes}/>"
    )
