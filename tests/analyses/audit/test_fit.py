"""The whole audit: what is asked of it reaches each of its parts."""

import ast
import json
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmkit.analyses.audit import Rules, fit
from crmkit.analyses.audit.fit import study

ROOT = Path(__file__).parents[3]


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


def test_every_limit_of_the_rules_is_a_parameter_of_the_notebook():
    """What a company agrees upon is declared where it can be changed, and reaches the rules; cells of a record are its own."""
    cells = json.loads((ROOT / "notebooks" / "audit.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    declared = {node.target.id: ast.literal_eval(node.value) for node in ast.parse(sources[0]).body}
    agreed = {one.name: one.default for one in fields(Rules) if one.name != "required"}
    assert {name: declared.get(name) for name in agreed} == agreed
    built = next(source for source in sources if "audit.Rules(" in source).split("\nform =")[0].split("\n", 1)[1]
    other = {name: value + 1 if name != "margin" else 0.5 for name, value in agreed.items()}
    space = {**other, "audit": SimpleNamespace(Rules=Rules)}
    exec(built, space)
    assert {name: getattr(space["rules"], name) for name in agreed} == other
