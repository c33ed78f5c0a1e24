"""Notebooks are clean, thin and honest: prose first, one call per cell, no logic, no result typed into the prose."""

import ast
import json
import re
import statistics
from itertools import pairwise
from pathlib import Path

import papermill
import pytest

from crmkit.report.params.notebooks import read_notebook, run_order

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELLS, CELL_LINES, PARAMETERS = 70, 6, 28
TYPED_RESULT = re.compile(r"\d+(?:[.,]\d+)?\s?%|[€$£¥￥]\s?\d|\d\s?(?:€|\$|£|¥|EUR|USD|GBP|CNY|RMB|元)")
ALLOWED = re.compile(r"95 % intervals?")

everyone = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def prose(path: Path) -> str:
    return "\n\n".join(source(cell) for cell in cells(path, "markdown"))


def parameters(path: Path) -> str:
    return next(source(cell) for cell in cells(path, "code") if "parameters" in cell["metadata"].get("tags", []))


def test_there_are_notebooks():
    assert NOTEBOOKS


@everyone
def test_no_outputs_and_no_counts_are_stored(path):
    for cell in cells(path, "code"):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@everyone
def test_cells_have_stable_names(path):
    ids = [cell["id"] for cell in read(path)["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", one) for one in ids)


@everyone
def test_the_parameters_cell_comes_first_and_is_the_only_one(path):
    tagged = ["parameters" in cell["metadata"].get("tags", []) for cell in cells(path, "code")]
    assert tagged[0]
    assert sum(tagged) == 1


@everyone
def test_every_parameter_has_a_type_and_help(path):
    text = parameters(path)
    for line, node in zip(text.splitlines(), ast.parse(text).body, strict=True):
        assert isinstance(node, ast.AnnAssign)
        assert "  # " in line


@everyone
def test_papermill_lists_the_same_parameters(path):
    """It drops, without a word, a parameter whose line holds a second equals sign."""
    listed = papermill.inspect_notebook(str(path))
    assert list(listed) == [node.target.id for node in ast.parse(parameters(path)).body]


def test_the_first_three_lines_are_equal():
    heads = {
        "\n".join(line.split("=")[0] + "#" + line.split("#")[1] for line in parameters(path).splitlines()[:3])
        for path in NOTEBOOKS
    }
    assert len(heads) == 1


@everyone
def test_it_says_what_it_needs(path):
    declared = read(path)["metadata"]["crmkit"]
    assert declared["analysis"] == path.stem
    assert set(declared) - {"draft", "form"} == {"analysis", "tables", "results"}
    assert set(declared["tables"]) == {"needs", "uses"}


def test_the_order_follows_from_what_each_notebook_reads():
    """``run_order`` finds it, and refuses a ring; what a notebook reads is there."""
    order = list(run_order(read_notebook(path.stem, home=ROOT) for path in NOTEBOOKS))
    assert sorted(order) == [path.stem for path in NOTEBOOKS]
    for path in NOTEBOOKS:
        for used in read(path)["metadata"]["crmkit"]["results"]:
            assert used in order, f"{path.stem} reads {used}, which has no notebook"
            assert order.index(used) < order.index(path.stem)


@everyone
def test_code_is_thin(path):
    listed = [source(cell).splitlines() for cell in cells(path, "code")]
    assert len(read(path)["cells"]) <= CELLS
    assert statistics.median(len(lines) for lines in listed) <= 2
    assert len(listed[0]) <= PARAMETERS
    assert max(len(lines) for lines in listed[1:]) <= CELL_LINES


@everyone
def test_code_has_no_logic(path):
    forbidden = ast.FunctionDef | ast.ClassDef | ast.For | ast.While | ast.If | ast.Try | ast.Lambda | ast.ListComp | ast.With
    for cell in cells(path, "code"):
        tree = ast.parse(source(cell))
        assert not [node for node in ast.walk(tree) if isinstance(node, forbidden)]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert {alias.name.split(".")[0] for alias in node.names} <= {"crmkit", "pandas"}
            if isinstance(node, ast.ImportFrom):
                assert node.module.split(".")[0] in {"crmkit", "pandas"}


@everyone
def test_prose_comes_first_and_outweighs_code(path):
    first = read(path)["cells"][0]
    assert first["cell_type"] == "markdown"
    assert source(first).startswith("# ")
    assert source(first).splitlines()[0].endswith("?")
    lines = sum(len(source(cell).splitlines()) for cell in cells(path, "code"))
    assert len(prose(path).split()) >= 8 * lines


@everyone
def test_headings_do_not_skip_a_level(path):
    levels = [len(mark) for mark in re.findall(r"^(#+) ", prose(path), re.M)]
    assert levels.count(1) == 1
    assert all(next_ <= level + 1 for level, next_ in pairwise(levels))


@everyone
def test_every_figure_has_words_before_it(path):
    """A section opens with prose, never with a call."""
    kinds = [cell["cell_type"] for cell in read(path)["cells"]]
    shown = [i for i, cell in enumerate(read(path)["cells"]) if "page.show" in source(cell)]
    assert all("markdown" in kinds[max(0, i - 6) : i] for i in shown)


@everyone
def test_no_result_is_typed_into_the_prose(path):
    assert not TYPED_RESULT.findall(ALLOWED.sub("", prose(path)))


@pytest.mark.parametrize("typed", ["churn is 12 %", "worth €300", "about 40 USD", "售价30元", "fell to 3.5%"])
def test_a_typed_result_is_found(typed):
    assert TYPED_RESULT.search(ALLOWED.sub("", typed))


def test_an_interval_may_be_named():
    assert not TYPED_RESULT.search(ALLOWED.sub("", "with its 95 % interval"))
