"""How is a params file made of a folder of exports? Each file is recognised, read and asked about; what has no place is said.

A params file that is there is never written over: it may hold what somebody has decided.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from crmkit.core.errors import CrmkitError, DataError, ParamError, Problem, did_you_mean, shortened
from crmkit.core.messages import terminal_language
from crmkit.core.results import Text
from crmkit.core.settings import CLIENT_NAME, TableSettings, find_home
from crmkit.core.yaml_text import read_yaml
from crmkit.data.intake.phrases import set_zone
from crmkit.data.intake.words import word_of
from crmkit.data.presets.common import common_keys, language_of
from crmkit.data.presets.draft import CUSTOMERS, Draft, customers_beside, place_columns
from crmkit.data.presets.guess import ORDERS, TOLD, told_by_a_person
from crmkit.data.presets.preset import Preset, Recognised, positions, presets, recognise
from crmkit.data.presets.questions import Answers, Question, Said, count, words
from crmkit.data.presets.sight import first_rows, is_database, is_readable, load, tables_of
from crmkit.data.presets.survey import find_questions
from crmkit.data.presets.written import begun, glob_of, params_text, unplaced_lines
from crmkit.data.sources.engine import connect, disconnect, query
from crmkit.data.sources.layout import Row
from crmkit.data.tables import TABLES

HEADERS_SHOWN, WRITTEN = 12, "created_at"


@dataclass(frozen=True)
class Newcomer:
    """What became of a folder.

    Parameters
    ----------
    path : Path
        The params file that was written; where one was there, a file beside it to compare with.
    written : str
        ``path`` as it is said, from the project root.
    lines : tuple of str
        What was recognised, how it is read, and what was not placed.
    taken : tuple of str
        What was asked, with its answer.
    kept : bool
        Whether a params file was there and was left as it is.
    language : str
        Of the headers, or as asked for: what is said and the report are in it.
    """

    path: Path
    written: str
    lines: tuple[str, ...]
    taken: tuple[str, ...]
    kept: bool
    language: str


@dataclass
class _Found:
    """Files of one kind: what they are, and their first lines."""

    recognised: Recognised
    files: list[Path]
    rows: list[Row] = field(default_factory=list)


def new_client(
    name: str,
    place: Path,
    *,
    ask: Callable[[Question], str] | None = None,
    tell: Callable[[str], None] = lambda line: None,
    yes: bool = False,
    language: str = "",
    home: Path | None = None,
    today: dt.date | None = None,
) -> Newcomer:
    """What is in a folder of exports, and how is it to be read?

    Parameters
    ----------
    name : str
        Of the client; its params file will be ``params/<name>.yml``.
    place : Path
        A folder, one file, or a DuckDB database.
    ask : callable or None
        Puts a question to a person; None: nobody is there.
    tell : callable
        Is told what each file is, before anything is asked about it.
    yes : bool
        Whether the safe answer of each question is taken where nobody is there.
    language : {"", "en", "zh"}
        Of the report, and of what is asked and said; empty: that of the headers.
    home : Path or None
        Project root; None: found from the working directory.
    today : date or None
        For a test.

    Returns
    -------
    Newcomer

    Raises
    ------
    ParamError
        When the name or the place cannot be used, the params file cannot be written, or questions were not answered.
    DataError
        When no file is of a kind that is known: each with what is missing and the lines to fill in.
    """
    answers = Answers(ask, language or terminal_language())
    try:
        place = place.expanduser().resolve()
        return _looked_at(name, place, answers, tell, yes=yes, language=language, home=home or find_home(), today=today)
    except CrmkitError as err:
        err.language = answers.language
        raise


def _looked_at(
    name: str,
    place: Path,
    answers: Answers,
    tell: Callable[[str], None],
    *,
    yes: bool,
    language: str,
    home: Path,
    today: dt.date | None,
) -> Newcomer:
    today = today or dt.date.today()
    place, paths, others = _files(place)
    source = _source(place if place.is_dir() or is_database(place) else place.parent, home)
    target = _target(name, source, home=home)
    con, spill = connect()
    try:
        set_zone(con, "UTC")
        paths = paths or tables_of(place, con=con)
        found, strange, problems = _recognise_all(paths, place, con=con, spill=spill)
        headers = [header for one in found for header in one.recognised.headers] or [
            one for rows in strange.values() for _, fields in rows[:1] for one in fields
        ]
        answers.language = language or (language_of(headers) if headers else terminal_language())
        told = _told(strange, place, con=con, spill=spill, answers=answers, problems=problems)
        for one in found:
            tell(f"{_names(one.files)}: {answers.say(_system(one.recognised.preset))}")
        found = [*_confirmed(found, answers=answers, problems=problems), *told]
        drafts = _drafts(found, place, con=con, spill=spill, answers=answers, problems=problems, name=name)
        if not drafts:
            said = [answers.say(begun(one, name=name, source=source)) for one in (*problems, *_ignored(others))]
            raise DataError(said or [f"{place}: holds no table"])
        _same_customers(con, drafts)
        drafts += customers_beside(drafts, language=answers.language)
        common = common_keys(con, drafts, name=name, source=source, answers=answers, today=today)
    finally:
        disconnect(con)
    if answers.ask is None and not yes and answers.given:
        last = Text("Answer these on a terminal, or take the answers that are shown with --yes.")
        raise ParamError([*answers.listed(), answers.say(last)])
    text = params_text(common, drafts)
    kept = target.is_file()
    written = home / "work" / name / f"{name}.yml" if kept else target
    _write(written, text, home=home, replace=kept)
    lines = [line for draft in drafts for line in _lines(draft, answers)]
    lines += [answers.say(Text("not placed: {problem}", {"problem": answers.say(problem)})) for problem in problems]
    lines += [answers.say(text).removesuffix(".") for text in _ignored(others)]
    taken = tuple(answers.listed())
    return Newcomer(written, written.relative_to(home).as_posix(), tuple(lines), taken, kept, answers.language)


def _system(preset: Preset) -> Text | str:
    return preset.system or (Text("columns as you named them") if preset.seen == TOLD else Text("headers that are known"))


def _files(place: Path) -> tuple[Path, list[Path], list[Path]]:
    """What is read: a folder, its files that may hold tables, and all others; or a database, also alone in a folder."""
    if place.is_file():
        if not is_readable(place) and not is_database(place):
            raise DataError(Problem(f"{place.name}:", "is no file that is read", "CSV, Excel, Parquet or DuckDB is expected"))
        return place, [] if is_database(place) else [place], []
    if not place.is_dir():
        there = [entry.name for entry in place.parent.iterdir()] if place.parent.is_dir() else []
        raise ParamError(Problem(f"{place}:", "is not there", hint=did_you_mean(place.name, there)))
    every = sorted(
        path for path in place.rglob("*") if path.is_file() and not path.name.startswith((".", "~$")) and path.suffix != ".key"
    )
    if not every:
        raise DataError(f"{place}: is empty; put the exports there: CSV, Excel or Parquet")
    readable = [path for path in every if is_readable(path)]
    others = [path for path in every if not is_readable(path)]
    databases = [path for path in others if is_database(path)]
    if len(databases) == 1 and not readable:
        return databases[0], [], [path for path in others if path != databases[0]]
    if not readable:
        kinds = ", ".join(sorted({path.suffix or path.name for path in others}))
        raise DataError(
            f"{place}: holds {len(others)} {'file' if len(others) == 1 else 'files'}, none with a table ({kinds});"
            " CSV, Excel or Parquet is read"
        )
    return place, readable, others


def _source(folder: Path, home: Path) -> str:
    """The folder as a params file names it."""
    home = home.resolve()
    return folder.relative_to(home).as_posix() if folder.is_relative_to(home) else folder.as_posix()


def _target(name: str, source: str, *, home: Path) -> Path:
    """Where the params file goes; a name that is another client's is refused."""
    if not CLIENT_NAME.fullmatch(name):
        raise ParamError(f"{name!r} cannot name files; use small letters, digits, '-' and '_', at most 63")
    path = home / "params" / f"{name}.yml"
    if path.is_file():
        try:
            there = read_yaml(path.read_text(encoding="utf-8"))
        except yaml.YAMLError:
            there = None
        now = there.get("source") if isinstance(there, dict) else None
        if now != source:
            what = "is there already, with another source"
            raise ParamError(Problem(f"params/{name}.yml", what, "take another name; what it says is never written over"))
    elif not os.access(path.parent, os.W_OK):
        raise ParamError(f"params/{name}.yml cannot be written: {path.parent} may not be changed by this user")
    return path


def _recognise_all(
    paths: Sequence[Path], place: Path, *, con: Any, spill: Path
) -> tuple[list[_Found], dict[Path, list[Row]], list[Text | str]]:
    """Files by kind, those of one system with the same headers together; and the first lines of those that are of none."""
    found: dict[tuple[str, str, tuple[str, ...]], _Found] = {}
    strange: dict[Path, list[Row]] = {}
    problems: list[Text | str] = []
    for path in paths:
        try:
            rows = first_rows(path, con=con, spill=spill)
        except DataError as err:
            problems += err.problems
            continue
        recognised = _named_like_a_table(path, rows) or recognise(rows)
        if recognised is None or recognised.missing:
            strange[path] = rows
            continue
        key = (recognised.preset.system, recognised.preset.table, recognised.headers)
        if is_database(place):
            key = (*key[:2], (path.name, *key[2]))
        found.setdefault(key, _Found(recognised, [], rows)).files.append(path)
    return list(found.values()), strange, problems


def _told(
    strange: Mapping[Path, list[Row]], place: Path, *, con: Any, spill: Path, answers: Answers, problems: list[Text | str]
) -> list[_Found]:
    """Files of which a person says what they are; what nobody says is a problem, with what is likely."""
    found = []
    for number, (path, rows) in enumerate(strange.items()):
        recognised = recognise(rows)
        said: Recognised | None = None
        likely: dict[str, str] = {}
        if recognised is None or (recognised.preset.table == ORDERS and not recognised.preset.marks):
            header = list(recognised.header) if recognised else []
            with suppress(DataError):
                sight = load(con, [path], settings=TableSettings(header=header), spill=spill, name=f"strange_{number}")
                said, likely = told_by_a_person(path.name, sight, recognised, answers=answers)
        if said is not None:
            found.append(_Found(said, [path], rows))
        else:
            problems.append(unplaced_lines(path, rows, recognised, place=place, likely=likely))
    return found


def _named_like_a_table(path: Path, rows: Sequence[Row]) -> Recognised | None:
    """A file named like a table of ours with its headers, as the data dictionary has them, needs no system."""
    contract = TABLES.get(path.stem.casefold())
    headers = next((fields for _, fields in rows if any(one.strip() for one in fields)), [])
    if contract is None or path.stem.casefold() == "surveys" or not set(contract.required) <= set(headers):
        return None
    table = path.stem.casefold()
    usual = next((one for one in presets() if one.table == table and not one.system and not one.questions), None)
    known = usual.columns if usual is not None else {}
    preset = Preset(
        system="",
        table=table,
        source="",
        seen="",
        verified=True,
        # of a database every table may have a created_at, the day on which the row was written
        columns={one: [*known.get(one, ()), one] if one == WRITTEN else [one, *known.get(one, ())] for one in contract.columns},
    )
    return Recognised(preset, tuple(headers), (rows[0][0],), score=len(headers))


def _confirmed(found: Sequence[_Found], *, answers: Answers, problems: list[Text | str]) -> list[_Found]:
    """Those that are what they seem: a system whose headers nobody has seen is asked about."""
    kept = []
    for one in found:
        preset, file = one.recognised.preset, one.files[0].name
        numbers = {"file": file, "system": preset.system, "seen": preset.seen}
        text = Text("is it an export of {system}? Its headers were never seen by us ({seen})", numbers)
        if preset.verified or answers.yes(file, text, safe=False):
            kept.append(one)
        else:
            problems.append(Text("{file}: may be {system}, of which we know {seen}; say yes to read it so.", numbers))
    return kept


def _drafts(
    found: Sequence[_Found],
    place: Path,
    *,
    con: Any,
    spill: Path,
    answers: Answers,
    problems: list[Text | str],
    name: str,
) -> list[Draft]:
    """One table of each kind, with its columns placed."""
    by_table: dict[str, list[Draft]] = {}
    for number, one in enumerate(found):
        preset, header = one.recognised.preset, one.recognised.header
        lines: dict[str, Any] = {}
        if header != (one.rows[0][0],):
            lines["header"] = list(header) if len(header) > 1 else header[0]
        if preset.skip:
            lines["skip"] = [row + header[0] - 1 for row in preset.skip]
        folder = place if place.is_dir() else place.parent
        pattern, left = (one.files[0].name, one.files[1:]) if is_database(place) else glob_of(one.files, folder)
        kind = "{file}: is of the kind of {pattern}, which no pattern of names takes in."
        problems += [Text(kind, {"file": path.name, "pattern": pattern}) for path in left]
        files = [path for path in one.files if path not in left]
        try:
            sight = load(con, files, settings=TableSettings(**lines), spill=spill, name=f"new_{number}")
        except DataError as err:
            problems += err.problems
            continue
        if not sight.rows:
            text = Text("{file}: has a header line and no row below it; export it again", {"file": one.files[0].name})
            problems.append(text)
            continue
        draft = place_columns(one.recognised, sight, language=answers.language)
        draft.settings |= {"table" if is_database(place) else "file": pattern, **lines}
        if preset.questions and "item_id" not in draft.at:
            find_questions(draft, answers=answers, labels=_labels(preset, one.rows, header))
            draft.missing += [] if draft.settings["items"] else [Text("a question with answers on a scale")]
        if draft.missing:
            problems.append(unplaced_lines(files[0], one.rows, one.recognised, place=place, draft=draft))
        elif draft.table == CUSTOMERS and 2 * draft.seen("customer_id").distinct < sight.rows:
            rows: Said = {"file": files[0].name, "rows": count(sight.rows), "n": count(draft.seen("customer_id").distinct)}
            problems.append(Text("{file}: {rows} rows name {n} customers; a list of customers has a row for each.", rows))
        else:
            by_table.setdefault(draft.table, []).append(draft)
    drafts = []
    for table in TABLES:
        listed = sorted(by_table.get(table, []), key=_rank)
        drafts += listed[:1]
        too = "{file}: holds {table} too, with other headers than {first}; files of one table need the same."
        problems += [Text(too, {"file": draft.label, "table": table, "first": listed[0].label}) for draft in listed[1:]]
    return drafts


def _rank(draft: Draft) -> tuple[bool, int, int]:
    """Of several files of one table, the one that bears its name comes first; of customers the one that says most of them."""
    named = any(path.stem.casefold() == draft.table for path in draft.sight.files)
    return not named, -len(draft.at) if draft.table == CUSTOMERS else 0, -draft.sight.rows


def _labels(preset: Preset, rows: Sequence[Row], header: Sequence[int]) -> dict[int, str]:
    """Words of the questions, where they stand in the line below the header."""
    if not preset.skip:
        return {}
    below = next((fields for number, fields in rows if number == header[0] + 1), [])
    return {at: text.strip() for at, text in enumerate(below) if text.strip()}


def _same_customers(con: Any, drafts: Sequence[Draft]) -> None:
    """Whether tables name their customers alike; where another header of a file does, it is taken."""
    named = [draft for draft in drafts if "customer_id" in draft.at]
    for draft in named[1:]:
        headers = [seen.header for seen in draft.sight.columns]
        possible = positions(draft.preset.columns["customer_id"], headers)
        meets = {at: _shared_ids(con, named[0], draft, at) for at in dict.fromkeys((draft.at["customer_id"], *possible))}
        best = max(meets, key=lambda at: meets[at])
        if meets[best] > meets[draft.at["customer_id"]]:
            draft.at["customer_id"] = best
            draft.settings.setdefault("columns", {})["customer_id"] = headers[best]
        seen = draft.seen("customer_id")
        first = named[0]
        numbers: Said = {
            "n": count(meets[best]),
            "all": count(seen.distinct),
            "header": repr(seen.header),
            "table": first.table,
        }
        if meets[best]:
            draft.notes.append(Text("{n} of the {all} customers of {header} are in {table} too", numbers))
        else:
            doubt = (
                "none of the {all} customers of {header} are in {table} too; does {other} of {file} name them in the same way?"
            )
            more: Said = {"other": repr(first.seen("customer_id").header), "file": first.label}
            draft.notes.append(Text(doubt, numbers | more))


def _shared_ids(con: Any, one: Draft, other: Draft, at: int) -> int:
    """How many ids of one file stand in another."""
    ids = [f"lower({word_of(name)})" for name in (one.seen("customer_id").name, other.sight.column(at).name)]
    (n,) = query(
        con,
        f"SELECT count(DISTINCT {ids[1]}) FROM {other.sight.raw.relation}"
        f" WHERE {ids[1]} IN (SELECT {ids[0]} FROM {one.sight.raw.relation})",
    )[0]
    return int(n)


def _write(path: Path, text: str, *, home: Path, replace: bool) -> None:
    where, begun = path.relative_to(home).as_posix(), False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w" if replace else "x", encoding="utf-8") as file:
            begun = True
            file.write(text)
    except OSError as err:
        if begun:
            path.unlink(missing_ok=True)
        raise ParamError(f"{where} cannot be written: {err.strerror}") from err


def _names(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].name} + {len(files) - 1}"


def _lines(draft: Draft, answers: Answers) -> list[str]:
    """What was recognised of a file, and how it is read."""
    system = answers.say(_system(draft.preset))
    rows = answers.say(Text("{n} {n:row|rows}", {"n": count(draft.sight.rows)}))
    lines = [f"{draft.label}  {system}: {draft.table}, {rows}"]
    for ours in draft.contract.columns:
        if ours in draft.at:
            lines.append(f"  {ours:<18} {shortened(draft.seen(ours).header)}")
    for item, at in draft.questions.items():
        low, high = draft.settings["items"][item]["scale"]
        kind = draft.settings["items"][item].get("kind", "")
        lines.append(f"  {item:<18} {shortened(draft.sight.column(at).header)}  {kind} {low}–{high}")
    lines += [f"  {answers.say(draft.comments[key])}" for key in ("only", "repeats", "dayfirst") if draft.comments.get(key)]
    lines += [f"  {answers.say(note)}" for note in draft.notes]
    unread = [shortened(seen.header) for seen in draft.unread]
    if unread:
        lines.append("  " + answers.say(Text("no place for: {words}", {"words": words(unread, most=HEADERS_SHOWN)})))
    return lines


def _ignored(others: Sequence[Path]) -> list[Text]:
    own = "{file}: is a database, which is a source of its own: name it in place of the folder."
    said = [Text(own, {"file": path.name}) for path in others if is_database(path)]
    names = [path.name for path in others if not is_database(path)]
    return [*said, *([Text("not read: {words}.", {"words": words(names)})] if names else [])]
