"""What stands before the audit's findings: scores by class, what is missing and who computes it, and figures of others."""

from types import SimpleNamespace

import pandas as pd
import pytest

from crmkit.analyses.audit.assess import ASSESSED, NOT_ASSESSED
from crmkit.analyses.audit.by_class import tiles
from crmkit.analyses.audit.overview import DONE_BY, benchmarks, missing
from crmkit.core.language import Locale, say


def row(name, **changed):
    own = {"indicator": name, "class": "process", "name": name.lower(), "value": 0.4, "unit": "share", "weight": 1.0}
    scores = {
        "score": 3.0,
        "score_low": 2.0,
        "score_high": 4.0,
        "status": ASSESSED,
        "owner": "audit",
        "reason": "",
        "needs": "",
    }
    return own | scores | changed


@pytest.fixture
def work(in_memory):
    lacking = row("P-CSAT", status=NOT_ASSESSED, owner="satisfaction", reason="needs tickets", score=float("nan"))
    peers = pd.DataFrame({"indicator": ["P-RESP", "X"], "peer": "Trade", "value": 0.5, "source": "Report 7", "period": "2025"})
    state = pd.DataFrame([row("P-RESP"), row("P-HAND"), lacking])
    return SimpleNamespace(
        state=state, company=in_memory(tables={"benchmarks": peers.assign(dated_at="2025-03-01")}), locale=Locale("en", "EUR")
    )


def test_scores_of_classes_are_shown_between_possible_ones(work):
    table = tiles(work).table
    assert table[["value", "low", "high", "n"]].to_numpy().tolist() == [[3, 2, 4, 2]]
    assert say(table.attrs["limits"], Locale()) == "possible scores"


def test_what_is_missing_names_who_computes_it(work):
    result = missing(work)
    assert result.table[["name", "reason", "by"]].to_numpy().tolist() == [["p-csat", "needs tickets", DONE_BY["satisfaction"]]]
    assert {column.name for column in result.columns} <= set(result.table.columns)


def test_figures_of_others_stand_beside_the_own_and_are_no_judgement(work):
    result = benchmarks(work)
    assert result.table[["ours", "theirs", "peer"]].to_numpy().tolist() == [["40%", "50%", "Trade"]]
    assert [column.name for column in result.columns][:4] == ["name", "ours", "theirs", "peer"]
    assert say(result.note, Locale()).startswith("Others count in other ways")
