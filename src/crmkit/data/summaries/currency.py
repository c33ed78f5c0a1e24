"""In which money are amounts? One currency for all rows, by declared rates where there are several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmkit.core.errors import DataError, Problem
from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    from crmkit.data.client import Client

MONEY_COLUMNS = ("amount", "cost")
EXACT = "decimal(18, 4)"
RATE = "decimal(18, 8)"


def in_one_currency(company: Client, table: str = "transactions") -> Any:
    """A table with all amounts in the client's currency.

    Parameters
    ----------
    company : Client
        Its ``settings.tables[table].rates`` say what one unit of another currency is worth in the client's own.
    table : str
        With a column ``amount``, and perhaps ``cost``; rows without a currency are in the client's own.

    Returns
    -------
    ibis.Table
        As it was, where every row is in the client's currency; else with converted amounts, exact to four decimals.

    Raises
    ------
    DataError
        When a currency has no rate: a sum over several currencies means nothing. Names each with its rows.
    """
    import ibis

    rows = company.tables[table]
    if "currency" not in rows.columns:
        return rows
    code = rows.currency.cast("string").strip().upper()
    counted = to_frame(rows.group_by(code=code).agg(n=rows.count()).order_by("code"))
    others = counted[counted["code"].notna() & (counted["code"] != "") & (counted["code"] != company.currency)]
    if others.empty:
        return rows
    declared = company.settings.tables.get(table)
    rates = {} if declared is None else declared.rates
    unknown = others[~others["code"].isin(list(rates))]
    if len(unknown):
        named = ", ".join(f"{row.code} ({row.n} rows)" for row in unknown.itertuples())
        example = f"{{{', '.join(f'{one}: ...' for one in unknown['code'])}}}"
        raise DataError(
            Problem(
                f"{table}: column 'currency'",
                f"has {named} beside the client's {company.currency}",
                f"give what one unit is worth in {company.currency}, as rates: {example} under tables.{table}, or convert the "
                "amounts before the export",
            )
        )
    factor = ibis.cases(
        *((code == name, ibis.literal(str(rates[name])).cast(RATE)) for name in others["code"]),
        else_=ibis.literal("1").cast(RATE),
    )
    money = [name for name in MONEY_COLUMNS if name in rows.columns]
    return rows.mutate(**{name: (rows[name].cast("float64") * factor.cast("float64")).round(4).cast(EXACT) for name in money})
