"""Five pillars in one row; a pillar of which nothing is known has no value and is named."""

import pandas as pd

from crmkit.analyses.audit import pillars
from crmkit.analyses.audit.indicators.estimate import NO_BEFORE
from crmkit.core.language import Locale, say
from crmkit.show.boxes import values_html
from crmkit.show.tables import exhibit_text
from scorecards import indicator, reading

DRIVERS = pd.DataFrame(
    {
        "group": ["Price", "Delivery", "Ease"],
        "value": [0.4, 0.3, 0.2],
        "low": [0.3, 0.2, 0.1],
        "high": [0.5, 0.4, 0.3],
        "n": 800.0,
        "unit": "share",
        "method": "LMG",
        "own_effect": [False, True, True],
    }
)


def test_four_indicators_and_the_strongest_driver_with_an_effect_of_its_own(work_of):
    names = ("P-CSAT", "R-CHURN", "R-CLV", "R-NPS")
    work = work_of(*(indicator(name, 0.5, place + 1) for place, name in enumerate(names)))
    result = pillars(work, {"satisfaction": reading(satisfaction_drivers=DRIVERS)})
    assert result.kind == "values"
    assert result.table["value"].tolist() == [0.5, 0.3, 0.5, 0.5, 0.5]
    assert (result.table["low"].iloc[1], result.table["n"].iloc[1]) == (0.2, 800)
    assert say(result.note, Locale()) == (
        "The five pillars of the evaluation. Scores, 1 to 5: satisfaction 1.0, leaving 2.0, value 3.0, recommendation 4.0. "
        "Strongest driver of satisfaction: Delivery."
    )


def test_a_target_that_the_company_has_set_stands_in_the_box_and_a_placeholder_does_not(work_of):
    own = indicator("P-CSAT", 0.5, 2, target=0.8) | {"placeholder": False}
    result = pillars(work_of(own, indicator("R-NPS", 10.0, 2, target=30.0)), {})
    page = values_html(result, Locale())
    assert page.count("Target:") == 1
    assert '<dd class="interval">Target: 80%</dd>' in page


def test_what_is_not_known_has_no_value_and_is_named(work_of):
    work = work_of(indicator("R-CLV", 50.0, 3), indicator("R-NPS", 10.0, 2, assessed=False))
    result = pillars(work, {"satisfaction": reading(reason="not run")})
    assert result.table["value"].notna().tolist() == [False, False, False, True, False]
    assert "Not assessed: satisfaction, needs, leaving, recommendation." in say(result.note, Locale())
    assert "–" in exhibit_text(result, Locale())


def test_a_value_without_a_target_is_shown_without_a_score(work_of):
    row = indicator("R-CLV", 50.0, 3) | {"status": "not assessed", "reason": NO_BEFORE, "score": float("nan")}
    result = pillars(work_of(row, indicator("P-CSAT", 0.5, 2)), {})
    assert result.table["value"].tolist()[3] == 50.0
    assert say(result.note, Locale()).endswith(
        "Scores, 1 to 5: satisfaction 2.0. Not assessed: needs, leaving, recommendation."
    )


def test_no_pillar_is_said(work_of):
    assert not pillars(work_of(), {}).assessed
    alone = DRIVERS.assign(own_effect=False)
    assert not pillars(work_of(), {"satisfaction": reading(satisfaction_drivers=alone)}).assessed
    assert not pillars(work_of(), {"satisfaction": reading()}).assessed
