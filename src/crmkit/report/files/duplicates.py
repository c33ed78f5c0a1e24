"""Which customers may stand twice? A workbook in which somebody decides, and the merge map that follows from the decisions.

Nothing is merged here: the map lies beside the workbook until the client puts it where the params file says. The workbook names
customers by their pseudonyms and shows what agrees; with ``privacy: {lists: ids}`` it also has ids, names and addresses.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import ParamError, Problem, did_you_mean, quoted
from crmkit.core.format import missing
from crmkit.core.language import Locale, mark, translate
from crmkit.core.privacy import pseudonyms
from crmkit.core.results import Column, Numbers, Quantity, Text
from crmkit.core.settings import find_home
from crmkit.report.files.lists import NUMBER_FORMATS, guard
from crmkit.report.files.written import Written

if TYPE_CHECKING:
    import pandas as pd

    from crmkit.data.client import Client

BOOK, MAP = "duplicates.xlsx", "merge.csv"
FIRST, SECOND, DECISION = "kept_id", "customer_id", "decision"
EXACT, PROBABLE = mark("exact"), mark("probable")
SAME, DIFFERENT, UNSURE = mark("the same"), mark("different"), mark("unsure")
FIELDS = {
    "email": mark("e-mail"), "phone": mark("telephone"), "tax_id": mark("tax number"), "name": mark("name"),
    "place": mark("town"), "name_place": mark("name and town"), "industry": mark("industry"), "size": mark("size"),
    "region": mark("region"),
}  # fmt: skip
SEEN = ("name", "email", "phone", "city")
COLUMNS = (
    Column("pair", "number of the pair", "count"),
    Column(FIRST, "the customer who would be kept", "text"),
    Column(SECOND, "the customer who would be merged into the other", "text"),
    Column(
        "found", "exact: by something that no two customers share; probable: by the likeness of all", "text", translate=True
    ),
    Column("probability", "how likely the two are one customer", "share"),
    Column("agree", "what is equal in both", "text"),
    Column("near", "what is nearly equal", "text"),
    Column("differ", "what is different", "text"),
    Column("kept_orders", "orders of the customer who would be kept", "count"),
    Column("orders", "orders of the other", "count"),
    Column("kept_amount", "revenue of the customer who would be kept", "money"),
    Column("amount", "revenue of the other", "money"),
    Column(DECISION, "to be filled in: same, different or unsure", "text"),
)
NONE_FOUND = Text("no two customers of {client} look like one")
WRITTEN = Text("{n} {n:pair|pairs} to decide; when {n:it is|they are} filled in: crmkit duplicates {client} --decided {path}")
NOT_THERE = Text("only exact duplicates were looked for; for probable ones: pip install 'crmkit[dedupe]'")
TOO_FEW = Text("only exact duplicates were looked for: of so few customers nothing can be learned")
MADE = Text(
    "{n} {n:customer|customers} would be merged. Nothing is merged until {client} says so: look at the file, put it into "
    "params/{client}/ and write into params/{client}.yml: merge: params/{client}/{file}"
)


def write_review(client: str, *, home: Path | None = None) -> Written:
    """Write the workbook in which somebody decides which customers are one.

    Parameters
    ----------
    client : str
    home : Path or None
        Project root.

    Returns
    -------
    Written
        ``work/<client>/duplicates/duplicates.xlsx``, for its owner alone; no file where no two customers look like one.

    Raises
    ------
    DataError
        When the data cannot be read.
    ParamError
        When nothing is known of customers by which two could be compared.
    """
    from crmkit.data.client import open_client

    home = home if home is not None else find_home()
    with open_client(client, home=home) as company:
        pairs, notes = pairs_of(company)
        if pairs.empty:
            return Written((), (Text(NONE_FOUND.template, {"client": client}), *notes))
        rows, columns = _as_seen(pairs, company)
        folder = home / "work" / client / "duplicates"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / BOOK
        _write_workbook(rows, columns, path, Locale(company.language, company.currency))
    numbers: Numbers = {"n": Quantity(len(pairs), "count"), "client": client, "path": path.relative_to(home).as_posix()}
    return Written((path,), (Text(WRITTEN.template, numbers), *notes))


def pairs_of(company: Client) -> tuple[pd.DataFrame, list[Text]]:
    """Every pair of customers who may be one, most certain first, and what is to be said of how they were found.

    Returns
    -------
    pairs : DataFrame
        ``pair, kept_id, customer_id, found, probability, agree, near, differ, kept_orders, orders, kept_amount, amount``: of
        each pair the one with more money, orders, or a smaller id would be kept. Of an exact group each other stands once.
    notes : list of Text
    """
    import pandas as pd

    from crmkit.data.summaries.duplicates import calling_code, contact_records, shared_records, spending
    from crmkit.models.records.groups import same_customers
    from crmkit.models.records.matching import FEWEST_RECORDS, is_installed, suggestions

    customers = company.tables.get("customers")
    has = set(customers.columns) if customers is not None else set()
    if not ({"email", "phone", "tax_id"} & has or ("name" in has and {"city", "region"} & has)):
        what = "holds nothing by which two customers could be compared"
        raise ParamError(
            Problem("customers:", what, "an e-mail address, a telephone number, a tax_id, or name and city are needed")
        )
    code = calling_code(company.timezone)
    groups = same_customers(shared_records(customers, calling_code=code))
    exact = _stars(groups)
    records = contact_records(customers, calling_code=code)
    notes: list[Text] = []
    probable = pd.DataFrame(columns=["first", "second", "probability", "agree", "near", "differ"])
    if not is_installed() or len(records) < FEWEST_RECORDS:
        notes.append(TOO_FEW if is_installed() else NOT_THERE)
    else:
        probable = _beyond(suggestions(records), groups)
    parts = [one for one in (exact.assign(found=EXACT), probable.assign(found=PROBABLE)) if len(one)]
    if not parts:
        return exact, notes
    bought = pd.DataFrame({"customer_id": [], "orders": [], "amount": []})
    if "transactions" in company.tables:
        bought = spending(company.tables["transactions"], customers)
    pairs = _kept_first(pd.concat(parts, ignore_index=True), bought.set_index("customer_id"))
    pairs.insert(0, "pair", range(1, len(pairs) + 1))
    return pairs, notes


def take_decisions(client: str, decided: Path, *, home: Path | None = None) -> Written:
    """Make the merge map of a workbook that was filled in.

    Parameters
    ----------
    client : str
    decided : Path
        The workbook of :func:`write_review` with decisions.
    home : Path or None
        Project root.

    Returns
    -------
    Written
        ``work/<client>/duplicates/merge.csv``, for its owner alone: what the client has merged before, and every pair that was
        decided to be the same. It always has ids.

    Raises
    ------
    ParamError
        All decisions at once that cannot be understood or contradict each other.
    """
    import pandas as pd

    from crmkit.data.client import open_client
    from crmkit.data.intake.merges import read_merge
    from crmkit.data.sources.engine import connect, disconnect, to_frame

    home = home if home is not None else find_home()
    lines = _filled_in(decided)
    with open_client(client, home=home) as company:
        customers = company.tables["customers"]
        ids = to_frame(customers.select("customer_id"))["customer_id"].tolist()
        known = dict(zip(pseudonyms(ids, key=company.key()), ids, strict=True)) | dict(zip(ids, ids, strict=True))
        settings = company.settings
    con, spill = connect()
    try:
        before = read_merge(con, settings, home=home, spill=spill)
    finally:
        disconnect(con)
    merge = _merged(lines, known, before.kept if before is not None else {}, where=decided.name)
    path = home / "work" / client / "duplicates" / MAP
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    table = pd.DataFrame(sorted(merge.items()), columns=[SECOND, FIRST]).map(guard)
    partial = path.with_name(f".{MAP}.{os.getpid()}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8", newline="") as file:
        table.to_csv(file, index=False, lineterminator="\n")
    partial.replace(path)
    return Written((path,), (Text(MADE.template, {"n": Quantity(len(merge), "count"), "client": client, "file": MAP}),))


def _stars(groups: pd.DataFrame) -> pd.DataFrame:
    """Of each exact group its first record beside every other."""
    import pandas as pd

    rows = [
        (members["customer_id"].iloc[0], other, 1.0, keys, (), ())
        for (_, keys), members in groups.groupby(["group", "keys"], sort=True)
        for other in members["customer_id"].iloc[1:]
    ]
    return pd.DataFrame(rows, columns=["first", "second", "probability", "agree", "near", "differ"])


def _beyond(found: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """The pairs that no exact group holds."""
    of = dict(zip(groups["customer_id"], groups["group"], strict=True))
    apart = [of.get(a, a) != of.get(b, b) for a, b in zip(found["first"], found["second"], strict=True)]
    return found[apart].reset_index(drop=True)


def _kept_first(pairs: pd.DataFrame, bought: pd.DataFrame) -> pd.DataFrame:
    """Pairs with the customer who would be kept in front: of an exact group the same for all."""
    names = {*pairs["first"], *pairs["second"]}
    money, orders = bought["amount"].to_dict(), bought["orders"].to_dict()
    place = sorted(names, key=lambda one: (-money.get(one, 0.0), -orders.get(one, 0), one))
    rank = {one: at for at, one in enumerate(place)}
    star = pairs["found"].eq(EXACT)
    best: dict[str, str] = {}
    for first, second in pairs.loc[star, ["first", "second"]].to_numpy():
        best[first] = min(best.get(first, first), second, key=rank.__getitem__)
    rows = []
    for line in pairs.to_dict("records"):
        first, second = line.pop("first"), line.pop("second")
        if line["found"] == EXACT:
            kept = best[first]
            other = first if second == kept else second
        else:
            kept, other = sorted((first, second), key=rank.__getitem__)
        said = {FIRST: kept, SECOND: other, **line}
        for name, values in (("orders", orders), ("amount", money)):
            said |= {f"kept_{name}": values.get(kept, 0), name: values.get(other, 0)}
        rows.append(said)
    import pandas as pd

    return pd.DataFrame(rows)


def _as_seen(pairs: pd.DataFrame, company: Client) -> tuple[pd.DataFrame, tuple[Column, ...]]:
    """Pairs as they may leave the house: under pseudonyms, or with ids and what else is known of both."""
    from crmkit.data.sources.engine import to_frame

    rows = pairs.copy()
    for name in ("agree", "near", "differ"):
        words = (", ".join(translate(FIELDS[one], company.language) for one in each) for each in rows[name])
        rows[name] = list(words)
    rows[DECISION] = ""
    columns = (
        COLUMNS
        if "transactions" in company.tables
        else tuple(one for one in COLUMNS if one.unit not in ("money",) and "orders" not in one.name)
    )
    if company.settings.privacy.lists != "ids":
        key = company.key()
        for name in (FIRST, SECOND):
            rows[name] = pseudonyms(rows[name], key=key)
        return rows, columns
    customers = company.tables["customers"]
    there = [name for name in SEEN if name in customers.columns]
    known = to_frame(customers.select("customer_id", *there)).set_index("customer_id")
    seen: list[Column] = []
    for name in there:
        for side, label in ((FIRST, mark("of the customer who would be kept")), (SECOND, mark("of the other"))):
            column = f"kept_{name}" if side == FIRST else name
            rows[column] = rows[side].map(known[name])
            seen.append(Column(column, label, "text"))
    return rows, (*columns[:3], *seen, *columns[3:])


def _write_workbook(rows: pd.DataFrame, columns: Sequence[Column], path: Path, locale: Locale) -> None:
    import xlsxwriter

    words = [translate(one, locale.language) for one in (SAME, DIFFERENT, UNSURE)]
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    with xlsxwriter.Workbook(partial, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        # our column names stand in the first row, so that the sheet can be read back; what they mean stands in a comment
        sheet = book.add_worksheet("duplicates")
        sheet.freeze_panes(1, 3)
        heading, asked = book.add_format({"bold": True, "bottom": 1}), book.add_format({"bg_color": "#fff4ce"})
        lines = rows.to_dict("records")
        for place, column in enumerate(columns):
            style = (
                asked
                if column.name == DECISION
                else book.add_format({"num_format": NUMBER_FORMATS.get(column.unit, "General")})
            )
            sheet.set_column(place, place, 16, style)
            sheet.write_string(0, place, column.name, heading)
            sheet.write_comment(0, place, translate(column.label, locale.language))
            for line, row in enumerate(lines, start=1):
                _write_cell(sheet, line, place, row[column.name], column, locale)
            if column.name == DECISION:
                sheet.data_validation(1, place, len(lines), place, {"validate": "list", "source": words})
    partial.chmod(0o600)
    partial.replace(path)


def _write_cell(sheet: Any, line: int, place: int, value: Any, column: Column, locale: Locale) -> None:
    if missing(value) or value == "":
        return
    if column.unit == "text":
        said = translate(value, locale.language) if column.translate else str(value)
        sheet.write_string(line, place, str(guard(said)))
    else:
        sheet.write_number(line, place, float(value))


def _filled_in(path: Path) -> list[tuple[int, str, str, str]]:
    """Row number, id kept, id given up and decision of each line of a workbook.

    Raises
    ------
    ParamError
        When it cannot be read or lacks a column.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        head, *lines = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    except (OSError, CalamineError, ValueError) as err:
        raise ParamError(f"{path.name}: cannot be read as a workbook with one line per pair") from err
    names = [str(one).strip() for one in head]
    lacking = [Problem(f"{path.name}:", f"has no column {one!r}", hint=did_you_mean(one, names))
               for one in (FIRST, SECOND, DECISION) if one not in names]  # fmt: skip
    if lacking:
        raise ParamError(list(lacking))
    at = [names.index(one) for one in (FIRST, SECOND, DECISION)]
    found = []
    for row, line in enumerate(lines, start=2):
        first, second, said = (_text(line[place]) for place in at)
        found += [(row, first, second, said)] if said else []
    return found


def _text(cell: Any) -> str:
    whole = isinstance(cell, float) and cell.is_integer()
    return str(int(cell) if whole else cell).strip().removeprefix("'")


def _merged(
    lines: Sequence[tuple[int, str, str, str]], known: Mapping[str, str], before: Mapping[str, str], *, where: str
) -> dict[str, str]:
    """Who is merged into whom: what was decided, and what was merged before, without chains.

    Raises
    ------
    ParamError
        Naming each line whose customers or decision are not known, and each decision that others contradict.
    """
    from crmkit.models.records.groups import linked

    words = {translate(word, language).casefold(): word for word in (SAME, DIFFERENT, UNSURE) for language in ("en", "zh")}
    words["same"] = SAME
    problems: list[str | Problem] = []
    pairs: dict[str, list[tuple[int, str, str]]] = {SAME: [], DIFFERENT: [], UNSURE: []}
    for row, first, second, said in lines:
        unknown = [one for one in (first, second) if one not in known]
        decision = words.get(said.casefold())
        if unknown:
            what = f"row {row} names {', '.join(quoted(repr(one)) for one in unknown)}, which no customer has"
            problems.append(Problem(f"{where}:", what))
        if decision is None:
            problems.append(
                Problem(f"{where}:", f"row {row} says {quoted(repr(said))}", f"same, {DIFFERENT} or {UNSURE} is expected")
            )
        if decision is not None and not unknown:
            pairs[decision].append((row, known[first], known[second]))
    names = list(dict.fromkeys(one for _, *two in pairs[SAME] for one in two))
    at = {name: place for place, name in enumerate(names)}
    groups = linked(len(names), [(at[first], at[second]) for _, first, second in pairs[SAME]])
    for row, first, second in pairs[DIFFERENT]:
        if first in at and second in at and groups[at[first]] == groups[at[second]]:
            problems.append(Problem(f"{where}:", f"row {row} says {DIFFERENT}, and other rows make the two one customer"))
    if problems:
        raise ParamError(problems)
    kept: dict[int, str] = {}
    given_up = {second for _, _, second in pairs[SAME]}
    for _, first, _ in pairs[SAME]:
        group = int(groups[at[first]])
        if group not in kept or (kept[group] in given_up and first not in given_up):
            kept[group] = first
    now = {name: kept[int(groups[place])] for name, place in at.items() if kept[int(groups[place])] != name}
    return {old: now.get(into, into) for old, into in before.items()} | now
