"""The report's opponent: what a page about CDNOW costs somebody who writes it by hand, with lifetimes and matplotlib.

    python benchmarks/_plain_cdnow.py CDNOW_sample.txt FOLDER

It loads the file, fits BG/NBD and Gamma-Gamma, makes the hold-out of 39 weeks, and draws the nine figures of the page at their
sizes. There are no intervals. Run by ``clv_report.py`` in the environment of the opponents.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from lifetimes import BetaGeoFitter, GammaGammaFitter
from lifetimes.utils import calibration_and_holdout_data, summary_data_from_transaction_data

SPLIT, END = "1997-09-30", "1998-06-30"
HORIZON = 52  # weeks
MARGIN, WEEKLY_RATE = 0.3, 0.002
WIDTH, DPI = 7.2, 144


def load(path):
    """One row per customer and day, with the money of the day."""
    names = ["master_id", "sample_id", "date", "cds", "amount"]
    rows = pd.read_csv(path, sep=r"\s+", names=names, header=None)
    rows["date"] = pd.to_datetime(rows["date"], format="%Y%m%d")
    return rows.groupby(["sample_id", "date"], as_index=False)["amount"].sum()


def figure(folder, name, height):
    """An empty figure in the size that the page has, and what saves it."""
    drawn, axes = plt.subplots(figsize=(WIDTH, height), dpi=DPI, layout="constrained")

    def save(title, x, y):
        axes.set(title=title, xlabel=x, ylabel=y)
        drawn.savefig(folder / f"{name}.png", dpi=DPI)
        plt.close(drawn)

    return axes, save


def weekly(rows, model, summary, folder):
    """Repeat purchases week by week, actual and expected: together, and each by itself."""
    first = rows.groupby("sample_id")["date"].transform("min")
    week = ((rows["date"] - rows["date"].min()).dt.days // 7)[rows["date"] > first]
    actual = np.bincount(week, minlength=78)[:78]
    joined = ((first.groupby(rows["sample_id"]).first() - rows["date"].min()).dt.days / 7).to_numpy()
    weeks = np.arange(1, 79)
    since = np.maximum(weeks[:, None] - joined[None, :], 0.0)
    expected = np.array([model.expected_number_of_purchases_up_to_time(row[row > 0]).sum() for row in since])
    for name, title, lines in (
        ("tracking", "Repeat purchases since the start", (actual.cumsum(), expected)),
        ("weekly", "Repeat purchases in each week", (actual, np.diff(expected, prepend=0.0))),
    ):
        axes, save = figure(folder, name, 3.5)
        axes.plot(weeks, lines[0], label="actual")
        axes.plot(weeks, lines[1], label="expected", linestyle="--")
        axes.axvline(39, color="grey")
        axes.legend()
        save(title, "week", "purchases")


def holdout(both, model, folder):
    """Purchases in the held-out weeks by those before; gives the mean absolute error."""
    expected = model.conditional_expected_number_of_purchases_up_to_time(
        39, both["frequency_cal"], both["recency_cal"], both["T_cal"]
    )
    by = both.assign(expected=expected, bought=both["frequency_cal"].clip(upper=7)).groupby("bought")
    means = by[["frequency_holdout", "expected"]].mean()
    axes, save = figure(folder, "by_frequency", 3.4)
    axes.bar(means.index - 0.2, means["frequency_holdout"], 0.4, label="actual")
    axes.bar(means.index + 0.2, means["expected"], 0.4, label="forecast")
    axes.legend()
    save("Purchases in the held-out weeks", "repeat purchases before", "mean")
    return float((both["frequency_holdout"] - expected).abs().mean())


def second_purchase(rows, folder):
    """Share who have bought again, by days since the first purchase (Kaplan-Meier)."""
    dates = rows.sort_values(["sample_id", "date"]).groupby("sample_id")["date"]
    first, second = dates.nth(0).to_numpy(), dates.nth(1)
    buyers = rows["sample_id"].unique()
    again = pd.Series(second.to_numpy(), index=rows.loc[second.index, "sample_id"]).reindex(buyers)
    event = again.notna().to_numpy()
    days = (again.fillna(pd.Timestamp(END)).to_numpy() - first).astype("timedelta64[D]").astype(int)
    at = np.unique(days[event])
    left = np.array([(days >= one).sum() for one in at])
    died = np.array([(days[event] == one).sum() for one in at])
    axes, save = figure(folder, "second_purchase", 3.97)
    axes.step(at, 1 - np.cumprod(1 - died / left), where="post")
    save("Customers who have bought again", "days", "share")


def standing(summary, folder):
    """Probability to be active, concentration, stages, and the grid of recency and frequency."""
    axes, save = figure(folder, "alive", 3.4)
    bands = np.clip((summary["alive"] * 5).astype(int), 0, 4)
    axes.bar(range(5), np.bincount(bands, minlength=5) / len(summary))
    save("Probability to be still active", "band", "share of customers")
    axes, save = figure(folder, "concentration", 4.4)
    value = np.sort(summary["value"].to_numpy())
    share = np.arange(1, len(value) + 1) / len(value)
    axes.plot(share, value.cumsum() / value.sum())
    axes.plot([0, 1], [0, 1], color="grey")
    axes.fill_between(share, value.cumsum() / value.sum(), share, alpha=0.2)
    save("Concentration of value", "customers", "share of value")
    axes, save = figure(folder, "stages", 3.28)
    stage = np.select(
        [summary["alive"] < 0.2, summary["alive"] < 0.5, summary["frequency"] == 0, summary["frequency"] < 4],
        ["lapsed", "at risk", "first purchase", "repeat"],
        "loyal",
    )
    counts = pd.Series(stage).value_counts()
    axes.barh(counts.index, counts / len(summary))
    save("Customers by stage", "share", "")
    ranks = summary[["recency", "frequency"]].rank(method="first")
    cells = np.ceil(ranks / len(summary) * 5).astype(int)
    grid = summary.assign(r=cells["recency"], f=cells["frequency"]).pivot_table(
        index="r", columns="f", values="value", aggfunc="sum"
    )
    heat(folder, "rfm_grid", 3.8, grid.fillna(0.0))


def heat(folder, name, height, grid):
    """A grid with what each cell holds written into it."""
    axes, save = figure(folder, name, height)
    axes.imshow(grid, cmap="Blues", aspect="auto")
    axes.set_xticks(range(grid.shape[1]), grid.columns)
    axes.set_yticks(range(grid.shape[0]), grid.index)
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            axes.text(column, row, f"{grid.iat[row, column]:.0f}", ha="center", va="center")
    save(name, "", "")


def segments(rows, day):
    """Eleven segments of recency and frequency at a day."""
    known = rows[rows["date"] <= day].groupby("sample_id")["date"].agg(["max", "count"])
    recency = pd.qcut(known["max"].rank(method="first"), 4, labels=False)
    return (recency * 3 + np.minimum(known["count"] - 1, 2)).clip(upper=10)


def main(path, folder):
    warnings.simplefilter("ignore")
    folder.mkdir(parents=True, exist_ok=True)
    rows = load(path)
    columns = ("sample_id", "date")
    summary = summary_data_from_transaction_data(
        rows, *columns, "amount", observation_period_end=END, freq="D", freq_multiplier=7
    )
    both = calibration_and_holdout_data(
        rows, *columns, SPLIT, observation_period_end=END, freq="D", freq_multiplier=7, monetary_value_col="amount"
    )
    history = [summary[name] for name in ("frequency", "recency", "T")]
    model = BetaGeoFitter()
    model.fit(*history)
    before = BetaGeoFitter()
    before.fit(both["frequency_cal"], both["recency_cal"], both["T_cal"])
    buyers = summary[(summary["frequency"] > 0) & (summary["monetary_value"] > 0)]
    spend = GammaGammaFitter()
    spend.fit(buyers["frequency"], buyers["monetary_value"])
    summary["alive"] = np.asarray(model.conditional_probability_alive(*history))
    purchases = discounted(model, history)
    money = spend.conditional_expected_average_profit(summary["frequency"], summary["monetary_value"])
    summary["value"] = purchases * money.to_numpy() * MARGIN
    second_purchase(rows, folder)
    weekly(rows, before, summary, folder)
    error = holdout(both, before, folder)
    standing(summary, folder)
    moved = pd.concat([segments(rows, SPLIT), segments(rows, END)], axis=1, keys=["then", "now"]).dropna()
    heat(folder, "migration", 6.92, pd.crosstab(moved["then"], moved["now"]))
    summary.sort_values("value", ascending=False).to_csv(folder / "values.csv")
    made = len(list(folder.glob("*.png")))
    print(json.dumps({"cpu": time.process_time(), "figures": made, "error": error, "params": dict(model.params_)}))


def discounted(model, history):
    """Expected purchases of a year, discounted four weeks at a time."""
    ends = np.arange(0, HORIZON + 1, 4)
    expected = [np.asarray(model.conditional_expected_number_of_purchases_up_to_time(end, *history)) for end in ends]
    return (np.diff(expected, axis=0) / (1 + WEEKLY_RATE) ** ends[1:, None]).sum(axis=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
