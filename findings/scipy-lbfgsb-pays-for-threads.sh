#!/usr/bin/env bash
# SciPy 1.17.1 minimises a function of four parameters with L-BFGS-B at four times the processor time as soon as its BLAS may use two
# threads: the solver, in C since 1.15, hands vectors of a few numbers to BLAS, and the threads wait for each other. SciPy 1.14.1, whose
# solver was Fortran, takes the same time with one thread and with two. Fits of models with few parameters, hundreds of them for a
# bootstrap, are worth OPENBLAS_NUM_THREADS=1.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ "$(getconf _NPROCESSORS_ONLN)" -gt 1 ] || { echo "needs two processors"; exit 0; }
cat >"$work/fit.py" <<'PYTHON'
import time

import numpy as np
from scipy.optimize import minimize, rosen, rosen_der

START = np.array([1.3, 0.7, 0.8, 1.9])


def seconds():
    began = time.process_time()
    for _ in range(100):
        minimize(rosen, START, jac=rosen_der, method="L-BFGS-B")
    return time.process_time() - began


seconds()
print(min(seconds() for _ in range(7)))
PYTHON
for version in 1.14.1 1.17.1; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/python" -m pip install --quiet --disable-pip-version-check "scipy==$version" numpy==2.2.6
done
python3 - "$work" <<'PYTHON'
import os
import subprocess
import sys

work = sys.argv[1]


def seconds(version, threads):
    command = [f"{work}/{version}/bin/python", f"{work}/fit.py"]
    environment = os.environ | {"OPENBLAS_NUM_THREADS": str(threads)}
    return min(float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout) for _ in range(3))


times = {}
for version in ("1.14.1", "1.17.1"):
    one, two = seconds(version, 1), seconds(version, 2)
    times[version] = two / one
    print(f"scipy {version}: {one:.2f} s of processor time with one thread, {two:.2f} with two")
assert times["1.14.1"] < 1.5, "the solver in Fortran pays for threads too"
assert times["1.17.1"] > 2, "the solver in C does not pay for threads any more"
print("seen as described")
PYTHON
