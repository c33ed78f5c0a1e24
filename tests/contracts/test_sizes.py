"""Modules stay small enough to be read at once, and public functions say what they take."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "crmkit"
MODULES = sorted(SRC.rglob("*.py"))
LINES, BODY = 400, 50


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SRC).as_posix())
def test_module(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES
    tree = ast.parse(text)
    assert (path.name == "__init__.py" and not text.strip()) or ast.get_docstring(tree), (
        "a module opens with the question it answers"
    )
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert body_lines(node) <= BODY, f"{node.name}: {body_lines(node)} lines"
    for node in public_functions(path):
        forwarded = node.args.kwarg if isinstance(node, ast.FunctionDef) else None
        assert forwarded is None, f"{node.name} forwards **{forwarded.arg}"


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def public_functions(path: Path) -> list[ast.FunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SRC).as_posix())
def test_public_names_have_a_docstring(path):
    assert not [node.name for node in public_functions(path) if not ast.get_docstring(node)]
