"""What is a survey, once it is read? The values that flow from the reader to every part of the satisfaction analysis."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crmkit.core.errors import ParamError, Problem, did_you_mean
from crmkit.core.results import Text

if TYPE_CHECKING:
    import ibis
    import pandas as pd

META = ("response_id", "customer_id", "wave", "channel", "language", "sent_at", "responded_at", "duration_seconds")
KINDS = ("csat", "nps", "ces", "driver", "other")


@dataclass(frozen=True)
class Item:
    """One question.

    Parameters
    ----------
    id : str
        Name of its column in ``Answers.responses``.
    label : str
        In the language of the report; data of the client, never translated.
    kind : {"csat", "nps", "ces", "driver", "other"}
    low, high : float
        Ends of its scale.
    reverse : bool
        Whether it was asked the other way round; ``Answers.responses`` holds it turned.
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


@dataclass(frozen=True, eq=False)
class Answers:
    """What came back, of every wave.

    Parameters
    ----------
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
        Groups of the customer behind each response (columns ``Population.groups``); same rows; "–" where the customer is not
        known.
    signs : DataFrame or None
        Signs of careless answers, same rows; see :func:`crmkit.models.survey.careless.careless`.
    unread : Text or None
        Why careless answers could not be looked for.
    surveys : ibis.Table or None
        Rows of the table ``surveys`` with a ``wave`` in every row, those without an answer among them.
    """

    responses: pd.DataFrame = field(repr=False)
    given: pd.DataFrame = field(repr=False)
    inapplicable: pd.DataFrame = field(repr=False)
    profile: pd.DataFrame = field(repr=False)
    signs: pd.DataFrame | None = field(default=None, repr=False)
    unread: Text | None = None
    surveys: ibis.Table | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Waves:
    """When people were asked.

    Parameters
    ----------
    names : tuple of str
        In order of time; those with an answer.
    days : mapping of str to date
        First day of each wave.
    reported : str
        The wave that the report is about; empty where there is none.
    previous : str
        The one before it; empty where there is none.
    """

    names: tuple[str, ...] = ()
    days: Mapping[str, dt.date] = field(default_factory=dict)
    reported: str = ""
    previous: str = ""


@dataclass(frozen=True, eq=False)
class Population:
    """Whom the answers stand for.

    Parameters
    ----------
    groups : tuple of str
        Columns of the customer table that split and weight results.
    customers : DataFrame or None
        The customers of the wave reported: ``customer_id`` and the groups. None where there is no table of customers.
    margins : DataFrame
        ``wave, margin, level, customers``: how many customers of that wave's day each level of each group had.
    rule : Text
        Who counts as a customer on a wave's day.
    """

    groups: tuple[str, ...]
    customers: pd.DataFrame | None = field(repr=False)
    margins: pd.DataFrame = field(repr=False)
    rule: Text


@dataclass(frozen=True, eq=False)
class Survey:
    """All answers of a client, as of one day.

    Parameters
    ----------
    as_of : date
    items : tuple of Item
        In the order of the params file.
    answers : Answers
    waves : Waves
    population : Population
    tables : mapping of str to ibis.Table
        All tables of the client.
    drop_careless : bool
        Whether careless answers are left out of scores.
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
    answers: Answers
    waves: Waves
    population: Population
    tables: Mapping[str, ibis.Table] = field(repr=False)
    drop_careless: bool = True
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
        rows = self.answers.responses
        return frozenset(name for name in META if name in rows and rows[name].notna().any())

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
        declared = {item.id: item for item in self.items}
        if name not in declared:
            raise ParamError(Problem(f"item {name!r}", "is not declared", hint=did_you_mean(name, declared)))
        return declared[name]

    def at(self, wave: str, *, everybody: bool = False) -> pd.DataFrame:
        """The responses of a wave, the groups beside them as ``group:<name>``.

        Careless ones are left out unless `everybody`, or unless the parameters keep them.
        """
        rows = self.answers.responses
        rows = rows[rows["wave"] == wave]
        if self.drop_careless and not everybody:
            rows = rows[~rows["careless"]]
        return rows.join(self.answers.profile.add_prefix("group:"))

    @property
    def current(self) -> pd.DataFrame:
        """:meth:`at` of the wave reported."""
        return self.at(self.waves.reported)
