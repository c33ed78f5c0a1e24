"""What is agreed once for a client is the same in every analysis, and its pages say where one departs from it."""

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from crmkit.core.errors import ParamError
from crmkit.core.language import Locale, say
from crmkit.core.reading import per_customer
from crmkit.core.settings import AGREED, REPLACED, Settings, read_settings
from crmkit.report.params.flatten import Used, check_clients, flatten, other_than_agreed, schema, used_parameters
from crmkit.report.params.notebooks import read_notebooks

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tiny_home):
    """A project whose notebook has a margin."""
    import json

    path = tiny_home / "notebooks" / "tiny.ipynb"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    cell = next(one for one in notebook["cells"] if "parameters" in one["metadata"].get("tags", []))
    text = (
        "".join(cell["source"]) + "\nmargin: float = 1.0  # share [0.01, 1]; part of revenue that counts as value, 1: revenue"
    )
    cell["source"] = text.splitlines(keepends=True)
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return tiny_home


def settings_of(home, text):
    (home / "params" / "acme.yml").write_text(f"client: acme\ntitle: A\nsource: data\n{text}", encoding="utf-8")
    return read_settings("acme", home=home)


def test_an_agreed_parameter_has_the_same_line_in_every_notebook():
    lines = {name: set() for name in AGREED}
    holders = dict.fromkeys(AGREED, 0)
    for notebook in read_notebooks(ROOT).values():
        for line in notebook.parameters.splitlines():
            name = line.partition(":")[0]
            if name in AGREED:
                lines[name].add(line)
                holders[name] += 1
    assert {name: len(found) for name, found in lines.items()} == dict.fromkeys(AGREED, 1)
    assert holders["margin"] >= 4
    assert holders["active_days"] == len(read_notebooks(ROOT))


def test_no_demo_client_repeats_it_in_a_section():
    for path in sorted((ROOT / "params").glob("*.yml")):
        settings = read_settings(path.stem, home=ROOT)
        assert not [name for section in settings.sections.values() for name in section if name in {**AGREED, **REPLACED}]


def test_it_reaches_each_notebook_that_uses_it(home):
    settings = settings_of(home, "money: {margin: 0.4, discount_rate: 0.2}\n")
    flat = flatten(settings, "tiny", home=home)
    assert (flat.values["margin"], flat.origins["margin"]) == (0.4, "params/acme.yml")
    assert "discount_rate" not in flat.values  # this notebook has none
    typed = flatten(settings, "tiny", home=home, overrides={"margin": 0.3})
    assert (typed.values["margin"], typed.origins["margin"]) == (0.3, "command line")
    assert flatten(settings_of(home, ""), "tiny", home=home).origins["margin"] == "default"


def test_a_section_of_its_own_is_refused_with_the_line_to_write(home):
    settings_of(home, "tiny: {margin: 0.4}\n")
    with pytest.raises(ParamError) as caught:
        check_clients(["acme"], ["tiny"], home=home)
    assert [str(one) for one in caught.value.problems] == [
        "params/acme.yml, tiny.margin: is the same in every analysis, so it cannot stand in the section of one; "
        "write 'money: {margin: 0.4}' once, and remove the line here."
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("silence_days: 90", "write 'customer: {active_days: 90}' once, and remove the line here."),
        ("silence_days: 0", "write 'customer: {active_days: 365}' once, and remove the line here."),
        ("lapsed_below: 0.2", "write 'customer: {active_days: 365}' once, and remove the line here."),
    ],
)
def test_an_old_definition_of_a_customer_is_refused_with_the_line_to_write(home, line, said):
    settings_of(home, f"tiny: {{{line}}}\n")
    with pytest.raises(ParamError) as caught:
        check_clients(["acme"], ["tiny"], home=home)
    name = line.partition(":")[0]
    assert [str(one) for one in caught.value.problems] == [
        f"params/acme.yml, tiny.{name}: is no more; who is a customer is the same in every analysis; {said}"
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("money: {margin: 1.2}", "params/acme.yml, money.margin: is 1.2"),
        ("money: {margin: -0.1}", "params/acme.yml, money.margin: is -0.1"),
        ("money: {margn: 0.4}", "unknown key 'margn'; did you mean 'margin'?"),
        ("money: {discount_rate: ten}", "params/acme.yml, money.discount_rate: is 'ten'"),
        ("customer: {active_days: 0}", "params/acme.yml, customer.active_days: is 0"),
        ("customer: {active_day: 90}", "unknown key 'active_day'; did you mean 'active_days'?"),
        ("customer: {active_days: 90}\ncustomer: {active_days: 180}", "the key 'customer' stands twice"),
    ],
)
def test_what_cannot_be_is_refused(home, line, said):
    with pytest.raises(ParamError, match=r"money|customer") as caught:
        settings_of(home, line)
    assert said in str(caught.value)


def test_a_running_notebook_knows_where_it_is_from_and_what_is_said_elsewhere(home):
    settings = settings_of(home, "money: {margin: 0.4}\n")
    used = used_parameters("tiny", settings, home=home, values={"margin": 0.4})
    assert used["margin"].origin == "params/acme.yml"
    assert other_than_agreed(used, settings) == []
    typed = used_parameters("tiny", settings, home=home, values={"margin": 0.3})
    (note,) = other_than_agreed(typed, settings)
    assert say(note, Locale("en")) == "The margin is 30% here, and 40% on the client's other pages."
    assert "30%" in say(note, Locale("zh"))
    assert other_than_agreed({"margin": Used(0.3, "default")}, settings_of(home, "")) == []


def test_an_editor_finds_it_once():
    document = schema(ROOT)
    assert "margin" not in document["properties"]["clv"]["properties"]
    both = [document["$defs"][name]["properties"] for name in ("MoneySettings", "CustomerSettings")]
    assert {name for properties in both for name in properties} == set(AGREED)


@dataclass
class Report:
    """Results of a value report made at a margin."""

    used: dict
    reason: None = None
    scores: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"customer_id": ["a", "b"], "clv": [10.0, 20.0]}))

    @property
    def report(self):
        return {"parameters": {name: {"value": value} for name, value in self.used.items()}}

    def table(self, name):
        assert name == "clv_scores"
        return self.scores


@pytest.mark.parametrize(
    ("used", "margin", "values"),
    [
        ({"margin": 0.4, "retention_cost": 0.0}, 0.4, [10, 20]),
        ({"margin": 0.4, "retention_cost": 0.0}, 0.2, [5, 10]),
        ({"margin": 0.4, "retention_cost": 0.0}, None, [10, 20]),
        ({"margin": 0.4, "retention_cost": 3.0}, 0.4, [10, 20]),
        ({"margin": 0.4, "retention_cost": 3.0}, 0.2, None),
        ({}, 0.2, [10, 20]),
    ],
)
def test_value_of_another_report_is_brought_to_the_margin(used, margin, values):
    found = per_customer(Report(used), "clv", tables=["clv_scores"], margin=margin)
    assert (found if found is None else found.tolist()) == (values if values is None else pytest.approx(values))


def test_what_is_agreed_is_what_the_file_gives():
    assert Settings(client="acme", title="A", source="data").agreed() == {}
