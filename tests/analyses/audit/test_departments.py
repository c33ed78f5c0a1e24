"""Who has to do what: each department sees its own, nothing gets lost, and names may be anything."""

import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from crmkit.analyses import audit
from crmkit.analyses.audit.departments import owners
from crmkit.analyses.audit.findings import FINDING, AuditFinding, Check, Measure
from crmkit.analyses.audit.fit import own_table, owner_name
from crmkit.analyses.audit.plan import Action, Aim, Dates, Plan
from crmkit.analyses.audit.risks import Risk
from crmkit.core.language import Locale, say
from crmkit.core.results import Text
from crmkit.core.settings import Settings

BOOK = audit.load_catalogue()
DAY = dt.date(2026, 3, 31)


def finding(theme, indicator):
    check = Check("indicator", theme, indicator, True, 0.001, Text("criterion"), Text("condition of " + theme), Measure(n=10))
    return AuditFinding(
        f"indicator.{theme}", "indicator", theme, FINDING, Text(theme), (check,), Text("c"), Text("e"), Text("r")
    )


def action(number, owner, finding="", indicator="P-RESP"):
    return Action(f"M{number}", f"do {number}", "A-FAST", owner, "client", finding, Dates(DAY, DAY),
                  Aim(indicator, baseline=0.4, effect=0.2, target=0.85))  # fmt: skip


def row(name):
    one = BOOK[name]
    return {"indicator": name, "class": one.group, "name": one.en, "value": 0.4, "low": 0.3, "high": 0.5, "n": 99.0,
            "unit": one.unit, "target": one.target, "score": 1.0, "score_low": 1.0, "score_high": 2.0, "status": "assessed",
            "placeholder": True, "method": "Wilson", "came_back": float("nan")}  # fmt: skip


def study(*, actions=(), risks=(), found=(), language="en"):
    state = pd.DataFrame([row(name) for name in ("P-RESP", "P-HAND", "D-DUP", "P-CSAT")])
    plan = Plan(tuple(actions), None)
    company = SimpleNamespace(language=language, settings=Settings(client="test", title="Test", source="data"))
    made = SimpleNamespace(plan=plan, risks=tuple(risks), found=tuple(found), state=state, book=BOOK, company=company)
    made.locale = Locale(language, "EUR")
    return made


@pytest.fixture
def work():
    found = [finding("slow", "P-RESP"), finding("complex", "P-HAND"), finding("scattered", "D-DUP")]
    actions = [action(1, "Service", "indicator.slow"), action(2, " service ", indicator="P-CSAT"), action(3, "Process", "")]
    risks = [Risk("R-slow", "slow", "service", "Slow", owner="Finance", indicator="P-RESP", finding="indicator.slow"),
             Risk("R-complex", "complex", "service", "Complex", owner="Process", finding="indicator.complex")]  # fmt: skip
    return study(actions=actions, risks=risks, found=found)


def words(brief):
    return " ".join(str(value) for result in brief.results for value in result.table.to_numpy().ravel())


def test_each_department_has_its_own(work):
    result = audit.departments(work)
    table = result.table.set_index("department")[["findings", "risks", "actions"]]
    # nobody answers for the scattered data: whoever the kit proposes; the two ways of writing are one department
    assert table.T.to_dict("list") == {
        "Process": [1, 1, 1], "Service": [1, 0, 2], "Finance": [1, 1, 0], "Head of data": [1, 0, 0],
    }  # fmt: skip
    pages = {brief.name: brief for brief in result.briefs}
    assert set(pages) == set(table.index)
    assert "condition of slow" in words(pages["Service"])
    assert "condition of complex" not in words(pages["Service"])
    assert "do 1" in words(pages["Service"])
    assert "do 3" not in words(pages["Service"])
    assert "do 1" not in words(pages["Finance"])
    assert [one.name for one in pages["Finance"].results] == ["audit_finding_fields", "audit_risks", "audit_watched"]
    watched = next(one for one in pages["Service"].results if one.name == "audit_watched").table
    assert watched["indicator"].tolist() == ["P-RESP", "P-CSAT"]
    assert watched["warning"].tolist() == ["not watched", ""]


def test_findings_keep_the_numbers_of_the_report(work):
    pages = {brief.name: brief for brief in audit.departments(work).briefs}
    fields = next(one for one in pages["Head of data"].results if one.name == "audit_finding_fields").table
    assert fields["no"].iloc[0] == "3"


def test_nothing_gets_lost_and_pages_are_few():
    many = [action(number, f"Department {number:02d}") for number in range(20)]
    many += [action(100 + number, "Department 19") for number in range(3)]
    result = audit.departments(study(actions=many))
    assert len(result.briefs) == 13
    assert len(result.table) == 20
    assert say(result.note, Locale()).endswith("The 12 with most to do have a page of their own; 8 others share one.")
    assert result.briefs[0].name == "Department 19"
    assert result.table["page"].nunique() == 13
    assert result.briefs[-1].slug == "department-others"
    shown = sum(len(one.table) for brief in result.briefs for one in brief.results if one.name == "audit_plan")
    assert shown == len(many)
    assert len(audit.departments(study(actions=many[:12])).briefs) == 12


def test_what_has_no_owner_is_told(work):
    left = replace(work.plan, actions=(*work.plan.actions, action(4, "")))
    work.plan = left
    assert owners(work)[-1].name == "Nobody named yet"
    assert [one.id for one in owners(work)[-1].actions] == ["M4"]


def test_names_may_be_anything_and_in_any_language():
    names = ["客服负责人", "销售负责人", "../../x", "<script>alert(1)</script>", "others", "Sales", "sales."]
    result = audit.departments(study(actions=[action(place, name) for place, name in enumerate(names)], language="zh"))
    assert {brief.name for brief in result.briefs} == set(names)
    files = result.table["page"]
    assert files.is_unique
    assert files.str.fullmatch(r"audit-department-[a-z0-9-]+\.html").all()
    assert "audit-department-others.html" not in set(files)


def test_nothing_to_do_is_said():
    assert not audit.departments(study()).assessed


OWNERS = {"Head of IT": {"zh": "IT负责人"}, "客服组长": {"en": "Service lead"}}


@pytest.mark.parametrize(
    ("language", "written", "said"),
    [
        ("en", "客服负责人", "Head of service"),  # the kit knows whom it proposes in both languages
        ("zh", "head of  service", "客服负责人"),
        ("zh", "Head of IT", "IT负责人"),
        ("en", "IT负责人", "Head of IT"),
        ("en", "客服组长", "Service lead"),
        ("en", "Ms Sommer", "Ms Sommer"),
    ],
)
def test_an_owner_has_one_name_on_a_page(language, written, said):
    settings = Settings(client="test", title="Test", source="data", owners=OWNERS)
    company = SimpleNamespace(language=language, settings=settings)
    assert owner_name(written, company) == said


def test_a_table_names_its_owners_in_the_language_of_the_report(company_of):
    goals = pd.DataFrame({"goal_id": ["G1", "G2"], "owner": ["Head of service", None]})
    company = company_of("zh", goals=goals)
    assert own_table(company, "goals")["owner"].tolist() == ["客服负责人", None]
    assert own_table(company, "risks") is None
