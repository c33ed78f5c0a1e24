"""Pages of one client agree, and each of many planted contradictions is found: three small notebooks, run as any other."""

import re
import shutil
import sys
from contextlib import suppress

import pandas as pd
import pytest
import yaml

from conftest import write_notebook
from crmkit import cli
from crmkit.report.folders import read_json, reports_folder, write_json
from crmkit.report.guard.agreement import contradictions, statements
from crmkit.report.guard.quantities import NAMED
from crmkit.report.guard.said import read_page
from crmkit.report.run import run_clients

HEAD = """\
client: str = "acme"
as_of: str = ""
language: str = ""
margin: float = 1.0  # share [0.01, 1]; part of revenue that counts as value, 1: revenue
active_days: int = 365  # days [7, 3650]; without a contract, a customer is active who bought within so many days"""
OPEN = """\
import pandas as pd
from crmkit import open_client, open_page
from crmkit.core.results import Column, Finding, Quantity, Result, Text, estimates
company = open_client(client, as_of=as_of, language=language)
page = open_page("{name}", company)
money = lambda value: Quantity(value, "money")
def boxes(name, *rows):
    names = ("group", "measure", "value", "low", "high", "unit")
    return Result(name, "values", Text("Sums"), estimates(dict(zip(names, row)) for row in rows))
def finding(name, text, stake=None, **numbers):
    return Finding(name, "info", None, Text(text, numbers), money_at_stake=stake)
page.intake()"""
CLV = """\
value = finding("clv.value", "Today's {n} customers are worth {total}.", n=Quantity(60, "count"), total=money(41343.94))
page.headline([value])

page.show(boxes(
    "clv_totals", ("Expected value", "clv", 41343.94, 38485.0, 43718.0, "money"), ("Customers", "n", 60, None, None, "count")
))

table = pd.DataFrame({"customer_id": [f"C{n:03d}" for n in range(12)], "money": 100.0})
table.attrs["rows"] = 5
told = finding("clv.protect", "{n} of the {all} best are silent.", n=Quantity(7, "count"), all=Quantity(12, "count"))
columns = (Column("customer_id", "Customer", "customer"), Column("money", "Value", "money"))
page.show(Result("clv_protect", "table", Text("To protect"), table, columns=columns, customers=True, finding=told))

waiting = pd.DataFrame({"customer_id": [f"C{n:03d}" for n in range(20, 24)], "money": 90.5})
told = finding("clv.wake", "{n} can be won back, worth {money}.", n=Quantity(4, "count"), money=money(362.0))
page.show(Result("clv_wake", "table", Text("To wake"), waiting, columns=columns, customers=True, finding=told))

page.publish()"""
CHURN = """\
risk = finding(
    "churn.risk", "Of {n} customers {left} may leave; with them goes {money}.", stake=money(20268.25),
    n=Quantity(60, "count"), left=Quantity(32.6, "count"), money=money(20268.25),
)
page.headline([risk])

page.show(boxes(
    "churn_totals", ("Customers today", "active", 60, None, None, "count"),
    ("Value at risk", "at_risk", 20268.25, 16274.0, 23923.0, "money"),
))

rules = pd.DataFrame({"rule": ["Expected profit"], "contacts": [100], "cost": [183.5], "profit": [695.6]})
plan = finding("churn.plan", "Contacting {k} costs {cost} and brings {profit}.", stake=money(695.6),
    k=Quantity(100, "count"), cost=money(183.5), profit=money(695.6))
page.show(Result("churn_rules", "table", Text("Rules"), rules, columns=(
    Column("rule", "Rule", translate=True), Column("cost", "Cost", "money"), Column("profit", "Profit", "money"),
), finding=plan))

page.publish()"""
AUDIT = """\
from crmkit.analyses import audit
from crmkit.core.results import Brief
page.show(audit.bridge(page.results()))"""
BRIEF = """\
whole = pd.DataFrame({"risk": ["a", "b"], "loss": [5000.0, 516.8]})
columns = (Column("risk", "Risk"), Column("loss", "Expected loss", "money"))
result = Result("audit_risks", "table", Text("Risks"), whole, columns=columns)
page.show(result)

part = Result("audit_risks", "table", Text("Risks"), whole.tail(1), columns=columns)
sums = boxes("audit_numbers", ("Value at risk", "churn", 20268.25, 16274.0, 23923.0, "money"))
sheet = Brief("executive", "E", (sums,), findings=(audit.bridge(page.results()).finding,), sheet=True)
briefs = (sheet, Brief("department-b", "B", (part,)))
page.show(Result("audit_departments", "table", Text("Who"), whole[["risk"]], briefs=briefs))

page.publish()"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose reports nobody has touched."""
    home = tmp_path_factory.mktemp("agreeing")
    for folder in ("params", "notebooks", "data/acme"):
        (home / folder).mkdir(parents=True)
    bought = pd.DataFrame({"customer_id": [f"C{n:03d}" for n in range(60)], "ordered_at": "2025-12-01", "amount": 10.5})
    bought.to_csv(home / "data" / "acme" / "transactions.csv", index=False)
    said = {"client": "acme", "title": "ACME", "source": "data/acme", "as_of": "2025-12-31", "money": {"margin": 0.4}}
    (home / "params" / "acme.yml").write_text(yaml.safe_dump(said), encoding="utf-8")
    for name, code, reads in (("clv", CLV, []), ("churn", CHURN, ["clv"]), ("audit", f"{AUDIT}\n\n{BRIEF}", ["clv", "churn"])):
        listed = [("markdown", f"# What about {name}?"), ("parameters", HEAD), ("code", OPEN.replace("{name}", name))]
        path = home / "notebooks" / f"{name}.ipynb"
        write_notebook(path, [*listed, *(("code", cell) for cell in code.split("\n\n"))], analysis=name, results=reads)
    outcomes = run_clients(["acme"], home=home)
    assert [one.status for one in outcomes] == ["ok"] * 3, [one.message for one in outcomes]
    return home


@pytest.fixture
def home(made, tmp_path):
    """A copy to plant something in."""
    shutil.copytree(made / "reports", tmp_path / "reports")
    return tmp_path


def dated(home):
    return reports_folder(home) / "acme" / "2025-12-31"


def record(home, analysis):
    return next(dated(home).glob(f"runs/*/{analysis}/report.json"))


def replaced(path, old, new, *, count=1):
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{path.name} does not say {old!r}"
    path.write_text(text.replace(old, new, count), encoding="utf-8")


@pytest.mark.long
def test_pages_that_nobody_has_touched_agree(made):
    said = statements("acme", home=made)
    assert contradictions("acme", home=made) == []
    places = {one.place for one in said}
    assert {"clv.html", "churn.html", "audit.html", "audit-executive.html", "audit-department-b.html", "index.html"} <= places
    assert "reports/index.html" in places
    named = {name for name in NAMED if sum(one.name == name for one in said) > 1}
    assert {"customers so far", "customers today", "value at risk", "value of all customers", "profit of the campaign"} <= named


def test_each_source_of_a_quantity_gives_what_its_name_says(made):
    """Customers are counted, what they are worth is added, in the sentence as in the list."""
    found = {name: set() for name in ("customers to win back", "worth of winning back")}
    for one in statements("acme", home=made):
        if one.name in found:
            found[one.name].add((one.text, one.place))
    assert found == {
        "customers to win back": {("4", "clv: clv.wake n"), ("4", "clv: clv_wake")},
        "worth of winning back": {("€362.00", "clv: clv.wake money"), ("€362.00", "clv: clv_wake money")},
    }


def test_the_words_of_a_page_are_those_that_a_reader_sees(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("<p>One <em>company</em>,<script>two()</script><style>p {}</style> one truth</p>", encoding="utf-8")
    assert read_page(path).first(tag="p") == "One company, one truth"


def in_record(analysis, **changed):
    def plant(home):
        path = record(home, analysis)
        write_json(path, read_json(path) | changed)

    return plant


def with_margin(home):
    path = record(home, "churn")
    report = read_json(path)
    report["parameters"]["margin"]["value"] = 1.0
    write_json(path, report)


def a_row_less(home):
    path = next(dated(home).glob("runs/*/clv/lists/clv_protect.csv"))
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-1]) + "\n", encoding="utf-8")


def on(page, old, new):
    return lambda home: replaced(home / "reports" / page, old, new)


def headline_alone(home):
    """A number of the leading sentence, and not of the record."""
    page = dated(home) / "clv.html"
    sentence = re.search(r'<span class="sentence">[^<]*60 customers[^<]*</span>', page.read_text(encoding="utf-8"))[0]
    replaced(page, sentence, sentence.replace("60", "61"))


DAY = "acme/2025-12-31"
PLANTED = {
    "margin": ("margin", with_margin),
    "currency": ("currency", in_record("audit", currency="USD")),
    "other data": ("data", in_record("audit", data={"fingerprint": "other"})),
    "count in a box": (
        "churn, Customers today",
        on(f"{DAY}/churn.html", '<dd class="number">60</dd>', '<dd class="number">61</dd>'),
    ),
    "count in a sentence": ("clv, clv.value", headline_alone),
    "date": ("as_of", on(f"{DAY}/audit-executive.html", "<dd>31 Dec 2025</dd>", "<dd>30 Dec 2025</dd>")),
    "date of the index": ("as_of", on("acme/index.html", "31 Dec 2025</td>", "30 Dec 2025</td>")),
    "rounding in the index": (
        "clv, Expected value",
        on("acme/index.html", "<strong>€41,344</strong>", "<strong>€41,300</strong>"),
    ),
    "rounding on a short page": (
        "audit_risks: b, Expected loss",
        on(f"{DAY}/audit-department-b.html", ">€517<", ">€516.80<"),
    ),
    "language": ("language", on(f"{DAY}/clv.html", '<html lang="en">', '<html lang="zh-CN">')),
    "language of the index": ("language", on("acme/index.html", '<html lang="en">', '<html lang="zh-CN">')),
    "title": ("title", on(f"{DAY}/churn.html", '<p class="client">ACME</p>', '<p class="client">Acme Ltd</p>')),
    "stake": ("churn, churn.risk, at stake", on(f"{DAY}/churn.html", "At stake: €20,268", "At stake: €20,269")),
    "length of a list": ("clv_protect, rows", a_row_less),
    "sum of the bridge": (
        "audit_bridge: Net gain, Money",
        on("acme/index.html", '<td class="num">€695.60</td>', '<td class="num">€696</td>'),
    ),
    "active customers": (
        "customers: so far, How many",
        on(f"{DAY}/audit.html", 'so far</th><td class="num">60</td>', 'so far</th><td class="num">59</td>'),
    ),
    "what it says first": (
        "clv, what it says first",
        on("acme/index.html", "are worth €41,344.", "are worth €51,344."),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_contradiction_is_found(home, name):
    found, plant = PLANTED[name]
    plant(home)
    told = {one.name: one for one in contradictions("acme", home=home)}
    assert found in told
    assert len(told[found].said) > 1
    assert str(told[found]).startswith(f"{found}: ")


def test_it_can_be_asked_for_at_a_terminal(made, monkeypatch, capsys):
    monkeypatch.setenv("CRMKIT_HOME", str(made))
    monkeypatch.setattr(sys, "argv", ["crmkit", "check", "acme", "--pages"])
    with suppress(SystemExit):
        cli.main()
    assert re.fullmatch(r"acme: \d+ statements compared; no two of them differ\n", capsys.readouterr().out)


def test_what_differs_is_named_at_a_terminal(home, made, monkeypatch, capsys):
    for folder in ("params", "notebooks"):
        shutil.copytree(made / folder, home / folder)
    with_margin(home)
    monkeypatch.setenv("CRMKIT_HOME", str(home))
    monkeypatch.setattr(sys, "argv", ["crmkit", "check", "acme", "--pages"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "margin: 0.4 (clv/report.json" in said
    assert "run all of its reports together: crmkit run acme" in said


def test_two_numbers_of_one_record_are_found(home):
    """The sum in the sentence is that of the box, though each of them is shown as it was recorded."""
    path = record(home, "churn")
    report = read_json(path)
    box = next(one for one in report["values"] if one["key"] == "Value at risk")
    box |= {"value": 20300.0, "text": "€20,300"}
    write_json(path, report)
    assert "value at risk" in {one.name for one in contradictions("acme", home=home)}


def test_a_page_that_says_that_it_departs_does_not_contradict(home):
    path = record(home, "churn")
    report = read_json(path)
    report["parameters"]["margin"] = {"value": 0.3, "origin": "command line"}
    report["data"]["notes"] = ["The margin is 30% here, and 40% on the client's other pages."]
    write_json(path, report)
    assert "margin" not in {one.name for one in contradictions("acme", home=home)}
