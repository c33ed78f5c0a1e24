"""Result table in, figure out: draws an exhibit, turns it into a picture, and the picture into a safe piece of a page.

Each kind of figure is the module of its name, with one function ``paint(result, axes, locale)``. Figures are made directly,
never through pyplot, so nothing is global and no setting of the environment can lose one.
"""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING, Any, get_args

from crmkit.core.errors import ReportError, did_you_mean
from crmkit.core.language import Locale
from crmkit.core.results import Kind, Result, Text
from crmkit.show import theme
from crmkit.show.words import Naming, required, sentence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNDRAWN = Text("No font here has these characters; in the figure they are boxes: {characters}")
FIGURE_KINDS = tuple(kind for kind in get_args(Kind) if kind not in ("table", "values"))


def draw(result: Result, locale: Locale) -> Figure:
    """What does a result look like?

    Parameters
    ----------
    result : Result
        Of a figure kind: ``curve``, ``bars``, ``interval_dots``, ``heat_grid`` or ``concentration``. Which columns and which
        ``table.attrs`` a kind reads stands in the module of its name.
    locale : Locale
        Language of labels and numbers, currency of money.

    Returns
    -------
    matplotlib.figure.Figure
        7.2 inches wide, on an Agg canvas, known to nothing but the caller.

    Raises
    ------
    ReportError
        When the kind is not a figure, was not assessed, or a column is missing.
    """
    if result.kind not in FIGURE_KINDS:
        raise ReportError(
            f"exhibit '{result.name}': kind '{result.kind}' is no figure; {did_you_mean(result.kind, FIGURE_KINDS)}"
        )
    required(result)
    kind = import_module(f"crmkit.show.figures.{result.kind}")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Text as Label

    with theme.style(), _any_glyph():
        figure = Figure(figsize=(theme.WIDTH, kind.height(result)), dpi=theme.DPI, layout="constrained")
        FigureCanvasAgg(figure)
        kind.paint(result, figure.add_subplot(), locale)
        _lay_out(figure)
        for label in figure.findobj(Label):
            label.set_parse_math(False)
    return figure


def _lay_out(figure: Figure) -> None:
    """Gives everything its place, once: an engine that stayed would look for it again whenever the figure is drawn."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


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
        ``<figure class="exhibit" id="...">``: a ``<figcaption>`` of title and finding, the picture, and the note under it.

    Raises
    ------
    ReportError
        When the text for readers who cannot see the figure is missing.
    """
    alt = sentence(result.alt, locale, name)
    if not alt:
        raise ReportError(f"exhibit '{result.name}': has no alt text; say in words what the figure shows")
    figure = draw(result, locale)
    picture = png(figure)
    boxes = undrawn(figure)
    width, height = _shown_size(picture)
    finding = result.finding.text if result.finding else None
    parts = [("strong", "title", result.title), ("span", "finding", finding)]
    caption = " ".join(
        f'<{tag} class="{kind}">{escape(sentence(text, locale, name))}</{tag}>' for tag, kind, text in parts if text
    )
    notes = f'<span class="note">{escape(sentence(result.note, locale, name))}</span>' if result.note else ""
    if boxes:
        said = sentence(Text(UNDRAWN.template, {"characters": " ".join(boxes)}), locale)
        notes += f'<span class="note undrawn" title="{escape(boxes)}">{escape(said)}</span>'
    source = base64.b64encode(picture).decode("ascii")
    return (
        f'<figure class="exhibit" id="{escape(result.name)}"><figcaption>{caption}</figcaption>'
        f'<img alt="{escape(alt)}" width="{width}" height="{height}" src="data:image/png;base64,{source}">{notes}</figure>'
    )


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
