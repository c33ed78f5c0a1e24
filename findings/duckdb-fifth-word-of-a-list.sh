#!/usr/bin/env bash
# DuckDB 1.5.6: CASE guards a cast, so that only texts that look like a date are compared with a list of days: with four days. With a fifth
# the list in a column becomes a join, for which the cast is worked out for every row, also for those that the CASE leaves out, and a text
# that is no date ends the query. The same list in WHERE is no join. So a question that was tried with a short list of words or days breaks
# when a client names one more. Without the optimizer "in_clause" both lists go the same way.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check duckdb==1.5.6
"$work/venv/bin/python" - <<'PYTHON'
import duckdb

con = duckdb.connect()
con.execute("CREATE TABLE orders AS FROM (VALUES ('2024-02-03'), ('2023-02-03'), ('n/a')) t(ordered_at)")


def seen(days, column=True):
    listed = ", ".join(f"DATE '2024-02-0{day}'" for day in range(1, days + 1))
    guarded = f"CASE WHEN ordered_at LIKE '____-__-__' THEN CAST(ordered_at AS DATE) IN ({listed}) ELSE false END"
    counted = f"sum(sale::INT) FROM (SELECT {guarded} AS sale FROM orders)" if column else f"count(*) FROM orders WHERE {guarded}"
    try:
        return int(con.execute(f"SELECT {counted}").fetchone()[0])
    except duckdb.ConversionException as error:
        return type(error).__name__


found = {"four days": seen(4), "five days": seen(5), "five days in WHERE": seen(5, column=False)}
con.execute("SET disabled_optimizers = 'in_clause'")
found["five days without in_clause"] = seen(5)
for name, value in found.items():
    print(f"{name}: {value}")
assert found == {
    "four days": 1,
    "five days": "ConversionException",
    "five days in WHERE": 1,
    "five days without in_clause": 1,
}, found
print("seen as described")
PYTHON
