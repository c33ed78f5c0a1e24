"""What the sources ask is accounted for: each row has a status that is allowed, and what is answered is found in a report."""

import csv
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "data" / "coverage.csv"
LIBRARY = ROOT / "src" / "crmkit" / "analyses" / "audit" / "plan" / "library.yml"
CLIENTS = sorted(path.stem for path in (ROOT / "params").glob("*.yml"))
ASKED = {"000": 50, "001": 81, "002": 78, "003": 33, "004": 198}
LONGEST_QUOTE, MOST_WORDS = 30, 25

spec = importlib.util.spec_from_file_location("coverage_of_sources", ROOT / "tools" / "coverage.py")
coverage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(coverage)
ROWS = coverage.read()


def of(*statuses):
    return [row for row in ROWS if row["status"] in statuses]


def test_every_row_of_the_sources_is_there_once():
    assert {source: by.total() for source, by in coverage.counts(ROWS).items()} == ASKED | {"all": sum(ASKED.values())}
    assert len({row["id"] for row in ROWS}) == len(ROWS)
    assert all(re.fullmatch(r"00[0-4]-\d+\.\d+(?:[a-z]\d?)?", row["id"]) for row in ROWS)
    with PLACE.open(encoding="utf-8", newline="") as file:
        assert tuple(next(csv.reader(file))) == coverage.COLUMNS


def test_quotes_are_short_and_nothing_is_empty_or_padded():
    assert all(0 < len(row["quote"]) <= LONGEST_QUOTE for row in ROWS)
    assert all(row["english"] for row in ROWS)
    assert all(None not in row and cell == cell.strip() for row in ROWS for cell in row.values())


def test_every_status_is_allowed_and_fits_its_class():
    assert {row["status"] for row in ROWS} <= set(coverage.STATUSES)
    assert {row["id"] for row in of("lost")} == {row["id"] for row in ROWS if row["class"] == "G"}
    assert {row["class"] for row in of("people")} <= {"N"}


def test_a_place_stands_where_something_is_answered_and_a_lack_where_something_is_not():
    assert [row["id"] for row in of("answered", "partly") if not row["report"] or not row["pointer"]] == []
    assert [row["id"] for row in of("no", "lost") if row["report"] or row["pointer"]] == []
    assert [row["id"] for row in ROWS if bool(row["report"]) != bool(row["pointer"])] == []
    assert [row["id"] for row in ROWS if bool(row["missing"]) != (row["status"] in ("partly", "no"))] == []
    assert [row["id"] for row in ROWS if len(row["missing"].split()) > MOST_WORDS] == []


def test_reports_are_those_of_demo_clients():
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    named = {tuple(row["report"].split("/")) for row in ROWS if row["report"]}
    assert {client for client, _ in named} <= set(CLIENTS)
    assert {notebook for _, notebook in named} <= notebooks


def test_what_only_people_can_do_is_what_the_plan_holds_for_them():
    held = {
        name.removeprefix("S") for one in yaml.safe_load(LIBRARY.read_text(encoding="utf-8"))["people"] for name in one["rows"]
    }
    assert {row["id"] for row in of("people")} == held


def test_counts_are_printed_without_the_kit():
    done = subprocess.run([sys.executable, "-I", ROOT / "tools" / "coverage.py"], capture_output=True, text=True, check=True)
    head, *lines = [line.split() for line in done.stdout.splitlines()]
    assert head == ["source", *coverage.STATUSES, "rows"]
    assert [line[0] for line in lines] == [*ASKED, "all"]
    assert lines[-1] == ["all", *(str(len(of(status))) for status in coverage.STATUSES), str(len(ROWS))]


def test_what_is_still_lacking_is_listed(capsys):
    assert coverage.main(["--open"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == len(of("partly", "no"))


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/a/0/b", 1),
        ("/a/1", None),
        ("/x", None),
        ("/c~1d/~0e", 2),
        ("", {"a": [{"b": 1}], "c/d": {"~e": 2}}),
        ("/a/0/b/z", None),
    ],
)
def test_a_pointer_is_followed_as_its_standard_says(pointer, found):
    assert coverage.look_up({"a": [{"b": 1}], "c/d": {"~e": 2}}, pointer) == found


@pytest.mark.parametrize(
    ("found", "answer"),
    [
        ({"rows": 3, "by": {}}, True),
        ({"rows": 0}, False),
        ({"value": 0.0, "low": 0.0, "high": 0.1, "n": 40}, True),
        ({"value": None, "low": None, "high": None, "n": 40}, False),
        ({"value": 0.3, "low": None, "high": None, "n": 40}, False),
        ({"value": 0.3, "low": 0.2, "high": 0.4, "n": None}, False),
        ("A heading", False),
        (None, False),
    ],
)
def test_a_heading_or_an_empty_table_is_no_answer(found, answer):
    assert coverage.holds(found) is answer


def test_a_place_that_holds_nothing_is_named(tmp_path):
    run = tmp_path / "reports" / "acme" / "2025-12-31" / "runs" / "one" / "audit"
    run.mkdir(parents=True)
    (run / "report.json").write_text(json.dumps({"results": {"plan": {"rows": 2}}}), encoding="utf-8")
    rows = [
        {"id": "000-1.1", "report": "acme/audit", "pointer": "/results/plan"},
        {"id": "000-1.2", "report": "acme/audit", "pointer": "/results/risks"},
        {"id": "000-1.3", "report": "acme/clv", "pointer": "/results/tiers"},
        {"id": "000-1.4", "report": "", "pointer": ""},
    ]
    assert coverage.check(rows, home=tmp_path) == (2, ["000-1.2: acme/audit has nothing at /results/risks"])


@pytest.mark.long
def test_places_are_found_in_the_pages_that_these_tests_make(project):
    project.run("audit")  # with all whose results it reads
    looked, wrong = coverage.check([row for row in ROWS if row["report"].startswith("retailco/")], home=project.home)
    assert not wrong, "\n".join(wrong)
    assert looked > len(of("answered"))


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_places_are_found_in_the_pages_of_every_demo_client(client, project):
    command = [sys.executable, "-m", "crmkit", "run", client]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"CRMKIT_HOME": str(project.home)})
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [row for row in ROWS if row["report"].startswith(f"{client}/")]
    looked, wrong = coverage.check(rows, home=project.home)
    assert not wrong, "\n".join(wrong)
    assert looked == sum(bool(row["pointer"]) for row in rows)
