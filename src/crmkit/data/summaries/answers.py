"""Who was asked, who answered, and which scores did each item get?

Every answer stands beside what is known of the customer, so that scores can be counted by any segment. Scores are as given;
``value`` is turned where an item is asked the other way round, so that more is always better. "Not applicable" is neither a
score nor a missing answer. Only operations that agree on every supported engine are used; every summary is ordered by its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmkit.core.errors import DataError, did_you_mean
from crmkit.core.settings import ItemSettings
from crmkit.data.as_of import known_at
from crmkit.data.sources.engine import to_frame

if TYPE_CHECKING:
    import ibis
    import pandas as pd

OF_RESPONSE = ("customer_id", "wave", "channel", "language", "sent_at", "responded_at", "duration_seconds")


def item_answers(
    surveys: ibis.Table,
    *,
    items: Mapping[str, ItemSettings],
    as_of: dt.date,
    customers: ibis.Table | None = None,
    segments: Sequence[str] = (),
) -> ibis.Table:
    """Which score did each item get from whom?

    Parameters
    ----------
    surveys : ibis.Table
        As opened.
    items : mapping of str to ItemSettings
        ``client.settings.tables["surveys"].items``; items that are not declared are left out.
    as_of : date
        Last day that counts.
    customers : ibis.Table or None
        Where segments come from.
    segments : sequence of str
        Columns of ``customers`` to put beside, as they are at export; empty for who is not known.

    Returns
    -------
    ibis.Table
        One row per response that came and item, ordered: ``response_id``, ``item_id``, ``kind``, ``score`` (as given, empty
        where missing or not applicable), ``value`` (more is better), ``low``, ``high`` (of the scale), ``not_applicable``, what
        there is of ``customer_id, wave, channel, language, sent_at, responded_at, duration_seconds``, and the segments.

    Raises
    ------
    DataError
        For a segment that ``customers`` does not have, or when no item is declared.
    """
    import ibis

    if not items:
        raise DataError("surveys: no item is declared; say what each question is under items, see data/README.md")
    known = [] if customers is None else list(customers.columns)
    missing = [name for name in segments if name not in known]
    if missing:
        raise DataError(f"customers: no column {missing[0]!r}; {did_you_mean(missing[0], known)}")
    rows = responses_that_came(known_at(surveys, name="surveys", day=as_of))
    rows = rows.filter(rows.item_id.isin(sorted(items)))
    low, high = (_of_item(rows, {item: float(one.scale[end]) for item, one in items.items()}) for end in (0, 1))
    score, turned = rows.score.cast("float64"), [item for item, one in items.items() if one.reverse]
    kept = [name for name in OF_RESPONSE if name in rows.columns]
    found = rows.select(
        "response_id",
        "item_id",
        kind=_of_item(rows, {item: one.kind for item, one in items.items()}),
        score=score,
        value=ibis.ifelse(rows.item_id.isin(turned), low + high - score, score) if turned else score,
        low=low,
        high=high,
        not_applicable=rows.not_applicable,
        **{name: rows[name] for name in kept},
    )
    if customers is not None and segments:
        right = customers.select("customer_id", *segments)
        found = found.left_join(right, "customer_id").select(
            *[found[name] for name in found.columns], *[right[name] for name in segments]
        )
    return found.order_by("response_id", "item_id")


def _of_item(rows: Any, values: Mapping[str, Any]) -> Any:
    """What is declared of each item, as a column."""
    import ibis

    return ibis.cases(*((rows.item_id == item, value) for item, value in sorted(values.items())))


def responses_that_came(surveys: ibis.Table) -> ibis.Table:
    """Rows of responses with a date of answer, or, where there are no such dates, with at least one answer."""
    import ibis

    if "responded_at" in surveys.columns:
        return surveys.filter(surveys.responded_at.notnull())
    said = (surveys.score.notnull() | surveys.not_applicable).cast("int64")
    table = surveys.mutate(said=said.sum().over(ibis.window(group_by="response_id")))
    return table.filter(table.said > 0).drop("said")


def response_counts(surveys: ibis.Table, *, as_of: dt.date, by: Sequence[str] = ("wave", "channel")) -> pd.DataFrame:
    """How many were asked, how many answered, and how many answered everything?

    Parameters
    ----------
    surveys : ibis.Table
    as_of : date
        Last day that counts; who has not answered by then has not answered.
    by : sequence of str
        Columns of ``surveys`` that make groups.

    Returns
    -------
    pandas.DataFrame
        ``*by, sent, responded, complete, days_to_response``, ordered: responses sent, those that came, those of them in which
        every item of the questionnaire has a score or does not apply, and the mean days between. Where nobody wrote down who
        was asked, ``sent`` equals ``responded``.
    """
    seen = known_at(surveys, name="surveys", day=as_of)
    said = seen.score.notnull() | seen.not_applicable
    dated = "responded_at" in seen.columns
    waited = seen.responded_at.delta(seen.sent_at, unit="day").max() if dated and "sent_at" in seen.columns else None
    per = seen.group_by(["response_id", *by]).agg(
        items=seen.count(),
        answers=seen.count(where=said),
        came=seen.count(where=seen.responded_at.notnull() if dated else said),
        **({"waited": waited} if waited is not None else {}),
    )
    came = per.came > 0
    counts = {
        "sent": per.count(),
        "responded": per.count(where=came),
        "complete": per.count(where=came & (per.answers == per.items)),
        **({"days_to_response": per.waited.sum(where=came).cast("float64")} if waited is not None else {}),
    }
    frame = to_frame(per.group_by(list(by)).agg(**counts).order_by(list(by)) if by else per.aggregate(**counts))
    if waited is not None:
        frame["days_to_response"] = frame["days_to_response"] / frame["responded"].where(frame["responded"] > 0)
    return frame


def response_matrix(
    answers: ibis.Table, *, items: Sequence[str], column: str = "value", beside: Sequence[str] = ()
) -> pd.DataFrame:
    """What did each response say to each of some items?

    Parameters
    ----------
    answers : ibis.Table
        As made by :func:`item_answers`.
    items : sequence of str
        Items, in the order of the columns.
    column : {"value", "score"}
        Turned so that more is better, or as given.
    beside : sequence of str
        Columns of ``answers`` that are the same in all rows of a response, to put beside.

    Returns
    -------
    pandas.DataFrame
        ``response_id, *beside, *items``, ordered by response; not-a-number where an answer is missing or does not apply.
    """
    cells: dict[str, Any] = {name: answers[name].max() for name in beside}
    cells |= {item: answers[column].max(where=answers.item_id == item) for item in items}
    return to_frame(answers.group_by("response_id").agg(**cells).order_by("response_id"))


def comments(surveys: ibis.Table, *, as_of: dt.date) -> pd.DataFrame:
    """What did people write?

    Returns
    -------
    pandas.DataFrame
        One row per response with a text, ordered: ``response_id``, what there is of ``customer_id, wave, channel, language``,
        ``comment``.
    """
    import pandas as pd

    beside = [name for name in ("customer_id", "wave", "channel", "language") if name in surveys.columns]
    if "comment" not in surveys.columns:
        return pd.DataFrame(columns=["response_id", *beside, "comment"])
    seen = known_at(surveys, name="surveys", day=as_of)
    seen = seen.filter(seen.comment.notnull())
    return to_frame(
        seen.group_by("response_id").agg(**{name: seen[name].max() for name in (*beside, "comment")}).order_by("response_id")
    )
