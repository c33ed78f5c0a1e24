"""A level holds where its condition and all below it are met, decided from what is kept."""

import pandas as pd

from crmkit.analyses.audit import maturity
from crmkit.analyses.audit.scorecard.maturity import STEPS
from crmkit.core.language import Locale, say
from scorecards import action, goal, goals, indicator, reading

NEAR = goal("G1", "P-RESP", 0.9, "2025-07-01", "2026-06-30", objective="Stay")
FAR = goal("G2", "D-DUP", 0.01, "2026-01-01", "2028-12-31", objective="Stay")
ROWS = [indicator("P-RESP", 0.4, 1), indicator("D-DUP", 0.05, 2)]
STEPS_TABLE = pd.DataFrame({"process": ["x"], "step": ["a"], "position": [1], "owner": ["Head"], "norm_hours": [1.0]})


def level(work, step, results=None):
    table = maturity(work, results or {}).table.set_index("step")
    return int(table.loc[step, "level"])


def test_a_company_that_keeps_nothing_is_on_the_first_level(work_of):
    result = maturity(work_of(), {})
    assert result.table["level"].tolist() == [1] * len(STEPS)
    assert set(result.table["reached"]) == {"nothing is kept yet"}
    assert say(result.finding.text, Locale()) == "Mean level 1.0 of 5. Least mature: Goals, level 1."
    assert say(result.finding.action, Locale()) == "Next for Goals: goals are written down."


def test_goals_climb_step_by_step(work_of):
    acts = [action("M1", indicator="P-RESP"), action("M2", indicator="D-DUP")]
    nobody = {"owner": None}
    assert level(work_of(*ROWS, goals=goals(NEAR | nobody)), "Goals") == 2
    assert level(work_of(*ROWS, goals=goals(NEAR)), "Goals") == 3
    assert level(work_of(*ROWS, actions=acts, goals=goals(NEAR)), "Goals") == 4
    assert level(work_of(*ROWS, actions=acts, goals=goals(NEAR, FAR)), "Goals") == 5
    late = NEAR | {"due_on": "2025-12-01"}
    assert level(work_of(*ROWS, actions=acts, goals=goals(late, FAR)), "Goals") == 4


def test_a_level_above_a_gap_does_not_count(work_of):
    follows = [indicator("P-CONF", 0.95, 5)]
    bare = STEPS_TABLE.assign(owner=None)
    result = maturity(work_of(*follows, processes=bare), {}).table.set_index("step").loc["Processes"]
    assert (result["level"], result["level3"], result["level4"], result["level5"]) == (2, False, True, True)
    assert result["lacking"] == "each step has an owner and a standard time"
    assert level(work_of(*follows, processes=STEPS_TABLE), "Processes") == 5
    assert level(work_of(indicator("P-CONF", 0.2, 1), processes=STEPS_TABLE), "Processes") == 4


def test_system_evaluation_training_and_data(work_of):
    measured = [indicator("D-USE", 0.9, 5), indicator("D-COMP", 0.99, 5), indicator("D-DUP", 0.2, 1)]
    records = {"frames": {"training": 1}}
    kept = work_of(*measured, customers=pd.DataFrame({"customer_id": ["a"]}))
    assert level(kept, "CRM system") == 4
    kept.state.loc[kept.state["indicator"] == "D-DUP", "value"] = 0.0
    assert level(kept, "CRM system") == 5
    taught = work_of(indicator("I-TRAING", 0.5, 4), indicator("I-TRAINCOV", 0.5, 3))
    assert level(taught, "Training") == 1
    taught.past.frames = records["frames"]
    assert level(taught, "Training") == 3
    roles = ("manager", "staff", "customer", "third_party")
    rated = pd.DataFrame([(cycle, role, role) for cycle in ("2025H1", "2025H2") for role in roles])
    rated.columns = ["cycle", "rater_id", "rater_role"]
    assert level(work_of(ratings=rated[:3]), "Evaluation") == 2
    assert level(work_of(*ROWS, ratings=rated), "Evaluation") == 3
    own = work_of(*ROWS, ratings=rated, actions=[action("M1", state="act")])
    own.state["placeholder"] = [True, False]
    assert level(own, "Evaluation") == 5
    checked = {"clv": reading(clv_accuracy=pd.DataFrame({"mae": [1.0]}))}
    assert level(work_of(*ROWS), "Use of data") == 2
    assert level(work_of(*ROWS), "Use of data", {"clv": reading()}) == 3
    assert level(work_of(*ROWS), "Use of data", {"churn": reading(reason="old")}) == 2
    arms = pd.DataFrame({"campaign_id": ["c", "c"], "customer_id": ["1", "2"], "arm": ["treated", "control"]})
    assert level(work_of(*ROWS), "Use of data", checked) == 4
    assert level(work_of(*ROWS, exposures=arms), "Use of data", checked) == 5
    assert level(work_of(*ROWS, exposures=arms[:1]), "Use of data", checked) == 4
