"""Does a finished page name a customer? Its words are compared with the client's own identifiers before anybody sees it.

The notebook's kernel, which has the data, leaves the hashes of all identifiers beside its results (:func:`write_marks`);
whoever writes the page hashes every word and every short run of words on it and looks them up (:func:`leaks`). The file holds
no name, is readable by its owner alone, and is deleted before the folder is kept.

What would be found on any page cannot be looked for, and the page says how many such identifiers there are. Looked for are:

- customer numbers of five characters or more that hold letters and digits, or begin with a nought; others from seven digits or
  eight characters on, so that ``1`` or ``2024`` is no finding;
- e-mail addresses, and phone numbers of eight digits or more, however they are grouped;
- names of two words or more, and Chinese names of three to eight characters;
- of these, only what belongs to at most three customers: the address of the shop's own till names nobody.

Pictures are not read; what figures say in words stands in their captions and alternative texts, and these are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from crmkit.core.errors import ReportError
from crmkit.core.language import in_a_row
from crmkit.core.results import Numbers, Quantity, Text

if TYPE_CHECKING:
    import ibis

    from crmkit.core.settings import Settings

MARKS = ".marks"
Kind = Literal["id", "email", "phone", "name"]
KINDS: tuple[Kind, ...] = get_args(Kind)
NOUNS = {
    "id": Text("{n} {n:customer number|customer numbers}"),
    "email": Text("{n} {n:e-mail address|e-mail addresses}"),
    "phone": Text("{n} {n:phone number|phone numbers}"),
    "name": Text("{n} {n:name|names}"),
}
COLUMNS: dict[Kind, str] = {"id": "customer_id", "email": "email", "phone": "phone", "name": "name"}
SHARED_BY = 3
LONGEST_RUN = 6
NO_MARK = 0
LONGEST_CHINESE = 8
SHORT = 4

EDGES = r"^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$"
SEARCHABLE: dict[Kind, str] = {
    # RE2, without look-ahead: letters and digits mixed, a leading nought, seven digits, or eight characters of any kind
    "id": r"^(\S.{3,}\S)$",
    "email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
    "phone": r"^[1-9][0-9]{7,14}$",
    "name": r"^(\S+ .{2,}|[\x{3400}-\x{9fff}]{3,8})$",
}
UNREAD = frozenset(
    {"src", "data-key", "class", "width", "height", "content", "style", "http-equiv", "scope", "lang", "role", "d", "viewbox"}
)
EMAIL = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"\+?\(?\d[\d\s()./-]{6,24}\d")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
CHINESE = re.compile(r"[\u3400-\u9fff]{3,}")
TOKEN = re.compile(r"\w+(?:-\w+)*")
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Leak:
    """Identifiers of one kind that stand on a page.

    Parameters
    ----------
    kind : str
    count : int
        Different ones.
    example : str
        The first, all but two characters hidden; of a short one all but one.
    place : str
        Heading under which it stands.
    """

    kind: Kind
    count: int
    example: str
    place: str


def write_marks(tables: Mapping[str, ibis.Table], folder: Path, *, ids: bool = True) -> dict[Kind, int]:
    """Leave the hashes of a client's identifiers for whoever writes the page.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        The canonical tables of a client.
    folder : Path
        Where the file ``.marks`` goes.
    ids : bool
        Whether customer numbers may not be shown; False where ``privacy: {identifiers: ids}`` asks for them.

    Returns
    -------
    dict of str to int
        How many identifiers of each kind cannot be looked for.
    """
    import numpy as np

    blobs: list[bytes] = []
    unscanned: dict[Kind, int] = {}
    for kind in KINDS:
        found = _hashes(tables, kind) if ids or kind != "id" else None
        if found is not None:
            unscanned[kind] = int((found == NO_MARK).sum())
        marks = np.empty(0) if found is None else np.sort(found[found != NO_MARK])
        blobs.append(marks.astype("<u8").tobytes())
    head = json.dumps({"bytes": dict(zip(KINDS, map(len, blobs), strict=True)), "unscanned": unscanned}).encode()
    handle = os.open(folder / MARKS, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join([head, b"\n", *blobs]))
    return unscanned


def write_first_marks(settings: Settings, tables: Mapping[str, ibis.Table], folder: Path) -> None:
    """Leave the hashes of what identifies customers where the data cannot be opened.

    Parameters
    ----------
    settings : Settings
        Whether customer numbers may be shown.
    tables : mapping of str to ibis.Table
        As they were found. An e-mail address may stand in any column: the rows are not as they should be.
    folder : Path
        As for :func:`write_marks`.
    """
    import ibis

    known = dict(tables)
    people = known.get("customers")
    if people is not None and COLUMNS["id"] in people.columns:
        texts = {name: people[name].cast("string") for name in people.columns}
        nothing = ibis.null("string")
        own = {name: texts.get(name, nothing) for name in COLUMNS.values()}
        parts = [people.select(**own)]
        parts += [people.select(**{**own, COLUMNS["email"]: text}) for name, text in texts.items() if name != COLUMNS["email"]]
        known["customers"] = ibis.union(*parts) if len(parts) > 1 else parts[0]
    write_marks(known, folder, ids=settings.privacy.identifiers != "ids")


def _hashes(tables: Mapping[str, ibis.Table], kind: Kind) -> Any:
    """The hash of each different identifier of a kind; ``NO_MARK`` where it cannot be looked for."""
    import ibis

    from crmkit.data.sources.engine import to_frame

    column = COLUMNS[kind]
    having = [tables["customers"]] if column in getattr(tables.get("customers"), "columns", ()) else []
    if kind == "id" and not having:
        having = [table for table in tables.values() if column in table.columns]
    if not having:
        return None

    hashed = ibis.udf.scalar.builtin(_md5_upper, name="md5_number_upper", signature=(("string",), "uint64"))
    parts = [_plain(table, kind, column) for table in having]
    listed = (ibis.union(*parts, distinct=True) if len(parts) > 1 else parts[0]).filter(lambda t: t.text != "")
    counted = listed.group_by("text").aggregate(owners=lambda t: t.count())
    searchable = _searchable(counted.text, kind) & (counted.owners <= SHARED_BY)
    marks = to_frame(
        counted.select(
            mark=ibis.ifelse(searchable, hashed(ibis.literal(str(kind)) + counted.text), ibis.literal(NO_MARK, "uint64"))
        )
    )
    return marks["mark"].to_numpy(dtype="uint64")


def _md5_upper(text: str) -> int:  # pragma: no cover
    """The engine's own: eight bytes of the hash, as :func:`_mark` takes them."""
    raise NotImplementedError


def _plain(table: ibis.Table, kind: Kind, column: str) -> ibis.Table:
    """Identifiers as they are compared: small letters, one space, nothing at the edges; of phone numbers only the digits."""
    text = table[column].cast("string").lower()
    if kind == "phone":
        text = text.re_replace(r"[^0-9]+", "").re_replace("^0+", "")
    elif kind == "name":
        text = text.re_replace(r"[^\p{L}\p{N}]+", " ").strip()
    elif kind == "id":
        text = text.re_replace(r"\s+", " ").re_replace(EDGES, "")
    else:
        text = text.strip()
    return table.select(text=text.fill_null(""), owner=table["customer_id"].cast("string")).distinct()


def _searchable(text: Any, kind: Kind) -> Any:
    fits = text.re_search(SEARCHABLE[kind])
    if kind != "id":
        return fits
    mixed = text.re_search("[0-9]") & text.re_search(r"\p{L}")
    digits = text.re_search("^[0-9]+$")
    return fits & (mixed | text.startswith("0") | (digits & (text.length() >= 7)) | (~digits & (text.length() >= 8)))


def leaks(html: str, folder: Path, *, own: str = "") -> tuple[Leak, ...]:
    """Which identifiers of customers stand on a page?

    Parameters
    ----------
    html : str
        The finished page, without the block that names the run.
    folder : Path
        With what :func:`write_marks` left; where it left nothing, nothing is found.
    own : str
        What people wrote into the notebook, parameters included, as HTML; its words are no findings.

    Returns
    -------
    tuple of Leak
        One for each kind that was found.
    """
    path = folder / MARKS
    if not path.is_file():
        return ()
    head, _, rest = path.read_bytes().partition(b"\n")
    known: dict[Kind, memoryview] = {}
    for kind, size in json.loads(head)["bytes"].items():
        known[kind], rest = memoryview(rest[:size]).cast("Q"), rest[size:]
    written = {candidate for _, text in _texts(own) for candidate in _candidates(text)} if own else set()
    found: dict[Kind, dict[str, str]] = {}
    seen: set[tuple[Kind, str]] = set(written)
    for place, text in _texts(html):
        for kind, candidate in _candidates(text):
            if (kind, candidate) not in seen:
                seen.add((kind, candidate))
                if _has(known[kind], _mark(kind, candidate)):
                    found.setdefault(kind, {})[candidate] = place
    return tuple(Leak(kind, len(one), _begun(next(iter(one))), next(iter(one.values()))) for kind, one in found.items())


def _begun(identifier: str) -> str:
    """The beginning of an identifier; of a short one, as a Chinese name is, two characters would be nearly all."""
    return f"{identifier[: 1 if len(identifier) <= SHORT else 2]}…"


def refuse_leaks(html: str, nb: Any, folder: Path) -> None:
    """Stop where a page names a customer; what :func:`write_marks` left is deleted in any case.

    Parameters
    ----------
    html : str
        The finished page of ``nb``.
    nb : NotebookNode
        What people wrote into it, parameters included, is no finding.
    folder : Path
        Of the run.

    Raises
    ------
    ReportError
        Saying what kind of identifier stands where, without naming the customer.
    """
    from crmkit.report.page.render import without_provenance

    run = nb.metadata.get("crmkit", {}).get("run", {})
    own = "\n".join([*(cell.source for cell in nb.cells), json.dumps(run.get("parameters", {}), ensure_ascii=False)])
    try:
        found = leaks(without_provenance(html), folder, own=escape(own))
    finally:
        (folder / MARKS).unlink(missing_ok=True)
    if found:
        raise ReportError(explain(found))


def unscanned(folder: Path) -> dict[str, int]:
    """How many identifiers of each kind could not be looked for, as :func:`write_marks` noted."""
    path = folder / MARKS
    if not path.is_file():
        return {}
    with path.open("rb") as file:
        noted: dict[str, int] = json.loads(file.readline())["unscanned"]
    return noted


def explain(found: tuple[Leak, ...]) -> Text:
    """The sentence that says why a page was not kept; it does not name the customer either."""
    parts = []
    for leak in found:
        what = Text(NOUNS[leak.kind].template, {"n": Quantity(leak.count, "count")})
        numbers: Numbers = {"what": what, "example": leak.example, "place": repr(leak.place)}
        parts.append(Text("{what} ({example} under {place})" if leak.place else "{what} ({example})", numbers))
    return Text(
        "the page shows {found} of the client's customers and was not kept; show results with {call}, which uses pseudonyms, "
        "or allow customer numbers with {line}",
        {"found": in_a_row(parts), "call": "page.show()", "line": "privacy: {identifiers: ids}"},
    )


def _mark(kind: Kind, text: str) -> int:
    return int.from_bytes(hashlib.md5(f"{kind}{text}".encode(), usedforsecurity=False).digest()[:8], "little")


def _has(known: memoryview, mark: int) -> bool:
    place = bisect_left(known, mark)
    return place < len(known) and known[place] == mark


def _texts(html: str) -> list[tuple[str, str]]:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


def _candidates(text: str) -> Iterator[tuple[Kind, str]]:
    """Everything in a text that may be an identifier."""
    low = text.lower()
    if "@" in low:
        for match in EMAIL.finditer(low):
            yield "email", match[0].strip(".'")
    for match in PHONE.finditer(DATE.sub(" | ", low)):
        digits = re.sub(r"\D", "", match[0]).lstrip("0")
        if len(digits) >= 8:
            yield "phone", digits
    for match in CHINESE.finditer(low):
        for size in range(3, min(LONGEST_CHINESE, len(match[0])) + 1):
            for start in range(len(match[0]) - size + 1):
                yield "name", match[0][start : start + size]
    for token in TOKEN.findall(low):
        yield "id", token
        if "-" in token:
            yield from (("id", part) for part in token.split("-"))
    pieces = [piece for piece in (re.sub(r"^[\W_]+|[\W_]+$", "", piece) for piece in low.split()) if piece]
    yield from (("id", run) for run in _runs(pieces, shortest=1))
    yield from (("name", run) for run in _runs(WORD.findall(low), shortest=2))


def _runs(words: list[str], *, shortest: int) -> Iterator[str]:
    for size in range(shortest, LONGEST_RUN + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])


class _Reader(HTMLParser):
    """Texts and attributes of a page, each with the heading that it stands under."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, str]] = []
        self.heading = ""
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag if tag in ("h1", "h2", "script", "style") else self.inside
        if tag in ("h1", "h2"):
            self.heading = ""
        self.found += [(self.heading, value) for name, value in attrs if value and name not in UNREAD]

    def handle_endtag(self, tag: str) -> None:
        if tag == self.inside:
            self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside in ("script", "style") or not data.strip():
            return
        if self.inside in ("h1", "h2"):
            self.heading += data
        self.found.append((self.heading, data))
