#!/usr/bin/env bash
# python-calamine 0.9.1: a cell that shows #DIV/0! or #N/A comes as an empty text, as a cell does in which nobody has written anything or
# whose formula gives "". A formula that failed can not be told from a gap; pandas makes a missing number of all of them, in a numeric column.
# Whether a workbook holds errors has to be looked up in its XML (type "e" of a cell).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  numpy==2.4.6 pandas==2.3.3 python-calamine==0.9.1 xlsxwriter==3.3.1
"$work/venv/bin/python" -W ignore - "$work/book.xlsx" <<'PYTHON'
import re
import sys
import zipfile

import pandas as pd
import xlsxwriter
from python_calamine import CalamineWorkbook

path = sys.argv[1]
shown = ["#DIV/0!", "#N/A", "", None, 0.25]
with xlsxwriter.Workbook(path) as book:
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["customer", "returned"])
    for row, value in enumerate(shown, start=1):
        sheet.write(row, 0, f"C{row}")
        if value is not None:
            sheet.write_formula(row, 1, "=Z1/Z2", None, value)
cells = [line[1] for line in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]]
column = pd.read_excel(path, engine="calamine")["returned"]
errors = len(re.findall(r't="e"', zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()))
print(f"shown {shown}: python-calamine {cells}; pandas {column.tolist()}, {column.dtype}; error cells in the file: {errors}")
assert cells == ["", "", "", "", 0.25], cells
assert column.isna().tolist() == [True, True, True, True, False], column
assert str(column.dtype) == "float64"
assert errors == 2, errors
print("seen as described")
PYTHON
