"""A merge map gives what the same company gives whose files were mended by hand: every table, and every number of its pages."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmkit.data.client import open_client
from crmkit.data.sources.engine import to_frame

ROOT = Path(__file__).parents[2]
WHO = ("customer_id", "referrer_id", "referred_id")
ONE_ROW = {
    "customers": ["customer_id"],
    "loyalty": ["customer_id"],
    "exposures": ["campaign_id", "customer_id"],
    "referrals": ["referrer_id", "referred_id"],
    "verification": ["customer_id", "field", "checked_at"],
}
MERGED = 0.06


def files(client):
    folder = ROOT / "data" / "demo" / client
    return {path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(folder.glob("*.csv"))}


def chosen(client, tables):
    """Who is merged into whom: pairs, and some who take in two; nobody who would have one contract twice."""
    rng = np.random.default_rng(len(client))
    ids = rng.permutation(np.sort(tables["customers"]["customer_id"].to_numpy()))
    n = int(MERGED * len(ids))
    kept = ids[n : n + n * 4 // 5]
    return dict(zip(ids[:n], [*kept, *kept[: n - len(kept)]], strict=True))


def mended(tables, merge):
    """The files as somebody mends them: one id everywhere, of the rows of one customer that of the id kept."""
    done = {}
    for name, table in tables.items():
        ids = [column for column in WHO if column in table.columns]
        rows = table.copy()
        for column in ids:
            rows[column] = [merge.get(one, one) for one in table[column]]
        moved = (rows[ids] != table[ids]).any(axis=1) if ids else pd.Series(False, index=rows.index)
        if name == "customers":
            rows["created_at"] = rows.groupby("customer_id")["created_at"].transform("min")
        if name in ONE_ROW:
            first = rows.assign(moved=moved).sort_values("moved", kind="stable").drop_duplicates(ONE_ROW[name])
            rows = rows.loc[sorted(first.index)]
        done[name] = rows
    return done


def projects(client, folder):
    """Two homes of one client: with a merge map, and with files that were mended by hand."""
    tables = files(client)
    merge = chosen(client, tables)
    said = (ROOT / "params" / f"{client}.yml").read_text(encoding="utf-8")
    homes = []
    for name, content in (("map", tables), ("hand", mended(tables, merge))):
        home = folder / name
        (home / "params").mkdir(parents=True)
        (home / "data/demo" / client).mkdir(parents=True)
        (home / "notebooks").symlink_to(ROOT / "notebooks")
        for own in (ROOT / "params" / client).glob("*.*"):
            (home / "params" / client).mkdir(exist_ok=True)
            (home / "params" / client / own.name).write_bytes(own.read_bytes())
        (home / "params" / f"{client}.key").write_text("one key for both\n")
        for table, rows in content.items():
            rows.to_csv(home / "data/demo" / client / f"{table}.csv", index=False)
        text = said + ("\nmerge: merge.csv\n" if name == "map" else "")
        (home / "params" / f"{client}.yml").write_text(text, encoding="utf-8")
        homes.append(home)
    pd.DataFrame(merge.items(), columns=["customer_id", "kept_id"]).to_csv(homes[0] / "merge.csv", index=False)
    return homes, merge


@pytest.mark.parametrize("client", ["retailco", "shopco"])
def test_every_table_is_that_of_the_files_mended_by_hand(client, tmp_path):
    homes, merge = projects(client, tmp_path)
    with open_client(client, home=homes[0]) as by_map, open_client(client, home=homes[1]) as by_hand:
        assert set(by_map.tables) == set(by_hand.tables)
        for name, table in by_hand.tables.items():
            pd.testing.assert_frame_equal(to_frame(by_map.tables[name]), to_frame(table), check_exact=True)
        gone = {one for name in by_map.tables if "customer_id" in by_map.tables[name].columns
                for one in to_frame(by_map.tables[name])["customer_id"]} & {*merge}  # fmt: skip
        assert gone == set()
        aside = {one.table: one.rows_set_aside.get("merged into another customer", 0) for one in by_map.intake}
        assert aside["customers"] == len(merge)


@pytest.mark.long
def test_every_number_of_the_pages_is_that_of_the_files_mended_by_hand(tmp_path):
    homes, _ = projects("shopco", tmp_path)
    found = []
    for home in homes:
        command = [sys.executable, "-m", "crmkit", "run", "shopco"]
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"CRMKIT_HOME": str(home)}, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        found.append(
            {(path.parts[-3], path.stem): pd.read_parquet(path) for path in home.glob("reports/*/*/runs/*/*/results/*.parquet")}
        )
    by_map, by_hand = found
    assert {analysis for analysis, _ in by_hand} >= {"clv", "churn", "satisfaction", "audit"}
    assert set(by_map) == set(by_hand)
    compared = 0
    for name, table in by_hand.items():
        if name[1] == "intake":
            # it tells which rows a map has set aside and moved
            assert len(by_map[name]) > len(table)
            continue
        pd.testing.assert_frame_equal(by_map[name], table, check_exact=True)
        compared += table.select_dtypes("number").size
    assert compared > 10_000
