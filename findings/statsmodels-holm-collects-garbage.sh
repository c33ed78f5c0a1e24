#!/usr/bin/env bash
# statsmodels 0.15.0: multipletests(method="holm") starts a full collection of Python's garbage at each call; Bonferroni does not.
# Three p values take some microseconds to correct, and the collection looks at every object of the process: in a notebook with data in it one
# table of a hundred segments, corrected group by group, waits for seconds. `gc.freeze()` around the call takes the time off.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 statsmodels==0.15.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import gc

from statsmodels.stats.multitest import multipletests

counted = []
gc.callbacks.append(lambda phase, info: counted.append(info["generation"]) if phase == "start" else None)
seen = {}
for method in ("bonferroni", "holm"):
    counted.clear()
    for _ in range(20):
        multipletests([0.01, 0.02, 0.03], method=method)
    seen[method] = sum(generation == 2 for generation in counted)
print(f"full collections in 20 corrections of three p values: {seen}")
assert seen["holm"] >= 20, seen
assert seen["bonferroni"] <= 1, seen
print("seen as described")
PYTHON
