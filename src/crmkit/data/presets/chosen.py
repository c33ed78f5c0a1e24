"""Which rows of a file count: those of which words of a status, of somebody, with what they must have, and once?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crmkit.core.results import Text
from crmkit.data.intake import phrases
from crmkit.data.intake.choice import tells_status
from crmkit.data.intake.words import is_empty_word, word_of
from crmkit.data.presets.draft import Draft
from crmkit.data.presets.preset import StatusWords, positions
from crmkit.data.presets.questions import Answers, Said, count, words
from crmkit.data.presets.sight import Seen
from crmkit.data.sources.engine import literal, query

# words of a status that are asked for one by one
ASKED_EACH = 8


def choose_rows(con: Any, draft: Draft, *, answers: Answers) -> None:
    """Which rows count: words of a status, lines that are none, ids of nobody, rows without what they must have."""
    headers = [seen.header for seen in draft.sight.columns]
    conditions = ["true"]
    for header, listed in draft.preset.leave_out.items():
        for at in positions([header], headers)[:1]:
            seen = draft.sight.column(at)
            folded = {word.casefold() for word in listed}
            found = [word for word, _ in seen.words if word.casefold() in folded]
            if found:
                draft.settings.setdefault("leave_out", {})[seen.header] = found
                n = sum(rows for word, rows in seen.words if word in found)
                left: Said = {"n": count(n), "header": seen.header, "words": words(found)}
                draft.notes.append(Text("{n} {n:row|rows} with {header} {words} {n:is|are} left out", left))
                conditions.append(f"coalesce({word_of(seen.name)}, '') NOT IN ({_listed(found)})")
    if draft.preset.status is not None:
        for at in positions(draft.preset.status.header, headers)[:1]:
            seen = draft.sight.column(at)
            free = at not in draft.at.values() and seen.words
            if free and tells_status(seen.header, [word for word, _ in seen.words]):
                conditions += _status(draft, seen, draft.preset.status, answers=answers)
    counts = " AND ".join(conditions)
    if "customer_id" in draft.at:
        _nobody(con, draft, counts, answers=answers)
    for ours in draft.contract.required:
        if ours in draft.at:
            _without(con, draft, ours, counts, answers=answers)
    if draft.contract.returns and "amount" in draft.at:
        _returns(con, draft, counts, answers=answers)
    _doubles(con, draft, counts, answers=answers)
    _several(con, draft, counts, answers=answers)


def _status(draft: Draft, seen: Seen, status: StatusWords, *, answers: Answers) -> list[str]:
    """The words of the status that count, and the SQL that says so."""
    counts = {word.casefold() for word in status.counts}
    does_not = {word.casefold() for word in status.does_not}
    good = [word for word, _ in seen.words if word.casefold() in counts]
    unknown = [(word, n) for word, n in seen.words if word.casefold() not in counts | does_not]
    about, noun = f"{draft.label}, {seen.header}", Text("money" if draft.table == "transactions" else "what is counted")
    safe = not good
    if len(unknown) > ASKED_EACH:
        numbers: Said = {"header": seen.header, "words": words([word for word, _ in unknown]), "noun": noun}
        if answers.yes(about, Text("do rows with {header} {words} count as {noun}?", numbers), safe=safe):
            good += [word for word, _ in unknown]
    else:
        for word, n in unknown:
            numbers = {"n": count(n), "header": seen.header, "word": repr(word), "noun": noun}
            if answers.yes(about, Text("do the {n} {n:row|rows} with {header} {word} count as {noun}?", numbers), safe=safe):
                good.append(word)
    left = [(word, n) for word, n in seen.words if word not in good]
    empty = draft.sight.rows - seen.filled
    if empty:
        left.append((answers.say(Text("(empty)")), empty))
    if not good:
        draft.notes.append(Text("no word of {header} counts: every row is kept", {"header": repr(seen.header)}))
        return []
    if left:
        draft.settings.setdefault("only", {})[seen.header] = good
        listed = ", ".join(f"{word} {n:,}" for word, n in left[:6])
        draft.comments["only"] = Text("rows that count; left out: {words}", {"words": listed})
    return [f"{word_of(seen.name)} IN ({_listed(good)})"]


def _nobody(con: Any, draft: Draft, counts: str, *, answers: Answers) -> None:
    seen = draft.seen("customer_id")
    if not draft.preset.no_customer:
        return
    found = query(
        con,
        f"SELECT {word_of(seen.name)} AS x, count(*) FROM {draft.sight.raw.relation} WHERE {counts}"
        f" AND lower({word_of(seen.name)}) IN ({_listed(draft.preset.no_customer)}) GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    for word, n in found:
        about = f"{draft.label}, {seen.header}"
        text = Text(
            "{word} stands in {n} {n:row|rows}: is that nobody in particular (guests)?", {"word": repr(word), "n": count(n)}
        )
        if answers.yes(about, text, safe=True):
            draft.settings.setdefault("no_customer", []).append(word)


def _without(con: Any, draft: Draft, ours: str, counts: str, *, answers: Answers) -> None:
    seen = draft.seen(ours)
    word = word_of(seen.name)
    found = query(
        con,
        f"SELECT coalesce({word}, '') AS x, count(*) FROM {draft.sight.raw.relation}"
        f" WHERE {counts} AND ({word} IS NULL OR {is_empty_word(seen.name, 'id', 'VARCHAR')}) GROUP BY 1 ORDER BY 2 DESC, 1",
    )
    n = sum(rows for _, rows in found)
    text = Text("{n} {n:row|rows} without {header}: {n:is it|are they} left out?", {"n": count(n), "header": seen.header})
    if n and answers.yes(f"{draft.label}, {seen.header}", text, safe=True):
        draft.settings.setdefault("leave_out", {})[seen.header] = [one for one, _ in found]


def _returns(con: Any, draft: Draft, counts: str, *, answers: Answers) -> None:
    amount, relation = draft.seen("amount"), draft.sight.raw.relation
    prefix = draft.preset.prefix
    if prefix and "order_id" in draft.at:
        order = word_of(draft.seen("order_id").name)
        with_it, plain, rows = query(
            con,
            f"SELECT count(*) FILTER (regexp_full_match({order}, '{prefix}[0-9]+')),"
            f" count(*) FILTER (regexp_full_match({order}, '[0-9]+')), count({order}) FROM {relation} WHERE {counts}",
        )[0]
        if with_it and plain > with_it and with_it + plain > 0.99 * rows:
            draft.settings["returns"] = {"prefix": prefix}
            text = Text(
                "{n} order {n:id begins|ids begin} with {prefix}: these rows are returns",
                {"n": count(with_it), "prefix": prefix},
            )
            draft.notes.append(text)
    read = phrases.number(amount.name, "comma" if draft.settings.get("decimal") == "," else "dot")
    (below,) = query(con, f"SELECT count(*) FROM {relation} WHERE {counts} AND {read} < 0")[0]
    marked = {"is_return", "quantity"} & set(draft.at) or "returns" in draft.settings
    if below and not marked:
        about = f"{draft.label}, {amount.header}"
        if answers.yes(
            about,
            Text("{n} {n:amount|amounts} below zero: {n:is it a return|are these returns}?", {"n": count(below)}),
            safe=True,
        ):
            draft.settings["negative_amounts"] = "returns"


def _doubles(con: Any, draft: Draft, counts: str, *, answers: Answers) -> None:
    """Rows that stand twice, and what has changed from one file to the next where exports overlap."""
    contract, relation = draft.contract, draft.sight.raw.relation
    numbers: Said
    line = ", ".join(word_of(seen.name) for seen in draft.sight.columns)
    number = [ours for ours in contract.unique or ("order_id",) if ours != "item_id"]
    if len(draft.sight.files) > 1 and all(ours in draft.at for ours in number):
        one = ", ".join(word_of(draft.seen(ours).name) for ours in number)
        given = " AND ".join(f"{word_of(draft.seen(ours).name)} IS NOT NULL" for ours in number)
        several, changed = query(
            con,
            "SELECT count(*), count(*) FILTER (lines > rows_of_one) FROM (SELECT count(DISTINCT __file) AS files,"
            f" count(DISTINCT ({line})) AS lines, max(n) AS rows_of_one FROM (SELECT *, count(*) OVER (PARTITION BY __file,"
            f" {one}) AS n FROM {relation} WHERE {given}) GROUP BY {one}) WHERE files > 1",
        )[0]
        numbers = {
            "n": count(several),
            "changed": count(changed),
            "header": " and ".join(draft.seen(ours).header for ours in number),
        }
        text = Text(
            "{n} {n:value|values} of {header} in several files, {changed} with other lines: does the file with the latest rows"
            " count?",
            numbers,
        )
        if changed and answers.yes(draft.label, text, safe=True):
            draft.settings["repeats"] = "newest"
            said = "of {n} {n:value|values} of {header} in several files, {changed} with other lines, the newest file counts"
            draft.comments["repeats"] = Text(said, numbers)
            return
    keys = [ours for ours in contract.unique if ours != "item_id"]
    what: Text | str
    if keys and all(ours in draft.at for ours in keys):
        key = ", ".join(word_of(draft.seen(ours).name) for ours in keys)
        what = " and ".join(draft.seen(ours).header for ours in keys)
    elif contract.repeats and contract.repeats in draft.at:
        key, what = line, Text("every column")
    else:
        return
    rows, different = query(con, f"SELECT count(*), count(DISTINCT ({key})) FROM {relation} WHERE {counts}")[0]
    twice = rows - different
    numbers = {"n": count(twice), "what": what, "rows": count(rows)}
    text = Text("{n} {n:row|rows} equal to an earlier one in {what}: {n:is it|are they} set aside?", numbers)
    if twice and answers.yes(draft.label, text, safe=True):
        draft.settings["repeats"] = "drop"
        draft.comments["repeats"] = Text("{n} of {rows} rows {n:stands|stand} twice in {what}", numbers)


def _several(con: Any, draft: Draft, counts: str, *, answers: Answers) -> None:
    """Cells that name several customers, as of a deal of two companies."""
    if draft.table != "opportunities" or "customer_id" not in draft.at:
        return
    seen, relation = draft.seen("customer_id"), draft.sight.raw.relation
    (n,) = query(con, f"SELECT count(*) FROM {relation} WHERE {counts} AND contains({word_of(seen.name)}, ';')")[0]
    text = Text("{n} {n:row names|rows name} several customers, with ; between them: does the first count?", {"n": count(n)})
    if n and answers.yes(f"{draft.label}, {seen.header}", text, safe=True):
        draft.settings["first_of"] = {"customer_id": ";"}


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(literal(text) for text in texts)
