"""Which header of an export is which of our columns?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from crmkit.core.errors import DataError, Problem, counted, did_you_mean, nearest, shortened, with_values
from crmkit.core.masking import finds_somebody
from crmkit.core.settings import TableSettings
from crmkit.data.tables import TableContract

# characters that nobody sees: of no width, marks of byte order and of writing direction, soft hyphens
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")


@dataclass(frozen=True)
class Matched:
    """Our columns that a table has, each with the position and the header it was found at; headers nobody asked for.

    ``contract`` declares the columns that were looked for.
    ``also`` are headers that are carried beside our columns, each with its position, because rows are chosen by them; ``rest``
    are the positions of all other columns that make two lines differ, ``common`` those of them that all files have, where the
    files differ in them; None where they do not.
    """

    positions: dict[str, int]
    headers: dict[str, str]
    unmapped: tuple[str, ...]
    contract: TableContract = field(default_factory=lambda: TableContract({}))
    also: dict[str, int] = field(default_factory=dict)
    rest: tuple[int, ...] = ()
    common: tuple[int, ...] | None = None


def visible(header: str) -> str:
    """A header without blanks around it and without characters that nobody sees.

    Examples
    --------
    >>> visible("\ufeff\ufeffcustomer\u200b_id ")
    'customer_id'
    """
    return INVISIBLE.sub("", header).strip()


def match_columns(
    headers: Sequence[str], *, contract: TableContract, settings: TableSettings, where: str, params: str
) -> Matched:
    """Where is each of our columns?

    Parameters
    ----------
    headers : sequence of str
        Headers of the export, in order.
    contract : TableContract
    settings : TableSettings
        Its ``columns`` (our column: header, or its place counted from 1) come first; otherwise a header equal to
        our column is taken, whatever its case.
    where : str
        What to name in a message, for example ``"transactions: orders.csv"``.
    params : str
        The place of ``columns`` in the params file, for example ``"params/acme.yml, tables.transactions.columns"``.

    Raises
    ------
    DataError
        Every column that is declared but not there, unknown, there twice, or required and missing; the nearest is offered.
    """
    problems: list[str | Problem] = []
    positions: dict[str, int] = {}
    for ours in settings.columns:
        if ours not in contract.columns:
            problems.append(Problem(f"{params}:", f"unknown column {ours!r}", hint=did_you_mean(ours, contract.columns)))
    for ours in contract.columns:
        wanted = settings.columns.get(ours, ours)
        if isinstance(wanted, int):
            problem = _no_position(ours, wanted, headers, where=where, params=params)
            if problem is None:
                positions[ours] = wanted - 1
            else:
                problems.append(problem)
            continue
        found = find_header(wanted, headers)
        if len(found) > 1:
            allowed = f"one is expected; name it by its number, for example {ours}: {found[0] + 1}"
            problems.append(Problem(where, f"has {len(found)} columns with the header {shortened(wanted)!r}", allowed))
        elif found:
            positions[ours] = found[0]
        elif ours in settings.columns:
            problems.append(Problem(where, f"has no column {wanted!r} for {ours}", hint=_offered(wanted, headers)))
        elif contract.columns[ours].required:
            none = f"if there is none, write amounts: false under {params.removesuffix('.columns')}"
            priced = bool(contract.returns) and ours == contract.returns[0]
            problems.append(_missing(ours, headers, where=where, params=params, allowed=none if priced else ""))
    if problems:
        raise DataError(problems)
    used = set(positions.values())
    return Matched(
        positions=positions,
        headers={ours: headers[position] for ours, position in positions.items()},
        unmapped=tuple(header for position, header in enumerate(headers) if position not in used),
        contract=contract,
    )


def _no_position(ours: str, number: int, headers: Sequence[str], *, where: str, params: str) -> Problem | None:
    """What is wrong with a column that is named by its number; a header that is written like the number may be meant."""
    there = [position + 1 for position in find_header(str(number), headers)]
    if there and there != [number]:
        what = f"has the header '{number}' in column {there[0]}, and a column {number} with another one"
        return Problem(where, what, f"quote it where the header is meant: {ours}: '{number}' under {params}")
    if not 1 <= number <= len(headers):
        return Problem(where, f"has {counted(len(headers), 'column')}, none with the number {number} for {ours}")
    return None


def _missing(ours: str, headers: Sequence[str], *, where: str, params: str, allowed: str) -> Problem:
    meant = nearest(ours, headers)
    hint = _offered(ours, headers)
    if meant:
        hint = f"did you mean {shortened(meant)!r}? Then write {ours}: {shortened(meant)} under {params}"
    return Problem(where, f"has no column {ours!r}, which is required", allowed, hint)


def _offered(name: str, headers: Sequence[str]) -> str:
    """The nearest header, or all of them; where one of them finds a person they are no headers but values."""
    hint = did_you_mean(name, headers)
    return with_values(hint, headers) if any(map(finds_somebody, headers)) else hint


def find_header(wanted: str, headers: Sequence[str]) -> list[int]:
    """Positions of a header: written the same, else the same but for case, blanks and width."""
    same = [position for position, header in enumerate(headers) if header == wanted]
    if same:
        return same
    folded = _folded(wanted)
    return [position for position, header in enumerate(headers) if _folded(header) == folded]


def _folded(header: str) -> str:
    return unicodedata.normalize("NFKC", header).strip().casefold()
