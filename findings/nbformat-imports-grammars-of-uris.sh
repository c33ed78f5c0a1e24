#!/usr/bin/env bash
# nbformat 5.11.1 beside rfc3987-syntax 1.1.0, which every JupyterLab brings along (jupyter-events asks for jsonschema[format-nongpl]):
# `import nbformat` compiles some 35 grammars of addresses that no schema of notebooks asks for, and takes several times as long as
# without the package. Papermill, nbconvert and each kernel's server pay for it at every start.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check \
  nbformat==5.11.1 jsonschema==4.26.0 rfc3987-syntax==1.1.0 lark==1.3.1
"$work/venv/bin/python" - <<'PYTHON'
import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat

timed = "import time; before = time.process_time(); import nbformat; print(time.process_time() - before)"


def seconds(first):
    run = [sys.executable, "-c", f"import sys; {first}; {timed}"]
    return min(float(subprocess.check_output(run, text=True)) for _ in range(3))


with_it, without = seconds("pass"), seconds("sys.modules['rfc3987_syntax'] = None")
print(f"import nbformat: {with_it:.2f} CPU s with rfc3987-syntax {metadata.version('rfc3987-syntax')}, {without:.2f} without")
schemas = Path(nbformat.__file__).parent.rglob("nbformat*.schema.json")
formats = {word for path in schemas for word in ("uri", "iri", "uri-reference") if f'"format": "{word}"' in path.read_text()}
print(f"formats of addresses in the schemas of notebooks: {sorted(formats) or 'none'}")
assert with_it > 3 * without, (with_it, without)
assert not formats, formats
print("seen as described")
PYTHON
