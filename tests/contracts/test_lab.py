"""Every notebook runs in a real JupyterLab as it is, in silence, and finds what ``crmkit run`` finds."""

import ast
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crmkit.report.folders import read_json

pytestmark = pytest.mark.long

NOTEBOOKS = sorted(path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
PLACES = ("work", "notebooks")
# What repeats for each notebook takes as long as the notebook. These are run each time, the others with the slow tests.
ALWAYS = {("clv", "work")}
MADE = {"generated_at", "privacy"}  # only a run makes a page, and looks through it for the client's customers


def listed(*, places):
    """Each notebook, in each of these places; marked slow where it is not run each time."""
    cases = [(analysis, place) for analysis in NOTEBOOKS for place in places]
    return [pytest.param(*case, marks=() if case in ALWAYS else pytest.mark.slow, id="-".join(case)) for case in cases]


each_notebook = pytest.mark.parametrize(("analysis", "place"), listed(places=["work"]))
each_place = pytest.mark.parametrize(("analysis", "place"), listed(places=PLACES))


@pytest.fixture(scope="module")
def opened_notebook(project, open_lab):
    """A notebook opened and run from the top to the bottom; its copy for the client, or the one in ``notebooks/``."""
    done = {}

    def run(analysis, place):
        if (analysis, place) not in done:
            try:
                done[analysis, place] = run_anew(analysis, place)
            except Exception as err:
                done[analysis, place] = err
        if isinstance(done[analysis, place], Exception):
            raise done[analysis, place]
        return done[analysis, place]

    def run_anew(analysis, place):
        project.run(analysis)  # those whose results it reads run with it
        client = project.client(analysis)
        server = open_lab(client if place == "work" else None)
        content = server.ask(f"contents/{analysis}.ipynb?type=notebook")
        with server.opened(f"{analysis}.ipynb") as kernel:
            put_out = kernel.run_notebook(content)
            helped = {call: kernel.send("inspect_request", place_of(call))[0] for call in calls(content)}
        kept = project.home / "work" / client / analysis
        return {"put_out": put_out, "help": helped, "report": read_json(kept / "report.json"), "folder": kept}

    return run


def calls(content):
    """Every name that the notebook calls, such as ``clv.fit_models``."""
    sources = ["".join(cell["source"]) for cell in content["content"]["cells"] if cell["cell_type"] == "code"]
    nodes = (node for source in sources for node in ast.walk(ast.parse(source)))
    return sorted({ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)})


def place_of(call):
    """Shift-Tab with the cursor behind a name."""
    return {"code": f"{call}()", "cursor_pos": len(call), "detail_level": 0}


@each_place
def test_it_runs_in_silence(analysis, place, opened_notebook):
    for cell, outputs in opened_notebook(analysis, place)["put_out"].items():
        said = [one for one in outputs if one["kind"] in ("stream", "error")]
        assert not said, f"cell {cell}: {said}"


@each_place
def test_it_finds_what_a_run_finds(analysis, place, opened_notebook, project):
    folder = project.run(analysis)
    here, there = opened_notebook(analysis, place), read_json(folder / "report.json")
    assert {key: value for key, value in here["report"].items() if key not in MADE} == {
        key: value for key, value in there.items() if key not in MADE
    }
    assert here["report"]["privacy"]["identifiers"] == there["privacy"]["identifiers"]
    names = sorted(path.name for path in (folder / "results").iterdir())
    assert names == sorted(path.name for path in (here["folder"] / "results").iterdir())
    for name in names:
        assert pq.read_table(folder / "results" / name).equals(pq.read_table(here["folder"] / "results" / name)), name


@each_notebook
def test_exhibits_are_shown_with_a_text_form_and_in_the_readers_language(analysis, place, opened_notebook):
    shown = {
        cell: one["data"]
        for cell, outputs in opened_notebook(analysis, place)["put_out"].items()
        for one in outputs
        if one["kind"] == "execute_result" and one["data"].get("text/html")
    }
    assert shown
    for cell, data in shown.items():
        for form in ("text/html", "text/plain"):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in data[form]), f"cell {cell}: {form}"
        assert "<script" not in data["text/html"]
        assert "object at 0x" not in data["text/plain"]


@each_notebook
def test_shift_tab_shows_the_whole_docstring(analysis, place, opened_notebook):
    helped = opened_notebook(analysis, place)["help"]
    assert len(helped) > 3
    for call, reply in helped.items():
        assert reply["found"], call
        text = reply["data"]["text/plain"]
        assert "Docstring:" in text, call
        assert "<no docstring>" not in text, call


def test_shift_tab_explains_parameters_and_what_comes_back(opened_notebook):
    text = opened_notebook("clv", "work")["help"]["clv.fit_models"]["data"]["text/plain"]
    assert all(word in text for word in ("Signature:", "Parameters", "model : ", "Returns"))


@each_notebook
def test_the_copy_of_a_client_is_in_its_language_and_holds_its_values(analysis, place, opened_notebook, project):
    opened_notebook(analysis, place)
    client = project.client(analysis)
    cells = json.loads((project.home / "work" / client / f"{analysis}.ipynb").read_text(encoding="utf-8"))["cells"]
    title, declared = (
        "".join(cells[0]["source"]),
        next(cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])),
    )
    assert title.splitlines()[0].endswith("？")
    assert 'language: str = "zh"  # ' in "".join(declared["source"])
