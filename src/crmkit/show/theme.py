"""How does every figure look? One place for colours, sizes and fonts, applied for a moment and never left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any

WIDTH = 7.2
# of a second drawing, for a phone: its letters are as large there as those of the first on a desk
NARROW = 3.7
DPI = 144
SCREEN_DPI = 96
COLOURS = 256
# settings of matplotlib that are no look: to ask for some of them opens a window
OF_WINDOWS = ("backend", "backend_fallback", "interactive", "toolbar")

PAPER = "#ffffff"
INK = "#1f2933"
BLACK = "#000000"
READABLE = 4.5
MUTED = "#5b6672"
RULE = "#d8dde3"
PALE = "#eef1f5"
DIM = "#a3acb6"
BAD = "#a3261b"

# The hues of Okabe and Ito (2008, https://jfly.uni-koeln.de/color/), made darker until each has 3:1 on white (WCAG 1.4.11) and
# moved apart until any two stay apart for readers without red, green or blue cones; the test repeats both checks.
PALETTE = ("#2e8ff9", "#e27514", "#20734c", "#c869ad", "#6b5302")
NEUTRAL = "#39424e"
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
SEQUENTIAL = ("#f3f8ff", "#bcd9fb", "#7db5f5", "#3a86dd", "#14559f", "#0a2f5e")
# the middle is darker than white, which would be lost on the paper
DIVERGING = ("#8a4200", "#e08a3c", "#f7d9b8", "#dfe2e6", "#bcd9fb", "#3a86dd", "#0f4585")

# Matplotlib takes each glyph from the first family that has it, so Latin stays in the first and Chinese falls to the second;
# the others are fonts of systems, for the rare characters of names that the shipped subset lacks.
FONT_FAMILIES = (
    "DejaVu Sans",
    "Noto Sans SC",
    "Noto Sans CJK SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimSun",
)


def colour(position: int) -> str:
    """Colour of the n-th series, counted from 0; they come round again."""
    return PALETTE[position % len(PALETTE)]


def dash(position: int) -> Any:
    """Line style of the n-th series: solid in the first round of colours, then dashed, so that no two series look alike."""
    return DASHES[position // len(PALETTE) % len(DASHES)]


def steps(shades: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Colours at equal steps along a scale.

    Examples
    --------
    >>> steps(("#000000", "#ffffff"), 3)
    ('#000000', '#808080', '#ffffff')
    """
    found = []
    for place in range(count):
        whole, part = divmod(place * (len(shades) - 1) / (count - 1), 1)
        first, second = (shades[min(int(whole) + more, len(shades) - 1)] for more in (0, 1))
        ends = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
        found.append("#" + "".join(f"{int(low + (high - low) * part + 0.5):02x}" for low, high in ends))
    return tuple(found)


SEQUENCE, DIVERGENCE = steps(SEQUENTIAL, 9), steps(DIVERGING, 11)


def step(place: float, shades: tuple[str, ...]) -> str:
    """The colour of a scale for a place between 0 and 1."""
    return shades[min(max(int(place * (len(shades) - 1) + 0.5), 0), len(shades) - 1)]


@cache
def font_families() -> list[str]:
    """The families that are there, after the fonts in ``crmkit/show/fonts`` were made known to matplotlib."""
    from matplotlib import font_manager

    folder = resources.files("crmkit.show") / "fonts"
    if folder.is_dir():
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith((".ttf", ".otf")):
                with resources.as_file(file) as path:
                    font_manager.fontManager.addfont(str(path))
    known = set(font_manager.fontManager.get_font_names())
    return [family for family in FONT_FAMILIES if family in known]


@contextmanager
def style() -> Iterator[None]:
    """The look of a figure, for as long as the block lasts; whatever the reader's own settings are, they return after it."""
    import matplotlib as mpl

    with mpl.rc_context():
        # they are valid since they were made; to look at all of them again costs as much as a plain figure
        settings: Any = mpl.rcParams
        dict.update(settings, _looks())
        yield


@cache
def _looks() -> dict[str, Any]:
    """Every setting of a figure; seaborn's come first and ours after them, as ``seaborn.set_theme`` would undo the fonts."""
    import matplotlib as mpl
    import matplotlib.style
    import seaborn as sns

    with matplotlib.style.context(["default", {**sns.axes_style("ticks"), **sns.plotting_context("paper"), **_rc()}]):
        looks = dict(mpl.rcParams.copy())
    return {name: value for name, value in looks.items() if name not in OF_WINDOWS}


def _rc() -> dict[str, Any]:
    return {
        "font.family": font_families(),
        "font.size": 9.5,
        "axes.labelsize": 9.5,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
        "legend.fontsize": 9,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": RULE,
        "ytick.color": RULE,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.major.size": 3.5,
        "ytick.major.size": 0,
        "axes.edgecolor": RULE,
        "axes.facecolor": PAPER,
        "figure.facecolor": PAPER,
        "savefig.facecolor": PAPER,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": PALE,
        "grid.linewidth": 0.9,
        "axes.linewidth": 0.9,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.spines.left": False,
        "axes.labelpad": 7,
        "lines.linewidth": 2.0,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "patch.edgecolor": PAPER,
        "axes.unicode_minus": True,
        "text.parse_math": False,
        "figure.dpi": DPI,
        "figure.constrained_layout.h_pad": 0.09,
        "figure.constrained_layout.w_pad": 0.09,
    }


def ink_on(background: str) -> str:
    """Colour of words on a coloured cell: the usual ink where it can be read (4.5:1, WCAG 1.4.3), else white, else black."""
    light = luminance(background) + 0.05
    if light / (luminance(INK) + 0.05) >= READABLE:
        return INK
    return PAPER if 1.05 / light >= READABLE else BLACK


def luminance(shade: str) -> float:
    """Relative luminance of a colour ``#rrggbb`` as WCAG 2.2 defines it, 0 to 1.

    Examples
    --------
    >>> round(luminance("#ffffff"), 3), luminance("#000000")
    (1.0, 0.0)
    """
    parts = (int(shade[start : start + 2], 16) / 255 for start in (1, 3, 5))
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
