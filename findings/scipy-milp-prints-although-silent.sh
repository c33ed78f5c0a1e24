#!/usr/bin/env bash
# scipy 1.17.1: milp prints a line of the solver's own to standard output although `disp` is off, on some small problems only.
# Ten actions with a value and a cost and one budget are enough; from a notebook the line stands in the report. With presolve off nothing is
# printed and the choice is the same.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 scipy==1.17.1
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import subprocess
import sys

SOLVE = """
import sys
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
value = np.array([44, 28, 9, 11, 44, 34, 45, 36, 16, 17.0])
cost = np.array([22, 9, 17, 4, 29, 20, 25, 27, 4, 29.0])
limit = LinearConstraint(cost[None, :], -np.inf, 49.18252483430426)
options = {"disp": False} | ({} if sys.argv[1] == "on" else {"presolve": False})
found = milp(-value, integrality=np.ones(10), bounds=Bounds(0, 1), constraints=limit, options=options)
print("value", round(-found.fun), file=sys.stderr)
"""
seen = {}
for presolve in ("on", "off"):
    done = subprocess.run([sys.executable, "-c", SOLVE, presolve], capture_output=True, text=True, check=True)
    seen[presolve] = (done.stdout.strip(), done.stderr.strip())
    print(f"presolve {presolve}: printed {done.stdout.strip()!r}, {done.stderr.strip()}")
assert "Highs" in seen["on"][0], seen
assert seen["off"][0] == "", seen
assert seen["on"][1] == seen["off"][1], seen
print("seen as described")
PYTHON
