"""What is wrong with a value that settings do not allow? One sentence each, in words of ours and never in the library's.

pydantic tells a kind of error and where it stands; what it says of it is for programmers, and in English. Of a value that may
be of several types it tells one error for each of them: here they are one.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from crmkit.core.errors import Problem, did_you_mean, shortened

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

# by the first word of the kind of an error that speaks of a type: what should have stood there
NOUNS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a number",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
}
UNKNOWN = frozenset({"extra_forbidden", "invalid_key"})
_NOTHING = object()
OF_A_TYPE = re.compile(r"([a-z]+)_(?:type|parsing|from_float|number|too_short)")


def problems_of(error: ValidationError, model: type[BaseModel], given: Mapping[str, Any], *, where: str) -> list[Problem]:
    """What is wrong with the content of a file, a problem for each place.

    Parameters
    ----------
    error : ValidationError
    model : BaseModel
        That refused it.
    given : mapping
        What it refused.
    where : str
        The file, as it is named in a message.

    Returns
    -------
    list of Problem
        The key, the value, what is allowed, the nearest right name.
    """
    problems: list[Problem] = []
    places: dict[tuple[str, ...], list[ErrorDetails]] = {}
    of_several: set[tuple[str, ...]] = set()
    for one in error.errors():
        if one["loc"][-1:] == ("[key]",):
            problems.append(_problem([*_path(one["loc"][:-2], given), str(one["loc"][-2])], [one], model, where))
            continue
        last = one["type"] == "missing" or one["type"] in UNKNOWN
        path = (*_path(one["loc"][:-1], given), str(one["loc"][-1])) if last else _path(one["loc"], given)
        places.setdefault(path, []).append(one)
        if len(path) < len(one["loc"]):
            of_several.add(path)
    # where one of several types fits and something inside does not, the inside is what is wrong
    kept = {
        path: found
        for path, found in places.items()
        if path not in of_several or not any(len(other) > len(path) and other[: len(path)] == path for other in places)
    }
    return problems + [_problem(path, found, model, where) for path, found in kept.items()]


def as_written(value: object) -> str:
    """A value as a file has it, and not as Python writes it.

    Examples
    --------
    >>> as_written(True), as_written(None), as_written("no"), as_written(dt.date(2025, 12, 31))
    ('true', 'empty', "'no'", '2025-12-31')
    """
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return shortened(value if isinstance(value, dt.date) else repr(value))


def _path(loc: Sequence[int | str], given: Any) -> tuple[str, ...]:
    """Where it stands, without the types of which one was tried."""
    path, at = [], given
    for part in loc:
        inside = at.get(part, _NOTHING) if isinstance(at, Mapping) else _item(at, part)
        if inside is not _NOTHING:
            path.append(str(part))
            at = inside
    return tuple(path)


def _item(listed: Any, at: int | str) -> Any:
    return listed[at] if isinstance(listed, list | tuple) and isinstance(at, int) and at < len(listed) else _NOTHING


def _problem(path: Sequence[str], errors: Sequence[ErrorDetails], model: type[BaseModel], where: str) -> Problem:
    first = errors[0]
    place, kind, value = f"{where}, {'.'.join(path)}:", first["type"], first.get("input")
    if kind == "missing":
        return Problem(place, "is missing", "it is required")
    if kind in UNKNOWN:
        above = ", ".join(part for part in (where, ".".join(path[:-1])) if part)
        return Problem(f"{above}:", f"unknown key {path[-1]!r}", hint=did_you_mean(path[-1], _keys(model, path[:-1])))
    if kind == "value_error":
        return _own_words(place, value, str(first["ctx"]["error"]), key=path[-1] if path else "", where=where)
    nouns = [NOUNS[found[1]] for one in errors if (found := OF_A_TYPE.fullmatch(one["type"])) and found[1] in NOUNS]
    if nouns:
        return _of_a_type(place, value, nouns)
    return Problem(place, f"is {as_written(value)}", _allowed(kind, first.get("ctx", {})), _nearest(value, first))


def _of_a_type(place: str, value: Any, nouns: Sequence[str]) -> Problem:
    quotable = isinstance(value, bool | int | float | dt.date)
    if set(nouns) == {"text"} and quotable:
        return Problem(place, f"was read as {as_written(value)}, not as text", "quote it")
    # a whole number is a number, and what may be any text or number may be yes or no too
    less = {"a whole number"} if "a number" in nouns else set()
    less |= {"true or false"} if "text" in nouns else set()
    expected = " or ".join(noun for noun in dict.fromkeys(nouns) if noun not in less)
    return Problem(
        place, f"is {as_written(value)}", f"{expected} is expected", "quote it" if quotable and "text" in nouns else ""
    )


def _own_words(place: str, value: Any, said: str, *, key: str, where: str) -> Problem:
    """What a check of ours has said, which may name the key, the value, or neither."""
    said = said.removesuffix(".").removeprefix(f"{key}: ")
    if not key:
        return Problem(f"{where}:", said)
    if said.startswith(repr(value)):
        return Problem(place, f"{as_written(value)}{said.removeprefix(repr(value))}")
    return Problem(place, said)


def _allowed(kind: str, limits: Mapping[str, Any]) -> str:
    """What a value must keep, by the kind of error."""
    match kind:
        case "greater_than_equal":
            return f"{limits['ge']:g} or more is expected"
        case "greater_than":
            return f"a number above {limits['gt']:g} is expected"
        case "less_than_equal":
            return f"{limits['le']:g} or less is expected"
        case "literal_error":
            return f"one of {', '.join(_choices(limits))} is expected"
        case "string_pattern_mismatch":
            return f"a text of the form {limits['pattern']} is expected"
        case "too_short" | "too_long":
            return f"a list of {limits.get('min_length', limits.get('max_length'))} is expected"
        case "dict_type" | "model_type":
            return "lines of 'key: value' are expected"
    return "it cannot be used here"


def _choices(limits: Mapping[str, Any]) -> list[str]:
    return re.split(", | or ", str(limits.get("expected", "")))


def _nearest(value: Any, error: ErrorDetails) -> str:
    if error["type"] != "literal_error" or not isinstance(value, str):
        return ""
    hint = did_you_mean(value, [one.strip("'") for one in _choices(error["ctx"])])
    return hint if hint.startswith("did you mean") else ""


def _keys(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys that may stand at a place of a model, as a file has them."""
    at: Any = model
    for part in path:
        if _is_model(at):
            at = next(field.annotation for name, field in at.model_fields.items() if part in (name, field.alias))
        else:
            at = get_args(at)[-1]
    return [field.alias or name for name, field in at.model_fields.items()] if _is_model(at) else []


def _is_model(at: Any) -> bool:
    return isinstance(at, type) and issubclass(at, BaseModel)
