"""The whole audit: what is asked of it reaches each of its parts."""

from types import SimpleNamespace

import pytest

from crmkit.analyses.audit import fit
from crmkit.analyses.audit.fit import study


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
