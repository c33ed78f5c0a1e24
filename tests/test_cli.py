"""The command line: what it prints, and that a problem ends with one message each, no traceback, and exit code 2."""

import errno
import json
import os
import re
import subprocess
import sys
import time

import pytest
import yaml

from crmkit import cli

pytestmark = pytest.mark.usefixtures("shared_server")


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs the command in this process; gives exit code, stdout and stderr."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["crmkit", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        return ended.value.code or 0, out.out, out.err

    return run


def test_a_run_prints_where_the_page_is(tiny_home, command):
    code, out, err = command("run", "acme", "--only", "tiny")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("acme  tiny  done  ")
    assert out.splitlines()[-1].startswith("1 notebook, 0 failed, 0 not run, ")
    assert (tiny_home / "reports" / "index.html").is_file()


def test_what_has_not_changed_is_named_and_old_runs_are_cleaned(tiny_home, command):
    (tiny_home / "data" / "acme").mkdir()
    (tiny_home / "data" / "acme" / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,2\n")
    pages = [command("run", "acme", *options)[1].splitlines()[0].split()[-1] for options in ([], [], ["--force"], ["--force"])]
    assert pages[0] == pages[1] != pages[2]
    code, out, _ = command("run", "acme", "--jobs", "2", "--run-timeout", "60", "--resume")
    assert (code, out.splitlines()[0]) == (0, f"acme  tiny  unchanged since run {pages[3].split('/')[-3]}  {pages[3]}")
    code, out, _ = command("clean", "--keep", "0")
    assert code == 0
    assert out.splitlines()[0] == pages[0].removesuffix("/tiny.html")
    assert out.splitlines()[1].startswith("1 result of old runs deleted, 0.")


def test_a_mistake_of_the_user_ends_with_2_and_the_message_alone(tiny_home, command, add_notebook):
    add_notebook("tiny", "from crmkit.core.errors import DataError; raise DataError(\"orders: no column 'amount'\")")
    (tiny_home / "params" / "acme.yml").write_text("client: acme\ntitle: A\nsource: data/acme\n")
    code, _, err = command("run", "acme")
    assert (code, err) == (2, "acme  tiny  orders: no column 'amount'\n")


def test_a_crash_ends_with_1_and_names_the_cell(tiny_home, command, add_notebook):
    add_notebook("tiny", "1 / 0")
    (tiny_home / "params" / "acme.yml").write_text("client: acme\ntitle: A\nsource: data/acme\n")
    code, _, err = command("run", "acme")
    assert (code, err) == (1, "acme  tiny  cell 4: ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "acm"], "client 'acm' has no file params/acm.yml; did you mean 'acme'?"),
        (["run", "acme", "--only", "tony"], "--only: analysis 'tony' has no notebook; did you mean 'tiny'?"),
        (["describe", "tinny"], "analysis 'tinny' has no notebook notebooks/tinny.ipynb; did you mean 'tiny'?"),
        (["run", "acme", "--as-of", "31.12.2025"], "command line, as_of: '31.12.2025' is not a date; write it as YYYY-MM-DD"),
        (["demo"], "there is no demo client that can run"),
    ],
)
def test_problems_are_sentences_on_stderr(tiny_home, command, arguments, message):
    code, out, err = command(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_debug_shows_where_it_went_wrong(tiny_home, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["crmkit", "describe", "nothing", "--debug"])
    with pytest.raises(cli.CrmkitError):
        cli.main()


def test_what_is_not_foreseen_is_one_sentence_and_a_file_without_values(tiny_home, command, monkeypatch):
    monkeypatch.setattr("crmkit.report.check.check_reports", _raise(KeyError("anna.adler@example.com")))
    code, out, err = command("check", "acme")
    assert (code, out) == (1, "")
    (file,) = (tiny_home / "work" / "errors").iterdir()
    line = rf"Something was not foreseen \(KeyError in cli.py, line \d+\); the details are in {re.escape(str(file))}\.\n"
    assert re.fullmatch(line, err)
    details = file.read_text()
    assert "builtins.KeyError: (a message of 24 characters)" in details
    assert "check_reports(name)" in details
    assert "adler" not in details
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setattr("crmkit.report.check.check_reports", _raise(KeyboardInterrupt()))
    assert command("check", "acme")[0] in (1, 130)


def _raise(error):
    def wrong(*_, **__):
        raise error

    return wrong


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "no room is left on the disk of reports/; make room, then run again.",
        ),
        (
            OSError(errno.EROFS, "Read-only file system"),
            "reports/ cannot be written: Read-only file system; allow it, then run",
        ),
        (MemoryError(), "not enough memory: 1 MB by $CRMKIT_MEMORY; give more."),
    ],
)
def test_what_the_machine_refuses_is_one_sentence(tiny_home, command, monkeypatch, error, said):
    monkeypatch.setenv("CRMKIT_MEMORY", "1MB")
    monkeypatch.setattr("crmkit.report.check.check_reports", _raise(error))
    code, _, err = command("check", "acme")
    assert code == 2
    assert err.startswith(said)
    assert len(err.splitlines()) == 1


def test_where_nothing_can_be_written_no_run_starts_and_check_says_so(tiny_home, command, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system", str(tiny_home / "reports"))

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("crmkit.report.run.execute.execute", lambda *_, **__: pytest.fail("a notebook was run"))
    said = "reports/ cannot be written: Read-only file system; allow it, then run again\n"
    assert command("run", "acme") == (2, "", said)
    code, _, err = command("check", "acme")
    assert (code, said in err) == (2, True)


def test_list_and_describe_and_schema(tiny_home, command):
    assert "How many orders are late?" in command("list")[1]
    described = command("describe", "tiny")[1]
    assert all(word in described for word in ("horizon_days", "a whole number from 1 to 1825 (days)", "how far ahead"))
    assert "tiny" in json.loads(command("schema")[1])["properties"]


def test_params_is_the_flat_file(tiny_home, command):
    flat = yaml.safe_load(command("params", "acme", "tiny")[1])
    assert (flat["client"], flat["horizon_days"], flat["as_of"]) == ("acme", 180, "")


def test_demo_says_how_to_get_what_is_missing(tiny_home, command, add_client):
    add_client("retailco")
    (tiny_home / "params" / "cdnow.yml").write_text("client: cdnow\ntitle: C\nsource: package:not_installed/x\n")
    code, out, err = command("demo")
    assert (code, err) == (0, "cdnow  not run: its data package is not installed; get it with: make examples\n")
    assert out.splitlines()[-1] == str(tiny_home / "reports" / "index.html")


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['crmkit', '--help']\nfrom crmkit.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print([name for name in ('pandas', 'papermill', 'nbconvert', 'pydantic', 'yaml', 'jinja2') if name in sys.modules])"
    )
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "200"}
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert time.perf_counter() - started < 10
    assert all(name in done.stdout for name in ("demo", "run", "check", "list", "describe", "params", "lab", "schema"))


def test_new_writes_a_params_file_and_says_what_was_taken(tiny_home, command):
    folder = tiny_home / "exports"
    folder.mkdir()
    (folder / "orders.csv").write_text("Customer ID,Order Date,Amount\nC1,2025-01-01,2\n")
    code, out, err = command("new", "shop", str(folder), "--yes")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "orders.csv  headers that are known: transactions, 1 row"
    assert "  currency: EUR  (in which currency are the amounts (ISO code)?)" in lines
    assert lines[-1] == "params/shop.yml written; next: crmkit check shop"
    assert command("check", "shop")[0] == 0
    again = command("new", "shop", str(folder), "--yes")[1].splitlines()[-1]
    assert again.startswith("params/shop.yml is there and was kept as it is; work/shop/shop.yml is what this folder gives now")


def test_new_without_a_terminal_asks_for_yes(tiny_home, command):
    (tiny_home / "orders.csv").write_text("Customer ID,Order Date,Amount\nC1,2025-01-01,2\n")
    code, out, err = command("new", "shop", str(tiny_home / "orders.csv"))
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "Answer these on a terminal, or take the answers that are shown with --yes."
    assert not (tiny_home / "params" / "shop.yml").exists()


def test_new_asks_one_question_after_the_other(tiny_home, command, monkeypatch):
    (tiny_home / "orders.csv").write_text("Customer ID,Order Date,Amount\nC1,2025-01-01,2\n")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    answers = iter(["euro", "CHF", "2025-01-31"])
    monkeypatch.setattr("typer.prompt", lambda text, default: next(answers))
    code, out, _ = command("new", "shop", str(tiny_home / "orders.csv"))
    assert code == 0
    assert out.splitlines()[:2] == ["orders.csv: headers that are known", "'euro' is no answer"]
    said = yaml.safe_load((tiny_home / "params" / "shop.yml").read_text())
    assert (said["currency"], said["as_of"]) == ("CHF", "2025-01-31")


def test_help_says_in_which_order_and_the_version_is_known(command):
    out = command("--help")[1]
    assert out.index("crmkit new acme") < out.index("crmkit check acme") < out.index("crmkit run acme")
    assert "..." not in out.split("Commands:")[1]
    assert re.fullmatch(r"crmkit \d+\.\d+\.\d+\n", command("--version")[1])


def test_describe_fits_a_terminal(tiny_home, command):
    assert max(map(len, command("describe", "tiny")[1].splitlines())) <= 100


def test_list_says_where_the_last_report_is(tiny_home, command, add_client):
    add_client("beta")
    dated = tiny_home / "reports" / "acme" / "2025-12-31"
    dated.mkdir(parents=True)
    (dated / "latest.json").write_text("{}")
    lines = command("list")[1].splitlines()
    assert "  acme  reports/acme/2025-12-31" in lines
    assert "  beta  no report yet: crmkit run beta" in lines
