"""A client full of persons and secrets: neither stands in any file that a good, a failed or a killed run leaves in reports."""

import csv
import io
import json
import re
import shutil
import zipfile

import pytest
import yaml

from conftest import write_notebook
from crmkit import cli
from crmkit.report.run import run_clients

pytestmark = pytest.mark.long

PEOPLE = 60
SECRET = "s3cr3t/PATH 99"
CANARIES = ("zyq", "kanarius", "kanary", "canary.example", "9000 00", "900000", "kunde", "卡纳里", "Unfall in der Werkstatt")
DIGEST = re.compile(r"sha256-[A-Za-z0-9+/]{43}=")
HEAD = 'client: str = "harm"\nas_of: str = ""\nlanguage: str = ""'
OPEN = "from crmkit import open_client, open_page\ncompany = open_client(client, as_of=as_of, language=language)\n"
PAGE = OPEN + 'page = open_page("{name}", company)\n'
PEEK = "from crmkit.data.sources.engine import to_frame\npeople = to_frame(company.tables['customers'])\n"
PEEK += "name = people['name'][3]\n"
# what an analyst, a library and the machine may do to a notebook that has opened its data; good ones end with page.publish()
NOTEBOOKS = {
    "good": "",
    "quotes": PEEK + "raise KeyError(name)",
    "spells": PEEK + "raise ValueError(f'Unknown datetime string format, unable to parse: {name}, at position 3')",
    "mentions": PEEK + "raise RuntimeError(f'nothing is known of {name} or of {people.email[3]}')",
    "refers": PEEK + "from crmkit.core.errors import DataError\nraise DataError(f'{people.customer_id[3]} is wrong')",
    "chains": PEEK + "try:\n    {}[name]\nexcept KeyError as err:\n    raise ValueError('nobody') from err",
    "prints": PEEK + "print(people.to_string())\n1 / 0",
    "shows": PEEK + "people",
    "warns": PEEK + "import sys\nprint(people.email[3], file=sys.stderr)",
    "dies": PEEK + "print(name, flush=True)\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "slow": PEEK + "print(name, flush=True)\nimport time\ntime.sleep(300)",
    "asks": 'company.con.con.execute("SELECT CAST(name AS INTEGER) FROM customers")',
    "secret": "import os\nprint(os.environ['HARM_SECRET'])\nraise ValueError(os.environ['HARM_SECRET'])",
}


def person(number):
    return {
        "customer_id": f"KUNDE-{number:04d}",
        "name": f"Zyq{number:04d}a Kanarius" if number % 3 else f"卡纳里{chr(0x4E00 + number)}",
        "email": f"kanary{number}@canary.example",
        "phone": f"+49 171 9000 00{number:02d}",
        "created_at": f"2025-01-{number % 28 + 1:02d}",
    }


def purchase(number):
    return {
        "customer_id": f"KUNDE-{number:04d}",
        "ordered_at": f"2025-02-{number % 28 + 1:02d}",
        "amount": "10.50",
        "status": "paid",
    }


def as_csv(rows, head=True):
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
    if head:
        writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def people(**changed):
    """Customers; of two rows columns are changed."""
    return [{**person(n), **(changed if n in (5, 9) else {})} for n in range(PEOPLE)]


def purchases(**changed):
    return [{**purchase(n), **(changed if n in (5, 9) else {})} for n in range(PEOPLE)]


NAME, MAIL, PHONE, TEXT = "Zyq0005a Kanarius", "kanary5@canary.example", "+49 171 9000 0005", "Unfall in der Werkstatt"
# exports that cannot be read, or are read with a word about them
EXPORTS = {
    "mail_as_date": ({"customers": as_csv(people(created_at=MAIL, email="2025-01-06"))}, {}),
    "name_as_date": ({"customers": as_csv(people(created_at=NAME))}, {}),
    "chinese_as_date": ({"customers": as_csv(people(created_at="卡纳里丁"))}, {}),
    "phone_as_money": ({"transactions": as_csv(purchases(amount=PHONE))}, {}),
    "name_as_money": ({"transactions": as_csv(purchases(amount=f"{NAME}, {MAIL}"))}, {}),
    "no_header": ({"customers": as_csv(people(), head=False)}, {}),
    "no_header_by_number": ({"transactions": as_csv(purchases(), head=False)}, {}),
    "twice": ({"customers": as_csv([*people(), *people()])}, {}),
    "two_ways": ({"transactions": as_csv([*purchases(amount="1.234,5"), *purchases(amount="1,234.5")])}, {}),
    "two_dates": ({"transactions": as_csv([*purchases(ordered_at="31/01/2025"), *purchases(ordered_at="01/31/2025")])}, {}),
    "mail_as_status": ({"transactions": as_csv(purchases(status=MAIL))}, {}),
    "only_paid": ({"transactions": as_csv(purchases(status=MAIL))}, {"only": {"status": ["paid"]}}),
    "mail_as_currency": ({"transactions": as_csv([{**one, "currency": MAIL} for one in purchases()])}, {}),
    "kind_of_ticket": (
        {
            "tickets": as_csv(
                [{"ticket_id": n, "customer_id": f"KUNDE-{n:04d}", "opened_at": TEXT, "kind": NAME} for n in range(PEOPLE)]
            )
        },
        {},
    ),
}


def write_client(home, name, files, declared):
    """A client whose folder is a secret."""
    folder = home / "data" / SECRET / name
    folder.mkdir(parents=True)
    for table, text in {"customers": as_csv(people()), "transactions": as_csv(purchases()), **files}.items():
        (folder / f"{table}.csv").write_text(text, encoding="utf-8")
    said = {"client": name, "title": "Harm", "source": f"data/${{HARM_SECRET}}/{name}", "as_of": "2025-12-31"}
    said |= {"tables": {"transactions": declared}} if declared else {}
    (home / "params" / f"{name}.yml").write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Every notebook with the good export, every other export with the good notebook, and what came of each."""
    home = tmp_path_factory.mktemp("harm")
    for folder in ("params", "notebooks", "data"):
        (home / folder).mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMKIT_HOME", str(home))
        patch.setenv("HARM_SECRET", SECRET)
        for name, code in NOTEBOOKS.items():
            cells = [
                ("markdown", f"# What about {name}?"),
                ("parameters", HEAD),
                ("code", PAGE.format(name=name)),
                ("code", code),
            ]
            cells += [("code", "page.intake()"), ("code", "page.publish()")]
            write_notebook(home / "notebooks" / f"{name}.ipynb", cells, analysis=name, tables={"needs": []}, results=[])
        write_client(home, "harm", {}, {})
        for name, (files, declared) in EXPORTS.items():
            write_client(home, name.replace("_", "-"), files, declared)
        outcomes = run_clients(["harm"], home=home, timeout=15, jobs=2)
        others = [name.replace("_", "-") for name in EXPORTS]
        outcomes += run_clients(others, home=home, only=["good"], jobs=2)
        # a page that was good once, and then is not
        shutil.copy(
            home / "data" / SECRET / "mail-as-date" / "customers.csv", home / "data" / SECRET / "harm" / "customers.csv"
        )
        again = run_clients(["harm"], home=home, only=["good"])
        yield home, {(one.client, one.analysis): one for one in outcomes}, again[0]


def texts(path):
    """What a file says, also one inside an archive."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return "\n".join(archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
    return path.read_bytes().decode("utf-8", "replace")


def said(home):
    return {path.relative_to(home).as_posix(): texts(path) for path in (home / "reports").rglob("*") if path.is_file()}


def test_runs_end_as_they_should(ran):
    _, outcomes, again = ran
    status = {name: outcomes["harm", name].status for name in NOTEBOOKS}
    assert status["good"] == "ok"
    assert status["dies"] == "killed"
    assert status["slow"] == "timeout"
    # what shows a person is not kept, though all its cells went well
    assert {name for name, one in status.items() if one == "failed"} == set(NOTEBOOKS) - {"good", "dies", "slow"}
    good = {name for (name, _), one in outcomes.items() if one.status == "ok"} - {"harm"}
    assert good == {"mail-as-status", "only-paid"}
    assert again.status == "failed"


def test_no_file_of_a_run_names_a_person(ran):
    home, _, _ = ran
    files = said(home)
    assert len(files) > 60
    assert {path.rsplit("/", 1)[-1] for path in files} >= {"index.html", "run.json", "latest.json", "good.html", "quotes.ipynb"}
    # the policy of a page holds digests, whose letters are drawn by lot
    plain = {path: DIGEST.sub("", text).casefold() for path, text in files.items()}
    found = {path: [one for one in CANARIES if one.casefold() in text] for path, text in plain.items()}
    assert {path: one for path, one in found.items() if one} == {}


def test_no_file_of_a_run_tells_a_secret(ran):
    home, _, _ = ran
    assert [path for path, text in said(home).items() if "s3cr3t" in text] == []
    assert any("${HARM_SECRET}" in text for text in said(home).values())


def test_what_is_wrong_is_said_without_the_value(ran):
    _, outcomes, again = ran
    assert again.message == (
        "customers: column 'created_at' has 2 values that cannot be read as a date (rows 7, 11): 'xxxxxx9@xxxxxx.xxxxxxx';"
        " write YYYY-MM-DD, or declare date_format in params/harm.yml, tables.customers;"
        " every such row is in work/harm/rejects/customers.csv."
    )
    assert outcomes["harm", "quotes"].message == "KeyError: 'xxxx'"
    assert "'xxxxx-9999'; one row each" in outcomes["twice", "good"].message
    assert outcomes["harm", "secret"].message == "ValueError: ${HARM_SECRET}"


def test_the_rows_themselves_are_there_for_their_owner_alone(ran):
    home, _, _ = ran
    folder = home / "work" / "harm" / "rejects"
    assert MAIL in (folder / "customers.csv").read_text(encoding="utf-8")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "customers.csv").stat().st_mode & 0o777 == 0o600
    assert not list((home / "reports").rglob("rejects"))


@pytest.mark.parametrize("arguments", [["check", "harm"], ["check", "mail-as-date"], ["list"], ["params", "harm", "good"]])
def test_the_terminal_shows_the_value_and_no_secret(ran, arguments, monkeypatch, capsys):
    home, _, _ = ran
    monkeypatch.setattr("sys.argv", ["crmkit", *arguments])
    with pytest.raises(SystemExit):
        cli.main()
    out = capsys.readouterr()
    assert "s3cr3t" not in out.out + out.err
    assert (MAIL in out.err) is (arguments[0] == "check")
    assert json.dumps(str(home))[1:-1] not in out.err


def test_what_is_deleted(ran, monkeypatch):
    from crmkit.report.run.clean import clean_runs

    home, _, _ = ran
    removed = clean_runs(home, keep=1, clients=["mail-as-date"]).folders
    assert home / "work" / "mail-as-date" / "rejects" in removed
    assert not (home / "work" / "mail-as-date" / "rejects").exists()
    assert (home / "work" / "harm" / "rejects").is_dir()
