"""Copies of the notebooks: the client's values and language, what counts as edited, and how JupyterLab is started."""

import ast
import json
import os
import re
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from IPython.core.formatters import DisplayFormatter

from crmkit.core.cells import read_cell
from crmkit.core.errors import ParamError
from crmkit.core.language import Locale
from crmkit.core.results import Finding, Quantity, Result, Text
from crmkit.report.lab import PLAY, QUIET, jupyter_command, lab_environment, play_cells, with_values, write_copies
from crmkit.report.page import clock
from crmkit.report.page.display import show_results
from crmkit.report.params.flatten import check_clients
from crmkit.report.params.notebooks import read_notebooks

ROOT = Path(__file__).parents[2]

CELL = """\
client: str = "a"  # the client's name
as_of: str = ""  # last day
language: str = "en"  # en | zh; of the report
share: float | None = None  # [0, 1]; of all
names: list[str] = [
    "x",
    "y",
]  # "=" and '#' in words; some names
places: dict[str, str] = {"北京": "north"}; days: int = 3  # days [1, 9]; so many
"""


def read(path):
    return json.loads(path.read_text(encoding="utf-8"))


def write(path, content):
    path.write_text(json.dumps(content), encoding="utf-8")


def source(path, number):
    return "".join(read(path)["cells"][number]["source"])


def test_values_stand_in_place_of_defaults_and_all_else_stays():
    values = {"client": "o'\"x\\\n", "share": 0.25, "names": ["'", "#"], "places": {"上海": "é"}, "days": 4}
    changed = with_values(CELL, values)
    assert {one.name: one.default for one in read_cell(changed, where="here")} == {"as_of": "", "language": "en", **values}
    assert [one.help for one in read_cell(changed, where="here")] == [one.help for one in read_cell(CELL, where="here")]
    assert with_values(CELL, {"client": "a", "days": 3}) == CELL.rstrip("\n")


def test_a_copy_holds_the_clients_values_and_changes_nothing_else(tiny_home):
    copies = write_copies("acme", home=tiny_home)
    (path,) = copies.written
    assert (copies.folder, path) == (tiny_home / "work" / "acme", tiny_home / "work" / "acme" / "tiny.ipynb")
    assert "horizon_days: int = 180  # days [1, 1825]; how far ahead" in source(path, 1)
    original, copy = read(tiny_home / "notebooks" / "tiny.ipynb"), read(path)
    original["cells"][1]["source"] = copy["cells"][1]["source"]
    assert copy == original


def last_run(home, values):
    """The last good run of the notebook ``tiny``: a cell, and the parameters, displayed something."""
    (copy,) = write_copies("acme", home=home).written
    ran = read(copy)
    for number in (1, 3):
        ran["cells"][number] |= {
            "outputs": [{"output_type": "stream", "name": "stdout", "text": f"{number}"}],
            "execution_count": 7,
        }
    folder = home / "reports" / "acme" / "2025-12-31" / "runs" / "r1" / "tiny"
    folder.mkdir(parents=True)
    write(folder / "tiny.ipynb", ran)
    write(folder / "run.json", {"parameters": {name: {"value": value} for name, value in values.items()}})
    latest = {"schema": 1, "analyses": {"tiny": {"run": "r1", "folder": "runs/r1/tiny"}}, "attempts": {}}
    write(home / "reports" / "acme" / "2025-12-31" / "latest.json", latest)
    copy.unlink()


def test_a_copy_shows_what_the_last_run_showed_where_its_values_were_the_same(tiny_home):
    notebooks = read_notebooks(tiny_home)
    _, flats = check_clients(["acme"], notebooks, home=tiny_home)["acme"]
    values = dict(flats["tiny"].values)
    last_run(tiny_home, values)
    shown = read(write_copies("acme", home=tiny_home).written[0])
    assert [cell["outputs"][0]["text"] for cell in shown["cells"] if cell.get("outputs")] == ["1", "3"]
    # of a cell that is another one since, and with other values, nothing is shown
    path = tiny_home / "notebooks" / "tiny.ipynb"
    changed = read(path)
    changed["cells"][3]["source"] = "1 + 1"
    write(path, changed)
    shown = read(write_copies("acme", home=tiny_home).written[0])
    assert [cell["outputs"][0]["text"] for cell in shown["cells"] if cell.get("outputs")] == ["1"]
    write(tiny_home / "reports" / "acme" / "2025-12-31" / "runs" / "r1" / "tiny" / "run.json", {"parameters": {}})
    (tiny_home / "work" / "acme" / "tiny.ipynb").unlink()
    shown = read(write_copies("acme", home=tiny_home).written[0])
    assert not [cell for cell in shown["cells"] if cell.get("outputs")]


def test_an_edited_copy_is_kept_and_one_that_only_ran_is_not_edited(tiny_home, add_client):
    (path,) = write_copies("acme", home=tiny_home).written
    ran = read(path)
    ran["cells"][3] |= {"execution_count": 1, "outputs": [{"output_type": "stream", "name": "stdout", "text": "loaded"}]}
    write(path, ran)
    assert write_copies("acme", home=tiny_home).current == (path,)
    assert read(path) == ran

    add_client("acme", "tiny: {horizon_days: 30}\n")
    assert write_copies("acme", home=tiny_home).written == (path,)
    assert "horizon_days: int = 30" in source(path, 1)

    edited = read(path)
    edited["cells"][3]["source"] = "mine = 1"
    write(path, edited)
    add_client("acme", "tiny: {horizon_days: 40}\n")
    for _ in range(2):
        assert write_copies("acme", home=tiny_home).kept == (path,)
        assert read(path) == edited
    path.unlink()
    assert write_copies("acme", home=tiny_home).written == (path,)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"cells": []}'])
def test_a_copy_that_cannot_be_read_is_somebodys_work(tiny_home, text):
    (path,) = write_copies("acme", home=tiny_home).written
    path.write_text(text)
    assert write_copies("acme", home=tiny_home).kept == (path,)
    assert path.read_text() == text


def test_a_copy_without_a_note_of_what_was_written_is_kept(tiny_home):
    (path,) = write_copies("acme", home=tiny_home).written
    (path.parent / ".written.json").unlink()
    add = read(path)
    add["cells"].pop()
    write(path, add)
    assert write_copies("acme", home=tiny_home).kept == (path,)


def test_all_problems_of_the_parameters_are_told_before_anything_is_written(tiny_home, add_client, add_notebook):
    add_notebook("other")
    add_client("acme", "tiny: {horizon_days: 0}\nother: {x: 1}\n")
    with pytest.raises(ParamError) as caught:
        write_copies("acme", home=tiny_home)
    assert len(caught.value.problems) == 2
    assert not (tiny_home / "work").exists()


def test_a_copy_is_in_the_clients_language(tiny_home, add_client, monkeypatch):
    words = {"# How many orders are late?": "# 多少订单延迟？"}
    monkeypatch.setattr("crmkit.core.language.catalogue", lambda language, *_: words if language == "zh" else {})
    add_client("acme", "language: zh\n")
    (path,) = write_copies("acme", home=tiny_home).written
    assert source(path, 0).startswith("# 多少订单延迟？\n\nA short answer")
    assert 'language: str = "zh"  # ' in source(path, 1)
    assert ast.parse(source(path, 1))


def test_jupyterlab_is_opened_in_the_folder_and_the_options_given_win(tmp_path):
    command = jupyter_command(tmp_path, ["--no-browser"])
    assert command[1] == f"--ServerApp.root_dir={tmp_path}"
    assert command[-1] == "--no-browser"
    assert set(QUIET) <= set(command)


def test_kernels_are_spoken_to_through_files_where_their_names_are_not_too_long(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/r")
    assert "--KernelManager.transport=ipc" in jupyter_command(tmp_path, [])
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", "/" + 60 * "r")
    assert "--KernelManager.transport=ipc" not in jupyter_command(tmp_path, [])


def test_default_settings_are_found_behind_those_of_the_user(tiny_home, monkeypatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    environment = lab_environment(tiny_home)
    first, second = environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert first == "/mine"
    settings = read(Path(second) / "labconfig" / "default_setting_overrides.json")
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert environment["CRMKIT_HOME"] == str(tiny_home)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert lab_environment(tiny_home)["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    assert lab_environment(tiny_home)["OPENBLAS_NUM_THREADS"] == "4"


def test_a_bare_result_is_shown_as_a_page_shows_it():
    formatter = DisplayFormatter()
    show_results(Locale("zh", "EUR"), None, formatter=formatter)
    finding = Finding("a.b", "good", True, Text("{who} <b>", {"who": Quantity("C0017", "customer")}))
    for one in (finding, Result("x", "table", Text("<i>"), reason=Text("{n}", {"n": Quantity(1, "days")}))):
        forms, _ = formatter.format(one)
        assert set(forms) == {"text/plain", "text/html"}
        assert "C0017" not in str(forms)
        assert "<b>" not in forms["text/html"]
        assert "<i>" not in forms["text/html"]
        assert "<style>" in forms["text/html"]
    forms, _ = formatter.format([Quantity(0.5, "share"), Text("{n}", {"n": Quantity(2, "days")})])
    assert forms == {"text/plain": "[50%, 2天]"}


def test_in_a_notebook_its_own_formatter_is_told(monkeypatch):
    formatter = DisplayFormatter()
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(display_formatter=formatter))
    show_results(Locale("zh", "EUR"), None)
    assert formatter.format(Quantity(0.5, "share"))[0] == {"text/plain": "50%"}


def test_outside_a_notebook_nothing_is_registered():
    show_results(Locale(), None)


@pytest.mark.parametrize("analysis", PLAY)
def test_cells_to_play_with_use_what_the_notebook_has_made(analysis):
    """In a copy they stand last; each name in them is made by the notebook or in the cell itself."""
    notebook = read_notebooks(ROOT)[analysis]
    cells = json.loads(notebook.path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    made = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for cell in play_cells(analysis, Locale("zh")):
        if cell["cell_type"] == "code":
            names = [node for node in ast.walk(ast.parse(cell["source"])) if isinstance(node, ast.Name)]
            own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
            assert {node.id for node in names} <= made | own | {analysis}
            assert not own & made, "it changes what the report rests on"
        else:
            assert re.search("[\u4e00-\u9fff]", cell["source"])


def test_a_cell_that_takes_long_says_for_how_long(monkeypatch):
    said = []

    class Handle:
        def update(self, line, raw):
            said.append(line["text/plain"])

    def display(line, **_):
        said.append(line["text/plain"])
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    monkeypatch.setattr(clock, "SHOWN_AFTER", 0.05)
    monkeypatch.setattr(clock, "STEP", 0.05)
    one = clock.Clock(Locale())
    one.start()
    one.stop()
    assert said == []
    one.start()
    time.sleep(0.3)
    one.stop()
    assert said[0] == "Working for 0 s …"
    assert said[-1] == "Took 0 s."
    assert len(said) >= 3


def test_only_the_lab_has_a_clock_and_each_kernel_one(monkeypatch):
    registered = []
    shell = SimpleNamespace(events=SimpleNamespace(register=lambda name, _: registered.append(name)))
    monkeypatch.delenv(clock.VARIABLE, raising=False)
    clock.watch_cells(Locale(), shell=shell)
    assert registered == []
    monkeypatch.setenv(clock.VARIABLE, "1")
    for language in ("en", "zh"):
        clock.watch_cells(Locale(language), shell=shell)
    assert registered == ["pre_run_cell", "post_run_cell"]
    assert shell._crmkit_clock.locale.language == "zh"
