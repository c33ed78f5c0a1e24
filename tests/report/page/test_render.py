"""A page: the words of the notebook in a reader's order, self-contained, and nothing in it that runs or loads."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from crmkit.core.language import DIRECTION_MARKS
from crmkit.core.results import REPORT_MIME
from crmkit.report.guard.html import markdown, safe_html
from crmkit.report.page.assets import page_assets
from crmkit.report.page.render import render_notebook, without_provenance
from crmkit.report.page.since_last import brief

HOSTILE = "<img src=x onerror=alert(1)><script>document.title='PWNED'</script>"
REPORT = {
    "title": f"ACME {HOSTILE}",
    "as_of": "2025-12-31",
    "language": "en",
    "generated_at": "2026-01-02T03:04:05+00:00",
    "period": {"from": "2025-01-01", "to": "2025-12-31"},
    "data": {"fingerprint": "f1", "tables": {HOSTILE: {"rows": 1200, "kept": 1190, "set_aside": 7, "after_as_of": 3}}},
    "parameters": {"kind": {"value": HOSTILE, "origin": "params/acme.yml"}},
    "versions": {"crmkit": "0"},
}


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def html_output(html):
    return new_output("display_data", {"text/html": html, "text/plain": "x"})


def notebook(*cells, report=REPORT, **run):
    published = new_code_cell("page.publish()", outputs=[new_output("display_data", {REPORT_MIME: report})])
    metadata = {"crmkit": {"analysis": "tiny", "run": run}} if run else {"crmkit": {"analysis": "tiny"}}
    return new_notebook(cells=[*cells, published], metadata=metadata)


def test_the_headline_comes_first_and_boxes_lead_it():
    text = render_notebook(
        notebook(
            new_markdown_cell("# Why?\n\nIntro words."),
            new_markdown_cell("## What you need\n\nOrders."),
            new_markdown_cell("## In short\n\nLead words."),
            new_code_cell("page.headline(x)", outputs=[html_output('<ul class="findings"><li class="finding">F</li></ul>')]),
            new_code_cell("page.show(v)", outputs=[html_output('<div class="values"><div class="value">V</div></div>')]),
            new_markdown_cell("## Measure\n\nWords."),
        )
    )
    order = [
        "<h1>Why?</h1>",
        ">V</div>",
        ">F</li>",
        'id="data"',
        'id="annex"',
        "Intro words",
        "Lead words",
        'id="measure"',
        'id="what-you-need"',
    ]
    places = [text.index(piece) for piece in order]
    assert places == sorted(places)


def test_what_is_tagged_stands_in_front_and_all_else_is_folded():
    missing = '<div class="exhibit not-assessed" id="b"><strong class="title">B</strong> <span class="reason">none</span></div>'
    tagged = {"tags": ["front"]}
    text = render_notebook(
        notebook(
            new_markdown_cell("# T"),
            new_markdown_cell("## In short"),
            new_code_cell("page.headline(x)", outputs=[html_output('<ul class="findings"><li class="finding">F</li></ul>')]),
            new_markdown_cell("## Measure\n\nWords."),
            new_code_cell("page.show(a)", outputs=[html_output('<p id="a">A</p>')], metadata=tagged),
            new_code_cell("page.show(b)", outputs=[html_output(missing)], metadata=tagged),
            new_code_cell("page.show(c)", outputs=[html_output('<p id="c">C</p>')]),
        )
    )
    front, _, annex = text[text.index("<main") :].partition('<section id="annex"')
    folds = re.findall(r'<section id="([^"]+)" [^>]*class="annexed[^>]*>\n<details class="fold"><summary><h2', annex)
    assert folds == ["measure", "provenance"]
    assert 'id="a"' in front
    assert re.search(r'<p class="more"><a href="#measure">\S+ Measure</a>', front)
    assert not {'id="b"', 'id="c"', "Words."} & {piece for piece in ('id="b"', 'id="c"', "Words.") if piece in front}
    assert 'id="a"' not in annex
    assert all(piece in annex for piece in ('id="b"', 'id="c"', "Words."))


def test_a_short_page_is_in_sight_as_a_whole_and_begins_with_what_was_found():
    nb = notebook(
        new_markdown_cell("# T – For executives"),
        new_code_cell("page.show(v)", outputs=[html_output('<p id="v">V</p>')], metadata={"tags": ["front"]}),
        new_code_cell("page.headline(x)", outputs=[html_output('<dl class="values"><dt>B</dt></dl>')]),
        new_markdown_cell("## Risks"),
        new_code_cell("page.show(r)", outputs=[html_output('<p id="r">R</p>')]),
    )
    nb.metadata["crmkit"]["short"] = True
    text = render_notebook(nb)
    assert 'id="annex"' not in text
    assert 'id="front"' not in text
    assert re.findall(r'class="annexed[^"]*"', text) == ['class="annexed background"']
    order = ['<dl class="values">', 'id="v"', 'id="risks"', 'id="r"', 'id="data"', 'id="provenance"']
    places = [text.index(piece, text.index("<main")) for piece in order]
    assert places == sorted(places)


def test_a_page_without_anything_behind_it_has_no_annex():
    text = render_notebook(
        notebook(new_markdown_cell("# T"), new_markdown_cell("## In short"), new_code_cell("page.headline(x)"))
    )
    assert 'id="annex"' not in text


def test_nothing_loads_from_elsewhere_and_only_our_own_script_runs():
    text = render_notebook(notebook(new_markdown_cell("# T\n\n[doi](https://doi.org/10.1/x)"), new_code_cell("1")))
    elements = Elements(text).found
    loads = [
        attrs
        for tag, attrs in elements
        if tag != "a" and re.match("(?:https?:)?//", attrs.get("src") or attrs.get("href") or "")
    ]
    assert not loads
    assert "url(" not in text
    assert "@import" not in text
    policy = next(attrs["content"] for tag, attrs in elements if attrs.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("script", "style"):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert sum(tag == "script" for tag, _ in elements) == 1


def test_nothing_that_a_client_wrote_becomes_part_of_the_page():
    cells = [
        new_markdown_cell(f"# T {HOSTILE}\n\n{HOSTILE}\n\n[x](javascript:alert(1)) ![p](http://x/y.png)\n\n## H {HOSTILE}"),
        new_code_cell(
            f"'{HOSTILE}'",
            outputs=[
                html_output(f'<table style="x" onclick="y()"><tr><td>{HOSTILE}</td></tr></table><meta http-equiv="refresh">'),
                html_output(
                    '<iframe src="http://x"></iframe><form action="http://x"><input></form><a href="javascript:x()">l</a>'
                ),
                new_output("stream", name="stdout", text=HOSTILE),
                new_output("stream", name="stderr", text=HOSTILE),
                new_output("display_data", {"application/javascript": HOSTILE, "text/plain": HOSTILE}),
                new_output("display_data", {"image/svg+xml": f"<svg>{HOSTILE}</svg>", "text/plain": "s"}),
                new_output("error", ename="E", evalue=HOSTILE, traceback=[HOSTILE]),
            ],
        ),
    ]
    text = render_notebook(notebook(*cells, status="failed", message=HOSTILE, run="r1"))
    elements = Elements(text).found
    assert sum(tag == "script" for tag, _ in elements) == 1
    assert not {tag for tag, _ in elements} & {"iframe", "form", "input", "svg", "object", "embed", "base", "link"}
    assert [attrs["http-equiv"] for tag, attrs in elements if "http-equiv" in attrs] == ["Content-Security-Policy"]
    for _, attrs in elements:
        assert not [name for name in attrs if name.startswith("on") or name == "style"]
        assert not (attrs.get("href") or "").startswith("javascript:")
        assert (attrs.get("src") or "data:").startswith("data:")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('<img src="data:image/png;base64,AAAA" alt="a">', '<img src="data:image/png;base64,AAAA" alt="a">'),
        ('<img src="data:text/html;base64,AAAA">', ""),
        ('<img alt="" src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,AAAA" alt="figure">'),
        (
            '<table class="data"><tbody><tr><th scope="row" onclick="x()">n</th></tr></tbody></table>',
            '<table class="data"><tbody><tr><th scope="row">n</th></tr></tbody></table>',
        ),
        ("<style>p{}</style><p>x</p>", "<p>x</p>"),
        ('<a href="https://doi.org/1">d</a>', '<a href="https://doi.org/1">d</a>'),
    ],
)
def test_html_keeps_what_a_report_needs(given, kept):
    assert safe_html(given) == kept


def test_a_table_in_prose_stays_a_table():
    assert "<td>1</td>" in markdown("| a |\n|---|\n| 1 |\n")


def test_no_word_of_the_data_turns_the_direction_of_a_page():
    turned = "\u202eSales\u202c \u2067North\u2069\u200f"
    report = {
        **REPORT,
        "title": turned,
        "data": {"fingerprint": "f", "tables": {turned: {"rows": 1, "kept": 1, "notes": [turned]}}},
    }
    run = {"status": "failed", "message": turned, "run": "r1"}
    cells = [new_markdown_cell(f"# What of {turned}?"), new_code_cell("x", outputs=[html_output(f"<p>{turned}</p>")])]
    page = render_notebook(notebook(*cells, report=report, **run))
    assert "What of Sales North?" in page
    assert not set(page) & set(DIRECTION_MARKS)
    # the running title of a printed page stands in the style sheet, in numbers
    assert not re.search(r"\\0020(?:0[ef]|2[a-e]|6[6-9]) ", page)


def test_a_failed_run_says_so_in_a_banner():
    text = render_notebook(notebook(new_markdown_cell("# T"), status="failed", message="orders: no column 'amount'.", run="r1"))
    assert re.search(r"""class="banner" role="alert".*orders: no column .*amount.*\.""", text)
    assert "<title>Not finished: T" in text


def test_chrome_weighs_at_most_30_kb():
    assert len(render_notebook(notebook(new_markdown_cell("# T"))).encode()) <= 30_000


def test_the_same_notebook_gives_the_same_bytes():
    nb = notebook(new_markdown_cell("# T\n\n## A\n\n## A"))
    assert render_notebook(nb) == render_notebook(nb)
    assert 'id="a-2"' in render_notebook(nb)


def test_code_is_there_but_hidden_and_tables_of_the_data_are_shown():
    text = render_notebook(notebook(new_markdown_cell("# T\n\n## A\n\nx"), new_code_cell("secret_sauce()")))
    assert re.search(r'<div class="code code"><pre><code>secret_sauce\(\)', text)
    assert ".code,.log{display:none" in str(page_assets()["style"])
    assert '<td class="num">1,200</td><td class="num">1,190</td><td class="num">7</td><td class="num">3</td>' in text


def test_the_notebooks_own_intake_replaces_the_table_and_the_box_leads_to_it():
    box = 'class="quality"'
    text = render_notebook(notebook(new_markdown_cell("# T\n\n## Rows\n\nx"), new_code_cell("page.intake()")))
    assert box in text
    assert '<a href="#rows">' in text
    assert "In the export" not in text
    assert box not in render_notebook(notebook(new_markdown_cell("# T"), report=REPORT | {"data": {}}))


def test_the_box_says_what_was_left_out_and_why():
    orders = {
        "rows": 1000,
        "kept": 880,
        "set_aside": {"amount: {x}": 20, "empty line": 93},
        "after_as_of": 7,
        "notes": ["Note <b>"],
    }
    report = REPORT | {
        "data": {"tables": {"orders": orders}},
        "privacy": {"unscanned": {"id": 12, "name": 0, "other": 3}},
    }
    text = render_notebook(notebook(new_markdown_cell("# T"), report=report))
    assert "120 of 1,000 rows that were read do not count (12%)." in text
    reasons = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd></div>", text[text.index('class="reasons"') :])[:3]
    last = ("orders: after the last day that counts", "7")
    assert reasons == [("orders: empty line", "93"), ("orders: amount: {x}", "20"), last]
    assert "<li>orders: Note &lt;b&gt;</li>" in text
    assert (
        "12 identifiers of customers are too short or too common to be looked for on the finished page: customer numbers."
        in text
    )


def test_when_it_was_made_stands_in_one_block():
    early, late = ({"generated_at": f"2026-01-0{day}T03:04:05+00:00"} for day in (2, 3))
    cell = new_markdown_cell("# T")
    pages = [
        render_notebook(notebook(cell, report=REPORT | made, status="ok", run=run, started_at=made["generated_at"]))
        for made, run in ((early, "r1"), (late, "r2"))
    ]
    assert pages[0] != pages[1]
    assert without_provenance(pages[0]) == without_provenance(pages[1])
    assert "Generated 2 Jan 2026, 03:04 UTC" in pages[0]
    assert "Jan 2026" not in without_provenance(pages[0])


BOXES = (
    '<div class="exhibit"><dl class="values">'
    '<div class="value"><dt class="label">Orders &amp; more</dt><dd class="number">1,190</dd></div>'
    '<div class="value"><dt class="label">Late</dt><dd class="number">12%</dd></div></dl></div>'
)


def valued(orders, late, **more):
    values = [
        {"label": "Orders & more", "value": orders, "unit": "count"},
        {"label": "Late", "value": late, "unit": "share"},
    ]
    return REPORT | {"currency": "EUR", "values": values} | more


@pytest.mark.parametrize("kept", [False, True])
def test_value_boxes_say_how_far_they_have_moved(kept):
    boxes = new_code_cell("page.show(v)", outputs=[html_output(BOXES)])
    nb = notebook(new_markdown_cell("# T\n\n## A"), boxes, report=valued(1190, 0.12))
    before = valued(1000, 0.15, as_of="2025-06-30")
    if kept:
        nb.metadata["crmkit"]["previous"] = brief(before)
    text = render_notebook(nb, previous=None if kept else before)
    assert '<dd class="number">1,190</dd><dd class="change up">+190 (+19%) since 30 Jun 2025</dd>' in text
    assert '<dd class="number">12%</dd><dd class="change down">−3.0 percentage points since 30 Jun 2025</dd>' in text
    assert 'class="change' not in render_notebook(notebook(boxes, report=valued(1190, 0.12)))


def test_each_printed_page_names_client_and_report():
    text = render_notebook(notebook(new_markdown_cell("# T")))
    (written,) = re.findall(r'@top-left\{content:"(.*?)"\}', text)
    assert re.sub(r"\\([0-9a-f]{6}) ", lambda code: chr(int(code[1], 16)), written) == f"ACME {HOSTILE} – T"
    assert "<" not in written


def test_a_figure_of_an_analysts_own_gets_an_alternative_text():
    png = new_output("display_data", {"image/png": "AAAA\n", "text/plain": "f"})
    text = render_notebook(notebook(new_markdown_cell("# T\n\n## A"), new_code_cell("plt.plot()", outputs=[png])))
    picture = next(attrs for tag, attrs in Elements(text).found if tag == "img")
    assert picture == {"src": "data:image/png;base64,AAAA", "alt": "Figure without a description"}


def test_language_of_the_page():
    text = render_notebook(notebook(new_markdown_cell("# 问"), report=REPORT | {"language": "zh"}))
    assert '<html lang="zh-CN">' in text
    assert "2025年12月31日" in text


def test_prose_that_leads_to_nothing_is_one_line_that_opens():
    def shown(name, title, reason=""):
        body = f'<strong class="title">{title}</strong> <span class="reason">Not assessed: {reason}</span>'
        kind = "exhibit not-assessed" if reason else "exhibit"
        cell = new_code_cell(f"page.show({name})")
        cell.outputs = [html_output(f'<div class="{kind}" id="{name}">{body if reason else title}</div>')]
        return cell

    both = shown("e", "Map", "no places")
    both.outputs[0].data["text/html"] += shown("f", "List that is there").outputs[0].data["text/html"]
    text = render_notebook(
        notebook(
            new_markdown_cell("# Why?"),
            new_markdown_cell("## Stages\n\nWords on stages."),
            shown("a", "Stage &amp; all", "needs transactions"),
            shown("b", "Grid", "needs transactions"),
            new_markdown_cell("Words on both."),
            shown("c", "Curve", "too short"),
            shown("d", "Table that is there"),
            new_markdown_cell("Words on two of one cell."),
            both,
            new_markdown_cell("Words alone."),
        )
    )
    (folded,) = re.findall(r'<details class="absent">.*?</details>', text, re.DOTALL)
    (line,) = re.findall(r"<summary>.*?</summary>", folded)
    titles, reason = "<strong>Stage &amp; all</strong> · <strong>Grid</strong>", "<span>Not assessed: needs transactions</span>"
    assert line == f"<summary>{titles} {reason}</summary>"
    assert "Words on stages." in folded
    assert 'id="a"' in folded
    assert 'id="b"' in folded
    rest = text.replace(folded, "")
    for words in ("Words on both.", "Not assessed: too short", "Table that is there", "List that is there", "Words alone."):
        assert words in rest
    assert text.count("page.show(a)") == 1
