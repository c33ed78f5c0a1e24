"""Stands alone: draws a figure as SVG that may stand inside a page, by matplotlib's own interface for drawing.

matplotlib's own SVG says colours and sizes in ``style``, which the page's policy refuses, and needs identifiers, of which a
page may have each once. Here are a few elements (``svg``, ``path``, ``circle``, ``rect``, ``text``, ``title``) with plain
attributes; colours are names (:mod:`crmkit.show.shades`), letters stay letters, and nothing differs from run to run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from matplotlib.backend_bases import RendererBase
from matplotlib.colors import to_hex
from matplotlib.path import Path

from crmkit.show.figures.told import AREAS, CELL
from crmkit.show.shades import ON, PREFIX, name_of
from crmkit.show.words import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_TIP = 22.0
# points of the path that matplotlib draws a dot as
CIRCLE = 26
# a line of more points is told to the unit
FEW_POINTS = 60
ANCHORS = {"left": (0.0, ""), "center": (0.5, ' text-anchor="middle"'), "right": (1.0, ' text-anchor="end"')}


def svg(figure: Figure, tips: Mapping[int, Sequence[str]], attributes: str) -> tuple[str, int]:
    """A figure as a piece of a page.

    Parameters
    ----------
    figure : Figure
        Laid out.
    tips : mapping of int to sequence of str
        What each marked area says when a pointer is on it, line by line, by its number.
    attributes : str
        Of the element, escaped.

    Returns
    -------
    tuple of str and int
        ``<svg ...>...</svg>``, and of how many elements it is made, areas that speak not counted.
    """
    from matplotlib.text import Text as Label

    for label in figure.findobj(Label):
        # the one word that matplotlib hands on of a label: how its lines are set, and on which shade they stand
        label.set_gid(f"{label.get_horizontalalignment()} {label.get_gid() or ''}")
    for ground in (figure.patch, *(axes.patch for axes in figure.axes)):
        ground.set_visible(False)
    width, height = figure.bbox.size
    pen = _Pen(width, height, figure.dpi)
    figure.draw(pen)
    for axes in figure.axes:
        for number, across, up in axes.__dict__.get(AREAS, ()):
            pen.tip(tips.get(number, ()), axes.transData.transform(list(zip(across, up, strict=True))))
    box = f'viewBox="0 0 {_short(width)} {_short(height)}"'
    return f"<svg {attributes} {box}>{''.join(pen.written)}</svg>", pen.count


class _Pen(RendererBase):  # type: ignore[misc, unused-ignore]
    """Writes what matplotlib draws."""

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__()
        self.size, self.dpi = (width, height), dpi
        self.written: list[str] = []
        self.count = 0
        self.inside: list[str] = []

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self.size

    def points_to_pixels(self, points: Any) -> Any:
        return points * self.dpi / 72

    def open_group(self, s: str, gid: str | None = None) -> None:
        self.inside.append(gid or "")

    def close_group(self, s: str) -> None:
        self.inside.pop()

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        fill, stroke = self._fill(gc, rgbFace), self._stroke(gc)
        if not stroke and ' fill="none"' in fill:
            return
        place = self._place(gc, path, transform, filled=' fill="none"' not in fill)
        if place:
            self.written.append(f"{place}{fill}{stroke}/>")
            self.count += 1

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False, mtext: Any = None
    ) -> None:
        said = plain(s)
        if not said:
            return
        how, _, ground = (self.inside[-1] if self.inside else "left ").partition(" ")
        share, anchor = ANCHORS.get(how, ANCHORS["left"])
        width = self.get_text_width_height_descent(s, prop, ismath)[0] * share
        # upright letters run to the right, those of a label at the side upwards
        turned = 80 < angle < 100
        x, y = (x, y - width) if turned else (x + width, y)
        turn = f' transform="rotate({_short(-angle)} {_short(x)} {_short(y)})"' if angle else ""
        if angle and not turned:
            anchor, turn = "", f' transform="rotate({_short(-angle)} {_short(x - width)} {_short(y)})"'
            x -= width
        shade = f"{ON}{ground.removeprefix(CELL)}" if ground.startswith(CELL) else name_of(to_hex(gc.get_rgb()))
        slant = ' font-style="italic"' if prop.get_style() == "italic" else ""
        bold = ' font-weight="bold"' if prop.get_weight() in ("bold", 600, 700) else ""
        size = _short(self.points_to_pixels(prop.get_size_in_points()))
        self.written.append(
            f'<text x="{_short(x)}" y="{_short(y)}" font-size="{size}" fill="var({PREFIX}{shade})"{anchor}{slant}{bold}{turn}>'
            f"{escape(said, quote=False)}</text>"
        )
        self.count += 1

    def draw_image(self, gc: Any, x: float, y: float, im: Any, transform: Any = None) -> None:
        raise NotImplementedError("no figure of the kit holds a picture")

    def tip(self, lines: Sequence[str], ends: Any) -> None:
        """An area that says something when a pointer is on it, large enough to be hit."""
        (x0, y0), (x1, y1) = ends
        width, height = max(abs(x1 - x0), LEAST_TIP), max(abs(y1 - y0), LEAST_TIP)
        corner = ((x0 + x1 - width) / 2, self.size[1] - (y0 + y1 + height) / 2)
        area = " ".join(
            f'{name}="{round(value)}"'
            for name, value in zip(("x", "y", "width", "height"), (*corner, width, height), strict=True)
        )
        said = escape("\n".join(lines), quote=False)
        if said:
            self.written.append(f'<rect {area} fill="none" pointer-events="all"><title>{said}</title></rect>')

    def _place(self, gc: Any, path: Any, transform: Any, *, filled: bool) -> str:
        height = self.size[1]
        if path.codes is not None and len(path.codes) == CIRCLE and path.codes[1] == Path.CURVE4:
            box = path.get_extents(transform)
            middle = f'cx="{_short((box.x0 + box.x1) / 2)}" cy="{_short(height - (box.y0 + box.y1) / 2)}"'
            return f'<circle {middle} r="{_short(box.width / 2)}"'
        bounds = gc.get_clip_rectangle()
        clip = None if filled or bounds is None else bounds.extents
        simplify = path.should_simplify and not filled
        parts = _Steps(1 if len(path.vertices) > FEW_POINTS else 10)
        for points, code in path.iter_segments(transform, clip=clip, simplify=simplify, curves=True):
            parts.add(code, [(x, height - y) for x, y in zip(points[::2], points[1::2], strict=True)])
        return f'<path d="{parts.text()}"' if parts.found else ""

    def _fill(self, gc: Any, face: Any) -> str:
        if face is None or (len(face) > 3 and not face[3]):
            return ' fill="none"'
        alpha = gc.get_alpha() if gc.get_forced_alpha() else (face[3] if len(face) > 3 else 1.0)
        thin = f' fill-opacity="{alpha:.2g}"' if alpha < 1 else ""
        return f' fill="var({PREFIX}{name_of(to_hex(face[:3]))})"{thin}'

    def _stroke(self, gc: Any) -> str:
        colour = gc.get_rgb()
        if not gc.get_linewidth() or not colour[3]:
            return ""
        width = f' stroke-width="{_short(self.points_to_pixels(gc.get_linewidth()))}"'
        thin = f' stroke-opacity="{colour[3]:.2g}"' if colour[3] < 1 else ""
        cap = f' stroke-linecap="{gc.get_capstyle()}"' if gc.get_capstyle() == "round" else ""
        join = f' stroke-linejoin="{gc.get_joinstyle()}"' if gc.get_joinstyle() == "round" else ""
        _, lengths = gc.get_dashes()
        dash = "" if lengths is None else " ".join(_short(self.points_to_pixels(one)) for one in lengths)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        return f' stroke="var({PREFIX}{name_of(to_hex(colour[:3]))})"{width}{thin}{cap}{join}{dashed}'


class _Steps:
    """A path as steps from point to point; those that lead nowhere are left out, those in one direction are one.

    Parameters
    ----------
    parts : int
        Parts of a pixel that are told apart.
    """

    def __init__(self, parts: int) -> None:
        self.parts, self.at = parts, (0, 0)
        self.found: list[tuple[str, list[int]]] = []

    def add(self, code: Any, points: list[tuple[float, float]]) -> None:
        placed = [(round(x * self.parts), round(y * self.parts)) for x, y in points]
        if code == Path.CLOSEPOLY:
            self.found.append(("z", []))
            return
        across, up = placed[-1][0] - self.at[0], placed[-1][1] - self.at[1]
        if code == Path.LINETO:
            if not across and not up:
                return
            way = "h" if not up else "v" if not across else "l"
            steps = {"h": [across], "v": [up], "l": [across, up]}[way]
            last, before = self.found[-1] if self.found else ("", [])
            if way != "l" and way == last and (steps[0] > 0) == (before[0] > 0):
                before[0] += steps[0]
            else:
                self.found.append((way, steps))
        elif code == Path.MOVETO:
            self.found.append(("M", list(placed[0])))
        else:
            way = {Path.CURVE3: "q", Path.CURVE4: "c"}[code]
            self.found.append((way, [part - here for one in placed for part, here in zip(one, self.at, strict=True)]))
        self.at = placed[-1]

    def text(self) -> str:
        """The path as SVG writes it; a minus parts two numbers as well as a blank does."""
        numbers = (" ".join(_short(step / self.parts) for step in steps).replace(" -", "-") for _, steps in self.found)
        return "".join(way + said for (way, _), said in zip(self.found, numbers, strict=True))


def _short(value: float) -> str:
    """A number with one decimal at most.

    Examples
    --------
    >>> _short(3.0), _short(-0.04), _short(12.345)
    ('3', '0', '12.3')
    """
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
