"""Dates of a plan as a calendar: every mail program can read it, and no text of a client becomes an entry."""

import datetime as dt

import pandas as pd
import pytest

from crmkit.core.language import Locale
from crmkit.core.results import Result, Text
from crmkit.report.files.calendars import escaped, folded, write_calendar

AS_OF = dt.date(2025, 12, 31)


def plan(text="Answer faster", **more):
    row = {"action_id": "P-1", "text": text, "owner": "Head; of, service", "starts_on": dt.date(2026, 1, 14),
           "due_on": pd.Timestamp("2026-04-30"), "measurable_on": None, "taken": True}  # fmt: skip
    return pd.DataFrame([row | more])


def written(table, folder, language="en"):
    path = write_calendar(table, Result("audit_plan", "table", Text("Plan")), folder, locale=Locale(language), as_of=AS_OF)
    return path.read_bytes().decode()


def unfolded(text):
    return text.replace("\r\n ", "").split("\r\n")


def test_entries(tmp_path):
    lines = unfolded(written(plan(), tmp_path))
    assert lines[0] == "BEGIN:VCALENDAR"
    assert lines[-2:] == ["END:VCALENDAR", ""]
    assert lines.count("BEGIN:VEVENT") == lines.count("END:VEVENT") == 2
    assert "DTSTART;VALUE=DATE:20260114" in lines
    assert "DTEND;VALUE=DATE:20260501" in lines
    assert "SUMMARY:Due: Answer faster" in lines
    assert "DESCRIPTION:Head\\; of\\, service" in lines
    uids = [line for line in lines if line.startswith("UID:")]
    assert len(set(uids)) == 2


def test_the_same_plan_gives_the_same_bytes(tmp_path):
    assert written(plan(), tmp_path / "a") == written(plan(), tmp_path / "b")


def test_what_is_not_within_the_budget_is_left_out(tmp_path):
    assert "VEVENT" not in written(plan(taken=False), tmp_path)


@pytest.mark.parametrize(
    "text", ["x\r\nEND:VEVENT\r\nBEGIN:VEVENT", "x\nATTACH:file:///etc", "x\u2028BEGIN:VALARM", "a;b,c\\n"]
)
def test_no_text_becomes_an_entry(tmp_path, text):
    lines = unfolded(written(plan(text), tmp_path))
    assert lines.count("BEGIN:VEVENT") == 2
    assert not any(line.startswith(("ATTACH", "BEGIN:VALARM")) for line in lines)


def test_lines_are_short_in_octets_and_whole_in_characters():
    long = "SUMMARY:" + "制定回访计划，" * 30
    lines = folded(long).split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines)
    assert all(line.startswith(" ") for line in lines[1:])
    assert "".join([lines[0], *(line[1:] for line in lines[1:])]) == long


def test_escapes():
    assert escaped("a\\b;c,d\ne") == "a\\\\b\\;c\\,d\\ne"
    assert escaped("bell\x07\x00") == "bell"
