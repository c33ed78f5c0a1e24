#!/usr/bin/env bash
# A workbook written by XlsxWriter 3.3.1 keeps 0 as the value of every formula, one written by openpyxl 3.1.5 keeps none.
# Until a spreadsheet has opened and saved the file, python-calamine 0.9.1 and pandas 2.3.3 read amounts of 0 from the first and empty
# cells from the second. A list of orders with amount = quantity x price is a list of orders worth nothing, without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 xlsxwriter==3.3.1 openpyxl==3.1.5 python-calamine==0.9.1
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import io

import openpyxl
import pandas as pd
import xlsxwriter
from python_calamine import CalamineWorkbook

first = io.BytesIO()
book = xlsxwriter.Workbook(first)
sheet = book.add_worksheet()
sheet.write_row(0, 0, ["quantity", "price", "amount"])
sheet.write_row(1, 0, [2, 3.5])
sheet.write_formula(1, 2, "=A2*B2")
book.close()
second = io.BytesIO()
book = openpyxl.Workbook()
book.active.append(["quantity", "price", "amount"])
book.active.append([2, 3.5, "=A2*B2"])
book.save(second)
seen = {}
for name, file in (("XlsxWriter", first), ("openpyxl", second)):
    cells = CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_index(0).to_python()[1]
    frame = pd.read_excel(io.BytesIO(file.getvalue()))["amount"]
    seen[name] = (cells[2], frame.isna().iloc[0], frame.sum())
    print(f"{name}: calamine {cells}, pandas {frame.tolist()}")
assert seen["XlsxWriter"] == (0.0, False, 0.0), seen
assert seen["openpyxl"][:2] == ("", True), seen
print("seen as described")
PYTHON
