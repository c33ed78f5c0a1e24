"""Run as a program: fits of the demo companies and at the edges, as JSON. `test_every_kernel.py` compares what comes out."""

import json
import sys

import numpy as np
import pandas as pd

from crmkit.core.errors import ModelError
from crmkit.models.purchases import bgbb, sbg
from crmkit.models.purchases.btyd import fit, fit_covariates, known, patterns, simulate, tuples
from crmkit.models.purchases.btyd.fitting import search

AS_OF = pd.Timestamp("2025-12-31")
MODELS = ("bgnbd", "mbgnbd", "pareto_nbd", "mbgcnbd")
TRUTH = {
    "bgnbd": {"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.5},
    "mbgnbd": {"r": 0.6, "alpha": 6.0, "a": 0.8, "b": 2.5},
    "pareto_nbd": {"r": 0.6, "alpha": 6.0, "s": 0.6, "beta": 11.0},
    "mbgcnbd": {"r": 0.6, "alpha": 3.0, "a": 0.8, "b": 2.5, "k": 2},
}
HUGE = 1e9
SURVIVORS = {
    "a tenth leaves": [1000, 900, 810, 729, 656],
    "a tenth of ten times as many": [10000, 9000, 8100, 7290, 6561],
    "a tenth, and a little less at last": [1000, 900, 810, 729, 659],
    "at the first renewal or never": [100, 60, 60, 60],
    "published": [1000, 631, 468, 382, 326, 289, 262, 241],
}


def at_the_edges(truth):
    """The same model where nobody leaves, where all leave equally readily, and where all buy at one rate."""
    (goes, g), (stays, s) = list(truth.items())[2:4]
    yield "differing", truth
    yield "nobody leaves", truth | {goes: 1 / HUGE}
    yield "leaving alike", truth | {goes: g * HUGE, stays: s * HUGE}
    yield "buying alike", truth | {"r": truth["r"] * 1e6, "alpha": truth["alpha"] * 1e6}


def weeks(model, truth, seed, customers=500):
    x, tx, T = simulate(known(model, truth), np.full(customers, 40.0), np.random.default_rng(seed))
    return x, np.ceil(tx), T


def histories(path):
    """(frequency, recency, T) in weeks of the buyers of a demo company."""
    bought = pd.read_csv(path, usecols=["customer_id", "ordered_at"], parse_dates=["ordered_at"]).dropna()
    bought["ordered_at"] = bought["ordered_at"].dt.normalize()
    bought = bought[bought["ordered_at"] <= AS_OF].drop_duplicates()
    by = bought.groupby("customer_id")["ordered_at"].agg(["count", "min", "max"])
    span, age = ((day - by["min"]).dt.days.to_numpy() // 7 for day in (by["max"], AS_OF))
    repeat = np.where(span > 0, by["count"] - 1, 0)
    return repeat, span, age


def contracts(path):
    """Subscribers of a demo company by the months they stayed."""
    table = pd.read_csv(path, usecols=["started_at", "ended_at"], parse_dates=["started_at", "ended_at"])
    table = table[table["started_at"] <= AS_OF]
    left = (table["ended_at"] <= AS_OF).to_numpy()
    months = (table["ended_at"].where(left, AS_OF) - table["started_at"]).dt.days.to_numpy() // 30 + 1
    period, n = np.unique(np.column_stack([months, ~left]), axis=0, return_counts=True)
    return sbg.Cohorts(period[:, 0].astype(float), period[:, 1].astype(bool), n, np.zeros(len(n)))


def one(model, columns):
    return search(tuples(*columns), model, k=2) if model == "mbgcnbd" else fit(tuples(*columns), model)


def occasions(params, seed):
    truth = bgbb.Known("bgbb", dict(zip(("alpha", "beta", "gamma", "delta"), params, strict=True)))
    return bgbb.cells(*bgbb.simulate(truth, np.full(1000, 6), np.random.default_rng(seed)), 6)


def kinds(model, effect, others=(1, 1)):
    """Two kinds of customers, of whom the second buys at another rate, or never."""
    parts = [weeks(model, TRUTH[model], seed) for seed in others]
    if effect == "never":
        parts[1] = tuple(np.zeros(500) if i < 2 else column for i, column in enumerate(parts[1]))
    elif effect == "alike":
        parts = [weeks(model, dict(list(at_the_edges(TRUTH[model]))[2][1]), seed) for seed in (1, 2)]
    x, tx, T = np.hstack(parts)
    return patterns(x, tx, T, {"kind": np.repeat([0, 1], 500)})


def calls(folder):
    """Every fit, by name."""
    for company in ("retailco", "shopco"):
        columns = histories(f"{folder}/{company}/transactions.csv")
        for model in MODELS if company == "retailco" else MODELS[:2]:
            yield f"{company} {model}", lambda model=model, columns=columns: one(model, columns)
    for company in ("techco", "cleanco"):
        data = contracts(f"{folder}/{company}/subscriptions.csv")
        yield f"{company} sbg", lambda data=data: sbg.fit_sbg(data)
    for name, survivors in SURVIVORS.items():
        yield f"sbg {name}", lambda survivors=survivors: sbg.fit_sbg(sbg.cohorts([survivors]))
    for model in MODELS:
        for number, (name, truth) in enumerate(at_the_edges(TRUTH[model])):
            columns = weeks(model, truth, number)
            yield f"{model} {name}", lambda model=model, columns=columns: one(model, columns)
    for name, params in {
        "differing": (1.2, 0.75, 0.66, 2.8),
        "nobody leaves": (1.2, 0.75, 1e-9, 2.8),
        "leaving alike": (1.2, 0.75, 2e8, 8e8),
        "buying alike": (6e8, 4e8, 0.66, 2.8),
    }.items():
        yield f"bgbb {name}", lambda params=params: bgbb.fit_bgbb(occasions(params, 0))
    for effect in ("differing", "never", "alike"):
        for model in ("bgnbd", "pareto_nbd")[: 1 if effect == "differing" else 2]:
            data = kinds(model, effect, (1, 2))
            yield f"{model} of two kinds, {effect}", lambda model=model, data=data: fit_covariates(data, model, leaving=[])


def main(folder):
    found = {}
    for name, call in calls(folder):
        try:
            made = call()
        except ModelError as err:
            found[name] = str(err)
            continue
        params = dict(made.base if hasattr(made, "base") else made.params)
        errors = dict(made.standard_errors)
        found[name] = [made.log_likelihood, *params.values(), *errors.values()]
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
