"""What a company has agreed upon can be set for a client, and what cannot be is refused."""

from dataclasses import fields
from pathlib import Path

import pytest

from crmkit.analyses.audit import Rules
from crmkit.core.errors import ParamError
from crmkit.core.settings import read_settings
from crmkit.report.params.flatten import describe, flatten

ROOT = Path(__file__).parents[3]
# what the notebook calls it, where that is not its name among the rules
CALLED: dict[str, str] = {}


def test_each_limit_is_a_parameter_with_the_default_of_the_rules():
    declared = {one.name: one for one in describe("audit", home=ROOT)}
    usual = {CALLED.get(one.name, one.name): getattr(Rules(), one.name) for one in fields(Rules)}
    assert usual.keys() <= declared.keys()
    assert {name: declared[name].default for name in usual} == {
        name: list(value) if isinstance(value, tuple) else value for name, value in usual.items()
    }
    assert all(declared[name].help for name in usual)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"ack_hours": 0.0}, "audit.ack_hours: is 0.0; allowed is a number from 0.1 to 1000 (hours)."),
        ({"norm_hours": -1.0}, "audit.norm_hours: is -1.0; allowed is a number from 0.1 to 10000 (hours)."),
        ({"idle_hours": -1.0}, "audit.idle_hours: is -1.0; allowed is a number from 0 to 1000 (hours)."),
        ({"notice_days": 400}, "audit.notice_days: is 400; allowed is a whole number from 0 to 365 (days)."),
        ({"answer_days": 0}, "audit.answer_days: is 0; allowed is a whole number from 1 to 365 (days)."),
        ({"adopt_days": 0}, "audit.adopt_days: is 0; allowed is a whole number from 1 to 365 (days)."),
        ({"effect_days": 0}, "audit.effect_days: is 0; allowed is a whole number from 1 to 365 (days)."),
        ({"answer_day": 7}, "unknown parameter 'answer_day'; did you mean 'answer_days'?"),
    ],
)
def test_what_a_limit_cannot_be_is_refused_before_a_run(given, said):
    settings = read_settings("cdnow", home=ROOT).model_copy(update={"sections": {"audit": given}})
    with pytest.raises(ParamError) as caught:
        flatten(settings, "audit", home=ROOT)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"answer_days": 0}, "answer_days: is 0; at least one day is needed"),
        ({"idle_hours": -2.0}, "idle_hours: is -2.0; 0 hours or more are needed"),
        ({"margin": 1.4}, "margin: is 1.4; a share above 0 and at most 1 is needed"),
        ({"margin": -0.1}, "margin: is -0.1; a share above 0 and at most 1 is needed"),
    ],
)
def test_what_rules_cannot_be_is_refused(given, said):
    with pytest.raises(ParamError) as caught:
        Rules(**given)
    assert said in str(caught.value)
