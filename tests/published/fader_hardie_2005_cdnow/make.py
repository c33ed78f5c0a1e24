"""Derive the small tables of this folder from CDNOW_sample.txt.

    python make.py path/to/lifetimes/datasets/CDNOW_sample.txt

The file is part of the wheel of lifetimes 0.11.3 on PyPI (`pip download --no-deps lifetimes==0.11.3`, then unzip).
"""

import sys
from pathlib import Path

import pandas as pd

START, CALIBRATED, END = (pd.Timestamp(day) for day in ("1997-01-01", "1997-09-30", "1998-06-30"))
HERE = Path(__file__).parent


def read(path: str) -> pd.DataFrame:
    """One row per customer and day of purchase; the order is: read the date, drop what is later, merge the day."""
    columns = ["master_id", "id", "date", "units", "spend"]
    rows = pd.read_csv(path, sep=r"\s+", header=None, names=columns)
    rows["date"] = pd.to_datetime(rows["date"].astype(str), format="%Y%m%d")
    rows = rows[rows["date"] <= END]
    days = rows.groupby(["id", "date"], as_index=False)["spend"].sum()
    return days.assign(first=days.groupby("id")["date"].transform("min"))


def histories(days: pd.DataFrame) -> pd.DataFrame:
    """(frequency, recency, T) of the 39 weeks to 1997-09-30 and repeat days of the 39 weeks after, with counts."""
    seen = days[days["date"] <= CALIBRATED].groupby("id")["date"].agg(["min", "max", "count"])
    later = days[days["date"] > CALIBRATED].groupby("id").size().reindex(seen.index, fill_value=0)
    table = pd.DataFrame(
        {
            "frequency": seen["count"] - 1,
            "recency_days": (seen["max"] - seen["min"]).dt.days,
            "T_days": (CALIBRATED - seen["min"]).dt.days,
            "holdout": later,
        }
    )
    return table.value_counts(sort=False).rename("n").reset_index()


def weekly(days: pd.DataFrame) -> pd.DataFrame:
    """Repeat days in each of the 78 weeks from 1997-01-01."""
    repeat = days[days["date"] > days["first"]]
    week = (repeat["date"] - START).dt.days // 7 + 1
    return week.value_counts().reindex(range(1, 79), fill_value=0).rename_axis("week").rename("repeat_purchases").reset_index()


def spend(days: pd.DataFrame) -> pd.DataFrame:
    """Frequency and total spend of the repeat days of the calibration weeks, in the order of the customers' numbers."""
    repeat = days[(days["date"] > days["first"]) & (days["date"] <= CALIBRATED)]
    return repeat.groupby("id")["spend"].agg(frequency="size", total_spend="sum").reset_index()


if __name__ == "__main__":
    purchases = read(sys.argv[1])
    histories(purchases).to_csv(HERE / "histories.csv", index=False, lineterminator="\n")
    weekly(purchases).to_csv(HERE / "weekly.csv", index=False, lineterminator="\n")
    spend(purchases).to_csv(HERE / "spend.csv", index=False, lineterminator="\n", float_format="%.2f")
