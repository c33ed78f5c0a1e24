"""What can be pasted into a mail? Verdict, three numbers and three decisions, as plain text and as HTML without any style.

A mail program takes the look of its owner; what is written here has none of its own, no picture and no link to elsewhere.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from crmkit.core.language import say
from crmkit.core.results import Text
from crmkit.report.files.written import Written
from crmkit.report.folders import write_together
from crmkit.report.office.deck import AS_OF, DECISIONS, TRUST
from crmkit.report.office.story import Decision, Story, read_story
from crmkit.show.boxes import AT_STAKE
from crmkit.show.grid import table_grid
from crmkit.show.words import plain

MOST_DECISIONS, MOST_TRUST = 3, 2
BOX = Text("{label}: {number}")
MORE = Text("The reports are in {place}.")


def write_brief(client: str, *, home: Path | None = None) -> Written:
    """Write the mail of a client beside its newest pages.

    Parameters
    ----------
    client : str
    home : Path or None
        Project root.

    Returns
    -------
    Written
        ``reports/<client>/<date>/<client>-<date>-brief.txt`` and ``.html``, the same words.

    Raises
    ------
    ParamError
        When the params file or the brand cannot be used.
    ReportError
        When there is no report.
    """
    story = read_story(client, home=home)
    base = story.folder / f"{client}-{story.as_of}-brief"
    files = {base.with_suffix(".txt"): brief_text(story), base.with_suffix(".html"): brief_html(story)}
    write_together(files)
    return Written(tuple(files), story.brand.notes)


def brief_text(story: Story) -> str:
    """The mail as plain text."""
    parts = [_head(story), plain(story.verdict[1]["text"])]
    parts += ["\n".join(f"- {words}" for words in _numbers(story))] if story.numbers else []
    if decided := _decisions(story):
        listed = [f"{place}. {words}" for place, words in enumerate(decided, start=1)]
        parts.append("\n".join([story.t(DECISIONS), *listed]))
    if story.trust:
        parts.append("\n".join([story.t(TRUST), *(f"- {words}" for words in story.trust[:MOST_TRUST])]))
    return "\n\n".join([*parts, *_foot(story)]) + "\n"


def brief_html(story: Story) -> str:
    """The mail as HTML without style; every word is escaped."""
    language = "zh-CN" if story.locale.language == "zh" else story.locale.language

    def listing(kind: str, items: list[str]) -> str:
        return f"<{kind}>{''.join(f'<li>{escape(words)}</li>' for words in items)}</{kind}>"

    parts = [f"<p>{escape(_head(story))}</p>", f"<p><strong>{escape(plain(story.verdict[1]['text']))}</strong></p>"]
    parts += [listing("ul", _numbers(story))] if story.numbers else []
    if decided := _decisions(story):
        parts += [f"<p>{escape(story.t(DECISIONS))}</p>", listing("ol", decided)]
    if story.trust:
        parts += [f"<p>{escape(story.t(TRUST))}</p>", listing("ul", list(story.trust[:MOST_TRUST]))]
    parts += [f"<p>{escape(words)}</p>" for words in _foot(story)]
    head = f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{escape(story.title)}</title></head>'
    return f"{head}\n<body>\n" + "\n".join(parts) + "\n</body></html>\n"


def _head(story: Story) -> str:
    return f"{story.title} – {say(Text(AS_OF.template, {'day': story.day}), story.locale)}"


def _numbers(story: Story) -> list[str]:
    return [_named(one.label, one.text, story) for one in story.numbers]


def _decisions(story: Story) -> list[str]:
    """Those of the sheet for executives, as it has them; without one, what the reports ask for."""
    if story.chosen is None:
        return [_decision(one, story) for one in story.decisions[:MOST_DECISIONS]]
    grid = table_grid(story.chosen, story.locale)
    more = [
        [_named(heading, words, story) for heading, words in zip(grid.headings[1:], row[1:], strict=True)] for row in grid.rows
    ]
    return [" · ".join([row[0], *parts]) for row, parts in zip(grid.rows, more, strict=True)]


def _named(label: str, words: str, story: Story) -> str:
    return say(Text(BOX.template, {"label": label, "number": words}), story.locale)


def _decision(one: Decision, story: Story) -> str:
    """What to do, what was found, and the money."""
    said = [one.action, one.found]
    if one.stake:
        said.append(say(Text(AT_STAKE.template, {"money": one.stake}), story.locale))
    return ("" if story.locale.language == "zh" else " ").join(said)


def _foot(story: Story) -> list[str]:
    place = story.folder.relative_to(story.home).as_posix()
    where = say(Text(MORE.template, {"place": place}), story.locale)
    own = " · ".join(part for part in (story.brand.author, story.brand.confidential) if part)
    return [where, own] if own else [where]
