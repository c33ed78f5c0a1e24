"""Which way do cases take? A map of boxes and arrows."""

from itertools import pairwise

import pandas as pd
import pytest

from crmkit.core.results import Axis, Result, Text
from crmkit.show.figures import draw, figure_html


def texts(figure):
    return [label.get_text() for label in figure.axes[0].texts]


def boxes(figure):
    from matplotlib.patches import Rectangle

    return [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]


def test_each_arrow_says_how_long_and_each_step_has_a_box(make, english):
    figure = draw(make.example("process_map"), english)
    assert sorted(texts(figure)) == sorted(["ask", "solve", "other", "2 hours", "1 hour", "8 hours", "0.5 hours", "0.4 hours"])
    assert len(boxes(figure)) == 3


def test_declared_steps_stand_in_a_column_and_others_beside_it(make, english):
    figure = draw(make.example("process_map"), english)
    middles = [box.get_x() + box.get_width() / 2 for box in boxes(figure)]
    assert sorted(round(middle, 6) for middle in middles)[:2] == [0, 0]
    assert max(middles) > 1


def test_an_arrow_is_as_wide_as_it_is_frequent(make, english):
    from matplotlib.patches import FancyArrowPatch

    arrows = [one for one in draw(make.example("process_map"), english).axes[0].patches if isinstance(one, FancyArrowPatch)]
    widths = [arrow.get_linewidth() for arrow in arrows]
    assert widths[0] == max(widths)
    assert widths[3] == min(widths)


@pytest.mark.parametrize("steps", [2, 7])
def test_no_two_boxes_overlap(steps, english):
    names = [f"step {number}" for number in range(steps)]
    aside = [f"other {number}" for number in range(5)]
    rows = [(a, b, 1.0, 5) for a, b in pairwise(names)] + [(names[0], one, 1.0, 2) for one in aside]
    table = pd.DataFrame(rows, columns=["before", "after", "value", "n"])
    table.attrs.update(order=[*names, *aside], declared=names)
    found = boxes(draw(Result("way", "process_map", Text("Way"), table, y=Axis("Median", "hours")), english))
    spans = [(box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height()) for box in found]
    for i, a in enumerate(spans):
        assert not any(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] for b in spans[i + 1 :])


def test_the_words_stay_inside_the_picture(make, english, chinese):
    for locale in (english, chinese):
        figure = draw(make.example("process_map"), locale)
        renderer = figure.canvas.get_renderer()
        for label in figure.axes[0].texts:
            box = label.get_window_extent(renderer)
            assert box.x0 >= 0
            assert box.x1 <= figure.bbox.width


def test_words_of_the_client_are_escaped(make, english):
    table = make.example("process_map").table.replace({"before": {"ask": "<script>x"}, "after": {"ask": "<script>x"}})
    table.attrs.update(order=["<script>x", "other", "solve"], declared=["<script>x", "solve"])
    result = Result("way", "process_map", Text("Way"), table, alt=Text("A map"), y=Axis("Median", "hours"))
    html = figure_html(result, english)
    assert "<script>x" not in html
    assert "&lt;script&gt;x" in html


def test_nothing_to_draw_says_so(english):
    table = pd.DataFrame({"before": [], "after": [], "value": [], "n": []})
    assert texts(draw(Result("way", "process_map", Text("Way"), table), english)) == ["No data to show"]
