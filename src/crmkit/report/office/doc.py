"""What does the document of a client hold? Verdict, decisions, and the findings of each report with figures and tables.

Figures are those of the pages, drawn of the same tables; tables are native, so that they can be edited and sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from crmkit.core.language import mark, say
from crmkit.core.results import Numbers, Quantity, Result, Text
from crmkit.report.files.written import Written
from crmkit.report.office.deck import AS_OF, DECISIONS, FOUND, STAKE, SUBTITLE, TO_DO, TRUST
from crmkit.report.office.package import describe, needed, opened, write
from crmkit.report.office.slides import FONTS, LANGUAGES, MORE, widths, words_fit
from crmkit.report.office.story import INTAKE, Report, Shown, Story, read_story
from crmkit.show import theme
from crmkit.show.boxes import WHAT_TO_DO
from crmkit.show.figures import FIGURE_KINDS, draw, png
from crmkit.show.grid import WORDS, table_grid
from crmkit.show.tables import MAX_ROWS
from crmkit.show.words import plain

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SPACE = f'xmlns:w="{W}"'
WRITTEN = Text("{headings} {headings:section|sections}, {figures} {figures:figure|figures}, {tables} {tables:table|tables}")
SHORT = mark("In short")
MOST_FIGURES, MOST_TABLES, MOST_ROWS, MOST_COLUMNS = 4, 3, 12, 9
TEXT_POINTS, TABLE_POINTS = 10.5, (8.5, 8.0, 7.5, 7.0)
PICTURE_INCHES = 6.2


def write_doc(client: str, *, home: Path | None = None) -> Written:
    """Write the document of a client beside its newest pages.

    Parameters
    ----------
    client : str
    home : Path or None
        Project root.

    Returns
    -------
    Written
        ``reports/<client>/<date>/<client>-<date>.docx``.

    Raises
    ------
    ParamError
        When the params file, the brand or the template cannot be used.
    ReportError
        When there is no report, or python-docx is not installed.
    """
    needed("doc")
    story = read_story(client, home=home)
    made = _Document(story)
    made.front()
    for report in story.reports:
        made.report(report)
    if story.trust:
        made.heading(story.t(TRUST))
        for words in story.trust:
            made.bullet(words)
    path = story.folder / f"{client}-{story.as_of}.docx"
    language = story.locale.language
    describe(made.made, title=story.title, author=story.brand.author, moment=story.moment, language=language)
    write(made.made, path)
    counted: Numbers = {name: Quantity(n, "count") for name, n in made.counts.items()}
    return Written((path,), (*story.brand.notes, Text(WRITTEN.template, counted)))


class _Document:
    """A document that is being made."""

    def __init__(self, story: Story) -> None:
        self.story, self.brand = story, story.brand
        self.made = opened("doc", self.brand.doc)
        self.styles = {one.name: one for one in self.made.styles}
        self.counts = {"headings": 0, "figures": 0, "tables": 0}
        if self.brand.doc is None:
            self._set_page()
        else:
            _remove_body(self.made)
        self._set_fonts()
        self._head_and_foot()

    def front(self) -> None:
        """Title, verdict, numbers and decisions."""
        from docx.shared import Inches

        story = self.story
        if self.brand.logo:
            self.made.add_picture(BytesIO(self.brand.logo), height=Inches(0.6))
        self._styled(story.title, "Title")
        day = say(Text(AS_OF.template, {"day": story.day}), story.locale)
        for words in (story.t(SUBTITLE), day, self.brand.author, self.brand.confidential):
            if words:
                self.paragraph(words, colour=theme.MUTED)
        self.heading(story.t(SHORT))
        self.paragraph(plain(story.verdict[1]["text"]), bold=True)
        for words in story.others:
            self.bullet(words)
        if story.numbers:
            rows = [(one.label, one.text, one.question) for one in story.numbers]
            self.table(None, rows, (False, True, False))
        if story.decisions:
            self.heading(story.t(DECISIONS))
            rows = [(one.found, one.action, one.stake) for one in story.decisions]
            self.table([story.t(words) for words in (FOUND, TO_DO, STAKE)], rows, (False, False, True))

    def report(self, report: Report) -> None:
        """The findings that lead a report, then its figures and tables, each under what it says."""
        locale = self.story.locale
        self.heading(report.question)
        leading = report.record.get("headline") or []
        for finding in report.findings:
            if finding["id"] in leading and finding["id"] != INTAKE:
                self.bullet(plain(finding["text"]))
                if finding["action"]:
                    self.paragraph(say(Text(WHAT_TO_DO.template, {"action": plain(finding["action"])}), locale), indent=True)
        figures = self.story.behind(report, report.findings, FIGURE_KINDS, lambda _: True)
        for one in islice(figures, MOST_FIGURES):
            self._exhibit(one)
            self._picture(png(draw(one.result, locale)), say(one.result.alt, locale))
            self._note(one.result)
        tables = self.story.behind(report, report.findings, ("table",), lambda one: 1 < len(one.columns) <= MOST_COLUMNS)
        for one in islice(tables, MOST_TABLES):
            self._exhibit(one)
            grid = table_grid(one.result, locale, max_rows=MAX_ROWS)
            rows = grid.rows[:MOST_ROWS]
            self.table(grid.headings, rows, [column.unit not in WORDS for column in grid.columns])
            left = len(one.result.table if one.result.table is not None else ()) - len(rows)
            if left > 0:
                self.paragraph(say(Text(MORE, {"n": Quantity(left, "count")}), locale), colour=theme.MUTED)
            self._note(one.result)

    def _exhibit(self, one: Shown) -> None:
        self.heading(say(one.result.title, self.story.locale), level=2)
        self.paragraph(one.said, bold=True, keep=True)

    def _note(self, result: Result) -> None:
        note = say(result.note, self.story.locale)
        if note:
            self.paragraph(plain(note), colour=theme.MUTED)

    def heading(self, words: str, *, level: int = 1) -> None:
        """A heading in the style of the template, where it has one."""
        self.counts["headings"] += level == 1
        self._styled(plain(words), f"Heading {level}")

    def bullet(self, words: str) -> None:
        """A paragraph of a list."""
        paragraph = self._styled(words, "List Bullet")
        if paragraph.style.name != "List Bullet":
            paragraph.runs[0].text = f"• {words}"

    def paragraph(self, words: str, *, bold: bool = False, colour: str = "", indent: bool = False, keep: bool = False) -> None:
        """A paragraph of text."""
        from docx.shared import Pt, RGBColor

        paragraph = self.made.add_paragraph()
        run = paragraph.add_run(words)
        run.bold = bold or None
        if colour:
            run.font.color.rgb, run.font.size = RGBColor.from_string(colour.lstrip("#").upper()), Pt(9)
        if indent:
            paragraph.paragraph_format.left_indent = Pt(24)
        paragraph.paragraph_format.keep_with_next = keep

    def table(self, headings: Sequence[str] | None, rows: Sequence[Sequence[str]], right: Sequence[bool]) -> None:
        """A native table; its heading comes again on each page."""
        from docx.enum.text import WD_ALIGN_PARAGRAPH
        from docx.shared import Pt, RGBColor

        listed = [*([headings] if headings else []), *rows]
        section = self.made.sections[-1]
        across = (section.page_width - section.left_margin - section.right_margin) / 12700
        size = next((one for one in TABLE_POINTS if words_fit(listed, across, one)), TABLE_POINTS[-1])
        columns = widths(listed, across, size)
        grid = self.made.add_table(rows=len(listed), cols=len(columns))
        grid.autofit = False
        self.counts["tables"] += 1
        for place, column in enumerate(columns):
            grid.columns[place].width = Pt(column)
        for number, row in enumerate(listed):
            head = headings is not None and not number
            line = grid.rows[number]
            _row(line, head=head)
            # a cell that is asked for by its place makes the library count all of them
            for place, (cell, words) in enumerate(zip(line.cells, row, strict=True)):
                cell.width = Pt(columns[place])
                _border(cell, self.brand.title if head else "")
                paragraph = cell.paragraphs[0]
                paragraph.paragraph_format.space_after = Pt(1)
                run = paragraph.add_run(plain(words))
                run.font.size, run.bold = Pt(size), head or None
                if head:
                    run.font.color.rgb = RGBColor.from_string(theme.PAPER.lstrip("#").upper())
                if right[place]:
                    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        self.made.add_paragraph().paragraph_format.space_after = Pt(2)

    def _picture(self, picture: bytes, alt: str) -> None:
        from docx.shared import Emu, Inches

        section = self.made.sections[-1]
        room = section.page_width - section.left_margin - section.right_margin
        shape = self.made.add_picture(BytesIO(picture), width=Emu(min(Inches(PICTURE_INCHES), room)))
        shape._inline.docPr.set("descr", alt)
        self.made.paragraphs[-1].paragraph_format.keep_with_next = True
        self.counts["figures"] += 1

    def _styled(self, words: str, style: str) -> Any:
        if style in self.styles:
            return self.made.add_paragraph(words, style=self.styles[style])
        paragraph = self.made.add_paragraph(words)
        paragraph.runs[0].bold = style != "List Bullet" or None
        return paragraph

    def _set_page(self) -> None:
        """A4 with margins of the kit, and letters of a size that is read on paper."""
        from docx.shared import Mm, Pt, RGBColor

        section = self.made.sections[0]
        section.page_width, section.page_height = Mm(210), Mm(297)
        section.left_margin = section.right_margin = Mm(25)
        section.top_margin = section.bottom_margin = Mm(25)
        styles = self.made.styles
        styles["Normal"].font.size = Pt(TEXT_POINTS)
        styles["Normal"].paragraph_format.space_after = Pt(6)
        for name, size in (("Title", 26), ("Heading 1", 17), ("Heading 2", 12.5)):
            styles[name].font.size = Pt(size)
            styles[name].font.color.rgb = RGBColor.from_string(self.brand.title.lstrip("#").upper())

    def _set_fonts(self) -> None:
        """Fonts that every Word has, for letters and for Chinese; those of a template stay, but Chinese has its own."""
        latin, asian = FONTS[self.story.locale.language]
        for name in ("Normal", "Title", "Heading 1", "Heading 2", "List Bullet"):
            if name not in self.styles:
                continue
            properties = self.styles[name].element.get_or_add_rPr()
            fonts = properties.get_or_add_rFonts()
            wanted = {"ascii": latin, "hAnsi": latin, "cs": latin} if self.brand.doc is None else {}
            for key, font in {**wanted, **({"eastAsia": asian} if asian else {})}.items():
                fonts.attrib.pop(f"{{{W}}}{key}Theme" if key != "cs" else f"{{{W}}}cstheme", None)
                fonts.set(f"{{{W}}}{key}", font)
        spoken = self.made.styles["Normal"].element.get_or_add_rPr()
        for old in spoken.findall(f"{{{W}}}lang"):
            spoken.remove(old)
        code = LANGUAGES[self.story.locale.language]
        spoken.append(spoken.makeelement(f"{{{W}}}lang", {f"{{{W}}}val": code, f"{{{W}}}eastAsia": "zh-CN"}))

    def _head_and_foot(self) -> None:
        """The client above, the confidential line and the number of the page below."""
        section = self.made.sections[0]
        head, foot = section.header.paragraphs[0], section.footer.paragraphs[0]
        words = " · ".join(part for part in (self.story.title, self.story.day) if part)
        for paragraph, said in ((head, words), (foot, self.brand.confidential)):
            if self.brand.doc is None or not paragraph.text.strip():
                run = paragraph.add_run(said)
                _small(run)
        _small(foot.add_run("   "))
        _field(foot)


def _small(run: Any) -> None:
    from docx.shared import Pt, RGBColor

    run.font.size, run.font.color.rgb = Pt(8.5), RGBColor.from_string(theme.MUTED.lstrip("#").upper())


def _field(paragraph: Any) -> None:
    """The number of the page."""
    from docx.oxml import parse_xml

    for kind in ("begin", "", "end"):
        part = f'<w:fldChar {SPACE} w:fldCharType="{kind}"/>' if kind else f"<w:instrText {SPACE}>PAGE</w:instrText>"
        run = paragraph.add_run()
        _small(run)
        run._r.append(parse_xml(part))


def _row(row: Any, *, head: bool) -> None:
    """A row that is not torn between pages."""
    properties = row._tr.get_or_add_trPr()
    for name in ("cantSplit", *(["tblHeader"] if head else [])):
        properties.append(properties.makeelement(f"{{{W}}}{name}", {}))


def _border(cell: Any, fill: str) -> None:
    from docx.oxml import parse_xml

    properties = cell._tc.get_or_add_tcPr()
    shade = theme.RULE.lstrip("#").upper()
    line = f'<w:tcBorders {SPACE}><w:bottom w:val="single" w:sz="4" w:space="0" w:color="{shade}"/></w:tcBorders>'
    properties.append(parse_xml(line))
    if fill:
        colour = fill.lstrip("#").upper()
        properties.append(parse_xml(f'<w:shd {SPACE} w:val="clear" w:color="auto" w:fill="{colour}"/>'))


def _remove_body(made: Any) -> None:
    """What a template shows as an example; its sections stay."""
    for one in list(made.element.body):
        if one.tag != f"{{{W}}}sectPr":
            made.element.body.remove(one)
