"""Which rows of a file count: those of which words of a status, of somebody, with what they must have, and once?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from crmkit.core.errors import counted
from crmkit.data.intake.words import word_of
from crmkit.data.presets.draft import Draft
from crmkit.data.presets.preset import StatusWords, positions
from crmkit.data.presets.questions import Answers, words
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
                conditions.append(f"coalesce({word_of(seen.name)}, '') NOT IN ({_listed(found)})")
    if draft.preset.status is not None:
        for at in positions(draft.preset.status.header, headers)[:1]:
            if at not in draft.at.values() and draft.sight.column(at).words:
                conditions += _status(draft, draft.sight.column(at), draft.preset.status, answers=answers)
    counts = " AND ".join(conditions)
    if "customer_id" in draft.at:
        _nobody(con, draft, counts, answers=answers)
    for ours in draft.contract.required:
        if ours in draft.at:
            _without(con, draft, ours, counts, answers=answers)
    if draft.contract.returns and "amount" in draft.at:
        _returns(con, draft, counts, answers=answers)
    _doubles(con, draft, counts, answers=answers)
    _several(con, draft, counts)


def _status(draft: Draft, seen: Seen, status: StatusWords, *, answers: Answers) -> list[str]:
    """The words of the status that count, and the SQL that says so."""
    counts = {word.casefold() for word in status.counts}
    does_not = {word.casefold() for word in status.does_not}
    good = [word for word, _ in seen.words if word.casefold() in counts]
    unknown = [(word, n) for word, n in seen.words if word.casefold() not in counts | does_not]
    about, noun = f"{draft.label}, {seen.header}", "money" if draft.table == "transactions" else "what is counted"
    safe = not good
    if len(unknown) > ASKED_EACH:
        listed = words([word for word, _ in unknown])
        if answers.yes(about, f"do rows with {seen.header} {listed} count as {noun}?", safe=safe):
            good += [word for word, _ in unknown]
    else:
        for word, n in unknown:
            if answers.yes(about, f"do the {counted(n, 'row')} with {seen.header} {word!r} count as {noun}?", safe=safe):
                good.append(word)
    left = [(word, n) for word, n in seen.words if word not in good]
    empty = draft.sight.rows - seen.filled
    if empty:
        left.append(("(empty)", empty))
    if not good:
        draft.notes.append(f"no word of {seen.header!r} counts: every row is kept")
        return []
    if left:
        draft.settings.setdefault("only", {})[seen.header] = good
        draft.comments["only"] = "rows that count; left out: " + ", ".join(f"{word} {n:,}" for word, n in left[:6])
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
        if answers.yes(about, f"{word!r} stands in {counted(n, 'row')}: is that nobody in particular (guests)?", safe=True):
            draft.settings.setdefault("no_customer", []).append(word)


def _without(con: Any, draft: Draft, ours: str, counts: str, *, answers: Answers) -> None:
    seen = draft.seen(ours)
    (n,) = query(con, f"SELECT count(*) FROM {draft.sight.raw.relation} WHERE {counts} AND {word_of(seen.name)} IS NULL")[0]
    if n and answers.yes(
        f"{draft.label}, {seen.header}", f"{counted(n, 'row')} without {seen.header}: are they left out?", safe=True
    ):
        draft.settings.setdefault("leave_out", {})[seen.header] = [""]


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
            draft.notes.append(f"{with_it:,} order ids begin with {prefix}: these rows are returns")
    read = "crm_comma" if draft.settings.get("decimal") == "," else "crm_dot"
    (below,) = query(con, f"SELECT count(*) FROM {relation} WHERE {counts} AND {read}({amount.name}) < 0")[0]
    marked = {"is_return", "quantity"} & set(draft.at) or "returns" in draft.settings
    if below and not marked:
        about = f"{draft.label}, {amount.header}"
        if answers.yes(about, f"{counted(below, 'amount')} below zero: are these returns?", safe=True):
            draft.settings["negative_amounts"] = "returns"


def _doubles(con: Any, draft: Draft, counts: str, *, answers: Answers) -> None:
    """Rows that stand twice, as where two exports overlap."""
    contract, relation = draft.contract, draft.sight.raw.relation
    keys = [ours for ours in contract.unique if ours != "item_id"]
    if keys and all(ours in draft.at for ours in keys):
        key = ", ".join(word_of(draft.seen(ours).name) for ours in keys)
        what = " and ".join(draft.seen(ours).header for ours in keys)
    elif contract.repeats and contract.repeats in draft.at:
        key, what = ", ".join(word_of(seen.name) for seen in draft.sight.columns), "every column"
    else:
        return
    rows, different = query(con, f"SELECT count(*), count(DISTINCT ({key})) FROM {relation} WHERE {counts}")[0]
    twice = rows - different
    if twice and answers.yes(
        draft.label, f"{counted(twice, 'row')} equal to an earlier one in {what}: are they set aside?", safe=True
    ):
        share = -(-100 * twice // max(rows, 1)) / 100
        draft.settings["rejects"] = min(share, 1.0)
        draft.comments["rejects"] = f"{twice:,} of {rows:,} rows stand twice in {what}"


def _several(con: Any, draft: Draft, counts: str) -> None:
    """What a single line cannot say: an order that stands in two exports in two states, a deal of several customers."""
    relation = draft.sight.raw.relation
    if len(draft.sight.files) > 1 and "order_id" in draft.at:
        order, line = word_of(draft.seen("order_id").name), ", ".join(word_of(seen.name) for seen in draft.sight.columns)
        (n,) = query(
            con,
            f"SELECT count(*) FROM (SELECT {order} FROM {relation} WHERE {counts} AND {order} IS NOT NULL GROUP BY {order}"
            f" HAVING count(DISTINCT __file) > 1 AND count(DISTINCT ({line})) > 1)",
        )[0]
        if n:
            said = f"{counted(n, 'order')} in several files with different lines: all of them count; keep the newest export"
            draft.notes.append(said)
            draft.comments["file"] = said
    if draft.table == "opportunities" and "customer_id" in draft.at:
        seen = draft.seen("customer_id")
        (n,) = query(con, f"SELECT count(*) FROM {relation} WHERE {counts} AND contains({word_of(seen.name)}, ';')")[0]
        if n:
            draft.notes.append(
                f"{counted(n, 'row')} of {seen.header!r} with several customers; each such list counts as one customer"
            )


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(literal(text) for text in texts)
