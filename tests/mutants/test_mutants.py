"""The tool that changes the code: what it changes, what it leaves alone, which tests it runs, and what it says."""

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parent / "mutants.py"
SPEC = importlib.util.spec_from_file_location("mutants", PATH)
mutants = importlib.util.module_from_spec(SPEC)
sys.modules["mutants"] = mutants
SPEC.loader.exec_module(mutants)


def changed(source, kind):
    """Every text that one change of a kind makes of a source."""
    return [one.applied(source) for one in mutants.sites(source, "x.py") if one.kind == kind]


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
    assert mutants.sites(source, "x.py") == []


def test_every_change_of_the_kit_is_still_python():
    drawn = mutants.draw(mutants.ROOT, number=60, seed=1)
    assert {one.kind for one in drawn} == set(mutants.KINDS)
    for one in drawn:
        source = (mutants.ROOT / one.path).read_text(encoding="utf-8")
        compile(one.applied(source), one.path, "exec")
        assert one.applied(source) != source
        assert source.encode()[one.start : one.end].decode() == one.before


def test_the_draw_follows_its_seed():
    first, again, other = (mutants.draw(mutants.ROOT, number=12, seed=seed) for seed in (0, 0, 1))
    assert first == again != other
    assert mutants.draw(mutants.ROOT, number=8, seed=0) == first[:8]
    assert {one.path for one in mutants.draw(mutants.ROOT, number=4, seed=0, within="models/survey/nps")} == {
        "src/crmkit/models/survey/nps.py"
    }


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
        "tests/test_broken.py": "from crmkit.models.room import inner\n\n\ndef test_broken():\n    assert False",
        "pytest.ini": "[pytest]\naddopts = --import-mode=importlib\nmarkers = slow: slow",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n", encoding="utf-8")
    return tmp_path


def test_the_tests_of_a_module_are_those_that_import_it_or_its_door(tree):
    relevance = mutants.Relevance(tree)
    assert relevance.of("src/crmkit/models/room/door.py") == ["tests/test_room.py"]
    assert relevance.of("src/crmkit/models/room/inner.py") == ["tests/test_broken.py", "tests/test_room.py"]
    assert relevance.of("src/crmkit/models/alone.py") == ["tests/test_user.py"]


def test_what_is_noticed_what_is_alive_and_nothing_twice(tree, monkeypatch, capsys):
    """A file whose tests fail without any change proves nothing; the tree itself is never changed."""
    for command in (["init", "-q"], ["add", "-A"]):
        mutants.subprocess.run(["git", *command], cwd=tree, check=True)
    drawn = mutants.draw(tree, number=10, seed=0)
    assert sorted(one.kind for one in drawn) == ["comparison", "constant", "constant"]
    before = {path: path.read_bytes() for path in tree.rglob("*.py")}
    record = mutants.Record(tree / "done.json")
    found = mutants.measure(tree, drawn, record, seconds=60, workers=1)
    said = {one["lines"][0]: mutants.state(one) for one in found}
    assert said == {"return x < N": "noticed", "N = 3": "noticed", "M = 5": "alive"}
    assert {path: path.read_bytes() for path in before} == before
    assert "tests/test_broken.py: failed" in capsys.readouterr().out
    page = mutants.table(found, seed=0, seconds=60)
    assert "Noticed: 2. Equal, which no test can notice: 0. Alive: 1, 33% of those that can be noticed" in page
    assert (
        "| models/room/door.py | comparison | `return x < N` | `return x <= N` | noticed | tests/test_room.py::test_work |"
        in page
    )
    monkeypatch.setattr(mutants, "run_tests", None)
    assert mutants.measure(tree, drawn, mutants.Record(tree / "done.json"), seconds=60, workers=1) == found
    monkeypatch.setitem(mutants.EQUAL, next(one["key"] for one in found if "M = 5" in one["key"]), "for the test")
    assert "Equal, which no test can notice: 1. Alive: 0, 0%" in mutants.table(found, seed=0, seconds=60)


def test_few_changes_are_called_equal():
    assert len(mutants.EQUAL) <= mutants.MOST_EQUAL
    assert all(reason.strip() for reason in mutants.EQUAL.values())


def test_a_time_out_is_no_notice(tree):
    (tree / "tests" / "test_room.py").write_text("import time\n\n\ndef test_slow():\n    time.sleep(60)\n")
    verdict, seconds, _ = mutants.run_tests(tree, ["tests/test_room.py"], seconds=3)
    assert verdict == "timed out"
    assert seconds < 30
    assert mutants.state({"verdict": verdict, "key": ""}) == "alive"
