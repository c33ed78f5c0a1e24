"""Which rows of an export does the client want to count: orders that are money, customers that are somebody?

``only`` and ``leave_out`` name words of any header of the export, also of one that is no column of ours; ``no_customer`` names
ids that stand for nobody. Such rows are set aside, counted by word, and what they would have brought is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmkit.core.errors import DataError, Problem, did_you_mean
from crmkit.core.language import Locale, say
from crmkit.core.masking import named
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake import phrases
from crmkit.data.intake.headers import Matched, find_header
from crmkit.data.intake.words import listed_words, word_of
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.tables import TableContract

Words = Sequence[str | int | float | bool]
# headers that often say which rows are money, or which answers are meant; of tables where every row counts
STATUS = ("status", "state", "financial status", "order status", "payment status", "stage", "subscription status")
STATUS_ZH = ("状态", "订单状态", "支付状态", "交易状态", "订单状况")
# a column of that name may hold the states of a country: it is a status where one of these words stands in it
AMBIGUOUS = "state"
STATES = frozenset(
    (
        "active",
        "cancelled",
        "canceled",
        "closed",
        "completed",
        "complete",
        "delivered",
        "failed",
        "fulfilled",
        "inactive",
        "new",
    )
) | {"lost", "open", "paid", "pending", "processing", "refunded", "returned", "shipped", "success", "unpaid", "void", "won"}
MOST_STATES = 20
STATUS_TABLES = ("transactions", "subscriptions", "surveys")
LEFT_OUT, NO_CUSTOMER = Text("left out: {word}"), Text("no customer: {word}")
OTHERS = "..."
EMPTY = Text("(empty)")
BY_WORD = {"left out: ": LEFT_OUT, "no customer: ": NO_CUSTOMER}
NAMED = 12
UNREAD_STATUS = Text(
    "the header {header} looks like a status and is not read ({words}); only or leave_out says which rows count"
)
NO_SUCH_WORD = Text("no row has {words} in {header}")
NOBODYS = Text("{n} {n:row without a customer brings|rows without a customer bring} {money}, {share} of the sum of {column}")


def carry(matched: Matched, headers: Sequence[str], *, table: str, settings: TableSettings, where: str, lines: bool) -> Matched:
    """What else is taken from the file: headers by which rows are chosen, and, for ``lines``, all that makes lines differ.

    Raises
    ------
    DataError
        When a header of ``only`` or ``leave_out`` is not there once.
    """
    also: dict[str, int] = {}
    problems: list[str | Problem] = []
    for key, wanted in [*(("only", one) for one in settings.only), *(("leave_out", one) for one in settings.leave_out)]:
        found = find_header(wanted, headers) or [matched.positions[one] for one in [wanted] if one in matched.positions]
        if len(found) == 1:
            also[wanted] = found[0]
        else:
            what = f"has {len(found) or 'no'} column{'s' if len(found) > 1 else ''} {wanted!r} for {key}"
            problems.append(Problem(where, what, hint="" if found else did_you_mean(wanted, headers)))
    if problems:
        raise DataError(problems)
    used = set(matched.positions.values())
    unread = {header: at for at, header in enumerate(headers) if at not in used}
    if table in STATUS_TABLES:
        names = {header: at for header, at in unread.items() if header.strip().casefold() in (*STATUS, *STATUS_ZH)}
        also |= {header: at for header, at in names.items() if at not in also.values()}
    rest = tuple(at for _, at in sorted((header, at) for at, header in enumerate(headers) if at not in used)) if lines else ()
    return replace(matched, also=also, rest=rest)


def tells_status(header: str, words: Sequence[str | None]) -> bool:
    """Whether words under a header named like a status can be one: few of them, and under "State" not those of a country."""
    if header.strip().casefold() != AMBIGUOUS:
        return len(words) <= MOST_STATES
    return any(word and word.casefold() in STATES for word in words)


def left_out(
    also: Sequence[str], types: Sequence[str] | Mapping[str, str], *, settings: TableSettings
) -> list[tuple[str, str, str]]:
    """Condition, what it is to be called, and the header of every reason for which rows are left out on request."""
    columns = {header: f"__also_{at}" for at, header in enumerate(also)}
    found = []
    for header, words in settings.only.items():
        x = columns[header]
        found.append((f"NOT {_is_one_of(x, words)}", f"'left out: ' || coalesce({word_of(x)}, '(empty)')", header))
    for header, words in settings.leave_out.items():
        x = columns[header]
        found.append((_is_one_of(x, words), f"'left out: ' || coalesce({word_of(x)}, '(empty)')", header))
    if settings.no_customer and "customer_id" in types:
        x = identifier("customer_id__raw")
        found.append((_is_one_of(x, settings.no_customer), f"'no customer: ' || {word_of(x)}", "customer_id"))
    return found


def reason_of(written: str) -> Text | None:
    """The reason of a row that was left out on request, from how it was written down; None for any other."""
    for start, text in BY_WORD.items():
        if written.startswith(start):
            word = written.removeprefix(start)
            return Text(text.template, {"word": EMPTY if word == EMPTY.template else named(word)})
    return None


def merged(counted: Sequence[tuple[str, str, int]]) -> list[tuple[str, str, int]]:
    """Field, reason and rows, with the rarest words of a header taken together where there are many."""
    kept: list[tuple[str, str, int]] = []
    by_word: dict[tuple[str, str], list[tuple[str, str, int]]] = {}
    for one in counted:
        start = next((start for start in BY_WORD if one[1].startswith(start)), "")
        if start:
            by_word.setdefault((one[0], start), []).append(one)
        else:
            kept.append(one)
    for (header, start), rows in by_word.items():
        rows.sort(key=lambda one: (-one[2], one[1]))
        shown, others = (rows, []) if len(rows) <= NAMED else (rows[: NAMED - 1], rows[NAMED - 1 :])
        kept += shown
        kept += [(header, start + OTHERS, sum(one[2] for one in others))] if others else []
    return kept


def choice_notes(
    con: Any, typed: str, also: Sequence[str], *, types: Sequence[str], settings: TableSettings, contract: TableContract
) -> list[Text]:
    """What a reader should know of the choice: a status that is not read, words that no row has, what nobody's rows bring."""
    notes: list[Text] = []
    for at, header in enumerate(also):
        word = word_of(f"__also_{at}")
        if header not in settings.only and header not in settings.leave_out:
            rows = query(con, f"SELECT {word}, count(*) FROM {typed} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50")
            if len(rows) > 1 and tells_status(header, [one for one, _ in rows]):
                notes.append(Text(UNREAD_STATUS.template, {"header": header, "words": listed_words(rows)}))
            continue
        for wanted in (settings.only.get(header, []), settings.leave_out.get(header, [])):
            tests = ", ".join(f"bool_or({_is_one_of(f'__also_{at}', [one])})" for one in wanted)
            seen = query(con, f"SELECT {tests} FROM {typed}")[0] if wanted else ()
            missing = ", ".join(str(one) for one, there in zip(wanted, seen, strict=True) if not there)
            notes += [Text(NO_SUCH_WORD.template, {"words": missing, "header": header})] if missing else []
    money = next((name for name in ("amount", "mrr") if name in types and contract.columns[name].kind == "money"), "")
    if settings.no_customer and money:
        x = identifier(money)
        nobody = "starts_with(__aside, 'no customer: ')"
        n, part, whole = query(
            con,
            f"SELECT count(*) FILTER ({nobody}), CAST(sum({x}) FILTER ({nobody}) AS DOUBLE),"
            f" CAST(sum({x}) FILTER ({nobody} OR __aside IS NULL) AS DOUBLE) FROM {typed}",
        )[0]
        if n and whole:
            numbers = {
                "n": Quantity(n, "count"),
                "money": Quantity(part or 0.0, "money"),
                "share": Quantity((part or 0.0) / whole, "share"),
            }
            notes.append(Text(NOBODYS.template, {**numbers, "column": money}))
    return notes


def written(reason: Text) -> str:
    """A reason as the reject file has it."""
    return say(reason, Locale())


def _is_one_of(x: str, words: Words) -> str:
    """The SQL that says whether a cell is one of the words, whatever their case."""
    texts = [_as_text(word).strip().casefold() for word in words]
    empty = f"{word_of(x)} IS NULL" if "" in texts else "false"
    flags = [f"{phrases.boolean(f'CAST({x} AS VARCHAR)')} = {str(word).lower()}" for word in words if isinstance(word, bool)]
    listed = ", ".join(literal(text) for text in texts)
    return f"coalesce({' OR '.join([f'lower({word_of(x)}) IN ({listed})', *flags, empty])}, false)"


def _as_text(word: str | int | float | bool) -> str:
    return f"{word:g}" if isinstance(word, float) else str(word)
