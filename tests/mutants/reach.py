"""Which changes does a test reach? Stands alone: a copy of it in a tree is what the probes there call, and a plugin of pytest.

A probe is a call of ``hit`` before the statement that would be changed. Processes that a test starts have probes too, so they
are told through a file. The plan says which tests run and in which order; what they reached is written beside it.
"""

import json
import os
import time
from pathlib import Path

import pytest

HITS = Path(__file__).with_suffix(".hits")
PLAN, TOLD = "MUTANTS_PLAN", "MUTANTS_TOLD"
seen: set[str] = set()
earlier: set[str] = set()  # of the test that runs, before the fixture that is being set up
shared: dict[str, set[str]] = {}  # of fixtures that many tests share, by their names
told: dict = {"tests": {}, "failed": [], "import": []}


def hit(name: str) -> None:
    """Say once a test that a place was reached."""
    if name not in seen:
        seen.add(name)
        with HITS.open("a", encoding="utf-8") as file:
            file.write(name + "\n")


def _taken() -> list[str]:
    names = HITS.read_text(encoding="utf-8").split() if HITS.is_file() else []
    HITS.unlink(missing_ok=True)
    seen.clear()
    return sorted(set(names))


def pytest_collection_modifyitems(config, items):
    """Only the tests of the plan, in its order; without a plan all of them."""
    path = os.environ.get(PLAN)
    if path:
        order = {name: place for place, name in enumerate(json.loads(Path(path).read_text(encoding="utf-8")))}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in order])
        items[:] = sorted((item for item in items if item.nodeid in order), key=lambda item: order[item.nodeid])
    told["import"] = _taken()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    """What one test reached, also in fixtures that were set up for an earlier one, and its seconds."""
    began = time.monotonic()
    yield
    found = {*_taken(), *earlier}.union(*(shared.get(name, ()) for name in item.fixturenames))
    told["tests"][item.nodeid] = {"seconds": round(time.monotonic() - began, 2), "reached": sorted(found)}
    earlier.clear()


@pytest.hookimpl(hookwrapper=True)
def pytest_fixture_setup(fixturedef):
    """What is reached while a fixture is set up that many tests share."""
    earlier.update(_taken())
    yield
    found = _taken()
    earlier.update(found)
    if fixturedef.scope != "function":
        shared.setdefault(fixturedef.argname, set()).update(found)


def pytest_runtest_logreport(report):
    """Tests that did not pass."""
    if report.failed:
        told["failed"].append(report.nodeid)


def pytest_sessionfinish():
    """Write down what was seen."""
    path = os.environ.get(TOLD)
    if path:
        Path(path).write_text(json.dumps(told), encoding="utf-8")
