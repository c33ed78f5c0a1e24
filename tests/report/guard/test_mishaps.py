"""What the machine refuses is said in one line, whoever was refused; an error that nobody foresaw has its place."""

from __future__ import annotations

import errno
import os
from types import SimpleNamespace

import duckdb
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from crmkit.report.guard.mishaps import place_of, said_by_kernel, said_of
from crmkit.report.run.execute import _ending

WORDS = {
    errno.ENOSPC: "no room is left on the disk of reports/; make room, then run again",
    errno.EROFS: "reports/ cannot be written: Read-only file system; allow it, then run again",
}


@pytest.mark.parametrize("number", WORDS)
def test_what_the_engine_was_refused(tmp_path, number):
    (tmp_path / "reports").mkdir()
    text = f'IO Error: Could not write to file "{tmp_path}/reports/acme/.work/t.csv": {os.strerror(number)}'
    assert said_of(duckdb.IOException(text), home=tmp_path) == WORDS[number]
    assert said_by_kernel("IOException", text, home=tmp_path, environment={}) == WORDS[number]


def test_other_troubles_of_the_engine_are_not_the_machines(tmp_path):
    assert said_of(duckdb.IOException("IO Error: something else"), home=tmp_path) == ""
    assert said_by_kernel("IOException", "IO Error: something else", home=tmp_path, environment={}) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Traceback\n  in line 3\nMemoryError\n", "not enough memory: 1 MB by $CRMKIT_MEMORY; give more"),
        ("Traceback\nImportError: libscipy.so: cannot map\n", "ImportError: libscipy.so: cannot map"),
        ("", "the cell failed and did not say why"),
    ],
)
def test_a_kernel_that_cannot_say_what_went_wrong(tmp_path, text, said):
    cell = nbformat.v4.new_code_cell("1")
    cell.outputs = [nbformat.v4.new_output("stream", name="stderr", text=text)] if text else []
    session = SimpleNamespace(nb=SimpleNamespace(cells=[cell]), cell=1, limit="", env={"CRMKIT_MEMORY": "1MB"}, ended=None)
    ending = _ending(CellExecutionError("", "", ""), session, SimpleNamespace(home=tmp_path, secrets={}))
    assert (ending.message, ending.cell) == (said, 1)


def caught(*paths):
    """An error that goes through a function of each file, the last of which raises it."""
    call = None
    for path in reversed(paths):
        names = {"call": call}
        exec(compile("def made():\n    call()" if call else "def made():\n    1 / 0", path, "exec"), names)
        call = names["made"]
    try:
        call()
    except ZeroDivisionError as error:
        # the frame of this file is none of theirs
        return error.with_traceback(error.__traceback__.tb_next)


def test_the_place_is_the_innermost_line_of_the_kit_else_the_innermost_of_all():
    assert place_of(caught("/src/crmkit/outer.py", "/src/crmkit/inner.py", "/lib/pandas/frame.py")) == "inner.py, line 2"
    assert place_of(caught("/lib/scipy/solver.py", "/lib/pandas/frame.py")) == "frame.py, line 2"
    assert place_of(ValueError("never raised")) == "nowhere"
