"""Slides: each sentence is a finding, each number stands in a result, charts carry their data, and nothing of a client runs."""

import json
import re
import zipfile
from dataclasses import replace
from io import BytesIO

import pandas as pd
import pytest
from pptx import Presentation
from pptx.util import Inches
from python_calamine import CalamineWorkbook

from crmkit.core.format import format_value
from crmkit.core.language import Locale
from crmkit.core.results import Text
from crmkit.report.office.charts import MAP, sides_of
from crmkit.report.office.deck import write_deck
from crmkit.report.office.drawings import Series, drawing_of, scale, sheet_format
from crmkit.report.office.slides import Box, fitted, lines
from crmkit.show.words import plain
from finished import HOSTILE, bars, found, picture, plain_table
from finished import lines as line_of

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def shapes_of(path):
    """Every shape of every slide, with the number of its slide."""
    return [(place, shape) for place, slide in enumerate(Presentation(str(path)).slides, start=1) for shape in slide.shapes]


def words_of(shape):
    """Every piece of text of a shape."""
    if shape.has_text_frame:
        return [shape.text_frame.text]
    if shape.has_table:
        return [cell.text for row in shape.table.rows for cell in row.cells]
    return (
        [*shape.chart.plots[0].categories, *(series.name for series in shape.chart.plots[0].series)] if shape.has_chart else []
    )


def charts_of(path):
    return [shape.chart for _, shape in shapes_of(path) if shape.has_chart]


def sheet_of(chart):
    return CalamineWorkbook.from_filelike(BytesIO(chart.part.chart_workbook.xlsx_part.blob)).get_sheet_by_index(0).to_python()


def recorded(home):
    """Every number of the reports of a client: of their words, and of the cells of their tables as a page would round them."""
    said = ""
    for folder in (home / "reports").glob("acme/*/runs/*/*"):
        said += (folder / "report.json").read_text(encoding="utf-8")
        for path in (folder / "results").glob("*.parquet"):
            table = pd.read_parquet(path)
            said += " ".join(map(str, table.select_dtypes("object").to_numpy().ravel()))
            for value in table.select_dtypes("number").to_numpy().ravel():
                for unit in ("share", "money", "count", "number", "ratio", "points", "days"):
                    for decimals in (None, 0, 1, 2):
                        said += f" {format_value(value, unit, decimals=decimals)}"
    return set(NUMBER.findall(said))


def test_every_sentence_is_a_finding_and_every_number_is_recorded(whole):
    (path,) = write_deck("acme").paths
    reports = [json.loads(one.read_text(encoding="utf-8")) for one in whole.dated.glob("runs/*/*/report.json")]
    findings = {plain(one["text"]) for report in reports for one in report["findings"]}
    titles = {one["title"] for report in reports for one in report["exhibits"]}
    known = recorded(whole.home) | {"31", "2025"}
    heads = [slide.shapes.title.text_frame.text for slide in Presentation(str(path)).slides]
    own = {"ACME & Söhne <GmbH>", "What to decide", "How far these numbers can be trusted"}
    assert not [head for head in heads if head not in findings | titles | own]
    assert sum(head in findings for head in heads) >= 5
    unknown = {
        (place, number)
        for place, shape in shapes_of(path)
        for words in words_of(shape)
        for number in NUMBER.findall(words)
        if number not in known and number != str(place) and "more; all of them" not in words
    }
    assert not unknown


def test_there_are_eight_to_twelve_slides_four_charts_and_tables(whole):
    written = write_deck("acme")
    presentation = Presentation(str(written.paths[0]))
    assert 8 <= len(presentation.slides) <= 12
    assert len(charts_of(written.paths[0])) == 6
    assert sum(shape.has_table for _, shape in shapes_of(written.paths[0])) >= 2
    assert written.paths[0].name == "acme-2025-12-31.pptx"
    assert not [note for note in written.notes if "fewer" in note.template]


def test_charts_have_their_data_and_a_sheet_with_the_same(whole):
    for chart in charts_of(write_deck("acme").paths[0]):
        sheet = sheet_of(chart)
        cells = [cell for row in sheet for cell in row]
        for series in chart.plots[0].series:
            values = [value for value in series.values if value is not None]
            assert values
            assert series.name in cells
            # the sheet keeps sixteen digits
            held = {round(cell, 12) for cell in cells if isinstance(cell, float)}
            assert not {round(value, 12) for value in values} - held
        assert not [name for name in chart.plots[0].categories if name not in [row[0] for row in sheet]]


def test_the_sheet_of_bars_holds_the_limits_and_the_bars_show_them(office):
    office("churn", [bars("churn_a", ["x", "y", "z"])], [found("churn.a", "It is so.", "churn_a")])
    (chart,) = charts_of(write_deck("acme").paths[0])
    head, *rows = sheet_of(chart)
    assert head == ["", "a", "a: lower limit", "a: upper limit"]
    assert [row[1:] for row in rows] == [pytest.approx([0.1 * n + 0.05, 0.1 * n, 0.1 * n + 0.1]) for n in range(3)]
    assert [row[0] for row in rows] == [
        "x\n5% (0% to 10%) · n = 100",
        "y\n15% (10% to 20%) · n = 101",
        "z\n25% (20% to 30%) · n = 102",
    ]
    # lengths from the end of the bar
    lengths = re.findall(r"<c:v>([\d.e-]+)</c:v>", re.search("<c:errBars>.*</c:errBars>", chart._chartSpace.xml, re.DOTALL)[0])
    assert [float(one) for one in lengths] == pytest.approx([0.05] * 6)


def test_values_of_one_row_of_bars_stand_in_their_names_and_of_more_on_the_bars(office):
    alone, pair = bars("churn_a", ["x", "y"]), bars("churn_b", ["x", "y"], measures=("a", "b"))
    shown = [bare(alone), bare(pair)]
    office("churn", shown, [found("churn.a", "It is so.", "churn_a"), found("churn.b", "So is this.", "churn_b")])
    one, two = (chart.plots[0] for chart in charts_of(write_deck("acme").paths[0]))
    assert [len(one.series), one.has_data_labels, len(two.series), two.has_data_labels] == [1, False, 2, True]
    assert list(one.categories) == ["x\n5% · n = 100", "y\n15% · n = 101"]


def bare(result):
    """The same bars without limits."""
    table = result.table.assign(low=float("nan"), high=float("nan"))
    table.attrs = dict(result.table.attrs)
    return replace(result, table=table)


def test_elements_stand_in_the_order_that_powerpoint_demands(whole):
    order = [
        "idx",
        "order",
        "tx",
        "spPr",
        "invertIfNegative",
        "marker",
        "dPt",
        "dLbls",
        "errBars",
        "cat",
        "xVal",
        "val",
        "yVal",
        "smooth",
    ]
    found_bars = 0
    for chart in charts_of(write_deck("acme").paths[0]):
        for series in chart._chartSpace.iter("{http://schemas.openxmlformats.org/drawingml/2006/chart}ser"):
            names = [child.tag.split("}")[1] for child in series]
            assert names == sorted(names, key=order.index)
            found_bars += names.count("errBars")
    assert found_bars >= 4


def test_what_is_hostile_is_text_everywhere(whole):
    """A name of the data that a spreadsheet would take for a formula, a page for a script and XML for an entity."""
    (path,) = write_deck("acme").paths
    shown = plain(HOSTILE)
    assert "\x07" not in shown
    named = [words for _, shape in shapes_of(path) for words in words_of(shape) if words.startswith("=HYPERLINK")]
    assert len(named) == 2
    assert all(
        words.split("\n")[0] == shown[: len(words.split("\n")[0])] or words.split("\n")[0].endswith("…") for words in named
    )
    for chart in charts_of(path):
        with zipfile.ZipFile(BytesIO(chart.part.chart_workbook.xlsx_part.blob)) as book:
            assert b"<f>" not in book.read("xl/worksheets/sheet1.xml")
            assert "hyperlinks" not in book.read("xl/worksheets/sheet1.xml").decode()


def test_rows_of_single_customers_are_nowhere(whole):
    (path,) = write_deck("acme").paths
    with zipfile.ZipFile(path) as package:
        assert not [name for name in package.namelist() if b"SECRET" in package.read(name)]


def test_a_group_that_is_too_small_has_no_bar_and_no_number(office):
    result = bars("churn_a", ["x", "y", "z"])
    result.table["suppressed"] = [False, True, False]
    drawing = drawing_of(result, Locale())
    assert drawing.series[0].values[1] is None
    assert drawing.series[0].low[1] is None
    assert drawing.categories[1] == "y"


def test_the_same_reports_give_the_same_bytes(whole, monkeypatch):
    import time

    (path,) = write_deck("acme").paths
    before = path.read_bytes()
    monkeypatch.setattr(time, "time", lambda: 2e9)
    monkeypatch.setattr(time, "localtime", lambda *_: time.gmtime(2e9))
    write_deck("acme")
    assert path.read_bytes() == before
    core = Presentation(str(path)).core_properties
    assert core.created == core.modified == pd.Timestamp("2025-12-31")
    assert not core.author


def test_a_client_with_one_page_gets_what_there_is_and_is_told(office):
    office("churn", [bars("churn_a", ["x", "y"])], [found("churn.a", "It is so.", "churn_a")])
    written = write_deck("acme")
    assert len(Presentation(str(written.paths[0])).slides) == 3
    assert any("fewer than" in note.template for note in written.notes)


@pytest.mark.parametrize("letter", ["W", "客", "Wort "])
def test_a_name_of_200_characters_stays_on_its_slide(office, letter):
    title = (letter * 200)[:200].strip()
    office("churn", [bars("churn_a", ["x", "y"])], [found("churn.a", "It is so.", "churn_a")], title=title)
    office.params(title=title)
    cover = Presentation(str(write_deck("acme").paths[0])).slides[0].shapes.title
    size = cover.text_frame.paragraphs[0].runs[0].font.size.pt
    assert cover.text_frame.text == title
    assert lines(title, cover.width / 12700, size) * size <= cover.height / 12700


def test_chinese_has_its_font_in_every_run_and_in_the_theme(office):
    office("churn", [bars("churn_a", ["北", "南"])], [found("churn.a", "流失客户最多。", "churn_a")], language="zh")
    office.params(language="zh")
    (path,) = write_deck("acme").paths
    with zipfile.ZipFile(path) as package:
        slides = "".join(package.read(name).decode() for name in package.namelist() if name.startswith("ppt/slides/slide"))
        theme = package.read("ppt/theme/theme1.xml").decode()
    runs = re.findall(r"<a:rPr[^>]*>(.*?)</a:rPr>", slides)
    assert runs
    assert all('<a:ea typeface="Microsoft YaHei"/>' in run for run in runs)
    assert theme.count('<a:ea typeface="Microsoft YaHei"/>') == 2
    assert 'lang="zh-CN"' in slides
    assert "数据截至2025年12月31日" in slides


def template(home, name="corporate.pptx", change=None):
    """A template of the client: 4:3, with an example slide."""
    made = Presentation()
    made.slides.add_slide(made.slide_layouts[1]).shapes.title.text_frame.text = "AN EXAMPLE"
    if change:
        change(made)
    made.save(str(home / "params" / "acme" / name))


def test_a_template_gives_its_size_and_layouts_and_loses_its_examples(whole):
    template(whole.home)
    whole.params(brand={"deck": "corporate.pptx"})
    presentation = Presentation(str(write_deck("acme").paths[0]))
    assert (presentation.slide_width, presentation.slide_height) == (Inches(10), Inches(7.5))
    assert {slide.slide_layout.name for slide in presentation.slides} == {"Title Only"}
    words = [text for _, shape in shapes_of(write_deck("acme").paths[0]) for text in words_of(shape)]
    assert "AN EXAMPLE" not in words
    for _, shape in shapes_of(write_deck("acme").paths[0]):
        assert shape.left >= 0
        assert shape.left + shape.width <= Inches(10)


def test_a_file_of_the_kind_potx_is_opened_too(whole):
    template(whole.home)
    source = whole.home / "params" / "acme" / "corporate.pptx"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(source.with_suffix(".potx"), "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"presentation.main+xml", b"template.main+xml"))
    whole.params(brand={"deck": "corporate.potx"})
    assert write_deck("acme").paths


def without_layouts(made):
    for master in made.slide_masters:
        for layout in list(master.slide_layouts):
            if not layout.used_by_slides:
                master.slide_layouts.remove(layout)
    made.slides._sldIdLst.clear()
    for layout in list(made.slide_masters[0].slide_layouts):
        made.slide_masters[0].slide_layouts.remove(layout)


def without_titles(made):
    for layout in made.slide_layouts:
        for one in list(layout.placeholders):
            one._element.getparent().remove(one._element)


@pytest.mark.parametrize(("change", "said"), [(without_layouts, "has no layouts"), (without_titles, "no layout with a title")])
def test_a_template_in_which_nothing_fits_is_refused(whole, command, change, said):
    template(whole.home, change=change)
    whole.params(brand={"deck": "corporate.pptx"})
    code, out, err = command("deck", "acme")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"no zip at all", "is no file of PowerPoint"), (None, "holds macros"), (b"PK", "is no file of PowerPoint")],
)
def test_what_is_no_template_is_refused(whole, command, content, said):
    path = whole.home / "params" / "acme" / "corporate.pptx"
    if content is None:
        with zipfile.ZipFile(path, "w") as package:
            package.writestr("[Content_Types].xml", "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml")
    else:
        path.write_bytes(content)
    whole.params(brand={"deck": "corporate.pptx"})
    code, _, err = command("deck", "acme")
    assert code == 2
    assert said in err
    assert err.count("\n") == 1


def test_the_brand_is_on_the_slides(whole):
    (whole.home / "params" / "acme" / "logo.png").write_bytes(picture())
    whole.params(
        brand={"logo": "logo.png", "colours": ["#880000", "#006688"], "author": "A & B", "confidential": "For ACME only"}
    )
    (path,) = write_deck("acme").paths
    presentation = Presentation(str(path))
    words = [text for _, shape in shapes_of(path) for text in words_of(shape)]
    assert sum("For ACME only" in text for text in words) == len(presentation.slides)
    assert any("A & B" in text for text in words)
    assert sum(shape.shape_type == 13 for shape in presentation.slides[0].shapes) == 1
    assert str(presentation.slides[1].shapes.title.text_frame.paragraphs[0].runs[0].font.color.rgb) == "880000"
    series = charts_of(path)[0].plots[0].series[0]
    assert "880000" in series._element.xml
    assert presentation.core_properties.author == "A & B"


def test_without_the_library_there_is_one_message(whole, command, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name in ("pptx", "docx") else find(name, *more)
    )
    for name, package in (("deck", "python-pptx"), ("doc", "python-docx")):
        code, _, err = command(name, "acme")
        assert (code, err) == (2, f"crmkit {name} needs {package}, which is not installed: pip install 'crmkit[office]'\n")


@pytest.mark.parametrize("name", ["deck", "doc", "brief", "open"])
def test_a_client_without_a_page_is_told_what_to_run_first(office, command, name):
    code, out, err = command(name, "acme")
    assert (code, out) == (2, "")
    assert "run first: crmkit run acme" in err
    assert command(name, "nobody")[0] == 2


def test_reports_of_an_earlier_version_are_run_again_first(office, command):
    folder = office("churn", [bars("churn_a", ["x", "y"])], [found("churn.a", "It is so.", "churn_a")])
    path = folder / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    del report["exhibits"][0]["shown"]
    path.write_text(json.dumps(report), encoding="utf-8")
    code, _, err = command("deck", "acme")
    assert code == 2
    assert "crmkit run acme --force" in err


def test_a_long_table_says_how_many_rows_are_left(office):
    office("churn", [plain_table("churn_a", 80)], [found("churn.a", "It is so.", "churn_a")])
    (path,) = write_deck("acme").paths
    (grid,) = [shape.table for _, shape in shapes_of(path) if shape.has_table]
    left = [text for _, shape in shapes_of(path) for text in words_of(shape) if "more; all of them" in text]
    assert left == [f"and {80 - len(grid.rows) + 1} more; all of them are on the page"]


def test_a_step_keeps_its_value_and_days_count_as_a_spreadsheet_counts_them():
    step = drawing_of(line_of("a", step=True), Locale())
    assert step.series[0].x == (0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5)
    assert step.series[0].values[:4] == pytest.approx((1.0, 1.0, 0.9, 0.9))
    assert drawing_of(line_of("a", dated=True), Locale()).series[0].x[0] == 45688


def test_more_than_a_slide_holds_is_no_chart():
    assert drawing_of(bars("a", [str(one) for one in range(40)]), Locale()) is None
    assert drawing_of(line_of("a", [str(one) for one in range(9)]), Locale()) is None
    assert drawing_of(plain_table("a"), Locale()) is None


def test_a_reference_is_where_bars_begin_and_is_said():
    drawing = drawing_of(bars("a", ["x", "y"], unit="ratio", log=True, reference=(1.0, Text("no effect"))), Locale())
    assert (drawing.start, drawing.log) == (1.0, True)
    assert drawing.label == "Share, line: no effect"


@pytest.mark.parametrize(("low", "high"), [(0, 0.42), (-3, 17), (1e-9, 2e-9), (5, 5), (1e6, 3e6), (0, 0)])
def test_an_axis_holds_all_and_ends_on_its_steps(low, high):
    begin, end, step = scale([low, high])
    assert begin <= low
    assert high <= end
    assert (end - begin) / step == pytest.approx(round((end - begin) / step))
    assert 1 <= (end - begin) / step <= 12


def test_a_sheet_has_decimals_where_values_have_them():
    assert [sheet_format(one, "points", Locale()) for one in ([3.0, 12.0], [3.5, 12.0])] == ["#,##0", "#,##0.0"]
    assert sheet_format([0.25, 1.0], "score", Locale()) == "#,##0.00"


def test_a_name_keeps_seven_points_above_its_point():
    """Right and left are taken; a point beside it that reaches into the room above sends the name below, and no other."""

    def side(up):
        # where points stand on the slide: the named one, one close above it, one to its left, and two that span the map
        spots = [(0, 0), (3, up), (-12, 0), (-MAP[0] / 2, -MAP[1] / 2), (MAP[0] / 2, MAP[1] / 2)]
        return sides_of(Series("", tuple(y for _, y in spots), x=tuple(x for x, _ in spots)), ("Delivery", "b", "c", "d", "e"))[
            0
        ]

    # a point takes six to each side
    assert [side(1.5), side(0.5)] == ["below", "above"]


def test_text_is_made_smaller_until_it_fits_and_only_then_cut():
    box = Box(0, 0, 200, 40)
    assert fitted("short", box, (20, 10)) == ("short", 20)
    assert fitted("a few more words than that", box, (20, 10))[1] == 10
    said, size = fitted("far too many words " * 50, box, (20, 10))
    assert said.endswith("…")
    assert lines(said, 200, size) * size <= 40
