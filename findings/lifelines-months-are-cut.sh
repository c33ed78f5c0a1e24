#!/usr/bin/env bash
# lifelines 0.30.3: datetimes_to_durations with freq="M" divides days by 30.44 and cuts, it does not count months.
# A contract from 1 January to 1 March is one month long, one from 1 July to 1 September two: February's customers lose a month.
# An end before the start is no error either, it is a negative duration with the event observed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 lifelines==0.30.3
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from lifelines.utils import datetimes_to_durations

starts, ends = ["2025-01-01", "2025-07-01", "2025-01-01"], ["2025-03-01", "2025-09-01", "2025-02-01"]
months = datetimes_to_durations(starts, ends, freq="M")[0]
print(f"1 Jan to 1 Mar, 1 Jul to 1 Sep, 1 Jan to 1 Feb: {months.tolist()} months")
assert months.tolist() == [1.0, 2.0, 1.0], months
days, observed = datetimes_to_durations(["2025-03-01"], ["2025-01-31"], freq="D")
print(f"from 1 March back to 31 January: {days[0]} days, observed {observed[0]}")
assert days[0] == -29 and observed[0]
print("seen as described")
PYTHON
