"""Every column of the data dictionary is read by a notebook, and what no other report reads has a reason to be there."""

import datetime as dt
import re
from pathlib import Path

import ibis
import pandas as pd
import pytest

from crmkit.data.summaries.quality import profile
from crmkit.data.tables import TABLES
from crmkit.data.tables.check import TYPES

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src" / "crmkit"
README = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## What is read of each column")[1].split("\n## ")[0]
KEPT = dict(re.findall(r"^\| ([a-z_]+\.[a-z_]+) \| ([^|]+) \|", SECTION, re.M))


@pytest.fixture(scope="module")
def code():
    """What analyses and summaries say, but for what is said of every column alike."""
    paths = [*SRC.glob("analyses/**/*.py"), *SRC.glob("data/summaries/**/*.py")]
    paths = [path for path in paths if "data_quality" not in path.parts and path.name != "quality.py"]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


@pytest.mark.parametrize("name", TABLES)
def test_each_column_that_there_is_is_counted(name):
    schema = {column: TYPES[one.kind] for column, one in TABLES[name].columns.items()}
    empty = pd.DataFrame({column: [None] for column in schema}, dtype=object)
    table = ibis.memtable(empty, schema=dict.fromkeys(schema, "string")).cast(schema)
    rows = profile(table, name=name, as_of=dt.date(2025, 12, 31))
    assert set(rows.loc[rows["measure"] == "filled", "item"]) == set(schema)


def test_what_is_kept_is_a_column_and_has_a_reason():
    known = {f"{name}.{column}" for name, one in TABLES.items() for column in one.columns}
    assert set(KEPT) <= known
    assert KEPT
    assert all(reason.strip() for reason in KEPT.values())


def test_a_column_that_no_other_report_names_is_listed(code):
    unread = {
        f"{name}.{column}"
        for name, one in TABLES.items()
        for column in one.columns
        if not re.search(rf"[\"'.]{column}\b|\b{column}=", code)
    }
    assert unread <= set(KEPT)
