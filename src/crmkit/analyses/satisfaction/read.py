"""Who was asked, who answered, and what did each one say? What every part of the satisfaction analysis starts from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from crmkit.analyses.satisfaction.population import EVERYBODY, base_of_waves, known_groups
from crmkit.analyses.satisfaction.reading import judged
from crmkit.core.errors import DataError, ParamError, Problem, did_you_mean
from crmkit.core.results import Quantity, Text
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame
from crmkit.data.summaries import answers as survey_summaries

if TYPE_CHECKING:
    import ibis
    import pandas as pd

    from crmkit.core.settings import ItemSettings
    from crmkit.data.client import Client

META = ("response_id", "customer_id", "wave", "channel", "language", "sent_at", "responded_at", "duration_seconds")
UNKNOWN = "–"
KINDS = ("csat", "nps", "ces", "driver", "other")


@dataclass(frozen=True)
class Item:
    """One question.

    Parameters
    ----------
    id : str
        Name of its column in ``Survey.responses``.
    label : str
        In the language of the report; data of the client, never translated.
    kind : {"csat", "nps", "ces", "driver", "other"}
    low, high : float
        Ends of its scale.
    reverse : bool
        Whether it was asked the other way round; ``Survey.responses`` holds it turned.
    dimension : str
        What it belongs to (product, service, support, say); empty: nothing was declared.
    """

    id: str
    label: str
    kind: str
    low: float
    high: float
    reverse: bool = False
    dimension: str = ""


@dataclass(frozen=True)
class Survey:
    """All answers of a client, as of one day.

    Parameters
    ----------
    as_of : date
    items : tuple of Item
        In the order of the params file.
    responses : DataFrame
        One row per response that came, of every wave, ordered by ``response_id``, index 0..n-1. Always ``response_id,
        customer_id, wave, channel, language, sent_at, responded_at, duration_seconds`` (empty where not recorded; ``wave``
        never), ``careless`` (bool: filled in without reading), and one column per item id: a number on the item's own scale,
        more is better, nan where the answer is missing or does not apply.
    given : DataFrame
        The items as they were given: not turned; same rows.
    inapplicable : DataFrame of bool
        Where "not applicable" was answered; same rows and columns as ``given``.
    profile : DataFrame
        Groups of the customer behind each response (columns ``groups``); same rows; "–" where the customer is not known.
    signs : DataFrame or None
        Signs of careless answers, same rows; see :func:`crmkit.models.survey.careless.careless`.
    unread : Text or None
        Why careless answers could not be looked for.
    surveys : ibis.Table or None
        Rows of the table ``surveys`` with a ``wave`` in every row, those without an answer among them.
    waves : tuple of str
        In order of time.
    days : mapping of str to date
        First day of each wave.
    wave : str
        The wave that the report is about; empty where there is none.
    previous : str
        The one before it; empty where there is none.
    customers : DataFrame or None
        The customers of the wave reported: ``customer_id`` and the groups. None where there is no table of customers.
    margins : DataFrame
        ``wave, margin, level, customers``: how many customers of that wave's day each level of each group had.
    base_rule : Text
        Who counts as a customer on a wave's day.
    groups : tuple of str
        Columns of the customer table that split and weight results.
    drop_careless : bool
        Whether careless answers are left out of scores.
    tables : mapping of str to ibis.Table
        All tables of the client.
    reason : Text or None
        Why nothing can be said; every exhibit then says so in its place.
    min_cell : int
        Fewest answers for a number to be shown.
    confidence : float
    language : str
        Of the report.
    """

    as_of: dt.date
    items: tuple[Item, ...]
    responses: pd.DataFrame = field(repr=False)
    given: pd.DataFrame = field(repr=False)
    inapplicable: pd.DataFrame = field(repr=False)
    profile: pd.DataFrame = field(repr=False)
    signs: pd.DataFrame | None = field(repr=False)
    unread: Text | None
    surveys: ibis.Table | None = field(repr=False)
    waves: tuple[str, ...]
    days: Mapping[str, dt.date]
    wave: str
    previous: str
    customers: pd.DataFrame | None = field(repr=False)
    margins: pd.DataFrame = field(repr=False)
    base_rule: Text
    groups: tuple[str, ...]
    drop_careless: bool
    tables: Mapping[str, ibis.Table] = field(repr=False)
    reason: Text | None = None
    min_cell: int = 10
    confidence: float = 0.95
    language: str = "en"

    @property
    def usable(self) -> bool:
        """Whether there are answers at all."""
        return self.reason is None

    @property
    def recorded(self) -> frozenset[str]:
        """Which of customer_id, channel, language, sent_at, responded_at, duration_seconds somebody wrote down."""
        return frozenset(name for name in META if name in self.responses and self.responses[name].notna().any())

    def of_kind(self, *kinds: str) -> tuple[Item, ...]:
        """The items of some kinds, in the order of the params file."""
        return tuple(item for item in self.items if item.kind in kinds)

    def item(self, name: str) -> Item:
        """One item by its id.

        Raises
        ------
        ParamError
            When there is none; the nearest name is offered.
        """
        known = {item.id: item for item in self.items}
        if name not in known:
            raise ParamError(Problem(f"item {name!r}", "is not declared", hint=did_you_mean(name, known)))
        return known[name]

    def at(self, wave: str, *, everybody: bool = False) -> pd.DataFrame:
        """The responses of a wave, the groups beside them as ``group:<name>``.

        Careless ones are left out unless `everybody`, or unless the parameters keep them.
        """
        rows = self.responses[self.responses["wave"] == wave]
        if self.drop_careless and not everybody:
            rows = rows[~rows["careless"]]
        return rows.join(self.profile.add_prefix("group:"))

    @property
    def current(self) -> pd.DataFrame:
        """:meth:`at` of the wave reported."""
        return self.at(self.wave)


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
    waves = tuple(one for one in days if (responses["wave"] == one).any())
    cell = company.settings.privacy.min_cell
    chosen = _chosen(wave, waves, responses, cell)
    signs, unread = judged(responses, given, items)
    responses["careless"] = False if signs is None else signs["careless"].to_numpy()
    names, attributes = known_groups(company.tables.get("customers"), groups)
    customers, margins, rule = base_of_waves(
        company.tables, {one: days[one] for one in waves}, chosen, attributes, names, base_days=base_days
    )
    return Survey(
        as_of=company.as_of,
        items=items,
        responses=responses,
        given=given,
        inapplicable=inapplicable,
        profile=_profile(responses, attributes, names),
        signs=signs,
        unread=unread,
        surveys=surveys,
        waves=waves,
        days={one: days[one] for one in waves},
        wave=chosen,
        previous=next((one for one, after in pairwise(waves) if after == chosen), ""),
        customers=customers,
        margins=margins,
        base_rule=rule,
        groups=names,
        drop_careless=drop_careless,
        tables=company.tables,
        min_cell=cell,
        confidence=confidence,
        language=company.language,
    )


def _nothing(company: Client, reason: Text, drop_careless: bool, confidence: float) -> Survey:
    import pandas as pd

    none = pd.DataFrame()
    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in META}).assign(careless=pd.Series(dtype="bool"))
    margins = pd.DataFrame({name: pd.Series(dtype="object") for name in ("wave", "margin", "level", "customers")})
    return Survey(
        company.as_of, (), empty, none, none, none, None, reason, None, (), {}, "", "", None, margins, EVERYBODY, (),
        drop_careless, company.tables, reason, company.settings.privacy.min_cell, confidence, company.language,
    )  # fmt: skip


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


def _chosen(wave: str, waves: Sequence[str], responses: pd.DataFrame, cell: int) -> str:
    if wave and wave not in waves:
        raise ParamError(Problem("wave:", f"is {wave!r}", hint=did_you_mean(wave, waves)))
    counts = responses["wave"].value_counts()
    enough = [one for one in waves if counts[one] >= cell]
    return wave or (enough or list(waves))[-1]


def _profile(responses: pd.DataFrame, attributes: pd.DataFrame | None, names: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    if attributes is None or not names:
        return pd.DataFrame(index=responses.index)
    known = attributes.set_index("customer_id")[list(names)].reindex(responses["customer_id"])
    return known.astype("object").where(known.notna(), UNKNOWN).set_axis(responses.index)


def small_waves(past: Survey) -> Text | None:
    """Which newer waves are left out because hardly anybody has answered yet?"""
    later = past.waves[past.waves.index(past.wave) + 1 :] if past.wave in past.waves else ()
    if not later:
        return None
    n = int(past.responses["wave"].isin(later).sum())
    return Text(
        "{n} answers of {waves} are not reported; the wave reported is {wave}.",
        {"n": Quantity(n, "count"), "waves": ", ".join(later), "wave": past.wave},
    )
