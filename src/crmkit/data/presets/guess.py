"""Which column of a list of orders may be which, where no header says it? By what the columns hold, for a person to decide.

An order number stands once, a customer comes back: what repeats, and is no day and no amount, may be a customer. That is a
guess, so it is asked about, the likeliest first, and never taken where nobody answers.
Stands alone: what is guessed is kept apart from what is known of systems.
"""

from __future__ import annotations

import re

from crmkit.core.language import mark
from crmkit.core.results import Text
from crmkit.data.presets.preset import Preset, Recognised, presets
from crmkit.data.presets.questions import NONE, Answers, count
from crmkit.data.presets.sight import Seen, Sight

ORDERS = "transactions"
# in what the headers of such a file were seen
TOLD = "named by a person"
# parts of headers in some languages; they only say which of several columns comes first
HINTS = {
    "customer_id": r"cust|client|klient|kund|kd|member|mitglied|user|buyer|account|konto|debitor|[客户戶]|会员|會員|买家|買家",
    "ordered_at": r"order|bestell|buy|purchase|kauf|invoice|rechnung|fecha|datum|date|[下订訂]单|下單|购买|購買|成交|日期",
    "amount": r"amount|total|sum|betrag|umsatz|preis|price|importe|montant|revenue|sales|[金总總]额|金額|总价|[价價额額]",
}
ASKED = {
    "customer_id": mark("which column says who bought? The likeliest comes first; {none}: none of them"),
    "ordered_at": mark("which column is the day of the purchase? The likeliest comes first; {none}: none of them"),
    "amount": mark("which column is the amount of money? The likeliest comes first; {none}: none of them"),
}
# whole numbers up to this, of few kinds, are rather pieces or stars than numbers of customers
SMALL = 100
SHOWN = 6


def candidates(sight: Sight) -> dict[str, list[str]]:
    """Headers that may be customer, day and amount of a list of orders, the likeliest first.

    Parameters
    ----------
    sight : Sight
        A file with its columns.

    Returns
    -------
    dict
        Column of ours -> headers; a header stands under one of them.
    """
    days = [seen for seen in sight.columns if seen.dated and not seen.numeric]
    numbers = [seen for seen in sight.columns if seen.numeric and seen not in days and seen.distinct > 1]
    amounts = [seen for seen in numbers if seen.fractions] or [seen for seen in numbers if _hints(seen, "amount")]
    people = [
        seen
        for seen in sight.columns
        if seen not in (*days, *amounts) and seen.distinct > 1 and not seen.fractions and 2 * seen.filled > sight.rows
    ]
    ranked = {
        "customer_id": sorted(people, key=_as_customer, reverse=True),
        "ordered_at": sorted(days, key=lambda seen: (_hints(seen, "ordered_at"), seen.filled), reverse=True),
        "amount": sorted(amounts, key=lambda seen: (_hints(seen, "amount"), seen.high or 0.0), reverse=True),
    }
    return {ours: [seen.header for seen in listed] for ours, listed in ranked.items()}


def _hints(seen: Seen, ours: str) -> bool:
    return re.search(HINTS[ours], seen.header.casefold()) is not None


def _as_customer(seen: Seen) -> tuple[bool, bool, bool, int]:
    """A customer comes back; of several columns with values that do, the one with most of them."""
    pieces = seen.numeric and (seen.high or 0) <= SMALL
    return seen.distinct < seen.filled, _hints(seen, "customer_id"), not pieces, seen.distinct


def told_by_a_person(
    file: str, sight: Sight, recognised: Recognised | None, *, answers: Answers
) -> tuple[Recognised | None, dict[str, str]]:
    """A list of orders whose columns a person has named, and what was likely.

    Parameters
    ----------
    file : str
        As it is named in a question.
    sight : Sight
    recognised : Recognised or None
        What is known of it, with what is missing; None: nothing.
    answers : Answers

    Returns
    -------
    tuple
        What it is, None where it was not said; and column of ours -> likeliest header of each that is missing.
    """
    possible = candidates(sight)
    known = recognised.found if recognised else {}
    taken = {sight.column(at[0]).header for at in known.values()}
    missing = {ours: [one for one in possible[ours] if one not in taken][:SHOWN] for ours in ASKED if ours not in known}
    likely = {ours: listed[0] for ours, listed in missing.items() if listed}
    if "amount" in missing and "price" in known:
        del missing["amount"]
    if not all(missing.values()) or (recognised is None and sight.rows < 2):
        return None, likely
    if recognised is None:
        text = Text(
            "its headers are not known: is each of its {n} {n:row|rows} an order, or a line of one?", {"n": count(sight.rows)}
        )
        if not answers.yes(file, text, safe=False):
            return None, likely
    said: dict[str, str] = {}
    for ours, listed in missing.items():
        free = tuple(one for one in listed if one not in said.values())
        said[ours] = answers.choose(
            file, Text(ASKED[ours], {"none": NONE}), NONE, (*free, NONE), best=free[0] if free else NONE
        )
        if said[ours] == NONE:
            return None, likely
    headers = tuple(seen.header for seen in sight.columns)
    columns = {**_preset().columns, **{ours: [one] for ours, one in said.items()}}
    preset = _preset().model_copy(update={"columns": columns, "seen": TOLD})
    return Recognised(preset, headers, recognised.header if recognised else (1,), score=len(said), found=known), likely


def _preset() -> Preset:
    return next(one for one in presets() if one.table == ORDERS and not one.system)
