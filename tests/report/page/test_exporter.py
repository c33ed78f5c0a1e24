"""The same notebook gives the same page, whoever asks for it."""

import subprocess
import sys

import nbformat
import pytest

from crmkit.report.page.exporter import PageExporter
from crmkit.report.run import run_clients

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("shared_server")]

BRIEF = """\
from IPython.display import display
display({"application/vnd.crmkit.briefs+json": [{"slug": "care", "name": "Care", "html": "<p>words</p>"}]}, raw=True)
"""


@pytest.fixture
def finished(tiny_home, add_notebook):
    """The folder of a run of a notebook with a short page of its own."""
    add_notebook("other", BRIEF)
    (outcome,) = run_clients(["acme"], home=tiny_home, only=["other"])
    assert outcome.status == "ok", outcome.message
    return outcome.folder


def convert(path, *options):
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "crmkit", *options, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_nbconvert_writes_the_pages_of_a_run_byte_for_byte(finished, tmp_path):
    convert(finished / "other.ipynb", "--output-dir", str(tmp_path))
    names = {"other.html", "other-care.html"}
    assert {path.name for path in tmp_path.glob("other*")} == {path.name for path in finished.glob("other*.html")} == names
    for name in names:
        assert (tmp_path / name).read_bytes() == (finished / name).read_bytes()


def test_another_run_of_the_same_gives_the_same_but_for_its_name(finished):
    nb = nbformat.read(finished / "other.ipynb", as_version=4)
    page, _ = PageExporter().from_notebook_node(nb)
    name = nb.metadata.crmkit.run.run
    nb.metadata.crmkit.run.run = "another"
    other, _ = PageExporter().from_notebook_node(nb)
    assert page.count(name) == 1
    assert other == page.replace(name, "another")


def test_a_notebook_is_run_first_where_that_is_asked_for(tiny_home, tmp_path, monkeypatch):
    monkeypatch.setenv("CRMKIT_OUT", str(tmp_path))
    page = convert(tiny_home / "notebooks" / "tiny.ipynb", "--execute", "--stdout").stdout
    assert "loaded 90 contractual" in page
    assert "12% of orders are late." in page


def test_what_did_not_finish_has_no_short_page(finished):
    nb = nbformat.read(finished / "other.ipynb", as_version=4)
    nb.metadata.crmkit.run.status = "failed"
    assert PageExporter().from_notebook_node(nb)[1]["outputs"] == {}
