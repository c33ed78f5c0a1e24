"""How does something that was written elsewhere get into a page without becoming part of its machinery?

Names of customers, comments and parameters are text, whatever they contain. Prose is Markdown without raw HTML; HTML that a
cell displayed keeps only the elements that a report needs. The page's Content-Security-Policy is the second wall.
"""

from __future__ import annotations

import base64
import re
from functools import cache, partial
from typing import Any

from markupsafe import Markup, escape

from crmkit.report.guard.drawing import DRAWING, safe_drawing

IMAGE = re.compile(r"data:image/(?:png|jpeg|svg\+xml);base64,[A-Za-z0-9+/=\s]+")
SORTED_BY = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
PICTURE = re.compile(r'<img((?:\s+[\w-]+="[^"]*")*)\s*/?>')
PLACE = re.compile(r'<i class="drawn">(\d{1,6})</i>')
LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
# a page in the same folder, as short pages are named
BESIDE = re.compile(r"[a-z0-9_]+(?:-[a-z0-9]+)+\.html")
# elements that go with all that is in them
DROPPED = {"style", "script", "template", "noscript"}
# attributes that are kept where their value is one of ours
JUDGED = {"td": {"data-key"}, "img": {"src"}, "a": {"href"}}
GENERAL = {"class", "id", "title", "lang", "dir", "role", "tabindex"}
SPECIAL = {
    "img": {"alt", "width", "height", "loading"},
    "th": {"scope", "colspan", "rowspan", "abbr"},
    "td": {"colspan", "rowspan", "headers"},
    "time": {"datetime"},
    "details": {"open"},
    "ol": {"start"},
    "col": {"span"},
    "colgroup": {"span"},
    # a small line beside a number: shapes without colours, links or styles of their own
    "svg": {"viewBox", "preserveAspectRatio"},
    "polyline": {"points"},
}
TEXT_TAGS = {"a", "abbr", "b", "br", "cite", "code", "del", "em", "i", "img", "ins", "kbd", "mark", "q", "s", "samp", "small"}
TEXT_TAGS |= {"span", "strong", "sub", "sup", "time", "u", "var"}
BLOCK_TAGS = {
    "blockquote",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
}
BLOCK_TAGS |= {"ol", "p", "pre", "section", "summary", "ul"}
TABLE_TAGS = {"caption", "col", "colgroup", "table", "tbody", "td", "tfoot", "th", "thead", "tr"}
TAGS = frozenset(TEXT_TAGS | BLOCK_TAGS | TABLE_TAGS | {"svg", "polyline"})


def safe_html(html: str, *, figure: str = "figure") -> Markup:
    """HTML of a cell's output, cut down to the elements and attributes that a report needs.

    Scripts, styles, forms, frames, event handlers, and images or links to elsewhere that are not plain links are removed.
    Drawings of the kit's own figures are made anew (:mod:`crmkit.report.guard.drawing`), all others are removed.

    Parameters
    ----------
    html : str
    figure : str
        What is said in place of a picture that nobody described.

    Examples
    --------
    >>> safe_html('<p onclick="x()">a<script>b</script><img src="http://x/y"></p>')
    Markup('<p>a</p>')
    """
    drawings: list[str] = []
    cleaned = _cleaner().clean(DRAWING.sub(partial(_set_aside, drawings), html))
    described = PICTURE.sub(partial(_described, str(escape(figure))), cleaned)
    return Markup(PLACE.sub(lambda place: drawings[int(place[1])] if int(place[1]) < len(drawings) else "", described))


def _set_aside(drawings: list[str], found: re.Match[str]) -> str:
    """An element in the place of a drawing: it comes through the cleaner as an element only, in no attribute and no text."""
    drawing = safe_drawing(found[0])
    if not drawing:
        return ""
    drawings.append(drawing)
    return f'<i class="drawn">{len(drawings) - 1}</i>'


def _described(figure: str, picture: re.Match[str]) -> str:
    """A picture with words for those who cannot see it; nothing where its source was removed."""
    if ' src="' not in picture[1]:
        return ""
    if re.search(r' alt="[^"]', picture[1]):
        return picture[0]
    attributes = picture[1].replace(' alt=""', "")
    return f'<img{attributes} alt="{figure}">'


def markdown(text: str) -> Markup:
    """Prose as HTML; raw HTML in it is shown as it was written.

    Examples
    --------
    >>> markdown("A **term** <b>x</b>")
    Markup('<p>A <strong>term</strong> &lt;b&gt;x&lt;/b&gt;</p>\\n')
    """
    return Markup(_markdown()(text))


def image(data: str, kind: str, alt: str) -> Markup:
    """A displayed picture as a figure; an SVG becomes a picture too, in which no script runs."""
    encoded = base64.b64encode(data.encode()).decode() if kind == "image/svg+xml" else "".join(data.split())
    return Markup('<figure class="exhibit"><img src="data:{};base64,{}" alt="{}"></figure>').format(kind, encoded, alt)


def plain(text: str, name: str) -> Markup:
    """Text as it stands, without the terminal's colours; it can be scrolled with the keyboard."""
    bare = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return Markup('<pre class="text" tabindex="0" role="group" aria-label="{}">{}</pre>').format(name, bare)


def text_of(html: str) -> str:
    """Words of a piece of HTML, without its tags."""
    return str(Markup(html).striptags())


@cache
def _cleaner() -> Any:
    from nh3 import Cleaner

    return Cleaner(
        tags=set(TAGS),
        clean_content_tags=DROPPED,
        attributes={"*": GENERAL, **SPECIAL, **{tag: SPECIAL.get(tag, set()) | names for tag, names in JUDGED.items()}},
        generic_attribute_prefixes={"aria-"},
        attribute_filter=_judged,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel=None,
    )


def _judged(tag: str, name: str, value: str) -> str | None:
    """The value of an attribute; None where it may not stand there."""
    if name not in JUDGED.get(tag, ()):
        return value
    if name == "data-key":
        good = SORTED_BY.fullmatch(value)
    elif name == "src":
        good = IMAGE.fullmatch(value)
    else:
        good = LINK.match(value) or BESIDE.fullmatch(value)
    return value if good else None


@cache
def _markdown() -> Any:
    import mistune

    class Prose(mistune.HTMLRenderer):
        """Tables that can be scrolled, links that open what they say, no picture from elsewhere."""

        def table(self, text: str) -> str:
            return f'<div class="table-wrap"><table class="data prose-table">{text}</table></div>\n'

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return f'<img src="{escape(url)}" alt="{escape(text)}">' if IMAGE.fullmatch(url) else str(escape(text))

    renderer = Prose(escape=True)
    convert = mistune.create_markdown(renderer=renderer, plugins=["table", "strikethrough", "footnotes"])
    renderer.register("table", lambda _renderer, text: renderer.table(text))
    return convert
