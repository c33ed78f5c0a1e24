#!/usr/bin/env bash
# pandas 2.3.3 with XlsxWriter 3.3.1: a text that begins with a link and is longer than 2,079 characters is not written at all.
# It is a warning, not an error, and the cell stays empty. Comments of customers that begin with a link to a long search or a tracking
# address are lost from the workbook; other texts of the same length are kept.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 xlsxwriter==3.3.1 openpyxl==3.1.5
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import io
import warnings

import pandas as pd

link = "https://shop.example/search?" + "&".join(f"filter{i}=value{i}" for i in range(150))
comments = pd.DataFrame({"comment": [link + " does not load", "It does not load: " + link]})
assert comments["comment"].str.len().between(2_080, 32_767).all()
file = io.BytesIO()
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    comments.to_excel(file, engine="xlsxwriter", index=False)
kept = pd.read_excel(io.BytesIO(file.getvalue()))["comment"]
print(f"{len(comments)} comments written, {int(kept.notna().sum())} kept; warnings: {[str(one.message)[:60] for one in said]}")
assert kept.isna().tolist() == [True, False], kept
assert len(said) == 1
print("seen as described")
PYTHON
