"""Imports point one way: cli -> report -> show -> analyses -> {models, data} -> core; demo stands beside analyses."""

import ast
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


def test_packages_do_not_form_a_ring():
    """No module of the kit is, through others, imported by itself (imports inside functions and for types aside)."""
    graph = {}
    for path in SRC.rglob("*.py"):
        name = "crmkit." + ".".join(path.relative_to(SRC).with_suffix("").parts)
        graph[name.removesuffix(".__init__")] = set(used_modules(ast.Module(top_level(path), [])))
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join([*trail[trail.index(name) :], name])
        if name in done or name not in graph:
            return
        for used in graph[name]:
            walk(used if used in graph else used.rpartition(".")[0], (*trail, name))
        done.add(name)

    for name in graph:
        walk(name, ())


def top_level(path: Path) -> list[ast.stmt]:
    return [node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.Import | ast.ImportFrom)]
