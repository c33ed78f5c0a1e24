"""How does what leaves the house look? The logo, two colours, author and confidential line of a client, checked once.

A picture is decoded and written anew, small and as PNG, so that nothing but its pixels reaches a page; a drawing (SVG) may hold
scripts, and slides cannot hold one: it is refused. A colour that could not be read on white is made darker until it can be.
"""

from __future__ import annotations

import base64
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

from crmkit.core.errors import ParamError
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import Settings
from crmkit.show.theme import PALETTE, PAPER, READABLE, luminance

LARGEST = 1_000_000
# sides of a picture as it is given, and as it is shown
MOST_PIXELS, SHOWN = 5000, (480, 144)
NIGHT = "#12171c"
MARK = 3.0
TITLE = "#0f3d66"
COLOUR = re.compile("#[0-9a-f]{6}")
FORMATS = ("PNG", "JPEG")
KINDS = {"deck": (".pptx", ".potx"), "doc": (".docx", ".dotx")}
MENDED = Text("brand: the colour {given} has a contrast of {ratio} to white, {needed} is needed; {mended} is used instead")


@dataclass(frozen=True)
class Brand:
    """What stands on pages, slides and documents of a client.

    Parameters
    ----------
    logo : bytes
        A small PNG; empty where there is none.
    colours : tuple of str
        Of titles and lines, and of what stands out, both readable on white; empty where none was asked for.
    author, confidential : str
    deck, doc : Path or None
        Templates.
    notes : tuple of Text
        What was mended.
    """

    logo: bytes = b""
    colours: tuple[str, ...] = ()
    author: str = ""
    confidential: str = ""
    deck: Path | None = None
    doc: Path | None = None
    notes: tuple[Text, ...] = ()

    @property
    def title(self) -> str:
        """Colour of titles."""
        return self.colours[0] if self.colours else TITLE

    @property
    def series(self) -> tuple[str, ...]:
        """Colours of the series of a chart."""
        return (*self.colours, *PALETTE)


def read_brand(settings: Settings, *, home: Path) -> Brand:
    """The brand block of a params file with its files.

    Raises
    ------
    ParamError
        One line for each file that is missing or cannot be used.
    """
    given, folder = settings.brand, home / "params" / settings.client
    problems: list[str] = []
    logo = b""
    if given.logo:
        try:
            logo = _picture(folder / given.logo, where=f"params/{settings.client}/{given.logo}")
        except ParamError as err:
            problems += err.problems
    templates: dict[str, Path] = {}
    for kind, endings in KINDS.items():
        name = getattr(given, kind)
        path, where = folder / name, f"params/{settings.client}/{name}"
        if name and path.suffix.lower() not in endings:
            problems.append(f"{where}: is no template of a {kind}; it ends in {' or '.join(endings)}")
        elif name and not path.is_file():
            problems.append(_absent(where, kind, settings.client))
        elif name:
            templates[kind] = path
    if problems:
        raise ParamError(problems)
    mended = [_readable(one, READABLE if place == 0 else MARK) for place, one in enumerate(given.colours)]
    notes = tuple(
        Text(MENDED.template, {"given": was, "ratio": _ratio(was), "needed": Quantity(needed, "number"), "mended": now})
        for was, now, needed in zip(given.colours, mended, (READABLE, MARK), strict=False)
        if was.lower() != now
    )
    return Brand(logo, tuple(mended), given.author, given.confidential, templates.get("deck"), templates.get("doc"), notes)


def brand_record(brand: Brand) -> dict[str, Any]:
    """As the record of a run keeps it, for whoever writes its page; empty where a client has none."""
    logo = f"data:image/png;base64,{base64.b64encode(brand.logo).decode()}" if brand.logo else ""
    found = {"logo": logo, "colours": list(brand.colours), "author": brand.author, "confidential": brand.confidential}
    return found if any(found.values()) else {}


def brand_css(record: Mapping[str, Any]) -> str:
    """The colours of a recorded brand as a style of a page, readable in the light and in the dark; empty without any."""
    colours = [one for one in record.get("colours") or () if COLOUR.fullmatch(str(one))]
    if not colours:
        return ""
    dark = partial(_towards, "#ffffff", against=NIGHT, least=READABLE)
    line = colours[-1]
    return (
        f":root{{--strong:{colours[0]};--link:{colours[0]};--brand:{line}}}"
        f"@media (prefers-color-scheme:dark){{:root{{--strong:{dark(colours[0])};--link:{dark(colours[0])};"
        f"--brand:{dark(line)}}}}}.masthead{{border-bottom:4px solid var(--brand)}}"
    )


def contrast(one: str, other: str) -> float:
    """How far two colours are apart in luminance, as WCAG 2.2 counts it, 1 to 21.

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 2), round(contrast("#767676", "#ffffff"), 2)
    (21.0, 4.54)
    """
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _readable(colour: str, least: float) -> str:
    return _towards("#000000", colour.lower(), against=PAPER, least=least)


def _towards(end: str, colour: str, *, against: str, least: float) -> str:
    """A colour moved towards black or white by as little as gives it the contrast that is needed."""
    start, goal = ([int(one[place : place + 2], 16) for place in (1, 3, 5)] for one in (colour, end))
    for step in range(101):
        parts = (round(a + (b - a) * step / 100) for a, b in zip(start, goal, strict=True))
        made = "#" + "".join(f"{part:02x}" for part in parts)
        if contrast(made, against) >= least:
            return made
    return end


def _ratio(colour: str) -> Quantity:
    return Quantity(round(contrast(colour.lower(), PAPER), 2), "number")


def _absent(where: str, key: str, client: str) -> str:
    return f"{where}: there is no such file, and brand, {key} of params/{client}.yml names it"


def _picture(path: Path, *, where: str) -> bytes:
    """A picture of the client, decoded and written anew at the size in which it is shown."""
    from PIL import Image

    if not path.is_file():
        raise ParamError(_absent(where, "logo", path.parent.name))
    size = path.stat().st_size
    if size > LARGEST:
        raise ParamError(f"{where}: has {size / 1e6:.1f} MB; a logo may have {LARGEST / 1e6:.0f} MB at most")
    content = path.read_bytes()
    if path.suffix.lower() in (".svg", ".svgz") or content.lstrip()[:1] == b"<":
        raise ParamError(f"{where}: is a drawing (SVG), which may hold scripts and fits in no slide; save it as PNG")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(content), formats=FORMATS) as picture:
                if max(picture.size) > MOST_PIXELS:
                    width, height = picture.size
                    raise ParamError(
                        f"{where}: has {width} x {height} pixels; a logo may have {MOST_PIXELS} x {MOST_PIXELS} at most"
                    )
                picture.thumbnail(SHOWN)
                small = BytesIO()
                picture.convert("RGBA").save(small, format="PNG")
    except ParamError:
        raise
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise ParamError(f"{where}: cannot be read as a picture; PNG and JPEG can") from err
    return small.getvalue()
