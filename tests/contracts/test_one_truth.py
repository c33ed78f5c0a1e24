"""The pages of a company, the short ones and the index say one thing: no name stands for two numbers."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from crmkit.report.folders import read_json
from crmkit.report.guard.agreement import NAMED, contradictions, statements

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
CLIENTS = sorted(path.stem for path in (ROOT / "params").glob("*.yml"))
FEWEST_NAMED, FEWEST_SHARED = 15, 200


# what nobody says: "0 of 8", "none of 0", "has 0 findings", "and 0 observations"
NOTHING = re.compile(r"\b0 of\b|\b(of|in|has|and) 0\b(?![.,]\d)|[有中的和]0[个项位名条步]")


def agree(client, home):
    newest = list(home.glob(f"reports/{client}/*/runs/*/*/report.json"))
    said = [one["text"] for path in newest for one in read_json(path)["findings"]]
    assert not [text for text in said if NOTHING.search(text)]
    found = contradictions(client, home=home)
    assert not found, "\n".join(str(one) for one in found)
    return Counter(name for name, _ in {(one.name, one.place) for one in statements(client, home=home)})


def test_the_pages_of_the_demo_shop_agree(project):
    project.run("audit")  # with all whose results it reads
    places = agree(project.client("audit"), project.home)
    assert sum(places[name] > 1 for name in NAMED) >= FEWEST_NAMED
    assert sum(count > 1 for count in places.values()) >= FEWEST_SHARED


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
def test_the_pages_of_every_demo_client_agree(client, project):
    command = [sys.executable, "-m", "crmkit", "run", client]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"CRMKIT_HOME": str(project.home)})
    assert done.returncode == 0, done.stdout + done.stderr
    agree(client, project.home)
