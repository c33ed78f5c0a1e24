"""A drawing that is not one of the kit's own does not get into a page, and none brings anything along."""

import pytest

from crmkit.report.guard.drawing import safe_drawing
from crmkit.report.guard.html import safe_html

GOOD = (
    '<svg class="chart wide" role="img" aria-label="a &lt; b" width="3" height="4" viewBox="0 0 3 4">'
    '<path d="M1 2l3-4h5z" fill="var(--f-c0)" stroke="none"/><text x="1" y="2" font-size="9">a &lt;b&gt; c</text>'
    '<rect x="1" y="2" width="3" height="4" fill="none" pointer-events="all"><title>n: 3\nTo: 4</title></rect></svg>'
)
BAD = [
    '<script>x()</script>', '<a href="javascript:x()"><text>a</text></a>', '<image href="//x"/>', '<use href="#x"/>',
    '<foreignObject><p>a</p></foreignObject>', '<style>@import "//x"</style>', '<animate attributeName="href" to="//x"/>',
    '<text onclick="x()">a</text>', '<text style="fill:red">a</text>', '<text id="main">a</text>',
    '<path d="M1 2" fill="red"/>', '<path d="M1 2" fill="url(//x)"/>', '<rect><title><b>a</b></title></rect>',
    '<text>a<title>b</title></text>',
    '<path d="M1 2">words</path>', '<path d="M1 2"/>words', '<text x="1e3">a</text>', "<text>a</wrong>",
    '<text x="1">&x;</text>', "<![CDATA[a]]>", "<!-- a -->", "<?x y?>", '<html:p xmlns:html="http://www.w3.org/1999/xhtml"/>',
]  # fmt: skip


def test_a_drawing_of_ours_is_made_again_as_it_was():
    assert safe_drawing(GOOD) == GOOD
    assert safe_html(f"<figure>{GOOD}</figure>") == f"<figure>{GOOD}</figure>"


@pytest.mark.parametrize("piece", BAD)
def test_all_else_is_left_out(piece):
    html = GOOD.replace("<path", piece + "<path", 1)
    assert safe_drawing(html) == ""
    assert safe_html(f"<p>a{html}b</p>") == "<p>ab</p>"


@pytest.mark.parametrize(
    "around", ["<p title='{}'>a</p>", '<p title="{}">a</p>', "<script>{}</script>", "<!--{}-->", "<style>{}</style>"]
)
def test_a_drawing_comes_back_as_an_element_only(around):
    html = str(safe_html(around.format(GOOD)))
    assert "<path" not in html.replace("&lt;", "")
    assert "<svg" not in html


def test_a_place_that_somebody_wrote_is_empty():
    assert safe_html('<i class="drawn">7</i><i class="drawn">0</i>') == ""
    assert safe_html('<i class="drawn">a</i>') == '<i class="drawn">a</i>'
