"""Lines that are no rows, rows that stand twice, rows that do not count, and what a params file says of them."""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from random import Random

from crmkit.data.tables import TABLES
from exports.kinds_values import some_row
from exports.model import AFTER, AS_OF, REPEATED, USED, Export, Kind, Row, plain

TEXT = ("csv", "xlsx")
TOTALS = (
    "Total",
    "TOTAL:",
    "Grand Total",
    "Subtotal",
    "Totals",
    "Totale",
    "Totaal",
    "Summe",
    "Gesamt",
    "Gesamtsumme",
    "Suma",
    "Razem",
    "Celkem",
    "Toplam",
    "Итого",
    "Всего",
    "合计",
    "总计",
    "合 计",
    "小计",
    "總計",
    "Total 2025",
    "Grand Totals (30 records)",
    "合计：",
)


def insert(export: Export, rng: Random, row: Row) -> None:
    """Put a line somewhere between the first and the last row."""
    export.rows.insert(rng.randint(1, len(export.rows)), row)


def _line(export: Export, **cells: str) -> list[str]:
    return [cells.get(name, "") for name in export.headers]


def _first_text(export: Export) -> str:
    return next(iter(export.headers))


def row_kinds() -> list[Kind]:
    """Lines of all sorts between the rows."""
    kinds = []
    for name, text in {
        "empty line": "",
        "line of blanks": "   ",
        "line of tabs": "\t",
        "line of no-break blanks": "\xa0",
    }.items():

        def empty(export: Export, rng: Random, text: str = text) -> bool:
            if "lines" in export.touched:
                return False
            if not text:
                insert(export, rng, Row({"line": [""] * len(export.headers)}, {}, "empty line"))
            else:
                insert(export, rng, Row({"line": [text, *[""] * (len(export.headers) - 1)]}, {}, "empty line"))
            export.touched.add("lines")
            return True

        # rows of a workbook without any cell are not in the file
        kinds.append(Kind(f"row: {name}", empty, sources=TEXT if text else ("csv",)))

    def header(export: Export, rng: Random) -> bool:
        if {"lines", "header"} & export.touched:
            return False
        insert(export, rng, Row({"line": list(export.headers.values())}, {}, "repeated header line"))
        export.touched |= {"lines", "header"}
        return True

    kinds.append(Kind("row: the header once more", header, sources=TEXT))
    for word in TOTALS:

        def total(export: Export, rng: Random, word: str = word) -> bool:
            event = TABLES[export.table].event
            first = _first_text(export)
            if {"lines", "header", first} & export.touched or export.kinds.get(first) != "id" or event not in export.kinds:
                return False
            # totals are written as the rows are
            money = {name: str(export.rows[0].cells.get(name, "")) for name in export.columns("money")}
            export.rows.append(Row({"line": _line(export, **{first: word}, **money)}, {}, "line of totals"))
            export.touched |= {"lines", *money}
            return True

        kinds.append(Kind(f"row: {word}", total, sources=TEXT))

    def dated(export: Export, rng: Random) -> bool:
        if "lines" in export.touched or {"customer_id", "ordered_at", "amount"} & export.touched:
            return False
        line = _line(export, customer_id="Total", ordered_at="2024-06-30", amount="99999.00")
        export.rows.append(Row({"line": line}, {}, "line of totals"))
        export.touched |= {"lines", "customer_id", "amount"}
        return True

    def more(export: Export, rng: Random) -> bool:
        row = rng.choice(export.used())
        if "lines" in export.touched or "line" in row.cells:
            return False
        row.cells["more"] = ["one", "two"]
        row.fate = "more fields than the header line"
        export.touched.add("lines")
        return True

    kinds += [
        Kind("row: a total with a date", dated, tables=("transactions",), sources=TEXT),
        Kind("row: more fields than headers", more, stage="row", sources=("csv",)),
        Kind("row: later than the last day", _later),
        Kind("row: several later ones", _later_twice),
        Kind("row: twice in every column", _repeated, stage="row", tables=("transactions", "subscriptions", "ticket_events")),
        Kind("row: twice but for an unread column", _unread_differs, tables=("transactions",)),
        Kind("row: equal purchases without an order id", _equal_purchases, tables=("transactions",)),
        Kind("row: a key twice", _key_twice, stage="row"),
        Kind("row: end before start", _reversed, stage="row"),
    ]
    return kinds


def _later(export: Export, rng: Random) -> bool:
    contract = TABLES[export.table]
    event = "responded_at" if export.table == "surveys" else contract.event
    followers = {second for first, second in contract.order if first == event and second in export.kinds}
    if event not in export.kinds or event in export.touched or followers & export.touched or export.table in NEVER_LATER:
        return False
    if export.kinds[event] not in ("date", "timestamp"):
        return False
    rows = export.used()[1:]
    row = rng.choice(rows)
    day = AS_OF + dt.timedelta(days=rng.randint(1, 40))
    value = dt.datetime.combine(day, dt.time(10, 0)) if export.kinds[event] == "timestamp" else day
    row.truth[event], row.cells[event] = value, plain(value)
    for name in followers:
        row.truth[name], row.cells[name] = None, ""
    row.fate = AFTER
    export.touched.add(event)
    return True


# tables that are not cut at a day
NEVER_LATER = ("goals", "actions", "risks", "processes", "evidence", "benchmarks", "surveys", "staff", "customers", "campaigns")


def _later_twice(export: Export, rng: Random) -> bool:
    if not _later(export, rng):
        return False
    event = TABLES[export.table].event
    export.touched.discard(event)
    return _later(export, rng)


def _repeated(export: Export, rng: Random) -> bool:
    contract = TABLES[export.table]
    if contract.repeats not in export.kinds or "lines" in export.touched:
        return False
    at = rng.randrange(1, len(export.rows))
    again = copy.deepcopy(export.rows[at])
    if again.fate != USED or "line" in again.cells:
        return False
    again.fate = REPEATED
    export.rows.insert(rng.randint(at + 1, len(export.rows)), again)
    export.touched.add("lines")
    return True


def _unread_differs(export: Export, rng: Random) -> bool:
    if "lines" in export.touched or "order_id" not in export.kinds or "Line Item" in export.headers:
        return False
    export.headers["Line Item"] = "Line Item"
    for at, row in enumerate(export.rows):
        row.cells["Line Item"] = f"L{at}"
    row = rng.choice(export.used())
    again = copy.deepcopy(row)
    again.cells["Line Item"] = "another"
    export.rows.append(again)
    export.touched.add("lines")
    return True


def _equal_purchases(export: Export, rng: Random) -> bool:
    if {"lines", "order_id"} & export.touched:
        return False
    export.kinds.pop("order_id", None)
    export.headers.pop("order_id", None)
    export.rows.append(copy.deepcopy(rng.choice(export.used())))
    export.touched |= {"lines", "order_id"}
    return True


def _key_twice(export: Export, rng: Random) -> bool:
    keys = [name for name in TABLES[export.table].unique if name != "item_id"]
    if not keys or "lines" in export.touched or not set(keys) <= set(export.kinds) or set(keys) & export.touched:
        return False
    at = rng.randrange(1, len(export.rows))
    again = copy.deepcopy(export.rows[at])
    if again.fate != USED or "line" in again.cells:
        return False
    again.fate = f"{keys[0]}: stands more than once"
    export.rows.insert(rng.randint(at + 1, len(export.rows)), again)
    export.touched |= {"lines", *keys}
    return True


def _reversed(export: Export, rng: Random) -> bool:
    pairs = [(a, b) for a, b in TABLES[export.table].order if {a, b} <= set(export.kinds) and not {a, b} & export.touched]
    if not pairs:
        return False
    first, second = rng.choice(pairs)
    row = some_row(export, rng, first, second)
    if row is None:
        return False
    value = row.truth[first] - dt.timedelta(days=3)
    row.truth[second], row.cells[second] = value, plain(value)
    row.fate = f"{second}: before {first}"
    export.touched |= {first, second}
    return True


# what the params file says


def _status(words: tuple[str, ...]) -> Callable[[Export, Random], list[Row]]:
    def give(export: Export, rng: Random) -> list[Row]:
        export.headers["Status"] = "Status"
        for at, row in enumerate(export.rows):
            row.cells["Status"] = words[at % len(words)]
        return export.rows

    return give


def said_kinds() -> list[Kind]:
    """Which rows count, who is a customer, what an amount is made of."""
    return [
        Kind("said: leave_out", _leave_out),
        Kind("said: leave_out an empty cell", _leave_out_empty),
        Kind("said: only", _only),
        Kind("said: a header of leave_out that is not there", _leave_out_missing, stage="file"),
        Kind("said: no_customer", _no_customer, tables=("transactions",)),
        Kind("said: returns marked", _returns_marked, tables=("transactions",)),
        Kind("said: negative amounts are returns", _negative("-{}"), tables=("transactions",)),
        Kind("said: returns in brackets", _negative("({})"), tables=("transactions",)),
        Kind("said: returns with the minus behind", _negative("{}-"), tables=("transactions",)),
        Kind("said: returns in brackets with a sign", _negative("(${})"), tables=("transactions",)),
        Kind("said: a minus before the sign", _negative("-${}"), tables=("transactions",)),
        Kind("said: a true minus", _negative("−{}"), tables=("transactions",)),
        Kind("said: returns by prefix", _prefix, tables=("transactions",)),
        Kind("said: a negative amount that nobody marked", _unmarked, stage="row", tables=("transactions",)),
        Kind("said: refunds beside the amount", _refunded, tables=("transactions",)),
        Kind("said: more refunded than paid", _refunded_too_much, stage="row", tables=("transactions",)),
        Kind("said: a refund below nought", _refunded_below, stage="row", tables=("transactions",)),
        Kind("said: quantity times price", _product, tables=("transactions",)),
        Kind("said: quantity below nought", _product_returned, tables=("transactions",)),
        Kind("said: yearly prices", _interval, tables=("subscriptions",)),
        Kind("said: an interval nobody knows", _interval_unknown, stage="row", tables=("subscriptions",)),
        Kind("said: an interval that is declared", _interval_declared, tables=("subscriptions",)),
        Kind("said: tenure instead of a start", _tenure, tables=("subscriptions",)),
        Kind("said: rates for a sign", _rates, tables=("transactions", "costs")),
        Kind("said: rates for a column", _rates_column, tables=("transactions",)),
        Kind("said: several currencies in a column", _several, stage="file", tables=("transactions",)),
        Kind("said: answers in words", _answers, tables=("surveys",)),
        Kind("said: anchored answers", _anchors, tables=("surveys",)),
        Kind("said: not applicable", _na, tables=("surveys",)),
        Kind("said: answer off its scale", _off_scale, stage="row", tables=("surveys",)),
        Kind("said: nought on a scale from one", _nought, stage="row", tables=("surveys",)),
        Kind("said: a duration", _duration, tables=("surveys",)),
        Kind("said: hours of a course", _hours, tables=("training",)),
        Kind("said: as_of after today", _future, stage="file"),
        Kind("said: unknown column", _unknown_column, stage="file"),
    ]


def _leave_out(export: Export, rng: Random) -> bool:
    if {"declared", "Status"} & export.touched or "status" in TABLES[export.table].columns:
        return False
    for row in _status(("paid", "paid", "Cancelled", "shipped"))(export, rng):
        # what does not count is not looked at further
        if row.cells["Status"] == "Cancelled" and "line" not in row.cells:
            row.fate = "Status: left out: Cancelled"
    export.declared["leave_out"] = {"Status": ["cancelled", "void"]}
    export.touched |= {"declared", "Status", "lines", "later"}
    return all(row.fate != AFTER for row in export.rows)


def _leave_out_empty(export: Export, rng: Random) -> bool:
    if {"declared", "Status"} & export.touched or "status" in TABLES[export.table].columns:
        return False
    for row in _status(("paid", "", "paid"))(export, rng):
        if row.cells["Status"] == "":
            row.fate = "Status: left out: (empty)"
    export.declared["leave_out"] = {"status": [""]}
    for row in export.rows:
        row.fate = row.fate.replace("Status:", "status:")
    export.touched |= {"declared", "Status", "lines"}
    return all(row.fate != AFTER and "line" not in row.cells for row in export.rows)


def _only(export: Export, rng: Random) -> bool:
    if {"declared", "Status"} & export.touched or "status" in TABLES[export.table].columns:
        return False
    for row in _status(("paid", "Failed", "PAID"))(export, rng):
        if row.cells["Status"] == "Failed":
            row.fate = "Status: left out: Failed"
    export.declared["only"] = {"Status": ["paid"]}
    export.touched |= {"declared", "Status", "lines"}
    return all(row.fate != AFTER and "line" not in row.cells for row in export.rows)


def _leave_out_missing(export: Export, rng: Random) -> bool:
    export.declared["leave_out"] = {"Statuss": ["paid"]}
    export.headers["Status"] = "Status"
    for row in export.rows:
        row.cells["Status"] = "paid"
    export.refused.append(("has no column 'Statuss' for leave_out", "'Status'"))
    return True


def _no_customer(export: Export, rng: Random) -> bool:
    if {"customer_id", "declared", "lines"} & export.touched:
        return False
    for row in export.used()[2:5]:
        row.cells["customer_id"] = "0"
        row.fate = "customer_id: no customer: 0"
    export.declared["no_customer"] = [rng.choice(("0", 0))]
    export.touched |= {"customer_id", "declared", "lines"}
    return all(row.fate != AFTER and "line" not in row.cells for row in export.rows)


def _add(export: Export, name: str, kind: str, values: list[object], texts: list[str] | None = None) -> None:
    """A further column of ours."""
    export.kinds[name], export.headers[name] = kind, name
    for at, row in enumerate(export.rows):
        row.truth[name] = values[at]
        row.cells[name] = texts[at] if texts else plain(values[at])
    export.touched.add(name)


def _free(export: Export, *names: str) -> bool:
    plain_rows = all("line" not in row.cells and row.fate in (USED, AFTER) for row in export.rows)
    return not (set(names) & export.touched) and plain_rows and "names" not in export.declared


def _returns_marked(export: Export, rng: Random) -> bool:
    if not _free(export, "amount", "is_return"):
        return False
    flags: list[object] = [at % 4 == 2 for at in range(len(export.rows))]
    _add(export, "is_return", "boolean", flags)
    for row in export.rows:
        if row.truth["is_return"]:
            row.truth["amount"] = -abs(row.truth["amount"])
    export.touched |= {"amount", "lines"}
    return True


def _negative(form: str) -> Callable[[Export, Random], bool]:
    def change(export: Export, rng: Random) -> bool:
        if not _free(export, "amount", "is_return", "declared"):
            return False
        export.kinds["is_return"] = "boolean"
        for at, row in enumerate(export.rows):
            row.truth["is_return"] = at % 3 == 1
            if at % 3 == 1:
                row.cells["amount"] = form.format(f"{row.truth['amount']:.2f}")
                row.truth["amount"] = -row.truth["amount"]
        export.declared["negative_amounts"] = "returns"
        export.touched |= {"amount", "is_return", "declared", "lines"}
        return True

    return change


def _prefix(export: Export, rng: Random) -> bool:
    if not _free(export, "amount", "is_return", "declared", "order_id") or "order_id" not in export.kinds:
        return False
    export.kinds["is_return"] = "boolean"
    for at, row in enumerate(export.rows):
        row.truth["is_return"] = at % 3 == 1
        row.truth["order_id"] = row.cells["order_id"] = f"{'C' if at % 3 == 1 else ''}{5360 + at}"
        if at % 3 == 1:
            row.truth["amount"] = -row.truth["amount"]
    export.declared["returns"] = {"prefix": "C"}
    export.touched |= {"amount", "is_return", "declared", "order_id", "lines"}
    return True


def _unmarked(export: Export, rng: Random) -> bool:
    if not _free(export, "amount"):
        return False
    row = some_row(export, rng, "amount")
    if row is None:
        return False
    row.cells["amount"] = "-12.50"
    row.fate = "amount: negative, and not marked as a return"
    export.touched.add("amount")
    return True


def _refunded(export: Export, rng: Random) -> bool:
    """What was given back is taken off: of all, of a part, of nothing."""
    if not _free(export, "amount", "refunded", "is_return", "lines"):
        return False
    shares = [Decimal(share) for share in ("0", "1", "0.25")]
    back = [(row.truth["amount"] * shares[at % 3]).quantize(Decimal("0.01")) for at, row in enumerate(export.rows)]
    empty = rng.random() < 0.5
    _add(export, "refunded", "money", [value or None if empty else value for value in back])
    for row, value in zip(export.rows, back, strict=True):
        row.truth["amount"] -= value
    export.touched |= {"amount", "lines"}
    return True


def _refunded_one(export: Export, rng: Random, share: Decimal, fate: str) -> bool:
    if not _refunded(export, rng):
        return False
    row = export.rows[rng.randrange(len(export.rows))]
    paid = row.truth["amount"] + (row.truth["refunded"] or 0)
    row.truth["refunded"] = (paid * share).quantize(Decimal("0.01"))
    row.cells["refunded"], row.fate = plain(row.truth["refunded"]), fate
    return True


def _refunded_too_much(export: Export, rng: Random) -> bool:
    return _refunded_one(export, rng, Decimal("1.5"), "refunded: more than the amount")


def _refunded_below(export: Export, rng: Random) -> bool:
    return _refunded_one(export, rng, Decimal("-0.5"), "refunded: below 0")


def _product(export: Export, rng: Random, returned: bool = False) -> bool:
    if not _free(export, "amount", "is_return") or "columns" in export.declared:
        return False
    export.headers.pop("amount")
    count = len(export.rows)
    prices = [Decimal(rng.randint(105, 9_999)) / 100 for _ in range(count)]
    pieces = [Decimal(-2 if returned and at % 3 == 1 else rng.randint(1, 9)) for at in range(count)]
    _add(export, "price", "money", list(prices))
    _add(export, "quantity", "number", list(pieces))
    for row, price, number in zip(export.rows, prices, pieces, strict=True):
        row.truth["amount"] = price * number
    if returned:
        export.kinds["is_return"] = "boolean"
        for row in export.rows:
            row.truth["is_return"] = row.truth["quantity"] < 0
    export.touched |= {"amount", "is_return", "lines"}
    return True


def _product_returned(export: Export, rng: Random) -> bool:
    return _product(export, rng, returned=True)


def _interval(export: Export, rng: Random, words: tuple[str, ...] = ("year", "month", "Quarter", "")) -> bool:
    if not _free(export, "mrr") or "mrr" not in export.kinds:
        return False
    months = {"year": 12, "month": 1, "Quarter": 3, "": 1, "biennial": 24}
    used = [words[at % len(words)] for at in range(len(export.rows))]
    _add(export, "interval", "text", [word or None for word in used])
    for row, word in zip(export.rows, used, strict=True):
        row.truth["mrr"] = Decimal(rng.randint(10, 90) * 2)
        row.cells["mrr"] = plain(row.truth["mrr"] * months[word])
    export.touched |= {"mrr", "lines"}
    return True


def _interval_declared(export: Export, rng: Random) -> bool:
    if "declared" in export.touched or not _interval(export, rng, ("biennial", "month")):
        return False
    export.declared["interval"] = {"biennial": 24}
    export.touched.add("declared")
    return True


def _interval_unknown(export: Export, rng: Random) -> bool:
    if not _interval(export, rng):
        return False
    row = some_row(export, rng, "mrr")
    if row is None:
        return False
    row.cells["interval"] = "fortnight"
    row.fate = "interval: interval of unknown length"
    return True


def _tenure(export: Export, rng: Random) -> bool:
    if not _free(export, "started_at", "ended_at"):
        return False
    export.headers.pop("started_at")
    export.headers.pop("ended_at", None)
    months: list[object] = [rng.randint(1, 30) for _ in export.rows]
    left: list[object] = [at % 3 == 0 for at in range(len(export.rows))]
    _add(export, "tenure", "integer", months)
    _add(export, "churned", "boolean", left)
    export.kinds["ended_at"] = "date"
    for row in export.rows:
        back = AS_OF.year * 12 + AS_OF.month - 1 - row.truth["tenure"]
        year, month = divmod(back, 12)
        last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - dt.timedelta(days=1)).day
        row.truth["started_at"] = dt.date(year, month + 1, min(AS_OF.day, last))
        row.truth["ended_at"] = AS_OF if row.truth["churned"] else None
    export.touched |= {"started_at", "ended_at", "lines"}
    return True


def _rates(export: Export, rng: Random) -> bool:
    if not _free(export, "amount", "declared"):
        return False
    for at, row in enumerate(export.used()):
        if at % 4 == 1:
            row.cells["amount"] = f"€{row.truth['amount']:.2f}"
            row.truth["amount"] = row.truth["amount"] * 2
    export.declared["rates"] = {"EUR": 2.0}
    export.touched |= {"amount", "declared"}
    return True


def _rates_column(export: Export, rng: Random) -> bool:
    if not _free(export, "amount", "declared", "currency"):
        return False
    words: list[object] = [("USD", "eur", "$", "€")[at % 4] for at in range(len(export.rows))]
    _add(export, "currency", "text", words)
    for row in export.rows:
        foreign = row.truth["currency"] in ("eur", "€")
        row.truth["currency"] = "EUR" if foreign else "USD"
        row.truth["amount"] *= 2 if foreign else 1
    export.declared["rates"] = {"EUR": 2.0}
    export.touched |= {"amount", "declared", "lines"}
    return True


def _several(export: Export, rng: Random) -> bool:
    if not _free(export, "amount", "declared", "currency"):
        return False
    words: list[object] = ["EUR" if at % 3 else "USD" for at in range(len(export.rows))]
    _add(export, "currency", "text", words)
    export.refused.append(("currency", "EUR"))
    export.touched |= {"amount", "declared", "lines"}
    return True


WORDS = {1: "Very dissatisfied", 2: "Dissatisfied", 3: "Neutral", 4: "Satisfied", 5: "Very satisfied"}


def _answers(export: Export, rng: Random) -> bool:
    if "csat" in export.touched or "csat" not in export.headers:
        return False
    export.write_column("csat", WORDS.__getitem__)
    export.declared["items"]["csat"]["answers"] = {word: number for number, word in WORDS.items()}
    export.touched.add("csat")
    return True


def _anchors(export: Export, rng: Random) -> bool:
    if "nps" in export.touched or "nps" not in export.headers:
        return False
    words = {0: "0 - Not at all likely", 10: "10 - Extremely likely", 5: "5 – so so", 7: "7: rather"}
    export.used()[0].truth["nps"] = 0
    export.write_column("nps", lambda value: words.get(value, str(value)))
    export.touched.add("nps")
    return True


def _na(export: Export, rng: Random) -> bool:
    if "csat" in export.touched or "csat" not in export.headers:
        return False
    for row in export.used()[1:4]:
        row.cells["csat"], row.truth["csat"] = rng.choice(("n/a", "(跳过)", "99")), None
    export.declared["items"]["csat"]["na"] = ["n/a", "(跳过)", 99]
    export.touched.add("csat")
    return True


def _off_scale(export: Export, rng: Random, text: str = "7", reason: str = "csat: csat: outside 1 to 5") -> bool:
    row = some_row(export, rng, "csat")
    if row is None or "csat" in export.touched:
        return False
    row.cells["csat"], row.fate = text, reason
    export.touched.add("csat")
    return True


def _nought(export: Export, rng: Random) -> bool:
    return _off_scale(export, rng, "0", "csat: csat: 0, outside 1 to 5")


def _duration(export: Export, rng: Random) -> bool:
    if not _free(export, "duration_seconds"):
        return False
    texts = {"30秒": 30, "5分12秒": 312, "2m 5s": 125, "1:02:03": 3723, "00:05": 5, "90": 90, "1小时": 3600, "3 min": 180}
    chosen = [list(texts)[at % len(texts)] for at in range(len(export.rows))]
    _add(export, "duration_seconds", "integer", [texts[text] for text in chosen], chosen)
    return True


def _hours(export: Export, rng: Random) -> bool:
    if not _free(export, "hours"):
        return False
    texts = {
        "2h 30m": Decimal("2.5"),
        "1:15": Decimal("1.25"),
        "3": Decimal(3),
        "45 min": Decimal("0.75"),
        "1.5": Decimal("1.5"),
    }
    chosen = [list(texts)[at % len(texts)] for at in range(len(export.rows))]
    if "hours" in export.kinds:
        for row, text in zip(export.rows, chosen, strict=True):
            row.cells["hours"], row.truth["hours"] = text, texts[text]
        export.touched.add("hours")
    else:
        _add(export, "hours", "number", [texts[text] for text in chosen], chosen)
    return True


def _future(export: Export, rng: Random) -> bool:
    if "client" in export.touched:
        return False
    export.client["as_of"] = "2999-01-01"
    export.refused.append(("as_of", "2999-01-01"))
    export.touched.add("client")
    return True


def _unknown_column(export: Export, rng: Random) -> bool:
    if "declared" in export.touched:
        return False
    export.declared["columns"] = {"custmer": next(iter(export.headers.values()))}
    export.refused.append(("unknown column 'custmer'",))
    export.touched.add("declared")
    return True
