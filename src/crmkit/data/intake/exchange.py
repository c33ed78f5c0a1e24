"""In which currency is each row, and what is its money worth in the client's own? Settled once, when the table is read.

A column ``currency`` may hold codes or signs, in any case. A row without one is in the client's own currency; any other needs
a rate, because a sum over several currencies means nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from crmkit.core.errors import counted, quoted
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake.currencies import CODES, currencies
from crmkit.data.intake.phrases import MONEY
from crmkit.data.intake.rejects import Issue
from crmkit.data.intake.words import EMPTY_WORDS, replaced, word_of
from crmkit.data.sources.engine import identifier, literal, query
from crmkit.data.sources.readers import Raw
from crmkit.data.tables import TableContract

CURRENCY = "currency"
NO_RATE = Text("a currency without a rate")
CONVERTED = Text("{n} {n:amount was|amounts were} converted to {currency}: {rates}")
# so many words are no list of currencies
MOST_WORDS = 400


@dataclass(frozen=True)
class Exchange:
    """What a column of currencies says.

    Parameters
    ----------
    own : str
        The client's currency.
    word : str
        SQL of the word in the column, in capitals; empty where the table has no such column.
    codes : dict of str to str
        What a word means where it is no code itself; an empty text stands for the client's own.
    rates : dict of str to float
        Codes that occur and are to be converted: what one unit is worth in the client's currency.
    """

    own: str
    word: str = ""
    codes: Mapping[str, str] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The SQL of a row's code: the word itself where its meaning is not known, nothing where there is none."""
        cases = " ".join(f"WHEN {literal(word)} THEN {literal(code or self.own)}" for word, code in self.codes.items())
        return f"CASE {self.word} {cases} ELSE {self.word} END" if cases else self.word

    def converted(self, value: str) -> str:
        """The SQL of money in the client's currency; ``currency`` holds the row's code."""
        cases = " ".join(
            f"WHEN {literal(code)} THEN CAST(round(CAST({value} AS DOUBLE) * {rate!r}::DOUBLE, 4) AS {MONEY})"
            for code, rate in self.rates.items()
        )
        return f"CASE {identifier(CURRENCY)} {cases} ELSE {value} END" if cases else value

    def columns(self, present: Collection[str], *, contract: TableContract) -> dict[str, str]:
        """The SQL of every column of money in the client's currency; none where nothing is to be converted."""
        money = [name for name, column in contract.columns.items() if column.kind == "money" and name in present]
        return {name: self.converted(identifier(name)) for name in money} if self.rates else {}


def find_exchange(con: Any, raw: Raw, *, contract: TableContract, settings: TableSettings, currency: str) -> Exchange:
    """What do the words in the column of currencies mean?

    Parameters
    ----------
    con : ibis.backends.duckdb.Backend
    raw : Raw
    contract : TableContract
    settings : TableSettings
        Its ``rates`` say what other currencies are worth, and which of several a sign means; its ``values`` come first.
    currency : str
        The client's.
    """
    if CURRENCY not in raw.types:
        return Exchange(currency)
    x = identifier(CURRENCY)
    said = replaced(word_of(x), x, column=contract.columns[CURRENCY], words=settings.values.get(CURRENCY, {}))
    word = f"upper({said})"
    found = query(con, f"SELECT DISTINCT {word} FROM {raw.relation} WHERE {x} IS NOT NULL LIMIT {MOST_WORDS}")
    codes, rates = {}, {}
    for one in sorted(one for (one,) in found if one):
        code = "" if one.casefold() in EMPTY_WORDS else _meant(one, own=currency, rates=settings.rates)
        if code is None:
            continue
        if code != one:
            codes[one] = code
        if code in settings.rates and code != currency:
            rates[code] = settings.rates[code]
    return Exchange(currency, word, codes, rates)


def _meant(word: str, *, own: str, rates: Mapping[str, float]) -> str | None:
    """The code that a word stands for; None where it may be one of several, or is no currency."""
    possible = (word,) if word in rates or word == own else currencies(word)
    if own in possible:
        return own
    rated = [code for code in possible if code in rates]
    if len(rated) == 1:
        return rated[0]
    return possible[0] if len(possible) == 1 else None


def foreign_issues(con: Any, typed: str, exchange: Exchange, *, params: str) -> list[Issue]:
    """The rows in a currency that has no rate; none where every row can be counted in the client's own."""
    if not exchange.word:
        return []
    x = identifier(CURRENCY)
    known = ", ".join(literal(code) for code in (exchange.own, *exchange.rates))
    condition = f"{x} IS NOT NULL AND {x} NOT IN ({known})"
    found = query(
        con, f"SELECT {x}, count(*) FROM {typed} WHERE __aside IS NULL AND {condition} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
    )
    if not found:
        return []
    named = ", ".join(f"{quoted(word)} ({counted(rows, 'row')})" for word, rows in found).replace("{", "{{").replace("}", "}}")
    codes = list(dict.fromkeys((*currencies(word), "")[0] for word, _ in found))
    ways = []
    if any(codes):
        example = f"{{{', '.join(f'{code}: ...' for code in codes if code)}}}"
        ways.append(f"give what one unit is worth in {exchange.own}, as rates: {example} in {params}")
    if not all(codes):
        other = next(word for word, _ in found if not currencies(word))
        ways.append(f"say which currency a word means, as values: {{currency: {{{quoted(other)}: {CODES[0]}}}}} in {params}")
    what = f"has {named} beside the client's {exchange.own} ({{rows}})"
    return [Issue(CURRENCY, condition, NO_RATE, what, ", or ".join([*ways, "convert the amounts before the export"]))]


def exchange_notes(con: Any, typed: str, exchange: Exchange) -> list[Text]:
    """How many rows were converted, at which rates."""
    listed = ", ".join(literal(code) for code in exchange.rates)
    if not listed:
        return []
    x = identifier(CURRENCY)
    found = query(
        con, f"SELECT {x}, count(*) FROM {typed} WHERE __aside IS NULL AND {x} IN ({listed}) GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    if not found:
        return []
    rates = ", ".join(f"{code} {exchange.rates[code]:g} ({rows:,})" for code, rows in found)
    numbers: dict[str, Quantity | str] = {
        "n": Quantity(sum(rows for _, rows in found), "count"),
        "currency": exchange.own,
        "rates": rates,
    }
    return [Text(CONVERTED.template, numbers)]
