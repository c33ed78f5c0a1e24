#!/usr/bin/env bash
# ibis-framework 12.0.0: three small operations of one expression have other values on DuckDB and on Polars.
# round() of halves goes away from zero on DuckDB and to the even number on Polars; a cast to a whole number rounds on DuckDB and cuts
# on Polars; the rest of a division of a negative number is negative on DuckDB and positive on Polars. Scores of 2.5 become 3 or 2.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 'ibis-framework[duckdb,polars]==12.0.0' duckdb==1.5.6 polars==2.1.0 'sqlglot==30.17.0'
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import ibis
import pandas as pd

scores = pd.DataFrame({"place": [0, 1, 2, 3], "score": [0.5, 1.5, 2.5, 3.5], "change": [1, -1, -4, 4]})
seen = {}
for engine in (ibis.duckdb.connect(), ibis.polars.connect()):
    table = engine.create_table("scores", scores).order_by("place")
    frame = table.select(rounded=table.score.round(), whole=table.score.cast("int64"), rest=table.change % 3).execute()
    seen[engine.name] = {name: [int(value) for value in frame[name]] for name in frame}
    print(engine.name, seen[engine.name])
assert seen["duckdb"] == {"rounded": [1, 2, 3, 4], "whole": [0, 2, 2, 4], "rest": [1, -1, -1, 1]}, seen
assert seen["polars"] == {"rounded": [0, 2, 2, 4], "whole": [0, 1, 2, 3], "rest": [1, 2, 2, 1]}, seen
print("seen as described")
PYTHON
