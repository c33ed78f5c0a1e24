"""No data, parameters, key, report or work copy of a client can be added to the repository by accident."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENTS_OWN = [
    "data/acme/orders.csv",
    "data/acme.duckdb",
    "data/demo/acme/customers.csv",
    "params/acme.yml",
    "params/acme.key",
    "params/acme/indicators.yml",
    "params/retailco.key",
    "reports/acme/2025-12-31/clv.html",
    "reports/index.html",
    "work/acme/clv.ipynb",
    ".env",
]
OURS = [
    "data/README.md",
    "data/coverage.csv",
    "data/demo/retailco/customers.csv",
    "params/cdnow.yml",
    "params/retailco.yml",
    "params/shopco/indicators.yml",
    "notebooks/clv.ipynb",
]


def ignored(path: str) -> bool:
    return subprocess.run(["git", "check-ignore", "--quiet", "--no-index", path], cwd=ROOT, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")


@pytest.mark.parametrize("path", CLIENTS_OWN)
def test_what_is_a_clients_stays_out(path):
    assert ignored(path)


@pytest.mark.parametrize("path", OURS)
def test_what_is_ours_can_be_added(path):
    assert not ignored(path)


def test_nothing_tracked_is_ignored():
    tracked = subprocess.run(
        ["git", "ls-files", "--ignored", "--exclude-standard", "--cached"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert tracked.stdout == ""
