"""Does a table keep its contract: the right types, nothing empty that is required, values in range, keys unique?

The checks are those of pandera on the engine's own tables, made from the declarations in :mod:`crmkit.data.tables`. They run
last, on what the reports will read; what a row can be blamed for has been found by :mod:`crmkit.data.intake.rejects` before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import Problem
from crmkit.data.sources.engine import quiet
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
            nullable=not column.required and column.default is None,
            required=column.required or column.default is not None,
        )
        for name, column in contract.columns.items()
    }
    return pa.DataFrameSchema(columns, strict=True, unique=list(contract.unique) or None)


def _checks(pa: Any, column: Column) -> list[Any]:
    checks = [pa.Check.ge(column.low)] if column.low is not None else []
    checks += [pa.Check.le(column.high)] if column.high is not None else []
    return [*checks, pa.Check.isin(list(column.choices))] if column.choices else checks


def contract_problems(table: ibis.Table, *, name: str) -> list[Problem]:
    """Everything in which a table breaks its contract; nothing where it keeps it."""
    from pandera.errors import SchemaErrors

    contract = TABLES[name]
    if contract.returns and contract.returns[0] not in table.columns:
        # a list of purchases without amounts, as the client has said
        amount = replace(contract.columns[contract.returns[0]], required=False)
        contract = replace(contract, columns={**contract.columns, contract.returns[0]: amount})
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
