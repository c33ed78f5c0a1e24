"""Result table in, figure out: draws an exhibit, turns it into a picture, and the picture into a safe piece of a page.

Each kind of figure is the module of its name, with one function ``paint(result, axes, locale)``. Figures are made directly,
never through pyplot, so nothing is global and no setting of the environment can lose one.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from html import escape
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, get_args

from crmkit.core.errors import ReportError, did_you_mean
from crmkit.core.language import Locale
from crmkit.core.results import Kind, Result, Text
from crmkit.show import theme
from crmkit.show.boxes import finding_html
from crmkit.show.figures.told import Told, data_html, numbered, told
from crmkit.show.words import Naming, sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNDRAWN = Text("No font here has these characters; in the figure they are boxes: {characters}")
FIGURE_KINDS = tuple(kind for kind in get_args(Kind) if kind not in ("table", "values"))
# a figure of more elements, or a drawing of more bytes, is a picture
MOST_ELEMENTS, MOST_BYTES = 300, 48_000
PAD = 6.0


def draw(result: Result, locale: Locale, *, narrow: bool = False) -> Figure:
    """What does a result look like?

    Parameters
    ----------
    result : Result
        Of a figure kind: ``curve``, ``bars``, ``interval_dots``, ``heat_grid`` or ``concentration``. Which columns and which
        ``table.attrs`` a kind reads stands in the module of its name.
    locale : Locale
        Language of labels and numbers, currency of money.
    narrow : bool
        Whether it is for a phone.

    Returns
    -------
    matplotlib.figure.Figure
        7.2 inches wide, 3.7 for a phone; on an Agg canvas, known to nothing but the caller.

    Raises
    ------
    ReportError
        When the kind is not a figure, was not assessed, or a column is missing.
    """
    if result.kind not in FIGURE_KINDS:
        raise ReportError(
            f"exhibit '{result.name}': kind '{result.kind}' is no figure; {did_you_mean(result.kind, FIGURE_KINDS)}"
        )
    result = replace(result, table=numbered(result))
    kind = import_module(f"crmkit.show.figures.{result.kind}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text as Label

    with theme.style(), _any_glyph():
        size = (theme.NARROW if narrow else theme.WIDTH, kind.height(result, narrow=narrow))
        figure = Figure(figsize=size, dpi=theme.DPI)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.2, 0.2, 0.6, 0.6))
        kind.paint(result, axes, locale)
        for label in figure.findobj(Label):
            label.set_parse_math(False)
        _lay_out(figure, axes)
    return figure


def _lay_out(figure: Any, axes: Any) -> None:
    """Gives the plot all the room that its words leave: they are measured once, whatever their number."""
    axes.apply_aspect()
    inner, outer = axes.get_window_extent(), axes.get_tightbbox(figure.canvas.get_renderer())
    pad, (width, height) = PAD * figure.dpi / 72, figure.bbox.size
    left, right = inner.x0 - outer.x0 + pad, width - pad - (outer.x1 - inner.x1)
    low, high = inner.y0 - outer.y0 + pad, height - pad - (outer.y1 - inner.y1)
    least = width / 4
    right, high = max(right, left + least), max(high, low + height / 4)
    axes.set_position((left / width, low / height, (right - left) / width, (high - low) / height))


def png(figure: Figure) -> bytes:
    """A figure as a picture: 144 dpi, at most 256 colours, without a date, equal in every run."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    # what is drawn is taken as it lies there: saving would draw it a second time, to find places that it has already
    canvas: Any = FigureCanvasAgg(figure)
    with theme.style(), _any_glyph():
        canvas.draw()
    picture = Image.frombuffer("RGBA", canvas.get_width_height(physical=True), canvas.buffer_rgba())
    flat = picture.convert("RGB").quantize(theme.COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # colours come within a step of their own; the paper, in the corner, stays that of the page exactly
    palette, paper = bytearray(flat.getpalette() or b""), 3 * flat.tobytes()[0]
    palette[paper : paper + 3] = bytes.fromhex(theme.PAPER[1:])
    flat.putpalette(palette)
    small = BytesIO()
    # the last level halves no page and doubles the time
    flat.save(small, format="PNG", compress_level=8)
    return small.getvalue()


def figure_html(result: Result, locale: Locale, *, name: Naming | None = None) -> str:
    """A figure with its caption as a piece of a page; everything from data is escaped.

    Parameters
    ----------
    result : Result
        Of a figure kind, with ``alt``.
    locale : Locale
    name : callable or None
        Names a customer in the caption, from the identifier; without it customers are withheld.

    Returns
    -------
    str
        ``<figure class="exhibit" id="...">``: a ``<figcaption>`` of title and finding, the drawing in which each mark tells
        its row of the table, the note under it, and a fold with the rows.

    Raises
    ------
    ReportError
        When the text for readers who cannot see the figure is missing.
    """
    alt = sentence(result.alt, locale, name)
    if not alt:
        raise ReportError(f"exhibit '{result.name}': has no alt text; say in words what the figure shows")
    figure = draw(result, locale)
    boxes = undrawn(figure)
    data = told(result, locale, name=name)
    caption = f'<strong class="title">{escape(sentence(result.title, locale, name))}</strong>'
    caption += finding_html(result.finding, locale, name)
    notes = f'<span class="note">{escape(sentence(result.note, locale, name))}</span>' if result.note else ""
    if boxes:
        said = sentence(Text(UNDRAWN.template, {"characters": " ".join(boxes)}), locale)
        notes += f'<span class="note undrawn" title="{escape(boxes)}">{escape(said)}</span>'
    drawing = _drawn(figure, result, locale, data, alt, sentence(result.title, locale, name))
    return (
        f'<figure class="exhibit" id="{escape(result.name)}"><figcaption>{caption}</figcaption>'
        f"{drawing}{notes}{data_html(data, locale)}</figure>"
    )


def _drawn(figure: Figure, result: Result, locale: Locale, data: Told, alt: str, title: str) -> str:
    """A drawing for a desk and one for a phone; where there is much in it, a picture of both sizes."""
    drawing, elements = _drawing(figure, data, f'class="chart wide" role="img" aria-label="{escape(alt)}"')
    if elements > MOST_ELEMENTS or len(drawing) > MOST_BYTES:
        return _picture(png(draw(result, locale)), alt)
    kind = import_module(f"crmkit.show.figures.{result.kind}")
    if not kind.fits(result):
        # a phone shows a part of it, the rest can be reached
        return f'<div class="drawing whole" tabindex="0" role="region" aria-label="{escape(title)}">{drawing}</div>'
    small, _ = _drawing(draw(result, locale, narrow=True), data, f'class="chart narrow" role="img" aria-label="{escape(alt)}"')
    return f'<div class="drawing">{drawing}{small}</div>'


def _drawing(figure: Figure, data: Told, attributes: str) -> tuple[str, int]:
    from crmkit.show.figures.pen import svg

    width, height = (round(inches * theme.SCREEN_DPI) for inches in figure.get_size_inches())
    with theme.style(), _any_glyph():
        return svg(figure, data.tips, f'{attributes} width="{width}" height="{height}"')


def _picture(picture: bytes, alt: str) -> str:
    width, height = _shown_size(picture)
    source = base64.b64encode(picture).decode("ascii")
    return f'<img alt="{escape(alt)}" width="{width}" height="{height}" src="data:image/png;base64,{source}">'


def undrawn(figure: Figure) -> str:
    """Characters of a figure that no font has, each once; where one stands the reader sees a box."""
    from matplotlib.font_manager import findfont, get_font
    from matplotlib.text import Text as Label

    fonts = [get_font(findfont(family)) for family in theme.font_families()]
    characters = dict.fromkeys(character for label in figure.findobj(Label) for character in label.get_text())
    return "".join(one for one in characters if one.isprintable() and not any(font.get_char_index(ord(one)) for font in fonts))


def _shown_size(picture: bytes) -> tuple[int, int]:
    """Width and height on the page, where an inch is 96 pixels."""
    from PIL import Image

    with Image.open(BytesIO(picture)) as image:
        width, height = (round(pixels * theme.SCREEN_DPI / theme.DPI) for pixels in image.size)
    return width, height


@contextmanager
def _any_glyph() -> Iterator[None]:
    """Lets a character pass that no font has: a client's data may hold anything, and a box is better than no page."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph \d+", category=UserWarning)
        yield
