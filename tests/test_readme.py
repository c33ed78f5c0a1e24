"""README's three commands for own data, as they stand there, on a folder of orders: a page comes out."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
THREE = [line.split("#")[0].split() for line in re.findall(r"^crmkit (?:new|check|run) acme.*$", README, re.MULTILINE)]


def orders(path, customers=60, seed=0):
    """Orders of two years with a status; gives the sum of those that are money."""
    choice = random.Random(seed)
    lines, total = ["Order ID,Customer ID,Order Date,Order Total,Status"], 0
    for number in range(8 * customers):
        status = choice.choice(["completed", "completed", "completed", "cancelled"])
        cents = choice.randrange(500, 9900)
        month, day = choice.randrange(1, 25), choice.randrange(1, 29)
        date = f"20{23 + (month - 1) // 12}-{(month - 1) % 12 + 1:02}-{day:02}"
        lines.append(f"A{number},C{choice.randrange(customers)},{date},{cents / 100:.2f},{status}")
        total += cents * (status == "completed")
    path.mkdir()
    (path / "orders.csv").write_text("\n".join(lines) + "\n")
    return total / 100


def crmkit(home, *arguments):
    """Runs the command from the project's folder."""
    done = subprocess.run(
        [sys.executable, "-m", "crmkit", *arguments],
        cwd=home,
        capture_output=True,
        text=True,
        env=os.environ | {"COLUMNS": "120", "CRMKIT_HOME": str(home)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def home(tmp_path):
    (tmp_path / "params").mkdir()
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    return tmp_path


def test_own_data_are_three_commands():
    assert [command[1] for command in THREE] == ["new", "check", "run"]
    assert "cp params" not in README


def test_the_first_two_commands_read_what_was_sold(home):
    total = orders(home / "exports")
    new, check, _ = THREE
    said = crmkit(home, *new[1:], "--yes")
    assert "currency: EUR  (in which currency are the amounts (ISO code)?)" in said
    lines = crmkit(home, *check[1:]).splitlines()
    assert "clv  can run, with less to say: without subscriptions, tickets, costs, surveys, interactions" in lines

    from crmkit.data.client import open_client
    from crmkit.data.sources.engine import to_frame

    with open_client("acme", home=home) as client:
        assert round(to_frame(client.tables["transactions"])["amount"].sum(), 2) == total


@pytest.mark.slow
def test_a_page_comes_out(home):
    orders(home / "exports")
    new, check, run = THREE
    crmkit(home, *new[1:], "--yes")
    crmkit(home, *check[1:])
    crmkit(home, *run[1:], "--only", "clv")
    (page,) = (home / "reports" / "acme").glob("*/clv.html")
    assert "What will each customer bring?" in page.read_text(encoding="utf-8")
    assert f"  acme  reports/acme/{page.parent.name}" in crmkit(home, "list").splitlines()
