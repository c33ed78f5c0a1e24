"""Tables of a few rows with the types that an opened one has."""

import ibis
import pandas as pd

from crmkit.data.tables import TABLES
from crmkit.data.tables.check import TYPES

DAYS = ("date", "month")
VERIFICATION = {"customer_id": "id", "field": "text", "checked_at": "date", "correct": "boolean"}


def table_of(name: str, rows: pd.DataFrame) -> ibis.Table:
    """A table with the types that an opened one has."""
    kinds = VERIFICATION if name == "verification" else {column: one.kind for column, one in TABLES[name].columns.items()}
    typed = {}
    for column in rows.columns:
        values = rows[column]
        if kinds[column] in DAYS:
            typed[column] = pd.Series([None if pd.isna(day) else pd.Timestamp(day).date() for day in values], dtype=object)
        elif kinds[column] == "timestamp":
            typed[column] = pd.to_datetime(values).reset_index(drop=True)
        elif kinds[column] in ("boolean", "integer"):
            typed[column] = values.astype({"boolean": "boolean", "integer": "Int64"}[kinds[column]]).reset_index(drop=True)
        elif kinds[column] in ("money", "score", "number"):
            typed[column] = values.astype("float64").reset_index(drop=True)
        else:
            typed[column] = pd.Series([None if pd.isna(one) else str(one) for one in values], dtype=object)
    loose = {column: "float64" if TYPES[kinds[column]].startswith("decimal") else TYPES[kinds[column]] for column in typed}
    made = ibis.memtable(pd.DataFrame(typed), schema=loose)
    return made.cast({column: TYPES[kinds[column]] for column in typed})


def frame(columns: str, *rows) -> pd.DataFrame:
    """A table written row by row."""
    return pd.DataFrame(list(rows), columns=columns.split())
