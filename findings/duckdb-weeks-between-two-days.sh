#!/usr/bin/env bash
# DuckDB 1.5.6: date_diff counts the borders that are crossed for months, quarters and years, but whole weeks for weeks.
# From Friday 31 January to Saturday 1 February is one month; from Sunday to Monday, over the border of a week that date_trunc('week') sees,
# is no week. Whoever groups by date_trunc and counts by date_diff gets weeks that do not fit together.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check duckdb==1.5.6
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import duckdb

ask = "SELECT date_diff('month', DATE '2025-01-31', DATE '2025-02-01'), date_diff('year', DATE '2024-12-31', DATE '2025-01-01')"
month, year = duckdb.sql(ask).fetchone()
ask = "SELECT date_diff('week', DATE '2025-01-05', DATE '2025-01-06'), date_trunc('week', DATE '2025-01-05') = date_trunc('week', DATE '2025-01-06')"
week, same_week = duckdb.sql(ask).fetchone()
seven = duckdb.sql("SELECT date_diff('week', DATE '2025-01-05', DATE '2025-01-12')").fetchone()[0]
print(f"one day over the border: {month} month, {year} year, {week} weeks; the same week by date_trunc: {same_week}; Sunday to Sunday: {seven}")
assert (month, year, week, same_week, seven) == (1, 1, 0, False, 1)
print("seen as described")
PYTHON
