"""Which words must be translated, and which are not? Keeps the catalogues under ``crmkit/locale`` complete.

``python -m crmkit.locale.catalogue`` brings the catalogues up to date: new messages are added empty, those that nothing uses
any more are removed. ``python -m crmkit.locale.catalogue --check`` only says what is missing. The words of drafts are listed,
and may wait.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from string import Formatter

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from crmkit.core.messages import PLACE
from crmkit.core.settings import find_home
from crmkit.locale.extract import Found, in_notebook, in_python, in_template
from crmkit.locale.said import raised_in, returned_in

PACKAGE = Path(__file__).parents[1]
LANGUAGES = ("zh",)
DOMAINS = ("crmkit", "messages", "notebooks")
# where faults of files, data and parameters are found
RAISING = (
    "data",
    "core",
    "report/params",
    "report/run",
    "report/brand.py",
    "report/folders.py",
    "report/office",
    "report/record.py",
    "report/guard/identifiers.py",
    "report/guard/messages.py",
)
# where what became of a kernel or of the machine is put into words for others to raise
RETURNING = ("report/guard/mishaps.py", "report/kernels/pool.py")
HEADER = """\
# {title}: the words of crmkit, brought up to date by `python -m crmkit.locale.catalogue`.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
# What a translated block of Markdown must keep: headings and lists, code, addresses of links, columns of tables, bold terms.
KEPT = {
    "heading": re.compile(r"^(#+) ", re.MULTILINE),
    "list item": re.compile(r"^\s*([-*]|\d+\.) ", re.MULTILINE),
    "code": re.compile(r"(`[^`]+`)"),
    "link": re.compile(r"\]\(([^)\s]+)"),
    "row of a table": re.compile(r"^(\|)", re.MULTILINE),
    "bold term": re.compile(r"(\*\*)"),
}


def catalogue_path(language: str, domain: str) -> Path:
    """File of a catalogue."""
    return PACKAGE / "locale" / language / "LC_MESSAGES" / f"{domain}.po"


def sources(domain: str, *, home: Path) -> Iterable[tuple[Path, Callable[[str], Found]]]:
    """Every file that holds messages of a domain, and what reads them out of it."""
    if domain == "notebooks":
        return [(path, in_notebook) for path in sorted((home / "notebooks").glob("*.ipynb"))]
    if domain == "messages":
        places = [PACKAGE / one for one in RAISING]
        files = [path for one in places for path in ([one] if one.is_file() else sorted(one.rglob("*.py")))]
        returning = [(PACKAGE / one, _in_what_is_returned) for one in RETURNING]
        return [*((path, _in_what_is_raised) for path in files), *returning]
    code = [(path, in_python) for path in sorted(PACKAGE.rglob("*.py"))]
    return [*code, *((path, in_template) for path in sorted(PACKAGE.rglob("*.j2")))]


def _in_what_is_raised(source: str) -> Found:
    return Found(raised_in(source))


def _in_what_is_returned(source: str) -> Found:
    return Found(returned_in(source))


@cache
def _read(extract: Callable[[str], Found], source: str) -> Found:
    """What a text holds: each is read once, however often it is asked."""
    return extract(source)


def wanted(domain: str, *, home: Path, drafts: bool = False) -> Catalog:
    """Every message of a domain that must be translated.

    An analysis without a notebook is shown to nobody yet: its words wait for the notebook. Those of a draft, a notebook whose
    metadata says ``draft: true``, and of its analysis, are there only where ``drafts`` asks for them.
    """
    catalog = Catalog(project="crmkit", charset="utf-8")
    for path, extract in sources(domain, home=home):
        analysis = _analysis(path)
        notebook = home / "notebooks" / f"{analysis}.ipynb"
        if analysis and not (notebook.is_file() and (drafts or not is_draft(notebook))):
            continue
        for message in _read(extract, path.read_text(encoding="utf-8")).messages:
            if has_words(message):
                catalog.add(message)
    return catalog


def _analysis(path: Path) -> str:
    """The analysis that a notebook, or a module of the analyses, belongs to; empty where a file belongs to none."""
    analyses = PACKAGE / "analyses"
    if path.suffix == ".ipynb":
        return path.stem
    if not path.is_relative_to(analyses) or path == analyses / "__init__.py":
        return ""
    return path.relative_to(analyses).parts[0].removesuffix(".py")


def is_draft(notebook: Path) -> bool:
    """Whether a notebook says of itself that it is not finished, so that its words need not be translated yet."""
    declared = json.loads(notebook.read_text(encoding="utf-8")).get("metadata", {}).get("crmkit", {})
    return bool(declared.get("draft", False))


def drafted(language: str, *, home: Path) -> list[str]:
    """Words of drafts that are not translated yet; they are shown as they are, in English."""
    found: list[str] = []
    for domain in DOMAINS:
        translated = {str(message.id) for message in stored(language, domain) if message.id and message.string}
        finished = {str(message.id) for message in wanted(domain, home=home)}
        words = [str(message.id) for message in wanted(domain, home=home, drafts=True) if message.id]
        found += [f"{domain}: {word!r} of a draft" for word in words if word not in translated | finished]
    return sorted(found)


def has_words(message: str) -> bool:
    """Whether there is anything to translate: a letter outside the places for numbers, or a mark that Chinese writes otherwise.

    Examples
    --------
    >>> has_words("{low} to {high}"), has_words("{heading}: {limits}"), has_words("{n}%")
    (True, True, False)
    """
    return bool(re.search(r"[^\W\d_]|[,.:;!?()]", re.sub(r"\{\w*\}", "", message)))


def stored(language: str, domain: str) -> Catalog:
    """The catalogue as it is; empty where there is none."""
    path = catalogue_path(language, domain)
    if not path.is_file():
        return Catalog(locale=language, project="crmkit", charset="utf-8")
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def update(language: str, domain: str, *, home: Path, words: Mapping[str, str] | None = None) -> None:
    """Add new messages and remove those that nothing uses; never guess a translation.

    Parameters
    ----------
    language, domain : str
    home : Path
    words : mapping or None
        Translations of new messages; a message that has one keeps it, one that is not among them stays empty.
    """
    from babel import Locale

    catalog = stored(language, domain)
    catalog.update(wanted(domain, home=home, drafts=True), no_fuzzy_matching=True, update_header_comment=False)
    for message in catalog:
        if message.id and not message.string:
            message.string = (words or {}).get(str(message.id), "")
    path = catalogue_path(language, domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        title = Locale.parse(language).get_display_name("en")
        file.write(HEADER.format(title=title, language=language).encode())
        write_po(file, catalog, width=0, omit_header=True, ignore_obsolete=True, sort_output=True, no_location=True)


def problems(language: str, domain: str, *, home: Path) -> list[str]:
    """What is wrong with a catalogue: missing, obsolete, fuzzy, or other places or other Markdown than the original."""
    catalog, needed = stored(language, domain), wanted(domain, home=home)
    used = {str(message.id) for message in wanted(domain, home=home, drafts=True)}
    have = {str(message.id): message for message in catalog if message.id}
    names = {str(message.id) for message in needed if message.id}
    found = [f"{domain}: {name!r} is not translated" for name in names if name not in have or not have[name].string]
    found += [f"{domain}: {name!r} is used nowhere" for name in [*have, *map(str, catalog.obsolete)] if name not in used]
    found += [f"{domain}: {name!r} is marked fuzzy" for name, message in have.items() if message.fuzzy]
    for name, message in have.items():
        differ = {"notebooks": different_markdown, "messages": unknown_places}.get(domain, different_places)
        if message.string and (what := differ(name, str(message.string))):
            found.append(f"{domain}: {name!r} and its translation differ in {what}")
    return sorted(found)


def different_places(template: str, translation: str) -> str:
    """Which places for numbers stand in only one of the two; empty where none do.

    Examples
    --------
    >>> different_places("{low} to {high}", "{low}至{hoch}")
    'the places {high}, {hoch}'
    """
    names = sorted(_places(template) ^ _places(translation))
    return f"the places {', '.join(f'{{{name}}}' for name in names)}" if names else ""


def unknown_places(template: str, translation: str) -> str:
    """Which places a translation has that the message has not; it need not have all.

    Examples
    --------
    >>> unknown_places("has {0} {1} below {2}", "有{0}个值小于{3}")
    'the places {3}'
    """
    names = sorted(set(PLACE.findall(translation)) - set(PLACE.findall(template)))
    return f"the places {', '.join(f'{{{name}}}' for name in names)}" if names else ""


def _places(template: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(template) if name is not None}


def different_markdown(block: str, translation: str) -> str:
    """Which kind of Markdown a translation does not keep; empty where it keeps all.

    Examples
    --------
    >>> different_markdown("## The table `orders`", "## 订单表")
    "code ['`orders`'], not []"
    """
    for kind, pattern in KEPT.items():
        one, other = sorted(pattern.findall(block)), sorted(pattern.findall(translation))
        if one != other:
            return f"{kind} {one}, not {other}"
    return ""


def hidden(*, home: Path) -> list[str]:
    """Words that the catalogues cannot hold, since they are put together where they are handed over."""
    return [
        f"{path.relative_to(PACKAGE.parent).as_posix()}:{line}: {what}"
        for path, extract in sources("crmkit", home=home)
        for line, what in _read(extract, path.read_text(encoding="utf-8")).hidden
    ]


def main(arguments: list[str]) -> int:
    """Bring the catalogues up to date, or say what is missing."""
    home = find_home()
    left = hidden(home=home)
    for language in LANGUAGES:
        for domain in DOMAINS:
            if "--check" not in arguments:
                update(language, domain, home=home)
            left += [f"{language}, {problem}" for problem in problems(language, domain, home=home)]
        for word in drafted(language, home=home):
            print(f"{language}, may wait: {word}")
    for problem in left:
        print(problem, file=sys.stderr)
    return min(len(left), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
