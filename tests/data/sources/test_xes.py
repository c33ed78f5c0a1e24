"""How does an event log in XES become a table?"""

import gzip

import pandas as pd
import pytest

from crmkit.core.errors import DataError
from crmkit.data.sources.xes import COLUMNS, main, read_xes
from crmkit.models.service.flow import event_log, follows

LOG = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <global scope="event"><string key="concept:name" value="not a step"/></global>
  <trace>
    <string key="concept:name" value="T1"/>
    <event><string key="concept:name" value="receive"/><date key="time:timestamp" value="2025-03-01T09:00:00.000+01:00"/>
      <string key="org:resource" value="Ann"/><string key="org:group" value="desk"/></event>
    <event><string key="concept:name" value="solve &amp; close"/>
      <date key="time:timestamp" value="2025-03-01T09:00:00.000+01:00"/></event>
  </trace>
  <trace>
    <event><string key="concept:name" value="receive"/><date key="time:timestamp" value="2025-03-02T09:00:00Z"/>
      <list key="x"><string key="concept:name" value="inner"/></list></event>
    <string key="concept:name" value="T2"/>
  </trace>
</log>
"""


@pytest.fixture
def log(tmp_path):
    def write(text=LOG, name="log.xes"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["log.xes", "log.xes.gz"])
def test_events_with_their_case_step_moment_and_team(log, name):
    assert list(read_xes(log(name=name))) == [
        ("T1", "2025-03-01T09:00:00.000+01:00", "receive", "Ann", "desk", "1"),
        ("T1", "2025-03-01T09:00:00.000+01:00", "solve & close", "", "", "2"),
        ("T2", "2025-03-02T09:00:00Z", "receive", "", "", "3"),
    ]


def test_the_table_is_read_like_any_other(log, tmp_path, capsys):
    target = tmp_path / "ticket_events.csv"
    assert main([str(log()), str(target)]) == 0
    assert capsys.readouterr().out.strip().endswith(": 3")
    table = pd.read_csv(target, dtype=str)
    assert tuple(table.columns) == COLUMNS
    moments = pd.to_datetime(table["occurred_at"], utc=True, format="ISO8601").dt.tz_localize(None).to_numpy()
    found = follows(event_log(table["ticket_id"], moments, table["activity"], number=table["event_id"].astype(int)))
    assert found.to_numpy().tolist() == [["receive", "solve & close", 1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LOG.replace("<log ", "<!DOCTYPE log [<!ENTITY a 'b'>]><log "), "declares a document type"),
        (LOG.replace('<string key="concept:name" value="T2"/>', ""), "event 3 has no case"),
        (LOG.replace('<date key="time:timestamp" value="2025-03-02T09:00:00Z"/>', ""), "event 3 has no time:timestamp"),
        (LOG[:300], "cannot be read as XES"),
        ("a,b\n1,2\n", "cannot be read as XES"),
    ],
)
def test_what_is_no_log_is_refused(log, text, said):
    with pytest.raises(DataError, match=said):
        list(read_xes(log(text)))


def test_a_wrong_call_says_what_to_write(capsys, tmp_path):
    assert main([]) == 2
    assert "python -m crmkit.data.sources.xes" in capsys.readouterr().err
    assert main([str(tmp_path / "none.xes"), "x"]) == 2
    assert "there is no such file" in capsys.readouterr().err
