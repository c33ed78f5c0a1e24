"""Which words must be translated, and which are not? Keeps the catalogues under ``crmkit/locale`` complete.

``python -m crmkit.report.messages`` brings the catalogues up to date: new messages are added empty, those that nothing uses
any more are removed. ``python -m crmkit.report.messages --check`` only says what is missing.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from crmkit.core.language import blocks
from crmkit.core.settings import find_home

PACKAGE = Path(__file__).parents[1]
LANGUAGES = ("zh",)
DOMAINS = ("crmkit", "notebooks")
KEYWORDS: dict[str, Any] = {"Text": None, "translate": None, "mark": None, "Axis": None, "Column": (2,)}
TEMPLATE_CALL = re.compile(r"\bt\(\s*(?:\"([^\"]+)\"|'([^']+)')\s*\)")


def catalogue_path(language: str, domain: str) -> Path:
    """File of a catalogue."""
    return PACKAGE / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def extract_notebook(
    fileobj: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel extractor: one message for each block of Markdown in a notebook."""
    for number, cell in enumerate(json.load(fileobj)["cells"], start=1):
        if cell["cell_type"] == "markdown":
            for block in blocks("".join(cell["source"])):
                yield number, "", block, []


def extract_template(
    fileobj: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel extractor: the words of a page template, which stand in ``t("...")``."""
    for number, line in enumerate(fileobj.read().decode("utf-8").splitlines(), start=1):
        for double, single in TEMPLATE_CALL.findall(line):
            yield number, "", double or single, []


def wanted(domain: str, *, home: Path) -> Catalog:
    """Every message of a domain, with the files that use it."""
    catalog = Catalog(project="crmkit", charset="utf-8")
    if domain == "notebooks":
        sources: list[tuple[Path, Any]] = [(path, extract_notebook) for path in sorted((home / "notebooks").glob("*.ipynb"))]
        root = home
    else:
        sources = [(path, "python") for path in sorted(PACKAGE.rglob("*.py"))]
        sources += [(path, extract_template) for path in sorted(PACKAGE.rglob("*.j2"))]
        root = PACKAGE.parent
    for path, method in sources:
        for _, message, _, _ in extract_from_file(method, str(path), keywords=KEYWORDS):
            if re.search(r"[^\W\d_]", re.sub(r"\{\w*\}", "", str(message))):
                catalog.add(message, locations=[(path.relative_to(root).as_posix(), 0)])
    return catalog


def stored(language: str, domain: str) -> Catalog:
    """The catalogue as it is; empty where there is none."""
    path = catalogue_path(language, domain)
    if not path.is_file():
        return Catalog(locale=language, project="crmkit", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def update(language: str, domain: str, *, home: Path) -> None:
    """Add new messages, empty, and remove those that nothing uses; never guess a translation."""
    catalog = stored(language, domain)
    catalog.update(wanted(domain, home=home), no_fuzzy_matching=True, update_header_comment=False)
    path = catalogue_path(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=0, omit_header=False, ignore_obsolete=True, sort_output=True, no_location=True)


def problems(language: str, domain: str, *, home: Path) -> list[str]:
    """What is wrong with a catalogue: missing, obsolete, fuzzy, or other places for numbers than the original."""
    catalog, needed = stored(language, domain), wanted(domain, home=home)
    have = {str(message.id): message for message in catalog if message.id}
    names = {str(message.id) for message in needed if message.id}
    found = [f"{domain}: {name!r} is not translated" for name in names if name not in have or not have[name].string]
    found += [f"{domain}: {name!r} is used nowhere" for name in have if name not in names]
    found += [f"{domain}: {name!r} is marked fuzzy" for name, message in have.items() if message.fuzzy]
    if domain == "crmkit":
        found += [
            f"{domain}: {name!r} and its translation name other places"
            for name, message in have.items()
            if message.string and _places(name) != _places(str(message.string))
        ]
    return sorted(found)


def _places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def main(arguments: list[str]) -> int:
    """Bring the catalogues up to date, or say what is missing."""
    home = find_home()
    left = 0
    for language in LANGUAGES:
        for domain in DOMAINS:
            if "--check" not in arguments:
                update(language, domain, home=home)
            for problem in problems(language, domain, home=home):
                print(f"{language}, {problem}", file=sys.stderr)
                left += 1
    return min(left, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
