#!/usr/bin/env bash
# duckdb 1.5.6: turning the progress bar off is refused in a Jupyter kernel where ipywidgets is missing, although none is shown there.
# The same statement is the only way to be rid of the bar where Python was started with `-c`: there it is on, and a query of more than two
# seconds writes it to standard output. So code that serves both has to ask for the setting first.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check duckdb==1.5.6 ipykernel==7.1.0 nbclient==0.10.2 nbformat==5.10.4
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import subprocess
import sys

import nbformat
from nbclient import NotebookClient

ASK = "duckdb.sql(\"SELECT current_setting('enable_progress_bar')\").fetchone()[0]"
plain = subprocess.run([sys.executable, "-c", f"import duckdb; print({ASK})"], capture_output=True, text=True).stdout.strip()
cell = nbformat.v4.new_code_cell(f"""
import duckdb
print({ASK})
try:
    duckdb.sql("SET enable_progress_bar = false")
    print("turned off")
except duckdb.Error as err:
    print(type(err).__name__, str(err).splitlines()[0])
""")
notebook = nbformat.v4.new_notebook(cells=[cell])
notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
NotebookClient(notebook).execute()
printed = "".join(one.get("text", "") for one in notebook.cells[0].outputs)
print(f"python -c: {plain}; kernel:\n{printed}")
assert plain == "True", plain
assert printed.startswith("False"), printed
assert "ipywidgets" in printed, printed
print("seen as described")
PYTHON
