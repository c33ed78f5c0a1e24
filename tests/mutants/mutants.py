"""Would the tests notice? Changes one thing of the code at a time, runs the tests that import it, says what nobody noticed.

``make mutants`` draws 200 changes by a seed from ``analyses``, ``models`` and ``report``: comparisons, constants, arguments
handed on, and columns. Each is made in a copy of the tree, never in the tree itself. The tests that import the module, or the
package that exports it, run there: the file whose name is nearest to the module's first, and in each file the tests that reach
the changed statement. That is known from one run of the file without a change, made when it is first needed; a test that fails
there proves nothing and is left out.

The limit is 120 seconds of processor time, of the test process and all that it starts, so that a busy machine decides nothing
(and sixty times that by the clock, for what hangs); a time-out counts as not noticed. Tests run at the lowest priority.

What is done is kept in ``work/mutants.json``: a run that was stopped goes on where it was, and when tests are added only the
changes that nobody noticed run again. The table goes to ``docs/mutants.md``; ``--known`` writes it of what is done so far.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
from changes import Mutant, draw, probe, probed

ROOT = Path(__file__).parents[2]
SECONDS, BASELINE_SECONDS, CLOCK = 120, 900, 60
PLUGIN = Path(__file__).with_name("reach.py")
WORKERS = 2
MOST_ALIVE, MOST_EQUAL = 0.10, 10
OPEN = "open"
# changes after which the program is the same: file, line before, line after, reason
_EQUAL = (
    (
        "analyses/satisfaction/scores.py",
        "edges, tones = [(0.0, 6.0), (7.0, 8.0), (9.0, 10.0)], [-1.0, 0.0, 1.0]",
        "edges, tones = [(0.0, 6.0), (7.0, 8.0), (9.0, 20.0)], [-1.0, 0.0, 1.0]",
        "answers beyond the scale, which ends at 10, are set aside when they are read",
    ),
    (
        "models/survey/themes.py",
        "return np.asarray(_shares(np.asarray(loads), topics) >= LEAST_PART)",
        "return np.asarray(_shares(np.asarray(loads), topics) > LEAST_PART)",
        "a share is a quotient of what was searched for, which never meets the limit to the last bit",
    ),
    (
        "models/purchases/rfm.py",
        "if not columns[0].size:",
        "if not columns[1].size:",
        "columns of different length are refused before",
    ),
    (
        "analyses/audit/sampling.py",
        "return self._tail(self.value - target, self.high - self.value if target > self.value else self.value - self.low)",
        "return self._tail(self.value - target, self.high - self.value if target >= self.value else self.value - self.low)",
        "where the target is the value their difference is 0, and so is every part of it",
    ),
    (
        "models/survival/curves/curves.py",
        "if abs(value[first] - share) <= tolerance:",
        "if abs(value[first] - share) < tolerance:",
        "room for the rounding of a share: what it differs by is nearly nothing or far more, never the room to the last bit",
    ),
)
EQUAL = {" | ".join((f"src/crmkit/{path}", before, after)): reason for path, before, after, reason in _EQUAL}


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
            shutil.copy2(PLUGIN, copy / "src" / PLUGIN.name)
            self.free.put(copy)

    @contextmanager
    def changed(self, files: dict[str, str]) -> Iterator[Path]:
        """A tree in which some files have another text for a while."""
        tree = self.free.get()
        before = {name: (tree / name).read_bytes() for name in files}
        try:
            for name, text in files.items():
                (tree / name).write_text(text, encoding="utf-8")
            yield tree
        finally:
            for name, raw in before.items():
                (tree / name).write_bytes(raw)
            self.free.put(tree)


def processor_seconds(process: psutil.Process) -> float:
    """Seconds of processor time of a process and of all that it started."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            total += sum(one.cpu_times()[:4])
    return total


@dataclass(frozen=True)
class Ran:
    """What came of tests: ``passed``, ``failed`` or ``timed out``; processor seconds; the first that failed; what was told."""

    verdict: str
    seconds: float
    broken: str = ""
    told: dict | None = None


def run_tests(tree: Path, files: list[str], *, seconds: float, plan: list[str] | None = None, whole: bool = False) -> Ran:
    """Whether tests of files pass in a tree: those of a plan in its order, up to the first that fails unless wanted whole."""
    told = tree / "src" / "reach.json"
    told.unlink(missing_ok=True)
    environment = os.environ | {"PYTHONPATH": str(tree / "src"), "PYTHONDONTWRITEBYTECODE": "1", "MUTANTS_TOLD": str(told)}
    environment.pop("CRMKIT_HOME", None)
    if plan is not None:
        (tree / "src" / "reach-plan.json").write_text(json.dumps(plan), encoding="utf-8")
        environment["MUTANTS_PLAN"] = str(tree / "src" / "reach-plan.json")
    options = ["-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "reach", "--tb=no", *([] if whole else ["-x"])]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *files],
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    os.setpriority(os.PRIO_PROCESS, process.pid, 19)
    began, used, looked = time.monotonic(), 0.0, psutil.Process(process.pid)
    while True:
        try:
            said, _ = process.communicate(timeout=0.5)
            break
        except subprocess.TimeoutExpired:
            used = max(used, processor_seconds(looked))
            if used > seconds or time.monotonic() - began > CLOCK * seconds:
                for one in [*looked.children(recursive=True), looked]:
                    with suppress(psutil.Error):
                        one.kill()
                process.communicate()
                return Ran("timed out", used)
    known = json.loads(told.read_text(encoding="utf-8")) if told.is_file() else None
    # a file that cannot even be collected has no test to name
    unread = re.search(r"^ERROR (\S+)", said, re.MULTILINE)
    broken = known["failed"][0] if known and known["failed"] else unread[1] if unread else ""
    # 5: no test was collected, which is no proof of anything
    return Ran({0: "passed", 5: "passed"}.get(process.returncode, "failed"), used, broken, known)


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


def test_digest(root: Path, name: str) -> str:
    """What the text of one test is; of the whole file where it is no function there, as an example or a file that breaks."""
    path, *rest = name.split("::")
    if not (root / path).is_file():
        return ""
    source = (root / path).read_text(encoding="utf-8")
    called = rest[-1].partition("[")[0] if rest else ""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name == called:
            return hashlib.sha256(ast.unparse(node).encode()).hexdigest()[:12]
    return digest(root, path)


class Measurement:
    """The verdicts on changes: what the record holds is not run again."""

    def __init__(
        self, root: Path, mutants: list[Mutant], record: Record, *, seconds: float, folder: Path, workers: int
    ) -> None:
        # a copy is asked, so that the tree can be worked on meanwhile
        self.root = Trees(root, folder / "asked", number=1).free.get()
        self.record, self.seconds = record, seconds
        self.relevance = Relevance(self.root)
        self.sources = {one.path: (self.root / one.path).read_text(encoding="utf-8") for one in mutants}
        self.plain = Trees(root, folder / "plain", number=workers)
        self.probed = Trees(root, folder / "probed", number=workers)
        by_path: dict[str, list[Mutant]] = defaultdict(list)
        for one in mutants:
            by_path[one.path].append(one)
        self.probes = {path: probed(self.sources[path], part) for path, part in by_path.items()}
        self.watched = sorted(probe(one, self.sources[one.path]) for one in mutants)
        self.locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def baseline(self, name: str, place: str) -> dict:
        """How the tests of a file go without a change: their seconds, what each reaches; those that fail are left out."""
        known = f"{name} {digest(self.root, name)}"
        with self.locks[name]:
            if place not in self.record.known.get(known, {}).get("watched", ()):
                with self.probed.changed(self.probes) as tree:
                    ran = run_tests(tree, [name], seconds=BASELINE_SECONDS, whole=True)
                if ran.told is None and ran.verdict == "failed":
                    raise RuntimeError(f"pytest does not start on {name} without a change")
                told = ran.told or {"tests": {}, "failed": [], "import": []}
                tests = {test: one for test, one in told["tests"].items() if test not in told["failed"]}
                made = {"watched": self.watched, "seconds": round(ran.seconds, 1), "import": told["import"], "tests": tests}
                self.record.put(known, made | {"failed": sorted(set(told["failed"])), "verdict": ran.verdict})
                print(f"without a change: {name}: {ran.verdict} in {ran.seconds:.0f} s", flush=True)
        return self.record.known[known]

    def plans(self, one: Mutant) -> Iterator[tuple[str, list[str]]]:
        """Files with the tests of each that run: those that reach the place; where something is cached, then the others too."""
        place = probe(one, self.sources[one.path])
        rests = []
        for name in self.files(one):
            base = self.baseline(name, place)
            quick = sorted(base["tests"], key=lambda test: base["tests"][test]["seconds"])
            first = [test for test in quick if place in base["import"] or place in base["tests"][test]["reached"]]
            if first:
                yield name, first
                if "@cache" in self.sources[one.path] + (self.root / name).read_text(encoding="utf-8"):
                    rests.append((name, [test for test in quick if test not in first]))
        yield from ((name, rest) for name, rest in rests if rest)

    def files(self, one: Mutant) -> list[str]:
        """The test files of a change, those first whose names have most words of the module's; its own examples before all."""
        words = set(re.split(r"[/_.]", one.path))
        found = self.relevance.of(one.path)
        known = {name: self.record.known.get(f"{name} {digest(self.root, name)}", {}).get("seconds", 0.0) for name in found}
        found.sort(key=lambda name: (-len(words & set(re.split(r"[/_.]", name))), known[name], name))
        # the examples of a module of statistics run in `make test` as well, in no time
        return [one.path, *found] if one.path.startswith("src/crmkit/models/") else found

    def known(self, one: Mutant) -> dict | None:
        """The verdict in the record, if it holds: noticed as long as that test is there, alive as long as no test is new."""
        found = self.record.known.get(self.name(one))
        if found is None:
            return None
        if found["verdict"] == "failed":
            return found if test_digest(self.root, found["broken"]) == found["by_text"] else None
        same = all((self.root / name).is_file() and digest(self.root, name) == was for name, was in found["tried"].items())
        return found if same and set(self.files(one)) == set(found["tried"]) else None

    def before(self, one: Mutant) -> dict | None:
        """What was not noticed when it last ran, though tests are new since: whether they notice it is open."""
        found = self.record.known.get(self.name(one))
        return None if found is None or found["verdict"] == "failed" else found | {"verdict": OPEN}

    def name(self, one: Mutant) -> str:
        """Under which name the record keeps a change."""
        return f"{one.key(self.sources[one.path])} {one.start} {digest(self.root, one.path)} {self.seconds:g}"

    def told(self, one: Mutant, found: dict) -> dict:
        """A verdict with what is to be said of the change."""
        source = self.sources[one.path]
        return found | {"key": one.key(source), "path": one.path, "kind": one.kind, "lines": one.lines(source)}

    def verdict(self, one: Mutant) -> dict:
        """Whether the tests notice a change."""
        found = self.known(one)
        if found is None:
            left, ran = self.seconds, Ran("passed", 0.0)
            for name, plan in self.plans(one):
                with self.plain.changed({one.path: one.applied(self.sources[one.path])}) as tree:
                    ran = run_tests(tree, [name], seconds=max(1.0, left), plan=plan)
                left -= ran.seconds
                if ran.verdict != "passed" or left <= 0:
                    break
            verdict = "timed out" if ran.verdict == "passed" and left <= 0 else ran.verdict
            found = {"verdict": verdict, "seconds": round(self.seconds - left, 1), "broken": ran.broken}
            if verdict == "failed":
                found["by_text"] = test_digest(self.root, ran.broken)
            else:
                found["tried"] = {name: digest(self.root, name) for name in self.files(one)}
            self.record.put(self.name(one), found)
        made = self.told(one, found)
        print(f"{state(made)}: {one.path}:{one.line} {one.kind} by {made['broken'] or made['verdict']}", flush=True)
        return made


def measure(
    root: Path, mutants: list[Mutant], record: Record, *, seconds: float, workers: int, known: bool = False
) -> list[dict]:
    """The verdict on each change, in the order of the draw; only those that are known already where that is asked."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ThreadPoolExecutor(workers) as pool:
        work = Measurement(root, mutants, record, seconds=seconds, folder=Path(folder), workers=0 if known else workers)
        if known:
            return [work.told(one, found) for one in mutants if (found := work.known(one) or work.before(one)) is not None]
        # what is quick first, so that much is known early: the statistics; then what shares its test files with many others
        files = {one: work.files(one) for one in mutants}
        uses = Counter(name for names in files.values() for name in names)
        slow = {one: "/analyses/" in one.path for one in mutants}
        order = sorted(mutants, key=lambda one: (slow[one], sum(1 / uses[name] for name in files[one]), files[one], one.path))
        found = dict(zip(order, pool.map(work.verdict, order), strict=True))
        return [found[one] for one in mutants]


# telling


def state(found: dict) -> str:
    """What a verdict means: ``noticed``, ``alive``, ``equal``, or ``open`` where tests are new since it was alive."""
    if found["verdict"] == "failed":
        return "noticed"
    return "equal" if found["key"] in EQUAL else OPEN if found["verdict"] == OPEN else "alive"


def table(found: list[dict], *, drawn: int, seed: int, seconds: float) -> str:
    """The page of the results, in Markdown."""
    states = [state(one) for one in found]
    alive, equal, waiting = (states.count(one) for one in ("alive", "equal", OPEN))
    share = (alive + waiting) / max(1, len(found) - equal)
    rest = f" and {waiting} open, alive before tests were added that have not run against them yet" if waiting else ""
    lines = [
        "# Would the tests notice?",
        "",
        f"`make mutants` changes one thing at a time, drawn with the seed {seed} from `analyses`, `models` and `report`, and"
        " runs the tests that import the changed module, the nearest first, up to the first that fails and for at most"
        f" {seconds:g} seconds of processor time; a time-out counts as alive. Of {drawn} changes that were drawn,"
        f" {len(found)} were run.",
        "",
        f"Noticed: {states.count('noticed')}. Equal, which no test can notice: {equal}. Alive: {alive}{rest},"
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
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of processor time, for the tests of one change")
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--known", action="store_true", help="run nothing, write the table of what is done already")
    parser.add_argument("--results", type=Path, default=ROOT / "work" / "mutants.json", help="what is done already")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "mutants.md", help="where the table goes")
    asked = parser.parse_args()
    mutants = draw(ROOT, number=asked.number, seed=asked.seed, within=asked.within)
    record = Record(asked.results)
    found = measure(ROOT, mutants, record, seconds=asked.seconds, workers=asked.workers, known=asked.known)
    asked.out.write_text(table(found, drawn=len(mutants), seed=asked.seed, seconds=asked.seconds), encoding="utf-8")
    states = [state(one) for one in found]
    equal, alive = states.count("equal"), states.count("alive") + states.count(OPEN)
    passed = alive <= MOST_ALIVE * (len(found) - equal) and len(EQUAL) <= MOST_EQUAL
    print(f"{states.count('noticed')} noticed, {equal} equal, {alive} alive of {len(found)}: {'met' if passed else 'not met'}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
