"""Would the tests notice? Changes one thing of the code at a time, runs the tests that import it, says what nobody noticed.

``make mutants`` draws 200 changes by a seed from ``analyses``, ``models`` and ``report``: comparisons, constants, arguments
handed on, and columns. Each is made in a copy of the tree, never in the tree itself. The tests that import the module, or the
package that exports it, run there with the fastest first; a time-out counts as not noticed. What is done is kept in
``work/mutants.json``, so that a run that was stopped goes on where it was; the table goes to ``docs/mutants.md``.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import queue
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("analyses", "models", "report")
KINDS = ("comparison", "constant", "argument", "column")
SECONDS, BASELINE_SECONDS = 120, 600
WORKERS = 2
MOST_ALIVE, MOST_EQUAL = 0.10, 10
PAIRS = (("<=", "<"), (">=", ">"), ("==", "!="), ("in", "not in"), ("is", "is not"))
OPPOSITE = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
OPERATOR = re.compile(r"<=|>=|==|!=|<|>|\bnot\s+in\b|\bis\s+not\b|\bin\b|\bis\b")
# changes after which the program is the same, each with its reason: `path | line before | line after`
EQUAL: dict[str, str] = {}


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
    """As many changes of each kind as of the others, drawn by a seed; a smaller number gives the first ones of a larger."""
    by_kind: dict[str, list[Mutant]] = {kind: [] for kind in KINDS}
    for folder in FOLDERS:
        for path in sorted((root / "src" / "crmkit" / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            if within in name:
                for one in sites(path.read_text(encoding="utf-8"), name):
                    by_kind[one.kind].append(one)
    for place, kind in enumerate(KINDS):
        random.Random(f"{seed}-{place}").shuffle(by_kind[kind])
    rounds = [by_kind[kind][turn] for turn in range(number) for kind in KINDS if turn < len(by_kind[kind])]
    return rounds[:number]


# which tests import it


def module_of(path: str) -> str:
    """The name under which a file of ``src`` is imported."""
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def imports(path: Path, *, known: frozenset[str]) -> set[str]:
    """Modules of the kit that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in known else node.module for name in inner}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


class Relevance:
    """Which test files import a module, or a package that exports it."""

    def __init__(self, root: Path) -> None:
        sources = {module_of(path.relative_to(root).as_posix()): path for path in (root / "src" / "crmkit").rglob("*.py")}
        known = frozenset(sources)
        self.graph = {name: imports(path, known=known) for name, path in sources.items()}
        skipped = {root / "tests" / "browser", root / "tests" / "mutants", root / "tests" / "contracts"}
        files = [path for path in sorted((root / "tests").rglob("test_*.py")) if not skipped & set(path.parents)]
        self.tests = {path.relative_to(root).as_posix(): imports(path, known=known) for path in files}

    def exporters(self, module: str) -> set[str]:
        """The module itself and those of its packages whose door leads to it."""
        found = {module}
        package = module
        while package.count(".") > 2:
            package = package.rpartition(".")[0]
            reached, waiting = set(), [package]
            while waiting:
                name = waiting.pop()
                if name not in reached:
                    reached.add(name)
                    waiting += [other for other in self.graph.get(name, ()) if other.startswith(package + ".")]
            if module in reached:
                found.add(package)
        return found

    def of(self, path: str) -> list[str]:
        """Test files for a file of ``src``; where none imports it, those that import a module which does."""
        module = module_of(path)
        wanted = self.exporters(module)
        found = [name for name, used in self.tests.items() if used & wanted]
        if not found:
            users = {name for name, used in self.graph.items() if module in used}
            found = [name for name, used in self.tests.items() if used & users]
        return found


# running


class Trees:
    """Copies of the tree for workers; each is lent to one of them at a time."""

    def __init__(self, root: Path, folder: Path, *, number: int) -> None:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
        self.free: queue.Queue[Path] = queue.Queue()
        for place in range(number):
            copy = folder / f"tree{place}"
            for name in filter(None, listed.split("\0")):
                if (root / name).is_file():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(root / name, copy / name)
            self.free.put(copy)


def run_tests(tree: Path, files: list[str], *, seconds: float) -> tuple[str, float, str]:
    """Whether tests pass in a tree: ``passed``, ``failed`` or ``timed out``; the seconds; and the first that failed."""
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("CRMKIT_HOME", None)
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", "-p", "no:cacheprovider", "--tb=no", *files]
    began = time.monotonic()
    process = subprocess.Popen(
        command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return "timed out", time.monotonic() - began, ""
    broken = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.MULTILINE)
    # 5: no test was collected, which is no proof of anything
    verdict = {0: "passed", 5: "passed"}.get(process.returncode, "failed")
    return verdict, time.monotonic() - began, broken[1] if broken else ""


class Record:
    """What is known already, kept in a file after each step."""

    def __init__(self, path: Path) -> None:
        self.path, self.lock = path, threading.Lock()
        self.known: dict[str, dict] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    def put(self, name: str, value: dict) -> None:
        """Keep something, also on disk."""
        with self.lock:
            self.known[name] = value
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_suffix(".part")
            part.write_text(json.dumps(self.known, ensure_ascii=False, indent=1), encoding="utf-8")
            part.replace(self.path)


def digest(root: Path, *names: str) -> str:
    """What the content of some files is, in a few letters."""
    return hashlib.sha256(b"\0".join((root / name).read_bytes() for name in names)).hexdigest()[:12]


def measure(root: Path, mutants: list[Mutant], record: Record, *, seconds: float, workers: int) -> list[dict]:
    """The verdict on each mutant: what the record holds is not run again.

    Before, each test file runs once without any change: a file that fails so can prove nothing and is left out, and how long
    it takes decides which runs first.
    """
    relevance = Relevance(root)
    wanted = {one: relevance.of(one.path) for one in mutants}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(workers) as pool:
        trees = Trees(root, Path(folder), number=workers)

        def baseline(name: str) -> None:
            known = f"{name} {digest(root, name)}"
            if known not in record.known:
                tree = trees.free.get()
                verdict, took, broken = run_tests(tree, [name], seconds=BASELINE_SECONDS)
                trees.free.put(tree)
                record.put(known, {"verdict": verdict, "seconds": round(took, 1), "broken": broken})
                print(f"without a change: {name}: {verdict} in {took:.0f} s", flush=True)

        list(pool.map(baseline, sorted({name for names in wanted.values() for name in names})))

        def verdict(one: Mutant) -> dict:
            source = (root / one.path).read_text(encoding="utf-8")
            before = {name: record.known[f"{name} {digest(root, name)}"] for name in wanted[one]}
            usable = sorted((each["seconds"], name) for name, each in before.items() if each["verdict"] == "passed")
            files = [name for _, name in usable]
            called = one.key(source)
            known = f"{called} {one.start} {digest(root, one.path, *files)} {seconds:g}"
            if known not in record.known:
                found = {"verdict": "passed", "seconds": 0.0, "broken": ""}
                # the examples of a module of statistics run in `make test` as well, in no time
                ran = [one.path, *files] if one.path.startswith("src/crmkit/models/") else files
                if ran:
                    tree = trees.free.get()
                    (tree / one.path).write_text(one.applied(source), encoding="utf-8")
                    said, took, broken = run_tests(tree, ran, seconds=seconds)
                    (tree / one.path).write_text(source, encoding="utf-8")
                    trees.free.put(tree)
                    found = {"verdict": said, "seconds": round(took, 1), "broken": broken}
                record.put(known, found)
            made = record.known[known] | {"key": called, "path": one.path, "kind": one.kind, "lines": one.lines(source)}
            print(f"{state(made)}: {one.path}:{one.line} {one.kind}", flush=True)
            return made

        return list(pool.map(verdict, mutants))


# telling


def state(found: dict) -> str:
    """What a verdict means: ``noticed``, ``alive`` or ``equal``."""
    if found["verdict"] == "failed":
        return "noticed"
    return "equal" if found["key"] in EQUAL else "alive"


def table(found: list[dict], *, seed: int, seconds: float) -> str:
    """The page of the results, in Markdown."""
    states = [state(one) for one in found]
    alive, equal = states.count("alive"), states.count("equal")
    share = alive / max(1, len(found) - equal)
    lines = [
        "# Would the tests notice?",
        "",
        f"`make mutants` changed one thing at a time, {len(found)} times, drawn with the seed {seed} from `analyses`, `models`"
        " and `report`, and ran the tests that import the changed module, the fastest first,"
        f" for at most {seconds:g} seconds; a time-out counts as alive.",
        "",
        f"Noticed: {states.count('noticed')}. Equal, which no test can notice: {equal}. Alive: {alive},"
        f" {share:.0%} of those that can be noticed; at most {MOST_ALIVE:.0%} is wanted.",
        "",
        "| no. | file | kind | before | after | result | by |",
        "|---|---|---|---|---|---|---|",
    ]
    for place, (one, said) in enumerate(zip(found, states, strict=True), start=1):
        before, after = (_cell(part) for part in one["lines"])
        by = EQUAL[one["key"]] if said == "equal" else one["broken"] or one["verdict"]
        name = one["path"].removeprefix("src/crmkit/")
        lines.append(f"| {place} | {name} | {one['kind']} | `{before}` | `{after}` | {said} | {_cell(by)} |")
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'")


def main() -> int:
    """Draw, run, write the table; 1 where more are alive than wanted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=200, help="how many changes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--within", default="", metavar="TEXT", help="only files with this in their path, as models/survival")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for the tests of one change")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--results", type=Path, default=ROOT / "work" / "mutants.json", help="what is done already")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "mutants.md", help="where the table goes")
    asked = parser.parse_args()
    mutants = draw(ROOT, number=asked.number, seed=asked.seed, within=asked.within)
    found = measure(ROOT, mutants, Record(asked.results), seconds=asked.seconds, workers=asked.workers)
    asked.out.write_text(table(found, seed=asked.seed, seconds=asked.seconds), encoding="utf-8")
    states = [state(one) for one in found]
    equal, alive = states.count("equal"), states.count("alive")
    passed = alive <= MOST_ALIVE * (len(found) - equal) and len(EQUAL) <= MOST_EQUAL
    print(f"{states.count('noticed')} noticed, {equal} equal, {alive} alive of {len(found)}: {'met' if passed else 'not met'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
