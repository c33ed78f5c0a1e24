"""The command line: what it prints, and that a problem ends with one message each, no traceback, and exit code 2."""

import errno
import json
import os
import re
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
import yaml

from crmkit.report.params.flatten import describe

pytestmark = pytest.mark.usefixtures("shared_server")


def test_a_run_prints_where_the_page_is(tiny_home, command):
    code, out, err = command("run", "acme", "--only", "tiny")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("acme  tiny  done  ")
    assert out.splitlines()[-1].startswith("1 notebook, 0 failed, 0 not run, ")
    assert (tiny_home / "reports" / "index.html").is_file()


def test_what_has_not_changed_is_named_and_old_runs_are_cleaned(tiny_home, command):
    (tiny_home / "data" / "acme").mkdir()
    (tiny_home / "data" / "acme" / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,2\n")
    dated = tiny_home / "reports" / "acme" / "2025-12-31"
    runs = []
    for options in ([], [], ["--force"], ["--force"]):
        page = command("run", "acme", *options)[1].splitlines()[0].split()[-1]
        # the page of the date keeps its place
        assert page == str(dated / "tiny.html")
        runs.append(json.loads((dated / "latest.json").read_text())["analyses"]["tiny"]["run"])
    assert runs[0] == runs[1] != runs[2]
    code, out, _ = command("run", "acme", "--jobs", "2", "--run-timeout", "60", "--resume")
    assert (code, out.splitlines()[0]) == (0, f"acme  tiny  unchanged since run {runs[3]}  {dated / 'tiny.html'}")
    code, out, _ = command("clean", "--keep", "0")
    assert code == 0
    assert out.splitlines()[0] == str(dated / "runs" / runs[0] / "tiny")
    assert out.splitlines()[1].startswith("1 folder deleted, 0.")


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


def test_debug_shows_where_it_went_wrong(tiny_home, command):
    code, out, err = command("describe", "nothing", "--debug")
    assert (code, out) == (2, "")
    assert err.startswith("Traceback")
    assert "crmkit.core.errors.ParamError: analysis 'nothing' has no notebook" in err


SECRET = "s3cr3tPATH99"


@pytest.fixture
def with_secret(tiny_home, monkeypatch):
    """A client whose folder is a secret; what is in it is no database."""
    monkeypatch.setenv("DUCK_SECRET", SECRET)
    folder = tiny_home / "data" / SECRET
    folder.mkdir()
    (folder / "x.duckdb").write_text("only text")
    text = "client: acme\ntitle: ${DUCK_SECRET}\nsource: duckdb:///data/${DUCK_SECRET}/x.duckdb\n"
    (tiny_home / "params" / "acme.yml").write_text(text)
    (tiny_home / "params" / "wrong.yml").write_text(f"{text.replace('acme', 'wrong')}tiny: {{kind: '${{DUCK_SECRET}}'}}\n")
    return tiny_home


@pytest.mark.parametrize(
    ("arguments", "covers"),
    [
        (["check", "acme"], False),
        (["check", "wrong"], True),
        (["run", "wrong"], True),
        (["params", "wrong", "tiny"], True),
        (["params", "wrong", "tiny", "--debug"], True),
        (["params", "acme", "tiny"], False),
        (["form", "acme"], False),
        (["form", SECRET], True),
        (["describe", "tiny"], False),
        (["describe", SECRET], True),
        (["list"], False),
        (["new", "other", f"data/{SECRET}/nothing"], True),
        (["new", "other", f"data/{SECRET}"], True),
        (["lab", SECRET], True),
        (["check", SECRET, "--debug"], True),
        (["clean", "--keep", "1", SECRET], True),
        (["schema"], False),
    ],
)
def test_no_command_prints_a_secret(with_secret, command, arguments, covers):
    _, out, err = command(*arguments)
    assert out or err
    assert SECRET not in out + err
    assert ("${DUCK_SECRET}" in out + err) is covers


def test_an_error_that_nobody_foresaw_tells_no_secret(with_secret, command, monkeypatch):
    def check(name, **_):
        from crmkit.core.settings import read_settings

        raise ValueError(f"{read_settings(name, home=with_secret).source}: {SECRET}")

    monkeypatch.setattr("crmkit.report.check.check_reports", check)
    for debug in ([], ["--debug"]):
        code, out, err = command("check", "acme", *debug)
        assert (code, out) == (1, "")
        assert SECRET not in err
    assert "data/${DUCK_SECRET}/x.duckdb: ${DUCK_SECRET}" in err


def test_what_is_not_foreseen_is_one_sentence_and_a_file_without_values(tiny_home, command, monkeypatch):
    monkeypatch.setattr("crmkit.report.check.check_reports", _raise(KeyError("anna.adler@example.com")))
    code, out, err = command("check", "acme")
    assert (code, out) == (1, "")
    (file,) = (tiny_home / "work" / "errors").iterdir()
    line = rf"Something was not foreseen \(KeyError in cli.py, line \d+\); the details are in {re.escape(str(file))}\.\n"
    assert re.fullmatch(line, err)
    details = file.read_text()
    assert "builtins.KeyError: (a message of 24 characters)" in details
    assert "check_reports(name, tell=tell)" in details
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


def test_describe_knows_chinese_and_fits_a_terminal_there_too(tiny_home, command):
    lines = command("describe", "tiny", "--language", "zh")[1].splitlines()
    assert "    整数，从 1 起，至 1825（天）；how far ahead" in lines
    # a Chinese sign takes two columns
    assert max(sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in line) for line in lines) <= 100


@pytest.mark.parametrize("analysis", ["audit", "churn", "clv", "data_quality", "satisfaction", "service"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_parameter_is_described_within_a_hundred_columns(analysis, language):
    for one in describe(analysis, home=Path(__file__).parents[1]):
        lines = one.lines(language, width=100)
        assert max(sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in line) for line in lines) <= 100
        assert not one.help or language == "en" or re.search("[\u4e00-\u9fff]", lines[-1])


def test_the_index_is_there_when_the_first_of_several_notebooks_is_done(tiny_home, command, add_notebook):
    look = "import os, pathlib; assert 'tiny' in (pathlib.Path(os.environ['CRMKIT_HOME']) / 'reports/index.html').read_text()"
    add_notebook("later", look, results=["tiny"])
    (tiny_home / "params" / "acme.yml").write_text("client: acme\ntitle: A\nsource: data/acme\n")
    code, _, err = command("run", "acme", "--only", "tiny,later")
    assert (code, err) == (0, "")


CHECKED = "client: acme\ntitle: A\nsource: data/acme\ntiny: {horizn_days: 3}\ntables: {%s}\n"


def test_check_names_what_is_mended_first_first(tiny_home, command):
    folder = tiny_home / "data" / "acme"
    folder.mkdir(parents=True)
    (folder / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,x\n")
    (folder / "customers.csv").write_bytes(b"customer_id,name\n1,A\0B\n")
    (folder / "tickets.csv").write_text("ticket_id,customer,opened_at\n1,1,2025-01-01\n")
    (tiny_home / "params" / "acme.yml").write_text(CHECKED % "loyalty: {file: gone.csv}")
    code, out, err = command("check", "acme")
    lines = err.splitlines()
    assert [line.split(":")[0].split()[0] for line in lines] == [
        "loyalty",
        "customers",
        "tickets",
        "transactions",
        "params/acme.yml,",
    ]
    assert "customers.csv, read as utf-8, holds bytes of value 0" in lines[1]
    assert lines[-1] == "params/acme.yml, tiny: unknown parameter 'horizn_days'; did you mean 'horizon_days'?"
    broken = "customers, transactions, tickets, loyalty"
    assert out.splitlines()[-1] == f"tiny  cannot run until {broken} are mended: see below"
    assert code == 2


def test_check_of_good_data_with_a_wrong_parameter_says_which_notebook_waits(tiny_home, command):
    folder = tiny_home / "data" / "acme"
    folder.mkdir(parents=True)
    (folder / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,2\n")
    (tiny_home / "params" / "acme.yml").write_text(CHECKED % "")
    code, out, _ = command("check", "acme")
    assert (code, out.splitlines()[-1]) == (2, "tiny  cannot run until its parameters are mended: see below")


def test_check_says_about_how_long_a_run_takes(tiny_home, command):
    folder = tiny_home / "data" / "acme"
    folder.mkdir(parents=True)
    (folder / "transactions.csv").write_text("customer_id,or\u200bdered_at,amount\n1,2025-01-01,2\n", encoding="utf-8")
    code, out, _ = command("check", "acme")
    assert (code, out.splitlines()[-1]) == (0, "a run of 1 notebook takes about 10 seconds, on two slow cores")
    assert "transactions  1 of 1 row  from transactions.csv" in out.splitlines()
    assert "  transactions.csv: characters that nobody sees were taken out of headers: 'ordered_at'" in out.splitlines()
    command("run", "acme")
    latest = tiny_home / "reports" / "acme" / "2025-12-31" / "latest.json"
    latest.write_text(re.sub('"seconds": [0-9.]+', '"seconds": 240', latest.read_text()))
    assert command("check", "acme")[1].splitlines()[-1] == "a run of 1 notebook takes about 4 minutes, as last time"


def test_check_says_on_a_terminal_which_table_is_read(tiny_home, command, monkeypatch):
    folder = tiny_home / "data" / "acme"
    folder.mkdir(parents=True)
    (folder / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,2\n")
    assert command("check", "acme")[2] == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    said = command("check", "acme")[2]
    assert "\r\033[Kreading transactions, 0 s" in said
    assert said.endswith("\r\033[K")


def test_a_long_value_is_shortened(tiny_home, command):
    (tiny_home / "params" / "acme.yml").write_text(f"client: acme\ntitle: A\nsource: data/acme\nprivacy: {'x' * 500}\n")
    err = command("check", "acme")[2]
    assert "x" * 40 in err
    assert "x" * 61 not in err


@pytest.mark.parametrize(
    "exports",
    [
        {},
        {"empty.csv": b""},
        {"a.png": b"\x89PNG"},
        {"o.csv": b"Name,Email,Financial Status,Created at\n#1,a@b.c,paid,2024-03-01\n"},
        {"u.csv": b"Kundennr;Bestelldatum;Betrag\nK1;05.03.2024;10,50\n"},
    ],
    ids=["empty folder", "no bytes", "pictures", "half of the headers", "third language"],
)
def test_new_refuses_with_one_message_and_writes_nothing(tiny_home, command, exports):
    folder = tiny_home / "exports"
    folder.mkdir()
    for name, content in exports.items():
        (folder / name).write_bytes(content)
    before = sorted(tiny_home.rglob("*"))
    code, out, err = command("new", "shop", str(folder), "--yes")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert sorted(tiny_home.rglob("*")) == before


def test_new_refuses_a_name_that_is_there(tiny_home, command):
    (tiny_home / "orders.csv").write_text("Customer ID,Order Date,Amount\nC1,2025-01-01,2\n")
    code, out, err = command("new", "acme", str(tiny_home / "orders.csv"), "--yes")
    assert (code, out) == (2, "")
    assert err.startswith("params/acme.yml is there already, with another source; take another name")


def test_list_says_where_the_last_report_is(tiny_home, command, add_client):
    add_client("beta")
    dated = tiny_home / "reports" / "acme" / "2025-12-31"
    dated.mkdir(parents=True)
    (dated / "latest.json").write_text("{}")
    lines = command("list")[1].splitlines()
    assert "  acme  reports/acme/2025-12-31" in lines
    assert "  beta  no report yet: crmkit run beta" in lines


def test_what_concerns_no_client_is_said_in_the_language_of_the_terminal(tiny_home, command, add_client, monkeypatch):
    add_client("beta")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    lines = command("list")[1].splitlines()
    assert lines[0] == "客户及其最近的报告"
    assert "  beta  还没有报告：crmkit run beta" in lines
    assert command("clean", "--keep", "1")[1].splitlines() == ["已删除 0 个文件夹，共 0.0 MB"]


# words of English in a row, besides names of files, of Python's errors and of what a notebook says itself
ENGLISH = re.compile(r"\b(?:done|failed|unchanged|notebooks?|not run|cell)\b", re.IGNORECASE)


def test_a_chinese_client_is_told_of_its_run_in_chinese(tiny_home, command, add_client, add_notebook):
    add_client("acme", "language: zh\n")
    add_notebook(
        "broken", 'from crmkit.core.errors import DataError; raise DataError("orders.csv: has 0 bytes; export it again")'
    )
    add_notebook("crash", "1 / 0")
    add_notebook("poor", tables={"needs": ["tickets"]})
    (tiny_home / "data" / "acme").mkdir()
    (tiny_home / "data" / "acme" / "transactions.csv").write_text("customer_id,ordered_at,amount\n1,2025-01-01,2\n")
    code, out, err = command("run", "acme")
    assert code == 1
    lines = [line.removesuffix(line.split("  ")[-1]) for line in out.splitlines()[:-1]]
    assert not [line for line in lines if ENGLISH.search(line.split("  ", 2)[2])]
    assert re.search(r"^acme  tiny  完成  \d+\.\d秒  ", out, re.MULTILINE)
    assert re.search(r"^acme  broken  失败  ", out, re.MULTILINE)
    assert "acme  poor  未运行：需要tickets" in out
    assert out.splitlines()[-1].startswith("4个notebook，2个失败，1个未运行，用时")
    assert "acme  broken  orders.csv：为0字节；请重新导出\n" in err
    assert "acme  crash  第4个单元格：ZeroDivisionError" in err
    page = next((tiny_home / "reports" / "acme").glob("*/runs/*/broken/broken.html")).read_text(encoding="utf-8")
    banner = re.search(r'class="banner".*?</div>', page, re.DOTALL)[0]
    assert "orders.csv：为0字节；请重新导出" in banner
    assert "orders.csv：为0字节；请重新导出" in (tiny_home / "reports" / "acme" / "index.html").read_text(encoding="utf-8")
    code, out, _ = command("run", "acme", "--only", "tiny")
    assert re.search(r"^acme  tiny  自运行\S+以来没有变化  ", out)


def test_a_chinese_client_is_told_of_wrong_parameters_in_chinese(tiny_home, command, add_client):
    add_client("acme", "language: zh\ntiny: {horizon_days: twelve, kind: contractul, models: [c], confidence: 1}\n")
    _, _, err = command("run", "acme")
    assert err.splitlines() == [
        "params/acme.yml, tiny.horizon_days：为'twelve'；允许的是整数，从 1 起，至 1825（天）。",
        "params/acme.yml, tiny.kind：为'contractul'；允许的是contractual 或 non_contractual；是否指'contractual'？",
        "params/acme.yml, tiny.models：为'c'；允许的是列表：a 或 b。",
        "params/acme.yml, tiny.confidence：为1；允许的是数字，大于 0，小于 1（占比）。",
    ]
    assert command("check", "acme")[2].splitlines()[0] == "params/acme.yml，source：没有文件夹data/acme。"
    (tiny_home / "params" / "acme.yml").write_text("language: zh\nclient: acme\ntitle: A: B\n")
    # what cannot be read does not say its language either
    assert command("check", "acme")[2].startswith("params/acme.yml, line 3: cannot be read as YAML; a colon with a blank")


def test_units_of_parameters_can_be_said():
    from crmkit.core.cells import UNITS
    from crmkit.core.settings import analysis_names

    home = Path(__file__).parents[1]
    declared = {one.unit for name in analysis_names(home) for one in describe(name, home=home) if one.unit}
    assert declared == set(UNITS)
