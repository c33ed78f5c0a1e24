"""A client who means harm: names, comments, headers, file names, parameters and title are words, and nothing else."""

import csv
import datetime as dt
import json
import random

import nbformat
import pandas as pd
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmkit.core.results import REPORT_MIME
from crmkit.report.page.render import render_notebook

BAD = "window.pwned=1;document.title='PWNED';alert(1)"
PAYLOADS = [
    f"<script>{BAD}</script>",
    f"</script></style></title><script>{BAD}</script>",
    f'"><img src=x onerror="{BAD}">',
    f"'><svg onload={BAD}>",
    f"<a href=\"javascript:{BAD}\">x</a><iframe srcdoc='<script>parent.document.title=1</script>'></iframe>",
    "<style>*{display:none}body{background:url(https://example.org/x)}</style>",
    "<link rel=stylesheet href=https://example.org/x><base href=https://example.org/><meta http-equiv=refresh content=0;https://x>",
    f"{{{{ ''.__class__ }}}}${{{BAD}}}{{% raw %}}",
    f'=HYPERLINK("javascript:{BAD}")',
    f"![x](https://example.org/x.png) [y](javascript:{BAD}) <b onclick={BAD}>",
    "\u202e\x07\ud7ff\U0002a6d6",
    f"<details open ontoggle={BAD}><input autofocus onfocus={BAD}>",
]
FILE = f"<img src=x onerror={BAD.replace('/', '')}>.csv"
HEADERS = {"customer_id": PAYLOADS[0], "ordered_at": PAYLOADS[2], "amount": PAYLOADS[4], "category": PAYLOADS[8]}


@pytest.fixture(scope="module")
def harm(project):
    """The page of a hostile client, and the page of a notebook whose author shows the client's words raw."""
    chance = random.Random(0)
    folder = project.home / "data" / "harm"
    folder.mkdir()
    with (folder / FILE).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADERS.values())
        for number in range(400):
            words = PAYLOADS[number % len(PAYLOADS)].replace("\x07", "")
            for day in bought(chance):
                rows.writerow([f"{words}{number}", day.isoformat(), round(chance.uniform(5, 90), 2), words])
    said = {
        "client": "harm",
        "title": PAYLOADS[1],
        "currency": "EUR",
        "source": "data/harm",
        "as_of": "2024-12-31",
        "tables": {"transactions": {"file": FILE, "columns": HEADERS}},
    }
    (project.home / "params" / "harm.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    project("run", "harm", "--only", "clv")
    reports = project.home / "reports"
    raw = reports / "raw.html"
    raw.write_text(render_notebook(shown_raw()), encoding="utf-8")
    return {
        "clv": reports / "harm" / "2024-12-31" / "clv.html",
        "client": reports / "harm" / "index.html",
        "portfolio": reports / "index.html",
        "raw": raw,
    }


def bought(chance):
    """Days on which a customer buys, at a rate of their own, until they leave unseen."""
    start, alive, rate = (
        chance.randrange(300),
        chance.expovariate(chance.gammavariate(1, 1 / 200)),
        chance.gammavariate(0.9, 1 / 25),
    )
    days, after = [], 0.0
    while start + after < 700 and (after <= alive or not days):
        days.append(dt.date(2023, 1, 1) + dt.timedelta(days=start + int(after)))
        after += chance.expovariate(rate)
    return days


def shown_raw():
    """A notebook in which every way of showing something is tried with every payload, also those that do not escape."""
    table = pd.DataFrame(dict.fromkeys(PAYLOADS[:3], PAYLOADS), index=PAYLOADS)
    outputs = [
        new_output("display_data", {"text/html": table.to_html(escape=False)}),
        new_output("display_data", {"text/html": "".join(PAYLOADS)}),
        new_output("display_data", {"text/markdown": "\n\n".join(PAYLOADS)}),
        new_output("display_data", {"text/plain": "\n".join(PAYLOADS)}),
        new_output("display_data", {"application/javascript": BAD, "text/plain": "x"}),
        new_output(
            "display_data",
            {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{BAD}'><script>{BAD}</script></svg>"},
        ),
        new_output("stream", name="stdout", text="\n".join(PAYLOADS)),
        new_output("stream", name="stderr", text="\n".join(PAYLOADS)),
        new_output("error", ename="E", evalue=PAYLOADS[0], traceback=PAYLOADS),
    ]
    rows = {"rows": 10, "kept": 5, "set_aside": dict.fromkeys(PAYLOADS, 1), "after_as_of": 1, "notes": PAYLOADS}
    report = {
        "title": PAYLOADS[1],
        "language": "en",
        "data": {"tables": dict.fromkeys(PAYLOADS, rows), "fingerprint": PAYLOADS[0]},
        "parameters": {payload: {"value": payload, "origin": payload} for payload in PAYLOADS},
        "versions": {PAYLOADS[0]: PAYLOADS[1]},
    }
    cells = [
        new_markdown_cell(f"# Harm {PAYLOADS[1]}\n\n" + "\n\n".join(PAYLOADS)),
        *(new_markdown_cell(f"## {payload}") for payload in PAYLOADS),
        new_code_cell(json.dumps(PAYLOADS), outputs=outputs),
        new_code_cell("page.publish()", outputs=[new_output("display_data", {REPORT_MIME: report})]),
    ]
    run = {"status": "failed", "message": PAYLOADS[0], "run": PAYLOADS[1]}
    nb = new_notebook(cells=cells, metadata={"crmkit": {"analysis": "harm", "run": run}})
    return nbformat.from_dict(nb)


@pytest.mark.parametrize("name", ["clv", "client", "portfolio", "raw"])
@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_of_it_is_run_or_loaded(look, harm, name, width):
    (page,) = look({"file": str(harm[name]), "width": width})
    assert not page["pwned"]
    assert page["title"] != "PWNED"
    assert page["dialogs"] == []
    assert page["requests"] == []
    assert page["refused"] == [], "not even something for the policy to refuse"
    assert page["errors"] == []


def test_the_title_is_the_clients_own_words(look, harm):
    (page,) = look({"file": str(harm["clv"]), "width": 1280})
    assert page["title"] == f"What will each customer bring? – {PAYLOADS[1]}"


def test_its_words_are_shown(harm):
    assert "Customers who have not left, estimated" in harm["clv"].read_text(encoding="utf-8"), "a page with everything on it"
    assert "&lt;script&gt;" in harm["clv"].read_text(encoding="utf-8")


def test_the_page_can_still_be_read(look, harm):
    (page,) = look({"file": str(harm["clv"]), "width": 1280, "axe": True})
    assert page["violations"] == []
