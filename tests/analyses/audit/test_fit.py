"""The whole audit: what is asked of it reaches each of its parts."""

from dataclasses import fields
from types import SimpleNamespace

import pytest

from crmkit.analyses.audit import Rules, fit
from crmkit.analyses.audit.fit import LIMITS, agreed, study
from crmkit.core.errors import ParamError


class EnoughError(Exception):
    """Ends a study whose parts have been asked."""


def test_cycle_results_and_level_reach_every_part(monkeypatch):
    asked = {}

    def heard(name, *, last=False):
        def part(*_, **options):
            asked[name] = options
            if last:
                raise EnoughError

        return part

    for name in ("history", "assess", "monthly", "read_answers"):
        monkeypatch.setattr(fit, name, heard(name))
    monkeypatch.setattr(fit, "grounds", heard("grounds", last=True))
    for name in ("load_catalogue", "load_form"):
        monkeypatch.setattr(fit, name, lambda **_: None)
    company = SimpleNamespace(name="acme", home=None, language="en", currency="EUR", key=lambda: b"secret")
    results = {"clv": object()}
    with pytest.raises(EnoughError):
        study(company, results=results, cycle="quarter", count=5, confidence=0.8)
    assert asked["history"] == {"cycle": "quarter", "cycles": 5, "rules": None}
    assert asked["assess"] == asked["monthly"] == {"owned": results, "confidence": 0.8}
    assert asked["read_answers"]["confidence"] == 0.8
    assert asked["grounds"] == {"results": results, "key": b"secret", "confidence": 0.8}


def test_every_limit_that_is_agreed_upon_can_be_set():
    """The kit's stand where nothing is said; none of the rules stays in code alone."""
    plain = {"sla_hours": 8.0, "margin": 1.0, "active_days": 365}
    assert agreed({}, **plain) == Rules()
    assert {*LIMITS, *plain, "required"} == {one.name for one in fields(Rules)}
    own = {name: getattr(Rules(), name) + 1 for name in LIMITS}
    rules = agreed(own, sla_hours=2.0, margin=0.4, active_days=90)
    assert {name: getattr(rules, name) for name in LIMITS} == own
    assert (rules.sla_hours, rules.margin, rules.active_days) == (2.0, 0.4, 90)


def test_a_limit_that_cannot_be_is_refused_with_all_others():
    with pytest.raises(ParamError) as caught:
        agreed({"ack_hour": 3, "idle_hours": 0, "notice_days": 1.5, "norm_hours": True}, sla_hours=8, margin=1, active_days=365)
    said = str(caught.value)
    assert "limits: there is no 'ack_hour'; did you mean 'ack_hours'" in said
    assert "limits, idle_hours: is 0; a number above 0 is expected" in said
    assert "limits, notice_days: is 1.5; whole days are expected" in said
    assert "limits, norm_hours: is True" in said
