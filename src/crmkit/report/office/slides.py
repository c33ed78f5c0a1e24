"""How do words, tables and pictures get onto a slide so that nothing is cut? Sizes are chosen by how much there is to say.

A slide of the kit is 16:9 with a title above and a line at the foot; of a client's template the place of the title counts, and
what it draws on its layouts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from crmkit.core.errors import ParamError
from crmkit.core.language import CHINESE, mark
from crmkit.report.office.charts import add_chart, rgb
from crmkit.report.office.drawings import Drawing
from crmkit.report.office.package import opened
from crmkit.report.office.story import Story
from crmkit.show import theme
from crmkit.show.words import short, width

WIDE = (12192000, 6858000)
POINT = 12700
# of the size of letters: how wide one place of `width` is, how high a line of letters and of Chinese; how much wider bold is
LETTER, LINE, CHINESE_LINE, BOLD = 0.515, 1.22, 1.45, 1.07
WORD = 0.58
MARGIN, FOOT, GAP = 0.045, 0.09, 0.025
FONTS = {"en": ("Arial", ""), "zh": ("Arial", "Microsoft YaHei")}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
CELL, SHORT_CELL, SHORT_HEAD = 3.6, 18, 8
TABLE_SIZES = (14, 13, 12, 11, 10)
SIZES = (14, 13, 12, 11, 10, 9)
SMALL = (10, 9, 8)
EDGE = re.compile(r"(?<=[\u2e80-\uffef])(?=[!-~€£¥])|(?<=[!-~€£¥])(?=[\u2e80-\uffef])")
PIECES = re.compile(r"[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+")
MORE = mark("and {n} more; all of them are on the page")


@dataclass(frozen=True)
class Box:
    """A place on a slide, in points."""

    left: float
    top: float
    width: float
    height: float

    @property
    def emu(self) -> tuple[int, int, int, int]:
        """The same as PowerPoint counts."""
        left, top, width, height = (round(side * POINT) for side in (self.left, self.top, self.width, self.height))
        return left, top, width, height


def lines(text: str, across: float, size: float) -> int:
    """How many lines a text takes, a little more rather than less.

    Parameters
    ----------
    text : str
    across, size : float
        Width of the lines and size of the letters, in points.

    Examples
    --------
    >>> lines("four words of it", 90, 12), lines("客户流失分析与预警", 90, 12), lines("", 90, 12)
    (2, 2, 1)
    """
    count = 0
    for paragraph in text.split("\n"):
        count, used = count + 1, 0.0
        letter = LETTER * size * _measure(paragraph) / max(1, width(paragraph))
        # Chinese marks may not begin a line and take a character of the line before along
        room = max(size, across - size) if CHINESE.search(paragraph) else across
        for piece in PIECES.findall(paragraph):
            need = width(piece.rstrip()) * letter
            if used and used + need > room:
                count, used = count + 1, 0.0
            # a word that is longer than a line is broken
            count += int(need // room) if need > room else 0
            used += width(piece) * letter % max(room, 1.0) if need > room else width(piece) * letter
    return count


def high(text: str, across: float, size: float) -> float:
    """How high a text is, in points; parameters as of :func:`lines`."""
    return lines(text, across, size) * size * (CHINESE_LINE if CHINESE.search(text) else LINE)


def fitted(text: str, box: Box, sizes: Sequence[int]) -> tuple[str, int]:
    """A text and the largest size at which it fits; at the smallest one it is cut, and the cut is shown."""
    for size in sizes:
        if high(text, box.width, size) <= box.height:
            return text, size
    kept = text
    while kept and high(kept, box.width, sizes[-1]) > box.height:
        kept = short(kept, max(1, width(kept) - 8))
    return kept, sizes[-1]


class Slides:
    """Slides that are being made.

    Parameters
    ----------
    story : Story
    """

    def __init__(self, story: Story) -> None:
        self.story, self.brand = story, story.brand
        self.made = opened("deck", self.brand.deck)
        if self.brand.deck is None:
            self.made.slide_width, self.made.slide_height = WIDE
            _set_fonts(self.made, story.locale.language)
        else:
            _remove_slides(self.made)
        self.width, self.height = self.made.slide_width / POINT, self.made.slide_height / POINT
        self.side = MARGIN * self.width

    def add(self, title: str, *, foot: str = "") -> tuple[Any, Box]:
        """A slide with a title and a line at its foot; gives it and the place between them."""
        slide = self.made.slides.add_slide(_layout(self.made))
        holder = slide.shapes.title
        place = Box(self.side, 0.05 * self.height, self.width - 2 * self.side, 0.16 * self.height)
        if self.brand.deck is None:
            holder.left, holder.top, holder.width, holder.height = place.emu
            line = slide.shapes.add_shape(1, *Box(0, 0, self.width, 0.014 * self.height).emu)
            _fill(line, self.brand.colours[-1] if self.brand.colours else self.brand.title)
        else:
            place = Box(*(side / POINT for side in (holder.left, holder.top, holder.width, holder.height)))
        _empty(slide, holder)
        self._write_title(holder, title, place, sizes=(24, 22, 20, 18, 16, 14))
        self._foot(slide, foot)
        top = place.top + place.height + GAP * self.height
        return slide, Box(self.side, top, self.width - 2 * self.side, self.height * (1 - FOOT) - top)

    def cover(self, title: str, below: Sequence[str], small: str) -> None:
        """The first slide."""
        slide = self.made.slides.add_slide(_layout(self.made))
        holder = slide.shapes.title
        _empty(slide, holder)
        place = Box(self.side, 0.3 * self.height, self.width - 2 * self.side, 0.24 * self.height)
        holder.left, holder.top, holder.width, holder.height = place.emu
        self._write_title(holder, title, place, sizes=(40, 36, 32, 28, 24, 20, 16, 12), anchor="bottom")
        under = Box(self.side, 0.57 * self.height, place.width, 0.26 * self.height)
        self.text(slide, "\n".join(below), under, sizes=(20, 18, 16, 14, 12), colour=theme.MUTED)
        if self.brand.logo:
            self._picture(slide, Box(self.side, 0.07 * self.height, 0.3 * self.width, 0.14 * self.height))
        if self.brand.deck is None:
            line = slide.shapes.add_shape(1, *Box(self.side, 0.55 * self.height, 0.12 * self.width, 0.009 * self.height).emu)
            _fill(line, self.brand.colours[-1] if self.brand.colours else self.brand.title)
        self._foot(slide, small)

    def text(
        self,
        slide: Any,
        text: str,
        box: Box,
        *,
        sizes: Sequence[int] = SIZES,
        colour: str = theme.INK,
        bold: bool = False,
        bullets: bool = False,
    ) -> None:
        """Paragraphs in a box, as large as they fit."""
        shape = slide.shapes.add_textbox(*box.emu)
        inner = Box(box.left, box.top, box.width * (1 / BOLD if bold else 1) - (18 if bullets else 0), box.height)
        spaced = text.count("\n") * 5 if bullets else 0
        said, size = fitted(text, Box(inner.left, inner.top, inner.width, inner.height - spaced), sizes)
        self._fill_text(shape.text_frame, said, size, colour, bold=bold, bullets=bullets)

    def table(
        self, slide: Any, headings: Sequence[str], rows: Sequence[Sequence[str]], box: Box, *, right: Sequence[bool]
    ) -> int:
        """A native table with as many rows as there is room for; gives how many these are.

        Parameters
        ----------
        right : sequence of bool
            Per column, whether it holds numbers.
        """
        for size in TABLE_SIZES:
            columns = widths([headings, *rows], box.width, size)
            heights = [_height(row, columns, size, bold=not place) for place, row in enumerate([headings, *rows])]
            if sum(heights) <= box.height and words_fit([headings, *rows], box.width, size):
                break
        shown = 1
        while shown < len(rows) and sum(heights[: shown + 2]) <= box.height - LINE * 11:
            shown += 1
        shown = len(rows) if sum(heights) <= box.height else shown
        frame = slide.shapes.add_table(
            shown + 1, len(headings), *Box(box.left, box.top, box.width, sum(heights[: shown + 1])).emu
        )
        frame._element.nvGraphicFramePr.cNvPr.set("descr", slide.shapes.title.text_frame.text)
        grid = frame.table
        grid.horz_banding = False
        for place, across in enumerate(columns):
            grid.columns[place].width = round(across * POINT)
        for number, row in enumerate([headings, *rows[:shown]]):
            grid.rows[number].height = round(heights[number] * POINT)
            for place, words in enumerate(row):
                self._cell(grid.cell(number, place), words, size, head=not number, right=right[place])
        return shown

    def chart(self, slide: Any, drawing: Drawing, box: Box, *, alt: str) -> None:
        """A native chart with its data sheet."""
        colours = self.brand.series
        add_chart(slide, drawing, box.emu, colours=colours, locale=self.story.locale, made=self.story.moment, alt=alt)

    def card(self, slide: Any, label: str, number: str, below: str, box: Box) -> None:
        """A headline number in a frame."""
        shape = slide.shapes.add_shape(1, *box.emu)
        _fill(shape, theme.PALE)
        inner = Box(box.left + 8, box.top + 6, box.width - 16, box.height * 0.27)
        self.text(slide, label, inner, sizes=(13, 12, 11, 10, 9), colour=theme.MUTED)
        middle = Box(inner.left, box.top + 0.3 * box.height, inner.width, 0.36 * box.height)
        self.text(slide, number, middle, sizes=(32, 28, 24, 20, 16, 12), colour=self.brand.title, bold=True)
        last = Box(inner.left, box.top + 0.68 * box.height, inner.width, 0.28 * box.height)
        self.text(slide, below, last, sizes=(11, 10, 9, 8), colour=theme.MUTED)

    def _write_title(self, holder: Any, text: str, place: Box, *, sizes: Sequence[int], anchor: str = "middle") -> None:
        from pptx.enum.text import MSO_ANCHOR, PP_ALIGN

        said, size = fitted(text, Box(place.left, place.top, (place.width - 12) / BOLD, place.height - 6), sizes)
        plain = self.brand.deck is None
        self._fill_text(holder.text_frame, said, size, self.brand.title if plain or self.brand.colours else "", bold=plain)
        if plain:
            holder.text_frame.vertical_anchor = MSO_ANCHOR.BOTTOM if anchor == "bottom" else MSO_ANCHOR.MIDDLE
            holder.text_frame.paragraphs[0].alignment = PP_ALIGN.LEFT

    def _fill_text(self, frame: Any, text: str, size: float, colour: str, *, bold: bool = False, bullets: bool = False) -> None:
        from pptx.enum.text import MSO_AUTO_SIZE
        from pptx.util import Pt

        frame.word_wrap, frame.auto_size = True, MSO_AUTO_SIZE.NONE
        for side in ("margin_left", "margin_right", "margin_top", "margin_bottom"):
            setattr(frame, side, 0)
        for place, words in enumerate(text.split("\n")):
            paragraph = frame.paragraphs[0] if not place else frame.add_paragraph()
            run = paragraph.add_run()
            run.text = words
            self._letters(run, size, colour, bold=bold)
            paragraph.line_spacing = 1.0
            if bullets:
                paragraph.space_after = Pt(5)
                _bullet(paragraph)

    def _letters(self, run: Any, size: float, colour: str, *, bold: bool = False) -> None:
        from pptx.util import Pt

        run.font.size, run.font.bold = Pt(size), bold
        if colour:
            run.font.color.rgb = rgb(colour)
        properties = run._r.get_or_add_rPr()
        properties.set("lang", LANGUAGES[self.story.locale.language])
        asian = FONTS[self.story.locale.language][1]
        if asian:
            east = properties.makeelement("{http://schemas.openxmlformats.org/drawingml/2006/main}ea", {"typeface": asian})
            properties.append(east)

    def _cell(self, cell: Any, words: str, size: float, *, head: bool, right: bool) -> None:
        from pptx.enum.text import MSO_ANCHOR, PP_ALIGN

        cell.fill.solid()
        cell.fill.fore_color.rgb = rgb(self.brand.title if head else theme.PAPER)
        self._fill_text(cell.text_frame, words, size, theme.PAPER if head else theme.INK, bold=head)
        cell.margin_left = cell.margin_right = round(CELL * 1.6 * POINT)
        cell.margin_top = cell.margin_bottom = round(CELL * POINT)
        cell.vertical_anchor = MSO_ANCHOR.TOP
        cell.text_frame.paragraphs[0].alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
        _rule(cell)

    def _foot(self, slide: Any, words: str) -> None:
        """What the slide rests on at the left, the confidential line and the number at the right."""
        from pptx.enum.text import PP_ALIGN

        top, high = self.height * (1 - FOOT) + 4, self.height * FOOT - 10
        left = Box(self.side, top, 0.66 * self.width, high)
        # a note that is too long for the foot stands on the page
        kept = words if fitted(words, left, SMALL)[0] == words else words.split("\n")[0]
        self.text(slide, kept, left, sizes=SMALL, colour=theme.MUTED)
        number = str(len(self.made.slides))
        said = " · ".join(part for part in (self.brand.confidential, number) if part)
        right = Box(0.73 * self.width, top, 0.27 * self.width - self.side, high)
        self.text(slide, said, right, sizes=SMALL, colour=theme.MUTED)
        for paragraph in slide.shapes[-1].text_frame.paragraphs:
            paragraph.alignment = PP_ALIGN.RIGHT

    def _picture(self, slide: Any, box: Box) -> None:
        """The logo, as large as the box allows."""
        picture = slide.shapes.add_picture(BytesIO(self.brand.logo), *box.emu[:2])
        ratio = min(box.emu[2] / picture.width, box.emu[3] / picture.height)
        picture.width, picture.height = round(picture.width * ratio), round(picture.height * ratio)
        picture._element.nvPicPr.cNvPr.set("descr", self.story.title)


def _layout(made: Any) -> Any:
    """The layout with a title and as little else as there is.

    Raises
    ------
    ParamError
        When no layout has a title.
    """
    from pptx.enum.shapes import PP_PLACEHOLDER

    heads = (PP_PLACEHOLDER.TITLE, PP_PLACEHOLDER.CENTER_TITLE)
    every = [layout for master in made.slide_masters for layout in master.slide_layouts]
    titled = [one for one in every if any(each.placeholder_format.type in heads for each in one.placeholders)]
    if not titled:
        raise ParamError("brand, deck: the template has no layout with a title")
    return min(titled, key=lambda one: (_others(one, heads), every.index(one)))


def _others(layout: Any, heads: Sequence[Any]) -> tuple[int, bool]:
    """How many places beside the title a layout has to be filled, and whether it is one for a cover."""
    from pptx.enum.shapes import PP_PLACEHOLDER

    small = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)
    kinds = [one.placeholder_format.type for one in layout.placeholders]
    return sum(kind not in (*heads, *small) for kind in kinds), heads[1] in kinds


def _empty(slide: Any, title: Any) -> None:
    """Take away places that would ask to be filled."""
    for one in list(slide.placeholders):
        if one._element is not title._element:
            one._element.getparent().remove(one._element)


def _remove_slides(made: Any) -> None:
    """What a template shows as examples."""
    listed = made.slides._sldIdLst
    for one in list(listed):
        made.part.drop_rel(one.rId)
        listed.remove(one)


def _set_fonts(made: Any, language: str) -> None:
    """Fonts that every PowerPoint has, for letters and for Chinese, as the fonts of the theme: charts follow them."""
    latin, asian = FONTS[language]
    for part in made.part.package.iter_parts():
        if part.content_type.endswith(".theme+xml"):
            text = part.blob.decode("utf-8").replace('<a:latin typeface="Calibri"/>', f'<a:latin typeface="{latin}"/>')
            part._blob = text.replace('<a:ea typeface=""/>', f'<a:ea typeface="{asian}"/>').encode("utf-8")


def _fill(shape: Any, colour: str) -> None:
    shape.fill.solid()
    shape.fill.fore_color.rgb = rgb(colour)
    shape.line.fill.background()
    # the theme's shadow
    shape._element.remove(shape._element.find("{http://schemas.openxmlformats.org/presentationml/2006/main}style"))


def _bullet(paragraph: Any) -> None:
    from pptx.oxml import parse_xml

    space = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    properties = paragraph._p.get_or_add_pPr()
    properties.set("marL", str(14 * POINT))
    properties.set("indent", str(-14 * POINT))
    properties.append(parse_xml(f'<a:buChar {space} char="•"/>'))


def _rule(cell: Any) -> None:
    """A thin line under a cell, and none at its sides."""
    from pptx.oxml import parse_xml

    space = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    shade = theme.RULE.lstrip("#").upper()
    properties = cell._tc.get_or_add_tcPr()
    for place, side in enumerate(("lnL", "lnR", "lnT")):
        properties.insert(place, parse_xml(f'<a:{side} {space} w="0"><a:noFill/></a:{side}>'))
    line = f'<a:lnB {space} w="9525"><a:solidFill><a:srgbClr val="{shade}"/></a:solidFill></a:lnB>'
    properties.insert(3, parse_xml(line))


def widths(rows: Sequence[Sequence[str]], across: float, size: float) -> list[float]:
    """How wide each column is, in points: its longest word at least, and of the rest by how much it has to say.

    Parameters
    ----------
    rows : sequence of sequences of str
        Headings first, which are bold.
    across, size : float
        Width of the table and size of the letters, in points.
    """
    least, need = [], []
    for head, *cells in zip(*rows, strict=True):
        # a heading may be folded, a number or a date of a cell had better not be
        words = [max(_longest(head), min(_measure(head), SHORT_HEAD)) * BOLD, *map(_longest, cells)]
        least.append(_column(max(words), size))
        need.append(_column(max(words[0], *map(_measure, cells)) if cells else words[0], size))
    spare, brief = across - sum(least), _column(SHORT_CELL, size)
    if spare <= 0:
        return [one * across / sum(least) for one in least]
    wish = [more - one for one, more in zip(least, need, strict=True)]
    given = [one if more <= brief else 0.0 for one, more in zip(wish, need, strict=True)]
    if sum(given) > spare:
        given = [0.0] * len(least)
    rest = [0.0 if given[place] else one for place, one in enumerate(wish)]
    spare -= sum(given)
    whole = sum(rest) or len(least)
    shares = rest if sum(rest) else [1.0] * len(least)
    return [one + more + spare * part / whole for one, more, part in zip(least, given, shares, strict=True)]


def words_fit(rows: Sequence[Sequence[str]], across: float, size: float) -> bool:
    """Whether no word of a table has to be broken."""
    return sum(_column(max(map(_longest, column)) * BOLD, size) for column in zip(*rows, strict=True)) <= across


def _column(places: float, size: float) -> float:
    """How wide a column is that holds so many places in one line; single words are wider than the mean of many."""
    return places * WORD * size + 2 * CELL * 1.6 + 2


def _longest(text: str) -> float:
    return max((_measure(piece.rstrip()) for piece in PIECES.findall(text)), default=1.0)


def _measure(text: str) -> float:
    """Places that a text takes, with the space that programs put between Chinese and other letters."""
    return width(text) + len(EDGE.findall(text)) / 2


def _height(row: Sequence[str], across: Sequence[float], size: float, *, bold: bool) -> float:
    inside = [(one - 2 * CELL * 1.6) / (BOLD if bold else 1) for one in across]
    return max(high(words, one, size) for words, one in zip(row, inside, strict=True)) + 2 * CELL
