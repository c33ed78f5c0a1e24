"""Does a table keep its contract: the right types, nothing empty that is required, values in range, keys unique?

Queries look whether it does. Where it does not, pandera checks the engine's own tables, by the same declarations in
:mod:`crmkit.data.tables`, and tells what is wrong. Both run last, on what the reports will read; what a row can be blamed for
has been found by :mod:`crmkit.data.intake.rejects` before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import Problem
from crmkit.data.sources.engine import identifier, literal, query, quiet
from crmkit.data.tables import TABLES, Column, TableContract

if TYPE_CHECKING:
    import ibis

TYPES = {
    "id": "string",
    "text": "string",
    "date": "date",
    "timestamp": "timestamp(6)",
    "month": "date",
    "cycle": "string",
    "money": "decimal(18, 4)",
    "score": "decimal(18, 4)",
    "number": "decimal(18, 4)",
    "integer": "int64",
    "boolean": "boolean",
}


def table_schema(contract: TableContract) -> Any:
    """The pandera schema of a table.

    Returns
    -------
    pandera.ibis.DataFrameSchema
    """
    import ibis
    import pandera.ibis as pa

    columns = {
        name: pa.Column(
            ibis.dtype(TYPES[column.kind]),
            checks=_checks(pa, column),
            nullable=not _filled(column),
            required=_filled(column),
        )
        for name, column in contract.columns.items()
    }
    return pa.DataFrameSchema(columns, strict=True, unique=list(contract.unique) or None)


def _checks(pa: Any, column: Column) -> list[Any]:
    checks = [pa.Check.ge(column.low)] if column.low is not None else []
    checks += [pa.Check.le(column.high)] if column.high is not None else []
    return [*checks, pa.Check.isin(list(column.choices))] if column.choices else checks


def keeps_contract(con: Any, table: ibis.Table, *, name: str) -> bool:
    """Whether a table, in the engine under its own name, keeps its contract: columns and types at once, values by a query."""
    import ibis

    contract, types = _contract(table, name), table.schema()
    must = [column for column, declared in contract.columns.items() if _filled(declared)]
    if not set(must) <= set(types) <= set(contract.columns):
        return False
    if any(kind.copy(nullable=True) != ibis.dtype(TYPES[contract.columns[column].kind]) for column, kind in types.items()):
        return False
    broken = [f"{identifier(column)} IS NULL" for column in must]
    for column in types:
        declared, ours = contract.columns[column], identifier(column)
        broken += [f"{ours} < {declared.low}"] if declared.low is not None else []
        broken += [f"{ours} > {declared.high}"] if declared.high is not None else []
        broken += [f"{ours} NOT IN ({', '.join(map(literal, declared.choices))})"] if declared.choices else []
    keys = ", ".join(map(identifier, contract.unique))
    asked = [f"WHERE {' OR '.join(broken)}"] if broken else []
    asked += [f"GROUP BY {keys} HAVING count(*) > 1"] if keys else []
    return not any(query(con, f"SELECT 1 FROM {name} {one} LIMIT 1") for one in asked)


def _filled(column: Column) -> bool:
    return column.required or column.default is not None


def _contract(table: ibis.Table, name: str) -> TableContract:
    contract = TABLES[name]
    if contract.returns and contract.returns[0] not in table.columns:
        # a list of purchases without amounts, as the client has said
        amount = replace(contract.columns[contract.returns[0]], required=False)
        return replace(contract, columns={**contract.columns, contract.returns[0]: amount})
    return contract


def contract_problems(table: ibis.Table, *, name: str) -> list[Problem]:
    """Everything in which a table breaks its contract; nothing where it keeps it."""
    from pandera.errors import SchemaErrors

    contract = _contract(table, name)
    try:
        with quiet():
            table_schema(contract).validate(table, lazy=True)
    except SchemaErrors as err:
        return [_problem(error, name) for error in err.schema_errors]
    return []


def _problem(error: Any, table: str) -> Problem:
    column = getattr(error.schema, "name", None)
    place = f"{table}: column {column!r}" if column else f"{table}:"
    return Problem(place, f"breaks its contract, {error.check}", "see data/README.md")
