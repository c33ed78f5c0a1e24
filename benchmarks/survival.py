"""How fast are Cox model, proportional-hazards test and scoring against lifelines (and R), with equal answers?

    python benchmarks/survival.py [--quick] [--full]

Simulated customers, eight covariates, about a quarter leaves. "Monthly": times in whole months, fee and logins in bands, so
that the covariates have some 2,000 different patterns; "continuous": no two times are equal. Every contender runs in a process
of its own with one BLAS thread; measured is CPU time (`time.process_time`) from the table to the coefficients, with imports
done and one small fit behind it. Contenders take turns, and the median of the ratios counts. lifelines gets precision=1e-12, as
in the kit: without it, it stops up to 1e-5 from the maximum. It needs some 100 s for a million continuous times, so both are
compared at 100,000; --full adds the million. R (coxph, with its concordance, and cox.zph) is measured where `Rscript` and the
package survival are installed. --quick: 100,000 customers only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

TRUTH = {
    "promo": -0.4,
    "year": -1.2,
    "fibre": 0.5,
    "echeck": 0.4,
    "senior": 0.1,
    "partner": -0.3,
    "fee": 0.006,
    "logins": -0.08,
}
COLUMNS = list(TRUTH)
HORIZON = 3
R_CODE = """
suppressMessages(library(survival))
d <- read.csv(commandArgs(TRUE)[1])
f <- Surv(time, left) ~ promo + year + fibre + echeck + senior + partner + fee + logins
a <- proc.time(); m <- coxph(f, d); b <- proc.time(); z <- cox.zph(m); e <- proc.time()
cpu <- function(x, y) sum((y - x)[1:2])
cat(sprintf('{"fit": %.4f, "zph": %.4f, "coefficients": [%s], "global": %.10g}', cpu(a, b), cpu(b, e),
  paste(sprintf("%.12g", coef(m)), collapse = ", "), z$table["GLOBAL", 1]))
"""


def make_customers(folder, customers, kind):
    import numpy as np

    rng = np.random.default_rng(0)
    flags = {name: (rng.random(customers) < share) * 1.0
             for name, share in zip(COLUMNS[:6], (0.5, 0.3, 0.45, 0.35, 0.16, 0.5), strict=True)}  # fmt: skip
    fee, logins = rng.uniform(20, 120, customers), rng.poisson(5, customers) * 1.0
    if kind == "monthly":
        fee = np.linspace(28, 112, 6)[np.minimum(((fee - 20) * 0.06).astype(int), 5)]
        logins = np.array([2.0, 4, 6, 8, 10])[np.digitize(logins, [3, 5, 7, 9])]
    table = flags | {"fee": fee, "logins": logins}
    eta = sum(TRUTH[name] * (table[name] - (70 if name == "fee" else 5 if name == "logins" else 0)) for name in COLUMNS)
    event, end = rng.exponential(1 / (0.012 * np.exp(eta))), rng.uniform(0, 72, customers)
    seen = np.minimum(event, end)
    path = Path(folder) / f"{kind}-{customers}.npz"
    np.savez(path, time=np.ceil(seen) if kind == "monthly" else seen, left=(event <= end) * 1.0, **table)
    return path


def load(path):
    import numpy as np
    import pandas as pd

    with np.load(path) as stored:
        return pd.DataFrame({name: stored[name] for name in (*COLUMNS, "time", "left")})


def ours(table, timed):
    import numpy as np

    from crmkit.models.survival import churn_probability, fit_cox, proportional_hazards

    X = table[COLUMNS]
    fit = timed("fit", lambda: fit_cox(table["time"], table["left"], X, engine=ENGINE[0]))
    zph = timed("zph", lambda: proportional_hazards(fit))
    active = np.minimum(table["time"].to_numpy(), 60.0)
    scored = timed("score", lambda: churn_probability(fit, X, elapsed=active, horizon=HORIZON))
    return {
        "engine": fit.engine, "coefficients": fit.coefficients.tolist(), "errors": fit.standard_errors.tolist(),
        "global": float(zph["statistic"].iloc[-1]), "mean": float(scored["probability"].mean()),
    }  # fmt: skip


def lifelines(table, timed):
    from lifelines import CoxPHFitter

    fitter = CoxPHFitter()
    timed("fit", lambda: fitter.fit(table, "time", "left", fit_options={"precision": 1e-12}))
    return {"coefficients": fitter.params_[COLUMNS].tolist(), "errors": fitter.standard_errors_[COLUMNS].tolist()}


ENGINE = ["auto"]
CONTENDERS = {"ours": ours, "lifelines": lifelines}


def contend(contender, path):
    """What a contender's process does: a small fit to warm up, then the timed one."""
    import resource

    warnings.simplefilter("ignore")
    took = {}

    def timed(name, call):
        start = time.process_time()
        answer = call()
        took[name] = time.process_time() - start
        return answer

    table = load(path)
    ENGINE[0] = "cells" if "monthly" in Path(path).name else "rows"
    CONTENDERS[contender](table.iloc[:3000].reset_index(drop=True), timed)
    answer = CONTENDERS[contender](table, timed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": took, "peak_mb": peak} | answer))


def memory(path):
    """Bytes that scoring needs per customer, beyond the table."""
    import tracemalloc

    import numpy as np

    from crmkit.models.survival import churn_probability, fit_cox

    table = load(path)
    fit = fit_cox(table["time"], table["left"], table[COLUMNS], engine="cells" if "monthly" in Path(path).name else "rows")
    elapsed = np.minimum(table["time"].to_numpy(), 60.0)
    tracemalloc.start()
    churn_probability(fit, table[COLUMNS], elapsed=elapsed, horizon=HORIZON)
    print(json.dumps({"bytes": tracemalloc.get_traced_memory()[1] / len(table)}))


def run_r(path):
    """CPU seconds of R's coxph and cox.zph; None where R is not installed."""
    rscript = shutil.which("Rscript")
    if not rscript:
        return None
    flat = path.with_suffix(".csv")
    load(path).to_csv(flat, index=False)
    done = subprocess.run([rscript, "-e", R_CODE, str(flat)], capture_output=True, text=True, check=False)
    flat.unlink()
    return json.loads(done.stdout) if done.returncode == 0 else None


def duel(label, path, repetitions, opponents=("lifelines",)):
    """Contenders take turns; returns the answers of each, after a look at whether they agree."""
    from _bench import run

    answers = {name: [] for name in ("ours", *opponents)}
    for _ in range(repetitions):
        for name in answers:
            answers[name].append(run(sys.executable, Path(__file__), "--contender", name, "--data", path))
    for name, found in answers.items():
        best = {part: sorted(a["cpu"][part] for a in found)[len(found) // 2] for part in found[0]["cpu"]}
        shown = "  ".join(f"{part} {seconds:.3f} s" for part, seconds in best.items())
        print(f"{label:26s} {name:10s} CPU {shown}   peak {found[0]['peak_mb']:.0f} MB", flush=True)
    for name in opponents:
        for part, tolerance in (("coefficients", 1e-6), ("errors", 1e-6)):
            apart = max(abs(a - b) for a, b in zip(answers["ours"][0][part], answers[name][0][part], strict=True))
            print(f"{label:26s} largest difference of {part} to {name}: {apart:.1e}")
            assert apart < tolerance, "not the same maximum"
    return answers


def seconds(answers, name, part="fit"):
    return [answer["cpu"][part] for answer in answers[name]]


def compare_r(label, path, answers, bars):
    from _bench import Bar

    r = run_r(path)
    if r is None:
        print(f"{label:26s} R          not measured: Rscript or its package survival is missing")
        return
    print(f"{label:26s} R          CPU fit {r['fit']:.3f} s  zph {r['zph']:.3f} s")
    one = answers["ours"][0]
    apart = max(abs(a - b) for a, b in zip(one["coefficients"], r["coefficients"], strict=True))
    relative = abs(one["global"] / r["global"] - 1)
    print(f"{label:26s} largest difference of coefficients to R: {apart:.1e}, of the global test: {relative:.1e} of it")
    assert apart < 1e-6, "not the same maximum"
    bars.append(Bar(f"Cox, {label}: CPU of ours / R's coxph", seconds(answers, "ours")[0] / r["fit"], 1.0, least=False))
    ratio = r["zph"] / seconds(answers, "ours", "zph")[0]
    print(f"{label:26s} PH test: CPU of R / ours {ratio:.1f}")
    if "monthly" in label:  # promised for cells only
        bars.append(Bar(f"PH test, {label}: CPU of R / ours", ratio, 20))


def main(options):
    from _bench import Bar, finish, median_ratio, run

    bars = []
    large = 100_000 if options.quick else 1_000_000
    name = "100 k" if options.quick else "1 M"
    with tempfile.TemporaryDirectory() as folder:
        path = make_customers(folder, large, "monthly")
        answers = duel(f"monthly, {name}", path, 3)
        ratio = median_ratio(seconds(answers, "lifelines"), seconds(answers, "ours"))
        bars.append(Bar(f"Cox on cells, monthly, {name}: CPU of lifelines / ours", ratio, 8))
        whole = sorted(sum(answer["cpu"].values()) for answer in answers["ours"])[1]
        bars.append(Bar(f"fit, PH test and scores, monthly, {name}: CPU seconds", whole, 1.0, least=False))
        scoring = sorted(seconds(answers, "ours", "score"))[1]
        bars.append(Bar(f"scoring {name} active customers: CPU seconds", scoring, 1.0, least=False))
        needed = run(sys.executable, Path(__file__), "--contender", "memory", "--data", path)["bytes"]
        bars.append(Bar("scoring: bytes of memory per customer", needed, 500, least=False))
        compare_r(f"monthly, {name}", path, answers, bars)

        path = make_customers(folder, 100_000, "continuous")
        answers = duel("continuous, 100 k", path, 3)
        ratio = median_ratio(seconds(answers, "lifelines"), seconds(answers, "ours"))
        bars.append(Bar("Cox on rows, continuous, 100 k: CPU of lifelines / ours", ratio, 20))
        if not options.quick:
            path = make_customers(folder, 1_000_000, "continuous")
            answers = duel("continuous, 1 M", path, 1, ("lifelines",) if options.full else ())
            if options.full:
                ratio = median_ratio(seconds(answers, "lifelines"), seconds(answers, "ours"))
                bars.append(Bar("Cox on rows, continuous, 1 M: CPU of lifelines / ours", ratio, 20))
            needed = run(sys.executable, Path(__file__), "--contender", "memory", "--data", path)["bytes"]
            bars.append(Bar("scoring, a different time each: bytes per customer", needed, 500, least=False))
            compare_r("continuous, 1 M", path, answers, bars)
    finish(bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100,000 customers only")
    parser.add_argument("--full", action="store_true", help="lifelines at a million continuous times too (minutes)")
    for hidden in ("--contender", "--data"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender == "memory":
        memory(given.data)
    elif given.contender:
        contend(given.contender, given.data)
    else:
        main(given)
