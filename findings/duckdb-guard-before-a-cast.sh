#!/usr/bin/env bash
# DuckDB 1.5.6: "only texts that look like a date are cast" guards a cast in WHERE, and does not in a column or in FILTER: there both sides
# of AND are worked out for every row, and a text that is no date ends the query. CASE guards in every place. So a check that was tried as
# WHERE breaks when it becomes one of many counts in one pass over a table.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check duckdb==1.5.6
"$work/venv/bin/python" - <<'PYTHON'
import duckdb

con = duckdb.connect()
con.execute("CREATE TABLE orders AS FROM (VALUES ('2024-02-03'), ('2023-02-03'), ('n/a')) t(ordered_at)")
guarded = "ordered_at LIKE '____-__-__' AND CAST(ordered_at AS DATE) >= DATE '2024-01-01'"
branch = "CASE WHEN ordered_at LIKE '____-__-__' THEN CAST(ordered_at AS DATE) >= DATE '2024-01-01' ELSE false END"
queries = {
    "AND in WHERE": f"SELECT count(*) FROM orders WHERE {guarded}",
    "AND in FILTER": f"SELECT count(*) FILTER ({guarded}) FROM orders",
    "AND in a column": f"SELECT sum(recent::INT) FROM (SELECT {guarded} AS recent FROM orders)",
    "CASE in WHERE": f"SELECT count(*) FROM orders WHERE {branch}",
    "CASE in FILTER": f"SELECT count(*) FILTER ({branch}) FROM orders",
    "CASE in a column": f"SELECT sum(recent::INT) FROM (SELECT {branch} AS recent FROM orders)",
}
seen = {}
for name, query in queries.items():
    try:
        seen[name] = int(con.execute(query).fetchone()[0])
    except duckdb.ConversionException as error:
        seen[name] = type(error).__name__
    print(f"{name}: {seen[name]}")
assert seen == {
    "AND in WHERE": 1,
    "AND in FILTER": "ConversionException",
    "AND in a column": "ConversionException",
    "CASE in WHERE": 1,
    "CASE in FILTER": 1,
    "CASE in a column": 1,
}, seen
print("seen as described")
PYTHON
