"""Which slides does a client get? Eight to twelve from the findings of its last reports, with charts that can be edited.

The text of each slide is a finding, word for word; the number of a slide stands in the result table of which its foot speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path

from crmkit.core.language import Locale, mark, say
from crmkit.core.results import Numbers, Quantity, Result, Text
from crmkit.report.files.written import Written
from crmkit.report.office.drawings import FORMS, drawing_of
from crmkit.report.office.package import describe, needed, write
from crmkit.report.office.slides import MORE, Box, Slides
from crmkit.report.office.story import Shown, Story, read_story
from crmkit.show.grid import WORDS, table_grid
from crmkit.show.tables import MAX_ROWS
from crmkit.show.words import plain

MOST, LEAST, MOST_CHARTS, MOST_TABLES, MOST_COLUMNS, FEWEST_CHARTS, MOST_DECISIONS = 12, 8, 6, 2, 9, 4, 6
PLAN = "audit.plan"
SUBTITLE = mark("What customers are worth, who leaves, how satisfied they are")
AS_OF = Text("Data up to {day}")
DECISIONS, TRUST = mark("What to decide"), mark("How far these numbers can be trusted")
FOUND, TO_DO, STAKE = mark("What was found"), mark("What to do"), mark("At stake")
SOURCE = Text("Source: {exhibit} ({question})")
WRITTEN = Text("{slides} {slides:slide|slides}, {charts} {charts:chart|charts}")
FEW = Text("fewer than {least} slides or {charts} charts: the reports that there are hold no more ({reports})")


def write_deck(client: str, *, home: Path | None = None) -> Written:
    """Write the slides of a client beside its newest pages.

    Parameters
    ----------
    client : str
    home : Path or None
        Project root.

    Returns
    -------
    Written
        ``reports/<client>/<date>/<client>-<date>.pptx``.

    Raises
    ------
    ParamError
        When the params file, the brand or the template cannot be used.
    ReportError
        When there is no report, or python-pptx is not installed.
    """
    needed("deck")
    story = read_story(client, home=home)
    slides = Slides(story)
    _write_first(slides, story)
    charts, tables = chosen(story)
    for one in charts:
        _write_chart(slides, story, one)
    for one in tables:
        _write_table(slides, story, one)
    if story.trust:
        slide, box = slides.add(story.t(TRUST))
        slides.text(slide, "\n".join(story.trust[:9]), box, sizes=(16, 15, 14, 13, 12, 11, 10), bullets=True)
    path = story.folder / f"{client}-{story.as_of}.pptx"
    language = story.locale.language
    describe(slides.made, title=story.title, author=story.brand.author, moment=story.moment, language=language)
    write(slides.made, path)
    count, drawn = len(slides.made.slides), len(charts)
    notes = [
        *story.brand.notes,
        Text(WRITTEN.template, {"slides": Quantity(count, "count"), "charts": Quantity(drawn, "count")}),
    ]
    if count < LEAST or drawn < FEWEST_CHARTS:
        names = ", ".join(report.analysis for report in story.reports)
        few: Numbers = {"least": Quantity(LEAST, "count"), "charts": Quantity(FEWEST_CHARTS, "count"), "reports": names}
        notes.append(Text(FEW.template, few))
    return Written((path,), tuple(notes))


def chosen(story: Story) -> tuple[list[Shown], list[Shown]]:
    """Exhibits that become charts, and those that become tables, each by report in the order in which they are told."""
    fixed = 2 + bool(story.decisions) + bool(story.trust)
    suits = islice(story.exhibits((*FORMS, "estimates"), lambda one: drawing_of(one, story.locale) is not None), MOST_CHARTS)
    charts = list(suits)
    used = {one.result.name for one in charts}
    room = min(MOST - fixed - len(charts), max(MOST_TABLES, LEAST - fixed - len(charts)))
    told = [(report, one) for report in story.reports for one in report.findings]
    told.sort(key=lambda pair: (pair[1]["id"] != PLAN, -(pair[1]["money_at_stake"] or 0), not pair[1]["action"]))
    found = (story.behind(report, [one], ("table",), lambda one: one.name not in used and _fits(one)) for report, one in told)
    tables: list[Shown] = []
    for one in chain.from_iterable(found):
        if len(tables) < room and one.result.name not in {other.result.name for other in tables}:
            tables.append(one)
        if len(tables) == room:
            break
    order = {report.analysis: place for place, report in enumerate(story.reports)}
    for kept in (charts, tables):
        kept.sort(key=lambda one: order[one.report.analysis])
    return charts, tables


def _fits(result: Result) -> bool:
    """Whether an exhibit is a table that a slide can hold."""
    table = result.table
    return result.kind == "table" and table is not None and len(table) > 1 and 1 < len(result.columns) <= MOST_COLUMNS


def _write_first(slides: Slides, story: Story) -> None:
    """Cover, verdict with the headline numbers, decisions."""
    locale = story.locale
    below = [story.t(SUBTITLE), say(Text(AS_OF.template, {"day": story.day}), locale)]
    slides.cover(story.title, [*below, *([story.brand.author] if story.brand.author else [])], "")
    report, verdict = story.verdict
    slide, box = slides.add(plain(verdict["text"]), foot=_source(verdict_exhibit(story), report.question, locale))
    high = 0.36 * box.height
    across = (box.width - 16 * (len(story.numbers) - 1)) / max(1, len(story.numbers))
    for place, one in enumerate(story.numbers):
        slides.card(slide, one.label, one.text, one.question, Box(box.left + place * (across + 16), box.top, across, high))
    rest = Box(box.left, box.top + high + 18, box.width, box.height - high - 18)
    if story.others:
        slides.text(slide, "\n".join(story.others), rest, sizes=(18, 16, 15, 14, 13, 12, 11), bullets=True)
    if story.decisions:
        slide, box = slides.add(story.t(DECISIONS))
        headings = [story.t(words) for words in (FOUND, TO_DO, STAKE)]
        rows = [(one.found, one.action, one.stake) for one in story.decisions[:MOST_DECISIONS]]
        _table(slides, story, slide, headings, rows, box, (False, False, True), len(story.decisions))


def verdict_exhibit(story: Story) -> str:
    """Title of the exhibit behind the verdict; empty where it has none."""
    report, finding = story.verdict
    titles = {one["name"]: one["title"] for one in report.record.get("exhibits", [])}
    return next((titles[name] for name in finding.get("evidence", ()) if name in titles), "")


def _write_chart(slides: Slides, story: Story, one: Shown) -> None:
    locale = story.locale
    drawing = drawing_of(one.result, locale)
    if drawing is None:
        return
    title = say(one.result.title, locale)
    slide, box = slides.add(title if one.finding is story.verdict[1] else one.said, foot=_foot(one, locale))
    slides.chart(slide, drawing, box, alt=say(one.result.alt, locale) or title)


def _write_table(slides: Slides, story: Story, one: Shown) -> None:
    grid = table_grid(one.result, story.locale, max_rows=MAX_ROWS)
    slide, box = slides.add(one.said, foot=_foot(one, story.locale))
    right = [column.unit not in WORDS for column in grid.columns]
    rows = 0 if one.result.table is None else len(one.result.table)
    _table(slides, story, slide, grid.headings, grid.rows, box, right, rows)


def _table(
    slides: Slides,
    story: Story,
    slide: object,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    box: Box,
    right: Sequence[bool],
    count: int,
) -> None:
    """A table, and under it how many rows there was no room for."""
    shown = slides.table(slide, headings, rows, box, right=right)
    if shown < count:
        left = say(Text(MORE, {"n": Quantity(count - shown, "count")}), story.locale)
        slides.text(slide, left, Box(box.left, box.top + box.height - 14, box.width, 14), sizes=(11, 10, 9))


def _foot(one: Shown, locale: Locale) -> str:
    note = say(one.result.note, locale)
    source = _source(say(one.result.title, locale), one.report.question, locale)
    return f"{source}\n{note}" if note else source


def _source(exhibit: str, question: str, locale: Locale) -> str:
    return say(Text(SOURCE.template, {"exhibit": exhibit, "question": question}), locale) if exhibit else question
