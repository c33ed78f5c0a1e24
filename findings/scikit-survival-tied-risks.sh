#!/usr/bin/env bash
# scikit-survival 0.28.0: concordance_index_censored calls two risks tied when they lie within 1e-8 of each other, whatever their size.
# Risks that are small numbers, such as a hazard per second or a score that was scaled, are then all tied: the same perfect order has
# a concordance of 1 and, multiplied by 1e-9, of .5. Ranks have no unit; here they have one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 scikit-survival==0.28.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
from sksurv.metrics import concordance_index_censored

days, left, risk = np.array([1.0, 2, 3, 4]), np.ones(4, bool), np.array([4.0, 3, 2, 1])
usual, small = (concordance_index_censored(left, days, risk * unit)[0] for unit in (1, 1e-9))
print(f"concordance of a perfect order: {usual}; of the same risks times 1e-9: {small}")
assert usual == 1.0
assert small == 0.5, small
print("seen as described")
PYTHON
