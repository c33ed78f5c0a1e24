#!/usr/bin/env bash
# lifelines 0.30.3: a CoxPHFitter that was given an initial_point has the same coefficients and log-likelihood as one that was not, and
# another likelihood-ratio test: its null model is fitted anew with the 0/1 of the event as duration and the durations as a covariate.
# On 200 rows of noise the ratio is .229 (p .89) from zeros and 502.3 (p below 1e-100) from the maximum; print_summary() shows it.
# With delayed entry the same call ends in an error about 197 rows whose entry is after their duration; there is none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 lifelines==0.30.3
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import numpy as np
import pandas as pd
from lifelines import CoxPHFitter

rng = np.random.default_rng(11)
n = 200
table = pd.DataFrame({"age": rng.normal(size=n), "spend": rng.normal(size=n)})
table["months"] = rng.integers(2, 40, n).astype(float)
table["left"] = (rng.random(n) < 0.7).astype(int)

plain = CoxPHFitter().fit(table, "months", "left")
start = (plain.params_ * table[["age", "spend"]].std()).to_numpy()
begun = CoxPHFitter().fit(table, "months", "left", initial_point=start)
tests = [fitter.log_likelihood_ratio_test() for fitter in (plain, begun)]
for name, fitter, test in zip(("from zeros", "from its maximum"), (plain, begun), tests):
    print(f"{name}: coefficients {fitter.params_.round(6).tolist()}, log-likelihood {fitter.log_likelihood_:.6f},"
          f" likelihood ratio {test.test_statistic:.3f}, p {test.p_value:.3g}")
assert np.allclose(plain.params_, begun.params_, atol=1e-6) and abs(plain.log_likelihood_ - begun.log_likelihood_) < 1e-8
assert round(tests[0].test_statistic, 3) == 0.229 and round(tests[1].test_statistic, 1) == 502.3, tests
late = table.assign(entry=np.minimum(rng.integers(0, 30, n), table["months"] - 1))
fitter = CoxPHFitter().fit(late, "months", "left", entry_col="entry", initial_point=start)
try:
    fitter.log_likelihood_ratio_test()
except ValueError as error:
    print("with entries:", error)
else:
    raise AssertionError("no error")
print("seen as described")
PYTHON
