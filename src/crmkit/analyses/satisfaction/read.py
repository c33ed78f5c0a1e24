"""Who was asked, who answered, and what did each one say? What every part of the satisfaction analysis starts from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from crmkit.analyses.satisfaction.careless import signs_of_carelessness
from crmkit.analyses.satisfaction.population import UNKNOWN, customer_groups, population_of_waves
from crmkit.analyses.satisfaction.survey import META, Answers, Item, Survey, Waves
from crmkit.core.errors import DataError, ParamError, Problem, did_you_mean
from crmkit.core.results import Text
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import answers as survey_summaries

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmkit.core.settings import ItemSettings
    from crmkit.data.client import Client


def answers(
    company: Client,
    wave: str = "",
    groups: Sequence[str] = (),
    *,
    dimensions: Mapping[str, str] | None = None,
    base_days: int = 365,
    drop_careless: bool = True,
    confidence: float = 0.95,
) -> Survey:
    """What did the customers of a client answer, wave by wave?

    Parameters
    ----------
    company : Client
        With a table ``surveys`` whose items are declared.
    wave : str
        The wave to report; empty: the newest with at least ``privacy.min_cell`` responses, else the newest.
    groups : sequence of str
        Columns of ``customers`` that split results; empty: those of size, region, industry, acquisition_channel that are there.
    dimensions : mapping of item to word
        What items belong to, for example ``{"speed": "support"}``.
    base_days : int
        Without contracts: who bought within so many days before a wave is a customer.
    drop_careless : bool
        Whether answers that were given without reading are left out of scores.
    confidence : float
        Coverage of every interval.

    Returns
    -------
    Survey
        Where there is no table or no response, nothing is usable and ``reason`` says why.

    Raises
    ------
    ParamError
        For a wave, a group or an item of a dimension that is not there.
    DataError
        When items are not declared, or one is named like a column of the table.

    Notes
    -----
    Where nobody wrote down waves, a wave is a quarter of the year, by the day of sending, else of answering.
    """
    if "surveys" not in company.tables:
        return _nothing(company, Text("needs surveys"), drop_careless, confidence)
    declared = company.settings.tables["surveys"].items if "surveys" in company.settings.tables else {}
    items = _items(declared, dimensions or {}, company.language)
    surveys = _with_waves(known_at(company.tables["surveys"], name="surveys", day=company.as_of))
    rows = survey_summaries.item_answers(surveys, items=declared, as_of=company.as_of)
    responses, given, inapplicable = _wide(rows, [item.id for item in items])
    days = _days(surveys, company.as_of)
    if not len(responses):
        return _nothing(company, Text("nobody has answered yet"), drop_careless, confidence)
    waves = _waves(wave, days, responses, company.settings.privacy.min_cell)
    signs, unread = signs_of_carelessness(responses, given, items)
    responses["careless"] = False if signs is None else signs["careless"].to_numpy()
    names, attributes = customer_groups(company.tables.get("customers"), groups)
    return Survey(
        as_of=company.as_of,
        items=items,
        answers=Answers(
            responses, given, inapplicable, _profile(responses, attributes, names), signs=signs, unread=unread, surveys=surveys
        ),
        waves=waves,
        population=population_of_waves(company.tables, waves, attributes, names, base_days=base_days),
        tables=company.tables,
        drop_careless=drop_careless,
        min_cell=company.settings.privacy.min_cell,
        confidence=confidence,
        language=company.language,
    )


def _nothing(company: Client, reason: Text, drop_careless: bool, confidence: float) -> Survey:
    import pandas as pd

    none = pd.DataFrame()
    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in META}).assign(careless=pd.Series(dtype="bool"))
    return Survey(
        as_of=company.as_of,
        items=(),
        answers=Answers(empty, none, none, none, unread=reason),
        waves=Waves(),
        population=population_of_waves({}, Waves(), None, (), base_days=0),
        tables=company.tables,
        drop_careless=drop_careless,
        reason=reason,
        min_cell=company.settings.privacy.min_cell,
        confidence=confidence,
        language=company.language,
    )


def _items(declared: Mapping[str, ItemSettings], dimensions: Mapping[str, str], language: str) -> tuple[Item, ...]:
    taken = [name for name in declared if name in (*META, "careless")]
    if taken:
        raise DataError(Problem("surveys, items:", f"the item {taken[0]!r} is named like a column", "give it another id"))
    unknown = [name for name in dimensions if name not in declared]
    if unknown:
        raise ParamError([Problem("dimensions:", f"no item '{name}'", did_you_mean(name, declared)) for name in unknown])
    return tuple(
        Item(
            id=name,
            label=one.label.get("zh" if language == "zh" else "en") or next(iter(one.label.values()), name),
            kind=one.kind,
            low=float(one.scale[0]),
            high=float(one.scale[1]),
            reverse=one.reverse,
            dimension=dimensions.get(name, ""),
        )
        for name, one in declared.items()
    )


def _with_waves(surveys: ibis.Table) -> ibis.Table:
    """The rows with a wave in each of them."""
    import ibis

    if "wave" in surveys.columns:
        return surveys.mutate(wave=ibis.coalesce(surveys.wave, UNKNOWN))
    dates = [surveys[name].cast("date") for name in ("sent_at", "responded_at") if name in surveys.columns]
    if not dates:
        return surveys.mutate(wave=ibis.literal(UNKNOWN))
    day = ibis.coalesce(*dates)
    quarter = (day.month() + 2).cast("float64") / 3
    name = day.year().cast("string") + "Q" + quarter.floor().cast("int64").cast("string")
    return surveys.mutate(wave=ibis.coalesce(name, UNKNOWN))


def _days(surveys: ibis.Table, as_of: dt.date) -> dict[str, dt.date]:
    """First day of each wave, the waves in order of time; by name where no day is known."""
    dates = [surveys[name].cast("date").min() for name in ("sent_at", "responded_at") if name in surveys.columns]
    columns: dict[str, Any] = {f"day{number}": one for number, one in enumerate(dates)}
    table = to_frame(surveys.group_by("wave").agg(rows=surveys.count(), **columns).order_by("wave"))
    first = table[list(columns)].bfill(axis=1).iloc[:, 0] if columns else None
    found = {
        str(name): as_of if first is None or first.iloc[at] != first.iloc[at] else first.iloc[at].date()
        for at, name in enumerate(table["wave"])
    }
    return dict(sorted(found.items(), key=lambda pair: (pair[1], pair[0])))


def _wide(rows: ibis.Table, items: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """One row per response: turned answers beside what is known of it, answers as given, and where they do not apply."""
    import pandas as pd

    beside = [name for name in META[1:] if name in rows.columns]
    turned = survey_summaries.response_matrix(rows, items=items, beside=beside)
    given = survey_summaries.response_matrix(rows, items=items, column="score")[list(items)]
    coded = rows.mutate(coded=rows.not_applicable.cast("float64"))
    marked = survey_summaries.response_matrix(coded, items=items, column="coded")[list(items)]
    for name in (one for one in META if one not in turned):
        empty = pd.NaT if name.endswith("_at") else float("nan") if name == "duration_seconds" else None
        turned[name] = pd.Series([empty] * len(turned), dtype="object" if empty is None else None)
    turned["duration_seconds"] = turned["duration_seconds"].astype("float64")
    return turned[[*META, *items]].astype(dict.fromkeys(items, "float64")), given.astype("float64"), marked.fillna(0.0) > 0


def _waves(wave: str, days: Mapping[str, dt.date], responses: pd.DataFrame, cell: int) -> Waves:
    """Waves with an answer, and which of them is reported."""
    counts = responses["wave"].value_counts()
    names = tuple(one for one in days if one in counts)
    if wave and wave not in names:
        raise ParamError(Problem("wave:", f"is {wave!r}", hint=did_you_mean(wave, names)))
    enough = [one for one in names if counts[one] >= cell]
    reported = wave or (enough or list(names))[-1]
    previous = next((one for one, after in pairwise(names) if after == reported), "")
    return Waves(names, {one: days[one] for one in names}, reported, previous)


def _profile(responses: pd.DataFrame, attributes: pd.DataFrame | None, names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    if attributes is None or not names:
        return pd.DataFrame(index=responses.index)
    known = attributes.set_index("customer_id")[list(names)].reindex(responses["customer_id"])
    return known.astype("object").where(known.notna(), UNKNOWN).set_axis(responses.index)
