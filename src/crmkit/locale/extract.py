"""Which words of a file are shown to a reader? Those of code, of page templates and of the prose of notebooks.

Code is read as a syntax tree, not run: a string that stands over several lines is one message, and of two strings between
which a condition decides both are.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass

from crmkit.core.language import blocks

# name of the call -> place and name of the argument that is translated
CALLS = {
    "Text": (0, "template"),
    "mark": (0, "template"),
    "translate": (0, "template"),
    "Axis": (0, "label"),
    "Column": (1, "label"),
}
SHORT_NAME = "t"


@dataclass(frozen=True)
class Found:
    """What a file holds.

    Parameters
    ----------
    messages : tuple of str
        In the order of the file; one may occur more than once.
    hidden : tuple of (int, str)
        Line and text of words that cannot be found because they are put together as the code runs.
    """

    messages: tuple[str, ...]
    hidden: tuple[tuple[int, str], ...] = ()


def in_python(source: str) -> Found:
    """The words that code hands to ``Text``, ``Column``, ``Axis``, ``mark``, ``translate`` or ``t``.

    Examples
    --------
    >>> in_python('title = Text("{n} customers "\\n    "in {place}")').messages
    ('{n} customers in {place}',)
    >>> in_python('Column("n", "Many" if n else "None")').messages
    ('Many', 'None')
    >>> in_python('Text(f"{n} customers")').hidden
    ((1, 'Text(f"{n} customers")'),)
    """
    messages: list[str] = []
    hidden: list[tuple[int, str]] = []
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        for node in _alternatives(_argument(call)):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                messages.append(node.value)
            elif _put_together(node):
                hidden.append((call.lineno, ast.get_source_segment(source, call) or ast.unparse(call)))
    return Found(tuple(messages), tuple(hidden))


def _argument(call: ast.Call) -> ast.expr | None:
    name = call.func.id if isinstance(call.func, ast.Name) else call.func.attr if isinstance(call.func, ast.Attribute) else ""
    place, keyword = CALLS.get(name, (0, "") if name == SHORT_NAME else (-1, ""))
    if place < 0:
        return None
    if len(call.args) > place and not any(isinstance(one, ast.Starred) for one in call.args[: place + 1]):
        return call.args[place]
    return next((one.value for one in call.keywords if one.arg == keyword), None)


def _alternatives(node: ast.expr | None) -> Iterator[ast.expr]:
    """The expressions one of which is the value."""
    if isinstance(node, ast.IfExp):
        yield from _alternatives(node.body)
        yield from _alternatives(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _alternatives(value)
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
        for value in node.value.values:
            yield from _alternatives(value)
    elif node is not None:
        yield node


def _put_together(node: ast.expr) -> bool:
    """Whether a text with words of its own is made as the code runs, so that no catalogue can hold it."""
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.Constant) and any(map(str.isalpha, str(part.value))) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(node))
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("format", "format_map")


def in_template(source: str) -> Found:
    """The words of a page template, which stand in ``t("...")``.

    Examples
    --------
    >>> in_template('<p>{{ t("Show "\\n "code") }}{% if t("Run") %}{% endif %}</p>').messages
    ('Show code', 'Run')
    >>> in_template('{{ t("Show " ~ name) }}').hidden
    ((1, 't() of words that are put together'),)
    """
    from jinja2 import Environment, nodes

    messages: list[str] = []
    hidden: list[tuple[int, str]] = []
    for call in Environment(autoescape=True).parse(source).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == SHORT_NAME and call.args:
            for node in _choices(call.args[0]):
                if isinstance(node, nodes.Const):
                    messages.append(str(node.value))
                elif isinstance(node, nodes.Concat | nodes.Add):
                    hidden.append((call.lineno, "t() of words that are put together"))
    return Found(tuple(messages), tuple(hidden))


def _choices(node: object) -> Iterator[object]:
    from jinja2 import nodes

    if isinstance(node, nodes.CondExpr):
        yield from _choices(node.expr1)
        yield from _choices(node.expr2)
    elif node is not None:
        yield node


def in_notebook(source: str) -> Found:
    """The prose of a notebook: one message for each block of Markdown, and for what each parameter is for, and its unit."""
    from crmkit.core.cells import read_cell

    cells = json.loads(source)["cells"]
    prose = [block for cell in cells if cell["cell_type"] == "markdown" for block in blocks("".join(cell["source"]))]
    declared = next((cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", ())), None)
    if declared is not None:
        for one in read_cell("".join(declared["source"]), where="parameters"):
            prose += [words for words in (one.unit, one.help) if words]
    return Found(tuple(prose))
