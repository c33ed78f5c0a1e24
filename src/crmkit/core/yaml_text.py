"""What does a text in YAML hold? Read by the library's compiled parser where there is one, ten times as fast as the other."""

from __future__ import annotations

import re
from typing import Any

import yaml

from crmkit.core.errors import ParamError, Problem

TWICE = re.compile("the key (.*) stands twice")
QUICK: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# what the parser says of a fault: what a person has to mend
FAULTS = {
    "mapping values are not allowed": "a colon with a blank behind it stands inside a value; quote the value",
    "character '\\t'": "a line begins with a tab; write blanks",
    "cannot start any token": "a value begins with a sign that YAML keeps for itself; quote it",
    "alias": "a value begins with a sign that YAML keeps for itself; quote it",
    "alphabetic or numeric": "a value begins with a sign that YAML keeps for itself; quote it",
    "for the tag": "a value begins with a sign that YAML keeps for itself; quote it",
    "could not find expected ':'": "a line has no colon behind its key",
    "expected <block end>": "a line is not indented like those that it belongs to",
    "or ']'": "a bracket is not closed, or a comma is missing",
    "or '}'": "a bracket is not closed, or a comma is missing",
    "end of stream": "a quotation mark is not closed",
    "special characters": "it holds a character that stands in no text",
    "": "look at blanks at the beginning of lines, at colons and quotation marks",
}


def _unique_mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
        seen.add(key)
    found: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return found


def _of_unique_keys(loader: Any) -> Any:
    """A parser to which a key given twice is an error, not a silent loss of the first."""
    made: Any = type(f"Unique{loader.__name__}", (loader,), {})
    made.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _unique_mapping)
    return made


UNIQUE, PLAIN_UNIQUE = _of_unique_keys(QUICK), _of_unique_keys(yaml.SafeLoader)


def read_yaml(text: str, *, unique: bool = False) -> Any:
    """The content, of plain types only; a key that stands twice is an error where ``unique``.

    The two parsers count the line of a fault differently: it is told as the one tells it that every machine has.

    Examples
    --------
    >>> read_yaml("names: [a, b]")
    {'names': ['a', 'b']}
    """
    quick, plain = (UNIQUE, PLAIN_UNIQUE) if unique else (QUICK, yaml.SafeLoader)
    try:
        return yaml.load(text, Loader=quick)
    except yaml.YAMLError:
        return yaml.load(text, Loader=plain)


def unreadable(error: yaml.YAMLError | UnicodeDecodeError, *, where: str) -> ParamError:
    """What is wrong with a file that cannot be read, and in which line; the parser's own words are for programmers.

    Examples
    --------
    >>> try:
    ...     read_yaml("title: Shops: all of them")
    ... except yaml.YAMLError as err:
    ...     print(unreadable(err, where="acme.yml"))
    acme.yml, line 1: cannot be read as YAML; a colon with a blank behind it stands inside a value; quote the value.
    """
    if isinstance(error, UnicodeDecodeError):
        return ParamError(f"{where}: is not encoded as UTF-8; save it so")
    mark, problem = getattr(error, "problem_mark", None), str(getattr(error, "problem", None) or error)
    place = f"{where}:" if mark is None else f"{where}, line {mark.line + 1}:"
    if twice := TWICE.fullmatch(problem):
        return ParamError(Problem(place, f"the key {twice[1]} stands twice", "keep one of them"))
    fault = next(words for words in FAULTS if words in problem)
    return ParamError(Problem(place, "cannot be read as YAML", FAULTS[fault]))
