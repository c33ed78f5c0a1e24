"""Which of our columns can be worked out of others that the export has?

An amount is price times quantity; a monthly price is a yearly one by twelve; a contract of which only the months until the
export are told began that many months before ``as_of``; an answer sheet without a number is named by its file and row. An own
column always comes first. What was worked out is said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crmkit.core.errors import DataError, Problem, nearest
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake.headers import find_header
from crmkit.data.intake.phrases import MONEY
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.tables import TableContract

# a required column and those that it can be worked out of
PARTS = {"amount": ("price", "quantity"), "started_at": ("tenure",)}
MONTHS = {
    **dict.fromkeys(("month", "monthly", "monat", "monatlich", "mensual", "月", "每月", "月付"), 1),
    **dict.fromkeys(("quarter", "quarterly", "quartal", "季", "季度", "季付"), 3),
    **dict.fromkeys(("half_year", "semiannual", "半年"), 6),
    **dict.fromkeys(("year", "yearly", "annual", "annually", "jahr", "jährlich", "年", "每年", "年付"), 12),
}
NO_AMOUNTS = Text("there are no amounts: purchases are counted, and nothing is said of money")
PRODUCT = Text("amount is price times quantity")
BY_QUANTITY = Text("{n} {n:row|rows} with a quantity below zero {n:is a return|are returns}")
BY_PREFIX = Text("{n} {n:row is a return|rows are returns}, because {n:its|their} order id begins with {prefix}")
REFUNDS = Text("{n} {n:amount is|amounts are} lessened by what was refunded of {n:it|them}")
BY_INTERVAL = Text("{n} {n:price|prices} for more than a month {n:was|were} divided by {n:its|their} months")
NUMBERED = Text("answer sheets have no number of their own; each is named by its file and row")
BY_TENURE = Text("started_at lies as many months before {day} as tenure says; whoever has left by then ended on that day")


def relax(contract: TableContract, headers: Sequence[str], *, settings: TableSettings) -> TableContract:
    """The contract of an export that has what a required column can be worked out of."""

    def there(ours: str) -> bool:
        wanted = settings.columns.get(ours, ours)
        return isinstance(wanted, int) or bool(find_header(wanted, headers))

    spared = ["response_id"] if _numbered(contract, headers, settings=settings) else []
    spared += [
        name
        for name, parts in PARTS.items()
        if name in contract.columns and set(parts) <= set(contract.columns) and all(map(there, parts)) and not there(name)
    ]
    if _without_amounts(contract, headers, settings=settings) and not there("amount"):
        spared.append("amount")
    relaxed = {name: replace(contract.columns[name], required=False) for name in spared}
    return replace(contract, columns=contract.columns | relaxed) if spared else contract


def _without_amounts(contract: TableContract, headers: Sequence[str], *, settings: TableSettings) -> bool:
    """Whether a list of purchases may lack what was paid: it was declared so, or every header is read as something else."""
    if not contract.returns or not settings.amounts:
        return bool(contract.returns)
    wanted = [settings.columns.get(ours, ours) for ours in contract.columns]
    places = {place - 1 for place in wanted if isinstance(place, int)}
    places |= {place for name in wanted if isinstance(name, str) for place in find_header(name, headers)}
    return places == set(range(len(headers)))


def worked_out(types: Collection[str], *, contract: TableContract, as_of: str, where: str) -> dict[str, str]:
    """SQL over the columns as read, for each column of ours that the export does not have and that follows from them.

    Raises
    ------
    DataError
        When a day is needed to count back from and none is declared.
    """
    found: dict[str, str] = {}
    if "amount" in contract.columns and "amount" not in types and {"price", "quantity"} <= set(types):
        found["amount"] = f"CAST(price * quantity AS {MONEY})"
    if "response_id" in contract.columns and "response_id" not in types:
        found["response_id"] = "__file || ' ' || __row"
    if "tenure" in types and "started_at" not in types:
        if not as_of:
            what = "has tenure and no started_at, and no day to count back from"
            raise DataError(Problem(where, what, "set as_of, the day of the export, in the params file"))
        day = f"DATE {literal(as_of)}"
        found["started_at"] = f"CAST({day} - to_months(CAST(tenure AS INTEGER)) AS DATE)"
        if "churned" in types and "ended_at" not in types:
            found["ended_at"] = f"CASE WHEN churned THEN {day} END"
    return found


def returns_test(types: Collection[str], *, contract: TableContract, settings: TableSettings) -> str:
    """The SQL that says whether a row is a return, where the flag does not."""
    tests = ["coalesce(quantity < 0, false)"] if "quantity" in types and "price" in contract.columns else []
    if settings.returns.prefix and "order_id" in types:
        tests.append(f"coalesce(starts_with(lower(order_id), {literal(settings.returns.prefix.lower())}), false)")
    if settings.negative_amounts == "returns" and contract.returns[0] in types:
        tests.append(f"coalesce({identifier(contract.returns[0])} < 0, false)")
    return " OR ".join(tests) or "false"


def monthly(types: Collection[str], settings: TableSettings) -> dict[str, str]:
    """The SQL of a monthly price, where an interval says for how long each is."""
    if not {"mrr", "interval"} <= set(types):
        return {}
    return {"mrr": f"CAST(mrr / {_months(settings)} AS {MONEY})"}


def unknown_interval(settings: TableSettings) -> str:
    """The SQL that says whether nobody knows how many months an interval has."""
    return f"{identifier('interval')} IS NOT NULL AND lower({identifier('interval')}) NOT IN ({_listed(_known(settings))})"


def derived_notes(
    con: Any,
    typed: str,
    types: Collection[str],
    computed: Mapping[str, str],
    *,
    contract: TableContract,
    settings: TableSettings,
    as_of: str,
) -> list[Text]:
    """What a reader should know of the columns that were worked out."""
    notes = [PRODUCT] if "amount" in computed else []
    notes += [NO_AMOUNTS] if contract.returns and "amount" not in {*types, *computed} else []
    notes += [NUMBERED] if "response_id" in computed else []
    notes += [Text(BY_TENURE.template, {"day": as_of})] if "started_at" in computed else []
    counts: list[tuple[Text, str]] = []
    if "quantity" in types and "amount" in {*types, *computed}:
        counts.append((BY_QUANTITY, "is_return AND quantity < 0"))
    if "refunded" in types and "amount" in {*types, *computed}:
        counts.append((REFUNDS, "NOT is_return AND refunded > 0"))
    if settings.returns.prefix and "order_id" in types:
        prefix = literal(settings.returns.prefix.lower())
        counts.append((BY_PREFIX, f"is_return AND starts_with(lower(order_id), {prefix})"))
    if {"mrr", "interval"} <= set(types):
        counts.append((BY_INTERVAL, f"mrr IS NOT NULL AND {_months(settings)} > 1"))
    if counts:
        tests = ", ".join(f"count(*) FILTER (__aside IS NULL AND {test})" for _, test in counts)
        found = query(con, f"SELECT {tests} FROM {typed}")[0]
        notes += [
            Text(note.template, {"n": Quantity(n, "count"), "prefix": settings.returns.prefix or ""})
            for (note, _), n in zip(counts, found, strict=True)
            if n
        ]
    return notes


def _numbered(contract: TableContract, headers: Sequence[str], *, settings: TableSettings) -> bool:
    """Whether an export has a line for each answer sheet and no number of it, and no header that may be meant to be one."""
    if "response_id" not in contract.columns or "item_id" in contract.columns or "response_id" in settings.columns:
        return False
    return not find_header("response_id", headers) and nearest("response_id", headers) is None


def _known(settings: TableSettings) -> dict[str, int]:
    return MONTHS | {word.strip().casefold(): months for word, months in settings.interval.items()}


def _months(settings: TableSettings) -> str:
    cases = " ".join(f"WHEN {literal(word)} THEN {months}" for word, months in _known(settings).items())
    return f"CASE lower({identifier('interval')}) {cases} ELSE 1 END"


def _listed(words: Collection[str]) -> str:
    return ", ".join(literal(word) for word in words)
