"""A small line in a box: its shape, its words, and no more than a page lets through."""

import re

import pytest

from crmkit.core.language import Locale
from crmkit.core.results import Result, Text, estimates, history
from crmkit.report.guard.html import safe_html
from crmkit.report.page.page import _boxes
from crmkit.show.sparks import spark_html, spark_words
from crmkit.show.tables import values_html

DAYS = ["2025-01-31", "2025-02-28", "2025-03-31"]
PAST = history("revenue by month", "money", DAYS, [100.0, 50.0, 200.0])


def test_the_line_goes_from_the_first_to_the_last_and_high_is_up():
    points = [
        tuple(map(float, one.split(","))) for one in re.search(r'points="([^"]+)"', spark_html(PAST, Locale()))[1].split()
    ]
    assert [x for x, _ in points] == [2.0, 60.0, 118.0]
    assert [y for _, y in points] == pytest.approx([2 + 20 * 100 / 150, 22.0, 2.0], abs=0.06)


def test_who_cannot_see_it_hears_first_last_lowest_and_highest():
    told = "revenue by month: €100.00 on 31 Jan 2025, €200.00 on 31 Mar 2025; lowest €50.00, highest €200.00"
    assert spark_words(PAST, Locale()) == told
    assert f'role="img" aria-label="{told}"' in spark_html(PAST, Locale())
    assert spark_words(PAST, Locale("zh")).startswith("每月收入：2025年1月31日为€100.00")


def test_what_does_not_change_is_a_line_and_what_is_short_is_none():
    flat = history("by month", "count", DAYS, [5, 5, 5])
    assert len(set(re.findall(r",([\d.]+)", re.search(r'points="([^"]+)"', spark_html(flat, Locale()))[1]))) == 1
    assert spark_html(history("by month", "count", DAYS[:2], [1, 2]), Locale()) == ""
    assert history("by month", "count", DAYS, [1, float("nan"), 2]) == {}


def result():
    rows = [{"group": one, "measure": one, "value": 2.0, "unit": "money"} for one in ("Expected value", "Customers")]
    table = estimates(rows)
    table.attrs["history"] = {"Expected value": PAST}
    return Result("sums", "values", Text("Sums"), table)


def test_a_box_shows_its_past_and_a_page_lets_it_through_without_style():
    html = values_html(result(), Locale())
    assert html.count("<svg") == 1
    assert html.index("Expected value") < html.index("<svg") < html.index("Customers")
    assert "style=" not in html
    safe = str(safe_html(html))
    assert re.search(r'<svg [^>]*viewBox="0 0 120 24"[^>]*>\s*<polyline points="', safe)
    assert all(part in safe for part in ('role="img"', 'preserveAspectRatio="none"', "aria-label"))


def test_the_record_of_a_report_keeps_it_beside_the_box():
    first, second = _boxes(result(), Locale())
    assert first["history"] == PAST
    assert "history" not in second


HOSTILE = (
    "<svg onload=x()>",
    "<svg><script>x()</script></svg>",
    '<svg><a href="javascript:x()">a</a></svg>',
    "<svg><image href=x></image></svg>",
    '<svg style="a:b"><use href="#x"></use></svg>',
)


@pytest.mark.parametrize("bad", HOSTILE)
def test_nothing_else_comes_with_it(bad):
    safe = str(safe_html(bad))
    assert not [word for word in ("onload", "script", "href", "<image", "<use", "style") if word in safe]
