"""What does a text in YAML hold? Read by the library's compiled parser where there is one, ten times as fast as the other."""

from __future__ import annotations

from typing import Any

import yaml

QUICK: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
