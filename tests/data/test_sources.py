"""Finding files, encodings, packages; how much of the machine the engine may use."""

import subprocess
import sys

import pytest

from crmkit.core.errors import DataError, ParamError
from crmkit.core.settings import TableSettings
from crmkit.data.sources import engine, text
from crmkit.data.sources.files import package_folder


def test_a_package_that_is_not_installed():
    with pytest.raises(DataError) as caught:
        package_folder("package:no-such-thing/data")
    assert str(caught.value) == (
        "source package:no-such-thing/data: 'no-such-thing' is not installed; get the example data with: make examples"
    )


def test_a_folder_that_a_package_does_not_have():
    with pytest.raises(DataError) as caught:
        package_folder("package:pandas/pandas/coer")
    assert str(caught.value) == ("source package:pandas/pandas/coer: has no folder 'pandas/coer'; did you mean 'pandas/core'?")


def test_a_package_is_found_and_not_imported():
    assert (package_folder("package:pandas/pandas/core") / "frame.py").is_file()


@pytest.mark.parametrize(
    ("content", "encoding", "found", "guessed"),
    [
        ("客户编号,金额\n张三,1\n", "gb18030", "gb18030", True),
        ("客户编号,金额\n", "utf-8", "utf-8", False),
        ("客户编号,金额\n", "utf-16", "utf-16", False),
        ("客户编号,金额\n", "utf-8-sig", "utf-8-sig", False),
        ("a,b\n", "ascii", "utf-8", False),
    ],
)
def test_encodings(tmp_path, content, encoding, found, guessed):
    path = tmp_path / "x.csv"
    path.write_bytes(content.encode(encoding))
    assert text.find_encoding(path, declared=None, where="x") == (found, guessed)


def test_western_text_is_not_taken_for_chinese(tmp_path):
    path = tmp_path / "x.csv"
    lines = "Müller;Straße;Köln;größer;schön;Übung;Äpfel;für die Prüfung\n" * 20
    path.write_bytes(lines.encode("cp1252"))
    found, guessed = text.find_encoding(path, declared=None, where="x")
    assert guessed
    assert path.read_text(encoding=found) == lines


def test_declared_encodings(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("Köln".encode("cp1252"))
    assert text.find_encoding(path, declared="windows-1252", where="x") == ("cp1252", False)
    with pytest.raises(DataError, match="x is declared as encoding 'utf8', but some of its bytes do not fit"):
        text.find_encoding(path, declared="utf8", where="x")
    with pytest.raises(DataError, match="x is declared as encoding 'klingon', which Python does not know"):
        text.find_encoding(path, declared="klingon", where="x")


@pytest.mark.parametrize(
    ("content", "separator", "regular"),
    [
        ("a,b\n1,2\n", ",", True),
        ("a;b,c;d\n1;2;3\n", ";", True),
        ("a\tb\r\n1\t2\r\n", "\t", True),
        ("a|b\n", "|", True),
        ('"x,y,z";b\n', ";", True),
        ("a,b\n\n1,2\n", ",", False),
        ("a,b\r1,2\r", ",", False),
        ("a,b\r\n1,2\n", ",", False),
        ("sep=;\na;b\n", ";", True),
    ],
)
def test_layout(tmp_path, content, separator, regular):
    path = tmp_path / "x.csv"
    path.write_bytes(content.encode())
    found = text.inspect(path, settings=TableSettings(), spill=tmp_path, where="x")
    assert (found.separator, bool(found.line_end)) == (separator, regular)


def test_rows_count_as_a_spreadsheet_does(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text('\na,b\n\n1,"two\nlines"\n\n3,4\n')
    found = text.inspect(path, settings=TableSettings(), spill=tmp_path, where="x")
    assert list(text.text_rows(found, settings=TableSettings(), where="x")) == [(4, ["1", "two\nlines"]), (6, ["3", "4"])]


@pytest.mark.parametrize("content", ["sep=;\na;b\n1;2\n", "a;b\r1;2\r", "a;b\r\n1;2\n", "\ufeffa;b\n1;2"])
def test_files_written_by_spreadsheets(project, content):
    project.write("transactions.csv", content.replace("a;b", "customer_id;ordered_at;amount").replace("1;2", "1;2024-01-05;2"))
    assert project.open().intake[0].rows_kept == 1


def test_memory_and_threads(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    limit.write_text("1000000\n")
    monkeypatch.setattr(engine, "CGROUP_LIMITS", (limit, tmp_path / "absent"))
    assert engine.memory_limit() == "500000B"
    limit.write_text("max\n")
    assert engine.available_bytes() > 1000000
    monkeypatch.setenv("CRMKIT_MEMORY", "3GB")
    monkeypatch.setenv("CRMKIT_THREADS", "3")
    assert (engine.memory_limit(), engine.threads()) == ("3GB", 3)
    monkeypatch.setenv("CRMKIT_MEMORY", "much")
    monkeypatch.setenv("CRMKIT_THREADS", "0")
    with pytest.raises(ParamError, match=r"\$CRMKIT_MEMORY: 'much' is not an amount of memory; write it like 4GB"):
        engine.memory_limit()
    with pytest.raises(ParamError, match=r"\$CRMKIT_THREADS: '0' is not a number of threads; write a whole number from 1"):
        engine.threads()


def test_the_engine_asks_nothing_of_the_network(project):
    project.write("transactions.csv", "customer_id,ordered_at,amount\n1,2024-01-05,1\n")
    con = project.open().con.con
    names = ("autoinstall_known_extensions", "autoload_known_extensions", "preserve_insertion_order")
    assert [con.execute(f"SELECT current_setting('{name}')").fetchone()[0] for name in names] == [False, False, False]


@pytest.mark.parametrize("line", [b"1,2024-01-01,2\n", b"1,2024-01-01,2\r\n"])
@pytest.mark.parametrize("blank", [0, 1])
def test_a_long_file_of_short_lines_is_read_by_the_engine(tmp_path, monkeypatch, line, blank):
    """The file is looked at in pieces; where a piece ends, a line break is no blank line, and a blank line is one."""
    monkeypatch.setattr(text, "CHUNK", 1000)
    for shift in range(len(line)):
        path = tmp_path / "sales.csv"
        path.write_bytes(b"a,b,c" + b"c" * shift + (b"\r\n" if b"\r" in line else b"\n") + line * 150)
        if blank:
            path.write_bytes(path.read_bytes() + line[14:] + line)
        found = text.inspect(path, settings=TableSettings(), spill=tmp_path, where="sales")
        assert bool(found.line_end) is not bool(blank)


def test_a_slow_query_draws_no_bar_where_there_is_no_main_file():
    # forked kernels come from `python -c`, which DuckDB takes for a terminal
    code = (
        "from crmkit.data.sources.engine import connect\n"
        "con, _ = connect()\n"
        "print(con.con.execute(\"SELECT current_setting('enable_progress_bar')\").fetchone()[0])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
