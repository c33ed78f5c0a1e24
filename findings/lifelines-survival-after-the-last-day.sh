#!/usr/bin/env bash
# lifelines 0.30.3: predict_survival_function with conditional_after goes on past the last day of the data without a word.
# Rossi's data end in week 52. For somebody who is there in week 50 the chance to be there 10, 100 and 1,000 weeks later is the same
# .986: nobody leaves any more, since the curve is carried on flat. An early-warning list made so calls the oldest customers the safest.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 lifelines==0.30.3
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi

rossi = load_rossi()
model = CoxPHFitter().fit(rossi, "week", "arrest")
stays = model.predict_survival_function(rossi.iloc[:1], times=[2, 10, 100, 1000], conditional_after=[50]).iloc[:, 0]
print(f"last week {rossi['week'].max()}; there after 50 weeks, still there 2, 10, 100, 1000 weeks later: {stays.round(6).tolist()}")
assert rossi["week"].max() == 52
assert stays.nunique() == 1, stays
assert round(stays.iloc[0], 3) == 0.986, stays
print("seen as described")
PYTHON
