#!/usr/bin/env bash
# ibis-framework 12.0.0: the same nunique() counts a missing value on Polars and not on DuckDB.
# Orders of guests have no customer: on one engine three customers bought, on the other four. Averages per customer differ alike.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 'ibis-framework[duckdb,polars]==12.0.0' duckdb==1.5.6 polars==2.1.0 'sqlglot==30.17.0'
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import ibis
import pandas as pd

orders = pd.DataFrame({"customer_id": ["A", "B", None, "C"], "amount": [10.0, 20.0, 5.0, 7.0]})
counted = {}
for engine in (ibis.duckdb.connect(), ibis.polars.connect()):
    table = engine.create_table("orders", orders)
    counted[engine.name] = int(table.customer_id.nunique().execute())
print(f"customers who bought: {counted}; pandas: {orders['customer_id'].nunique()}")
assert counted == {"duckdb": 3, "polars": 4}, counted
print("seen as described")
PYTHON
