#!/usr/bin/env bash
# A client's house style comes as a template: .potx of PowerPoint, .dotx of Word. python-pptx 1.0.2 and python-docx 1.2.0 open neither:
# they compare the type of the main part with that of a presentation and of a document, and a template has another one. The rest of the
# file is the same: with the one word of [Content_Types].xml changed, both open it with all its layouts and styles.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check python-pptx==1.0.2 python-docx==1.2.0
"$work/venv/bin/python" - <<'PYTHON'
import io
import zipfile

import docx
import pptx


def with_types(raw, before, after):
    """The same file with another type of its main part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "[Content_Types].xml":
                assert before.encode() in data
                data = data.replace(before.encode(), after.encode())
            new.writestr(name, data)
    return out.getvalue()


KINDS = {
    "potx": (pptx.Presentation, "presentationml.presentation.main+xml", "presentationml.template.main+xml"),
    "dotx": (docx.Document, "wordprocessingml.document.main+xml", "wordprocessingml.template.main+xml"),
}
for kind, (open_file, own, template) in KINDS.items():
    file = io.BytesIO()
    open_file().save(file)
    as_template = with_types(file.getvalue(), own, template)
    try:
        open_file(io.BytesIO(as_template))
        said = "opened"
    except ValueError as err:
        said = f"ValueError: {str(err)[:60]}"
    print(f".{kind}: {said}")
    assert said.startswith("ValueError"), said
    again = open_file(io.BytesIO(with_types(as_template, template, own)))
    assert len(again.slide_layouts if kind == "potx" else again.styles) > 5
print("seen as described")
PYTHON
