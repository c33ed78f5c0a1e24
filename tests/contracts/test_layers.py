"""Imports point one way: cli -> report -> show -> analyses -> {models, data} -> core; demo stands beside analyses."""

import ast
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "crmkit"
MAY_USE = {
    "core": set(),
    "models": {"core"},
    "data": {"core"},
    "demo": {"core", "models", "data"},
    "analyses": {"core", "models", "data"},
    "show": {"core", "models", "data", "analyses"},
    "report": {"core", "models", "data", "analyses", "show", "demo"},
    "locale": {"core"},
    "cli": {"core", "models", "data", "analyses", "show", "report", "demo"},
    "__main__": {"cli"},
    # the public names are loaded on first use only
    "__init__": {"data", "report"},
}


def used_modules(tree: ast.AST) -> list[str]:
    """Every crmkit module that a file imports, wherever the import stands."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names if alias.name.startswith("crmkit.")]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crmkit"):
            names += [node.module] if node.module != "crmkit" else [f"crmkit.{alias.name}" for alias in node.names]
    return names


def layer(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def offences(path: Path, text: str) -> list[str]:
    mine = layer(path)
    found = []
    for name in used_modules(ast.parse(text)):
        parts = name.split(".")
        used = parts[1]
        if used == "__version__":
            continue
        if used != mine and used not in MAY_USE[mine]:
            found.append(f"{path.relative_to(SRC)}: {mine} imports {used}")
        if mine == used == "analyses" and len(parts) > 2 and parts[2] != path.relative_to(SRC).parts[1].removesuffix(".py"):
            found.append(f"{path.relative_to(SRC)}: one analysis imports another, {name}")
    return found


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: path.relative_to(SRC).as_posix())
def test_imports_point_one_way(path):
    assert layer(path) in MAY_USE, f"{path}: a folder or module that the layers do not know"
    assert not offences(path, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("models/btyd/fit.py", "from crmkit.data.client import Client"),
        ("core/format.py", "import crmkit.show.tables"),
        ("analyses/churn.py", "from crmkit.analyses.clv import tiers"),
        ("analyses/clv/fit.py", "from crmkit.show import figures"),
    ],
)
def test_an_import_against_the_direction_is_found(path, line):
    assert offences(SRC / path, line)


def imports(files: Mapping[str, str]) -> dict[str, set[str]]:
    """Which modules does each import by name, anywhere: at the top, inside a function, for types only?"""
    graph = {}
    for module, text in files.items():
        used = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                inner = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
                used |= {whole if whole in files else node.module for whole in inner.values()}
        graph[module] = used & set(files)
    return graph


def ring(graph: Mapping[str, set[str]]) -> list[str]:
    """Modules of which each is imported by the next and the last by the first; empty where there is no such ring."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        return list(err.args[1])
    return []


def test_modules_do_not_form_a_ring():
    files = {}
    for path in SRC.rglob("*.py"):
        name = ".".join(["crmkit", *path.relative_to(SRC).with_suffix("").parts]).removesuffix(".__init__")
        files[name] = path.read_text(encoding="utf-8")
    found = ring(imports(files))
    assert not found, " <- ".join(found)


@pytest.mark.parametrize(
    "line",
    [
        "from crmkit.core.b import x",
        "from crmkit.core import b",
        "import crmkit.core.b",
        "def f():\n    from crmkit.core.b import x",
        "if TYPE_CHECKING:\n    from crmkit.core.b import X",
    ],
)
def test_a_ring_is_found_wherever_its_imports_stand(line):
    files = {"crmkit.core": "", "crmkit.core.a": line, "crmkit.core.b": "import crmkit.core.c", "crmkit.core.c": ""}
    assert not ring(imports(files))
    assert set(ring(imports(files | {"crmkit.core.c": "from crmkit.core.a import y"}))) == set(files) - {"crmkit.core"}
