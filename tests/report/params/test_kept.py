"""A params file of an earlier day is taken, or refused with the line to write.

``kept/`` holds the six demo files as they were on 29 November 2026. They are never brought up to date: whatever is renamed or
removed later must either be taken under its old name or be refused in a message that says what to write instead.
"""

import re
import shutil
from pathlib import Path

import pytest

from crmkit.core.errors import CrmkitError, ParamError
from crmkit.report.params.flatten import check_clients
from crmkit.report.params.notebooks import read_notebooks

ROOT = Path(__file__).parents[3]
KEPT = sorted((Path(__file__).parent / "kept").glob("*.yml"))
# what a message that can be acted on offers: the nearest name, or what is to be written
TO_WRITE = re.compile(r"did you mean|write '|write:|use '|allowed is|quote it|must be|one of")


def problems(home):
    """Every problem of the one params file of a project."""
    (path,) = (home / "params").glob("*.yml")
    try:
        check_clients([path.stem], read_notebooks(home), home=home)
    except CrmkitError as err:
        return [str(one) for one in err.problems]
    return []


@pytest.fixture
def project(tmp_path):
    """A project with the notebooks of today and one params file."""

    def make(path, *changes):
        shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks", ignore=shutil.ignore_patterns(".*"))
        (tmp_path / "params").mkdir()
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "params" / path.name).write_text(text, encoding="utf-8")
        return tmp_path

    return make


def test_all_six_are_kept():
    assert [path.stem for path in KEPT] == ["cdnow", "cleanco", "journey", "retailco", "shopco", "techco"]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_it_is_taken_or_refused_with_the_line_to_write(path, project):
    unclear = [one for one in problems(project(path)) if not TO_WRITE.search(one)]
    assert not unclear, "\n".join(unclear)


def test_what_is_refused_today_says_what_to_write(project):
    retailco = next(path for path in KEPT if path.stem == "retailco")
    (found,) = problems(project(retailco, ("currency: EUR", "curency: EUR")))
    assert TO_WRITE.search(found)
    assert "currency" in found


def test_a_message_without_a_way_out_is_noticed():
    assert not TO_WRITE.search(str(ParamError("params/acme.yml, clv: unknown parameter 'horizon'")))
