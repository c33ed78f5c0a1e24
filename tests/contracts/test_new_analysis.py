"""What ``make analysis`` writes runs and passes at once, as a draft, without a translation."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
KEPT = ("src", "notebooks", "params", "tools", "pyproject.toml")
TESTS = ("conftest.py", "analyses/conftest.py", "contracts/test_notebooks.py")
STORED = ("__pycache__", "*.key", ".*")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A copy of the kit in which an analysis called ``returns`` was begun; runs a command in it."""
    home = tmp_path_factory.mktemp("kit")
    for name in KEPT:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, home / name, ignore=shutil.ignore_patterns(*STORED))
        else:
            shutil.copy(place, home / name)
    for name in TESTS:
        (home / "tests" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "tests" / name, home / "tests" / name)
    (home / "data").symlink_to(ROOT / "data", target_is_directory=True)

    def run(*command):
        environment = os.environ | {"PYTHONPATH": str(home / "src"), "CRMKIT_HOME": str(home)}
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=home, env=environment)
        return done, home

    done, _ = run("tools/analysis.py", "returns")
    assert done.returncode == 0, done.stderr
    return run


def test_its_own_test_and_the_contracts_of_notebooks_pass(made):
    own = ["tests/analyses/test_returns.py", "tests/contracts/test_notebooks.py"]
    done, _ = made("-m", "pytest", "-q", "-x", "-k", "returns", "-p", "no:cacheprovider", *own)
    assert done.returncode == 0, done.stdout


def test_its_words_are_listed_and_may_wait(made):
    done, _ = made("-m", "crmkit.locale.catalogue", "--check")
    assert done.returncode == 0, done.stderr
    assert (
        "zh, may wait: crmkit: '{recent} of {customers} customers have bought in the last {days} days.' of a draft"
        in done.stdout
    )


def test_its_style_is_ours(made):
    for command in (["check"], ["format", "--check"]):
        done, _ = made("-m", "ruff", *command, "src/crmkit/analyses/returns", "tests/analyses/test_returns.py", "notebooks")
        assert done.returncode == 0, done.stdout


def test_it_runs(made):
    done, home = made("-m", "crmkit", "run", "retailco", "--only", "returns")
    assert done.returncode == 0, done.stdout + done.stderr
    (report,) = home.glob("reports/retailco/*/runs/*/returns/report.json")
    found = json.loads(report.read_text())
    assert found["headline"] == ["returns.recent"]
    assert found["parameters"]["window_days"]["origin"] == "params/retailco.yml"


def test_a_name_that_is_taken_or_is_none_is_refused(made):
    for name, said in {"returns": "is taken by", "clv": "is taken by", "Returns!": "write small letters"}.items():
        done, _ = made("tools/analysis.py", name)
        assert done.returncode == 2
        assert said in done.stderr
