"""What does the model of gaps between purchases cost on ten million purchases, and how much faster is its fit than lifelines'?

    python benchmarks/churn_shop.py [--quick]

A simulated shop: a million customers with rhythms of their own (gamma gaps), some of whom leave, ten million purchases over
three years in Parquet. One process goes the whole way: gaps reduced to cells inside the engine, gap-time Cox model on the
cells, errors by customer from every 20th customer, the probability of no purchase of each customer, the list of the thousand
with most money at risk. Measured are CPU time and peak memory of that process, imports included, with 800 MB for the engine.

The duel: fit_gap_times on the cells of a part of the customers against lifelines' CoxPHFitter on the rows of the same part
(strata by purchase number, precision 1e-12), each in a process of its own with one BLAS thread, in turns. All rows would take
lifelines minutes and many GB, so the part is every 10th customer; that favours lifelines, because the cost of cells hardly
grows with rows. --quick: a tenth of the customers. --folder: where the purchases are written; those there already are taken.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

START, AS_OF = dt.date(2022, 1, 1), dt.date(2024, 12, 31)
HORIZON, TYPICAL, PART, SAMPLE, LISTED = 90, 60.0, 10, 20, 1000
CHUNK = 250_000


def make_purchases(path, customers):
    """Gamma gaps around a rhythm of each customer's own; each purchase may be the last one."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    days = (AS_OF - START).days
    schema = pa.schema(
        [("customer_id", pa.string()), ("ordered_at", pa.date32()), ("amount", pa.float64()), ("channel", pa.string())]
    )
    first = (START - dt.date(1970, 1, 1)).days
    with pq.ParquetWriter(path, schema, compression="zstd") as out:
        for chunk, begin in enumerate(range(0, customers, CHUNK)):
            rng = np.random.default_rng(chunk)
            n = min(CHUNK, customers - begin)
            who = np.arange(n)
            rhythm = 30 * np.exp(0.6 * rng.standard_normal(n))
            channel = (rng.random(n) < 0.3).astype(np.int64)
            at = rng.uniform(0, days, n)
            rows = []
            while len(who):
                rows.append((who, np.floor(at).astype(np.int64)))
                scale = rhythm[who] * np.exp(-0.3 * channel[who]) / 2
                at = at + np.maximum(rng.gamma(2.0, scale), 1.0)
                stays = (at <= days) & (rng.random(len(who)) > 0.06)
                who, at = who[stays], at[stays]
            who, day = (np.concatenate(part) for part in zip(*rows, strict=True))
            ids = pa.array([f"C{begin + k:07d}" for k in range(n)]).take(pa.array(who))
            words = pa.array(["shop", "web"]).take(pa.array(channel[who]))
            amount = np.round(np.exp(3 + 0.8 * rng.standard_normal(len(who))), 2)
            table = pa.table([ids, pa.array((first + day).astype(np.int32)).cast(pa.date32()), amount, words], schema=schema)
            out.write_table(table)


def bands():
    from crmkit.data.summaries.gaps import log_band

    return {
        "log_rhythm": log_band("rhythm_days", low=10, high=160, bands=8, fill=TYPICAL),
        "log_amount": log_band("amount", low=5, high=90, bands=4),
    }


def gaps_of(path, every=1):
    from crmkit.data.sources.engine import connect
    from crmkit.data.summaries.gaps import purchase_gaps, some_customers

    con, _ = connect()
    gaps = purchase_gaps(con.read_parquet(path), as_of=AS_OF, typical_days=TYPICAL)
    return con, (some_customers(gaps, every=every) if every > 1 else gaps)


def fit_cells(cells):
    from crmkit.models.survival.gaps import fit_gap_times

    columns = cells[[*bands(), "channel"]]
    given = {"number": cells["stratum"], "weights": cells["n"], "strata": 4, "engine": "cells"}
    return fit_gap_times(cells["duration_days"], cells["event_observed"], columns, **given)


def whole(path):
    """From Parquet to the list; CPU seconds of each step and peak memory."""
    import numpy as np

    from crmkit.data.sources.engine import disconnect, to_frame
    from crmkit.data.summaries.gaps import gap_cells, open_gaps, some_customers
    from crmkit.models.survival.gaps import customer_errors, no_purchase_probability

    steps, last = {"imports": time.process_time()}, time.process_time()

    def done(name):
        nonlocal last
        steps[name], last = time.process_time() - last, time.process_time()

    con, gaps = gaps_of(path)
    gaps = gaps.cache()  # once through the windows; cells, sample and open gaps read the result
    done("gaps")
    cells = gap_cells(gaps, bands=bands(), words=["channel"])
    done("cells")
    fit = fit_cells(cells)
    done("fit")
    some = to_frame(banded(some_customers(gaps, every=SAMPLE)))
    fit = customer_errors(
        fit, some["duration_days"], some["event_observed"], some[[*bands(), "channel"]],
        customer=some["customer_id"], number=some["number"], share=1 / SAMPLE,
    )  # fmt: skip
    done("errors")
    today = to_frame(
        open_gaps(gaps).select("customer_id", "number", "duration_days", "rhythm_days", "amount", "mean_amount", "channel")
    )
    X = today[["channel"]].assign(log_rhythm=np.log(today["rhythm_days"]), log_amount=np.log(np.maximum(today["amount"], 0.01)))
    scored = no_purchase_probability(
        fit, X, silence=today["duration_days"], horizon=HORIZON, number=today["number"], tail="constant"
    )
    done("scores")
    value = scored["probability"] * today["mean_amount"] * HORIZON / today["rhythm_days"]
    top = np.argsort(-value.to_numpy(), kind="stable")[:LISTED]
    listed = today.iloc[top].assign(probability=scored["probability"].iloc[top], at_risk=value.iloc[top])
    listed.to_csv(Path(path).with_suffix(".csv"), index=False)
    done("list")
    disconnect(con)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    answer = {
        "cells": len(cells), "gaps": int(cells["n"].sum()), "customers": len(today), "cpu": time.process_time(),
        "peak_gb": peak,
        "steps": {name: round(seconds, 2) for name, seconds in steps.items()},
        "names": fit.cox.design.columns,
        "coefficients": fit.cox.coefficients.tolist(), "inflation": fit.inflation.tolist(),
        "unseen": int((scored["basis"] == "not seen").sum()),
    }  # fmt: skip
    print(json.dumps(answer))


def banded(gaps):
    from crmkit.data.summaries.gaps import banded as one

    made = {name: one(gaps[band.column], band) for name, band in bands().items()}
    return gaps.select("customer_id", "number", "duration_days", "event_observed", "channel", **made).order_by(
        "customer_id", "number"
    )


def prepare(path):
    """The part of the duel as cells and as rows, made once for both."""
    from crmkit.data.sources.engine import to_frame
    from crmkit.data.summaries.gaps import gap_cells

    _, gaps = gaps_of(path, every=PART)
    gaps = gaps.cache()
    gap_cells(gaps, bands=bands(), words=["channel"]).to_parquet(Path(path).parent / "cells.parquet")
    rows = to_frame(banded(gaps))
    rows["channel[web]"] = (rows["channel"] == "web").astype(float)
    rows["stratum"] = rows["number"].clip(upper=4)
    kept = ["duration_days", "event_observed", "stratum", *bands(), "channel[web]"]
    rows[kept].to_parquet(Path(path).parent / "rows.parquet")
    print(json.dumps({"rows": len(rows)}))


def contend(name, path):
    """One fit in a process of its own, after a small one to warm up."""
    import pandas as pd

    warnings.simplefilter("ignore")
    table = pd.read_parquet(Path(path).parent / ("cells.parquet" if name == "kit" else "rows.parquet"))

    def fit(data):
        if name == "kit":
            return fit_cells(data)
        from lifelines import CoxPHFitter

        options = {"strata": ["stratum"], "fit_options": {"precision": 1e-12}}
        return CoxPHFitter().fit(data, "duration_days", "event_observed", **options)

    fit(table.sample(min(len(table), 20_000), random_state=0))
    start = time.process_time()
    found = fit(table)
    cpu = time.process_time() - start
    if name == "kit":
        names, b, se = found.cox.design.columns, found.cox.coefficients, found.cox.standard_errors
    else:
        names, b, se = list(found.params_.index), found.params_.to_numpy(), found.standard_errors_.to_numpy()
    print(
        json.dumps({"cpu": cpu, "coefficients": dict(zip(names, b, strict=True)), "errors": dict(zip(names, se, strict=True))})
    )


def main(options):
    import os

    import pyarrow.parquet as pq

    from _bench import Bar, finish, median_ratio, run

    os.environ.setdefault("CRMKIT_MEMORY", "800MB")
    customers = 100_000 if options.quick else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(options.folder or folder) / f"purchases-{customers}.parquet"
        if not path.exists():
            make_purchases(path, customers)
        made = pq.read_metadata(path).num_rows
        print(f"{customers:,} customers, {made:,} purchases, {path.stat().st_size / 1e6:.0f} MB", flush=True)
        answer = run(sys.executable, Path(__file__), "--step", "whole", "--data", path)
        for name in ("gaps", "customers", "cells", "steps", "unseen"):
            print(f"{name:12s} {answer[name]}")
        for name, b, wide in zip(answer["names"], answer["coefficients"], answer["inflation"], strict=True):
            print(f"{name:14s} {b:8.4f}   errors by customer / naive {wide:.3f}")
        part = run(sys.executable, Path(__file__), "--step", "prepare", "--data", path)
        found = {"kit": [], "lifelines": []}
        for _ in range(3):
            for name in found:
                found[name].append(run(sys.executable, Path(__file__), "--step", name, "--data", path))
                print(f"{name:10s} fit on {part['rows']:,} gaps: CPU {found[name][-1]['cpu']:.2f} s", flush=True)
        for what in ("coefficients", "errors"):
            kit, peer = (found[name][0][what] for name in ("kit", "lifelines"))
            apart = max(abs(kit[name] - peer[name]) for name in peer)
            print(f"largest difference of {what} to lifelines: {apart:.1e}")
            assert apart < 1e-6, "not the same maximum"
    ratio = median_ratio([one["cpu"] for one in found["lifelines"]], [one["cpu"] for one in found["kit"]])
    size = f"{made / 1e6:.1f} M purchases"
    finish(
        [
            Bar(f"gaps, cells, fit, errors, scores, list, {size}: CPU s", answer["cpu"], 60, least=False),
            Bar(f"the same: peak GB, {size}", answer["peak_gb"], 2.0, least=False),
            Bar(f"fit on {part['rows'] / 1e6:.1f} M gaps: CPU of lifelines / ours", ratio, 20),
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the customers")
    parser.add_argument("--folder", help="where the purchases are written for the while")
    for hidden in ("--step", "--data"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step == "whole":
        whole(given.data)
    elif given.step == "prepare":
        prepare(given.data)
    elif given.step:
        contend(given.step, given.data)
    else:
        main(given)
