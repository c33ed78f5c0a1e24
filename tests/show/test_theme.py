"""Colours that everybody can tell apart and read, and fonts in one place."""

from itertools import combinations

import numpy as np
import pytest

from crmkit.core.language import catalogue
from crmkit.show import theme
from crmkit.show.shades import ON, names, shades_css

SERIES = (*theme.PALETTE, theme.NEUTRAL)
SHADES = names()
DARK = [SHADES[name][1] for name in ("c0", "c1", "c2", "c3", "c4", "line")]
# How a reader sees without the cones for red, green or blue light: Machado, Oliveira, Fernandes (2009), table of severity 1.0,
# https://doi.org/10.1109/TVCG.2009.113; on linear RGB.
VISION = {
    "all cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = np.array([0.9505, 1.0, 1.089])


def contrast(one: str, other: str) -> float:
    light, dark = sorted((theme.luminance(one), theme.luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(shade: str, vision) -> np.ndarray:
    """CIE L*a*b* of a colour as a reader with that vision sees it."""
    rgb = np.array([int(shade[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ np.clip(np.array(vision) @ linear, 0, 1) / WHITE, 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("shade", SERIES)
def test_marks_stand_out_from_paper(shade):
    assert contrast(shade, theme.PAPER) >= 3


@pytest.mark.parametrize("side", [0, 1])
def test_drawings_can_be_read_in_light_and_dark(side):
    paper = SHADES["paper"][side]
    for name in ("ink", "muted", "bad"):
        assert contrast(SHADES[name][side], paper) >= 4.5
    for name in ("c0", "c1", "c2", "c3", "c4", "line"):
        assert contrast(SHADES[name][side], paper) >= 3
    for name in [name.removeprefix(ON) for name in SHADES if name.startswith(ON)]:
        assert contrast(SHADES[name][side], SHADES[ON + name][side]) >= 4.5
    # a cell of a grid is never the other ground: no white plate in the dark, no black one in the light
    assert theme.luminance(paper) > 0.9 if side == 0 else theme.luminance(paper) < 0.05


def test_style_names_each_shade_once_for_each_ground():
    css = shades_css(":root", ".dark")
    assert css.count("{") == 2
    assert css.count("--f-ink:") == css.count("--f-on-q0:") == 2


@pytest.mark.parametrize("shade", [theme.INK, theme.MUTED])
def test_words_can_be_read_on_paper(shade):
    assert contrast(shade, theme.PAPER) >= 4.5


@pytest.mark.parametrize("vision", VISION)
def test_any_two_series_can_be_told_apart(vision):
    for series in (SERIES, DARK):
        seen = [lab(shade, VISION[vision]) for shade in series]
        assert min(np.linalg.norm(one - other) for one, other in combinations(seen, 2)) > 20


@pytest.mark.parametrize("shades", [theme.SEQUENTIAL, theme.DIVERGING])
def test_words_can_be_read_on_every_cell_of_a_grid(shades):
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    scale = LinearSegmentedColormap.from_list("grid", shades)
    for place in np.linspace(0, 1, 101):
        shade = to_hex(scale(place))
        assert contrast(theme.ink_on(shade), shade) >= 4.5


def test_series_come_round_with_another_dash():
    looks = [(theme.colour(i), str(theme.dash(i))) for i in range(len(theme.PALETTE) * len(theme.DASHES))]
    assert len(set(looks)) == len(looks)


def test_only_fonts_that_are_there_are_asked_for():
    assert theme.font_families()[0] == "DejaVu Sans"


def test_a_font_is_there_for_every_character_of_our_own_words():
    from matplotlib.font_manager import findfont, get_font

    shipped = [get_font(findfont(family)) for family in theme.FONT_FAMILIES[:2]]
    words = "".join([*catalogue("zh"), *catalogue("zh").values()])
    assert len(words) > 1000
    missing = {one for one in words if one.isprintable() and not any(font.get_char_index(ord(one)) for font in shipped)}
    assert not missing
