"""Every number on the page of an audit stands in its result tables, in its parameters, or in what the company has written."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from crmkit.analyses.audit.findings.finding import quantities
from crmkit.core.format import format_value, p_words
from crmkit.core.results import Quantity, Result, Text
from soundness import faults

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.long

NUMBER = re.compile(r"(?<![\w.,-])[-−]?\d+(?:[.,]\d+)*(?![\w]|[.,]\d)")
UNITS = ("count", "number", "share", "money", "score", "points", "ratio", "hours", "days", "months", "date")
WRITTEN = ("actions", "risks", "benchmarks", "processes", "goals")
# these cells of words hold nothing but a number, which is kept as it is shown
THEMSELVES = {("audit_finding_fields", "no"), ("audit_cases", "detail")}
THEMSELVES |= {("audit_catalogue", "before"), ("audit_catalogue", "after")}
# the day of the report, and the days of the params file
THEMSELVES |= {("customers", "rule")}
METHODS = re.compile(r"ICC\(.*?\)")
ISO = re.compile(r"\d{4}-\d\d-\d\d")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The notebook's own cells, run one after the other on a company, and what they leave behind."""
    home = tmp_path_factory.mktemp("home")
    for name in ("params", "notebooks", "data"):
        (home / name).symlink_to(ROOT / name)
    cells = json.loads((ROOT / "notebooks" / "audit.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    space: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMKIT_HOME", str(home))
        for source in sources[:-1]:
            exec(source.replace('"retailco"', '"shopco"'), space)
    made = space["page"]
    made.publish(home / "out")
    made.stored = {path.stem: pd.read_parquet(path) for path in (home / "out" / "results").glob("*.parquet")}
    return made


def plain(value: Any) -> Any:
    """A number as a float, a day as text, anything else as nothing."""
    if isinstance(value, bool) or value is None:
        return None
    if hasattr(value, "isoformat"):
        return None if value is pd.NaT else value.isoformat()[:10]
    if isinstance(value, str):
        return value[:10] if ISO.match(value) else None
    return float(value) if hasattr(value, "__float__") and math.isfinite(float(value)) else None


def cells(table: pd.DataFrame) -> Iterator[Any]:
    """Every number and day of a table, those inside lists of numbers too, and how many rows have the same word."""
    yield float(len(table))
    for column in table:
        values = table[column]
        if column == "numbers":
            yield from (plain(one[key]) for cell in values for one in json.loads(cell) for key in ("value", "low", "high"))
        elif values.dtype == bool or not pd.api.types.is_numeric_dtype(values):
            yield from values.map(str).value_counts().astype("float64")
            yield from values.map(plain)
        else:
            yield from values.map(plain)
            yield float(values.notna().sum())
            yield float(values.isna().sum())
            yield float(values.sum())


def among(value: Any, known: list[Any]) -> bool:
    """Whether a number stands among others, but for the last digits that floats lose; the words may say that it falls."""
    if isinstance(value, str):
        return value in known
    signed = (value, -value) if value > 0 else (value,)
    return any(
        isinstance(one, float) and math.isclose(each, one, rel_tol=1e-9, abs_tol=1e-12) for one in known for each in signed
    )


def texts_of(result: Result) -> Iterator[tuple[Text, tuple[str, ...]]]:
    own = (result.name,)
    yield from ((text, own) for text in (result.title, result.note, result.alt, result.reason) if text is not None)
    if result.finding is not None:
        yield from findings_texts(result.finding, own)


def findings_texts(finding: Any, own: tuple[str, ...] = ()) -> Iterator[tuple[Text, tuple[str, ...]]]:
    places = (*own, *finding.evidence)
    yield from ((text, places) for text in (finding.text, finding.criteria, finding.action) if text is not None)
    if finding.money_at_stake is not None:
        yield Text("{stake}", {"stake": finding.money_at_stake}), places


def unresolved(texts, page) -> list[str]:
    """Numbers of sentences that are in none of the tables that these name, nor among the parameters."""
    given = [plain(one.value) for one in page.used.values()]
    found = []
    for text, places in texts:
        known = [*given, *(one for place in places if place in page.stored for one in cells(page.stored[place]))]
        for one in quantities(text):
            for key in ("value", "low", "high"):
                value = plain(one[key])
                if value is not None and not among(value, known):
                    found.append(f"{places[0]}: {one['name']} {key} {value} in {text.template!r}")
    return found


def test_every_number_in_a_sentence_stands_in_its_tables(page):
    # how many rows came in is told by the table of tables, whose sums have tests of their own
    texts = [pair for name, result in page.shown.items() if name != "intake" for pair in texts_of(result)]
    texts += [pair for finding in page.findings.values() if finding.id != "intake.left_out" for pair in findings_texts(finding)]
    assert sum(len(quantities(text)) for text, _ in texts) > 30
    lost = unresolved(texts, page)
    assert not lost, "\n".join(lost)


def test_every_exhibit_is_sound(page):
    assert len(page.shown) > 20
    assert not faults(page.shown.values())


@pytest.fixture(scope="module")
def written(page) -> list[str]:
    """What the kit and the company have written, the longest first: words that hold a number without stating one."""
    said: set[str] = set()

    def add(value: Any) -> None:
        if isinstance(value, dict | list):
            for one in value.values() if isinstance(value, dict) else value:
                add(one)
        elif isinstance(value, str) and re.search(r"\d", value) and re.search(r"[^\W\d_]{2}", value):
            said.add(value)

    for path in (ROOT / "src" / "crmkit" / "analyses" / "audit").rglob("*.yml"):
        add(yaml.safe_load(path.read_text(encoding="utf-8")))
    for name in WRITTEN:
        path = ROOT / "data" / "demo" / "shopco" / f"{name}.csv"
        if path.is_file():
            add([str(one) for one in pd.read_csv(path, dtype=str).to_numpy().ravel()])
    return sorted(said, key=len, reverse=True)


def spoken(row: dict[str, Any], page) -> set[str]:
    """The numbers of a row as a reader sees them: in its own unit and in every other."""
    numbers = [plain(value) for value in row.values()]
    for one in json.loads(row["numbers"]) if "numbers" in row else ():
        numbers += [plain(one[key]) for key in ("value", "low", "high")]
    units = [row["unit"], *UNITS] if isinstance(row.get("unit"), str) else UNITS
    said = [
        format_value(value, unit, language="en", currency=page.locale.currency)
        for value in numbers
        if value is not None
        for unit in (["date"] if isinstance(value, str) else units)
        if unit != "date" or isinstance(value, str)
    ]
    said += [p_words(row[name]) for name in ("adjusted", "p_value") if name in row]
    return {token for one in said for token in NUMBER.findall(one)}


def rows_of(result: Result, page) -> list[dict[str, Any]]:
    return page.stored[result.name].to_dict("records")


def test_every_number_in_the_words_of_a_table_stands_in_its_row(page, written):
    """Columns of numbers are shown from the stored table itself; cells of words may hold only numbers of their row."""
    found, seen = [], 0
    for result in page.shown.values():
        if result.table is None:
            continue
        shown = [one.name for one in result.columns if one.unit == "text" and one.name in result.table]
        shown = [name for name in shown if (result.name, name) not in THEMSELVES]
        for row in rows_of(result, page):
            known = None
            for column in shown:
                words = METHODS.sub("", str(row[column]) if row[column] is not None else "")
                for phrase in written if re.search(r"\d", words) else ():
                    words = words.replace(phrase, " ")
                for token in NUMBER.findall(words):
                    known = spoken(row, page) if known is None else known
                    seen += 1
                    if token not in known:
                        found.append(f"{result.name}, {column}: {token} of {row[column]!r}")
    assert seen > 100
    assert not found, "\n".join(found)


def test_short_pages_repeat_numbers_of_the_page(page):
    """What stands on the page of a department is a row of a table of the whole."""
    pairs = {"audit_finding_fields": "audit_finding_fields", "audit_risks": "audit_risks", "audit_plan": "audit_plan"}
    state = pd.concat([table for table in page.stored.values() if {"indicator", "score_text"} <= set(table)])
    briefs = page.shown["audit_departments"].briefs
    assert briefs
    for brief in briefs:
        for result in brief.results:
            whole = page.stored[pairs[result.name]] if result.name in pairs else state
            key = {"audit_finding_fields": "words", "audit_risks": "id", "audit_plan": "action_id"}.get(
                result.name, "indicator"
            )
            assert set(result.table[key]) <= set(whole[key])
            shared = [
                name for name in ("value", "low", "high", "target", "loss", "likelihood", "budget") if name in result.table
            ]
            both = result.table.merge(whole.drop_duplicates(key), on=key, suffixes=("", "_whole"))
            for name in shared:
                assert both[name].equals(both[f"{name}_whole"].astype(both[name].dtype)), (brief.name, result.name, name)


def test_a_number_from_nowhere_is_noticed(page):
    """The checks can fail: a sentence with a number of its own, and one that is a thousandth off."""
    made_up = Text("{n}", {"n": Quantity(123456.789, "number")})
    assert len(unresolved([(made_up, ("audit_process",))], page)) == 1
    value = float(page.stored["audit_process"]["value"].dropna().iloc[0])
    near = Text("{n}", {"n": Quantity(value * 1.001, "number")})
    assert unresolved([(near, ("audit_process",))], page) or value == 0
    assert unresolved([(Text("{n}", {"n": Quantity(value, "number")}), ("audit_process",))], page) == []
