"""How much faster is a lifetime model fitted than by lifetimes and pymc-marketing, at the same optimum?

    python benchmarks/clv_fit.py [--quick] [--peer-python PATH]

The opponents do not belong into the environment of the kit, so they run in another interpreter: `--peer-python`, or the
environment variable CRMKIT_PEER_PYTHON, or, where neither is given, an environment that is made once in .venv-peers/ with
lifetimes 0.11.3 from PyPI. pymc-marketing (590 MB) is measured only where that interpreter has it.

Simulated customers (published parameters of CDNOW, whole weeks), every contender in a process of its own with one BLAS thread.
Measured is the CPU time (`time.process_time`) from the arrays of frequency, recency and T to the parameters, with imports done
and one small fit behind it; contenders take turns, and the median of the ratios counts. lifetimes cannot group equal
customers itself; for Pareto/NBD it is given the same tuples with weights.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

PEERS = ["lifetimes==0.11.3", "autograd", "dill"]
NAMES = {"bgnbd": ("r", "alpha", "a", "b"), "pareto_nbd": ("r", "alpha", "s", "beta")}
TRUTH = {
    "bgnbd": {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426},
    "pareto_nbd": {"r": 0.553, "alpha": 10.58, "s": 0.606, "beta": 11.67},
}


def ours(model, x, tx, T):
    from crmkit.models.purchases import btyd

    return dict(btyd.fit(btyd.tuples(x, tx, T), model).params)


def ours_tuples(model, x, tx, T, n):
    from crmkit.models.purchases import btyd

    return dict(btyd.fit(btyd.tuples(x, tx, T, n), model).params)


def lifetimes(model, x, tx, T, n=None):
    from lifetimes import BetaGeoFitter, ParetoNBDFitter

    fitter = BetaGeoFitter() if model == "bgnbd" else ParetoNBDFitter()
    fitter.fit(x, tx, T, weights=n)
    return {name: float(fitter.params_[name]) for name in NAMES[model]}


def pymc(model, x, tx, T):
    import numpy as np
    import pandas as pd
    from pymc_marketing.clv import BetaGeoModel

    data = pd.DataFrame({"customer_id": np.arange(len(x)), "frequency": x, "recency": tx, "T": T})
    fitted = BetaGeoModel(data=data)
    fitted.fit(method="map", progressbar=False)
    return {name: float(fitted.fit_result[name].mean()) for name in NAMES[model]}


CONTENDERS = {"ours": ours, "ours_tuples": ours_tuples, "lifetimes": lifetimes, "lifetimes_tuples": lifetimes, "pymc": pymc}


def contend(contender, model, path):
    """What a contender's process does: warm up on few rows, then the timed fit."""
    import numpy as np

    with np.load(path) as stored:
        columns = [stored[name] for name in ("x", "tx", "T", "n") if name in stored.files]
    warnings.simplefilter("ignore")
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            CONTENDERS[contender](model, *(column[:2000] for column in columns))
            start = time.process_time()
            params = CONTENDERS[contender](model, *columns)
            took = time.process_time() - start
    except ImportError as err:
        print(json.dumps({"missing": str(err)}))
        return
    print(json.dumps({"cpu": took, "params": params}))


def predict(path):
    """CPU seconds of the predictions for every customer."""
    import numpy as np

    from crmkit.models.purchases import btyd

    with np.load(path) as stored:
        history = [stored[name] for name in ("x", "tx", "T")]
    took = {}
    for model, params in TRUTH.items():
        fit = btyd.known(model, params)
        calls = {
            "alive": lambda fit=fit: btyd.probability_alive(fit, *history),
            "expected": lambda fit=fit: btyd.expected_purchases(fit, 52, *history),
            "active": lambda fit=fit: btyd.probability_active(fit, 52, *history),
            "discounted": lambda fit=fit: btyd.discounted_expected_purchases(fit, *history, horizon=None, discount_rate=0.002),
        }
        for name, call in calls.items():
            start = time.process_time()
            call()
            took[f"{model} {name}"] = time.process_time() - start
    print(json.dumps(took))


def whole(model, path):
    """CPU seconds and memory from a million rows to tuples, fit and 200 bootstraps."""
    import tracemalloc

    import numpy as np

    from crmkit.models.purchases import btyd

    with np.load(path) as stored:
        history = [stored[name] for name in ("x", "tx", "T")]
    btyd.fit(btyd.tuples(*(column[:2000] for column in history)), model)
    start = time.process_time()
    histories = btyd.tuples(*history)
    found = btyd.fit(histories, model)
    fitted = time.process_time()
    draws = btyd.parameter_draws(histories, found, draws=200)
    done = time.process_time()
    tracemalloc.start()  # after the timing: it slows every allocation
    btyd.parameter_draws(btyd.tuples(*history), found, draws=20)
    peak = {"fit": tracemalloc.get_traced_memory()[1]}
    for name, call in (
        ("alive", lambda: btyd.probability_alive(found, *history)),
        ("expected", lambda: btyd.expected_purchases(found, 52, *history)),
    ):
        tracemalloc.reset_peak()
        call()
        peak[name] = tracemalloc.get_traced_memory()[1]
    size = sum(column.nbytes for column in history)
    answer = {"tuples": len(histories), "fit": fitted - start, "all": done - start, "failed": draws.failed}
    print(json.dumps({**answer, "memory": {name: bytes_ / size for name, bytes_ in peak.items()}}))


def make_customers(folder, model, customers, grouped=False):
    """Customers in whole weeks, 39 to 78 after their first purchase; grouped into tuples, or one row each."""
    import numpy as np

    from crmkit.models.purchases import btyd

    rng = np.random.default_rng(0)
    T = rng.integers(39, 79, customers).astype(float)
    x, tx, T = btyd.simulate(btyd.known(model, TRUTH[model]), T, rng)
    columns = {"x": x, "tx": np.ceil(tx), "T": T}
    if grouped:
        t = btyd.tuples(*columns.values())
        order = rng.permutation(len(t))  # so that the small fit before the timed one has buyers of all kinds
        columns = {
            name: array[order] for name, array in zip(("x", "tx", "T", "n"), (t.frequency, t.recency, t.T, t.n), strict=True)
        }
    path = Path(folder) / f"{model}-{customers}-{grouped}.npz"
    np.savez(path, **columns)
    return path


def deficit(model, path, params, better):
    """How much log-likelihood per customer the other parameters lose against ours."""
    import numpy as np

    from crmkit.models.purchases import btyd

    with np.load(path) as stored:
        history = [stored[name] for name in ("x", "tx", "T")]
        n = stored["n"] if "n" in stored.files else np.ones(len(history[0]))
    at = [(btyd.log_likelihood(btyd.known(model, p), *history) * n).sum() / n.sum() for p in (better, params)]
    return float(at[0] - at[1])


def duel(title, model, path, contenders, peer, repetitions):
    """Contenders take turns; prints what each needed and found, returns the CPU seconds of each."""
    from _bench import run

    seconds = {name: [] for name in contenders}
    found = {}
    for _ in range(repetitions):
        for name in tuple(contenders):
            python = sys.executable if name.startswith("ours") else peer
            answer = run(python, Path(__file__), "--contender", name, "--model", model, "--data", path)
            if "missing" in answer:
                print(f"{title:28s} {name:17s} not measured: {answer['missing']}")
                contenders = [other for other in contenders if other != name]
                continue
            seconds[name].append(answer["cpu"])
            found[name] = answer["params"]
    first = contenders[0]  # ours
    for name, params in found.items():
        shown = " ".join(f"{key} {value:.5g}" for key, value in params.items())
        lost = deficit(model, path, params, found[first])
        times = sorted(seconds[name])
        print(
            f"{title:28s} {name:17s} CPU {times[len(times) // 2]:8.3f} s   {shown}   log L per customer {-lost:+.1e}",
            flush=True,
        )
        assert abs(lost) < 1e-5 or name == "pymc", "not the same optimum"  # pymc's priors move its optimum
    return seconds


def million(folder, path):
    """The whole chain for a million customers of each model."""
    from _bench import Bar, run

    bars = []
    for model in NAMES:
        data = path if model == "bgnbd" else make_customers(folder, model, 1_000_000)
        got = run(sys.executable, Path(__file__), "--contender", "whole", "--model", model, "--data", data)
        memory = ", ".join(f"{name} {times:.2f}" for name, times in got["memory"].items())
        print(f"{model}: {got['tuples']} tuples, {got['failed']} samples not fitted; peak memory / input arrays: {memory}")
        bars.append(Bar(f"{model}, 1 M: tuples, fit, 200 bootstraps: CPU seconds", got["all"], 15, least=False))
        bars.append(Bar(f"{model}, 1 M: peak memory / input arrays", max(got["memory"].values()), 3, least=False))
    return bars


def main(options):
    from _bench import Bar, finish, median_ratio, peer_python, run

    peer = peer_python(options.peer_python, PEERS)
    bars = []
    with tempfile.TemporaryDirectory() as folder:
        sizes = [(100_000, "100 k", 5)] if options.quick else [(100_000, "100 k", 11), (1_000_000, "1 M", 3)]
        for customers, label, repetitions in sizes:
            path = make_customers(folder, "bgnbd", customers)
            seconds = duel(f"BG/NBD, {label} customers", "bgnbd", path, ["ours", "lifetimes", "pymc"], peer, repetitions)
            for other in ("lifetimes", "pymc"):
                if seconds[other]:
                    bars.append(
                        Bar(f"BG/NBD fit, {label}: CPU of {other} / ours", median_ratio(seconds[other], seconds["ours"]), 50)
                    )
            if customers == 1_000_000:
                bars.append(Bar("BG/NBD tuples and fit, 1 M: CPU seconds", sorted(seconds["ours"])[1], 0.5, least=False))
                took = run(sys.executable, Path(__file__), "--contender", "predict", "--model", "bgnbd", "--data", path)
                print("predictions for 1 M customers, CPU s: " + ", ".join(f"{k} {v:.2f}" for k, v in took.items()))
                bars.append(Bar("slowest prediction for 1 M: CPU seconds", max(took.values()), 2, least=False))
                bars += million(folder, path)
        path = make_customers(folder, "pareto_nbd", 100_000, grouped=True)
        contenders = ["ours_tuples", "lifetimes_tuples"]
        seconds = duel("Pareto/NBD, 100 k, tuples", "pareto_nbd", path, contenders, peer, 3 if options.quick else 5)
        ratio = median_ratio(seconds["lifetimes_tuples"], seconds["ours_tuples"])
        bars.append(Bar("Pareto/NBD fit, 100 k, same tuples: CPU of lifetimes / ours", ratio, 5))
    finish(bars)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="100 k customers only")
    parser.add_argument("--peer-python", help="interpreter that has lifetimes, and perhaps pymc-marketing")
    for hidden in ("--contender", "--model", "--data"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.contender == "predict":
        predict(given.data)
    elif given.contender == "whole":
        whole(given.model, given.data)
    elif given.contender:
        contend(given.contender, given.model, given.data)
    else:
        main(given)
