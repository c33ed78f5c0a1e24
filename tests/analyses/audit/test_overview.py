"""What stands before the audit's findings: scores by class, what is missing and who computes it, and figures of others."""

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

from crmkit.analyses.audit.assess import ASSESSED, NOT_ASSESSED
from crmkit.analyses.audit.by_class import CLASSES, _score_words, tiles, trends
from crmkit.analyses.audit.findings.finding import overall
from crmkit.analyses.audit.findings.model import FINDING
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


def test_a_class_without_a_score_shows_a_dash():
    assert _score_words({"score": 3.4, "score_low": 2.0, "score_high": 4.0}) == "3 (2–4)"
    assert _score_words({"score": float("nan"), "score_low": float("nan"), "score_high": float("nan")}) == "–"


def test_scores_over_cycles_are_drawn_by_class_and_day(work):
    cycles = tuple(SimpleNamespace(name=name, end=dt.date(2025, month, 28)) for name, month in (("one", 3), ("two", 6)))
    over = pd.DataFrame([row("P-RESP", cycle="one", score=2.0, score_low=1.0, score_high=3.0), row("P-RESP", cycle="two")])
    table = trends(SimpleNamespace(**vars(work) | {"past": SimpleNamespace(cycles=cycles), "over": over})).table
    assert table["group"].unique().tolist() == [CLASSES["process"]]
    assert table["x"].astype(str).str.startswith("2025-0").all()
    assert table[["low", "value", "high"]].to_numpy().tolist() == [[1, 2, 3], [2, 3, 4]]


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([FINDING, FINDING], "The audit has 2 findings."),
        ([FINDING, "observation"], "The audit has 1 finding and 1 observation."),
    ],
)
def test_findings_and_observations_are_counted(levels, said):
    assert say(overall([SimpleNamespace(level=one) for one in levels]).text, Locale()) == said


def test_what_is_missing_names_who_computes_it(work):
    result = missing(work)
    assert result.table[["name", "reason", "by"]].to_numpy().tolist() == [["p-csat", "needs tickets", DONE_BY["satisfaction"]]]
    assert {column.name for column in result.columns} <= set(result.table.columns)


def test_figures_of_others_stand_beside_the_own_and_are_no_judgement(work):
    result = benchmarks(work)
    assert result.table[["ours", "theirs", "peer"]].to_numpy().tolist() == [["40%", "50%", "Trade"]]
    assert [column.name for column in result.columns][:4] == ["name", "ours", "theirs", "peer"]
    assert say(result.note, Locale()).startswith("Others count in other ways")
