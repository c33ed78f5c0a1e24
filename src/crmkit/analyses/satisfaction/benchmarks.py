"""How do the scores compare with those of others? Only with figures whose source and date somebody wrote down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmkit.analyses.satisfaction.estimates import mean, net_promoters, top_box
from crmkit.analyses.satisfaction.labels import too_few
from crmkit.analyses.satisfaction.survey import Survey
from crmkit.core.dates import parse_iso
from crmkit.core.errors import CrmkitError, ParamError, Problem, did_you_mean
from crmkit.core.language import mark
from crmkit.core.results import Column, Finding, Quantity, Result, Text, not_assessed

if TYPE_CHECKING:
    import pandas as pd

KEYS = ("item", "measure", "peer", "value", "source", "dated_at")
MEASURES = ("nps", "top_share", "mean")
OLD_DAYS = 730


def benchmarks(past: Survey, given: Sequence[Mapping[str, Any]] = ()) -> Result:
    """How do our scores compare with those of others?

    Parameters
    ----------
    past : Survey
    given : sequence of mappings
        ``item`` (id), ``measure`` (nps | top_share | mean), ``peer`` (whose), ``value`` (points, or a share from 0 to
        1), ``source``, ``dated_at``
        (YYYY-MM-DD).

    Returns
    -------
    Result
        Table ``item, measure, value, low, high, n, peer, theirs, verdict, source, dated_at``. Nothing is built in: without
        figures of others the section says so.

    Raises
    ------
    ParamError
        For a figure without source or date, or of a question that is not asked; all at once.
    """
    name, title = "satisfaction_benchmarks", Text("How do the scores compare with those of others?")
    missing = too_few(past, past.current, name, title)
    if missing is not None:
        return missing
    if not given:
        reason = Text("no figures of others were given; they belong under benchmarks in the parameters, with source and date")
        return not_assessed(name, title, reason)
    problems = [problem for place, one in enumerate(given) for problem in _problems(past, one, f"benchmarks[{place}]:")]
    if problems:
        raise ParamError(problems)
    table = _table(past, given)
    columns = (
        Column("item", "Question"),
        Column("measure_word", "Measure", translate=True),
        Column("value", "Ours", "number"),
        Column("interval", "Interval", "number"),
        Column("n", "n", "count"),
        Column("peer", "Of whom"),
        Column("theirs_shown", "Theirs", "number"),
        Column("verdict", "Comparison", translate=True),
        Column("source", "Source"),
        Column("dated_at", "Date", "date"),
    )
    note = Text(
        "Theirs are single figures without an interval, asked of other people in other ways. A difference"
        " inside our own interval says nothing, one outside of it little. Not weighted."
    )
    table.attrs["confidence"] = past.confidence
    return Result(name, "table", title, table, columns, finding=_benchmarks_finding(past, table), note=note)


def _problems(past: Survey, one: Mapping[str, Any], where: str) -> list[Problem]:
    known = {item.id for item in past.items}
    found = [Problem(where, f"has no {key}", f"needs {', '.join(KEYS)}") for key in KEYS if not str(one.get(key, "")).strip()]
    found += [Problem(where, f"unknown key {key!r}", hint=did_you_mean(key, KEYS)) for key in one if key not in KEYS]
    if one.get("item") and one["item"] not in known:
        found.append(Problem(where, f"no item {one['item']!r}", hint=did_you_mean(str(one["item"]), known)))
    if one.get("measure") and one["measure"] not in MEASURES:
        found.append(Problem(where, f"no measure {one['measure']!r}", hint=did_you_mean(str(one["measure"]), MEASURES)))
    if isinstance(one.get("value"), bool) or not isinstance(one.get("value"), int | float):
        found.append(Problem(where, f"value is {one.get('value')!r}", "a number is needed"))
    try:
        parse_iso(str(one.get("dated_at", "")), where=where)
    except CrmkitError:
        found.append(Problem(where, f"dated_at is {one.get('dated_at')!r}", "write it as YYYY-MM-DD, in quotes"))
    return found


def _table(past: Survey, given: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    make = {"nps": net_promoters, "top_share": top_box, "mean": mean}
    words = {"nps": mark("NPS"), "top_share": mark("two top boxes"), "mean": mark("mean")}
    listed = []
    for one in given:
        item = past.item(str(one["item"]))
        row = make[str(one["measure"])](past, item, past.current, item.label)
        theirs, low, high = float(one["value"]), float(str(row["low"])), float(str(row["high"]))
        verdict = (
            mark("ours is higher") if theirs < low else mark("ours is lower") if theirs > high else mark("no clear difference")
        )
        percent = 100.0 if row["unit"] == "share" else 1.0
        listed.append(
            {
                "item": item.label,
                "measure": one["measure"],
                "measure_word": words[str(one["measure"])],
                "value": row["value"],
                "low": low,
                "high": high,
                "n": row["n"],
                "unit": row["unit"],
                "peer": str(one["peer"]),
                "theirs": theirs,
                "theirs_shown": theirs * percent,
                "verdict": verdict,
                "source": str(one["source"]),
                "dated_at": parse_iso(str(one["dated_at"]), where="benchmarks"),
            }
        )
    return pd.DataFrame(listed)


def _benchmarks_finding(past: Survey, table: pd.DataFrame) -> Finding:
    counts = table["verdict"].value_counts()
    old = int(sum((past.as_of - day).days > OLD_DAYS for day in table["dated_at"]))
    numbers: dict[str, Quantity | Text | str] = {
        "n": Quantity(len(table), "count"),
        "higher": Quantity(int(counts.get("ours is higher", 0)), "count"),
        "lower": Quantity(int(counts.get("ours is lower", 0)), "count"),
        "old": Quantity(old, "count"),
    }
    text = Text("Of {n} figures of others, ours is clearly higher than {higher} and clearly lower than {lower}.", numbers)
    if old:
        text = Text(
            "Of {n} figures of others ({old} older than two years), ours is clearly higher than {higher} and lower "
            "than {lower}.",
            numbers,
        )
    return Finding("satisfaction.benchmarks", "info", None, text, evidence=("satisfaction_benchmarks",))
