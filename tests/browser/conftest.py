"""Pages in a real browser: run by ``.ci/run``, which sets ``CRMKIT_BROWSER=1``; ``make test`` leaves this folder out.

Where there is no Chromium or no npm, every check is skipped and says so.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
HOME = HERE.parents[1]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

collect_ignore_glob = [] if os.environ.get("CRMKIT_BROWSER") else ["test_*.py"]


@pytest.fixture(scope="session")
def chromium():
    """The browser."""
    named = os.environ.get("CHROMIUM") or next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if named is None:
        pytest.skip("browser checks: there is no Chromium")
    return named


@pytest.fixture(scope="session")
def look(chromium, tmp_path_factory):
    """Opens pages, each described by a dict, and returns what was seen of each."""
    folder = tmp_path_factory.mktemp("browser")
    for name in ("package.json", "package-lock.json", "look.js"):
        shutil.copy(HERE / name, folder)
    if not shutil.which("npm") or not shutil.which("node"):
        pytest.skip("browser checks: there is no npm")
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if installed.returncode:
        pytest.skip("browser checks: npm could not install axe-core and puppeteer-core")

    def opened(*wanted):
        (folder / "wanted.json").write_text(json.dumps(wanted))
        seen = subprocess.run(
            ["node", "look.js", "wanted.json"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "CHROMIUM": chromium},
        )
        assert seen.returncode == 0, seen.stderr
        return [json.loads(line) for line in seen.stdout.splitlines()]

    return opened


@pytest.fixture(scope="session")
def project(look, tmp_path_factory):
    """A project with the demo client, and a function that runs the command line in it."""
    home = tmp_path_factory.mktemp("project")
    shutil.copytree(HOME / "notebooks", home / "notebooks")
    (home / "params").mkdir()
    (home / "data").mkdir()

    def run(*arguments, **environment):
        done = subprocess.run(
            [sys.executable, "-m", "crmkit", *arguments],
            cwd=home,
            capture_output=True,
            text=True,
            env={**os.environ, "CRMKIT_HOME": str(home), **environment},
            timeout=600,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    run.home = home
    return run


@pytest.fixture(scope="session")
def reports(project, tmp_path_factory):
    """Real pages of the demo client by language, and the indexes; the English one has an earlier report to compare with."""
    shutil.copy(HOME / "params" / "retailco.yml", project.home / "params")
    (project.home / "data" / "demo").mkdir()
    shutil.copytree(HOME / "data" / "demo" / "retailco", project.home / "data" / "demo" / "retailco")
    kept = tmp_path_factory.mktemp("pages")
    page = project.home / "reports" / "retailco" / "2025-12-31" / "clv.html"
    project("run", "retailco", "--only", "clv", "--as-of", "2025-06-30")
    for language in ("en", "zh"):
        project("run", "retailco", "--only", "clv", "--language", language)
        shutil.copy(page, kept / f"clv-{language}.html")
        for name, path in (("client", page.parents[1]), ("portfolio", page.parents[2])):
            shutil.copy(path / "index.html", kept / f"{name}-{language}.html")
    return {path.stem: path for path in sorted(kept.iterdir())}
