#!/usr/bin/env bash
# ibis-framework 12.0.0 admits sqlglot 30.30.0, and with it create_table from a data frame fails on DuckDB.
# The statement that reaches the engine is cut off: "syntax error at end of input". Expressions over a memtable and create_table from a
# schema go on working, so a first look finds nothing. With sqlglot 30.17.0 the same line works.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 'ibis-framework[duckdb]==12.0.0' duckdb==1.5.6 'sqlglot==30.30.0'
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import subprocess
import sys

TRY = """
import ibis, pandas as pd
engine = ibis.duckdb.connect()
print("sum over a memtable:", ibis.memtable({"amount": [1, 2]}).amount.sum().execute())
engine.create_table("empty", schema=ibis.schema({"amount": "int64"}))
try:
    print("rows:", engine.create_table("orders", pd.DataFrame({"amount": [1, 2]})).count().execute())
except Exception as err:
    print(type(err).__name__, str(err).splitlines()[0])
"""
newest = subprocess.run([sys.executable, "-W", "ignore", "-c", TRY], capture_output=True, text=True).stdout
subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "sqlglot==30.17.0"], check=True)
older = subprocess.run([sys.executable, "-W", "ignore", "-c", TRY], capture_output=True, text=True).stdout
print(f"sqlglot 30.30.0:\n{newest}\nsqlglot 30.17.0:\n{older}")
assert "sum over a memtable: 3" in newest
assert "ParserException Parser Error: syntax error at end of input" in newest
assert "rows: 2" in older
print("seen as described")
PYTHON
