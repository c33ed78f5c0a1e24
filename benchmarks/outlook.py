"""Do the ranges of the outlook hold, and are they narrower than those of the simplest rule?

The rule: as the last value, give or take the spread of how far earlier outcomes lay from the last value before them. Both are
asked from the last six points on which the outcome is known, with what was known then. The score of a range is its width and
forty times the distance by which it missed, over what came; small is good. Real logs of purchases: sales, buyers and orders
of CDNOW and of the households of Complete Journey, whole and by department. They last 18 and 12 months, so they are counted by
half months (36 and 24 points), and once more by month. Simulated series of 36 months, with 24 known at the first question:
around a level, with a trend, a season, a step.
Run: ``.venv/bin/python benchmarks/outlook.py [--series N]``; needs the example data (`make examples`).
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from _bench import Bar, finish
from crmkit.models.outlook.ranges import earlier
from ranges import logs

ORIGINS, POINTS, AHEAD = 6, 24, (1, 3)
HOLD, BETTER = 0.90, 1.0
MONTHS, HALVES = 365.25 / 12, 365.25 / 24


def series_of(table: pd.DataFrame, days: float) -> dict[str, np.ndarray]:
    """Sales, buyers and orders in stretches of equal length, counted back from the last day, as far as they are whole."""
    end = table["ordered_at"].max()
    back = ((end - table["ordered_at"]).dt.days // days).astype(int)
    whole = int(((end - table["ordered_at"].min()).days + 1) // days)
    own = table[back < whole].assign(back=back)
    found = own.groupby("back").agg(sales=("amount", "sum"), buyers=("customer_id", "nunique"), orders=("amount", "size"))
    found = found.reindex(range(whole), fill_value=0).iloc[::-1]
    return {name: found[name].to_numpy(dtype="float64") for name in found}


def simulated(kind: str, seed: int) -> np.ndarray:
    """36 months whose truth is known."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=36) * 0.08
    for at in range(1, 36):
        noise[at] += 0.4 * noise[at - 1]
    month = np.arange(36)
    added = {
        "level": 0.0 * month,
        "trend": 0.02 * month,
        "season": 0.3 * np.sin(2 * np.pi * month / 12),
        "step": np.where(month >= rng.integers(8, 30), 0.3, 0.0),
        "walk": np.cumsum(rng.normal(size=36) * 0.1),
    }[kind]
    return np.asarray(1000 * np.exp(added + noise))


def rule(y: np.ndarray, ahead: int) -> tuple[float, float]:
    """Limits of the simplest rule for the mean of the next steps."""
    z = np.log(y)
    changes = np.array([np.log(y[at : at + ahead].mean()) - z[at - 1] for at in range(1, len(y) - ahead + 1)])
    reach = float(t.ppf(0.975, len(changes) - 1)) * float(np.sqrt(np.mean(changes**2)))
    return float(np.exp(z[-1] - reach)), float(np.exp(z[-1] + reach))


def asked(name: str, kind: str, y: np.ndarray) -> Iterator[dict[str, Any]]:
    """One row per question."""
    if (y <= 0).any():
        print(f"{name}, {kind}: a stretch without sales, left out", flush=True)
        return
    for ahead in AHEAD:
        for one in earlier(y, ahead=ahead, scale="log")[-ORIGINS:]:
            came = one.came
            row = {"log": name, "series": kind, "ahead": ahead, "seen": one.seen, "came": came, "method": one.method}
            for side, (low, high) in {"kit": (one.low, one.high), "rule": rule(y[: one.seen], ahead)}.items():
                missed = max(0.0, low - came) + max(0.0, came - high)
                row |= {f"{side} holds": low <= came <= high, f"{side} score": (high - low + 40 * missed) / came}
                row |= {f"{side} width": (high - low) / came}
            yield row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=20, help="simulated series of each kind")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: dict[str, list[dict[str, Any]]] = {"halves": [], "months": [], "simulated": []}
    for name, table in logs():
        for kind, days in (("halves", HALVES), ("months", MONTHS)):
            for measure, y in series_of(table, days).items():
                rows[kind] += asked(name, measure, y)
    for kind in ("level", "trend", "season", "step", "walk"):
        for seed in range(given.series):
            rows["simulated"] += asked(f"simulated, {kind}", f"{seed}", simulated(kind, seed))
    told(rows)


def told(rows: dict[str, list[dict[str, Any]]]) -> None:
    """Tables, then the bars."""
    shown = ["kit holds", "rule holds", "kit width", "rule width", "kit score", "rule score"]
    bars = []
    for kind, own in rows.items():
        table = pd.DataFrame(own)
        print(f"\n{kind}: {table['log'].nunique()} logs, {len(table)} ranges")
        print(table.groupby(["log", "ahead"])[shown].mean().round(3).to_string())
        print(table["method"].value_counts().to_string())
        fair = kind != "months"
        bars.append(
            Bar(
                f"{kind}: score, of that of the rule",
                table["kit score"].mean() / table["rule score"].mean(),
                BETTER,
                least=False,
            )
        )
        bars.append(Bar(f"{kind}: ranges that held", float(table["kit holds"].mean()), HOLD)) if fair else None
        if kind == "simulated":
            for name, each in table.groupby("log"):
                bars.append(
                    Bar(
                        f"{name}: score, of the rule's",
                        each["kit score"].mean() / each["rule score"].mean(),
                        BETTER,
                        least=False,
                    )
                )
    finish(bars)


if __name__ == "__main__":
    main()
