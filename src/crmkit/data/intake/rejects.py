"""Which rows cannot be used, why, and what becomes of them? They are counted, shown and kept in a file; never lost.

Rows that hold nothing of the table - a header line repeated, a line of totals, an empty line - are set aside and counted. Rows
that should be usable and are not stop the run, unless their share is small enough to have been allowed beforehand.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crmkit.core.errors import ROWS_SHOWN, DataError, Problem, counted, quoted, rows, shortened
from crmkit.core.language import Locale, say
from crmkit.core.results import Text
from crmkit.core.settings import ItemSettings, TableSettings
from crmkit.data.intake.choice import merged, reason_of
from crmkit.data.intake.derived import unknown_interval
from crmkit.data.intake.ids import is_spoiled
from crmkit.data.intake.plain import Look
from crmkit.data.intake.words import NOUNS, word_of
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.tables import TableContract

# what a spreadsheet takes for a formula, also after blanks and in the full-width forms of Chinese keyboards
FORMULA = r"^[\s\x{200b}-\x{200f}\x{2060}\x{feff}\"']*[=+\-@|%＝＋－＠−]"
PLAIN_NUMBER = r"^-[0-9][0-9.,]*$"
APOSTROPHE = "'"
SHORTENED = Text("a number that a spreadsheet has shortened")
# after every other reason
LAST = 10_000
ASIDE = {
    "header": Text("repeated header line"),
    "total": Text("line of totals"),
    "empty": Text("empty line"),
    "older": Text("stands in a newer file too"),
    "merged": Text("merged into another customer"),
}


@dataclass(frozen=True)
class SetAside:
    """Rows left out for one reason; ``column`` is empty where the whole row shows it."""

    column: str
    reason: Text
    rows: int

    @property
    def text(self) -> Text:
        return Text("{column}: {reason}", {"column": self.column, "reason": self.reason}) if self.column else self.reason


@dataclass(frozen=True)
class Issue:
    """One kind of unusable row.

    Parameters
    ----------
    column : str
        Column that shows it; empty where the whole row does.
    condition : str
        SQL over the typed relation.
    reason : Text
        As written, in English, into the reject file.
    what : str
        For the message; ``{n}`` rows, ``{values}``, ``{rows}`` and ``{examples}`` are filled in.
    allowed : str
        What would be right.
    """

    column: str
    condition: str
    reason: Text
    what: str
    allowed: str

    @property
    def written(self) -> str:
        return say(self.reason, Locale())


@dataclass(frozen=True)
class Found:
    """One kind of unusable row that occurs: how many rows, the first of them, a few values; files where there are several."""

    issue: Issue
    count: int
    numbers: tuple[int, ...]
    examples: tuple[str, ...]
    files: tuple[str, ...] = ()


def list_issues(
    contract: TableContract, present: Sequence[str], *, settings: TableSettings, look: Look, params: str, lazy: bool
) -> list[Issue]:
    """Every kind of unusable row that a table could have, from its declaration; none that a look has excluded."""
    issues = [] if lazy else [_too_many_fields()]
    for name in present:
        column = contract.columns[name]
        ours, raw = identifier(name), identifier(f"{name}__raw")
        given = f"{word_of(raw)} IS NOT NULL"
        if column.required and not look.solid(name):
            # of AND the engine works out both sides for every row
            blank = f"CASE WHEN {ours} IS NULL THEN NOT ({given}) ELSE false END"
            blank = f"{ours} IS NULL" if column.kind in ("id", "text") else blank
            issues.append(Issue(name, blank, Text("empty"), "is empty in {n} {row_word} ({rows})", "every row needs a value"))
        if column.kind == "id" and not look.plain(name):
            what = "has {n} {value_word} that a spreadsheet has shortened ({rows}): {examples}"
            issues.append(Issue(name, is_spoiled(raw), SHORTENED, what, "export the column as text"))
        if column.kind not in ("id", "text") and not look.plain(name):
            # a flag with a default has lost its gap by now; what was read of it stands beside
            read = identifier(f"{name}__read") if column.default is not None else ours
            coded = f" AND NOT {identifier(f'{name}__na')}" if column.kind == "score" else ""
            unread = f"CASE WHEN {read} IS NULL THEN {given}{coded} ELSE false END"
            issues.append(_unreadable(name, unread, column.kind, params=params))
        if column.choices:
            allowed = f"map them to {', '.join(column.choices)} with values in {params}"
            others = ", ".join(literal(choice) for choice in column.choices)
            what = "has {n} {value_word} that {are} none of its words ({rows}): {examples}"
            issues.append(Issue(name, f"{ours} NOT IN ({others})", Text("none of the words of this column"), what, allowed))
        if column.low is not None:
            what = f"has {{n}} {{value_word}} below {column.low} ({{rows}})"
            below = Text("below {least}", {"least": f"{column.low}"})
            issues.append(Issue(name, f"{ours} < {column.low}", below, what, f"{column.low} or more is expected"))
        if column.high is not None:
            what = f"has {{n}} {{value_word}} above {column.high} ({{rows}})"
            above = Text("above {most}", {"most": f"{column.high}"})
            issues.append(Issue(name, f"{ours} > {column.high}", above, what, f"{column.high} or less is expected"))
    if "interval" in present:
        what = "has {n} {value_word} of unknown length ({rows}): {examples}"
        hint = f"say how many months each is under interval in {params}, for example {{year: 12}}"
        issues.append(Issue("interval", unknown_interval(settings), Text("interval of unknown length"), what, hint))
    issues += [_reversed(earlier, later) for earlier, later in contract.order if {earlier, later} <= set(present)]
    if contract.returns and contract.returns[0] in present:
        amount, flag = contract.returns
        negative = f"{identifier(amount)} < 0 AND NOT {identifier(flag)}"
        if "refunded" in present:
            what = "has {n} {value_word} greater than the amount ({rows}): {examples}"
            more = Text("more than the amount")
            issues.append(
                Issue("refunded", f"{negative} AND refunded > 0", more, what, "no more can be given back than was paid")
            )
            negative += " AND coalesce(refunded, 0) = 0"
        issues.append(
            Issue(
                amount,
                negative,
                Text("negative, and not marked as a return"),
                "has {n} negative {value_word} ({rows})",
                f"mark refunds with {flag}, or set negative_amounts: returns in {params}",
            )
        )
    return issues


def _reversed(earlier: str, later: str) -> Issue:
    """A pure date beside a time of the same day is not before it."""
    first, second = identifier(earlier), identifier(later)
    days = f"CAST({second} AS DATE) < CAST({first} AS DATE)"
    timed = f"{second} <> CAST({second} AS DATE)"
    what = f"has {{n}} {{value_word}} before {earlier} ({{rows}}): {{examples}}"
    before = Text("before {earlier}", {"earlier": earlier})
    return Issue(later, f"({days} OR ({second} < {first} AND {timed}))", before, what, f"{earlier} or later is expected")


def off_scale(column: str, where: str, item: str, one: ItemSettings, *, params: str) -> list[Issue]:
    """Answers to an item that are not on its scale: zeros, which often mean 'not applicable', and all others."""
    ours, (low, high) = identifier(column), one.scale
    of, span = f"of item {item!r} " if column != item else "", f"{low:g} to {high:g}"
    zero = low > 0
    numbers = {"item": item, "low": f"{low:g}", "high": f"{high:g}"}
    issues = []
    if zero:
        what = f"has {{n}} {{value_word}} 0 {of}({{rows}}), outside {span}"
        hint = f"if 0 means 'not applicable', write na: [0] for {item} under items in {params}"
        issues.append(Issue(column, f"{where} AND {ours} = 0", Text("{item}: 0, outside {low} to {high}", numbers), what, hint))
    others = f"{where} AND NOT {ours} BETWEEN {low} AND {high}" + (f" AND {ours} <> 0" if zero else "")
    what = f"has {{n}} {{value_word}} {of}outside {span} ({{rows}}): {{examples}}"
    hint = f"mend scale or na of {item} under items in {params}; two scales need an item each"
    return [*issues, Issue(column, others, Text("{item}: outside {low} to {high}", numbers), what, hint)]


def _too_many_fields() -> Issue:
    what = "has {n} {row_word} ({rows}) with more fields than the header line"
    return Issue(
        "", "__fields IS NOT NULL", Text("more fields than the header line"), what, "quote fields that hold the separator"
    )


def _unreadable(name: str, condition: str, kind: str, *, params: str) -> Issue:
    ways = {
        "date": f"write YYYY-MM-DD, or declare date_format in {params}",
        "timestamp": f"write YYYY-MM-DD hh:mm:ss, or declare date_format in {params}",
        "month": "write YYYY-MM",
        "cycle": "write 2025Q4, 2025H2, 2025-10 or 2025",
        "number": f"write 1234.50, or declare decimal in {params}",
        "money": f"write 1234.50, or declare decimal in {params}",
        "score": f"write a number; for words such as 'n/a' declare na under items in {params}",
        "integer": "write digits only",
        "boolean": "write true or false",
    }
    reason = Text("cannot be read as {kind}", {"kind": Text(NOUNS[kind])})
    what = f"has {{n}} {{value_word}} that cannot be read as {NOUNS[kind]} ({{rows}}): {{examples}}"
    return Issue(name, condition, reason, what, ways[kind])


def supersede(con: Any, typed: str, *, contract: TableContract, mapped: Sequence[str], where: str) -> str:
    """The relation in which of everything that stands in several files only the rows of the newest one count.

    The newest is the file whose last row is the latest, of several such files the last by name. What it says counts even where
    it says that a row does not count, as of an order that was cancelled since.

    Raises
    ------
    DataError
        When nothing says which rows are of one thing.
    """
    keys = [name for name in contract.unique or ("order_id",) if name in mapped]
    if not keys:
        raise DataError(Problem(where, "is 'newest', but no number says which rows are of one thing", "write drop"))
    names, last = _listed(keys), f"max({identifier(contract.event)})" if contract.event in mapped else "''"
    given = " AND ".join(f"{identifier(name)} IS NOT NULL" for name in keys)
    of = f"{typed} WHERE {given} AND (__aside IS NULL OR __aside LIKE 'left out: %' OR __aside LIKE 'no customer: %')"
    current = f"current_{typed}"
    query(
        con,
        f"CREATE OR REPLACE TABLE {current} AS WITH files AS (SELECT __file, row_number() OVER"
        f" (ORDER BY {last} NULLS FIRST, __file) AS place FROM {typed} GROUP BY __file),"
        f" newest AS (SELECT {names}, max(place) AS place FROM (SELECT * FROM {of}) AS t JOIN files USING (__file)"
        f" GROUP BY {names} HAVING min(place) < max(place))"
        " SELECT t.* REPLACE (CASE WHEN t.__aside IS NULL AND f.place < d.place THEN 'older' ELSE t.__aside END AS __aside)"
        f" FROM {typed} AS t JOIN files AS f USING (__file) LEFT JOIN newest AS d ON {_same(keys)}",
    )
    return current


def find_rejects(
    con: Any,
    typed: str,
    *,
    issues: Sequence[Issue],
    contract: TableContract,
    settings: TableSettings,
    mapped: Sequence[str],
) -> tuple[list[Found], bool]:
    """Which of these occur, and are there rows to be set aside for these or other reasons?

    One pass counts; only what occurs is looked at again. Then the rows go into the relation ``rejects_<table>`` of the engine.
    """
    counts = [f"count(*) FILTER (__aside IS NULL AND ({issue.condition}))" for issue in issues]
    aside, *found = query(con, f"SELECT {', '.join(['count(__aside)', *counts])} FROM {typed}")[0]
    repeats = _repeats(contract, mapped, stops=settings.repeats == "stop")
    repeating = repeats is not None and _any_repeats(con, typed, repeats)
    if not (aside or any(found) or repeating):
        return [], False
    query(
        con,
        f"CREATE OR REPLACE TABLE rejects_{typed} (__file VARCHAR, __row BIGINT, field VARCHAR, value VARCHAR, reason VARCHAR,"
        " stops BOOLEAN, place INTEGER)",
    )
    said = " ".join(f"WHEN {literal(code)} THEN {literal(say(text, Locale()))}" for code, text in ASIDE.items())
    first = identifier(f"{mapped[0]}__raw")
    why = f"CASE __aside {said} ELSE __aside END"
    _collect(con, typed, "__aside IS NOT NULL", field="__by", value=first, reason=why, stops=False, place=0)
    for place, (issue, count) in enumerate(zip(issues, found, strict=True), start=1):
        if count:
            value = f"CAST({identifier(f'{issue.column}__raw')} AS VARCHAR)" if issue.column else "CAST(__fields AS VARCHAR)"
            condition, field, reason = f"__aside IS NULL AND ({issue.condition})", literal(issue.column), literal(issue.written)
            _collect(con, typed, condition, field=field, value=value, reason=reason, stops=True, place=place)
    occurring = [issue for issue, count in zip(issues, found, strict=True) if count]
    doubled = [_collect_repeats(con, typed, repeats)] if repeats is not None and repeating else []
    occurring += [issue for issue, count in doubled if count]
    return [_summarise(con, typed, issue) for issue in occurring], bool(aside or occurring)


def _collect(con: Any, typed: str, condition: str, *, field: str, value: str, reason: str, stops: bool, place: int) -> None:
    query(
        con,
        f"INSERT INTO rejects_{typed} SELECT __file, __row, {field}, CAST({value} AS VARCHAR), {reason}, {stops}, {place}"
        f" FROM {typed} WHERE {condition}",
    )


@dataclass(frozen=True)
class Repeats:
    """In which columns two rows must not be equal, of which rows, and what is said of those that are.

    ``shared`` are those in which rows of two files must not be equal, where the files have not the same headers.
    """

    keys: tuple[str, ...]
    given: str
    value: str
    issue: Issue
    stops: bool
    shared: tuple[str, ...] = ()


def _repeats(contract: TableContract, mapped: Sequence[str], *, stops: bool) -> Repeats | None:
    if contract.unique:
        keys = contract.unique
        together = f" together with {', '.join(keys[1:])}" if keys[1:] else ""
        what = "has {n} {value_word} ({rows}) that an earlier row has" + together + ": {examples}"
        issue = Issue(keys[0], "", Text("stands more than once"), what, "one row each is expected")
        return Repeats(keys, "true", identifier(keys[0]), issue, stops)
    if not contract.repeats or contract.repeats not in mapped:
        return None
    what = "has {n} {row_word} ({rows}) equal to an earlier one in every column"
    line = "each line of an order" if contract.repeats == "order_id" else "each row"
    issue = Issue("", "", Text("equal to an earlier row in every column"), what, f"{line} is expected once")
    ours = identifier(contract.repeats)
    return Repeats((*mapped, "__line"), f"{ours} IS NOT NULL", ours, issue, stops, (*mapped, "__common"))


def _any_repeats(con: Any, typed: str, repeats: Repeats) -> bool:
    """Whether two rows may be equal: equal rows have equal hashes, and hashes are compared faster than rows."""
    tests = [f"count(*) > count(DISTINCT hash({_listed(repeats.keys)}))"]
    if repeats.shared:
        common = "FILTER (__common IS NOT NULL)"
        tests.append(f"count(__common) > count(DISTINCT hash({_listed(repeats.shared)})) {common}")
    usable = f"{typed} WHERE __aside IS NULL AND {repeats.given}"
    ((several,),) = query(con, f"SELECT {' OR '.join(tests)} FROM {usable}")
    return bool(several)


def _collect_repeats(con: Any, typed: str, repeats: Repeats) -> tuple[Issue, int]:
    """Rows that say the same as an earlier one; their own condition needs the other rows, so they are collected here."""
    written = literal(repeats.issue.written)
    names = _listed(repeats.keys)
    usable = f"{typed} WHERE __aside IS NULL AND {repeats.given}"
    doubled = f"SELECT {names} FROM {usable} GROUP BY {names} HAVING count(*) > 1"
    query(
        con,
        f"INSERT INTO rejects_{typed} SELECT __file, __row, {literal(repeats.issue.column)}, {repeats.value}, {written},"
        f" {repeats.stops}, {LAST} FROM (SELECT *, row_number() OVER (PARTITION BY {names} ORDER BY __file, __row) AS __nth"
        f" FROM (SELECT * FROM {usable}) AS t SEMI JOIN ({doubled}) AS d ON {_same(repeats.keys)}) WHERE __nth > 1",
    )
    if repeats.shared:
        _collect_repeats_between_files(con, typed, repeats, usable=usable, reason=written)
    (count,) = query(con, f"SELECT count(*) FROM rejects_{typed} WHERE reason = {written}")[0]
    return repeats.issue, count


def _collect_repeats_between_files(con: Any, typed: str, repeats: Repeats, *, usable: str, reason: str) -> None:
    """Rows that an earlier file has too, in all columns that the files share; as many count as one file has at most."""
    names = _listed(repeats.shared)
    query(
        con,
        f"INSERT INTO rejects_{typed} SELECT __file, __row, '', {repeats.value}, {reason}, {repeats.stops}, {LAST} FROM"
        f" (SELECT *, row_number() OVER (PARTITION BY {names}, __nth ORDER BY __file) AS __again"
        f" FROM (SELECT *, row_number() OVER (PARTITION BY {names}, __file ORDER BY __row) AS __nth"
        f" FROM (SELECT * FROM {usable} AND __common IS NOT NULL) AS t ANTI JOIN rejects_{typed} AS r USING (__file, __row)))"
        " WHERE __again > 1",
    )


def _listed(keys: Sequence[str]) -> str:
    return ", ".join(identifier(name) for name in keys)


def _same(keys: Sequence[str]) -> str:
    return " AND ".join(f"t.{identifier(name)} IS NOT DISTINCT FROM d.{identifier(name)}" for name in keys)


def _summarise(con: Any, typed: str, issue: Issue) -> Found:
    where = f"rejects_{typed} WHERE field = {literal(issue.column)} AND reason = {literal(issue.written)}"
    (count,) = query(con, f"SELECT count(*) FROM {where}")[0]
    first = query(con, f"SELECT __row, value, __file FROM {where} ORDER BY __file, __row LIMIT {ROWS_SHOWN}")
    numbers = tuple(row for row, *_ in first if row is not None)
    examples = tuple(dict.fromkeys(shortened(str(value).strip()) for _, value, _ in first))
    (several,) = query(con, f"SELECT min(__file) <> max(__file) FROM {typed}")[0]
    return Found(issue, count, numbers, examples, tuple(file for *_, file in first) if several else ())


def explain(found: Found, *, table: str, file: str) -> Problem:
    """The sentence that says what to mend."""
    issue = found.issue
    listed = rows(found.numbers, total=found.count, files=found.files) if found.numbers else counted(found.count, "row")
    what = issue.what.format(
        n=found.count,
        rows=listed,
        examples=", ".join(quoted(repr(example)) for example in found.examples),
        row_word="row" if found.count == 1 else "rows",
        value_word="value" if found.count == 1 else "values",
        are="is" if found.count == 1 else "are",
    )
    place = f"{table}: column {issue.column!r}" if issue.column else f"{table}:"
    return Problem(place, what, issue.allowed, f"every such row is in {file}")


def count_reasons(con: Any, typed: str, found: Sequence[Found]) -> tuple[tuple[SetAside, ...], int, int]:
    """Rows per reason, rows that stop a run, and all rows that are not kept; a row with two reasons counts under the first."""
    known = {(each.issue.column, each.issue.written): each.issue.reason for each in found}
    known |= {("", say(text, Locale())): text for text in ASIDE.values()}
    counted = query(
        con,
        "SELECT field, reason, count(*) FROM (SELECT field, reason FROM"
        f" rejects_{typed} QUALIFY row_number() OVER (PARTITION BY __file, __row ORDER BY place, field, reason) = 1)"
        " GROUP BY ALL",
    )
    aside = (SetAside(column, reason_of(reason) or known[column, reason], rows) for column, reason, rows in merged(counted))
    reasons = tuple(sorted(aside, key=lambda each: say(each.text, Locale())))
    stopping, everything = query(
        con, f"SELECT count(DISTINCT (__file, __row)) FILTER (stops), count(DISTINCT (__file, __row)) FROM rejects_{typed}"
    )[0]
    return reasons, stopping, everything


def write_rejects(con: Any, typed: str, *, to: Path, some: bool) -> None:
    """Every row that is not kept, with its number, column, value and reason; an older file is replaced or removed.

    Folder and file are readable by their owner alone. Values are as the export has them, but for an apostrophe before what a
    spreadsheet would take for a formula.
    """
    if not some:
        to.unlink(missing_ok=True)
        return
    to.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = to.with_name(f".{to.name}.{os.getpid()}")
    # made here, and written into: the engine's own files are for everybody to read
    os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    query(
        con,
        f"COPY (SELECT {_guarded('__file')} AS file, __row AS row, nullif(field, '') AS column, {_guarded('value')} AS value,"
        f" {_guarded('reason')} AS reason FROM rejects_{typed}"
        f" ORDER BY ALL) TO {literal(partial)} (FORMAT csv, HEADER true, USE_TMP_FILE false)",
    )
    partial.replace(to)


def _guarded(text: str) -> str:
    """SQL for a text that no spreadsheet runs; plain numbers stay numbers."""
    runs = f"regexp_matches({text}, {literal(FORMULA)}) AND NOT regexp_matches({text}, {literal(PLAIN_NUMBER)})"
    return f"CASE WHEN {runs} THEN {literal(APOSTROPHE)} || {text} ELSE {text} END"
