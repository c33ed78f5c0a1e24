"""From a folder of exports to what the reports count, at the size of a small company; and to a page, for each system."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crmkit.data.client import check_client
from crmkit.data.presets.newcomer import new_client
from exports.systems import SYSTEMS, three_systems
from exports.writing import counted, lines_of

pytestmark = pytest.mark.long

MOST_LINES = 12


def crmkit(home: Path, *arguments: str) -> str:
    """What the command prints; it must end well."""
    done = subprocess.run(
        [sys.executable, "-m", "crmkit", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"CRMKIT_HOME": str(home)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_counted_is_what_was_written(home, system):
    truth = SYSTEMS[system].write(home / "exports", 300)
    found = new_client("acme", home / "exports", yes=True, home=home)
    assert max(lines_of(found.path.read_text(encoding="utf-8")).values()) <= MOST_LINES
    assert check_client("acme", home=home).problems == ()
    assert {table: counted(home, table) for table in truth} == truth


def test_three_systems_of_one_company_are_counted(home):
    truth = three_systems(home / "exports", 400)
    new_client("acme", home / "exports", yes=True, home=home)
    assert check_client("acme", home=home).problems == ()
    assert {table: counted(home, table) for table in truth} == truth


def test_one_system_to_its_page(home):
    SYSTEMS["contracts"].write(home / "exports", 300)
    crmkit(home, "new", "acme", str(home / "exports"), "--yes")
    crmkit(home, "run", "acme", "--only", "churn")
    (page,) = (home / "reports" / "acme").glob("*/churn.html")
    assert "findings" in page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_to_its_page(home, system):
    SYSTEMS[system].write(home / "exports", 3000)
    crmkit(home, "new", "acme", str(home / "exports"), "--yes")
    crmkit(home, "check", "acme")
    crmkit(home, "run", "acme", "--only", SYSTEMS[system].analysis)
    assert list((home / "reports" / "acme").glob(f"*/{SYSTEMS[system].analysis}.html"))


@pytest.mark.slow
def test_three_systems_of_one_company_to_their_pages(home):
    three_systems(home / "exports", 4000)
    crmkit(home, "new", "acme", str(home / "exports"), "--yes")
    crmkit(home, "run", "acme")
    pages = {path.stem for path in (home / "reports" / "acme").glob("*/*.html")}
    assert {"data_quality", "clv", "churn", "satisfaction", "audit"} <= pages
