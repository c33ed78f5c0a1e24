#!/usr/bin/env bash
# In python-docx 1.2.0 each call of table.cell(row, column) makes an object for every cell of the table and hands one of them back. To fill
# a table of 60 rows and 15 columns so makes 810,000 objects, and the time grows with the square of its size; row.cells makes each once.
# Tables of a report that take minutes this way take a second the other way.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check python-docx==1.2.0
"$work/venv/bin/python" - <<'PYTHON'
import docx
from docx.table import _Cell

ROWS, COLUMNS = 60, 15
made, begin = [0], _Cell.__init__


def counted(self, *arguments):
    made[0] += 1
    begin(self, *arguments)


_Cell.__init__ = counted
table = docx.Document().add_table(ROWS, COLUMNS)
made[0] = 0
for row in range(ROWS):
    for column in range(COLUMNS):
        table.cell(row, column)
by_cell, made[0] = made[0], 0
for row in table.rows:
    for _ in row.cells:
        pass
print(f"{ROWS * COLUMNS} cells: table.cell makes {by_cell:,} objects, row.cells {made[0]:,}")
assert by_cell == (ROWS * COLUMNS) ** 2
assert made[0] == ROWS * COLUMNS
print("seen as described")
PYTHON
