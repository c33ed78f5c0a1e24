"""environment.yml, pyproject.toml and the lock say the same; each package that the kit is built around is really used."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CARD = ["jupyterlab", "lifelines", "nbconvert", "pandas", "papermill", "seaborn", "statsmodels"]
# compiled libraries that the packages of the kit share with ours: two copies of one in a process do not work
SHARED = ["matplotlib", "numpy", "pyarrow", "scipy"]
# packages whose modules have another name
CALLED = {
    "PIL": "pillow",
    "docx": "python-docx",
    "pptx": "python-pptx",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "ibis": "ibis-framework",
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def split(requirement: str) -> tuple[str, str]:
    name, bounds = re.fullmatch(r"([\w.-]+(?:\[[\w,]+\])?)\s*(.*)", requirement).groups()
    return name, bounds


def conda() -> tuple[dict[str, str], list[str]]:
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    direct = dict(split(one) for one in listed if isinstance(one, str))
    return direct, next(one["pip"] for one in listed if isinstance(one, dict))


def test_the_packages_of_the_kit_come_from_conda_at_the_same_ranges():
    direct, _ = conda()
    wanted = dict(split(one) for one in PROJECT["dependencies"])
    assert {name: direct.get(name) for name in CARD + SHARED} == {name: wanted[name] for name in CARD + SHARED}
    assert direct["python"] == PROJECT["requires-python"]


def test_the_rest_comes_by_pip_with_what_reads_comments():
    _, by_pip = conda()
    rest = [one for one in PROJECT["dependencies"] if split(one)[0] not in CARD + SHARED]
    assert by_pip == [*rest, *PROJECT["optional-dependencies"]["text"], "--editable ."]


@pytest.mark.parametrize("extra", ["text", "office"])
def test_the_tests_run_on_the_same_packages_as_an_extra(extra):
    assert set(PROJECT["optional-dependencies"][extra]) <= set(PROJECT["optional-dependencies"]["dev"])


def test_the_lock_holds_every_dependency_with_hashes_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", lock, re.M))
    wanted = [
        split(one)[0].split("[")[0].lower().replace("_", "-")
        for one in [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]
    ]
    assert not set(wanted) - locked
    assert "hatchling" in locked
    assert "//" not in lock
    entries = re.split(r"\n(?=[\w.-]+)", lock.strip())
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_examples_have_a_lock_of_their_own():
    lock = (ROOT / "requirements-examples.lock").read_text()
    pinned = {f"{name}=={version}" for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.M)}
    assert pinned == {one.replace("_", "-") for one in PROJECT["optional-dependencies"]["examples"]}
    assert "//" not in lock


def test_what_finds_probable_duplicates_has_a_lock_of_its_own():
    lock = (ROOT / "requirements-dedupe.lock").read_text()
    pinned = [f"{name}=={version}" for name, version in re.findall(r"^([\w.-]+)==([\w.]+)", lock, re.M)]
    assert pinned == PROJECT["optional-dependencies"]["dedupe"]
    assert "--hash=sha256:" in lock
    assert "//" not in lock


@pytest.mark.parametrize("package", [name for name in CARD if name != "jupyterlab"])
def test_each_package_of_the_kit_is_used(package):
    assert any(package in imported(path) for path in (ROOT / "src").rglob("*.py")), package


def test_jupyterlab_is_what_the_lab_command_opens():
    assert "jupyterlab" in (ROOT / "src" / "crmkit" / "cli.py").read_text(encoding="utf-8")


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def declared() -> set[str]:
    """Names of the packages that the kit asks for, and of what an extra adds, as a module would be called."""
    extras = PROJECT["optional-dependencies"]
    listed = [*PROJECT["dependencies"], *extras["text"], *extras["office"], *extras["dedupe"]]
    return {split(one)[0].split("[")[0].lower().replace("-", "_") for one in listed}


def undeclared(path: Path) -> set[str]:
    names = {name for name in imported(path) if name not in sys.stdlib_module_names and name != "crmkit"}
    return {name for name in names if CALLED.get(name, name).lower().replace("-", "_") not in declared()}


def test_every_package_that_is_imported_is_declared():
    """What only comes along with another package may be gone with its next release."""
    missing = {path.as_posix(): undeclared(path) for path in (ROOT / "src").rglob("*.py")}
    assert not {path: names for path, names in missing.items() if names}


def test_a_package_that_is_not_declared_is_found(tmp_path):
    (tmp_path / "one.py").write_text(
        "import os\n\n\ndef f():\n    from bleach.sanitizer import Cleaner\n    import yaml, IPython\n"
    )
    assert undeclared(tmp_path / "one.py") == {"bleach"}


def test_each_dependency_has_its_reason():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    names = [
        split(one)[0].split("[")[0]
        for group in [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
        for one in group
    ]
    assert not [name for name in names if f"`{name}`" not in text]
