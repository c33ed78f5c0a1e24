"""How fast are drivers, scores and weights of satisfaction, and how much faster are drivers than with pingouin?

    python benchmarks/satisfaction.py [--quick] [--peer-python PATH]

pingouin is under the GPL and does not belong into the environment of the kit: it runs in the interpreter given, in that of
$CRMKIT_PEER_PYTHON, or in .venv-peers/, made once from PyPI. Every contender has a process of its own, one BLAS thread,
and the same file, and must find the same shares. Measured is CPU time (`time.process_time`) with imports done and one small fit
behind it; contenders take turns, and the median of the ratios counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

PEERS = ["pingouin==0.7.0"]
DRIVERS, RESPONDENTS = 12, 2000


def ours(y, x):
    import numpy as np

    from crmkit.models.survey.drivers import lmg

    return lmg(np.cov(np.column_stack([y, x]), rowvar=False))


def pingouin(y, x):
    import pingouin as pg

    return pg.linear_regression(x, y, relimp=True)["relimp"].to_numpy()[1:]


CONTENDERS = {"ours": ours, "pingouin": pingouin}


def contend(name, path):
    import numpy as np

    warnings.simplefilter("ignore")
    with np.load(path) as stored:
        y, x = stored["y"], stored["x"]
    CONTENDERS[name](y, x[:, :3])
    # ours takes less than a tick of the clock, so it is repeated
    times = 20 if name == "ours" else 1
    start = time.process_time()
    for _ in range(times):
        parts = CONTENDERS[name](y, x)
    took = (time.process_time() - start) / times
    print(json.dumps({"cpu": took, "parts": [float(part) for part in parts]}))


def timed(call):
    start = time.process_time()
    call()
    return time.process_time() - start


def measure():
    """CPU seconds of what has a bar of its own; the middle of three runs."""
    import numpy as np
    import pandas as pd

    from crmkit.models.purchases.calibrated import weighted_mean
    from crmkit.models.survey.drivers import importance, lmg
    from crmkit.models.survey.nps import nps, tally
    from crmkit.models.survey.weighting import rake

    rng = np.random.default_rng(0)
    data = pd.DataFrame(rng.normal(size=(2000, 10)) + rng.normal(size=(2000, 1))).rename(columns=str)
    data["overall"] = data.to_numpy() @ np.linspace(0, 1, 10) + 3 * rng.normal(size=2000)
    drivers = [str(k) for k in range(10)]
    holes = data.mask(rng.random(data.shape) < 0.05)
    scores, cells = rng.integers(0, 11, 1_000_000).astype(float), rng.integers(0, 2400, 1_000_000)
    people = pd.DataFrame(
        {
            "region": rng.choice(list("ABCDEFGH"), 1_000_000),
            "channel": rng.choice(["web", "phone", "mail"], 1_000_000),
            "size": rng.choice(["s", "m", "l", "xl"], 1_000_000),
        }
    )
    targets = {
        "region": dict(zip("ABCDEFGH", (np.arange(8) + 13) / 132, strict=True)),
        "channel": {"web": 0.5, "phone": 0.2, "mail": 0.3},
        "size": {"s": 0.4, "m": 0.3, "l": 0.2, "xl": 0.1},
    }
    raked = rake(people, targets)

    def score():
        found = tally(scores, cells, n_cells=2400)
        return nps(found.promoters, found.detractors, found.n)

    square = rng.normal(size=(400, 19))
    calls = {
        "bootstrap": lambda: importance(data, outcome="overall", drivers=drivers, draws=1000),
        "bootstrap_missing": lambda: importance(holes, outcome="overall", drivers=drivers, draws=1000),
        "nps": score,
        "rake": lambda: rake(people, targets),
        "calibrated_mean": lambda: weighted_mean(scores, raked),
        "lmg_18": lambda: lmg(np.cov(square, rowvar=False)),
    }
    print(json.dumps({name: sorted(timed(call) for _ in range(3))[1] for name, call in calls.items()}))


def main(options):
    import numpy as np

    from _bench import Bar, finish, median_ratio, peer_python, run

    peer = peer_python(options.peer_python, PEERS)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(RESPONDENTS, DRIVERS)) + rng.normal(size=(RESPONDENTS, 1))
    y = x @ np.linspace(0, 1, DRIVERS) + 3 * rng.normal(size=RESPONDENTS)
    seconds = {"ours": [], "pingouin": []}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ratings.npz"
        np.savez(path, x=x, y=y)
        for _ in range(3 if options.quick else 11):
            found = {}
            for name in seconds:
                python = sys.executable if name == "ours" else peer
                answer = run(python, Path(__file__), "--contender", name, "--data", path)
                seconds[name].append(answer["cpu"])
                found[name] = np.array(answer["parts"])
            assert np.abs(found["ours"] - found["pingouin"]).max() < 1e-10, "not the same shares"
    for name, taken in seconds.items():
        print(f"LMG, {DRIVERS} drivers, {RESPONDENTS} respondents  {name:9s} CPU {sorted(taken)[len(taken) // 2]:.4f} s")
    took = run(sys.executable, Path(__file__), "--contender", "measure")
    print("CPU s: " + ", ".join(f"{name} {value:.3f}" for name, value in took.items()))
    finish(
        [
            Bar("LMG, 12 drivers: CPU of pingouin / ours", median_ratio(seconds["pingouin"], seconds["ours"]), 20),
            Bar("10 drivers, 1,000 resamples: CPU seconds", took["bootstrap"], 10, least=False),
            Bar("the same with 5 % missing (EM each): CPU seconds", took["bootstrap_missing"], 10, least=False),
            Bar("2,400 NPS cells of 1 M answers: CPU seconds", took["nps"], 0.5, least=False),
            Bar("raking 1 M rows on 3 margins: CPU seconds", took["rake"], 1, least=False),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 turns instead of 11")
    parser.add_argument("--peer-python", help="interpreter that has pingouin")
    for hidden in ("--contender", "--data"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender == "measure":
        measure()
    elif given.contender:
        contend(given.contender, given.data)
    else:
        main(given)
