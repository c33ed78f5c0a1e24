"""What is in a figure: axes with words and units, the marks of its kind, equal bytes, and no trace outside."""

import base64
import re
from dataclasses import replace
from io import BytesIO
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from PIL import Image

from crmkit.core.errors import ReportError
from crmkit.core.results import Axis, Quantity, Result, Text, curve, estimates
from crmkit.report.guard.drawing import safe_drawing
from crmkit.show import theme
from crmkit.show.figures import FIGURE_KINDS, draw, figure_html, png
from crmkit.show.figures.parts import limits, spread
from crmkit.show.shades import names

KINDS = sorted(FIGURE_KINDS)


def texts(figure) -> list[str]:
    return [one.get_text() for one in figure.findobj(matplotlib.text.Text) if one.get_text() and one.get_visible()]


def ticks(axis) -> list[str]:
    low, high = sorted(axis.get_view_interval())
    shown = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=True)
    return [label.get_text() for place, label in shown if low <= place <= high]


def test_every_kind_has_an_example(make):
    assert make.kinds == set(FIGURE_KINDS)


# a map of steps has boxes and arrows, and no axes
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "process_map"])
def test_axes_have_the_words_of_the_result(kind, english, make):
    result = make.example(kind)
    figure = draw(result, english)
    axes = figure.axes[0]
    labels = {axes.get_xlabel(), axes.get_ylabel()}
    assert labels == {result.x.label + (" (weeks)" if result.x.unit == "weeks" else ""), result.y.label}
    assert figure.get_figwidth() == theme.WIDTH
    assert 1.5 <= figure.get_figheight() <= 10


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_are_equal_in_two_runs_and_few(kind, english, make):
    first, second = (png(draw(make.example(kind), english)) for _ in range(2))
    assert first == second
    assert len(first) < 40_000
    assert b"tIME" not in first
    assert b"Software" not in first
    with Image.open(BytesIO(first)) as picture:
        assert picture.width == int(theme.WIDTH * theme.DPI)
        assert picture.mode == "P"
        assert len(picture.getcolors()) <= theme.COLOURS


@pytest.mark.parametrize("kind", KINDS)
def test_places_are_looked_for_once_and_the_paper_is_that_of_the_page(kind, english, make, monkeypatch):
    asked = []
    measure = Axes.get_tightbbox
    monkeypatch.setattr(Axes, "get_tightbbox", lambda self, *given: (asked.append(1), measure(self, *given))[1])
    with Image.open(BytesIO(png(draw(make.example(kind), english)))) as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
    assert len(asked) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_in_pyplot_or_in_the_settings(kind, english, make):
    before = dict(matplotlib.rcParams)
    png(draw(make.example(kind), english))
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("kind", KINDS)
def test_settings_of_the_reader_change_nothing(kind, english, make):
    plain = png(draw(make.example(kind), english))
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 30, "text.usetex": False}):
        assert png(draw(make.example(kind), english)) == plain


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_table_says_so(kind, english, make):
    result = make.example(kind)
    figure = draw(replace(result, table=result.table.head(0)), english)
    assert texts(figure) == ["No data to show"]
    png(figure)


@pytest.mark.parametrize("kind", KINDS)
def test_one_row_is_enough(kind, english, make):
    result = make.example(kind)
    assert len(png(draw(replace(result, table=result.table.tail(1)), english))) > 1000


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_column_is_named(kind, english, make):
    result = make.example(kind)
    with pytest.raises(ReportError, match=rf"exhibit '{result.name}': kind '{kind}' needs the columns .*; value not there"):
        draw(replace(result, table=result.table.drop(columns="value")), english)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hostile", ["$x^$ {0} %s <script>", "华东 \x00\x1b[31m \ud800", "\U0001f600 a\nb", "$\\frac{", ""])
def test_any_text_of_the_client_can_be_drawn(kind, hostile, chinese, make):
    result = make.example(kind)
    names = [name for name in ("group", "measure", "row", "column") if name in result.table]
    table = result.table.assign(**{name: [hostile + str(value) for value in result.table[name]] for name in names})
    table.attrs = dict(result.table.attrs, marks=[(0.5, Text("{x}", {"x": hostile}))])
    assert png(draw(replace(result, table=table, x=Axis("客户", "text"), y=Axis(hostile, "share")), chinese))


def test_only_figures_are_drawn(english, make):
    with pytest.raises(ReportError, match="exhibit 'stay': kind 'table' is no figure"):
        draw(replace(make.curve(), kind="table"), english)
    with pytest.raises(ReportError, match="was not assessed"):
        draw(replace(make.curve(), table=None), english)


def test_curve_has_a_line_a_band_and_a_name_per_group(english, make):
    axes = draw(make.curve(), english).axes[0]
    assert [line.get_gid() for line in axes.get_lines()] == ["series", "series"]
    assert len(axes.collections) == 2
    assert {"Basic", "Plus"} <= set(texts(axes.figure))
    assert axes.get_legend() is None
    assert axes.get_xlim() == (0, 24)
    assert axes.get_ylim() == (0, 1.02)
    assert ticks(axes.yaxis) == ["0%", "20%", "40%", "60%", "80%", "100%"]


def test_steps_show_who_is_still_observed(english, make):
    axes = draw(make.curve(step=True), english).axes[0]
    assert all(line.get_drawstyle() == "steps-post" for line in axes.get_lines())
    assert {"Still observed", "800"} <= set(texts(axes.figure))
    assert draw(make.curve(), english).get_figheight() < axes.figure.get_figheight()


def test_actual_is_dark_and_expectations_are_dashed(english, make):
    axes = draw(make.curve(groups=("Actual", "Model"), actual="Actual"), english).axes[0]
    actual, model = axes.get_lines()
    assert actual.get_color() == theme.NEUTRAL
    assert actual.get_linestyle() == "-"
    assert model.get_color() == theme.PALETTE[0]
    assert model.get_linestyle() != "-"


def test_marks_are_lines_with_words(english, make):
    axes = draw(make.curve(marks=[(12, Text("held out from here"))]), english).axes[0]
    assert list(axes.get_lines()[-1].get_xdata()) == [12, 12]
    assert "held out from here" in texts(axes.figure)


def test_many_groups_have_a_legend_and_no_two_look_alike(english, make):
    axes = draw(make.curve(groups=tuple("ABCDEFGH")), english).axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list("ABCDEFGH")
    assert len({(line.get_color(), str(line._unscaled_dash_pattern)) for line in axes.get_lines()}) == 8


@pytest.mark.parametrize("days", [pd.date_range("2025-01-01", periods=300), ["2025-01-01", "2025-06-01", "2025-12-01"]])
def test_dates_are_in_the_language_of_the_reader(days, english, chinese):
    table = curve(pd.DataFrame({"x": days, "value": np.arange(len(days), dtype="float64")}))
    result = Result("d", "curve", Text("d"), table, x=Axis("Day", "date"), y=Axis("Sum", "count"))
    assert "May 2025" in ticks(draw(result, english).axes[0].xaxis)
    assert "2025年5月" in ticks(draw(result, chinese).axes[0].xaxis)


def test_money_is_short_on_an_axis(english, chinese):
    table = curve(pd.DataFrame({"x": [0.0, 1.0], "value": [0.0, 50_000.0]}))
    result = Result("m", "curve", Text("m"), table, x=Axis("Year"), y=Axis("Revenue", "money"))
    assert ticks(draw(result, english).axes[0].yaxis)[:2] == ["€0", "€10K"]
    assert ticks(draw(result, chinese).axes[0].yaxis)[1] == "¥1万"


def test_bars_stand_for_short_labels_and_lie_for_long_ones(english, make):
    standing = draw(make.estimates("bars", ["N", "S"]), english).axes[0]
    assert ticks(standing.xaxis) == ["N", "S"]
    assert [round(bar.get_height(), 6) for bar in standing.containers[0]] == [0.5, 0.1]
    lying = draw(make.estimates("bars", ["A rather long label", "S"]), english).axes[0]
    assert ticks(lying.yaxis) == ["A rather long label", "S"]
    assert lying.get_xlabel() == "Share of value"


def test_bars_have_one_hue_per_measure_and_their_whiskers(english, make):
    axes = draw(make.estimates("bars", ["N", "S"], measures=("before", "after")), english).axes[0]
    assert len(axes.containers) == 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["before", "after"]
    assert len(axes.collections) == 4
    middles = [bar.get_x() + bar.get_width() / 2 for bars in axes.containers for bar in bars]
    whiskers = [segment[0][0] for lines in axes.collections for segment in lines.get_segments()]
    assert sorted(middles) == pytest.approx(sorted(whiskers))


@pytest.mark.parametrize("kind", ["bars", "interval_dots"])
def test_a_suppressed_group_keeps_its_name_and_shows_no_number(kind, english, make):
    result = make.estimates(kind, ["North", "South"])
    table = result.table.assign(suppressed=[False, True]).astype({"value": float})
    table.loc[1, ["value", "low", "high", "n"]] = float("nan")
    figure = draw(replace(result, table=table), english)
    assert {"South", "–"} <= set(texts(figure))


def test_dots_have_a_reference_and_n(english, make):
    result = make.estimates("interval_dots", ["North", "South"], reference=(0.3, Text("all")))
    axes = draw(result, english).axes[0]
    assert {"all", "n", "100", "101"} <= set(texts(axes.figure))
    assert list(axes.get_lines()[-1].get_xdata()) == [0.3, 0.3]
    assert axes.yaxis_inverted()


def test_ratios_can_be_on_a_logarithmic_scale(english, make):
    axes = draw(make.estimates("interval_dots", ["a", "b"], reference=1, log=True), english).axes[0]
    assert axes.get_xscale() == "log"
    assert {"0.1", "0.5"} <= set(ticks(axes.xaxis))


def test_grid_writes_into_each_cell_in_a_readable_colour(english, make):
    axes = draw(make.grid(), english).axes[0]
    assert ticks(axes.xaxis) == ["Loyal", "Lost"]
    assert ticks(axes.yaxis) == ["Loyal", "At risk", "Lost"]
    written = {text.get_text(): text.get_color() for text in axes.texts}
    assert written["60.4%\nn 30"] == theme.PAPER
    assert written["20.4%\nn 10"] == theme.INK
    assert "–" in written


def test_lorenz_curve_has_its_diagonal_and_area(english, make):
    mark = (0.8, Text("top {top}", {"top": Quantity(0.204, "share")}))
    axes = draw(make.lorenz(marks=[mark]), english).axes[0]
    diagonal, line, point = axes.get_lines()
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0, 1]
    assert line.get_ydata()[10] == pytest.approx(0.125)
    assert point.get_ydata() == pytest.approx([0.512])
    assert "top 20.4%" in texts(axes.figure)
    assert axes.get_xlim() == axes.get_ylim() == (0, 1)
    assert axes.get_aspect() == 1


def test_html_holds_picture_alt_and_caption(english, finding, make):
    result = replace(make.curve(), finding=finding, note=Text("n = 3"), title=Text("<b>{x}</b>", {"x": '"><script>'}))
    html = figure_html(result, english)
    found = re.fullmatch(
        r'<figure class="exhibit" id="stay"><figcaption><strong class="title">(.*)</strong>'
        r' <span class="finding">The top 20.4% hold it.</span></figcaption>'
        r'<div class="drawing"><svg class="chart wide" role="img" aria-label="What the figure shows." width="(\d+)" .*</svg>'
        r'<svg class="chart narrow" role="img" aria-label="What the figure shows." width="(\d+)" .*</svg></div>'
        r'<span class="note">n = 3</span><div class="tools"><details class="rows"><summary>Data</summary>.*</div></figure>',
        html,
        re.DOTALL,
    )
    assert found[2] == str(round(theme.WIDTH * 96))
    assert found[3] == str(round(theme.NARROW * 96))
    assert found[1] == "&lt;b&gt;&quot;&gt;&lt;script&gt;&lt;/b&gt;"


def drawings(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(one) for one in re.findall(r"<svg .*?</svg>", html, re.DOTALL)]


def cells(html: str) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of the fold under a figure."""
    table = ElementTree.fromstring(re.search(r"<table.*</table>", html, re.DOTALL)[0])
    return [one.text for one in table.iter("th")], [[one.text for one in row.iter("td")] for row in table.iter("tr")][1:]


@pytest.mark.parametrize("kind", KINDS)
def test_each_mark_tells_the_row_of_the_table_behind_it(kind, english, make):
    result = make.example(kind)
    html = figure_html(result, english)
    headings, rows = cells(html)
    wanted = {"\n".join(f"{head}: {text}" for head, text in zip(headings, row, strict=True)) for row in rows}
    for drawing in drawings(html):
        assert {one.text for one in drawing.iter("title")} == wanted
        assert len(list(drawing.iter("title"))) == len(rows)
    hidden = result.table.get("suppressed", pd.Series(False, index=result.table.index)).astype(bool)
    shown = result.table.loc[~hidden & (result.table.get("n", 1) != 0)]
    assert len(rows) == {"curve": 48}.get(kind, len(shown))


def test_values_are_told_in_the_language_of_the_page(english, chinese, make):
    result = make.estimates("bars", ["North", "South"])
    assert "Region: North\nShare of value: 50%\nLower limit: 45%\nUpper limit: 56%\nn: 100" in figure_html(result, english)
    money = replace(result, table=result.table.assign(unit="money", value=[51_234.0, 10.0]), y=Axis("Value", "money"))
    assert "51,234" in figure_html(money, chinese)
    assert "<summary>数据</summary>" in figure_html(money, chinese)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_has_no_colour_size_or_name_of_its_own(kind, english, make):
    for drawing in drawings(figure_html(make.example(kind), english)):
        for one in drawing.iter():
            assert one.tag in ("svg", "path", "circle", "rect", "text", "title")
            assert not {"style", "id", "href"} & set(one.attrib)
            for name in {"fill", "stroke"} & set(one.attrib):
                assert re.fullmatch(r"none|var\(--f-[a-z0-9-]+\)", one.attrib[name])
                assert one.attrib[name][8:-1] in {*names(), ""}


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawing_comes_through_the_guard_of_the_page_as_it_is(kind, chinese, make):
    for one in re.findall(r"<svg .*?</svg>", figure_html(make.example(kind), chinese), re.DOTALL):
        assert safe_drawing(one) == one


# a map with steps beside each other is shown whole, and a phone moves over it
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "process_map"])
def test_letters_of_a_phone_are_large_and_stay_inside(kind, english, make):
    wide, narrow = drawings(figure_html(make.example(kind), english))
    for drawing, inches in ((wide, theme.WIDTH), (narrow, theme.NARROW)):
        width, height = map(float, drawing.attrib["viewBox"].split()[2:])
        # 353 pixels are left beside the margins of a page that is 390 wide
        shown = min(353 if inches < 5 else 720, width) / width
        assert min(float(one.attrib["font-size"]) for one in drawing.iter("text")) * shown >= 9
        assert all(0 <= float(one.attrib["y"]) <= height for one in drawing.iter("text"))


def test_what_is_too_much_for_a_drawing_is_a_picture(english, make):
    rows = [f"row {place}" for place in range(30)]
    table = pd.DataFrame([{"row": r, "column": c, "value": 0.5, "n": 12} for r in rows for c in "ABCDEFGH"])
    html = figure_html(replace(make.grid(), table=table), english)
    assert "<svg" not in html
    assert base64.b64decode(re.search(r'src="data:image/png;base64,([^"]+)"', html)[1]).startswith(b"\x89PNG")
    assert len(cells(html)[1]) == 240


def test_a_grid_of_many_columns_is_not_made_narrow(english, make):
    table = pd.DataFrame([{"row": r, "column": c, "value": 0.5, "n": 12} for r in "ab" for c in "ABCDEFGH"])
    html = figure_html(replace(make.grid(), table=table), english)
    assert '<div class="drawing whole" tabindex="0" role="region" aria-label="Moves">' in html
    assert "narrow" not in html


@pytest.mark.parametrize("alt", [None, Text(""), Text("  ")])
def test_alt_text_is_required(alt, english, make):
    with pytest.raises(ReportError, match="exhibit 'stay': has no alt text; say in words what the figure shows"):
        figure_html(replace(make.curve(), alt=alt), english)


def test_customers_are_named_by_pseudonym_only(english, make):
    text = Text("{who} leads", {"who": Quantity("C0017", "customer")})
    result = replace(make.lorenz(), note=text)
    assert "withheld leads" in figure_html(result, english)
    assert "ABC leads" in figure_html(result, english, name=lambda _: "ABC")


def test_limits_hold_every_value():
    assert limits([float("nan")], "share") == (0.0, 1.0)
    assert limits([-2.0, 4.0], "money") == (-2.3, 4.3)
    assert limits([5.0], "points", zero=False) == (2.25, 7.75)
    assert limits([0.0], "count")[0] == 0.0


def test_spread_keeps_order_and_distance():
    rng = np.random.default_rng(0)
    for _ in range(50):
        places = rng.uniform(0, 1, 5)
        moved = np.array(spread(list(places), 0.1, 0.0, 1.0))
        assert (np.argsort(moved) == np.argsort(places)).all()
        assert np.diff(np.sort(moved)).min() > 0.1 - 1e-3
        assert moved.min() >= -1e-9


def test_a_bar_of_nothing_but_blanks(english):
    table = estimates([{"group": "a", "measure": "m", "value": None, "unit": "share"}])
    assert png(draw(Result("b", "bars", Text("b"), table, y=Axis("s", "share")), english))


def test_a_character_that_no_font_has_is_a_box_and_is_named(make, english):
    rare = "\U0002a6d6"
    html = figure_html(make.estimates("bars", ["North", f"A{rare}<"]), english)
    assert f'<span class="note undrawn" title="{rare}">' in html
    assert f"in the figure they are boxes: {rare}</span>" in html
    assert "undrawn" not in figure_html(make.estimates("bars", ["North", "华东"]), english)


def test_answers_lie_around_the_middle_and_carry_their_shares(english, make):
    axes = draw(make.example("diverging"), english).axes[0]
    bars = [bar for bar in axes.patches if bar.get_width() > 0]
    first = bars[:5]
    assert sum(bar.get_width() for bar in first) == pytest.approx(1)
    # a tenth of the middle answers lies on each side of the line
    assert first[0].get_x() == pytest.approx(-0.25)
    assert {"5%", "40%"} & set(texts(axes.figure)) == {"40%"}
    assert {"120", "121", "worst answers", "best answers"} <= set(texts(axes.figure))


def test_a_hidden_question_has_a_dash_and_no_bar(english, make):
    result = make.example("diverging")
    table = result.table.assign(suppressed=True, value=float("nan"), n=float("nan"))
    axes = draw(replace(result, table=table), english).axes[0]
    assert not [bar for bar in axes.patches if bar.get_width() > 0]
    assert texts(axes.figure).count("–") == 4


def test_a_map_names_points_and_corners_and_greys_what_must_not_be_read(english, make):
    axes = draw(make.example("quadrants"), english).axes[0]
    assert {"Speed", "Price", "Luck", "start here", "keep it up"} <= set(texts(axes.figure))
    dots = [points for points in axes.collections if len(points.get_facecolor())]
    colours = [matplotlib.colors.to_hex(points.get_facecolor()[0]) for points in dots]
    # what matters much and does badly, what does well, and what must not be read
    assert colours == [theme.BAD, theme.colour(0), theme.DIM]
    assert len([line for line in axes.get_lines() if line.get_linestyle() != "-"]) == 2


def test_a_small_group_is_grey_and_a_hidden_one_not_there(english, make):
    result = make.estimates("interval_dots", ["North", "South", "East"])
    table = result.table.assign(small=[False, True, False], suppressed=[False, False, True])
    axes = draw(replace(result, table=table), english).axes[0]
    dots = [points for points in axes.collections if len(points.get_facecolor())]
    assert [matplotlib.colors.to_hex(points.get_facecolor()[0]) for points in dots] == [theme.colour(0), "#a3acb6"]
