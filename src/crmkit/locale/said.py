"""Which messages can the code raise? Their templates, read from the syntax tree.

A message is put together where the fault is found, of constants and values. Each value becomes a numbered place, so that
``Problem(where, f"has no sheet {name!r}")`` holds the template ``has no sheet {0}``.
Stands alone: the words of pages are handed over as templates, these have to be worked out of expressions.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from itertools import product

# name of the call -> its first argument that is shown
RAISED = {"DataError": 0, "ParamError": 0, "ReportError": 0, "Problem": 0, "Issue": 3, "Outcome": 4, "_Ending": 1}
GATHERED = ("append", "extend")
HANDED_ON = ("rstrip", "join", "format", "removesuffix")
PLACE = "\0"
FILLED_IN = re.compile(r"\{\w*(?:![rs])?\}")
DEEPEST = 6
Scope = Mapping[str, list[ast.expr]]


def raised_in(source: str) -> tuple[str, ...]:
    """The templates of the messages that a file can raise.

    Examples
    --------
    >>> raised_in('def f(x):\\n    what = f"has no sheet {x!r}"\\n    raise DataError(Problem(x, what, "name one of them"))')
    ('has no sheet {0}', 'name one of them')
    """
    tree = ast.parse(source)
    functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    outside = _assigned(one for one in tree.body if isinstance(one, ast.Assign))
    found: dict[str, None] = {}
    for function in functions.values():
        scope = outside | _assigned(ast.walk(function))
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in RAISED:
                shown = [*call.args[RAISED[call.func.id] :], *(one.value for one in call.keywords)]
                for argument in shown:
                    found |= dict.fromkeys(_templates(argument, scope, functions))
    return tuple(dict.fromkeys(numbered(one) for one in found if _is_said(one)))


def returned_in(source: str) -> tuple[str, ...]:
    """The templates of the texts that the functions of a file give back.

    Examples
    --------
    >>> returned_in('def f(x) -> str:\\n    return f"no room is left on {x}" if x else ""')
    ('no room is left on {0}',)
    """
    tree = ast.parse(source)
    functions = {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}
    outside = _assigned(one for one in tree.body if isinstance(one, ast.Assign))
    found: dict[str, None] = {}
    for function in functions.values():
        if isinstance(function.returns, ast.Name) and function.returns.id == "str":
            scope = outside | _assigned(ast.walk(function))
            for one in ast.walk(function):
                if isinstance(one, ast.Return) and one.value is not None:
                    found |= dict.fromkeys(_templates(one.value, scope, functions))
    return tuple(dict.fromkeys(numbered(one) for one in found if _is_said(one)))


def numbered(template: str) -> str:
    """A template with its places numbered."""
    parts = FILLED_IN.sub(PLACE, template).split(PLACE)
    return "".join(f"{part}{{{at}}}" for at, part in enumerate(parts[:-1])) + parts[-1]


def _is_said(template: str) -> bool:
    """Whether it is a part of a sentence, and no name."""
    return " " in template.strip() and bool(re.search("[a-z]{2}", FILLED_IN.sub("", template)))


def _templates(node: ast.expr, scope: Scope, functions: Mapping[str, ast.FunctionDef], depth: int = 0) -> Iterator[str]:
    """Every text that an expression may be, and the texts that stand in its places."""
    if depth > DEEPEST:
        return
    inside: list[ast.expr] = []
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else PLACE for part in parts)
            values = [part.value for part in parts if isinstance(part, ast.FormattedValue)]
            inside = [one for one in values if isinstance(one, ast.IfExp | ast.Name)]
        case ast.BinOp(left=left, right=right):
            sides = [list(_templates(one, scope, functions, depth + 1)) or [PLACE] for one in (left, right)]
            yield from ("".join(pair) for pair in product(*sides))
        case ast.IfExp(body=body, orelse=orelse):
            inside = [body, orelse]
        case ast.List(elts=elements) | ast.Tuple(elts=elements):
            inside = elements
        case ast.Starred(value=value) | ast.Subscript(value=value):
            inside = [value]
        case ast.Dict(values=elements):
            inside = elements
        case ast.Name(id=name):
            inside, scope = list(scope.get(name, ())), {}
        case ast.Call(func=ast.Name(id=name)) if name in functions:
            returned = (one.value for one in ast.walk(functions[name]) if isinstance(one, ast.Return))
            inside, scope = [one for one in returned if one is not None], _assigned(ast.walk(functions[name]))
        case ast.Call(func=ast.Attribute(value=value, attr=name), args=arguments) if name in HANDED_ON:
            inside = [value, *arguments]
    for one in inside:
        yield from _templates(one, scope, functions, depth + 1)


def _assigned(nodes: Iterator[ast.AST]) -> dict[str, list[ast.expr]]:
    """What names may stand for."""
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        match node:
            case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
                for name, one in _pairs(target, value):
                    found.setdefault(name, []).append(one)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=how), args=arguments) if how in GATHERED:
                found.setdefault(name, []).extend(arguments)
    return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    match target, value:
        case ast.Name(id=name), _:
            yield name, value
        case ast.Tuple(elts=targets), ast.Tuple(elts=values):
            for one, other in zip(targets, values, strict=False):
                yield from _pairs(one, other)
        case ast.Tuple(), ast.IfExp(body=body, orelse=orelse):
            yield from _pairs(target, body)
            yield from _pairs(target, orelse)
