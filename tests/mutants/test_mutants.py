"""The tool that changes the code: what it changes, what it leaves alone, which tests it runs, and what it says."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import changes

import mutants


def changed(source, kind):
    """Every text that one change of a kind makes of a source."""
    return [one.applied(source) for one in changes.sites(source, "x.py") if one.kind == kind]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a < b", "a <= b"),
        ("a <= b", "a < b"),
        ("a > b", "a >= b"),
        ("a >= b", "a > b"),
        ("a == b", "a != b"),
        ("a != b", "a == b"),
        ("(a) in (b)", "(a) not in (b)"),
        ("a not  in b", "a in b"),
        ("a is None", "a is not None"),
        ("利润 = 毛利 < 成本", "利润 = 毛利 <= 成本"),
    ],
)
def test_a_comparison_becomes_its_neighbour(before, after):
    assert changed(before, "comparison") == [after]


@pytest.mark.parametrize(
    ("before", "after"), [("f(0)", "f(1)"), ("f(0.5)", "f(1.0)"), ("f(0.0)", "f(1.0)"), ("f(True)", "f(False)"), ("-3", "-4")]
)
def test_a_constant_becomes_another(before, after):
    assert changed(before, "constant") == [after]


def test_a_default_is_a_constant_too():
    assert changed("def f(x: int = 2) -> int:\n    return x", "constant") == ["def f(x: int = 3) -> int:\n    return x"]


def test_an_argument_is_not_handed_on():
    assert changed("f(x, seed=seed, n=m, k=k)", "argument") == ["f(x, n=m, k=k)", "f(x, seed=seed, n=m, )"]


def test_columns_are_exchanged_or_left_out():
    source = 'row = {"low": low, "high": high}\ntable["n"] = n'
    assert changed(source, "column") == [
        'row = {"low": high, "high": low}\ntable["n"] = n',
        'row = {"low": low, "high": high}\npass',
    ]


@pytest.mark.parametrize(
    "source",
    [
        '"""1 < 2"""',
        "x: Literal[1, 2]",
        "def f(x: Annotated[int, 3]) -> Literal[4]: ...",
        'f"{a < 3}"',
        "if TYPE_CHECKING:\n    N = 3",
        'words = {"a": "b", "c": "d"}',
        "a < b < c",
        "counts[place] = n",
    ],
)
def test_what_does_not_run_is_left_alone(source):
    assert changes.sites(source, "x.py") == []


def test_every_change_of_the_kit_is_still_python():
    drawn = changes.draw(mutants.ROOT, number=60, seed=1)
    assert {one.kind for one in drawn} == set(changes.KINDS)
    for one in drawn:
        source = (mutants.ROOT / one.path).read_text(encoding="utf-8")
        compile(one.applied(source), one.path, "exec")
        assert one.applied(source) != source
        assert source.encode()[one.start : one.end].decode() == one.before


def test_the_draw_follows_its_seed():
    def drawn(number, seed):
        return changes.draw(mutants.ROOT, number=number, seed=seed, within="models/survey/")

    first, again, other = drawn(12, 0), drawn(12, 0), drawn(12, 1)
    assert first == again != other
    assert drawn(8, 0) == first[:8]
    assert {one.path.startswith("src/crmkit/models/survey/") for one in first} == {True}


@pytest.fixture
def tree(tmp_path):
    """A kit of three modules: one tested directly, one through the door of its package, one through its user alone."""
    files = {
        "src/crmkit/__init__.py": "",
        "src/crmkit/models/__init__.py": "",
        "src/crmkit/models/room/__init__.py": "from crmkit.models.room.door import work",
        "src/crmkit/models/room/door.py": "from crmkit.models.room.inner import N\n\n\ndef work(x):\n    return x < N",
        "src/crmkit/models/room/inner.py": "N = 3",
        "src/crmkit/models/alone.py": "M = 5",
        "src/crmkit/models/user.py": "def use():\n    from crmkit.models.alone import M\n\n    return M",
        "tests/test_room.py": "from crmkit.models.room import work\n\n\ndef test_work():\n    assert work(2) and not work(3)",
        "tests/test_user.py": "from crmkit.models import user\n\n\ndef test_use():\n    assert user.use() > 1",
        "tests/test_inner.py": "from crmkit.models.room import inner\n\n\ndef test_broken():\n    assert False",
        "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\nmarkers = slow: slow",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    shutil.copy2(mutants.PLUGIN, tmp_path / "src")
    return tmp_path


def test_a_change_of_a_file_moves_no_other_place_of_the_draw(tree):
    def drawn():
        return [(one.path, one.kind, one.before, one.after) for one in changes.draw(tree, number=100, seed=0)]

    before = drawn()
    door = next(tree.rglob("door.py"))
    door.write_text(f"LATE = 7 > 6\n{door.read_text(encoding='utf-8')}", encoding="utf-8")
    after = drawn()
    assert len(after) == len(before) + 3
    for kind in changes.KINDS:
        old = [one for one in before if one[1] == kind]
        assert [one for one in after if one in old] == old


def test_the_tests_of_a_module_are_those_that_import_it_or_its_door(tree):
    relevance = mutants.Relevance(tree)
    assert relevance.of("src/crmkit/models/room/door.py") == ["tests/test_room.py"]
    assert relevance.of("src/crmkit/models/room/inner.py") == ["tests/test_inner.py", "tests/test_room.py"]
    assert relevance.of("src/crmkit/models/alone.py") == ["tests/test_user.py"]


def commit(tree):
    for command in (["init", "-q"], ["add", "-A"]):
        mutants.subprocess.run(["git", *command], cwd=tree, check=True)


@pytest.fixture
def measured(tree):
    """The verdicts on every change of that kit, by the line that is changed."""
    drawn = changes.draw(tree, number=10, seed=0)
    assert sorted(one.kind for one in drawn) == ["comparison", "constant", "constant"]

    def measure(**options):
        commit(tree)
        record = mutants.Record(tree / "done.json")
        return {one["lines"][0]: one for one in mutants.measure(tree, drawn, record, seconds=60, workers=1, **options)}

    return measure


@pytest.mark.slow
def test_what_is_noticed_what_is_alive_and_nothing_twice(tree, measured, monkeypatch, capsys):
    """A test that fails without any change proves nothing; the tree itself is never changed."""
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    assert measured(known=True) == {}
    found = measured()
    assert {line: mutants.state(one) for line, one in found.items()} == {
        "return x < N": "noticed",
        "N = 3": "noticed",
        "M = 5": "alive",
    }
    assert {path: path.read_bytes() for path in before} == before
    assert "tests/test_inner.py: failed" in capsys.readouterr().out
    page = mutants.table(list(found.values()), drawn=7, seed=0, seconds=60)
    assert "Noticed: 2. Equal, which no test can notice: 0. Alive: 1, 33% of those that can be noticed" in page
    assert "Of 7 changes that were drawn, 3 were run." in page
    assert (
        "| models/room/door.py | comparison | `return x < N` | `return x <= N` | noticed | tests/test_room.py::test_work |"
        in page
    )
    monkeypatch.setattr(mutants, "run_tests", None)
    assert measured() == measured(known=True) == found
    monkeypatch.setitem(mutants.EQUAL, found["M = 5"]["key"], "for the test")
    assert "Equal, which no test can notice: 1. Alive: 0, 0%" in mutants.table(
        list(found.values()), drawn=3, seed=0, seconds=60
    )


@pytest.mark.slow
def test_a_new_test_runs_against_what_nobody_noticed_alone(tree, measured, monkeypatch):
    first = measured()
    ran = []

    def run_tests(tree, files, **options):
        ran.append(files)
        return original(tree, files, **options)

    original = mutants.run_tests
    monkeypatch.setattr(mutants, "run_tests", run_tests)
    for name in ("test_room", "test_user"):
        path = tree / "tests" / f"{name}.py"
        path.write_text(path.read_text() + "\n\ndef test_more():\n    assert True\n")
    again = measured()
    assert {line: one["verdict"] for line, one in again.items()} == {line: one["verdict"] for line, one in first.items()}
    assert {name for files in ran for name in files} == {"tests/test_user.py"}
    # the test that noticed is another now
    room = tree / "tests" / "test_room.py"
    room.write_text(room.read_text().replace("assert work(2) and not work(3)", "assert work(2)"))
    assert mutants.state(measured()["return x < N"]) == "alive"


def test_what_has_not_met_the_new_tests_counts_as_alive():
    found = {
        "verdict": mutants.OPEN,
        "key": "",
        "path": "src/crmkit/x.py",
        "kind": "constant",
        "lines": ("a", "b"),
        "broken": "",
    }
    assert mutants.state(found) == "open"
    page = mutants.table([found, found | {"verdict": "failed"}], drawn=2, seed=0, seconds=60)
    assert "Alive: 0 and 1 open, alive before tests were added that have not run against them yet, 50% of those" in page


def test_few_changes_are_called_equal():
    assert len(mutants.EQUAL) <= mutants.MOST_EQUAL
    assert all(reason.strip() for reason in mutants.EQUAL.values())


SPIN = 'import subprocess\nimport sys\n\n\ndef test_slow():\n    subprocess.run([sys.executable, "-c", "while True: pass"])\n'


@pytest.mark.slow
def test_a_time_out_is_no_notice(tree):
    """What a test starts counts as its own time."""
    (tree / "tests" / "test_room.py").write_text(SPIN)
    ran = mutants.run_tests(tree, ["tests/test_room.py"], seconds=4)
    assert ran.verdict == "timed out"
    assert 4 < ran.seconds < 8
    assert mutants.state({"verdict": ran.verdict, "key": ""}) == "alive"


@pytest.mark.slow
def test_waiting_is_no_processor_time(tree):
    (tree / "tests" / "test_room.py").write_text("import time\n\n\ndef test_slow():\n    time.sleep(6)\n")
    ran = mutants.run_tests(tree, ["tests/test_room.py"], seconds=5)
    assert ran.verdict == "passed"
    assert ran.seconds < 5


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("if x:\n    y = 1", "if x:\n    HIT\n    y = 1"),
        ("if x:\n    pass\nelif y < z:\n    pass", "if x:\n    pass\nelse:\n    HIT\n    if y < z:\n        pass"),
        ('def f(x=1):\n    """What?"""\n    return x', 'def f(x=1):\n    """What?"""\n    HIT\n    return x'),
        ("@g(1)\ndef f(x):\n    return x", "HIT\n\n@g(1)\ndef f(x):\n    return x"),
    ],
)
def test_a_probe_stands_before_what_would_be_changed(source, reached):
    (one,) = changes.sites(source, "x.py")
    called = f"__import__('reach').hit('{changes.probe(one, source)}')"
    assert changes.probed(source, [one]) == reached.replace("HIT", called)


ROOM = """\
from functools import cache

import pytest

from crmkit.models.room import work


@pytest.fixture(scope="module")
def done():
    return work(1)


def test_none():
    pass


def test_itself():
    work(1)


def test_first(done):
    pass


def test_later(done):
    pass


@cache
def kept():
    return work(1)
"""


@pytest.mark.long
@pytest.mark.parametrize("cached", [pytest.param(False, marks=pytest.mark.slow), True])
def test_tests_that_reach_a_place_run(tree, cached):
    """Also those that use what was made for another; what was kept by a cache cannot be told, so there all run in the end."""
    room = tree / "tests" / "test_room.py"
    room.write_text(ROOM if cached else ROOM.replace("@cache", "@staticmethod"))
    commit(tree)
    (one,) = changes.draw(tree, number=10, seed=0, within="door")
    work = mutants.Measurement(tree, [one], mutants.Record(tree / "done.json"), seconds=60, folder=tree / "copies", workers=1)
    (first, *rest) = list(work.plans(one))
    assert first[0] == "tests/test_room.py"
    assert {name.partition("::")[2] for name in first[1]} == {"test_itself", "test_first", "test_later"}
    assert rest == ([("tests/test_room.py", ["tests/test_room.py::test_none"])] if cached else [])
