"""What does the params file look like? Short, in the order in which a person reads, with a word where something was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from crmkit.core.errors import shortened
from crmkit.core.language import Locale, say
from crmkit.core.results import Quantity, Text
from crmkit.core.settings import Settings
from crmkit.core.yaml_text import read_yaml
from crmkit.data.presets.common import Common
from crmkit.data.presets.draft import Draft, settings_of
from crmkit.data.presets.preset import Recognised
from crmkit.data.presets.sight import is_database, is_readable
from crmkit.data.sources.layout import Row
from crmkit.data.tables import TABLES

WIDTH = 116
UNKNOWN_SHOWN = 15
# a customer, a day and an amount
FEWEST_HEADERS = 3
TO_FILL_IN = Text("{file}: {what}; fill in and add to tables of the params file:  {line}")
ALONE = Text(
    "{file}: {what}; write params/{name}.yml, one line for each of {begin} and tables, and in tables of this params file:"
    "  {line}"
)


def params_text(common: Common, drafts: Sequence[Draft]) -> str:
    """The params file of a client, checked to be one."""
    locale = Locale(common.language)
    numbers = {"name": common.name, "source": common.source, "day": str(common.newest or "")}
    day = Text("last day that counts; empty: the last complete day with data")
    if common.newest:
        day = Text("last day that counts; empty: the last complete day with data; the newest is {day}", numbers)
    written = Text("Written by `crmkit new {name}` from {source}. Edit what is wrong: it is never written over.", numbers)
    lines = [
        f"# {say(written, locale)}",
        f"client: {_flow(common.name)}",
        f"title: {_flow(common.name.replace('_', ' ').replace('-', ' ').title())}",
        f"# {say(Text('en | zh: language of the report'), locale)}",
        f"language: {common.language}",
        f"# {say(common.currency_said, locale)}",
        f"currency: {_flow(common.currency)}",
        f"# {say(common.timezone_said, locale)}" if common.timezone_said else "",
        f"timezone: {common.timezone}",
        f"# {say(day, locale)}",
        f"as_of: {_flow(common.as_of)}",
        f"source: {_flow(common.source)}",
        "",
        "tables:",
    ]
    lines = [line for at, line in enumerate(lines) if line or at == len(lines) - 2]
    for draft in drafts:
        lines += _table(draft, locale)
    for section, values in common.params.items():
        lines += ["", f"{section}:", *(f"  {key}: {_flow(value)}" for key, value in values.items())]
    text = "\n".join(lines) + "\n"
    found = read_yaml(text)
    Settings(**{key: value for key, value in found.items() if key not in common.params})
    return text


def _table(draft: Draft, locale: Locale) -> list[str]:
    settings = settings_of(draft)
    lines = [f"  # {draft.preset.system}" if draft.preset.system else "", f"  {draft.table}:"]
    for key, value in settings.items():
        if draft.comments.get(key):
            lines.append(f"    # {say(draft.comments[key], locale)}")
        if key == "items":
            lines += [
                "    items:",
                *(line for item, one in value.items() for line in _wrapped(f"{_flow(item)}: ", one, indent=6)),
            ]
        else:
            lines += _wrapped(f"{key}: ", value, indent=4)
    return [line for line in lines if line]


def _wrapped(start: str, value: Any, *, indent: int) -> list[str]:
    """A key with its value, over several lines where it is long."""
    blanks = " " * indent
    whole = f"{blanks}{start}{_flow(value)}"
    if len(whole) <= WIDTH or not isinstance(value, Mapping):
        return [whole]
    lines = [f"{blanks}{start}{{"]
    parts = [_flow({key: one})[1:-1] for key, one in value.items()]
    for at, part in enumerate(parts):
        end = "}" if at == len(parts) - 1 else ", "
        if len(lines[-1]) + len(part) + len(end.rstrip()) > WIDTH and not lines[-1].endswith("{"):
            lines.append(f"{blanks}  ")
        lines[-1] += part + end
    return [line.rstrip() for line in lines]


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def glob_of(files: Sequence[Path], folder: Path) -> tuple[str, list[Path]]:
    """A name or pattern that takes in these files and no others that could be read, and the files that no pattern takes in."""
    names = [path.relative_to(folder).as_posix() for path in files]
    if len(names) == 1:
        return names[0], []
    start = _shared(names)
    end = _shared([name[::-1] for name in names])[::-1]
    end = end[max(0, len(start) + len(end) - min(map(len, names))) :]
    for pattern in (f"{start}*{end}", f"*{Path(names[0]).suffix}"):
        taken = {path for path in folder.glob(pattern) if path.is_file() and is_readable(path)}
        if taken == set(files):
            return pattern, []
    largest = max(files, key=lambda path: path.stat().st_size)
    return largest.relative_to(folder).as_posix(), [path for path in files if path != largest]


def _shared(names: Sequence[str]) -> str:
    """The letters that all names begin with."""
    first, last = min(names), max(names)
    same = next((at for at, letter in enumerate(first) if at >= len(last) or letter != last[at]), len(first))
    return first[:same]


def unplaced_lines(
    path: Path,
    rows: Sequence[Row],
    recognised: Recognised | None,
    *,
    place: Path,
    draft: Draft | None = None,
    likely: Mapping[str, str] | None = None,
) -> Text:
    """What is known of a file that cannot be read as it is, and the lines of the params file that would say the rest."""
    headers = [text.strip() for text in next((fields for _, fields in rows if any(one.strip() for one in fields)), [])]
    folder = place if place.is_dir() else place.parent
    file = path.name if is_database(place) else path.relative_to(folder).as_posix()
    table = recognised.preset.table if recognised else "transactions"
    if draft is not None:
        known = {ours: draft.seen(ours).header for ours in draft.at}
        missing = draft.missing
    else:
        known = {ours: recognised.headers[at[0]] for ours, at in recognised.found.items()} if recognised else {}
        missing = [*recognised.missing] if recognised else []
    known = {**(likely or {}), **known}
    required = [name for name in TABLES[table].required if name not in ("item_id",)]
    columns = {name: known.get(name, "...") for name in required}
    line = _flow({table: {"table" if is_database(place) else "file": file, "columns": columns}})[1:-1]
    placed = set(known.values()) - set((likely or {}).values())
    unknown = [shortened(header) for header in headers if header and header not in placed]
    listed = ", ".join(unknown[:UNKNOWN_SHOWN]) + (" ..." if len(unknown) > UNKNOWN_SHOWN else "")
    lacking: Text | str = missing[0] if len(missing) == 1 else ", ".join(str(one) for one in missing)
    numbers = {"lacking": lacking, "there": listed, "table": table}
    if recognised and recognised.preset.system:
        what = Text(
            "looks like {system}, but has no {lacking}; there are {there}", numbers | {"system": recognised.preset.system}
        )
    elif recognised:
        what = Text("may be {table}, but has no {lacking} that is known; it could not place {there}", numbers)
    else:
        what = Text("has headers of no system that is known: {there}", numbers)
    if recognised is None and len(headers) < FEWEST_HEADERS:
        return Text("{file}: {what}", {"file": file, "what": what})
    if likely:
        what = Text(
            "{what}; {columns} in the line {n:is|are} a guess: look at it, or answer on a terminal, without --yes",
            {"what": what, "columns": ", ".join(likely), "n": Quantity(len(likely), "count")},
        )
    return Text(TO_FILL_IN.template, {"file": file, "what": what, "line": line})


def begun(problem: Text | str, *, name: str, source: str) -> Text | str:
    """What is said of a file that has to be filled in, where there is no params file yet: with the lines that begin it."""
    if not isinstance(problem, Text) or problem.template != TO_FILL_IN.template:
        return problem
    lines = {"client": name, "title": name.title(), "currency": "...", "source": source}
    return Text(ALONE.template, {**problem.numbers, "name": name, "begin": _flow(lines)[1:-1]})
