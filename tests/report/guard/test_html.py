"""What was written elsewhere stays words: no element that acts, no attribute that runs or loads."""

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmkit.report.guard.html import TAGS, markdown, plain, safe_html

PIECES = [
    "<script>x()</script>",
    "<scr<script>ipt>",
    "</script>",
    "<style>@import'//x'</style>",
    "<svg onload=x()>",
    "<svg><script>x()",
    "<img src=x onerror=x()>",
    "<img src='data:image/svg+xml,<svg onload=x()>'>",
    "<a href='java\tscript:x()'>l</a>",
    "<a href=javascript&colon;x()>l</a>",
    "<a href=' https://x'>l</a>",
    "<table background=//x><td style=background:url(//x)>c",
    "<meta http-equiv=refresh content=0;//x>",
    "<base href=//x>",
    "<iframe srcdoc='<script>x()'>",
    "<math><mtext></form><form>",
    "<noscript><p title='</noscript><img src=x onerror=x()>'>",
    "<!--><img src=x onerror=x()>-->",
    "<![CDATA[<b onclick=x()>]]>",
    "<form action=//x><button formaction=//x>b",
    "<details ontoggle=x() open>",
    "<td data-key=1>n</td>",
    "<b class=x>",
    "&lt;script&gt;",
    "<object data=//x>",
    "<link rel=stylesheet href=//x>",
    "<input autofocus onfocus=x()>",
    "<p id=x tabindex=1>",
    "\x00",
    "]]>",
    "\"'>",
]


class Acting(HTMLParser):
    """Everything of a piece of HTML that could act."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.found.append(tag)
        for name, value in attrs:
            low = (value or "").strip().lower()
            if name.startswith("on") or name in ("style", "srcdoc", "background", "action", "formaction", "srcset"):
                self.found.append(name)
            if name == "src" and not low.startswith("data:image/"):
                self.found.append(f"src {value}")
            if name == "href" and not low.startswith(("http://", "https://", "mailto:", "#")):
                self.found.append(f"href {value}")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=6).map("".join))
def test_nothing_acts(text):
    assert Acting(safe_html(text)).found == []
    assert Acting(markdown(text)).found == []
    assert Acting(str(plain(text, "t"))).found == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ('<td data-key="1.2e+06">1</td>', '<td data-key="1.2e+06">1</td>'),
        ('<td data-key="-20251231">1</td>', '<td data-key="-20251231">1</td>'),
        ('<td data-key="R00017">1</td>', "<td>1</td>"),
        ('<p data-key="1">1</p>', "<p>1</p>"),
    ],
)
def test_only_numbers_are_sorted_by(given, kept):
    row = "<table><tbody><tr>{}</tr></tbody></table>" if "td" in given else "{}"
    assert safe_html(row.format(given)) == row.format(kept)
