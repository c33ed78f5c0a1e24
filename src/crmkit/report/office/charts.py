"""How does a chart get onto a slide so that PowerPoint can edit it? Native, with a data sheet, colours and intervals of ours.

The data sheet is written here and not by python-pptx, which would let a name that begins with '=' become a formula, and would
date the sheet by the clock.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from crmkit.core.language import Locale, translate
from crmkit.core.results import Unit
from crmkit.report.office.drawings import LOWER, UPPER, Drawing, Numbers, Series, scale, sheet_format
from crmkit.show import theme
from crmkit.show.words import width

FEW_POINTS = 15
TEXT_POINTS, LABEL_POINTS = 12, 11
# of the width and height of a chart: where the plot is, beside the names of bars, above the axis
BESIDE, ABOVE, PLOT_WIDTH, PLOT_HEIGHT = 0.34, 0.04, 0.63, 0.80
MIDDLE, PALE = "#dcdfe3", "#a3acb6"
# about how large the map of points is, in points of type, from its first point to its last
MAP = (620, 230)
CHART_SPACE = "http://schemas.openxmlformats.org/drawingml/2006/chart"
SPACE = f'xmlns:c="{CHART_SPACE}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
ERROR_BARS = (
    f"<c:errBars {SPACE}>"
    '{way}<c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="0"/>'
    "<c:plus>{plus}</c:plus><c:minus>{minus}</c:minus>"
    '<c:spPr><a:ln w="15875"><a:solidFill><a:srgbClr val="{ink}"/></a:solidFill></a:ln></c:spPr></c:errBars>'
)
LAYOUT = (
    f"<c:layout {SPACE}><c:manualLayout>"
    '<c:layoutTarget val="inner"/>'
    '<c:xMode val="edge"/><c:yMode val="edge"/><c:x val="{x}"/><c:y val="{y}"/><c:w val="{w}"/><c:h val="{h}"/>'
    "</c:manualLayout></c:layout>"
)


def add_chart(
    slide: Any, drawing: Drawing, place: Sequence[Any], *, colours: Sequence[str], locale: Locale, made: dt.datetime, alt: str
) -> Any:
    """Put a chart on a slide.

    Parameters
    ----------
    slide : pptx.slide.Slide
    drawing : Drawing
    place : sequence of Length
        Left, top, width, height.
    colours : sequence of str
        Of the series, ``#rrggbb``.
    locale : Locale
    made : datetime
        By which the data sheet is dated.
    alt : str
        What the chart shows, for readers who cannot see it.

    Returns
    -------
    pptx.chart.chart.Chart
    """
    from pptx.enum.chart import XL_LEGEND_POSITION
    from pptx.util import Pt

    frame = slide.shapes.add_chart(_kind(drawing), *place, _data(drawing))
    frame._element.nvGraphicFramePr.cNvPr.set("descr", alt)
    chart = frame.chart
    chart.part.chart_workbook.update_from_xlsx_blob(_sheet(drawing, locale, made))
    chart.font.size = Pt(TEXT_POINTS)
    chart.font.color.rgb = rgb(theme.INK)
    chart.has_title = False
    named = [one for one in drawing.series if not one.side]
    chart.has_legend = len(named) > 1
    if chart.has_legend:
        chart.legend.position = XL_LEGEND_POSITION.TOP
        chart.legend.include_in_layout = False
        chart.legend.font.size = Pt(TEXT_POINTS)
        _leave_out(chart, [place for place, one in enumerate(drawing.series) if one.side])
    if drawing.form in ("bars", "stacked"):
        _draw_bars(chart, drawing, colours, locale)
    else:
        _draw_lines(chart, drawing, colours, locale)
    return chart


def rgb(colour: str) -> Any:
    """A colour ``#rrggbb`` as python-pptx takes it."""
    from pptx.dml.color import RGBColor

    return RGBColor.from_string(colour.lstrip("#").upper())


def _kind(drawing: Drawing) -> Any:
    from pptx.enum.chart import XL_CHART_TYPE

    few = max(len(one.values) for one in drawing.series) <= FEW_POINTS
    return {
        "bars": XL_CHART_TYPE.BAR_CLUSTERED,
        "stacked": XL_CHART_TYPE.BAR_STACKED_100,
        "lines": XL_CHART_TYPE.XY_SCATTER_LINES if few else XL_CHART_TYPE.XY_SCATTER_LINES_NO_MARKERS,
        "points": XL_CHART_TYPE.XY_SCATTER,
    }[drawing.form]


def _data(drawing: Drawing) -> Any:
    from pptx.chart.data import CategoryChartData, XyChartData

    if drawing.form in ("bars", "stacked"):
        bars = CategoryChartData()
        bars.categories = drawing.categories
        for one in drawing.series:
            bars.add_series(one.name, one.values)
        return bars
    lines = XyChartData()
    for one in drawing.series:
        row = lines.add_series(one.name)
        for x, y in zip(one.x, one.values, strict=True):
            if y is not None:
                row.add_data_point(x, y)
    return lines


def _sheet(drawing: Drawing, locale: Locale, made: dt.datetime) -> bytes:
    """The data sheet, in the cells that the chart refers to; limits stand behind the values."""
    import xlsxwriter

    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"created": made})
        sheet = book.add_worksheet("Sheet1")
        style = book.add_format({"num_format": _format(drawing, locale)})
        if drawing.form in ("bars", "stacked"):
            for row, name in enumerate(drawing.categories, start=1):
                sheet.write_string(row, 0, name)
            for place, (name, numbers) in enumerate(_columns(drawing, locale), start=1):
                _write(sheet, 0, place, name, numbers, style)
        along = book.add_format({"num_format": sheet_format(_along(drawing), drawing.x_unit, locale)})
        row = 0
        for one in drawing.series if drawing.form in ("lines", "points") else ():
            pairs = [(x, y) for x, y in zip(one.x, one.values, strict=True) if y is not None]
            _write(sheet, row, 0, "", [x for x, _ in pairs], along)
            _write(sheet, row, 1, one.name, [y for _, y in pairs], style)
            row += len(pairs) + 2
    return content.getvalue()


def _columns(drawing: Drawing, locale: Locale) -> list[tuple[str, Numbers]]:
    """Heading and numbers of each column: first those that the chart draws, then their limits."""
    limits = [
        (f"{one.name}: {translate(word, locale.language)}", numbers)
        for one in drawing.series
        for word, numbers in ((LOWER, one.low), (UPPER, one.high))
        if any(number is not None for number in numbers)
    ]
    return [*((one.name, one.values) for one in drawing.series), *limits]


def _write(sheet: Any, row: int, column: int, name: str, numbers: Sequence[float | None], style: Any) -> None:
    if name:
        sheet.write_string(row, column, name)
    for place, number in enumerate(numbers, start=row + 1):
        if number is not None:
            sheet.write_number(place, column, number, style)


def _format(drawing: Drawing, locale: Locale) -> str:
    return sheet_format([value for one in drawing.series for value in (*one.values, *one.low, *one.high)], drawing.unit, locale)


def _along(drawing: Drawing) -> list[float]:
    return [x for one in drawing.series for x in (*one.x, *one.x_low, *one.x_high) if x is not None]


def _leave_out(chart: Any, places: Sequence[int]) -> None:
    """Take series that only accompany others out of the legend."""
    from pptx.oxml import parse_xml

    legend = chart.legend._element
    for place in places:
        entry = parse_xml(f'<c:legendEntry {SPACE}><c:idx val="{place}"/><c:delete val="1"/></c:legendEntry>')
        legend.insert(1, entry)


def _draw_bars(chart: Any, drawing: Drawing, colours: Sequence[str], locale: Locale) -> None:
    """Lying bars, the first one on top, from where the reference is; whiskers where there are limits."""
    from pptx.enum.chart import XL_TICK_LABEL_POSITION, XL_TICK_MARK

    stacked = drawing.form == "stacked"
    plot, names, numbers = chart.plots[0], chart.category_axis, chart.value_axis
    plot.gap_width = 55
    plot.overlap = 100 if stacked else -5
    shades = _shades(len(drawing.series)) if stacked else colours
    for one, drawn, shade in zip(drawing.series, plot.series, _again(shades), strict=False):
        drawn.format.fill.solid()
        drawn.format.fill.fore_color.rgb = rgb(shade)
        drawn.invert_if_negative = False
        _add_whiskers(drawn, one.values, one.low, one.high)
    names.reverse_order = True
    names.tick_label_position = XL_TICK_LABEL_POSITION.LOW
    names.major_tick_mark = XL_TICK_MARK.NONE
    _line_of(names, theme.MUTED)
    # the names run down, so the far side of the plot is below
    numbers.tick_label_position = XL_TICK_LABEL_POSITION.HIGH
    values = [value for one in drawing.series for value in (*one.values, *one.low, *one.high)]
    if stacked:
        _ticks(numbers, 0.0, 1.0, 0.2, "0%")
    else:
        begin, end, step = scale([*values, drawing.start], log=drawing.log)
        _ticks(numbers, begin, end, step, _format(drawing, locale), log=drawing.log)
        numbers.crosses_at = drawing.start
        if len(drawing.series) > 1 and len(drawing.series) * len(drawing.categories) <= FEW_POINTS:
            plot.has_data_labels = not any(limit is not None for one in drawing.series for limit in one.low)
    _name(numbers, drawing.label)
    _lay_out(chart, BESIDE, PLOT_WIDTH)


def _shades(count: int) -> list[str]:
    """Colours of answers from the worst to the best."""
    every = theme.DIVERGING
    middle = [MIDDLE if shade == every[len(every) // 2] else shade for shade in every]
    return [middle[round(place * (len(every) - 1) / max(1, count - 1))] for place in range(count)]


def _add_whiskers(
    drawn: Any, values: Sequence[float | None], low: Sequence[float | None], high: Sequence[float | None], *, way: str = ""
) -> None:
    """Intervals as lengths from the value, which is how a chart keeps them; ``way`` is x or y where both are possible."""
    from pptx.oxml import parse_xml

    if not any(limit is not None for limit in low):
        return
    rows = list(zip(values, low, high, strict=True))
    known = [None not in row for row in rows]
    plus = [max(0.0, row[2] - row[0]) if whole else 0.0 for row, whole in zip(rows, known, strict=True)]  # type: ignore[operator]
    minus = [max(0.0, row[0] - row[1]) if whole else 0.0 for row, whole in zip(rows, known, strict=True)]  # type: ignore[operator]
    direction = f'<c:errDir val="{way}"/>' if way else ""
    ink = (theme.MUTED if way else theme.INK).lstrip("#").upper()
    made = parse_xml(ERROR_BARS.format(way=direction, plus=_literal(plus), minus=_literal(minus), ink=ink))
    drawn._element.find(f"{{{CHART_SPACE}}}{'xVal' if way else 'cat'}").addprevious(made)


def _literal(numbers: Sequence[float]) -> str:
    points = "".join(f'<c:pt idx="{place}"><c:v>{number!r}</c:v></c:pt>' for place, number in enumerate(numbers))
    return f'<c:numLit><c:formatCode>General</c:formatCode><c:ptCount val="{len(numbers)}"/>{points}</c:numLit>'


def _draw_lines(chart: Any, drawing: Drawing, colours: Sequence[str], locale: Locale) -> None:
    """Lines in the colours of their groups, their limits in the same colour and thin; or points with their names."""
    from pptx.enum.chart import XL_MARKER_STYLE
    from pptx.enum.dml import MSO_LINE
    from pptx.util import Pt

    group, points, most = -1, drawing.form == "points", max(len(one.values) for one in drawing.series)
    for one, drawn in zip(drawing.series, chart.plots[0].series, strict=True):
        group += not one.side
        shade = rgb(theme.MUTED if points and one.side else colours[group % len(colours)])
        drawn.smooth = False
        drawn.format.line.color.rgb = shade
        # a line to compare with, such as a limit or a mean
        flat = len(set(one.values)) == 1 or len(one.values) == 2
        drawn.format.line.width = Pt(1 if one.side else 1.5 if flat else 2.5)
        if one.side or flat or group >= len(colours):
            drawn.format.line.dash_style = MSO_LINE.DASH
        few = not one.side and not flat and (points or most <= FEW_POINTS)
        drawn.marker.style = XL_MARKER_STYLE.CIRCLE if few else XL_MARKER_STYLE.NONE
        if few:
            drawn.marker.size = 9 if points else 6
            drawn.marker.format.fill.solid()
            drawn.marker.format.fill.fore_color.rgb = shade
            drawn.marker.format.line.color.rgb = shade
        if points and not one.side:
            drawn.format.line.fill.background()
            _draw_points(drawn, one, drawing.categories)
    values = [value for one in drawing.series for value in (*one.values, *one.low, *one.high)]
    share = drawing.unit == "share" and all(0 <= value <= 1 for value in values if value is not None)
    begin, end, step = scale([*values, *([0.0] if share and not points else [])])
    _ticks(chart.value_axis, begin, min(1.0, end) if share else end, step, _tick_format(drawing.unit, step, locale))
    begin, end, step = scale(_along(drawing))
    along = chart.category_axis
    if drawing.x_unit == "date":
        begin, end, step = min(_along(drawing)), max(_along(drawing)), max(1.0, round((max(_along(drawing)) - begin) / 6))
    _ticks(along, begin, end, step, _tick_format(drawing.x_unit, step, locale))
    along.has_major_gridlines = points
    _name(along, drawing.x_label)
    _name(chart.value_axis, drawing.label)


def _draw_points(drawn: Any, one: Series, names: Sequence[str]) -> None:
    """Names beside points, each on the side where it covers nothing; intervals both ways; grey what must not be read."""
    from pptx.enum.chart import XL_LABEL_POSITION
    from pptx.util import Pt

    sides = {"right": XL_LABEL_POSITION.RIGHT, "left": XL_LABEL_POSITION.LEFT}
    sides |= {"above": XL_LABEL_POSITION.ABOVE, "below": XL_LABEL_POSITION.BELOW}
    _add_whiskers(drawn, one.x, one.x_low, one.x_high, way="x")
    _add_whiskers(drawn, one.values, one.low, one.high, way="y")
    for place, (name, side) in enumerate(zip(names, sides_of(one, names), strict=True)):
        point = drawn.points[place]
        if place < len(one.pale) and one.pale[place]:
            point.marker.format.fill.solid()
            point.marker.format.fill.fore_color.rgb = rgb(PALE)
        label = point.data_label
        label.has_text_frame = True
        label.text_frame.text = name
        label.text_frame.paragraphs[0].font.size = Pt(LABEL_POINTS)
        label.position = sides[side]


def sides_of(one: Series, names: Sequence[str]) -> list[str]:
    """On which side of its point each name stands: the first one on which it covers no other name and no point.

    Examples
    --------
    >>> sides_of(Series("", (1.0, 1.0, 1.0), x=(1.0, 1.05, 2.0)), ("Delivery", "Price", "Choice"))
    ['left', 'right', 'right']
    """
    spans = [max(numbers) - min(numbers) or 1.0 for numbers in (one.x, [value or 0.0 for value in one.values])]
    spots = [(x / spans[0] * MAP[0], (value or 0.0) / spans[1] * MAP[1]) for x, value in zip(one.x, one.values, strict=True)]
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in spots]
    chosen = []
    for (x, y), name in zip(spots, names, strict=True):
        across, high = width(name) * LABEL_POINTS * 0.55, LABEL_POINTS * 1.3
        boxes = {
            "right": (x + 7, y - high / 2, x + 7 + across, y + high / 2),
            "left": (x - 7 - across, y - high / 2, x - 7, y + high / 2),
            "above": (x - across / 2, y + 7, x + across / 2, y + 7 + high),
            "below": (x - across / 2, y - 7 - high, x + across / 2, y - 7),
        }
        free = (side for side, box in boxes.items() if not any(_meet(box, other) for other in taken))
        chosen.append(next(free, "right"))
        taken.append(boxes[chosen[-1]])
    return chosen


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _tick_format(unit: Unit, step: float, locale: Locale) -> str:
    """Ticks need the decimals of their step."""
    return sheet_format([step], unit, locale)


def _ticks(axis: Any, begin: float, end: float, step: float, written: str, *, log: bool = False) -> None:
    from pptx.oxml import parse_xml
    from pptx.util import Pt

    axis.minimum_scale, axis.maximum_scale, axis.major_unit = begin, end, step
    axis.tick_labels.number_format, axis.tick_labels.number_format_is_linked = written, False
    axis.tick_labels.font.size = Pt(LABEL_POINTS)
    axis.has_major_gridlines = True
    axis.major_gridlines.format.line.color.rgb = rgb(theme.RULE)
    _line_of(axis, theme.MUTED)
    if log:
        axis._element.find(f"{{{CHART_SPACE}}}scaling").insert(0, parse_xml(f'<c:logBase {SPACE} val="2"/>'))


def _line_of(axis: Any, colour: str) -> None:
    axis.format.line.color.rgb = rgb(colour)


def _name(axis: Any, words: str) -> None:
    from pptx.util import Pt

    axis.has_title = bool(words)
    if words:
        axis.axis_title.text_frame.text = words
        run = axis.axis_title.text_frame.paragraphs[0].runs[0]
        run.font.size, run.font.bold = Pt(LABEL_POINTS), False


def _lay_out(chart: Any, x: float, w: float) -> None:
    """Leave the names of bars enough room: without it one program gives them a third and another a tenth."""
    from pptx.oxml import parse_xml

    plot = chart._chartSpace.chart.plotArea
    for old in plot.findall(f"{{{CHART_SPACE}}}layout"):
        plot.remove(old)
    top = ABOVE + (0.08 if chart.has_legend else 0.0)
    plot.insert(0, parse_xml(LAYOUT.format(x=x, y=top, w=w, h=PLOT_HEIGHT - top + ABOVE)))


def _again(colours: Sequence[str]) -> Iterator[str]:
    while True:
        yield from colours
