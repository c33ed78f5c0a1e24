"""Which small changes can be made to a file? Where they are, what each makes of the text, and how some are drawn by a seed."""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("analyses", "models", "report")
KINDS = ("comparison", "constant", "argument", "column")
PAIRS = (("<=", "<"), (">=", ">"), ("==", "!="), ("in", "not in"), ("is", "is not"))
OPPOSITE = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
OPERATOR = re.compile(r"<=|>=|==|!=|<|>|\bnot\s+in\b|\bis\s+not\b|\bin\b|\bis\b")


@dataclass(frozen=True)
class Mutant:
    """One change: in which file and line, of which kind, what the text was and what it becomes."""

    path: str
    line: int
    kind: str
    start: int
    end: int
    before: str
    after: str

    def applied(self, source: str) -> str:
        """The text of the file with the change."""
        raw = source.encode()
        return (raw[: self.start] + self.after.encode() + raw[self.end :]).decode()

    def lines(self, source: str) -> tuple[str, str]:
        """The lines that it touches, before and after, each as one."""
        first = source.encode()[: self.start].count(b"\n")
        was = source.splitlines()[first : first + self.before.count("\n") + 1]
        now = self.applied(source).splitlines()[first : first + self.after.count("\n") + 1]
        return " ".join(" ".join(was).split()), " ".join(" ".join(now).split())

    def key(self, source: str) -> str:
        """How the change is called: by its lines, so that it keeps its name when others move."""
        return " | ".join((self.path, *self.lines(source)))


# where something can be changed


def sites(source: str, path: str) -> list[Mutant]:
    """Every change that can be made to a file, in the order of the text.

    Annotations, docstrings, texts and what stands inside formatted strings are left alone.
    """
    raw = source.encode()
    starts = [0]
    for line in raw.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def mutant(kind: str, start: int, end: int, after: str) -> Mutant:
        return Mutant(path, raw[:start].count(b"\n") + 1, kind, start, end, raw[start:end].decode(), after)

    found: list[Mutant] = []
    for node in _code(ast.parse(source)):
        if isinstance(node, ast.Compare) and len(node.ops) == 1:
            start, end = place(node.left)[1], place(node.comparators[0])[0]
            sign = OPERATOR.search(raw[start:end].decode())
            if sign:
                word = " ".join(sign[0].split())
                found.append(mutant("comparison", start + sign.start(), start + sign.end(), OPPOSITE[word]))
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            found.append(mutant("constant", *place(node), other_constant(node.value)))
        elif isinstance(node, ast.Call):
            for one in node.keywords:
                if one.arg and isinstance(one.value, ast.Name) and one.value.id == one.arg:
                    start, end = place(one)
                    after = re.match(rb"\s*,\s*", raw[end:])
                    found.append(mutant("argument", start, end + (len(after[0]) if after else 0), ""))
        elif isinstance(node, ast.Dict):
            found += [mutant("column", *span, after) for span, after in _swaps(node, raw, place)]
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and _is_column(node.targets[0]):
            found.append(mutant("column", *place(node), "pass"))
    return sorted(found, key=lambda one: (one.start, one.end, one.kind))


def other_constant(value: bool | float) -> str:
    """What a constant becomes: the other truth value, the next whole number, twice a fraction (one instead of zero)."""
    if isinstance(value, bool):
        return str(not value)
    if isinstance(value, int):
        return str(value + 1)
    return repr(value * 2 if value else 1.0)


def _is_column(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str)


def _swaps(node: ast.Dict, raw: bytes, place) -> Iterator[tuple[tuple[int, int], str]]:
    """The values of two neighbouring columns, exchanged."""
    named = [key for key in node.keys if isinstance(key, ast.Constant) and isinstance(key.value, str)]
    if len(named) < len(node.keys):
        return
    for one, two in zip(node.values, node.values[1:], strict=False):
        (a, b), (c, d) = place(one), place(two)
        first, second = raw[a:b].decode(), raw[c:d].decode()
        if first != second and not (isinstance(one, ast.Constant) and isinstance(two, ast.Constant)):
            yield (a, d), second + raw[b:c].decode() + first


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node that runs: no annotation, no formatted string, nothing for the type checker alone."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            typing = isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING"
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr) and not typing:
                yield child
                yield from _code(child)


def draw(root: Path, *, number: int, seed: int, within: str = "") -> list[Mutant]:
    """As many changes of each kind as of the others, drawn by a seed; a smaller number gives the first ones of a larger.

    Each place has its lot by its own words, so that a change elsewhere in the tree moves none but those that it touches.
    """
    by_kind: dict[str, list[tuple[str, Mutant]]] = {kind: [] for kind in KINDS}
    for folder in FOLDERS:
        for path in sorted((root / "src" / "crmkit" / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if within in name:
                source, alike = path.read_text(encoding="utf-8"), Counter[str]()
                for one in sites(source, name):
                    words = one.key(source)
                    lot = hashlib.sha256(f"{seed} {one.kind} {words} {alike[words]}".encode()).hexdigest()
                    alike[words] += 1
                    by_kind[one.kind].append((lot, one))
    drawn = {kind: [one for _, one in sorted(found, key=lambda each: each[0])] for kind, found in by_kind.items()}
    rounds = [drawn[kind][turn] for turn in range(number) for kind in KINDS if turn < len(drawn[kind])]
    return rounds[:number]


# which tests reach it


def probe(one: Mutant, source: str) -> str:
    """The name of the place of a change, in a few letters."""
    return hashlib.sha256(f"{one.key(source)} {one.start}".encode()).hexdigest()[:10]


def probed(source: str, mutants: list[Mutant]) -> str:
    """The text of a file in which each statement that would be changed says first that it is reached.

    A changed default counts when the function is called, not when it is defined.
    """
    tree = ast.parse(source)
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    bodies = [part for node in ast.walk(tree) for _, part in ast.iter_fields(node) if isinstance(part, list)]
    inserts = []
    for one in mutants:
        around = [
            (stmt.end_lineno - first, -stmt.col_offset, len(inserts), body, stmt)
            for body in bodies
            for stmt in body
            if isinstance(stmt, ast.stmt)
            for first in [min([stmt.lineno, *(each.lineno for each in getattr(stmt, "decorator_list", []))])]
            if starts[first - 1] <= one.start < starts[stmt.end_lineno - 1] + stmt.end_col_offset
        ]
        inserts.append((*min(around, key=lambda each: each[:2])[3:], one))
    for body, stmt, one in inserts:
        call = ast.parse(f"__import__('reach').hit({probe(one, source)!r})").body[0]
        if isinstance(stmt, ast.FunctionDef) and one.start >= starts[stmt.lineno - 1]:
            stmt.body.insert(1 if ast.get_docstring(stmt) else 0, call)
        else:
            body.insert(next(place for place, each in enumerate(body) if each is stmt), call)
    return ast.unparse(ast.fix_missing_locations(tree))
