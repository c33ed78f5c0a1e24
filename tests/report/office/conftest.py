"""A client with finished reports, written as a run writes them."""

import base64
import json

import pytest
import yaml

from crmkit.core.language import Locale
from crmkit.core.results import Quantity, Text
from crmkit.report.exhibits import exhibit_record
from crmkit.report.folders import note_attempt, reports_folder, write_json
from finished import HOSTILE, bars, diverging, found, lines, picture, plain_table, quadrants


@pytest.fixture
def office(tmp_path, monkeypatch):
    """A project with a client; ``office(analysis, results, findings)`` writes a finished report of it."""
    home = tmp_path / "project"
    for folder in ("params/acme", "notebooks", "data"):
        (home / folder).mkdir(parents=True)
    monkeypatch.setenv("CRMKIT_HOME", str(home))

    def params(**more):
        said = {"client": "acme", "title": "ACME & Söhne <GmbH>", "source": "data/acme", **more}
        (home / "params" / "acme.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")

    def write(analysis, results, findings, *, values=(), language="en", title="ACME & Söhne <GmbH>", run="r1"):
        folder = reports_folder(home) / "acme" / "2025-12-31" / "runs" / run / analysis
        (folder / "results").mkdir(parents=True)
        locale, html = Locale(language), []
        for result in results:
            table = result.table.copy()
            table.attrs = {}
            table.to_parquet(folder / "results" / f"{result.name}.parquet", index=False)
            source = base64.b64encode(picture()).decode()
            if result.kind not in ("table", "values"):
                html.append(
                    f'<figure class="exhibit" id="{result.name}"><img alt="x" src="data:image/png;base64,{source}"></figure>'
                )
        report = {
            "title": title, "language": language, "currency": "EUR", "as_of": "2025-12-31", "findings": list(findings),
            "headline": [one["id"] for one in findings if one["id"] != "intake.left_out"], "values": list(values),
            "exhibits": [json.loads(json.dumps(exhibit_record(result, locale))) for result in results],
        }  # fmt: skip
        write_json(folder / "report.json", report)
        (folder / f"{analysis}.html").write_text("".join(html), encoding="utf-8")
        record = {
            "run": run,
            "status": "ok",
            "message": "",
            "seconds": 1.0,
            "finished_at": f"2026-01-01T00:00:0{len(analysis) % 10}",
        }
        write_json(folder / "run.json", record | {"question": f"What about {analysis}?"})
        note_attempt(folder, record, home=home, client="acme", as_of="2025-12-31", analysis=analysis)
        return folder

    params()
    write.home, write.params, write.dated = home, params, reports_folder(home) / "acme" / "2025-12-31"
    return write


@pytest.fixture
def whole(office):
    """A client with two reports of all kinds of exhibits."""
    money = {"key": "v", "label": "Value at risk", "value": 27714.0, "unit": "money", "text": "€27,714"}
    office(
        "churn",
        [
            bars("churn_groups", ["Nord", HOSTILE, "客户"]),
            lines("churn_curve", ("a", "b"), step=True),
            plain_table("churn_rules", 40),
            plain_table("churn_list", 5, customers=True),
        ],
        [
            found(
                "churn.risk",
                "{money} is at risk.",
                "churn_list",
                stake=27714.0,
                action="Call them.",
                money=Quantity(27714, "money"),
            ),
            found("churn.groups", "Groups differ.", "churn_groups", severity="warning"),
            found("churn.curve", "Half stay for {days}.", "churn_curve", days=Quantity(3, "days")),
            found("churn.rules", "Contact {n} customers.", "churn_rules", n=Quantity(100, "count"), action="Call them."),
            found("intake.left_out", "All {n} rows count.", n=Quantity(1200, "count")),
            found("churn.good", "The model is right.", severity="good"),
        ],
        values=[money],
    )
    office(
        "satisfaction",
        [
            diverging("satisfaction_answers"), quadrants("satisfaction_map"), lines("satisfaction_trend", dated=True),
            bars("satisfaction_ratio", ["x", "y"], unit="ratio", log=True, reference=(1.0, Text("no effect"))),
            plain_table("satisfaction_table", 3, words="第一 and " + "many words of it " * 10),
        ],
        [
            found("satisfaction.answers", "Answers are spread.", "satisfaction_answers"),
            found("satisfaction.map", "Start with Ease.", "satisfaction_map"),
            found("satisfaction.trend", "It moved.", "satisfaction_trend"),
            found("satisfaction.ratio", "The ratio says so.", "satisfaction_ratio"),
            found("satisfaction.table", "A table of words.", "satisfaction_table"),
        ],
        values=[{"key": "nps", "label": "NPS", "value": -10.1, "unit": "points", "text": "-10.1"}],
    )  # fmt: skip
    return office
