"""Modules stay small enough to be read at once and large enough to be worth a file; public functions say what they take."""

import ast
from functools import cache
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "crmkit"
MODULES = sorted(SRC.rglob("*.py"))
LINES, STATEMENTS, FIELDS, SKIPS = 500, 50, 12, 30
# a module of fewer lines that one neighbour alone imports is a part of that neighbour, unless its docstring says why not
CRUMB, REASON = 120, "Stands alone:"

everyone = pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SRC).as_posix())


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@everyone
def test_module(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    tree = ast.parse(text)
    assert (path.name == "__init__.py" and not text.strip()) or ast.get_docstring(tree), (
        "a module opens with the question it answers"
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert statements(node) <= STATEMENTS, f"{node.name}: {statements(node)} statements"
    for node in public_functions(tree):
        forwarded = node.args.kwarg if isinstance(node, ast.FunctionDef) else None
        assert forwarded is None, f"{node.name} forwards **{forwarded.arg}"


def statements(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Statements of a body, those inside others too; however they are written on lines."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return sum(isinstance(one, ast.stmt) for each in body for one in ast.walk(each))


def public_functions(tree: ast.Module) -> list[ast.FunctionDef | ast.ClassDef]:
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")]


def test_nested_statements_count_however_they_are_written():
    source = 'def f(x):\n    """What?"""\n    if x: y = 1; z = 2\n    def g():\n        return y\n    return g'
    (node,) = ast.parse(source).body
    assert statements(node) == 6


@everyone
def test_public_names_have_a_docstring(path):
    assert not [node.name for node in public_functions(tree_of(path)) if not ast.get_docstring(node)]


def test_the_formatter_writes_the_code():
    """Only tables of numbers are laid out by hand."""
    kept = {path.relative_to(SRC).as_posix(): path.read_text(encoding="utf-8").count("# fmt: skip") for path in MODULES}
    assert sum(kept.values()) <= SKIPS, {name: count for name, count in kept.items() if count}


@pytest.mark.parametrize(
    "path", sorted((SRC / "analyses").rglob("*.py")), ids=lambda path: path.relative_to(SRC / "analyses").as_posix()
)
def test_values_have_few_fields(path):
    found = {name: fields for name, fields in dataclass_fields(tree_of(path)).items() if fields > FIELDS}
    assert not found


def dataclass_fields(tree: ast.Module) -> dict[str, int]:
    """How many fields each dataclass of a module has."""
    return {
        node.name: sum(isinstance(one, ast.AnnAssign) for one in node.body)
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(one) for one in node.decorator_list)
    }


def test_fields_of_dataclasses_are_counted():
    source = "@dataclass(frozen=True)\nclass A:\n    x: int\n    y: int = 1\n\n\nclass B:\n    z: int"
    assert dataclass_fields(ast.parse(source)) == {"A": 2}


def test_no_crumbs():
    named = {module_name(path): path for path in MODULES}
    trees = {name: tree_of(path) for name, path in named.items()}
    assert not crumbs(trees)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SRC.parent).with_suffix("").parts).removesuffix(".__init__")


def crumbs(trees: dict[str, ast.Module]) -> list[str]:
    """Small modules that one module of the same folder imports and nobody else, and that do not say why they stand alone.

    What stands in another room or layer than its user, or is exported by the door of its package, is no crumb.
    """
    users: dict[str, set[str]] = {name: set() for name in trees}
    for name, tree in trees.items():
        for node in ast.walk(tree):
            wanted = []
            if isinstance(node, ast.ImportFrom) and node.module:
                inner = [f"{node.module}.{alias.name}" for alias in node.names]
                wanted = [one if one in trees else node.module for one in inner]
            elif isinstance(node, ast.Import):
                wanted = [alias.name for alias in node.names]
            for one in wanted:
                if one in trees and one != name:
                    users[one].add(name)
    found = []
    for name, tree in trees.items():
        room = name.rpartition(".")[0]
        short = max((node.end_lineno for node in tree.body), default=0) < CRUMB
        alone = len(users[name]) == 1 and all(user.rpartition(".")[0] == room for user in users[name])
        door = any(other.startswith(name + ".") for other in trees)
        if short and alone and not door and REASON not in (ast.get_docstring(tree) or ""):
            found.append(f"{name}, part of {next(iter(users[name]))}")
    return found


def test_a_crumb_is_found():
    user, other = "from kit.room.small import x", "from kit.room import small"
    found = {"kit.room.small": '"""What?"""\nx = 1', "kit.room.user": user, "kit.room.b": "", "kit.other.c": ""}

    def seen(**changed):
        return crumbs({name: ast.parse(changed.get(name.rpartition(".")[2], text)) for name, text in found.items()})

    assert seen() == ["kit.room.small, part of kit.room.user"]
    assert seen(b=other) == []
    assert seen(user="", c=user) == []
    assert seen(small='"""What?\n\nStands alone: it is swapped as one.\n"""\nx = 1') == []
    assert seen(small='"""What?"""\n' + "x = 1\n" * CRUMB) == []
