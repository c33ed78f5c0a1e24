"""How is a file that was recognised to be read as one of our tables? Its columns, and what its values say of themselves.

What the values do not tell is asked; what cannot be placed is listed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crmkit.core.errors import shortened
from crmkit.core.results import Text
from crmkit.core.settings import TableSettings
from crmkit.data.intake import phrases
from crmkit.data.intake.answers import ITEM, OF_ANSWERS
from crmkit.data.intake.exchange import Exchange
from crmkit.data.intake.notation import find_conventions
from crmkit.data.intake.parse import Convention
from crmkit.data.intake.phrases import FALSE, TRUE
from crmkit.data.intake.plain import Look
from crmkit.data.intake.words import word_of
from crmkit.data.presets.preset import Preset, Recognised, letters, positions, presets
from crmkit.data.presets.questions import Answers, words
from crmkit.data.presets.sight import WORDS, Seen, Sight
from crmkit.data.sources.engine import query
from crmkit.data.tables import TABLES, Column, TableContract

CUSTOMERS, CONTRACTS = "customers", "subscriptions"
GROUPS = ("region", "industry", "size", "acquisition_channel")
# more than a page can show beside each other, and numbers that nobody has made groups of
MOST_LEVELS = 60
DATES = ("date", "timestamp", "month")
NUMBERS = ("money", "number", "integer", "score")
SCALES = ("1-5", "1-7", "0-10", "1-10", "0-5", "1-4", "0-1")
CURRENCIES = ("Currency", "Currency Code", "order_currency", "CurrencyIsoCode", "币种", "货币", "幣別")
# of two headers that may be one column of ours the first is taken, unless it is much emptier
FULL_ENOUGH = 0.8
TWO_WAYS = (
    (
        Text("can be read in two ways, {both} is {one} or {other}"),
        re.compile("can be read in two ways, (?P<both>.*) is (?P<one>.*) or (?P<other>.*)"),
    ),
    (Text("is written in two ways, {one} and {other}"), re.compile("is written in two ways, (?P<one>.*) and (?P<other>.*)")),
)
ZONED = r"(?:[+-][0-9]{2}:?[0-9]{2}|[0-9]Z|GMT.*|UTC)$|^[1-9][0-9]{9}(?:[0-9]{3})?$"


@dataclass
class Draft:
    """What will stand under ``tables`` of the params file for one table, and what there is to say of it.

    ``at`` holds where each column of ours is, ``questions`` where each item of a questionnaire, ``elsewhere`` which columns
    another table takes from the same file; ``notes`` are said to whoever asked, ``comments`` stand in the file before a key.
    """

    table: str
    preset: Preset
    sight: Sight
    at: dict[str, int]
    questions: dict[str, int] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    comments: dict[str, Text | str] = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)
    missing: list[Text | str] = field(default_factory=list)
    currencies: dict[str, int] = field(default_factory=dict)
    zoned: bool = False
    dayfirst: bool = True
    elsewhere: set[int] = field(default_factory=set)

    @property
    def contract(self) -> TableContract:
        return TABLES[self.table]

    @property
    def label(self) -> str:
        """How the file is named in a message."""
        names = [path.name for path in self.sight.files]
        return names[0] if len(names) == 1 else f"{names[0]} + {len(names) - 1}"

    def seen(self, ours: str) -> Seen:
        """What the column of ours holds."""
        return self.sight.column(self.at[ours])

    @property
    def unread(self) -> list[Seen]:
        """Columns that are no column of ours and hold something."""
        headers = [seen.header for seen in self.sight.columns]
        chosen = (*self.settings.get("only", ()), *self.settings.get("leave_out", ()))
        used = {
            *self.at.values(),
            *self.questions.values(),
            *self.elsewhere,
            *positions((*self.preset.ignored, *chosen), headers),
        }
        return [seen for at, seen in enumerate(self.sight.columns) if at not in used and seen.filled]


def place_columns(recognised: Recognised, sight: Sight, *, language: str) -> Draft:
    """Which column is which of ours: the headers say it, and the values must not speak against it."""
    preset = recognised.preset
    draft = Draft(preset.table, preset, sight, {})
    # headers that are ours are read by the door, whether a system is known to write them or not
    wide = preset.questions and not positions([*preset.columns.get(ITEM, ()), ITEM], recognised.headers)
    for ours in dict.fromkeys((*preset.columns, *draft.contract.columns)):
        if wide and ours in OF_ANSWERS:
            continue
        column = draft.contract.columns[ours]
        possible = positions([*preset.columns.get(ours, ()), ours], recognised.headers)
        fitting = [at for at in possible if _fits(sight.column(at), column, preset, ours)]
        taken = set(draft.at.values())
        free = [at for at in fitting if at not in taken or ours in preset.values]
        if free:
            fullest = max(sight.column(at).filled for at in free)
            draft.at[ours] = next(at for at in free if sight.column(at).filled >= FULL_ENOUGH * fullest)
        elif possible and not fitting and sight.column(possible[0]).filled:
            seen = sight.column(possible[0])
            # what is required has no other place; check names its rows
            taking = column.required and possible[0] not in taken
            draft.at |= {ours: possible[0]} if taking else {}
            example = repr(shortened(seen.words[0][0])) if seen.words else "..."
            draft.notes.append(
                Text(
                    "{header} has values that are none of {ours}, such as {example}; see check"
                    if taking
                    else "{header} holds nothing that could be {ours}, such as {example}; it is not read",
                    {"header": repr(seen.header), "ours": ours, "example": example},
                )
            )
    draft.missing = [name for name in draft.contract.required if name not in draft.at and not _follows(name, draft)]
    headers = [seen.header for seen in sight.columns]
    mapped = {ours: headers[at] for ours, at in draft.at.items()}
    twice = {ours for ours, header in mapped.items() if sum(letters(one) == letters(header) for one in headers) > 1}
    named = {ours: draft.at[ours] + 1 if ours in twice else header for ours, header in mapped.items() if header != ours}
    if named:
        draft.settings["columns"] = named
    for header, said in preset.lost.items():
        for at in positions([header], headers):
            if (seen := sight.column(at)).distinct > 1:
                draft.notes.append(Text("{header}: {said}", {"header": repr(seen.header), "said": said[language]}))
    return draft


def customers_beside(drafts: Sequence[Draft], *, language: str) -> list[Draft]:
    """The table of customers that a list of contracts holds too.

    Parameters
    ----------
    drafts : sequence of Draft
        What was recognised; its contracts learn which of their columns are read elsewhere.
    language : {"en", "zh"}

    Returns
    -------
    list of Draft
        Empty where another file holds the customers, a customer has several contracts, or nothing is said of them but who they
        are.
    """
    if any(draft.table == CUSTOMERS for draft in drafts):
        return []
    contracts = next((draft for draft in drafts if draft.table == CONTRACTS and "customer_id" in draft.at), None)
    if contracts is None or contracts.seen("customer_id").distinct < contracts.sight.rows:
        return []
    preset = next(one for one in presets() if one.table == CUSTOMERS and not one.system)
    headers = tuple(seen.header for seen in contracts.sight.columns)
    found = place_columns(Recognised(preset, headers, ()), contracts.sight, language=language)
    taken = {at for ours, at in contracts.at.items() if ours != "customer_id"}
    found.at = {
        ours: at for ours, at in found.at.items() if at not in taken and (ours not in GROUPS or _groups(contracts.sight, at))
    }
    found.at["customer_id"] = contracts.at["customer_id"]
    if not set(GROUPS) & set(found.at):
        return []
    names = {ours: contracts.sight.column(at).header for ours, at in found.at.items()}
    found.settings = {key: value for key, value in contracts.settings.items() if key in ("file", "table", "header", "skip")}
    if named := {ours: header for ours, header in names.items() if ours != header}:
        found.settings["columns"] = named
    found.notes = []
    contracts.elsewhere, found.elsewhere = set(found.at.values()), set(contracts.at.values())
    return [found]


def _groups(sight: Sight, at: int) -> bool:
    """Whether customers can be told apart by a column: words that several of them share."""
    seen = sight.column(at)
    numbers = all(word.replace(".", "", 1).isdecimal() for word, _ in seen.words)
    return seen.distinct <= MOST_LEVELS and not numbers


def _follows(name: str, draft: Draft) -> bool:
    """Whether the door works a required column out of others."""
    if name == "amount":
        return {"price", "quantity"} <= set(draft.at)
    if name == "started_at":
        return "tenure" in draft.at
    return name in ("item_id", "response_id") and draft.preset.questions


def _fits(seen: Seen, column: Column, preset: Preset, ours: str) -> bool:
    """Whether values may be those of a column of ours."""
    if not seen.filled:
        return False
    if column.kind in DATES:
        return seen.dated
    if column.kind in NUMBERS and not column.seconds and ours not in preset.items:
        return seen.numbers >= 0.9 * seen.filled
    if column.kind == "boolean" or column.choices:
        return 0 < len(seen.words) <= WORDS
    return True


def read_values(con: Any, draft: Draft, *, answers: Answers, currency: str) -> None:
    """What values say: order of day and month, decimal sign, currencies, words that are ours."""
    for ours, at in list(draft.at.items()):
        column, seen = draft.contract.columns[ours], draft.sight.column(at)
        if column.kind in DATES:
            _dates(con, draft, ours, seen, answers=answers)
        elif column.kind in NUMBERS:
            _numbers(con, draft, ours, seen, answers=answers, currency=currency)
        if column.kind == "boolean" or column.choices:
            _our_words(con, draft, ours, seen, column)
        if ours in draft.preset.items:
            one = draft.preset.items[ours]
            draft.settings.setdefault("items", {})[ours] = one.model_dump(exclude_defaults=True)
        elif column.kind == "score" and seen.words and seen.numeric and seen.low is not None and seen.high is not None:
            scale = likely_scale(seen.low, seen.high)
            if (seen.low, seen.high) != scale_of(scale):
                scale = ask_scale(f"{draft.label}, {seen.header}", seen.low, seen.high, scale, answers=answers)
            draft.settings.setdefault("items", {})[ours] = {"scale": list(scale_of(scale))}


def likely_scale(low: float, high: float, *, recommending: bool = False) -> str:
    """The usual scale on which answers from ``low`` to ``high`` may have been given."""
    top = 10 if high > 7 or (recommending and high > 5) else 7 if high > 5 else 5
    return f"{0 if low < 1 or (recommending and top == 10) else 1}-{top}"


def scale_of(text: str) -> tuple[int, int]:
    """Lowest and highest answer of a scale as it is asked for."""
    low, high = text.split("-")
    return int(low), int(high)


def ask_scale(about: str, low: float, high: float, likely: str, *, answers: Answers) -> str:
    """On which scale answers were given, where its ends do not both occur."""
    text = Text("{low} to {high} were answered; which scale is it?", {"low": f"{low:g}", "high": f"{high:g}"})
    return answers.choose(about, text, likely, tuple(dict.fromkeys((*SCALES, likely))))


def find_currencies(con: Any, draft: Draft) -> None:
    """In which currencies are the amounts: by a column of their own, or by signs inside them."""
    headers = [seen.header for seen in draft.sight.columns]
    for at in positions(CURRENCIES, headers)[:1]:
        for word, n in draft.sight.column(at).words:
            if len(word) == 3 and word.isalpha():
                draft.currencies[word.upper()] = draft.currencies.get(word.upper(), 0) + n
    money = [ours for ours in draft.at if draft.contract.columns[ours].kind == "money"]
    if draft.currencies or not money:
        return
    name = draft.seen(money[0]).name
    found = query(
        con,
        f"SELECT {phrases.token(name)} AS token, count(*) FROM {draft.sight.raw.relation} WHERE {word_of(name)} IS NOT NULL"
        " GROUP BY 1 HAVING token <> '' ORDER BY 2 DESC",
    )
    from crmkit.data.intake.currencies import currencies

    for token, n in found:
        possible = currencies(token)
        # a sign that several share says little: the most usual of them is offered
        draft.currencies |= {possible[0]: draft.currencies.get(possible[0], 0) + n} if possible else {}


def _way(con: Any, draft: Draft, seen: Seen, column: Column, *, currency: str, **declared: Any) -> Convention | str | None:
    """How the door would read a column; where it could not say, what it would say."""
    found, problems = find_conventions(
        con,
        replace(draft.sight.raw, types={seen.name: "VARCHAR"}),
        contract=TableContract({seen.name: column}),
        settings=TableSettings(**declared),
        look=Look(0),
        money=Exchange(currency),
        table=draft.label,
        params="",
    )
    return problems[0].what if problems else found.get(seen.name)


def _dates(con: Any, draft: Draft, ours: str, seen: Seen, *, answers: Answers) -> None:
    column = draft.contract.columns[ours]
    declared = {"dayfirst": draft.settings["dayfirst"]} if "dayfirst" in draft.settings else {}
    way = _way(con, draft, seen, column, currency="EUR", **declared)
    if isinstance(way, str):
        said = Text("{header} {way}", {"header": seen.header, "way": _as_text(way)})
        if draft.preset.dayfirst is not None:
            draft.settings["dayfirst"] = draft.preset.dayfirst
            month = Text("{system} writes the month first", {"system": draft.preset.system})
            draft.comments["dayfirst"] = month if not draft.preset.dayfirst else ""
        else:
            text = Text("{said}; does the day come first (yes), or the month (no)?", {"said": said})
            about, safe = f"{draft.label}, {seen.header}", draft.preset.language == ""
            draft.settings["dayfirst"] = answers.yes(about, text, safe=safe)
            draft.comments["dayfirst"] = said
    elif way is not None:
        draft.dayfirst = way.dayfirst
    draft.dayfirst = draft.settings.get("dayfirst", draft.dayfirst)
    (zoned,) = query(con, f"SELECT bool_or(regexp_matches({word_of(seen.name)}, '{ZONED}')) FROM {draft.sight.raw.relation}")[0]
    draft.zoned = draft.zoned or bool(zoned) or "(UTC)" in seen.header


def _as_text(way: str) -> Text | str:
    """What the door says of a column that can be read in two ways, in words that can be translated."""
    for text, pattern in TWO_WAYS:
        found = pattern.fullmatch(way)
        if found:
            return Text(text.template, found.groupdict())
    return way


def _numbers(con: Any, draft: Draft, ours: str, seen: Seen, *, answers: Answers, currency: str) -> None:
    column = draft.contract.columns[ours]
    declared = {"decimal": draft.settings["decimal"]} if "decimal" in draft.settings else {}
    way = _way(con, draft, seen, column, currency=currency, **declared)
    if not isinstance(way, str):
        return
    if "beside the client's" in way:
        codes = ", ".join(f"{code}: ..." for code in draft.currencies if code != currency)
        numbers = {"header": seen.header, "way": way, "codes": f"{{{codes}}}"}
        text = Text("{header} {way}; write what one unit is worth as rates: {codes}", numbers)
        draft.notes.append(text)
        draft.comments["columns"] = text
        return
    said = Text("{header} {way}", {"header": seen.header, "way": _as_text(way)})
    text = Text("{said}; which is the decimal sign, '.' or ','?", {"said": said})
    draft.settings["decimal"] = answers.choose(f"{draft.label}, {seen.header}", text, ".", (".", ","))


def _our_words(con: Any, draft: Draft, ours: str, seen: Seen, column: Column) -> None:
    """Words of the export as ours; what stands for none of ours is read as empty, and said."""
    word = word_of(seen.name)
    found = query(con, f"SELECT DISTINCT {word} AS x FROM {draft.sight.raw.relation} WHERE x IS NOT NULL ORDER BY 1")
    known = draft.preset.values.get(ours, {})
    understood = column.choices or (*TRUE, *FALSE)
    mapped: dict[str, str] = {}
    empty: list[str] = []
    for (word,) in found:
        folded = word.casefold()
        if folded in known:
            # words of ours are read whatever their case
            mapped |= {word: known[folded]} if known[folded] != (folded if column.choices else word) else {}
        elif folded not in understood:
            mapped[word] = ""
            empty.append(word)
    nothing = set(mapped.values()) == {""} and len(mapped) == len(found)
    if mapped and (not nothing or seen.header == ours):
        draft.settings.setdefault("values", {})[ours] = mapped
        if empty:
            numbers = {"ours": ours, "words": words(empty), "header": repr(seen.header)}
            draft.notes.append(Text("{ours}: {words} of {header} are none of its words and are read as empty", numbers))
    elif mapped:
        del draft.at[ours]
        draft.settings.setdefault("columns", {}).pop(ours, None)
        numbers = {"ours": ours, "header": repr(seen.header)}
        draft.notes.append(Text("{ours}: no word of {header} says it; it is not read", numbers))


def settings_of(draft: Draft) -> Mapping[str, Any]:
    """What stands in the params file, in the order in which a person reads."""
    order = (
        "file",
        "table",
        "sheet",
        "header",
        "skip",
        "columns",
        "first_of",
        "dayfirst",
        "decimal",
        "only",
        "leave_out",
        "no_customer",
        "returns",
        "negative_amounts",
        "values",
        "repeats",
        "items",
    )
    return {key: draft.settings[key] for key in order if draft.settings.get(key) not in (None, {}, [])}
