"""Which header of an export is which of our columns?"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from crmkit.core.errors import DataError, Problem, did_you_mean, nearest
from crmkit.core.settings import TableSettings
from crmkit.data.tables import TableContract


@dataclass(frozen=True)
class Matched:
    """Our columns that a table has, each with the position and the header it was found at; headers nobody asked for.

    ``also`` are headers that are carried beside our columns, each with its position, because rows are chosen by them; ``rest``
    are the positions of all other columns that make two lines differ.
    """

    positions: dict[str, int]
    headers: dict[str, str]
    unmapped: tuple[str, ...]
    also: dict[str, int] = field(default_factory=dict)
    rest: tuple[int, ...] = ()


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
        Its ``columns`` (our column: header) come first; otherwise a header equal to our column is taken, whatever its case.
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
        found = find_header(wanted, headers)
        if len(found) > 1:
            problems.append(Problem(where, f"has {len(found)} columns with the header {wanted!r}", "one is expected"))
        elif found:
            positions[ours] = found[0]
        elif ours in settings.columns:
            problems.append(Problem(where, f"has no column {wanted!r} for {ours}", hint=did_you_mean(wanted, headers)))
        elif contract.columns[ours].required:
            problems.append(_missing(ours, headers, where=where, params=params))
    if problems:
        raise DataError(problems)
    used = set(positions.values())
    return Matched(
        positions=positions,
        headers={ours: headers[position] for ours, position in positions.items()},
        unmapped=tuple(header for position, header in enumerate(headers) if position not in used),
    )


def _missing(ours: str, headers: Sequence[str], *, where: str, params: str) -> Problem:
    meant = nearest(ours, headers)
    hint = f"did you mean {meant!r}? Then write {ours}: {meant} under {params}" if meant else did_you_mean(ours, headers)
    return Problem(where, f"has no column {ours!r}, which is required", hint=hint)


def find_header(wanted: str, headers: Sequence[str]) -> list[int]:
    """Positions of a header: written the same, else the same but for case, blanks and width."""
    same = [position for position, header in enumerate(headers) if header == wanted]
    if same:
        return same
    folded = _folded(wanted)
    return [position for position, header in enumerate(headers) if _folded(header) == folded]


def _folded(header: str) -> str:
    return unicodedata.normalize("NFKC", header).strip().casefold()
