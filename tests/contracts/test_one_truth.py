"""The pages of a company, the short ones and the index say one thing: no name stands for two numbers.

Of every demo company the plan can be believed, what was planted is answered by name, and between them every exhibit is filled.
"""

import importlib.util
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import pandas as pd
import pytest

from crmkit.core.settings import AGREED
from crmkit.data.summaries.waiting import CAMPAIGN, ORDER
from crmkit.report.folders import read_json
from crmkit.report.guard.agreement import FACTS, contradictions, statements
from crmkit.report.guard.quantities import NAMED

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
CLIENTS = sorted(path.stem for path in (ROOT / "params").glob("*.yml"))
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
FEWEST_NAMED, FEWEST_QUANTITIES, FEWEST_SHARED = 30, 50, 200
spec = importlib.util.spec_from_file_location("plans", ROOT / "tests" / "analyses" / "audit" / "plans.py")
plans = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plans)


# what nobody says: "0 of 8", "none of 0", "has 0 findings", "and 0 observations"
NOTHING = re.compile(r"^0\b(?![.,]\d)|(?<![.,\d])\b0 of\b|\b(of|in|has|and) 0\b(?![.,]\d)|[有中的和]0[个项位名条步]")
# an id of an indicator, a standard or a planned action: no reader knows it
ID = re.compile(r"\b[PRID]-[A-Z]{2,}\d*\b|\bA[1-5]\.[a-z_]+\b|\b[a-z]+_[a-z_]+\b", re.ASCII)
HALF_WIDTH = re.compile(r"[\u4e00-\u9fff] ?[,:;()?!]|[,:;()?!] ?[\u4e00-\u9fff]")


def agree(client, home):
    newest = list(home.glob(f"reports/{client}/*/runs/*/*/report.json"))
    said = [one for path in newest for one in read_json(path)["findings"]]
    assert not [one["text"] for one in said if NOTHING.search(one["text"])]
    words = [one[part] for one in said for part in ("text", "action") if one.get(part)]
    assert not [text for text in words if ID.search(text)]
    assert not [text for text in words if HALF_WIDTH.search(text)]
    found = contradictions(client, home=home)
    assert not found, "\n".join(str(one) for one in found)
    return Counter(name for name, _ in {(one.name, one.place) for one in statements(client, home=home)})


def quantities(places):
    """The quantities that have a name of their own and are said in several places: also each stake and each list's length."""
    own = {*NAMED, *FACTS, *AGREED}
    return {name for name, n in places.items() if n > 1 and (name in own or name.endswith((", at stake", ", rows")))}


def test_the_pages_of_the_demo_shop_agree(project):
    project.run("audit")  # with all whose results it reads
    places = agree(project.client("audit"), project.home)
    assert sum(places[name] > 1 for name in NAMED) >= FEWEST_NAMED
    assert len(quantities(places)) >= FEWEST_QUANTITIES
    assert sum(count > 1 for count in places.values()) >= FEWEST_SHARED


@pytest.fixture(scope="module")
def reported(project):
    """The project, once all reports of a client are made."""
    made = set()

    def of(client):
        if client not in made:
            command = [sys.executable, "-m", "crmkit", "run", client]
            done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"CRMKIT_HOME": str(project.home)})
            assert done.returncode == 0, done.stdout + done.stderr
            made.add(client)
        return project.home

    return of


def newest(home, client, analysis):
    """The record of an analysis; None where its tables are not there, so that it did not run."""
    kept = home.glob(f"reports/{client}/*/runs/*/{analysis}/report.json")
    return max(kept, key=lambda path: path.stat().st_mtime, default=None)


def tables(home, client, analysis):
    """The newest result tables of an analysis, by name."""
    kept = newest(home, client, analysis)
    return {} if kept is None else {path.stem: pd.read_parquet(path) for path in (kept.parent / "results").glob("*.parquet")}


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_pages_of_every_demo_client_agree(client, reported):
    agree(client, reported(client))


def held(home, client):
    """Who stands in which list."""
    listed = {name: tables(home, client, name.partition("_")[0]).get(name) for name in ORDER}
    return {name: set(table["customer_id"]) for name, table in listed.items() if table is not None}


def shared(lists):
    """Customers of two lists; the campaign says itself who of its customers stands in a list of the value report."""
    told = {(name, CAMPAIGN) for name in lists if name.startswith("clv_")}
    return {(a, b): len(lists[a] & lists[b]) for a, b in combinations(lists, 2) if lists[a] & lists[b] and (a, b) not in told}


def test_nobody_of_the_demo_shop_stands_in_two_lists(project):
    project.run("audit")
    lists = held(project.home, project.client("audit"))
    assert sum(map(bool, lists.values())) > 2
    assert shared(lists) == {}


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_stands_in_two_lists(client, reported):
    lists = held(reported(client), client)
    assert any(lists.values())
    assert shared(lists) == {}


@pytest.mark.slow
def test_every_source_of_a_named_quantity_is_found_in_a_demo_client(reported):
    said = {(one.name, one.place) for client in CLIENTS for one in statements(client, home=reported(client))}
    places = {name: {place for known, place in said if known == name} for name in NAMED}
    assert {name: found for name, found in places.items() if len(found) < 2} == {}


# what was planted in a company, and the words by which an action of its plan names it
PLANTED = {
    "retailco": {"slow_response": "首次响应", "complex_process": "转接次数", "scattered_data": "主数据"},
    "techco": {
        "slow_support": "small", "unadopted_feedback": "反馈闭环率", "sync_defect": "sync", "price_rise": "2025Q3",
    },
    "shopco": {"checkout completion": "流程符合率", "waiting": "等待占比", "after-sales resolution": "问题解决时长"},
    "cleanco": {}, "cdnow": {}, "journey": {},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_plan_of_every_demo_client_can_be_believed(client, reported):
    """Rows, order and five tests of its own; at least as many actions as sure findings; what was planted is named."""
    made = tables(reported(client), client, "audit")
    rows = made["audit_plan"].to_dict("records") if "audit_plan" in made else []
    assert [f"{row['action_id']}: {one}" for row in rows for one in plans.row_faults(row)] == []
    assert list(plans.order_faults(rows)) == []
    own = {row["action_id"] for row in rows}
    checked = made.get("audit_smart", pd.DataFrame({"id": []}))
    failed = checked[checked["id"].isin(own)]
    assert failed[(failed.reindex(columns=list("SMART")) == "fail").any(axis=1)].to_dict("records") == []
    sure = made["audit_findings"].query("level == 'finding'")
    assert len(rows) >= len(sure)
    assert set(sure["id"]) <= {row["finding_id"] for row in rows}
    if client == "cleanco":
        assert sure.empty
    said = " ".join(row["text"] for row in rows)
    assert {fault: words for fault, words in PLANTED[client].items() if words not in said} == {}
    worth = [row for row in rows if row["worth"] > 0]
    # a campaign is planned where there is somebody whom no other list takes and a contact pays for
    assert worth or not {"churn_assignment"} & set(tables(reported(client), client, "churn"))


def exhibits(home, client, analysis):
    kept = newest(home, client, analysis)
    return {} if kept is None else {one["name"]: one["assessed"] for one in read_json(kept)["exhibits"]}


@pytest.mark.slow
@pytest.mark.parametrize("analysis", NOTEBOOKS)
def test_every_exhibit_is_filled_by_a_demo_client(analysis, reported):
    shown = [exhibits(reported(client), client, analysis) for client in CLIENTS]
    every = {name for one in shown for name in one}
    assert every
    assert sorted(every - {name for one in shown for name, filled in one.items() if filled}) == []
