#!/bin/bash
# pointblank 1.1.1, installed with its extra for DuckDB and pandas beside it, checks an Ibis table of DuckDB for missing values by
# turning the answer into polars, which the extra does not bring: `col_vals_not_null` ends with "No module named 'polars'", and so
# does a check of values, `col_vals_gt`. The extra alone runs no check of an Ibis table.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pointblank[duckdb]==1.1.1' 'ibis-framework[duckdb]==12.0.0' \
  'duckdb==1.5.6' 'pandas==2.3.3' 'narwhals==2.29.0'
cat > "$work/check.py" <<'PY'
import importlib.util

import ibis
import pandas as pd
import pointblank as pb

table = ibis.duckdb.connect().create_table(
    "customers", pd.DataFrame({"customer_id": [1, 2, 3], "email": ["a@example.org", None, "b@example.org"], "orders": [1, 2, 3]})
)


def outcome(validation):
    try:
        return f"{validation.interrogate().n_failed(i=1, scalar=True)} failed"
    except Exception as err:
        return f"{type(err).__name__}: {err}"


assert importlib.util.find_spec("polars") is None, "the extra brings polars now"
missing = outcome(pb.Validate(table).col_vals_not_null("email"))
values = outcome(pb.Validate(table).col_vals_gt("orders", 0))
print(f"pointblank {pb.__version__}, ibis {ibis.__version__}; not null: {missing}; greater than: {values}")
assert missing == values == "ModuleNotFoundError: No module named 'polars'", missing
PY
"$work/venv/bin/python" "$work/check.py"
