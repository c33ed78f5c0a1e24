#!/usr/bin/env bash
# papermill 2.7.0: `-p NAME VALUE` turns a value into a number wherever Python can read one, and an id is then another id.
# The client "007" arrives as 7, "1_000" as 1000, "12e3" as 12000.0 and "infinity" as inf; "true" stays a text while "True" is a truth.
# `-r` hands the text over as it is.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check papermill==2.7.0 ipykernel==7.1.0 nbformat==5.10.4
"$work/venv/bin/python" -W ignore - <<'PYTHON'
import json
import pathlib
import subprocess
import sys

import nbformat

notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("client = 'acme'", metadata={"tags": ["parameters"]})])
notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
nbformat.write(notebook, "in.ipynb")
seen = {}
for flag in ("-p", "-r"):
    for value in ("007", "1_000", "12e3", "infinity", "true", "2025-12-31"):
        command = [sys.executable, "-m", "papermill", "in.ipynb", "out.ipynb", "--prepare-only", "--log-level", "ERROR", flag, "client", value]
        subprocess.run(command, check=True, capture_output=True)
        given = json.loads(pathlib.Path("out.ipynb").read_text())["metadata"]["papermill"]["parameters"]["client"]
        seen[flag, value] = given
pathlib.Path("in.ipynb").unlink()
pathlib.Path("out.ipynb").unlink()
for (flag, value), given in seen.items():
    print(f"{flag} client {value:10s} arrives as {given!r}")
assert [seen["-p", value] for value in ("007", "1_000", "12e3", "infinity", "true")] == [7, 1000, 12000.0, float("inf"), "true"], seen
assert all(seen["-r", value] == value for value in ("007", "1_000", "12e3", "infinity", "true")), seen
print("seen as described")
PYTHON
