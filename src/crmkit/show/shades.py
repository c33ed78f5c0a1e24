"""Which colours do drawings on a page have? Names instead of colours, so that one drawing serves light and dark.

A figure is painted in the colours of :mod:`crmkit.show.theme`; a drawing says ``var(--f-ink)`` in their place, and the style
sheets of page and notebook say what that is on light and on dark ground.
"""

from __future__ import annotations

from functools import cache

from crmkit.show import theme

PREFIX = "--f-"
ON = "on-"
# (on light ground, on dark ground); words 4.5:1, marks 3:1 on either, as the tests count
PLAIN: dict[str, tuple[str, str]] = {
    "paper": (theme.PAPER, "#12171c"),
    "ink": (theme.INK, "#e2e7ec"),
    "muted": (theme.MUTED, "#a0abb6"),
    "rule": (theme.RULE, "#3a444e"),
    "pale": (theme.PALE, "#232b33"),
    "dim": (theme.DIM, "#6f7a85"),
    "line": (theme.NEUTRAL, "#d3dae1"),
    "bad": (theme.BAD, "#ff9d92"),
    "c0": (theme.PALETTE[0], "#4583ea"),
    "c1": (theme.PALETTE[1], "#cf7f33"),
    "c2": (theme.PALETTE[2], "#5ee090"),
    "c3": (theme.PALETTE[3], "#d9469c"),
    "c4": (theme.PALETTE[4], "#e5c943"),
}
DARK_SEQUENTIAL = ("#1a2633", "#1d3a5c", "#245a92", "#3a86dd", "#7db5f5", "#cfe4fc")
DARK_DIVERGING = ("#f6ae69", "#b5651d", "#5e3a1c", "#39414b", "#1f4470", "#3a86dd", "#a5d0ff")


@cache
def names() -> dict[str, tuple[str, str]]:
    """Every named colour, on light and on dark ground; what is written on the shade ``q0`` of a scale is ``on-q0``."""
    found = dict(PLAIN)
    for letter, light, dark in (
        ("q", theme.SEQUENCE, theme.steps(DARK_SEQUENTIAL, len(theme.SEQUENCE))),
        ("v", theme.DIVERGENCE, theme.steps(DARK_DIVERGING, len(theme.DIVERGENCE))),
    ):
        for place, pair in enumerate(zip(light, dark, strict=True)):
            found[f"{letter}{place}"] = pair
            found[f"{ON}{letter}{place}"] = (theme.ink_on(pair[0]), theme.ink_on(pair[1]))
    return found


@cache
def name_of(shade: str) -> str:
    """Name of the colour ``#rrggbb`` of a figure; of one that has none, that of its nearest.

    Examples
    --------
    >>> name_of("#1f2933"), name_of("#f3f8ff"), name_of("#202a34")
    ('ink', 'q0', 'ink')
    """
    parts = _parts(shade)
    known = ((name, light) for name, (light, _) in names().items() if not name.startswith(ON))
    return min(known, key=lambda one: sum((a - b) ** 2 for a, b in zip(parts, _parts(one[1]), strict=True)))[0]


def _parts(shade: str) -> tuple[int, ...]:
    return tuple(int(shade[start : start + 2], 16) for start in (1, 3, 5))


@cache
def shades_css(light: str, dark: str = "") -> str:
    """Style that says what the names are.

    Parameters
    ----------
    light, dark : str
        Selectors of what lies on light and on dark ground; without one there is none.
    """
    return "".join(
        selector + "{" + ";".join(f"{PREFIX}{name}:{_brief(pair[side])}" for name, pair in names().items()) + "}"
        for side, selector in enumerate((light, dark))
        if selector
    )


def _brief(shade: str) -> str:
    return f"#{shade[1]}{shade[3]}{shade[5]}" if all(shade[i] == shade[i + 1] for i in (1, 3, 5)) else shade
